//! What follows from a canary, through the real rounds, disputes, workers and rewards.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::{referee_commitment, AllLosses, RefereeFinding, RejectReason, Verdict},
	worker::Fault,
};
use polkadot_sdk::frame_support::assert_ok;

const CANARY: Option<Verdict> = Some(Verdict::Rejected(RejectReason::Canary));
/// A tenth, and a twentieth, of a worker's bond.
const TENTH: u128 = WORKER_BOND / 10;
const TWENTIETH: u128 = WORKER_BOND / 20;

/// A canary that is shown, of which each seat reported that gain, with its committee.
fn shown(gains: [blyan_primitives::learning::NanoBits; 5]) -> (RoundId, Vec<AccountId>) {
	let round = plant(PLANTER);
	let members = measure(round, gains);
	assert_ok!(reveal(round, PLANTER, 2));
	(round, members)
}

/// Has the evaluators' findings contested; they open what they reported, and referees find the truth.
fn dispute(round: RoundId, accused: &[AccountId], gain: i64, truth: i64) {
	let first = pallet_disputes::NextDisputeId::<Test>::get();
	for (id, accused) in (first..).zip(accused) {
		assert_ok!(Disputes::contest(RuntimeOrigin::signed(PLANTER), round, *accused, 0));
		let opened = AllLosses::truncate_from(losses(gain));
		assert_ok!(Disputes::open(RuntimeOrigin::signed(*accused), id, opened));
	}
	(first..).zip(accused).for_each(|(id, _)| judge(id, truth));
}

fn judge(id: u64, truth: i64) {
	let get = || pallet_disputes::Disputes::<Test>::get(id);
	while get().unwrap().referees.is_empty() {
		next_block();
	}
	let referees = get().unwrap().referees.iter().map(|seat| seat.referee).collect::<Vec<_>>();
	let exact = RefereeFinding::Exact(losses(truth)[0]);
	for who in &referees {
		let hash = referee_commitment(who, id, 0, &exact, &SALT);
		assert_ok!(Disputes::commit(RuntimeOrigin::signed(*who), id, hash));
	}
	next_block();
	for who in &referees {
		assert_ok!(Disputes::reveal(RuntimeOrigin::signed(*who), id, exact, SALT));
	}
	next_block();
	assert!(get().is_none());
}

fn run_until_closed(round: RoundId) {
	(0..40).take_while(|_| round_of(round).is_open()).for_each(|_| next_block());
}

#[test]
fn lazy_evaluator_should_lose_a_tenth_and_the_planter_be_paid_from_the_audit_budget() {
	ExtBuilder::default().with_key(|| {
		let trainer = total(TRAINER);
		let (round, members) = shown([WORSE, WORSE, GOOD, WORSE, WORSE]);
		run_to_settlement(round);
		assert_eq!((verdict(round), World::generation()), (CANARY, 0));
		assert_eq!(faults(), [(members[2], Fault::CanaryAccepted, TENTH)]);
		assert_eq!(trainer - total(TRAINER), FEE, "the measurement is paid out of the bond");
		assert_eq!(total(members[0]), ENDOWMENT + FEE / 4);
		assert_eq!(audits_of(PLANTER), FEE + REWARD, "and comes back with a reward");
		assert_eq!(audits_of(TRAINER), 0);
	});
}

#[test]
fn nobody_honest_should_lose_anything_when_a_real_improvement_is_called_a_canary() {
	ExtBuilder::default().with_key(|| {
		let (round, members) = shown([GOOD; 5]);
		run_to_settlement(round);
		assert_eq!((verdict(round), World::generation()), (CANARY, 0));
		assert!(faults().is_empty());
		assert!(members.iter().all(|who| total(*who) == ENDOWMENT + FEE / 5));
		assert_eq!(audits_of(PLANTER), 0, "the planter has lost its reward and the fee");
	});
}

#[test]
fn honest_minority_should_defend_itself_when_a_captured_majority_and_the_planter_lie() {
	ExtBuilder::default().with_key(|| {
		// A real improvement, called a canary, and a majority that says it is worse.
		let (round, members) = shown([WORSE, WORSE, WORSE, GOOD, GOOD]);
		dispute(round, &members[..3], WORSE, GOOD);
		run_until_closed(round);
		assert_eq!(verdict(round), CANARY);
		let lost = |who| (who, Fault::DisputeLost, TWENTIETH);
		assert_eq!(faults(), [lost(members[0]), lost(members[1]), lost(members[2])]);
		assert_eq!(audits_of(PLANTER), 0, "nobody who accepted it was wrong");
	});
}

#[test]
fn captured_majority_should_lose_a_tenth_each_when_the_planter_contests_it() {
	ExtBuilder::default().with_key(|| {
		let (round, members) = shown([GOOD, GOOD, GOOD, WORSE, WORSE]);
		dispute(round, &members[..3], GOOD, WORSE);
		run_until_closed(round);
		assert_eq!((verdict(round), World::generation()), (CANARY, 0));
		let lost = |who| (who, Fault::CanaryAccepted, TENTH);
		assert_eq!(faults(), [lost(members[0]), lost(members[1]), lost(members[2])]);
		assert_eq!(audits_of(PLANTER), REWARD, "no quorum stands, so no fee was paid");
		// The planter is nobody special to a dispute: half of each slash is the challenger's.
		assert_eq!(total(PLANTER), ENDOWMENT + 3 * TENTH / 2);
	});
}

#[test]
fn accepted_canary_should_never_be_in_the_model_though_nobody_contests_it() {
	ExtBuilder::default().with_key(|| {
		let (round, _) = shown([GOOD; 5]);
		run_blocks(60);
		assert_eq!((verdict(round), World::generation()), (CANARY, 0));
		let epoch = pallet_rewards::CurrentEpoch::<Test>::get().unwrap().number;
		let claims = pallet_rewards::Claims::<Test>::iter_prefix(epoch).count();
		assert_eq!(claims, 0, "neither trainer nor evaluators are paid for an improvement");
	});
}

#[test]
fn canary_that_is_not_shown_should_be_an_ordinary_submission() {
	ExtBuilder::default().with_key(|| {
		let round = plant(PLANTER);
		let members = measure(round, [WORSE, WORSE, GOOD, WORSE, WORSE]);
		run_to_settlement(round);
		assert_eq!(verdict(round), Some(Verdict::Rejected(RejectReason::NoGain)));
		assert_eq!(faults(), [(members[2], Fault::OutsideTolerance, TWENTIETH)]);
		assert_eq!(audits_of(PLANTER), 0);
	});
}
