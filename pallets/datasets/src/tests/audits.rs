use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{DatasetFinding::*, DatasetStage, QualityReport, Refusal, RejectionReason},
	worker::Fault,
	Hash,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn reason(id: DatasetId) -> Refusal {
	match stage(id) {
		DatasetStage::Rejected { reason, .. } => reason,
		stage => panic!("{stage:?}"),
	}
}

#[test]
fn auditors_should_be_drawn_by_younger_randomness_and_never_be_the_contributor() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		assert_eq!(members.len(), 3);
		let Audit { seed, attempt, number, .. } = audit(id);
		assert!(seed.is_some());
		assert_eq!((attempt, number), (0, 0));
		let info = DatasetsPallet::dataset(id).unwrap().audit.unwrap();
		assert_eq!((info.seed, info.auditors.clone()), (seed, members.clone()));
		assert_eq!(DatasetsPallet::dataset_audits(Some(members[0])).len(), 1);
		assert_eq!(DatasetsPallet::dataset_audits(Some(STRANGER)).len(), 0);
	});
	// With one auditor too few, were the contributor not left out.
	ExtBuilder::default().auditors(3).build_and_execute(|| {
		let id = offer_by(FIRST_AUDITOR, 1);
		run_until(|| !matches!(stage(id), DatasetStage::Pending | DatasetStage::Audit));
		assert_eq!(reason(id), Refusal::NoAudit);
	});
}

#[test]
fn draw_should_be_postponed_when_there_is_no_younger_randomness() {
	ExtBuilder::default().build_and_execute(|| {
		World::set_randomness_age(Some(10));
		let id = offer_by(CONTRIBUTOR, 1);
		run_blocks(4);
		assert_eq!(audit(id).phase, Phase::AwaitingDraw);
		assert!(events()
			.iter()
			.any(|event| matches!(event, Event::DrawPostponed { reason: PostponeReason::NoRandomness, .. })));
		World::set_randomness_age(Some(0));
		draw(id);
	});
}

#[test]
fn commit_and_reveal_should_refuse_what_is_out_of_turn() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		let hash = Hash::repeat_byte(1);
		let commit = |who, hash| DatasetsPallet::commit(RuntimeOrigin::signed(who), id, hash);
		let reveal = |who| DatasetsPallet::reveal(RuntimeOrigin::signed(who), id, good(), [0; 32]);
		assert_noop!(commit(FIRST_AUDITOR, hash), Error::<Test>::AuditNotFound);
		assert_noop!(reveal(FIRST_AUDITOR), Error::<Test>::AuditNotFound);
		next_block();
		assert_noop!(commit(FIRST_AUDITOR, hash), Error::<Test>::NotInCommitPhase);
		let members = draw(id);
		assert_noop!(commit(STRANGER, hash), Error::<Test>::NotAuditor);
		assert_ok!(try_commit(members[0], id, &good()));
		assert_noop!(commit(members[0], hash), Error::<Test>::AlreadyCommitted);
		assert_noop!(
			commit(members[1], commitment_of(members[0], id, &good())),
			Error::<Test>::CommitmentCopied
		);
		assert_noop!(try_reveal(members[0], id, &good()), Error::<Test>::NotInRevealPhase);
		assert_ok!(try_commit(members[1], id, &good()));
		run_until(|| matches!(audit(id).phase, Phase::Reveal { .. }));
		assert_noop!(try_reveal(STRANGER, id, &good()), Error::<Test>::NotAuditor);
		assert_noop!(try_reveal(members[2], id, &good()), Error::<Test>::NotCommitted);
		assert_noop!(try_reveal(members[0], id, &NotAsDeclared), Error::<Test>::RevealMismatch);
		assert_noop!(
			try_reveal(members[0], id, &found(|report| report.rules = 2)),
			Error::<Test>::RulesDiffer
		);
		assert_ok!(try_reveal(members[0], id, &good()));
		assert_noop!(try_reveal(members[0], id, &good()), Error::<Test>::AlreadyRevealed);
		run_blocks(1);
		let Phase::Reveal { until } = audit(id).phase else { panic!("one is missing") };
		System::set_block_number(until + 1);
		assert_noop!(try_reveal(members[1], id, &good()), Error::<Test>::NotInRevealPhase);
	});
}

#[test]
fn phases_should_end_early_when_everybody_is_done() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		members.iter().for_each(|who| try_commit(*who, id, &good()).unwrap());
		next_block();
		members.iter().for_each(|who| try_reveal(*who, id, &good()).unwrap());
		next_block();
		assert!(matches!(stage(id), DatasetStage::Vote { .. }));
	});
}

