//! Votes of workers: credits, and what lapses.

use crate::{mock::*, *};
use blyan_primitives::{
	traits::{StandingVotes, VotingWorkers, WorkerRegistry},
	worker::{Fault, Role},
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{ConstU32, Polling, VoteTally},
	},
	sp_runtime::{traits::BadOrigin, Perbill},
};

const UNIT: Balance = CREDITS_PER_PERIOD;
const L: Topic = Topic::Learning;

fn slash(who: AccountId) {
	<QuadraticVoting as StandingVotes<AccountId>>::slashed(&who);
}

fn left(who: AccountId) -> Balance {
	QuadraticVoting::credits_left(&who)
}

#[test]
fn votes_should_cost_their_square_when_paid_with_credits() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD, 0, 1));
		assert_ok!(vote(WORKER, LEARNING, nay(UNIT / 4)));
		assert_eq!(tally(LEARNING), (0, VOTES_PER_PERIOD / 2, 0));
		assert_ok!(vote(WORKER, LEARNING, split(400, 900, 5)));
		assert_eq!(tally(LEARNING), (20, 30, 1));
		assert_ok!(vote(WORKER, LEARNING, abstain(1)));
		assert_eq!(tally(LEARNING), (0, 0, 1));
		assert_eq!(frozen(WORKER), 0, "no tokens are locked");
	});
}

#[test]
fn wealth_should_not_count_when_workers_vote() {
	build_and_execute(|| {
		// Not a token.
		let poor = 500;
		set_worker(poor, true);
		assert_ok!(vote(poor, LEARNING, aye(UNIT)));
		assert_ok!(vote(WORKER, LEARNING, nay(UNIT)));
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD, VOTES_PER_PERIOD, 1));
		let (tally, class) = World::as_ongoing(LEARNING.into()).unwrap();
		assert_eq!(tally.support(class), Perbill::from_rational(1, WORKERS + 1));
		assert_eq!(tally.approval(class), Perbill::from_percent(50));
	});
}

#[test]
fn credits_should_last_for_all_polls_of_a_period() {
	build_and_execute(|| {
		assert_eq!(left(WORKER), UNIT);
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT / 2)));
		assert_ok!(vote(WORKER, APPEAL, nay(UNIT / 4)));
		assert_eq!(left(WORKER), UNIT / 4);
		open(10, LEARNING);
		assert_noop!(vote(WORKER, 10_u32, aye(UNIT / 4 + 1)), Error::<Test>::NotEnoughCredits);
		assert_ok!(vote(WORKER, 10_u32, aye(UNIT / 4)));
		assert_eq!(left(WORKER), 0);
		// The period begins with the first vote of it.
		run_to(CREDIT_PERIOD);
		assert_eq!(left(WORKER), 0);
		run_to(1 + CREDIT_PERIOD);
		assert_eq!(left(WORKER), UNIT);
		open(11, LEARNING);
		assert_noop!(vote(WORKER, 11_u32, aye(UNIT + 1)), Error::<Test>::NotEnoughCredits);
		assert_ok!(vote(WORKER, 11_u32, aye(UNIT)));
	});
}

#[test]
fn credits_should_return_when_a_vote_is_changed_in_its_period() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT / 4)));
		assert_eq!(left(WORKER), UNIT / 4 * 3);
		assert_ok!(remove(WORKER, L, LEARNING));
		assert_eq!((left(WORKER), tally(LEARNING)), (UNIT, (0, 0, 0)));
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		run_to(1 + CREDIT_PERIOD);
		// Of the period before: nothing is put back, and what takes its place is paid anew.
		assert_ok!(vote(WORKER, APPEAL, aye(UNIT / 2)));
		assert_noop!(vote(WORKER, LEARNING, nay(UNIT)), Error::<Test>::NotEnoughCredits);
		assert_ok!(vote(WORKER, LEARNING, nay(UNIT / 2)));
		assert_eq!((left(WORKER), tally(LEARNING)), (0, (0, 707, 0)));
		assert_ok!(remove(WORKER, L, LEARNING));
		assert_eq!(left(WORKER), UNIT / 2);
	});
}

