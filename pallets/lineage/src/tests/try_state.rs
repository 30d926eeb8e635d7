//! Each invariant, broken once on purpose.

use crate::{mock::*, *};
use blyan_primitives::economy::BLY;
use polkadot_sdk::sp_runtime::DispatchError;

/// Two datasets that a model learned from, one of which has drawn of its purse, and one that is marked; then `corrupt`:
/// the check must say `why`.
#[track_caller]
fn broken(why: &str, corrupt: impl FnOnce()) {
	new_ext().execute_with(|| {
		accept(0, &[(1, 50), (2, 50)]);
		accept(3, &[(1, 100)]);
		draw(1, BLY);
		reject(3, ROW, ROW_TRAINERS);
		Lineage::do_try_state().expect("all is well before");
		corrupt();
		match Lineage::do_try_state() {
			Err(DispatchError::Other(message)) => assert!(message.contains(why), "{message}"),
			other => panic!("{other:?}"),
		}
	});
}

fn change_utility(number: u8, change: impl FnOnce(&mut Utility<AccountId>)) {
	Utilities::<Test>::mutate(dataset(number), |utility| change(utility.as_mut().unwrap()));
}

#[test]
fn lineage_should_be_the_same_both_ways() {
	broken("not who learned", || DatasetModels::<Test>::insert(dataset(1), 7, ()));
	broken("not who learned", || DatasetModels::<Test>::remove(dataset(1), MODEL));
}

#[test]
fn uses_should_be_of_submissions() {
	let change = |change: fn(&mut DataUse)| {
		move || ModelData::<Test>::mutate(MODEL, dataset(1), |used| change(used.as_mut().unwrap()))
	};
	broken("more submissions than there were", change(|used| used.submissions = 0));
	broken("more submissions than there were", change(|used| used.submissions = 5));
	broken("more submissions than there were", change(|used| used.first = 4));
	broken("nothing is known", || Utilities::<Test>::remove(dataset(1)));
}

#[test]
fn marks_should_be_by_the_rule() {
	broken("otherwise than by the rule", || change_utility(1, |utility| utility.is_zero = true));
	broken("otherwise than by the rule", || change_utility(3, |utility| utility.is_zero = false));
	broken("more trainers", || {
		change_utility(1, |utility| utility.trainers.try_push(TRAINER).unwrap());
	});
	broken("more trainers", || {
		change_utility(1, |utility| {
			utility.rejected = 2;
			utility.trainers = vec![TRAINER, TRAINER].try_into().unwrap();
		});
	});
}

#[test]
fn purses_should_have_no_more_than_was_put_into_them() {
	let change = |number, purse| move || Purses::<Test>::insert(dataset(number), purse);
	broken("more in a purse", change(1, Purse { start: BLY, left: BLY + 1 }));
	broken("more in a purse", change(1, Purse { start: 1_000 * BLY + 1, left: 0 }));
	broken("is not void", change(3, Purse { start: BLY, left: 1 }));
	broken("is not void", || Purses::<Test>::remove(dataset(3)));
}

#[test]
fn days_should_pay_no_more_than_the_cap() {
	broken("a day's cap", || LastDay::<Test>::put(DayDraws { day: 0, drawn: CAP + 1 }));
	broken("a day to come", || LastDay::<Test>::put(DayDraws { day: 1, drawn: 0 }));
}
