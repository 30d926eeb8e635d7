//! From the reveal to the settlement: what disputes do to a round.

use crate::{
	mock::{world::Standing, *},
	*,
};
use blyan_primitives::{
	learning::{Finding, RejectReason, Verdict},
	traits::{ContestableRounds, ContestedFinding, DisputeOutcome},
	worker::Fault,
};
use polkadot_sdk::frame_support::weights::Weight;

fn takes_contests(id: RoundId) -> bool {
	<ProofOfLearning as ContestableRounds<AccountId>>::takes_contests(id)
}

/// Four honest members of five, and a liar in the first seat; stops where that can be contested.
fn with_liar() -> (RoundId, Vec<AccountId>) {
	let id = submit_and_draw(TRAINER);
	let members = committee(id);
	let finding = |who: &AccountId| measured(if *who == members[0] { -GOOD } else { GOOD });
	members.iter().for_each(|who| commit(*who, id, &finding(who)));
	members.iter().for_each(|who| reveal(*who, id, &finding(who)));
	(id, members)
}

fn strike(id: RoundId, accused: AccountId, challenger: AccountId) {
	ProofOfLearning::hold(id);
	ProofOfLearning::conclude(id, DisputeOutcome::Struck { accused, challenger });
}

fn restarted(id: RoundId, reason: RestartReason) -> bool {
	events().contains(&Event::RoundRestarted { round: id, attempt: 1, reason })
}

#[test]
fn round_should_be_contestable_for_its_phase_and_settled_after_it() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		assert!(!takes_contests(id) && !takes_contests(77));
		run_to_contest(id, measured(GOOD));
		assert_eq!((get(id).phase, get(id).due), (Phase::Contest { until: 7 }, Some(8)));
		let medians = blyan_primitives::learning::medians(&[&report(GOOD)]);
		assert_event(Event::ContestOpened { round: id, until: 7, medians });
		run_to(7);
		assert!(takes_contests(id) && get(id).is_open());
		assert_eq!((World::generation(MODEL), World::accruals().len(), held(TRAINER)), (0, 0, BOND));
		assert_eq!(World::engagements().len(), 5, "the committee's bonds stay until the settlement");
		next_block();
		assert!(!takes_contests(id));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn contest_should_be_over_after_its_deadline_even_when_that_is_served_late() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		run_to_contest(id, measured(GOOD));
		ServiceWeight::set(Weight::zero());
		(0..5).for_each(|_| next_block_with_idle(Weight::zero()));
		assert!(matches!(get(id).phase, Phase::Contest { .. }) && !takes_contests(id));
	});
}

#[test]
fn finding_should_be_what_the_evaluator_reported_while_the_round_is_not_settled() {
	ExtBuilder::default().build_and_execute(|| {
		let finding = |id, who: AccountId| <ProofOfLearning as ContestableRounds<_>>::finding(id, &who);
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		assert_eq!(finding(id, members[0]), None);
		members.iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		members.iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		let TrainingTerms { pool, gate, .. } = terms();
		let expected = ContestedFinding {
			trainer: TRAINER,
			committee: members.clone(),
			seed: get(id).draw.unwrap().seed,
			pool,
			gate,
			sealed: Default::default(),
			report: report(GOOD),
		};
		assert_eq!(finding(id, members[0]), Some(expected));
		assert_eq!((finding(id, STRANGER), finding(77, members[0])), (None, None));
		strike(id, members[0], STRANGER);
		assert_eq!(finding(id, members[0]), None);
		run_to_settlement(id);
		assert_eq!(finding(id, members[1]), None);
	});
}

#[test]
fn findings_should_be_what_stands_of_what_was_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(ProofOfLearning::findings(77), []);
		let (id, members) = with_liar();
		next_block();
		let expected = |who: &AccountId| (*who, measured(if *who == members[0] { -GOOD } else { GOOD }));
		assert_eq!(ProofOfLearning::findings(id), members.iter().map(expected).collect::<Vec<_>>());
		strike(id, members[0], members[1]);
		assert_eq!(ProofOfLearning::findings(id), members[1..].iter().map(expected).collect::<Vec<_>>());
	});
}

#[test]
fn nothing_should_be_contested_when_no_quorum_measured() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, Finding::Unfetchable);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Unfetchable)));
		assert!(!events().iter().any(|event| matches!(event, Event::ContestOpened { .. })));
	});
}

#[test]
fn who_could_not_fetch_should_have_no_finding_to_contest() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		let finding = |who| if who == members[0] { Finding::Unfetchable } else { measured(GOOD) };
		members.iter().for_each(|who| commit(*who, id, &finding(*who)));
		members.iter().for_each(|who| reveal(*who, id, &finding(*who)));
		assert!(takes_contests(id));
		assert_eq!(<ProofOfLearning as ContestableRounds<_>>::finding(id, &members[0]), None);
	});
}

