//! What can go wrong, and what to do about it.

use blyan_primitives::{BlockNumber, Hash, Nonce};
use std::{error::Error, fmt, sync::Arc};

/// The error underneath, kept for [`Error::source`]. Cheap to clone.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
	/// Keeps `error`; a text will do.
	pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
		Self(Arc::from(error.into()))
	}
}

impl fmt::Debug for Cause {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Debug::fmt(&self.0, f)
	}
}

impl fmt::Display for Cause {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Display::fmt(&self.0, f)
	}
}

impl Error for Cause {
	fn source(&self) -> Option<&(dyn Error + 'static)> {
		self.0.source()
	}
}

/// A read, or a connection, that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
	/// No connection, or it broke. The client connects anew by itself at the next call.
	#[error(
		"no connection to the node at {url}: {source}; check that it runs and that the address is right"
	)]
	Disconnected {
		/// The node's address.
		url: String,
		/// What the transport says.
		source: Cause,
	},
	/// The node did not answer in time.
	#[error("the node at {url} did not answer {method} within {seconds} s")]
	Timeout {
		/// The node's address.
		url: String,
		/// What was asked.
		method: String,
		/// How long we waited.
		seconds: u64,
	},
	/// The address is not one of a node.
	#[error("`{url}` is not the address of a node: {reason}; give one such as ws://127.0.0.1:9944")]
	BadUrl {
		/// The address that was given.
		url: String,
		/// What is wrong with it.
		reason: String,
	},
	/// The node understood, and refused.
	#[error("the node refused {method}: {message} (code {code}){}", .data.as_ref().map(|d| format!(": {d}")).unwrap_or_default())]
	Rpc {
		/// What was asked.
		method: String,
		/// The JSON-RPC error code.
		code: i32,
		/// The JSON-RPC error message.
		message: String,
		/// What the node adds to it.
		data: Option<String>,
	},
	/// The node is on another chain than this program is set up for.
	#[error(
		"the node at {url} is on another chain: its genesis is {found:?}, not {expected:?}; \
		point this program at a node of the right chain, or correct the expected genesis hash"
	)]
	WrongGenesis {
		/// The node's address.
		url: String,
		/// The genesis hash that was asked for.
		expected: Hash,
		/// The genesis hash of the node.
		found: Hash,
	},
	/// The runtime's calls, events, queries or storage are not those that this program was built for.
	#[error("the chain's runtime does not fit this program: {what}; update this program")]
	Incompatible {
		/// The first difference.
		what: String,
	},
	/// What the node sent cannot be read.
	#[error("{what} cannot be read: {source}")]
	Decode {
		/// What was being read.
		what: String,
		/// Why not.
		source: Cause,
	},
	/// The node does not have the block, or no longer its state.
	#[error("the node does not have {what} of block {block}: {reason}; use a node that keeps it (--state-pruning archive)")]
	BlockUnavailable {
		/// The number or hash.
		block: String,
		/// What is missing.
		what: String,
		/// What the node says.
		reason: String,
	},
	/// A block that was final is no longer part of the node's chain: its database was replaced, or
	/// more than a third of the validators cheat.
	#[error(
		"finalized history changed: the parent of block {number} is {found:?}, but {expected:?} was final; \
		nothing this node says can be relied on until somebody finds out why"
	)]
	HistoryChanged {
		/// The first block that does not fit.
		number: BlockNumber,
		/// The hash of the block before it, as seen earlier.
		expected: Hash,
		/// The parent that it names.
		found: Hash,
	},
}

impl ChainError {
	/// Whether there was no working connection to the node.
	pub fn is_disconnect(&self) -> bool {
		matches!(self, Self::Disconnected { .. } | Self::Timeout { .. })
	}

	/// Whether trying the same again later may help.
	pub fn is_retryable(&self) -> bool {
		self.is_disconnect()
	}

	/// The transport's failure.
	pub(crate) fn disconnected(url: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
		Self::Disconnected { url: url.into(), source: Cause::new(cause) }
	}

