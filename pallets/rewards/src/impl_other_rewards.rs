//! The rewards as those see them who verify data, audit, serve, or validate.

use crate::{pallet::*, Pallet};
use alloc::collections::BTreeMap;
use blyan_primitives::{
	dag::SubmissionId,
	economy::Budget,
	traits::{AuditRewards, AuditedWork, DataRewards, ServingRewards, ValidatorRewards},
	Balance,
};

impl<T: Config> DataRewards for Pallet<T> {
	fn data_verified(submission: SubmissionId) {
		Self::settle_kept_data(submission);
	}
}

impl<T: Config> AuditRewards<T::AccountId> for Pallet<T> {
	fn accrue_audit(who: &T::AccountId, amount: Balance, work: AuditedWork) {
		Self::accrue(Budget::Audits, BTreeMap::from([(who.clone(), amount)]), work);
	}
}

impl<T: Config> ServingRewards<T::AccountId> for Pallet<T> {
	fn accrue_use(parts: BTreeMap<T::AccountId, Balance>) {
		let claims = parts.into_iter().map(|(who, amount)| (who, amount, ()));
		Self::accrue_telling(Budget::Serving, claims, |epoch, account, amount, ()| Event::UseAccrued {
			epoch,
			account,
			amount,
		});
	}
}

impl<T: Config> ValidatorRewards<T::AccountId> for Pallet<T> {
	fn accrue_validators(parts: BTreeMap<T::AccountId, Balance>) {
		let claims = parts.into_iter().map(|(who, amount)| (who, amount, ()));
		Self::accrue_telling(Budget::Validators, claims, |epoch, account, amount, ()| {
			Event::ValidationAccrued { epoch, account, amount }
		});
	}
}
