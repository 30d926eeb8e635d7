use crate::{
	mock::{world, *},
	*,
};
use blyan_primitives::{
	learning::{Gate, Verdict},
	submission::Envelope,
	worker::Role,
};
use polkadot_sdk::frame_support::assert_ok;
use std::collections::BTreeSet;

#[test]
fn draw_should_take_place_after_the_delay_and_engage_the_committee() {
	ExtBuilder::default().evaluators(9).build_and_execute(|| {
		let id = submit(TRAINER);
		next_block();
		assert_eq!(get(id).phase, Phase::AwaitingDraw);
		next_block();
		let round = get(id);
		assert_eq!(round.phase, Phase::Commit { until: 13 });
		assert_eq!(round.due, Some(14));
		let draw = round.draw.clone().unwrap();
		assert_eq!((draw.generation, draw.terms.clone()), (0, terms()));
		assert_eq!(World::engagements().values().sum::<u32>(), 5);
		assert_event(Event::RoundDrawn {
			round: id,
			attempt: 0,
			committee: CommitteeOf::<Test>::truncate_from(committee(id)),
			baseline: 0,
			root: draw.root,
			seed: draw.seed,
			commit_until: 13,
		});
	});
}

#[test]
fn draw_should_never_seat_the_trainer() {
	ExtBuilder::default().evaluators(3).build_and_execute(|| {
		World::register(TRAINER, Role::Evaluator);
		for _ in 0..4 {
			let id = submit_and_draw(TRAINER);
			assert!(!committee(id).contains(&TRAINER));
			assert_eq!(committee(id).len(), 3);
		}
	});
}

#[test]
fn draw_should_wait_when_the_randomness_is_not_younger_than_the_submission() {
	ExtBuilder::default().parameters(|p| p.draw_delay = 1).build_and_execute(|| {
		let id = submit(TRAINER);
		// The parent block is the one that the submission is in.
		next_block();
		assert_eq!(get(id).phase, Phase::AwaitingDraw);
		assert_event(Event::DrawPostponed { round: id, reason: PostponeReason::NoRandomness, retry_at: 3 });
		next_block();
		assert!(matches!(get(id).phase, Phase::Commit { .. }));
	});
}

#[test]
fn draw_should_be_tried_with_growing_distance_when_there_is_no_randomness() {
	ExtBuilder::default().build_and_execute(|| {
		World::set_randomness_age(None);
		let id = submit(TRAINER);
		run_to(3);
		assert_eq!((get(id).draw_tries, get(id).due), (1, Some(4)));
		run_to(4);
		assert_eq!((get(id).draw_tries, get(id).due), (2, Some(6)));
		run_to(6);
		assert_eq!((get(id).draw_tries, get(id).due), (3, Some(10)));
		World::set_randomness_age(Some(1));
		run_to(10);
		assert!(matches!(get(id).phase, Phase::Commit { .. }));
	});
}

#[test]
fn draw_backoff_should_double_and_be_bounded() {
	let waits = (0..10).map(draw_backoff).collect::<Vec<_>>();
	assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 64, 64, 64]);
	assert_eq!(draw_backoff(u32::MAX), 64);
}

#[test]
fn round_should_end_inconclusively_when_every_draw_comes_to_nothing() {
	ExtBuilder::default().evaluators(2).build_and_execute(|| {
		let id = submit(TRAINER);
		assert_eq!(held(TRAINER), BOND);
		run_to(10);
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT));
		assert_event(Event::DrawPostponed {
			round: id,
			reason: PostponeReason::TooFewEvaluators,
			retry_at: 4,
		});
		assert!(get(id).blocks.iter().all(|b| World::standing(b) == world::Standing::Withdrawn));
		// What was not measured may be submitted again.
		assert_ok!(ProofOfLearning::submit(
			RuntimeOrigin::signed(TRAINER),
			MODEL,
			blocks(0),
			Envelope::default()
		));
	});
}

#[test]
fn draw_should_release_too_small_a_committee_and_succeed_when_more_have_joined() {
	ExtBuilder::default().evaluators(2).build_and_execute(|| {
		let id = submit(TRAINER);
		run_to(3);
		assert_eq!(get(id).phase, Phase::AwaitingDraw);
		assert!(World::engagements().is_empty());
		World::register(FIRST_EVALUATOR + 2, Role::Evaluator);
		run_to(4);
		assert_eq!(committee(id).len(), 3, "fewer than the committee's size, and enough");
	});
}

#[test]
fn seeds_should_differ_when_rounds_are_drawn_in_the_same_block() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = (0..4).map(|_| submit(TRAINER)).collect::<Vec<_>>();
		run_to(3);
		let seeds = ids.iter().map(|id| get(*id).draw.unwrap().seed).collect::<BTreeSet<_>>();
		assert_eq!(seeds.len(), ids.len());
	});
}

#[test]
fn committees_should_differ_when_there_are_many_evaluators() {
	ExtBuilder::default().evaluators(40).build_and_execute(|| {
		let committees = (0..6)
			.map(|_| {
				let id = submit_and_draw(TRAINER);
				committee(id).into_iter().collect::<BTreeSet<_>>()
			})
			.collect::<BTreeSet<_>>();
		assert!(committees.len() > 1);
	});
}

#[test]
fn round_should_keep_the_terms_of_its_draw_when_the_owner_sets_new_ones() {
	ExtBuilder::default().build_and_execute(|| {
		let drawn = submit_and_draw(TRAINER);
		let waiting = submit(TRAINER);
		let TrainingTerms { pool, gate, referee } = terms();
		// Nothing can gain so much.
		let stricter = Gate { delta: 1_000 * GOOD, ..gate };
		assert_ok!(ProofOfLearning::open_training(
			RuntimeOrigin::signed(OWNER),
			MODEL,
			pool,
			stricter,
			referee
		));
		run_to_draw(waiting);
		assert_eq!(get(drawn).draw.unwrap().terms.gate, gate);
		assert_eq!(get(waiting).draw.unwrap().terms.gate, stricter);
		find_all(drawn, measured(GOOD));
		assert_eq!(verdict(drawn), Some(Verdict::Accepted));
	});
}
