//! Drawing the committee, and beginning anew with another one.

use crate::{impls::step::Step, types::*, Config, Event, Pallet, Parameters, Pools};
use blyan_primitives::{
	learning::Purpose,
	traits::{DrawnLots, ModelGraph, SealedReserve, WantedLots, WorkerRegistry},
	worker::Role,
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{Defensive, Randomness},
		BoundedVec,
	},
	frame_system,
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

impl<T: Config> Pallet<T> {
	/// Draws the committee from randomness that did not exist when the attempt began, or tries again later.
	pub(crate) fn try_draw(id: RoundId, round: &mut RoundOf<T>) -> Step {
		let subject = (b"blyan/round", id, round.attempt).encode();
		match T::Randomness::random(&subject) {
			(Some(randomness), known_since) if known_since > round.attempt_since => {
				Self::draw_committee(id, round, randomness)
			}
			_ => Self::postpone_draw(id, round, PostponeReason::NoRandomness),
		}
	}

	/// Draws the committee from that randomness.
	pub(crate) fn draw_committee(id: RoundId, round: &mut RoundOf<T>, randomness: Hash) -> Step {
		// A submission is taken only for a model that has both, and neither is ever taken away.
		let known = T::Graph::model(round.model).zip(Pools::<T>::get(round.model)).defensive();
		let Some((model, terms)) = known else { return Self::conclude_without_verdict(id, round) };
		if !T::Graph::fits(round.model, &round.blocks, round.purpose.migration()) {
			// The model was changed under the blocks: nothing is wrong with them, and nothing to measure.
			Self::conclude_without_verdict(id, round);
			return Step::Outdated { blocks: round.blocks.len() as u32 };
		}
		let parameters = Parameters::<T>::get();
		let seed = BlakeTwo256::hash_of(&(b"blyan/round-seed", randomness, id, round.attempt));
		let drawn = T::Workers::draw(
			Role::Evaluator,
			parameters.committee_size,
			seed,
			core::slice::from_ref(&round.trainer),
		);
		let committee = match CommitteeOf::<T>::try_from(drawn) {
			Ok(committee) if committee.len() as u32 >= parameters.min_committee => committee,
			Ok(few) => {
				few.iter().for_each(T::Workers::release);
				return Self::postpone_draw(id, round, PostponeReason::TooFewEvaluators);
			}
			Err(many) => {
				many.iter().for_each(T::Workers::release);
				defensive!("more evaluators drawn than were asked for");
				return Self::conclude_without_verdict(id, round);
			}
		};

		let sealed = match Self::draw_lots(id, round, &terms, seed) {
			DrawnLots::NoneWanted => SealedDraw::default(),
			DrawnLots::TooFew => {
				committee.iter().for_each(T::Workers::release);
				Self::postpone_draw(id, round, PostponeReason::TooFewLots);
				return Step::LotsWanting { blocks: round.blocks.len() as u32 };
			}
			DrawnLots::Lots { lots, shards_per_lot } => SealedDraw {
				lots: BoundedVec::truncate_from(
					lots.into_iter().map(|id| DrawnLot { id, is_opened: false }).collect(),
				),
				shards_per_lot,
			},
		};

		let seats = committee.iter().cloned().map(Seat::new).collect();
		round.committee = BoundedVec::truncate_from(seats);
		let (generation, root) = (model.generation, model.root);
		let draw = Draw { generation, root, seed, terms, sealed };
		round.draw = Some(draw.clone());
		if draw.sealed.lots.is_empty() {
			Self::open_commit(id, round, &draw);
			return Step::Drawn;
		}
		Self::open_lots(id, round, &draw.sealed);
		Step::LotsDrawn
	}

	/// Draws the sealed lots that the model's owner asks for. Whether a snapshot is what it should be is no question of
	/// text.
	pub(crate) fn draw_lots(id: RoundId, round: &RoundOf<T>, terms: &TrainingTerms, seed: Hash) -> DrawnLots {
		if round.purpose == Purpose::Compaction {
			return DrawnLots::NoneWanted;
		}
		T::Sealed::draw(&WantedLots {
			model: round.model,
			round: id,
			pool: &terms.pool,
			gate: &terms.gate,
			seed,
			excluded: core::slice::from_ref(&round.trainer),
			before: round.submitted_at,
		})
	}

	/// Has the committee that was drawn measure and commit.
	pub(crate) fn open_commit(id: RoundId, round: &mut RoundOf<T>, draw: &Draw) {
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().commit_blocks.into());
		round.phase = Phase::Commit { until };
		Self::schedule(id, round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::RoundDrawn {
			round: id,
			attempt: round.attempt,
			committee: Self::members(round),
			baseline: draw.generation,
			root: draw.root,
			seed: draw.seed,
			commit_until: until,
		});
	}

	/// Who was drawn.
	pub(crate) fn members(round: &RoundOf<T>) -> CommitteeOf<T> {
		BoundedVec::truncate_from(round.committee.iter().map(|seat| seat.evaluator.clone()).collect())
	}

	/// Tries again later, and at last no more.
	pub(crate) fn postpone_draw(id: RoundId, round: &mut RoundOf<T>, reason: PostponeReason) -> Step {
		round.draw_tries = round.draw_tries.saturating_add(1);
		if round.draw_tries >= Parameters::<T>::get().max_draw_tries {
			Self::conclude_without_verdict(id, round);
			return Step::DrawAbandoned { blocks: round.blocks.len() as u32 };
		}
		let now = frame_system::Pallet::<T>::block_number();
		let retry_at = now.saturating_add(draw_backoff(round.draw_tries).into());
		Self::schedule(id, round, retry_at);
		Self::deposit_event(Event::DrawPostponed { round: id, reason, retry_at });
		Step::Postponed
	}

	/// Ends the attempt and begins the next one with a new draw; the last one ends inconclusively.
	pub(crate) fn restart(id: RoundId, round: &mut RoundOf<T>, reason: RestartReason) -> Step {
		let attempt = round.attempt.saturating_add(1);
		let parameters = Parameters::<T>::get();
		if attempt >= parameters.max_attempts {
			return Self::conclude_without_verdict(id, round);
		}
		Self::release_committee(round);
		let now = frame_system::Pallet::<T>::block_number();
		round.committee = BoundedVec::new();
		round.draw = None;
		round.phase = Phase::AwaitingDraw;
		round.attempt = attempt;
		round.attempt_since = now;
		round.draw_tries = 0;
		Self::schedule(id, round, now.saturating_add(parameters.draw_delay.into()));
		Self::deposit_event(Event::RoundRestarted { round: id, attempt, reason });
		Step::Restarted
	}

	/// Ends the engagement of a running attempt's committee. Whoever calls this moves the round to a phase
	/// whose committee is not engaged.
	pub(crate) fn release_committee(round: &RoundOf<T>) {
		if round.is_engaged() {
			round.committee.iter().for_each(|seat| T::Workers::release(&seat.evaluator));
		}
	}

	/// Whether another submission became head since the draw.
	pub(crate) fn head_moved(round: &RoundOf<T>, draw: &Draw) -> bool {
		T::Graph::model(round.model).map(|model| model.generation) != Some(draw.generation)
	}

	/// What the running attempt is measured by.
	pub(crate) fn draw_of(round: &RoundOf<T>) -> Option<Draw> {
		round.draw.clone().defensive()
	}
}
