//! What is held for lots. Nothing else touches it.

use crate::{types::*, Config, Error, HoldReason, LotOfRoot, Lots, Pallet};
use blyan_primitives::{sealed::LotId, Balance};
use polkadot_sdk::frame_support::traits::{
	fungible::hold::Mutate,
	tokens::{Fortitude, Precision},
	Defensive,
};

impl<T: Config> Pallet<T> {
	/// Holds deposit and bond for `count` lots.
	pub(crate) fn hold(
		sealer: &T::AccountId,
		deposit: Balance,
		bond: Balance,
		count: u128,
	) -> Result<(), Error<T>> {
		for (reason, amount) in [(HoldReason::LotDeposit, deposit), (HoldReason::LotBond, bond)] {
			T::Currency::hold(&reason.into(), sealer, amount.saturating_mul(count))
				.map_err(|_| Error::<T>::BondNotAvailable)?;
		}
		Ok(())
	}

	/// Forgets a lot, and returns what is held for it.
	pub(crate) fn forget(id: LotId, lot: &LotOf<T>) -> Balance {
		Lots::<T>::remove(id);
		LotOfRoot::<T>::remove(lot.lot.root);
		let deposit = Self::release(HoldReason::LotDeposit, lot, lot.deposit);
		deposit.saturating_add(Self::release(HoldReason::LotBond, lot, lot.bond))
	}

	/// Forgets a lot, burns its bond and returns its deposit: what was burned, and what was returned.
	pub(crate) fn forfeit(id: LotId, lot: &LotOf<T>) -> (Balance, Balance) {
		let burned = T::Currency::burn_held(
			&HoldReason::LotBond.into(),
			&lot.sealer,
			lot.bond,
			Precision::BestEffort,
			Fortitude::Force,
		)
		.defensive()
		.unwrap_or_default();
		let returned = Self::forget(id, &Lot { bond: 0, ..lot.clone() });
		(burned, returned)
	}

	fn release(reason: HoldReason, lot: &LotOf<T>, amount: Balance) -> Balance {
		// Cannot fail: nothing else takes what is held for these reasons.
		T::Currency::release(&reason.into(), &lot.sealer, amount, Precision::BestEffort)
			.defensive()
			.unwrap_or_default()
	}
}
