//! Models of tests: graphs on a chain in memory.

use blyan_chain_client::{fake::FakeChain, Signer};
use blyan_primitives::{
	api::{BlockInfo, BlockStanding, ModelInfo, VersionInfo},
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		Block, BlockId, BlockKind, Component, ContentFormat, Generation, ManifestEntry, ModelId, SemVer,
		SubmissionId,
	},
	delta::DeltaChain,
	AccountId, BlockNumber, Hash,
};
use polkadot_sdk::sp_runtime::Perbill;
use std::collections::BTreeMap;

pub const MODEL: ModelId = 7;
const KIB: u64 = 1_024;

/// A model that grows block by block.
pub struct Sample {
	pub chain: FakeChain,
	blocks: Vec<BlockInfo<AccountId>>,
	info: ModelInfo<AccountId>,
	trainers: BTreeMap<&'static str, AccountId>,
}

/// What a block is besides its place in the graph.
#[derive(Clone, Copy)]
pub struct Like {
	pub kind: BlockKind,
	pub standing: BlockStanding,
	pub bytes: u64,
	pub deltas: u32,
	pub submission: Option<SubmissionId>,
	pub probation_until: Option<BlockNumber>,
	pub trainer: &'static str,
}

impl Like {
	pub fn new(kind: BlockKind, standing: BlockStanding) -> Self {
		let (bytes, deltas) = match kind {
			BlockKind::Delta => (140 * KIB, 1),
			_ => (4 * KIB * KIB, 0),
		};
		Self { kind, standing, bytes, deltas, submission: None, probation_until: None, trainer: "Alice" }
	}

	pub fn genesis(standing: BlockStanding) -> Self {
		Self::new(BlockKind::Genesis, standing)
	}

	pub fn update(standing: BlockStanding) -> Self {
		Self::new(BlockKind::Update, standing)
	}

	pub fn in_submission(self, submission: SubmissionId) -> Self {
		Self { submission: Some(submission), ..self }
	}

	pub fn by(self, trainer: &'static str) -> Self {
		Self { trainer, ..self }
	}
}

pub const fn head(since: Generation) -> BlockStanding {
	BlockStanding::Head { since }
}

pub const fn superseded(since: Generation) -> BlockStanding {
	BlockStanding::Superseded { since }
}

impl Sample {
	pub fn new(name: &[u8], layers: u16, experts: u16) -> Self {
		let count = ExpertCount { min: 2, current: experts, max: 2 * experts };
		let info = ModelInfo {
			id: MODEL,
			name: name.to_vec(),
			owner: None,
			architecture: Architecture::byte_level(layers, count, 1, 16, 16, 2, 16),
			version: SemVer { major: 0, minor: 1, patch: 5 },
			generation: 5,
			root: Some(Hash::repeat_byte(0xab)),
			pool: None,
			gate: None,
			referee: None,
			migration: None,
			probation_routing_share: Perbill::one(),
		};
		Self { chain: FakeChain::new(), blocks: Vec::new(), info, trainers: BTreeMap::new() }
	}

	/// Adds a block and returns its id.
	pub fn add(&mut self, component: Component, parents: &[BlockId], like: Like) -> BlockId {
		// Deriving a key takes milliseconds, and some tests have thousands of blocks.
		let trainer = self.trainers.entry(like.trainer).or_insert_with(|| {
			let suri = format!("//{}", like.trainer).into();
			Signer::from_suri(&suri).expect("a development key").account().clone()
		});
		// Blocks that are otherwise the same differ in their content.
		let digest = Hash::from_low_u64_be(self.blocks.len() as u64 + 1).0;
		let block = Block {
			model: MODEL,
			component,
			kind: like.kind,
			parents: parents.to_vec().try_into().expect("few parents"),
			content: Cid { codec: CidCodec::Raw, digest },
			bytes: like.bytes,
			format: ContentFormat::TensorBlock,
			trainer: trainer.clone(),
			manifest_hash: Hash::zero(),
		};
		let id = block.id();
		for info in self.blocks.iter_mut().filter(|info| parents.contains(&info.id)) {
			info.children += 1;
		}
		self.blocks.push(BlockInfo {
			id,
			block,
			submission: like.submission,
			standing: like.standing,
			deltas: DeltaChain { length: like.deltas, bytes: 0, whole_bytes: 0 },
			children: 0,
			probation_until: like.probation_until,
		});
		id
	}

