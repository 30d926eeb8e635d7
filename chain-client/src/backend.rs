//! What is asked of a node: the seam between this crate's logic and the network.

use crate::error::ChainError;
use async_trait::async_trait;
use blyan_primitives::{AccountId, BlockNumber, Hash, Nonce};
use futures::stream::BoxStream;

/// The part of a header that this crate needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
	pub number: BlockNumber,
	pub parent_hash: Hash,
}

/// Which runtime a block's state holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeVersion {
	pub spec_name: String,
	pub spec_version: u32,
	pub transaction_version: u32,
}

/// What the node says of a transaction that is being watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransactionStatus {
	/// It waits, or its block was left by the chain.
	Pending,
	/// It is in a block of the best chain.
	InBlock(Hash),
	/// It is in a finalized block.
	Finalized(Hash),
	/// The node no longer follows it; where it is has to be found out otherwise.
	Lost(&'static str),
}

/// A node. Each method is one request, tried once: whoever calls decides about trying again.
#[async_trait]
pub(crate) trait Backend: Send + Sync + 'static {
	/// The node's address, for messages.
	fn url(&self) -> &str;
	async fn genesis_hash(&self) -> Result<Hash, ChainError>;
	async fn finalized_head(&self) -> Result<Hash, ChainError>;
	async fn header(&self, hash: Hash) -> Result<Option<Header>, ChainError>;
	/// The block of that number on the best chain: the finalized one, if `number` is finalized.
	async fn block_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError>;
	/// The transactions of a block, as they travelled.
	async fn body(&self, hash: Hash) -> Result<Option<Vec<Vec<u8>>>, ChainError>;
	async fn storage(&self, key: Vec<u8>, at: Hash) -> Result<Option<Vec<u8>>, ChainError>;
	async fn state_call(&self, function: &str, arguments: Vec<u8>, at: Hash) -> Result<Vec<u8>, ChainError>;
	/// The runtime in the state of that block, which executes the block after it.
	async fn runtime_version(&self, at: Hash) -> Result<RuntimeVersion, ChainError>;
	/// The nonce after all transactions of the account, those in the node's pool included.
	async fn next_nonce(&self, account: &AccountId) -> Result<Nonce, ChainError>;
	async fn broadcast(&self, transaction: &[u8]) -> Result<(), ChainError>;
	async fn broadcast_and_watch(
		&self,
		transaction: &[u8],
	) -> Result<BoxStream<'static, Result<TransactionStatus, ChainError>>, ChainError>;
	/// The number of each newly finalized block; some may be left out.
	async fn finalized_numbers(
		&self,
	) -> Result<BoxStream<'static, Result<BlockNumber, ChainError>>, ChainError>;
}
