//! A dataset from its contributor to a model that learned from it: packed, offered, audited by three of whom one lies and
//! one is killed, voted on, approved, trained on, and the manifest of that audited. Real stores, exchanges and training,
//! on a chain in memory.

mod common;

use blyan_chain_client::{Call, Wait};
use blyan_primitives::{
	api::{AuditStage, DatasetAuditPhase, DatasetRecord, ManifestInfo},
	dag::{Component, SemVer},
	datasets::{
		dataset_commitment, DatasetFinding, DatasetStage, QualityReport, Refusal, RejectionReason, PPM,
	},
	manifest::{binding, sample, DatasetId, ManifestFinding},
	worker::{Role, Roles},
	AccountId, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	auditor::{self, Duties},
	cli::ConfigArgs,
	components::Selection,
	config::{AuditConfig, Config, JobConfig, VoteConfig, VotePolicy},
	datasets::{cli::OfferArgs, offer::offer},
	evaluator,
	progress::{ProgressMode, Reporter},
	register_model::register_model,
	trainer,
	worker::Worker,
};
use common::{config, import, register_bare, registration, TestChain};
use polkadot_sdk::sp_runtime::Perbill;
use std::{
	fs,
	path::{Path, PathBuf},
	sync::Arc,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const STEPS: u32 = 30;
const BOTH: Duties = Duties { manifests: true, datasets: true };
/// The liar's.
const SALT: [u8; 32] = [9; 32];

/// A text of many paragraphs, each of other words.
fn paragraphs() -> String {
	let words = [
		"the", "river", "bridge", "seldom", "carries", "old", "timber", "north", "before", "winter", "when",
		"people", "walk", "home", "along", "its", "quiet", "banks", "and", "count", "boats",
	];
	let mut number = 1u64;
	let mut next = || {
		number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		words[(number >> 33) as usize % words.len()]
	};
	(0..300).map(|_| (0..30).map(|_| next()).collect::<Vec<_>>().join(" ") + ".\n\n").collect()
}

fn offer_args(path: PathBuf, name: &str) -> OfferArgs {
	OfferArgs {
		config: ConfigArgs { config: "unused".into() },
		path,
		name: name.into(),
		version: SemVer { major: 1, minor: 0, patch: 0 },
		licence: "CC0-1.0".into(),
		licence_file: None,
		domain: "tests".into(),
		languages: vec!["eng".into()],
		description: String::new(),
		field: vec![],
		licence_field: "license".into(),
		anyway: false,
		again: false,
		detach: false,
		stay: false,
		json: false,
	}
}

/// An auditor's process.
struct Auditing {
	stop: CancellationToken,
	task: JoinHandle<()>,
}

impl Auditing {
	async fn start(chain: &TestChain, folder: &Path, name: &str) -> Self {
		let config = Config {
			audit: AuditConfig { fetch_timeout_seconds: 30, threads: 1, ..AuditConfig::default() },
			vote: VoteConfig { policy: VotePolicy::ByReport, ..VoteConfig::default() },
			..config(folder, name)
		};
		let worker = Worker::start(config, chain.connection(name), Role::Auditor).await.unwrap();
		let stop = CancellationToken::new();
		let shutdown = stop.clone();
		let task = tokio::spawn(async move { auditor::run(worker, BOTH, shutdown).await.unwrap() });
		Self { stop, task }
	}

	/// As if its machine had lost power.
	async fn kill(self) {
		self.task.abort();
		assert!(self.task.await.unwrap_err().is_cancelled());
	}

	async fn stop(self) {
		self.stop.cancel();
		self.task.await.unwrap();
	}
}

impl TestChain {
	fn dataset(&self) -> Option<DatasetRecord<AccountId>> {
		self.fake.edit(|state| state.kept_datasets.values().next().cloned())
	}

	async fn stage(&self, is_it: impl Fn(&DatasetRecord<AccountId>) -> bool) -> DatasetRecord<AccountId> {
		self.until(|chain| chain.dataset().filter(&is_it)).await
	}
}

/// An auditor who says that all of it is personal data.
async fn lie(chain: &TestChain, dataset: DatasetId) {
	let liar = chain.connection("Liar");
	let me = liar.account().clone();
	let report = QualityReport { rules: 1, records: 9, samples: 9, personal_data: PPM, ..Default::default() };
	let finding = DatasetFinding::Report(report);
	let commitment = dataset_commitment(&me, &dataset, 0, 0, &finding, &SALT);
	let send = async |call| liar.chain.submit(&liar.signer, call, Wait::Finalized).await.unwrap();
	send(Call::CommitDatasetFinding { dataset, commitment }).await;
	let is_revealing = |record: &DatasetRecord<AccountId>| {
		record.audit.as_ref().is_some_and(|audit| matches!(audit.phase, DatasetAuditPhase::Reveal { .. }))
	};
	chain.stage(is_revealing).await;
	send(Call::RevealDatasetFinding { dataset, finding, salt: SALT }).await;
}

/// Registers the liar, without a worker behind it.
fn register_liar(chain: &TestChain) {
	let liar = chain.connection("Liar").account().clone();
	register_bare(chain, &liar, "");
	chain.fake.edit(|state| {
		state.workers.get_mut(&liar).unwrap().roles = Roles::default().with(Role::Auditor);
	});
}

#[tokio::test(flavor = "multi_thread")]
async fn dataset_should_be_audited_voted_on_and_learned_from_though_one_lies_and_one_is_killed() {
	let folder = tempfile::tempdir().unwrap();
	let folder = folder.path();
	let chain = TestChain::new();
	let _ticker = chain.run();
	chain.datasets(|datasets| (datasets.holds_reveals, datasets.quorum) = (true, 2));
	register_liar(&chain);
	let first = Auditing::start(&chain, folder, "First").await;
	let second = Auditing::start(&chain, folder, "Second").await;

	// The contributor is no registered worker: it is found by the DHT.
	let text = folder.join("text.txt");
	fs::write(&text, paragraphs()).unwrap();
	let contributor = chain.connection("Contributor");
	let offering = {
		let (config, contributor) = (config(folder, "contributor"), contributor.clone());
		let args = OfferArgs { stay: true, ..offer_args(text.clone(), "rivers") };
		let stop = CancellationToken::new();
		let shutdown = stop.clone();
		(stop, tokio::spawn(async move { offer(args, config, contributor, shutdown).await }))
	};
	let record = chain.stage(|record| record.audit.as_ref().is_some_and(|audit| audit.seed.is_some())).await;
	let dataset = record.offer.content;
	let lying = {
		let chain = chain.clone();
		tokio::spawn(async move { lie(&chain, dataset).await })
	};

	// Killed when all have committed: it reveals what it committed to when it is back.
	chain.stage(|record| record.audit.as_ref().is_some_and(|audit| audit.committed.len() == 3)).await;
	second.kill().await;
	let second = Auditing::start(&chain, folder, "Second").await;
	chain.datasets(|datasets| datasets.holds_reveals = false);
	let record = chain.stage(|record| matches!(record.stage, DatasetStage::Approved { .. })).await;
	lying.await.unwrap();
	let report = record.report.clone().unwrap();
	assert_eq!(
		(report.personal_data, report.samples),
		(0, 300),
		"two honest reports outvote a lie: {report:?}"
	);
	assert_eq!((record.ayes, record.nays), (2, 0));
	chain.until(|chain| chain.fake.edit(|state| state.dataset_votes.is_empty().then_some(()))).await;
	let auditor = chain.connection("Second").account().clone();
	let commits = chain.calls(&auditor, |call| matches!(call, Call::CommitDatasetFinding { .. }));
	assert_eq!(commits, 1, "it commits once, however often it is started");

	// The same content again is told, and not sent.
	let again = offer(
		offer_args(text, "rivers"),
		config(folder, "copier"),
		chain.connection("Copier"),
		CancellationToken::new(),
	);
	let error = again.await.unwrap_err().to_string();
	assert!(error.contains("offered already, by"), "{error}");
	let copier = chain.connection("Copier").account().clone();
	assert_eq!(chain.calls(&copier, |_| true), 0);

	// Learned from, by a trainer that has none of it.
	let owner = chain.connection("Trainer");
	let mut config = config(folder, "trainer");
	let imported = import(&config);
	config.train.datasets = vec![dataset];
	let components = Selection::Some(vec![Component::Expert { layer: 0, index: 1 }]);
	config.train.jobs = vec![JobConfig {
		components,
		steps: STEPS,
		batch: 4,
		sequence: 16,
		warmup: 5,
		..JobConfig::default()
	}];
	register_model(&config, &owner, &registration(&imported)).await.unwrap();
	let (stop, evaluating) = {
		let connection = chain.connection("Dave");
		let worker =
			Worker::start(common::config(folder, "Dave"), connection, Role::Evaluator).await.unwrap();
		let stop = CancellationToken::new();
		let shutdown = stop.clone();
		(stop, tokio::spawn(async move { evaluator::run(worker, shutdown).await.unwrap() }))
	};
	let training = {
		let worker = Worker::start(config.clone(), owner.clone(), Role::Trainer).await.unwrap();
		let (reporter, shutdown) = (Arc::new(Reporter::new(ProgressMode::None)), CancellationToken::new());
		let token = shutdown.clone();
		(shutdown, tokio::spawn(async move { trainer::run(worker, false, reporter, token).await.unwrap() }))
	};
	let (manifest, blocks) = chain
		.until(|chain| {
			chain.fake.submissions().into_iter().find_map(|submission| match submission.call {
				Call::SubmitBlocks { blocks, envelope, .. } => Some((envelope.manifest, blocks)),
				_ => None,
			})
		})
		.await;
	let manifest = manifest.expect("it learned from what the model may learn from");
	assert_eq!(manifest.datasets.iter().map(|used| used.dataset).collect::<Vec<_>>(), [dataset]);

	// And its manifest is found to match by the same auditors, in the same processes.
	let parents: Vec<_> = blocks.iter().map(|block| block.parents.first().copied()).collect();
	let info = ManifestInfo {
		round: 1,
		model: 0,
		trainer: owner.account().clone(),
		binding: binding(owner.account(), 0, &parents),
		dataset_bytes: vec![record.offer.bytes],
		contributors: vec![(contributor.account().clone(), Perbill::one())],
		attempt: 0,
		sample: sample(Hash::repeat_byte(1), STEPS, Perbill::from_percent(1), 8),
		auditors: vec![auditor.clone()],
		committed: vec![],
		revealed: vec![],
		stage: AuditStage::Commit { until: u32::MAX },
		manifest,
	};
	chain.fake.edit(|state| state.training_manifests.insert(1, info));
	let revealed = chain
		.until(|chain| {
			let revealed = chain.fake.edit(|state| state.training_manifests[&1].revealed.clone());
			(!revealed.is_empty()).then_some(revealed)
		})
		.await;
	assert_eq!(revealed, [(auditor, ManifestFinding::Match)]);

	for (stop, task) in [(stop, evaluating), training] {
		stop.cancel();
		task.await.unwrap();
	}
	offering.0.cancel();
	offering.1.await.unwrap().unwrap();
	first.stop().await;
	second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offer_should_be_held_back_when_it_would_be_rejected_and_told_why_when_it_is() {
	let folder = tempfile::tempdir().unwrap();
	let folder = folder.path();
	let chain = TestChain::new();
	let _ticker = chain.run();
	let bad: String =
		(0..200)
			.map(|number| {
				format!("Write to jane.roe{number}@example.com if you have found my umbrella number {number}.\n\n")
			})
			.collect();
	let text = folder.join("bad.txt");
	fs::write(&text, bad).unwrap();
	let try_it = async |anyway: bool, detach: bool, again: bool| {
		let args = OfferArgs { anyway, detach, again, ..offer_args(text.clone(), "umbrellas") };
		let (config, connection) = (config(folder, "contributor"), chain.connection("Contributor"));
		offer(args, config, connection, CancellationToken::new()).await.map_err(|error| error.to_string())
	};
	let me = chain.connection("Contributor").account().clone();
	let sent = || chain.calls(&me, |call| matches!(call, Call::OfferDataset { .. }));
	let error = try_it(false, false, false).await.unwrap_err();
	assert!(error.contains("too many samples hold personal data") && error.contains("--anyway"), "{error}");
	assert_eq!(sent(), 0);

	try_it(true, true, false).await.unwrap();
	try_it(true, true, false).await.unwrap();
	assert_eq!(sent(), 1, "what the chain has is not sent again");
	let record = chain.dataset().unwrap();
	let store = Store::open(config(folder, "contributor").store_dir()).unwrap();
	assert!(store.pins().unwrap().contains(&record.offer.content));

	let reason = Refusal::Quality(RejectionReason::PersonalData);
	let dataset = record.offer.content;
	chain.fake.edit(|state| {
		let kept = state.kept_datasets.get_mut(&dataset).unwrap();
		(kept.stage, kept.audit) = (DatasetStage::Rejected { reason, until: u32::MAX }, None);
	});
	let error = try_it(true, false, false).await.unwrap_err();
	assert!(error.contains("too many samples hold personal data") && error.contains("appeal"), "{error}");
	assert!(!store.pins().unwrap().contains(&dataset));

	// Forgotten: not offered again, unless that is wanted.
	chain.fake.edit(|state| state.kept_datasets.clear());
	let error = try_it(true, false, false).await.unwrap_err();
	assert!(error.contains("--again"), "{error}");
	assert_eq!(sent(), 1);
	try_it(true, true, true).await.unwrap();
	assert_eq!(sent(), 2);
}
