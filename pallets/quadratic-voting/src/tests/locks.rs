//! What stays locked, and for how long.

use crate::{mock::*, *};
use blyan_primitives::economy::BLY;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::fungible::Mutate, traits::tokens::Preservation},
	sp_runtime::{traits::BadOrigin, TokenError},
};

const T: Topic = Topic::Root;

#[test]
fn tokens_should_not_move_while_they_vote() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, aye(ENDOWMENT)));
		let send = |amount| {
			<Balances as Mutate<AccountId>>::transfer(&ALICE, &BOB, amount, Preservation::Expendable)
		};
		assert_noop!(send(BLY), TokenError::Frozen);
		assert_ok!(vote(ALICE, ROOT, aye(10 * BLY)));
		assert_ok!(send(ENDOWMENT - 10 * BLY));
		assert_noop!(send(1), TokenError::Frozen);
	});
}

#[test]
fn lock_should_be_the_most_of_all_topics() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, aye(300 * BLY)));
		assert_ok!(vote(ALICE, SMALL_SPENDER, aye(100 * BLY)));
		assert_ok!(vote(ALICE, BIG_SPENDER, aye(500 * BLY)));
		assert_eq!((frozen(ALICE), QuadraticVoting::locked(&ALICE)), (500 * BLY, 500 * BLY));
		assert_ok!(remove(ALICE, Topic::Treasury, BIG_SPENDER));
		assert_eq!(frozen(ALICE), 300 * BLY);
		assert_ok!(remove(ALICE, T, ROOT));
		assert_eq!(frozen(ALICE), 100 * BLY);
	});
}

#[test]
fn winner_should_stay_locked_for_its_conviction() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked3x, aye(50 * BLY))));
		run_to(5);
		close(ROOT.into(), true);
		let end = 5 + 4 * LOCK_PERIOD;
		run_to(end - 1);
		assert_noop!(remove_of(STRANGER, ALICE, T, ROOT), Error::<Test>::VoteStillLocked);
		assert_ok!(remove(ALICE, T, ROOT));
		assert_ok!(unlock(ALICE, T));
		assert_eq!(last_event(), Event::Unlocked { who: ALICE, topic: T, locked: 50 * BLY });
		run_to(end);
		assert_eq!(frozen(ALICE), 50 * BLY, "until somebody unlocks it");
		assert_ok!(unlock(ALICE, T));
		assert_eq!(last_event(), Event::Unlocked { who: ALICE, topic: T, locked: 0 });
		assert_eq!(frozen(ALICE), 0);
		assert_noop!(unlock(ALICE, T), Error::<Test>::NothingLocked);
		assert_noop!(QuadraticVoting::unlock(RuntimeOrigin::root(), ALICE, T), BadOrigin);
	});
}

#[test]
fn anybody_should_remove_a_vote_when_it_locks_nothing() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked1x, aye(50 * BLY))));
		assert_noop!(remove_of(STRANGER, ALICE, T, ROOT), Error::<Test>::PollStillOngoing);
		close(ROOT.into(), true);
		run_to(now() + LOCK_PERIOD);
		assert_ok!(remove_of(STRANGER, ALICE, T, ROOT));
		assert_eq!(frozen(ALICE), 0);
	});
}

#[test]
fn loser_should_be_free_at_once() {
	let cases = [
		(with(Conviction::Locked6x, nay(BLY)), true, 0),
		(with(Conviction::Locked6x, aye(BLY)), false, 0),
		(with(Conviction::Locked6x, nay(BLY)), false, BLY),
		(aye(BLY), true, 0),
		(split(BLY, BLY, 0), true, 0),
		(abstain(BLY), true, 0),
	];
	for (ballot, is_approved, locked) in cases {
		build_and_execute(|| {
			assert_ok!(vote(ALICE, ROOT, ballot));
			close(ROOT.into(), is_approved);
			assert_ok!(remove(ALICE, T, ROOT));
			assert_eq!(frozen(ALICE), locked, "{ballot:?} {is_approved}");
		});
	}
}

#[test]
fn nobody_should_stay_locked_when_a_poll_is_cancelled() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked6x, aye(BLY))));
		cancel(ROOT.into());
		assert_ok!(remove_of(STRANGER, ALICE, T, ROOT));
		assert_eq!(frozen(ALICE), 0);
	});
}

#[test]
fn lock_should_go_down_by_steps() {
	build_and_execute(|| {
		let convictions = [Conviction::Locked1x, Conviction::Locked2x, Conviction::Locked3x];
		for (place, conviction) in (0_u32..).zip(convictions) {
			open(20 + place, ROOT);
			let amount = 100 * BLY - u128::from(place) * 40 * BLY;
			assert_ok!(vote(ALICE, 20 + place, with(conviction, aye(amount))));
		}
		(20..23).for_each(|poll| close(poll, true));
		for poll in 20_u32..23 {
			assert_ok!(remove(ALICE, T, poll));
		}
		for (after, locked) in [(1, 100), (10, 60), (19, 60), (20, 20), (39, 20), (40, 0)] {
			run_to(1 + after);
			assert_ok!(unlock(ALICE, T));
			assert_eq!(frozen(ALICE), locked * BLY, "after {after} blocks");
			if locked == 0 {
				return;
			}
		}
	});
}

#[test]
fn steps_should_be_merged_to_the_longer_and_larger_when_there_are_too_many() {
	let mut locks = PriorLocks::<u64>::default();
	let most = u64::from(MAX_LOCK_STEPS);
	for number in 1..=most {
		locks.extend(10 * number, 100 - u128::from(number));
	}
	// What is covered adds nothing.
	let before = locks.clone();
	locks.extend(10, 99);
	locks.extend(15, 90);
	assert_eq!(locks, before);
	assert!(locks.goes_down());
	locks.extend(5, 200);
	assert!(locks.goes_down());
	assert_eq!(locks.amount(), 200);
	locks.expire(9);
	assert_eq!(locks.amount(), 200, "the first two became one");
	locks.expire(10);
	assert_eq!(locks.amount(), 98);
	locks.extend(10 * most, 98);
	assert_eq!(locks.amount(), 98, "one that covers all takes the place of all");
	locks.expire(10 * most - 1);
	assert_eq!(locks.amount(), 98);
	locks.expire(10 * most);
	assert_eq!(locks, PriorLocks::default());
}

#[test]
fn lock_should_be_what_was_asked_when_the_vote_was_cast() {
	build_and_execute(|| {
		assert_ok!(vote(ALICE, ROOT, with(Conviction::Locked1x, aye(BLY))));
		let longer = VotingParameters { lock_period_blocks: 1_000, ..parameters() };
		assert_ok!(QuadraticVoting::force_set_parameters(RuntimeOrigin::root(), longer));
		close(ROOT.into(), true);
		run_to(now() + LOCK_PERIOD);
		assert_ok!(remove(ALICE, T, ROOT));
		assert_eq!(frozen(ALICE), 0);
	});
}
