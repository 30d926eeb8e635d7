//! The invariants of the README, one check each, by their numbers there.

use crate::{
	types::*, BlockCount, Blocks, Children, Config, Heads, HoldReason, Models, NextModelId, Pallet,
	PendingMigrations, RetiredHeads, VersionTree, Versions,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use blyan_primitives::{
	dag::{BlockId, BlockKind, Component, ModelId},
	delta::DeltaChain,
	merkle::{position, version_root, version_root_of_heads},
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::InspectHold, Get},
	},
	sp_runtime::{
		traits::{Saturating, Zero},
		TryRuntimeError,
	},
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant.
	///
	/// # Errors
	/// The first invariant that does not hold.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_models()?;
		Self::check_heads()?;
		Self::check_roots()?;
		Self::check_blocks()?;
		Self::check_parents()?;
		Self::check_histories()?;
		Self::check_versions()?;
		Self::check_deposits()?;
		Self::check_migrations()?;
		Self::check_deltas()
	}

	/// Invariant 1.
	pub(crate) fn check_models() -> Result<(), TryRuntimeError> {
		let next = NextModelId::<T>::get();
		let count = Models::<T>::iter_keys().count();
		ensure!(count == next as usize, "1: NextModelId is not the number of models");
		for id in 0..next {
			let model = Models::<T>::get(id).ok_or("1: a model below NextModelId is missing")?;
			ensure!(model.architecture.validate().is_ok(), "1: a model's architecture is not valid");
			ensure!(Self::ensure_name(&model.name).is_ok(), "1: a model's name is not valid");
		}
		Ok(())
	}

	/// Invariant 2.
	pub(crate) fn check_heads() -> Result<(), TryRuntimeError> {
		let mut counts = BTreeMap::<ModelId, u32>::new();
		for (id, index, head) in Heads::<T>::iter() {
			let model = Models::<T>::get(id).ok_or("2: a head's model does not exist")?;
			let record = Blocks::<T>::get(head).ok_or("2: a head does not exist")?;
			ensure!(record.block.model == id, "2: a head is of another model");
			let place = model.architecture.component_index(record.block.component);
			ensure!(place == Some(index), "2: a head is of another component");
			ensure!(record.acceptance().is_some(), "2: a head was not accepted");
			counts.entry(id).or_default().saturating_inc();
		}
		for (id, index, last) in RetiredHeads::<T>::iter() {
			let model = Models::<T>::get(id).ok_or("2: a retired head's model does not exist")?;
			let record = Blocks::<T>::get(last).ok_or("2: a retired head does not exist")?;
			let place = model.architecture.reserved_index(record.block.component);
			ensure!(record.block.model == id && place == Some(index), "2: a retired head is of elsewhere");
			ensure!(record.acceptance().is_some(), "2: a retired head was not accepted");
			ensure!(!Heads::<T>::contains_key(id, index), "2: a component has a head and a retired one");
		}
		for (id, model) in Models::<T>::iter() {
			let count = counts.get(&id).copied().unwrap_or_default();
			ensure!(model.heads_set == count, "2: heads_set is not the number of heads");
		}
		Ok(())
	}

	/// Invariant 3.
	pub(crate) fn check_roots() -> Result<(), TryRuntimeError> {
		for (id, model) in Models::<T>::iter() {
			let is_complete = model.heads_set == model.architecture.component_count();
			ensure!(model.root.is_some() == is_complete, "3: a root without all heads, or the reverse");
			let rebuilt = version_root_of_heads(&model.architecture, Heads::<T>::iter_prefix(id));
			let root = position(model.architecture.tree_depth(), 0);
			let stored = version_root(&model.architecture, VersionTree::<T>::get(id, root));
			ensure!(rebuilt == Some(stored), "3: the tree is not what the heads give");
			ensure!(model.root.is_none_or(|root| root == stored), "3: the root is not that of the tree");
		}
		Ok(())
	}

	/// Invariant 4.
	pub(crate) fn check_blocks() -> Result<(), TryRuntimeError> {
		let mut count = 0u64;
		for (id, record) in Blocks::<T>::iter() {
			ensure!(record.block.id() == id, "4: a block is not stored under its hash");
			let model = Models::<T>::get(record.block.model).ok_or("4: a block's model does not exist")?;
			let place = model.architecture.reserved_index(record.block.component);
			// A candidate may be for a component that only its migration brings.
			let is_migration = record.block.kind == BlockKind::Migration;
			ensure!(place.is_some() || is_migration, "4: a block's component has no place");
			ensure!(record.made_in <= model.generation, "4: a block is of a generation to come");
			let is_genesis = record.block.kind == BlockKind::Genesis;
			ensure!(record.block.parents.is_empty() == is_genesis, "4: parents do not suit the kind");
			ensure!(record.submission.is_none() == is_genesis, "4: a submission does not suit the kind");
			count.saturating_inc();
		}
		ensure!(BlockCount::<T>::get() == count, "4: BlockCount is not the number of blocks");
		Ok(())
	}

	/// Invariant 5.
	pub(crate) fn check_parents() -> Result<(), TryRuntimeError> {
		let mut children = BTreeMap::<BlockId, BTreeSet<BlockId>>::new();
		for (block_id, record) in Blocks::<T>::iter() {
			let distinct = record.block.parents.iter().collect::<BTreeSet<_>>();
			ensure!(distinct.len() == record.block.parents.len(), "5: a parent is named twice");
			for id in &record.block.parents {
				let parent = Blocks::<T>::get(id).ok_or("5: a parent does not exist")?;
				ensure!(parent.acceptance().is_some(), "5: a parent was not accepted");
				ensure!(parent.block.model == record.block.model, "5: a parent is of another model");
				let is_same = parent.block.component == record.block.component;
				let is_migration = record.block.kind == BlockKind::Migration;
				ensure!(is_same || is_migration, "5: a parent is of another component");
				children.entry(*id).or_default().insert(block_id);
			}
		}
		let mut listed = 0usize;
		for (id, record) in Blocks::<T>::iter() {
			let those = children.remove(&id).unwrap_or_default();
			ensure!(record.children as usize == those.len(), "5: children is not the number of children");
			let stored = (0..record.children).filter_map(|place| Children::<T>::get(id, place));
			ensure!(
				stored.collect::<BTreeSet<_>>() == those,
				"5: the list of children is not that of the children"
			);
			listed.saturating_accrue(those.len());
		}
		ensure!(Children::<T>::iter_keys().count() == listed, "5: the list of children is too long");
		Ok(())
	}

	/// Invariant 6.
	pub(crate) fn check_histories() -> Result<(), TryRuntimeError> {
		let mut accepted = BTreeMap::<(ModelId, Component), usize>::new();
		for record in Blocks::<T>::iter_values().filter(|record| record.acceptance().is_some()) {
			accepted.entry((record.block.model, record.block.component)).or_default().saturating_inc();
		}
		for (_, _, head) in Heads::<T>::iter().chain(RetiredHeads::<T>::iter()) {
			let head_record = Blocks::<T>::get(head).ok_or("6: a head does not exist")?;
			let history = Self::history_from(head)?;
			for (steps, (_, acceptance)) in history.iter().enumerate() {
				let is_first = history.len() == steps.saturating_add(1);
				ensure!(is_first == acceptance.skip.is_none(), "6: a skip is missing, or leads nowhere");
				if let Some(skip) = acceptance.skip {
					let landing = history.get(steps.saturating_add(skip.span as usize));
					ensure!(
						skip.span > 0 && landing.map(|(id, _)| *id) == Some(skip.block),
						"6: a skip does not land where it says"
					);
				}
			}
			let place = (head_record.block.model, head_record.block.component);
			ensure!(accepted.remove(&place) == Some(history.len()), "6: a history lacks an accepted block");
		}
		ensure!(accepted.is_empty(), "6: a component with accepted blocks has no head");
		Ok(())
	}

	/// Invariant 7.
	pub(crate) fn check_versions() -> Result<(), TryRuntimeError> {
		let mut count = 0usize;
		for (id, model) in Models::<T>::iter() {
			let Some(root) = model.root else { continue };
			for generation in 0..=model.generation {
				ensure!(Versions::<T>::contains_key(id, generation), "7: a generation has no version");
				count.saturating_inc();
			}
			let newest = Versions::<T>::get(id, model.generation);
			ensure!(
				newest.is_some_and(|newest| {
					(newest.root, newest.version, newest.architecture)
						== (root, model.version, model.architecture)
				}),
				"7: the newest version is not the model's"
			);
		}
		ensure!(Versions::<T>::iter_keys().count() == count, "7: there is a version without a generation");
		Ok(())
	}

	/// Invariant 8.
	pub(crate) fn check_deposits() -> Result<(), TryRuntimeError> {
		let mut deposits = Vec::<(T::AccountId, BalanceOf<T>)>::new();
		for (id, model) in Models::<T>::iter() {
			let pending = PendingMigrations::<T>::get(id).map(|pending| pending.deposit).unwrap_or_default();
			let deposit = model.deposit.saturating_add(pending);
			match model.owner {
				ModelOwner::Account(account) => deposits.push((account, deposit)),
				ModelOwner::Governance => {
					ensure!(deposit.is_zero(), "8: a deposit of governance's is recorded")
				}
			}
		}
		deposits.sort();
		for of_one in deposits.chunk_by(|(a, _), (b, _)| a == b) {
			let sum =
				of_one.iter().fold(BalanceOf::<T>::zero(), |sum, (_, deposit)| sum.saturating_add(*deposit));
			let Some((account, _)) = of_one.first() else { continue };
			let held = T::Currency::balance_on_hold(&HoldReason::ModelDeposit.into(), account);
			ensure!(held == sum, "8: what is held is not what the deposits add up to");
		}
		Ok(())
	}

	/// Invariant 9.
	pub(crate) fn check_migrations() -> Result<(), TryRuntimeError> {
		for (id, pending) in PendingMigrations::<T>::iter() {
			let model = Models::<T>::get(id).ok_or("9: a migration's model does not exist")?;
			ensure!(model.root.is_some(), "9: a migration's model is not released");
			let applies = pending.migration.apply(&model.architecture).is_ok();
			ensure!(applies, "9: a migration does not apply to its model");
		}
		Ok(())
	}

	/// Invariant 10.
	pub(crate) fn check_deltas() -> Result<(), TryRuntimeError> {
		for record in Blocks::<T>::iter_values() {
			let base = record.block.parents.first().and_then(Blocks::<T>::get);
			let expected = match (record.block.kind, base) {
				(BlockKind::Delta, Some(base)) => base.deltas.extended(record.block.bytes),
				(BlockKind::Rollback, Some(base)) => {
					let (former, block) = (base.block, &record.block);
					ensure!(
						(former.content, former.bytes) == (block.content, block.bytes)
							&& former.kind != BlockKind::Rollback,
						"10: a rollback is not to what its first parent is"
					);
					base.deltas
				}
				_ => DeltaChain::whole(record.block.bytes),
			};
			ensure!(record.deltas == expected, "10: a chain of deltas is not what its blocks give");
			ensure!(record.deltas.length <= T::MaxDeltaChain::get(), "10: a chain of deltas is too long");
		}
		Ok(())
	}

	/// The blocks from a head to the first one of its component, newest first.
	fn history_from(head: BlockId) -> Result<Vec<(BlockId, Acceptance)>, TryRuntimeError> {
		let mut history = Vec::<(BlockId, Acceptance)>::new();
		let mut next = Some(head);
		while let Some(id) = next {
			let record = Blocks::<T>::get(id).ok_or("6: a history leads to a block that does not exist")?;
			let acceptance = record.acceptance().ok_or("6: a history leads to a block never accepted")?;
			// Also what ends the walk, should the way lead in a circle.
			ensure!(
				history.last().is_none_or(|(_, later)| later.since > acceptance.since),
				"6: generations do not fall along a history"
			);
			let may_be_first = match record.block.kind {
				BlockKind::Genesis => acceptance.since.is_zero(),
				BlockKind::Migration => !acceptance.since.is_zero(),
				BlockKind::Update | BlockKind::Delta | BlockKind::Snapshot | BlockKind::Rollback => false,
			};
			let must_be_first = record.block.kind == BlockKind::Genesis;
			let is_first = acceptance.previous.is_none();
			ensure!(
				(may_be_first || !is_first) && (is_first || !must_be_first),
				"6: a history does not end where its component began"
			);
			next = acceptance.previous;
			history.push((id, acceptance));
		}
		Ok(history)
	}
}
