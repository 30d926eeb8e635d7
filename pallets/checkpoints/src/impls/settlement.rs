//! Settling sessions that are over, a few seats a block: pay, uptime, downtime.

use crate::{types::*, *};
use alloc::collections::BTreeMap;
use blyan_primitives::{
	traits::{DowntimeReports, ValidatorRewards},
	Balance,
};
use polkadot_sdk::frame_support::traits::{Defensive, Get};

impl<T: Config> Pallet<T> {
	/// Settles up to so many seats of the oldest sessions that are over; returns how many it did.
	pub(crate) fn settle(limit: u32) -> u32 {
		let mut parts = BTreeMap::<T::AccountId, Balance>::new();
		let mut count = 0u32;
		while count < limit {
			let Some((at, record, next)) = Self::due() else { break };
			Self::settle_seat(&at, &record, next, &mut parts);
			count = count.saturating_add(1);
		}
		if !parts.is_empty() {
			T::Rewards::accrue_validators(parts);
		}
		count
	}

	/// Settles the oldest session at once if more are over than are kept.
	pub(crate) fn make_room() {
		let Some(at) = Settled::<T>::get().filter(|at| at.sessions > T::KeptSessions::get()) else { return };
		// Nobody may vote for a session that is settled.
		if OpenCheckpoint::<T>::get().is_some_and(|open| open.session <= at.session) {
			OpenCheckpoint::<T>::kill();
		}
		let seats = Sessions::<T>::get(at.session).map_or(0, |record| record.validators);
		Self::settle(seats.saturating_sub(at.seat));
	}

	/// The next seat to settle, if its session is over and takes no votes any more.
	fn due() -> Option<(Settlement, SessionRecord, NextSession)> {
		let at = Settled::<T>::get()?;
		let record = Sessions::<T>::get(at.session)?;
		let next = record.next?;
		let takes_votes = OpenCheckpoint::<T>::get().is_some_and(|open| open.session <= at.session);
		(!takes_votes).then_some((at, record, next))
	}

	/// Settles a seat, adds what it claims to `parts`, and moves on to the next.
	fn settle_seat(
		at: &Settlement,
		record: &SessionRecord,
		next: NextSession,
		parts: &mut BTreeMap<T::AccountId, Balance>,
	) {
		if let Some(voter) = Voters::<T>::get(record.set, at.seat).defensive() {
			let claim = Self::settle_validator(at.session, record, &voter.account);
			if claim > 0 {
				let part = parts.entry(voter.account.clone()).or_default();
				*part = part.saturating_add(claim);
			}
			if next.has_other_set {
				Voters::<T>::remove(record.set, at.seat);
				Standings::<T>::mutate_exists(&voter.account, |standing| {
					*standing = standing.take().filter(|standing| standing.set > record.set);
				});
			}
		}
		let seat = at.seat.saturating_add(1);
		Settled::<T>::put(if seat < record.validators {
			Settlement { seat, ..*at }
		} else {
			Sessions::<T>::remove(at.session);
			Settlement { session: next.session, seat: 0, sessions: at.sessions.saturating_sub(1) }
		});
	}

	/// What a validator claims for a session. Takes note of its uptime, and reports it if it is down.
	fn settle_validator(session: SessionIndex, record: &SessionRecord, who: &T::AccountId) -> Balance {
		let tally = Tallies::<T>::take(session, who);
		// Without a checkpoint nothing was expected of anybody, and nothing is known.
		if record.checkpoints == 0 {
			return 0;
		}
		let parameters = Parameters::<T>::get();
		let mut standing = Standings::<T>::get(who).defensive().unwrap_or_default();
		standing.note(tally.is_active());
		Standings::<T>::insert(who, standing);
		if standing.is_report_due(parameters.downtime_sessions) {
			T::Downtime::report(who, standing.absent);
			Self::deposit_event(Event::ValidatorDown { validator: who.clone(), sessions: standing.absent });
		}
		let amount = pay(parameters.base, record, &tally, &standing);
		if amount > 0 {
			Self::deposit_event(Event::PayClaimed { validator: who.clone(), session, amount });
		}
		amount
	}
}
