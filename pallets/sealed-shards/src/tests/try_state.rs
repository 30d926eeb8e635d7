//! Each invariant of the README is broken on purpose, and must be found.

use crate::{mock::*, *};
use blyan_primitives::{sealed::LotState, Hash};
use polkadot_sdk::{
	frame_support::{assert_ok, traits::fungible::hold::Mutate},
	sp_runtime::DispatchError,
};

/// Lots 0 and 1 are drawn, of which 0 is opened; lot 2 is in the reserve.
#[track_caller]
fn assert_found(expected: &'static str, corrupt: impl FnOnce(u64, u64, u64)) {
	ExtBuilder.build().execute_with(|| {
		seal_each(3);
		set_terms(2);
		let lots = drawn(World::draw(0, 1, &[]));
		let left = (0..3).find(|lot| !lots.contains(lot)).unwrap();
		assert_ok!(SealedShards::open(RuntimeOrigin::signed(STRANGER), lots[0], key(lots[0])));
		SealedShards::do_try_state().unwrap();
		corrupt(lots[0], lots[1], left);
		assert_eq!(SealedShards::do_try_state(), Err(DispatchError::Other(expected)));
	});
}

fn edit(lot: u64, change: impl FnOnce(&mut LotOf<Test>)) {
	Lots::<Test>::mutate(lot, |lot| change(lot.as_mut().unwrap()));
}

#[test]
fn check_should_find_a_reserve_that_is_not_what_may_be_drawn() {
	let expected = "a reserve is not the lots that may be drawn, each once";
	assert_found(expected, |_, _, _| Reserves::<Test>::remove(MODEL));
	assert_found(expected, |_, drawn, _| edit(drawn, |lot| lot.state = LotState::Reserved));
	assert_found(expected, |_, _, left| edit(left, |lot| lot.sealer = STRANGER));
	assert_found(expected, |_, _, _| {
		let reserve = Reserves::<Test>::get(MODEL);
		Reserves::<Test>::insert(UNOPENED, reserve);
	});
	assert_found("an empty reserve is kept", |_, _, _| {
		Reserves::<Test>::insert(UNOPENED, ReserveOf::<Test>::default())
	});
}

#[test]
fn check_should_find_a_lot_that_its_round_knows_otherwise() {
	assert_found("a lot was drawn that no round waits for", |_, drawn, _| {
		edit(drawn, |lot| lot.state = LotState::Drawn { round: 9 })
	});
	assert_found("a round waits for a lot that was opened", |_, drawn, _| {
		edit(drawn, |lot| lot.state = LotState::Retired { round: 0, key: key(drawn), at: 1 })
	});
	assert_found("a lot was opened by another key", |opened, _, _| {
		edit(opened, |lot| lot.state = LotState::Retired { round: 0, key: [0; 32], at: 1 })
	});
}

#[test]
fn check_should_find_a_wrong_hold() {
	let expected = "what is held of a sealer is not the deposits and bonds of its lots";
	assert_found(expected, |_, drawn, _| edit(drawn, |lot| lot.bond += 1));
	assert_found(expected, |opened, _, _| edit(opened, |lot| lot.deposit -= 1));
	assert_found(expected, |_, _, left| {
		assert_ok!(Balances::hold(&HoldReason::LotBond.into(), &(SEALER + left), 1));
	});
}

#[test]
fn check_should_find_a_text_that_is_kept_twice_or_not_at_all() {
	let expected = "the roots are not those of the lots that are kept, each once";
	assert_found(expected, |_, _, _| LotOfRoot::<Test>::insert(Hash::repeat_byte(9), 0));
	assert_found(expected, |opened, drawn, _| {
		let root = Lots::<Test>::get(opened).unwrap().lot.root;
		LotOfRoot::<Test>::remove(Lots::<Test>::get(drawn).unwrap().lot.root);
		edit(drawn, |lot| lot.lot.root = root);
	});
}

#[test]
fn check_should_find_wrong_rules() {
	assert_found("a lot has a number that was not given yet", |_, _, _| NextLotId::<Test>::put(2));
	assert_found("a lot is kept that cannot be measured", |opened, _, _| {
		edit(opened, |lot| lot.lot.shards = 0)
	});
	assert_found("a model asks for no lots, or for more than a round may draw", |_, _, _| {
		Terms::<Test>::mutate(MODEL, |terms| terms.as_mut().unwrap().lots = 0)
	});
	ExtBuilder.build().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.bond = 0);
		assert_eq!(SealedShards::do_try_state(), Err(Error::<Test>::NoBond.into()));
	});
}