	/// Puts it on the chain: the manifest is of the blocks that are heads.
	pub fn release(self) -> FakeChain {
		let Self { chain, blocks, mut info, trainers: _ } = self;
		for block in &blocks {
			if let BlockStanding::Head { since } = block.standing {
				info.generation = since.max(info.generation);
			}
		}
		let mut manifest: Vec<ManifestEntry> = blocks
			.iter()
			.filter(|block| matches!(block.standing, BlockStanding::Head { .. }))
			.map(entry)
			.collect();
		manifest.sort_by_key(|entry| info.architecture.component_index(entry.component));
		chain.edit(|state| {
			state.manifests.insert((MODEL, info.generation), manifest);
			state.blocks.extend(blocks.into_iter().map(|block| (block.id, block)));
			state.models.insert(MODEL, info);
		});
		chain
	}

	/// As [`Self::release`], of a model whose MAJOR rose with its last generation, when the retired blocks
	/// were taken out.
	pub fn release_after_removal(mut self) -> FakeChain {
		let before = self.info.generation - 1;
		let manifest: Vec<ManifestEntry> =
			self.blocks.iter().filter(|block| block.standing == BlockStanding::Retired).map(entry).collect();
		self.info.version = self.info.version.next_major();
		let info = self.info.clone();
		let chain = self.release();
		chain.edit(|state| {
			state.manifests.insert((MODEL, before), manifest);
			for generation in 0..=before {
				let version = VersionInfo {
					generation,
					version: SemVer::GENESIS,
					root: Hash::zero(),
					architecture: info.architecture,
					submission: None,
					released_at: 0,
				};
				state.versions.insert((MODEL, generation), version);
			}
		});
		chain
	}
}

fn entry(info: &BlockInfo<AccountId>) -> ManifestEntry {
	ManifestEntry {
		component: info.block.component,
		block: info.id,
		content: info.block.content,
		bytes: info.block.bytes,
		deltas: info.deltas.length,
		probation_until: info.probation_until,
	}
}

/// A model of thirteen components, some of them improved a few times.
pub fn small_model() -> FakeChain {
	let mut sample = Sample::new(b"Small and public", 3, 3);
	let components: Vec<Component> = sample.info.architecture.components().collect();
	for (place, component) in components.into_iter().enumerate() {
		let updates = place % 4;
		let standing =
			|step: usize| if step == updates { head(step as u32) } else { superseded(step as u32 + 1) };
		let mut last = sample.add(component, &[], Like::genesis(standing(0)));
		for step in 1..=updates {
			let like = match step {
				2 => Like::new(BlockKind::Delta, standing(step)),
				_ => Like::update(standing(step)),
			};
			let submission = (4 * step + place) as u64;
			last = sample.add(component, &[last], like.in_submission(submission).by("Bob"));
		}
	}
	sample.release()
}

/// One expert that had rivals, deltas, a snapshot and a rollback, beside a backbone.
pub fn rivals() -> FakeChain {
	use BlockStanding::{Candidate, Rejected, Withdrawn};
	let mut sample = Sample::new("Rivals <&\"> of Blyan".as_bytes(), 1, 2);
	let expert = Component::Expert { layer: 0, index: 1 };
	sample.add(Component::Backbone, &[], Like::genesis(head(0)));
	let genesis = sample.add(expert, &[], Like::genesis(superseded(1)));
	let first = sample.add(expert, &[genesis], Like::update(superseded(2)).in_submission(1).by("Bob"));
	sample.add(expert, &[genesis], Like::update(Rejected).in_submission(2).by("Charlie"));
	sample.add(expert, &[genesis], Like::update(Withdrawn).in_submission(3).by("Dave"));
	let delta = |standing| Like::new(BlockKind::Delta, standing);
	let second = sample.add(expert, &[first, genesis], delta(superseded(3)).in_submission(4).by("Bob"));
	let third =
		sample.add(expert, &[second], Like { deltas: 2, ..delta(superseded(4)).in_submission(5).by("Bob") });
	sample.add(expert, &[second], Like { deltas: 2, ..delta(Rejected).in_submission(6).by("Eve") });
	let snapshot = Like::new(BlockKind::Snapshot, superseded(5)).in_submission(7).by("Charlie");
	let snapshot = sample.add(expert, &[third], snapshot);
	let worse = Like::update(BlockStanding::RolledBack { since: 6 }).in_submission(8).by("Eve");
	let worse = sample.add(expert, &[snapshot], worse);
	let rollback =
		Like { probation_until: Some(1_440), ..Like::new(BlockKind::Rollback, head(6)).in_submission(9) };
	let rollback = sample.add(expert, &[snapshot, worse], rollback);
	sample.add(expert, &[rollback], Like::update(Candidate).in_submission(10).by("Bob"));
	sample.add(expert, &[rollback], delta(Candidate).in_submission(11).by("Dave"));
	sample.release()
}
