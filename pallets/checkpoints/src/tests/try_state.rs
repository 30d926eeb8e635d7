//! Every invariant fails when it is broken.

use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::storage::with_transaction,
	sp_core::ed25519::Signature,
	sp_runtime::{DispatchError, TransactionOutcome},
};

/// Breaks what `change` breaks, and mends it again. The state: a session whose set is being settled and has a seat left,
/// one that runs with a checkpoint that is certified, and a wrong vote.
fn breaks(reason: &'static str, change: impl FnOnce()) {
	run(|| {
		change_validators(&[3, 4, 5]);
		let block = next_checkpoint();
		assert_eq!(block.number, CHECKPOINT_BLOCKS);
		vote(&[3, 4, 5]);
		next_checkpoint();
		vote(&[3, 4]);
		bring(5, wrong_vote_of(5));
		next_checkpoint();
		bring(4, wrong_vote_of(4));
		change_validators(&[5, 6]);
		next_checkpoint();
		next_block(None);
		vote(&[5, 6]);
		assert_eq!(Settled::<Test>::get().unwrap(), Settlement { session: 1, seat: 2, sessions: 1 });
		Checkpoints::do_try_state().expect("nothing is broken yet");
		let broken = with_transaction(|| {
			change();
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Checkpoints::do_try_state()))
		});
		assert_eq!(broken.unwrap(), Err(reason.into()));
	});
}

fn settled(change: impl FnOnce(&mut Settlement)) {
	Settled::<Test>::mutate(|at| change(at.as_mut().unwrap()));
}

fn record(session: SessionIndex, change: impl FnOnce(&mut SessionRecord)) {
	Sessions::<Test>::mutate(session, |record| change(record.as_mut().unwrap()));
}

fn standing(who: AccountId, change: impl FnOnce(&mut Standing)) {
	Standings::<Test>::mutate(who, |standing| change(standing.as_mut().unwrap()));
}

fn opened(change: impl FnOnce(&mut Checkpoint)) {
	OpenCheckpoint::<Test>::mutate(|open| change(open.as_mut().unwrap()));
}

#[test]
fn try_state_should_fail_when_sessions_do_not_follow_one_another() {
	breaks("checkpoints: a session that nobody was told of", Running::<Test>::kill);
	breaks("checkpoints: more sessions wait than are kept", || settled(|at| at.sessions = KEPT_SESSIONS + 1));
	breaks("checkpoints: a session is missing", || Sessions::<Test>::remove(1));
	breaks("checkpoints: a session that waits is not over", || record(1, |record| record.next = None));
	breaks("checkpoints: a session does not know what followed", || {
		record(1, |record| record.next = Some(NextSession { session: 2, has_other_set: false }));
	});
	breaks("checkpoints: the last session is not the one that runs", || {
		Running::<Test>::put(RunningSession { session: 2, set: 1 });
	});
	breaks("checkpoints: a seat is settled that there is not", || settled(|at| at.seat = 3));
	breaks("checkpoints: a session is settled that runs", || {
		settled(|at| (at.session, at.seat, at.sessions) = (2, 1, 0));
	});
	breaks("checkpoints: a session was not forgotten", || {
		let other = Sessions::<Test>::get(1).unwrap();
		Sessions::<Test>::insert(0, other);
	});
}

#[test]
fn try_state_should_fail_when_seats_and_sets_differ() {
	breaks("checkpoints: a set has too many seats", || {
		record(2, |record| record.validators = MAX_VALIDATORS + 1);
	});
	breaks("checkpoints: a seat is empty", || Voters::<Test>::remove(1, 2));
	breaks("checkpoints: a seat is kept of a set that is gone", || {
		let voter = Voters::<Test>::get(1, 2).unwrap();
		Voters::<Test>::insert(1, 0, voter);
	});
}

#[test]
fn try_state_should_fail_when_a_standing_is_of_another() {
	breaks("checkpoints: a validator has no standing", || Standings::<Test>::remove(6));
	breaks("checkpoints: a standing names another set", || standing(5, |standing| standing.set = 1));
	breaks("checkpoints: a standing has more sessions than were", || {
		standing(5, |standing| standing.active = 1 << standing.known);
	});
	breaks("checkpoints: a standing is of no validator", || {
		Standings::<Test>::insert(77, Standing::default());
	});
}

#[test]
fn try_state_should_fail_when_a_tally_cannot_be() {
	let counted = Tally { votes: 1, ..Default::default() };
	breaks("checkpoints: a tally is of no session", || Tallies::<Test>::insert(9, 5, counted));
	// Seat 0 of session 1 is settled.
	breaks("checkpoints: a tally is of nobody who is to be settled", || {
		Tallies::<Test>::insert(1, 3, counted);
	});
	breaks("checkpoints: more votes were quick than there were", || {
		Tallies::<Test>::insert(2, 6, Tally { quick: 2, ..counted });
	});
	breaks("checkpoints: more votes than checkpoints", || {
		Tallies::<Test>::insert(2, 6, Tally { wrong: 1, ..counted });
	});
}

#[test]
fn try_state_should_fail_when_the_open_checkpoint_is_not_what_was_voted_on() {
	breaks("checkpoints: a checkpoint is of no session", || opened(|open| open.session = 9));
	breaks("checkpoints: a checkpoint is of another set", || opened(|open| open.voters = 3));
	breaks("checkpoints: votes are not as many as are kept", || {
		let slot = open().slot;
		Votes::<Test>::remove(slot, 1);
	});
	breaks("checkpoints: certified without enough votes, or not with them", || {
		opened(|open| open.is_certified = false);
	});
	breaks("checkpoints: the slot has another certificate", || {
		Certificates::<Test>::remove(open().slot);
	});
}

#[test]
fn try_state_should_fail_when_a_certificate_proves_nothing() {
	breaks("checkpoints: a certificate beyond the slots", || {
		let certified = Certificates::<Test>::get(open().slot).unwrap();
		Certificates::<Test>::insert(KEPT_CHECKPOINTS, certified);
	});
	breaks("checkpoints: a certificate proves nothing", || {
		Votes::<Test>::mutate(open().slot, 0, |vote| vote.as_mut().unwrap().signature = Signature::default());
	});
	breaks("checkpoints: a certificate proves nothing", || {
		Certificates::<Test>::mutate(0, |certified| certified.as_mut().unwrap().voters = 8);
	});
	breaks("checkpoints: the newest certificate is another", || NewestCertificate::<Test>::put(0));
	breaks("checkpoints: a vote beyond the slots", || {
		let vote = Votes::<Test>::get(0, 0).unwrap();
		Votes::<Test>::insert(KEPT_CHECKPOINTS, 0, vote);
	});
}

#[test]
fn try_state_should_fail_when_evidence_is_missing_or_forged() {
	breaks("checkpoints: wrong votes are missing, or too many", || Evidence::<Test>::remove(0));
	breaks("checkpoints: a wrong vote was not forgotten", || {
		let wrong = Evidence::<Test>::take(0).unwrap();
		Evidence::<Test>::insert(9, wrong);
	});
	breaks("checkpoints: a wrong vote is not signed", || {
		Evidence::<Test>::mutate(1, |wrong| wrong.as_mut().unwrap().vote.block.number += 1);
	});
}
