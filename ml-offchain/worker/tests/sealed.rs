//! Rounds that are judged by sealed shards, with real weights, stores and keys, on a chain in memory.

mod common;

use blyan_chain_client::{Call, Wait};
use blyan_primitives::{
	api::{RoundInfo, RoundPhase},
	architecture::{Architecture, ExpertCount},
	dag::{Block, NewBlock, NewBlocks, SubmissionId},
	learning::{Gate, RejectReason, Verdict},
	sealed::{LotId, LotState, NewLot, SealedTerms},
	submission::Envelope,
	worker::Role,
	AccountId, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	components::Selection,
	config::{Config, JobConfig},
	evaluator, exchange,
	import_text::{import_text, Division, ImportedText},
	progress::{ProgressMode, Reporter},
	register_model::{register_model, FirstWeights, Registration},
	seal::{seal, Sealing},
	trainer,
	worker::{Connection, Worker},
};
use common::{config, TestChain};
use rand::{rngs::StdRng, Rng, SeedableRng};
use std::{fs, path::Path, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SHARD_BYTES: u32 = 32;
const SHARDS_PER_LOT: u32 = 8;
const EVALUATORS: [&str; 3] = ["Dave", "Eve", "Ferdie"];
/// Whose worker serves and opens the lots.
const SEALER: &str = "Dave";

/// Letters of which each depends on the one before, and on chance: what can be learned of it is true of every such text,
/// and the rest can only be learned by heart.
fn text(seed: u64, bytes: usize) -> String {
	let mut random = StdRng::seed_from_u64(seed);
	let mut last = 0u8;
	let letter = |_| {
		last = if random.gen_bool(0.5) { (last + 1) % 8 } else { random.gen_range(0..8) };
		char::from(b'a' + last)
	};
	(0..bytes).map(letter).collect()
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
	fs::create_dir_all(folder).unwrap();
	let path = folder.join(name);
	fs::write(&path, text).unwrap();
	path
}

fn job(steps: u32) -> JobConfig {
	JobConfig {
		components: Selection::All,
		steps,
		batch: 16,
		sequence: 16,
		learning_rate: 1e-2,
		warmup: 5,
		..JobConfig::default()
	}
}

struct Stage {
	folder: tempfile::TempDir,
	chain: TestChain,
	trainer: Config,
	owner: Connection,
	imported: ImportedText,
	workers: Vec<(JoinHandle<()>, CancellationToken)>,
	/// Serve what was trained, whether anybody trains or not.
	gateways: Vec<exchange::Gateway>,
	_ticker: common::Ticker,
}

impl Stage {
	/// A model with a small pool, and evaluators.
	async fn new() -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = TestChain::new();
		let ticker = chain.run();
		let owner = chain.connection("Trainer");
		let trainer = config(folder.path(), "trainer");
		let path = write(&trainer.data_dir, "text", &text(1, 60_000));
		let store = Store::open(trainer.store_dir()).unwrap();
		let division = Division { shard_bytes: SHARD_BYTES, shards_per_domain: 8, domains: 2 };
		let imported = import_text(&path, &store, &trainer.store_dir(), division, |_, _| {}).unwrap();
		let registration = Registration {
			name: "tiny".into(),
			architecture: Architecture::byte_level(
				1,
				ExpertCount { min: 2, current: 2, max: 4 },
				1,
				32,
				64,
				2,
				16,
			),
			pool: (&imported.pool).try_into().unwrap(),
			gate: Gate { shards_per_domain: 8, ..common::gate() },
			referee: Hash::repeat_byte(4),
			weights: FirstWeights::Seed(1),
		};
		register_model(&trainer, &owner, &registration).await.unwrap();
		let mut stage = Self {
			folder,
			chain,
			trainer,
			owner,
			imported,
			workers: Vec::new(),
			gateways: Vec::new(),
			_ticker: ticker,
		};
		stage.serve("trainer").await;
		for name in EVALUATORS {
			stage.workers.push(stage.evaluator(name).await);
		}
		stage
	}

	/// Serves the store of a trainer in that folder.
	async fn serve(&mut self, name: &str) {
		let store = Store::open(config(self.folder.path(), name).store_dir()).unwrap();
		let gateway = exchange::start_gateway(store, ([127, 0, 0, 1], 0).into()).await.unwrap();
		let seeder = common::signer(&format!("Seeder of {name}"));
		let endpoint = format!("http://{}", gateway.address());
		common::register_bare(&self.chain, seeder.account(), &endpoint);
		self.gateways.push(gateway);
	}

	async fn evaluator(&self, name: &str) -> (JoinHandle<()>, CancellationToken) {
		let shutdown = CancellationToken::new();
		let config = config(self.folder.path(), name);
		let worker = Worker::start(config, self.chain.connection(name), Role::Evaluator).await.unwrap();
		let stop = shutdown.clone();
		(tokio::spawn(async move { evaluator::run(worker, stop).await.unwrap() }), shutdown)
	}

	async fn set_terms(&self, lots: u32) {
		let terms = SealedTerms { lots, shards_per_lot: SHARDS_PER_LOT };
		let call = Call::SetSealedTerms { model: 0, terms };
		self.owner.chain.submit(&self.owner.signer, call, Wait::Finalized).await.unwrap();
	}

	async fn seal(&self, lots: u32, text_seed: u64) -> Vec<LotId> {
		let config = config(self.folder.path(), SEALER);
		let path = write(self.folder.path(), "sealed", &text(text_seed, 20_000));
		let sealing =
			Sealing { text: path, model: 0, lots, shards: Some(SHARDS_PER_LOT), domain: Default::default() };
		seal(&config, &self.chain.connection(SEALER), &sealing).await.unwrap()
	}

	/// Trains every component on that text, in a folder of that name, and waits for the verdict.
	async fn train(&self, name: &str, text: &str, steps: u32) {
		let mut config = config(self.folder.path(), name);
		config.train.text = text.into();
		config.train.jobs = vec![job(steps)];
		let worker = Worker::start(config, self.owner.clone(), Role::Trainer).await.unwrap();
		let reporter = Arc::new(Reporter::new(ProgressMode::None));
		trainer::run(worker, true, reporter, CancellationToken::new()).await.unwrap();
	}

	/// Submits the blocks of a round once more, which are others only by their record of training.
	async fn submit_again(&self, round: SubmissionId) -> SubmissionId {
		let again = self.chain.fake.edit(|state| {
			let blocks = state.rounds[&round].blocks.iter().map(|id| {
				let Block { component, kind, parents, content, bytes, format, .. } =
					state.blocks[id].block.clone();
				let manifest_hash = Hash::repeat_byte(0xaa);
				NewBlock { component, kind, parents, content, bytes, format, manifest_hash }
			});
			NewBlocks::truncate_from(blocks.collect())
		});
		let next = self.chain.fake.edit(|state| state.rounds.len() as SubmissionId);
		let call = Call::SubmitBlocks { model: 0, blocks: again, envelope: Envelope::default() };
		self.owner.chain.submit(&self.owner.signer, call, Wait::Finalized).await.unwrap();
		next
	}

	fn lot(&self, lot: LotId) -> Option<LotState<u32>> {
		self.chain.fake.edit(|state| state.lots.get(&lot).map(|info| info.state))
	}

	async fn stop(self) {
		for (task, shutdown) in self.workers {
			shutdown.cancel();
			task.await.unwrap();
		}
	}
}

