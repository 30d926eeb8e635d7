//! The dataset chain as those see it who learn from what it approved.

use crate::{types::*, Config, Datasets, Pallet};
use blyan_primitives::{
	datasets::DatasetStage,
	traits::{ApprovedDataset, DatasetRegistry},
};

impl<T: Config> DatasetRegistry<T::AccountId> for Pallet<T> {
	fn approved(id: DatasetId) -> Option<ApprovedDataset<T::AccountId>> {
		let dataset = Datasets::<T>::get(id)?;
		let DatasetStage::Approved { tier, .. } = dataset.stage else { return None };
		Some(ApprovedDataset {
			bytes: dataset.offer.bytes,
			contributor: dataset.contributor,
			tier,
			score: dataset.score,
		})
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_dataset(number: u32) -> DatasetId {
		crate::benchmarking::approved::<T>(number)
	}
}
