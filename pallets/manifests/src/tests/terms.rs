use crate::{mock::*, *};
use blyan_primitives::{
	datasets::Tier,
	learning::{Purpose, RejectReason, Verdict},
	manifest::{DataTerms, ManifestFinding},
	traits::ManifestAudits,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::traits::BadOrigin,
};

const NO_GAIN: Verdict = Verdict::Rejected(RejectReason::NoGain);

fn set(manifest_required: bool, least_tier: Tier) {
	let terms = DataTerms { manifest_required, least_tier };
	assert_ok!(ManifestsPallet::set_data_terms(RuntimeOrigin::signed(OWNER), MODEL, terms));
	assert_event(Event::DataTermsSet { model: MODEL, terms });
	assert_eq!(ManifestsPallet::data_terms(MODEL), terms);
}

fn submit(round: RoundId) -> polkadot_sdk::sp_runtime::DispatchResult {
	try_open(round, TRAINER, Purpose::Improvement, Some(manifest()))
}

#[test]
fn terms_should_be_set_by_the_owner_or_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let terms = DataTerms { manifest_required: true, least_tier: Tier::Gold };
		let set = |origin| ManifestsPallet::set_data_terms(origin, MODEL, terms);
		assert_noop!(set(RuntimeOrigin::signed(STRANGER)), Error::<Test>::NotModelOwner);
		assert_noop!(set(RuntimeOrigin::none()), BadOrigin);
		assert_ok!(set(RuntimeOrigin::root()));
		assert_eq!(ManifestsPallet::data_terms(MODEL), terms);
		assert_eq!(ManifestsPallet::data_terms(MODEL + 1), DataTerms::default(), "each model has its own");
	});
}

#[test]
fn terms_should_leave_nothing_in_storage_when_they_ask_for_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		set(true, Tier::Experimental);
		set(false, Tier::Experimental);
		assert_eq!(Terms::<Test>::iter().count(), 0);
	});
}

#[test]
fn manifest_should_be_asked_for_when_the_owner_says_so() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(try_open(0, TRAINER, Purpose::Improvement, None));
		set(true, Tier::Experimental);
		assert_noop!(try_open(1, TRAINER, Purpose::Improvement, None), Error::<Test>::ManifestRequired);
		// What learns nothing is not asked.
		assert_ok!(try_open(1, TRAINER, Purpose::Compaction, None));
		assert_ok!(try_open(1, STRANGER, Purpose::Rollback, None));
		assert_ok!(submit(1));
		set(false, Tier::Experimental);
		assert_ok!(try_open(2, TRAINER, Purpose::Improvement, None));
	});
}

#[test]
fn manifest_should_be_refused_by_the_place_of_a_dataset_that_is_not_good_enough() {
	ExtBuilder::default().build_and_execute(|| {
		approve_as(1, CONTRIBUTOR, Tier::Gold);
		set(false, Tier::Gold);
		assert_noop!(submit(0), Error::<Test>::DatasetBelowTier(1));
		assert!(ManifestsPallet::may_learn_from(MODEL, dataset(1)));
		assert!(!ManifestsPallet::may_learn_from(MODEL, dataset(2)));
		assert!(ManifestsPallet::may_learn_from(MODEL + 1, dataset(2)));
		set(false, Tier::Silver);
		assert_ok!(submit(0));
		quarantine(2);
		assert_noop!(submit(1), Error::<Test>::DatasetNotApproved(1));
		quarantine(1);
		assert_noop!(submit(1), Error::<Test>::DatasetNotApproved(0));
		assert!(!ManifestsPallet::may_learn_from(MODEL, dataset(1)));
	});
}

#[test]
fn audit_should_keep_what_a_dataset_was_when_it_was_submitted() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		quarantine(1);
		approve_as(2, STRANGER, Tier::Gold);
		judge(0, &[Some(MATCH); 3]);
		let paid = World::verified()[0].1.iter().map(|(_, who, _)| *who).collect::<Vec<_>>();
		assert_eq!(paid, [CONTRIBUTOR, OTHER_CONTRIBUTOR]);
		assert_eq!(get(0).sources[1].tier, Tier::Silver);
	});
}

#[test]
fn learning_should_be_told_of_once_when_the_later_of_verdict_and_audit_is_known() {
	ExtBuilder::default().build_and_execute(|| {
		for (round, verdict) in [(0, Verdict::Accepted), (1, NO_GAIN)] {
			open_and_draw(round);
			judge(round, &[Some(MATCH); 3]);
			assert!(!World::learned().iter().any(|(told, _)| *told == round), "not before the verdict");
			ManifestsPallet::closed(round, verdict);
		}
		for (round, verdict) in [(2, Verdict::Accepted), (3, NO_GAIN)] {
			open_and_draw(round);
			ManifestsPallet::closed(round, verdict);
			assert!(!World::learned().iter().any(|(told, _)| *told == round), "not before the audit");
			judge(round, &[Some(MATCH); 3]);
		}
		assert_eq!(World::learned(), [(0, true), (1, false), (2, true), (3, false)]);
		let samples = u64::from(STEPS) * 16;
		assert_eq!(World::told_of(0), (TRAINER, manifest().datasets, samples));
	});
}

#[test]
fn learning_should_not_be_told_of_when_nobody_measured_it_or_no_audit_verified_it() {
	ExtBuilder::default().build_and_execute(|| {
		let domain_loss = Verdict::Rejected(RejectReason::DomainRegression { domain: 1 });
		let unmeasured = [
			Verdict::Inconclusive,
			Verdict::Rejected(RejectReason::Unfetchable),
			Verdict::Rejected(RejectReason::Malformed),
			Verdict::Rejected(RejectReason::Canary),
		];
		for (round, verdict) in (0..).zip(unmeasured) {
			open_and_draw(round);
			judge(round, &[Some(MATCH); 3]);
			ManifestsPallet::closed(round, verdict);
			assert_eq!(get(round).round, RoundStanding::Unmeasured);
		}
		open_and_draw(4);
		ManifestsPallet::closed(4, Verdict::Accepted);
		judge(4, &[Some(ManifestFinding::Unfetchable); 3]);
		assert_eq!(World::learned(), []);
		open_and_draw(5);
		ManifestsPallet::closed(5, domain_loss);
		judge(5, &[Some(MATCH); 3]);
		assert_eq!(World::learned(), [(5, false)], "a model that forgot elsewhere did not gain by it");
	});
}
