use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
	sp_runtime::{traits::BadOrigin, BuildStorage},
};

fn set(parameters: DisputeParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
	DisputesPallet::force_set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn parameters_should_be_set_by_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = DisputeParameters { commit_blocks: 11, ..parameters() };
		let origin = RuntimeOrigin::signed(OWNER);
		assert_noop!(DisputesPallet::force_set_parameters(origin, changed.clone()), BadOrigin);
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
			(DisputeParameters { bond: 0, ..p() }, Error::<Test>::NoBond),
			(DisputeParameters { referees: 0, ..p() }, Error::<Test>::RefereesOutOfRange),
			(DisputeParameters { referees: 4, ..p() }, Error::<Test>::RefereesOutOfRange),
			(DisputeParameters { referees: 13, ..p() }, Error::<Test>::RefereesOutOfRange),
			(DisputeParameters { opening_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(DisputeParameters { draw_delay: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(DisputeParameters { commit_blocks: 0, ..p() }, Error::<Test>::PhaseLengthOutOfRange),
			(
				DisputeParameters { reveal_blocks: MAX_PHASE_BLOCKS + 1, ..p() },
				Error::<Test>::PhaseLengthOutOfRange,
			),
			(DisputeParameters { max_attempts: 0, ..p() }, Error::<Test>::AttemptsOutOfRange),
			(
				DisputeParameters { max_draw_tries: MAX_ATTEMPTS + 1, ..p() },
				Error::<Test>::AttemptsOutOfRange,
			),
		];
		for (broken, error) in cases {
			assert_noop!(set(broken), error);
		}
	});
}

#[test]
fn dispute_should_keep_bond_and_deadline_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		assert_ok!(set(DisputeParameters { bond: 500_000, opening_blocks: 50, ..parameters() }));
		run_blocks(5);
		assert!(!is_open(id));
		assert_event(Event::BondReturned { dispute: id, challenger: CHALLENGER, amount: BOND });
	});
}

#[test]
#[should_panic(expected = "RefereesOutOfRange")]
fn genesis_should_be_refused_when_its_parameters_are_not_valid() {
	let parameters = DisputeParameters { referees: 2, ..parameters() };
	let _ = GenesisConfig::<Test> { parameters, ..Default::default() }.build_storage();
}

#[test]
fn genesis_should_take_defaults_for_what_a_chain_spec_leaves_out() {
	let read: DisputeParameters = serde_json::from_value(serde_json::json!({ "referees": 3 })).unwrap();
	assert_eq!(read, DisputeParameters { referees: 3, ..Default::default() });
	let misspelt = serde_json::json!({ "refrees": 3 });
	assert!(serde_json::from_value::<DisputeParameters>(misspelt).is_err());
}

#[test]
fn constants_should_fit_one_another() {
	ExtBuilder::default().build_and_execute(DisputesPallet::integrity_test);
}

#[test]
#[should_panic(expected = "ServiceWeight must be")]
fn constants_should_be_refused_when_no_deadline_fits_its_weight() {
	ExtBuilder::default().build().execute_with(|| {
		ServiceWeight::set(one_step().saturating_sub(Weight::from_parts(1, 0)));
		DisputesPallet::integrity_test();
	});
}
