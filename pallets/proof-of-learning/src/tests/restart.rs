use crate::{
	mock::{world::Standing, *},
	*,
};
use blyan_primitives::{
	learning::{Finding, Verdict},
	worker::Fault,
};
use polkadot_sdk::frame_support::assert_noop;

fn restarts() -> Vec<(RoundId, u32, RestartReason)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			Event::RoundRestarted { round, attempt, reason } => Some((round, attempt, reason)),
			_ => None,
		})
		.collect()
}

#[test]
fn round_should_restart_at_the_end_of_commits_when_the_head_moved() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let seed = get(id).draw.unwrap().seed;
		World::move_heads(MODEL);
		committee(id).iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		let round = get(id);
		assert_eq!((round.phase, round.attempt, round.attempt_since), (Phase::AwaitingDraw, 1, 3));
		assert!(World::engagements().is_empty());
		assert_eq!(restarts(), [(id, 1, RestartReason::HeadMoved)]);
		run_to_draw(id);
		let draw = get(id).draw.unwrap();
		assert_eq!(draw.generation, 1, "measured against the new head");
		assert_ne!(draw.seed, seed);
		find_all(id, measured(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
	});
}

#[test]
fn round_should_restart_at_the_end_of_reveals_when_the_head_moved() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members.iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		World::move_heads(MODEL);
		members.iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		assert_eq!((get(id).phase, get(id).medians.clone()), (Phase::AwaitingDraw, None));
		assert_eq!(held(TRAINER), BOND);
		assert_eq!(restarts(), [(id, 1, RestartReason::HeadMoved)]);
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
	});
}

#[test]
fn nobody_should_be_blamed_for_absence_when_the_head_moved() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		committee(id)[..4].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		World::move_heads(MODEL);
		run_to(20);
		assert_eq!(restarts(), [(id, 1, RestartReason::HeadMoved)]);
		assert!(World::faults().is_empty());
	});
}

#[test]
fn accepted_round_should_make_the_other_of_its_model_restart() {
	ExtBuilder::default().build_and_execute(|| {
		let (first, second) = (submit(TRAINER), submit(OTHER_TRAINER));
		run_to(3);
		find_all(first, measured(GOOD));
		find_all(second, measured(GOOD));
		assert_eq!(verdict(first), Some(Verdict::Accepted));
		assert_eq!(restarts(), [(second, 1, RestartReason::HeadMoved)]);
		// Against the head that has it already, the same gain is none.
		run_to_draw(second);
		find_all(second, measured(NO_GAIN));
		assert_eq!(World::generation(MODEL), 1);
	});
}

#[test]
fn round_should_restart_at_once_when_too_few_committed_for_a_quorum() {
	ExtBuilder::default().parameters(|p| p.replacements = 0).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members[..3].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		assert_eq!(restarts(), [(id, 1, RestartReason::NoQuorum)]);
		// Who committed had no chance to reveal.
		assert_eq!(World::faults(), [(members[3], Fault::NoCommit), (members[4], Fault::NoCommit)]);
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn round_should_restart_when_too_few_revealed_for_a_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members.iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		members[..3].iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		run_to(9);
		assert_eq!(restarts(), [(id, 1, RestartReason::NoQuorum)]);
		assert_eq!(World::faults(), [(members[3], Fault::NoReveal), (members[4], Fault::NoReveal)]);
		assert_eq!(total(TRAINER), ENDOWMENT);
	});
}

#[test]
fn round_should_restart_without_blame_when_two_camps_are_equal() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let (one, other) = (Some(measured(GOOD)), Some(measured(NO_GAIN)));
		find(id, &[one.clone(), one, other.clone(), other, Some(Finding::Unfetchable)]);
		assert_eq!(restarts(), [(id, 1, RestartReason::NoAgreement)]);
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
	});
}

#[test]
fn round_should_end_inconclusively_when_no_attempt_had_a_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit(TRAINER);
		for _ in 0..3 {
			run_to_draw(id);
			let (one, other) = (Some(Finding::Unfetchable), Some(Finding::Malformed));
			find(id, &[one.clone(), one, other.clone(), other, None]);
			if let Phase::Reveal { until } = get(id).phase {
				run_to(until + 1);
			}
		}
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		assert_eq!(restarts().len(), 2);
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT));
		assert!(get(id).blocks.iter().all(|block| World::standing(block) == Standing::Withdrawn));
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn round_should_end_inconclusively_when_the_head_moved_under_every_attempt() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit(TRAINER);
		for _ in 0..3 {
			run_to_draw(id);
			World::move_heads(MODEL);
			find_all(id, measured(GOOD));
		}
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		assert_eq!(total(TRAINER), ENDOWMENT);
	});
}

#[test]
fn reveal_should_not_match_when_the_commitment_is_of_an_earlier_attempt() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let old = FIRST_EVALUATOR;
		let stale = commitment_of(old, id, &measured(GOOD));
		World::move_heads(MODEL);
		find_all(id, measured(GOOD));
		run_to_draw(id);
		// The same five, who are all there are; one of them sends what it computed before.
		polkadot_sdk::frame_support::assert_ok!(ProofOfLearning::commit(
			RuntimeOrigin::signed(old),
			id,
			stale
		));
		for who in committee(id).into_iter().filter(|who| *who != old) {
			commit(who, id, &measured(GOOD));
		}
		assert_noop!(
			ProofOfLearning::reveal(RuntimeOrigin::signed(old), id, measured(GOOD), salt(old)),
			Error::<Test>::RevealMismatch
		);
	});
}

#[test]
fn draw_should_wait_for_randomness_younger_than_the_restart() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		World::move_heads(MODEL);
		find_all(id, measured(GOOD));
		// Known before the restart in block 3, though after the submission in block 1.
		World::set_randomness_age(Some(2));
		run_to(5);
		assert_eq!(get(id).phase, Phase::AwaitingDraw);
		World::set_randomness_age(Some(1));
		run_to(6);
		assert!(matches!(get(id).phase, Phase::Commit { .. }));
	});
}
