//! `audit-manifests`: looks at training manifests whenever drawn for one.
//!
//! [`step`] decides, for any kind of matter; a [`desk::Desk`] carries out: it follows the finalized blocks, reads the
//! audits that concern this worker, and feeds what happens to the core. [`manifests`] says where they come from, and
//! [`check`] computes.

pub mod check;
pub mod desk;
pub mod manifests;
pub mod step;

use crate::{journal::JournalError, worker::Worker};
use blyan_chain_client::ChainError;
use desk::Desk;
use manifests::Manifests;
use std::time::Duration;
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

/// Audits until `shutdown`, then finishes the calls under way.
///
/// # Errors
/// See [`AuditorError`]; what passes is waited out.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> Result<(), AuditorError> {
	let docket = Manifests {
		content: worker.content.clone(),
		patience: Duration::from_secs(worker.config.audit.fetch_timeout_seconds),
	};
	let result = match Desk::open(&worker, docket, true) {
		Ok(desk) => desk.run(shutdown).await,
		Err(error) => Err(error),
	};
	worker.stop().await;
	result
}
