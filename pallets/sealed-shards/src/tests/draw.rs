//! Which lots are drawn.

use crate::{mock::*, *};
use blyan_primitives::{
	sealed::{LotState, NewLot},
	traits::DrawnLots,
};
use polkadot_sdk::frame_support::{assert_ok, BoundedVec};
use std::collections::BTreeSet;

#[test]
fn draw_should_bind_lots_to_the_round_and_take_them_out_of_the_reserve() {
	ExtBuilder.build_and_execute(|| {
		seal_each(5);
		set_terms(3);
		let lots = drawn(World::draw(8, 1, &[]));
		assert_eq!(lots.iter().collect::<BTreeSet<_>>().len(), 3);
		assert!(lots.iter().all(|lot| state(*lot) == LotState::Drawn { round: 8 }));
		assert_eq!(Reserves::<Test>::get(MODEL).len(), 2);
		assert_eq!(World::draw(9, 1, &[]), DrawnLots::TooFew);
		assert_eq!(Reserves::<Test>::get(MODEL).len(), 2, "none is bound where there are too few");
	});
}

#[test]
fn draw_should_take_every_lot_about_equally_often() {
	ExtBuilder.build_and_execute(|| {
		seal_each(6);
		set_terms(2);
		let mut counts = [0u32; 6];
		for n in 0u32..600 {
			polkadot_sdk::frame_support::storage::with_transaction(|| {
				let seed = blyan_primitives::Hash::from_low_u64_be(n.into());
				for lot in drawn(World::draw_with(0, &pool(), seed, &[], 2)) {
					counts[lot as usize] += 1;
				}
				polkadot_sdk::sp_runtime::TransactionOutcome::Rollback(Ok::<
					(),
					polkadot_sdk::sp_runtime::DispatchError,
				>(()))
			})
			.unwrap();
		}
		// 200 each are expected, with a standard deviation of 11.5.
		assert!(counts.iter().all(|count| (140..260).contains(count)), "{counts:?}");
	});
}

#[test]
fn draw_should_take_one_lot_of_a_sealer_when_others_are_to_be_had() {
	ExtBuilder.build_and_execute(|| {
		(0..6).for_each(|number| assert_eq!(seal(SEALER, number), number));
		seal(SEALER + 1, 6);
		seal(SEALER + 2, 7);
		next_block();
		set_terms(3);
		let sealer = |lot: &u64| Lots::<Test>::get(lot).unwrap().sealer;
		let sealers = |lots: &[u64]| lots.iter().map(sealer).collect::<BTreeSet<_>>();
		assert_eq!(sealers(&drawn(World::draw(0, 1, &[]))).len(), 3);
		// Five of the one are left.
		assert_eq!(sealers(&drawn(World::draw(1, 1, &[]))), BTreeSet::from([SEALER]));
	});
}

#[test]
fn draw_should_not_take_the_lots_of_who_is_excluded() {
	ExtBuilder.build_and_execute(|| {
		seal_each(3);
		set_terms(2);
		let mut lots = drawn(World::draw(0, 1, &[SEALER + 1]));
		lots.sort_unstable();
		assert_eq!(lots, [0, 2]);
	});
}

#[test]
fn draw_should_not_take_what_was_sealed_when_the_candidate_was_known() {
	ExtBuilder.build_and_execute(|| {
		seal_each(2);
		set_terms(2);
		assert_eq!(World::draw_with(0, &pool(), Default::default(), &[], 1), DrawnLots::TooFew);
		assert_eq!(drawn(World::draw_with(0, &pool(), Default::default(), &[], 2)).len(), 2);
	});
}

#[test]
fn draw_should_take_only_lots_of_the_length_that_is_asked_for() {
	ExtBuilder.build_and_execute(|| {
		let short = NewLot { shards: SHARDS - 1, ..new_lot(7) };
		let lots = BoundedVec::truncate_from(vec![short]);
		assert_ok!(SealedShards::add_lots(RuntimeOrigin::signed(SEALER), MODEL, lots));
		next_block();
		set_terms(1);
		assert_eq!(World::draw(0, 1, &[]), DrawnLots::TooFew);
	});
}
