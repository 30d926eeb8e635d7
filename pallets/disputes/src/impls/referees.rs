//! Referees: drawing them, and what they come to.

use crate::{impls::step::Step, types::*, Config, Disputes, Event, Pallet, Parameters};
use alloc::vec::Vec;
use blyan_primitives::{
	learning::RefereeFinding,
	traits::{ContestedFinding, WorkerRegistry},
	worker::{Fault, Role},
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{traits::Randomness, BoundedVec},
	frame_system,
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

impl<T: Config> Pallet<T> {
	/// Has referees drawn after the delay, from randomness younger than this block.
	pub(crate) fn await_referees(id: DisputeId, dispute: &mut DisputeOf<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		dispute.stage = Stage::AwaitingReferees;
		dispute.attempt_since = now;
		dispute.draw_tries = 0;
		Self::reschedule(id, now.saturating_add(Parameters::<T>::get().draw_delay.into()));
	}

	/// Draws referees from randomness that did not exist when the attempt began, or tries again later.
	pub(crate) fn try_draw(
		id: DisputeId,
		dispute: DisputeOf<T>,
		finding: &ContestedFinding<T::AccountId>,
	) -> Step {
		let subject = (b"blyan/dispute", id, dispute.attempt).encode();
		match T::Randomness::random(&subject) {
			(Some(randomness), known_since) if known_since > dispute.attempt_since => {
				Self::draw_referees(id, dispute, finding, randomness)
			}
			_ => Self::postpone_draw(id, dispute, PostponeReason::NoRandomness),
		}
	}

	/// Draws referees from that randomness: none who measured the round, none of the parties, and none of the
	/// associates of either.
	pub(crate) fn draw_referees(
		id: DisputeId,
		mut dispute: DisputeOf<T>,
		finding: &ContestedFinding<T::AccountId>,
		randomness: Hash,
	) -> Step {
		let parameters = Parameters::<T>::get();
		let mut excluded = finding.committee.clone();
		excluded.extend([finding.trainer.clone(), dispute.challenger.clone(), dispute.accused.clone()]);
		let seed = BlakeTwo256::hash_of(&(b"blyan/dispute-seed", randomness, id, dispute.attempt));
		let drawn = T::Workers::draw(Role::Evaluator, parameters.referees, seed, &excluded);
		let referees = match RefereesOf::<T>::try_from(drawn) {
			Ok(referees) if referees.len() as u32 == parameters.referees => referees,
			Ok(few) => {
				few.iter().for_each(T::Workers::release);
				return Self::postpone_draw(id, dispute, PostponeReason::TooFewReferees);
			}
			// `validate` bounds the number that is asked for.
			Err(many) => {
				many.iter().for_each(T::Workers::release);
				return Self::postpone_draw(id, dispute, PostponeReason::TooFewReferees);
			}
		};
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(parameters.commit_blocks.into());
		dispute.referees = BoundedVec::truncate_from(referees.iter().cloned().map(Seat::new).collect());
		dispute.stage = Stage::Commit { until };
		let attempt = dispute.attempt;
		Self::reschedule(id, until.saturating_add(1u32.into()));
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::RefereesDrawn { dispute: id, attempt, referees, commit_until: until });
		Step::Drawn
	}

	/// Tries again later, and at last no more.
	fn postpone_draw(id: DisputeId, mut dispute: DisputeOf<T>, reason: PostponeReason) -> Step {
		let parameters = Parameters::<T>::get();
		dispute.draw_tries = dispute.draw_tries.saturating_add(1);
		if dispute.draw_tries >= parameters.max_draw_tries {
			Self::end_undecided(id, dispute, UndecidedReason::NoReferees);
			return Step::DrawAbandoned;
		}
		let now = frame_system::Pallet::<T>::block_number();
		let retry_at = now.saturating_add(parameters.draw_delay.into());
		Self::reschedule(id, retry_at);
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::DrawPostponed { dispute: id, reason, retry_at });
		Step::Drawn
	}

	/// Ends the commit phase.
	pub(crate) fn close_commit(id: DisputeId, mut dispute: DisputeOf<T>) -> Step {
		if !dispute.is_majority(dispute.committed()) {
			// Reveals could not make a majority any more.
			return Self::restart(id, dispute);
		}
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().reveal_blocks.into());
		dispute.stage = Stage::Reveal { until };
		Self::reschedule(id, until.saturating_add(1u32.into()));
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::RevealOpened { dispute: id, until });
		Step::RevealOpened
	}

	/// Ends the reveal phase: what a strict majority of the referees computed decides.
	pub(crate) fn close_reveal(id: DisputeId, mut dispute: DisputeOf<T>) -> Step {
		let Some((exact, opened)) = dispute.majority().zip(dispute.opened) else {
			return Self::restart(id, dispute);
		};
		Self::note_no_shows(id, &dispute);
		let mut agreeing = Vec::new();
		for seat in &dispute.referees {
			match seat.finding {
				Some(RefereeFinding::Exact(losses)) if losses == exact => {
					T::Workers::note_honest_work(&seat.referee);
					agreeing.push(seat.referee.clone());
				}
				Some(RefereeFinding::Exact(_)) => {
					Self::note_fault(id, &seat.referee, Fault::OutsideTolerance)
				}
				Some(RefereeFinding::Unable) | None => {}
			}
		}
		Self::release_referees(&mut dispute);
		if opened.losses.is_within(dispute.tolerance, &exact) {
			Self::end_upheld(id, dispute, exact, &agreeing);
		} else {
			Self::end_struck(id, dispute, Some((exact, agreeing)));
		}
		Step::Concluded
	}

	/// Begins anew with other referees, or ends undecided. Who is in the minority is not blamed, for there is
	/// no majority.
	pub(crate) fn restart(id: DisputeId, mut dispute: DisputeOf<T>) -> Step {
		Self::note_no_shows(id, &dispute);
		dispute.attempt = dispute.attempt.saturating_add(1);
		if dispute.attempt >= Parameters::<T>::get().max_attempts {
			Self::end_undecided(id, dispute, UndecidedReason::NoMajority);
			return Step::Restarted;
		}
		Self::release_referees(&mut dispute);
		Self::await_referees(id, &mut dispute);
		let attempt = dispute.attempt;
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::DisputeRestarted { dispute: id, attempt });
		Step::Restarted
	}

	/// Blames who did not do what it had the chance to do in the phase that ends.
	fn note_no_shows(id: DisputeId, dispute: &DisputeOf<T>) {
		let had_to_reveal = matches!(dispute.stage, Stage::Reveal { .. });
		for seat in &dispute.referees {
			match (&seat.commitment, &seat.finding) {
				(None, _) => Self::note_fault(id, &seat.referee, Fault::NoCommit),
				(Some(_), None) if had_to_reveal => Self::note_fault(id, &seat.referee, Fault::NoReveal),
				_ => {}
			}
		}
	}

	fn note_fault(id: DisputeId, referee: &T::AccountId, fault: Fault) {
		let slashed = T::Workers::note_fault(referee, fault);
		Self::deposit_event(Event::RefereeFaulted { dispute: id, referee: referee.clone(), fault, slashed });
	}

	/// Ends the engagement of the referees, and forgets them.
	pub(crate) fn release_referees(dispute: &mut DisputeOf<T>) {
		dispute.referees.iter().for_each(|seat| T::Workers::release(&seat.referee));
		dispute.referees = BoundedVec::new();
	}
}
