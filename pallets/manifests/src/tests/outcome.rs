use crate::{mock::*, *};
use blyan_primitives::{
	learning::{Purpose, RejectReason, Verdict},
	manifest::{AuditOutcome, ManifestFinding},
	traits::ManifestAudits,
	worker::{Fault, INITIAL_REPUTATION},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	pallet_balances,
	sp_runtime::Perbill,
};

const UNFETCHABLE: ManifestFinding = ManifestFinding::Unfetchable;

#[test]
fn manifest_should_be_verified_when_a_quorum_finds_it_right() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		judge(0, &[Some(MATCH); 3]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Verified));
		assert_event(Event::AuditClosed { round: 0, outcome: AuditOutcome::Verified });
		let expected = vec![
			(dataset(1), CONTRIBUTOR, Perbill::from_percent(30)),
			(dataset(2), OTHER_CONTRIBUTOR, Perbill::from_percent(70)),
		];
		assert_eq!(shares(0), Some(expected.clone()));
		assert_eq!(World::verified(), [(0, expected)]);
		let fees = members.iter().map(|who| (*who, FEE, 0)).collect::<Vec<_>>();
		assert_eq!(World::fees(), fees);
		assert_eq!(total(TRAINER), ENDOWMENT);
		for who in members {
			let worker = pallet_workers::Workers::<Test>::get(who).unwrap();
			assert!(worker.reputation > INITIAL_REPUTATION);
		}
	});
}

#[test]
fn trainer_should_be_slashed_and_banned_when_a_quorum_finds_the_same_batch_forged() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		let finding = forged(0, 2);
		let ManifestFinding::Mismatch { batch } = finding else { panic!() };
		judge(0, &[Some(finding); 3]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Mismatch { batch }));
		assert_eq!(total(TRAINER), ENDOWMENT - SLASH);
		let banned_until = System::block_number() + BAN;
		assert_event(Event::TrainerFaulted { round: 0, trainer: TRAINER, slashed: SLASH, banned_until });
		assert_eq!((shares(0), World::verified().len()), (None, 0), "no data is paid");
		assert_eq!(World::fees().len(), 3, "who caught it is");

		// With a manifest or without one.
		for manifest in [None, Some(manifest())] {
			assert_noop!(try_open(1, TRAINER, Purpose::Improvement, manifest), Error::<Test>::Banned);
		}
		assert_ok!(try_open(1, OTHER_TRAINER, Purpose::Improvement, None));
		// Who only asks for a rollback says nothing of data.
		assert_ok!(try_open(1, TRAINER, Purpose::Rollback, None));
		run_blocks(BAN - 1);
		assert_noop!(try_open(1, TRAINER, Purpose::Improvement, None), Error::<Test>::Banned);
		run_blocks(1);
		assert_ok!(try_open(1, TRAINER, Purpose::Improvement, None));
	});
}

#[test]
fn document_should_be_a_mismatch_when_its_leaves_are_right_and_its_root_is_wrong() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		judge(0, &[Some(TORN); 3]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Mismatch { batch: None }));
		assert_eq!(total(TRAINER), ENDOWMENT - SLASH);
	});
}

#[test]
fn nobody_should_be_slashed_when_a_quorum_could_not_fetch() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		judge(0, &[Some(UNFETCHABLE), Some(UNFETCHABLE), Some(MATCH)]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Unfetchable));
		assert_eq!(shares(0), None);
		assert_eq!((faults(), total(TRAINER)), (vec![], ENDOWMENT));
		assert_ok!(try_open(1, TRAINER, Purpose::Improvement, None));
	});
}

#[test]
fn liar_should_be_struck_when_a_quorum_finds_otherwise() {
	ExtBuilder::default().build_and_execute(|| {
		// Says that what is right is wrong.
		let members = open_and_draw(0);
		judge(0, &[Some(MATCH), Some(TORN), Some(MATCH)]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Verified));
		assert_eq!(faults(), [(members[1], Fault::OutsideTolerance)]);
		assert_eq!(total(TRAINER), ENDOWMENT);
		assert!(World::fees().iter().all(|(who, ..)| *who != members[1]));

		// Says that what is wrong is right, and that another batch is wrong.
		for lie in [MATCH, TORN] {
			let round = if lie == MATCH { 1 } else { 2 };
			run_blocks(BAN);
			let members = open_and_draw(round);
			let truth = forged(round, 0);
			judge(round, &[Some(truth), Some(truth), Some(lie)]);
			assert!(matches!(ManifestsPallet::outcome(round), Some(AuditOutcome::Mismatch { .. })));
			assert_eq!(faults().last(), Some(&(members[2], Fault::OutsideTolerance)));
		}
	});
}

#[test]
fn who_could_not_fetch_should_not_be_blamed_when_a_quorum_could() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		judge(0, &[Some(MATCH), Some(UNFETCHABLE), Some(MATCH)]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Verified));
		assert_eq!((faults(), World::fees().len()), (vec![], 2));
	});
}

#[test]
fn others_should_be_drawn_when_no_quorum_finds_the_same() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		judge(0, &[Some(MATCH), Some(TORN), Some(forged(0, 0))]);
		assert_event(Event::AuditRestarted { round: 0, attempt: 1 });
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Pending));
		assert_eq!((faults(), World::fees()), (vec![], vec![]), "nobody can tell who is wrong");
		while get(0).stage == Stage::AwaitingDraw {
			next_block();
		}
		// Two mismatches of different batches are no quorum either.
		judge(0, &[Some(forged(0, 0)), Some(forged(0, 1)), Some(MATCH)]);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Undecided));
		assert_eq!((shares(0), total(TRAINER)), (None, ENDOWMENT));
	});
}

#[test]
fn audit_should_stay_undecided_when_there_are_no_auditors_or_there_is_no_randomness() {
	ExtBuilder::default().auditors(2).build_and_execute(|| {
		open(0);
		run_blocks(longest_audit());
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Undecided));
		let too_few = PostponeReason::TooFewAuditors;
		assert_event(Event::DrawPostponed { round: 0, reason: too_few, retry_at: 5 });
	});
	ExtBuilder::default().build_and_execute(|| {
		for (round, age) in [(0, None), (1, Some(2))] {
			World::set_randomness_age(age);
			open(round);
			let now = System::block_number();
			run_blocks(2);
			let reason = PostponeReason::NoRandomness;
			assert_event(Event::DrawPostponed { round, reason, retry_at: now + 4 });
		}
		World::set_randomness_age(None);
		run_blocks(longest_audit());
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Undecided));
	});
}

#[test]
fn slash_should_be_burned_so_that_no_auditor_has_an_interest_in_it() {
	ExtBuilder::default().build_and_execute(|| {
		let before = pallet_balances::TotalIssuance::<Test>::get();
		open_and_draw(0);
		judge(0, &[Some(TORN); 3]);
		assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), before - SLASH);
	});
}

#[test]
fn audit_should_go_on_to_its_end_when_its_round_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		ManifestsPallet::closed(0, Verdict::Rejected(RejectReason::NoGain));
		assert_eq!(get(0).round, RoundStanding::Refused);
		judge(0, &[Some(TORN); 3]);
		assert_eq!(total(TRAINER), ENDOWMENT - SLASH, "a forged log is one, whatever it was good for");
		// A round without a manifest closes too.
		ManifestsPallet::closed(5, Verdict::Accepted);
	});
}
