//! The rewards as those see them who verify data, audit, serve, or validate.

use crate::{pallet::*, Pallet};
use alloc::collections::BTreeMap;
use blyan_primitives::{
	dag::SubmissionId,
	economy::Budget,
	traits::{AuditRewards, DataRewards, ServingRewards, ValidatorRewards},
	Balance,
};

impl<T: Config> DataRewards for Pallet<T> {
	fn data_verified(submission: SubmissionId) {
		Self::settle_kept_data(submission);
	}
}

impl<T: Config> AuditRewards<T::AccountId> for Pallet<T> {
	fn accrue_audit(who: &T::AccountId, amount: Balance, submission: SubmissionId) {
		Self::accrue(Budget::Audits, BTreeMap::from([(who.clone(), amount)]), submission);
	}
}

impl<T: Config> ServingRewards<T::AccountId> for Pallet<T> {
	fn accrue_use(parts: BTreeMap<T::AccountId, Balance>) {
		Self::accrue_telling(Budget::Serving, parts, |epoch, account, amount| Event::UseAccrued {
			epoch,
			account,
			amount,
		});
	}
}

impl<T: Config> ValidatorRewards<T::AccountId> for Pallet<T> {
	fn accrue_validators(parts: BTreeMap<T::AccountId, Balance>) {
		Self::accrue_telling(Budget::Validators, parts, |epoch, account, amount| Event::ValidationAccrued {
			epoch,
			account,
			amount,
		});
	}
}
