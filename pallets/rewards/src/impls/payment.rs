//! How claims are settled, carried and minted.

use crate::{pallet::*, types::*, Pallet};
use blyan_primitives::Balance;
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::Mutate, Defensive},
	},
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_claim(who: &T::AccountId, epoch: EpochNumber) -> DispatchResult {
		let running = CurrentEpoch::<T>::get().ok_or(Error::<T>::EpochNotFound)?.number;
		let record = Epochs::<T>::get(epoch).ok_or(Error::<T>::EpochNotFound)?;
		ensure!(epoch < running, Error::<T>::EpochStillRunning);
		ensure!(!Self::is_expired(epoch, running), Error::<T>::ClaimExpired);
		let claim = Claims::<T>::get(epoch, who).ok_or(Error::<T>::ClaimNotFound)?;

		let carried = Carried::<T>::get(who);
		let due = Self::quote(&record, &claim).saturating_add(carried);
		if due < Parameters::<T>::get().min_payout {
			let amount = Self::settle(who, epoch);
			Self::carry(who, epoch, amount);
			return Ok(());
		}
		// The one step that can fail comes before what is written here.
		T::Currency::mint_into(who, due)?;
		Self::settle(who, epoch);
		Self::clear_carried(who, carried, due);
		Self::deposit_event(Event::Paid { account: who.clone(), epoch, amount: due });
		Ok(())
	}

	pub(crate) fn do_claim_carried(who: &T::AccountId) -> DispatchResult {
		let carried = Carried::<T>::get(who);
		ensure!(carried > 0 && carried >= Parameters::<T>::get().min_payout, Error::<T>::CarriedTooLittle);
		T::Currency::mint_into(who, carried)?;
		Self::clear_carried(who, carried, carried);
		Self::deposit_event(Event::CarriedPaid { account: who.clone(), amount: carried });
		Ok(())
	}

	/// What a claim comes to, as the claims on its epoch stand.
	pub(crate) fn quote(record: &EpochRecordOf<T>, claim: &Claim) -> Balance {
		claim.iter().fold(0, |sum, (budget, claimed)| {
			sum.saturating_add(record.pots.get(budget).settlement(*claimed))
		})
	}

	/// Takes a claim on a closed epoch out of storage, and pays it out of its pots. What it returns is
	/// counted as paid, and must be minted or carried.
	pub(crate) fn settle(who: &T::AccountId, epoch: EpochNumber) -> Balance {
		let Some(claim) = Claims::<T>::take(epoch, who).defensive() else { return 0 };
		let mut settled = 0u128;
		Self::change_closed_epoch(epoch, |record| {
			for (budget, claimed) in claim.iter().filter(|(_, claimed)| **claimed > 0) {
				let pot = record.pots.get_mut(budget);
				let amount = pot.settlement(*claimed);
				pot.paid = pot.paid.saturating_add(amount);
				pot.left = pot.left.saturating_sub(amount);
				pot.open = pot.open.saturating_sub(*claimed);
				pot.claimants = pot.claimants.saturating_sub(1);
				settled = settled.saturating_add(amount);
			}
		});
		AllTime::<T>::mutate(|totals| totals.paid = totals.paid.saturating_add(settled));
		Self::unlist(who, epoch);
		settled
	}

	/// Keeps a settled amount for later.
	pub(crate) fn carry(who: &T::AccountId, epoch: EpochNumber, amount: Balance) {
		let carried = Carried::<T>::get(who).saturating_add(amount);
		if amount > 0 {
			Carried::<T>::insert(who, carried);
			AllTime::<T>::mutate(|totals| totals.carried = totals.carried.saturating_add(amount));
		}
		Self::deposit_event(Event::CarriedOver { account: who.clone(), epoch, amount, carried });
	}

	/// Counts `minted`, of which `carried` had been kept.
	fn clear_carried(who: &T::AccountId, carried: Balance, minted: Balance) {
		Carried::<T>::remove(who);
		AllTime::<T>::mutate(|totals| {
			totals.carried = totals.carried.saturating_sub(carried);
			totals.minted = totals.minted.saturating_add(minted);
		});
	}
}
