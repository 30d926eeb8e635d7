//! Sealing, taking back, and what is held.

use crate::{mock::*, *};
use blyan_primitives::sealed::{LotState, NewLot, MAX_LOT_SHARDS};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, BoundedVec},
	sp_runtime::DispatchResult,
};

fn add(sealer: AccountId, lots: Vec<NewLot>) -> DispatchResult {
	SealedShards::add_lots(RuntimeOrigin::signed(sealer), MODEL, BoundedVec::truncate_from(lots))
}

#[test]
fn add_lots_should_hold_deposit_and_bond_for_each() {
	ExtBuilder.build_and_execute(|| {
		assert_ok!(add(SEALER, vec![new_lot(0), new_lot(1)]));
		assert_eq!((held(SEALER), Reserves::<Test>::get(MODEL).len()), (2 * (DEPOSIT + BOND), 2));
		assert_event(Event::LotsSealed {
			model: MODEL,
			sealer: SEALER,
			lots: BoundedVec::truncate_from(vec![0, 1]),
			held: 2 * (DEPOSIT + BOND),
		});
		let info = SealedShards::lot(1).unwrap();
		assert_eq!((info.sealer, info.held, info.added_at, info.model), (SEALER, DEPOSIT + BOND, 1, MODEL));
		assert_eq!((info.lot, info.state), (new_lot(1), LotState::Reserved));
	});
}

#[test]
fn add_lots_should_be_refused_when_a_lot_cannot_be_used() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(add(SEALER, vec![]), Error::<Test>::NoLots);
		let long = NewLot { shards: MAX_LOT_SHARDS + 1, ..new_lot(0) };
		assert_noop!(add(SEALER, vec![long]), Error::<Test>::LotInvalid);
		let other = NewLot { shard_bytes: SHARD_BYTES + 1, ..new_lot(0) };
		assert_noop!(add(SEALER, vec![other]), Error::<Test>::ShardLengthMismatch);
		assert_noop!(add(SEALER, vec![new_lot(0), new_lot(0)]), Error::<Test>::TextAlreadySealed);
		seal(SEALER, 0);
		assert_noop!(add(SEALER + 1, vec![new_lot(0)]), Error::<Test>::TextAlreadySealed);
		let origin = RuntimeOrigin::signed(SEALER);
		let lots = BoundedVec::truncate_from(vec![new_lot(1)]);
		assert_noop!(SealedShards::add_lots(origin, UNOPENED, lots), Error::<Test>::TrainingNotOpen);
	});
}

#[test]
fn add_lots_should_be_refused_when_the_sealer_trains_or_cannot_pay() {
	ExtBuilder.build_and_execute(|| {
		World::set_training(TRAINER);
		assert_noop!(add(TRAINER, vec![new_lot(0)]), Error::<Test>::SealerIsTraining);
		assert_noop!(add(1_234, vec![new_lot(0)]), Error::<Test>::BondNotAvailable);
	});
}

#[test]
fn add_lots_should_be_refused_when_the_reserve_is_full() {
	ExtBuilder.build_and_execute(|| {
		seal_each(u64::from(MAX_RESERVE));
		assert_noop!(add(SEALER, vec![new_lot(50)]), Error::<Test>::ReserveFull);
		assert_ok!(SealedShards::withdraw(RuntimeOrigin::signed(SEALER + 3), 3));
		assert_ok!(add(SEALER, vec![new_lot(50)]));
	});
}

#[test]
fn withdraw_should_return_what_is_held_while_nobody_has_drawn_the_lot() {
	ExtBuilder.build_and_execute(|| {
		let lot = seal(SEALER, 0);
		let withdraw = |who| SealedShards::withdraw(RuntimeOrigin::signed(who), lot);
		assert_noop!(withdraw(STRANGER), Error::<Test>::NotSealer);
		assert_ok!(withdraw(SEALER));
		assert_event(Event::LotWithdrawn { lot, sealer: SEALER, returned: DEPOSIT + BOND });
		assert_eq!((held(SEALER), total(SEALER)), (0, ENDOWMENT));
		assert_noop!(withdraw(SEALER), Error::<Test>::LotNotFound);
		assert_eq!(seal(SEALER, 0), 1, "its text may be sealed again");
	});
}

#[test]
fn withdraw_should_be_refused_when_the_lot_was_drawn() {
	ExtBuilder.build_and_execute(|| {
		seal_each(1);
		set_terms(1);
		let lot = drawn(World::draw(0, 1, &[]))[0];
		assert_noop!(
			SealedShards::withdraw(RuntimeOrigin::signed(SEALER), lot),
			Error::<Test>::LotAlreadyDrawn
		);
	});
}

#[test]
fn lots_should_be_listed_page_by_page() {
	ExtBuilder.build_and_execute(|| {
		seal_each(5);
		assert_ok!(SealedShards::withdraw(RuntimeOrigin::signed(SEALER + 1), 1));
		let ids = |(lots, next): (Vec<blyan_primitives::api::LotInfo<_>>, _)| {
			(lots.iter().map(|lot| lot.id).collect::<Vec<_>>(), next)
		};
		assert_eq!(ids(SealedShards::lots(None, 0, 3)), (vec![0, 2], Some(3)));
		assert_eq!(ids(SealedShards::lots(Some(MODEL), 3, 3)), (vec![3, 4], None));
		assert_eq!(ids(SealedShards::lots(Some(UNOPENED), 0, 9)), (vec![], None));
		assert_eq!(ids(SealedShards::lots(None, u64::MAX, u32::MAX)), (vec![], None));
	});
}
