//! Submissions: their way into the graph, and what becomes of them.

use crate::{types::*, BlockCount, Blocks, Children, Config, Error, Event, Heads, Models, Pallet};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::{
	dag::{Block, BlockId, BlockIds, BlockKind, ModelId, NewBlock, NewBlocks, SubmissionId, MAX_BLOCKS},
	delta::DeltaChain,
	learning::Purpose,
	migration::Migration,
};
use core::iter;
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	sp_runtime::{traits::Saturating, ArithmeticError, DispatchError, DispatchResult},
};

impl<T: Config> Pallet<T> {
	/// See [`blyan_primitives::traits::ModelGraph::insert`]. Costs O(parents), whatever the graph holds.
	pub(crate) fn do_insert(
		id: ModelId,
		submission: SubmissionId,
		trainer: &T::AccountId,
		blocks: NewBlocks,
		purpose: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		let model = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(model.root.is_some(), Error::<T>::ModelNotReleased);
		ensure!(!blocks.is_empty(), Error::<T>::BlocksMissing);
		let architecture = match purpose {
			Purpose::Migration(migration) => {
				Self::ensure_migration(id, &model.architecture, migration, &blocks)?
			}
			Purpose::Improvement | Purpose::Compaction | Purpose::Rollback => model.architecture,
		};

		let mut components = BTreeSet::new();
		let mut inserted = Vec::with_capacity(MAX_BLOCKS as usize);
		let mut ids = BlockIds::new();
		for new in blocks {
			let is_mixed = *purpose == Purpose::Improvement && new.kind == BlockKind::Snapshot;
			ensure!(!is_mixed, Error::<T>::MixedKinds);
			ensure!(purpose.takes_kind(new.kind), Error::<T>::UnsupportedKind);
			let index = Self::ensure_new_block(&architecture, &new)?;
			ensure!(components.insert(index), Error::<T>::DuplicateComponent);
			let first_parent = Self::ensure_parents(id, &new)?;
			let deltas = Self::ensure_chain(id, &model, index, &new, first_parent)?;
			let block = Block::from_new(id, trainer.clone(), new);
			let block_id = block.id();
			let known = match Blocks::<T>::get(block_id) {
				Some(known) if known.status != BlockStatus::Withdrawn => {
					return Err(Error::<T>::BlockExists.into())
				}
				known => known,
			};
			ids.try_push(block_id).map_err(|_| Error::<T>::TooManyBlocks)?;
			inserted.push((block_id, block, deltas, known.is_some()));
		}

		let count = inserted.iter().filter(|(_, _, _, is_known)| !is_known).count() as u64;
		BlockCount::<T>::mutate(|blocks| blocks.saturating_accrue(count));
		for (block_id, block, deltas, is_known) in inserted {
			// A block that was withdrawn has been counted among its parents' children.
			if !is_known {
				block.parents.iter().for_each(|parent| Self::add_child(*parent, block_id));
			}
			// What was withdrawn was never accepted, so nothing descends from it either.
			let (submission, status) = (Some(submission), BlockStatus::Candidate);
			let made_in = model.generation;
			let record = BlockRecord { block, submission, status, children: 0, made_in, deltas };
			Blocks::<T>::insert(block_id, record);
		}
		Self::deposit_event(Event::BlocksInserted { model: id, submission, blocks: ids.clone() });
		Ok(ids)
	}

	/// See [`blyan_primitives::traits::ModelGraph::fits`].
	pub(crate) fn do_fits(id: ModelId, blocks: &[BlockId], migration: Option<Migration>) -> bool {
		let Some(model) = Models::<T>::get(id) else { return false };
		if let Some(migration) = migration {
			return Self::is_pending(id, &migration);
		}
		blocks.iter().all(|block_id| {
			let Some(record) = Blocks::<T>::get(block_id) else { return false };
			let component = record.block.component;
			let Some(index) = model.architecture.component_index(component) else { return false };
			let compacts_head = || Heads::<T>::get(id, index).as_ref() == record.block.parents.first();
			record.made_in >= model.fits_since.of(component)
				&& (record.block.kind != BlockKind::Snapshot || compacts_head())
		})
	}

	/// See [`blyan_primitives::traits::ModelGraph::accept`]. One generation, however many heads move.
	pub(crate) fn do_accept(
		id: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
		migration: Option<Migration>,
	) -> DispatchResult {
		let mut model = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?;
		let ids = Self::ensure_block_list(blocks)?;
		model.generation = model.generation.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let migrated = match &migration {
			Some(migration) => Some(Self::plan_migration(id, &mut model, migration)?),
			None => {
				model.version = model.version.next_patch();
				None
			}
		};

		let mut components = BTreeSet::new();
		let mut heads = Vec::with_capacity(MAX_BLOCKS as usize);
		let mut records = Vec::with_capacity(MAX_BLOCKS as usize);
		for block_id in ids {
			let mut record = Self::candidate(block_id)?;
			ensure!(record.block.model == id, Error::<T>::BlockOfOtherModel);
			ensure!(record.submission == Some(submission), Error::<T>::BlockOfOtherSubmission);
			let component = record.block.component;
			let index =
				model.architecture.component_index(component).ok_or(Error::<T>::ComponentNotDeclared)?;
			ensure!(components.insert(index), Error::<T>::DuplicateComponent);
			let previous = Self::last_head(id, index);
			// Only a migration brings components that never had a head.
			ensure!(previous.is_some() || migration.is_some(), Error::<T>::ModelNotReleased);
			let acceptance =
				Self::acceptance_after(previous, model.generation).ok_or(Error::<T>::BlockNotFound)?;
			record.status = BlockStatus::Accepted(acceptance);
			heads.push((index, Some(block_id)));
			records.push((block_id, record));
		}

		if let Some(migrated) = migrated {
			heads.extend(migrated.retired.iter().map(|index| (*index, None)));
			Self::settle_migration(id, &model, migrated)?;
		}
		for (block_id, record) in records {
			Blocks::<T>::insert(block_id, record);
		}
		let tree_root = Self::set_heads(id, &model.architecture, heads);
		Self::release_version(id, &mut model, tree_root, Some(submission));
		Models::<T>::insert(id, model);
		Ok(())
	}

