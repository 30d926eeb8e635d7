use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{
	economy::{Budget, BLY},
	traits::{AuditRewards, AuditedWork, ServingRewards},
};
use polkadot_sdk::frame_support::assert_ok;

fn audit(who: AccountId, amount: blyan_primitives::Balance) {
	<Rewards as AuditRewards<_>>::accrue_audit(&who, amount, WORK);
}

fn pots(epoch: EpochNumber) -> PerBudget<Pot> {
	Epochs::<Test>::get(epoch).expect("the epoch is in storage").pots
}

#[test]
fn audits_should_be_paid_a_fifth_of_what_learning_and_serving_earned() {
	build_and_execute(|| {
		audit(1, 3 * BLY / 10);
		audit(2, BLY / 10);
		accrue_claim(3, 6 * BLY / 10);
		<Rewards as ServingRewards<_>>::accrue_use([(4, 4 * BLY / 10)].into());
		let before = AllTime::<Test>::get().budgeted;
		let whole = pots(0).audits.budget;
		assert_eq!(Rewards::owed(&1), (0, 15 * BLY / 100), "told so while the epoch runs");
		run_to_epoch(1);
		let pot = pots(0).audits;
		assert_eq!((pot.budget, pot.left, pot.claimed), (BLY / 5, BLY / 5, 4 * BLY / 10));
		let running = Epochs::<Test>::get(1).unwrap().pots.sum(|pot| pot.budget);
		assert_eq!(AllTime::<Test>::get().budgeted, before + running - (whole - BLY / 5));
		assert_ok!(claim(1, 0));
		assert_eq!(Carried::<Test>::get(1), 15 * BLY / 100);
	});
}

#[test]
fn audits_should_be_paid_nothing_when_nothing_was_learned_or_served() {
	build_and_execute(|| {
		audit(1, BLY);
		run_to_epoch(1);
		assert_eq!(pots(0).audits.budget, 0);
		assert_eq!(Rewards::owed(&1), (0, 0));
		assert_ok!(claim(1, 0));
		assert_eq!(Carried::<Test>::get(1), 0);
	});
}

#[test]
fn audits_should_keep_their_budget_when_a_fifth_is_more() {
	build_and_execute(|| {
		// Claims beyond a budget earn no more than it.
		Rewards::accrue(Budget::Learning, [(3, 1_000_000 * BLY)].into(), WORK);
		Rewards::accrue(Budget::Serving, [(3, 1_000_000 * BLY)].into(), WORK);
		let before = pots(0);
		run_to_epoch(1);
		let fifth = (before.learning.budget + before.serving.budget) / 5;
		assert!(before.audits.budget < fifth);
		assert_eq!(pots(0).audits.budget, before.audits.budget);
	});
}

#[test]
fn audit_should_be_told_of_with_the_dataset_that_it_was_of() {
	build_and_execute(|| {
		let work = AuditedWork::Dataset(dataset(3));
		<Rewards as AuditRewards<_>>::accrue_audit(&1, BLY, work);
		let expected = Event::Accrued { epoch: 0, account: 1, budget: Budget::Audits, amount: BLY, work };
		assert_eq!(last_event(), expected);
	});
}

#[test]
fn use_should_be_told_of_and_claimed_from_the_serving_budget() {
	build_and_execute(|| {
		<Rewards as ServingRewards<_>>::accrue_use([(4, 4 * BLY), (5, 0)].into());
		assert_eq!(last_event(), Event::UseAccrued { epoch: 0, account: 4, amount: 4 * BLY });
		assert_eq!((pots(0).serving.claimed, pots(0).serving.claimants), (4 * BLY, 1));
	});
}
