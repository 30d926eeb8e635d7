//! Submissions that are not there to make the model better: snapshots, migrations and rollbacks.

use crate::{
	mock::{world::*, *},
	*,
};
use blyan_primitives::{
	dag::{BlockKind, NewBlocks},
	learning::{Finding, NanoBits, Purpose, RejectReason, Report, Verdict},
	migration::Migration,
	submission::Envelope,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, BoundedVec};

const MIGRATION: Migration = Migration::AddLayer;

fn of_kind(number: u16, kind: BlockKind) -> NewBlocks {
	let mut blocks = blocks(number);
	blocks.iter_mut().for_each(|block| block.kind = kind);
	blocks
}

fn drawn(submit: impl FnOnce()) -> RoundId {
	let id = NextRoundId::<Test>::get();
	submit();
	run_to_draw(id);
	id
}

fn compaction() -> RoundId {
	drawn(|| {
		let blocks = of_kind(7, BlockKind::Snapshot);
		assert_ok!(ProofOfLearning::submit(
			RuntimeOrigin::signed(TRAINER),
			MODEL,
			blocks,
			Envelope::default()
		));
	})
}

fn migration() -> RoundId {
	drawn(|| {
		let (trainer, blocks) = (RuntimeOrigin::signed(TRAINER), of_kind(7, BlockKind::Migration));
		assert_ok!(ProofOfLearning::submit_migration(trainer, MODEL, MIGRATION, blocks, Envelope::default()));
	})
}

fn equal() -> Finding {
	Finding::Measured(Report::of_equal_content(terms().pool.domains.len() as u32))
}

#[test]
fn purpose_should_follow_from_the_call_and_the_kind_of_blocks() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(get(submit_and_draw(TRAINER)).purpose, Purpose::Improvement);
		assert_eq!(get(compaction()).purpose, Purpose::Compaction);
		let id = migration();
		assert_eq!(get(id).purpose, Purpose::Migration(MIGRATION));
		assert_eq!(ProofOfLearning::round(id).unwrap().purpose, Purpose::Migration(MIGRATION));
	});
}

#[test]
fn compaction_should_be_accepted_for_the_fee_when_the_content_is_equal() {
	ExtBuilder::default().build_and_execute(|| {
		let id = compaction();
		find_all(id, equal());
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::generation(MODEL), 1);
		assert!(World::accruals().is_empty(), "nothing was learned");
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - FEE));
		assert!(committee(id).iter().all(|who| total(*who) == ENDOWMENT + FEE / 5));
	});
}

#[test]
fn compaction_should_forfeit_the_bond_when_the_content_differs() {
	ExtBuilder::default().build_and_execute(|| {
		let id = compaction();
		find_all(id, Finding::Malformed);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Malformed)));
		assert_eq!(total(TRAINER), ENDOWMENT - BOND);
	});
}

#[test]
fn reveal_should_fail_when_a_report_measures_a_snapshot() {
	ExtBuilder::default().build_and_execute(|| {
		let id = compaction();
		let finding = measured(GOOD);
		let members = committee(id);
		members.iter().for_each(|member| commit(*member, id, &finding));
		let revealed =
			ProofOfLearning::reveal(RuntimeOrigin::signed(members[0]), id, finding, salt(members[0]));
		assert_noop!(revealed, Error::<Test>::ReportInvalid);
	});
}

#[test]
fn migration_should_be_accepted_for_the_fee_when_it_does_no_harm() {
	ExtBuilder::default().build_and_execute(|| {
		let id = migration();
		find_all(id, measured(0));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::migrated(), Some(MIGRATION));
		assert!(World::accruals().is_empty());
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - FEE));
	});
}

#[test]
fn migration_should_be_rewarded_when_it_makes_the_model_better() {
	ExtBuilder::default().build_and_execute(|| {
		let id = migration();
		find_all(id, measured(GOOD));
		assert_eq!((verdict(id), World::migrated()), (Some(Verdict::Accepted), Some(MIGRATION)));
		assert_eq!(World::accruals().len(), 1);
		assert_eq!(total(TRAINER), ENDOWMENT);
	});
}

