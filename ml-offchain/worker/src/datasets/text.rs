//! The text of a dataset: fetched part by part, checked against its document, and assembled once.

use crate::{
	content::{Content, ContentError},
	files::FileError,
	journal::sync_folder_of,
};
use blyan_chain_client::{Chain, ChainError};
use blyan_primitives::{api::DatasetRecord, cid::Cid, manifest::DatasetId, AccountId};
use blyan_quality_gate::content::{DatasetDocument, DocumentError, Part};
use blyan_store::StoreError;
use futures::{StreamExt, TryStreamExt};
use polkadot_sdk::sp_crypto_hashing::sha2_256;
use std::{
	collections::BTreeSet,
	fs::{self, File},
	io::{self, Read, Write},
	path::{Path, PathBuf},
	time::Duration,
};

/// Parts that are fetched at once.
const PARALLEL_PARTS: usize = 4;
/// How the name of an assembled text ends.
const EXTENSION: &str = "txt";

/// Why the text of a dataset is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain does not keep it.
	#[error("the chain keeps no dataset {0}: it was never offered, or was turned away and is forgotten")]
	NotKept(DatasetId),
	/// Its document, or a part, cannot be had.
	#[error("{what} of dataset {dataset}: {source}")]
	Content {
		/// Of which.
		dataset: DatasetId,
		/// What of it.
		what: String,
		/// Why.
		source: Box<ContentError>,
	},
	/// Its document is none, or of another offer.
	#[error("dataset {dataset}: {source}")]
	Document {
		/// Of which.
		dataset: DatasetId,
		/// What is wrong.
		source: DocumentError,
	},
	/// A part is not what the document says.
	#[error("part {part} of dataset {dataset} is not what its document says")]
	PartDiffers {
		/// Of which.
		dataset: DatasetId,
		/// Counted from 0.
		part: usize,
	},
	/// A file cannot be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// A part in the store cannot be read.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The thread that assembled died.
	#[error("assembling a text ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl TextError {
	/// Whether the fault is with the dataset or who should serve it, not with this machine or its node.
	pub fn is_datasets_fault(&self) -> bool {
		match self {
			Self::NotKept(_) | Self::Document { .. } | Self::PartDiffers { .. } => true,
			Self::Content { source, .. } => source.is_providers_fault(),
			_ => false,
		}
	}

	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Content { source, .. } => source.is_retryable(),
			Self::Store(error) => error.is_retryable(),
			_ => false,
		}
	}
}

/// What the chain keeps of a dataset.
///
/// # Errors
/// [`TextError::Chain`], [`TextError::NotKept`].
pub async fn kept(chain: &dyn Chain, dataset: DatasetId) -> Result<DatasetRecord<AccountId>, TextError> {
	chain.dataset(dataset).await?.ok_or(TextError::NotKept(dataset))
}

/// The document of a dataset: from the store, or fetched within `patience`.
///
/// # Errors
/// See [`TextError`].
pub async fn document(
	content: &Content,
	record: &DatasetRecord<AccountId>,
	patience: Duration,
) -> Result<DatasetDocument, TextError> {
	let (dataset, bytes) = (record.offer.content, u64::from(record.offer.document_bytes));
	let fetched = content.get(dataset, bytes, Some(&record.contributor), patience).await;
	let path = fetched.map_err(|source| TextError::Content {
		dataset,
		what: "the document".into(),
		source: source.into(),
	})?;
	let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
	DatasetDocument::parse_offered(&bytes, &record.offer)
		.map_err(|source| TextError::Document { dataset, source })
}

/// Where the text of a dataset is in that folder once it is assembled.
pub fn path_of(folder: &Path, dataset: &DatasetId) -> PathBuf {
	folder.join(format!("{dataset}.{EXTENSION}"))
}

