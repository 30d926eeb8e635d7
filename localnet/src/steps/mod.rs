//! The demonstration, step by step. Each step looks at the chain first, so that a run that was broken off
//! at any point goes on where it stopped, and nothing is sent twice.

mod canary;
mod datasets;
mod dishonest;
mod disputes;
mod model;
mod nodes;
mod offer;
mod settle;
mod stay;
mod training;
mod workers;

use crate::{
	chronicle::{Chronicle, Scribe},
	config::{self, MODEL},
	corpus::Files,
	endpoint::Endpoint,
	layout::{
		write_atomically, Member, ACCOMPLICE, ADVERSARY, AUDITOR, CURATOR, EVALUATOR, PLANTER, SERVER,
		TRAINER, VALIDATOR,
	},
	localnet::Localnet,
	observe,
	record::{self, Names},
	summary::{Expected, Submission, Summary},
};
use anyhow::{Context, Result};
use blyan_chain_client::{Call, Chain, KeyFile, Signer, Wait};
use blyan_primitives::{
	dag::{Component, SubmissionId},
	economy::BLY,
	merkle,
	worker::{Role, Roles},
	Balance,
};
use std::sync::Arc;

/// A chain that is up, and what is known of it.
pub struct Scene {
	chain: Arc<dyn Chain>,
	chronicle: Arc<Chronicle>,
	names: Names,
	/// Writes the chronicle for as long as it lives.
	_scribe: Scribe,
}

/// Starts the network, shows what is to be shown unless an earlier run did, and stays up unless told
/// otherwise. Returns whether all came out as told.
///
/// # Errors
/// What kept a step from being done.
pub async fn run(local: &mut Localnet) -> Result<bool> {
	// First, because it needs no chain: a text that will not do is refused at once.
	let files = model::import(local).await?;
	let chain = nodes::start(local).await?;
	config::write_all(&local.layout, &local.ports, &format!("{:?}", chain.genesis_hash()))?;
	// Within this program, for no worker lies. It stays as long as the network.
	let accomplice = disputes::Accomplice::start(local)?;
	let summary = match stored_summary(local)? {
		Some(summary) => resume(local, &chain, files, summary).await?,
		None => demonstrate(local, &chain, &accomplice, files).await?,
	};
	local.ui.print(&format!("\n{}", summary.table()));
	if let Some(path) = &local.cli.summary {
		write_atomically(path, &serde_json::to_vec_pretty(&summary)?)?;
	}
	local.verdict = Some(summary.passed);
	if !local.cli.once {
		stay::stay(local, &chain).await?;
	}
	Ok(summary.passed)
}

/// The summary of a demonstration on this chain that came out as told.
fn stored_summary(local: &Localnet) -> Result<Option<Summary>> {
	let path = local.layout.summary();
	match std::fs::read(&path) {
		Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
			format!("{} is damaged; remove it, and the chain is looked at anew", path.display())
		}),
		Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
		Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
	}
}

/// Everything, from the model to the answers.
async fn demonstrate(
	local: &mut Localnet,
	chain: &Arc<dyn Chain>,
	accomplice: &disputes::Accomplice,
	files: Files,
) -> Result<Summary> {
	let scene = Scene::set(local, chain).await?;
	nodes::first_block(local, &scene).await?;
	// Workers need no model to register: their waiting for finality overlaps with that of the model.
	workers::start(local)?;
	let data = datasets::Data::new(local, files)?;
	data.start(local, &*scene.chain).await?;
	let adversary = dishonest::Adversary::new(local).await?;
	// The data is audited and voted on while the model is registered. The trainer waits for it.
	let registration = async {
		model::register(local).await?;
		let training = training::start(local)?;
		workers::await_registration(local, &scene).await?;
		Ok(training)
	};
	let (approval, mut training, ()) =
		tokio::try_join!(data.approve(&scene), registration, adversary.register(&scene))?;
	local.steps.push(approval);
	let first = training.follow(local, &scene, 0, "all components");
	let (all_components, refusals) = tokio::try_join!(first, data.refuse(&scene))?;
	local.steps.push(refusals);
	let mut rounds = vec![(all_components, "all components", Expected::Accepted)];
	let layout = local.layout.clone();
	let (one_expert, ()) = tokio::try_join!(
		training.follow(local, &scene, 1, "one expert"),
		canary::enter_lottery(&layout, &scene, 2)
	)?;
	rounds.push((one_expert, "one expert", Expected::Accepted));
	rounds.extend(dishonest::submit(local, &scene, &adversary, accomplice).await?);
	let planted = canary::await_verdict(local, &scene).await?;
	rounds.push((planted, canary::LABEL, Expected::RefusedAsCanary));
	let seconds_to_last_verdict = local.ui.elapsed().as_secs_f64();
	let mut submissions = Vec::new();
	for (round, label, expected) in rounds {
		submissions.push(scene.submission(round, label, expected).await?);
	}
	settle::wait_for_payments(local, &scene, &submissions).await?;
	let answers = settle::ask_endpoint(local, chain).await?;
	let accepted = submissions.iter().filter(|submission| submission.verdict == "accepted").count();
	let (datasets, lineage) = data.outcome(local, &scene, accepted as u32).await?;

	let labels: Vec<(SubmissionId, String)> =
		submissions.iter().map(|submission| (submission.round, submission.label.clone())).collect();
	let disputes = scene.chronicle.read(|entries| record::disputes(entries, &labels, &scene.names));
	let model = chain.model(MODEL).await?.context("the model is gone from the chain")?;
	let times = scene.chronicle.times();
	let summary = Summary {
		passed: false,
		problems: Vec::new(),
		genesis_hash: format!("{:?}", chain.genesis_hash()),
		model_name: String::from_utf8_lossy(&model.name).into_owned(),
		version: model.version.to_string(),
		generation: model.generation,
		version_root: model.root.map(|root| format!("{root:?}")).unwrap_or_default(),
		submissions,
		disputes,
		canary: scene.chronicle.read(|entries| record::canary(entries, planted, &scene.names)),
		datasets,
		lineage,
		payments: scene.chronicle.read(|entries| record::payments(entries, &scene.names)),
		answers,
		block_seconds_median: observe::block_seconds_median(&times),
		finality_lag_seconds_median: observe::finality_lag_seconds_median(&times),
		blocks_observed: times.len() as u64,
		steps: local.steps.clone(),
		seconds_to_last_verdict,
		seconds_total: local.ui.elapsed().as_secs_f64(),
	}
	.judge();
	// What did not come out as told is looked at anew by the next run: it may only have been late.
	if summary.passed {
		write_atomically(&local.layout.summary(), &serde_json::to_vec_pretty(&summary)?)?;
	}
	Ok(summary)
}

