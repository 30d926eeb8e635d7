//! Submissions that turn out to be canaries.

use crate::{
	mock::{world::Standing, *},
	*,
};
use blyan_primitives::{
	learning::{Finding, NanoBits, RejectReason, Verdict},
	traits::{CanaryRounds, ContestableRounds, DisputeOutcome},
	worker::Fault,
};

const PLANTER: AccountId = 77;
const REWARD: blyan_primitives::Balance = 40;
/// Worse than the heads by far more than the tolerance.
const WORSE: NanoBits = -GOOD;
const CANARY: Option<Verdict> = Some(Verdict::Rejected(RejectReason::Canary));

fn sealed(id: RoundId) -> Option<blyan_primitives::traits::SuspectRound<AccountId, BlockNumber>> {
	<ProofOfLearning as CanaryRounds<_, _>>::sealed(id)
}

/// A round in its contest phase, of which each seat reported that, with its committee.
fn reported(gains: [NanoBits; 5]) -> (RoundId, Vec<AccountId>) {
	let id = submit_and_draw(TRAINER);
	let members = committee(id);
	members.iter().zip(gains).for_each(|(who, gain)| commit(*who, id, &measured(gain)));
	members.iter().zip(gains).for_each(|(who, gain)| reveal(*who, id, &measured(gain)));
	assert!(matches!(get(id).phase, Phase::Contest { .. }));
	(id, members)
}

/// The same, known to be a canary.
fn canary(gains: [NanoBits; 5]) -> (RoundId, Vec<AccountId>) {
	let (id, members) = reported(gains);
	ProofOfLearning::mark_canary(id, PLANTER, REWARD);
	(id, members)
}

fn strike(id: RoundId, accused: AccountId) {
	ProofOfLearning::hold(id);
	ProofOfLearning::conclude(id, DisputeOutcome::Struck { accused, challenger: STRANGER });
}

#[test]
fn seal_should_be_opened_between_the_last_reveal_and_the_deadline_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		assert_eq!((sealed(id), sealed(77)), (None, None));
		run_to_contest(id, measured(WORSE));
		let Phase::Contest { until } = get(id).phase else { panic!("it is contested") };
		run_to(until);
		let open = sealed(id).unwrap();
		assert_eq!((open.trainer, open.is_canary), (TRAINER, false));
		assert_eq!((open.blocks, open.submitted_at), (get(id).blocks.into_inner(), 1));
		ProofOfLearning::hold(id);
		next_block();
		assert!(get(id).is_open() && sealed(id).is_none(), "a dispute does not lengthen it");
		ProofOfLearning::conclude(id, DisputeOutcome::Undecided);
		next_block();
		assert_eq!((verdict(id), sealed(id)), (Some(Verdict::Rejected(RejectReason::NoGain)), None));
	});
}

#[test]
fn who_accepted_a_canary_should_be_at_fault_of_that_and_the_planter_be_paid() {
	ExtBuilder::default().build_and_execute(|| {
		let before = total(TRAINER);
		// One accepts it, one is far off without accepting it.
		let (id, members) = canary([WORSE, WORSE, WORSE, GOOD, 3 * WORSE]);
		run_to_settlement(id);
		assert_eq!(verdict(id), CANARY);
		let expected = [(members[3], Fault::CanaryAccepted), (members[4], Fault::OutsideTolerance)];
		assert_eq!(World::faults(), expected);
		assert_eq!(World::honest_work(), members[..3]);
		let fee = FEE / 3 * 3;
		assert_eq!((held(TRAINER), total(TRAINER)), (0, before - fee));
		assert_eq!(World::audits(), [(PLANTER, fee + REWARD, id)]);
		assert!(World::accruals().is_empty(), "a canary is never paid as an improvement");
		assert!(get(id).blocks.iter().all(|block| World::standing(block) == Standing::Rejected));
		assert_eq!(World::generation(MODEL), 0);
	});
}

