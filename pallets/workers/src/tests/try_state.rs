//! Breaks each invariant of the crate's documentation on purpose, by number.

use crate::{mock::*, pallet::*};
use blyan_primitives::worker::Role;
use polkadot_sdk::{
	frame_support::traits::{fungible::hold::Mutate, tokens::Precision},
	sp_runtime::DispatchError,
};

const ROLE: Role = Role::Evaluator;

/// Three evaluators, then `corrupt`: the check must say `message`.
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	new_ext().execute_with(|| {
		(1..=3).for_each(|who| register(who, &[ROLE], 2 * MIN_BOND));
		WorkersPallet::do_try_state().expect("all is well before");
		corrupt();
		assert_eq!(WorkersPallet::do_try_state(), Err(DispatchError::Other(message)));
	});
}

#[test]
fn try_state_1_should_fail_when_a_bond_is_not_on_hold() {
	let release = || {
		Balances::release(&HoldReason::WorkerBond.into(), &1, 1, Precision::Exact).unwrap();
	};
	broken(release, "workers: a bond is not what is on hold");
}

#[test]
fn try_state_2_should_fail_when_machines_and_workers_differ() {
	broken(|| MachineOf::<Test>::remove(machine(1)), "workers: a machine does not name its worker");
	broken(|| MachineOf::<Test>::insert(machine(1), 2), "workers: a machine does not name its worker");
	broken(|| MachineOf::<Test>::insert(machine(9), 1), "workers: a machine belongs to nobody");
}

#[test]
fn try_state_3_should_fail_when_seats_are_not_those_of_the_workers() {
	broken(|| Seats::<Test>::remove(ROLE, 3), "workers: a seat is missing");
	broken(
		|| Seats::<Test>::mutate(ROLE, 3, |seat| seat.as_mut().unwrap().worker = 9),
		"workers: a seat belongs to nobody",
	);
	broken(
		|| {
			Workers::<Test>::mutate(1, |worker| worker.as_mut().unwrap().roles = roles(&[Role::Server]));
		},
		"workers: a seat belongs to a worker that has not that role, or is leaving",
	);
	broken(|| SeatOf::<Test>::insert(ROLE, 1, 2), "workers: SeatOf is not the inverse of Seats");
	broken(
		|| {
			let with = roles(&[ROLE, Role::Trainer]);
			Workers::<Test>::mutate(1, |worker| worker.as_mut().unwrap().roles = with);
		},
		"workers: a worker has no seat in one of its roles",
	);
	broken(
		|| Seats::<Test>::insert(ROLE, 4, Seats::<Test>::get(ROLE, 3).unwrap()),
		"workers: there is a seat too many",
	);
	broken(|| SeatOf::<Test>::insert(ROLE, 9, 1), "workers: SeatOf has an entry too many");
}

#[test]
fn try_state_4_should_fail_when_weights_are_wrong() {
	broken(
		|| Seats::<Test>::mutate(ROLE, 3, |seat| seat.as_mut().unwrap().weight += 1),
		"workers: a seat's weight is not its worker's",
	);
	broken(
		|| Seats::<Test>::mutate(ROLE, 1, |seat| seat.as_mut().unwrap().subtree += 1),
		"workers: weights do not add up",
	);
}

#[test]
fn try_state_5_should_fail_when_the_counter_is_wrong() {
	let key = Workers::<Test>::counter_storage_final_key();
	let corrupt = || polkadot_sdk::frame_support::storage::unhashed::put(&key, &2u32);
	broken(corrupt, "workers: the counter is wrong");
	broken(|| ActiveWorkers::<Test>::put(2), "workers: the counter of those not leaving is wrong");
}

#[test]
fn try_state_6_should_fail_when_associates_are_not_those_of_a_worker() {
	let list = |who: &[AccountId]| blyan_primitives::worker::Associates::truncate_from(who.to_vec());
	broken(|| Associates::<Test>::insert(9, list(&[1])), "workers: somebody who is no worker has associates");
	broken(|| Associates::<Test>::insert(1, list(&[])), "workers: an empty list of associates is kept");
	broken(|| Associates::<Test>::insert(1, list(&[1])), "workers: a worker is its own associate");
}
