//! The seam between a download and the transports that bring its blocks.

use super::MAX_BLOCK_BYTES;
use crate::hash::sha256;
use async_trait::async_trait;
use blyan_primitives::cid::{Cid, CidCodec};
use bytes::Bytes;
use std::{error::Error, time::Duration};

/// Bytes, and the CID that their hash gives: it cannot be made with another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
	cid: Cid,
	bytes: Bytes,
}

impl Block {
	/// Hashes the bytes. At most [`MAX_BLOCK_BYTES`] of them: a millisecond or two.
	pub fn new(codec: CidCodec, bytes: Bytes) -> Self {
		Self { cid: Cid { codec, digest: sha256(&bytes) }, bytes }
	}

	/// What the bytes are.
	pub fn cid(&self) -> Cid {
		self.cid
	}

	/// The bytes.
	pub fn bytes(&self) -> &Bytes {
		&self.bytes
	}
}

/// One provider, by one transport.
#[async_trait]
pub trait BlockSource: Send + Sync {
	/// Its address, for people.
	fn name(&self) -> String;

	/// Asks it for a block, and waits for as long as it takes: the download sets the limit. Dropping the
	/// future withdraws the question.
	///
	/// The block need not be the one asked for; the download compares.
	///
	/// # Errors
	/// Why this provider does not have it, or cannot be asked.
	async fn block(&self, cid: &Cid) -> Result<Block, ProviderError>;
}

/// Why a provider is not asked again during a download.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
	/// Of URLs, only `http` is spoken: content is checked by its hash, so who carries it does not matter.
	#[error("scheme {scheme:?} is not supported; use http")]
	Scheme {
		/// The URL's scheme.
		scheme: String,
	},
	/// It cannot be reached, or went away in the middle of an answer.
	#[error("the connection failed: {source}")]
	Connection {
		/// What the transport said.
		source: Box<dyn Error + Send + Sync>,
	},
	/// It does not have a block.
	#[error("it does not have {block}")]
	NotFound {
		/// The block asked for.
		block: Cid,
	},
	/// It answered over HTTP with another status.
	#[error("it answered {status} for {block}")]
	Status {
		/// The block asked for.
		block: Cid,
		/// The HTTP status.
		status: u16,
	},
	/// It sent bytes that are not that block.
	#[error("it sent {bytes} bytes that are not {block}")]
	WrongBytes {
		/// The block asked for.
		block: Cid,
		/// How many bytes it sent.
		bytes: usize,
	},
	/// It sent more than a block can have.
	#[error("it sent more than {MAX_BLOCK_BYTES} bytes for {block}")]
	TooLong {
		/// The block asked for.
		block: Cid,
	},
	/// It took too long over a block.
	#[error("it did not send {block} within {after:?}")]
	Stalled {
		/// The block asked for.
		block: Cid,
		/// How long it was given.
		after: Duration,
	},
}

/// A provider, and why it was dropped.
#[derive(Debug)]
pub struct ProviderFailure {
	/// The provider's address.
	pub provider: String,
	/// What it did.
	pub error: ProviderError,
}

impl std::fmt::Display for ProviderFailure {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "{}: {}", self.provider, self.error)
	}
}
