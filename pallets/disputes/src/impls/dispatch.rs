//! What the calls do: fallible checks first, then writes.

use crate::{
	types::*, Config, Disputes, Error, Event, HoldReason, NextDisputeId, OpenDisputes, Pallet, Parameters,
};
use blyan_primitives::{
	draw::round_shards,
	learning::{self, AllLosses, RefereeFinding, Report},
	traits::{ContestableRounds, ContestedFinding},
	Hash,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Mutate, Get},
		BoundedVec,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{traits::Saturating, ArithmeticError, DispatchResult},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_contest(
		challenger: T::AccountId,
		round: RoundId,
		accused: T::AccountId,
		position: u32,
	) -> DispatchResult {
		ensure!(T::Rounds::takes_contests(round), Error::<T>::RoundNotContestable);
		let finding = T::Rounds::finding(round, &accused).ok_or(Error::<T>::NothingToContest)?;
		let ContestedFinding { pool, gate, sealed, .. } = finding;
		ensure!(challenger != accused, Error::<T>::OwnFinding);
		ensure!(
			position < gate.drawn_shards(&pool).saturating_add(sealed.shards()),
			Error::<T>::PositionOutOfRange
		);
		let open = OpenDisputes::<T>::get();
		let of_round = open.iter().filter(|entry| entry.round == round);
		ensure!(
			!of_round.clone().any(|entry| entry.accused == accused && entry.position == position),
			Error::<T>::AlreadyContested
		);
		ensure!(
			(of_round.count() as u32) < T::MaxDisputesPerRound::get(),
			Error::<T>::TooManyDisputesOfRound
		);
		ensure!((open.len() as u32) < T::MaxOpenDisputes::get(), Error::<T>::TooManyDisputes);
		let id = NextDisputeId::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;

		let parameters = Parameters::<T>::get();
		let bond = Self::bond(&accused);
		T::Currency::hold(&HoldReason::DisputeBond.into(), &challenger, bond)
			.map_err(|_| Error::<T>::BondNotAvailable)?;

		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(parameters.opening_blocks.into());
		let dispute = Dispute {
			round,
			accused: accused.clone(),
			challenger: challenger.clone(),
			bond,
			position,
			tolerance: gate.tolerance,
			opened: None,
			attempt: 0,
			attempt_since: now,
			draw_tries: 0,
			referees: BoundedVec::new(),
			stage: Stage::AwaitingOpening { until },
		};
		T::Rounds::hold(round);
		let due = until.saturating_add(1u32.into());
		Self::list(OpenDispute { due, id, round, accused: accused.clone(), position });
		Disputes::<T>::insert(id, dispute);
		NextDisputeId::<T>::put(next);
		Self::deposit_event(Event::FindingContested {
			dispute: id,
			round,
			accused,
			challenger,
			position,
			bond,
			open_until: until,
		});
		Ok(())
	}

	pub(crate) fn do_open(who: T::AccountId, id: DisputeId, losses: AllLosses) -> DispatchResult {
		let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
		ensure!(dispute.accused == who, Error::<T>::NotAccused);
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(
			matches!(dispute.stage, Stage::AwaitingOpening { until } if now <= until),
			Error::<T>::NotAwaitingOpening
		);
		let finding = T::Rounds::finding(dispute.round, &who).ok_or(Error::<T>::NothingToContest)?;
		let ContestedFinding { seed, pool, gate, sealed, report, .. } = finding;
		let drawn = gate.drawn_shards(&pool).saturating_add(sealed.shards());
		// Before anything that takes long: the weight goes by what was sent.
		ensure!(losses.len() as u32 == drawn, Error::<T>::LossesIncomplete);
		ensure!(losses.iter().all(|losses| losses.is_valid()), Error::<T>::LossOutOfRange);
		let shards = round_shards(seed, &pool, &gate, &sealed);
		let computed = Report::of_losses(&pool, &gate, &shards, &losses);
		ensure!(computed.losses_root == report.losses_root, Error::<T>::OpeningMismatch);
		ensure!(
			!learning::is_outside_tolerance(&gate, &learning::medians(&[&computed]), &report),
			Error::<T>::ReportNotOfLosses
		);
		let place = dispute.position as usize;
		let (shard, losses) = shards.get(place).zip(losses.get(place)).ok_or(Error::<T>::LossesIncomplete)?;
		let opened = Opening { shard: *shard, losses: *losses };

		dispute.opened = Some(opened);
		Self::await_referees(id, &mut dispute);
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::LossesOpened { dispute: id, opened });
		Ok(())
	}

	pub(crate) fn do_commit(who: T::AccountId, id: DisputeId, commitment: Hash) -> DispatchResult {
		let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
		// A deadline may be served late, but nothing is taken after it.
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(
			matches!(dispute.stage, Stage::Commit { until } if now <= until),
			Error::<T>::NotInCommitPhase
		);
		let is_copy =
			dispute.referees.iter().any(|seat| seat.referee != who && seat.commitment == Some(commitment));
		let seat = Self::seat_of(&mut dispute, &who)?;
		ensure!(seat.commitment.is_none(), Error::<T>::AlreadyCommitted);
		ensure!(!is_copy, Error::<T>::CommitmentCopied);

		seat.commitment = Some(commitment);
		if dispute.all_committed() {
			Self::end_at(id, now);
			dispute.stage = Stage::Commit { until: now };
		}
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::RefereeCommitted { dispute: id, referee: who, commitment });
		Ok(())
	}

	pub(crate) fn do_reveal(
		who: T::AccountId,
		id: DisputeId,
		finding: RefereeFinding,
		salt: [u8; 32],
	) -> DispatchResult {
		let mut dispute = Disputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(
			matches!(dispute.stage, Stage::Reveal { until } if now <= until),
			Error::<T>::NotInRevealPhase
		);
		let expected = learning::referee_commitment(&who, id, dispute.attempt, &finding, &salt);
		let seat = Self::seat_of(&mut dispute, &who)?;
		let commitment = seat.commitment.ok_or(Error::<T>::NotCommitted)?;
		ensure!(seat.finding.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(commitment == expected, Error::<T>::RevealMismatch);

		seat.finding = Some(finding);
		if dispute.all_revealed() {
			Self::end_at(id, now);
			dispute.stage = Stage::Reveal { until: now };
		}
		Disputes::<T>::insert(id, dispute);
		Self::deposit_event(Event::RefereeRevealed { dispute: id, referee: who, finding });
		Ok(())
	}

	/// Ends a phase early, for everybody has done their part.
	fn end_at(id: DisputeId, now: BlockNumberFor<T>) {
		Self::reschedule(id, now.saturating_add(1u32.into()));
	}

	fn seat_of<'a>(
		dispute: &'a mut DisputeOf<T>,
		who: &T::AccountId,
	) -> Result<&'a mut Seat<T::AccountId>, Error<T>> {
		dispute.referees.iter_mut().find(|seat| seat.referee == *who).ok_or(Error::<T>::NotReferee)
	}
}
