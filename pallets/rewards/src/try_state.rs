//! A check for each invariant of the crate's documentation, by number.

use crate::{pallet::*, types::*, Pallet};
use blyan_primitives::{economy::SUPPLY_CAP, Balance};
use polkadot_sdk::{
	frame_support::{ensure, traits::fungible::Inspect},
	sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		for (number, record) in Epochs::<T>::iter() {
			Self::check_pots(&record)?;
			Self::check_claims(number, &record)?;
		}
		Self::check_open_claims()?;
		Self::check_totals()?;
		Self::check_cap()?;
		Self::check_epochs()?;
		Self::check_audits()?;
		Self::check_unverified_data()?;
		Self::check_credits()
	}

	/// 1. Paid and left are the budget, and no more is paid than was claimed.
	fn check_pots(record: &EpochRecordOf<T>) -> Result<(), TryRuntimeError> {
		for (_, pot) in record.pots.iter() {
			ensure!(
				pot.paid.checked_add(pot.left) == Some(pot.budget),
				"rewards: paid and left are not the budget"
			);
			let settled =
				pot.claimed.checked_sub(pot.open).ok_or("rewards: more is open than was claimed")?;
			ensure!(pot.paid <= settled, "rewards: more is paid than was claimed");
		}
		Ok(())
	}

	/// 2. A pot counts the claims in storage.
	fn check_claims(number: EpochNumber, record: &EpochRecordOf<T>) -> Result<(), TryRuntimeError> {
		let mut open = PerBudget::<(Balance, u32)>::default();
		for claim in Claims::<T>::iter_prefix_values(number) {
			for (budget, amount) in claim.iter().filter(|(_, amount)| **amount > 0) {
				let (sum, claimants) = open.get_mut(budget);
				*sum = sum.saturating_add(*amount);
				*claimants = claimants.saturating_add(1);
			}
		}
		for (budget, pot) in record.pots.iter() {
			ensure!(
				(pot.open, pot.claimants) == *open.get(budget),
				"rewards: a pot does not count its claims"
			);
		}
		Ok(())
	}

	/// 3. Each account's list names the epochs of its claims.
	fn check_open_claims() -> Result<(), TryRuntimeError> {
		let mut listed = 0usize;
		for (who, epochs) in OpenClaims::<T>::iter() {
			ensure!(!epochs.is_empty(), "rewards: an empty list of claims is in storage");
			ensure!(
				epochs.iter().zip(epochs.iter().skip(1)).all(|(earlier, later)| earlier < later),
				"rewards: a list of claims is not in rising order"
			);
			ensure!(
				epochs.iter().all(|epoch| Claims::<T>::contains_key(epoch, &who)),
				"rewards: a listed claim does not exist"
			);
			listed = listed.saturating_add(epochs.len());
		}
		ensure!(Claims::<T>::iter().count() == listed, "rewards: a claim is not listed");
		Ok(())
	}

	/// 4. What was paid was minted or is carried, and what may be minted was budgeted.
	fn check_totals() -> Result<(), TryRuntimeError> {
		let totals = AllTime::<T>::get();
		let running = CurrentEpoch::<T>::get().map(|running| running.number);
		let (mut paid, mut reserved) = (totals.archived, 0u128);
		for (number, record) in Epochs::<T>::iter() {
			paid = paid.saturating_add(record.pots.sum(|pot| pot.paid));
			reserved = reserved.saturating_add(record.reserved(Some(number) != running));
		}
		ensure!(paid == totals.paid, "rewards: the epochs did not pay what was paid");
		ensure!(reserved == totals.reserved, "rewards: the epochs do not reserve what is reserved");
		let carried = Carried::<T>::iter_values().fold(0u128, |sum, amount| sum.saturating_add(amount));
		ensure!(carried == totals.carried, "rewards: the accounts do not carry what is carried");
		ensure!(
			totals.minted.saturating_add(totals.carried) == totals.paid,
			"rewards: what was paid is neither minted nor carried"
		);
		ensure!(
			totals.paid.saturating_add(totals.reserved) <= totals.budgeted,
			"rewards: more may be minted than was budgeted"
		);
		Ok(())
	}

	/// 5. The supply cannot pass the cap.
	fn check_cap() -> Result<(), TryRuntimeError> {
		let totals = AllTime::<T>::get();
		let owed = totals.carried.saturating_add(totals.reserved);
		ensure!(
			T::Currency::total_issuance().saturating_add(owed) <= SUPPLY_CAP || owed == 0,
			"rewards: the supply may pass the cap"
		);
		Ok(())
	}

	/// 6. The epochs in storage follow each other.
	fn check_epochs() -> Result<(), TryRuntimeError> {
		let Some(running) = CurrentEpoch::<T>::get() else {
			ensure!(Epochs::<T>::iter().next().is_none(), "rewards: there are epochs, and none runs");
			return Ok(());
		};
		let oldest = OldestEpoch::<T>::get();
		ensure!(
			(oldest..=running.number).all(Epochs::<T>::contains_key),
			"rewards: an epoch between the oldest and the running one is missing"
		);
		let expected = running.number.saturating_sub(oldest).saturating_add(1);
		ensure!(
			Epochs::<T>::iter().count() == expected as usize,
			"rewards: there is an epoch before the oldest or after the running one"
		);
		Ok(())
	}

	/// 7. Audits of a closed epoch are paid a fifth of what learning and serving earned at most.
	fn check_audits() -> Result<(), TryRuntimeError> {
		let running = CurrentEpoch::<T>::get().map(|running| running.number);
		for (_, record) in Epochs::<T>::iter().filter(|(number, _)| Some(*number) != running) {
			ensure!(
				record.pots.audits.budget <= record.audits_limit(),
				"rewards: audits may be paid more than their share"
			);
		}
		Ok(())
	}

	/// 8. Shares that wait are listed in their epochs, none of which is over and done with.
	fn check_unverified_data() -> Result<(), TryRuntimeError> {
		let oldest = OldestWaitingShare::<T>::get();
		let running = CurrentEpoch::<T>::get().map(|running| running.number).unwrap_or_default();
		for (submission, data) in WaitingShares::<T>::iter() {
			ensure!(
				WaitingSharesOf::<T>::contains_key(data.epoch, submission),
				"rewards: a data share is not listed in its epoch"
			);
			ensure!(
				(oldest..=running).contains(&data.epoch),
				"rewards: a data share waits from an epoch that is not looked at"
			);
		}
		ensure!(
			WaitingShares::<T>::iter_keys().count() == WaitingSharesOf::<T>::iter_keys().count(),
			"rewards: an epoch lists a data share that there is not"
		);
		Ok(())
	}

	/// 9. The credits are what was earned and not spent.
	fn check_credits() -> Result<(), TryRuntimeError> {
		let sum = Credits::<T>::iter_values().try_fold(0u64, |sum, credits| {
			ensure!(credits > 0, "rewards: an entry without credits is in storage");
			sum.checked_add(credits)
				.ok_or(TryRuntimeError::Other("rewards: more credits than can be counted"))
		})?;
		let CreditTotals { granted, spent } = AllTimeCredits::<T>::get();
		ensure!(
			sum.checked_add(spent) == Some(granted),
			"rewards: the credits are not what was earned and not spent"
		);
		Ok(())
	}
}