/// Starts the workers of a network that has shown everything before.
async fn resume(
	local: &mut Localnet,
	chain: &Arc<dyn Chain>,
	files: Files,
	summary: Summary,
) -> Result<Summary> {
	workers::start(local)?;
	datasets::Data::new(local, files)?.start(local, &**chain).await?;
	local.start_worker(TRAINER, "train")?;
	let answers = settle::ask_endpoint(local, chain).await?;
	let model = chain.model(MODEL).await?.context("the model is gone from the chain")?;
	local.ui.print(&format!(
		"continued at block {}; the demonstration of the first run, with today's answers:",
		chain.finalized_head().await?.number
	));
	Ok(Summary {
		version: model.version.to_string(),
		generation: model.generation,
		version_root: model.root.map(|root| format!("{root:?}")).unwrap_or_default(),
		answers,
		..summary
	}
	.judge())
}

impl Scene {
	/// Opens the chronicle. The workers' keys must have been written.
	async fn set(local: &Localnet, chain: &Arc<dyn Chain>) -> Result<Self> {
		let mut names = Names::default();
		for member in EVALUATOR
			.into_iter()
			.chain(AUDITOR)
			.chain([TRAINER, SERVER, ADVERSARY, ACCOMPLICE, PLANTER, VALIDATOR, CURATOR])
		{
			let signer = KeyFile::new(config::key_file(&local.layout, member)).load()?;
			names.0.push((signer.account().clone(), member.name));
		}
		let (chronicle, scribe) = Chronicle::follow(chain).await?;
		Ok(Self { chain: chain.clone(), chronicle, names, _scribe: scribe })
	}

	/// What a closed round came to, with the heads that it moved.
	async fn submission(&self, round: SubmissionId, label: &str, expected: Expected) -> Result<Submission> {
		let info = self
			.chain
			.round(round)
			.await?
			.with_context(|| format!("round {round} is gone from the chain"))?;
		let generation = self.chronicle.read(|entries| record::released_generation(entries, round));
		let moved = match generation {
			None => Vec::new(),
			Some(generation) => {
				let before = self.chain.manifest(MODEL, generation.checked_sub(1)).await?;
				let after = self.chain.manifest(MODEL, Some(generation)).await?;
				let is_new = |component, block| {
					!before.iter().any(|entry| entry.component == component && entry.block == block)
				};
				after
					.iter()
					.filter(|entry| is_new(entry.component, entry.block))
					.map(|entry| entry.component)
					.collect()
			}
		};
		self.chronicle
			.read(|entries| {
				record::submission(
					entries,
					round,
					label,
					expected,
					sorted(info.components),
					sorted(moved),
					&self.names,
				)
			})
			.with_context(|| format!("round {round} is still open"))
	}
}

/// Components by their order in a model, for people.
fn sorted(mut components: Vec<Component>) -> Vec<String> {
	components.sort_unstable();
	components.iter().map(ToString::to_string).collect()
}

/// Registers a member by its key, as of that address, unless it is. Nobody is asked who they are: the chain takes
/// anyone who bonds.
///
/// # Errors
/// The chain refuses.
async fn register(
	chain: &dyn Chain,
	signer: &Signer,
	member: Member,
	role: Role,
	address: &str,
) -> Result<()> {
	let account = signer.account();
	let endpoint = address.as_bytes().to_vec().try_into().ok().context("the address fits the bound")?;
	let call = match chain.worker(account).await? {
		Some(worker) if worker.endpoint == address.as_bytes() => return Ok(()),
		Some(_) => Call::UpdateEndpoint { endpoint },
		None => Call::RegisterWorker {
			roles: Roles::default().with(role),
			machine: merkle::leaf(0, &member.name),
			session_key: *account.as_ref(),
			endpoint,
			bond: Balance::from(config::WORKER_BOND_BLY).saturating_mul(BLY),
		},
	};
	chain.submit(signer, call, Wait::InBlock).await?;
	Ok(())
}

/// The endpoint of the network.
fn endpoint(local: &Localnet) -> Result<Endpoint> {
	Endpoint::new(local.ports.api_url())
}
