//! Each invariant of the README is broken on purpose, and must be found.

use crate::{mock::*, tally::Counts, *};
use blyan_primitives::economy::BLY;
use polkadot_sdk::{
	frame_support::{assert_ok, traits::fungible::MutateFreeze, BoundedVec},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::DispatchError,
};

type Cast = CastVote<BlockNumberFor<Test>>;

#[track_caller]
fn assert_found(expected: &'static str, corrupt: impl FnOnce()) {
	new_ext().execute_with(|| {
		assert_ok!(vote(ALICE, SMALL_SPENDER, with(Conviction::Locked2x, aye(100 * BLY))));
		assert_ok!(vote(ALICE, BIG_SPENDER, split(BLY, 2 * BLY, 3 * BLY)));
		assert_ok!(delegate(BOB, Topic::Treasury, ALICE, 50 * BLY, Conviction::Locked1x));
		assert_ok!(vote(WORKER, LEARNING, nay(400_000)));
		assert_ok!(delegate(OTHER_WORKER, Topic::Learning, WORKER, 300_000, Conviction::None));
		QuadraticVoting::do_try_state().expect("nothing is wrong yet");
		corrupt();
		assert_eq!(QuadraticVoting::do_try_state(), Err(DispatchError::Other(expected)));
	});
}

fn change(who: AccountId, topic: Topic, change: impl FnOnce(&mut crate::Voting<Test>)) {
	Votings::<Test>::mutate(who, topic, change);
}

/// Changes a ballot in a poll that is over, so that the recount does not see it.
fn change_old(who: AccountId, topic: Topic, alter: impl FnOnce(&mut Cast)) {
	change(who, topic, |voting| {
		cancel(voting.votes[0].0);
		alter(&mut voting.votes[0].1);
	});
}

#[test]
fn check_should_find_a_wrong_tally() {
	let wrong = "the tally of a poll is not what its votes come to";
	for counts in [
		Counts { ayes: 1, ..Counts::default() },
		Counts { nays: 1, ..Counts::default() },
		Counts { support: 1, ..Counts::default() },
	] {
		assert_found(wrong, || {
			AllPolls::mutate(u32::from(LEARNING), |poll| {
				let Some(Poll::Ongoing(tally, _)) = poll else { panic!("it is ongoing") };
				tally.replace(Counts::default(), counts).unwrap();
			});
		});
	}
	// A vote that nobody counted.
	assert_found(wrong, || {
		change(THIRD_WORKER, Topic::Learning, |voting| {
			let payment = Payment::Credits { renews_at: 1 };
			voting.votes.try_push((LEARNING.into(), CastVote { ballot: aye(1), payment })).unwrap();
		});
	});
	assert_found("a vote is kept under a topic that is not its poll's", || open(LEARNING.into(), APPEAL));
}

#[test]
fn check_should_find_wrong_sums_of_delegations() {
	let wrong = "what is delegated to an account is not the sum of it";
	// Nobody votes in what is over: only the sum is wrong then.
	let close_all = || (0..=5).for_each(|poll| close(poll, true));
	assert_found(wrong, || {
		close_all();
		change(ALICE, Topic::Treasury, |voting| voting.delegated.votes += 1);
	});
	assert_found(wrong, || {
		close_all();
		change(ALICE, Topic::Treasury, |voting| voting.delegated.support -= 1);
	});
	assert_found("a delegate has no record", || {
		close_all();
		Votings::<Test>::remove(WORKER, Topic::Learning);
	});
}

