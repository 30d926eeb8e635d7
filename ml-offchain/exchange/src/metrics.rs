//! What was exchanged.

use litep2p::PeerId;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a network exchanged since it started.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Metrics {
	/// Blocks sent.
	pub blocks_sent: u64,
	/// Their bytes.
	pub bytes_sent: u64,
	/// Blocks received that were waited for.
	pub blocks_received: u64,
	/// Their bytes.
	pub bytes_received: u64,
	/// Blocks received that had been asked for, and were no longer waited for.
	pub duplicates: u64,
	/// Blocks received that nobody asked their sender for.
	pub wrong_blocks: u64,
	/// Wants that were not taken because their peer had too many.
	pub wants_refused: u64,
	/// Messages that could not be understood, or broke a bound.
	pub bad_messages: u64,
	/// Downloads begun.
	pub sessions: u64,
	/// Peers that are connected now.
	pub peers: u64,
}

/// What was exchanged with one peer since it connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerLedger {
	/// The peer.
	pub peer: PeerId,
	/// Bytes of blocks sent to it.
	pub bytes_sent: u64,
	/// Bytes of blocks received from it that were waited for.
	pub bytes_received: u64,
	/// Wants of it that are not answered yet.
	pub wants: usize,
}

/// The counters behind [`Metrics`].
#[derive(Default, Debug)]
pub(crate) struct Counters {
	pub(crate) blocks_sent: AtomicU64,
	pub(crate) bytes_sent: AtomicU64,
	pub(crate) blocks_received: AtomicU64,
	pub(crate) bytes_received: AtomicU64,
	pub(crate) duplicates: AtomicU64,
	pub(crate) wrong_blocks: AtomicU64,
	pub(crate) wants_refused: AtomicU64,
	pub(crate) bad_messages: AtomicU64,
	pub(crate) sessions: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, amount: u64) {
	counter.fetch_add(amount, Ordering::Relaxed);
}

impl Counters {
	pub(crate) fn snapshot(&self, peers: u64) -> Metrics {
		let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
		Metrics {
			blocks_sent: read(&self.blocks_sent),
			bytes_sent: read(&self.bytes_sent),
			blocks_received: read(&self.blocks_received),
			bytes_received: read(&self.bytes_received),
			duplicates: read(&self.duplicates),
			wrong_blocks: read(&self.wrong_blocks),
			wants_refused: read(&self.wants_refused),
			bad_messages: read(&self.bad_messages),
			sessions: read(&self.sessions),
			peers,
		}
	}
}
