//! What must stay in the store, and why: a pure function of what the chain and this worker know.

use crate::{
	config::Config,
	journal::{Journal, JournalError},
	plant::step::Entry as CanaryEntry,
	rounds::OpenRounds,
	trainer::step::Entry,
};
use blyan_chain_client::{Chain, ChainError};
use blyan_primitives::{
	api::{DatasetStageKind, ModelInfo},
	architecture::Tokenizer,
	cid::Cid,
	dag::{BlockId, BlockKind, Component, ModelId, NewBlock},
	datasets::DatasetStage,
	AccountId, BlockNumber, Hash, SLOT_MILLISECONDS,
};
use blyan_store::{PinReason, Pins};
use serde::{de::DeserializeOwned, Serialize};
use std::{
	collections::{BTreeMap, BTreeSet},
	fs, io,
	path::PathBuf,
};

/// Milliseconds of a day.
const DAY_MILLISECONDS: u64 = 24 * 60 * 60 * 1_000;
/// Ancestors that are asked for at once.
const LINEAGE_DEPTH: u32 = 64;

/// Why it is not known what to keep. Nothing is collected then.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// This worker's own memory cannot be read.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// A block's ancestors end before whole weights: a node or a runtime that is not to be relied on.
	#[error("the chain of deltas under block {0:?} has no whole weights at its end")]
	ChainBroken(BlockId),
	/// The journal cannot be copied for reading.
	#[error("cannot read the journal {}: {source}", path.display())]
	Copy {
		/// The journal.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
}

/// A block, as far as its content is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockView {
	/// What it names.
	pub content: Cid,
	/// BLAKE2-256 of how it was trained.
	pub manifest: Hash,
}

/// A block, and what its weights are made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineView {
	/// The block.
	pub block: BlockView,
	/// What its ancestors name down to whole weights, nearest first; nothing if it is whole itself.
	pub base: Vec<Cid>,
}

/// What decides what is kept.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct View {
	/// The heads of every model that is followed, and what they may be rolled back to.
	pub heads: Vec<LineView>,
	/// The candidates of every open round.
	pub candidates: Vec<LineView>,
	/// What models and open rounds are measured with.
	pub pools: Vec<Cid>,
	/// What the followed models' text is made into tokens with.
	pub tokenizers: Vec<Cid>,
	/// Datasets that were approved no longer ago than they are kept, by their documents; and what is trained on.
	pub datasets: Vec<Cid>,
	/// Blocks of this worker that are trained, and on which there is no verdict.
	pub own: Vec<BlockView>,
}

/// What must be kept, and why.
pub fn keep(view: &View) -> Pins {
	let mut pins = Pins::default();
	for (lines, reason) in [(&view.heads, PinReason::Head), (&view.candidates, PinReason::Round)] {
		for line in lines {
			for content in line.base.iter().chain([&line.block.content]) {
				pins.add(*content, reason);
			}
		}
	}
	for tokenizer in &view.tokenizers {
		pins.add(*tokenizer, PinReason::Head);
	}
	for pool in &view.pools {
		pins.add(*pool, PinReason::Round);
	}
	for dataset in &view.datasets {
		pins.add(*dataset, PinReason::Dataset);
	}
	for block in &view.own {
		pins.add(block.content, PinReason::OwnWork);
	}
	pins
}

/// The manifests of blocks whose record of training this worker keeps: small files that the chain knows
/// by another hash than their name.
pub fn manifests(view: &View) -> BTreeSet<Hash> {
	let lines = view.heads.iter().chain(&view.candidates).map(|line| line.block.manifest);
	lines.chain(view.own.iter().map(|block| block.manifest)).collect()
}

