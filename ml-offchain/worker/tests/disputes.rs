//! Disputes in one process: evaluators, a liar and referees, with real models, on a chain in memory.

mod common;

use blyan_chain_client::{Call, Wait};
use blyan_primitives::{
	api::RoundPhase,
	dag::{BlockKind, Component, ContentFormat, NewBlock, NewBlocks, SubmissionId},
	learning::{Finding, RejectReason, Verdict, BIT_PER_BYTE},
	merkle,
	submission::Envelope,
	worker::Role,
	AccountId, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	evaluator::{self, Alteration},
	exchange,
	heads::load_verified,
	referee::exact::module_hash,
	register_model::{register_model, Registration},
	watch,
	worker::{Connection, Worker},
};
use common::{config, content, import, register_bare, registration, signer, TestChain};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EXPERT: Component = Component::Expert { layer: 0, index: 1 };
const REFEREES: [&str; 3] = ["Xena", "Yves", "Zoe"];

/// A chain with a model that names the referee of this build, and its owner's content served.
struct Stage {
	folder: tempfile::TempDir,
	chain: TestChain,
	owner: Connection,
	store: Store,
	_serving: exchange::Gateway,
	_ticker: common::Ticker,
}

type Task = (JoinHandle<()>, CancellationToken);

impl Stage {
	async fn new(committee: &[&str], referees: usize) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = TestChain::new();
		let ticker = chain.run();
		let owner = chain.connection("Trainer");
		let trainer = config(folder.path(), "trainer");
		let registration = Registration { referee: module_hash(), ..registration(&import(&trainer)) };
		register_model(&trainer, &owner, &registration).await.unwrap();
		let store = Store::open(trainer.store_dir()).unwrap();
		let serving = exchange::start_gateway(store.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
		register_bare(&chain, owner.account(), &format!("http://{}", serving.address()));
		chain.contestable(committee.iter().map(|name| account(name)).collect(), referees);
		Self { folder, chain, owner, store, _serving: serving, _ticker: ticker }
	}

	async fn worker(&self, name: &str) -> Worker {
		let mut config = config(self.folder.path(), name);
		config.watch.max_bonded_bly = 1_000;
		Worker::start(config, self.chain.connection(name), Role::Evaluator).await.unwrap()
	}

	async fn evaluator(&self, name: &str) -> Task {
		self.altered(name, Arc::new(|_, measured| measured)).await
	}

	async fn altered(&self, name: &str, alteration: Alteration) -> Task {
		let (worker, stop) = (self.worker(name).await, CancellationToken::new());
		let stopped = stop.clone();
		let running = async move { evaluator::run_altered(worker, alteration, stopped).await.unwrap() };
		(tokio::spawn(running), stop)
	}

	fn losses(&self, name: &str) -> PathBuf {
		self.folder.path().join(name).join("losses").join("0-0.json")
	}

	/// Submits an expert that differs a little from the head.
	async fn submit(&self) -> SubmissionId {
		let stored = content(self.store.clone(), &self.owner).await;
		let heads =
			load_verified(&*self.owner.chain, &stored, 0, None, None, Duration::from_secs(5)).await.unwrap();
		let mut weights = heads.weights.clone();
		weights.component_mut(EXPERT).unwrap().iter_mut().for_each(|x| *x *= 1.1);
		let put = self.store.put_bytes(&weights.component_bytes(EXPERT).unwrap()).unwrap();
		let block = NewBlock {
			component: EXPERT,
			kind: BlockKind::Update,
			parents: vec![heads.block_of(EXPERT).unwrap()].try_into().unwrap(),
			content: put.cid,
			bytes: put.bytes,
			format: ContentFormat::TensorBlock,
			manifest_hash: Hash::zero(),
		};
		let blocks: NewBlocks = vec![block].try_into().unwrap();
		let call = Call::SubmitBlocks { model: 0, blocks, envelope: Envelope::default() };
		self.owner.chain.submit(&self.owner.signer, call, Wait::Finalized).await.unwrap();
		0
	}
}

fn account(name: &str) -> AccountId {
	signer(name).account().clone()
}

/// Says of the shard at that place alone that the candidate is much better than it is.
fn lie_about(place: usize) -> Alteration {
	Arc::new(move |_, mut measured| {
		let size = BIT_PER_BYTE / 4;
		if let Finding::Measured(report) = &mut measured.finding {
			measured.losses[place].candidate -= size;
			let count = measured.losses.len() as i64;
			let gains: Vec<i64> = measured.losses.iter().map(|loss| loss.baseline - loss.candidate).collect();
			let mean = |gains: &[i64]| gains.iter().sum::<i64>().div_euclid(gains.len() as i64);
			report.gain = mean(&gains);
			let domains = report.domain_gains.len();
			for (domain, gains) in report.domain_gains.iter_mut().zip(gains.chunks(gains.len() / domains)) {
				*domain = mean(gains);
			}
			let exact_mean = gains.iter().sum::<i64>() as f64 / count as f64;
			let spread: f64 = gains.iter().map(|gain| (*gain as f64 - exact_mean).powi(2)).sum();
			report.standard_error = (spread / ((count - 1) * count) as f64).sqrt().round() as i64;
			let leaf = |(place, loss): (u32, &evaluator::step::ShardLoss)| {
				merkle::leaf(place, &(loss.shard, loss.baseline, loss.candidate))
			};
			let leaves: Vec<Hash> = (0u32..).zip(&measured.losses).map(leaf).collect();
			report.losses_root = merkle::root(&leaves);
		}
		measured
	})
}

