//! Whole rounds in one process: real stores, models and exchanges on a chain in memory.

mod common;

use blyan_chain_client::{fake::Fault, Call, Wait};
use blyan_model::Weights;
use blyan_primitives::{
	api::{BlockStanding, RoundPhase},
	dag::{BlockIds, BlockKind, Component, ContentFormat, NewBlock, NewBlocks, SubmissionId},
	learning::{Finding, Purpose, RejectReason, Verdict},
	migration::Migration,
	submission::Envelope,
	worker::Role,
	Hash,
};
use blyan_store::Store;
use blyan_worker::{
	components::Selection,
	config::{Config, JobConfig, SubmitAs},
	evaluator, exchange,
	heads::{load_verified, HeadsError},
	progress::{ProgressMode, Reporter},
	register_model::{register_model, FirstWeights, RegisterModelError, Registered, Registration},
	trainer::{self, TrainError},
	worker::{Connection, Worker},
};
use common::{config, content, import, register_bare, registration, signer, TestChain};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EXPERT: Component = Component::Expert { layer: 0, index: 1 };

fn job(components: Selection, steps: u32) -> JobConfig {
	JobConfig {
		components,
		steps,
		batch: 8,
		sequence: 16,
		learning_rate: 1e-2,
		warmup: 5,
		..JobConfig::default()
	}
}

/// A chain with a model, whose owner is the trainer.
struct Stage {
	folder: tempfile::TempDir,
	chain: TestChain,
	trainer: Config,
	owner: Connection,
	registered: Registered,
	_ticker: common::Ticker,
}

