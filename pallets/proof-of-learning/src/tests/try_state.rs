//! Each invariant of the README is broken on purpose, and must be found.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::{Finding, Purpose, RejectReason, Verdict},
	traits::ContestableRounds,
	Hash,
};
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		traits::fungible::{hold::Mutate, Mutate as _},
		BoundedVec,
	},
	sp_runtime::DispatchError,
};

/// One round closed, one in its reveal phase, one in its commit phase, one that awaits its draw, one that is
/// contested, and one kept waiting by a dispute.
const CLOSED: RoundId = 0;
const REVEALING: RoundId = 3;
const COMMITTING: RoundId = 4;
const AWAITING: RoundId = 5;
const CONTESTED: RoundId = 2;
const HELD: RoundId = 1;

#[track_caller]
fn assert_found(expected: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder::default().evaluators(7).build().execute_with(|| {
		let closed = submit_and_draw(TRAINER);
		find_all(closed, measured(NO_GAIN));
		let held = submit_and_draw(TRAINER);
		run_to_contest(held, measured(NO_GAIN));
		ProofOfLearning::hold(held);
		run_blocks(6);
		let contested = submit_and_draw(TRAINER);
		run_to_contest(contested, measured(NO_GAIN));
		let revealing = submit_and_draw(TRAINER);
		committee(revealing).iter().for_each(|who| commit(*who, revealing, &measured(GOOD)));
		reveal(committee(revealing)[0], revealing, &measured(GOOD));
		let committing = submit_and_draw(OTHER_TRAINER);
		commit(committee(committing)[0], committing, &measured(GOOD));
		let awaiting = submit(OTHER_TRAINER);
		assert_eq!((closed, held, contested), (CLOSED, HELD, CONTESTED));
		assert_eq!((revealing, committing, awaiting), (REVEALING, COMMITTING, AWAITING));
		check_invariants();

		corrupt();
		assert_eq!(ProofOfLearning::do_try_state(), Err(DispatchError::Other(expected)));
	});
}

fn change(id: RoundId, change: impl FnOnce(&mut RoundOf<Test>)) {
	Rounds::<Test>::mutate(id, |round| change(round.as_mut().unwrap()));
}

#[test]
fn check_should_find_a_gap_in_the_numbers() {
	let expected = "the numbers of the rounds that are kept have gaps";
	assert_found(expected, || Rounds::<Test>::remove(CLOSED));
	assert_found(expected, || NextRoundId::<Test>::put(9));
	assert_found(expected, || FirstRoundId::<Test>::put(1));
}

#[test]
fn check_should_find_a_wrong_count() {
	assert_found("OpenRoundCount is not the number of open rounds", || OpenRoundCount::<Test>::put(2));
	let expected = "OpenRoundsOf is not the number of a trainer's open rounds";
	assert_found(expected, || OpenRoundsOf::<Test>::insert(TRAINER, 2));
	assert_found(expected, || OpenRoundsOf::<Test>::insert(STRANGER, 0));
}

#[test]
fn check_should_find_a_wrong_agenda() {
	let slot = |id| get(id).due.unwrap();
	let not_each_once = "the agenda is not the open rounds, each once in its slot";
	assert_found(not_each_once, || Agenda::<Test>::remove(slot(AWAITING)));
	assert_found(not_each_once, || Agenda::<Test>::insert(90, BoundedVec::truncate_from(vec![AWAITING])));
	assert_found(not_each_once, || Agenda::<Test>::insert(90, BoundedVec::truncate_from(vec![CLOSED])));
	assert_found(not_each_once, || change(AWAITING, |round| round.due = Some(90)));
	assert_found("an empty slot of the agenda is kept", || Agenda::<Test>::insert(90, BoundedVec::new()));
	let not_due = "a round is due without being open, or the reverse";
	assert_found(not_due, || change(CLOSED, |round| round.due = Some(90)));
	assert_found(not_due, || change(AWAITING, |round| round.due = None));
	assert_found(not_due, || change(CONTESTED, |round| round.due = None));
	assert_found(not_due, || change(HELD, |round| round.open_disputes = 0));
	assert_found("a phase comes due before it is over", || {
		change(COMMITTING, |round| round.phase = Phase::Commit { until: round.due.unwrap() })
	});
	assert_found("a slot of the agenda was left behind", || System::set_block_number(90));
	assert_found("IncompleteSince lies in the future", || IncompleteSince::<Test>::put(90));
}

