use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Endpoint, Role, Roles, INITIAL_REPUTATION},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{traits::BadOrigin, TokenError},
};

const HERE: &str = "/ip4/127.0.0.1/tcp/9000";

fn try_register(who: AccountId, with: Roles, bond: u128) -> polkadot_sdk::sp_runtime::DispatchResult {
	WorkersPallet::register(RuntimeOrigin::signed(who), with, machine(who), [1; 32], endpoint(HERE), bond)
}

#[test]
fn register_should_hold_the_bond_and_seat_the_worker_in_each_role() {
	build_and_execute(|| {
		System::set_block_number(5);
		let with = roles(&[Role::Trainer, Role::Server]);
		assert_ok!(try_register(1, with, 5_000));

		assert_eq!(held(1), 5_000);
		assert_eq!(Balances::free_balance(1), FUNDS - 5_000);
		assert_eq!(
			worker(1),
			Worker {
				roles: with,
				machine: machine(1),
				session_key: [1; 32],
				endpoint: endpoint(HERE),
				bond: 5_000,
				required_bond: MIN_BOND,
				reputation: INITIAL_REPUTATION,
				engagements: 0,
				status: Status::Active,
				joins_at: 5,
			}
		);
		assert_eq!(MachineOf::<Test>::get(machine(1)), Some(1));
		for role in Role::ALL {
			assert_eq!(WorkersPallet::has_role(&1, role), with.contains(role));
			assert_eq!(SeatOf::<Test>::get(role, 1), with.contains(role).then_some(1));
		}
		assert_eq!(
			last_event(),
			Event::WorkerRegistered { worker: 1, roles: with, machine: machine(1), bond: 5_000, joins_at: 5 }
		);
	});
}

#[test]
fn register_should_fail_when_not_signed() {
	build_and_execute(|| {
		let call = |origin| {
			WorkersPallet::register(
				origin,
				roles(&[Role::Server]),
				machine(1),
				[1; 32],
				endpoint(HERE),
				MIN_BOND,
			)
		};
		assert_noop!(call(RuntimeOrigin::none()), BadOrigin);
		assert_noop!(call(RuntimeOrigin::root()), BadOrigin);
	});
}

#[test]
fn register_should_fail_when_no_role_is_named() {
	build_and_execute(|| {
		assert_noop!(try_register(1, Roles::default(), MIN_BOND), Error::<Test>::NoRoles);
	});
}

#[test]
fn register_should_fail_when_the_endpoint_is_not_printable() {
	build_and_execute(|| {
		for bad in [&b""[..], b"http://a b", b"http://a\n", "http://\u{e9}".as_bytes(), b"\0"] {
			let endpoint = Endpoint::try_from(bad.to_vec()).unwrap();
			assert_noop!(
				WorkersPallet::register(
					RuntimeOrigin::signed(1),
					roles(&[Role::Server]),
					machine(1),
					[1; 32],
					endpoint,
					MIN_BOND
				),
				Error::<Test>::InvalidEndpoint
			);
		}
	});
}

#[test]
fn register_should_fail_when_the_account_is_a_worker_already() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		assert_noop!(try_register(1, roles(&[Role::Trainer]), MIN_BOND), Error::<Test>::AlreadyRegistered);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		assert_noop!(try_register(1, roles(&[Role::Trainer]), MIN_BOND), Error::<Test>::AlreadyRegistered);
	});
}

#[test]
fn register_should_fail_when_the_machine_belongs_to_another_worker() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		let second = |who| {
			WorkersPallet::register(
				RuntimeOrigin::signed(who),
				roles(&[Role::Evaluator]),
				machine(1),
				[2; 32],
				endpoint(HERE),
				MIN_BOND,
			)
		};
		assert_noop!(second(2), Error::<Test>::MachineTaken);
	});
}

#[test]
fn register_should_fail_when_the_bond_is_one_unit_short() {
	build_and_execute(|| {
		let with = roles(&[Role::Evaluator]);
		assert_noop!(try_register(1, with, MIN_BOND - 1), Error::<Test>::BondTooSmall);
		assert_ok!(try_register(1, with, MIN_BOND));
	});
}

#[test]
fn register_should_fail_when_the_account_lacks_the_bond() {
	build_and_execute(|| {
		let with = roles(&[Role::Evaluator]);
		assert_noop!(try_register(1, with, FUNDS + 1), TokenError::FundsUnavailable);
		assert_noop!(try_register(1_000, with, MIN_BOND), TokenError::FundsUnavailable);
	});
}

#[test]
fn register_should_fail_when_there_are_as_many_workers_as_there_may_be() {
	build_and_execute(|| {
		let most = u64::from(MaxWorkers::get());
		(1..=most).for_each(|who| register(who, &[Role::Evaluator], MIN_BOND));
		assert_noop!(
			try_register(most + 1, roles(&[Role::Evaluator]), MIN_BOND),
			Error::<Test>::TooManyWorkers
		);
	});
}

#[test]
fn update_endpoint_should_change_the_endpoint_alone() {
	build_and_execute(|| {
		register(1, &[Role::Server], MIN_BOND);
		let before = worker(1);
		assert_ok!(WorkersPallet::update_endpoint(RuntimeOrigin::signed(1), endpoint("/dns/x/tcp/1")));
		assert_eq!(worker(1), Worker { endpoint: endpoint("/dns/x/tcp/1"), ..before });
		assert_eq!(last_event(), Event::EndpointUpdated { worker: 1, endpoint: endpoint("/dns/x/tcp/1") });
	});
}

#[test]
fn update_endpoint_should_fail_when_it_is_bad_or_the_account_is_no_worker() {
	build_and_execute(|| {
		register(1, &[Role::Server], MIN_BOND);
		let update = |who, to: &str| WorkersPallet::update_endpoint(RuntimeOrigin::signed(who), endpoint(to));
		assert_noop!(update(1, ""), Error::<Test>::InvalidEndpoint);
		assert_noop!(update(1, "a b"), Error::<Test>::InvalidEndpoint);
		assert_noop!(update(2, "a"), Error::<Test>::WorkerNotFound);
		assert_noop!(WorkersPallet::update_endpoint(RuntimeOrigin::none(), endpoint("a")), BadOrigin);
	});
}

#[test]
fn bond_extra_should_add_to_bond_hold_and_weight() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		assert_ok!(WorkersPallet::bond_extra(RuntimeOrigin::signed(1), 500));
		assert_eq!(worker(1).bond, MIN_BOND + 500);
		assert_eq!(held(1), MIN_BOND + 500);
		assert_eq!(Seats::<Test>::get(Role::Evaluator, 1).unwrap().weight, (MIN_BOND + 500) / 2);
		assert_eq!(last_event(), Event::BondAdded { worker: 1, added: 500, bond: MIN_BOND + 500 });
	});
}

#[test]
fn bond_extra_should_fail_when_it_adds_nothing_or_there_is_nobody_to_add_to() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		let add = |who, amount| WorkersPallet::bond_extra(RuntimeOrigin::signed(who), amount);
		assert_noop!(add(1, 0), Error::<Test>::NothingAdded);
		assert_noop!(add(2, 1), Error::<Test>::WorkerNotFound);
		assert_noop!(add(1, FUNDS), TokenError::FundsUnavailable);
		assert_noop!(WorkersPallet::bond_extra(RuntimeOrigin::none(), 1), BadOrigin);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		assert_noop!(add(1, 1), Error::<Test>::WorkerLeaving);
	});
}
