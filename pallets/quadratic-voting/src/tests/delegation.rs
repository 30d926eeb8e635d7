//! Having another vote.

use crate::{mock::*, *};
use blyan_primitives::{economy::BLY, Balance};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

const T: Topic = Topic::Treasury;
const L: Topic = Topic::Learning;
const UNIT: Balance = CREDITS_PER_PERIOD;
const ROOT_OF_BLY: Votes = 1_000_000;

#[test]
fn delegation_should_be_worth_what_the_delegator_would_vote() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, SMALL_SPENDER, with(Conviction::Locked1x, aye(100 * BLY))));
		assert_ok!(delegate(BOB, T, ALICE, 16 * BLY, Conviction::Locked1x));
		assert_ok!(delegate(CAROL, T, ALICE, 6 * BLY, Conviction::Locked6x));
		assert_eq!(
			last_event(),
			Event::Delegated { delegator: CAROL, delegate: ALICE, topic: T, amount: 6 * BLY }
		);
		assert_eq!(tally(SMALL_SPENDER), (20 * ROOT_OF_BLY, 0, 122 * BLY));
		// In every poll about the topic, before it or after it, and in no other.
		assert_ok!(vote(ALICE, BIG_SPENDER, with(Conviction::Locked1x, nay(BLY))));
		assert_eq!(tally(BIG_SPENDER), (0, 11 * ROOT_OF_BLY, 0));
		assert_ok!(vote(ALICE, BIG_SPENDER, abstain(BLY)));
		assert_eq!(tally(BIG_SPENDER), (0, 0, 23 * BLY));
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked1x, aye(BLY))));
		assert_eq!(tally(ROOT), (ROOT_OF_BLY, 0, BLY));
		assert_eq!((frozen(BOB), frozen(CAROL)), (16 * BLY, 6 * BLY));
	});
}

#[test]
fn split_vote_should_be_the_delegates_own() {
	build_and_execute(|| {
		assert_ok!(delegate(BOB, T, ALICE, 16 * BLY, Conviction::Locked1x));
		assert_ok!(vote(ALICE, SMALL_SPENDER, split(10 * BLY, 10 * BLY, 0)));
		assert_eq!(tally(SMALL_SPENDER), (ROOT_OF_BLY, ROOT_OF_BLY, 10 * BLY));
		assert_ok!(undelegate(BOB, T));
		assert_eq!(tally(SMALL_SPENDER), (ROOT_OF_BLY, ROOT_OF_BLY, 10 * BLY));
	});
}

#[test]
fn undelegating_should_take_all_back_and_leave_the_lock() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, SMALL_SPENDER, aye(10 * BLY)));
		let before = tally(SMALL_SPENDER);
		assert_ok!(delegate(BOB, T, ALICE, 16 * BLY, Conviction::Locked2x));
		assert_ok!(undelegate(BOB, T));
		assert_eq!(last_event(), Event::Undelegated { delegator: BOB, delegate: ALICE, topic: T });
		assert_eq!(tally(SMALL_SPENDER), before);
		assert_eq!(frozen(BOB), 16 * BLY);
		run_to(now() + 2 * LOCK_PERIOD - 1);
		assert_ok!(unlock(BOB, T));
		assert_eq!(frozen(BOB), 16 * BLY);
		run_to(now() + 1);
		assert_ok!(unlock(BOB, T));
		assert_eq!(frozen(BOB), 0);
		// Without a conviction it is free at once.
		assert_ok!(delegate(BOB, T, ALICE, 16 * BLY, Conviction::None));
		assert_ok!(undelegate(BOB, T));
		assert_eq!(frozen(BOB), 0);
		assert_eq!(Votings::<Test>::get(ALICE, T).delegated, Power::default());
	});
}

#[test]
fn delegation_should_fail_when_it_makes_no_sense() {
	build_and_execute(|| {
		let none = Conviction::None;
		assert_noop!(delegate(BOB, T, BOB, BLY, none), Error::<Test>::SelfDelegation);
		assert_noop!(delegate(BOB, T, ALICE, 0, none), Error::<Test>::NothingDelegated);
		assert_noop!(delegate(BOB, T, ALICE, MIN_LOCK - 1, none), Error::<Test>::LockTooSmall);
		assert_noop!(delegate(BOB, T, ALICE, ENDOWMENT + 1, none), Error::<Test>::BalanceTooSmall);
		assert_noop!(undelegate(BOB, T), Error::<Test>::NotDelegating);
		assert_ok!(vote(BOB, SMALL_SPENDER, aye(BLY)));
		assert_noop!(delegate(BOB, T, ALICE, BLY, none), Error::<Test>::HasVotes);
		assert_ok!(remove(BOB, T, SMALL_SPENDER));
		assert_ok!(delegate(BOB, T, ALICE, BLY, none));
		assert_noop!(delegate(BOB, T, ALICE, BLY, none), Error::<Test>::AlreadyDelegating);
		assert_noop!(vote(BOB, SMALL_SPENDER, aye(BLY)), Error::<Test>::VotesDelegated);
		// Another topic is another matter.
		assert_ok!(vote(BOB, ROOT, aye(BLY)));
	});
}