/// The path of the text of a dataset, assembled in `folder` and checked against its document: once, and checked again
/// whenever it is asked for. The document and each part may take `patience` to fetch.
///
/// # Errors
/// See [`TextError`].
pub async fn assemble(
	content: &Content,
	record: &DatasetRecord<AccountId>,
	folder: &Path,
	patience: Duration,
) -> Result<(PathBuf, DatasetDocument), TextError> {
	let dataset = record.offer.content;
	let document = document(content, record, patience).await?;
	let path = path_of(folder, &dataset);
	let is_there = {
		let (path, document) = (path.clone(), document.clone());
		tokio::task::spawn_blocking(move || is_whole(&path, &document)).await??
	};
	if is_there {
		return Ok((path, document));
	}
	let _hold = content.hold(contents(&document).chain([dataset]));
	let wanted: Vec<(usize, Cid, u64)> =
		document.parts.iter().enumerate().map(|(number, part)| (number, part.content, part.bytes)).collect();
	let contributor = &record.contributor;
	let parts = futures::stream::iter(wanted)
		.map(|(number, cid, bytes)| async move {
			let fetched = content.get(cid, bytes, Some(contributor), patience).await;
			fetched.map_err(|source| TextError::Content {
				dataset,
				what: format!("part {number}"),
				source: source.into(),
			})
		})
		.buffered(PARALLEL_PARTS)
		.try_collect::<Vec<PathBuf>>()
		.await?;
	let task = {
		let (path, document) = (path.clone(), document.clone());
		tokio::task::spawn_blocking(move || join(&path, dataset, &document, &parts))
	};
	task.await??;
	Ok((path, document))
}

/// What a document names.
pub fn contents(document: &DatasetDocument) -> impl Iterator<Item = Cid> + '_ {
	let licence = document.licence_text.iter().map(|licence| licence.content);
	document.parts.iter().map(|part| part.content).chain(licence)
}

/// Whether the file is the text that the document tells of. One that is not is written anew.
fn is_whole(path: &Path, document: &DatasetDocument) -> Result<bool, TextError> {
	let mut file = match File::open(path) {
		Ok(file) => file,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
		Err(error) => return Err(FileError::of("open", path)(error).into()),
	};
	let about = file.metadata().map_err(FileError::of("examine", path))?;
	if about.len() != document.bytes {
		return Ok(false);
	}
	for part in &document.parts {
		let mut bytes = Vec::new();
		(&mut file).take(part.bytes).read_to_end(&mut bytes).map_err(FileError::of("read", path))?;
		if !is_part(&bytes, part) {
			tracing::warn!(path = %path.display(), "the text was altered; it is assembled again");
			return Ok(false);
		}
	}
	Ok(true)
}

fn is_part(bytes: &[u8], part: &Part) -> bool {
	bytes.len() as u64 == part.bytes && sha2_256(bytes) == part.sha256
}

/// Writes the parts one after another, under another name until all is on disk.
fn join(
	path: &Path,
	dataset: DatasetId,
	document: &DatasetDocument,
	parts: &[PathBuf],
) -> Result<(), TextError> {
	let folder = path.parent().unwrap_or(Path::new("."));
	fs::create_dir_all(folder).map_err(FileError::of("make the folder", folder))?;
	let mut text = tempfile::NamedTempFile::new_in(folder).map_err(FileError::of("write to", folder))?;
	for (number, (part, stored)) in document.parts.iter().zip(parts).enumerate() {
		let bytes = fs::read(stored).map_err(FileError::of("read", stored))?;
		if !is_part(&bytes, part) {
			return Err(TextError::PartDiffers { dataset, part: number });
		}
		text.write_all(&bytes).map_err(FileError::of("write", path))?;
	}
	text.as_file().sync_all().map_err(FileError::of("write", path))?;
	let mut permissions = text.as_file().metadata().map_err(FileError::of("examine", path))?.permissions();
	// Others map it: it is never written to again.
	permissions.set_readonly(true);
	text.as_file().set_permissions(permissions).map_err(FileError::of("write", path))?;
	text.persist(path).map_err(|error| FileError::of("write", path)(error.error))?;
	Ok(sync_folder_of(path).map_err(FileError::of("write to", folder))?)
}

/// Removes the assembled texts of that folder that are of none of these datasets, and were not written within `grace`.
/// They can be assembled again. How many were removed.
///
/// # Errors
/// [`FileError`].
pub fn remove_unused(folder: &Path, keep: &BTreeSet<DatasetId>, grace: Duration) -> Result<usize, FileError> {
	let files = match fs::read_dir(folder) {
		Ok(files) => files,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
		Err(error) => return Err(FileError::of("list", folder)(error)),
	};
	let mut removed = 0;
	for file in files {
		let path = file.map_err(FileError::of("list", folder))?.path();
		let named =
			path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse::<DatasetId>().ok());
		let is_text = path.extension().is_some_and(|extension| extension == EXTENSION);
		let Some(dataset) = named.filter(|_| is_text) else { continue };
		let written = fs::metadata(&path)
			.and_then(|about| about.modified())
			.map_err(FileError::of("examine", &path))?;
		let is_old = written.elapsed().is_ok_and(|age| age >= grace);
		if is_old && !keep.contains(&dataset) {
			fs::remove_file(&path).map_err(FileError::of("remove", &path))?;
			removed += 1;
		}
	}
	Ok(removed)
}
