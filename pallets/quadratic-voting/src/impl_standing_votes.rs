//! Votes as the register of workers sees them.

use crate::{Config, Event, Pallet, Parameters, WorkerCredits};
use blyan_primitives::traits::StandingVotes;
use polkadot_sdk::{
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::Saturating,
};

/// Each takes [`crate::WeightInfo::lapse`] of [`Pallet::max_lapsing`] at most.
impl<T: Config> StandingVotes<T::AccountId> for Pallet<T> {
	/// Whoever has not voted yet is suspended all the same: else a worker would slash itself before it votes, and not
	/// after.
	fn slashed(who: &T::AccountId) {
		Self::drop_votes(who);
		let period = BlockNumberFor::<T>::from(Parameters::<T>::get().credit_period_blocks);
		let until = frame_system::Pallet::<T>::block_number().saturating_add(period);
		WorkerCredits::<T>::mutate(who, |credits| {
			credits.suspended_until = credits.suspended_until.max(until);
		});
		Self::deposit_event(Event::VoterSuspended { worker: who.clone(), until });
	}

	fn left(who: &T::AccountId) {
		Self::drop_votes(who);
	}
}