#[test]
fn label_should_blame_nobody_and_pay_nobody_when_the_medians_accept_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = canary([GOOD, GOOD, GOOD, GOOD, WORSE]);
		run_to_settlement(id);
		assert_eq!((verdict(id), World::generation(MODEL)), (CANARY, 0));
		// As it would be without the label.
		assert_eq!(World::faults(), [(members[4], Fault::OutsideTolerance)]);
		assert_eq!(World::honest_work(), members[..4]);
		assert!(World::audits().is_empty() && World::accruals().is_empty());
	});
}

#[test]
fn label_should_not_make_a_fault_worse_when_it_is_not_worse_than_the_heads() {
	ExtBuilder::default().build_and_execute(|| {
		// A training that gave nothing, called a canary afterwards.
		let (id, members) = canary([NO_GAIN, NO_GAIN, NO_GAIN, NO_GAIN, GOOD]);
		run_to_settlement(id);
		assert_eq!(verdict(id), CANARY);
		assert_eq!(World::faults(), [(members[4], Fault::OutsideTolerance)]);
		assert!(World::audits().is_empty(), "failed attempts are not insured");
	});
}

#[test]
fn who_won_a_dispute_should_not_be_blamed_for_accepting() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = canary([WORSE, WORSE, WORSE, WORSE, GOOD]);
		ProofOfLearning::hold(id);
		ProofOfLearning::conclude(id, DisputeOutcome::Upheld { accused: members[4] });
		run_to_settlement(id);
		assert_eq!(verdict(id), CANARY);
		assert!(World::faults().is_empty());
	});
}

#[test]
fn planter_should_be_paid_when_a_captured_committee_loses_its_disputes() {
	ExtBuilder::default().build_and_execute(|| {
		let before = total(TRAINER);
		let (id, members) = canary([GOOD, GOOD, GOOD, WORSE, WORSE]);
		strike(id, members[0]);
		strike(id, members[1]);
		run_to_settlement(id);
		// What stands is no quorum, and what everybody knows to be a canary does not begin anew.
		assert_eq!(verdict(id), CANARY);
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
		assert_eq!((held(TRAINER), total(TRAINER)), (0, before));
		assert_eq!(World::audits(), [(PLANTER, REWARD, id)]);
	});
}

#[test]
fn canary_should_end_as_one_when_the_head_moved_while_it_was_contested() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = canary([WORSE, WORSE, WORSE, WORSE, GOOD]);
		World::move_heads(MODEL);
		run_to_settlement(id);
		assert_eq!(verdict(id), CANARY);
		assert_eq!(World::faults(), [(members[4], Fault::CanaryAccepted)], "all measured the same heads");
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn struck_finding_should_be_at_fault_of_accepting_when_it_is_known_to_be_a_canary() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = reported([GOOD, WORSE, WORSE, WORSE, WORSE]);
		let fault = |who| <ProofOfLearning as ContestableRounds<AccountId>>::fault_if_struck(id, &who);
		assert_eq!(fault(members[0]), Fault::DisputeLost, "nobody knows yet");
		ProofOfLearning::mark_canary(id, PLANTER, REWARD);
		assert!(sealed(id).unwrap().is_canary);
		assert_eq!(fault(members[0]), Fault::CanaryAccepted);
		assert_eq!(fault(members[1]), Fault::DisputeLost, "it did not accept it");
		assert_eq!(fault(STRANGER), Fault::DisputeLost);
	});
}

#[test]
fn rollback_should_not_be_a_canary() {
	ExtBuilder::default().build_and_execute(|| {
		let first = submit_and_draw(TRAINER);
		find_all(first, measured(GOOD));
		let id = NextRoundId::<Test>::get();
		let blocks = get(first).blocks;
		polkadot_sdk::frame_support::assert_ok!(ProofOfLearning::roll_back(
			RuntimeOrigin::signed(STRANGER),
			MODEL,
			blocks,
			Default::default()
		));
		run_to_draw(id);
		run_to_contest(id, measured(NO_GAIN));
		assert_eq!(sealed(id), None);
	});
}

#[test]
fn unfetchable_content_should_forfeit_the_bond_before_anybody_can_call_it_a_canary() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, Finding::Unfetchable);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Unfetchable)));
		assert_eq!(sealed(id), None);
	});
}
