use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Fault, Role},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::traits::BadOrigin,
};

fn unregister(who: AccountId) -> polkadot_sdk::sp_runtime::DispatchResult {
	WorkersPallet::unregister(RuntimeOrigin::signed(who))
}

fn withdraw(who: AccountId) -> polkadot_sdk::sp_runtime::DispatchResult {
	WorkersPallet::withdraw(RuntimeOrigin::signed(who))
}

#[test]
fn unregister_should_end_roles_and_draws_and_name_the_block_of_withdrawal() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator, Role::Trainer], MIN_BOND);
		register(2, &[Role::Evaluator], MIN_BOND);
		System::set_block_number(7);
		assert_ok!(unregister(1));

		assert_eq!(last_event(), Event::WorkerLeaving { worker: 1, until: 17 });
		assert_eq!(worker(1).status, Status::Leaving { until: 17 });
		assert!(!WorkersPallet::has_role(&1, Role::Evaluator));
		assert!(!WorkersPallet::has_role(&1, Role::Trainer));
		assert_eq!(SeatCount::<Test>::get(Role::Trainer), 0);
		assert_eq!(SeatOf::<Test>::get(Role::Evaluator, 2), Some(1), "the last seat fills the vacant one");
		assert_eq!(WorkersPallet::draw(Role::Evaluator, 2, Hash::zero(), &[]), vec![2]);
		assert_eq!(held(1), MIN_BOND, "the bond stays");
	});
}

#[test]
fn unregister_should_fail_when_the_account_is_no_worker_or_leaving() {
	build_and_execute(|| {
		assert_noop!(unregister(1), Error::<Test>::WorkerNotFound);
		assert_noop!(WorkersPallet::unregister(RuntimeOrigin::root()), BadOrigin);
		register(1, &[Role::Evaluator], MIN_BOND);
		assert_ok!(unregister(1));
		System::set_block_number(3);
		assert_noop!(unregister(1), Error::<Test>::WorkerLeaving);
	});
}

#[test]
fn withdraw_should_release_the_bond_and_free_account_and_machine() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 5_000);
		assert_ok!(unregister(1));
		System::set_block_number(11);
		assert_ok!(withdraw(1));

		assert_eq!(last_event(), Event::BondWithdrawn { worker: 1, amount: 5_000 });
		assert_eq!((held(1), Balances::free_balance(1)), (0, FUNDS));
		assert_eq!(Workers::<Test>::get(1), None);
		assert_eq!(MachineOf::<Test>::get(machine(1)), None);
		register(1, &[Role::Trainer], MIN_BOND);
	});
}

#[test]
fn withdraw_should_fail_when_it_is_too_early() {
	build_and_execute(|| {
		assert_noop!(withdraw(1), Error::<Test>::WorkerNotFound);
		assert_noop!(WorkersPallet::withdraw(RuntimeOrigin::none()), BadOrigin);
		register(1, &[Role::Evaluator], MIN_BOND);
		assert_noop!(withdraw(1), Error::<Test>::WorkerNotLeaving);
		assert_ok!(unregister(1));
		System::set_block_number(10);
		assert_noop!(withdraw(1), Error::<Test>::StillUnbonding);
		System::set_block_number(11);
		assert_ok!(withdraw(1));
	});
}

#[test]
fn withdraw_should_fail_until_every_engagement_is_released() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		WorkersPallet::draw(Role::Evaluator, 1, Hash::zero(), &[]);
		WorkersPallet::draw(Role::Evaluator, 1, Hash::zero(), &[]);
		assert_ok!(unregister(1));
		System::set_block_number(100);
		for _ in 0..2 {
			assert_noop!(withdraw(1), Error::<Test>::StillEngaged);
			WorkersPallet::release(&1);
		}
		assert_ok!(withdraw(1));
	});
}

#[test]
fn fault_should_cost_a_worker_that_is_leaving() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		assert_ok!(unregister(1));
		assert_eq!(WorkersPallet::note_fault(&1, Fault::OutsideTolerance), 50);
		System::set_block_number(11);
		assert_ok!(withdraw(1));
		assert_eq!(Balances::free_balance(1), FUNDS - 50);
	});
}
