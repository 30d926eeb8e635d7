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
	traits::{
		AcceptedWork, AuditRewards, AuditedWork, CreditReason, LearningCredits, LearningRewards,
		ManifestAudits, ModelGraph, SealedReserve, WorkerRegistry,
	},
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
		let outcome = tally::tally(&round.purpose, &draw.terms.gate, &round.committee);
		if let Some(canary) = round.canary.clone() {
			// Everybody knows what it is: there is nothing to begin anew. What was measured was measured of the
			// same heads by all, whether they moved since or not.
			return Self::settle_canary(id, round, &draw.terms.gate, outcome, &canary);
		}
		if Self::head_moved(round, &draw) {
			return Self::restart(id, round, RestartReason::HeadMoved);
		}
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
			Outcome::UnusableLot { lot } => {
				// Who found otherwise may have had what others could not fetch: nobody but the sealer is blamed.
				T::Sealed::void(lot);
				Self::restart(id, round, RestartReason::UnusableLot);
				Step::LotsVoided { lots: 1, blocks: round.blocks.len() as u32 }
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
				T::Workers::note_accepted(&round.trainer);
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
		// Of what is accepted as one, however many blocks it is divided into.
		match round.purpose {
			Purpose::Improvement => T::Credits::grant(&round.trainer, CreditReason::AcceptedBlock),
			Purpose::Migration(_) => T::Credits::grant(&round.trainer, CreditReason::ExecutedMigration),
			Purpose::Compaction | Purpose::Rollback => {}
		}
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

	/// A canary: never a head, and never rewarded as one. The label alone proves nothing, for the planter may have
	/// lied: only where the medians find it worse than the heads is it at fault of more to have accepted it, and
	/// only then, or where a dispute was lost by who accepted it, is the planter paid.
	fn settle_canary(
		id: RoundId,
		round: &mut RoundOf<T>,
		gate: &Gate,
		outcome: Outcome<T::AccountId>,
		canary: &Canary<T::AccountId>,
	) -> Step {
		let mut is_worse = false;
		let mut agreed = Vec::new();
		if let Outcome::Measured { medians, agreeing, contradicted, .. } = outcome {
			is_worse = medians.gain < gate.tolerance.saturating_neg();
			Self::note_work_as(id, round, &agreeing, &contradicted, |seat| {
				if is_worse && round.accepts(gate, seat) {
					Fault::CanaryAccepted
				} else {
					Fault::OutsideTolerance
				}
			});
			round.medians = Some(medians);
			agreed = agreeing;
		}
		let is_shown =
			is_worse || round.committee.iter().any(|seat| seat.struck && round.accepts(gate, seat));
		let _ = T::Graph::reject(&round.blocks).defensive();
		let paid = Self::pay_fee(id, round, &agreed);
		Self::return_bond(id, round, round.bond.saturating_sub(paid));
		if is_shown {
			let amount = canary.reward.saturating_add(paid);
			T::Rewards::accrue_audit(&canary.planter, amount, AuditedWork::Submission(id));
		}
		Self::close(id, round, Verdict::Rejected(RejectReason::Canary));
		Step::Canary { blocks: round.blocks.len() as u32 }
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
		if matches!(verdict, Verdict::Rejected(_)) {
			Self::note_setback(&round.trainer);
		}
		round.phase = Phase::Closed { verdict, at: frame_system::Pallet::<T>::block_number() };
		OpenRoundCount::<T>::mutate(|count| *count = count.saturating_sub(1));
		OpenRoundsOf::<T>::mutate_exists(&round.trainer, |count| {
			*count = count.map(|n| n.saturating_sub(1)).filter(|n| *n > 0);
		});
		T::Manifests::closed(id, verdict);
		let medians = round.medians.clone();
		Self::deposit_event(Event::RoundClosed { round: id, verdict, medians });
		Self::leave_line(id, &round.trainer);
	}

	fn note_work(id: RoundId, round: &RoundOf<T>, agreeing: &[T::AccountId], contradicted: &[T::AccountId]) {
		Self::note_work_as(id, round, agreeing, contradicted, |_| Fault::OutsideTolerance);
	}

	/// The same, where it depends what somebody contradicted is at fault of.
	fn note_work_as(
		id: RoundId,
		round: &RoundOf<T>,
		agreeing: &[T::AccountId],
		contradicted: &[T::AccountId],
		fault_of: impl Fn(&SeatOf<T>) -> Fault,
	) {
		for evaluator in agreeing {
			T::Workers::note_honest_work(evaluator);
			T::Credits::grant(evaluator, CreditReason::HonestEvaluation);
		}
		let is_blamed = |seat: &&SeatOf<T>| !seat.upheld && contradicted.contains(&seat.evaluator);
		for seat in round.committee.iter().filter(is_blamed) {
			Self::note_fault(id, &seat.evaluator, fault_of(seat));
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
