//! Forged logs, each in another way, against content in a real store.

use super::*;
use crate::{
	datasets::tests::offered,
	trainer::manifest::{Dataset, Leaves},
};
use blyan_chain_client::fake::FakeChain;
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_model::{batch_root, Text, WHOLE};
use blyan_primitives::{
	api::{AuditStage, ModelInfo},
	architecture::{Architecture, ExpertCount},
	dag::SemVer,
	manifest::binding,
};
use blyan_store::Store;
use std::sync::Arc;

const TRAINER: AccountId = AccountId::new([7; 32]);
const COPIER: AccountId = AccountId::new([8; 32]);
const STEPS: u32 = 40;
const SAMPLE: [u32; 4] = [3, 11, 25, 39];
const PATIENCE: Duration = Duration::from_secs(1);
const MATCH: ManifestFinding = ManifestFinding::Match;

/// Where the audits happen: a store that has the datasets.
struct Stage {
	folder: tempfile::TempDir,
	chain: Arc<FakeChain>,
	content: Content,
}

/// Texts of different letters.
fn text(number: u8) -> Vec<u8> {
	(0..3_000u32).map(|i| b'a' + number * 8 + (i * i % 7) as u8).collect()
}

fn parents() -> Vec<Hash> {
	vec![Hash::repeat_byte(5)]
}

fn binding_of(trainer: &AccountId) -> Hash {
	binding(trainer, 0, &[Some(parents()[0])])
}

fn batches(texts: &[u8], binding: Hash, seed: u64) -> Batches {
	let weight = WHOLE / texts.len() as u32;
	let sources = texts.iter().map(|number| (Arc::new(text(*number)) as Text, weight)).collect();
	Batches::new(Mixture::new(sources, binding).unwrap(), None, seed, 4, 16).unwrap()
}

/// The leaves of a run on those texts.
fn leaves(texts: &[u8], binding: Hash, seed: u64) -> Vec<Hash> {
	let batches = batches(texts, binding, seed);
	(0..STEPS).map(|step| batches.leaf(step).unwrap()).collect()
}

impl Stage {
	async fn new() -> Self {
		let folder = tempfile::tempdir().unwrap();
		let store = Store::open(folder.path()).unwrap();
		let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
		let chain = Arc::new(FakeChain::new());
		let architecture =
			Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 4 }, 1, 16, 16, 2, 16);
		let model = ModelInfo {
			id: 0,
			name: vec![],
			owner: None,
			architecture,
			version: SemVer::GENESIS,
			generation: 0,
			root: None,
			pool: None,
			gate: None,
			referee: None,
			migration: None,
			probation_routing_share: Default::default(),
		};
		chain.edit(|state| state.models.insert(0, model));
		let content = Content::new(network, chain.clone(), AccountId::new([1; 32]));
		Self { folder, chain, content }
	}

	fn put(&self, bytes: &[u8]) -> blyan_store::Stored {
		self.content.store().put_bytes(bytes).unwrap()
	}

	/// A dataset of that text, as half of what is learned from.
	fn dataset(&self, text: &[u8]) -> Dataset {
		let content = offered(&self.chain, self.content.store(), text);
		Dataset { content, bytes: text.len() as u64, weight: WHOLE / 2 }
	}

	async fn audit(&self, info: &ManifestInfo<AccountId>) -> Result<ManifestFinding, AuditError> {
		let folder = self.folder.path().join("datasets");
		audit(&*self.chain, &self.content, &folder, info, PATIENCE).await
	}

	/// The document of a run on the first two texts, with those leaves, and its bytes.
	fn document(&self, trainer: &AccountId, leaves: &[Hash]) -> Manifest {
		let stored = self.put(&leaves.iter().flat_map(|leaf| leaf.0).collect::<Vec<u8>>());
		let datasets = [0, 1].map(|number| self.dataset(&text(number)));
		let job =
			crate::config::JobConfig { steps: STEPS, batch: 4, sequence: 16, seed: 9, ..Default::default() };
		Manifest {
			trainer: trainer.clone(),
			parents: parents(),
			binding: binding_of(trainer),
			datasets: datasets.to_vec(),
			job,
			samples: u64::from(STEPS) * 4,
			batches_root: batch_root(leaves),
			leaves: Leaves { content: stored.cid, bytes: stored.bytes },
			..crate::trainer::manifest::tests::manifest()
		}
	}

	/// The chain's record of a document that `trainer` submitted.
	fn submit(&self, trainer: &AccountId, document: &Manifest) -> ManifestInfo<AccountId> {
		let bytes = serde_json::to_vec_pretty(document).unwrap();
		let stored = self.put(&bytes);
		ManifestInfo {
			round: 3,
			model: 0,
			trainer: trainer.clone(),
			manifest: document.record(&bytes, stored.cid).unwrap(),
			binding: binding_of(trainer),
			dataset_bytes: document.datasets.iter().map(|dataset| dataset.bytes).collect(),
			contributors: vec![],
			attempt: 0,
			sample: SAMPLE.to_vec(),
			auditors: vec![],
			committed: vec![],
			revealed: vec![],
			stage: AuditStage::AwaitingDraw,
		}
	}

	async fn find(&self, info: &ManifestInfo<AccountId>) -> ManifestFinding {
		self.audit(info).await.unwrap()
	}
}

