//! Chain specs, made of the runtime's own presets.

use blyan_runtime::WASM_BINARY;
use polkadot_sdk::*;
use sc_service::{ChainType, Properties};
use sp_genesis_builder_names::{DEV, LOCAL};

/// A chain spec without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

/// The names that the runtime gives its presets.
mod sp_genesis_builder_names {
	pub const DEV: &str = "development";
	pub const LOCAL: &str = "local_testnet";
}

/// Decimals of BLY, as clients show it.
const TOKEN_DECIMALS: u32 = 12;

fn wasm() -> Result<&'static [u8], String> {
	WASM_BINARY.ok_or_else(|| "this node was built without its Wasm runtime (SKIP_WASM_BUILD)".to_string())
}

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), "BLY".into());
	properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
	properties.insert("ss58Format".into(), 42.into());
	Ok(ChainSpec::builder(wasm()?, None)
		.with_name(name)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_protocol_id("blyan")
		.with_properties(properties)
		.with_genesis_config_preset_name(preset)
		.build())
}

/// One validator, sudo, for development.
pub fn development() -> Result<ChainSpec, String> {
	spec("Blyan Development", "blyan_dev", ChainType::Development, DEV)
}

/// Two validators on one machine.
pub fn local() -> Result<ChainSpec, String> {
	spec("Blyan Local", "blyan_local", ChainType::Local, LOCAL)
}
