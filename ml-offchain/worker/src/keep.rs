//! What must stay in the store, and why: a pure function of what the chain and this worker know.

use crate::{
	config::Config,
	journal::{Journal, JournalError},
	rounds::OpenRounds,
	trainer::step::Entry,
};
use blyan_chain_client::{Chain, ChainError};
use blyan_primitives::{
	api::BlockInfo,
	cid::Cid,
	dag::{BlockId, BlockKind, ModelId},
	AccountId, Hash,
};
use blyan_store::{PinReason, Pins};
use std::{collections::BTreeSet, fs, io, path::PathBuf};

/// Ancestors that are looked at: more than a chain of deltas has before it is compacted.
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
	/// What it does to its component.
	pub kind: BlockKind,
	/// Where its weights are.
	pub content: Cid,
	/// BLAKE2-256 of how it was trained.
	pub manifest: Hash,
}

impl From<&BlockInfo<AccountId>> for BlockView {
	fn from(info: &BlockInfo<AccountId>) -> Self {
		let block = &info.block;
		Self { kind: block.kind, content: block.content, manifest: block.manifest_hash }
	}
}

/// A block, and its ancestors along first parents, nearest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineView {
	/// The block.
	pub block: BlockView,
	/// Its ancestors.
	pub ancestors: Vec<BlockView>,
}

/// What decides what is kept.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct View {
	/// The heads of every model that is followed.
	pub heads: Vec<LineView>,
	/// What candidates of every open round are measured from: they themselves, and their ancestors.
	pub candidates: Vec<LineView>,
	/// What models and open rounds are measured with.
	pub pools: Vec<Cid>,
	/// Datasets that were approved, and the text that is trained on.
	pub datasets: Vec<Cid>,
	/// Blocks of this worker that are trained, and on which there is no verdict.
	pub own: Vec<BlockView>,
}

