//! Keys, slashes and retirement.

use crate::{mock::*, *};
use blyan_primitives::{sealed::LotState, traits::SealedReserve};
use polkadot_sdk::{
	frame_support::{assert_noop, dispatch::Pays},
	pallet_balances,
};

fn open(lot: u64, number: u64) -> polkadot_sdk::frame_support::dispatch::DispatchResultWithPostInfo {
	SealedShards::open(RuntimeOrigin::signed(STRANGER), lot, key(number))
}

/// Three lots, of which round 0 has drawn two.
fn draw_two() -> Vec<u64> {
	seal_each(3);
	set_terms(2);
	drawn(World::draw(0, 1, &[]))
}

#[test]
fn open_should_retire_the_lot_and_tell_the_round() {
	ExtBuilder.build_and_execute(|| {
		let lots = draw_two();
		assert_eq!(open(lots[0], lots[0]).unwrap().pays_fee, Pays::No);
		let at = System::block_number();
		assert_eq!(state(lots[0]), LotState::Retired { round: 0, key: key(lots[0]), at });
		assert_event(Event::LotOpened { lot: lots[0], round: 0, key: key(lots[0]) });
		assert_eq!(World::waiting(0), [lots[1]]);
		let (retired, next) = SealedShards::retired(MODEL, 0, 10);
		assert_eq!((retired.len(), retired[0].id, next), (1, lots[0], None));
		assert_noop!(open(lots[0], lots[0]), Error::<Test>::NotAwaitingOpening);
	});
}

#[test]
fn open_should_be_refused_with_another_key_before_the_draw_and_after_the_deadline() {
	ExtBuilder.build_and_execute(|| {
		let lots = draw_two();
		let undrawn = (0..3).find(|lot| !lots.contains(lot)).unwrap();
		assert_noop!(open(undrawn, undrawn), Error::<Test>::NotAwaitingOpening);
		assert_noop!(open(77, 0), Error::<Test>::LotNotFound);
		assert_noop!(open(lots[0], lots[1]), Error::<Test>::KeyMismatch);
		run_blocks(OPENING_BLOCKS);
		polkadot_sdk::frame_support::assert_ok!(open(lots[1], lots[1]));
		next_block();
		assert_noop!(open(lots[0], lots[0]), Error::<Test>::NotAwaitingOpening);
	});
}

#[test]
fn lot_should_cost_its_bond_when_it_was_not_opened() {
	ExtBuilder.build_and_execute(|| {
		let lots = draw_two();
		let issuance = pallet_balances::TotalIssuance::<Test>::get();
		World::end_opening(0);
		for lot in lots {
			let sealer = SEALER + lot;
			assert_eq!((held(sealer), total(sealer)), (0, ENDOWMENT - BOND));
			assert_event(Event::LotVoided { lot, sealer, burned: BOND, returned: DEPOSIT });
			assert_eq!(SealedShards::lot(lot), None);
		}
		assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance - 2 * BOND);
	});
}

#[test]
fn lot_should_cost_its_bond_when_it_was_opened_and_is_no_good() {
	ExtBuilder.build_and_execute(|| {
		let lots = draw_two();
		open(lots[0], lots[0]).unwrap();
		SealedShards::void(lots[0]);
		assert_eq!(total(SEALER + lots[0]), ENDOWMENT - BOND);
		assert_eq!(SealedShards::retired(MODEL, 0, 10).0, vec![], "what is no good is nothing to train on");
	});
}

#[test]
fn reclaim_should_return_what_is_held_after_the_retention_when_the_round_is_closed() {
	ExtBuilder.build_and_execute(|| {
		let lots = draw_two();
		let reclaim = |lot| SealedShards::reclaim(RuntimeOrigin::signed(STRANGER), lot);
		assert_noop!(reclaim(77), Error::<Test>::LotNotFound);
		assert_noop!(reclaim(lots[0]), Error::<Test>::LotNotRetired);
		lots.iter().for_each(|lot| assert!(open(*lot, *lot).is_ok()));
		run_blocks(RETENTION_BLOCKS);
		assert_noop!(reclaim(lots[0]), Error::<Test>::RetentionNotOver);
		World::close(0);
		System::set_block_number(System::block_number() - 1);
		assert_noop!(reclaim(lots[0]), Error::<Test>::RetentionNotOver);
		next_block();
		polkadot_sdk::frame_support::assert_ok!(reclaim(lots[0]));
		let sealer = SEALER + lots[0];
		assert_event(Event::LotReclaimed { lot: lots[0], sealer, returned: DEPOSIT + BOND });
		assert_eq!((held(sealer), total(sealer)), (0, ENDOWMENT));
	});
}
