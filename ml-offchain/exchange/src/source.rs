//! One peer as a source of blocks.

use crate::{address::PeerAddress, asks::Refusal, peer::Shared};
use async_trait::async_trait;
use blyan_primitives::cid::Cid;
use blyan_store::{Block, BlockSource, ProviderError};
use std::sync::Arc;

/// A peer to ask for blocks by Bitswap.
pub(crate) struct PeerSource {
	pub(crate) shared: Arc<Shared>,
	pub(crate) address: PeerAddress,
}

/// Takes the question back when nobody waits for the answer any more.
struct Withdrawal<'a> {
	source: &'a PeerSource,
	cid: Cid,
	number: u64,
}

impl Drop for Withdrawal<'_> {
	fn drop(&mut self) {
		self.source.shared.withdraw(&self.source.address.peer(), &self.cid, self.number);
	}
}

#[async_trait]
impl BlockSource for PeerSource {
	fn name(&self) -> String {
		self.address.to_string()
	}

	async fn block(&self, cid: &Cid) -> Result<Block, ProviderError> {
		let (number, reply) = self.shared.ask(self.address.peer(), &self.address.multiaddr(), *cid);
		let _withdrawal = Withdrawal { source: self, cid: *cid, number };
		match reply.await {
			Ok(Ok(block)) => Ok(block),
			Ok(Err(Refusal::NotThere)) => Err(ProviderError::NotFound { block: *cid }),
			Ok(Err(Refusal::Wrong(bytes))) => Err(ProviderError::WrongBytes { block: *cid, bytes }),
			Ok(Err(Refusal::Lost(why))) => Err(ProviderError::Connection { source: why.into() }),
			Err(_) => Err(ProviderError::Connection { source: "the network has stopped".into() }),
		}
	}
}
