//! The invariants of the README, one check each.

use crate::{
	Config, CurrentPeriod, HoldReason, KeyOwners, OldestPeriod, Pallet, Parameters, Periods, Planters,
};
use alloc::{collections::BTreeMap, vec::Vec};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Inspect, Get},
	},
	sp_runtime::DispatchError,
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		Self::check_periods()?;
		Self::check_keys()?;
		Self::check_planted()?;
		Self::check_deposits()?;
		Ok(Parameters::<T>::get().validate::<T>()?)
	}

	/// 1. The periods that are kept.
	fn check_periods() -> Result<(), DispatchError> {
		let kept = Periods::<T>::iter().collect::<BTreeMap<_, _>>();
		let expected = CurrentPeriod::<T>::get().map(|last| OldestPeriod::<T>::get()..=last);
		ensure!(
			kept.keys().copied().eq(expected.into_iter().flatten()),
			"the periods that are kept have gaps, or others are"
		);
		ensure!(kept.len() as u32 <= T::MaxPeriods::get(), "more periods are kept than may be");
		ensure!(
			kept.values().zip(kept.values().skip(1)).all(|(a, b)| a.started_at < b.started_at),
			"a period began before the one before it"
		);
		Ok(())
	}

	/// 2. Keys, and whose they are.
	fn check_keys() -> Result<(), DispatchError> {
		let latest = Self::next_effective_period();
		let mut owners = Vec::new();
		for (who, planter) in Planters::<T>::iter() {
			ensure!(!planter.keys.is_empty(), "a planter has no key");
			let is_rising =
				planter.keys.iter().zip(planter.keys.iter().skip(1)).all(|(a, b)| a.since < b.since);
			ensure!(is_rising, "two keys of a planter take part at once");
			ensure!(
				planter.keys.iter().all(|entry| entry.since <= latest),
				"a key takes part later than one that is set now"
			);
			owners.extend(planter.keys.iter().map(|entry| (entry.key, who.clone())));
		}
		owners.sort_by_key(|(key, _)| *key);
		let mut known = KeyOwners::<T>::iter().collect::<Vec<_>>();
		known.sort_by_key(|(key, _)| *key);
		ensure!(owners == known, "KeyOwners is not the keys of the planters, each once");
		Ok(())
	}

	/// 3. One canary for each planter and period.
	fn check_planted() -> Result<(), DispatchError> {
		for planter in Planters::<T>::iter_values() {
			let planted = &planter.planted;
			ensure!(
				planted.iter().zip(planted.iter().skip(1)).all(|(a, b)| a < b),
				"a planter has shown two canaries of a period"
			);
			ensure!(
				planted.last().copied() <= CurrentPeriod::<T>::get(),
				"a canary was shown of a period that has not begun"
			);
		}
		Ok(())
	}

	/// 4. Deposits.
	fn check_deposits() -> Result<(), DispatchError> {
		for (who, planter) in Planters::<T>::iter() {
			let held = T::Currency::balance_on_hold(&HoldReason::KeyDeposit.into(), &who);
			ensure!(held == planter.deposit, "what is held of a planter is not its deposit");
		}
		Ok(())
	}
}
