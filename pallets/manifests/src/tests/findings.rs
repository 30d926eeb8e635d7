use crate::{mock::*, *};
use blyan_primitives::{manifest::ManifestFinding, worker::Fault, Hash};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn auditors_should_be_drawn_with_a_sample_of_the_batches() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		assert_eq!(members.len(), 3);
		// One in a hundred of 500.
		assert_eq!(get(0).sample.len(), 5);
		assert_eq!(System::block_number(), 3, "two blocks after the submission");
		let until = 3 + 6;
		assert_eq!(get(0).stage, Stage::Commit { until });
		let auditors = BoundedAuditors::truncate_from(members);
		assert_event(Event::AuditorsDrawn {
			round: 0,
			attempt: 0,
			auditors,
			batches: 5,
			commit_until: until,
		});
	});
}
type BoundedAuditors = AuditorsOf<Test>;

#[test]
fn samples_should_differ_between_submissions_and_attempts() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		open_and_draw(1);
		let first = get(0).sample;
		assert_ne!(first, get(1).sample);
		judge(0, &[None; 3]);
		while get(0).stage == Stage::AwaitingDraw {
			next_block();
		}
		assert_eq!(get(0).attempt, 1);
		assert_ne!(first, get(0).sample);
	});
}

#[test]
fn commitment_should_be_refused_when_it_is_no_auditors_own_and_first() {
	ExtBuilder::default().build_and_execute(|| {
		open(0);
		assert_noop!(try_commit(FIRST_AUDITOR, 0, MATCH), Error::<Test>::NotInCommitPhase);
		while get(0).stage == Stage::AwaitingDraw {
			next_block();
		}
		let members = auditors(0);
		let commit = |who, hash| ManifestsPallet::commit(RuntimeOrigin::signed(who), 0, hash);
		let hash = Hash::repeat_byte(1);
		assert_noop!(
			ManifestsPallet::commit(RuntimeOrigin::signed(members[0]), 9, hash),
			Error::<Test>::AuditNotFound
		);
		assert_noop!(commit(STRANGER, hash), Error::<Test>::NotAuditor);
		assert_noop!(commit(TRAINER, hash), Error::<Test>::NotAuditor);
		assert_ok!(commit(members[0], hash));
		assert_event(Event::FindingCommitted { round: 0, auditor: members[0], commitment: hash });
		assert_noop!(commit(members[0], Hash::repeat_byte(2)), Error::<Test>::AlreadyCommitted);
		assert_noop!(commit(members[1], hash), Error::<Test>::CommitmentCopied);
		run_blocks(7);
		assert_noop!(commit(members[1], Hash::repeat_byte(2)), Error::<Test>::NotInCommitPhase);
	});
}

#[test]
fn reveal_should_be_refused_when_it_is_not_what_was_committed_to() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		assert_noop!(try_reveal(members[0], 0, MATCH), Error::<Test>::NotInRevealPhase);
		assert_ok!(try_commit(members[0], 0, MATCH));
		assert_ok!(try_commit(members[1], 0, MATCH));
		let Stage::Commit { until } = get(0).stage else { panic!() };
		run_blocks(until + 1 - System::block_number());
		assert_event(Event::RevealOpened { round: 0, until: System::block_number() + 3 });
		assert_noop!(try_commit(members[2], 0, MATCH), Error::<Test>::NotInCommitPhase);
		assert_noop!(try_reveal(members[2], 0, MATCH), Error::<Test>::NotCommitted);
		assert_noop!(try_reveal(STRANGER, 0, MATCH), Error::<Test>::NotAuditor);
		assert_noop!(try_reveal(members[0], 0, TORN), Error::<Test>::RevealMismatch);
		let outside = (0..STEPS).find(|batch| !get(0).sample.contains(batch)).unwrap();
		let finding = ManifestFinding::Mismatch { batch: Some(outside) };
		assert_noop!(try_reveal(members[0], 0, finding), Error::<Test>::BatchNotInSample);
		assert_ok!(try_reveal(members[0], 0, MATCH));
		assert_event(Event::FindingRevealed { round: 0, auditor: members[0], finding: MATCH });
		assert_noop!(try_reveal(members[0], 0, MATCH), Error::<Test>::AlreadyRevealed);
		run_blocks(4);
		assert_noop!(try_reveal(members[1], 0, MATCH), Error::<Test>::NotInRevealPhase);
	});
}

#[test]
fn who_is_absent_should_be_at_fault_and_is_no_vote() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		judge(0, &[Some(MATCH), Some(MATCH), None]);
		assert_eq!(faults(), [(members[2], Fault::NoCommit)]);
		assert!(!get(0).is_open());

		let members = open_and_draw(1);
		members.iter().for_each(|who| try_commit(*who, 1, MATCH).unwrap());
		next_block();
		members[..2].iter().for_each(|who| try_reveal(*who, 1, MATCH).unwrap());
		run_blocks(4);
		assert_eq!(faults()[1..], [(members[2], Fault::NoReveal)]);
		assert!(!get(1).is_open());
		// Of the absent nobody is paid.
		assert_eq!(World::fees().len(), 4);
		assert!(World::fees().iter().all(|(_, amount, _)| *amount == FEE));
	});
}

#[test]
fn phase_should_end_early_when_everybody_has_done_their_part() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		let begun = System::block_number();
		judge(0, &[Some(MATCH); 3]);
		assert_eq!(System::block_number(), begun + 2);
	});
}
