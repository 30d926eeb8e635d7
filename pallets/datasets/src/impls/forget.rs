//! Forgetting what was turned away, with its votes, when there is time.

use crate::{
	types::*, weights::WeightInfo, Config, Contributors, Datasets, Event, FirstLeftover, Leftovers,
	NextLeftover, Pallet, Versions, Votes,
};
use blyan_primitives::datasets::DatasetStage;
use polkadot_sdk::frame_support::{traits::Defensive, weights::WeightMeter};

impl<T: Config> Pallet<T> {
	/// Forgets what was left over longest ago. A dataset's votes are settled first, one after another.
	pub(crate) fn forget_leftovers(meter: &mut WeightMeter) {
		while meter.try_consume(T::WeightInfo::forget()).is_ok() {
			let place = FirstLeftover::<T>::get();
			if place >= NextLeftover::<T>::get() {
				return;
			}
			let is_done = match Leftovers::<T>::get(place) {
				Some(Leftover::Dataset(id)) => Self::forget_dataset(id, meter),
				Some(Leftover::Displaced { contributor, from }) => {
					let is_due = Self::now() >= from;
					if is_due {
						Self::forget_contribution(&contributor);
					}
					is_due
				}
				None => true,
			};
			if !is_done {
				return;
			}
			Leftovers::<T>::remove(place);
			FirstLeftover::<T>::put(place.saturating_add(1));
		}
	}

	/// Settles the votes on a dataset and forgets it; `false` if there is not the weight for all of that.
	fn forget_dataset(id: DatasetId, meter: &mut WeightMeter) -> bool {
		// It may have been offered again since, and have its own entry when its time comes.
		let Some(dataset) = Datasets::<T>::get(id) else { return true };
		let is_over = dataset.due.is_none() && matches!(dataset.stage, DatasetStage::Rejected { .. });
		if !is_over {
			return true;
		}
		while let Some(voter) = Votes::<T>::iter_key_prefix(id).next() {
			if meter.try_consume(T::WeightInfo::settle_vote()).is_err() {
				return false;
			}
			if Self::do_settle_vote(id, voter).defensive().is_err() {
				return true;
			}
		}
		Self::forget(id);
		true
	}

	/// Forgets a dataset without votes.
	pub(crate) fn forget(id: DatasetId) {
		let Some(mut dataset) = Datasets::<T>::take(id) else { return };
		Self::unschedule(id, &mut dataset);
		let Dataset { contributor, offer, .. } = dataset;
		Versions::<T>::remove((contributor.clone(), offer.name, offer.version));
		Self::forget_contribution(&contributor);
		Self::deposit_event(Event::DatasetForgotten { dataset: id });
	}

	/// Keeps a contributor's record for one thing less.
	fn forget_contribution(who: &T::AccountId) {
		Contributors::<T>::mutate_exists(who, |entry| {
			if let Some(record) = entry {
				record.kept = record.kept.saturating_sub(1);
				if record.kept == 0 && !record.was_approved {
					*entry = None;
				}
			}
		});
	}
}
