//! Evaluators, auditors, server and planter.

use super::Scene;
use crate::{
	layout::{ACCOMPLICE, AUDITOR, EVALUATOR, PLANTER, SERVER},
	localnet::{within, Localnet},
};
use anyhow::Result;
use blyan_chain_client::ChainEvent;
use std::{collections::BTreeSet, time::Duration};

/// How long they may take to register.
const REGISTRATION: Duration = Duration::from_secs(120);

/// Starts them. They register by themselves.
///
/// # Errors
/// One cannot be started.
pub fn start(local: &mut Localnet) -> Result<()> {
	for member in EVALUATOR {
		local.start_worker(member, "evaluate")?;
	}
	for member in AUDITOR {
		local.start_worker(member, "auditor")?;
	}
	local.start_worker(PLANTER, "plant")?;
	local.start_worker(SERVER, "serve")
}

/// Waits until the chain knows all: a dispute takes every evaluator there is.
///
/// # Errors
/// One does not register in time.
pub async fn await_registration(local: &mut Localnet, scene: &Scene) -> Result<()> {
	let step = local.ui.step("workers");
	let wanted: Vec<&str> =
		EVALUATOR.iter().chain(&AUDITOR).chain([&ACCOMPLICE, &SERVER]).map(|member| member.name).collect();
	let all_registered = scene.chronicle.wait_for(|entries| {
		let registered: BTreeSet<String> = entries
			.iter()
			.filter_map(|entry| match &entry.event {
				ChainEvent::WorkerRegistered { worker, .. } => Some(scene.names.of(worker)),
				_ => None,
			})
			.collect();
		let missing: Vec<&str> = wanted.iter().copied().filter(|name| !registered.contains(*name)).collect();
		step.note(format!("waiting for {}", missing.join(", ")));
		missing.is_empty().then_some(())
	});
	within(REGISTRATION, "not all workers registered", all_registered).await?;
	let outcome = format!(
		"{} evaluators, {} auditors and a server are registered, with their bonds held",
		EVALUATOR.len() + 1,
		AUDITOR.len()
	);
	local.done(step, "workers registered", &outcome);
	Ok(())
}
