//! The rounds as disputes see them.

use crate::{types::*, Config, Event, Pallet, Rounds};
use blyan_primitives::{
	learning::Finding,
	traits::{ContestableRounds, ContestedFinding, DisputeOutcome},
	worker::Fault,
};
use polkadot_sdk::{
	frame_support::{defensive, traits::Defensive},
	frame_system,
	sp_runtime::traits::Saturating,
};

impl<T: Config> ContestableRounds<T::AccountId> for Pallet<T> {
	fn takes_contests(id: RoundId) -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		let phase = Rounds::<T>::get(id).map(|round| round.phase);
		matches!(phase, Some(Phase::Contest { until }) if now <= until)
	}

	fn finding(id: RoundId, evaluator: &T::AccountId) -> Option<ContestedFinding<T::AccountId>> {
		let round = Rounds::<T>::get(id)?;
		if !matches!(round.phase, Phase::Contest { .. }) {
			return None;
		}
		let seat = round.committee.iter().find(|seat| seat.evaluator == *evaluator)?;
		let Some(Finding::Measured(report)) = seat.standing() else { return None };
		let report = report.clone();
		let Draw { seed, terms: TrainingTerms { pool, gate, .. }, sealed, .. } = round.draw?;
		let sealed = sealed.shards();
		let committee = round.committee.into_iter().map(|seat| seat.evaluator).collect();
		Some(ContestedFinding { trainer: round.trainer, committee, seed, pool, gate, sealed, report })
	}

	fn hold(id: RoundId) {
		Rounds::<T>::mutate_extant(id, |round| round.open_disputes = round.open_disputes.saturating_add(1));
	}

	fn conclude(id: RoundId, outcome: DisputeOutcome<T::AccountId>) {
		let Some(mut round) = Rounds::<T>::get(id).defensive() else { return };
		let Some(open_disputes) = round.open_disputes.checked_sub(1) else {
			defensive!("a round was told more outcomes than it waited for");
			return;
		};
		round.open_disputes = open_disputes;
		let (struck, upheld) = match outcome {
			DisputeOutcome::Struck { accused, challenger } => (Some(accused), Some(challenger)),
			DisputeOutcome::Upheld { accused } => (None, Some(accused)),
			DisputeOutcome::Undecided => (None, None),
		};
		for seat in &mut round.committee {
			seat.struck |= Some(&seat.evaluator) == struck.as_ref();
			// A challenger need not be a member.
			seat.upheld |= Some(&seat.evaluator) == upheld.as_ref();
		}
		if open_disputes == 0 && round.due.is_none() {
			let now = frame_system::Pallet::<T>::block_number();
			Self::schedule(id, &mut round, now.saturating_add(1u32.into()));
		}
		Rounds::<T>::insert(id, round);
		if let Some(evaluator) = struck {
			Self::deposit_event(Event::FindingStruck { round: id, evaluator });
		}
	}

	fn fault_if_struck(id: RoundId, evaluator: &T::AccountId) -> Fault {
		let Some(round) = Rounds::<T>::get(id) else { return Fault::DisputeLost };
		let Some(gate) = round.draw.as_ref().map(|draw| draw.terms.gate) else { return Fault::DisputeLost };
		let seat = round.committee.iter().find(|seat| seat.evaluator == *evaluator);
		match seat {
			Some(seat) if round.canary.is_some() && round.accepts(&gate, seat) => Fault::CanaryAccepted,
			_ => Fault::DisputeLost,
		}
	}

	fn holds(id: RoundId) -> u32 {
		Rounds::<T>::get(id).map(|round| round.open_disputes).unwrap_or_default()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_round(losses: &[blyan_primitives::learning::ShardLosses]) -> (RoundId, T::AccountId) {
		crate::benchmarking::contestable_round::<T>(losses)
	}
}