	/// See [`blyan_primitives::traits::ModelGraph::reject`].
	pub(crate) fn do_reject(blocks: &[BlockId]) -> DispatchResult {
		let blocks = Self::decide(blocks, BlockStatus::Rejected)?;
		Self::deposit_event(Event::BlocksRejected { blocks });
		Ok(())
	}

	/// See [`blyan_primitives::traits::ModelGraph::withdraw`].
	pub(crate) fn do_withdraw(blocks: &[BlockId]) -> DispatchResult {
		let blocks = Self::decide(blocks, BlockStatus::Withdrawn)?;
		Self::deposit_event(Event::BlocksWithdrawn { blocks });
		Ok(())
	}

	/// The ancestors of a block along first parents, nearest first: `depth` of them at most, and never more
	/// than [`MAX_LINEAGE_DEPTH`].
	pub(crate) fn ancestors(block: BlockId, depth: u32) -> impl Iterator<Item = (BlockId, BlockRecordOf<T>)> {
		let first_parent = |record: &BlockRecordOf<T>| record.block.parents.first().copied();
		let mut next = Blocks::<T>::get(block).as_ref().and_then(first_parent);
		iter::from_fn(move || {
			let id = next?;
			let record = Blocks::<T>::get(id)?;
			next = first_parent(&record);
			Some((id, record))
		})
		.take(depth.min(MAX_LINEAGE_DEPTH) as usize)
	}

	/// Checks a block's parents; returns the record of the first.
	fn ensure_parents(model: ModelId, new: &NewBlock) -> Result<BlockRecordOf<T>, Error<T>> {
		let distinct = new.parents.iter().collect::<BTreeSet<_>>();
		ensure!(distinct.len() == new.parents.len(), Error::<T>::DuplicateParent);
		let mut first = None;
		for id in &new.parents {
			let parent = Blocks::<T>::get(id).ok_or(Error::<T>::ParentNotFound)?;
			ensure!(parent.block.model == model, Error::<T>::ParentOfOtherModel);
			// The weights of a new expert may come from another one.
			let is_same = parent.block.component == new.component || new.kind == BlockKind::Migration;
			ensure!(is_same, Error::<T>::ParentOfOtherComponent);
			ensure!(parent.acceptance().is_some(), Error::<T>::ParentNotAccepted);
			first = first.or(Some(parent));
		}
		first.ok_or(Error::<T>::ParentsMissing)
	}

	/// What must be replayed to have the block's weights, if that is allowed.
	fn ensure_chain(
		id: ModelId,
		model: &ModelOf<T>,
		index: u32,
		new: &NewBlock,
		first_parent: BlockRecordOf<T>,
	) -> Result<DeltaChain, Error<T>> {
		// A block that brought the new shape was made in the generation before it.
		let fits = model.fits_since.of(new.component);
		let is_of_shape = first_parent.acceptance().is_some_and(|acceptance| acceptance.since >= fits);
		match new.kind {
			BlockKind::Delta => {
				ensure!(is_of_shape, Error::<T>::DeltaBaseOutdated);
				let chain = first_parent.deltas.extended(new.bytes);
				ensure!(chain.length <= T::MaxDeltaChain::get(), Error::<T>::DeltaChainTooLong);
				Ok(chain)
			}
			BlockKind::Snapshot => {
				ensure!(first_parent.deltas.length > 0, Error::<T>::NothingToCompact);
				let head = Heads::<T>::get(id, index);
				ensure!(head.as_ref() == new.parents.first(), Error::<T>::SnapshotOfFormerHead);
				Ok(DeltaChain::whole(new.bytes))
			}
			BlockKind::Rollback => {
				ensure!(is_of_shape, Error::<T>::RollbackOutdated);
				Ok(first_parent.deltas)
			}
			BlockKind::Genesis | BlockKind::Update | BlockKind::Migration => Ok(DeltaChain::whole(new.bytes)),
		}
	}

	fn add_child(parent: BlockId, child: BlockId) {
		Blocks::<T>::mutate(parent, |record| {
			if let Some(record) = record {
				Children::<T>::insert(parent, record.children, child);
				record.children.saturating_inc();
			}
		});
	}

	pub(crate) fn ensure_block_list(blocks: &[BlockId]) -> Result<BlockIds, Error<T>> {
		ensure!(!blocks.is_empty(), Error::<T>::BlocksMissing);
		BlockIds::try_from(blocks.to_vec()).map_err(|_| Error::<T>::TooManyBlocks)
	}

	fn candidate(id: BlockId) -> Result<BlockRecordOf<T>, Error<T>> {
		let record = Blocks::<T>::get(id).ok_or(Error::<T>::BlockNotFound)?;
		ensure!(record.status == BlockStatus::Candidate, Error::<T>::BlockNotCandidate);
		Ok(record)
	}

	fn decide(blocks: &[BlockId], status: BlockStatus) -> Result<BlockIds, Error<T>> {
		let ids = Self::ensure_block_list(blocks)?;
		let records = ids.iter().map(|id| Self::candidate(*id)).collect::<Result<Vec<_>, _>>()?;
		for (id, record) in ids.iter().zip(records) {
			Blocks::<T>::insert(id, BlockRecord { status, ..record });
		}
		Ok(ids)
	}
}
