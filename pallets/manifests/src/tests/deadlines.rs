use crate::{mock::*, *};
use blyan_primitives::{learning::Verdict, manifest::AuditOutcome, traits::ManifestAudits};
use polkadot_sdk::frame_support::{traits::Hooks, weights::Weight};

#[test]
fn deadlines_should_be_served_in_the_next_block_when_they_do_not_fit() {
	ExtBuilder::default().auditors(20).build_and_execute(|| {
		ServiceWeight::set(one_step());
		(0..4).for_each(open);
		run_blocks(2);
		let drawn = || (0..4).filter(|round| get(*round).stage != Stage::AwaitingDraw).count();
		assert_eq!(drawn(), 1, "one step fits a block");
		// What is taken takes less than the most that a step may.
		while drawn() < 4 {
			let before = drawn();
			next_block();
			assert!(drawn() > before);
		}
	});
}

#[test]
fn deadline_that_is_served_late_should_not_lengthen_a_phase() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		let Stage::Commit { until } = get(0).stage else { panic!() };
		ServiceWeight::set(Weight::zero());
		run_blocks(until + 2 - System::block_number());
		assert_eq!(get(0).stage, Stage::Commit { until }, "nothing was served");
		assert_eq!(try_commit(members[0], 0, MATCH), Err(Error::<Test>::NotInCommitPhase.into()));
	});
}

#[test]
fn hooks_should_stay_within_their_weight() {
	ExtBuilder::default().build_and_execute(|| {
		(0..4).for_each(open);
		ServiceWeight::set(one_step());
		for _ in 0..30 {
			let now = System::block_number() + 1;
			System::set_block_number(now);
			assert!(ServiceWeight::get().all_gte(ManifestsPallet::on_initialize(now)));
			let idle = <()>::prune();
			assert!(idle.all_gte(ManifestsPallet::on_idle(now, idle)));
		}
	});
}

#[test]
fn audits_should_be_forgotten_when_they_and_their_rounds_are_long_over() {
	ExtBuilder::default().build_and_execute(|| {
		for round in 0..2 {
			open_and_draw(round);
			judge(round, &[Some(MATCH); 3]);
		}
		ManifestsPallet::closed(1, Verdict::Accepted);
		run_blocks(KEPT + 5);
		assert!(Audits::<Test>::contains_key(0), "its round is not over");
		ManifestsPallet::closed(0, Verdict::Accepted);
		run_blocks(1);
		assert_eq!(Audits::<Test>::iter().count(), 0);
		assert_eq!((FirstConcluded::<Test>::get(), Concluded::<Test>::iter().count()), (2, 0));
	});
}

#[test]
fn ban_should_be_forgotten_with_the_last_audit_that_did_not_match() {
	ExtBuilder::default().build_and_execute(|| {
		// Both are submitted before the first is caught.
		open(0);
		open_and_draw(1);
		judge(0, &[Some(TORN); 3]);
		run_blocks(2);
		judge(1, &[Some(TORN); 3]);
		(0..2).for_each(|round| ManifestsPallet::closed(round, Verdict::Inconclusive));
		while Audits::<Test>::contains_key(0) {
			next_block();
		}
		run_blocks(10);
		assert!(!Audits::<Test>::contains_key(1) && !BannedUntil::<Test>::contains_key(TRAINER));
		assert_eq!(ManifestsPallet::outcome(0), None);
	});
}

#[test]
fn ban_should_outlast_the_first_audit_when_a_later_one_renewed_it() {
	// As long as audits are kept.
	ExtBuilder::default().parameters(|p| p.ban_blocks = KEPT as u32).build_and_execute(|| {
		open(0);
		open_and_draw(1);
		judge(0, &[Some(TORN); 3]);
		let members = auditors(1);
		// As late as may be.
		let Stage::Commit { until } = get(1).stage else { panic!() };
		run_blocks(until - System::block_number());
		members.iter().for_each(|who| try_commit(*who, 1, TORN).unwrap());
		run_blocks(3);
		members.iter().for_each(|who| try_reveal(*who, 1, TORN).unwrap());
		run_blocks(1);
		assert_eq!(ManifestsPallet::outcome(1), Some(AuditOutcome::Mismatch { batch: None }));
		(0..2).for_each(|round| ManifestsPallet::closed(round, Verdict::Inconclusive));
		while Audits::<Test>::contains_key(0) {
			next_block();
		}
		assert!(BannedUntil::<Test>::contains_key(TRAINER));
	});
}