#[test]
fn check_should_find_wrong_delegations() {
	assert_found("an account votes and delegates in one topic", || {
		change(BOB, Topic::Treasury, |voting| {
			let payment = Payment::Tokens { lock_blocks: 0 };
			voting.votes.try_push((77, CastVote { ballot: aye(BLY), payment })).unwrap();
		});
	});
	assert_found("an account delegates nothing", || {
		let nothing =
			Delegation { delegate: STRANGER, amount: 0, conviction: Conviction::None, lock_blocks: 0 };
		change(CAROL, Topic::Root, |voting| voting.delegation = Some(nothing.clone()));
		change(STRANGER, Topic::Root, |voting| voting.delegated = nothing.power(Electorate::Token));
	});
	assert_found("delegations go round", || {
		let to = |delegate| Delegation { delegate, amount: 1, conviction: Conviction::None, lock_blocks: 0 };
		for (who, delegate) in [(1_000, 1_001), (1_001, 1_002), (1_002, 1_000)] {
			change(who, Topic::Root, |voting| {
				voting.delegation = Some(to(delegate));
				voting.delegated = to(delegate).power(Electorate::Token);
			});
		}
	});
}

#[test]
fn check_should_find_wrong_votes() {
	assert_found("a record with nothing in it is kept", || change(CAROL, Topic::Root, |_| ()));
	assert_found("votes are not in the order of their polls, each once", || {
		change(ALICE, Topic::Treasury, |voting| voting.votes.as_mut().swap(0, 1))
	});
	assert_found("what stays locked does not go down by steps", || {
		change(ALICE, Topic::Treasury, |voting| {
			voting.prior.0 = BoundedVec::truncate_from(vec![(5, 1), (4, 2)])
		})
	});
	assert_found("a worker has a conviction", || {
		change_old(WORKER, Topic::Learning, |cast| cast.ballot.conviction = Conviction::Locked1x)
	});
	assert_found("a worker has tokens locked", || {
		change(WORKER, Topic::Learning, |voting| voting.prior.extend(100, 1))
	});
	let empty = "a ballot is empty, or has a conviction and no side";
	assert_found(empty, || change_old(ALICE, Topic::Treasury, |cast| cast.ballot = Ballot::default()));
	assert_found(empty, || change_old(ALICE, Topic::Treasury, |cast| cast.ballot.nay = 1));
	let wrong = "a vote was paid with what its topic does not take";
	assert_found(wrong, || {
		change_old(ALICE, Topic::Treasury, |cast| cast.payment = Payment::Credits { renews_at: 9 })
	});
	assert_found(wrong, || {
		change_old(WORKER, Topic::Learning, |cast| cast.payment = Payment::Tokens { lock_blocks: 9 })
	});
}

#[test]
fn check_should_find_wrong_locks() {
	let wrong = "what is locked for topics is not what votes need";
	assert_found(wrong, || Locks::<Test>::mutate(ALICE, |locks| locks[0].1 -= 1));
	assert_found(wrong, || Locks::<Test>::mutate(ALICE, |locks| locks.try_push((Topic::Root, 1)).unwrap()));
	assert_found(wrong, || {
		Locks::<Test>::mutate(ALICE, |locks| {
			let twice = locks[0];
			locks.try_push(twice).unwrap();
		})
	});
	assert_found("nothing is locked for a vote", || Locks::<Test>::remove(BOB));
	assert_found("what is frozen is not the most of what is locked", || {
		assert_ok!(Balances::set_freeze(&FreezeReason::Vote.into(), &BOB, 1));
	});
}

#[test]
fn check_should_find_wrong_credits() {
	let wrong = "what is set aside is not what is delegated";
	assert_found(wrong, || WorkerCredits::<Test>::mutate(OTHER_WORKER, |credits| credits.reserved -= 1));
	assert_found(wrong, || WorkerCredits::<Test>::mutate(WORKER, |credits| credits.reserved = 1));
	assert_found("more credits are spent and set aside than there are", || {
		WorkerCredits::<Test>::mutate(OTHER_WORKER, |credits| credits.spent = 700_001)
	});
	assert_found("a worker delegates credits that are not set aside", || {
		WorkerCredits::<Test>::remove(OTHER_WORKER)
	});
}

#[test]
fn check_should_find_wrong_parameters() {
	new_ext().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.min_lock = 0);
		assert_eq!(QuadraticVoting::do_try_state(), Err(Error::<Test>::LeastLockTooSmall.into()));
	});
}
