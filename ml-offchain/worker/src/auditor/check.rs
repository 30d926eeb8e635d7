//! Looking at a manifest: fetch the document, its leaves and the datasets, and derive the sample again.

use crate::{
	content::{Content, ContentError},
	datasets::text::{self, TextError},
	trainer::{
		job::map_text,
		manifest::{Manifest, FORMAT},
	},
};
use blyan_chain_client::{Chain, ChainError};
use blyan_model::{Batches, Mixture, ModelError, TextTokenizer, MAX_TOKENIZER_BYTES};
use blyan_primitives::{
	api::ManifestInfo,
	architecture::Tokenizer,
	cid::Cid,
	dag::ModelId,
	manifest::{DatasetId, ManifestFinding, MAX_DOCUMENT_BYTES},
	merkle, AccountId, Hash,
};
use std::{
	fs, io,
	path::{Path, PathBuf},
	time::Duration,
};

/// Bytes of a leaf.
const LEAF_BYTES: usize = 32;

/// Why a manifest could not be looked at, through no fault of its own.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain does not know the model.
	#[error("the chain has no model {0}")]
	ModelNotFound(ModelId),
	/// This machine's own store failed, or the chain does not say who has what.
	#[error(transparent)]
	Content(ContentError),
	/// The text of a dataset cannot be assembled here.
	#[error(transparent)]
	Text(TextError),
	/// A file of the store cannot be read.
	#[error("cannot read {}: {source}", path.display())]
	Io {
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// The model's own tokenizer is none.
	#[error(transparent)]
	Tokenizer(ModelError),
	/// The thread that derived died.
	#[error("deriving ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

/// Why something was not fetched.
enum Absent {
	/// Whoever should serve it did not.
	Unfetchable,
	Failed(AuditError),
}

const TORN: ManifestFinding = ManifestFinding::Mismatch { batch: None };

/// What is to be found of a manifest whose sample is drawn. Each piece of content may take `patience` to fetch; the
/// texts of its datasets are assembled in `folder`.
///
/// # Errors
/// See [`AuditError`]; what is the fault of the manifest is a finding.
pub async fn audit(
	chain: &dyn Chain,
	content: &Content,
	folder: &Path,
	info: &ManifestInfo<AccountId>,
	patience: Duration,
) -> Result<ManifestFinding, AuditError> {
	match look(chain, content, folder, info, patience).await {
		Ok(finding) => Ok(finding),
		Err(Absent::Unfetchable) => Ok(ManifestFinding::Unfetchable),
		Err(Absent::Failed(error)) => Err(error),
	}
}

async fn look(
	chain: &dyn Chain,
	content: &Content,
	folder: &Path,
	info: &ManifestInfo<AccountId>,
	patience: Duration,
) -> Result<ManifestFinding, Absent> {
	let get = |cid: Cid, bytes: u64| async move {
		let fetched = content.get(cid, bytes, Some(&info.trainer), patience).await;
		fetched.map_err(|error| match error.is_providers_fault() {
			true => {
				tracing::info!(round = info.round, %cid, %error, "could not be fetched");
				Absent::Unfetchable
			}
			false => Absent::Failed(AuditError::Content(error)),
		})
	};
	let record = &info.manifest;
	let _hold = content.hold(record.datasets.iter().map(|used| used.dataset).chain([record.document]));
	if record.document_bytes > MAX_DOCUMENT_BYTES {
		return Ok(TORN);
	}
	let document = read(get(record.document, record.document_bytes).await?)?;
	let Some(document) = document_of(info, &document) else { return Ok(TORN) };
	let expected = u64::from(record.steps).saturating_mul(LEAF_BYTES as u64);
	if document.leaves.bytes != expected {
		return Ok(TORN);
	}
	let leaves = read(get(document.leaves.content, document.leaves.bytes).await?)?;
	let leaves: Vec<Hash> = leaves.chunks_exact(LEAF_BYTES).map(Hash::from_slice).collect();
	if merkle::root(&leaves) != record.batches_root {
		return Ok(TORN);
	}
	let mut texts = Vec::new();
	for used in &record.datasets {
		let text = dataset_text(chain, content, folder, used.dataset, patience).await?;
		texts.push((text, used.weight.deconstruct()));
	}
	let model = chain.model(info.model).await.map_err(AuditError::from)?;
	let model = model.ok_or(AuditError::ModelNotFound(info.model))?;
	let tokenizer = match model.architecture.tokenizer {
		Tokenizer::Bytes => None,
		Tokenizer::Content { content, bytes } => {
			let tokenizer = read(get(content, bytes.min(MAX_TOKENIZER_BYTES)).await?)?;
			Some(TextTokenizer::from_bytes(&tokenizer).map_err(AuditError::Tokenizer)?)
		}
	};
	let info = info.clone();
	let deriving = tokio::task::spawn_blocking(move || {
		let mut sources = Vec::new();
		for (path, weight) in texts {
			let mapped = map_text(&path)
				.map_err(|error| AuditError::Io { path: path.clone(), source: io::Error::other(error) })?;
			sources.push((mapped, weight));
		}
		Ok(compare(&info, sources, tokenizer.as_ref(), &leaves))
	});
	deriving.await.map_err(AuditError::from)?.map_err(Absent::Failed)
}

/// The text of a dataset. One that is not as it says cannot be had: the trainer is not to blame for it.
async fn dataset_text(
	chain: &dyn Chain,
	content: &Content,
	folder: &Path,
	dataset: DatasetId,
	patience: Duration,
) -> Result<PathBuf, Absent> {
	let assembled = match text::kept(chain, dataset).await {
		Ok(kept) => text::assemble(content, &kept, folder, patience).await,
		Err(error) => Err(error),
	};
	match assembled {
		Ok((path, _)) => Ok(path),
		Err(error) if error.is_datasets_fault() => {
			tracing::info!(%dataset, %error, "the text of a dataset cannot be had");
			Err(Absent::Unfetchable)
		}
		Err(TextError::Chain(error)) => Err(Absent::Failed(error.into())),
		Err(error) => Err(Absent::Failed(AuditError::Text(error))),
	}
}

impl From<AuditError> for Absent {
	fn from(error: AuditError) -> Self {
		Self::Failed(error)
	}
}

fn read(path: PathBuf) -> Result<Vec<u8>, Absent> {
	fs::read(&path).map_err(|source| Absent::Failed(AuditError::Io { path, source }))
}

/// The document, if it is one, and of what the chain has a record of.
fn document_of(info: &ManifestInfo<AccountId>, bytes: &[u8]) -> Option<Manifest> {
	let document: Manifest = serde_json::from_slice(bytes).ok()?;
	let is_of_record = document.record(bytes, info.manifest.document).as_ref() == Some(&info.manifest);
	let is_bound =
		(&document.trainer, document.model, document.binding) == (&info.trainer, info.model, info.binding);
	(document.format == FORMAT && is_of_record && is_bound).then_some(document)
}

/// Derives the batches of the sample, and compares.
fn compare(
	info: &ManifestInfo<AccountId>,
	sources: Vec<(blyan_model::Text, u32)>,
	tokenizer: Option<&TextTokenizer>,
	leaves: &[Hash],
) -> ManifestFinding {
	let record = &info.manifest;
	let batches = Mixture::new(sources, info.binding)
		.and_then(|mixture| Batches::new(mixture, tokenizer, record.seed, record.batch, record.sequence));
	// From such datasets no batch could be made.
	let Ok(batches) = batches else { return TORN };
	for step in &info.sample {
		if batches.leaf(*step).ok().as_ref() != leaves.get(*step as usize) {
			return ManifestFinding::Mismatch { batch: Some(*step) };
		}
	}
	ManifestFinding::Match
}

#[cfg(test)]
mod tests;
