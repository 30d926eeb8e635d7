//! The text of lots whose keys are known: what a round is judged by, and what may be trained on afterwards.

use super::lot::{self, LotError};
use crate::content::{Content, ContentError};
use blyan_primitives::{
	api::LotInfo,
	sealed::{LotState, MAX_LOT_BYTES, TAG_BYTES},
	AccountId,
};
use std::{io, path::PathBuf, time::Duration};

/// Why the text of a lot is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum RetiredError {
	/// Nobody has published its key.
	#[error("lot {0} was not opened")]
	NotOpened(u64),
	/// Its ciphertext cannot be fetched.
	#[error("lot {lot}: {source}")]
	Content {
		/// Which.
		lot: u64,
		/// Why not.
		source: ContentError,
	},
	/// Its ciphertext is not what its sealer promised.
	#[error("lot {lot}: {source}")]
	NoGood {
		/// Which.
		lot: u64,
		/// In what respect.
		source: LotError,
	},
	/// Its ciphertext is in the store, and cannot be read.
	#[error("cannot read {}: {source}", path.display())]
	Read {
		/// Where it is.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
}

impl RetiredError {
	/// Whether it is the sealer's fault, and nobody else's here.
	pub fn is_sealers_fault(&self) -> bool {
		match self {
			Self::NoGood { .. } => true,
			Self::Content { source, .. } => source.is_providers_fault(),
			Self::NotOpened(_) | Self::Read { .. } => false,
		}
	}

	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Content { source, .. } => source.is_retryable(),
			Self::Read { .. } => true,
			Self::NotOpened(_) | Self::NoGood { .. } => false,
		}
	}
}

/// The shards of a lot that was opened, fetched within `patience`.
///
/// # Errors
/// See [`RetiredError`].
pub async fn text_of(
	content: &Content,
	info: &LotInfo<AccountId>,
	patience: Duration,
) -> Result<Vec<Vec<u8>>, RetiredError> {
	let LotState::Retired { key, .. } = info.state else { return Err(RetiredError::NotOpened(info.id)) };
	let bytes = info.lot.bytes().min(MAX_LOT_BYTES.saturating_add(TAG_BYTES));
	let path = content
		.get(info.lot.content, bytes, Some(&info.sealer), patience)
		.await
		.map_err(|source| RetiredError::Content { lot: info.id, source })?;
	let ciphertext =
		tokio::fs::read(&path).await.map_err(|source| RetiredError::Read { path: path.clone(), source })?;
	lot::open(&info.lot, &key, &ciphertext).map_err(|source| RetiredError::NoGood { lot: info.id, source })
}