#[test]
fn credits_should_not_return_when_the_poll_is_over_or_the_period_is() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		close(LEARNING.into(), true);
		assert_ok!(remove_of(STRANGER, WORKER, L, LEARNING));
		assert_eq!(left(WORKER), 0);
		assert_ok!(vote(OTHER_WORKER, APPEAL, aye(UNIT)));
		run_to(1 + CREDIT_PERIOD);
		open(10, LEARNING);
		assert_ok!(vote(OTHER_WORKER, 10_u32, aye(UNIT)));
		assert_ok!(remove(OTHER_WORKER, Topic::Datasets, APPEAL));
		assert_eq!(left(OTHER_WORKER), 0);
	});
}

#[test]
fn vote_should_fail_when_the_voter_is_no_worker_or_has_a_conviction() {
	build_and_execute(|| {
		assert_noop!(vote(ALICE, LEARNING, aye(1)), Error::<Test>::NotWorker);
		let convinced = with(Conviction::Locked1x, aye(1));
		assert_noop!(vote(WORKER, LEARNING, convinced), Error::<Test>::ConvictionNotForWorkers);
		assert_noop!(vote(WORKER, LEARNING, aye(UNIT + 1)), Error::<Test>::NotEnoughCredits);
		assert_eq!(left(ALICE), 0);
	});
}

#[test]
fn votes_of_a_slashed_worker_should_lapse() {
	build_and_execute(|| {
		assert_ok!(vote(OTHER_WORKER, LEARNING, aye(100)));
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT / 4)));
		assert_ok!(vote(WORKER, APPEAL, nay(UNIT / 4)));
		// What it votes as a holder is no affair of workers.
		assert_ok!(vote(WORKER, ROOT, aye(ENDOWMENT)));
		let of_tokens = tally(ROOT);
		open(10, LEARNING);
		assert_ok!(vote(WORKER, 10_u32, aye(1)));
		close(10, true);
		run_to(8);
		slash(WORKER);
		assert_eq!(last_event(), Event::VoterSuspended { worker: WORKER, until: 8 + CREDIT_PERIOD });
		System::assert_has_event(Event::VotesLapsed { worker: WORKER, removed: 3 }.into());
		assert_eq!((tally(LEARNING), tally(APPEAL)), ((10, 0, 1), (0, 0, 0)));
		assert_eq!(tally(ROOT), of_tokens);
		assert_eq!(left(WORKER), 0);
		run_to(7 + CREDIT_PERIOD);
		assert_noop!(vote(WORKER, LEARNING, aye(1)), Error::<Test>::VoterIsSuspended);
		let to = OTHER_WORKER;
		assert_noop!(delegate(WORKER, L, to, 1, Conviction::None), Error::<Test>::VoterIsSuspended);
		run_to(8 + CREDIT_PERIOD);
		assert_eq!(left(WORKER), UNIT);
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
	});
}

#[test]
fn worker_should_be_suspended_when_it_is_slashed_before_it_votes() {
	build_and_execute(|| {
		slash(WORKER);
		assert_noop!(vote(WORKER, LEARNING, aye(1)), Error::<Test>::VoterIsSuspended);
		run_to(5);
		slash(WORKER);
		assert_eq!(WorkerCredits::<Test>::get(WORKER).suspended_until, 5 + CREDIT_PERIOD);
	});
}

#[test]
fn delegations_of_a_slashed_worker_should_lapse() {
	build_and_execute(|| {
		assert_ok!(vote(OTHER_WORKER, LEARNING, aye(UNIT)));
		assert_ok!(delegate(WORKER, L, OTHER_WORKER, UNIT, Conviction::None));
		assert_ok!(vote(THIRD_WORKER, APPEAL, aye(UNIT)));
		assert_eq!(tally(LEARNING), (2 * VOTES_PER_PERIOD, 0, 2));
		slash(WORKER);
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD, 0, 1));
		assert_eq!(Votings::<Test>::get(OTHER_WORKER, L).delegated, Power::default());
		assert_eq!(Votings::<Test>::get(WORKER, L).delegation, None);
		System::assert_has_event(Event::VotesLapsed { worker: WORKER, removed: 1 }.into());
	});
}

