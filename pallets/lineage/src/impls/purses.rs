//! What contributors earn by the score of their data, as models gain by it.

use crate::{types::*, weights::WeightInfo, Config, Event, LastDay, Pallet, Purses};
use blyan_primitives::{
	datasets::purse,
	manifest::DatasetId,
	traits::{DataPurses, DatasetRegistry},
	Balance,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, traits::Get},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::traits::CheckedDiv,
};

impl<T: Config> DataPurses for Pallet<T> {
	/// As much as was earned, or what is left in the purse, or of what purses may pay today: whichever is least. Nothing
	/// while the dataset is not approved.
	fn draw(dataset: DatasetId, earned: Balance) -> Balance {
		frame_system::Pallet::<T>::register_extra_weight_unchecked(
			T::WeightInfo::draw(),
			DispatchClass::Mandatory,
		);
		if earned == 0 {
			return 0;
		}
		let Some(approved) = T::Datasets::approved(dataset) else { return 0 };
		let mut purse = Purses::<T>::get(dataset).unwrap_or_else(|| {
			let amount = purse(approved.score);
			Self::deposit_event(Event::PurseFilled { dataset, amount });
			Purse { start: amount, left: amount }
		});
		let mut today = Self::draws_today();
		let room = T::DailyCap::get().saturating_sub(today.drawn);
		let drawn = earned.min(purse.left).min(room);
		purse.left = purse.left.saturating_sub(drawn);
		Purses::<T>::insert(dataset, purse);
		if drawn > 0 {
			today.drawn = today.drawn.saturating_add(drawn);
			LastDay::<T>::put(today);
		}
		drawn
	}
}

impl<T: Config> Pallet<T> {
	/// What purses paid in the running day.
	pub(crate) fn draws_today() -> DayDraws<BlockNumberFor<T>> {
		let day = Self::today();
		let last = LastDay::<T>::get();
		if last.day == day {
			last
		} else {
			DayDraws { day, drawn: 0 }
		}
	}

	/// The running day, counted from 0 at block 0.
	pub(crate) fn today() -> BlockNumberFor<T> {
		let now = frame_system::Pallet::<T>::block_number();
		now.checked_div(&T::DayBlocks::get()).unwrap_or_default()
	}
}
