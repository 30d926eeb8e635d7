//! `audit-manifests`, `audit-datasets` and `auditor`: looks at what this worker is drawn for.
//!
//! [`step`] decides, for any kind of matter; a [`desk::Desk`] carries out: it follows the finalized blocks, reads the
//! audits that concern this worker, and feeds what happens to the core. [`manifests`] and [`datasets`] say where they
//! come from and how they are looked at; [`check`] derives the batches of a manifest again.

pub mod check;
pub mod datasets;
pub mod desk;
pub mod manifests;
pub mod step;

use crate::{datasets::voter::Voter, journal::JournalError, worker::Worker};
use blyan_chain_client::ChainError;
use datasets::Datasets;
use desk::Desk;
use manifests::Manifests;
use std::{future::Future, time::Duration};
use tokio_util::sync::CancellationToken;

/// Why an auditor ended.
#[derive(Debug, thiserror::Error)]
pub enum AuditorError {
	/// The journal cannot be used: nothing must be committed to that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
}

/// What an auditor looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Duties {
	/// Training manifests.
	pub manifests: bool,
	/// Datasets, on which it also votes, if its configuration says so.
	pub datasets: bool,
}

/// Audits until `shutdown`, then finishes the calls under way.
///
/// # Errors
/// See [`AuditorError`]; what passes is waited out.
pub async fn run(worker: Worker, duties: Duties, shutdown: CancellationToken) -> Result<(), AuditorError> {
	let result = audit(&worker, duties, &shutdown).await;
	worker.stop().await;
	result
}

async fn audit(worker: &Worker, duties: Duties, shutdown: &CancellationToken) -> Result<(), AuditorError> {
	let (config, content) = (&worker.config, &worker.content);
	let manifests = Manifests {
		content: content.clone(),
		folder: config.dataset_dir(),
		patience: Duration::from_secs(config.audit.fetch_timeout_seconds),
	};
	let datasets = Datasets {
		content: content.clone(),
		config: config.audit.clone(),
		folder: config.dataset_dir(),
		threads: config.audit_threads(),
	};
	// One of them claims what both earn.
	let manifests = duties.manifests.then(|| Desk::open(worker, manifests, true)).transpose()?;
	let datasets = duties.datasets.then(|| Desk::open(worker, datasets, !duties.manifests)).transpose()?;
	let voter = match duties.datasets {
		true => Voter::open(worker).await?,
		false => None,
	};
	// What ends one of them ends all.
	let stop = shutdown.child_token();
	let (manifests, datasets, voter) = tokio::join!(
		one(manifests.map(|desk| desk.run(stop.clone())), &stop),
		one(datasets.map(|desk| desk.run(stop.clone())), &stop),
		one(voter.map(|voter| voter.run(stop.clone())), &stop),
	);
	manifests.and(datasets).and(voter)
}

/// Waits for it, if it is there, and has the others stop then.
async fn one(
	running: Option<impl Future<Output = Result<(), AuditorError>>>,
	stop: &CancellationToken,
) -> Result<(), AuditorError> {
	let Some(running) = running else { return Ok(()) };
	let result = running.await;
	stop.cancel();
	result
}
