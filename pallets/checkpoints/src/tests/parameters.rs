//! What governance sets.

use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight},
	sp_runtime::DispatchError,
};

fn set(parameters: CheckpointParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
	Checkpoints::force_set_parameters(RuntimeOrigin::root(), parameters)
}

#[test]
fn parameters_should_hold_from_the_next_block_on() {
	run(|| {
		let parameters = CheckpointParameters { checkpoint_blocks: 3, quick_blocks: 1, ..parameters() };
		assert_ok!(set(parameters));
		assert_eq!(Parameters::<Test>::get(), parameters);
		assert_eq!(events(), [Event::ParametersSet { parameters }]);
		blocks(3);
		assert_eq!(open().block.number, 3);
		assert_noop!(
			Checkpoints::force_set_parameters(RuntimeOrigin::signed(1), parameters),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn parameters_should_be_refused_when_they_make_no_sense() {
	run(|| {
		let good = parameters();
		for checkpoint_blocks in [0, 1, MAX_CHECKPOINT_BLOCKS + 1] {
			let parameters = CheckpointParameters { checkpoint_blocks, ..good };
			assert_noop!(set(parameters), Error::<Test>::CheckpointBlocksOutOfRange);
		}
		for quick_blocks in [0, CHECKPOINT_BLOCKS] {
			let parameters = CheckpointParameters { quick_blocks, ..good };
			assert_noop!(set(parameters), Error::<Test>::QuickBlocksOutOfRange);
		}
		let parameters = CheckpointParameters { base: MAX_BASE + 1, ..good };
		assert_noop!(set(parameters), Error::<Test>::BaseTooHigh);
		let parameters = CheckpointParameters { downtime_sessions: 0, ..good };
		assert_noop!(set(parameters), Error::<Test>::DowntimeTooShort);
		assert_ok!(set(CheckpointParameters::default()));
		assert_ok!(set(CheckpointParameters {
			checkpoint_blocks: MAX_CHECKPOINT_BLOCKS,
			quick_blocks: MAX_CHECKPOINT_BLOCKS - 1,
			base: MAX_BASE,
			downtime_sessions: 1,
		}));
	});
}

#[test]
fn parameters_should_be_read_from_a_chain_spec() {
	let json = serde_json::to_value(CheckpointParameters::default()).unwrap();
	assert_eq!(json["checkpointBlocks"], 150);
	assert_eq!(
		serde_json::from_value::<CheckpointParameters>(json).unwrap(),
		CheckpointParameters::default()
	);
}

#[test]
fn hook_should_say_what_it_did_when_there_was_something_to_do() {
	run(|| {
		let idle = <() as WeightInfo>::settle(0);
		let hook = || -> Weight { Checkpoints::on_initialize(System::block_number()) };
		assert_eq!(hook(), idle);
		next_checkpoint();
		next_session();
		assert_eq!(hook(), idle, "the session is over, and takes votes");
		System::set_block_number(u64::from(CHECKPOINT_BLOCKS) * 2 + 1);
		assert_eq!(hook(), idle + <() as WeightInfo>::open_checkpoint());
		System::set_block_number(u64::from(CHECKPOINT_BLOCKS) * 2 + 2);
		assert_eq!(hook(), <() as WeightInfo>::settle(2));
	});
}
