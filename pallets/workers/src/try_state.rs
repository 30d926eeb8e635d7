//! A check for each invariant of the crate's documentation, by number.

use crate::{impls::seats::ROOT, pallet::*, Pallet};
use blyan_primitives::worker::Role;
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Inspect, Get},
	},
	sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_bonds()?;
		Self::check_machines()?;
		for role in Role::ALL {
			Self::check_seats(role)?;
			Self::check_weights(role)?;
		}
		Self::check_counts()?;
		Self::check_associates()
	}

	/// 1. The recorded bond is what is on hold.
	fn check_bonds() -> Result<(), TryRuntimeError> {
		for (who, worker) in Workers::<T>::iter() {
			let held = T::Currency::balance_on_hold(&HoldReason::WorkerBond.into(), &who);
			ensure!(held == worker.bond, "workers: a bond is not what is on hold");
		}
		Ok(())
	}

	/// 2. Machines and workers are in a one-to-one relation.
	fn check_machines() -> Result<(), TryRuntimeError> {
		for (who, worker) in Workers::<T>::iter() {
			ensure!(
				MachineOf::<T>::get(worker.machine) == Some(who),
				"workers: a machine does not name its worker"
			);
		}
		ensure!(
			MachineOf::<T>::iter().count() == Workers::<T>::iter().count(),
			"workers: a machine belongs to nobody"
		);
		Ok(())
	}

	/// 3. Seats are numbered without gaps, and belong to exactly the active workers of the role.
	fn check_seats(role: Role) -> Result<(), TryRuntimeError> {
		let count = SeatCount::<T>::get(role);
		for number in ROOT..count.saturating_add(ROOT) {
			let seat = Seats::<T>::get(role, number).ok_or("workers: a seat is missing")?;
			let worker = Workers::<T>::get(&seat.worker).ok_or("workers: a seat belongs to nobody")?;
			ensure!(
				worker.is_active() && worker.roles.contains(role),
				"workers: a seat belongs to a worker that has not that role, or is leaving"
			);
			ensure!(
				SeatOf::<T>::get(role, &seat.worker) == Some(number),
				"workers: SeatOf is not the inverse of Seats"
			);
		}
		let seated = Workers::<T>::iter_values()
			.filter(|worker| worker.is_active() && worker.roles.contains(role))
			.count();
		ensure!(seated == count as usize, "workers: a worker has no seat in one of its roles");
		ensure!(Seats::<T>::iter_prefix(role).count() == seated, "workers: there is a seat too many");
		ensure!(SeatOf::<T>::iter_prefix(role).count() == seated, "workers: SeatOf has an entry too many");
		Ok(())
	}

	/// 4. Weights are those of the workers, and add up.
	fn check_weights(role: Role) -> Result<(), TryRuntimeError> {
		for (number, seat) in Seats::<T>::iter_prefix(role) {
			let weight =
				Workers::<T>::get(&seat.worker).map(|worker| worker.draw_weight()).unwrap_or_default();
			ensure!(seat.weight == weight, "workers: a seat's weight is not its worker's");
			let left = number.saturating_mul(2);
			let below = [left, left.saturating_add(1)]
				.into_iter()
				.filter_map(|child| Seats::<T>::get(role, child))
				.fold(0u128, |sum, child| sum.saturating_add(child.subtree));
			ensure!(seat.subtree == weight.saturating_add(below), "workers: weights do not add up");
		}
		Ok(())
	}

	/// 5. The number of workers, and of those that are not leaving, is counted; the former is bounded.
	fn check_counts() -> Result<(), TryRuntimeError> {
		let count = Workers::<T>::count();
		ensure!(count as usize == Workers::<T>::iter().count(), "workers: the counter is wrong");
		let active = Workers::<T>::iter_values().filter(|worker| worker.is_active()).count();
		ensure!(
			ActiveWorkers::<T>::get() as usize == active,
			"workers: the counter of those not leaving is wrong"
		);
		ensure!(count <= T::MaxWorkers::get(), "workers: there are too many workers");
		Ok(())
	}

	/// 6. Only workers have associates, one at least, and none is its own.
	fn check_associates() -> Result<(), TryRuntimeError> {
		for (who, associates) in Associates::<T>::iter() {
			ensure!(Workers::<T>::contains_key(&who), "workers: somebody who is no worker has associates");
			ensure!(!associates.is_empty(), "workers: an empty list of associates is kept");
			ensure!(!associates.contains(&who), "workers: a worker is its own associate");
		}
		Ok(())
	}
}
