//! The largest numbers there can be.

use crate::{mock::*, tally::Counts, *};
use blyan_primitives::Balance;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::VoteTally},
	sp_runtime::{ArithmeticError, Perbill},
};

const MOST: Balance = Balance::MAX;
const CONVICTIONS: [Conviction; 7] = [
	Conviction::None,
	Conviction::Locked1x,
	Conviction::Locked2x,
	Conviction::Locked3x,
	Conviction::Locked4x,
	Conviction::Locked5x,
	Conviction::Locked6x,
];

#[test]
fn votes_should_be_counted_when_one_account_has_all_there_can_be() {
	let mut ext = new_ext_with(vec![(ALICE, MOST)]);
	ext.execute_with(|| {
		for conviction in CONVICTIONS {
			assert_ok!(vote(ALICE, ROOT, with(conviction, aye(MOST))));
			let (ayes, _, support) = tally(ROOT);
			// From the root of a tenth of it to just below that of 2^128.
			assert!((5_833_372_668_713_515_884..1 << 64).contains(&ayes), "{conviction:?}: {ayes}");
			assert_eq!(support, MOST);
			let (tally, _) =
				<World as polkadot_sdk::frame_support::traits::Polling<_>>::as_ongoing(0).unwrap();
			assert_eq!((tally.support(ROOT), tally.approval(ROOT)), (Perbill::one(), Perbill::one()));
		}
		assert_eq!(frozen(ALICE), MOST);
		close(ROOT.into(), true);
		assert_ok!(remove(ALICE, Topic::Root, ROOT));
		QuadraticVoting::do_try_state().unwrap();
	});
}

#[test]
fn ballot_should_be_refused_when_its_sides_do_not_add_up() {
	new_ext_with(vec![(ALICE, MOST)]).execute_with(|| {
		assert_noop!(vote(ALICE, ROOT, split(MOST, 1, 0)), ArithmeticError::Overflow);
		assert_noop!(vote(ALICE, ROOT, split(1, 0, MOST)), ArithmeticError::Overflow);
		assert_noop!(vote(WORKER, LEARNING, split(MOST, MOST, MOST)), ArithmeticError::Overflow);
		assert_noop!(vote(WORKER, LEARNING, aye(MOST)), Error::<Test>::NotEnoughCredits);
		assert_ok!(vote(ALICE, ROOT, split(MOST - 2, 1, 1)));
	});
}

#[test]
fn tally_should_refuse_what_does_not_fit_and_change_nothing() {
	let some = Counts { ayes: 5, nays: 6, support: 7 };
	let mut tally = Tally::<Test>::from_counts(some);
	let nothing = Counts::default();
	let ayes = Counts { ayes: 6, ..nothing };
	let nays = Counts { nays: 7, ..nothing };
	let support = Counts { support: 8, ..nothing };
	for too_much in [ayes, nays, support] {
		assert_eq!(tally.replace(too_much, nothing), Err(ArithmeticError::Underflow));
	}
	let ayes = Counts { ayes: MOST - 4, ..nothing };
	let nays = Counts { nays: MOST - 5, ..nothing };
	let support = Counts { support: MOST - 6, ..nothing };
	for too_much in [ayes, nays, support] {
		assert_eq!(tally.replace(nothing, too_much), Err(ArithmeticError::Overflow));
	}
	assert_eq!(tally.counts(), some);
	assert_eq!(tally.replace(some, Counts { ayes: MOST, nays: MOST, support: MOST }), Ok(()));
	// The two sides together are more than fit: that still is a share.
	assert_eq!(tally.approval(ROOT), Perbill::one());
}

#[test]
fn delegation_should_be_refused_when_its_sum_does_not_fit() {
	new_ext_with(vec![(ALICE, 100 * MIN_LOCK), (BOB, 100 * MIN_LOCK)]).execute_with(|| {
		let most = Power { votes: MOST, support: 0 };
		Votings::<Test>::mutate(ALICE, Topic::Root, |voting| voting.delegated = most);
		let refused = delegate(BOB, Topic::Root, ALICE, MIN_LOCK, Conviction::None);
		assert_eq!(refused, Err(ArithmeticError::Overflow.into()));
		assert_noop!(vote(ALICE, ROOT, aye(MIN_LOCK)), ArithmeticError::Overflow);
		assert_eq!((frozen(ALICE), frozen(BOB)), (0, 0), "nothing is left of what was refused");
		let most = Power { votes: 0, support: MOST };
		Votings::<Test>::mutate(ALICE, Topic::Root, |voting| voting.delegated = most);
		let refused = delegate(BOB, Topic::Root, ALICE, MIN_LOCK, Conviction::None);
		assert_eq!(refused, Err(ArithmeticError::Overflow.into()));
		assert_noop!(vote(ALICE, ROOT, abstain(MIN_LOCK)), ArithmeticError::Overflow);
		assert_ok!(vote(ALICE, ROOT, nay(MIN_LOCK)));
	});
	assert_eq!(Power::default().minus(Power { votes: 1, support: 0 }), Err(ArithmeticError::Underflow));
	assert_eq!(Power::default().minus(Power { votes: 0, support: 1 }), Err(ArithmeticError::Underflow));
}

#[test]
fn lock_should_last_when_period_and_conviction_are_the_longest() {
	new_ext_with(vec![(ALICE, MOST)]).execute_with(|| {
		let longest = VotingParameters {
			lock_period_blocks: MAX_LOCK_PERIOD_BLOCKS,
			credit_period_blocks: MAX_CREDIT_PERIOD_BLOCKS,
			..parameters()
		};
		assert_ok!(QuadraticVoting::force_set_parameters(RuntimeOrigin::root(), longest));
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked6x, nay(MOST))));
		close(ROOT.into(), false);
		assert_ok!(remove(ALICE, Topic::Root, ROOT));
		let end = now() + 32 * u64::from(MAX_LOCK_PERIOD_BLOCKS);
		run_to(end - 1);
		assert_ok!(unlock(ALICE, Topic::Root));
		assert_eq!(frozen(ALICE), MOST);
		run_to(end);
		assert_ok!(unlock(ALICE, Topic::Root));
		assert_eq!(frozen(ALICE), 0);
		// At the last block there is, an end is as late as there can be, and nothing overflows.
		run_to(u64::MAX - 1);
		assert_ok!(vote(WORKER, LEARNING, aye(1)));
		assert_eq!(WorkerCredits::<Test>::get(WORKER).renews_at, u64::MAX);
	});
}

/// The largest root whose square is not above `square`, by halving.
fn root_by_halving(square: u128) -> u128 {
	let (mut low, mut high) = (0_u128, 1 << 64);
	while low + 1 < high {
		let middle = low + (high - low) / 2;
		match middle.checked_mul(middle) {
			Some(product) if product <= square => low = middle,
			_ => high = middle,
		}
	}
	low
}

#[test]
fn votes_should_be_the_root_rounded_down_at_every_size() {
	for bits in 0..=128_u32 {
		let edge = if bits == 128 { MOST } else { (1_u128 << bits) - 1 };
		for amount in [edge, edge.saturating_add(1), edge / 3] {
			assert_eq!(Electorate::Worker.votes(amount, Conviction::None), root_by_halving(amount));
			for (conviction, times) in CONVICTIONS.into_iter().zip(0_u128..) {
				let credits = if times == 0 { amount / 10 } else { amount.saturating_mul(times) };
				assert_eq!(Electorate::Token.votes(amount, conviction), root_by_halving(credits));
			}
		}
	}
}