#[test]
fn round_should_wait_for_its_disputes_and_be_settled_after_the_last() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = with_liar();
		ProofOfLearning::hold(id);
		ProofOfLearning::hold(id);
		run_to(20);
		assert!(get(id).is_open());
		assert_eq!((get(id).due, ProofOfLearning::round(id).unwrap().open_disputes), (None, 2));
		assert_eq!(<ProofOfLearning as ContestableRounds<AccountId>>::holds(id), 2);
		ProofOfLearning::conclude(id, DisputeOutcome::Undecided);
		next_block();
		assert!(get(id).is_open());
		ProofOfLearning::conclude(id, DisputeOutcome::Undecided);
		assert_eq!(get(id).due, Some(22));
		next_block();
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::faults(), [(members[0], Fault::OutsideTolerance)]);
	});
}

#[test]
fn round_should_keep_its_deadline_when_disputes_are_decided_before_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = with_liar();
		ProofOfLearning::hold(id);
		ProofOfLearning::conclude(id, DisputeOutcome::Undecided);
		assert_eq!(get(id).due, Some(8));
		run_to(7);
		assert!(takes_contests(id));
		next_block();
		assert!(!get(id).is_open());
	});
}

#[test]
fn struck_finding_should_be_no_vote_and_cost_nothing_more() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = with_liar();
		strike(id, members[0], STRANGER);
		assert_event(Event::FindingStruck { round: id, evaluator: members[0] });
		assert_eq!(ProofOfLearning::round(id).unwrap().struck, [members[0]]);
		run_to_settlement(id);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::accruals()[0].4, members[1..], "who was struck has no share");
		assert!(World::faults().is_empty(), "the dispute has had its price already");
	});
}

#[test]
fn round_should_restart_when_what_stands_is_no_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = with_liar();
		strike(id, members[0], STRANGER);
		strike(id, members[1], members[2]);
		run_to_settlement(id);
		assert!(restarted(id, RestartReason::NoQuorum));
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
		run_to_draw(id);
		assert!(get(id).committee.iter().all(|seat| !seat.struck && !seat.upheld));
		find_all(id, measured(NO_GAIN));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
	});
}

#[test]
fn who_won_a_dispute_should_not_be_blamed_for_being_outside_the_tolerance() {
	ExtBuilder::default().build_and_execute(|| {
		// Accused, and found right; or challenger, though of nobody in its own round.
		for upheld_as_accused in [true, false] {
			let (id, members) = with_liar();
			if upheld_as_accused {
				ProofOfLearning::hold(id);
				ProofOfLearning::conclude(id, DisputeOutcome::Upheld { accused: members[0] });
			} else {
				strike(id, members[1], members[0]);
			}
			run_to_settlement(id);
			assert_eq!(verdict(id), Some(Verdict::Accepted));
			assert!(World::faults().is_empty());
			assert!(!World::accruals().last().unwrap().4.contains(&members[0]), "nor paid");
		}
	});
}

#[test]
fn round_should_restart_without_blame_when_the_head_moved_while_it_was_contested() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = with_liar();
		World::move_heads(MODEL);
		run_to_settlement(id);
		assert!(restarted(id, RestartReason::HeadMoved));
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn only_one_of_two_contested_rounds_should_become_head() {
	ExtBuilder::default().evaluators(9).build_and_execute(|| {
		let (first, second) = (submit(TRAINER), submit(OTHER_TRAINER));
		run_to(3);
		run_to_contest(first, measured(GOOD));
		run_to_contest(second, measured(GOOD));
		run_to_settlement(first);
		assert_eq!((verdict(first), World::generation(MODEL)), (Some(Verdict::Accepted), 1));
		assert!(restarted(second, RestartReason::HeadMoved));
		assert!(get(second).blocks.iter().all(|block| World::standing(block) == Standing::Candidate));
	});
}

#[test]
fn no_show_should_be_blamed_once_when_the_round_is_contested() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members.iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		members[..4].iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		run_to(9);
		assert!(takes_contests(id));
		assert_eq!(World::faults(), [(members[4], Fault::NoReveal)]);
		run_to_settlement(id);
		assert_eq!(World::faults().len(), 1);
	});
}

#[test]
fn contest_should_keep_its_deadline_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		run_to_contest(id, measured(GOOD));
		Parameters::<Test>::mutate(|parameters| parameters.contest_blocks = 100);
		run_to(8);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
	});
}
