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
fn validators_of_presets_should_be_elected_from_stakes_that_they_hold() {
	use pallet_staking::{asset, ErasStakersOverview, ForceEra, Forcing, Invulnerables, MaxValidatorsCount};
	for (preset, seats) in [(DEV_RUNTIME_PRESET, 1), (LOCAL_TESTNET_RUNTIME_PRESET, 16)] {
		with_preset(preset, || {
			assert_eq!(Staking::validator_count(), seats);
			assert_eq!(ForceEra::<Runtime>::get(), Forcing::NotForcing);
			assert_eq!(Invulnerables::<Runtime>::get(), [], "nobody is above a slash");
			assert_eq!(MaxValidatorsCount::<Runtime>::get(), Some(configs::MAX_CANDIDATES));
			for validator in Session::validators() {
				let stake = ErasStakersOverview::<Runtime>::get(0, &validator).expect("elected").own;
				assert!(stake >= pallet_staking::MinValidatorBond::<Runtime>::get());
				assert_eq!(asset::staked::<Runtime>(&validator), stake);
			}
		});
	}
}

#[test]
fn preset_names_should_all_have_a_preset() {
	for name in genesis_config_presets::preset_names() {
		assert!(genesis_config_presets::get_preset(&name).is_some(), "{name}");
	}
	assert!(genesis_config_presets::get_preset(&"mainnet".into()).is_none());
}
