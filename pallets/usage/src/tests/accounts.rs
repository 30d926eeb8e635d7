use crate::{mock::*, pallet::*};
use blyan_primitives::{economy::BLY, usage::UsageAccountInfo};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::TokenError,
};

fn request(amount: u128) -> polkadot_sdk::sp_runtime::DispatchResult {
	Usage::request_withdrawal(RuntimeOrigin::signed(CLIENT), amount)
}

fn withdraw() -> polkadot_sdk::sp_runtime::DispatchResult {
	Usage::withdraw(RuntimeOrigin::signed(CLIENT))
}

#[test]
fn deposit_should_hold_what_is_put_in() {
	build_and_execute(|| {
		assert_noop!(deposit(CLIENT, BLY - 1), Error::<Test>::DepositTooSmall);
		assert_ok!(deposit(CLIENT, BLY));
		assert_ok!(deposit(CLIENT, 1));
		assert_eq!(last_event(), Event::Deposited { client: CLIENT, amount: 1, deposit: BLY + 1 });
		assert_eq!((held(CLIENT), free(CLIENT)), (BLY + 1, ENDOWMENT - BLY - 1));
		assert_noop!(deposit(CLIENT, 0), Error::<Test>::DepositTooSmall);
		assert_noop!(deposit(CLIENT, 2 * ENDOWMENT), TokenError::FundsUnavailable);
		let expected = UsageAccountInfo { deposit: BLY + 1, withdrawal: None, since: 1, servers: Vec::new() };
		assert_eq!(Usage::account(&CLIENT), Some(expected));
		assert_eq!(Usage::account(&OTHER_CLIENT), None);
	});
}

#[test]
fn withdrawal_should_wait_and_pay_receipts_meanwhile() {
	build_and_execute(|| {
		assert_ok!(deposit(CLIENT, 30 * BLY));
		run_to(5);
		assert_ok!(request(25 * BLY));
		let from = 5 + DELAY;
		assert_eq!(last_event(), Event::WithdrawalRequested { client: CLIENT, amount: 25 * BLY, from });
		run_to(from - 1);
		assert_noop!(withdraw(), Error::<Test>::WithdrawalTooEarly);
		assert_ok!(submit(receipt(from - 1)));
		run_to(from);
		assert_ok!(withdraw());
		// What is left, for it is less than was asked for.
		assert_eq!(last_event(), Event::Withdrawn { client: CLIENT, amount: 20 * BLY });
		assert!(!Accounts::<Test>::contains_key(CLIENT));
		assert_eq!((held(CLIENT), free(CLIENT)), (0, ENDOWMENT - 10 * BLY));
	});
}

#[test]
fn withdrawal_should_leave_the_account_when_something_stays() {
	build_and_execute(|| {
		assert_ok!(deposit(CLIENT, 30 * BLY));
		assert_ok!(request(5 * BLY));
		run_to(1 + DELAY);
		assert_ok!(withdraw());
		assert_eq!((held(CLIENT), account(CLIENT).withdrawal), (25 * BLY, None));
		assert_noop!(withdraw(), Error::<Test>::WithdrawalNotRequested);
	});
}

#[test]
fn withdrawal_should_start_again_when_it_is_asked_for_again() {
	build_and_execute(|| {
		assert_ok!(deposit(CLIENT, 30 * BLY));
		assert_ok!(request(5 * BLY));
		run_to(10);
		assert_ok!(request(6 * BLY));
		assert_eq!(account(CLIENT).withdrawal, Some((6 * BLY, 10 + DELAY)));
	});
}

#[test]
fn withdrawal_should_fail_when_there_is_nothing_or_not_as_much() {
	build_and_execute(|| {
		assert_noop!(request(1), Error::<Test>::AccountNotFound);
		assert_noop!(withdraw(), Error::<Test>::AccountNotFound);
		assert_ok!(deposit(CLIENT, BLY));
		assert_noop!(request(0), Error::<Test>::WithdrawalOutOfRange);
		assert_noop!(request(BLY + 1), Error::<Test>::WithdrawalOutOfRange);
	});
}