#[test]
fn check_should_find_a_wrong_bond() {
	let expected = "what is held of a trainer is not the bonds of its open rounds";
	let reason = RuntimeHoldReason::from(HoldReason::SubmissionBond);
	assert_found(expected, || Balances::hold(&reason, &TRAINER, 1).unwrap());
	assert_found(expected, || change(REVEALING, |round| round.bond -= 1));
	assert_found("a round's fee is above its bond", || change(CLOSED, |round| round.fee = BOND + 1));
	// A gift to the account is none to the bond.
	ExtBuilder::default().build_and_execute(|| {
		submit(TRAINER);
		assert_ok!(Balances::mint_into(&TRAINER, 5));
	});
}

#[test]
fn check_should_find_a_wrong_committee() {
	assert_found("an evaluator has two seats in a committee", || {
		change(COMMITTING, |round| round.committee[1].evaluator = round.committee[0].evaluator)
	});
	assert_found("a trainer measures its own submission", || {
		change(COMMITTING, |round| round.committee[1].evaluator = round.trainer)
	});
	assert_found("a committee without a draw, or a draw without one", || {
		change(COMMITTING, |round| round.draw = None)
	});
	assert_found("a round that awaits its draw has a committee", || {
		change(REVEALING, |round| round.phase = Phase::AwaitingDraw)
	});
	assert_found("a round that is measured has no committee", || {
		change(AWAITING, |round| round.phase = Phase::Commit { until: 0 })
	});
}

#[test]
fn check_should_find_wrong_findings() {
	assert_found("two evaluators have the same commitment", || {
		change(COMMITTING, |round| round.committee[1].commitment = round.committee[0].commitment)
	});
	assert_found("a finding was revealed without a commitment", || {
		change(REVEALING, |round| round.committee[0].commitment = None)
	});
	assert_found("a finding was revealed while others may still commit", || {
		change(COMMITTING, |round| round.committee[0].finding = Some(measured(GOOD)))
	});
	assert_found("a commit phase lasts on though all have committed", || {
		change(COMMITTING, |round| {
			for (n, seat) in round.committee.iter_mut().enumerate() {
				seat.commitment = Some(Hash::repeat_byte(n as u8));
			}
		})
	});
	assert_found("a reveal phase has no quorum of commitments", || {
		change(REVEALING, |round| round.committee.iter_mut().skip(3).for_each(|seat| seat.commitment = None))
	});
	assert_found("a reveal phase lasts on though all have revealed", || {
		change(REVEALING, |round| {
			round.committee.iter_mut().for_each(|seat| seat.finding = Some(measured(GOOD)))
		})
	});
}

#[test]
fn check_should_find_wrong_disputes() {
	assert_found("a round is in its contest phase though no quorum measured", || {
		change(CONTESTED, |round| {
			round.committee.iter_mut().skip(3).for_each(|seat| seat.finding = Some(Finding::Malformed))
		})
	});
	let outside = "a round waits for disputes outside of its contest phase";
	assert_found(outside, || change(CLOSED, |round| round.open_disputes = 1));
	assert_found(outside, || change(COMMITTING, |round| round.open_disputes = 1));
	let early = "a dispute was decided before anything could be contested";
	assert_found(early, || change(REVEALING, |round| round.committee[0].struck = true));
	assert_found(early, || change(COMMITTING, |round| round.committee[0].upheld = true));
	assert_found("a finding was struck that is no measurement", || {
		change(CLOSED, |round| {
			round.committee[0].finding = Some(Finding::Unfetchable);
			round.committee[0].struck = true;
		})
	});
}

#[test]
fn check_should_find_wrong_rules() {
	assert_found("a model's gate is not valid for its pool", || {
		Pools::<Test>::mutate(MODEL, |terms| terms.as_mut().unwrap().gate.tolerance = 0)
	});
	assert_found("a round has no blocks, or a block of it no component", || {
		change(CLOSED, |round| {
			round.components.pop();
		})
	});
	ExtBuilder::default().build().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.max_attempts = 0);
		assert_eq!(ProofOfLearning::do_try_state(), Err(Error::<Test>::AttemptsOutOfRange.into()));
	});
}

