//! The ledger of learning credits. Nothing else touches it.

use crate::{pallet::*, Pallet};
use blyan_primitives::traits::{CreditReason, LearningCredits};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};

impl<T: Config> LearningCredits<T::AccountId> for Pallet<T> {
	fn grant(who: &T::AccountId, reason: CreditReason) {
		let amount = u64::from(Parameters::<T>::get().credits.of(reason));
		let mut totals = AllTimeCredits::<T>::get();
		let (had, granted) = (Credits::<T>::get(who), totals.granted);
		// So much was never earned: but were it, sum and parts would still agree.
		let (Some(has), Some(granted)) = (had.checked_add(amount), granted.checked_add(amount)) else {
			return;
		};
		if amount == 0 {
			return;
		}
		totals.granted = granted;
		Credits::<T>::insert(who, has);
		AllTimeCredits::<T>::put(totals);
		Self::deposit_event(Event::CreditsEarned { account: who.clone(), reason, amount });
	}

	fn spend(who: &T::AccountId, amount: u64) -> DispatchResult {
		let had = Credits::<T>::get(who);
		ensure!(amount <= had, Error::<T>::CreditsTooFew);
		if amount == 0 {
			return Ok(());
		}
		match had.saturating_sub(amount) {
			0 => Credits::<T>::remove(who),
			left => Credits::<T>::insert(who, left),
		}
		AllTimeCredits::<T>::mutate(|totals| totals.spent = totals.spent.saturating_add(amount));
		Self::deposit_event(Event::CreditsSpent { account: who.clone(), amount });
		Ok(())
	}
}
