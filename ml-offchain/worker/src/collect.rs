//! Collecting garbage: removing what neither the chain, nor this worker's own work, nor what it works with, nor
//! a pin needs.

use crate::{
	config::Config,
	content::Content,
	datasets::text,
	files::FileError,
	keep::{self, KeepError},
	trainer::manifest::{self, Manifest},
};
use blyan_chain_client::Chain;
use blyan_primitives::{cid::CidCodec, datasets::MAX_DATASET_DOCUMENT_BYTES, Hash};
use blyan_quality_gate::content::DatasetDocument;
use blyan_store::{Collected, PinReason, Pins, Store, StoreError};
use indicatif::HumanBytes;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
	task::{JoinError, JoinHandle},
	time::{Instant, MissedTickBehavior},
};

/// What was stored within so many hours is spared: it may be imported for something that the chain does not know
/// yet.
pub const GRACE_HOURS: u64 = 24;
/// Seconds of an hour.
const HOUR_SECONDS: u64 = 3_600;
/// A longer file is no manifest.
const MAX_MANIFEST_BYTES: u64 = 256 << 10;

/// Why nothing was collected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
	/// It is not known what must be kept.
	#[error(transparent)]
	Keep(#[from] KeepError),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The text of a dataset cannot be removed.
	#[error(transparent)]
	File(#[from] FileError),
	/// The thread that removed died.
	#[error("collecting garbage ended early: {0}")]
	Task(#[from] JoinError),
}

/// What a collection did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
	/// What was removed.
	pub collected: Collected,
	/// How many assembled texts of datasets were removed.
	pub texts: usize,
	/// How many CIDs the chain and this worker's own work keep.
	pub kept: usize,
}

/// Hours as a duration.
pub fn hours(hours: u64) -> Duration {
	Duration::from_secs(hours.saturating_mul(HOUR_SECONDS))
}

/// Removes what [`keep`] does not name, was not stored within `grace`, and is neither pinned nor held by
/// `content`, if that is given: by the process that works with the store.
///
/// # Errors
/// See [`CollectError`]; nothing is removed unless it is known what must be kept.
pub async fn collect(
	chain: &dyn Chain,
	config: &Config,
	store: Store,
	content: Option<&Content>,
	grace: Duration,
) -> Result<Collection, CollectError> {
	// All models: what this worker serves, trains and is drawn for may be of any.
	let view = keep::read(chain, config, &[]).await?;
	let mut pins = keep::keep(&view);
	let hashes = keep::manifests(&view);
	let content = content.cloned();
	let folder = config.dataset_dir();
	let task = tokio::task::spawn_blocking(move || {
		pins.extend(&manifest_pins(&store, &hashes)?);
		pins.extend(&part_pins(&store, &pins)?);
		let mut keep = pins.cids();
		let kept = keep.len();
		// Last, so that what was taken up meanwhile is among it.
		keep.extend(content.iter().flat_map(Content::held));
		let texts = text::remove_unused(&folder, &keep, grace)?;
		let collected = store.collect_garbage(&keep, grace)?;
		Ok::<_, CollectError>(Collection { collected, texts, kept })
	});
	task.await?
}

/// The stored manifests of those hashes, and what was learned from according to them.
fn manifest_pins(store: &Store, hashes: &BTreeSet<Hash>) -> Result<Pins, StoreError> {
	let mut pins = Pins::default();
	for file in store.list()? {
		if file.cid.codec != CidCodec::Raw || file.bytes > MAX_MANIFEST_BYTES {
			continue;
		}
		match store.read_verified(&file.cid, MAX_MANIFEST_BYTES) {
			Ok(bytes) if hashes.contains(&manifest::hash(&bytes)) => {
				pins.add(file.cid, PinReason::OwnWork);
				// That of first weights is another document, and names no text.
				let manifest = serde_json::from_slice::<Manifest>(&bytes).ok();
				if let Some(manifest) = manifest {
					pins.add(manifest.leaves.content, PinReason::OwnWork);
					for dataset in manifest.datasets {
						pins.add(dataset.content, PinReason::Dataset);
					}
				}
			}
			Ok(_) | Err(StoreError::Missing { .. } | StoreError::Altered { .. }) => {}
			Err(error) => return Err(error),
		}
	}
	Ok(pins)
}

/// What the documents of datasets that are kept name, as far as the documents are stored.
fn part_pins(store: &Store, kept: &Pins) -> Result<Pins, StoreError> {
	let mut pins = Pins::default();
	for file in store.list()? {
		let is_dataset = kept.reasons(&file.cid).any(|reason| reason == PinReason::Dataset);
		if !is_dataset || file.bytes > MAX_DATASET_DOCUMENT_BYTES {
			continue;
		}
		match store.read_verified(&file.cid, MAX_DATASET_DOCUMENT_BYTES) {
			// A plain text that is trained on is none.
			Ok(bytes) => DatasetDocument::parse(&bytes).iter().flat_map(text::contents).for_each(|cid| {
				pins.add(cid, PinReason::Dataset);
			}),
			Err(StoreError::Missing { .. } | StoreError::Altered { .. }) => {}
			Err(error) => return Err(error),
		}
	}
	Ok(pins)
}

/// Collects garbage time and again, until it is dropped.
#[derive(Debug)]
pub struct Collector(JoinHandle<()>);

impl Drop for Collector {
	fn drop(&mut self) {
		self.0.abort();
	}
}

impl Collector {
	/// Collects in the store of `content`, for the first time after `period`. What cannot be done is told, and
	/// tried again after another.
	pub fn start(config: Config, chain: Arc<dyn Chain>, content: Content, period: Duration) -> Self {
		Self(tokio::spawn(async move {
			let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
			ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
			loop {
				ticks.tick().await;
				let store = content.store().clone();
				match collect(&*chain, &config, store, Some(&content), hours(GRACE_HOURS)).await {
					Ok(Collection { collected, texts, kept }) => tracing::info!(
						files = collected.removed.len(),
						texts,
						freed = %HumanBytes(collected.bytes),
						kept,
						"collected garbage"
					),
					Err(error) => tracing::warn!(%error, "no garbage was collected; tried again later"),
				}
			}
		}))
	}
}

#[cfg(test)]
mod tests;
