//! What the calls do: fallible checks first, then writes.

use crate::{
	types::*, Config, Error, Event, HoldReason, KeyOwners, OldestPeriod, Pallet, Parameters, Periods,
	Planters,
};
use blyan_primitives::{
	canary::{self, CanaryKey, LotProof, PeriodNumber},
	traits::{CanaryRounds, Validators},
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Mutate, tokens::Precision, Defensive, Get},
	},
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_key(who: T::AccountId, key: CanaryKey, ownership: [u8; 64]) -> DispatchResult {
		ensure!(T::Validators::is_validator(&who), Error::<T>::NotValidator);
		ensure!(canary::owns(&key, &who, &ownership), Error::<T>::KeyNotOwned);
		ensure!(!KeyOwners::<T>::contains_key(key), Error::<T>::KeyTaken);
		let mut planter = match Planters::<T>::get(&who) {
			Some(planter) => planter,
			None => {
				let deposit = T::KeyDeposit::get();
				T::Currency::hold(&HoldReason::KeyDeposit.into(), &who, deposit)
					.map_err(|_| Error::<T>::DepositNotAvailable)?;
				Planter { deposit, ..Planter::default() }
			}
		};

		let since = Self::next_effective_period();
		// One that was to take part from then on as well never does.
		let replaced = planter.keys.last().filter(|last| last.since >= since).map(|last| last.key);
		if let Some(replaced) = replaced {
			planter.keys.pop();
			KeyOwners::<T>::remove(replaced);
		}
		if planter.keys.is_full() {
			KeyOwners::<T>::remove(planter.keys.remove(0).key);
		}
		let _ = planter.keys.try_push(KeyEntry { key, since }).defensive_proof("room was made; qed");
		Planters::<T>::insert(&who, planter);
		KeyOwners::<T>::insert(key, &who);
		Self::deposit_event(Event::KeySet { validator: who, key, since });
		Ok(())
	}

	pub(crate) fn do_remove_keys(who: T::AccountId) -> DispatchResult {
		let planter = Planters::<T>::get(&who).ok_or(Error::<T>::NoKey)?;
		T::Currency::release(&HoldReason::KeyDeposit.into(), &who, planter.deposit, Precision::BestEffort)?;
		planter.keys.iter().for_each(|entry| KeyOwners::<T>::remove(entry.key));
		Planters::<T>::remove(&who);
		Self::deposit_event(Event::KeysRemoved { validator: who, deposit: planter.deposit });
		Ok(())
	}

	pub(crate) fn do_reveal(
		round: RoundId,
		number: PeriodNumber,
		key: CanaryKey,
		lot: LotProof,
		salt: [u8; 32],
	) -> DispatchResult {
		let sealed = T::Rounds::sealed(round).ok_or(Error::<T>::RoundNotRevealable)?;
		ensure!(!sealed.is_canary, Error::<T>::AlreadyRevealed);
		let who = KeyOwners::<T>::get(key).ok_or(Error::<T>::KeyNotFound)?;
		ensure!(T::Validators::is_validator(&who), Error::<T>::NotValidator);
		let period = Periods::<T>::get(number).ok_or(Error::<T>::PeriodNotFound)?;
		ensure!(Self::is_good_for(number, &period, sealed.submitted_at), Error::<T>::WrongPeriod);
		let mut planter = Planters::<T>::get(&who).ok_or(Error::<T>::NoKey)?;
		ensure!(planter.key_in(number) == Some(key), Error::<T>::KeyNotEffective);
		ensure!(!planter.planted.contains(&number), Error::<T>::AlreadyPlanted);
		let seal = canary::seal(&key, &sealed.trainer, &sealed.blocks, &salt);
		ensure!(seal == sealed.seal, Error::<T>::SealMismatch);
		// Last, for it takes longest.
		let lot = canary::lot(&key, number, &period.randomness, &lot).ok_or(Error::<T>::LotInvalid)?;
		ensure!(canary::is_drawn(lot, period.chance), Error::<T>::NotDrawn);

		let oldest = OldestPeriod::<T>::get();
		planter.planted.retain(|planted| *planted >= oldest);
		let place = planter.planted.partition_point(|planted| *planted < number);
		let inserted = planter.planted.try_insert(place, number);
		let _ = inserted.defensive_proof("there is one for each period that is kept at most; qed");
		Planters::<T>::insert(&who, planter);
		T::Rounds::mark_canary(round, who.clone(), Parameters::<T>::get().reward);
		Self::deposit_event(Event::CanaryRevealed {
			round,
			planter: who,
			trainer: sealed.trainer,
			period: number,
		});
		Ok(())
	}
}
