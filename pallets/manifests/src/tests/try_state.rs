//! Each invariant, broken once on purpose.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::Purpose,
	manifest::{AuditOutcome, DataTerms},
	panel::PanelSeat,
	Hash,
};
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::DispatchError};

#[track_caller]
fn assert_broken(why: &str, corrupt: impl FnOnce()) {
	ExtBuilder::default().build().execute_with(|| {
		open_and_draw(0);
		open_and_draw(2);
		judge(2, &[Some(TORN); 3]);
		assert_ok!(try_open(1, OTHER_TRAINER, Purpose::Improvement, Some(manifest())));
		assert_ok!(ManifestsPallet::do_try_state());
		corrupt();
		match ManifestsPallet::do_try_state() {
			Err(DispatchError::Other(message)) => assert!(message.contains(why), "{message}"),
			other => panic!("{other:?}"),
		}
	});
}

fn change(round: RoundId, change: impl FnOnce(&mut AuditOf<Test>)) {
	Audits::<Test>::mutate_extant(round, change);
}

#[test]
fn list_should_be_the_open_audits_in_order() {
	assert_broken("not the open audits", || {
		OpenAudits::<Test>::mutate(|open| open.pop());
	});
	assert_broken("in the order of what is due", || {
		OpenAudits::<Test>::mutate(|open| open.sort_by_key(|entry| core::cmp::Reverse(entry.due)));
	});
	assert_broken("right after its phase", || {
		OpenAudits::<Test>::mutate(|open| open.iter_mut().for_each(|entry| entry.due += 1));
	});
}

#[test]
fn concluded_should_be_what_is_over() {
	assert_broken("have gaps", || NextConcluded::<Test>::put(2));
	assert_broken("not listed, each audit once", || Concluded::<Test>::insert(0, 1));
	assert_broken("in which it ended", || {
		judge(0, &[Some(MATCH); 3]);
		Concluded::<Test>::insert(0, 0);
		Concluded::<Test>::insert(1, 2);
	});
}

#[test]
fn auditors_should_be_distinct_others_with_a_sample() {
	assert_broken("two seats", || {
		change(0, |audit| audit.auditors[0].member = audit.auditors[1].member);
	});
	for other in [TRAINER, CONTRIBUTOR] {
		assert_broken("audits it", || change(0, |audit| audit.auditors[0].member = other));
	}
	assert_broken("have no sample", || change(0, |audit| audit.sample.clear()));
	assert_broken("a phase of auditors has none", || {
		change(0, |audit| {
			audit.auditors.clear();
			audit.sample.clear();
		});
	});
	assert_broken("before the draw", || {
		change(1, |audit| {
			audit.auditors.try_push(PanelSeat::new(STRANGER)).unwrap();
			audit.sample.try_push(0).unwrap();
		});
	});
	assert_broken("distinct batches", || change(0, |audit| audit.sample[1] = audit.sample[0]));
	assert_broken("distinct batches", || {
		change(0, |audit| *audit.sample.last_mut().unwrap() = STEPS);
	});
}

#[test]
fn stages_should_have_what_they_need() {
	let hash = Some(Hash::repeat_byte(1));
	assert_broken("the same commitment", || {
		change(0, |audit| audit.auditors.iter_mut().for_each(|seat| seat.commitment = hash));
	});
	assert_broken("too early", || {
		change(0, |audit| {
			audit.auditors[0].commitment = hash;
			audit.auditors[0].finding = Some(MATCH);
		});
	});
	assert_broken("no quorum of commitments", || {
		change(0, |audit| {
			let Stage::Commit { until } = audit.stage else { panic!() };
			audit.stage = Stage::Reveal { until };
		});
	});
	assert_broken("no outcome", || {
		change(2, |audit| {
			let Stage::Closed { at, .. } = audit.stage else { panic!() };
			audit.stage = Stage::Closed { outcome: AuditOutcome::Pending, at };
		});
	});
}

#[test]
fn manifests_should_be_whole_with_their_sources() {
	assert_broken("breaks its rules", || change(1, |audit| audit.manifest.steps = 0));
	assert_broken("other datasets than sources", || {
		change(1, |audit| {
			audit.sources.pop();
		});
	});
}

#[test]
fn bans_terms_and_parameters_should_have_their_reason() {
	assert_broken("no audit that did not match", || BannedUntil::<Test>::insert(STRANGER, 9));
	assert_broken("ask for nothing", || Terms::<Test>::insert(MODEL, DataTerms::default()));
	let broken = AuditParameters { auditors: 0, ..parameters() };
	ExtBuilder::default().build().execute_with(|| {
		Parameters::<Test>::put(&broken);
		assert_eq!(ManifestsPallet::do_try_state(), Err(Error::<Test>::AuditorsOutOfRange.into()));
	});
}
