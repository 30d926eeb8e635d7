//! Others in place of those who did not commit in time.

use crate::{mock::*, *};
use blyan_primitives::{api::RoundPhase, learning::Verdict, worker::Fault};
use polkadot_sdk::frame_support::assert_noop;
use std::collections::BTreeSet;

/// A round of which only so many of five have committed when the time is over, and its first committee.
fn short_of_quorum(committed: usize) -> (RoundId, Vec<AccountId>) {
	let id = submit_and_draw(TRAINER);
	let members = committee(id);
	members[..committed].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
	run_to(14);
	(id, members)
}

#[test]
fn absent_should_lose_their_seats_and_be_charged_when_too_few_committed() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, members) = short_of_quorum(3);
		let round = get(id);
		assert_eq!(round.phase, Phase::AwaitingReplacement { since: 14, missing: 2 });
		assert_eq!(ProofOfLearning::round(id).unwrap().phase, RoundPhase::AwaitingReplacement);
		assert_eq!(committee(id), members[..3], "who committed stays");
		assert_eq!(round.absent[..], members[3..]);
		assert_eq!(World::faults(), [(members[3], Fault::NoCommit), (members[4], Fault::NoCommit)]);
		assert_eq!(World::engagements().into_keys().collect::<Vec<_>>(), {
			let mut kept = members[..3].to_vec();
			kept.sort_unstable();
			kept
		});
		assert_event(Event::AbsentRemoved {
			round: id,
			absent: CommitteeOf::<Test>::truncate_from(members[3..].to_vec()),
			draw_at: 16,
		});
		assert_noop!(
			ProofOfLearning::commit(RuntimeOrigin::signed(members[3]), id, Default::default()),
			Error::<Test>::NotInCommitPhase
		);
	});
}

#[test]
fn replacements_should_be_others_and_finish_what_was_begun() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, members) = short_of_quorum(3);
		let draw = get(id).draw;
		run_to(16);
		let now = committee(id);
		assert_eq!((get(id).phase, get(id).attempt), (Phase::Commit { until: 26 }, 0));
		assert_eq!(get(id).draw, draw, "the same shards against the same heads");
		assert_eq!(now[..3], members[..3]);
		assert_eq!(now.iter().chain(&members[3..]).collect::<BTreeSet<_>>().len(), 7);
		assert_event(Event::ReplacementsDrawn {
			round: id,
			attempt: 0,
			replacements: CommitteeOf::<Test>::truncate_from(now[3..].to_vec()),
			commit_until: 26,
		});
		// The first three need not do anything again, and could not.
		assert_noop!(
			ProofOfLearning::commit(RuntimeOrigin::signed(now[0]), id, Default::default()),
			Error::<Test>::AlreadyCommitted
		);
		assert_noop!(
			ProofOfLearning::commit(RuntimeOrigin::signed(members[4]), id, Default::default()),
			Error::<Test>::NotOnCommittee
		);
		now[3..].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		now.iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		run_to_settlement(id);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::honest_work(), now);
		assert_eq!(World::faults().len(), 2);
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn replacement_should_wait_for_randomness_younger_than_the_time_to_commit() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, _) = short_of_quorum(3);
		World::set_randomness_age(Some(2));
		run_to(16);
		assert_event(Event::DrawPostponed { round: id, reason: PostponeReason::NoRandomness, retry_at: 17 });
		World::set_randomness_age(Some(1));
		run_to(17);
		assert!(matches!(get(id).phase, Phase::Commit { .. }));
	});
}

#[test]
fn round_should_restart_when_randomness_never_comes_for_the_replacement() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, _) = short_of_quorum(3);
		World::set_randomness_age(None);
		run_to(23);
		assert_eq!((get(id).attempt, get(id).phase), (1, Phase::AwaitingDraw));
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn round_should_restart_when_there_are_not_enough_others() {
	// One other, and two are missing: with fewer seats a quorum would be fewer.
	ExtBuilder::default().evaluators(6).build_and_execute(|| {
		let (id, _) = short_of_quorum(3);
		run_to(16);
		let round = get(id);
		assert_eq!((round.phase, round.attempt, round.replacements), (Phase::AwaitingDraw, 1, 0));
		assert!(round.absent.is_empty() && World::engagements().is_empty());
		assert_event(Event::RoundRestarted { round: id, attempt: 1, reason: RestartReason::NoQuorum });
		assert_eq!(World::faults().len(), 2, "who committed is not to blame");
	});
}

#[test]
fn round_should_restart_when_the_replacements_do_not_commit_either() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, members) = short_of_quorum(3);
		run_to(16);
		let replacements = committee(id)[3..].to_vec();
		run_to(27);
		assert_eq!((get(id).phase, get(id).attempt), (Phase::AwaitingDraw, 1));
		let blamed = World::faults().into_iter().map(|(who, _)| who).collect::<Vec<_>>();
		assert_eq!(blamed, [&members[3..], &replacements].concat());
		assert!(World::engagements().is_empty());
	});
}

#[test]
fn absent_should_be_replaced_as_often_as_governance_says() {
	let chain = ExtBuilder::default().evaluators(20).parameters(|p| p.replacements = 2);
	chain.build_and_execute(|| {
		let (id, _) = short_of_quorum(2);
		run_to(27);
		// None of the three replacements came. Six seats in all have been taken away or would be: a committee may
		// have seven.
		assert_eq!(get(id).phase, Phase::AwaitingReplacement { since: 27, missing: 3 });
		assert_eq!((get(id).absent.len(), get(id).replacements), (6, 2));
		run_to(29);
		let now = committee(id);
		assert!(now.iter().all(|who| !get(id).absent.contains(who)));
		now[2..].iter().for_each(|who| commit(*who, id, &measured(NO_GAIN)));
		assert!(matches!(get(id).phase, Phase::Reveal { .. }));
	});
}

#[test]
fn round_should_restart_at_once_when_nobody_committed() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, _) = short_of_quorum(0);
		assert_eq!((get(id).phase, get(id).attempt), (Phase::AwaitingDraw, 1));
		assert_eq!(World::faults().len(), 5);
	});
}

#[test]
fn nobody_should_be_replaced_when_a_quorum_committed() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, members) = short_of_quorum(4);
		assert!(matches!(get(id).phase, Phase::Reveal { .. }));
		assert_eq!(committee(id), members);
	});
}

#[test]
fn round_should_restart_without_a_draw_when_the_head_moved_meanwhile() {
	ExtBuilder::default().evaluators(12).build_and_execute(|| {
		let (id, _) = short_of_quorum(3);
		World::move_heads(MODEL);
		run_to(16);
		assert_event(Event::RoundRestarted { round: id, attempt: 1, reason: RestartReason::HeadMoved });
	});
}

#[test]
fn committee_of_a_rollback_should_exclude_who_made_what_it_takes_back() {
	ExtBuilder::default().evaluators(7).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(GOOD));
		let judges = [FIRST_EVALUATOR + 1, FIRST_EVALUATOR + 4];
		World::set_taken_back(&judges);
		for _ in 0..4 {
			let stranger = RuntimeOrigin::signed(STRANGER);
			let back = NextRoundId::<Test>::get();
			ProofOfLearning::roll_back(stranger, MODEL, get(id).blocks, Default::default()).unwrap();
			run_to_draw(back);
			assert!(committee(back).iter().all(|who| !judges.contains(who)));
			find_all(back, measured(NO_GAIN));
		}
		// Of anything else they are judges as before.
		let other = submit_and_draw(OTHER_TRAINER);
		assert!(committee(other).iter().any(|who| judges.contains(who)));
	});
}
