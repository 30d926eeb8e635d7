//! Three submissions that are made in order to be refused.

use super::{
	disputes::{contest_the_honest, Accomplice},
	register, training, Scene,
};
use crate::{
	adversary::{forge, whole_weights, Forgery},
	config::{gateway, key_file, ARCHITECTURE, IMPROVED_EXPERT, MODEL},
	layout::ADVERSARY,
	localnet::{within, Localnet},
	record,
	summary::Expected,
};
use anyhow::{Context, Result};
use blyan_chain_client::{Call, KeyFile, Signer, Wait};
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::{
	dag::{Block, BlockId, SubmissionId},
	submission::Envelope,
	worker::Role,
	BlockNumber,
};
use blyan_store::{exchange_router, Store};
use blyan_worker::{
	content::Content,
	work::{envelope, Subject},
	worker::random_hash,
};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// How long a submission may take to be in a finalized block.
const SUBMISSION: Duration = Duration::from_secs(120);

/// Someone with an account, a bond, and content to serve, like any trainer.
pub struct Adversary {
	signer: Signer,
	store: Store,
	/// Where the content is served.
	address: String,
	exchange: JoinHandle<()>,
}

impl Drop for Adversary {
	fn drop(&mut self) {
		self.exchange.abort();
	}
}

impl Adversary {
	/// Opens its store, and serves it for as long as it lives.
	///
	/// # Errors
	/// The store or the port cannot be opened.
	pub async fn new(local: &Localnet) -> Result<Self> {
		let signer = KeyFile::new(key_file(&local.layout, ADVERSARY)).load()?;
		let folder = local.layout.store(ADVERSARY);
		let store = tokio::task::spawn_blocking(move || Store::open(folder)).await??;
		let port = local.ports.adversary;
		let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
			format!("port {port}, where the adversary's content is served, was taken meanwhile")
		})?;
		let served = store.clone();
		let exchange = tokio::spawn(async move {
			// Should it end early, the forgeries are merely unfetchable, which the verdicts show.
			let _ = axum::serve(listener, exchange_router(served)).await;
		});
		Ok(Self { signer, store, address: gateway(port), exchange })
	}

	/// Registers as a trainer.
	///
	/// # Errors
	/// The chain refuses.
	pub async fn register(&self, scene: &Scene) -> Result<()> {
		register(&*scene.chain, &self.signer, ADVERSARY, Role::Trainer, &self.address).await
	}

	/// Who it signs as.
	pub fn signer(&self) -> &Signer {
		&self.signer
	}

	/// The block of a forgery.
	fn block_of(&self, forgery: &Forgery, head: BlockId) -> Result<BlockId> {
		let new = forgery.block(IMPROVED_EXPERT, head)?;
		Ok(Block::from_new(MODEL, self.signer.account().clone(), new).id())
	}

	/// Submits a forgery unless an earlier run did. Returns its block. `anchor` is the block that the proof of work
	/// before was made for.
	async fn send(
		&self,
		scene: &Scene,
		forgery: &Forgery,
		head: BlockId,
		anchor: &mut Option<BlockNumber>,
	) -> Result<BlockId> {
		let new = forgery.block(IMPROVED_EXPERT, head)?;
		if forgery.is_served {
			let (store, bytes) = (self.store.clone(), forgery.bytes.clone());
			tokio::task::spawn_blocking(move || store.put_bytes(&bytes)).await??;
		}
		let block = self.block_of(forgery, head)?;
		if scene.chain.block(block).await?.is_none() {
			let subject = Subject {
				account: self.signer.account().clone(),
				model: MODEL,
				blocks: vec![block],
				seal: random_hash(),
			};
			let envelope = envelope_after(scene, &subject, *anchor).await?;
			*anchor = Some(envelope.anchor);
			let blocks = vec![new].try_into().ok().context("one block is within the bound")?;
			scene
				.chain
				.submit(&self.signer, Call::SubmitBlocks { model: MODEL, blocks, envelope }, Wait::InBlock)
				.await?;
		}
		Ok(block)
	}
}

/// An envelope whose work is for a later block than the one before: the chain takes no block twice. What is final yet
/// does not show the one before.
async fn envelope_after(scene: &Scene, subject: &Subject, before: Option<BlockNumber>) -> Result<Envelope> {
	let stop = CancellationToken::new();
	let made = scene.chronicle.newest_above(before.unwrap_or_default());
	within(SUBMISSION, "no later block became final", made).await?;
	let envelope = envelope(&*scene.chain, subject, 0, &stop, |_| ()).await?;
	envelope.context("nobody stops it")
}

/// Submits all three, and waits for their verdicts. Returns their rounds. The accomplice praises the first, and
/// an honest evaluator of the second is contested meanwhile.
///
/// # Errors
/// The chain refuses to take them, or gives no verdict in time.
pub async fn submit(
	local: &mut Localnet,
	scene: &Scene,
	adversary: &Adversary,
	accomplice: &Accomplice,
) -> Result<Vec<(SubmissionId, &'static str, Expected)>> {
	let step = local.ui.step("dishonest submissions");
	let (head, content) = improved_head(scene, adversary).await?;
	let forgeries =
		tokio::task::spawn_blocking(move || forge(&ARCHITECTURE, IMPROVED_EXPERT, &content)).await??;
	let [noisy, copy, _] = &forgeries;
	accomplice.praise(adversary.block_of(noisy, head)?);
	let contested = adversary.block_of(copy, head)?;
	let (mut sent, mut anchor) = (Vec::new(), None);
	for forgery in &forgeries {
		let block = adversary.send(scene, forgery, head, &mut anchor).await;
		sent.push(block.with_context(|| format!("submitting: {}", forgery.label))?);
	}
	let all_received = scene.chronicle.wait_for(|entries| {
		let missing = sent.iter().filter(|block| record::latest_round(entries, &[**block]).is_none()).count();
		step.note(format!("{missing} are not final yet"));
		(missing == 0).then_some(())
	});
	within(SUBMISSION, "the dishonest submissions were not received", all_received).await?;
	local.done(step, "dishonest submissions", "3 made, each under a bond");

	let verdicts = async {
		let mut rounds = Vec::new();
		for (block, forgery) in sent.iter().zip(&forgeries) {
			let round =
				training::await_verdict(local, scene, &[*block], forgery.label, forgery.expected).await?;
			rounds.push((round, forgery.label, forgery.expected));
		}
		Ok(rounds)
	};
	// A round that is contested has its verdict after the dispute.
	let (rounds, ()) = tokio::try_join!(verdicts, contest_the_honest(scene, adversary, contested))?;
	Ok(rounds)
}

/// The head of the expert that the second job improved, with its whole weights.
async fn improved_head(scene: &Scene, adversary: &Adversary) -> Result<(BlockId, Vec<u8>)> {
	let manifest = scene.chain.manifest(MODEL, None).await?;
	let entry = manifest
		.into_iter()
		.find(|entry| entry.component == IMPROVED_EXPERT)
		.with_context(|| format!("the model has no head of {IMPROVED_EXPERT}"))?;
	let config = NetworkConfig::default();
	let network = Network::start(adversary.store.clone(), Identity::ephemeral(), config).await?;
	let content = Content::new(network, scene.chain.clone(), adversary.signer.account().clone());
	let weights = whole_weights(&*scene.chain, &content, entry.block).await;
	Ok((entry.block, weights.with_context(|| format!("the head of {IMPROVED_EXPERT}"))?))
}
