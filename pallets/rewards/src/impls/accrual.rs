//! How claims come about.

use crate::{pallet::*, types::*, Pallet};
use alloc::collections::BTreeMap;
use blyan_primitives::{economy::Budget, traits::AuditedWork, Balance};
use polkadot_sdk::{
	frame_support::traits::{Defensive, Get},
	frame_system,
};

impl<T: Config> Pallet<T> {
	/// Adds claims on a budget of the running epoch, earned with that work. Amounts of zero are no claims.
	pub(crate) fn accrue(budget: Budget, claims: BTreeMap<T::AccountId, Balance>, work: AuditedWork) {
		let claims = claims.into_iter().map(|(who, amount)| (who, amount, ()));
		Self::accrue_telling(budget, claims, |epoch, account, amount, ()| Event::Accrued {
			epoch,
			account,
			budget,
			amount,
			work,
		});
	}

	/// The same for whatever each was earned with; `tell` makes the event of it. An account may earn several times.
	pub(crate) fn accrue_telling<Source>(
		budget: Budget,
		claims: impl IntoIterator<Item = (T::AccountId, Balance, Source)>,
		tell: impl Fn(EpochNumber, T::AccountId, Balance, Source) -> Event<T>,
	) {
		// Another pallet's hook may come before ours in the first block of an epoch.
		Self::roll_epoch(frame_system::Pallet::<T>::block_number());
		let Some(epoch) = CurrentEpoch::<T>::get().defensive().map(|running| running.number) else { return };
		let (mut claimed, mut newcomers) = (0u128, 0u32);
		for (who, amount, source) in claims.into_iter().filter(|(_, amount, _)| *amount > 0) {
			let mut claim = match Claims::<T>::get(epoch, &who) {
				Some(claim) => claim,
				None => {
					Self::list(&who, epoch);
					Claim::default()
				}
			};
			let share = claim.get_mut(budget);
			if *share == 0 {
				newcomers = newcomers.saturating_add(1);
			}
			*share = share.saturating_add(amount);
			claimed = claimed.saturating_add(amount);
			Claims::<T>::insert(epoch, &who, claim);
			Self::deposit_event(tell(epoch, who, amount, source));
		}
		Epochs::<T>::mutate(epoch, |record| {
			if let Some(record) = record.as_mut().defensive() {
				let pot = record.pots.get_mut(budget);
				pot.claimed = pot.claimed.saturating_add(claimed);
				pot.open = pot.open.saturating_add(claimed);
				pot.claimants = pot.claimants.saturating_add(newcomers);
			}
		});
	}

	/// Adds the running epoch to those on which `who` has a claim; makes room by settling the oldest.
	fn list(who: &T::AccountId, epoch: EpochNumber) {
		let listed = OpenClaims::<T>::get(who);
		if listed.len() as u32 >= T::MaxOpenClaims::get() {
			// All of them are closed: the running epoch is not among them.
			if let Some(oldest) = listed.first().copied() {
				let amount = Self::settle(who, oldest);
				Self::carry(who, oldest, amount);
			}
		}
		OpenClaims::<T>::mutate(who, |listed| {
			let _ = listed.try_push(epoch).defensive_proof("there is room, or was made; qed");
		});
	}

	/// Takes an epoch out of those on which `who` has a claim.
	pub(crate) fn unlist(who: &T::AccountId, epoch: EpochNumber) {
		OpenClaims::<T>::mutate_exists(who, |listed| {
			if let Some(epochs) = listed {
				epochs.retain(|other| *other != epoch);
				if epochs.is_empty() {
					*listed = None;
				}
			}
		});
	}
}
