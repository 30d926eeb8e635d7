use crate::mock::*;
use blyan_primitives::datasets::MOST_PURSE;
use polkadot_sdk::{frame_support::traits::Hooks, sp_runtime::Perbill};

#[test]
fn constants_should_be_taken_when_they_make_sense() {
	new_ext().execute_with(|| {
		DailyCap::set(MOST_PURSE);
		LeastWeight::set(Perbill::from_rational(1u32, 16));
		Lineage::integrity_test();
	});
}

#[test]
#[should_panic(expected = "DayBlocks must be")]
fn constants_should_be_refused_when_there_are_no_days() {
	new_ext().execute_with(|| {
		DayBlocks::set(0);
		Lineage::integrity_test();
	});
}

#[test]
#[should_panic(expected = "DailyCap must be")]
fn constants_should_be_refused_when_a_day_does_not_pay_a_purse() {
	new_ext().execute_with(|| {
		DailyCap::set(MOST_PURSE - 1);
		Lineage::integrity_test();
	});
}

#[test]
#[should_panic(expected = "LeastWeight must not")]
fn constants_should_be_refused_when_equal_datasets_would_not_count() {
	new_ext().execute_with(|| {
		LeastWeight::set(Perbill::from_percent(7));
		Lineage::integrity_test();
	});
}
