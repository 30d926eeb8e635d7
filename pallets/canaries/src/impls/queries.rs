//! What people and workers may ask. Serves [`blyan_primitives::api::CanariesApi`].

use crate::{Config, CurrentPeriod, KeyOwners, Pallet, Parameters, Periods, Planters};
use blyan_primitives::{
	api::{CanaryKeyInfo, LotteryPeriod},
	canary::{CanaryKey, PeriodNumber},
	traits::Validators,
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// A period that is kept; the running one if none is named.
	pub fn lottery(number: Option<PeriodNumber>) -> Option<LotteryPeriod> {
		let number = number.or_else(CurrentPeriod::<T>::get)?;
		let period = Periods::<T>::get(number)?;
		Some(LotteryPeriod {
			number,
			started_at: period.started_at.saturated_into(),
			randomness: period.randomness,
			chance: period.chance,
			blocks: Parameters::<T>::get().period_blocks,
		})
	}

	/// A canary key.
	pub fn canary_key(key: CanaryKey) -> Option<CanaryKeyInfo<T::AccountId>> {
		let validator = KeyOwners::<T>::get(key)?;
		let planter = Planters::<T>::get(&validator)?;
		let since = planter.keys.iter().find(|entry| entry.key == key)?.since;
		let until = planter.keys.iter().map(|entry| entry.since).find(|later| *later > since);
		let is_validator = T::Validators::is_validator(&validator);
		let planted = planter.planted.into_inner();
		Some(CanaryKeyInfo { validator, is_validator, since, until, planted })
	}
}
