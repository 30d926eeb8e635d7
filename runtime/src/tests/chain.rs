//! A chain in memory: a preset's genesis, then one block after another by the pallets' own hooks.

use crate::*;
use frame_support::{
	genesis_builder_helper::build_state,
	traits::{OnFinalize, OnIdle, OnInitialize},
	weights::Weight,
};
use polkadot_sdk::sp_io::TestExternalities;
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	traits::{Dispatchable, Header as _},
	Digest, DigestItem,
};
use sp_staking::EraIndex;

/// Runs `test` on the state that a preset starts with; checks every invariant of every pallet after.
pub fn with_preset(preset: &str, test: impl FnOnce()) {
	with_preset_in(TestExternalities::default(), preset, test);
}

/// The same, with what `ext` has of a node around the runtime.
pub fn with_preset_in(mut ext: TestExternalities, preset: &str, test: impl FnOnce()) {
	let patch = genesis_config_presets::get_preset(&preset.into()).expect("the preset exists");
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

/// Goes on to a block `slots` after this one, by Alice, as the runtime executes it: all hooks of all pallets, and the
/// time. Leaves it open for calls.
pub fn next_block(slots: u64) {
	// Block 1 was begun by `run_to`.
	if Babe::initialized().is_some() {
		Executive::finalize_block();
	}
	let slot = pallet_babe::CurrentSlot::<Runtime>::get().saturating_add(slots);
	let alice = account(Sr25519Keyring::Alice);
	let place = Session::validators().iter().position(|who| *who == alice).expect("Alice is a validator");
	let author = SecondaryPlainPreDigest { authority_index: place as u32, slot };
	let digest = Digest { logs: vec![DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(author))] };
	let number = System::block_number().saturating_add(1);
	let header = Header::new(number, Hash::default(), Hash::default(), Hash::default(), digest);
	Executive::initialize_block(&header);
	let now = slot.saturating_mul(blyan_primitives::SLOT_MILLISECONDS);
	let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now });
	frame_support::assert_ok!(time.dispatch(RuntimeOrigin::none()));
}

/// Goes on to the first block of the next session.
pub fn next_session() {
	let session = Session::current_index();
	// The first block that the runtime executes is where its first session begins.
	if Babe::initialized().is_none() {
		next_block(1);
	}
	next_block(configs::EPOCH_DURATION_IN_SLOTS);
	assert_eq!(Session::current_index(), session.saturating_add(1));
}

/// The era whose validators these are.
pub fn active_era() -> EraIndex {
	pallet_staking::ActiveEra::<Runtime>::get().expect("eras began at genesis").index
}

/// Goes on to the first block of the next era.
pub fn next_era() {
	let era = active_era();
	for _ in 0..=configs::SESSIONS_PER_ERA {
		next_session();
		if active_era() > era {
			return;
		}
	}
	panic!("era {era} did not end");
}

/// Who plays in the tests.
pub fn account(key: Sr25519Keyring) -> AccountId {
	key.to_account_id()
}

/// A transaction's origin.
pub fn signed(key: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(key))
}
