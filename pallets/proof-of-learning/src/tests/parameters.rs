use crate::{mock::*, *};
use blyan_primitives::learning::{RejectReason, Verdict};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::{traits::BadOrigin, BuildStorage},
};

fn set(parameters: RoundParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
	ProofOfLearning::force_set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn parameters_should_be_set_by_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = RoundParameters { commit_blocks: 11, ..parameters() };
		assert_noop!(
			ProofOfLearning::force_set_parameters(RuntimeOrigin::signed(OWNER), changed.clone()),
			BadOrigin
		);
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
			(RoundParameters { committee_size: 0, ..p() }, Error::<Test>::CommitteeSizeOutOfRange),
			(RoundParameters { committee_size: 8, ..p() }, Error::<Test>::CommitteeSizeOutOfRange),
			(RoundParameters { min_committee: 0, ..p() }, Error::<Test>::MinCommitteeOutOfRange),
			(RoundParameters { min_committee: 6, ..p() }, Error::<Test>::MinCommitteeOutOfRange),
			(RoundParameters { draw_delay: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(RoundParameters { commit_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(RoundParameters { reveal_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(RoundParameters { contest_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(
				RoundParameters { reveal_blocks: MAX_PHASE_BLOCKS + 1, ..p() },
				Error::<Test>::PhaseLengthOutOfRange,
			),
			(RoundParameters { max_attempts: 0, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(RoundParameters { max_draw_tries: 0, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(RoundParameters { max_attempts: MAX_ATTEMPTS + 1, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(RoundParameters { measurement_fee: 1_001, ..p() }, Error::<Test>::FeeAboveBond),
			(RoundParameters { work_bits: MAX_WORK_BITS + 1, ..p() }, Error::<Test>::WorkBitsOutOfRange),
			(RoundParameters { work_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(RoundParameters { forgive_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(RoundParameters { max_measured: 0, ..p() }, Error::<Test>::NothingMeasured),
			(
				RoundParameters { replacements: MAX_REPLACEMENTS + 1, ..p() },
				Error::<Test>::ReplacementsOutOfRange,
			),
		];
		for (broken, error) in cases {
			assert_noop!(set(broken), error);
		}
	});
}

#[test]
fn submission_should_keep_bond_and_fee_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		assert_ok!(set(RoundParameters { submission_bond: 50_000, measurement_fee: 50_000, ..parameters() }));
		find_all(id, measured(NO_GAIN));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
		assert_eq!(total(TRAINER), ENDOWMENT - FEE);
	});
}

#[test]
fn running_phase_should_keep_its_deadline_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let changed =
			RoundParameters { commit_blocks: 1, reveal_blocks: 9, committee_size: 3, ..parameters() };
		assert_ok!(set(changed));
		assert_eq!((get(id).phase, committee(id).len()), (Phase::Commit { until: 13 }, 5));
		committee(id).iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		assert_eq!(get(id).phase, Phase::Reveal { until: 12 });
	});
}

#[test]
fn round_should_end_at_its_next_failure_when_the_attempts_are_cut() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		assert_ok!(set(RoundParameters { max_attempts: 1, ..parameters() }));
		World::move_heads(MODEL);
		find_all(id, measured(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
	});
}

#[test]
#[should_panic(expected = "MinCommitteeOutOfRange")]
fn genesis_should_be_refused_when_its_parameters_are_not_valid() {
	let parameters = RoundParameters { min_committee: 0, ..parameters() };
	let _ = GenesisConfig::<Test> { parameters, ..Default::default() }.build_storage();
}

#[test]
fn genesis_should_take_defaults_for_what_a_chain_spec_leaves_out() {
	let json = serde_json::json!({ "committee_size": 3, "min_committee": 2 });
	let read: RoundParameters = serde_json::from_value(json).unwrap();
	let expected = RoundParameters { committee_size: 3, min_committee: 2, ..Default::default() };
	assert_eq!(read, expected);
	let misspelt = serde_json::json!({ "comittee_size": 3 });
	assert!(serde_json::from_value::<RoundParameters>(misspelt).is_err());
}

#[test]
fn constants_should_fit_one_another() {
	ExtBuilder::default().build_and_execute(ProofOfLearning::integrity_test);
}

#[test]
#[should_panic(expected = "ServiceWeight must be")]
fn constants_should_be_refused_when_no_deadline_fits_its_weight() {
	ExtBuilder::default().build().execute_with(|| {
		ServiceWeight::set(
			one_step().saturating_sub(polkadot_sdk::frame_support::weights::Weight::from_parts(1, 0)),
		);
		ProofOfLearning::integrity_test();
	});
}

#[test]
fn default_parameters_should_be_valid() {
	assert!(RoundParameters::default().validate::<Test>().is_ok());
}
