use crate::{mock::*, *};
use polkadot_sdk::frame_support::{assert_noop, traits::Hooks, weights::Weight};

fn slots() -> Vec<(BlockNumber, Vec<RoundId>)> {
	let mut slots = Agenda::<Test>::iter().map(|(slot, due)| (slot, due.into_inner())).collect::<Vec<_>>();
	slots.sort_unstable();
	slots
}

fn drawn() -> usize {
	Rounds::<Test>::iter_values().filter(|round| matches!(round.phase, Phase::Commit { .. })).count()
}

#[test]
fn agenda_should_spill_into_later_slots_when_a_slot_is_full() {
	ExtBuilder::default().build_and_execute(|| {
		(0..6).for_each(|_| {
			submit(TRAINER);
		});
		(0..6).for_each(|_| {
			submit(OTHER_TRAINER);
		});
		assert_eq!(slots(), [(3, vec![0, 1, 2, 3]), (4, vec![4, 5, 6, 7]), (5, vec![8, 9, 10, 11])]);
		for (block, expected) in [(3, 4), (4, 8), (5, 12)] {
			run_to(block);
			assert_eq!(drawn(), expected);
		}
	});
}

#[test]
fn agenda_should_carry_on_in_the_next_block_when_the_weight_is_used_up() {
	ExtBuilder::default().build_and_execute(|| {
		(0..4).for_each(|_| {
			submit(TRAINER);
		});
		// For one deadline a block, and nothing is left over.
		ServiceWeight::set(one_step());
		let mut progress = Vec::new();
		for _ in 0..6 {
			next_block_with_idle(Weight::zero());
			progress.push((System::block_number(), drawn(), IncompleteSince::<Test>::get()));
		}
		let expected =
			[(2, 0, None), (3, 1, Some(3)), (4, 2, Some(3)), (5, 3, Some(3)), (6, 4, None), (7, 4, None)];
		assert_eq!(progress, expected);
	});
}

#[test]
fn agenda_should_use_what_the_block_leaves_over() {
	ExtBuilder::default().build_and_execute(|| {
		(0..4).for_each(|_| {
			submit(TRAINER);
		});
		ServiceWeight::set(Weight::zero());
		next_block_with_idle(Weight::zero());
		next_block_with_idle(Weight::zero());
		assert_eq!((drawn(), IncompleteSince::<Test>::get()), (0, Some(2)));
		ProofOfLearning::on_idle(System::block_number(), Weight::MAX);
		assert_eq!((drawn(), IncompleteSince::<Test>::get()), (4, None));
	});
}

#[test]
fn hooks_should_stay_within_their_weight() {
	ExtBuilder::default().build_and_execute(|| {
		(0..4).for_each(|_| {
			submit(TRAINER);
		});
		for limit in [Weight::zero(), one_step(), one_step().saturating_mul(2)] {
			ServiceWeight::set(limit);
			System::set_block_number(System::block_number() + 1);
			let now = System::block_number();
			assert!(limit.all_gte(ProofOfLearning::on_initialize(now)));
			assert!(limit.all_gte(ProofOfLearning::on_idle(now, limit)));
		}
		assert!(drawn() > 0);
	});
}

#[test]
fn commit_should_be_refused_after_the_deadline_even_when_it_is_served_late() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		ServiceWeight::set(Weight::zero());
		for _ in 0..11 {
			next_block_with_idle(Weight::zero());
		}
		assert_eq!((System::block_number(), get(id).phase), (14, Phase::Commit { until: 13 }));
		let evaluator = committee(id)[0];
		let commitment = commitment_of(evaluator, id, &measured(GOOD));
		assert_noop!(
			ProofOfLearning::commit(RuntimeOrigin::signed(evaluator), id, commitment),
			Error::<Test>::NotInCommitPhase
		);
		ServiceWeight::set(Weight::MAX);
		next_block();
		assert_eq!((get(id).attempt, get(id).phase), (1, Phase::AwaitingDraw));
	});
}

#[test]
fn closed_round_should_be_forgotten_after_its_retention() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(NO_GAIN));
		let closed_at = System::block_number();
		run_to(closed_at + RETENTION + 1);
		assert!(ProofOfLearning::round(id).is_some());
		next_block();
		assert!(ProofOfLearning::round(id).is_none());
		assert_eq!((FirstRoundId::<Test>::get(), NextRoundId::<Test>::get()), (1, 1));
		assert_noop!(
			ProofOfLearning::commit(RuntimeOrigin::signed(100), id, Default::default()),
			Error::<Test>::RoundNotFound
		);
		// Numbers are never given twice.
		assert_eq!(submit(TRAINER), 1);
		assert_eq!(ProofOfLearning::rounds(0, 10).len(), 1);
	});
}

#[test]
fn closed_round_should_be_kept_while_an_older_one_is_open() {
	ExtBuilder::default().parameters(|p| p.commit_blocks = 500).build_and_execute(|| {
		let open = submit_and_draw(TRAINER);
		let closed = submit_and_draw(TRAINER);
		find_all(closed, measured(NO_GAIN));
		run_blocks(2 * RETENTION);
		assert!(get(open).is_open());
		assert!(verdict(closed).is_some());
	});
}

#[test]
fn closed_rounds_should_be_forgotten_one_by_one_when_there_is_little_weight() {
	ExtBuilder::default().build_and_execute(|| {
		for _ in 0..3 {
			let id = submit_and_draw(TRAINER);
			find_all(id, measured(NO_GAIN));
		}
		(0..2 * RETENTION).for_each(|_| next_block_with_idle(Weight::zero()));
		assert_eq!(Rounds::<Test>::iter().count(), 3);
		let one = polkadot_sdk::frame_support::weights::constants::ParityDbWeight::get()
			.reads(1)
			.saturating_add(<()>::prune_round());
		next_block_with_idle(one);
		assert_eq!(FirstRoundId::<Test>::get(), 1);
		next_block();
		assert_eq!(FirstRoundId::<Test>::get(), 3);
	});
}
