//! What the calls do: fallible checks first, then writes.

use crate::{
	types::*, Config, Error, Event, LotOfRoot, Lots, NextLotId, Pallet, Parameters, Reserves, Terms,
};
use blyan_primitives::{
	dag::ModelId,
	sealed::{key_hash, LotId, LotKey, LotState, SealedTerms},
	traits::SealedRounds,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::Get, BoundedVec},
	frame_system,
	sp_runtime::{traits::Saturating, ArithmeticError, DispatchResult},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_terms(who: T::AccountId, model: ModelId, terms: SealedTerms) -> DispatchResult {
		ensure!(T::Rounds::is_owner(model, &who), Error::<T>::NotModelOwner);
		let (pool, gate) = T::Rounds::terms(model).ok_or(Error::<T>::TrainingNotOpen)?;
		if terms.lots == 0 {
			Terms::<T>::remove(model);
		} else {
			ensure!(fits(&terms, &pool, &gate), Error::<T>::TermsInvalid);
			Terms::<T>::insert(model, terms);
		}
		Self::deposit_event(Event::TermsSet { model, terms });
		Ok(())
	}

	pub(crate) fn do_add_lots(sealer: T::AccountId, model: ModelId, lots: NewLotsOf<T>) -> DispatchResult {
		ensure!(!lots.is_empty(), Error::<T>::NoLots);
		let (pool, _) = T::Rounds::terms(model).ok_or(Error::<T>::TrainingNotOpen)?;
		ensure!(!T::Rounds::has_open_round(&sealer), Error::<T>::SealerIsTraining);
		let mut reserve = Reserves::<T>::get(model);
		let (deposit, bond) = (T::LotDeposit::get(), Parameters::<T>::get().bond);
		let each = deposit.checked_add(bond).ok_or(ArithmeticError::Overflow)?;
		let held = each.checked_mul(lots.len() as u128).ok_or(ArithmeticError::Overflow)?;
		let added_at = frame_system::Pallet::<T>::block_number();
		let mut ids = alloc::vec::Vec::new();
		let mut next = NextLotId::<T>::get();
		for lot in lots {
			ensure!(lot.is_valid(), Error::<T>::LotInvalid);
			ensure!(lot.shard_bytes == pool.shard_bytes, Error::<T>::ShardLengthMismatch);
			ensure!(!LotOfRoot::<T>::contains_key(lot.root), Error::<T>::TextAlreadySealed);
			let id = next;
			next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
			let (shards, shard_bytes) = (lot.shards, lot.shard_bytes);
			let entry = Reserved { id, sealer: sealer.clone(), shards, shard_bytes, added_at };
			reserve.try_push(entry).map_err(|_| Error::<T>::ReserveFull)?;
			LotOfRoot::<T>::insert(lot.root, id);
			let sealer = sealer.clone();
			let state = LotState::Reserved;
			Lots::<T>::insert(id, Lot { model, sealer, lot, deposit, bond, added_at, state });
			ids.push(id);
		}
		Self::hold(&sealer, deposit, bond, ids.len() as u128)?;
		Reserves::<T>::insert(model, reserve);
		NextLotId::<T>::put(next);
		let lots = BoundedVec::truncate_from(ids);
		Self::deposit_event(Event::LotsSealed { model, sealer, lots, held });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId, id: LotId) -> DispatchResult {
		let lot = Lots::<T>::get(id).ok_or(Error::<T>::LotNotFound)?;
		ensure!(lot.sealer == who, Error::<T>::NotSealer);
		ensure!(lot.state == LotState::Reserved, Error::<T>::LotAlreadyDrawn);
		Reserves::<T>::mutate_exists(lot.model, |reserve| {
			*reserve = reserve.take().map(|mut entries| {
				entries.retain(|entry| entry.id != id);
				entries
			});
			*reserve = reserve.take().filter(|entries| !entries.is_empty());
		});
		let returned = Self::forget(id, &lot);
		Self::deposit_event(Event::LotWithdrawn { lot: id, sealer: who, returned });
		Ok(())
	}

	pub(crate) fn do_open(id: LotId, key: LotKey) -> DispatchResult {
		let mut lot = Lots::<T>::get(id).ok_or(Error::<T>::LotNotFound)?;
		let LotState::Drawn { round } = lot.state else { return Err(Error::<T>::NotAwaitingOpening.into()) };
		ensure!(T::Rounds::takes_opening(round, id), Error::<T>::NotAwaitingOpening);
		ensure!(key_hash(&key) == lot.lot.key_hash, Error::<T>::KeyMismatch);
		lot.state = LotState::Retired { round, key, at: frame_system::Pallet::<T>::block_number() };
		Lots::<T>::insert(id, lot);
		Self::deposit_event(Event::LotOpened { lot: id, round, key });
		T::Rounds::note_opened(round, id);
		Ok(())
	}

	pub(crate) fn do_reclaim(id: LotId) -> DispatchResult {
		let lot = Lots::<T>::get(id).ok_or(Error::<T>::LotNotFound)?;
		let LotState::Retired { round, at, .. } = lot.state else {
			return Err(Error::<T>::LotNotRetired.into());
		};
		let now = frame_system::Pallet::<T>::block_number();
		let over = at.saturating_add(Parameters::<T>::get().retention_blocks.into());
		// While the round is open, a quorum may still find that the lot is no good, and referees need its text.
		ensure!(now >= over && !T::Rounds::is_open(round), Error::<T>::RetentionNotOver);
		let returned = Self::forget(id, &lot);
		Self::deposit_event(Event::LotReclaimed { lot: id, sealer: lot.sealer, returned });
		Ok(())
	}
}
