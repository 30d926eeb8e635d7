use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{economy::BLY, traits::ValidatorRewards};
use polkadot_sdk::frame_support::assert_ok;

fn validate(parts: &[(AccountId, blyan_primitives::Balance)]) {
	<Rewards as ValidatorRewards<_>>::accrue_validators(parts.iter().copied().collect());
}

fn validators_pot(epoch: EpochNumber) -> Pot {
	Epochs::<Test>::get(epoch).expect("the epoch is in storage").pots.validators
}

#[test]
fn validation_should_be_told_of_and_claimed_from_the_validators_budget() {
	build_and_execute(|| {
		validate(&[(4, 4 * BLY), (5, 0)]);
		assert_eq!(last_event(), Event::ValidationAccrued { epoch: 0, account: 4, amount: 4 * BLY });
		assert_eq!((validators_pot(0).claimed, validators_pot(0).claimants), (4 * BLY, 1));
		assert!(!Claims::<Test>::contains_key(0, 5), "nothing is no claim");
	});
}

#[test]
fn validators_should_share_their_budget_when_more_is_claimed() {
	build_and_execute(|| {
		let budget = validators_pot(0).budget;
		validate(&[(4, 3 * budget)]);
		validate(&[(5, budget)]);
		run_to_epoch(1);
		assert_ok!(claim(4, 0));
		assert_ok!(claim(5, 0));
		let paid = |who| balance(who) + Carried::<Test>::get(who);
		assert_eq!((paid(4), paid(5)), (budget * 3 / 4, budget / 4));
	});
}