fn is_accepted(round: &RoundInfo<AccountId>) -> bool {
	round.phase == RoundPhase::Closed(Verdict::Accepted)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fitted_to_the_pool_should_be_refused_when_rounds_have_sealed_shards() {
	let mut stage = Stage::new().await;
	let lots = stage.seal(4, 2).await;
	stage.set_terms(2).await;

	// What is true of every such text passes: lots 0 and 1 are opened for it.
	stage.train("trainer", &stage.imported.text.content.to_string(), 120).await;
	let honest = stage.chain.verdict(0).await;
	assert!(is_accepted(&honest), "{:?}", honest.medians);
	assert_eq!(honest.medians.unwrap().domain_gains.len(), 3, "two public domains, and the sealed one");
	assert!(matches!(stage.lot(lots[0]), Some(LotState::Retired { round: 0, .. })));

	// The pool learned by heart does not, however much better it is on the pool.
	let pool = Store::open(stage.trainer.store_dir()).unwrap().path(&stage.imported.pool.content);
	let pool = write(stage.folder.path(), "pool", &fs::read_to_string(pool).unwrap());
	stage.train("fitter", pool.to_str().unwrap(), 500).await;
	let fitted = stage.chain.verdict(1).await;
	let medians = fitted.medians.clone().unwrap();
	println!("fitted to the pool, judged by sealed shards: {medians:?}");
	assert_eq!(fitted.phase, RoundPhase::Closed(Verdict::Rejected(RejectReason::NoGain)), "{medians:?}");
	assert!(medians.domain_gains[..2].iter().all(|gain| *gain > 50_000_000), "{medians:?}");
	assert_eq!(medians.domain_gains[2], medians.gain);
	assert!(matches!(stage.lot(lots[2]), Some(LotState::Retired { round: 1, .. })), "others than before");

	// Judged by the pool alone, the very same weights become head.
	stage.set_terms(0).await;
	stage.serve("fitter").await;
	let again = stage.submit_again(1).await;
	let public = stage.chain.verdict(again).await;
	println!("the same, judged by the pool: {:?}", public.medians);
	assert!(is_accepted(&public), "{:?}", public.medians);
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_that_is_not_what_was_promised_should_cost_nobody_but_its_sealer() {
	let stage = Stage::new().await;
	let lots = stage.seal(2, 2).await;
	// The first is said to be another text than it is.
	stage.chain.fake.edit(|state| {
		let lot = &mut state.lots.get_mut(&lots[0]).unwrap().lot;
		*lot = NewLot { root: Hash::repeat_byte(1), ..lot.clone() };
	});
	stage.set_terms(1).await;
	stage.train("trainer", &stage.imported.text.content.to_string(), 120).await;
	let round = stage.chain.verdict(0).await;
	assert!(is_accepted(&round), "{:?}", round.medians);
	assert_eq!((round.attempt, stage.lot(lots[0])), (1, None), "begun anew, and the lot void");
	assert!(matches!(stage.lot(lots[1]), Some(LotState::Retired { .. })));
	stage.stop().await;
}
