//! The data's share of accepted work: paid when the data is verified, and not at all if that takes too long.

use crate::{impls::learning, pallet::*, types::*, Pallet, WeightInfo};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::SubmissionId,
	economy::Budget,
	traits::{DataPurses, DataShare, VerifiedData},
	Balance,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, traits::Defensive, weights::WeightMeter},
	frame_system,
};

impl<T: Config> Pallet<T> {
	/// Accrues the data's share of what accepted work claims, or keeps it until the data is verified.
	pub(crate) fn settle_data(submission: SubmissionId, worth: Balance) {
		if DATA_SHARE.mul_floor(worth) == 0 {
			return;
		}
		if let Some(shares) = T::Data::shares(submission) {
			return Self::accrue_data(submission, worth, shares);
		}
		Self::roll_epoch(frame_system::Pallet::<T>::block_number());
		let Some(epoch) = CurrentEpoch::<T>::get().defensive().map(|running| running.number) else { return };
		// A submission is accepted once; should it be told of twice, nothing is owed twice.
		if WaitingShares::<T>::contains_key(submission) {
			return;
		}
		WaitingShares::<T>::insert(submission, WaitingShare { epoch, worth });
		WaitingSharesOf::<T>::insert(epoch, submission, ());
	}

	/// Accrues a share that was kept, if the data is verified and it is not too late.
	pub(crate) fn settle_kept_data(submission: SubmissionId) {
		let Some(WaitingShare { epoch, worth }) = WaitingShares::<T>::get(submission) else { return };
		Self::roll_epoch(frame_system::Pallet::<T>::block_number());
		let Some(running) = CurrentEpoch::<T>::get().defensive().map(|running| running.number) else {
			return;
		};
		if Self::is_lapsed(epoch, running) {
			return;
		}
		let Some(shares) = T::Data::shares(submission) else { return };
		WaitingShares::<T>::remove(submission);
		WaitingSharesOf::<T>::remove(epoch, submission);
		Self::accrue_data(submission, worth, shares);
	}

	/// Adds the contributors' claims on the data's budget: for each dataset what it earned, and what goes with that out
	/// of its purse.
	pub(crate) fn accrue_data(
		submission: SubmissionId,
		worth: Balance,
		shares: Vec<DataShare<T::AccountId>>,
	) {
		// Who calls the seam cannot charge for it: how much it is depends on the manifest.
		let weight = T::WeightInfo::accrue_data(shares.len() as u32);
		frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
		let claims =
			learning::divide_data(worth, shares).into_iter().map(|(dataset, contributor, earned)| {
				let purse = T::Purses::draw(dataset, earned);
				(contributor, earned.saturating_add(purse), (dataset, earned, purse))
			});
		Self::accrue_telling(Budget::Data, claims, |epoch, contributor, _, (dataset, earned, purse)| {
			Event::DataAccrued { epoch, dataset, contributor, earned, purse, submission }
		});
	}

	/// Whether what was accepted in `epoch` has waited too long while `running` runs.
	pub(crate) fn is_lapsed(epoch: EpochNumber, running: EpochNumber) -> bool {
		running > epoch.saturating_add(Parameters::<T>::get().data_patience_epochs)
	}

	/// Forgets shares that have waited too long; as many as the meter allows.
	pub(crate) fn lapse_data(meter: &mut WeightMeter) {
		let Some(running) = CurrentEpoch::<T>::get().map(|running| running.number) else { return };
		while meter.try_consume(T::WeightInfo::lapse_data_epoch()).is_ok() {
			let oldest = OldestWaitingShare::<T>::get();
			if !Self::is_lapsed(oldest, running) {
				return;
			}
			let mut kept = WaitingSharesOf::<T>::drain_prefix(oldest);
			loop {
				if !meter.can_consume(T::WeightInfo::lapse_data()) {
					return;
				}
				let Some((submission, ())) = kept.next() else { break };
				meter.consume(T::WeightInfo::lapse_data());
				Self::forget_data(submission);
			}
			OldestWaitingShare::<T>::put(oldest.saturating_add(1));
		}
	}

	/// Lets go of a share that is out of the list of its epoch.
	pub(crate) fn forget_data(submission: SubmissionId) {
		let Some(WaitingShare { worth, .. }) = WaitingShares::<T>::take(submission).defensive() else {
			return;
		};
		let amount = DATA_SHARE.mul_floor(worth);
		Self::deposit_event(Event::DataShareLapsed { submission, amount });
	}
}
