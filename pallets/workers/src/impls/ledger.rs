//! The one place that writes worker records and what is derived from them: machine index and seats.
//! Whatever changes a record comes through here, so a draw never sees a stale weight.

use crate::{impls::seats, pallet::*, types::*, Pallet};
use blyan_primitives::worker::Role;
use polkadot_sdk::frame_support::{defensive, traits::Defensive};

impl<T: Config> Pallet<T> {
	/// Writes the record of a new worker.
	pub(crate) fn add_worker(who: &T::AccountId, worker: &WorkerOf<T>) {
		MachineOf::<T>::insert(worker.machine, who);
		Self::store_worker(who, worker);
	}

	/// Writes a changed record, and brings its seats in line with it. Its machine must be the same.
	pub(crate) fn store_worker(who: &T::AccountId, worker: &WorkerOf<T>) {
		for role in Role::ALL {
			if worker.is_active() && worker.roles.contains(role) {
				seats::put::<T>(role, who, worker.draw_weight());
			} else {
				seats::remove::<T>(role, who);
			}
		}
		Workers::<T>::insert(who, worker);
	}

	/// Writes a record of which nothing changed that a draw weighs: endpoint and engagements. Saves the
	/// look at the seats.
	pub(crate) fn store_unweighed(who: &T::AccountId, worker: &WorkerOf<T>) {
		Workers::<T>::insert(who, worker);
	}

	/// Forgets a worker that has no seats any more.
	pub(crate) fn remove_worker(who: &T::AccountId) {
		if let Some(worker) = Workers::<T>::take(who) {
			MachineOf::<T>::remove(worker.machine);
			Associates::<T>::remove(who);
		}
	}

	/// Engages a drawn worker once more.
	pub(crate) fn engage(who: &T::AccountId) {
		// Only workers have seats, and only seats are drawn.
		if let Some(mut worker) = Workers::<T>::get(who).defensive() {
			worker.engagements = worker.engagements.saturating_add(1);
			Self::store_unweighed(who, &worker);
		}
	}

	/// Ends one engagement. An engaged worker cannot withdraw, so its record is there.
	pub(crate) fn disengage(who: &T::AccountId) {
		let Some(mut worker) = Workers::<T>::get(who).defensive() else { return };
		match worker.engagements.checked_sub(1) {
			Some(engagements) => {
				worker.engagements = engagements;
				Self::store_unweighed(who, &worker);
			}
			None => {
				defensive!("a worker was released more often than it was drawn");
			}
		}
	}
}
