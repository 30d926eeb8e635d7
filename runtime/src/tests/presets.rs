use super::chain::with_preset;
use crate::*;
use blyan_primitives::economy::GENESIS_SUPPLY;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

#[test]
fn presets_should_start_with_exactly_the_genesis_supply() {
	for preset in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
		with_preset(preset, || assert_eq!(Balances::total_issuance(), GENESIS_SUPPLY, "{preset}"));
	}
}

#[test]
fn sudo_should_have_a_key_in_the_development_preset_alone() {
	with_preset(DEV_RUNTIME_PRESET, || assert!(pallet_sudo::Key::<Runtime>::get().is_some()));
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || assert!(pallet_sudo::Key::<Runtime>::get().is_none()));
}

#[test]
fn validators_should_be_ready_from_genesis() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		assert_eq!(Session::validators().len(), 2);
		assert_eq!(Babe::authorities().len(), 2);
		assert_eq!(Grandpa::grandpa_authorities().len(), 2);
	});
}

#[test]
fn preset_names_should_all_have_a_preset() {
	for name in genesis_config_presets::preset_names() {
		assert!(genesis_config_presets::get_preset(&name).is_some(), "{name}");
	}
	assert!(genesis_config_presets::get_preset(&"mainnet".into()).is_none());
}
