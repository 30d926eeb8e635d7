use crate::{mock::*, *};
use blyan_primitives::manifest::MAX_SAMPLE;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
	sp_runtime::{traits::BadOrigin, BuildStorage},
};

fn set(parameters: AuditParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
	ManifestsPallet::force_set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn parameters_should_be_set_by_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = AuditParameters { commit_blocks: 11, ..parameters() };
		let origin = RuntimeOrigin::signed(OWNER);
		assert_noop!(ManifestsPallet::force_set_parameters(origin, changed.clone()), BadOrigin);
		assert_ok!(set(changed.clone()));
		assert_eq!(Parameters::<Test>::get(), changed);
		assert_event(Event::ParametersSet { parameters: changed });
	});
}

#[test]
fn parameters_should_be_refused_by_the_rule_that_they_break() {
	ExtBuilder::default().build_and_execute(|| {
		let p = parameters;
		let cases = [
			(AuditParameters { auditors: 0, ..p() }, Error::<Test>::AuditorsOutOfRange),
			(AuditParameters { auditors: 8, ..p() }, Error::<Test>::AuditorsOutOfRange),
			(AuditParameters { min_sample: 0, ..p() }, Error::<Test>::SampleOutOfRange),
			(AuditParameters { min_sample: MAX_SAMPLE + 1, ..p() }, Error::<Test>::SampleOutOfRange),
			(AuditParameters { draw_delay: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(AuditParameters { commit_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(
				AuditParameters { reveal_blocks: MAX_PHASE_BLOCKS + 1, ..p() },
				Error::<Test>::PhaseLengthOutOfRange,
			),
			(AuditParameters { max_attempts: 0, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(AuditParameters { max_draw_tries: MAX_ATTEMPTS + 1, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(AuditParameters { ban_blocks: KEPT as u32 + 1, ..p() }, Error::<Test>::BanTooLong),
		];
		for (broken, error) in cases {
			assert_noop!(set(broken), error);
		}
	});
}

#[test]
fn audit_should_keep_its_deadline_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		let stage = get(0).stage;
		assert_ok!(set(AuditParameters { commit_blocks: 50, auditors: 5, ..parameters() }));
		run_blocks(2);
		assert_eq!((get(0).stage, get(0).auditors.len()), (stage, 3));
	});
}

#[test]
#[should_panic(expected = "AuditorsOutOfRange")]
fn genesis_should_be_refused_when_its_parameters_are_not_valid() {
	let parameters = AuditParameters { auditors: 0, ..parameters() };
	let _ = GenesisConfig::<Test> { parameters, ..Default::default() }.build_storage();
}

#[test]
fn genesis_should_take_defaults_for_what_a_chain_spec_leaves_out() {
	let read: AuditParameters = serde_json::from_value(serde_json::json!({ "auditors": 1 })).unwrap();
	assert_eq!(read, AuditParameters { auditors: 1, ..Default::default() });
	let misspelt = serde_json::json!({ "auditers": 3 });
	assert!(serde_json::from_value::<AuditParameters>(misspelt).is_err());
}

#[test]
fn constants_should_fit_one_another() {
	ExtBuilder::default().build_and_execute(|| {
		Retention::set(43_200);
		ManifestsPallet::integrity_test();
	});
}

#[test]
#[should_panic(expected = "Retention")]
fn constants_should_be_refused_when_a_ban_is_not_kept_as_long() {
	// The default ban is a day of blocks.
	ExtBuilder::default().build().execute_with(ManifestsPallet::integrity_test);
}

#[test]
#[should_panic(expected = "ServiceWeight must be")]
fn constants_should_be_refused_when_no_deadline_fits_its_weight() {
	ExtBuilder::default().build().execute_with(|| {
		Retention::set(43_200);
		ServiceWeight::set(one_step().saturating_sub(Weight::from_parts(1, 0)));
		ManifestsPallet::integrity_test();
	});
}
