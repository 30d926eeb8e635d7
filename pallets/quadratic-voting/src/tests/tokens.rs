//! Votes of holders.

use crate::{mock::*, *};
use blyan_primitives::economy::BLY;
use codec::{Codec, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{fungible::Mutate, Polling, VoteTally},
		Parameter,
	},
	sp_runtime::{
		traits::{AtLeast32BitUnsigned, BadOrigin, Member},
		Perbill,
	},
};
use scale_info::TypeInfo;

/// The root of a BLY, in its smallest unit.
const ROOT_OF_BLY: Votes = 1_000_000;

#[test]
fn votes_should_cost_their_square_when_paid_with_tokens() {
	build_and_execute(|| {
		for (tokens, votes) in [(1, 1), (4, 2), (9, 3), (100, 10), (99, 9)] {
			assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked1x, aye(tokens * BLY))));
			let expected = match tokens {
				// Between squares the root of the smallest units counts, rounded down.
				99 => 9_949_874,
				_ => votes * ROOT_OF_BLY,
			};
			assert_eq!(tally(ROOT), (expected, 0, tokens * BLY));
		}
		assert_eq!(
			last_event(),
			Event::Voted {
				voter: ALICE,
				poll: ROOT.into(),
				ballot: with(Conviction::Locked1x, aye(99 * BLY)),
			}
		);
	});
}

#[test]
fn conviction_should_multiply_credits_and_not_votes() {
	build_and_execute(|| {
		let cases = [
			(Conviction::None, 10 * BLY, ROOT_OF_BLY),
			(Conviction::Locked1x, 36 * BLY, 6 * ROOT_OF_BLY),
			(Conviction::Locked2x, 8 * BLY, 4 * ROOT_OF_BLY),
			(Conviction::Locked3x, 12 * BLY, 6 * ROOT_OF_BLY),
			(Conviction::Locked4x, 9 * BLY, 6 * ROOT_OF_BLY),
			(Conviction::Locked5x, 20 * BLY, 10 * ROOT_OF_BLY),
			(Conviction::Locked6x, 24 * BLY, 12 * ROOT_OF_BLY),
		];
		for (conviction, tokens, votes) in cases {
			assert_ok!(vote(ALICE, ROOT, with(conviction, nay(tokens))));
			assert_eq!(tally(ROOT), (0, votes, 0), "{conviction:?}");
		}
	});
}

#[test]
fn tally_should_be_the_sum_of_all_and_know_who_could_vote() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked1x, aye(100 * BLY))));
		assert_ok!(vote(BOB, ROOT, with(Conviction::Locked1x, nay(25 * BLY))));
		assert_ok!(vote(CAROL, ROOT, abstain(900 * BLY)));
		assert_eq!(tally(ROOT), (10 * ROOT_OF_BLY, 5 * ROOT_OF_BLY, 1_000 * BLY));
		let (tally, _) = World::as_ongoing(ROOT.into()).unwrap();
		assert_eq!(tally.ayes(ROOT), 10 * ROOT_OF_BLY);
		assert_eq!(tally.approval(ROOT), Perbill::from_rational(2_u32, 3));
		assert_eq!(tally.support(ROOT), Perbill::from_rational(1_u64, HOLDERS));
		assert_eq!(tally.support(EMERGENCY), Perbill::zero(), "nobody votes about it here");
		let none = Tally::<Test>::new(ROOT);
		assert_eq!((none.approval(ROOT), none.support(ROOT)), (Perbill::zero(), Perbill::zero()));
	});
}

#[test]
fn support_should_be_none_when_there_is_nobody_to_vote() {
	new_ext_with(Vec::new()).execute_with(|| {
		(WORKER..).take(WORKERS as usize).for_each(|who| set_worker(who, false));
		let all = Tally::<Test>::from_counts(Counts { ayes: 1, nays: 0, support: 1 });
		assert_eq!((all.support(ROOT), all.support(LEARNING)), (Perbill::zero(), Perbill::zero()));
		// What was counted can be more than there is now.
		Balances::set_balance(&ALICE, BLY);
		let more = Tally::<Test>::from_counts(Counts { ayes: 1, nays: 0, support: 2 * BLY });
		assert_eq!(more.support(ROOT), Perbill::one());
	});
}

#[test]
fn split_should_pay_for_each_side_apart() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, split(40 * BLY, 90 * BLY, 10 * BLY)));
		assert_eq!(tally(ROOT), (2 * ROOT_OF_BLY, 3 * ROOT_OF_BLY, 50 * BLY));
		assert_eq!(frozen(ALICE), 140 * BLY);
		assert_eq!(
			QuadraticVoting::ballot(&ALICE, Topic::Root, 0),
			Some(split(40 * BLY, 90 * BLY, 10 * BLY))
		);
		assert_eq!(QuadraticVoting::ballot(&ALICE, Topic::Root, 1), None);
	});
}

