//! What people and workers may ask. Serves [`blyan_primitives::api::LineageApi`].

use crate::{types::*, Config, DatasetModels, ModelData, Pallet, Purses, Utilities};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{DataUseInfo, DatasetUtility, MAX_PAGE},
	dag::ModelId,
	datasets::purse,
	manifest::DatasetId,
	traits::DatasetRegistry,
};

impl<T: Config> Pallet<T> {
	/// What a model learned from: the datasets after `after`, in an order of their own, `count` and [`MAX_PAGE`] at most,
	/// but one at least; and the one to go on from, if there may be more.
	pub fn model_lineage(
		model: ModelId,
		after: Option<DatasetId>,
		count: u32,
	) -> (Vec<DataUseInfo>, Option<DatasetId>) {
		let uses = match after {
			Some(after) => {
				ModelData::<T>::iter_prefix_from(model, ModelData::<T>::hashed_key_for(model, after))
			}
			None => ModelData::<T>::iter_prefix(model),
		};
		let count = page(count);
		let page = uses.take(count).map(|(dataset, used)| describe(model, dataset, used)).collect::<Vec<_>>();
		let next = page.last().filter(|_| page.len() == count).map(|last| last.dataset);
		(page, next)
	}

	/// Which models learned from a dataset, likewise.
	pub fn dataset_models(
		dataset: DatasetId,
		after: Option<ModelId>,
		count: u32,
	) -> (Vec<DataUseInfo>, Option<ModelId>) {
		let models = match after {
			Some(after) => DatasetModels::<T>::iter_key_prefix_from(
				dataset,
				DatasetModels::<T>::hashed_key_for(dataset, after),
			),
			None => DatasetModels::<T>::iter_key_prefix(dataset),
		};
		let count = page(count);
		let models = models.take(count).collect::<Vec<_>>();
		let next = models.last().filter(|_| models.len() == count).copied();
		let used = |model| Some(describe(model, dataset, ModelData::<T>::get(model, dataset)?));
		(models.into_iter().filter_map(used).collect(), next)
	}

	/// What came of a dataset, if a measured submission learned from it.
	pub fn dataset_utility(dataset: DatasetId) -> Option<DatasetUtility> {
		let Utility { accepted, rejected, is_zero, .. } = Utilities::<T>::get(dataset)?;
		let purse = match Purses::<T>::get(dataset) {
			Some(purse) => purse.left,
			// What it will be filled with.
			None => T::Datasets::approved(dataset).map_or(0, |approved| purse(approved.score)),
		};
		Some(DatasetUtility { accepted, rejected, is_zero, purse })
	}
}

/// What may be asked for at once.
fn page(count: u32) -> usize {
	count.clamp(1, MAX_PAGE) as usize
}

fn describe(model: ModelId, dataset: DatasetId, used: DataUse) -> DataUseInfo {
	let DataUse { submissions, samples, first, last } = used;
	DataUseInfo { model, dataset, submissions, samples, first, last }
}
