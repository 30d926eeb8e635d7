//! What the calls do: fallible checks first, then writes.

use crate::{pallet::*, types::*, Pallet};
use blyan_primitives::{
	worker::{Endpoint, MachineId, Roles, INITIAL_REPUTATION},
	Balance,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{
			fungible::{hold::Mutate, Inspect},
			tokens::Precision,
			Get,
		},
	},
	frame_system,
	sp_runtime::{traits::Saturating, DispatchResult},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_register(
		who: &T::AccountId,
		roles: Roles,
		machine: MachineId,
		session_key: [u8; 32],
		endpoint: Endpoint,
		bond: Balance,
	) -> DispatchResult {
		ensure!(!roles.is_empty(), Error::<T>::NoRoles);
		Self::check_endpoint(&endpoint)?;
		ensure!(!Workers::<T>::contains_key(who), Error::<T>::AlreadyRegistered);
		ensure!(!MachineOf::<T>::contains_key(machine), Error::<T>::MachineTaken);
		let required_bond = Parameters::<T>::get().min_bond;
		ensure!(bond >= required_bond, Error::<T>::BondTooSmall);
		ensure!(Workers::<T>::count() < T::MaxWorkers::get(), Error::<T>::TooManyWorkers);
		T::Currency::hold(&HoldReason::WorkerBond.into(), who, bond)?;

		let joins_at = frame_system::Pallet::<T>::block_number();
		let worker = Worker {
			roles,
			machine,
			session_key,
			endpoint,
			bond,
			required_bond,
			reputation: INITIAL_REPUTATION,
			engagements: 0,
			status: Status::Active,
			joins_at,
		};
		Self::add_worker(who, &worker);
		ActiveWorkers::<T>::mutate(|count| count.saturating_inc());
		Self::deposit_event(Event::WorkerRegistered { worker: who.clone(), roles, machine, bond, joins_at });
		Ok(())
	}

	pub(crate) fn do_update_endpoint(who: &T::AccountId, endpoint: Endpoint) -> DispatchResult {
		Self::check_endpoint(&endpoint)?;
		let mut worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotFound)?;
		worker.endpoint = endpoint.clone();
		Self::store_unweighed(who, &worker);
		Self::deposit_event(Event::EndpointUpdated { worker: who.clone(), endpoint });
		Ok(())
	}

	pub(crate) fn do_bond_extra(who: &T::AccountId, amount: Balance) -> DispatchResult {
		ensure!(amount > 0, Error::<T>::NothingAdded);
		let mut worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotFound)?;
		ensure!(worker.is_active(), Error::<T>::WorkerLeaving);
		T::Currency::hold(&HoldReason::WorkerBond.into(), who, amount)?;

		// Cannot saturate: the hold succeeded, so the sum exists.
		worker.bond = worker.bond.saturating_add(amount);
		Self::store_worker(who, &worker);
		Self::deposit_event(Event::BondAdded { worker: who.clone(), added: amount, bond: worker.bond });
		Ok(())
	}

	pub(crate) fn do_unregister(who: &T::AccountId) -> DispatchResult {
		let mut worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotFound)?;
		ensure!(worker.is_active(), Error::<T>::WorkerLeaving);

		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().unbonding_blocks.into());
		worker.status = Status::Leaving { until };
		Self::store_worker(who, &worker);
		ActiveWorkers::<T>::mutate(|count| count.saturating_dec());
		Self::deposit_event(Event::WorkerLeaving { worker: who.clone(), until });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: &T::AccountId) -> DispatchResult {
		let worker = Workers::<T>::get(who).ok_or(Error::<T>::WorkerNotFound)?;
		let Status::Leaving { until } = worker.status else {
			return Err(Error::<T>::WorkerNotLeaving.into());
		};
		ensure!(frame_system::Pallet::<T>::block_number() >= until, Error::<T>::StillUnbonding);
		ensure!(worker.engagements == 0, Error::<T>::StillEngaged);
		T::Currency::release(&HoldReason::WorkerBond.into(), who, worker.bond, Precision::Exact)?;

		Self::remove_worker(who);
		Self::deposit_event(Event::BondWithdrawn { worker: who.clone(), amount: worker.bond });
		Ok(())
	}

	pub(crate) fn do_set_parameters(parameters: WorkerParameters) -> DispatchResult {
		Self::check_parameters(&parameters)?;
		Parameters::<T>::put(parameters);
		Self::deposit_event(Event::ParametersSet { parameters });
		Ok(())
	}

	pub(crate) fn check_parameters(parameters: &WorkerParameters) -> Result<(), Error<T>> {
		ensure!(
			parameters.min_bond > 0 && parameters.min_bond >= T::Currency::minimum_balance(),
			Error::<T>::MinBondTooSmall
		);
		ensure!(parameters.unbonding_blocks > 0, Error::<T>::NoUnbondingTime);
		Ok(())
	}

	/// Printable ASCII without spaces: what a URL or multiaddress consists of, and what is safe to print.
	fn check_endpoint(endpoint: &Endpoint) -> Result<(), Error<T>> {
		ensure!(
			!endpoint.is_empty() && endpoint.iter().all(u8::is_ascii_graphic),
			Error::<T>::InvalidEndpoint
		);
		Ok(())
	}
}
