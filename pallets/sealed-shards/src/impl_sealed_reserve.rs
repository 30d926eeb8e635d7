//! The reserve as rounds see it.

use crate::{types::*, Config, Event, Lots, Pallet, Parameters, Reserves, Terms};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::{
	draw,
	sealed::{LotId, LotState, SealedTerms},
	traits::{DrawnLots, SealedReserve, WantedLots},
	Hash,
};
use polkadot_sdk::{frame_support::traits::Defensive, frame_system::pallet_prelude::BlockNumberFor};

impl<T: Config> SealedReserve<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn draw(wanted: &WantedLots<T::AccountId, BlockNumberFor<T>>) -> DrawnLots {
		let Some(terms) = Terms::<T>::get(wanted.model) else { return DrawnLots::NoneWanted };
		// The owner may have changed the pool since.
		if !fits(&terms, wanted.pool, wanted.gate) {
			return DrawnLots::TooFew;
		}
		let mut reserve = Reserves::<T>::get(wanted.model);
		let Some(drawn) = Self::choose(&reserve, &terms, wanted) else { return DrawnLots::TooFew };
		reserve.retain(|entry| !drawn.contains(&entry.id));
		if reserve.is_empty() {
			Reserves::<T>::remove(wanted.model);
		} else {
			Reserves::<T>::insert(wanted.model, reserve);
		}
		for id in &drawn {
			let _ = Lots::<T>::try_mutate(id, |lot| {
				lot.as_mut().map(|lot| lot.state = LotState::Drawn { round: wanted.round }).ok_or(())
			})
			.defensive();
		}
		DrawnLots::Lots { lots: drawn, shards_per_lot: terms.shards_per_lot }
	}

	fn opening_blocks() -> u32 {
		Parameters::<T>::get().opening_blocks
	}

	fn void(id: LotId) {
		// A round voids what it has drawn, and only while it is open; until then the lot is kept.
		let Some(lot) = Lots::<T>::get(id).defensive() else { return };
		let (burned, returned) = Self::forfeit(id, &lot);
		Self::deposit_event(Event::LotVoided { lot: id, sealer: lot.sealer, burned, returned });
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_reserve(
		model: blyan_primitives::dag::ModelId,
		pool: &blyan_primitives::learning::ValidationPool,
		gate: &blyan_primitives::learning::Gate,
	) {
		crate::benchmarking::full_reserve::<T>(model, pool, gate);
	}
}

impl<T: Config> Pallet<T> {
	/// As many lots as the terms ask for, in the order drawn: by lot among those that fit, one of each sealer first, and
	/// of the rest only if there are too few sealers. `None` if there are too few.
	fn choose(
		reserve: &ReserveOf<T>,
		terms: &SealedTerms,
		wanted: &WantedLots<T::AccountId, BlockNumberFor<T>>,
	) -> Option<Vec<LotId>> {
		let mut fitting: Vec<_> = reserve
			.iter()
			.filter(|entry| entry.shards == terms.shards_per_lot)
			.filter(|entry| entry.shard_bytes == wanted.pool.shard_bytes)
			.filter(|entry| entry.added_at < wanted.before && !wanted.excluded.contains(&entry.sealer))
			.collect();
		let count = terms.lots as usize;
		if fitting.len() < count {
			return None;
		}
		shuffle(&mut fitting, wanted.seed);
		let mut sealers = BTreeSet::new();
		let (first, rest): (Vec<_>, Vec<_>) =
			fitting.into_iter().partition(|entry| sealers.insert(entry.sealer.clone()));
		Some(first.into_iter().chain(rest).take(count).map(|entry| entry.id).collect())
	}
}

/// A random order (Fisher and Yates).
fn shuffle<E>(entries: &mut [E], seed: Hash) {
	let mut lots = draw::Lots::new(seed, b"sealed-lots");
	for last in (1..entries.len()).rev() {
		let other = lots.below((last as u128).saturating_add(1)) as usize;
		entries.swap(last, other);
	}
}
