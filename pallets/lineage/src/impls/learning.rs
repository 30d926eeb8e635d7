//! What is noted of a submission that learned from data.

use crate::{
	types::*, weights::WeightInfo, Config, DatasetModels, Event, ModelData, Pallet, Purses, Utilities,
};
use blyan_primitives::{
	manifest::{DatasetId, DatasetUse, DatasetUses},
	traits::{DataOutcomes, LearnedFrom},
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, traits::Get},
	frame_system,
};

impl<T: Config> DataOutcomes<T::AccountId> for Pallet<T> {
	fn learned(from: LearnedFrom<T::AccountId>) {
		// Neither who tells of verdicts nor who tells of audits can charge for it: how much it is depends on the manifest.
		let weight = T::WeightInfo::learned(from.uses.len() as u32);
		frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
		for used in from.uses {
			if from.is_accepted {
				Self::note_use(&from, used);
			}
			Self::note_outcome(&from, used);
		}
		if from.is_accepted {
			let datasets = DatasetUses::truncate_from(from.uses.to_vec());
			let LearnedFrom { submission, model, .. } = from;
			Self::deposit_event(Event::ModelLearned { submission, model, datasets });
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Adds to the lineage, both ways.
	fn note_use(from: &LearnedFrom<T::AccountId>, used: &DatasetUse) {
		let LearnedFrom { submission, model, .. } = *from;
		let before = ModelData::<T>::get(model, used.dataset);
		if before.is_none() {
			DatasetModels::<T>::insert(used.dataset, model, ());
		}
		let before =
			before.unwrap_or(DataUse { submissions: 0, samples: 0, first: submission, last: submission });
		let after = DataUse {
			submissions: before.submissions.saturating_add(1),
			samples: before.samples.saturating_add(used.weight.mul_floor(from.samples)),
			// An audit may verify the manifest of an earlier submission after that of a later one.
			first: before.first.min(submission),
			last: before.last.max(submission),
		};
		ModelData::<T>::insert(model, used.dataset, after);
	}

	/// Counts what came of it, and marks the dataset or removes its mark.
	fn note_outcome(from: &LearnedFrom<T::AccountId>, used: &DatasetUse) {
		let dataset = used.dataset;
		let mut utility = Utilities::<T>::get(dataset).unwrap_or_default();
		if used.weight >= T::LeastWeight::get() {
			if from.is_accepted {
				let is_marked = utility.is_zero;
				utility = Utility { accepted: utility.accepted.saturating_add(1), ..Utility::default() };
				if is_marked {
					Self::deposit_event(Event::MarkRemoved { dataset });
				}
			} else {
				utility.rejected = utility.rejected.saturating_add(1);
				if !utility.trainers.contains(from.trainer) {
					// Once there are enough, it does not matter who else.
					let _ = utility.trainers.try_push(from.trainer.clone());
				}
				if utility.is_useless() && !utility.is_zero {
					utility.is_zero = true;
					Self::void_purse(dataset);
					Self::deposit_event(Event::DatasetMarked { dataset });
				}
			}
		}
		Utilities::<T>::insert(dataset, utility);
	}

	/// Empties a purse for good: one that was never filled will not be.
	fn void_purse(dataset: DatasetId) {
		Purses::<T>::mutate(dataset, |purse| purse.get_or_insert_default().left = 0);
	}
}
