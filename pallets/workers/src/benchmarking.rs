//! Benchmarks of the calls, and of what the rounds call. Seats lie as deep as `MaxWorkers` allows.

use crate::{
	impls::seats::{self, path},
	pallet::*,
	types::*,
	Pallet,
};
use alloc::vec::Vec;
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Endpoint, Fault, Role, Roles, MAX_ASSOCIATES},
	Hash,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{fungible::Balanced, tokens::Precision, Get},
		BoundedVec,
	},
	frame_system::{Pallet as System, RawOrigin},
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

/// Most workers drawn at once in a benchmark.
const MAX_DRAWN: u32 = 32;

impl<T: Config> Pallet<T> {
	/// Registers `who` in that role with ten times the least bond, minted for it; or adds the role.
	pub(crate) fn ensure_benchmark_worker(who: &T::AccountId, role: Role) {
		if let Some(mut worker) = Workers::<T>::get(who) {
			worker.roles = worker.roles.with(role);
			return Self::store_worker(who, &worker);
		}
		let bond = Parameters::<T>::get().min_bond * 10;
		fund::<T>(who, bond * 2);
		let machine = BlakeTwo256::hash_of(who);
		Self::do_register(who, Roles::default().with(role), machine, [1; 32], endpoint(), bond)
			.expect("a funded account with a machine of its own can register");
	}
}

fn fund<T: Config>(who: &T::AccountId, amount: u128) {
	let debt = T::Currency::deposit(who, amount, Precision::Exact).expect("the account can hold it");
	drop(debt);
}

fn endpoint() -> Endpoint {
	BoundedVec::truncate_from([b'a'; 128].to_vec())
}

fn all_roles() -> Roles {
	Role::ALL.into_iter().fold(Roles::default(), Roles::with)
}

/// A worker in all roles.
fn worker<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = account(name, index, 0);
	for role in Role::ALL {
		Pallet::<T>::ensure_benchmark_worker(&who, role);
	}
	who
}

/// Makes the next `free` seats the last that there can be: marks those before them as taken, and fills
/// in the paths from them to the root.
fn deepen<T: Config>(free: u32) {
	let last = T::MaxWorkers::get();
	for role in Role::ALL {
		let taken = last.saturating_sub(free);
		for seat in taken + 1..=last {
			for above in path(seat).filter(|above| *above <= taken) {
				let worker = account("path", above, 0);
				Seats::<T>::insert(role, above, Seat { worker, weight: 0, subtree: 0 });
			}
		}
		SeatCount::<T>::insert(role, taken);
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register() {
		deepen::<T>(1);
		let caller: T::AccountId = whitelisted_caller();
		let bond = Parameters::<T>::get().min_bond;
		fund::<T>(&caller, bond * 2);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), all_roles(), Hash::repeat_byte(1), [1; 32], endpoint(), bond);

		assert!(Workers::<T>::contains_key(&caller));
		assert_eq!(SeatOf::<T>::get(Role::Server, &caller), Some(T::MaxWorkers::get()));
	}

	#[benchmark]
	fn update_endpoint() {
		let caller = worker::<T>("worker", 0);
		let moved: Endpoint = BoundedVec::truncate_from([b'b'; 128].to_vec());

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), moved.clone());

		assert_eq!(Workers::<T>::get(&caller).map(|worker| worker.endpoint), Some(moved));
	}

	#[benchmark]
	fn bond_extra() {
		deepen::<T>(1);
		let caller = worker::<T>("worker", 0);
		let before = Workers::<T>::get(&caller).expect("registered").bond;
		let amount = Parameters::<T>::get().min_bond;

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), amount);

		assert_eq!(Workers::<T>::get(&caller).expect("registered").bond, before + amount);
	}

	#[benchmark]
	fn unregister() {
		// The last worker moves to the seat that falls vacant: two paths change.
		deepen::<T>(2);
		let caller = worker::<T>("worker", 0);
		worker::<T>("last", 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(SeatOf::<T>::get(Role::Server, &caller).is_none());
	}

	#[benchmark]
	fn withdraw() {
		let caller = worker::<T>("worker", 0);
		Pallet::<T>::do_unregister(&caller).expect("it is active");
		let unbonding = Parameters::<T>::get().unbonding_blocks;
		System::<T>::set_block_number(System::<T>::block_number().saturating_add(unbonding.into()));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!Workers::<T>::contains_key(&caller));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = WorkerParameters { unbonding_blocks: 7, ..Parameters::<T>::get() };

		#[extrinsic_call]
		_(RawOrigin::Root, parameters);

		assert_eq!(Parameters::<T>::get(), parameters);
	}

	#[benchmark]
	fn declare_associates() {
		let caller = worker::<T>("worker", 0);
		let others: Vec<T::AccountId> =
			(0..MAX_ASSOCIATES).map(|index| worker::<T>("associate", index)).collect();
		// Each has declared the caller, beside others.
		for other in &others {
			let mut list: Vec<T::AccountId> =
				(1..MAX_ASSOCIATES).map(|index| account("other", index, 0)).collect();
			list.push(caller.clone());
			Associates::<T>::insert(other, BoundedVec::truncate_from(list));
		}
		let associates = BoundedVec::truncate_from(others);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), associates.clone());

		assert_eq!(Associates::<T>::get(&caller), Some(associates));
	}

	#[benchmark]
	fn draw(k: Linear<1, MAX_DRAWN>) {
		deepen::<T>(k + 1);
		let excluded = worker::<T>("excluded", 0);
		let _drawable: Vec<T::AccountId> = (0..k).map(|index| worker::<T>("worker", index)).collect();
		let drawn;

		#[block]
		{
			drawn = Pallet::<T>::draw(Role::Evaluator, k, Hash::repeat_byte(7), &[excluded]);
		}

		assert_eq!(drawn.len() as u32, k);
	}

	#[benchmark]
	fn release() {
		let who = worker::<T>("worker", 0);
		Pallet::<T>::engage(&who);

		#[block]
		{
			<Pallet<T> as WorkerRegistry<_>>::release(&who);
		}

		assert_eq!(Workers::<T>::get(&who).expect("registered").engagements, 0);
	}

	#[benchmark]
	fn note_honest_work() {
		deepen::<T>(1);
		let who = worker::<T>("worker", 0);
		let before = Workers::<T>::get(&who).expect("registered").reputation;

		#[block]
		{
			<Pallet<T> as WorkerRegistry<_>>::note_honest_work(&who);
		}

		assert!(Workers::<T>::get(&who).expect("registered").reputation > before);
	}

	#[benchmark]
	fn note_fault() {
		deepen::<T>(1);
		let who = worker::<T>("worker", 0);
		let slashed;

		#[block]
		{
			slashed = <Pallet<T> as WorkerRegistry<_>>::note_fault(&who, Fault::OutsideTolerance);
		}

		assert!(slashed > 0);
		assert_eq!(seats::path(T::MaxWorkers::get()).last(), Some(seats::ROOT));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext(), crate::mock::Test);
}
