use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
	sp_runtime::{BuildStorage, DispatchError},
};

fn set(parameters: DatasetParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
	DatasetsPallet::force_set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn parameters_should_be_set_by_root_alone() {
	ExtBuilder::default().build_and_execute(|| {
		let changed = DatasetParameters { rules: 2, ..parameters() };
		let origin = RuntimeOrigin::signed(CONTRIBUTOR);
		assert_noop!(DatasetsPallet::force_set_parameters(origin, changed.clone()), DispatchError::BadOrigin);
		assert_ok!(set(changed.clone()));
		assert_eq!(DatasetsPallet::audit_terms().rules, 2);
		assert_event(Event::ParametersSet { parameters: changed });
	});
}

#[test]
fn parameters_should_be_refused_when_nothing_can_live_by_them() {
	ExtBuilder::default().build_and_execute(|| {
		let refused = |change: fn(&mut DatasetParameters), error: Error<Test>| {
			let mut parameters = parameters();
			change(&mut parameters);
			assert_noop!(set(parameters), error);
		};
		refused(|p| p.auditors = 0, Error::AuditorsOutOfRange);
		refused(|p| p.auditors = 8, Error::AuditorsOutOfRange);
		refused(|p| p.max_audits = 0, Error::RunningOutOfRange);
		refused(|p| p.max_rescans = 0, Error::RunningOutOfRange);
		refused(|p| (p.max_audits, p.max_rescans) = (32, 1), Error::RunningOutOfRange);
		refused(|p| p.max_audits = u32::MAX, Error::RunningOutOfRange);
		refused(|p| p.vote_blocks = 0, Error::PhaseLengthOutOfRange);
		refused(|p| p.day_blocks = 0, Error::PhaseLengthOutOfRange);
		refused(|p| p.appeal_blocks = MAX_PHASE_BLOCKS + 1, Error::PhaseLengthOutOfRange);
		refused(|p| p.max_attempts = 0, Error::AttemptsOutOfRange);
		refused(|p| p.max_draw_tries = MAX_ATTEMPTS + 1, Error::AttemptsOutOfRange);
		refused(|p| p.quotas.newcomer = 0, Error::QuotasOutOfOrder);
		refused(|p| p.quotas.expert = 1, Error::QuotasOutOfOrder);
		refused(|p| p.work_bits = MAX_WORK_BITS + 1, Error::WorkOutOfRange);
		refused(|p| p.work_blocks = 0, Error::WorkOutOfRange);
		refused(|p| p.usual_offers = 0, Error::WorkOutOfRange);
	});
}

#[test]
fn default_parameters_should_be_the_specs() {
	let p = DatasetParameters::default();
	let hours = |blocks: u32| blocks as f64 / 1_800.0;
	assert_eq!(hours(p.commit_blocks + p.reveal_blocks), 0.5);
	assert_eq!((hours(p.vote_blocks), hours(p.extension_blocks)), (72.0, 24.0));
	assert_eq!((hours(p.appeal_blocks), hours(p.decision_blocks)), (7.0 * 24.0, 14.0 * 24.0));
	assert_eq!((hours(p.rescan_blocks), hours(p.day_blocks)), (7.0 * 24.0, 24.0));
	assert_eq!((p.auditors, p.quotas), (3, Quotas { newcomer: 20, trusted: 200, expert: 1_000 }));
	let bly = blyan_primitives::economy::BLY;
	assert_eq!((p.vote_deposit, p.vote_reward, p.appeal_deposit), (bly / 10, bly / 5, 10 * bly));
	let json = serde_json::to_string(&p).unwrap();
	assert_eq!(serde_json::from_str::<DatasetParameters>(&json).unwrap(), p);
}

#[test]
#[should_panic(expected = "datasets.parameters of the chain spec are not valid")]
fn genesis_should_panic_when_its_parameters_are_not_valid() {
	let parameters = DatasetParameters { auditors: 0, ..parameters() };
	let config = RuntimeGenesisConfig {
		datasets_pallet: GenesisConfig { parameters, ..Default::default() },
		..Default::default()
	};
	let _ = config.build_storage();
}

#[test]
#[should_panic(expected = "ServiceWeight must be")]
fn integrity_test_should_panic_when_a_deadline_could_never_be_served() {
	ExtBuilder::default().build().execute_with(|| {
		ServiceWeight::set(Weight::from_parts(1, 1));
		DatasetsPallet::integrity_test();
	});
}
