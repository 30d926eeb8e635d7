//! Commitments and reveals, and the end of the commit phase.

use crate::{impls::step::Step, tally, types::*, Config, Error, Event, Pallet, Parameters, Rounds};
use blyan_primitives::{
	learning::{self, Finding},
	worker::Fault,
	Hash,
};
use polkadot_sdk::{
	frame_support::ensure,
	frame_system,
	sp_runtime::{traits::Saturating, DispatchError},
};

impl<T: Config> Pallet<T> {
	/// Takes a commitment; says how it went on if it was the last one.
	pub(crate) fn do_commit(
		who: T::AccountId,
		id: RoundId,
		commitment: Hash,
	) -> Result<Option<Step>, DispatchError> {
		let mut round = Rounds::<T>::get(id).ok_or(Error::<T>::RoundNotFound)?;
		// A deadline may be served late, but nothing is taken after it.
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(matches!(round.phase, Phase::Commit { until } if now <= until), Error::<T>::NotInCommitPhase);
		let is_copy =
			round.committee.iter().any(|seat| seat.evaluator != who && seat.commitment == Some(commitment));
		let seat = Self::seat_of(&mut round, &who)?;
		ensure!(seat.commitment.is_none(), Error::<T>::AlreadyCommitted);
		ensure!(!is_copy, Error::<T>::CommitmentCopied);

		seat.commitment = Some(commitment);
		Self::deposit_event(Event::FindingCommitted { round: id, evaluator: who, commitment });
		let step = round.all_committed().then(|| {
			Self::unschedule(id, &mut round);
			Self::close_commit(id, &mut round)
		});
		Rounds::<T>::insert(id, round);
		Ok(step)
	}

	/// Takes a reveal; says how it went on if it was the last one.
	pub(crate) fn do_reveal(
		who: T::AccountId,
		id: RoundId,
		finding: Finding,
		salt: [u8; 32],
	) -> Result<Option<Step>, DispatchError> {
		let mut round = Rounds::<T>::get(id).ok_or(Error::<T>::RoundNotFound)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(matches!(round.phase, Phase::Reveal { until } if now <= until), Error::<T>::NotInRevealPhase);
		let domains = round.draw.as_ref().map_or(0, Draw::domains);
		let is_of_round = match &finding {
			Finding::UnusableLot(lot) => round.draw.as_ref().is_some_and(|draw| draw.sealed.contains(*lot)),
			_ => true,
		};
		let expected = learning::commitment(&who, id, round.attempt, &round.blocks, &finding, &salt);
		let purpose = round.purpose;
		let seat = Self::seat_of(&mut round, &who)?;
		let commitment = seat.commitment.ok_or(Error::<T>::NotCommitted)?;
		ensure!(seat.finding.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(commitment == expected, Error::<T>::RevealMismatch);
		if let Finding::Measured(report) = &finding {
			ensure!(purpose.takes(report, domains), Error::<T>::ReportInvalid);
		}
		ensure!(is_of_round, Error::<T>::LotNotOfRound);

		seat.finding = Some(finding.clone());
		Self::deposit_event(Event::FindingRevealed { round: id, evaluator: who, finding });
		let step = round.all_revealed().then(|| {
			Self::unschedule(id, &mut round);
			Self::close_reveal(id, &mut round)
		});
		Rounds::<T>::insert(id, round);
		Ok(step)
	}

	/// Ends the commit phase of a round that is off the agenda.
	pub(crate) fn close_commit(id: RoundId, round: &mut RoundOf<T>) -> Step {
		let Some(draw) = Self::draw_of(round) else { return Self::conclude_without_verdict(id, round) };
		if Self::head_moved(round, &draw) {
			return Self::restart(id, round, RestartReason::HeadMoved);
		}
		if round.committed() < tally::quorum(round.committee.len() as u32) {
			if let Some(step) = Self::replace_absent(id, round) {
				return step;
			}
			// Reveals could not make a quorum any more. Who committed has had no chance to reveal.
			Self::note_no_shows(id, round);
			return Self::restart(id, round, RestartReason::NoQuorum);
		}
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().reveal_blocks.into());
		round.phase = Phase::Reveal { until };
		Self::schedule(id, round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::RevealOpened { round: id, until });
		Step::RevealOpened
	}

	/// Blames who did not do what it had the chance to do in the phase that ends.
	pub(crate) fn note_no_shows(id: RoundId, round: &RoundOf<T>) {
		let had_to_reveal = matches!(round.phase, Phase::Reveal { .. });
		for seat in &round.committee {
			match (&seat.commitment, &seat.finding) {
				(None, _) => Self::note_fault(id, &seat.evaluator, Fault::NoCommit),
				(Some(_), None) if had_to_reveal => Self::note_fault(id, &seat.evaluator, Fault::NoReveal),
				_ => {}
			}
		}
	}

	fn seat_of<'a>(round: &'a mut RoundOf<T>, who: &T::AccountId) -> Result<&'a mut SeatOf<T>, Error<T>> {
		round.committee.iter_mut().find(|seat| seat.evaluator == *who).ok_or(Error::<T>::NotOnCommittee)
	}
}
