//! What runtime APIs answer from. Reads only.

use crate::{
	types::*, Blocks, Children, Config, Heads, Models, NextModelId, Pallet, PendingMigrations, Versions,
};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{BlockInfo, BlockStanding, Difference, ModelInfo, VersionInfo, MAX_PAGE},
	architecture::Architecture,
	dag::{Block, BlockId, BlockKind, Component, Generation, ManifestEntry, ModelId},
};
use polkadot_sdk::{frame_support::traits::Get, sp_runtime::SaturatedConversion};

impl<T: Config> Pallet<T> {
	/// Models from `start` on, `count` at most and never more than [`MAX_PAGE`]. See [`Pallet::model_info`].
	pub fn models(start: ModelId, count: u32) -> Vec<ModelInfo<T::AccountId>> {
		let end = start.saturating_add(count.min(MAX_PAGE)).min(NextModelId::<T>::get());
		(start..end).filter_map(Self::model_info).collect()
	}

	/// One model. `pool` and `gate` are `None`: the terms of training are kept elsewhere, and whoever answers
	/// for the runtime fills them in.
	pub fn model_info(id: ModelId) -> Option<ModelInfo<T::AccountId>> {
		let Model { owner, name, architecture, version, generation, root, .. } = Models::<T>::get(id)?;
		let owner = match owner {
			ModelOwner::Account(account) => Some(account),
			ModelOwner::Governance => None,
		};
		let name = name.into_inner();
		let migration = PendingMigrations::<T>::get(id).map(|pending| pending.migration);
		let (pool, gate, referee) = (None, None, None);
		let probation_routing_share = T::ProbationRoutingShare::get();
		Some(ModelInfo {
			id,
			name,
			owner,
			architecture,
			version,
			generation,
			root,
			pool,
			gate,
			referee,
			migration,
			probation_routing_share,
		})
	}

	/// A generation of a model that is released; the newest if none is named.
	pub fn version_info(id: ModelId, generation: Option<Generation>) -> Option<VersionInfo> {
		let generation = match generation {
			Some(generation) => generation,
			None => Models::<T>::get(id)?.generation,
		};
		let VersionRecord { version, root, architecture, submission, released_at } =
			Versions::<T>::get(id, generation)?;
		let released_at = released_at.saturated_into();
		Some(VersionInfo { generation, version, root, architecture, submission, released_at })
	}

	/// A block and what became of it.
	pub fn block_info(id: BlockId) -> Option<BlockInfo<T::AccountId>> {
		Blocks::<T>::get(id).map(|record| Self::describe(id, record))
	}

	/// The heads of a generation from the `start`-th component on, `count` at most and never more than
	/// [`MAX_PAGE`]; nothing if there is no such generation. Without a generation, the heads that there are
	/// now, also of a model that is not complete.
	pub fn manifest(
		id: ModelId,
		generation: Option<Generation>,
		start: u32,
		count: u32,
	) -> Vec<ManifestEntry> {
		let architecture = match generation {
			Some(generation) => Versions::<T>::get(id, generation).map(|version| version.architecture),
			None => Models::<T>::get(id).map(|model| model.architecture),
		};
		let Some(architecture) = architecture else { return Vec::new() };
		let page = architecture.components().skip(start as usize).take(count.min(MAX_PAGE) as usize);
		page.filter_map(|component| {
			let block = match generation {
				Some(generation) => Self::head_in(id, &architecture, component, generation),
				None => Heads::<T>::get(id, architecture.component_index(component)?),
			}?;
			let record = Blocks::<T>::get(block)?;
			let probation_until = Self::probation_of(&record).map(SaturatedConversion::saturated_into);
			let BlockRecord { block: Block { content, bytes, .. }, deltas, .. } = record;
			let deltas = deltas.length;
			Some(ManifestEntry { component, block, content, bytes, deltas, probation_until })
		})
		.collect()
	}

	/// What two generations differ in: of the components that either has, in the order of the larger one's
	/// indices, those from the `start`-th to the `start + count`-th whose heads differ. `count` is never more
	/// than [`MAX_PAGE`]. Nothing if there is no such generation.
	pub fn difference(
		id: ModelId,
		from: Generation,
		to: Generation,
		start: u32,
		count: u32,
	) -> Vec<Difference> {
		let Some((old, new)) = Versions::<T>::get(id, from).zip(Versions::<T>::get(id, to)) else {
			return Vec::new();
		};
		let (old, new) = (old.architecture, new.architecture);
		let only_old = old.components().filter(|component| new.component_index(*component).is_none());
		new.components()
			.chain(only_old)
			.skip(start as usize)
			.take(count.min(MAX_PAGE) as usize)
			.filter_map(|component| {
				let from = Self::head_in(id, &old, component, from);
				let to = Self::head_in(id, &new, component, to);
				(from != to).then_some(Difference { component, from, to })
			})
			.collect()
	}

	/// Blocks that name this one as a parent, oldest first, from the `start`-th on, `count` at most and never
	/// more than [`MAX_PAGE`].
	pub fn children(block: BlockId, start: u32, count: u32) -> Vec<BlockId> {
		let known = Blocks::<T>::get(block).map(|record| record.children).unwrap_or_default();
		let end = start.saturating_add(count.min(MAX_PAGE)).min(known);
		(start..end).filter_map(|place| Children::<T>::get(block, place)).collect()
	}

	/// The head that a component had in a generation of that architecture; `None` if it has no such component.
	fn head_in(
		id: ModelId,
		architecture: &Architecture,
		component: Component,
		generation: Generation,
	) -> Option<BlockId> {
		Self::head_at(id, architecture.component_index(component)?, generation)
	}

	/// Ancestors of a block along first parents, nearest first, `depth` at most and never more than
	/// [`MAX_LINEAGE_DEPTH`].
	pub fn lineage_info(block: BlockId, depth: u32) -> Vec<BlockInfo<T::AccountId>> {
		Self::ancestors(block, depth).map(|(id, record)| Self::describe(id, record)).collect()
	}

	fn describe(id: BlockId, record: BlockRecordOf<T>) -> BlockInfo<T::AccountId> {
		let standing = match record.status {
			BlockStatus::Candidate => BlockStanding::Candidate,
			BlockStatus::Rejected => BlockStanding::Rejected,
			BlockStatus::Withdrawn => BlockStanding::Withdrawn,
			BlockStatus::Accepted(acceptance) => Self::standing_of_accepted(&record, acceptance),
		};
		let probation_until = Self::probation_of(&record).map(SaturatedConversion::saturated_into);
		let BlockRecord { block, submission, deltas, children, .. } = record;
		BlockInfo { id, block, submission, standing, deltas, children, probation_until }
	}

	/// A head is one since it was accepted; a superseded block is that since its successor was, one that was
	/// rolled back since what went back was, and a retired one since a migration took its component out.
	fn standing_of_accepted(record: &BlockRecordOf<T>, acceptance: Acceptance) -> BlockStanding {
		let (id, component) = (record.block.model, record.block.component);
		let place = Models::<T>::get(id).and_then(|model| model.architecture.reserved_index(component));
		let Some(index) = place else { return BlockStanding::Head { since: acceptance.since } };
		match Self::first_head_after(id, index, acceptance.since) {
			Some((successor, Acceptance { since, .. })) => match successor.block.kind {
				BlockKind::Rollback => BlockStanding::RolledBack { since },
				_ => BlockStanding::Superseded { since },
			},
			None if Heads::<T>::contains_key(id, index) => BlockStanding::Head { since: acceptance.since },
			None => BlockStanding::Retired,
		}
	}
}
