use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::economy::EXISTENTIAL_DEPOSIT;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::traits::BadOrigin,
};

#[test]
fn set_parameters_should_lengthen_the_next_epoch_and_not_the_running_one() {
	build_and_execute(|| {
		let new = RewardParameters { epoch_blocks: 100, ..parameters() };
		assert_ok!(Rewards::force_set_parameters(RuntimeOrigin::root(), new));
		assert_eq!(last_event(), Event::ParametersSet { parameters: new });
		assert_eq!(CurrentEpoch::<Test>::get().unwrap().ends_at, 11);
		run_to_epoch(1);
		assert_eq!(System::block_number(), 11);
		assert_eq!(CurrentEpoch::<Test>::get().unwrap().ends_at, 111);
		let (first, second) = (Epochs::<Test>::get(0).unwrap(), Epochs::<Test>::get(1).unwrap());
		assert_eq!(second.issuance / first.issuance, 10);
	});
}

#[test]
fn set_parameters_should_fail_when_they_make_no_sense_or_the_origin_is_not_root() {
	build_and_execute(|| {
		let set = |parameters| Rewards::force_set_parameters(RuntimeOrigin::root(), parameters);
		let with = |change: &dyn Fn(&mut RewardParameters)| {
			let mut parameters = parameters();
			change(&mut parameters);
			parameters
		};
		assert_noop!(set(with(&|p| p.epoch_blocks = 0)), Error::<Test>::EpochBlocksOutOfRange);
		assert_noop!(
			set(with(&|p| p.epoch_blocks = MAX_EPOCH_BLOCKS + 1)),
			Error::<Test>::EpochBlocksOutOfRange
		);
		assert_noop!(
			set(with(&|p| p.min_payout = EXISTENTIAL_DEPOSIT - 1)),
			Error::<Test>::MinPayoutTooSmall
		);
		assert_noop!(
			set(with(&|p| p.learning_rate = MAX_LEARNING_RATE + 1)),
			Error::<Test>::LearningRateTooHigh
		);
		assert_noop!(set(with(&|p| p.claim_expiry_epochs = 0)), Error::<Test>::ClaimExpiryTooShort);
		assert_noop!(
			set(with(&|p| p.data_patience_epochs = MAX_DATA_PATIENCE_EPOCHS + 1)),
			Error::<Test>::DataPatienceTooLong
		);
		assert_noop!(Rewards::force_set_parameters(RuntimeOrigin::signed(1), parameters()), BadOrigin);
		assert_ok!(set(with(&|p| {
			p.epoch_blocks = MAX_EPOCH_BLOCKS;
			p.min_payout = EXISTENTIAL_DEPOSIT;
			p.learning_rate = MAX_LEARNING_RATE;
			p.claim_expiry_epochs = 1;
			p.data_patience_epochs = MAX_DATA_PATIENCE_EPOCHS;
		})));
	});
}

#[test]
#[should_panic(expected = "genesis parameters of rewards: Err(ClaimExpiryTooShort)")]
fn genesis_should_fail_when_parameters_make_no_sense() {
	let parameters = RewardParameters { claim_expiry_epochs: 0, ..parameters() };
	ExtBuilder { parameters, ..Default::default() }.build();
}

#[test]
fn genesis_should_read_parameters_from_json() {
	let json =
		serde_json::to_string(&GenesisConfig::<Test> { parameters: parameters(), ..Default::default() });
	let expected = "{\"parameters\":{\"epochBlocks\":10,\"minPayout\":1000000000000,\
		\"learningRate\":100000000000000,\"claimExpiryEpochs\":3,\"dataPatienceEpochs\":2,\
		\"credits\":{\"acceptedBlock\":100,\"goldDataset\":50,\"executedMigration\":200,\"honestEvaluation\":25,\
		\"provenFault\":75}}}";
	assert_eq!(json.unwrap(), expected);
	let read: GenesisConfig<Test> = serde_json::from_str(expected).unwrap();
	assert_eq!(read.parameters, parameters());
}

#[test]
fn integrity_test_should_hold_for_the_mock() {
	Rewards::integrity_test();
}
