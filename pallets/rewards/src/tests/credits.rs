use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::traits::{CreditReason, LearningCredits};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, assert_storage_noop};

fn grant(who: AccountId, reason: CreditReason) {
	<Rewards as LearningCredits<_>>::grant(&who, reason);
}

fn spend(who: AccountId, amount: u64) -> polkadot_sdk::sp_runtime::DispatchResult {
	<Rewards as LearningCredits<_>>::spend(&who, amount)
}

#[test]
fn credits_should_be_earned_by_each_kind_of_work() {
	use CreditReason::*;
	build_and_execute(|| {
		let mut sum = 0;
		for (reason, amount) in [
			(AcceptedBlock, 100),
			(GoldDataset, 50),
			(ExecutedMigration, 200),
			(HonestEvaluation, 25),
			(ProvenFault, 75),
		] {
			grant(1, reason);
			sum += amount;
			assert_eq!(Credits::<Test>::get(1), sum);
			assert_eq!(last_event(), Event::CreditsEarned { account: 1, reason, amount });
		}
		assert_eq!(AllTimeCredits::<Test>::get(), CreditTotals { granted: 450, spent: 0 });
		assert_eq!((Rewards::credits(&1), Rewards::credits(&2)), (450, 0));
	});
}

#[test]
fn credits_should_leave_no_entry_when_they_are_spent() {
	build_and_execute(|| {
		grant(1, CreditReason::AcceptedBlock);
		assert_ok!(spend(1, 40));
		assert_eq!(last_event(), Event::CreditsSpent { account: 1, amount: 40 });
		assert_eq!(Credits::<Test>::get(1), 60);
		assert_noop!(spend(1, 61), Error::<Test>::CreditsTooFew);
		assert_ok!(spend(1, 60));
		assert!(!Credits::<Test>::contains_key(1));
		assert_noop!(spend(1, 1), Error::<Test>::CreditsTooFew);
		assert_storage_noop!(assert_ok!(spend(1, 0)));
		assert_eq!(AllTimeCredits::<Test>::get(), CreditTotals { granted: 100, spent: 100 });
	});
}

#[test]
fn credits_should_not_be_kept_when_the_rate_is_zero() {
	let mut parameters = parameters();
	parameters.credits.gold_dataset = 0;
	ExtBuilder { parameters, ..Default::default() }.build_and_execute(|| {
		assert_storage_noop!(grant(1, CreditReason::GoldDataset));
	});
}
