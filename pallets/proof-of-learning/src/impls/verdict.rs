//! The verdict: what the findings come to, and what follows from it for blocks, bond and people.

use crate::{
	impls::step::Step,
	tally::{self, Outcome},
	types::*,
	Config, Event, OpenRoundCount, OpenRoundsOf, Pallet, Parameters,
};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::BlockId,
	learning::{self, Gate, Medians, Purpose, RejectReason, Verdict},
	traits::{AcceptedWork, LearningRewards, ManifestAudits, ModelGraph, WorkerRegistry},
	worker::Fault,
};
use polkadot_sdk::{
	frame_support::{storage::with_storage_layer, traits::Defensive},
	frame_system,
	sp_runtime::traits::Saturating,
};

/// How many generations of ancestors share in the reward.
pub const LINEAGE_DEPTH: u32 = 4;

impl<T: Config> Pallet<T> {
	/// Ends the reveal phase of a round that is off the agenda.
	pub(crate) fn close_reveal(id: RoundId, round: &mut RoundOf<T>) -> Step {
		let Some(draw) = Self::draw_of(round) else { return Self::conclude_without_verdict(id, round) };
		if Self::head_moved(round, &draw) {
			// What was measured is no longer the question, and nobody is blamed for not answering it.
			return Self::restart(id, round, RestartReason::HeadMoved);
		}
		Self::note_no_shows(id, round);
		match tally::tally(&round.purpose, &draw.terms.gate, &round.committee) {
			// Whether a snapshot is, byte for byte, what it should be is no loss to contest; and without a
			// referee nothing is.
			Outcome::Measured { medians, .. }
				if round.purpose != Purpose::Compaction && !draw.terms.referee.is_zero() =>
			{
				Self::open_contest(id, round, medians)
			}
			outcome => Self::settle(id, round, &draw.terms.gate, outcome),
		}
	}

