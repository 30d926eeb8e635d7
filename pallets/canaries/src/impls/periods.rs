//! The periods of the lottery: how one follows another, and what was submitted in which.

use crate::{types::*, Config, CurrentPeriod, Event, OldestPeriod, Pallet, Parameters, Periods};
use blyan_primitives::canary::PeriodNumber;
use polkadot_sdk::{
	frame_support::traits::{Get, Randomness},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::traits::Saturating,
};

impl<T: Config> Pallet<T> {
	/// Begins a period if the running one is over and there is randomness for it. Whether it did.
	pub(crate) fn roll_period(now: BlockNumberFor<T>) -> bool {
		let running = CurrentPeriod::<T>::get();
		let started_at =
			running.and_then(Periods::<T>::get).map(|period| period.started_at).unwrap_or_default();
		let parameters = Parameters::<T>::get();
		if running.is_some() && now < started_at.saturating_add(parameters.period_blocks.into()) {
			return false;
		}
		// A key that takes part in the period that begins was set before the running one did.
		let (Some(randomness), known_since) = T::Randomness::random(b"blyan/canary-lottery") else {
			return false;
		};
		if known_since < started_at {
			return false;
		}
		let number = running.map_or(0, |running| running.saturating_add(1));
		Periods::<T>::insert(number, Period { started_at: now, randomness, chance: parameters.chance });
		CurrentPeriod::<T>::put(number);
		let oldest = OldestPeriod::<T>::get();
		if number.saturating_sub(oldest) >= T::MaxPeriods::get() {
			Periods::<T>::remove(oldest);
			OldestPeriod::<T>::put(oldest.saturating_add(1));
		}
		Self::deposit_event(Event::PeriodStarted { period: number, randomness });
		true
	}

	/// The first period in which a key takes part that is set now.
	pub(crate) fn next_effective_period() -> PeriodNumber {
		// Before the first period: it is the one after the next.
		CurrentPeriod::<T>::get().map_or(KEY_DELAY.saturating_sub(1), |now| now.saturating_add(KEY_DELAY))
	}

	/// Whether a win in that period is good for what was submitted in that block: in the period, or in the next,
	/// so that there is time to make a candidate.
	pub(crate) fn is_good_for(
		number: PeriodNumber,
		period: &PeriodOf<T>,
		submitted_at: BlockNumberFor<T>,
	) -> bool {
		let after_next = Periods::<T>::get(number.saturating_add(2));
		period.started_at <= submitted_at
			&& after_next.is_none_or(|after_next| submitted_at < after_next.started_at)
	}
}
