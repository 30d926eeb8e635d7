//! Who is paid, and what the endpoint answers.

use super::{endpoint, Scene};
use crate::{
	config::MODEL,
	localnet::{within, Localnet},
	record,
	summary::{Answers, Expected, Submission},
};
use anyhow::Result;
use blyan_chain_client::Chain;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How long payment may take: an epoch of rewards ends, and the workers claim.
const PAYMENTS: Duration = Duration::from_secs(300);
/// How long the server may take to answer from the newest version.
const NEWEST_VERSION: Duration = Duration::from_secs(120);
/// How often it is asked for it.
const POLL: Duration = Duration::from_millis(500);

/// Waits until the trainer and the evaluators of accepted work are paid, or for as long as is reasonable:
/// the summary says who was not.
///
/// # Errors
/// The chain cannot be followed.
pub async fn wait_for_payments(
	local: &mut Localnet,
	scene: &Scene,
	submissions: &[Submission],
) -> Result<()> {
	let step = local.ui.step("payments");
	let due: BTreeSet<&String> = submissions
		.iter()
		.filter(|submission| submission.expected == Expected::Accepted && submission.verdict == "accepted")
		.flat_map(|submission| std::iter::once(&submission.trainer).chain(&submission.committee))
		.collect();
	let all_paid = scene.chronicle.wait_for(|entries| {
		let paid = record::payments(entries, &scene.names);
		let missing: Vec<&str> = due
			.iter()
			.filter(|name| !paid.iter().any(|payment| payment.name == ***name))
			.map(|name| name.as_str())
			.collect();
		step.note(format!("waiting for {}", missing.join(", ")));
		missing.is_empty().then_some(())
	});
	match tokio::time::timeout(PAYMENTS, all_paid).await {
		Ok(result) => result?,
		Err(_) => step.note("not all were paid in time"),
	}
	let paid = scene.chronicle.read(|entries| record::payments(entries, &scene.names));
	let of: BTreeSet<&str> = paid.iter().map(|payment| payment.name.as_str()).collect();
	let outcome = match of.is_empty() {
		true => "nobody was paid".to_string(),
		false => format!("{} payments, to {}", paid.len(), of.into_iter().collect::<Vec<_>>().join(", ")),
	};
	local.done(step, "payments", &outcome);
	Ok(())
}

/// Asks the endpoint once it answers from the newest version. `None`, and why, if it does not.
///
/// # Errors
/// The chain cannot be read.
pub async fn ask_endpoint(local: &mut Localnet, chain: &Arc<dyn Chain>) -> Result<Option<Answers>> {
	let step = local.ui.step("endpoint");
	let endpoint = endpoint(local)?;
	let newest = async {
		loop {
			let root = chain.model(MODEL).await?.and_then(|model| model.root).map(|root| format!("{root:?}"));
			match endpoint.version_root().await {
				Ok(answered) if Some(&answered) == root.as_ref() => return Ok(()),
				Ok(answered) => step.note(format!("still answers from {answered}")),
				Err(error) => step.note(format!("{error:#}")),
			}
			tokio::time::sleep(POLL).await;
		}
	};
	let asked =
		match within(NEWEST_VERSION, "the endpoint did not answer from the newest version", newest).await {
			Ok(()) => endpoint.ask_everything().await,
			Err(error) => Err(error),
		};
	let (answers, outcome) = match asked {
		Ok(answers) => {
			let outcome = format!("{} answers from version {}", local.ports.api_url(), answers.version_root);
			(Some(answers), outcome)
		}
		Err(error) => (None, format!("failed: {error:#}")),
	};
	local.done(step, "endpoint", &outcome);
	Ok(answers)
}
