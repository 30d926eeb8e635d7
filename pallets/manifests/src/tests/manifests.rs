use crate::{mock::*, *};
use blyan_primitives::{
	api::AuditStage,
	learning::{Purpose, Verdict},
	manifest::{self, AuditOutcome, TrainingManifest},
	traits::ManifestAudits,
	worker::Role,
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{DispatchResult, Perbill},
};

fn submit(manifest: TrainingManifest) -> DispatchResult {
	try_open(0, TRAINER, Purpose::Improvement, Some(manifest))
}

#[test]
fn manifest_should_be_bound_to_trainer_model_and_parents() {
	ExtBuilder::default().build_and_execute(|| {
		open(0);
		assert_ok!(try_open(1, OTHER_TRAINER, Purpose::Improvement, Some(manifest())));
		let parents = [Some(Hash::repeat_byte(5))];
		assert_eq!(get(0).binding, manifest::binding(&TRAINER, MODEL, &parents));
		// A manifest that is copied from another trainer is of other batches.
		assert_eq!(get(1).manifest, get(0).manifest);
		assert_ne!(get(1).binding, get(0).binding);
		assert_event(Event::ManifestReceived { round: 1, trainer: OTHER_TRAINER });
	});
}

#[test]
fn manifest_should_be_refused_by_the_rule_that_it_breaks() {
	ExtBuilder::default().build_and_execute(|| {
		let m = manifest;
		for (broken, error) in [
			(TrainingManifest { datasets: uses(&[]), ..m() }, Error::<Test>::DatasetsInvalid),
			(TrainingManifest { datasets: uses(&[(1, 99)]), ..m() }, Error::<Test>::WeightsInvalid),
			(TrainingManifest { steps: 0, ..m() }, Error::<Test>::SizesInvalid),
			(
				TrainingManifest { datasets: uses(&[(1, 50), (3, 50)]), ..m() },
				Error::<Test>::DatasetNotApproved(1),
			),
			(TrainingManifest { document_hash: Hash::zero(), ..m() }, Error::<Test>::OtherDocument),
		] {
			assert_noop!(submit(broken), error);
		}
		assert_ok!(submit(m()));
	});
}

#[test]
fn manifest_should_be_refused_when_the_submission_learns_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		for purpose in [Purpose::Compaction, Purpose::Rollback] {
			assert_noop!(try_open(0, TRAINER, purpose, Some(manifest())), Error::<Test>::ManifestNotExpected);
		}
		assert_noop!(try_open(0, STRANGER, Purpose::Improvement, Some(manifest())), Error::<Test>::NotWorker);
	});
}

#[test]
fn manifest_should_be_refused_when_as_many_audits_are_open_as_may_be() {
	ExtBuilder::default().build_and_execute(|| {
		(0..u64::from(MAX_OPEN)).for_each(open);
		let more = u64::from(MAX_OPEN);
		assert_noop!(
			try_open(more, TRAINER, Purpose::Improvement, Some(manifest())),
			Error::<Test>::TooManyAudits
		);
		assert_ok!(try_open(more, TRAINER, Purpose::Improvement, None));
	});
}

#[test]
fn shares_should_be_of_datasets_by_mixing_weight() {
	ExtBuilder::default().build_and_execute(|| {
		approve(3, CONTRIBUTOR);
		let datasets = uses(&[(1, 20), (2, 50), (3, 30)]);
		assert_ok!(submit(TrainingManifest { datasets, ..manifest() }));
		assert_eq!(shares(0), None, "not before it is verified");
		while get(0).stage == Stage::AwaitingDraw {
			next_block();
		}
		judge(0, &[Some(MATCH); 3]);
		let percent = Perbill::from_percent;
		let expected = [
			(dataset(1), CONTRIBUTOR, percent(20)),
			(dataset(2), OTHER_CONTRIBUTOR, percent(50)),
			(dataset(3), CONTRIBUTOR, percent(30)),
		];
		assert_eq!(shares(0), Some(expected.to_vec()));
		let info = ManifestsPallet::manifest(0).unwrap();
		assert_eq!(info.contributors[2], (CONTRIBUTOR, percent(30)));
		assert_eq!(info.dataset_bytes, [10_000; 3]);
	});
}

#[test]
fn trainer_should_keep_its_bond_there_until_the_audit_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		open(0);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(TRAINER)));
		while get(0).stage == Stage::AwaitingDraw {
			next_block();
		}
		run_blocks(3);
		let withdraw = || WorkersPallet::withdraw(RuntimeOrigin::signed(TRAINER));
		let members = auditors(0);
		members.iter().for_each(|who| try_commit(*who, 0, TORN).unwrap());
		assert!(withdraw().is_err());
		run_blocks(1);
		members.iter().for_each(|who| try_reveal(*who, 0, TORN).unwrap());
		run_blocks(1);
		assert_eq!(ManifestsPallet::outcome(0), Some(AuditOutcome::Mismatch { batch: None }));
		assert_eq!(total(TRAINER), ENDOWMENT - SLASH, "also who is leaving");
		run_blocks(20);
		assert_ok!(withdraw());
	});
}

#[test]
fn query_should_say_how_an_audit_stands() {
	ExtBuilder::default().build_and_execute(|| {
		let members = open_and_draw(0);
		open(1);
		assert_ok!(try_commit(members[0], 0, MATCH));
		let info = ManifestsPallet::manifest(0).unwrap();
		assert_eq!((info.trainer, info.binding, info.attempt), (TRAINER, get(0).binding, 0));
		assert_eq!((info.auditors, info.committed), (members.clone(), vec![members[0]]));
		assert!(matches!(info.stage, AuditStage::Commit { .. }));
		assert_eq!(info.sample, get(0).sample.to_vec());
		let rounds = |of| ManifestsPallet::audits(of).iter().map(|info| info.round).collect::<Vec<_>>();
		assert_eq!(rounds(None), [0, 1]);
		assert_eq!(rounds(Some(members[0])), [0]);
		assert_eq!(rounds(Some(TRAINER)), [0u64; 0]);
		judge_rest(0, &members);
		assert_eq!(rounds(None), [1]);
		let info = ManifestsPallet::manifest(0).unwrap();
		assert_eq!(info.stage, AuditStage::Closed(AuditOutcome::Verified));
		assert_eq!(info.revealed.len(), 3);
		assert_eq!(ManifestsPallet::outcome(1), Some(AuditOutcome::Pending));
		assert_eq!(ManifestsPallet::outcome(7), None);
	});
}

/// The first member has committed.
fn judge_rest(round: RoundId, members: &[AccountId]) {
	members[1..].iter().for_each(|who| try_commit(*who, round, MATCH).unwrap());
	run_blocks(1);
	members.iter().for_each(|who| try_reveal(*who, round, MATCH).unwrap());
	run_blocks(1);
}

#[test]
fn auditors_should_be_others_than_who_made_or_gave_it() {
	// Who gave the data, and the trainer, are auditors too.
	ExtBuilder::default().auditors(3).build_and_execute(|| {
		register(CONTRIBUTOR, Role::Auditor);
		for round in 0..4 {
			let members = open_and_draw(round);
			assert!(members.iter().all(|who| (FIRST_AUDITOR..FIRST_AUDITOR + 3).contains(who)));
			judge(round, &[Some(MATCH); 3]);
			ManifestsPallet::closed(round, Verdict::Accepted);
		}
	});
}