async fn stop(tasks: Vec<Task>) {
	for (task, stop) in tasks {
		stop.cancel();
		task.await.unwrap();
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_be_contested_at_the_shard_it_lied_about_and_struck_by_referees() {
	const PLACE: usize = 11;
	let stage = Stage::new(&["Dave", "Eve", "Liar"], 3).await;
	let mut tasks = vec![stage.altered("Liar", lie_about(PLACE)).await];
	for name in ["Dave", "Eve"].into_iter().chain(REFEREES) {
		tasks.push(stage.evaluator(name).await);
	}
	let round = stage.submit().await;
	let decided = stage.chain.until(|chain| chain.decided().first().cloned()).await;
	assert_eq!((decided.accused, decided.position as usize), (account("Liar"), PLACE));
	assert!([account("Dave"), account("Eve")].contains(&decided.challenger));
	let exact = decided.exact.unwrap();
	assert!(decided.is_struck && decided.opened.candidate < exact.candidate - BIT_PER_BYTE / 5);
	assert!(
		stage.losses("Dave").is_file() && stage.losses("Liar").is_file(),
		"kept while they may be contested"
	);

	stage.chain.settle(round);
	let closed = stage.chain.verdict(round).await;
	assert_eq!(closed.struck, [account("Liar")]);
	assert_eq!(
		closed.phase,
		RoundPhase::Closed(Verdict::Rejected(RejectReason::NoGain)),
		"{:?}",
		closed.medians
	);
	stage.chain.until(|_| (!stage.losses("Dave").exists()).then_some(())).await;
	stop(tasks).await;
	// The honest were left alone, and nobody was contested twice.
	let contests = stage.chain.fake.submissions();
	let contests = contests.iter().filter_map(|submission| match &submission.call {
		Call::Contest { evaluator, .. } => Some(evaluator.clone()),
		_ => None,
	});
	assert!(contests.clone().count() <= 2 && contests.clone().all(|accused| accused == account("Liar")));
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_evaluator_should_open_after_a_restart_and_be_upheld_by_referees_that_are_killed() {
	let stage = Stage::new(&["Dave"], 3).await;
	let (dave, _) = stage.evaluator("Dave").await;
	let round = stage.submit().await;
	let contestable =
		|info: &blyan_primitives::api::RoundInfo<AccountId>| matches!(info.phase, RoundPhase::Contest { .. });
	stage.chain.until(|chain| chain.round(round).filter(contestable)).await;
	// Killed: nothing is awaited, nothing is told.
	dave.abort();
	assert!(dave.await.unwrap_err().is_cancelled());
	let adversary = stage.chain.connection("Adversary");
	let said =
		watch::commands::contest(&*adversary.chain, &adversary.signer, round, account("Dave"), 3).await;
	assert!(said.unwrap().starts_with("dispute 0: "));

	let mut tasks = vec![stage.evaluator("Dave").await];
	let mut first = Vec::new();
	for name in REFEREES {
		first.push(stage.evaluator(name).await);
	}
	// One commits, and is killed before it can reveal.
	let committed = stage
		.chain
		.until(|chain| {
			let mut disputes = chain.fake.edit(|state| state.disputes.values().cloned().collect::<Vec<_>>());
			disputes.pop().filter(|dispute| !dispute.committed.is_empty()).map(|dispute| dispute.committed)
		})
		.await;
	for (task, _) in first {
		task.abort();
		let _ = task.await;
	}
	for name in REFEREES {
		tasks.push(stage.evaluator(name).await);
	}
	let decided = stage.chain.until(|chain| chain.decided().first().cloned()).await;
	assert!(!decided.is_struck && decided.position == 3 && decided.accused == account("Dave"));
	assert!(decided.opened.is_within(BIT_PER_BYTE / 100_000, &decided.exact.unwrap()), "{decided:?}");
	for referee in committed {
		let commits = stage.chain.calls(&referee, |call| matches!(call, Call::CommitAsReferee { .. }));
		assert_eq!(commits, 1, "it commits once, and reveals that after its restart");
	}
	assert_eq!(stage.chain.calls(&account("Dave"), |call| matches!(call, Call::OpenLosses { .. })), 1);
	stage.chain.settle(round);
	stage.chain.verdict(round).await;
	stop(tasks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watcher_should_contest_without_being_an_evaluator_and_referees_be_unable_with_another_module() {
	let stage = Stage::new(&["Liar"], 1).await;
	let liar = stage.altered("Liar", lie_about(2)).await;
	let mut settings = config(stage.folder.path(), "watcher");
	settings.watch.max_bonded_bly = 1_000;
	let watcher = stage.chain.connection("Watcher");
	let worker = Worker::start_unregistered(settings, watcher.clone()).await.unwrap();
	let shutdown = CancellationToken::new();
	let stopped = shutdown.clone();
	let watching = tokio::spawn(async move { watch::run(worker, stopped).await.unwrap() });
	stage.submit().await;
	let dispute = stage.chain.until(|chain| chain.fake.edit(|state| state.disputes.get(&0).cloned())).await;
	assert_eq!((dispute.challenger, dispute.position), (watcher.account().clone(), 2));
	assert!(!stage.chain.fake.edit(|state| state.workers.contains_key(watcher.account())));

	// A round that is decided by a module which nobody here has.
	stage.chain.fake.edit(|state| state.rounds.get_mut(&0).unwrap().referee = Some(Hash::repeat_byte(1)));
	let referee = stage.evaluator("Xena").await;
	let decided = stage.chain.until(|chain| chain.decided().first().cloned()).await;
	assert_eq!((decided.exact, decided.is_struck), (None, false));
	shutdown.cancel();
	watching.await.unwrap();
	stop(vec![liar, referee]).await;
}
