use crate::{impls::learning::*, mock::*, pallet::*, types::*, WeightInfo};
use blyan_primitives::{
	economy::{Budget, BLY},
	learning::BIT_PER_BYTE,
	traits::{AcceptedWork, DataRewards},
	Balance,
};
use polkadot_sdk::{
	frame_support::{assert_storage_noop, traits::Hooks, weights::Weight},
	sp_runtime::Perbill,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A tenth of a bit, at 100 BLY a bit: 10 BLY, of which 2 belong to the data.
fn accept(submission: u64) {
	accrue(AcceptedWork { submission, ..work(BIT_PER_BYTE / 10, 1, &[]) });
}

fn data_claim(epoch: EpochNumber, who: AccountId) -> Balance {
	Claims::<Test>::get(epoch, who).unwrap_or_default().data
}

#[test]
fn data_should_be_paid_at_the_verdict_when_it_was_verified_before() {
	build_and_execute(|| {
		verify(5, &[(8, 75), (9, 25)]);
		assert_eq!(data_claim(0, 8), 0, "nothing is owed before the verdict");
		accept(5);
		assert_eq!((data_claim(0, 8), data_claim(0, 9)), (15 * BLY / 10, 5 * BLY / 10));
		assert!(!WaitingShares::<Test>::contains_key(5));
		let expected = Event::Accrued {
			epoch: 0,
			account: 8,
			budget: Budget::Data,
			amount: 15 * BLY / 10,
			submission: 5,
		};
		assert!(events().contains(&expected));
	});
}

#[test]
fn data_should_be_paid_in_the_running_epoch_when_it_is_verified_after_the_verdict() {
	build_and_execute(|| {
		accept(5);
		assert_eq!(WaitingShares::<Test>::get(5), Some(WaitingShare { epoch: 0, worth: 10 * BLY }));
		run_to_epoch(PATIENCE);
		idle();
		verify(5, &[(8, 100)]);
		assert_eq!(data_claim(PATIENCE, 8), 2 * BLY);
		assert!(!WaitingShares::<Test>::contains_key(5));
		assert!(!WaitingSharesOf::<Test>::contains_key(0, 5));
	});
}

#[test]
fn data_should_be_paid_once_when_it_is_told_of_twice() {
	build_and_execute(|| {
		accept(5);
		verify(5, &[(8, 100)]);
		assert_storage_noop!(<Rewards as DataRewards>::data_verified(5));
		assert_eq!(data_claim(0, 8), 2 * BLY);
	});
}

#[test]
fn data_should_not_be_paid_when_nothing_says_that_it_is_verified() {
	build_and_execute(|| {
		accept(5);
		assert_storage_noop!(<Rewards as DataRewards>::data_verified(5));
		assert_storage_noop!(<Rewards as DataRewards>::data_verified(6));
	});
}

#[test]
fn data_should_not_be_paid_when_there_was_no_gain() {
	build_and_execute(|| {
		verify(5, &[(8, 100)]);
		assert_storage_noop!(accrue(AcceptedWork { submission: 5, ..work(0, 1, &[]) }));
	});
}

#[test]
fn data_should_lapse_when_it_is_verified_too_late() {
	build_and_execute(|| {
		accept(5);
		accept(6);
		run_to_epoch(PATIENCE + 1);
		// Before and after idle time has forgotten it.
		verify(5, &[(8, 100)]);
		assert_eq!(data_claim(PATIENCE + 1, 8), 0);
		idle();
		for submission in [5, 6] {
			assert!(events().contains(&Event::DataShareLapsed { submission, amount: 2 * BLY }));
		}
		assert_eq!((WaitingShares::<Test>::iter().count(), OldestWaitingShare::<Test>::get()), (0, 1));
		verify(6, &[(8, 100)]);
		assert_eq!(data_claim(PATIENCE + 1, 8), 0);
	});
}

#[test]
fn idle_should_forget_no_more_shares_than_its_weight_allows_and_carry_on() {
	build_and_execute(|| {
		(0..5).for_each(accept);
		run_to_epoch(PATIENCE + 1);
		let prune = <() as WeightInfo>::prune_epoch();
		let (epoch, share) = (<() as WeightInfo>::lapse_data_epoch(), <() as WeightInfo>::lapse_data());
		assert_eq!(Rewards::on_idle(0, prune), prune);
		assert_eq!(WaitingShares::<Test>::iter().count(), 5);
		let two = prune + epoch + share + share;
		assert_eq!(Rewards::on_idle(0, two), two);
		assert_eq!(WaitingShares::<Test>::iter().count(), 3);
		Rewards::do_try_state().expect("every invariant holds in the middle of it");
		assert_eq!(Rewards::on_idle(0, Weight::MAX), two + share + epoch);
		assert_eq!(WaitingShares::<Test>::iter().count(), 0);
	});
}

#[test]
fn divide_data_should_give_a_fifth_by_mixing_weight() {
	let half = Perbill::from_percent(50);
	assert_eq!(
		divide_data(150 * BLY, vec![(1, half), (2, half)]),
		BTreeMap::from([(1, 15 * BLY), (2, 15 * BLY)])
	);
	let same = divide_data(150 * BLY, vec![(1, half), (1, half)]);
	assert_eq!(same, BTreeMap::from([(1, 30 * BLY)]), "two datasets of one contributor");
}

proptest! {
	#[test]
	fn divide_data_should_never_give_more_than_a_fifth(
		worth in 0u128..1_000_000_000 * BLY,
		shares in proptest::collection::vec((1u64..20, 0u32..=1_000_000_000), 0..80),
	) {
		let shares = shares.into_iter().map(|(who, share)| (who, Perbill::from_parts(share))).collect();
		let sum: u128 = divide_data(worth, shares).values().sum();
		prop_assert!(sum <= worth / 5);
	}
}
