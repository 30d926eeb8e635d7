use crate::{mock::*, *};
use blyan_primitives::canary;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::Pair as _,
};

fn since(who: AccountId) -> Vec<u32> {
	Planters::<Test>::get(who).unwrap().keys.iter().map(|entry| entry.since).collect()
}

#[test]
fn key_should_take_part_from_the_period_after_the_next_on() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_key(PLANTER, 0));
		assert_event(Event::KeySet { validator: PLANTER, key: key_of(PLANTER), since: 2 });
		assert_eq!((since(PLANTER), deposit_of(PLANTER)), (vec![2], DEPOSIT));
		let info = Canaries::canary_key(key_of(PLANTER)).unwrap();
		assert_eq!((info.validator, info.is_validator, info.since, info.until), (PLANTER, true, 2, None));
		assert_eq!(Canaries::canary_key(key_of(OTHER_PLANTER)), None);
	});
}

#[test]
fn key_should_be_a_validators_own_and_nobody_elses() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(set_key(STRANGER, 0), Error::<Test>::NotValidator);
		let pair = pair_of(PLANTER, 0);
		let of_another = canary::prove_ownership(&pair, &PLANTER);
		let origin = RuntimeOrigin::signed(OTHER_PLANTER);
		assert_noop!(Canaries::set_key(origin, pair.public().0, of_another), Error::<Test>::KeyNotOwned);
		assert_ok!(set_key(PLANTER, 0));
		let signed = canary::prove_ownership(&pair, &OTHER_PLANTER);
		let origin = RuntimeOrigin::signed(OTHER_PLANTER);
		assert_noop!(Canaries::set_key(origin, pair.public().0, signed), Error::<Test>::KeyTaken);
		assert_noop!(set_key(PLANTER, 0), Error::<Test>::KeyTaken);
	});
}

#[test]
fn key_should_be_refused_when_the_deposit_is_not_covered() {
	ExtBuilder::default().build_and_execute(|| {
		World::set_validator(77, true);
		assert_noop!(set_key(77, 0), Error::<Test>::DepositNotAvailable);
	});
}

#[test]
fn key_should_be_replaced_without_losing_the_one_before_it() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_key(PLANTER, 0));
		// Before it took part: it never does.
		assert_ok!(set_key(PLANTER, 1));
		assert_eq!((since(PLANTER), KeyOwners::<Test>::iter().count()), (vec![2], 1));
		for number in 2..2 + MAX_KEYS {
			next_block();
			run_to_period(period() + 1);
			assert_ok!(set_key(PLANTER, number as u8));
			check_invariants();
		}
		assert_eq!(since(PLANTER), [3, 4, 5, 6], "the oldest is forgotten");
		let planter = Planters::<Test>::get(PLANTER).unwrap();
		let key = |number| Some(pair_of(PLANTER, number).public().0);
		assert_eq!((planter.key_in(2), planter.key_in(3)), (None, key(2)));
		assert_eq!((planter.key_in(6), planter.key_in(60)), (key(5), key(5)));
		assert_eq!(deposit_of(PLANTER), DEPOSIT, "one deposit for all");
		let info = Canaries::canary_key(key(2).unwrap()).unwrap();
		assert_eq!((info.since, info.until), (3, Some(4)));
	});
}

#[test]
fn deposit_should_return_when_the_keys_are_removed() {
	ExtBuilder::default().build_and_execute(|| {
		let origin = || RuntimeOrigin::signed(PLANTER);
		assert_noop!(Canaries::remove_keys(origin()), Error::<Test>::NoKey);
		assert_ok!(set_key(PLANTER, 0));
		// Who is no validator any more has its deposit back as well.
		World::set_validator(PLANTER, false);
		assert_ok!(Canaries::remove_keys(origin()));
		assert_event(Event::KeysRemoved { validator: PLANTER, deposit: DEPOSIT });
		assert_eq!((deposit_of(PLANTER), KeyOwners::<Test>::iter().count()), (0, 0));
	});
}