	/// Lets what a quorum measured be contested before anything follows from it.
	fn open_contest(id: RoundId, round: &mut RoundOf<T>, medians: Medians) -> Step {
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().contest_blocks.into());
		round.phase = Phase::Contest { until };
		Self::schedule(id, round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::ContestOpened { round: id, until, medians });
		Step::ContestOpened
	}

	/// Ends the contest phase of a round that is off the agenda, unless a dispute is not decided yet: then
	/// the last one to be decided puts the round on the agenda again.
	pub(crate) fn close_contest(id: RoundId, round: &mut RoundOf<T>) -> Step {
		if round.open_disputes > 0 {
			return Step::Held;
		}
		let Some(draw) = Self::draw_of(round) else { return Self::conclude_without_verdict(id, round) };
		if Self::head_moved(round, &draw) {
			return Self::restart(id, round, RestartReason::HeadMoved);
		}
		let outcome = tally::tally(&round.purpose, &draw.terms.gate, &round.committee);
		Self::settle(id, round, &draw.terms.gate, outcome)
	}

	/// What follows from the findings that stand.
	fn settle(id: RoundId, round: &mut RoundOf<T>, gate: &Gate, outcome: Outcome<T::AccountId>) -> Step {
		match outcome {
			Outcome::Measured { medians, gate: passed, agreeing, contradicted } => {
				Self::note_work(id, round, &agreeing, &contradicted);
				round.medians = Some(medians);
				match passed {
					Ok(()) => Self::accept(id, round, gate, agreeing),
					Err(reason) => Self::reject(id, round, reason, &agreeing),
				}
			}
			Outcome::Refused { reason, agreeing, contradicted } => {
				Self::note_work(id, round, &agreeing, &contradicted);
				match round.purpose {
					// It is not for whoever asks for a rollback to keep former heads fetchable.
					Purpose::Rollback => Self::reject(id, round, reason, &agreeing),
					_ => Self::forfeit(id, round, reason, &agreeing),
				}
			}
			Outcome::NoQuorum => Self::restart(id, round, RestartReason::NoQuorum),
			Outcome::NoAgreement => Self::restart(id, round, RestartReason::NoAgreement),
		}
	}

	/// The blocks become heads. What improved the model is rewarded; for the rest the trainer pays the
	/// measurement, and so does who had the model rolled back: the gain is one that was paid before.
	fn accept(id: RoundId, round: &mut RoundOf<T>, gate: &Gate, evaluators: Vec<T::AccountId>) -> Step {
		let blocks = round.blocks.len() as u32;
		// The blocks were taken at submission and fitted at the draw, and nothing but an acceptance in this
		// model changes that, which would have restarted the round. Should the graph refuse them all the
		// same, the round must still end.
		let migration = round.purpose.migration();
		let accepted = with_storage_layer(|| T::Graph::accept(round.model, id, &round.blocks, migration));
		if let Err(error) = accepted {
			Self::deposit_event(Event::AcceptanceFailed { round: id, error });
			Self::conclude_without_verdict(id, round);
			return Step::AcceptanceFailed { blocks };
		}
		let is_new = round.purpose != Purpose::Rollback;
		let improvement = round
			.medians
			.as_ref()
			.filter(|medians| is_new && learning::passes(gate, medians).is_ok())
			.map(|medians| medians.gain);
		let paid = match improvement {
			Some(gain) => {
				let ancestors = |block: &BlockId| T::Graph::lineage(*block, LINEAGE_DEPTH);
				T::Rewards::accrue_accepted(AcceptedWork {
					submission: id,
					gain,
					trainer: round.trainer.clone(),
					lineage: round.blocks.iter().map(ancestors).collect(),
					evaluators,
				});
				0
			}
			None => Self::pay_fee(id, round, &evaluators),
		};
		Self::return_bond(id, round, round.bond.saturating_sub(paid));
		Self::close(id, round, Verdict::Accepted);
		match round.purpose {
			Purpose::Improvement => Step::Accepted { blocks },
			Purpose::Compaction | Purpose::Rollback => Step::AcceptedForFee { blocks },
			Purpose::Migration(_) => Step::Migrated { blocks },
		}
	}

	/// Measured, and not good enough: the trainer pays for the measurement.
	fn reject(
		id: RoundId,
		round: &mut RoundOf<T>,
		reason: RejectReason,
		evaluators: &[T::AccountId],
	) -> Step {
		let _ = T::Graph::reject(&round.blocks).defensive();
		let paid = Self::pay_fee(id, round, evaluators);
		Self::return_bond(id, round, round.bond.saturating_sub(paid));
		Self::close(id, round, Verdict::Rejected(reason));
		Step::Rejected { blocks: round.blocks.len() as u32 }
	}

	/// Could not be measured through the trainer's fault: the bond is lost.
	fn forfeit(
		id: RoundId,
		round: &mut RoundOf<T>,
		reason: RejectReason,
		evaluators: &[T::AccountId],
	) -> Step {
		let _ = T::Graph::reject(&round.blocks).defensive();
		let paid = Self::pay_fee(id, round, evaluators);
		Self::burn_bond(id, round, round.bond.saturating_sub(paid));
		Self::close(id, round, Verdict::Rejected(reason));
		Step::Forfeited { blocks: round.blocks.len() as u32 }
	}

	/// Nobody can say how good the blocks are, and nobody is to blame: they may be submitted again.
	pub(crate) fn conclude_without_verdict(id: RoundId, round: &mut RoundOf<T>) -> Step {
		let _ = T::Graph::withdraw(&round.blocks).defensive();
		Self::return_bond(id, round, round.bond);
		Self::close(id, round, Verdict::Inconclusive);
		Step::Inconclusive { blocks: round.blocks.len() as u32 }
	}

	/// The one way in which a round ends.
	fn close(id: RoundId, round: &mut RoundOf<T>, verdict: Verdict) {
		Self::release_committee(round);
		round.phase = Phase::Closed { verdict, at: frame_system::Pallet::<T>::block_number() };
		OpenRoundCount::<T>::mutate(|count| *count = count.saturating_sub(1));
		OpenRoundsOf::<T>::mutate_exists(&round.trainer, |count| {
			*count = count.map(|n| n.saturating_sub(1)).filter(|n| *n > 0);
		});
		T::Manifests::closed(id, verdict == Verdict::Accepted);
		let medians = round.medians.clone();
		Self::deposit_event(Event::RoundClosed { round: id, verdict, medians });
	}

	fn note_work(id: RoundId, round: &RoundOf<T>, agreeing: &[T::AccountId], contradicted: &[T::AccountId]) {
		agreeing.iter().for_each(T::Workers::note_honest_work);
		let is_upheld =
			|who: &T::AccountId| round.committee.iter().any(|seat| seat.evaluator == *who && seat.upheld);
		for evaluator in contradicted.iter().filter(|who| !is_upheld(who)) {
			Self::note_fault(id, evaluator, Fault::OutsideTolerance);
		}
	}

	pub(crate) fn note_fault(id: RoundId, evaluator: &T::AccountId, fault: Fault) {
		let slashed = T::Workers::note_fault(evaluator, fault);
		Self::deposit_event(Event::EvaluatorFaulted {
			round: id,
			evaluator: evaluator.clone(),
			fault,
			slashed,
		});
	}
}