fn honest() -> Vec<Hash> {
	leaves(&[0, 1], binding_of(&TRAINER), 9)
}

fn batch(step: u32) -> ManifestFinding {
	ManifestFinding::Mismatch { batch: Some(step) }
}

#[tokio::test]
async fn audit_should_find_a_match_when_the_log_is_honest() {
	let stage = Stage::new().await;
	let info = stage.submit(&TRAINER, &stage.document(&TRAINER, &honest()));
	assert_eq!(stage.find(&info).await, MATCH);
}

#[tokio::test]
async fn audit_should_find_the_first_batch_that_is_another_when_the_log_is_forged() {
	let stage = Stage::new().await;
	let binding = binding_of(&TRAINER);
	let find = async |leaves: Vec<Hash>| {
		stage.find(&stage.submit(&TRAINER, &stage.document(&TRAINER, &leaves))).await
	};
	// Of other batches.
	assert_eq!(find(leaves(&[0, 1], binding, 10)).await, batch(3));
	// Of a dataset that is not named, and without one that is.
	assert_eq!(find(leaves(&[0, 2], binding, 9)).await, batch(3));
	assert_eq!(find(leaves(&[1], binding, 9)).await, batch(3));
	// Made up.
	assert_eq!(find(vec![Hash::repeat_byte(1); STEPS as usize]).await, batch(3));
	// One batch of the sample, and one that is not in it.
	for (step, finding) in [(25, batch(25)), (24, MATCH)] {
		let mut leaves = honest();
		leaves[step] = Hash::repeat_byte(1);
		assert_eq!(find(leaves).await, finding);
	}
}

#[tokio::test]
async fn audit_should_find_the_document_torn_when_leaves_and_root_are_not_of_one_another() {
	let stage = Stage::new().await;
	let submit = |change: &dyn Fn(&mut Manifest)| {
		let mut document = stage.document(&TRAINER, &honest());
		change(&mut document);
		stage.submit(&TRAINER, &document)
	};
	// The leaves are right, and the root is wrong.
	let wrong_root = submit(&|document| document.batches_root = Hash::repeat_byte(1));
	assert_eq!(stage.find(&wrong_root).await, TORN);
	// The root is right, and the leaves are wrong, or too few.
	let other = stage.document(&TRAINER, &leaves(&[0, 1], Hash::zero(), 9)).leaves;
	assert_eq!(stage.find(&submit(&|document| document.leaves = other.clone())).await, TORN);
	let few = stage.document(&TRAINER, &honest()[1..]).leaves;
	assert_eq!(stage.find(&submit(&|document| document.leaves = few.clone())).await, TORN);
}

