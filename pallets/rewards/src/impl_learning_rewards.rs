//! The rewards as the rounds see them.

use crate::{impls::learning, pallet::*, Pallet};
use blyan_primitives::{
	dag::SubmissionId,
	economy::Budget,
	traits::{AcceptedWork, AuditRewards, LearningRewards},
	Balance,
};

impl<T: Config> LearningRewards<T::AccountId> for Pallet<T> {
	/// Accrues to trainer, evaluators and ancestors on the learning budget of the running epoch.
	fn accrue_accepted(work: AcceptedWork<T::AccountId>) {
		let worth = learning::worth(work.gain, Parameters::<T>::get().learning_rate);
		let parts = learning::divide(&work, worth);
		Self::accrue(Budget::Learning, parts, work.submission);
	}
}

impl<T: Config> AuditRewards<T::AccountId> for Pallet<T> {
	/// Accrues on the audit budget of the running epoch.
	fn accrue_audit(who: &T::AccountId, amount: Balance, submission: SubmissionId) {
		Self::accrue(Budget::Audits, [(who.clone(), amount)].into(), submission);
	}
}
