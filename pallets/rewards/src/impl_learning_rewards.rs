//! The rewards as the rounds see them.

use crate::{impls::learning, pallet::*, Pallet};
use blyan_primitives::{
	economy::Budget,
	traits::{AcceptedWork, AuditedWork, LearningRewards},
};

impl<T: Config> LearningRewards<T::AccountId> for Pallet<T> {
	/// Accrues to trainer, evaluators and ancestors on the learning budget of the running epoch, and to the
	/// contributors of the data, dataset by dataset, on the data's, as soon as that is verified.
	fn accrue_accepted(work: AcceptedWork<T::AccountId>) {
		let worth = learning::worth(work.gain, Parameters::<T>::get().learning_rate);
		let parts = learning::divide(&work, worth);
		Self::accrue(Budget::Learning, parts, AuditedWork::Submission(work.submission));
		Self::settle_data(work.submission, worth);
	}
}
