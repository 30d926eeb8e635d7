//! What becomes of a bond. Nothing else touches what is held.

use crate::{types::*, Config, Event, HoldReason, Pallet};
use blyan_primitives::Balance;
use polkadot_sdk::frame_support::traits::{
	fungible::hold::Mutate,
	tokens::{Fortitude, Precision, Restriction},
	Defensive,
};

impl<T: Config> Pallet<T> {
	/// Splits the fee equally among `evaluators`, out of the bond, and returns what was paid: what does not
	/// divide, and what an evaluator's account cannot take, stays held for the caller to settle.
	pub(crate) fn pay_fee(id: RoundId, round: &RoundOf<T>, evaluators: &[T::AccountId]) -> Balance {
		let share = round.fee.min(round.bond).checked_div(evaluators.len() as Balance).unwrap_or_default();
		if share == 0 {
			return 0;
		}
		let mut paid: Balance = 0;
		for evaluator in evaluators {
			// Forced, as a slash is: a lock on the trainer's account must not keep it from paying.
			let sent = T::Currency::transfer_on_hold(
				&HoldReason::SubmissionBond.into(),
				&round.trainer,
				evaluator,
				share,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			);
			// An account that cannot take so small an amount goes without.
			if let Ok(amount) = sent {
				paid = paid.saturating_add(amount);
				Self::deposit_event(Event::FeePaid { round: id, evaluator: evaluator.clone(), amount });
			}
		}
		paid
	}

	/// Frees that much of the bond.
	pub(crate) fn return_bond(id: RoundId, round: &RoundOf<T>, amount: Balance) {
		let trainer = &round.trainer;
		// Cannot fail: the account lives on what is held, and has been left what it must have besides.
		let released =
			T::Currency::release(&HoldReason::SubmissionBond.into(), trainer, amount, Precision::BestEffort)
				.defensive();
		if let Ok(amount) = released {
			Self::deposit_event(Event::BondReturned { round: id, trainer: trainer.clone(), amount });
		}
	}

	/// Burns that much of a bond that is forfeited.
	pub(crate) fn burn_bond(id: RoundId, round: &RoundOf<T>, amount: Balance) {
		let trainer = &round.trainer;
		let burned = T::Currency::burn_held(
			&HoldReason::SubmissionBond.into(),
			trainer,
			amount,
			Precision::BestEffort,
			Fortitude::Force,
		)
		.defensive();
		if let Ok(burned) = burned {
			let (trainer, amount) = (trainer.clone(), round.bond);
			Self::deposit_event(Event::BondForfeited { round: id, trainer, amount, burned });
		}
	}
}
