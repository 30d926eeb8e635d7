use crate::{mock::*, *};
use blyan_primitives::datasets::{DatasetFinding, DatasetStage, Licence, Refusal, RejectionReason, Tier};

/// Runs until a dataset is audited again, and has everybody find that.
fn again(id: DatasetId, finding: DatasetFinding) {
	let number = get(id).audits;
	for _ in 0..2 * parameters().rescan_blocks {
		if get(id).audits > number {
			break;
		}
		next_block();
	}
	judge_all(id, finding);
}

#[test]
fn approved_dataset_should_be_audited_again_on_another_sample() {
	ExtBuilder::default().build_and_execute(|| {
		let id = approved(1);
		let DatasetStage::Approved { since, .. } = stage(id) else { panic!() };
		run_blocks(parameters().rescan_blocks - 1);
		assert_eq!(get(id).audits, 1);
		draw(id);
		assert!(System::block_number() >= since + parameters().rescan_blocks);
		assert_eq!(audit(id).number, 1);
		judge_all(id, good());
		assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Gold, .. }));
		assert_eq!(get(id).due, Some(System::block_number() + parameters().rescan_blocks));
		again(id, good());
		assert_eq!(get(id).audits, 3);
	});
}

#[test]
fn tier_should_be_lowered_when_a_later_audit_is_worse_and_never_raised() {
	ExtBuilder::default().build_and_execute(|| {
		let id = approved(1);
		let before = get(id).score;
		again(id, found(|report| (report.licence, report.duplicates) = (Licence::Declared, 300_000)));
		assert_event(Event::TierLowered { dataset: id, from: Tier::Gold, to: Tier::Experimental });
		assert!(get(id).score < before);
		again(id, good());
		assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Experimental, .. }));
		assert_eq!(get(id).score, before);
	});
}

#[test]
fn dataset_should_be_quarantined_when_a_later_audit_would_reject_it() {
	let table = [
		(found(|report| report.toxicity = 200_000), Refusal::Quality(RejectionReason::Toxicity)),
		(DatasetFinding::NotAsDeclared, Refusal::NotAsDeclared),
		(DatasetFinding::Unfetchable, Refusal::Unfetchable),
	];
	for (finding, expected) in table {
		ExtBuilder::default().build_and_execute(|| {
			let id = approved(1);
			again(id, finding);
			let DatasetStage::Quarantined { reason, tier: Tier::Gold, .. } = stage(id) else { panic!() };
			assert_eq!(reason, expected);
			assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability.rejections, 1);
		});
	}
}

#[test]
fn dataset_should_stay_approved_when_its_auditors_come_to_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let id = approved(1);
		run_blocks(parameters().rescan_blocks);
		judge(id, &[None, None, None]);
		judge(id, &[None, None, None]);
		assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Gold, .. }));
		assert_event(Event::AuditClosed { dataset: id, audit: 1, finding: None });
		assert_eq!(get(id).due, Some(System::block_number() + parameters().rescan_blocks));
	});
}

#[test]
fn approved_datasets_should_wait_for_one_another_and_not_keep_offers_waiting() {
	ExtBuilder::default().build_and_execute(|| {
		let (one, two) = (in_vote(1), in_vote(2));
		for id in [one, two] {
			vote(id, 4, 0);
		}
		[one, two].into_iter().for_each(close_vote);
		let waiting = || NextRescan::<Test>::get() - FirstRescan::<Test>::get();
		let due = [one, two].map(|id| get(id).due.unwrap());
		while System::block_number() < due[1] {
			next_block();
		}
		assert_eq!((get(one).audits, get(two).audits, waiting()), (2, 1, 1), "the other waits");
		offer_by(OTHER, 3);
		draw(cid(3));
		assert_eq!(get(two).audits, 1, "an offer waits for neither");
		judge_all(one, good());
		judge_all(two, good());
		assert_eq!((get(two).audits, waiting()), (2, 0));
	});
}