#[test]
fn votes_that_a_slashed_delegate_carried_should_lapse_and_come_back_with_it() {
	build_and_execute(|| {
		assert_ok!(delegate(OTHER_WORKER, L, WORKER, UNIT, Conviction::None));
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_eq!(tally(LEARNING), (2 * VOTES_PER_PERIOD, 0, 2));
		slash(WORKER);
		assert_eq!(tally(LEARNING), (0, 0, 0));
		assert_eq!(Votings::<Test>::get(WORKER, L).delegated.support, 1);
		run_to(1 + CREDIT_PERIOD);
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_eq!(tally(LEARNING), (2 * VOTES_PER_PERIOD, 0, 2));
	});
}

#[test]
fn votes_should_lapse_when_a_worker_leaves() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_noop!(lapse(WORKER), Error::<Test>::StillWorker);
		assert_noop!(QuadraticVoting::lapse(RuntimeOrigin::root(), WORKER), BadOrigin);
		set_worker(WORKER, false);
		assert_ok!(lapse(WORKER));
		assert_eq!(last_event(), Event::VotesLapsed { worker: WORKER, removed: 1 });
		assert_eq!(tally(LEARNING), (0, 0, 0));
		// The credits are kept until they say nothing, lest it register again and have more.
		assert_noop!(lapse(WORKER), Error::<Test>::NothingToLapse);
		set_worker(WORKER, true);
		assert_eq!(left(WORKER), 0);
		set_worker(WORKER, false);
		run_to(1 + CREDIT_PERIOD);
		assert_ok!(lapse(WORKER));
		assert!(!WorkerCredits::<Test>::contains_key(WORKER));
		assert_noop!(lapse(WORKER), Error::<Test>::NothingToLapse);
	});
}

#[test]
fn suspension_should_outlast_a_worker_that_leaves() {
	build_and_execute(|| {
		run_to(10);
		slash(WORKER);
		set_worker(WORKER, false);
		run_to(9 + CREDIT_PERIOD);
		assert_noop!(lapse(WORKER), Error::<Test>::NothingToLapse);
		run_to(10 + CREDIT_PERIOD);
		assert_ok!(lapse(WORKER));
	});
}

#[test]
fn register_should_have_votes_lapse_when_it_says_so() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(UNIT)));
		assert_ok!(delegate(OTHER_WORKER, L, WORKER, UNIT / 4, Conviction::None));
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD + VOTES_PER_PERIOD / 2, 0, 2));
		set_worker(OTHER_WORKER, false);
		<QuadraticVoting as StandingVotes<AccountId>>::left(&OTHER_WORKER);
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD, 0, 1));
		<() as StandingVotes<AccountId>>::left(&WORKER);
		<() as StandingVotes<AccountId>>::slashed(&WORKER);
		assert_eq!(tally(LEARNING), (VOTES_PER_PERIOD, 0, 1), "nobody listens");
		assert_eq!(WorkerCredits::<Test>::get(OTHER_WORKER).suspended_until, 0);
	});
}

/// A register in which every even account is a server and nothing else.
struct Servers;

impl WorkerRegistry<AccountId> for Servers {
	fn has_role(who: &AccountId, role: Role) -> bool {
		role == Role::Server && who.is_multiple_of(2)
	}
	fn draw(_: Role, _: u32, _: Hash, _: &[AccountId]) -> Vec<AccountId> {
		Vec::new()
	}
	fn engage(_: &AccountId) -> bool {
		true
	}
	fn release(_: &AccountId) {}
	fn note_honest_work(_: &AccountId) {}
	fn note_fault_paying(_: &AccountId, _: Fault, _: &[(AccountId, Perbill)]) -> Balance {
		0
	}
	fn cost_of(_: &AccountId, _: Fault) -> Balance {
		0
	}
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(_: &AccountId, _: Role) {}
}

#[test]
fn workers_should_be_those_of_the_register_whatever_their_role() {
	type Registered = RegisteredWorkers<Servers, ConstU32<7>>;
	let is_worker = |who| <Registered as VotingWorkers<AccountId>>::is_worker(&who);
	assert_eq!((is_worker(2), is_worker(3)), (true, false));
	assert_eq!(<Registered as VotingWorkers<AccountId>>::count(), 7);
}
