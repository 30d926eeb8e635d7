//! What a job learns from: texts of the store, or approved datasets.

use super::job::Workshop;
use crate::datasets::text::{self, TextError};
use blyan_chain_client::ChainError;
use blyan_model::WHOLE;
use blyan_primitives::{cid::Cid, dag::ModelId, manifest::DatasetId};
use blyan_store::{Store, StoreError};
use std::{path::PathBuf, time::Duration};

/// A text that is learned from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
	/// What names it: its content, or the document of the dataset that it is the text of.
	pub content: Cid,
	/// Its length, in bytes.
	pub bytes: u64,
	/// Where it is.
	pub path: PathBuf,
	/// The probability with which a sequence is of it, in parts of [`WHOLE`].
	pub weight: u32,
	/// What it is made of, in the store.
	pub contents: Vec<Cid>,
}

/// Why there is nothing to learn from.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// A training text is neither a file nor in the store.
	#[error(
		"train.text: {0} is not in the store; put it there with `blyan-worker import-text FILE --store {1}`"
	)]
	TextNotStored(Cid, PathBuf),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// A dataset cannot be had.
	#[error(transparent)]
	Text(#[from] TextError),
	/// The model may not learn from it.
	#[error(
		"train.datasets: model {model} may not learn from {dataset} now: it is not approved, or its tier is below what the \
		model's owner asks for; `blyan-worker dataset {dataset}` shows it"
	)]
	MayNotLearn {
		/// Which model.
		model: ModelId,
		/// Which dataset.
		dataset: DatasetId,
	},
	/// The thread that looked after a text died.
	#[error("looking after a text ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl SourceError {
	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Store(error) => error.is_retryable(),
			Self::Text(error) => error.is_retryable(),
			_ => false,
		}
	}
}

impl Workshop {
	/// What to learn from.
	///
	/// # Errors
	/// See [`SourceError`].
	pub(super) async fn sources(&self) -> Result<Vec<Source>, SourceError> {
		let train = &self.config.train;
		if !train.datasets.is_empty() {
			let mut lengths = Vec::new();
			for dataset in &train.datasets {
				if !self.chain.may_learn_from(train.model, *dataset).await? {
					return Err(SourceError::MayNotLearn { model: train.model, dataset: *dataset });
				}
				lengths.push(text::kept(&*self.chain, *dataset).await?.offer.bytes);
			}
			let named: Vec<_> = train.datasets.iter().copied().zip(by_length(&lengths)).collect();
			return self.assemble(&named).await;
		}
		let texts: Vec<_> = train.sources().map(|(text, weight)| (text.to_owned(), weight)).collect();
		let store = self.content.store().clone();
		let stored = tokio::task::spawn_blocking(move || {
			texts
				.iter()
				.map(|(text, weight)| store_text(&store, text, *weight))
				.collect::<Result<Vec<_>, _>>()
		});
		stored.await?
	}

	async fn assemble(&self, datasets: &[(DatasetId, u32)]) -> Result<Vec<Source>, SourceError> {
		let patience = Duration::from_secs(self.config.train.fetch_timeout_seconds);
		let mut sources = Vec::new();
		for (dataset, weight) in datasets {
			let record = text::kept(&*self.chain, *dataset).await?;
			let assembled =
				text::assemble(&self.content, &record, &self.config.dataset_dir(), patience).await;
			let (path, document) = assembled?;
			sources.push(Source {
				content: *dataset,
				bytes: document.bytes,
				path,
				weight: *weight,
				contents: text::contents(&document).chain([*dataset]).collect(),
			});
		}
		Ok(sources)
	}
}

/// Weights in parts of [`WHOLE`] for texts of those lengths: as if they were one text, and none is left out.
fn by_length(lengths: &[u64]) -> Vec<u32> {
	let all = lengths.iter().map(|length| u128::from(*length)).sum::<u128>().max(1);
	let part = |length: &u64| (u128::from(*length) * u128::from(WHOLE) / all).max(1) as u32;
	let mut weights: Vec<u32> = lengths.iter().map(part).collect();
	// What rounding left over, or took too much, is the longest's.
	let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
	if let Some(longest) = weights.iter_mut().max() {
		*longest = (i64::from(*longest) + i64::from(WHOLE) - sum) as u32;
	}
	weights
}

/// The training text in the store: named by its CID, or put there from a file.
fn store_text(store: &Store, text: &str, weight: u32) -> Result<Source, SourceError> {
	let stored = match text.parse::<Cid>() {
		Ok(cid) => match store.verify(&cid) {
			Err(StoreError::Missing { folder, .. }) => return Err(SourceError::TextNotStored(cid, folder)),
			other => other?,
		},
		Err(_) => store.put_file(text)?,
	};
	let (content, bytes) = (stored.cid, stored.bytes);
	Ok(Source { content, bytes, path: store.path(&content), weight, contents: vec![content] })
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::manifest::MAX_DATASETS;
	use proptest::prelude::*;

	#[test]
	fn by_length_should_be_the_shares_of_one_text() {
		assert_eq!(by_length(&[300, 700]), [WHOLE / 10 * 3, WHOLE / 10 * 7]);
		assert_eq!(by_length(&[5]), [WHOLE]);
		assert_eq!(by_length(&[1, 1, 1]).iter().sum::<u32>(), WHOLE);
	}

	proptest! {
		#[test]
		fn by_length_should_add_up_to_the_whole_and_leave_none_out(
			lengths in proptest::collection::vec(1u64..=u64::MAX / 2, 1..=MAX_DATASETS as usize)
		) {
			let weights = by_length(&lengths);
			prop_assert_eq!(weights.iter().map(|weight| u64::from(*weight)).sum::<u64>(), u64::from(WHOLE));
			prop_assert!(weights.iter().all(|weight| *weight > 0));
		}
	}
}
