//! Rounds that are judged by sealed lots.

use crate::{
	mock::{reserve::*, world::*, *},
	*,
};
use blyan_primitives::{
	dag::BlockKind,
	learning::{Finding, RejectReason, Report, Verdict},
	sealed::{LotId, SealedShards},
	submission::Envelope,
	traits::{ContestableRounds, SealedRounds},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, weights::Weight, BoundedVec};

/// Lots 0 to `count`, each of a sealer of its own, sealed before any submission.
fn reserve(count: u64, wanted: u32) {
	(0..count).for_each(|lot| Reserve::seal(lot, 500 + lot, 0));
	Reserve::want(wanted);
}

fn lots(id: RoundId) -> Vec<LotId> {
	ProofOfLearning::sealed_lots(id)
}

/// Submits, and runs until lots are drawn.
fn submit_and_open() -> RoundId {
	let id = submit(TRAINER);
	run_blocks(2);
	assert!(matches!(get(id).phase, Phase::Opening { .. }), "no lots were drawn: {:?}", get(id).phase);
	id
}

fn open_all(id: RoundId) {
	lots(id).into_iter().for_each(|lot| assert!(Reserve::open(id, lot)));
}

/// A report with the gain on the sealed shards last.
fn sealed(gain: i64) -> Finding {
	let mut report = report(gain);
	report.domain_gains = BoundedVec::truncate_from(vec![GOOD, GOOD, gain]);
	Finding::Measured(report)
}

fn restart_reasons() -> Vec<RestartReason> {
	let reason = |event| match event {
		Event::RoundRestarted { reason, .. } => Some(reason),
		_ => None,
	};
	events().into_iter().filter_map(reason).collect()
}

#[test]
fn round_should_measure_only_when_every_lot_is_open() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(5, 3);
		let id = submit_and_open();
		let (drawn, members) = (lots(id), committee(id));
		assert_eq!((drawn.len(), Reserve::left(), members.len()), (3, 2, 5));
		assert_eq!(get(id).phase, Phase::Opening { until: 3 + u64::from(OPENING_BLOCKS) });
		assert_event(Event::LotsDrawn {
			round: id,
			attempt: 0,
			committee: BoundedVec::truncate_from(members.clone()),
			lots: BoundedVec::truncate_from(drawn.clone()),
			open_until: 9,
		});
		let is_drawn = |event: &Event<Test>| matches!(event, Event::RoundDrawn { .. });
		assert!(!events().iter().any(is_drawn), "nobody measures yet");
		assert_noop!(
			ProofOfLearning::commit(
				RuntimeOrigin::signed(members[0]),
				id,
				commitment_of(members[0], id, &sealed(GOOD))
			),
			Error::<Test>::NotInCommitPhase
		);
		assert!(Reserve::open(id, drawn[1]) && !Reserve::open(id, drawn[1]), "each is opened once");
		assert!(!Reserve::open(id, 77) && !Reserve::open(id + 1, drawn[0]));
		assert!(ProofOfLearning::awaits(id, drawn[0]) && !ProofOfLearning::awaits(id, drawn[1]));
		check_invariants();
		assert!(Reserve::open(id, drawn[0]) && Reserve::open(id, drawn[2]));
		assert_eq!(get(id).phase, Phase::Commit { until: 13 }, "measured in the block of the last opening");
		assert!(events().iter().any(is_drawn));
		assert_eq!(lots(id), drawn);
		run_to_contest(id, sealed(GOOD));
		let finding = <ProofOfLearning as ContestableRounds<_>>::finding(id, &members[0]).unwrap();
		assert_eq!(finding.sealed, SealedShards { lots: 3, shards_per_lot: SHARDS_PER_LOT });
		run_to_settlement(id);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert!(Reserve::voided().is_empty());
	});
}

#[test]
fn round_should_be_judged_by_what_was_sealed() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(2, 2);
		let id = submit_and_open();
		open_all(id);
		find_all(id, sealed(NO_GAIN));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
	});
}

#[test]
fn reveal_should_fail_when_the_report_lacks_the_sealed_domain() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(1, 1);
		let id = submit_and_open();
		open_all(id);
		let members = committee(id);
		members.iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		assert_noop!(
			ProofOfLearning::reveal(RuntimeOrigin::signed(members[0]), id, measured(GOOD), salt(members[0])),
			Error::<Test>::ReportInvalid
		);
	});
}

#[test]
fn draw_should_be_postponed_and_given_up_when_there_are_too_few_lots() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(2, 3);
		let id = submit(TRAINER);
		run_blocks(2);
		assert_event(Event::DrawPostponed { round: id, reason: PostponeReason::TooFewLots, retry_at: 4 });
		assert!(World::engagements().is_empty(), "the committee is released");
		// What is sealed once the candidate is known may be chosen for it.
		(10..20).for_each(|lot| Reserve::seal(lot, 500 + lot, System::block_number()));
		run_blocks(20);
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		assert_eq!((held(TRAINER), Reserve::left()), (0, 12));
	});
}

#[test]
fn draw_should_not_take_lots_of_the_trainer() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(2, 2);
		(10..20).for_each(|lot| Reserve::seal(lot, TRAINER, 0));
		let mut drawn = lots(submit_and_open());
		drawn.sort_unstable();
		assert_eq!(drawn, [0, 1]);
	});
}

