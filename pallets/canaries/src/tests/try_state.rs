//! Each invariant of the README is broken on purpose, and must be found.

use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::{assert_ok, traits::fungible::hold::Mutate},
	sp_runtime::DispatchError,
};

#[track_caller]
fn assert_found(expected: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		assert_ok!(set_key(PLANTER, 0));
		run_to_period(2);
		assert_ok!(set_key(PLANTER, 1));
		let round = plant(PLANTER);
		measure(round, [WORSE; 5]);
		assert_ok!(reveal(round, PLANTER, 2));
		check_invariants();
		corrupt();
		assert_eq!(Canaries::do_try_state(), Err(DispatchError::Other(expected)));
	});
}

fn change(change: impl FnOnce(&mut PlanterOf<Test>)) {
	Planters::<Test>::mutate(PLANTER, |planter| change(planter.as_mut().unwrap()));
}

#[test]
fn check_should_find_wrong_periods() {
	let gaps = "the periods that are kept have gaps, or others are";
	assert_found(gaps, || Periods::<Test>::remove(1));
	assert_found(gaps, || OldestPeriod::<Test>::put(1));
	assert_found(gaps, CurrentPeriod::<Test>::kill);
	assert_found("more periods are kept than may be", || {
		let last = Periods::<Test>::get(2).unwrap();
		for number in 3..=MAX_PERIODS {
			let started_at = last.started_at + u64::from(number);
			Periods::<Test>::insert(number, Period { started_at, ..last });
		}
		CurrentPeriod::<Test>::put(MAX_PERIODS);
	});
	assert_found("a period began before the one before it", || {
		Periods::<Test>::mutate(1, |period| period.as_mut().unwrap().started_at = 1)
	});
}

#[test]
fn check_should_find_wrong_keys() {
	assert_found("a planter has no key", || change(|planter| planter.keys.clear()));
	assert_found("two keys of a planter take part at once", || {
		change(|planter| planter.keys[1].since = planter.keys[0].since)
	});
	assert_found("a key takes part later than one that is set now", || {
		change(|planter| planter.keys[1].since = 9)
	});
	let owners = "KeyOwners is not the keys of the planters, each once";
	assert_found(owners, || KeyOwners::<Test>::remove(key_of(PLANTER)));
	assert_found(owners, || KeyOwners::<Test>::insert(key_of(PLANTER), STRANGER));
}

#[test]
fn check_should_find_canaries_that_cannot_be() {
	assert_found("a planter has shown two canaries of a period", || {
		change(|planter| planter.planted.try_push(2).unwrap())
	});
	assert_found("a canary was shown of a period that has not begun", || {
		change(|planter| planter.planted.try_push(3).unwrap())
	});
}

#[test]
fn check_should_find_a_wrong_deposit() {
	assert_found("what is held of a planter is not its deposit", || {
		assert_ok!(Balances::hold(&HoldReason::KeyDeposit.into(), &PLANTER, 1));
	});
}

#[test]
fn check_should_find_wrong_parameters() {
	ExtBuilder::default().build().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.period_blocks = 0);
		assert_eq!(Canaries::do_try_state(), Err(Error::<Test>::PeriodLengthOutOfRange.into()));
	});
}