#[test]
fn delegations_should_not_go_round_nor_be_passed_on() {
	build_and_execute(|| {
		let none = Conviction::None;
		assert_ok!(delegate(BOB, T, ALICE, 10 * BLY, none));
		assert_noop!(delegate(ALICE, T, BOB, BLY, none), Error::<Test>::DelegateDelegates);
		assert_noop!(delegate(CAROL, T, BOB, BLY, none), Error::<Test>::DelegateDelegates);
		// Whoever is delegated to may delegate, so that nobody can keep him from it; it is not passed on.
		assert_ok!(delegate(ALICE, T, CAROL, 40 * BLY, none));
		assert_noop!(delegate(CAROL, T, BOB, BLY, none), Error::<Test>::DelegateDelegates);
		assert_noop!(delegate(CAROL, T, ALICE, BLY, none), Error::<Test>::DelegateDelegates);
		assert_ok!(vote(CAROL, SMALL_SPENDER, aye(10 * BLY)));
		assert_eq!(tally(SMALL_SPENDER), (3 * ROOT_OF_BLY, 0, 50 * BLY));
		// It was kept for when the delegate votes by itself.
		assert_ok!(undelegate(ALICE, T));
		assert_ok!(vote(ALICE, SMALL_SPENDER, nay(10 * BLY)));
		assert_eq!(tally(SMALL_SPENDER), (ROOT_OF_BLY, 2 * ROOT_OF_BLY, 10 * BLY));
		// In another topic the other way round.
		assert_ok!(delegate(ALICE, Topic::Root, BOB, BLY, none));
	});
}

#[test]
fn worker_should_spend_what_it_set_aside_as_its_delegate_does() {
	build_and_execute(|| {
		assert_ok!(delegate(OTHER_WORKER, L, WORKER, UNIT, Conviction::None));
		assert_ok!(delegate(THIRD_WORKER, L, WORKER, UNIT / 4, Conviction::None));
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT / 4)));
		// A quarter of the period, so half of the votes of each: 500, 500 and 250.
		assert_eq!(tally(LEARNING), (1_250, 0, 3));
		open(10, LEARNING);
		assert_ok!(vote(WORKER, 10_u32, nay(UNIT / 4 * 3)));
		assert_eq!(tally(10_u32), (0, 866 + 1_500 * 866 / 1_000, 0));
		assert_eq!(QuadraticVoting::credits_left(&OTHER_WORKER), 0);
		assert_eq!(QuadraticVoting::credits_left(&THIRD_WORKER), UNIT / 4 * 3);
	});
}

#[test]
fn set_aside_credits_should_be_spent_in_each_period() {
	build_and_execute(|| {
		let set_aside = UNIT / 4;
		assert_ok!(delegate(OTHER_WORKER, L, WORKER, set_aside, Conviction::None));
		assert_noop!(vote(OTHER_WORKER, APPEAL, aye(UNIT)), Error::<Test>::NotEnoughCredits);
		assert_ok!(vote(OTHER_WORKER, APPEAL, aye(UNIT - set_aside)));
		run_to(1 + CREDIT_PERIOD);
		assert_eq!(QuadraticVoting::credits_left(&OTHER_WORKER), UNIT - set_aside);
		// The delegate may have used them: no more than a unit a period for who delegates and votes by turns.
		assert_ok!(undelegate(OTHER_WORKER, L));
		assert_eq!(QuadraticVoting::credits_left(&OTHER_WORKER), UNIT - set_aside);
		assert_noop!(vote(OTHER_WORKER, LEARNING, aye(UNIT)), Error::<Test>::NotEnoughCredits);
		run_to(now() + CREDIT_PERIOD);
		assert_ok!(vote(OTHER_WORKER, LEARNING, aye(UNIT)));
	});
}

#[test]
fn worker_should_delegate_to_workers_alone_and_what_it_has() {
	build_and_execute(|| {
		let none = Conviction::None;
		assert_noop!(delegate(WORKER, L, ALICE, 1, none), Error::<Test>::DelegateNotWorker);
		assert_noop!(delegate(ALICE, L, WORKER, 1, none), Error::<Test>::NotWorker);
		let convinced = delegate(WORKER, L, OTHER_WORKER, 1, Conviction::Locked1x);
		assert_eq!(convinced, Err(Error::<Test>::ConvictionNotForWorkers.into()));
		let too_much = delegate(WORKER, L, OTHER_WORKER, UNIT + 1, none);
		assert_eq!(too_much, Err(Error::<Test>::NotEnoughCredits.into()));
		assert_ok!(delegate(WORKER, L, OTHER_WORKER, UNIT / 2, none));
		let again = delegate(WORKER, Topic::Datasets, OTHER_WORKER, UNIT / 2 + 1, none);
		assert_eq!(again, Err(Error::<Test>::NotEnoughCredits.into()));
		assert_ok!(delegate(WORKER, Topic::Datasets, OTHER_WORKER, UNIT / 2, none));
	});
}

#[test]
fn delegation_should_follow_in_as_many_polls_as_there_may_be() {
	build_and_execute(|| {
		for poll in 10..10 + MAX_VOTES {
			open(poll, BIG_SPENDER);
			assert_ok!(vote(ALICE, poll, aye(BLY)));
		}
		let before = tally(10_u32);
		let done =
			QuadraticVoting::delegate(RuntimeOrigin::signed(BOB), T, ALICE, 10 * BLY, Conviction::None)
				.unwrap();
		assert_eq!(done.actual_weight, Some(<() as WeightInfo>::delegate(MAX_VOTES)));
		for poll in 10..10 + MAX_VOTES {
			assert_eq!(tally(poll), (before.0 + ROOT_OF_BLY, 0, before.2 + 10 * BLY));
		}
		close(10, true);
		let done = QuadraticVoting::undelegate(RuntimeOrigin::signed(BOB), T).unwrap();
		assert_eq!(done.actual_weight, Some(<() as WeightInfo>::undelegate(MAX_VOTES)));
		(11..10 + MAX_VOTES).for_each(|poll| assert_eq!(tally(poll), before));
	});
}
