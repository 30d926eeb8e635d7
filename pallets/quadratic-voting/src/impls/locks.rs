//! What stays locked.

use crate::{types::*, Config, Error, Event, FreezeReason, Locks, Pallet, Votings};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::freeze::Mutate, Defensive},
	},
	frame_system,
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	/// Has as much be locked as the record of a topic needs now, which is to be stored after it.
	pub(crate) fn refresh_lock(who: &T::AccountId, topic: Topic, voting: &mut Voting<T>) -> DispatchResult {
		if topic.electorate() == Electorate::Worker {
			return Ok(());
		}
		voting.prior.expire(frame_system::Pallet::<T>::block_number());
		let needed = voting.locked();
		let mut locks = Locks::<T>::get(who);
		locks.retain(|(other, _)| *other != topic);
		if needed > 0 {
			let _ = locks.try_push((topic, needed)).defensive_proof("one for each topic at most; qed");
		}
		let most = locks.iter().map(|(_, amount)| *amount).max().unwrap_or_default();
		if locks.is_empty() {
			Locks::<T>::remove(who);
		} else {
			Locks::<T>::insert(who, locks);
		}
		T::Currency::set_freeze(&FreezeReason::Vote.into(), who, most)
	}

	pub(crate) fn do_unlock(who: &T::AccountId, topic: Topic) -> DispatchResult {
		let is_locked = Locks::<T>::get(who).iter().any(|(other, _)| *other == topic);
		ensure!(is_locked, Error::<T>::NothingLocked);
		let mut voting = Votings::<T>::get(who, topic);
		Self::refresh_lock(who, topic, &mut voting)?;
		let locked = voting.locked();
		Self::store(who, topic, voting);
		Self::deposit_event(Event::Unlocked { who: who.clone(), topic, locked });
		Ok(())
	}
}
