use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::{traits::BadOrigin, BuildStorage, Perbill},
};

#[test]
fn parameters_should_be_set_by_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = CanaryParameters { reward: 7, ..parameters() };
		let origin = RuntimeOrigin::signed(OWNER);
		assert_noop!(Canaries::force_set_parameters(origin, changed), BadOrigin);
		assert_ok!(Canaries::force_set_parameters(RuntimeOrigin::root(), changed));
		assert_eq!(Parameters::<Test>::get(), changed);
		assert_event(Event::ParametersSet { parameters: changed });
	});
}

#[test]
fn parameters_should_be_refused_when_no_period_can_be_so_long() {
	ExtBuilder::default().build_and_execute(|| {
		for period_blocks in [0, MAX_PERIOD_BLOCKS + 1] {
			let broken = CanaryParameters { period_blocks, ..parameters() };
			let set = Canaries::force_set_parameters(RuntimeOrigin::root(), broken);
			assert_noop!(set, Error::<Test>::PeriodLengthOutOfRange);
		}
	});
}

#[test]
fn period_should_keep_its_chance_when_the_parameters_change() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = CanaryParameters { chance: Perbill::zero(), ..parameters() };
		assert_ok!(Canaries::force_set_parameters(RuntimeOrigin::root(), changed));
		assert_eq!(Canaries::lottery(None).unwrap().chance, Perbill::one());
		run_to_period(1);
		assert_eq!(Canaries::lottery(None).unwrap().chance, Perbill::zero());
	});
}

#[test]
#[should_panic(expected = "PeriodLengthOutOfRange")]
fn genesis_should_be_refused_when_its_parameters_are_not_valid() {
	let parameters = CanaryParameters { period_blocks: 0, ..parameters() };
	let _ = GenesisConfig::<Test> { parameters, ..Default::default() }.build_storage();
}

#[test]
fn genesis_should_take_defaults_for_what_a_chain_spec_leaves_out() {
	let read: CanaryParameters = serde_json::from_value(serde_json::json!({ "reward": 3 })).unwrap();
	assert_eq!(read, CanaryParameters { reward: 3, ..Default::default() });
	let misspelt = serde_json::json!({ "rewards": 3 });
	assert!(serde_json::from_value::<CanaryParameters>(misspelt).is_err());
}

#[test]
fn constants_should_fit_one_another() {
	ExtBuilder::default().build_and_execute(Canaries::integrity_test);
}
