//! What people and workers may ask. Serves [`blyan_primitives::api::SealedShardsApi`].

use crate::{types::*, Config, Lots, NextLotId, Pallet, Terms};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{LotInfo, MAX_PAGE},
	dag::ModelId,
	sealed::{LotId, LotState, SealedTerms},
	BlockNumber,
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// How much sealed text a model's rounds are judged by; none if it asks for none.
	pub fn sealed_terms(model: ModelId) -> Option<SealedTerms> {
		Terms::<T>::get(model)
	}

	/// One lot, while it is kept.
	pub fn lot(id: LotId) -> Option<LotInfo<T::AccountId>> {
		Lots::<T>::get(id).map(|lot| Self::describe(id, lot))
	}

	/// The kept lots of a model, or of all, among the `count` (and [`MAX_PAGE`] at most) numbers from `start` on, in
	/// rising order; and the number to go on from, if there may be more.
	pub fn lots(
		model: Option<ModelId>,
		start: LotId,
		count: u32,
	) -> (Vec<LotInfo<T::AccountId>>, Option<LotId>) {
		let end = start.saturating_add(count.min(MAX_PAGE).into());
		let next = NextLotId::<T>::get();
		let is_wanted = |lot: &LotInfo<T::AccountId>| model.is_none_or(|model| lot.model == model);
		let lots = (start..end.min(next)).filter_map(Self::lot).filter(is_wanted).collect();
		(lots, (end < next).then_some(end))
	}

	/// Likewise those of a model that were opened, with their keys: text to train on.
	pub fn retired(model: ModelId, start: LotId, count: u32) -> (Vec<LotInfo<T::AccountId>>, Option<LotId>) {
		let (mut lots, next) = Self::lots(Some(model), start, count);
		lots.retain(|lot| matches!(lot.state, LotState::Retired { .. }));
		(lots, next)
	}

	fn describe(id: LotId, lot: LotOf<T>) -> LotInfo<T::AccountId> {
		let state: LotState<BlockNumber> = match lot.state {
			LotState::Reserved => LotState::Reserved,
			LotState::Drawn { round } => LotState::Drawn { round },
			LotState::Retired { round, key, at } => LotState::Retired { round, key, at: at.saturated_into() },
		};
		LotInfo {
			id,
			model: lot.model,
			sealer: lot.sealer,
			lot: lot.lot,
			held: lot.deposit.saturating_add(lot.bond),
			added_at: lot.added_at.saturated_into(),
			state,
		}
	}
}
