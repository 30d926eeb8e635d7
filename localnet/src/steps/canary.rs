//! A canary: a candidate that a validator made worse on purpose, to see who measures.
//!
//! The planter is a worker of its own, which trains, plants and shows it by itself once the validator's key is drawn.
//! When that begins is decided here, by the registration of the key.

use super::{training, Scene};
use crate::{
	config::key_file,
	layout::{Layout, PLANTER, TRAINER, VALIDATOR},
	localnet::{within, Localnet},
	record,
	summary::Expected,
};
use anyhow::{Context, Result};
use blyan_chain_client::{Call, KeyFile, Wait};
use blyan_primitives::dag::SubmissionId;
use blyan_worker::plant;
use std::time::Duration;

/// What it is called.
pub const LABEL: &str = "canary";
/// How long the planter may take: two periods of the lottery pass, and it trains.
const PLANTING: Duration = Duration::from_secs(300);

/// Registers the validator's canary key, unless an earlier run did, when the trainer has nothing left to train. It
/// takes part in the lottery two periods later, which is about when the heads stand still: before that, the canary's
/// round would begin anew with each that moves.
///
/// # Errors
/// A key cannot be read, or the chain refuses.
pub async fn enter_lottery(layout: &Layout, scene: &Scene, jobs: usize) -> Result<()> {
	let trainer = training::account_of(&scene.names, TRAINER.name)?;
	let all_sent = |entries: &[_]| (record::submissions_of(entries, &trainer).len() >= jobs).then_some(());
	scene.chronicle.wait_for(all_sent).await?;
	let signer = KeyFile::new(key_file(layout, VALIDATOR)).load()?;
	let call = plant::set_key_call(&plant::load_key(&layout.canary_key())?, &signer);
	if let Call::SetCanaryKey { key, .. } = &call {
		if scene.chain.canary_key(*key).await?.is_some() {
			return Ok(());
		}
	}
	let sent = scene.chain.submit(&signer, call, Wait::InBlock).await;
	sent.context("the validator's canary key cannot be registered")?;
	Ok(())
}

/// Shows the canary's round until its verdict, and returns it.
///
/// # Errors
/// Nothing is planted, or there is no verdict in time.
pub async fn await_verdict(local: &mut Localnet, scene: &Scene) -> Result<SubmissionId> {
	let planter = training::account_of(&scene.names, PLANTER.name)?;
	let planted =
		scene.chronicle.wait_for(|entries| record::submissions_of(entries, &planter).into_iter().next());
	let blocks = within(PLANTING, "no canary was planted", planted).await?;
	training::await_verdict(local, scene, &blocks, LABEL, Expected::RefusedAsCanary).await
}
