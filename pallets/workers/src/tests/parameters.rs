use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::worker::Role;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::traits::BadOrigin,
};

fn genesis_worker(account: AccountId, machine_number: u64) -> GenesisWorker<AccountId> {
	GenesisWorker {
		account,
		roles: roles(&[Role::Evaluator]),
		machine: machine(machine_number),
		session_key: machine(7),
		endpoint: "http://127.0.0.1:1".into(),
		bond: MIN_BOND,
	}
}

#[test]
fn set_parameters_should_bind_those_who_register_later() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		let parameters = WorkerParameters { min_bond: 2 * MIN_BOND, unbonding_blocks: 3 };
		assert_ok!(WorkersPallet::force_set_parameters(RuntimeOrigin::root(), parameters));
		assert_eq!(Parameters::<Test>::get(), parameters);
		assert_eq!(last_event(), Event::ParametersSet { parameters });

		assert!(WorkersPallet::worker(&1).unwrap().active, "who is there stays");
		let late = WorkersPallet::register(
			RuntimeOrigin::signed(2),
			roles(&[Role::Evaluator]),
			machine(2),
			[1; 32],
			endpoint("a"),
			MIN_BOND,
		);
		assert_eq!(late, Err(Error::<Test>::BondTooSmall.into()));
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		assert_eq!(last_event(), Event::WorkerLeaving { worker: 1, until: 4 });
	});
}

#[test]
fn set_parameters_should_fail_when_they_make_no_sense_or_the_origin_is_not_root() {
	build_and_execute(|| {
		let set = |min_bond, unbonding_blocks| {
			let parameters = WorkerParameters { min_bond, unbonding_blocks };
			WorkersPallet::force_set_parameters(RuntimeOrigin::root(), parameters)
		};
		assert_noop!(set(0, 1), Error::<Test>::MinBondTooSmall);
		assert_noop!(set(ExistentialDeposit::get() - 1, 1), Error::<Test>::MinBondTooSmall);
		assert_noop!(set(ExistentialDeposit::get(), 0), Error::<Test>::NoUnbondingTime);
		assert_ok!(set(ExistentialDeposit::get(), 1));
		let parameters = WorkerParameters::default();
		assert_noop!(WorkersPallet::force_set_parameters(RuntimeOrigin::signed(1), parameters), BadOrigin);
	});
}

#[test]
fn genesis_should_register_its_workers() {
	let workers = vec![genesis_worker(1, 1), genesis_worker(2, 2)];
	ExtBuilder { workers, ..Default::default() }.build_and_execute(|| {
		assert_eq!(held(1), MIN_BOND);
		assert_eq!(worker(2).session_key, machine(7).0);
		assert_eq!(worker(2).joins_at, 0);
		assert_eq!(SeatCount::<Test>::get(Role::Evaluator), 2);
	});
}

#[test]
#[should_panic(expected = "genesis worker 2: Err(Module")]
fn genesis_should_fail_when_a_worker_is_not_in_order() {
	let workers = vec![genesis_worker(1, 1), genesis_worker(2, 1)];
	ExtBuilder { workers, ..Default::default() }.build();
}

#[test]
#[should_panic(expected = "genesis parameters of workers: Err(NoUnbondingTime)")]
fn genesis_should_fail_when_parameters_make_no_sense() {
	let parameters = WorkerParameters { min_bond: MIN_BOND, unbonding_blocks: 0 };
	ExtBuilder { parameters, ..Default::default() }.build();
}

#[test]
fn genesis_worker_should_round_trip_through_json() {
	let worker = genesis_worker(1, 1);
	let json = serde_json::to_string(&worker).unwrap();
	assert!(json.contains("\"sessionKey\":\"0x00"), "{json}");
	assert_eq!(serde_json::from_str::<GenesisWorker<AccountId>>(&json).unwrap(), worker);
	assert!(serde_json::from_str::<WorkerParameters>(r#"{"minBond":1,"unbondingBlocks":1,"x":1}"#).is_err());
}

#[test]
fn integrity_test_should_hold_for_the_mock() {
	WorkersPallet::integrity_test();
}