impl Stage {
	async fn new(jobs: Vec<JobConfig>) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = TestChain::new();
		let ticker = chain.run();
		let owner = chain.connection("Trainer");
		let mut trainer = config(folder.path(), "trainer");
		let imported = import(&trainer);
		trainer.train.text = imported.text.content.to_string();
		trainer.train.jobs = jobs;
		let registered = register_model(&trainer, &owner, &registration(&imported)).await.unwrap();
		Self { folder, chain, trainer, owner, registered, _ticker: ticker }
	}

	async fn evaluator(&self, name: &str) -> (JoinHandle<()>, CancellationToken) {
		let shutdown = CancellationToken::new();
		let config = config(self.folder.path(), name);
		let worker = Worker::start(config, self.chain.connection(name), Role::Evaluator).await.unwrap();
		let stop = shutdown.clone();
		(tokio::spawn(async move { evaluator::run(worker, stop).await.unwrap() }), shutdown)
	}

	async fn train_once(&self) {
		let worker = Worker::start(self.trainer.clone(), self.owner.clone(), Role::Trainer).await.unwrap();
		let reporter = Arc::new(Reporter::new(ProgressMode::None));
		trainer::run(worker, true, reporter, CancellationToken::new()).await.unwrap();
	}

	fn store(&self) -> Store {
		Store::open(self.trainer.store_dir()).unwrap()
	}

	/// The heads as an evaluator would load them.
	async fn heads(&self) -> blyan_worker::heads::Heads {
		let content = content(self.store(), &self.owner).await;
		load_verified(&*self.owner.chain, &content, 0, None, None, Duration::from_secs(5)).await.unwrap()
	}

	/// Serves the owner's store.
	async fn serve_owner(&self) -> exchange::Gateway {
		let exchange = exchange::start_gateway(self.store(), ([127, 0, 0, 1], 0).into()).await.unwrap();
		register_bare(&self.chain, self.owner.account(), &format!("http://{}", exchange.address()));
		exchange
	}

	/// Submits a component's content in the name of `connection`.
	async fn submit(
		&self,
		connection: &Connection,
		content: blyan_store::Stored,
		kind: BlockKind,
	) -> SubmissionId {
		let parent = self.heads().await.block_of(EXPERT).unwrap();
		let block = NewBlock {
			component: EXPERT,
			kind,
			parents: vec![parent].try_into().unwrap(),
			content: content.cid,
			bytes: content.bytes,
			format: ContentFormat::TensorBlock,
			manifest_hash: Hash::zero(),
		};
		let round = self.chain.fake.edit(|state| state.rounds.len() as SubmissionId);
		let blocks: NewBlocks = vec![block].try_into().unwrap();
		let call = Call::SubmitBlocks { model: 0, blocks, envelope: Envelope::default() };
		connection.chain.submit(&connection.signer, call, Wait::Finalized).await.unwrap();
		round
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_should_be_measured_for_what_they_give_and_compacted() {
	let expert = || Selection::Some(vec![EXPERT]);
	let delta = || JobConfig { submit_as: SubmitAs::Deltas, ..job(expert(), 40) };
	let compact = JobConfig { submit_as: SubmitAs::Snapshots, ..job(Selection::All, 1) };
	let stage = Stage::new(vec![job(Selection::All, 60), delta(), delta(), compact]).await;
	let mut evaluators = Vec::new();
	for name in ["Dave", "Eve", "Ferdie"] {
		evaluators.push(stage.evaluator(name).await);
	}
	stage.train_once().await;

	let kinds = |round| {
		let blocks = stage.chain.round(round).unwrap().blocks;
		stage.chain.fake.edit(|state| {
			let of = |id| state.blocks[id].clone();
			blocks.iter().map(of).map(|info| (info.block.kind, info.deltas.length)).collect::<Vec<_>>()
		})
	};
	let accepted = RoundPhase::Closed(Verdict::Accepted);
	assert_eq!(kinds(1), [(BlockKind::Delta, 1)]);
	assert_eq!(stage.chain.round(1).unwrap().phase, accepted, "{:?}", stage.chain.round(1).unwrap().medians);
	assert_eq!(kinds(2)[0].0, BlockKind::Delta);
	assert_eq!(kinds(3), [(BlockKind::Snapshot, 0)]);
	assert_eq!(stage.chain.round(3).unwrap().phase, accepted);
	// What an evaluator reads of the snapshot is what it read of the chain before.
	let heads = stage.heads().await;
	let entry = heads.manifest.iter().find(|entry| entry.component == EXPERT).unwrap();
	assert_eq!(entry.deltas, 0);
	let snapshot = stage.store().read_verified(&entry.content, entry.bytes).unwrap();
	assert_eq!(heads.weights.component_bytes(EXPERT).unwrap(), snapshot);
	for (task, stop) in evaluators {
		stop.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_should_be_made_measured_and_worked_with() {
	let migrate = |migration, steps| JobConfig { migration: Some(migration), ..job(Selection::All, steps) };
	let (widen, add) = (Migration::WidenFfn { d_ff: 24 }, Migration::AddExperts { count: 1 });
	let remove = Migration::RemoveExpert { index: 0 };
	let jobs = vec![
		job(Selection::All, 60),
		migrate(widen, 0),
		migrate(add, 20),
		job(Selection::All, 20),
		migrate(remove, 0),
	];
	let mut stage = Stage::new(jobs.clone()).await;
	let mut evaluators = Vec::new();
	for name in ["Dave", "Eve", "Ferdie"] {
		evaluators.push(stage.evaluator(name).await);
	}
	let before = stage.heads().await.info.architecture;
	// A worker per migration: the owner wants one at a time.
	let mut last_expert = None;
	for (jobs, wanted) in
		[(&jobs[..1], None), (&jobs[..2], Some(widen)), (&jobs[..4], Some(add)), (&jobs[..], Some(remove))]
	{
		if let Some(migration) = wanted {
			let call = Call::ProposeMigration { model: 0, migration };
			stage.owner.chain.submit(&stage.owner.signer, call, Wait::Finalized).await.unwrap();
		}
		let experts = before.experts.current;
		last_expert = stage.heads().await.block_of(Component::Expert { layer: 0, index: experts });
		stage.trainer.train.jobs = jobs.to_vec();
		stage.train_once().await;
	}
	let round = |id| stage.chain.round(id).unwrap();
	let accepted = RoundPhase::Closed(Verdict::Accepted);
	assert_eq!((round(1).purpose, round(1).phase), (Purpose::Migration(widen), accepted));
	let preserved = round(1).medians.unwrap();
	assert!(preserved.gain.abs() < 1_000, "{preserved:?}: it computes the same function");
	assert_eq!((round(2).purpose, round(2).phase), (Purpose::Migration(add), accepted));
	assert!(matches!(round(3).phase, RoundPhase::Closed(_)), "the new architecture trains on");
	assert_eq!(round(3).components.len(), round(0).components.len() + 1);
	assert_eq!(round(4).purpose, Purpose::Migration(remove));
	let moved = round(4).blocks.into_iter().find_map(|id| {
		let block = stage.chain.fake.edit(|state| state.blocks[&id].block.clone());
		(block.component == Component::Expert { layer: 0, index: 0 }).then_some(block)
	});
	assert!(last_expert.is_some());
	assert_eq!(moved.unwrap().parents.first().copied(), last_expert, "the last one takes the place");
	let after = stage.heads().await.info.architecture;
	assert_eq!(after.d_ff, 24);
	for (task, stop) in evaluators {
		stop.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_that_is_no_replay_should_be_found_malformed() {
	let delta = JobConfig { submit_as: SubmitAs::Deltas, ..job(Selection::Some(vec![EXPERT]), 40) };
	let stage = Stage::new(vec![job(Selection::All, 60), delta]).await;
	let mut evaluators = Vec::new();
	for name in ["Dave", "Eve", "Ferdie"] {
		evaluators.push(stage.evaluator(name).await);
	}
	stage.train_once().await;
	let heads = stage.heads().await;
	assert!(heads.manifest.iter().any(|entry| entry.deltas == 1));
	// One bit of one weight is other than the replay.
	let mut weights = heads.weights.clone();
	let weight = &mut weights.component_mut(EXPERT).unwrap()[7];
	*weight = f32::from_bits(weight.to_bits() ^ 1);
	let content = stage.store().put_bytes(&weights.component_bytes(EXPERT).unwrap()).unwrap();
	let _serving = stage.serve_owner().await;
	let round = stage.submit(&stage.owner, content, BlockKind::Snapshot).await;
	let closed = stage.chain.verdict(round).await;
	assert_eq!(closed.phase, RoundPhase::Closed(Verdict::Rejected(RejectReason::Malformed)));
	for (task, stop) in evaluators {
		stop.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_should_bring_back_a_delta_that_was_better() {
	let delta = JobConfig { submit_as: SubmitAs::Deltas, ..job(Selection::Some(vec![EXPERT]), 40) };
	let stage = Stage::new(vec![job(Selection::All, 60), delta]).await;
	let mut evaluators = Vec::new();
	for name in ["Dave", "Eve", "Ferdie"] {
		evaluators.push(stage.evaluator(name).await);
	}
	stage.train_once().await;
	let good = stage.heads().await;
	// A block that slipped through: the committee refuses it, and the chain takes it all the same.
	let mut weights = good.weights.clone();
	weights.component_mut(EXPERT).unwrap().iter_mut().for_each(|x| *x = *x * -3.0 + 0.5);
	let content = stage.store().put_bytes(&weights.component_bytes(EXPERT).unwrap()).unwrap();
	let _serving = stage.serve_owner().await;
	let bad = stage.submit(&stage.owner, content, BlockKind::Update).await;
	let refused = stage.chain.verdict(bad).await.phase;
	assert_eq!(refused, RoundPhase::Closed(Verdict::Rejected(RejectReason::NoGain)));
	stage.chain.force(bad);
	let bits = |weights: &Weights| weights.component_bytes(EXPERT).unwrap();
	assert_ne!(bits(&stage.heads().await.weights), bits(&good.weights));

	let roll_back = async |blocks: &[Hash]| {
		let round = stage.chain.fake.edit(|state| state.rounds.len() as SubmissionId);
		let blocks = BlockIds::truncate_from(blocks.to_vec());
		let call = Call::RollBack { model: 0, blocks, envelope: Envelope::default() };
		stage.owner.chain.submit(&stage.owner.signer, call, Wait::Finalized).await.unwrap();
		stage.chain.verdict(round).await
	};
	let closed = roll_back(&stage.chain.round(bad).unwrap().blocks).await;
	assert_eq!(closed.phase, RoundPhase::Closed(Verdict::Accepted), "{:?}", closed.medians);
	let heads = stage.heads().await;
	assert!(bits(&heads.weights) == bits(&good.weights), "to the bit, though they are those of a delta");
	let entry = heads.manifest.iter().find(|entry| entry.component == EXPERT).unwrap();
	assert_eq!((entry.block, entry.deltas), (closed.blocks[0], 1));
	// What did no harm stays, and nobody is paid for saying otherwise.
	let closed = roll_back(&stage.chain.round(1).unwrap().blocks).await;
	assert_eq!(closed.phase, RoundPhase::Closed(Verdict::Rejected(RejectReason::NoGain)));
	for (task, stop) in evaluators {
		stop.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_should_be_trained_measured_accepted_and_paid_one_after_another() {
	let stage = Stage::new(vec![job(Selection::All, 60), job(Selection::Some(vec![EXPERT]), 40)]).await;
	let mut evaluators = Vec::new();
	for name in ["Dave", "Eve", "Ferdie"] {
		evaluators.push(stage.evaluator(name).await);
	}
	stage.train_once().await;

	let first = stage.chain.round(0).unwrap();
	assert_eq!(first.phase, RoundPhase::Closed(Verdict::Accepted), "{:?}", first.medians);
	let second = stage.chain.round(1).unwrap();
	assert_eq!(second.components, [EXPERT]);
	assert!(matches!(second.phase, RoundPhase::Closed(_)));
	let medians = (first.medians.unwrap(), second.medians.unwrap());
	assert!(medians.0.gain > 0);
	assert!(
		(medians.0.baseline - medians.0.gain).abs_diff(medians.1.baseline) < 1_000_000_000,
		"it starts from the new heads"
	);

	let heads = stage.heads().await;
	assert!(heads.generation() >= 1);
	assert_ne!(heads.root, stage.registered.version_root);
	for (name, paid) in [("Trainer", true), ("Dave", true)] {
		let account = signer(name).account().clone();
		let claims = stage.chain.calls(&account, |call| matches!(call, Call::ClaimRewards { .. }));
		assert_eq!(claims > 0, paid, "{name}");
	}
	// Findings of all three are the same: the measurement is deterministic.
	let mut findings: Vec<Finding> = stage.chain.findings(0).into_values().collect();
	findings.dedup();
	assert_eq!(findings.len(), 1);
	for (task, shutdown) in evaluators {
		shutdown.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn dishonest_candidates_should_be_found_out_each_for_its_own_reason() {
	let stage = Stage::new(vec![]).await;
	let _serving = stage.serve_owner().await;
	let (task, shutdown) = stage.evaluator("Dave").await;

	let adversary = stage.chain.connection("Adversary");
	let folder = stage.folder.path().join("adversary");
	let own = Store::open(&folder).unwrap();
	let serving = exchange::start_gateway(own.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
	register_bare(&stage.chain, adversary.account(), &format!("http://{}", serving.address()));

	let heads = stage.heads().await;
	let put = |change: &dyn Fn(&mut Weights)| {
		let mut weights = heads.weights.clone();
		change(&mut weights);
		own.put_bytes(&weights.component_bytes(EXPERT).unwrap()).unwrap()
	};
	// The same function up to the last bit or so, under another CID.
	let copy =
		put(&|weights| weights.component_mut(EXPERT).unwrap().iter_mut().for_each(|x| *x *= 1.000_001));
	let noise = put(&|weights| {
		for (i, x) in weights.component_mut(EXPERT).unwrap().iter_mut().enumerate() {
			*x += if i % 2 == 0 { 3.0 } else { -3.0 };
		}
	});
	let nan = {
		let good = heads.weights.component_bytes(EXPERT).unwrap();
		let container = blyan_tensorblock::Container::parse(good.as_slice()).unwrap();
		let tensors: Vec<_> = container
			.tensors()
			.map(|(name, view)| {
				let mut numbers = view.to_f32_vec();
				numbers[0] = f32::NAN;
				(name.to_owned(), view.shape().to_vec(), numbers)
			})
			.collect();
		let tensors: Vec<_> = tensors
			.iter()
			.map(|(name, shape, numbers)| {
				blyan_tensorblock::Tensor::from_f32(name.as_str(), shape, numbers).unwrap()
			})
			.collect();
		own.put_bytes(&blyan_tensorblock::encode(&tensors).unwrap()).unwrap()
	};
	let torn = own.put_bytes(b"no container at all").unwrap();
	let withheld = {
		let elsewhere = Store::open(stage.folder.path().join("nowhere")).unwrap();
		elsewhere.put_bytes(&[7; 5_000]).unwrap()
	};
	let lied = blyan_store::Stored { bytes: noise.bytes + 1, ..noise };

	let mut rounds = Vec::new();
	for content in [copy, noise, nan, torn, withheld, lied] {
		rounds.push(stage.submit(&adversary, content, BlockKind::Update).await);
	}
	let expected = [
		RejectReason::NoGain,
		RejectReason::NoGain,
		RejectReason::Malformed,
		RejectReason::Malformed,
		RejectReason::Unfetchable,
		RejectReason::Malformed,
	];
	for (round, reason) in rounds.iter().zip(expected) {
		let info = stage.chain.verdict(*round).await;
		assert_eq!(info.phase, RoundPhase::Closed(Verdict::Rejected(reason)), "round {round}: {info:?}");
	}
	assert_eq!(stage.heads().await.root, stage.registered.version_root, "no head moved");
	shutdown.cancel();
	task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluator_should_finish_its_round_when_it_is_killed_and_started_again() {
	let stage = Stage::new(vec![]).await;
	let _serving = stage.serve_owner().await;
	let content =
		stage.store().put_bytes(&stage.heads().await.weights.component_bytes(EXPERT).unwrap()).unwrap();
	// Two of them: the first to commit waits for the other before it may reveal.
	let (first, _) = stage.evaluator("Dave").await;
	let dave = signer("Dave").account().clone();
	register_evaluator_alone(&stage, "Eve");
	let round = stage.submit(&stage.owner, content, BlockKind::Update).await;
	let committed = |chain: &TestChain| chain.round(round).filter(|info| info.committed.contains(&dave));
	stage.chain.until(committed).await;
	// Killed: nothing is awaited, nothing is told.
	first.abort();
	assert!(first.await.unwrap_err().is_cancelled());

	let (second, shutdown) = stage.evaluator("Dave").await;
	let (eve, shutdown_eve) = stage.evaluator("Eve").await;
	stage.chain.verdict(round).await;
	assert!(stage.chain.findings(round).contains_key(&dave), "it reveals what it committed to before");
	assert_eq!(stage.chain.calls(&dave, |call| matches!(call, Call::Commit { .. })), 1);
	assert_eq!(stage.chain.calls(&dave, |call| matches!(call, Call::Reveal { .. })), 1);
	assert_eq!(stage.chain.calls(&dave, |call| matches!(call, Call::RegisterWorker { .. })), 1);
	for (task, shutdown) in [(second, shutdown), (eve, shutdown_eve)] {
		shutdown.cancel();
		task.await.unwrap();
	}
}

fn register_evaluator_alone(stage: &Stage, name: &str) {
	let account = signer(name).account().clone();
	register_bare(&stage.chain, &account, "http://127.0.0.1:9");
	stage.chain.fake.edit(|state| {
		let worker = state.workers.get_mut(&account).unwrap();
		worker.roles.trainer = false;
		worker.roles.evaluator = true;
	});
}

#[tokio::test(flavor = "multi_thread")]
async fn trainer_should_submit_once_when_it_is_stopped_in_the_middle_and_calls_are_lost() {
	let mut stage = Stage::new(vec![job(Selection::Some(vec![EXPERT]), 2_000)]).await;
	// The same port at each start, so that the lost call below is the submission.
	let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
	stage.trainer.listen = free;
	stage.trainer.train.checkpoint_seconds = 0;
	let stage = stage;
	let run = |shutdown: CancellationToken| {
		let (config, owner) = (stage.trainer.clone(), stage.owner.clone());
		async move {
			let worker = Worker::start(config, owner, Role::Trainer).await.unwrap();
			trainer::run(worker, true, Arc::new(Reporter::new(ProgressMode::None)), shutdown).await
		}
	};
	let shutdown = CancellationToken::new();
	let task = tokio::spawn(run(shutdown.clone()));
	let record = stage.trainer.checkpoint_dir().join("job-0.checkpoint");
	// Under way, as its first checkpoint shows.
	stage.chain.until(|_| record.is_file().then_some(())).await;
	shutdown.cancel();
	task.await.unwrap().unwrap();
	assert!(record.is_file(), "a stopped run is kept");
	assert_eq!(stage.chain.calls(stage.owner.account(), |call| matches!(call, Call::SubmitBlocks { .. })), 0);

	let (evaluator, stop) = stage.evaluator("Dave").await;
	stage.chain.fake.fail_next(Fault::LostAfterSending);
	tokio::time::timeout(Duration::from_secs(120), run(CancellationToken::new())).await.unwrap().unwrap();
	assert_eq!(stage.chain.round(1), None, "one submission");
	assert!(matches!(stage.chain.round(0).unwrap().phase, RoundPhase::Closed(_)));
	assert!(!record.exists(), "what was finished is not kept");

	// A third start finds everything done.
	let before = stage.chain.fake.submissions().len();
	tokio::time::timeout(Duration::from_secs(30), run(CancellationToken::new())).await.unwrap().unwrap();
	let after = stage.chain.fake.submissions();
	let new: Vec<&Call> = after[before..].iter().map(|submission| &submission.call).collect();
	assert!(!new.iter().any(|call| matches!(call, Call::SubmitBlocks { .. })), "{new:?}");
	stop.cancel();
	evaluator.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trainer_should_say_why_when_the_chain_refuses_and_submit_at_the_next_start() {
	let stage = Stage::new(vec![job(Selection::Some(vec![EXPERT]), 3)]).await;
	let run = || async {
		let worker = Worker::start(stage.trainer.clone(), stage.owner.clone(), Role::Trainer).await.unwrap();
		let reporter = Arc::new(Reporter::new(ProgressMode::None));
		tokio::time::timeout(
			Duration::from_secs(60),
			trainer::run(worker, true, reporter, CancellationToken::new()),
		)
		.await
		.unwrap()
	};
	stage.chain.refuse_next("ProofOfLearning.submit", "ProofOfLearning", "BondNotAvailable");
	let error = run().await.unwrap_err();
	assert!(matches!(error, TrainError::Refused { job: 0, .. }), "{error}");
	assert!(
		error.to_string().contains("BondNotAvailable") && error.to_string().contains("is kept"),
		"{error}"
	);

	// No room is no refusal: it asks again.
	stage.chain.refuse_next("ProofOfLearning.submit", "ProofOfLearning", "TooManyOpenRounds");
	let (evaluator, stop) = stage.evaluator("Dave").await;
	run().await.unwrap();
	assert_eq!(stage.chain.calls(stage.owner.account(), |call| matches!(call, Call::SubmitBlocks { .. })), 3);
	assert!(stage.chain.round(0).is_some() && stage.chain.round(1).is_none());
	stop.cancel();
	evaluator.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn register_model_should_finish_what_was_begun_and_do_nothing_twice() {
	let folder = tempfile::tempdir().unwrap();
	let chain = TestChain::new();
	let _ticker = chain.run();
	let owner = chain.connection("Owner");
	let config = config(folder.path(), "owner");
	let wanted = registration(&import(&config));
	// Lost at every call in turn, and run again: registering, adding blocks, opening training.
	for fault in [Fault::LostAfterSending, Fault::LostBeforeSending] {
		chain.fake.fail_next(fault);
		register_model(&config, &owner, &wanted).await.unwrap_err();
	}
	let first = register_model(&config, &owner, &wanted).await.unwrap();
	let calls = chain.fake.submissions().len();
	assert_eq!(calls, 3, "one of each");
	assert_eq!(register_model(&config, &owner, &wanted).await.unwrap(), first);
	// Also when the folder with the journal is lost.
	let elsewhere = common::config(folder.path(), "elsewhere");
	import(&elsewhere);
	assert_eq!(register_model(&elsewhere, &owner, &wanted).await.unwrap(), first);
	assert_eq!(chain.fake.submissions().len(), calls);
	let other = Registration { weights: FirstWeights::Seed(2), ..wanted.clone() };
	let error = register_model(&config, &owner, &other).await.unwrap_err();
	assert!(matches!(error, RegisterModelError::OtherWeights { .. }), "{error}");
	let mut gate = wanted.clone();
	gate.gate.shards_per_domain = 17;
	assert!(matches!(register_model(&config, &owner, &gate).await, Err(RegisterModelError::GateInvalid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn load_verified_should_refuse_a_chain_whose_manifest_and_root_disagree() {
	let stage = Stage::new(vec![]).await;
	stage.chain.fake.edit(|state| state.models.get_mut(&0).unwrap().root = Some(Hash::repeat_byte(6)));
	let content = content(stage.store(), &stage.owner).await;
	let load = |model, generation| {
		let (chain, content) = (stage.owner.chain.clone(), content.clone());
		async move {
			load_verified(&*chain, &content, model, generation, None, Duration::from_secs(1))
				.await
				.map(|_| ())
		}
	};
	let error = load(0, None).await.unwrap_err();
	assert!(matches!(error, HeadsError::RootMismatch { .. }) && !error.is_retryable(), "{error}");
	assert!(matches!(load(0, Some(4)).await, Err(HeadsError::GenerationMoved { wanted: 4, found: 0, .. })));
	assert!(matches!(load(9, None).await, Err(HeadsError::ModelNotFound(9))));
	let standing = stage.chain.fake.edit(|state| state.blocks.values().next().unwrap().standing);
	assert_eq!(standing, BlockStanding::Head { since: 0 });
}
