use crate::{impls::learning::*, mock::*, pallet::*, types::*, WeightInfo};
use blyan_primitives::{
	economy::BLY,
	learning::BIT_PER_BYTE,
	manifest::MAX_DATASETS,
	traits::{AcceptedWork, DataRewards},
	Balance,
};
use polkadot_sdk::{
	frame_support::{assert_storage_noop, traits::Hooks, weights::Weight},
	sp_runtime::Perbill,
};
use proptest::prelude::*;

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
		let expected = Event::DataAccrued {
			epoch: 0,
			dataset: dataset(0),
			contributor: 8,
			earned: 15 * BLY / 10,
			purse: 0,
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
fn data_should_be_paid_out_of_its_purse_besides_until_that_is_empty() {
	build_and_execute(|| {
		Purses::set([(dataset(0), 2 * BLY), (dataset(2), 9 * BLY)].into());
		verify(5, &[(8, 75), (9, 25)]);
		accept(5);
		// The second dataset has no purse.
		assert_eq!((data_claim(0, 8), data_claim(0, 9)), (3 * BLY, 5 * BLY / 10));
		verify(6, &[(8, 75), (9, 25)]);
		accept(6);
		assert_eq!((data_claim(0, 8), data_claim(0, 9)), (5 * BLY, BLY));
		assert_eq!(Purses::get()[&dataset(0)], 0);
		let told = |purse, submission| Event::DataAccrued {
			epoch: 0,
			dataset: dataset(0),
			contributor: 8,
			earned: 15 * BLY / 10,
			purse,
			submission,
		};
		assert!(events().contains(&told(15 * BLY / 10, 5)) && events().contains(&told(5 * BLY / 10, 6)));
		// All of it is the budget of the data's.
		let pot = Epochs::<Test>::get(0).unwrap().pots.data;
		assert_eq!((pot.claimed, pot.claimants), (6 * BLY, 2));
	});
}

#[test]
fn data_should_be_told_of_by_dataset_when_two_are_of_one_contributor() {
	build_and_execute(|| {
		verify(5, &[(8, 50), (8, 50)]);
		accept(5);
		assert_eq!(data_claim(0, 8), 2 * BLY);
		let told = |number| Event::DataAccrued {
			epoch: 0,
			dataset: dataset(number),
			contributor: 8,
			earned: BLY,
			purse: 0,
			submission: 5,
		};
		assert!(events().contains(&told(0)) && events().contains(&told(1)));
		assert_eq!(Epochs::<Test>::get(0).unwrap().pots.data.claimants, 1);
	});
}

#[test]
fn divide_data_should_give_a_fifth_by_mixing_weight() {
	assert_eq!(
		divide_data(150 * BLY, shares(&[(1, 50), (2, 50)])),
		[(dataset(0), 1, 15 * BLY), (dataset(1), 2, 15 * BLY)]
	);
	// What is beyond the whole is cut.
	assert_eq!(
		divide_data(150 * BLY, shares(&[(1, 80), (2, 50), (3, 10)])),
		[(dataset(0), 1, 24 * BLY), (dataset(1), 2, 6 * BLY), (dataset(2), 3, 0)]
	);
}

proptest! {
	#[test]
	fn divide_data_should_give_a_fifth_to_the_unit(
		worth in 0u128..1_000_000_000 * BLY,
		parts in proptest::collection::vec((1u64..20, 0u32..=1_000_000_000), 0..MAX_DATASETS as usize),
	) {
		let mut shares = shares(&parts.iter().map(|(who, _)| (*who, 0)).collect::<Vec<_>>());
		shares.iter_mut().zip(&parts).for_each(|(one, (_, part))| one.share = Perbill::from_parts(*part));
		let whole: u64 = parts.iter().map(|(_, part)| u64::from(*part)).sum();
		let divided = divide_data(worth, shares);
		let sum: u128 = divided.iter().map(|(.., amount)| amount).sum();
		prop_assert_eq!(divided.len(), parts.len());
		prop_assert!(sum <= worth / 5);
		// But for less than a unit of each, and of the data's share itself.
		if whole >= 1_000_000_000 {
			prop_assert!(sum + parts.len() as u128 + 1 >= worth / 5);
		}
	}
}
