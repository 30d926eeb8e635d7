//! What the runtime API `WorkersApi` answers.

use crate::{impls::seats::ROOT, pallet::*, types::*, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{WorkerInfo, MAX_PAGE},
	worker::Role,
};

impl<T: Config> Pallet<T> {
	/// One worker.
	pub fn worker(who: &T::AccountId) -> Option<WorkerInfo<T::AccountId>> {
		Workers::<T>::get(who).map(|worker| Self::info(who.clone(), worker))
	}

	/// Workers of a role that are not leaving, from the `start`-th seat on (counted from 0), `count` or
	/// [`MAX_PAGE`] at most.
	pub fn workers(role: Role, start: u32, count: u32) -> Vec<WorkerInfo<T::AccountId>> {
		let first = start.saturating_add(ROOT);
		let end =
			first.saturating_add(count.min(MAX_PAGE)).min(SeatCount::<T>::get(role).saturating_add(ROOT));
		(first..end)
			.filter_map(|seat| Seats::<T>::get(role, seat))
			.filter_map(|seat| Self::worker(&seat.worker))
			.collect()
	}

	fn info(account: T::AccountId, worker: WorkerOf<T>) -> WorkerInfo<T::AccountId> {
		WorkerInfo {
			account,
			roles: worker.roles,
			active: worker.is_drawable(),
			bond: worker.bond,
			reputation: worker.reputation,
			engagements: worker.engagements,
			endpoint: worker.endpoint.into_inner(),
		}
	}
}
