//! The register as the rounds see it.

use crate::{pallet::*, types::*, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	seats::lots_for_workers,
	traits::WorkerRegistry,
	worker::{reputation_after_honest_work, Fault, Role},
	Balance, BlockNumber, Hash,
};
use polkadot_sdk::{
	frame_support::traits::{
		fungible::{hold::Balanced as _, Balanced as _},
		Imbalance, OnUnbalanced,
	},
	sp_runtime::{traits::SaturatedConversion, Perbill},
};

impl<T: Config> WorkerRegistry<T::AccountId> for Pallet<T> {
	fn has_role(who: &T::AccountId, role: Role) -> bool {
		Workers::<T>::get(who).is_some_and(|worker| worker.is_active() && worker.roles.contains(role))
	}

	fn draw(role: Role, count: u32, seed: Hash, excluded: &[T::AccountId]) -> Vec<T::AccountId> {
		let mut lots = lots_for_workers(seed, role);
		let drawn = Self::draw_apart(role, count, &mut lots, excluded);
		drawn.iter().for_each(Self::engage);
		drawn
	}

	fn engage(who: &T::AccountId) -> bool {
		let is_worker = Workers::<T>::contains_key(who);
		if is_worker {
			Pallet::<T>::engage(who);
		}
		is_worker
	}

	fn release(who: &T::AccountId) {
		Self::disengage(who);
	}

	fn active_since(who: &T::AccountId) -> Option<BlockNumber> {
		let worker = Workers::<T>::get(who).filter(Worker::is_drawable)?;
		Some(worker.joins_at.saturated_into())
	}

	fn active_workers() -> u32 {
		ActiveWorkers::<T>::get()
	}

	fn are_associates(one: &T::AccountId, other: &T::AccountId) -> bool {
		Self::has_declared(one, other) || Self::has_declared(other, one)
	}

	fn reputation(who: &T::AccountId) -> Option<Perbill> {
		Workers::<T>::get(who).map(|worker| worker.reputation)
	}

	/// An accepted submission is honest work like any other.
	fn note_accepted(trainer: &T::AccountId) {
		Self::note_honest_work(trainer);
	}

	/// An account that is no worker has no reputation to gain: nothing happens.
	fn note_honest_work(who: &T::AccountId) {
		let Some(mut worker) = Workers::<T>::get(who) else { return };
		worker.reputation = reputation_after_honest_work(worker.reputation);
		Self::store_worker(who, &worker);
		Self::deposit_event(Event::HonestWorkNoted { worker: who.clone(), reputation: worker.reputation });
	}

	/// An account that is no worker has nothing to lose: nothing happens. A worker that is leaving is
	/// slashed like any other.
	fn note_fault_paying(who: &T::AccountId, fault: Fault, shares: &[(T::AccountId, Perbill)]) -> Balance {
		let Some(mut worker) = Workers::<T>::get(who) else { return 0 };
		let was_drawable = worker.is_drawable();
		let due = cost::<T>(&worker, fault);
		let slashed = if due == 0 { 0 } else { Self::slash(who, due, shares) };
		worker.bond = worker.bond.saturating_sub(slashed);
		let reputation = fault.reputation_factor().mul_floor(worker.reputation.deconstruct());
		worker.reputation = Perbill::from_parts(reputation);
		Self::store_worker(who, &worker);
		Self::deposit_event(Event::FaultNoted {
			worker: who.clone(),
			fault,
			slashed,
			bond: worker.bond,
			reputation: worker.reputation,
		});
		if was_drawable && !worker.is_drawable() {
			Self::deposit_event(Event::DrawsSuspended {
				worker: who.clone(),
				bond: worker.bond,
				required_bond: worker.required_bond,
			});
		}
		slashed
	}

	fn cost_of(who: &T::AccountId, fault: Fault) -> Balance {
		Workers::<T>::get(who).map(|worker| cost::<T>(&worker, fault)).unwrap_or_default()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &T::AccountId, role: Role) {
		Self::ensure_benchmark_worker(who, role);
	}
}

impl<T: Config> Pallet<T> {
	/// Takes `due` out of the bond on hold, pays the shares out of it, and returns what was there to take.
	fn slash(who: &T::AccountId, due: Balance, shares: &[(T::AccountId, Perbill)]) -> Balance {
		let (mut rest, _missing) = T::Currency::slash(&HoldReason::WorkerBond.into(), who, due);
		let slashed = rest.peek();
		for (payee, share) in shares {
			let part = rest.extract(share.mul_floor(slashed));
			let amount = part.peek();
			match T::Currency::resolve(payee, part) {
				Ok(()) if amount > 0 => Self::deposit_event(Event::SlashShared {
					worker: who.clone(),
					payee: payee.clone(),
					amount,
				}),
				Ok(()) => {}
				// An account that cannot take so small an amount goes without.
				Err(refused) => rest.subsume(refused),
			}
		}
		T::Slashed::on_unbalanced(rest);
		slashed
	}
}

/// What a fault costs a worker. Rounded up: one that costs something costs a unit at least.
fn cost<T: Config>(worker: &WorkerOf<T>, fault: Fault) -> Balance {
	fault.slash().mul_ceil(worker.bond)
}