#[test]
fn migration_should_be_rejected_when_a_domain_becomes_worse() {
	ExtBuilder::default().build_and_execute(|| {
		let id = migration();
		let beyond: NanoBits = -(terms().gate.rho + 1);
		find_all(id, measured(beyond));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::DomainRegression { domain: 0 })));
		assert_eq!((World::migrated(), World::generation(MODEL)), (None, 0));
		assert_eq!(total(TRAINER), ENDOWMENT - FEE);
	});
}

/// Has what was accepted measured against what was before. By one who has no role.
fn rollback() -> RoundId {
	let accepted = submit_and_draw(TRAINER);
	find_all(accepted, measured(GOOD));
	let blocks = get(accepted).blocks;
	drawn(|| {
		assert_ok!(ProofOfLearning::roll_back(
			RuntimeOrigin::signed(STRANGER),
			MODEL,
			blocks,
			Envelope::default()
		));
	})
}

#[test]
fn rollback_should_be_accepted_for_the_fee_when_the_former_heads_were_better() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rollback();
		assert_eq!((get(id).purpose, World::generation(MODEL)), (Purpose::Rollback, 1));
		find_all(id, measured(GOOD));
		assert_eq!((verdict(id), World::generation(MODEL)), (Some(Verdict::Accepted), 2));
		assert_eq!(World::accruals().len(), 1, "a gain is paid once, and this one was");
		assert_eq!((held(STRANGER), total(STRANGER)), (0, ENDOWMENT - FEE));
	});
}

#[test]
fn rollback_should_be_accepted_when_one_domain_regressed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rollback();
		let far = terms().gate.rho + 10_000_000;
		let finding = Finding::Measured(Report {
			domain_gains: BoundedVec::truncate_from(vec![-far, far]),
			..report(-1_000_000)
		});
		find_all(id, finding);
		assert_eq!((verdict(id), World::generation(MODEL)), (Some(Verdict::Accepted), 2));
	});
}

#[test]
fn rollback_should_be_rejected_when_the_heads_did_no_harm() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rollback();
		find_all(id, measured(NO_GAIN));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
		assert_eq!(World::generation(MODEL), 1);
		assert_eq!(total(STRANGER), ENDOWMENT - FEE);
	});
}

#[test]
fn rollback_should_not_forfeit_the_bond_when_nobody_serves_the_former_heads() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rollback();
		find_all(id, Finding::Unfetchable);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Unfetchable)));
		assert_eq!(total(STRANGER), ENDOWMENT - FEE);
	});
}

#[test]
fn rollback_should_fail_when_the_graph_refuses_or_the_bond_is_not_there() {
	ExtBuilder::default().build_and_execute(|| {
		let roll_back = |who, blocks| {
			ProofOfLearning::roll_back(RuntimeOrigin::signed(who), MODEL, blocks, Envelope::default())
		};
		let candidate = get(submit(TRAINER)).blocks;
		assert_noop!(roll_back(STRANGER, candidate), NOT_HEAD);
		assert_noop!(roll_back(STRANGER, Default::default()), Error::<Test>::NoBlocks);
		let accepted = submit_and_draw(OTHER_TRAINER);
		find_all(accepted, measured(GOOD));
		assert_noop!(roll_back(999, get(accepted).blocks), Error::<Test>::BondNotAvailable);
	});
}

#[test]
fn round_should_end_without_a_verdict_when_the_model_was_changed_under_it() {
	ExtBuilder::default().build_and_execute(|| {
		// Found at the draw: the first one, and the one after the heads moved.
		let running = submit_and_draw(OTHER_TRAINER);
		World::outdate();
		World::move_heads(MODEL);
		find_all(running, measured(GOOD));
		let late = submit(TRAINER);
		run_blocks(20);
		for id in [running, late] {
			assert_eq!(verdict(id), Some(Verdict::Inconclusive));
			assert!(get(id).blocks.iter().all(|block| World::standing(block) == Standing::Withdrawn));
		}
		assert_eq!((total(TRAINER), total(OTHER_TRAINER)), (ENDOWMENT, ENDOWMENT));
		assert!(World::faults().is_empty(), "nobody is to blame");
	});
}
