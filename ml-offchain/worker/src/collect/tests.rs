use super::*;
use blyan_chain_client::fake::FakeChain;
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::{
	api::{BlockInfo, BlockStanding, ModelInfo},
	architecture::{Architecture, ExpertCount, Tokenizer},
	cid::Cid,
	dag::{Block, BlockKind, Component, ContentFormat, ManifestEntry, SemVer},
	delta::DeltaChain,
	AccountId,
};
use std::{fs::File, time::SystemTime};

const COMPONENT: Component = Component::Router { layer: 0 };

/// A chain, and a store with what is on it and more.
struct Stage {
	_folder: tempfile::TempDir,
	chain: FakeChain,
	config: Config,
	content: Content,
}

impl Stage {
	async fn new() -> Self {
		let folder = tempfile::tempdir().unwrap();
		let config = Config { data_dir: folder.path().into(), ..Config::default() };
		let store = Store::open(config.store_dir()).unwrap();
		let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
		let chain = FakeChain::new();
		let content = Content::new(network, Arc::new(chain.clone()), AccountId::new([1; 32]));
		Self { _folder: folder, chain, config, content }
	}

	fn store(&self) -> Store {
		self.content.store().clone()
	}

	/// Content that was stored two days ago.
	fn old(&self, text: &str) -> Cid {
		let cid = self.store().put_bytes(text.as_bytes()).unwrap().cid;
		let file = File::open(self.store().path(&cid)).unwrap();
		file.set_modified(SystemTime::now() - hours(48)).unwrap();
		cid
	}

	/// Makes a model whose head is the last of these blocks, each made from the one before.
	fn put_model(&self, blocks: &[(BlockKind, Cid, Hash)], tokenizer: Tokenizer) {
		let mut last: Option<BlockInfo<AccountId>> = None;
		for (kind, content, manifest_hash) in blocks {
			let block = Block {
				model: 0,
				component: COMPONENT,
				kind: *kind,
				parents: last.iter().map(|parent| parent.id).collect::<Vec<_>>().try_into().unwrap(),
				content: *content,
				bytes: 1,
				format: ContentFormat::TensorBlock,
				trainer: AccountId::new([1; 32]),
				manifest_hash: *manifest_hash,
			};
			let deltas = match (kind, &last) {
				(BlockKind::Delta, Some(parent)) => parent.deltas.extended(1),
				_ => DeltaChain::whole(1),
			};
			let standing = BlockStanding::Head { since: 0 };
			let info = BlockInfo {
				id: block.id(),
				block,
				submission: None,
				standing,
				deltas,
				children: 0,
				probation_until: None,
			};
			self.chain.edit(|state| state.blocks.insert(info.id, info.clone()));
			last = Some(info);
		}
		let head = last.unwrap();
		let entry = ManifestEntry {
			component: COMPONENT,
			block: head.id,
			content: head.block.content,
			bytes: 1,
			deltas: head.deltas.length,
			probation_until: None,
		};
		let experts = ExpertCount { min: 2, current: 2, max: 2 };
		let model = ModelInfo {
			id: 0,
			name: vec![],
			owner: None,
			architecture: Architecture {
				tokenizer,
				..Architecture::byte_level(1, experts, 1, 16, 16, 2, 16)
			},
			version: SemVer::GENESIS,
			generation: 0,
			root: None,
			pool: None,
			gate: None,
			referee: None,
			migration: None,
			probation_routing_share: Default::default(),
		};
		self.chain.edit(|state| {
			state.models.insert(0, model);
			state.manifests.insert((0, 0), vec![entry]);
		});
	}

	async fn collect(&self) -> Result<Vec<Cid>, CollectError> {
		let collection =
			collect(&self.chain, &self.config, self.store(), Some(&self.content), Duration::ZERO).await?;
		Ok(collection.collected.removed)
	}
}

fn sorted<const N: usize>(mut cids: [Cid; N]) -> Vec<Cid> {
	cids.sort();
	cids.to_vec()
}

#[tokio::test]
async fn collect_should_spare_a_chain_of_deltas_down_to_whole_weights() {
	let stage = Stage::new().await;
	let [first, whole, replay, tokenizer] =
		["first", "whole", "replay", "tokenizer"].map(|text| stage.old(text));
	let deltas = [1, 2, 3, 4, 5].map(|number| stage.old(&format!("delta {number}")));
	let mut blocks = vec![(BlockKind::Genesis, first), (BlockKind::Update, whole)];
	blocks.extend(deltas.map(|delta| (BlockKind::Delta, delta)));
	let blocks: Vec<_> = blocks.into_iter().map(|(kind, cid)| (kind, cid, Hash::zero())).collect();
	stage.put_model(&blocks, Tokenizer::Content { content: tokenizer, bytes: 9 });
	assert_eq!(stage.collect().await.unwrap(), sorted([first, replay]), "a replay can be made again");
	assert!(deltas.iter().chain([&whole, &tokenizer]).all(|cid| stage.store().verify(cid).is_ok()));
}

