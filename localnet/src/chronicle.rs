//! What has happened on the chain, as far as it is final: events in order, and when blocks came.

use crate::observe::{now_ms, BlockTime};
use anyhow::{anyhow, Result};
use blyan_chain_client::{Chain, ChainEvent, FinalizedBlock};
use blyan_primitives::{BlockNumber, Moment};
use futures::StreamExt;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::{sync::watch, task::JoinHandle};

/// An event, and the block it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
	/// The block's height.
	pub block: BlockNumber,
	/// What happened.
	pub event: ChainEvent,
}

#[derive(Default)]
struct Pages {
	entries: Vec<Entry>,
	times: Vec<BlockTime>,
	/// Why nothing is added any more.
	ended: Option<String>,
}

/// The finalized events from the first block on, so that a run that was broken off finds what it had
/// done. Meant for the minutes of a demonstration: it grows with the chain.
pub struct Chronicle {
	pages: Mutex<Pages>,
	/// Blocks written so far.
	written: watch::Sender<u64>,
}

impl Chronicle {
	fn new() -> Self {
		Self { pages: Mutex::default(), written: watch::Sender::new(0) }
	}

	/// Begins to write down the chain.
	///
	/// # Errors
	/// The chain cannot be read.
	pub async fn follow(chain: &Arc<dyn Chain>) -> Result<(Arc<Self>, Scribe)> {
		let old = chain.finalized_head().await?.number;
		let chronicle = Arc::new(Self::new());
		let mut blocks = chain.finalized_blocks(Some(1));
		let page = chronicle.clone();
		let task = tokio::spawn(async move {
			let mut end = "the stream of finalized blocks ended".to_string();
			while let Some(block) = blocks.next().await {
				match block {
					// Blocks that were final before we came tell nothing about the lag.
					Ok(block) => page.write((block.number > old).then(now_ms), block),
					Err(error) => {
						end = error.to_string();
						break;
					}
				}
			}
			page.pages().ended = Some(end);
			page.written.send_modify(|_| ());
		});
		Ok((chronicle, Scribe(task)))
	}

	fn write(&self, final_at_ms: Option<Moment>, block: FinalizedBlock) {
		let FinalizedBlock { number, timestamp_ms, events, .. } = block;
		let mut pages = self.pages();
		pages.times.push(BlockTime { number, timestamp_ms, final_at_ms });
		pages.entries.extend(events.into_iter().map(|event| Entry { block: number, event }));
		drop(pages);
		self.written.send_modify(|blocks| *blocks += 1);
	}

	fn pages(&self) -> MutexGuard<'_, Pages> {
		self.pages.lock().expect("nothing panics while it holds the lock; qed")
	}

	/// Reads what is there.
	pub fn read<T>(&self, read: impl FnOnce(&[Entry]) -> T) -> T {
		read(&self.pages().entries)
	}

	/// When the blocks came.
	pub fn times(&self) -> Vec<BlockTime> {
		self.pages().times.clone()
	}

	/// Looks again after each block, until something is found.
	///
	/// # Errors
	/// The chain cannot be followed any more.
	pub async fn wait_for<T>(&self, mut find: impl FnMut(&[Entry]) -> Option<T>) -> Result<T> {
		self.wait(|pages| find(&pages.entries)).await
	}

	/// Waits for a block to become final under our eyes.
	///
	/// # Errors
	/// As [`Self::wait_for`].
	pub async fn first_live_block(&self) -> Result<BlockNumber> {
		self.wait(|pages| pages.times.iter().find(|time| time.final_at_ms.is_some()).map(|time| time.number))
			.await
	}

	/// Waits until a block above that height is final.
	///
	/// # Errors
	/// As [`Self::wait_for`].
	pub async fn newest_above(&self, height: BlockNumber) -> Result<BlockNumber> {
		self.wait(|pages| pages.times.last().map(|time| time.number).filter(|number| *number > height)).await
	}

	async fn wait<T>(&self, mut find: impl FnMut(&Pages) -> Option<T>) -> Result<T> {
		let mut written = self.written.subscribe();
		loop {
			{
				let pages = self.pages();
				if let Some(found) = find(&pages) {
					return Ok(found);
				}
				if let Some(reason) = &pages.ended {
					return Err(anyhow!("the chain cannot be followed: {reason}"));
				}
			}
			// Cannot fail: the sender is `self`.
			let _ = written.changed().await;
		}
	}
}

/// The task that writes; ends when dropped.
pub struct Scribe(JoinHandle<()>);

impl Drop for Scribe {
	fn drop(&mut self) {
		self.0.abort();
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::Hash;
	use std::time::Duration;

	fn block(number: BlockNumber, events: Vec<ChainEvent>) -> FinalizedBlock {
		FinalizedBlock { number, hash: Hash::zero(), timestamp_ms: u64::from(number) * 2_000, events }
	}

	fn epoch(epoch: u32) -> ChainEvent {
		ChainEvent::EpochStarted { epoch, issuance: 1 }
	}

	fn find(wanted: u32) -> impl FnMut(&[Entry]) -> Option<BlockNumber> {
		move |entries| entries.iter().find(|entry| entry.event == epoch(wanted)).map(|entry| entry.block)
	}

	#[tokio::test]
	async fn wait_for_should_find_what_was_and_what_comes() {
		let chronicle = Arc::new(Chronicle::new());
		chronicle.write(None, block(1, vec![epoch(0)]));
		assert_eq!(chronicle.wait_for(find(0)).await.unwrap(), 1);
		let waiting = tokio::spawn({
			let chronicle = chronicle.clone();
			async move { chronicle.wait_for(find(1)).await.unwrap() }
		});
		let first_live = tokio::spawn({
			let chronicle = chronicle.clone();
			async move { chronicle.first_live_block().await.unwrap() }
		});
		tokio::time::sleep(Duration::from_millis(20)).await;
		assert!(!waiting.is_finished() && !first_live.is_finished());
		chronicle.write(Some(5_000), block(2, Vec::new()));
		chronicle.write(Some(7_000), block(3, vec![epoch(1)]));
		assert_eq!((waiting.await.unwrap(), first_live.await.unwrap()), (3, 2));
		assert_eq!(chronicle.times().len(), 3);
	}

	#[tokio::test]
	async fn wait_for_should_fail_when_the_chain_cannot_be_followed() {
		let chronicle = Chronicle::new();
		chronicle.write(None, block(1, vec![epoch(0)]));
		chronicle.pages().ended = Some("finalized history changed".into());
		assert_eq!(chronicle.wait_for(find(0)).await.unwrap(), 1, "what was found before counts");
		let message = chronicle.wait_for(find(1)).await.unwrap_err().to_string();
		assert!(message.contains("finalized history changed"), "{message}");
	}
}