	/// Bytes that are not what they should be.
	pub(crate) fn decode(what: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
		Self::Decode { what: what.into(), source: Cause::new(cause) }
	}

	/// A difference between the runtime and this program.
	pub(crate) fn incompatible(what: impl Into<String>) -> Self {
		Self::Incompatible { what: what.into() }
	}
}

/// A call that did not do what it should.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
	/// Nothing was sent: what has to be known for signing could not be read.
	#[error("{call} was not sent: {source}")]
	NotSent {
		/// The call, as `Pallet.call`.
		call: String,
		/// Why.
		source: Box<ChainError>,
	},
	/// Nothing was sent: the intent could not be written down first.
	#[error("{call} was not sent, because its intent could not be journalled: {source}")]
	Journal {
		/// The call, as `Pallet.call`.
		call: String,
		/// What the journal says.
		source: Cause,
	},
	/// The node refused to take the transaction into its pool; it is in no block, and costs nothing.
	#[error("the node refused {call}: {reason} (code {code})")]
	Refused {
		/// The call, as `Pallet.call`.
		call: String,
		/// The node's reason.
		reason: String,
		/// The JSON-RPC error code.
		code: i32,
	},
	/// The call is in a block, and its pallet refused it. The fee is spent, nothing else changed.
	#[error("{call} failed in block {block_number}: {pallet}.{error}: {docs}")]
	Dispatch {
		/// The call, as `Pallet.call`.
		call: String,
		/// The pallet whose error it is.
		pallet: String,
		/// The error's name.
		error: String,
		/// The error's documentation: cause and remedy.
		docs: String,
		/// The block that the call is in.
		block_number: BlockNumber,
	},
	/// The call is in a block and failed for a reason that is no pallet's: a balance too low, a wrong
	/// origin. The fee is spent, nothing else changed.
	#[error("{call} failed in block {block_number}: {reason}")]
	DispatchOther {
		/// The call, as `Pallet.call`.
		call: String,
		/// The reason.
		reason: String,
		/// The block that the call is in.
		block_number: BlockNumber,
	},
	/// The transaction is in no block, and can no longer come into one.
	#[error("{call} was not included up to block {valid_until}, where it expired; submit it again")]
	Expired {
		/// The call, as `Pallet.call`.
		call: String,
		/// Hash of the transaction.
		transaction: Hash,
		/// The first block in which it is no longer valid.
		valid_until: BlockNumber,
	},
	/// The transaction is in no block, and another one of the same account has its nonce for good.
	#[error(
		"{call} was not included: another transaction of the account took its nonce {nonce}; submit it again"
	)]
	Superseded {
		/// The call, as `Pallet.call`.
		call: String,
		/// Hash of the transaction.
		transaction: Hash,
		/// The nonce.
		nonce: Nonce,
	},
	/// The transaction was sent, and whether it is in a block could not be found out. Do not sign the
	/// same again: [`resume`](crate::Chain::resume) it.
	#[error("whether {call} (transaction {transaction:?}) is in a block is not known: {source}")]
	Unknown {
		/// The call, as `Pallet.call`.
		call: String,
		/// Hash of the transaction.
		transaction: Hash,
		/// Why it could not be found out.
		source: Box<ChainError>,
	},
}

/// JSON-RPC codes of `author_submit*`, see `sc_rpc_api::author::error`.
pub(crate) mod pool {
	/// The transaction is invalid; the data says how.
	pub const INVALID: i32 = 1010;
	/// Validity cannot be determined now.
	pub const UNKNOWN_VALIDITY: i32 = 1011;
	/// It was invalid a short while ago.
	pub const TEMPORARILY_BANNED: i32 = 1012;
	/// It is in the pool.
	pub const ALREADY_IMPORTED: i32 = 1013;
	/// Another transaction with the same nonce is in the pool.
	pub const TOO_LOW_PRIORITY: i32 = 1014;
	/// The pool is full.
	pub const IMMEDIATELY_DROPPED: i32 = 1016;
	/// What the data of [`INVALID`] says when the nonce is used already.
	pub const STALE: &str = "outdated";
	/// What the data of [`INVALID`] says when the block that the signature names is too old or unknown.
	pub const UNANCHORED: [&str; 2] = ["ancient birth block", "bad signature"];
}