#[test]
fn medians_should_be_the_report_when_two_thirds_are_near_them() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		// As far off as they may be in what they hold the sample against, and in the gain.
		let one = found(|report| (report.duplicates, report.expected_gain) = (10_000, Some(50_000)));
		let two = found(|report| (report.duplicates, report.expected_gain) = (60_000, Some(150_000)));
		let three = found(|report| (report.duplicates, report.expected_gain) = (110_000, None));
		judge(id, &[Some(one), Some(two), Some(three)]);
		let expected = QualityReport { duplicates: 60_000, expected_gain: Some(50_000), ..report() };
		assert_eq!(get(id).report, Some(expected.clone()));
		assert_event(Event::AuditClosed { dataset: id, audit: 0, finding: Some(Report(expected)) });
		assert_eq!(faults(), []);
		assert_eq!(World::fees().len(), 3);
	});
}

#[test]
fn auditor_should_be_at_fault_when_it_is_outside_the_tolerance() {
	for lie in [
		found(|report| report.duplicates = 50_001),
		found(|report| report.toxicity = 1),
		found(|report| report.samples = 999),
		NotAsDeclared,
	] {
		ExtBuilder::default().build_and_execute(|| {
			let (id, members) = offer_and_draw(1);
			judge(id, &[Some(good()), Some(lie.clone()), Some(good())]);
			assert_eq!(faults(), [(members[1], Fault::OutsideTolerance)]);
			assert_eq!(World::fees(), [(members[0], FEE), (members[2], FEE)]);
			assert_eq!(get(id).report, Some(report()));
		});
	}
}

#[test]
fn auditor_should_not_be_blamed_when_it_could_not_fetch_or_others_could_not() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		judge(id, &[Some(good()), Some(Unfetchable), Some(good())]);
		assert_eq!(faults(), []);
		assert_eq!(World::fees(), [(members[0], FEE), (members[2], FEE)]);
		assert!(matches!(stage(id), DatasetStage::Vote { .. }));
		let id = offer_by(CONTRIBUTOR, 2);
		judge(id, &[Some(good()), Some(Unfetchable), Some(Unfetchable)]);
		assert_eq!(faults(), []);
		assert_eq!(reason(id), Refusal::Unfetchable);
	});
}

#[test]
fn absent_should_be_blamed_for_what_they_had_the_chance_to_do() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		for who in &members[..2] {
			assert_ok!(try_commit(*who, id, &good()));
		}
		run_until(|| matches!(audit(id).phase, Phase::Reveal { .. }));
		assert_ok!(try_reveal(members[0], id, &good()));
		run_until(|| audit(id).attempt == 1);
		assert_eq!(faults(), [(members[1], Fault::NoReveal), (members[2], Fault::NoCommit)]);
		assert_event(Event::AuditRestarted { dataset: id, attempt: 1 });
	});
}

#[test]
fn nobody_in_the_minority_should_be_blamed_when_there_is_no_quorum() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		let apart = || [Some(good()), Some(NotAsDeclared), Some(found(|report| report.toxicity = 9))];
		judge(id, &apart());
		assert_eq!(audit(id).attempt, 1);
		judge(id, &apart());
		assert_eq!(reason(id), Refusal::NoAudit);
		assert_eq!((faults(), World::fees()), (vec![], vec![]));
		assert_event(Event::AuditClosed { dataset: id, audit: 0, finding: None });
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability.rejections, 0);
	});
}

#[test]
fn dataset_should_be_rejected_without_a_vote_when_its_medians_are_past_a_limit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		judge_all(id, found(|report| report.personal_data = 20_000));
		assert_eq!(reason(id), Refusal::Quality(RejectionReason::PersonalData));
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability.rejections, 1);
		let id = offer_by(CONTRIBUTOR, 2);
		judge_all(id, NotAsDeclared);
		assert_eq!(reason(id), Refusal::NotAsDeclared);
	});
}

#[test]
fn places_should_go_by_standing_and_not_by_number() {
	ExtBuilder::default().parameters(|p| p.max_audits = 1).build_and_execute(|| {
		Contributors::<Test>::insert(OTHER, {
			let mut record = Contributor { was_approved: true, ..Contributor::default() };
			record.reliability.standing = blyan_primitives::datasets::Standing::Trusted;
			record
		});
		(1..=4).for_each(|number| {
			offer_by(CONTRIBUTOR, number);
		});
		(5..=6).for_each(|number| {
			offer_by(OTHER, number);
		});
		offer_by(STRANGER, 7);
		let mut order = Vec::new();
		for _ in 0..7 {
			next_block();
			let id = RunningAudits::<Test>::get()[0].dataset;
			judge_all(id, NotAsDeclared);
			order.push(id);
		}
		// What was audited counts no more: among equals the oldest goes first.
		assert_eq!(order, [5, 6, 1, 2, 3, 4, 7].map(cid));
	});
}
