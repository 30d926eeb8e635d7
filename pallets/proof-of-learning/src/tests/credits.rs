//! What learning credits are granted for.

use crate::{
	mock::{world::*, *},
	*,
};
use blyan_primitives::{
	dag::BlockKind,
	learning::{Finding, Report, Verdict},
	migration::Migration,
	submission::Envelope,
	traits::CreditReason::{self, *},
};
use polkadot_sdk::frame_support::assert_ok;

fn evaluators(id: RoundId) -> Vec<(AccountId, CreditReason)> {
	committee(id).into_iter().map(|who| (who, HonestEvaluation)).collect()
}

#[test]
fn credits_should_go_to_trainer_and_evaluators_once_when_several_blocks_are_accepted() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		assert!(get(id).blocks.len() > 1);
		find_all(id, measured(GOOD));
		let expected = [evaluators(id), vec![(TRAINER, AcceptedBlock)]].concat();
		assert_eq!(World::granted(), expected);
	});
}

#[test]
fn credits_should_go_to_the_evaluators_alone_when_the_blocks_are_rejected() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(NO_GAIN));
		assert_eq!(World::granted(), evaluators(id));
	});
}

#[test]
fn credits_should_not_go_to_an_evaluator_outside_the_tolerance() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let liar = committee(id)[0];
		let finding = |who| Some(measured(if who == liar { 3 * GOOD } else { GOOD }));
		find(id, &committee(id).into_iter().map(finding).collect::<Vec<_>>());
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert!(World::granted().iter().all(|(who, _)| *who != liar));
		assert_eq!(World::granted().len(), committee(id).len());
	});
}

#[test]
fn credits_should_tell_a_migration_from_an_improvement_and_a_compaction_from_both() {
	ExtBuilder::default().build_and_execute(|| {
		let of_kind = |kind| {
			let mut blocks = blocks(7);
			blocks.iter_mut().for_each(|block| block.kind = kind);
			blocks
		};
		let (trainer, envelope) = (RuntimeOrigin::signed(TRAINER), Envelope::default());
		let id = NextRoundId::<Test>::get();
		let (kind, migration) = (BlockKind::Migration, Migration::AddLayer);
		let sent = ProofOfLearning::submit_migration(
			trainer.clone(),
			MODEL,
			migration,
			of_kind(kind),
			envelope.clone(),
		);
		assert_ok!(sent);
		run_to_draw(id);
		find_all(id, measured(NO_GAIN));
		assert_eq!(World::granted().last(), Some(&(TRAINER, ExecutedMigration)));

		let before = World::granted().len();
		let id = NextRoundId::<Test>::get();
		assert_ok!(ProofOfLearning::submit(trainer, MODEL, of_kind(BlockKind::Snapshot), envelope));
		run_to_draw(id);
		find_all(id, Finding::Measured(Report::of_equal_content(terms().pool.domains.len() as u32)));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::granted()[before..], evaluators(id), "nothing was learned");
	});
}