impl SubmitError {
	/// Whether there was no working connection to the node.
	pub fn is_disconnect(&self) -> bool {
		match self {
			Self::NotSent { source, .. } | Self::Unknown { source, .. } => source.is_disconnect(),
			_ => false,
		}
	}

	/// Whether signing and sending the same call again may help, and cannot do the same thing twice.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::NotSent { source, .. } => source.is_retryable(),
			Self::Expired { .. } | Self::Superseded { .. } => true,
			Self::Refused { code, .. } => [
				pool::UNKNOWN_VALIDITY,
				pool::TEMPORARILY_BANNED,
				pool::TOO_LOW_PRIORITY,
				pool::IMMEDIATELY_DROPPED,
			]
			.contains(code),
			// An unknown fate is resumed, never sent anew.
			Self::Unknown { .. }
			| Self::Journal { .. }
			| Self::Dispatch { .. }
			| Self::DispatchOther { .. } => false,
		}
	}

	/// Whether it is that error of that pallet: `is_pallet_error("ProofOfLearning", "RoundNotFound")`.
	pub fn is_pallet_error(&self, name: &str, variant: &str) -> bool {
		matches!(self, Self::Dispatch { pallet, error, .. } if pallet == name && error == variant)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn disconnected() -> ChainError {
		ChainError::disconnected("ws://a", "gone")
	}

	fn refused(code: i32) -> SubmitError {
		SubmitError::Refused { call: "A.b".into(), reason: String::new(), code }
	}

	#[test]
	fn chain_error_should_be_retryable_only_when_the_connection_is_to_blame() {
		let timeout = ChainError::Timeout { url: String::new(), method: "x".into(), seconds: 1 };
		for error in [disconnected(), timeout] {
			assert!(error.is_disconnect() && error.is_retryable(), "{error}");
		}
		let rpc = ChainError::Rpc { method: "x".into(), code: 1, message: String::new(), data: None };
		let wrong =
			ChainError::WrongGenesis { url: String::new(), expected: Hash::zero(), found: Hash::zero() };
		for error in [rpc, wrong, ChainError::incompatible("x"), ChainError::decode("x", "y")] {
			assert!(!error.is_disconnect() && !error.is_retryable(), "{error}");
		}
	}

	#[test]
	fn submit_error_should_not_be_retryable_when_it_may_have_been_included() {
		let unknown = SubmitError::Unknown {
			call: "A.b".into(),
			transaction: Hash::zero(),
			source: Box::new(disconnected()),
		};
		assert!(unknown.is_disconnect() && !unknown.is_retryable());
		let not_sent = SubmitError::NotSent { call: "A.b".into(), source: Box::new(disconnected()) };
		assert!(not_sent.is_disconnect() && not_sent.is_retryable());
		assert!(refused(pool::IMMEDIATELY_DROPPED).is_retryable());
		assert!(!refused(pool::INVALID).is_retryable());
	}

	#[test]
	fn is_pallet_error_should_match_pallet_and_name() {
		let error = SubmitError::Dispatch {
			call: "Workers.register".into(),
			pallet: "Workers".into(),
			error: "BondTooSmall".into(),
			docs: "more is asked".into(),
			block_number: 3,
		};
		assert!(error.is_pallet_error("Workers", "BondTooSmall"));
		assert!(!error.is_pallet_error("Rewards", "BondTooSmall"));
		assert_eq!(
			error.to_string(),
			"Workers.register failed in block 3: Workers.BondTooSmall: more is asked"
		);
	}

	#[test]
	fn rpc_error_should_show_what_the_node_adds() {
		let error =
			ChainError::Rpc { method: "m".into(), code: 7, message: "no".into(), data: Some("why".into()) };
		assert_eq!(error.to_string(), "the node refused m: no (code 7): why");
	}
}