/// Reads what decides what is kept. `models` are those that are followed; all if there are none.
///
/// # Errors
/// See [`KeepError`].
pub async fn read(chain: &dyn Chain, config: &Config, models: &[ModelId]) -> Result<View, KeepError> {
	let mut view = View::default();
	// Rounds first: what becomes a head meanwhile is then seen as the one or the other.
	for round in OpenRounds::default().read(chain).await? {
		view.pools.extend(round.pool.map(|pool| pool.content));
		for id in round.blocks {
			view.candidates.extend(line(chain, id).await?);
		}
	}
	for model in chain.models().await? {
		view.pools.extend(model.pool.as_ref().map(|pool| pool.content));
		if !models.is_empty() && !models.contains(&model.id) {
			continue;
		}
		if let Tokenizer::Content { content, .. } = model.architecture.tokenizer {
			view.tokenizers.push(content);
		}
		for block in heads(chain, &model).await? {
			view.heads.extend(line(chain, block).await?);
		}
	}
	view.datasets.extend(config.train.sources().filter_map(|(text, _)| text.parse::<Cid>().ok()));
	view.datasets.extend(&config.train.datasets);
	let height = chain.finalized_head().await?.number;
	let approved = chain.kept_datasets(Some(DatasetStageKind::Approved)).await?;
	let lasting = approved.iter().filter(|record| is_pinned(record.stage, height));
	view.datasets.extend(lasting.map(|record| record.offer.content));
	view.own = own_work(config)?;
	Ok(view)
}

/// Whether what is approved is still to be kept.
fn is_pinned(stage: DatasetStage<BlockNumber>, height: BlockNumber) -> bool {
	let DatasetStage::Approved { tier, since } = stage else { return false };
	let blocks = |days: u32| u64::from(days).saturating_mul(DAY_MILLISECONDS / SLOT_MILLISECONDS);
	tier.pin_days().is_none_or(|days| u64::from(height.saturating_sub(since)) < blocks(days))
}

/// The heads of a model, and, of each block that is on probation, what was head before it: also where the block
/// is no head any more, since what came after it falls with it.
async fn heads(chain: &dyn Chain, model: &ModelInfo<AccountId>) -> Result<BTreeSet<BlockId>, ChainError> {
	let mut generation = model.generation;
	let mut manifest = chain.manifest(model.id, Some(generation)).await?;
	let mut heads: BTreeSet<BlockId> = manifest.iter().map(|entry| entry.block).collect();
	// Blocks go off probation in the order in which they became heads: before a generation without any there
	// is none.
	while manifest.iter().any(|entry| entry.probation_until.is_some()) {
		let Some(earlier) = generation.checked_sub(1) else { break };
		let former = chain.manifest(model.id, Some(earlier)).await?;
		let blocks: BTreeMap<Component, BlockId> =
			former.iter().map(|entry| (entry.component, entry.block)).collect();
		let on_probation = manifest.iter().filter(|entry| entry.probation_until.is_some());
		heads.extend(on_probation.filter_map(|entry| blocks.get(&entry.component)));
		(generation, manifest) = (earlier, former);
	}
	Ok(heads)
}

/// A block with everything down to the whole weights that it is made from.
async fn line(chain: &dyn Chain, id: BlockId) -> Result<Option<LineView>, KeepError> {
	let Some(info) = chain.block(id).await? else { return Ok(None) };
	let block = BlockView { content: info.block.content, manifest: info.block.manifest_hash };
	let (mut base, mut last) = (Vec::new(), info);
	while needs_parent(last.block.kind) {
		// The chain tells a bounded number of ancestors at once.
		let ancestors = chain.lineage(last.id, LINEAGE_DEPTH).await?;
		if ancestors.is_empty() {
			return Err(KeepError::ChainBroken(id));
		}
		for ancestor in ancestors {
			if needs_parent(last.block.kind) {
				base.push(ancestor.block.content);
				last = ancestor;
			}
		}
	}
	Ok(Some(LineView { block, base }))
}

/// Whether weights of that kind are had only by those of the first parent.
fn needs_parent(kind: BlockKind) -> bool {
	matches!(kind, BlockKind::Delta | BlockKind::Rollback)
}

/// What the journals of trainer and planter say is made and not closed.
fn own_work(config: &Config) -> Result<Vec<BlockView>, KeepError> {
	let mut own = open_work(entries_of(config, crate::trainer::JOURNAL)?);
	own.extend(open_canary(entries_of(config, crate::plant::JOURNAL)?));
	Ok(own)
}

/// What a journal says. It is copied first: the worker that writes it may be running.
fn entries_of<T: Serialize + DeserializeOwned>(config: &Config, name: &str) -> Result<Vec<T>, KeepError> {
	let path = config.journal(name);
	let failed = |source| KeepError::Copy { path: path.clone(), source };
	let folder = tempfile::tempdir().map_err(failed)?;
	let copy = folder.path().join("journal");
	match fs::copy(&path, &copy) {
		Ok(_) => {}
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
		Err(error) => return Err(failed(error)),
	}
	Ok(Journal::<T>::open(copy)?.1)
}

