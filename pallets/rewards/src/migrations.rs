//! Storage migrations, newest last.

use crate::{
	pallet::*,
	types::{CreditRates, RewardParameters},
	Pallet,
};
use blyan_primitives::Balance;
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		migrations::VersionedMigration,
		traits::{Get, UncheckedOnRuntimeUpgrade},
		weights::Weight,
	},
	frame_system,
};

/// To version 2: parameters for learning credits and the data's share; of closed epochs, audits may be paid a
/// fifth of what learning and serving earned.
pub type MigrateToV2<T> = VersionedMigration<1, 2, ToV2<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;

/// The parameters of version 1.
#[derive(Encode, Decode, MaxEncodedLen)]
pub struct ParametersV1 {
	epoch_blocks: u32,
	min_payout: Balance,
	learning_rate: Balance,
	claim_expiry_epochs: u32,
}

/// What [`MigrateToV2`] does.
pub struct ToV2<T>(core::marker::PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for ToV2<T> {
	fn on_runtime_upgrade() -> Weight {
		// Where there are none, or what is there is none of version 1, the defaults hold.
		let _ = Parameters::<T>::translate::<ParametersV1, _>(|old| {
			let defaults = RewardParameters::default();
			Some(old.map_or(defaults, |old| RewardParameters {
				epoch_blocks: old.epoch_blocks,
				min_payout: old.min_payout,
				learning_rate: old.learning_rate,
				claim_expiry_epochs: old.claim_expiry_epochs,
				data_patience_epochs: defaults.data_patience_epochs,
				credits: CreditRates::default(),
			}))
		});
		let running = CurrentEpoch::<T>::get().map_or(0, |running| running.number);
		let mut closed = 0u64;
		for epoch in OldestEpoch::<T>::get()..running {
			closed = closed.saturating_add(1);
			// Nobody could claim from it before: what is reserved does not change.
			let cut =
				Epochs::<T>::mutate(epoch, |record| record.as_mut().map(|record| record.limit_audits()));
			let cut = cut.unwrap_or_default();
			AllTime::<T>::mutate(|totals| totals.budgeted = totals.budgeted.saturating_sub(cut));
		}
		OldestWaitingShare::<T>::put(running);
		let (reads, writes) = (closed.saturating_mul(2).saturating_add(3), closed.saturating_mul(2));
		T::DbWeight::get().reads_writes(reads, writes.saturating_add(2))
	}
}
