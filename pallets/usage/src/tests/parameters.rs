use crate::{mock::*, pallet::*};
use blyan_primitives::{
	economy::EXISTENTIAL_DEPOSIT,
	usage::{UsageParameters, MAX_BASE, MAX_RETURN},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::{traits::BadOrigin, Perbill},
};

#[test]
fn set_parameters_should_fail_when_they_make_no_sense_or_the_origin_is_not_root() {
	build_and_execute(|| {
		let set = |change: &dyn Fn(&mut UsageParameters)| {
			let mut parameters = parameters();
			change(&mut parameters);
			Usage::force_set_parameters(RuntimeOrigin::root(), parameters)
		};
		assert_noop!(set(&|p| p.base = MAX_BASE + 1), Error::<Test>::BaseTooHigh);
		let more = Perbill::from_parts(MAX_RETURN.deconstruct() + 1);
		assert_noop!(set(&|p| p.returned = more), Error::<Test>::ReturnTooHigh);
		assert_noop!(set(&|p| p.min_fee = EXISTENTIAL_DEPOSIT - 1), Error::<Test>::LeastAmountTooSmall);
		assert_noop!(set(&|p| p.min_deposit = EXISTENTIAL_DEPOSIT - 1), Error::<Test>::LeastAmountTooSmall);
		assert_noop!(set(&|p| p.fresh_blocks = MAX_AGE + 1), Error::<Test>::PeriodsOutOfOrder);
		assert_noop!(set(&|p| p.max_age_blocks = DELAY + 1), Error::<Test>::PeriodsOutOfOrder);
		let signed = RuntimeOrigin::signed(CLIENT);
		assert_noop!(Usage::force_set_parameters(signed, parameters()), BadOrigin);
		assert_ok!(set(&|p| p.base = MAX_BASE));
		let now = UsageParameters { base: MAX_BASE, ..parameters() };
		assert_eq!((Usage::parameters(), last_event()), (now, Event::ParametersSet { parameters: now }));
	});
}

#[test]
#[should_panic(expected = "genesis parameters of usage: Err(ReturnTooHigh)")]
fn genesis_should_fail_when_parameters_make_no_sense() {
	use polkadot_sdk::frame_support::traits::BuildGenesisConfig;
	let parameters = UsageParameters { returned: Perbill::one(), ..parameters() };
	new_ext().execute_with(|| GenesisConfig::<Test> { parameters, ..Default::default() }.build());
}

#[test]
fn genesis_should_read_parameters_from_json() {
	let config = GenesisConfig::<Test> { parameters: parameters(), ..Default::default() };
	let json = serde_json::to_string(&config).unwrap();
	let expected = "{\"parameters\":{\"base\":1000000000000,\"burned\":500000000,\"returned\":500000000,\
		\"minFee\":10000000000,\"minDeposit\":1000000000000,\"freshBlocks\":10,\"maxAgeBlocks\":20,\
		\"withdrawalBlocks\":30}}";
	assert_eq!(json, expected);
	let read: GenesisConfig<Test> = serde_json::from_str(expected).unwrap();
	assert_eq!(read.parameters, parameters());
}

#[test]
fn integrity_test_should_hold_for_the_mock() {
	Usage::integrity_test();
}
