//! What the runtime API `RewardsApi` answers.

use crate::{pallet::*, EpochNumber, Pallet};
use alloc::vec::Vec;
use blyan_primitives::Balance;

impl<T: Config> Pallet<T> {
	/// What is owed to `who`: what its claims on closed epochs come to, with what is carried; and what
	/// its claim on the running epoch would come to if that ended now.
	///
	/// The first is minted claim by claim. As long as it is below `min_payout` in all, it is carried.
	pub fn owed(who: &T::AccountId) -> (Balance, Balance) {
		let Some(running) = CurrentEpoch::<T>::get().map(|running| running.number) else { return (0, 0) };
		let (mut due, mut accruing) = (Carried::<T>::get(who), 0);
		for epoch in OpenClaims::<T>::get(who) {
			let (Some(mut record), Some(claim)) = (Epochs::<T>::get(epoch), Claims::<T>::get(epoch, who))
			else {
				continue;
			};
			if epoch == running {
				record.limit_audits();
				accruing = Self::quote(&record, &claim);
			} else if !Self::is_expired(epoch, running) {
				due = due.saturating_add(Self::quote(&record, &claim));
			}
		}
		(due, accruing)
	}

	/// The learning credits that `who` has.
	pub fn credits(who: &T::AccountId) -> u64 {
		Credits::<T>::get(who)
	}

	/// The closed epochs on which `who` has a claim that has not expired, oldest first.
	pub fn claimable_epochs(who: &T::AccountId) -> Vec<EpochNumber> {
		let Some(running) = CurrentEpoch::<T>::get().map(|running| running.number) else { return Vec::new() };
		let open = OpenClaims::<T>::get(who).into_iter();
		open.filter(|epoch| *epoch < running && !Self::is_expired(*epoch, running)).collect()
	}
}