#[test]
fn vote_should_be_replaced_and_removed_without_a_trace() {
	build_and_execute(|| {
		assert_ok!(vote(BOB, ROOT, aye(77 * BLY)));
		let before = tally(ROOT);
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked6x, nay(500 * BLY))));
		assert_ok!(vote(ALICE, ROOT, split(3 * BLY, 5 * BLY, 7 * BLY)));
		assert_ok!(vote(ALICE, ROOT, aye(33 * BLY)));
		assert_eq!(tally(ROOT).2, (77 + 33) * BLY);
		assert_ok!(remove(ALICE, Topic::Root, ROOT));
		assert_eq!(last_event(), Event::VoteRemoved { voter: ALICE, poll: 0 });
		assert_eq!(tally(ROOT), before);
		assert!(!Votings::<Test>::contains_key(ALICE, Topic::Root) && !Locks::<Test>::contains_key(ALICE));
		assert_eq!(frozen(ALICE), 0);
	});
}

#[test]
fn vote_should_fail_when_it_cannot_be_paid_or_makes_no_sense() {
	build_and_execute(|| {
		assert_noop!(QuadraticVoting::vote(RuntimeOrigin::root(), 0, aye(BLY)), BadOrigin);
		assert_noop!(vote(ALICE, ROOT, Ballot::default()), Error::<Test>::EmptyBallot);
		let convinced = |ballot| vote(ALICE, ROOT, with(Conviction::Locked1x, ballot));
		assert_noop!(convinced(split(BLY, BLY, 0)), Error::<Test>::ConvictionNeedsOneSide);
		assert_noop!(convinced(abstain(BLY)), Error::<Test>::ConvictionNeedsOneSide);
		assert_noop!(convinced(split(BLY, 0, 1)), Error::<Test>::ConvictionNeedsOneSide);
		assert_noop!(vote(ALICE, ROOT, aye(MIN_LOCK - 1)), Error::<Test>::LockTooSmall);
		assert_noop!(vote(ALICE, ROOT, aye(ENDOWMENT + 1)), Error::<Test>::BalanceTooSmall);
		assert_noop!(vote(ALICE, ROOT, split(ENDOWMENT, 0, 1)), Error::<Test>::BalanceTooSmall);
		assert_noop!(vote(ALICE, 77_u32, aye(BLY)), Error::<Test>::PollNotOngoing);
		assert_noop!(vote(ALICE, EMERGENCY, aye(BLY)), Error::<Test>::PollNotVotedHere);
		close(ROOT.into(), true);
		assert_noop!(vote(ALICE, ROOT, aye(BLY)), Error::<Test>::PollNotOngoing);
		// All that an account has, and not less than the least.
		assert_ok!(vote(ALICE, SMALL_SPENDER, aye(ENDOWMENT)));
		assert_ok!(vote(ALICE, SMALL_SPENDER, split(MIN_LOCK / 2, 0, MIN_LOCK / 2)));
	});
}

#[test]
fn votes_should_be_as_many_as_there_may_be_in_each_topic() {
	build_and_execute(|| {
		for poll in 10..=10 + MAX_VOTES {
			open(poll, SMALL_SPENDER);
		}
		for poll in 10..10 + MAX_VOTES {
			assert_ok!(vote(ALICE, poll, aye(BLY)));
		}
		assert_noop!(vote(ALICE, 10 + MAX_VOTES, aye(BLY)), Error::<Test>::TooManyVotes);
		// Another topic, another vote in the same poll, or a vote less.
		assert_ok!(vote(ALICE, ROOT, aye(BLY)));
		assert_ok!(vote(ALICE, 11_u32, nay(BLY)));
		close(10, true);
		assert_ok!(remove(ALICE, Topic::Treasury, 10_u32));
		assert_ok!(vote(ALICE, 10 + MAX_VOTES, aye(BLY)));
	});
}

#[test]
fn vote_should_not_be_found_when_there_is_none() {
	build_and_execute(|| {
		assert_noop!(remove(ALICE, Topic::Root, ROOT), Error::<Test>::VoteNotFound);
		assert_ok!(vote(ALICE, ROOT, aye(BLY)));
		assert_noop!(remove(ALICE, Topic::Treasury, ROOT), Error::<Test>::VoteNotFound);
		assert_noop!(remove_of(ALICE, BOB, Topic::Root, ROOT), Error::<Test>::VoteNotFound);
	});
}

/// What `pallet_referenda::Config` asks of its `Votes` and its `Tally`, word by word.
#[test]
fn tally_should_fit_where_referenda_take_one() {
	fn fits<V, C, T>()
	where
		V: AtLeast32BitUnsigned + Copy + Parameter + Member + MaxEncodedLen,
		T: VoteTally<V, C> + Clone + Codec + Eq + core::fmt::Debug + TypeInfo + MaxEncodedLen,
	{
	}
	fits::<Votes, u16, Tally<Test>>();
}
