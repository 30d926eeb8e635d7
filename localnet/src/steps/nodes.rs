//! The two validators.

use super::Scene;
use crate::{
	layout::{write_atomically, VALIDATORS},
	localnet::{within, Localnet},
};
use anyhow::{Context, Result};
use blyan_chain_client::{Chain, Client, ClientConfig};
use std::{sync::Arc, time::Duration};

/// How long the validators may take to agree on a block. They execute the runtime's Wasm, which each
/// compiles first.
const FIRST_BLOCK: Duration = Duration::from_secs(120);

/// Starts both, and connects to the first.
///
/// # Errors
/// One cannot be started, or the first does not answer.
pub async fn start(local: &mut Localnet) -> Result<Arc<dyn Chain>> {
	let step = local.ui.step("validators");
	step.note("making the genesis");
	ensure_chain_spec(local).await?;
	for place in 0..VALIDATORS.len() {
		local.start_validator(place)?;
	}
	step.note("connecting");
	let url = local.ports.node_url();
	let config = ClientConfig::new(&url).with_read_patience(FIRST_BLOCK);
	let client = Client::connect(config).await.with_context(|| {
		let log = local.layout.log(VALIDATORS[0].name);
		format!(
			"cannot work with the first validator (its log is {}); if this network was made by other versions of \
			the programs, start anew with --fresh",
			log.display()
		)
	})?;
	let chain: Arc<dyn Chain> = Arc::new(client);
	let outcome = format!("2 up, RPC at {url}, genesis {:?}", chain.genesis_hash());
	local.done(step, "validators", &outcome);
	Ok(chain)
}

/// Writes the genesis of the `local` preset down, unless an earlier run did. Made once, it spares each
/// validator from making it, and a network that is started again by newer programs keeps its own.
async fn ensure_chain_spec(local: &Localnet) -> Result<()> {
	let path = local.layout.chain_spec();
	if path.is_file() {
		return Ok(());
	}
	let spec = local
		.run_node("chain-spec", &["export-chain-spec", "--chain", "local", "--raw"])
		.await
		.context("the genesis cannot be made")?;
	write_atomically(&path, spec.as_bytes())
}

/// Waits until they have agreed on a block.
///
/// # Errors
/// They do not in time.
pub async fn first_block(local: &mut Localnet, scene: &Scene) -> Result<()> {
	let step = local.ui.step("finality");
	let block = within(FIRST_BLOCK, "no block became final", scene.chronicle.first_live_block()).await?;
	local.done(step, "first finalized block", &format!("block {block} is final by the votes of both"));
	Ok(())
}
