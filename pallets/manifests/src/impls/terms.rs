//! What a model's owner asks of the data that it learns from.

use crate::{types::*, Config, Error, Event, Pallet, Terms};
use blyan_primitives::{
	dag::ModelId,
	manifest::DataTerms,
	traits::{DatasetRegistry, ModelGraph},
};
use polkadot_sdk::{
	frame_support::ensure,
	frame_system::{ensure_signed_or_root, pallet_prelude::OriginFor},
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_set_data_terms(
		origin: OriginFor<T>,
		model: ModelId,
		terms: DataTerms,
	) -> DispatchResult {
		let who = ensure_signed_or_root(origin)?;
		let may = who.as_ref().is_none_or(|who| T::Graph::is_owner(model, who));
		ensure!(may, Error::<T>::NotModelOwner);
		if terms == DataTerms::default() {
			Terms::<T>::remove(model);
		} else {
			Terms::<T>::insert(model, terms);
		}
		Self::deposit_event(Event::DataTermsSet { model, terms });
		Ok(())
	}

	/// What a model's owner asks of data.
	pub fn data_terms(model: ModelId) -> DataTerms {
		Terms::<T>::get(model)
	}

	/// Whether a model may learn from a dataset now.
	pub fn may_learn_from(model: ModelId, dataset: DatasetId) -> bool {
		T::Datasets::approved(dataset)
			.is_some_and(|approved| approved.tier >= Terms::<T>::get(model).least_tier)
	}
}
