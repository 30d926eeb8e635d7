//! Changes of architecture: the owner wants one, a submission brings it about.

use crate::{types::*, Config, Error, Event, HoldReason, Models, Pallet, PendingMigrations};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::{
	architecture::Architecture,
	dag::{ModelId, NewBlocks},
	migration::Migration,
};
use polkadot_sdk::{
	frame_support::{
		defensive, ensure,
		traits::{fungible::MutateHold, tokens::Precision},
	},
	sp_runtime::{
		traits::{Saturating, Zero},
		DispatchResult,
	},
};

/// What follows from a migration, besides what becomes of the model's record.
pub(crate) struct PlannedMigration<T: Config> {
	migration: Migration,
	/// The indices, in the architecture before, of the components that are no more.
	pub(crate) retired: Vec<u32>,
	/// What returns to the owner.
	refund: BalanceOf<T>,
}

impl<T: Config> Pallet<T> {
	/// Notes the one migration that the owner wants, and holds the deposit for what comes with it.
	pub(crate) fn do_propose_migration(
		owner: ModelOwner<T::AccountId>,
		id: ModelId,
		migration: Migration,
	) -> DispatchResult {
		let model = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(model.owner == owner, Error::<T>::NotOwner);
		ensure!(model.root.is_some(), Error::<T>::ModelNotReleased);
		ensure!(!PendingMigrations::<T>::contains_key(id), Error::<T>::MigrationPending);
		let after = migration.apply(&model.architecture).map_err(Error::<T>::from)?;
		let deposit = match &owner {
			ModelOwner::Account(account) => {
				let deposit = Self::deposit_for(&after).saturating_sub(model.deposit);
				T::Currency::hold(&HoldReason::ModelDeposit.into(), account, deposit)?;
				deposit
			}
			ModelOwner::Governance => Zero::zero(),
		};
		PendingMigrations::<T>::insert(id, PendingMigration { migration, deposit });
		Self::deposit_event(Event::MigrationProposed { model: id, migration, deposit });
		Ok(())
	}

	/// Takes back what the owner wanted, and returns its deposit.
	pub(crate) fn do_withdraw_migration(owner: ModelOwner<T::AccountId>, id: ModelId) -> DispatchResult {
		let model = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(model.owner == owner, Error::<T>::NotOwner);
		let pending = PendingMigrations::<T>::take(id).ok_or(Error::<T>::NoMigrationPending)?;
		Self::release_deposit(&owner, pending.deposit)?;
		Self::deposit_event(Event::MigrationWithdrawn { model: id, migration: pending.migration });
		Ok(())
	}

	/// Checks that blocks are for a migration that the owner wants, and for all that it rewrites. Returns the
	/// architecture that comes of it.
	pub(crate) fn ensure_migration(
		id: ModelId,
		before: &Architecture,
		migration: &Migration,
		blocks: &NewBlocks,
	) -> Result<Architecture, Error<T>> {
		ensure!(Self::is_pending(id, migration), Error::<T>::MigrationNotWanted);
		let after = migration.apply(before).map_err(Error::<T>::from)?;
		let wanted = migration.components(before).into_iter().collect::<BTreeSet<_>>();
		let sent = blocks.iter().map(|block| block.component).collect::<BTreeSet<_>>();
		ensure!(sent.is_superset(&wanted), Error::<T>::MigrationIncomplete);
		ensure!(sent.len() == wanted.len(), Error::<T>::MigrationRewritesMore);
		Ok(after)
	}

	/// Whether it is the one that the owner wants.
	pub(crate) fn is_pending(id: ModelId, migration: &Migration) -> bool {
		PendingMigrations::<T>::get(id).is_some_and(|pending| pending.migration == *migration)
	}

	/// Works out what a model becomes whose generation the caller has raised. Writes nothing.
	pub(crate) fn plan_migration(
		id: ModelId,
		model: &mut ModelOf<T>,
		migration: &Migration,
	) -> Result<PlannedMigration<T>, Error<T>> {
		let pending = PendingMigrations::<T>::get(id).ok_or(Error::<T>::MigrationNotWanted)?;
		ensure!(pending.migration == *migration, Error::<T>::MigrationNotWanted);
		let before = model.architecture;
		model.architecture = migration.apply(&before).map_err(Error::<T>::from)?;
		model.heads_set = model.architecture.component_count();
		model.version = migration.next_version(model.version);
		model.fits_since = model.fits_since.after(migration, model.generation);
		let held = model.deposit.saturating_add(pending.deposit);
		model.deposit = match &model.owner {
			ModelOwner::Account(_) => Self::deposit_for(&model.architecture).min(held),
			ModelOwner::Governance => Zero::zero(),
		};
		let retired =
			migration.removed(&before).iter().filter_map(|gone| before.component_index(*gone)).collect();
		let refund = held.saturating_sub(model.deposit);
		Ok(PlannedMigration { migration: *migration, retired, refund })
	}

	/// Writes what a migration brings besides heads and the model itself: it is pending no more, and what its
	/// components do not need of the deposits returns.
	pub(crate) fn settle_migration(
		id: ModelId,
		model: &ModelOf<T>,
		planned: PlannedMigration<T>,
	) -> DispatchResult {
		Self::release_deposit(&model.owner, planned.refund)?;
		PendingMigrations::<T>::remove(id);
		Self::deposit_event(Event::ModelMigrated { model: id, migration: planned.migration });
		Ok(())
	}

	fn release_deposit(owner: &ModelOwner<T::AccountId>, amount: BalanceOf<T>) -> DispatchResult {
		match owner {
			ModelOwner::Account(account) if !amount.is_zero() => {
				let reason = HoldReason::ModelDeposit.into();
				T::Currency::release(&reason, account, amount, Precision::Exact).map(|_| ())
			}
			ModelOwner::Account(_) => Ok(()),
			ModelOwner::Governance => {
				if !amount.is_zero() {
					defensive!("governance has no deposit");
				}
				Ok(())
			}
		}
	}
}
