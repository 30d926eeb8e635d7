//! A chain in memory: a preset's genesis, then one block after another by the pallets' own hooks.

use crate::*;
use frame_support::{
	genesis_builder_helper::build_state,
	traits::{OnFinalize, OnIdle, OnInitialize},
	weights::Weight,
};
use polkadot_sdk::sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;

/// Runs `test` on the state that a preset starts with; checks every invariant of every pallet after.
pub fn with_preset(preset: &str, test: impl FnOnce()) {
	let patch = genesis_config_presets::get_preset(&preset.into()).expect("the preset exists");
	let mut ext = TestExternalities::default();
	ext.execute_with(|| {
		let default = get_preset_default();
		build_state::<RuntimeGenesisConfig>(merged(default, &patch)).expect("the preset builds");
		// Tests that are not about it need no proof of work.
		pallet_proof_of_learning::Parameters::<Runtime>::mutate(|parameters| parameters.work_bits = 0);
	});
	ext.execute_with(|| {
		run_to(1);
		test();
		#[cfg(feature = "try-runtime")]
		<AllPalletsWithSystem as frame_support::traits::TryState<BlockNumber>>::try_state(
			System::block_number(),
			frame_support::traits::TryStateSelect::All,
		)
		.expect("every invariant holds");
	});
}

/// The default configuration as JSON, as a node asks for it.
fn get_preset_default() -> Vec<u8> {
	frame_support::genesis_builder_helper::get_preset::<RuntimeGenesisConfig>(&None, |_| None)
		.expect("the default configuration is JSON")
}

/// A preset is a patch: its objects are merged into the default's, anything else replaces.
fn merged(default: Vec<u8>, patch: &[u8]) -> Vec<u8> {
	use serde_json::Value;
	fn merge(into: &mut Value, patch: Value) {
		match (into, patch) {
			(Value::Object(into), Value::Object(patch)) => {
				for (key, value) in patch {
					merge(into.entry(key).or_insert(Value::Null), value);
				}
			}
			(into, patch) => *into = patch,
		}
	}
	let mut config: Value = serde_json::from_slice(&default).expect("JSON");
	merge(&mut config, serde_json::from_slice(patch).expect("JSON"));
	serde_json::to_vec(&config).expect("JSON")
}

/// Goes on to block `number`. Each block has its own VRF output, as BABE would leave it.
pub fn run_to(number: BlockNumber) {
	while System::block_number() < number {
		let finished = System::block_number();
		if finished > 0 {
			AllPalletsWithSystem::on_idle(finished, Weight::MAX);
			ProofOfLearning::on_finalize(finished);
		}
		let next = finished.saturating_add(1);
		System::reset_events();
		System::set_block_number(next);
		let output = polkadot_sdk::sp_crypto_hashing::blake2_256(&next.to_le_bytes());
		pallet_babe::AuthorVrfRandomness::<Runtime>::put(Some(output));
		Workers::on_initialize(next);
		ExpertDag::on_initialize(next);
		ProofOfLearning::on_initialize(next);
		Rewards::on_initialize(next);
		Disputes::on_initialize(next);
		Canaries::on_initialize(next);
		Manifests::on_initialize(next);
		Datasets::on_initialize(next);
	}
}

/// Who plays in the tests.
pub fn account(key: Sr25519Keyring) -> AccountId {
	key.to_account_id()
}

/// A transaction's origin.
pub fn signed(key: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(key))
}
