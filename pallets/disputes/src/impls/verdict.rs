//! How a dispute ends, and what becomes of bonds. Nothing else touches what is held.

use crate::{types::*, Config, Disputes, Event, HoldReason, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	learning::ShardLosses,
	traits::{ContestableRounds, CreditReason, DisputeOutcome, LearningCredits, WorkerRegistry},
	Balance,
};
use polkadot_sdk::{
	frame_support::traits::{
		fungible::hold::Mutate,
		tokens::{Fortitude, Precision, Restriction},
		Defensive,
	},
	sp_runtime::Perbill,
};

/// The winner's share of what the loser pays.
pub const WINNER_SHARE: Perbill = Perbill::from_percent(50);
/// The referees' share of the slash of an accused who lost, in equal parts. What is left is burned, so that it
/// costs to contest oneself by an accomplice.
pub const REFEREES_SHARE_OF_SLASH: Perbill = Perbill::from_percent(25);

impl<T: Config> Pallet<T> {
	/// The accused loses: by what the referees computed, with those who agree, or because it opened nothing.
	pub(crate) fn end_struck(
		id: DisputeId,
		dispute: DisputeOf<T>,
		decided: Option<(ShardLosses, Vec<T::AccountId>)>,
	) {
		let (exact, referees) = decided.map(|(exact, referees)| (Some(exact), referees)).unwrap_or_default();
		let mut shares = Vec::from([(dispute.challenger.clone(), WINNER_SHARE)]);
		let each = equal_parts(REFEREES_SHARE_OF_SLASH, referees.len());
		shares.extend(referees.into_iter().map(|referee| (referee, each)));
		let fault = T::Rounds::fault_if_struck(dispute.round, &dispute.accused);
		let slashed = T::Workers::note_fault_paying(&dispute.accused, fault, &shares);
		T::Credits::grant(&dispute.challenger, CreditReason::ProvenFault);
		Self::return_bond(id, &dispute);
		let Dispute { round, accused, challenger, .. } = dispute.clone();
		Self::deposit_event(Event::AccusedLost { dispute: id, round, accused, challenger, exact, slashed });
		let Dispute { accused, challenger, .. } = dispute.clone();
		Self::end(id, dispute, DisputeOutcome::Struck { accused, challenger });
	}

	/// The challenger loses its bond to the accused and to the referees.
	pub(crate) fn end_upheld(
		id: DisputeId,
		dispute: DisputeOf<T>,
		exact: ShardLosses,
		referees: &[T::AccountId],
	) {
		let of_accused = WINNER_SHARE.mul_floor(dispute.bond);
		let for_referees = dispute.bond.saturating_sub(of_accused);
		let each = for_referees.checked_div(referees.len() as Balance).unwrap_or_default();
		let mut paid = Self::pay(id, &dispute, &dispute.accused, of_accused);
		for referee in referees {
			paid = paid.saturating_add(Self::pay(id, &dispute, referee, each));
		}
		let burned = Self::burn(&dispute, dispute.bond.saturating_sub(paid));
		let Dispute { round, accused, challenger, .. } = dispute.clone();
		Self::deposit_event(Event::ChallengerLost { dispute: id, round, accused, challenger, exact, burned });
		let accused = dispute.accused.clone();
		Self::end(id, dispute, DisputeOutcome::Upheld { accused });
	}

	/// Nobody can say who is right: everybody's bond returns.
	pub(crate) fn end_undecided(id: DisputeId, dispute: DisputeOf<T>, reason: UndecidedReason) {
		Self::return_bond(id, &dispute);
		Self::deposit_event(Event::DisputeUndecided { dispute: id, round: dispute.round, reason });
		Self::end(id, dispute, DisputeOutcome::Undecided);
	}

	/// The one way in which a dispute ends.
	fn end(id: DisputeId, mut dispute: DisputeOf<T>, outcome: DisputeOutcome<T::AccountId>) {
		Self::release_referees(&mut dispute);
		Self::unlist(id);
		Disputes::<T>::remove(id);
		T::Rounds::conclude(dispute.round, outcome);
	}

	fn return_bond(id: DisputeId, dispute: &DisputeOf<T>) {
		let Dispute { challenger, bond, .. } = dispute;
		// Cannot fail: nothing else takes what is held for this reason.
		let released =
			T::Currency::release(&HoldReason::DisputeBond.into(), challenger, *bond, Precision::BestEffort)
				.defensive();
		if let Ok(amount) = released {
			Self::deposit_event(Event::BondReturned { dispute: id, challenger: challenger.clone(), amount });
		}
	}

	/// Pays out of the challenger's bond, and returns what was paid: an account that cannot take so small an
	/// amount goes without.
	fn pay(id: DisputeId, dispute: &DisputeOf<T>, payee: &T::AccountId, amount: Balance) -> Balance {
		if amount == 0 {
			return 0;
		}
		// Forced, as a slash is: a lock on the challenger's account must not keep it from paying.
		let sent = T::Currency::transfer_on_hold(
			&HoldReason::DisputeBond.into(),
			&dispute.challenger,
			payee,
			amount,
			Precision::Exact,
			Restriction::Free,
			Fortitude::Force,
		);
		let paid = sent.unwrap_or_default();
		if paid > 0 {
			Self::deposit_event(Event::BondShared { dispute: id, payee: payee.clone(), amount: paid });
		}
		paid
	}

	/// Burns what is left of the challenger's bond.
	fn burn(dispute: &DisputeOf<T>, amount: Balance) -> Balance {
		T::Currency::burn_held(
			&HoldReason::DisputeBond.into(),
			&dispute.challenger,
			amount,
			Precision::BestEffort,
			Fortitude::Force,
		)
		.defensive()
		.unwrap_or_default()
	}
}

/// Each of `count` parts of a share, rounded down.
fn equal_parts(share: Perbill, count: usize) -> Perbill {
	Perbill::from_parts(share.deconstruct().checked_div(count as u32).unwrap_or_default())
}
