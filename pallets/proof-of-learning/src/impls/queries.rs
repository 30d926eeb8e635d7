//! What people and workers may ask. Serves [`blyan_primitives::api::ProofOfLearningApi`].

use crate::{types::*, Config, FirstRoundId, NextRoundId, Pallet, Pools, Rounds};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{RoundInfo, RoundPhase, MAX_PAGE},
	dag::ModelId,
	learning::{Finding, Gate, ValidationPool},
	sealed::LotId,
	Hash,
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// One round, while it is kept.
	pub fn round(id: RoundId) -> Option<RoundInfo<T::AccountId>> {
		Rounds::<T>::get(id).map(|round| Self::describe(id, round))
	}

	/// The rounds that are kept from `start` on, in rising order, `count` and [`MAX_PAGE`] at most.
	pub fn rounds(start: RoundId, count: u32) -> Vec<RoundInfo<T::AccountId>> {
		let start = start.max(FirstRoundId::<T>::get());
		let end = start.saturating_add(count.min(MAX_PAGE).into()).min(NextRoundId::<T>::get());
		(start..end).filter_map(Self::round).collect()
	}

	/// What the committee of a round revealed, in the order of its seats; what was struck is left out.
	pub fn findings(id: RoundId) -> Vec<(T::AccountId, Finding)> {
		let committee = Rounds::<T>::get(id).map(|round| round.committee).unwrap_or_default();
		let standing = |seat: &SeatOf<T>| Some((seat.evaluator.clone(), seat.standing()?.clone()));
		committee.iter().filter_map(standing).collect()
	}

	/// What a model's candidates are measured on, once training is open.
	pub fn pool(model: ModelId) -> Option<ValidationPool> {
		Pools::<T>::get(model).map(|terms| terms.pool)
	}

	/// What is asked of a model's candidates, once training is open.
	pub fn gate(model: ModelId) -> Option<Gate> {
		Pools::<T>::get(model).map(|terms| terms.gate)
	}

	/// BLAKE2-256 of the reference evaluator of a model, once training is open; zero if there is none.
	pub fn referee(model: ModelId) -> Option<Hash> {
		Pools::<T>::get(model).map(|terms| terms.referee)
	}

	/// The sealed lots of a round's running attempt, in the order drawn; once it takes commitments, those that were
	/// opened.
	pub fn sealed_lots(id: RoundId) -> Vec<LotId> {
		let draw = Rounds::<T>::get(id).and_then(|round| round.draw);
		draw.map(|draw| draw.sealed.lots.iter().map(|lot| lot.id).collect()).unwrap_or_default()
	}

	fn describe(id: RoundId, round: RoundOf<T>) -> RoundInfo<T::AccountId> {
		let phase = match round.phase {
			Phase::AwaitingDraw => RoundPhase::AwaitingDraw,
			Phase::Opening { until } => RoundPhase::Opening { until: until.saturated_into() },
			Phase::Commit { until } => RoundPhase::Commit { until: until.saturated_into() },
			Phase::Reveal { until } => RoundPhase::Reveal { until: until.saturated_into() },
			Phase::Contest { until } => RoundPhase::Contest { until: until.saturated_into() },
			Phase::Closed { verdict, .. } => RoundPhase::Closed(verdict),
			Phase::Waiting => RoundPhase::Waiting,
			Phase::AwaitingReplacement { .. } => RoundPhase::AwaitingReplacement,
		};
		let members = |did: fn(&SeatOf<T>) -> bool| {
			round.committee.iter().filter(|seat| did(seat)).map(|seat| seat.evaluator.clone()).collect()
		};
		RoundInfo {
			id,
			model: round.model,
			trainer: round.trainer,
			purpose: round.purpose,
			blocks: round.blocks.into_inner(),
			components: round.components.into_inner(),
			bond: round.bond,
			submitted_at: round.submitted_at.saturated_into(),
			attempt: round.attempt,
			baseline: round.draw.as_ref().map(|draw| draw.generation),
			seed: round.draw.as_ref().map(|draw| draw.seed),
			pool: round.draw.as_ref().map(|draw| draw.terms.pool.clone()),
			gate: round.draw.as_ref().map(|draw| draw.terms.gate),
			referee: round.draw.as_ref().map(|draw| draw.terms.referee),
			committee: members(|_| true),
			committed: members(|seat| seat.commitment.is_some()),
			revealed: members(|seat| seat.finding.is_some()),
			struck: members(|seat| seat.struck),
			open_disputes: round.open_disputes,
			phase,
			medians: round.medians,
		}
	}
}
