//! A training manifest from the run that it is of to the auditor who derives it again: real stores, training and
//! exchanges, on a chain in memory.

mod common;

use blyan_chain_client::Call;
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	dag::{Component, NewBlocks},
	manifest::{binding, sample, ManifestFinding, TrainingManifest},
	worker::Role,
	Hash,
};
use blyan_store::Store;
use blyan_worker::{
	auditor::{self, Duties},
	components::Selection,
	config::{AuditConfig, Config, JobConfig, TrainConfig},
	evaluator, exchange,
	manifest_command::ManifestText,
	progress::{ProgressMode, Reporter},
	register_model::register_model,
	trainer,
	worker::{Connection, Worker},
};
use common::{config, datasets::approve, import, register_bare, registration, TestChain};
use polkadot_sdk::sp_runtime::Perbill;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const STEPS: u32 = 30;

/// A worker of that role in `folder`.
async fn worker(chain: &TestChain, folder: &std::path::Path, name: &str, role: Role) -> Worker {
	let config = Config {
		audit: AuditConfig { fetch_timeout_seconds: 5, ..AuditConfig::default() },
		..config(folder, name)
	};
	Worker::start(config, chain.connection(name), role).await.unwrap()
}

/// The manifest of the last submission, and its blocks.
fn submitted(chain: &TestChain) -> (Option<TrainingManifest>, NewBlocks) {
	let submission =
		chain.fake.submissions().into_iter().rev().find_map(|submission| match submission.call {
			Call::SubmitBlocks { blocks, envelope, .. } => Some((envelope.manifest, blocks)),
			_ => None,
		});
	submission.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_should_be_found_to_match_by_an_auditor_and_its_copy_should_not() {
	let folder = tempfile::tempdir().unwrap();
	let chain = TestChain::new();
	let _ticker = chain.run();
	let owner: Connection = chain.connection("Trainer");
	let mut config = config(folder.path(), "trainer");
	let imported = import(&config);
	let store = Store::open(config.store_dir()).unwrap();
	let components = Selection::Some(vec![Component::Expert { layer: 0, index: 1 }]);
	let job =
		JobConfig { components, steps: STEPS, batch: 4, sequence: 16, warmup: 5, ..JobConfig::default() };
	register_model(&config, &owner, &registration(&imported)).await.unwrap();
	let stop = CancellationToken::new();
	let evaluating = {
		let (worker, stop) = (worker(&chain, folder.path(), "Dave", Role::Evaluator).await, stop.clone());
		tokio::spawn(async move { evaluator::run(worker, stop).await.unwrap() })
	};
	let train_once = async |config: &Config| {
		let worker = Worker::start(config.clone(), owner.clone(), Role::Trainer).await.unwrap();
		let reporter = Arc::new(Reporter::new(ProgressMode::None));
		trainer::run(worker, true, reporter, CancellationToken::new()).await
	};

	// The chain would refuse a manifest of a text that is no approved dataset.
	let text = config.data_dir.join("text");
	let train =
		TrainConfig { text: text.display().to_string(), jobs: vec![job.clone()], ..TrainConfig::default() };
	let plain = Config { data_dir: folder.path().join("plain"), train, ..config.clone() };
	std::fs::create_dir_all(&plain.data_dir).unwrap();
	let plain_store = Store::open(plain.store_dir()).unwrap();
	for file in store.list().unwrap() {
		plain_store.put_file(store.path(&file.cid)).unwrap();
	}
	train_once(&plain).await.unwrap();
	assert_eq!(submitted(&chain).0, None);
	// What is named must be what the model may learn from.
	let text = std::fs::read(text).unwrap();
	let other = "another text, of which less is learned. ".repeat(30).into_bytes();
	let listed = [&text, &other].map(|text| (approve(&chain, &store, text), text.len() as u64));
	config.train.datasets = listed.map(|(dataset, _)| dataset).to_vec();
	config.train.jobs = vec![JobConfig { seed: 5, ..job }];
	let refused = train_once(&config).await.unwrap_err().to_string();
	assert!(refused.contains("may not learn from"), "{refused}");
	let learnable = config.train.datasets.clone();
	chain.fake.edit(|state| state.learnable.insert(0, learnable));
	train_once(&config).await.unwrap();
	let (manifest, blocks) = submitted(&chain);
	let manifest = manifest.unwrap();
	assert_eq!((manifest.steps, manifest.seed), (STEPS, 5));
	assert!(blocks.iter().all(|block| block.manifest_hash == manifest.document_hash));
	assert_eq!(manifest.datasets.iter().map(|used| used.dataset).collect::<Vec<_>>(), config.train.datasets);
	let share = Perbill::from_rational(text.len() as u64, (text.len() + other.len()) as u64);
	assert!(manifest.datasets[0].weight.deconstruct().abs_diff(share.deconstruct()) <= 1, "by their lengths");

	// Whoever is drawn fetches it from the trainer.
	let gateway = exchange::start_gateway(store, ([127, 0, 0, 1], 0).into()).await.unwrap();
	register_bare(&chain, owner.account(), &format!("http://{}", gateway.address()));
	let auditor = worker(&chain, folder.path(), "Auditor", Role::Auditor).await;
	let me = auditor.connection.account().clone();
	let auditing = {
		let stop = stop.clone();
		tokio::spawn(async move {
			auditor::run(auditor, Duties { manifests: true, datasets: false }, stop).await.unwrap()
		})
	};
	let parents: Vec<_> = blocks.iter().map(|block| block.parents.first().copied()).collect();
	let honest = ManifestInfo {
		round: 1,
		model: 0,
		trainer: owner.account().clone(),
		binding: binding(owner.account(), 0, &parents),
		dataset_bytes: listed.iter().map(|(_, bytes)| *bytes).collect(),
		contributors: vec![],
		attempt: 0,
		sample: sample(Hash::repeat_byte(1), STEPS, Perbill::from_percent(1), 8),
		auditors: vec![me.clone()],
		committed: vec![],
		revealed: vec![],
		stage: AuditStage::Commit { until: u32::MAX },
		manifest,
	};
	let copier = chain.connection("Copier").account().clone();
	let copied =
		ManifestInfo { round: 2, binding: binding(&copier, 0, &parents), trainer: copier, ..honest.clone() };
	chain.fake.edit(|state| {
		state.training_manifests.insert(1, honest);
		state.training_manifests.insert(2, copied);
	});
	let revealed = |round| {
		let found = chain.until(move |chain| {
			let info = chain.fake.edit(|state| state.training_manifests[&round].clone());
			(!info.revealed.is_empty()).then_some(info)
		});
		found
	};
	let info = revealed(1).await;
	assert_eq!(info.revealed, [(me.clone(), ManifestFinding::Match)]);
	assert!(ManifestText(&info).to_string().contains(&format!("{me}: it matches")));
	assert_eq!(revealed(2).await.revealed, [(me, ManifestFinding::Mismatch { batch: None })]);
	stop.cancel();
	evaluating.await.unwrap();
	auditing.await.unwrap();
}