fn view_of(block: &NewBlock) -> BlockView {
	BlockView { content: block.content, manifest: block.manifest_hash }
}

/// A canary may wait for long until its key is drawn again.
fn open_canary(entries: Vec<CanaryEntry>) -> Vec<BlockView> {
	let mut open = Vec::new();
	for entry in entries {
		match entry {
			CanaryEntry::Made { blocks, .. } => open.extend(blocks.0.iter().map(view_of)),
			CanaryEntry::Closed { .. } => open.clear(),
		}
	}
	open
}

fn open_work(entries: Vec<Entry>) -> Vec<BlockView> {
	let mut open = BTreeMap::new();
	for entry in entries {
		match entry {
			Entry::Began { job, .. } | Entry::Closed { job, .. } => {
				open.remove(&job);
			}
			Entry::Trained { job, blocks, .. } => {
				open.insert(job, blocks.0.iter().map(view_of).collect::<Vec<_>>());
			}
		}
	}
	open.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{scale::ScaleHex, trainer::step::Outcome};
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::{
		api::{BlockInfo, BlockStanding},
		architecture::{Architecture, ExpertCount},
		cid::CidCodec,
		dag::{Block, ContentFormat, ManifestEntry, SemVer},
		delta::DeltaChain,
	};
	use blyan_store::Store;
	use proptest::prelude::*;
	use std::time::Duration;

	fn cid(number: u8) -> Cid {
		Cid { codec: CidCodec::Raw, digest: [number; 32] }
	}

	fn block(number: u8) -> BlockView {
		BlockView { content: cid(number), manifest: Hash::repeat_byte(number) }
	}

	/// A chain with a model of one component.
	struct Model {
		chain: FakeChain,
		blocks: Vec<BlockId>,
	}

	impl Model {
		fn new() -> Self {
			let experts = ExpertCount { min: 2, current: 2, max: 2 };
			let model = ModelInfo {
				id: 0,
				name: vec![],
				owner: None,
				architecture: Architecture::byte_level(1, experts, 1, 16, 16, 2, 16),
				version: SemVer::GENESIS,
				generation: 0,
				root: None,
				pool: None,
				gate: None,
				referee: None,
				migration: None,
				probation_routing_share: Default::default(),
			};
			let chain = FakeChain::new();
			chain.edit(|state| state.models.insert(0, model));
			Self { chain, blocks: Vec::new() }
		}

		/// A block whose content is its number, from 1, made from the block of the number `parent`.
		fn block(&mut self, kind: BlockKind, parent: Option<usize>) {
			let number = self.blocks.len() + 1;
			let block = Block {
				model: 0,
				component: Component::Backbone,
				kind,
				parents: parent
					.map(|parent| self.blocks[parent - 1])
					.into_iter()
					.collect::<Vec<_>>()
					.try_into()
					.unwrap(),
				content: cid(number as u8),
				bytes: 1,
				format: ContentFormat::TensorBlock,
				trainer: AccountId::new([1; 32]),
				manifest_hash: Hash::zero(),
			};
			let id = block.id();
			let (standing, deltas) = (BlockStanding::Candidate, DeltaChain::whole(1));
			let info = BlockInfo {
				id,
				block,
				submission: None,
				standing,
				deltas,
				children: 0,
				probation_until: None,
			};
			self.chain.edit(|state| state.blocks.insert(id, info));
			self.blocks.push(id);
		}

		/// The heads of one generation after another, and whether they are on probation.
		fn heads(&self, heads: &[(usize, bool)]) {
			self.chain.edit(|state| {
				for ((number, is_on_probation), generation) in heads.iter().zip(0..) {
					let entry = ManifestEntry {
						component: Component::Backbone,
						block: self.blocks[number - 1],
						content: cid(*number as u8),
						bytes: 1,
						deltas: 0,
						probation_until: is_on_probation.then_some(9),
					};
					state.manifests.insert((0, generation), vec![entry]);
					state.models.get_mut(&0).unwrap().generation = generation;
				}
			});
		}

		async fn kept(&self) -> Result<Vec<u8>, KeepError> {
			let config = Config { data_dir: "/nonexistent".into(), ..Config::default() };
			let view = read(&self.chain, &config, &[]).await?;
			Ok(keep(&view).cids().into_iter().map(|cid| cid.digest[0]).collect())
		}
	}

	#[tokio::test]
	async fn keep_should_hold_what_heads_on_probation_may_be_rolled_back_to() {
		use BlockKind::{Genesis, Update};
		let mut model = Model::new();
		model.block(Genesis, None);
		for parent in [1, 2, 3] {
			model.block(Update, Some(parent));
		}
		model.heads(&[(1, false), (2, false), (3, false), (4, false)]);
		assert_eq!(model.kept().await.unwrap(), [4]);
		model.heads(&[(1, false), (2, false), (3, false), (4, true)]);
		assert_eq!(model.kept().await.unwrap(), [3, 4]);
		model.heads(&[(1, false), (2, true), (3, true), (4, true)]);
		assert_eq!(model.kept().await.unwrap(), [1, 2, 3, 4], "what came after a block falls with it");
		// A rival of 3 that was accepted after it, and is rolled back to 3, not to its own parent.
		model.block(Update, Some(2));
		model.heads(&[(1, false), (2, false), (3, false), (5, true)]);
		assert_eq!(model.kept().await.unwrap(), [3, 5]);
	}

	#[tokio::test]
	async fn keep_should_hold_a_chain_of_deltas_down_to_whole_weights() {
		use BlockKind::{Delta, Genesis, Rollback, Snapshot, Update};
		let mut model = Model::new();
		model.block(Genesis, None);
		model.block(Snapshot, Some(1));
		model.block(Delta, Some(2));
		model.block(Delta, Some(3));
		model.block(Delta, Some(4));
		model.heads(&[(5, false)]);
		assert_eq!(model.kept().await.unwrap(), [2, 3, 4, 5]);
		// What it is rolled back to is a delta, and needs its own base; so does the rollback itself.
		model.block(Update, Some(4));
		model.heads(&[(4, false), (6, true)]);
		assert_eq!(model.kept().await.unwrap(), [2, 3, 4, 6]);
		model.block(Rollback, Some(4));
		model.block(Delta, Some(7));
		model.heads(&[(8, false)]);
		assert_eq!(model.kept().await.unwrap(), [2, 3, 4, 7, 8]);
		// More than the chain tells at once.
		for parent in 8..100 {
			model.block(Delta, Some(parent));
		}
		model.heads(&[(100, false)]);
		assert_eq!(model.kept().await.unwrap().len(), 3 + 94);
	}

	#[tokio::test]
	async fn keep_should_be_unknown_when_a_chain_of_deltas_has_no_end() {
		let mut model = Model::new();
		model.block(BlockKind::Delta, None);
		model.heads(&[(1, false)]);
		assert!(matches!(model.kept().await, Err(KeepError::ChainBroken(id)) if id == model.blocks[0]));
	}

	#[tokio::test]
	async fn keep_should_hold_approved_datasets_as_long_as_their_tier_says() {
		use blyan_primitives::datasets::{Refusal, Tier};
		let model = Model::new();
		let kept = async |stage| {
			let mut record = crate::datasets::tests::record(stage);
			record.offer.content = cid(9);
			model.chain.edit(|state| state.kept_datasets.insert(cid(9), record));
			model.kept().await.unwrap()
		};
		let approved = |tier| DatasetStage::Approved { tier, since: 0 };
		assert_eq!(kept(approved(Tier::Experimental)).await, [9]);
		assert!(kept(DatasetStage::Rejected { reason: Refusal::Votes, until: 9 }).await.is_empty());
		let days = |days: u32| days * 24 * 60 * 30;
		assert!(is_pinned(approved(Tier::Experimental), days(30) - 1));
		assert!(!is_pinned(approved(Tier::Experimental), days(30)));
		assert!(is_pinned(approved(Tier::Silver), days(90) - 1));
		assert!(!is_pinned(approved(Tier::Silver), days(90)));
		assert!(is_pinned(approved(Tier::Gold), u32::MAX));
	}

	#[test]
	fn keep_should_name_every_reason() {
		let line = |number| LineView { block: block(number), base: vec![] };
		let view = View {
			heads: vec![line(1)],
			candidates: vec![line(1), line(2)],
			pools: vec![cid(3)],
			tokenizers: vec![cid(6)],
			datasets: vec![cid(4)],
			own: vec![block(2)],
		};
		let pins = keep(&view);
		let reasons = |number| pins.reasons(&cid(number)).collect::<Vec<_>>();
		assert_eq!(reasons(1), [PinReason::Head, PinReason::Round]);
		assert_eq!(reasons(2), [PinReason::Round, PinReason::OwnWork]);
		assert_eq!(reasons(3), [PinReason::Round]);
		assert_eq!(reasons(4), [PinReason::Dataset]);
		assert_eq!(reasons(5), []);
		assert_eq!(reasons(6), [PinReason::Head]);
		assert_eq!(manifests(&view), [1, 2].map(Hash::repeat_byte).into());
	}

	#[test]
	fn open_work_should_be_what_was_trained_and_not_closed() {
		let blocks = |number: u8| {
			let block = NewBlock {
				component: Component::Backbone,
				kind: BlockKind::Update,
				parents: Default::default(),
				content: cid(number),
				bytes: 1,
				format: ContentFormat::TensorBlock,
				manifest_hash: Hash::repeat_byte(number),
			};
			ScaleHex(vec![block].try_into().unwrap())
		};
		let closed = |job| Entry::Closed { job, round: 0, outcome: Outcome::Accepted };
		let entries = vec![
			Entry::Began { job: 0, digest: Hash::zero() },
			Entry::Trained { job: 0, blocks: blocks(1), manifest: None },
			closed(0),
			Entry::Began { job: 1, digest: Hash::zero() },
			Entry::Trained { job: 1, blocks: blocks(2), manifest: None },
		];
		assert_eq!(open_work(entries), [block(2)]);
		assert_eq!(open_work(vec![Entry::Began { job: 0, digest: Hash::zero() }]), []);
	}

	fn any_line() -> impl Strategy<Value = Vec<u8>> {
		proptest::collection::vec(0u8..12, 1..6)
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(32))]
		/// Whatever the chain looks like, collecting with no grace at all takes nothing that is needed.
		#[test]
		fn collecting_should_never_take_what_is_kept(
			heads in proptest::collection::vec(any_line(), 0..3),
			candidates in proptest::collection::vec(any_line(), 0..3),
			pools in proptest::collection::vec(0u8..12, 0..2),
			own in proptest::collection::vec(0u8..12, 0..2),
			pinned in proptest::collection::vec(0u8..12, 0..2),
		) {
			let folder = tempfile::tempdir().unwrap();
			let store = Store::open(folder.path()).unwrap();
			let stored: Vec<Cid> = (0u8..12).map(|number| store.put_bytes(&[number]).unwrap().cid).collect();
			let line = |line: Vec<u8>| {
				let mut contents = line.into_iter().map(|number| stored[number as usize]);
				let block = BlockView { content: contents.next().unwrap(), manifest: Hash::zero() };
				LineView { block, base: contents.collect() }
			};
			let contents = |numbers: Vec<u8>| numbers.iter().map(|n| stored[*n as usize]).collect::<Vec<_>>();
			let view = View {
				heads: heads.into_iter().map(line).collect(),
				candidates: candidates.into_iter().map(line).collect(),
				pools: contents(pools),
				tokenizers: vec![],
				datasets: vec![],
				own: contents(own).into_iter().map(|content| BlockView {
					content, manifest: Hash::zero()
				}).collect(),
			};
			for cid in contents(pinned.clone()) {
				store.pin(cid, PinReason::Manual).unwrap();
			}
			store.collect_garbage(&keep(&view).cids(), Duration::ZERO).unwrap();
			let lines = view.heads.iter().chain(&view.candidates);
			let must = lines.flat_map(|line| line.base.iter().chain([&line.block.content])).copied()
				.chain(view.pools.iter().copied())
				.chain(view.own.iter().map(|block| block.content))
				.chain(contents(pinned));
			for cid in must {
				prop_assert!(store.verify(&cid).is_ok(), "{} was collected", cid);
			}
		}
	}
}
