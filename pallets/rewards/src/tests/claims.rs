use crate::{mock::*, pallet::*};
use blyan_primitives::economy::BLY;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, assert_storage_noop},
	sp_runtime::traits::BadOrigin,
};

#[test]
fn claim_should_mint_the_whole_claim_when_the_budget_suffices() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		accrue_claim(2, BLY);
		run_to_epoch(1);
		let before = Balances::total_issuance();
		assert_ok!(claim(1, 0));
		assert_eq!(balance(1), 2 * BLY);
		assert_eq!(Balances::total_issuance(), before + 2 * BLY);
		assert_eq!(last_event(), Event::Paid { account: 1, epoch: 0, amount: 2 * BLY });
		assert_eq!((pot(0).paid, pot(0).left), (2 * BLY, pot(0).budget - 2 * BLY));
		assert_eq!((pot(0).open, pot(0).claimants), (BLY, 1));
		assert!(OpenClaims::<Test>::get(1).is_empty());
	});
}

#[test]
fn claims_should_scale_down_in_proportion_when_there_are_more_than_budget() {
	build_and_execute(|| {
		accrue_claim(1, 30 * BLY);
		accrue_claim(2, 70 * BLY);
		run_to_epoch(1);
		let budget = pot(0).budget;
		assert!(budget < 100 * BLY);
		assert_ok!(claim(2, 0));
		assert_ok!(claim(1, 0));
		assert_eq!(balance(1), budget * 30 / 100);
		assert_eq!(balance(2), budget * 70 / 100);
		assert!(pot(0).left <= 1, "nothing but rounding is left");
		assert_eq!(AllTime::<Test>::get().minted, balance(1) + balance(2));
		assert_eq!(
			AllTime::<Test>::get().reserved,
			Epochs::<Test>::get(1).unwrap().reserved(false),
			"what rounding left is free again"
		);
	});
}

#[test]
fn claim_should_fail_when_there_is_nothing_to_claim() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		assert_noop!(claim(1, 0), Error::<Test>::EpochStillRunning);
		assert_noop!(claim(1, 1), Error::<Test>::EpochNotFound);
		run_to_epoch(1);
		assert_noop!(claim(2, 0), Error::<Test>::ClaimNotFound);
		assert_noop!(Rewards::claim(RuntimeOrigin::none(), 0), BadOrigin);
		assert_ok!(claim(1, 0));
		assert_noop!(claim(1, 0), Error::<Test>::ClaimNotFound);
		assert_eq!(balance(1), 2 * BLY, "paid once");
	});
}

#[test]
fn claim_for_should_pay_the_account_and_not_the_caller() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		run_to_epoch(1);
		assert_noop!(Rewards::claim_for(RuntimeOrigin::none(), 1, 0), BadOrigin);
		assert_noop!(Rewards::claim_for(RuntimeOrigin::signed(9), 9, 0), Error::<Test>::ClaimNotFound);
		assert_ok!(Rewards::claim_for(RuntimeOrigin::signed(9), 1, 0));
		assert_eq!((balance(1), balance(9)), (2 * BLY, 0));
	});
}

#[test]
fn claim_should_carry_dust_until_there_is_enough() {
	build_and_execute(|| {
		accrue_claim(1, MIN_PAYOUT - 1);
		run_to_epoch(1);
		accrue_claim(1, 1);
		run_to_epoch(2);

		assert_ok!(claim(1, 0));
		assert_eq!(
			last_event(),
			Event::CarriedOver { account: 1, epoch: 0, amount: MIN_PAYOUT - 1, carried: MIN_PAYOUT - 1 }
		);
		assert_eq!((balance(1), Carried::<Test>::get(1)), (0, MIN_PAYOUT - 1));
		assert_eq!(pot(0).paid, MIN_PAYOUT - 1, "the epoch has paid it");
		assert_eq!(AllTime::<Test>::get().minted, 0, "and nothing is minted yet");

		assert_ok!(claim(1, 1));
		assert_eq!(last_event(), Event::Paid { account: 1, epoch: 1, amount: MIN_PAYOUT });
		assert_eq!((balance(1), Carried::<Test>::contains_key(1)), (MIN_PAYOUT, false));
		assert_eq!(AllTime::<Test>::get().carried, 0);
	});
}

