use crate::{mock::*, pallet::*, WeightInfo};
use blyan_primitives::economy::BLY;
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight};

#[test]
fn claim_should_expire_after_its_epochs_and_not_before() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		accrue_claim(2, 2 * BLY);
		run_to_epoch(EXPIRY);
		idle();
		assert_ok!(claim(1, 0));
		run_to_epoch(EXPIRY + 1);
		assert_noop!(claim(2, 0), Error::<Test>::ClaimExpired);
		assert_eq!(Rewards::owed(&2), (0, 0));
	});
}

#[test]
fn idle_should_forget_expired_claims_and_their_epoch() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		accrue_claim(2, 2 * BLY);
		run_to_epoch(1);
		assert_ok!(claim(1, 0));
		let (budget, supply) =
			(Epochs::<Test>::get(0).unwrap().pots.sum(|pot| pot.budget), Balances::total_issuance());
		run_to_epoch(EXPIRY + 1);
		idle();

		assert!(events().contains(&Event::ClaimExpired { account: 2, epoch: 0, amount: 2 * BLY }));
		assert_eq!(last_event(), Event::EpochPruned { epoch: 0, paid: 2 * BLY, left: budget - 2 * BLY });
		assert!(!Epochs::<Test>::contains_key(0));
		assert!(!OpenClaims::<Test>::contains_key(2));
		assert_eq!(OldestEpoch::<Test>::get(), 1);
		assert_noop!(claim(2, 0), Error::<Test>::EpochNotFound);
		assert_eq!(Balances::total_issuance(), supply, "what expired is not minted");
		let totals = AllTime::<Test>::get();
		assert_eq!((totals.archived, totals.paid), (2 * BLY, 2 * BLY));
		assert_eq!(totals.reserved, Epochs::<Test>::get(running()).unwrap().reserved(false));
	});
}

#[test]
fn idle_should_do_no_more_than_its_weight_allows_and_carry_on() {
	build_and_execute(|| {
		(1..=5).for_each(|who| accrue_claim(who, BLY / 10));
		run_to_epoch(EXPIRY + 1);
		let (epoch, claim) = (<() as WeightInfo>::prune_epoch(), <() as WeightInfo>::prune_claim());
		let open = || pot(0).claimants;

		assert_eq!(Rewards::on_idle(0, Weight::zero()), Weight::zero());
		assert_eq!(Rewards::on_idle(0, epoch), epoch);
		assert_eq!(open(), 5);
		let two = epoch + claim + claim;
		assert_eq!(Rewards::on_idle(0, two), two);
		assert_eq!(open(), 3);
		Rewards::do_try_state().expect("every invariant holds in the middle of it");
		// Then it looks for data shares that waited too long, in two epochs in vain, and stops at the third.
		let looks = <() as WeightInfo>::lapse_data_epoch() * 3;
		assert_eq!(Rewards::on_idle(0, Weight::MAX), two + claim + looks);
		assert!(!Epochs::<Test>::contains_key(0));
	});
}

#[test]
fn idle_should_leave_alone_what_has_not_expired() {
	build_and_execute(|| {
		accrue_claim(1, 2 * BLY);
		run_to_epoch(EXPIRY);
		idle();
		assert_eq!(OldestEpoch::<Test>::get(), 0);
		assert_ok!(claim(1, 0));
	});
}