#[tokio::test]
async fn audit_should_catch_a_log_that_is_copied_from_another_trainer() {
	let stage = Stage::new().await;
	let original = stage.document(&TRAINER, &honest());
	// As it is.
	assert_eq!(stage.find(&stage.submit(&COPIER, &original)).await, TORN);
	// In the copier's name, with the copied leaves.
	let renamed = stage.document(&COPIER, &honest());
	assert_eq!(stage.find(&stage.submit(&COPIER, &renamed)).await, batch(3));
	// Of its own, from a run on other heads.
	let mut info = stage.submit(&TRAINER, &original);
	info.binding = binding(&TRAINER, 0, &[Some(Hash::repeat_byte(6))]);
	assert_eq!(stage.find(&info).await, TORN);
}

#[tokio::test]
async fn audit_should_find_the_document_torn_when_it_is_not_what_the_chain_has() {
	let stage = Stage::new().await;
	let document = stage.document(&TRAINER, &honest());
	let info = stage.submit(&TRAINER, &document);
	// The seed of the record is another.
	let mut other = info.clone();
	other.manifest.seed += 1;
	assert_eq!(stage.find(&other).await, TORN);
	// No document at all.
	let stored = stage.put(b"no document");
	let mut none = info.clone();
	none.manifest.document = stored.cid;
	none.manifest.document_bytes = stored.bytes;
	assert_eq!(stage.find(&none).await, TORN);
	// A dataset from which no sequence can be cut.
	let mut with_short = document.clone();
	with_short.datasets[0] = stage.dataset(b"short");
	assert_eq!(stage.find(&stage.submit(&TRAINER, &with_short)).await, TORN);
}

#[tokio::test]
async fn audit_should_say_so_when_something_cannot_be_fetched() {
	let stage = Stage::new().await;
	let document = stage.document(&TRAINER, &honest());
	let absent = Cid { codec: blyan_primitives::cid::CidCodec::Raw, digest: [1; 32] };
	let mut info = stage.submit(&TRAINER, &document);
	info.manifest.document = absent;
	assert_eq!(stage.find(&info).await, ManifestFinding::Unfetchable);
	let mut without_leaves = document.clone();
	without_leaves.leaves.content = absent;
	let info = stage.submit(&TRAINER, &without_leaves);
	assert_eq!(stage.find(&info).await, ManifestFinding::Unfetchable);
	let mut without_data = document.clone();
	without_data.datasets[1].content = absent;
	let info = stage.submit(&TRAINER, &without_data);
	assert_eq!(stage.find(&info).await, ManifestFinding::Unfetchable, "never offered");
	// A plain text is no dataset.
	let mut plain = document.clone();
	plain.datasets[1].content = stage.put(&text(1)).cid;
	assert_eq!(stage.find(&stage.submit(&TRAINER, &plain)).await, ManifestFinding::Unfetchable);
	// A part that nobody serves.
	let info = stage.submit(&TRAINER, &document);
	stage.content.store().remove(&blyan_store::cid_of_bytes(&text(1)).unwrap()).unwrap();
	assert_eq!(stage.find(&info).await, ManifestFinding::Unfetchable);
}

#[tokio::test]
async fn audit_should_assemble_a_text_again_when_it_was_altered() {
	let stage = Stage::new().await;
	let info = stage.submit(&TRAINER, &stage.document(&TRAINER, &honest()));
	assert_eq!(stage.find(&info).await, MATCH);
	let path = text::path_of(&stage.folder.path().join("datasets"), &info.manifest.datasets[0].dataset);
	fs::remove_file(&path).unwrap();
	fs::write(&path, text(2)).unwrap();
	assert_eq!(stage.find(&info).await, MATCH);
	assert_eq!(fs::read(&path).unwrap(), text(0));
}

#[tokio::test]
async fn audit_should_fail_and_find_nothing_when_the_chain_cannot_be_read() {
	let stage = Stage::new().await;
	let info = stage.submit(&TRAINER, &stage.document(&TRAINER, &honest()));
	stage.chain.disconnect();
	let failed = stage.audit(&info).await;
	assert!(matches!(failed, Err(AuditError::Chain(_))), "{failed:?}");
	stage.chain.reconnect();
	stage.chain.edit(|state| state.models.clear());
	let failed = stage.audit(&info).await;
	assert!(matches!(failed, Err(AuditError::ModelNotFound(0))), "{failed:?}");
}
