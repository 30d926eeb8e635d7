//! Each invariant of the README is broken on purpose, and must be found.

use crate::{mock::*, *};
use blyan_primitives::traits::ContestableRounds;
use polkadot_sdk::{frame_support::traits::fungible::hold::Mutate, sp_runtime::DispatchError};

/// One dispute whose referees reveal, one whose referees commit, and one that waits for its opening.
const REVEALING: DisputeId = 0;
const COMMITTING: DisputeId = 1;
const WAITING: DisputeId = 2;

#[track_caller]
fn assert_found(expected: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		let (round, members) = round_with_liar();
		assert_eq!(contest_to_referees(round, members[0], lie()), REVEALING);
		referees(REVEALING).iter().for_each(|who| commit(*who, REVEALING, exact()));
		assert_eq!(contest_to_referees(round, members[1], truth()), COMMITTING);
		commit(referees(COMMITTING)[0], COMMITTING, exact());
		reveal(referees(REVEALING)[0], REVEALING, exact());
		assert_eq!(contest(round, members[2]), WAITING);
		check_invariants();

		corrupt();
		assert_eq!(DisputesPallet::do_try_state(), Err(DispatchError::Other(expected)));
	});
}

fn change(id: DisputeId, change: impl FnOnce(&mut DisputeOf<Test>)) {
	Disputes::<Test>::mutate(id, |dispute| change(dispute.as_mut().unwrap()));
}

fn change_entry(id: DisputeId, change: impl FnOnce(&mut OpenDisputeOf<Test>)) {
	OpenDisputes::<Test>::mutate(|open| change(open.iter_mut().find(|entry| entry.id == id).unwrap()));
}

#[test]
fn check_should_find_a_wrong_list() {
	let not_once = "the list is not the open disputes, each once";
	assert_found(not_once, || Disputes::<Test>::remove(WAITING));
	assert_found(not_once, || OpenDisputes::<Test>::mutate(|open| open.truncate(2)));
	assert_found("the list is not in the order of what is due", || {
		OpenDisputes::<Test>::mutate(|open| open.as_mut().reverse())
	});
	assert_found("a dispute has a number that was not given yet", || NextDisputeId::<Test>::put(1));
	let other = "the list and a dispute do not name the same finding";
	assert_found(other, || change_entry(WAITING, |entry| entry.position = 1));
	assert_found(other, || change(WAITING, |dispute| dispute.accused = OWNER));
	assert_found("a dispute is not due right after its phase", || {
		change(WAITING, |dispute| dispute.stage = Stage::AwaitingOpening { until: 1_000 })
	});
}

#[test]
fn check_should_find_too_many_disputes() {
	assert_found("a shard is contested twice at once", || {
		let other = get(REVEALING).accused;
		change_entry(WAITING, |entry| entry.accused = other);
		change(WAITING, |dispute| dispute.accused = other);
	});
	assert_found("a round has more open disputes than it may", || {
		let mut dispute = get(WAITING);
		(dispute.position, dispute.bond) = (3, 0);
		let mut entry = OpenDisputes::<Test>::get().iter().find(|e| e.id == WAITING).unwrap().clone();
		(entry.id, entry.position) = (3, 3);
		Disputes::<Test>::insert(3, dispute);
		DisputesPallet::list(entry);
		NextDisputeId::<Test>::put(4);
	});
}

#[test]
fn check_should_find_a_wrong_bond() {
	let expected = "what is held of a challenger is not the bonds of its open disputes";
	let reason = RuntimeHoldReason::from(HoldReason::DisputeBond);
	assert_found(expected, || Balances::hold(&reason, &CHALLENGER, 1).unwrap());
	assert_found(expected, || change(WAITING, |dispute| dispute.bond -= 1));
}

#[test]
fn check_should_find_a_round_that_waits_for_nothing() {
	assert_found("a round waits for more or fewer disputes than it has", || ProofOfLearning::hold(0));
}

#[test]
fn check_should_find_wrong_referees() {
	assert_found("a referee has two seats in a dispute", || {
		change(COMMITTING, |dispute| dispute.referees[1].referee = dispute.referees[0].referee)
	});
	let party = "a party judges its own dispute";
	assert_found(party, || change(COMMITTING, |dispute| dispute.referees[1].referee = dispute.accused));
	assert_found(party, || change(COMMITTING, |dispute| dispute.referees[1].referee = CHALLENGER));
	let involved = "who made or measured a submission judges it";
	assert_found(involved, || change(COMMITTING, |dispute| dispute.referees[1].referee = TRAINER));
	assert_found(involved, || {
		let member = committee(0)[4];
		change(COMMITTING, |dispute| dispute.referees[1].referee = member)
	});
	let number = "a dispute has an even number of referees, or some outside of their phases";
	assert_found(number, || {
		change(COMMITTING, |dispute| {
			dispute.referees.pop();
		})
	});
	assert_found(number, || change(COMMITTING, |dispute| dispute.stage = Stage::AwaitingReferees));
}

#[test]
fn check_should_find_what_a_stage_must_not_have() {
	let opening = "a dispute goes on without an opening, or waits for a second one";
	assert_found(opening, || change(COMMITTING, |dispute| dispute.opened = None));
	assert_found(opening, || change(WAITING, |dispute| dispute.opened = get(COMMITTING).opened));
	assert_found("two referees have the same commitment", || {
		change(COMMITTING, |dispute| dispute.referees[1].commitment = dispute.referees[0].commitment)
	});
	let early = "a referee revealed too early, or what it did not commit to";
	assert_found(early, || change(COMMITTING, |dispute| dispute.referees[0].finding = Some(exact())));
	assert_found(early, || change(REVEALING, |dispute| dispute.referees[0].commitment = None));
	assert_found("a reveal phase has no majority of commitments", || {
		change(REVEALING, |dispute| {
			dispute.referees.iter_mut().skip(2).for_each(|seat| seat.commitment = None)
		})
	});
}

#[test]
fn check_should_find_wrong_parameters() {
	ExtBuilder::default().build().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.referees = 2);
		assert_eq!(DisputesPallet::do_try_state(), Err(Error::<Test>::RefereesOutOfRange.into()));
	});
}
