//! The rounds as canaries see them.

use crate::{types::*, Config, Pallet, Rounds};
use blyan_primitives::{
	learning::Purpose,
	traits::{CanaryRounds, SuspectRound},
	Balance,
};
use polkadot_sdk::{
	frame_support::traits::Defensive,
	frame_system::{self, pallet_prelude::BlockNumberFor},
};

impl<T: Config> CanaryRounds<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn sealed(id: RoundId) -> Option<SuspectRound<T::AccountId, BlockNumberFor<T>>> {
		let round = Rounds::<T>::get(id)?;
		let now = frame_system::Pallet::<T>::block_number();
		let is_open = matches!(round.phase, Phase::Contest { until } if now <= until);
		if !is_open || round.purpose != Purpose::Improvement {
			return None;
		}
		let Round { trainer, blocks, seal, submitted_at, canary, .. } = round;
		let (blocks, is_canary) = (blocks.into_inner(), canary.is_some());
		Some(SuspectRound { trainer, blocks, seal, submitted_at, is_canary })
	}

	fn mark_canary(id: RoundId, planter: T::AccountId, reward: Balance) {
		Rounds::<T>::mutate(id, |round| {
			if let Some(round) = round.as_mut().defensive() {
				round.canary = Some(Canary { planter, reward });
			}
		});
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_sealed_round(
		seal: &dyn Fn(&T::AccountId, &[blyan_primitives::dag::BlockId]) -> blyan_primitives::Hash,
	) -> RoundId {
		use blyan_primitives::learning::ShardLosses;
		let losses = [ShardLosses { baseline: 3_000_000_000, candidate: 3_100_000_000 }; 2];
		let (id, _) = crate::benchmarking::contestable_round::<T>(&losses);
		Rounds::<T>::mutate_extant(id, |round| round.seal = seal(&round.trainer, &round.blocks));
		id
	}
}
