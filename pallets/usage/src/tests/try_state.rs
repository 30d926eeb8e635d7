//! Breaks each invariant of the crate's documentation on purpose, by number.

use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::economy::BLY;
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::DispatchError};

/// An account with a server that was paid; then `corrupt`: the check must say `message`.
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	new_ext().execute_with(|| {
		assert_ok!(deposit(CLIENT, 100 * BLY));
		run_to(5);
		assert_ok!(submit(receipt(5)));
		Usage::do_try_state().expect("all is well before");
		corrupt();
		assert_eq!(Usage::do_try_state(), Err(DispatchError::Other(message)));
	});
}

fn change(change: impl FnOnce(&mut UsageAccountOf<Test>)) {
	Accounts::<Test>::mutate(CLIENT, |account| change(account.as_mut().unwrap()));
}

#[test]
fn try_state_1_should_fail_when_nothing_is_held_for_an_account() {
	broken(
		|| Accounts::<Test>::insert(OTHER_CLIENT, UsageAccount::default()),
		"usage: an account without a deposit is in storage",
	);
	broken(
		|| change(|account| account.withdrawal = Some((0, 1))),
		"usage: a withdrawal of nothing is in storage",
	);
}

#[test]
fn try_state_2_should_fail_when_a_server_is_named_twice_or_for_a_wrong_time() {
	broken(
		|| change(|account| account.servers.try_push((SERVER, 4)).unwrap()),
		"usage: an account names a server twice",
	);
	let message = "usage: a server was paid for a time before the account or to come";
	broken(|| change(|account| account.since = 5), message);
	broken(|| change(|account| account.servers[0].1 = 6), message);
}

#[test]
fn try_state_3_should_fail_when_the_sums_are_wrong() {
	let change = |change: fn(&mut Totals)| move || AllTime::<Test>::mutate(change);
	broken(change(|sums| sums.paid += 1), "usage: what was paid is neither burned nor with the servers");
	broken(
		change(|sums| sums.accrued = sums.burned / 2 + 1),
		"usage: more was accrued than burned fees allow",
	);
}
