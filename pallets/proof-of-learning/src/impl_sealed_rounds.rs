//! Models and rounds as the reserve of sealed lots sees them.

use crate::{types::*, Config, OpenRoundsOf, Pallet, Pools, Rounds};
use blyan_primitives::{
	dag::ModelId,
	learning::{Gate, ValidationPool},
	sealed::LotId,
	traits::{ModelGraph, SealedRounds},
};
use polkadot_sdk::{frame_support::traits::Defensive, frame_system, sp_runtime::traits::Saturating};

impl<T: Config> SealedRounds<T::AccountId> for Pallet<T> {
	fn is_owner(model: ModelId, who: &T::AccountId) -> bool {
		T::Graph::is_owner(model, who)
	}

	fn terms(model: ModelId) -> Option<(ValidationPool, Gate)> {
		Pools::<T>::get(model).map(|terms| (terms.pool, terms.gate))
	}

	fn has_open_round(who: &T::AccountId) -> bool {
		OpenRoundsOf::<T>::contains_key(who)
	}

	fn is_open(id: RoundId) -> bool {
		Rounds::<T>::get(id).is_some_and(|round| round.is_open())
	}

	fn takes_opening(id: RoundId, lot: LotId) -> bool {
		// A deadline may be served late, but nothing is taken after it.
		let now = frame_system::Pallet::<T>::block_number();
		let phase = Rounds::<T>::get(id).map(|round| round.phase);
		matches!(phase, Some(Phase::Opening { until }) if now <= until) && Self::awaits(id, lot)
	}

	fn note_opened(id: RoundId, lot: LotId) {
		let Some(mut round) = Rounds::<T>::get(id).defensive() else { return };
		let Some(draw) = round.draw.as_mut().defensive() else { return };
		if let Some(drawn) = draw.sealed.lots.iter_mut().find(|drawn| drawn.id == lot) {
			drawn.is_opened = true;
		}
		if draw.sealed.all_opened() {
			let draw = draw.clone();
			Self::unschedule(id, &mut round);
			if Self::head_moved(&round, &draw) {
				// To begin anew may take more than whoever opens a lot has paid for.
				let next = frame_system::Pallet::<T>::block_number().saturating_add(1u32.into());
				Self::schedule(id, &mut round, next);
			} else {
				Self::open_commit(id, &mut round, &draw);
			}
		}
		Rounds::<T>::insert(id, round);
	}

	fn awaits(id: RoundId, lot: LotId) -> bool {
		Rounds::<T>::get(id).filter(|round| matches!(round.phase, Phase::Opening { .. })).is_some_and(
			|round| {
				round
					.draw
					.iter()
					.any(|draw| draw.sealed.lots.contains(&DrawnLot { id: lot, is_opened: false }))
			},
		)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model() -> (ModelId, T::AccountId) {
		crate::benchmarking::open_model::<T>()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_opening(lot: LotId) -> RoundId {
		crate::benchmarking::awaiting_opening::<T>(lot)
	}
}
