//! Sessions: who validates, and since when.

use crate::{types::*, *};
use polkadot_sdk::{frame_support::traits::Get, sp_consensus_grandpa::AuthorityId};

impl<T: Config> Pallet<T> {
	/// Ends the session that runs, and begins another. Walks the validators only if they are others than before.
	pub(crate) fn begin_session<'a>(
		has_changed: bool,
		validators: impl Iterator<Item = (&'a T::AccountId, AuthorityId)>,
	) where
		T::AccountId: 'a,
	{
		let session = T::SessionIndex::get();
		let former = Running::<T>::get();
		// Sessions come in rising order, each once.
		if former.is_some_and(|former| session <= former.session) {
			return;
		}
		let former = former.and_then(|running| Some((running, Sessions::<T>::get(running.session)?)));
		let (set, count) = match former {
			Some((running, record)) if !has_changed => (running.set, record.validators),
			_ => {
				let set = former.map_or(0, |(running, _)| running.set.saturating_add(1));
				(set, Self::seat(set, validators))
			}
		};
		// A chain without validators has no blocks: whoever says so is not believed.
		if count == 0 {
			return;
		}
		if let Some((running, mut record)) = former {
			record.next = Some(NextSession { session, has_other_set: set != running.set });
			Sessions::<T>::insert(running.session, record);
		}
		Sessions::<T>::insert(session, SessionRecord { set, validators: count, checkpoints: 0, next: None });
		Running::<T>::put(RunningSession { session, set });
		let ended = u32::from(former.is_some());
		Settled::<T>::mutate(|settled| {
			let settled = settled.get_or_insert(Settlement { session, seat: 0, sessions: 0 });
			settled.sessions = settled.sessions.saturating_add(ended);
		});
		Self::make_room();
	}

	/// Gives the validators of a set their seats; returns how many there are.
	fn seat<'a>(set: SetNumber, validators: impl Iterator<Item = (&'a T::AccountId, AuthorityId)>) -> u32
	where
		T::AccountId: 'a,
	{
		let mut seats = 0u32;
		for (account, key) in validators.take(T::MaxValidators::get() as usize) {
			Voters::<T>::insert(set, seats, Voter { account: account.clone(), key: key.into() });
			Standings::<T>::mutate(account, |standing| standing.get_or_insert_default().set = set);
			seats = seats.saturating_add(1);
		}
		seats
	}
}
