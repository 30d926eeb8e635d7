use crate::{impls::learning::*, mock::*, pallet::*};
use blyan_primitives::{
	economy::{Budget, BLY},
	learning::{BIT_PER_BYTE, MAX_NANOBITS},
	traits::AcceptedWork,
};
use polkadot_sdk::frame_support::assert_storage_noop;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn with_lineage(lineage: Vec<Vec<AccountId>>) -> AcceptedWork<AccountId> {
	AcceptedWork { lineage, ..work(BIT_PER_BYTE, 1, &[]) }
}

#[test]
fn accrue_should_divide_what_the_gain_is_worth() {
	build_and_execute(|| {
		// A tenth of a bit, at 100 BLY a bit: 10 BLY.
		accrue(AcceptedWork { lineage: vec![vec![4]], ..work(BIT_PER_BYTE / 10, 1, &[2, 3]) });
		let share = |who| Claims::<Test>::get(0, who).unwrap().learning;
		assert_eq!(share(1), 55 * BLY / 10);
		assert_eq!((share(2), share(3)), (75 * BLY / 100, 75 * BLY / 100));
		assert_eq!(share(4), BLY * 8 / 15);
		assert_eq!(pot(0).claimed, share(1) + share(2) + share(3) + share(4));
		assert_eq!((pot(0).open, pot(0).claimants), (pot(0).claimed, 4));
		assert_eq!(
			events()[1],
			Event::Accrued {
				epoch: 0,
				account: 1,
				budget: Budget::Learning,
				amount: 55 * BLY / 10,
				work: WORK
			}
		);
		assert_eq!(events().len(), 1 + 4);
	});
}

#[test]
fn accrue_should_add_to_a_claim_when_the_account_earns_again() {
	build_and_execute(|| {
		accrue(work(BIT_PER_BYTE / 10, 1, &[2]));
		accrue(work(BIT_PER_BYTE / 10, 1, &[]));
		assert_eq!(Claims::<Test>::get(0, 1).unwrap().learning, 11 * BLY);
		assert_eq!(pot(0).claimants, 2);
		assert_eq!(OpenClaims::<Test>::get(1).into_inner(), vec![0]);
	});
}

#[test]
fn accrue_should_change_nothing_when_there_is_no_gain() {
	build_and_execute(|| {
		assert_storage_noop!(accrue(work(0, 1, &[2])));
		assert_storage_noop!(accrue(work(-BIT_PER_BYTE, 1, &[2])));
	});
}

#[test]
fn accrue_should_go_to_the_new_epoch_when_it_comes_before_our_hook() {
	build_and_execute(|| {
		System::set_block_number(1 + u64::from(EPOCH_BLOCKS));
		accrue(work(BIT_PER_BYTE, 1, &[]));
		assert_eq!(running(), 1);
		assert!(Claims::<Test>::contains_key(1, 1));
	});
}

#[test]
fn divide_should_halve_the_lineage_with_each_generation() {
	let parts = divide(&with_lineage(vec![vec![2, 3, 4, 5, 6]]), 150 * BLY);
	let expected = [(1, 825), (2, 80), (3, 40), (4, 20), (5, 10)];
	assert_eq!(parts, expected.into_iter().map(|(who, tenths)| (who, tenths * BLY / 10)).collect());
}

#[test]
fn divide_should_not_hand_on_the_share_of_a_generation_that_does_not_exist() {
	let parts = divide(&with_lineage(vec![vec![2]]), 150 * BLY);
	assert_eq!(parts, BTreeMap::from([(1, 825 * BLY / 10), (2, 8 * BLY)]));
	assert_eq!(divide(&with_lineage(vec![vec![]]), 150 * BLY), BTreeMap::from([(1, 825 * BLY / 10)]));
}

#[test]
fn divide_should_average_the_lineage_over_the_blocks() {
	// Two blocks: one with two generations, one that has none.
	let parts = divide(&with_lineage(vec![vec![2, 3], vec![]]), 150 * BLY);
	assert_eq!(parts, BTreeMap::from([(1, 825 * BLY / 10), (2, 4 * BLY), (3, 2 * BLY)]));
}

#[test]
fn divide_should_add_up_what_one_account_did_in_several_parts() {
	// The trainer is its own parent, and measured as well.
	let all = AcceptedWork { lineage: vec![vec![1, 1, 1, 1]], ..work(BIT_PER_BYTE, 1, &[1]) };
	assert_eq!(divide(&all, 150 * BLY), BTreeMap::from([(1, 120 * BLY)]));
}

#[test]
fn worth_should_follow_the_gain() {
	assert_eq!(worth(BIT_PER_BYTE, 100 * BLY), 100 * BLY);
	assert_eq!(worth(BIT_PER_BYTE / 1_000, 100 * BLY), BLY / 10);
	assert_eq!(worth(0, BLY), 0);
	assert_eq!(worth(i64::MIN, BLY), 0);
	assert_eq!(worth(MAX_NANOBITS, crate::MAX_LEARNING_RATE), 64 * crate::MAX_LEARNING_RATE);
}

proptest! {
	#[test]
	fn divide_should_never_give_more_than_four_fifths(
		worth in 0u128..1_000_000_000 * BLY,
		evaluators in proptest::collection::vec(1u64..20, 0..8),
		lineage in proptest::collection::vec(proptest::collection::vec(1u64..20, 0..6), 0..6),
	) {
		let parts_at_most = evaluators.len() + lineage.len() * 4 + 1;
		let full = !evaluators.is_empty() && !lineage.is_empty() && lineage.iter().all(|a| a.len() >= 4);
		let sum: u128 = divide(&AcceptedWork { lineage, ..work(1, 1, &evaluators) }, worth).values().sum();
		prop_assert!(sum <= worth * 4 / 5);
		if full {
			// Nothing but rounding is missing: less than a unit a part, and one for each of the shares.
			prop_assert!(worth * 4 / 5 - sum <= parts_at_most as u128 + 3);
		}
	}
}
