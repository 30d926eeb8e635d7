//! What is found of datasets in a real store.

use super::*;
use crate::datasets::tests::offered;
use blyan_chain_client::fake::FakeChain;
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::{
	api::AuditTerms,
	datasets::{QualityLimits, Tier},
};
use blyan_store::Store;
use std::sync::Arc;

const ME: AccountId = AccountId::new([7; 32]);
const TEXT: &str = "It is a truth universally acknowledged, that a river must be in want of a bridge.\n\n";
const OTHER: &str = "Nobody has seen the ferryman since the bridge was finished, early in the spring.\n\n";

struct Stage {
	_folder: tempfile::TempDir,
	chain: Arc<FakeChain>,
	datasets: Datasets,
}

impl Stage {
	async fn new() -> Self {
		let folder = tempfile::tempdir().unwrap();
		let store = Store::open(folder.path().join("store")).unwrap();
		let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
		let chain = Arc::new(FakeChain::new());
		let content = Content::new(network, chain.clone(), ME);
		let config = AuditConfig { fetch_timeout_seconds: 1, ..AuditConfig::default() };
		let datasets = Datasets { content, config, folder: folder.path().join("datasets"), threads: 1 };
		Self { _folder: folder, chain, datasets }
	}

	/// A dataset of that text, offered in that block and approved.
	fn approved(&self, text: &str, offered_at: u32) -> DatasetId {
		let dataset = offered(&self.chain, self.datasets.content.store(), text.as_bytes());
		self.chain.edit(|state| state.kept_datasets.get_mut(&dataset).unwrap().offered_at = offered_at);
		dataset
	}

	/// The audit of a dataset that is known to the chain.
	fn case(&self, dataset: DatasetId) -> Case {
		let audit = DatasetAuditInfo {
			audit: 2,
			attempt: 1,
			seed: Some(Hash::repeat_byte(3)),
			auditors: vec![ME],
			committed: vec![],
			revealed: vec![],
			phase: DatasetAuditPhase::Commit { until: 1_000 },
		};
		let record = self.chain.edit(|state| state.kept_datasets[&dataset].clone());
		Case::of(DatasetRecord { audit: Some(audit), ..record }).unwrap()
	}

	async fn find(&self, case: &Case) -> Result<DatasetFinding, DatasetAuditError> {
		self.datasets.audit(&*self.chain, case).await
	}
}

#[tokio::test]
async fn audit_should_report_and_hold_against_what_is_approved_and_older() {
	let stage = Stage::new().await;
	let dataset = stage.approved(TEXT, 5);
	let duplicates = async || match stage.find(&stage.case(dataset)).await.unwrap() {
		DatasetFinding::Report(report) => {
			assert_eq!((report.samples, report.rules), (1, RULES));
			report.duplicates
		}
		other => panic!("{other:?}"),
	};
	assert_eq!(duplicates().await, 0, "it is no duplicate of itself");
	let double = format!("{TEXT}{OTHER}");
	let copy = stage.approved(&double, 6);
	assert_eq!(duplicates().await, 0, "nor of what came later");
	stage.chain.edit(|state| state.kept_datasets.get_mut(&copy).unwrap().offered_at = 4);
	assert_eq!(duplicates().await, 1_000_000);
	let voted_on = DatasetStage::Vote { until: 9, is_extended: false };
	stage.chain.edit(|state| state.kept_datasets.get_mut(&copy).unwrap().stage = voted_on);
	assert_eq!(duplicates().await, 0, "nor of what is not approved");
}

#[tokio::test]
async fn approved_should_be_the_oldest_as_far_as_there_is_room_and_they_can_be_had() {
	let mut stage = Stage::new().await;
	let [first, second, last] = [(TEXT, 3), (OTHER, 2), ("Short and old, and very hard to come by.\n\n", 1)]
		.map(|(text, offered_at)| stage.approved(text, offered_at));
	let record = stage.case(stage.approved("What is audited, and younger than all of them.\n\n", 9)).record;
	let paths = async |stage: &Stage| {
		stage.datasets.approved(&*stage.chain, &record, Duration::from_secs(1)).await.unwrap()
	};
	let path = |stage: &Stage, dataset| text::path_of(&stage.datasets.folder, &dataset);
	assert_eq!(paths(&stage).await, [last, second, first].map(|dataset| path(&stage, dataset)));
	stage.datasets.config.approved_mebibytes = 0;
	assert!(paths(&stage).await.is_empty());
	stage.datasets.config.approved_mebibytes = 1;
	stage.datasets.content.store().remove(&second).unwrap();
	assert_eq!(paths(&stage).await, [last, first].map(|dataset| path(&stage, dataset)));
}

#[tokio::test]
async fn audit_should_tell_what_cannot_be_had_from_what_is_not_as_declared() {
	let stage = Stage::new().await;
	let dataset = stage.approved(TEXT, 1);
	let case = stage.case(dataset);
	let mut other = case.clone();
	other.record.offer.samples = 2;
	assert_eq!(stage.find(&other).await.unwrap(), DatasetFinding::NotAsDeclared, "the document says one");
	let part = blyan_store::cid_of_bytes(TEXT.as_bytes()).unwrap();
	stage.datasets.content.store().remove(&part).unwrap();
	assert_eq!(stage.find(&case).await.unwrap(), DatasetFinding::Unfetchable);
	stage.datasets.content.store().remove(&dataset).unwrap();
	assert_eq!(stage.find(&case).await.unwrap(), DatasetFinding::Unfetchable);
}

#[tokio::test]
async fn audit_should_fail_and_find_nothing_when_the_fault_is_here() {
	let stage = Stage::new().await;
	let case = stage.case(stage.approved(TEXT, 1));
	let mut unseeded = case.clone();
	unseeded.audit.seed = None;
	assert!(matches!(stage.find(&unseeded).await, Err(DatasetAuditError::NoSeed)));
	let terms = AuditTerms { rules: RULES + 1, limits: QualityLimits::default() };
	stage.chain.edit(|state| state.audit_terms = Some(terms));
	let error = stage.find(&case).await.unwrap_err().to_string();
	assert!(error.contains("update"), "{error}");
	stage.chain.disconnect();
	assert!(matches!(stage.find(&case).await, Err(DatasetAuditError::Chain(_))));
}

#[tokio::test]
async fn patience_should_leave_time_to_commit() {
	let stage = Stage::new().await;
	let mut case = stage.case(stage.approved(TEXT, 1));
	let mut patience = async |until| {
		case.audit.phase = DatasetAuditPhase::Commit { until };
		stage.datasets.patience(&*stage.chain, &case).await.unwrap().as_secs()
	};
	assert_eq!([patience(900).await, patience(15).await, patience(0).await], [900, 15, 0]);
}

#[test]
fn case_should_commit_as_the_chain_compares() {
	let attempt = Attempt {
		dataset: crate::datasets::tests::record(DatasetStage::Pending).offer.content,
		audit: 2,
		attempt: 1,
	};
	let (finding, salt) = (DatasetFinding::Unfetchable, Hash::repeat_byte(1));
	let expected = dataset_commitment(&ME, &attempt.dataset, 2, 1, &finding, &salt.0);
	assert_eq!(Case::commitment(&ME, attempt, &finding, &salt), expected);
	assert!(matches!(
		Datasets::call(Call::Reveal { attempt, finding, salt }),
		ChainCall::RevealDatasetFinding { salt, .. } if salt == [1; 32]
	));
	let approved = DatasetStage::Approved { tier: Tier::Gold, since: 1 };
	assert_eq!(Case::of(crate::datasets::tests::record(approved)), None);
}