#[test]
fn round_should_measure_on_what_was_opened_when_that_is_two_thirds() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(3, 3);
		let id = submit_and_open();
		let drawn = lots(id);
		Reserve::open(id, drawn[0]);
		Reserve::open(id, drawn[2]);
		run_to(10);
		assert_eq!(get(id).phase, Phase::Commit { until: 20 });
		assert_eq!((lots(id), Reserve::voided()), (vec![drawn[0], drawn[2]], vec![drawn[1]]));
		assert_eq!(get(id).draw.unwrap().sealed.shards().shards(), 2 * SHARDS_PER_LOT);
		find_all(id, sealed(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
	});
}

#[test]
fn round_should_restart_with_other_lots_when_too_few_were_opened() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(6, 3);
		let id = submit_and_open();
		let first = lots(id);
		Reserve::open(id, first[0]);
		run_to(10);
		assert_eq!((get(id).phase, get(id).attempt), (Phase::AwaitingDraw, 1));
		assert_eq!(
			(restart_reasons(), Reserve::voided()),
			(vec![RestartReason::LotsNotOpened], first[1..].to_vec())
		);
		assert!(World::engagements().is_empty() && World::faults().is_empty());
		run_blocks(2);
		let second = lots(id);
		assert!(second.len() == 3 && second.iter().all(|lot| !first.contains(lot)), "{first:?} {second:?}");
		open_all(id);
		find_all(id, sealed(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
	});
}

#[test]
fn round_should_end_inconclusively_when_no_attempt_has_its_lots_opened() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(9, 3);
		let id = submit_and_open();
		run_blocks(40);
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		assert_eq!((Reserve::voided().len(), held(TRAINER)), (9, 0));
	});
}

#[test]
fn opening_should_be_refused_after_its_deadline_even_when_that_is_not_served() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(2, 2);
		let id = submit_and_open();
		ServiceWeight::set(Weight::zero());
		(0..7).for_each(|_| next_block_with_idle(Weight::zero()));
		assert!(matches!(get(id).phase, Phase::Opening { .. }));
		let lot = lots(id)[0];
		assert!(!Reserve::open(id, lot) && ProofOfLearning::awaits(id, lot));
	});
}

#[test]
fn round_should_restart_when_the_head_moved_while_lots_were_opened() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(4, 2);
		let id = submit_and_open();
		World::move_heads(MODEL);
		open_all(id);
		assert!(restart_reasons().is_empty() && matches!(get(id).phase, Phase::Opening { .. }));
		next_block();
		assert_eq!((restart_reasons(), get(id).attempt), (vec![RestartReason::HeadMoved], 1));
		assert!(Reserve::voided().is_empty());
	});
}

#[test]
fn round_should_restart_without_blame_when_a_quorum_finds_a_lot_unusable() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(4, 2);
		let id = submit_and_open();
		open_all(id);
		let bad = Finding::UnusableLot(lots(id)[1]);
		let mut findings = vec![Some(bad.clone()); 4];
		findings.push(Some(sealed(GOOD)));
		find(id, &findings);
		assert_eq!((restart_reasons(), get(id).attempt), (vec![RestartReason::UnusableLot], 1));
		assert_eq!(Reserve::voided().len(), 1);
		assert!(World::faults().is_empty() && World::honest_work().is_empty());
		run_blocks(2);
		open_all(id);
		let members = committee(id);
		let foreign = Finding::UnusableLot(99);
		members.iter().for_each(|who| commit(*who, id, if *who == members[0] { &foreign } else { &bad }));
		assert_noop!(
			ProofOfLearning::reveal(RuntimeOrigin::signed(members[0]), id, foreign.clone(), salt(members[0])),
			Error::<Test>::LotNotOfRound
		);
	});
}

#[test]
fn compaction_should_draw_no_lots() {
	ExtBuilder::default().build_and_execute(|| {
		reserve(4, 2);
		let id = NextRoundId::<Test>::get();
		let mut blocks = blocks(7);
		blocks.iter_mut().for_each(|block| block.kind = BlockKind::Snapshot);
		assert_ok!(ProofOfLearning::submit(
			RuntimeOrigin::signed(TRAINER),
			MODEL,
			blocks,
			Envelope::default()
		));
		run_to_draw(id);
		assert!(lots(id).is_empty() && Reserve::left() == 4);
		find_all(id, Finding::Measured(Report::of_equal_content(2)));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
	});
}

#[test]
fn migration_and_rollback_should_be_judged_by_sealed_shards_too() {
	use blyan_primitives::learning::{Gate, Medians, Purpose};
	let medians = |gains: [i64; 3]| Medians {
		baseline: 0,
		gain: gains[2],
		standard_error: 1_000_000,
		domain_gains: BoundedVec::truncate_from(gains.to_vec()),
	};
	let gate: Gate = terms().gate;
	let migration = Purpose::Migration(blyan_primitives::migration::Migration::AddLayer);
	assert_eq!(migration.judge(&gate, &medians([GOOD, GOOD, 0])), Ok(()));
	assert_eq!(
		migration.judge(&gate, &medians([GOOD, GOOD, -21_000_000])),
		Err(RejectReason::DomainRegression { domain: 2 })
	);
	assert_eq!(Purpose::Rollback.judge(&gate, &medians([0, 0, GOOD])), Ok(()));
	assert_eq!(Purpose::Rollback.judge(&gate, &medians([0, GOOD, 0])), Ok(()), "as in a public domain");
	assert_eq!(Purpose::Rollback.judge(&gate, &medians([0, 20_000_001, 0])), Err(RejectReason::NoGain));
}