/// What must be kept, and why.
///
/// A head stays as long as it may be served; so does the block before it, to which it may be rolled back
/// while on probation, and, if it is a delta, everything down to the weights that it is a delta of.
pub fn keep(view: &View) -> Pins {
	let mut pins = Pins::default();
	for (lines, reason) in [(&view.heads, PinReason::Head), (&view.candidates, PinReason::Round)] {
		for line in lines {
			pins.add(line.block.content, reason);
			let mut is_part = needs_parent(line.block.kind);
			for (distance, ancestor) in line.ancestors.iter().enumerate() {
				if distance > 0 && !is_part {
					break;
				}
				pins.add(ancestor.content, reason);
				// A whole ancestor ends the chain; the block to roll back to may be a delta itself.
				is_part = needs_parent(ancestor.kind);
			}
		}
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

/// Whether weights of that kind are had only by those of the first parent.
fn needs_parent(kind: BlockKind) -> bool {
	matches!(kind, BlockKind::Delta | BlockKind::Rollback)
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
		for entry in chain.manifest(model.id, None).await? {
			view.heads.extend(line(chain, entry.block).await?);
		}
	}
	view.datasets.extend(config.train.text.parse::<Cid>());
	view.own = own_work(config)?;
	Ok(view)
}

async fn line(chain: &dyn Chain, id: BlockId) -> Result<Option<LineView>, ChainError> {
	let Some(info) = chain.block(id).await? else { return Ok(None) };
	let ancestors = chain.lineage(id, LINEAGE_DEPTH).await?;
	Ok(Some(LineView { block: (&info).into(), ancestors: ancestors.iter().map(BlockView::from).collect() }))
}

/// What the trainer's journal says is trained and not closed. The journal is copied first: the trainer that
/// writes it may be running.
fn own_work(config: &Config) -> Result<Vec<BlockView>, KeepError> {
	let path = config.journal(crate::trainer::JOURNAL);
	let failed = |source| KeepError::Copy { path: path.clone(), source };
	let folder = tempfile::tempdir().map_err(failed)?;
	let copy = folder.path().join("journal");
	match fs::copy(&path, &copy) {
		Ok(_) => {}
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
		Err(error) => return Err(failed(error)),
	}
	let (_, entries) = Journal::<Entry>::open(copy)?;
	Ok(open_work(entries))
}

fn open_work(entries: Vec<Entry>) -> Vec<BlockView> {
	let mut open = std::collections::BTreeMap::new();
	for entry in entries {
		match entry {
			Entry::Began { job, .. } | Entry::Closed { job, .. } => {
				open.remove(&job);
			}
			Entry::Trained { job, blocks } => {
				let view = |block: &blyan_primitives::dag::NewBlock| BlockView {
					kind: block.kind,
					content: block.content,
					manifest: block.manifest_hash,
				};
				open.insert(job, blocks.0.iter().map(view).collect::<Vec<_>>());
			}
		}
	}
	open.into_values().flatten().collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{scale::ScaleHex, trainer::step::Outcome};
	use blyan_primitives::{
		cid::CidCodec,
		dag::{Component, ContentFormat, NewBlock},
	};
	use blyan_store::Store;
	use proptest::prelude::*;
	use std::time::Duration;

	fn cid(number: u8) -> Cid {
		Cid { codec: CidCodec::Raw, digest: [number; 32] }
	}

	fn block(kind: BlockKind, number: u8) -> BlockView {
		BlockView { kind, content: cid(number), manifest: Hash::repeat_byte(number) }
	}

	fn head(block: BlockView, ancestors: Vec<BlockView>) -> View {
		View { heads: vec![LineView { block, ancestors }], ..View::default() }
	}

	fn kept(view: &View) -> Vec<u8> {
		keep(view).cids().into_iter().map(|cid| cid.digest[0]).collect()
	}

	#[test]
	fn keep_should_hold_a_head_and_what_it_may_be_rolled_back_to() {
		use BlockKind::{Genesis, Update};
		let view = head(block(Update, 3), vec![block(Update, 2), block(Genesis, 1)]);
		assert_eq!(kept(&view), [2, 3]);
		assert_eq!(kept(&head(block(Genesis, 1), vec![])), [1]);
	}

	#[test]
	fn keep_should_hold_a_chain_of_deltas_down_to_whole_weights() {
		use BlockKind::{Delta, Genesis, Snapshot, Update};
		let chain = vec![block(Delta, 4), block(Delta, 3), block(Snapshot, 2), block(Genesis, 1)];
		assert_eq!(kept(&head(block(Delta, 5), chain.clone())), [2, 3, 4, 5]);
		// The block to roll back to is a delta, and needs its own base.
		assert_eq!(kept(&head(block(Update, 5), chain)), [2, 3, 4, 5]);
		assert_eq!(kept(&head(block(Delta, 5), vec![block(Update, 4), block(Delta, 3)])), [4, 5]);
	}

	#[test]
	fn keep_should_name_every_reason() {
		let line = |number| LineView { block: block(BlockKind::Update, number), ancestors: vec![] };
		let view = View {
			heads: vec![line(1)],
			candidates: vec![line(1), line(2)],
			pools: vec![cid(3)],
			datasets: vec![cid(4)],
			own: vec![block(BlockKind::Update, 2)],
		};
		let pins = keep(&view);
		let reasons = |number| pins.reasons(&cid(number)).collect::<Vec<_>>();
		assert_eq!(reasons(1), [PinReason::Head, PinReason::Round]);
		assert_eq!(reasons(2), [PinReason::Round, PinReason::OwnWork]);
		assert_eq!(reasons(3), [PinReason::Round]);
		assert_eq!(reasons(4), [PinReason::Dataset]);
		assert_eq!(reasons(5), []);
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
			Entry::Trained { job: 0, blocks: blocks(1) },
			closed(0),
			Entry::Began { job: 1, digest: Hash::zero() },
			Entry::Trained { job: 1, blocks: blocks(2) },
		];
		assert_eq!(open_work(entries), [block(BlockKind::Update, 2)]);
		assert_eq!(open_work(vec![Entry::Began { job: 0, digest: Hash::zero() }]), []);
	}

	fn any_line() -> impl Strategy<Value = Vec<(u8, bool)>> {
		proptest::collection::vec((0u8..12, any::<bool>()), 1..6)
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
			let block = |(number, is_delta): (u8, bool)| BlockView {
				kind: if is_delta { BlockKind::Delta } else { BlockKind::Update },
				content: stored[number as usize],
				manifest: Hash::zero(),
			};
			let line = |line: Vec<(u8, bool)>| {
				let mut blocks = line.into_iter().map(block);
				LineView { block: blocks.next().unwrap(), ancestors: blocks.collect() }
			};
			let contents = |numbers: Vec<u8>| numbers.iter().map(|n| stored[*n as usize]).collect::<Vec<_>>();
			let view = View {
				heads: heads.into_iter().map(line).collect(),
				candidates: candidates.into_iter().map(line).collect(),
				pools: contents(pools),
				datasets: vec![],
				own: contents(own).into_iter().map(|content| BlockView {
					content, kind: BlockKind::Update, manifest: Hash::zero()
				}).collect(),
			};
			for cid in contents(pinned.clone()) {
				store.pin(cid, PinReason::Manual).unwrap();
			}
			store.collect_garbage(&keep(&view).cids(), Duration::ZERO).unwrap();
			let must = view.heads.iter().chain(&view.candidates).map(|line| line.block.content)
				.chain(view.heads.iter().filter_map(|line| Some(line.ancestors.first()?.content)))
				.chain(view.pools.iter().copied())
				.chain(view.own.iter().map(|block| block.content))
				.chain(contents(pinned));
			for cid in must {
				prop_assert!(store.verify(&cid).is_ok(), "{} was collected", cid);
			}
		}
	}
}
