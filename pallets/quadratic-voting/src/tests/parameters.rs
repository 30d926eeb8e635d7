use crate::{mock::*, *};
use blyan_primitives::economy::{BLY, EXISTENTIAL_DEPOSIT};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::traits::BadOrigin,
};

#[test]
fn set_parameters_should_fail_when_they_make_no_sense_or_the_origin_is_not_root() {
	build_and_execute(|| {
		let set = |change: &dyn Fn(&mut VotingParameters)| {
			let mut parameters = parameters();
			change(&mut parameters);
			QuadraticVoting::force_set_parameters(RuntimeOrigin::root(), parameters)
		};
		let lock = Error::<Test>::LockPeriodOutOfRange;
		assert_noop!(set(&|p| p.lock_period_blocks = 0), lock);
		let lock = Error::<Test>::LockPeriodOutOfRange;
		assert_noop!(set(&|p| p.lock_period_blocks = MAX_LOCK_PERIOD_BLOCKS + 1), lock);
		let credit = Error::<Test>::CreditPeriodOutOfRange;
		assert_noop!(set(&|p| p.credit_period_blocks = 0), credit);
		let credit = Error::<Test>::CreditPeriodOutOfRange;
		assert_noop!(set(&|p| p.credit_period_blocks = MAX_CREDIT_PERIOD_BLOCKS + 1), credit);
		assert_noop!(set(&|p| p.min_lock = EXISTENTIAL_DEPOSIT - 1), Error::<Test>::LeastLockTooSmall);
		let signed = RuntimeOrigin::signed(ALICE);
		assert_noop!(QuadraticVoting::force_set_parameters(signed, parameters()), BadOrigin);
		assert_ok!(set(&|p| p.lock_period_blocks = MAX_LOCK_PERIOD_BLOCKS));
		let now = VotingParameters { lock_period_blocks: MAX_LOCK_PERIOD_BLOCKS, ..parameters() };
		assert_eq!(
			(Parameters::<Test>::get(), last_event()),
			(now, Event::ParametersSet { parameters: now })
		);
	});
}

#[test]
fn period_of_credits_should_keep_its_end_when_parameters_change() {
	build_and_execute(|| {
		assert_ok!(vote(WORKER, LEARNING, aye(CREDITS_PER_PERIOD)));
		let shorter = VotingParameters { credit_period_blocks: 1, ..parameters() };
		assert_ok!(QuadraticVoting::force_set_parameters(RuntimeOrigin::root(), shorter));
		run_to(CREDIT_PERIOD);
		assert_eq!(QuadraticVoting::credits_left(&WORKER), 0);
		run_to(CREDIT_PERIOD + 1);
		assert_ok!(vote(WORKER, APPEAL, aye(CREDITS_PER_PERIOD)));
		run_to(CREDIT_PERIOD + 2);
		assert_eq!(QuadraticVoting::credits_left(&WORKER), CREDITS_PER_PERIOD);
	});
}

#[test]
#[should_panic(expected = "quadraticVoting.parameters of the chain spec are not valid: LeastLockTooSmall")]
fn genesis_should_fail_when_parameters_make_no_sense() {
	use polkadot_sdk::frame_support::traits::BuildGenesisConfig;
	let parameters = VotingParameters { min_lock: 0, ..parameters() };
	new_ext().execute_with(|| GenesisConfig::<Test> { parameters, ..Default::default() }.build());
}

#[test]
fn genesis_should_read_parameters_from_json() {
	let config = GenesisConfig::<Test> { parameters: VotingParameters::default(), ..Default::default() };
	let expected = "{\"parameters\":{\"lockPeriodBlocks\":302400,\"creditPeriodBlocks\":302400,\
		\"minLock\":10000000000000}}";
	assert_eq!(serde_json::to_string(&config).unwrap(), expected);
	let read: GenesisConfig<Test> = serde_json::from_str(expected).unwrap();
	assert_eq!(read.parameters.min_lock, 10 * BLY);
}

#[test]
fn topics_should_each_have_one_electorate() {
	for topic in Topic::ALL {
		let is_of_workers = topic.electorate() == Electorate::Worker;
		assert_eq!(Topic::OF_WORKERS.contains(&topic), is_of_workers, "{topic:?}");
	}
}

#[test]
fn integrity_test_should_hold_for_the_mock() {
	new_ext().execute_with(QuadraticVoting::integrity_test);
}
