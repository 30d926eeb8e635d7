//! The finalized chain, block by block, without a gap.

use crate::{
	backend::{Backend, Header},
	backoff::Backoff,
	config::Timing,
	error::ChainError,
};
use blyan_primitives::{BlockNumber, Hash};
use futures::{stream::BoxStream, StreamExt};
use std::sync::Arc;

/// A finalized block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finalized {
	pub number: BlockNumber,
	pub hash: Hash,
	pub parent_hash: Hash,
}

/// Walks the finalized chain by number. Notifications only say how far it goes: what they leave out,
/// and what is missed while there is no connection, is asked for.
pub(crate) struct Follower {
	backend: Arc<dyn Backend>,
	timing: Timing,
	/// The next block to give; `None` until the first head is known.
	next: Option<BlockNumber>,
	/// The block given last.
	last: Option<Hash>,
	live: Option<Live>,
}

/// A subscription, and the newest finalized number it or the node told.
struct Live {
	numbers: BoxStream<'static, Result<BlockNumber, ChainError>>,
	head: BlockNumber,
}

impl Follower {
	/// From block `from` on, or from the newest finalized one.
	pub fn new(backend: Arc<dyn Backend>, timing: Timing, from: Option<BlockNumber>) -> Self {
		Self { backend, timing, next: from, last: None, live: None }
	}

	/// The next finalized block. Waits as long as there is none, or no connection.
	///
	/// # Errors
	/// What trying again does not mend.
	pub async fn next(&mut self) -> Result<Finalized, ChainError> {
		let mut backoff = Backoff::new(self.timing.backoff);
		loop {
			match self.step().await {
				Ok(Some(block)) => return Ok(block),
				Ok(None) => backoff.reset(),
				Err(error) if error.is_retryable() => {
					self.live = None;
					let delay = backoff.next_delay();
					tracing::warn!(
						%error, next = ?self.next, retry_in_ms = delay.as_millis() as u64,
						"lost the finalized chain, connecting again"
					);
					tokio::time::sleep(delay).await;
				}
				Err(error) => return Err(error),
			}
		}
	}

	/// Whether all blocks that are known to be final were given.
	pub fn is_at_head(&self) -> bool {
		match (&self.live, self.next) {
			(Some(live), Some(next)) => next > live.head,
			_ => false,
		}
	}

	async fn step(&mut self) -> Result<Option<Finalized>, ChainError> {
		let Some(live) = self.live.as_mut() else {
			let live = self.subscribe().await?;
			self.next.get_or_insert(live.head);
			self.live = Some(live);
			return Ok(None);
		};
		let next = *self.next.get_or_insert(live.head);
		if next <= live.head {
			return self.fetch(next).await.map(Some);
		}
		match tokio::time::timeout(self.timing.subscription_silence, live.numbers.next()).await {
			Ok(Some(Ok(number))) => live.head = live.head.max(number),
			Ok(Some(Err(error))) => return Err(error),
			Ok(None) => return Err(ChainError::disconnected(self.backend.url(), "the subscription ended")),
			// Silence may be a chain that stands still or a connection that is dead: asking tells.
			Err(_) => self.live = None,
		}
		Ok(None)
	}

	async fn subscribe(&mut self) -> Result<Live, ChainError> {
		// First the subscription, then the head: what is finalized in between is in one of the two.
		let numbers = self.backend.finalized_numbers().await?;
		let hash = self.backend.finalized_head().await?;
		let head = self.header(hash, &format!("{hash:?}")).await?.number;
		Ok(Live { numbers, head })
	}

	async fn fetch(&mut self, number: BlockNumber) -> Result<Finalized, ChainError> {
		let hash = self.backend.block_hash(number).await?.ok_or_else(|| unavailable(&number.to_string()))?;
		let Header { number: found, parent_hash } = self.header(hash, &number.to_string()).await?;
		if found != number {
			return Err(ChainError::decode(
				format!("block {number}"),
				format!("the node sent block {found}"),
			));
		}
		if let Some(expected) = self.last.filter(|last| *last != parent_hash) {
			return Err(ChainError::HistoryChanged { number, expected, found: parent_hash });
		}
		self.last = Some(hash);
		self.next = number.checked_add(1);
		Ok(Finalized { number, hash, parent_hash })
	}

	async fn header(&mut self, hash: Hash, block: &str) -> Result<Header, ChainError> {
		self.backend.header(hash).await?.ok_or_else(|| unavailable(block))
	}
}

fn unavailable(block: &str) -> ChainError {
	ChainError::BlockUnavailable {
		block: block.into(),
		what: "the header".into(),
		reason: "it sent none".into(),
	}
}