#[test]
fn try_state_should_find_lots_that_are_not_where_the_phase_says() {
	let lot = |id, is_opened| SealedDraw {
		lots: BoundedVec::truncate_from(vec![DrawnLot { id, is_opened }]),
		shards_per_lot: 1,
	};
	let set = |round: RoundId, sealed: SealedDraw| {
		Rounds::<Test>::mutate(round, |round| round.as_mut().unwrap().draw.as_mut().unwrap().sealed = sealed)
	};
	let unopened = "a round waits for lots that are open, or is measured on lots that are not";
	assert_found(unopened, || set(COMMITTING, lot(1, false)));
	assert_found(unopened, || {
		Rounds::<Test>::mutate(COMMITTING, |round| {
			let round = round.as_mut().unwrap();
			let Phase::Commit { until } = round.phase else { panic!("it commits") };
			round.committee.iter_mut().for_each(|seat| seat.commitment = None);
			round.phase = Phase::Opening { until };
		})
	});
	assert_found("a sealed lot is used twice", || {
		set(COMMITTING, lot(1, true));
		set(REVEALING, lot(1, true));
	});
}

#[test]
fn check_should_find_a_line_that_is_not_what_waits() {
	let expected = "the line is not the rounds that wait, oldest first";
	assert_found(expected, || {
		let entry =
			Waiting { round: AWAITING, trainer: OTHER_TRAINER, standing: Default::default(), work: 0 };
		WaitingRounds::<Test>::mutate(|line| line.try_push(entry).unwrap());
	});
	assert_found("a round is due without being open, or the reverse", || {
		change(AWAITING, |round| round.phase = Phase::Waiting);
	});
	let expected = "MeasuredRounds is not the rounds that are measured";
	assert_found(expected, || {
		MeasuredRounds::<Test>::mutate(|measured| {
			measured.pop();
		})
	});
	assert_found(expected, || {
		MeasuredRounds::<Test>::mutate(|measured| {
			let again = measured[0].clone();
			measured.try_push(again).unwrap();
		});
	});
}

#[test]
fn check_should_find_a_wrong_track_record() {
	let expected = "a track record is not of the newest round of its trainer";
	assert_found(expected, || TrackRecords::<Test>::remove(TRAINER));
	assert_found(expected, || {
		TrackRecords::<Test>::mutate_extant(TRAINER, |record| record.newest = CLOSED);
	});
	assert_found("more rejections are remembered than count", || {
		TrackRecords::<Test>::mutate_extant(TRAINER, |record| record.setbacks = MAX_SETBACKS + 1);
	});
}

#[test]
fn check_should_find_a_replacement_that_cannot_be() {
	let absent = |who| BoundedVec::truncate_from(vec![who]);
	assert_found("somebody who was replaced has a seat in the same attempt", || {
		let member = committee(COMMITTING)[0];
		change(COMMITTING, |round| (round.absent, round.replacements) = (absent(member), 1));
	});
	assert_found("the absent were replaced otherwise than counted", || {
		change(COMMITTING, |round| round.absent = absent(STRANGER));
	});
	assert_found("the absent were replaced otherwise than counted", || {
		change(COMMITTING, |round| round.replacements = 1);
	});
	let awaiting = |missing| Phase::AwaitingReplacement { since: 1, missing };
	assert_found("nobody is replaced, or nobody's work is saved", || {
		change(COMMITTING, |round| round.phase = awaiting(0));
	});
	assert_found("a seat is kept for somebody who did not commit, or who revealed too early", || {
		change(COMMITTING, |round| round.phase = awaiting(1));
	});
}

#[test]
fn check_should_find_a_wrong_canary() {
	let canary = || Some(Canary { planter: STRANGER, reward: 1 });
	assert_found("a submission is a canary that could not be an improvement", || {
		change(CONTESTED, |round| {
			round.canary = canary();
			round.purpose = Purpose::Rollback;
		})
	});
	let refused = "a canary was not refused as one, or something else was";
	assert_found(refused, || change(CLOSED, |round| round.canary = canary()));
	assert_found(refused, || {
		change(CLOSED, |round| {
			let verdict = Verdict::Rejected(RejectReason::Canary);
			round.phase = Phase::Closed { verdict, at: 1 };
		})
	});
	let early = "a submission is known to be a canary while it is measured";
	assert_found(early, || change(COMMITTING, |round| round.canary = canary()));
	assert_found(early, || change(AWAITING, |round| round.canary = canary()));
}
