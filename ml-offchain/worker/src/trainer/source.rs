//! What a job learns from: texts of the store, or approved datasets, which are named or chosen.

use super::job::Workshop;
use crate::{
	config::{DataConfig, DataPolicy},
	datasets::text::{self, TextError},
};
use blyan_chain_client::{Chain, ChainError};
use blyan_model::WHOLE;
use blyan_primitives::{
	api::{DatasetRecord, DatasetStageKind},
	cid::Cid,
	dag::ModelId,
	datasets::{select, Candidate, DatasetStage, SelectionPolicy},
	manifest::{DatasetId, MAX_DATASETS},
	merkle, AccountId,
};
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
	/// No approved dataset is one that the policy takes.
	#[error(
		"train.data: of the approved datasets, none is one that {policy:?} takes for model {model}; \
		`blyan-worker datasets --stage approved` lists them"
	)]
	NothingToChoose {
		/// The policy.
		policy: DataPolicy,
		/// Which model.
		model: ModelId,
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
			// Datasets are approved day by day.
			Self::NothingToChoose { .. } => true,
			_ => false,
		}
	}
}

impl Workshop {
	/// What to learn from, and, if that is chosen by a policy, what was chosen with weights. `begun` is what a run that
	/// was interrupted had chosen: it stands as long as the model may learn from all of it.
	///
	/// # Errors
	/// See [`SourceError`].
	pub(super) async fn sources(
		&self,
		begun: Vec<(DatasetId, u32)>,
	) -> Result<(Vec<Source>, Vec<(DatasetId, u32)>), SourceError> {
		let train = &self.config.train;
		if let Some(data) = train.data {
			let mut chosen = begun;
			let mut stands = !chosen.is_empty();
			for (dataset, _) in &chosen {
				stands = stands && self.chain.may_learn_from(train.model, *dataset).await?;
			}
			if !stands {
				chosen = choose(&*self.chain, train.model, data).await?;
			}
			return Ok((self.assemble(&chosen).await?, chosen));
		}
		if !train.datasets.is_empty() {
			let mut lengths = Vec::new();
			for dataset in &train.datasets {
				if !self.chain.may_learn_from(train.model, *dataset).await? {
					return Err(SourceError::MayNotLearn { model: train.model, dataset: *dataset });
				}
				lengths.push(text::kept(&*self.chain, *dataset).await?.offer.bytes);
			}
			let named: Vec<_> = train.datasets.iter().copied().zip(by_length(&lengths)).collect();
			return Ok((self.assemble(&named).await?, Vec::new()));
		}
		let texts: Vec<_> = train.sources().map(|(text, weight)| (text.to_owned(), weight)).collect();
		let store = self.content.store().clone();
		let stored = tokio::task::spawn_blocking(move || {
			texts
				.iter()
				.map(|(text, weight)| store_text(&store, text, *weight))
				.collect::<Result<Vec<_>, _>>()
		});
		Ok((stored.await??, Vec::new()))
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

/// Chooses among the datasets that the model may learn from.
async fn choose(
	chain: &dyn Chain,
	model: ModelId,
	data: DataConfig,
) -> Result<Vec<(DatasetId, u32)>, SourceError> {
	let least_tier = chain.data_terms(model).await?.least_tier;
	let mut candidates = Vec::new();
	for record in chain.kept_datasets(Some(DatasetStageKind::Approved)).await? {
		let Some(mut candidate) = candidate(&record) else { continue };
		if candidate.tier < least_tier || candidate.bytes > data.most_mebibytes.saturating_mul(1 << 20) {
			continue;
		}
		candidate.is_zero =
			chain.dataset_utility(candidate.dataset).await?.is_some_and(|utility| utility.is_zero);
		candidates.push(candidate);
	}
	let policy = match data.policy {
		DataPolicy::GoldOnly => SelectionPolicy::GoldOnly,
		DataPolicy::Balanced => SelectionPolicy::Balanced,
		DataPolicy::DiversityMax => SelectionPolicy::DiversityMax,
	};
	let seed = merkle::leaf(model, &(b"blyan/selection", data.seed));
	let uses = select(policy, &candidates, seed, MAX_DATASETS);
	if uses.is_empty() {
		return Err(SourceError::NothingToChoose { policy: data.policy, model });
	}
	Ok(uses.iter().map(|used| (used.dataset, used.weight.deconstruct())).collect())
}

/// An approved dataset as one to choose.
fn candidate(record: &DatasetRecord<AccountId>) -> Option<Candidate> {
	let DatasetStage::Approved { tier, .. } = record.stage else { return None };
	let offer = &record.offer;
	Some(Candidate {
		dataset: offer.content,
		tier,
		bytes: offer.bytes,
		domain: offer.domain.clone(),
		languages: offer.languages.to_vec(),
		score: record.score,
		is_zero: false,
	})
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
	use crate::datasets::tests::record;
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::{api::DatasetUtility, cid::CidCodec, datasets::Tier, manifest::DataTerms};
	use proptest::prelude::*;

	const DATA: DataConfig = DataConfig { policy: DataPolicy::Balanced, seed: 3, most_mebibytes: 1 };

	fn dataset(number: u8) -> DatasetId {
		Cid { codec: CidCodec::Raw, digest: [number; 32] }
	}

	fn approve(chain: &FakeChain, number: u8, tier: Tier, bytes: u64) {
		let mut approved = record(DatasetStage::Approved { tier, since: 1 });
		(approved.offer.content, approved.offer.bytes) = (dataset(number), bytes);
		chain.edit(|state| state.kept_datasets.insert(dataset(number), approved));
	}

	#[tokio::test]
	async fn choose_should_take_what_the_policy_the_model_and_this_machine_allow() {
		let chain = FakeChain::new();
		let chosen = async |data| match choose(&chain, 0, data).await {
			Ok(chosen) => {
				assert_eq!(chosen.iter().map(|(_, weight)| weight).sum::<u32>(), WHOLE);
				chosen.iter().map(|(dataset, _)| dataset.digest[0]).collect::<Vec<_>>()
			}
			Err(error) => {
				assert!(error.is_retryable(), "more are approved day by day: {error}");
				vec![]
			}
		};
		assert!(chosen(DATA).await.is_empty(), "there is none");
		approve(&chain, 1, Tier::Gold, 5_000);
		approve(&chain, 2, Tier::Silver, 5_000);
		approve(&chain, 3, Tier::Gold, 2 << 20);
		approve(&chain, 4, Tier::Gold, 5_000);
		let useless = DatasetUtility { accepted: 0, rejected: 10, is_zero: true, purse: 0 };
		chain.edit(|state| state.dataset_utility.insert(dataset(4), useless));
		let mut both = chosen(DATA).await;
		both.sort_unstable();
		assert_eq!(both, [1, 2], "one is too long, and one is of no use");
		assert_eq!(chosen(DataConfig { policy: DataPolicy::GoldOnly, ..DATA }).await, [1]);
		let mut roomy = chosen(DataConfig { policy: DataPolicy::GoldOnly, most_mebibytes: 2, ..DATA }).await;
		roomy.sort_unstable();
		assert_eq!(roomy, [1, 3]);
		let terms = DataTerms { manifest_required: true, least_tier: Tier::Gold };
		chain.edit(|state| state.data_terms.insert(0, terms));
		assert_eq!(chosen(DATA).await, [1], "the model's owner asks for gold");
	}

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
