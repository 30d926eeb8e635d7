//! How the client connects and how long it waits.

use crate::backoff::BackoffLimits;
use blyan_primitives::Hash;
use std::time::Duration;

/// How long a connection attempt may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a node may take to answer one request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a read, or the first connection, is tried again before its error is returned.
pub const READ_PATIENCE: Duration = Duration::from_secs(60);
/// A subscription that is silent for this long is made anew; blocks come every few seconds.
pub const SUBSCRIPTION_SILENCE: Duration = Duration::from_secs(30);
/// The first wait between attempts.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// The longest wait between attempts.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(10);

/// Where the node is, and how long to wait for it. Everything has a default but the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
	/// The node's WebSocket, such as `ws://127.0.0.1:9944`.
	pub url: String,
	/// The chain to be on. If `None`, the chain of the first connection.
	pub expected_genesis: Option<Hash>,
	/// See [`CONNECT_TIMEOUT`].
	pub connect_timeout: Duration,
	/// See [`REQUEST_TIMEOUT`].
	pub request_timeout: Duration,
	/// See [`READ_PATIENCE`].
	pub read_patience: Duration,
}

impl ClientConfig {
	/// The defaults, for the node at `url`.
	pub fn new(url: impl Into<String>) -> Self {
		Self {
			url: url.into(),
			expected_genesis: None,
			connect_timeout: CONNECT_TIMEOUT,
			request_timeout: REQUEST_TIMEOUT,
			read_patience: READ_PATIENCE,
		}
	}

	/// Refuses a node of any other chain.
	pub fn with_expected_genesis(mut self, genesis: Hash) -> Self {
		self.expected_genesis = Some(genesis);
		self
	}

	/// How long reads and the first connection are tried again.
	pub fn with_read_patience(mut self, patience: Duration) -> Self {
		self.read_patience = patience;
		self
	}

	pub(crate) fn timing(&self) -> Timing {
		Timing {
			read_patience: self.read_patience,
			subscription_silence: SUBSCRIPTION_SILENCE,
			backoff: BackoffLimits { first: BACKOFF_FIRST, longest: BACKOFF_LONGEST },
		}
	}
}

/// The waits above the transport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
	pub read_patience: Duration,
	pub subscription_silence: Duration,
	pub backoff: BackoffLimits,
}
