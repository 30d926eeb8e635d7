//! What models may learn from. The dataset chain will take the place of this list.

use crate::{types::*, Config, Datasets, Error, Event, HoldReason, Pallet};
use blyan_primitives::{dag::ModelId, traits::ModelGraph};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{
			fungible::hold::Mutate,
			tokens::Precision,
			{Defensive, Get},
		},
	},
	frame_system::{ensure_signed_or_root, pallet_prelude::OriginFor},
	sp_runtime::{DispatchError, DispatchResult},
};

impl<T: Config> Pallet<T> {
	/// The owner who signed; `None` for root.
	pub(crate) fn ensure_owner(
		origin: OriginFor<T>,
		model: ModelId,
	) -> Result<Option<T::AccountId>, DispatchError> {
		let who = ensure_signed_or_root(origin)?;
		let may = who.as_ref().is_none_or(|who| T::Graph::is_owner(model, who));
		ensure!(may, Error::<T>::NotModelOwner);
		Ok(who)
	}

	pub(crate) fn do_approve_dataset(
		owner: Option<T::AccountId>,
		model: ModelId,
		dataset: DatasetId,
		bytes: u64,
		contributor: T::AccountId,
	) -> DispatchResult {
		ensure!(bytes > 0, Error::<T>::DatasetEmpty);
		ensure!(!Datasets::<T>::contains_key(model, dataset), Error::<T>::DatasetListed);
		let amount = T::DatasetDeposit::get();
		if let Some(owner) = &owner {
			T::Currency::hold(&HoldReason::DatasetDeposit.into(), owner, amount)
				.map_err(|_| Error::<T>::DepositNotAvailable)?;
		}
		let deposit = owner.map(|owner| (owner, amount));
		Datasets::<T>::insert(
			model,
			dataset,
			ListedDataset { bytes, contributor: contributor.clone(), deposit },
		);
		Self::deposit_event(Event::DatasetApproved { model, dataset, bytes, contributor });
		Ok(())
	}

	pub(crate) fn do_withdraw_dataset(model: ModelId, dataset: DatasetId) -> DispatchResult {
		let listed = Datasets::<T>::take(model, dataset).ok_or(Error::<T>::DatasetNotListed)?;
		if let Some((owner, amount)) = listed.deposit {
			// Cannot fail: nothing else takes what is held for this reason.
			let _ = T::Currency::release(
				&HoldReason::DatasetDeposit.into(),
				&owner,
				amount,
				Precision::BestEffort,
			)
			.defensive();
		}
		Self::deposit_event(Event::DatasetWithdrawn { model, dataset });
		Ok(())
	}
}