#[test]
fn accrue_should_settle_and_carry_the_oldest_claim_when_there_are_too_many() {
	build_and_execute(|| {
		let most = MaxOpenClaims::get();
		for epoch in 0..most {
			run_to_epoch(epoch);
			accrue_claim(1, 3 * BLY + u128::from(epoch));
		}
		run_to_epoch(most);
		let owed = Rewards::owed(&1).0 + Rewards::quote_of(1, 0);
		assert_eq!(owed, 4 * 3 * BLY + 6, "expired or not, all four were earned");

		accrue_claim(1, BLY);
		assert_eq!(Carried::<Test>::get(1), 3 * BLY);
		assert!(!Claims::<Test>::contains_key(0, 1));
		assert_eq!(OpenClaims::<Test>::get(1).into_inner(), vec![1, 2, 3, 4]);
		assert!(events().contains(&Event::CarriedOver {
			account: 1,
			epoch: 0,
			amount: 3 * BLY,
			carried: 3 * BLY
		}));
	});
}

#[test]
fn claim_carried_should_mint_what_is_carried_once_it_is_enough() {
	build_and_execute(|| {
		let claim_carried = || Rewards::claim_carried(RuntimeOrigin::signed(1));
		assert_noop!(claim_carried(), Error::<Test>::CarriedTooLittle);
		assert_noop!(Rewards::claim_carried(RuntimeOrigin::none()), BadOrigin);
		accrue_claim(1, BLY / 2);
		run_to_epoch(1);
		assert_ok!(claim(1, 0));
		assert_noop!(claim_carried(), Error::<Test>::CarriedTooLittle);

		let lower = crate::RewardParameters { min_payout: BLY / 2, ..parameters() };
		assert_ok!(Rewards::force_set_parameters(RuntimeOrigin::root(), lower));
		assert_ok!(claim_carried());
		assert_eq!(last_event(), Event::CarriedPaid { account: 1, amount: BLY / 2 });
		assert_eq!(balance(1), BLY / 2);
		assert_noop!(claim_carried(), Error::<Test>::CarriedTooLittle);
	});
}

#[test]
fn claim_should_leave_everything_as_it_was_when_minting_fails() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		run_to_epoch(1);
		// No room in the account for any more.
		polkadot_sdk::pallet_balances::TotalIssuance::<Test>::put(u128::MAX);
		assert_noop!(claim(1, 0), polkadot_sdk::sp_runtime::ArithmeticError::Overflow);
		polkadot_sdk::pallet_balances::TotalIssuance::<Test>::put(balance(RICH));
		assert_ok!(claim(1, 0));
	});
}

#[test]
fn owed_should_tell_due_and_accruing() {
	build_and_execute(|| {
		assert_eq!(Rewards::owed(&1), (0, 0));
		accrue_claim(1, BLY / 2);
		assert_eq!(Rewards::owed(&1), (0, BLY / 2));
		run_to_epoch(1);
		accrue_claim(1, 1_000 * BLY);
		assert_eq!(Rewards::owed(&1), (BLY / 2, pot(1).budget), "scaled to the budget");
		assert_ok!(claim(1, 0));
		assert_eq!(Rewards::owed(&1), (BLY / 2, pot(1).budget), "carried is owed");
		run_to_epoch(2);
		assert_eq!(Rewards::owed(&1), (BLY / 2 + pot(1).budget, 0));
		assert_storage_noop!(Rewards::owed(&1));
		assert_ok!(claim(1, 1));
		assert_eq!(balance(1), BLY / 2 + pot(1).budget);
		assert_eq!(Rewards::owed(&1), (0, 0));
	});
}