#[tokio::test]
async fn collect_should_spare_the_text_that_a_head_was_trained_on() {
	let stage = Stage::new().await;
	let [head, text, leaves, other] = ["head", "text", "leaves", "other"].map(|text| stage.old(text));
	let manifest = Manifest {
		format: manifest::FORMAT.into(),
		trainer: AccountId::new([1; 32]),
		model: 0,
		generation: 0,
		version_root: Hash::zero(),
		parents: vec![],
		datasets: vec![manifest::Dataset { content: text, bytes: 4, weight: 1 }],
		binding: Hash::zero(),
		job: Default::default(),
		samples: 1,
		batches_root: Hash::zero(),
		leaves: manifest::Leaves { content: leaves, bytes: 6 },
		wall_seconds: 1.0,
		device_seconds: 1.0,
	};
	let manifest = serde_json::to_string(&manifest).unwrap();
	let stored = stage.old(&manifest);
	stage.put_model(&[(BlockKind::Update, head, manifest::hash(manifest.as_bytes()))], Tokenizer::Bytes);
	assert_eq!(stage.collect().await.unwrap(), [other]);
	assert!([stored, text, leaves].iter().all(|cid| stage.store().contains(cid)));
}

#[tokio::test]
async fn collect_should_take_nothing_when_it_is_not_known_what_to_keep() {
	let stage = Stage::new().await;
	let garbage = stage.old("garbage");
	stage.chain.disconnect();
	assert!(matches!(stage.collect().await, Err(CollectError::Keep(KeepError::Chain(_)))));
	stage.chain.reconnect();
	// What it is a delta of is not on the chain.
	stage.put_model(&[(BlockKind::Delta, garbage, Hash::zero())], Tokenizer::Bytes);
	assert!(matches!(stage.collect().await, Err(CollectError::Keep(KeepError::ChainBroken(_)))));
	assert!(stage.store().contains(&garbage));
}

#[tokio::test]
async fn collector_should_remove_old_garbage_and_spare_what_is_new_pinned_or_worked_with() {
	let stage = Stage::new().await;
	let [head, garbage, pinned, held] = ["head", "garbage", "pinned", "held"].map(|text| stage.old(text));
	stage.put_model(&[(BlockKind::Genesis, head, Hash::zero())], Tokenizer::Bytes);
	let new = stage.store().put_bytes(b"new").unwrap().cid;
	stage.store().pin(pinned, PinReason::Manual).unwrap();
	let hold = stage.content.hold([held]);
	let period = Duration::from_millis(10);
	let chain: Arc<dyn Chain> = Arc::new(stage.chain.clone());
	// The first tries fail, which ends nothing.
	stage.chain.disconnect();
	let collector = Collector::start(stage.config.clone(), chain, stage.content.clone(), period);
	tokio::time::sleep(3 * period).await;
	assert!(stage.store().contains(&garbage));
	stage.chain.reconnect();
	let gone = async |cid: Cid| {
		while stage.store().contains(&cid) {
			tokio::time::sleep(period).await;
		}
	};
	tokio::time::timeout(Duration::from_secs(60), gone(garbage)).await.unwrap();
	assert_eq!(stage.store().list().unwrap().len(), 4);
	for cid in [head, pinned, held, new] {
		assert!(stage.store().contains(&cid));
	}
	drop(hold);
	tokio::time::timeout(Duration::from_secs(60), gone(held)).await.unwrap();
	drop(collector);
}

#[tokio::test]
async fn collect_should_keep_the_parts_of_approved_datasets_and_remove_the_rest() {
	use crate::datasets::tests::offered;
	use blyan_primitives::datasets::{DatasetStage, Refusal};
	let stage = Stage::new().await;
	let texts = ["of one that is approved", "of one that is not"];
	let old = |path: std::path::PathBuf| {
		File::open(path).unwrap().set_modified(SystemTime::now() - hours(48)).unwrap();
	};
	let [approved, rejected] = texts.map(|part| {
		let dataset = offered(&stage.chain, &stage.store(), part.as_bytes());
		let part_cid = stage.old(part);
		old(stage.store().path(&dataset));
		let assembled = text::path_of(&stage.config.dataset_dir(), &dataset);
		std::fs::create_dir_all(stage.config.dataset_dir()).unwrap();
		std::fs::write(&assembled, part).unwrap();
		old(assembled.clone());
		(dataset, part_cid, assembled)
	});
	stage.chain.edit(|state| {
		let record = state.kept_datasets.get_mut(&rejected.0).unwrap();
		record.stage = DatasetStage::Rejected { reason: Refusal::Votes, until: 9 };
	});
	let collection =
		collect(&stage.chain, &stage.config, stage.store(), Some(&stage.content), hours(24)).await.unwrap();
	let store = stage.store();
	assert_eq!([approved.0, approved.1].map(|cid| store.contains(&cid)), [true, true]);
	assert_eq!([rejected.0, rejected.1].map(|cid| store.contains(&cid)), [false, false]);
	assert_eq!((approved.2.exists(), rejected.2.exists(), collection.texts), (true, false, 1));
}
