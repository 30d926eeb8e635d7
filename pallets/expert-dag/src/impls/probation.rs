//! Probation: for some blocks after it became head, what a block brought may be taken back.
//!
//! Nothing is overwritten: going back is a block of its own, whose weights are those of its first parent, and
//! which is measured and accepted as any other. See `docs/decisions/010-rollback-is-a-round.md`.

use crate::{types::*, Blocks, Config, Error, Heads, Models, Pallet, Versions};
use alloc::vec::Vec;
use blyan_primitives::dag::{
	Block, BlockId, BlockKind, ModelId, NewBlock, NewBlocks, Parents, SubmissionId, MAX_BLOCKS,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

/// Most blocks that name the same weights, from the newest to the one that brought them: a rollback of a
/// snapshot of a rollback of a delta. A snapshot is always of a delta, and a rollback never of a rollback.
const MOST_NAMES_OF_WEIGHTS: usize = 4;

/// Most heads that are looked at for who made what a rollback takes back besides what it names.
const MOST_LATER_HEADS: u32 = 64;

impl<T: Config> Pallet<T> {
	/// See [`blyan_primitives::traits::ModelGraph::rollback`].
	pub(crate) fn rollback_blocks(
		id: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
	) -> Result<NewBlocks, Error<T>> {
		let mut rollback = NewBlocks::new();
		for block_id in Self::ensure_block_list(blocks)? {
			let record = Blocks::<T>::get(block_id).ok_or(Error::<T>::BlockNotFound)?;
			ensure!(record.block.model == id, Error::<T>::BlockOfOtherModel);
			ensure!(Self::probation_of(&record).is_some(), Error::<T>::NotOnProbation);
			let previous = record.acceptance().and_then(|acceptance| acceptance.previous);
			let (former, target) = Self::weights_of(previous.ok_or(Error::<T>::NotOnProbation)?)?;
			let Block { component, content, bytes, format, .. } = target.block;
			let parents = Parents::truncate_from(alloc::vec![former, block_id]);
			// Nothing was trained. The number sets it apart from an earlier try, which was refused.
			let manifest_hash = BlakeTwo256::hash_of(&submission);
			let kind = BlockKind::Rollback;
			rollback
				.try_push(NewBlock { component, kind, parents, content, bytes, format, manifest_hash })
				.map_err(|_| Error::<T>::TooManyBlocks)?;
		}
		Ok(rollback)
	}

	/// Who made what those candidates of a rollback take back, each once: of every component first the block
	/// that was named, and then what became head after it, as far as [`MOST_LATER_HEADS`] goes over all.
	pub(crate) fn trainers_taken_back(candidates: &[BlockId]) -> Vec<T::AccountId> {
		let named = candidates
			.iter()
			.filter_map(|candidate| Blocks::<T>::get(candidate)?.block.parents.get(1).copied())
			.collect::<Vec<_>>();
		let mut trainers = Vec::new();
		let mut note = |trainer: T::AccountId| {
			if trainers.len() < MAX_BLOCKS as usize && !trainers.contains(&trainer) {
				trainers.push(trainer);
			}
		};
		let mut later = Vec::new();
		for id in named {
			let Some(record) = Blocks::<T>::get(id) else { continue };
			note(record.block.trainer);
			later.push((id, record.block.model, record.block.component));
		}
		let model = later.first().and_then(|(_, model, _)| Models::<T>::get(model));
		let Some(Model { architecture, .. }) = model else { return trainers };
		let mut budget = MOST_LATER_HEADS;
		for (named, model, component) in later {
			let index = architecture.component_index(component);
			let mut head = index.and_then(|index| Heads::<T>::get(model, index));
			while let Some(id) = head.filter(|id| *id != named && budget > 0) {
				budget = budget.saturating_sub(1);
				let Some(record) = Blocks::<T>::get(id) else { break };
				head = record.acceptance().and_then(|acceptance| acceptance.previous);
				note(record.block.trainer);
			}
		}
		trainers
	}

	/// The first block of the chain in which what the block brought can no more be taken back; `None` if that
	/// is past, or never was possible.
	pub(crate) fn probation_of(record: &BlockRecordOf<T>) -> Option<BlockNumberFor<T>> {
		let mut record = record.clone();
		record.acceptance()?;
		for _ in 0..MOST_NAMES_OF_WEIGHTS {
			match record.block.kind {
				BlockKind::Update | BlockKind::Delta => {
					let since = record.acceptance()?.since;
					let released_at = Versions::<T>::get(record.block.model, since)?.released_at;
					let until = released_at.saturating_add(T::ProbationBlocks::get());
					return (until > frame_system::Pallet::<T>::block_number()).then_some(until);
				}
				// The weights were on trial before, under another name.
				BlockKind::Snapshot | BlockKind::Rollback => {
					record = Blocks::<T>::get(record.block.parents.first()?)?;
				}
				// Measured to do no harm, and what was before does not fit any more.
				BlockKind::Genesis | BlockKind::Migration => return None,
			}
		}
		None
	}

	/// The block that brought the weights which `record` names.
	pub(crate) fn source_of(mut record: BlockRecordOf<T>) -> Option<BlockRecordOf<T>> {
		for _ in 0..MOST_NAMES_OF_WEIGHTS {
			match record.block.kind {
				BlockKind::Snapshot | BlockKind::Rollback => {
					record = Blocks::<T>::get(record.block.parents.first()?)?;
				}
				_ => return Some(record),
			}
		}
		None
	}

	/// The block that a former head has its content from.
	fn weights_of(id: BlockId) -> Result<(BlockId, BlockRecordOf<T>), Error<T>> {
		let record = Blocks::<T>::get(id).ok_or(Error::<T>::BlockNotFound)?;
		match (record.block.kind, record.block.parents.first()) {
			(BlockKind::Rollback, Some(former)) => {
				Ok((*former, Blocks::<T>::get(former).ok_or(Error::<T>::BlockNotFound)?))
			}
			_ => Ok((id, record)),
		}
	}
}
