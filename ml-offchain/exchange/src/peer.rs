//! The peers, and what is shared by all that deals with them.

use crate::{
	asks::{Asks, Receipt, Refusal, Reply},
	message::{AskKind, Incoming, Payload, Want},
	metrics::{add, Counters, PeerLedger},
	protocol::Open,
	served::Served,
	wire::MEMORY_PER_PEER,
	writer,
};
use blyan_primitives::cid::Cid;
use blyan_store::Store;
use litep2p::{types::multiaddr::Multiaddr, PeerId};
use std::{
	collections::{hash_map::Entry, HashMap},
	future::Future,
	sync::{
		atomic::{AtomicBool, AtomicUsize, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
};
use tokio::sync::{mpsc, oneshot, Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Answers that are being read from disk at once. Whoever waits is served in the order of coming.
const MAX_READS: usize = 16;
/// Most entries of a want list that is sent.
const MAX_ASKS_PER_MESSAGE: usize = 512;
/// Most addresses that are remembered of a peer.
const MAX_ADDRESSES: usize = 8;

/// One peer.
pub(crate) struct Peer {
	pub(crate) id: PeerId,
	/// Bytes of its messages that may be in memory.
	pub(crate) memory: Semaphore,
	/// Streams that it opened and that are being read.
	pub(crate) inbound_streams: AtomicUsize,
	/// Its writer has something to do.
	pub(crate) wake: Notify,
	state: Mutex<State>,
}

#[derive(Default)]
struct State {
	asks: Asks,
	served: Served,
	addresses: Vec<Multiaddr>,
	bytes_sent: u64,
	bytes_received: u64,
	is_connected: bool,
	/// It has a writer.
	is_writing: bool,
	/// The writer has something in hand.
	is_busy: bool,
}

impl State {
	fn has_work(&self) -> bool {
		!self.asks.is_sent() || self.served.len() > 0
	}

	fn is_idle(&self) -> bool {
		!self.is_connected && !self.is_writing && self.asks.is_idle() && self.served.len() == 0
	}
}

/// What a writer sends next.
pub(crate) enum Work {
	Asks(Vec<(Cid, AskKind)>),
	Wants(Vec<Want>),
}

impl Peer {
	fn new(id: PeerId) -> Self {
		Self {
			id,
			memory: Semaphore::new(MEMORY_PER_PEER),
			inbound_streams: AtomicUsize::new(0),
			wake: Notify::new(),
			state: Mutex::default(),
		}
	}

	fn state(&self) -> MutexGuard<'_, State> {
		// Every change is a whole one: sound even if a thread died holding it.
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Questions go before answers: they are short, and somebody waits for them here.
	pub(crate) fn next_work(&self) -> Option<Work> {
		let mut state = self.state();
		state.is_busy = state.has_work();
		if !state.asks.is_sent() {
			return Some(Work::Asks(state.asks.take_unsent(MAX_ASKS_PER_MESSAGE)));
		}
		let batch = state.served.next_batch();
		(!batch.is_empty()).then_some(Work::Wants(batch))
	}

	/// Ends the writer, unless there is something to write.
	pub(crate) fn retire_writer(&self) -> bool {
		let mut state = self.state();
		state.is_writing = state.has_work();
		!state.is_writing
	}

	pub(crate) fn addresses(&self) -> Vec<Multiaddr> {
		self.state().addresses.clone()
	}

	pub(crate) fn sent(&self, bytes: u64) {
		self.state().bytes_sent += bytes;
	}
}

/// What every part of a network shares.
pub(crate) struct Shared {
	pub(crate) store: Store,
	pub(crate) counters: Counters,
	pub(crate) opens: mpsc::Sender<Open>,
	pub(crate) reads: Semaphore,
	pub(crate) stop: CancellationToken,
	pub(crate) tasks: TaskTracker,
	/// No more wants are taken.
	is_draining: AtomicBool,
	peers: Mutex<HashMap<PeerId, Arc<Peer>>>,
}

impl Shared {
	pub(crate) fn new(store: Store, opens: mpsc::Sender<Open>) -> Arc<Self> {
		Arc::new(Self {
			store,
			counters: Counters::default(),
			opens,
			reads: Semaphore::new(MAX_READS),
			stop: CancellationToken::new(),
			tasks: TaskTracker::new(),
			is_draining: AtomicBool::new(false),
			peers: Mutex::default(),
		})
	}

	/// Runs until it ends or the network stops.
	pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
		let stop = self.stop.clone();
		self.tasks.spawn(async move {
			tokio::select! {
				() = stop.cancelled() => {}
				() = task => {}
			}
		});
	}

	fn peers(&self) -> MutexGuard<'_, HashMap<PeerId, Arc<Peer>>> {
		self.peers.lock().unwrap_or_else(PoisonError::into_inner)
	}

	pub(crate) fn connected(&self, id: PeerId) -> Arc<Peer> {
		let mut peers = self.peers();
		let peer = peers.entry(id).or_insert_with(|| Arc::new(Peer::new(id))).clone();
		peer.state().is_connected = true;
		peer
	}

	/// Every question to the peer fails, and nothing more is sent to it.
	pub(crate) fn disconnected(&self, id: &PeerId) {
		let mut peers = self.peers();
		let Entry::Occupied(entry) = peers.entry(*id) else { return };
		{
			let mut state = entry.get().state();
			state.is_connected = false;
			state.served.clear();
			state.asks.refuse_all(&Refusal::Lost("the connection was closed".into()));
		}
		forget_if_idle(entry);
	}

	/// The peer's writer ended because the peer cannot be written to.
	pub(crate) fn unreachable(&self, id: &PeerId, why: String) {
		let mut peers = self.peers();
		let Entry::Occupied(entry) = peers.entry(*id) else { return };
		{
			let mut state = entry.get().state();
			state.is_writing = false;
			state.is_busy = false;
			state.served.clear();
			state.asks.refuse_all(&Refusal::Lost(why));
		}
		forget_if_idle(entry);
	}

	/// The peer's writer ended because there was nothing to write.
	pub(crate) fn retired(&self, id: &PeerId) {
		if let Entry::Occupied(entry) = self.peers().entry(*id) {
			forget_if_idle(entry);
		}
	}

	/// Asks a peer for a block; the number withdraws the question.
	pub(crate) fn ask(
		self: &Arc<Self>,
		id: PeerId,
		address: &Multiaddr,
		cid: Cid,
	) -> (u64, oneshot::Receiver<Reply>) {
		// Held until the question stands: a peer that nobody has anything to do with is forgotten.
		let mut peers = self.peers();
		let peer = peers.entry(id).or_insert_with(|| Arc::new(Peer::new(id)));
		let mut state = peer.state();
		if !state.addresses.contains(address) {
			// The newest are likelier to be right.
			if state.addresses.len() >= MAX_ADDRESSES {
				state.addresses.remove(0);
			}
			state.addresses.push(address.clone());
		}
		let asked = state.asks.ask(cid);
		if self.stop.is_cancelled() {
			state.asks.refuse_all(&stopped());
		}
		self.wake(peer, state);
		asked
	}

	pub(crate) fn withdraw(self: &Arc<Self>, id: &PeerId, cid: &Cid, number: u64) {
		let Some(peer) = self.peers().get(id).cloned() else { return };
		let mut state = peer.state();
		state.asks.withdraw(cid, number);
		self.wake(&peer, state);
	}

	/// Deals with a message.
	pub(crate) fn received(self: &Arc<Self>, peer: &Arc<Peer>, message: Incoming) {
		let mut state = peer.state();
		for payload in message.payload {
			let block = match payload {
				Payload::Block(block) => block,
				Payload::Foreign(bytes) => {
					add(&self.counters.wrong_blocks, 1);
					state.asks.refuse_all(&Refusal::Wrong(bytes));
					continue;
				}
			};
			let bytes = block.bytes().len() as u64;
			match state.asks.received(&block) {
				Receipt::Wanted => {
					add(&self.counters.blocks_received, 1);
					add(&self.counters.bytes_received, bytes);
					state.bytes_received += bytes;
				}
				Receipt::Late => add(&self.counters.duplicates, 1),
				Receipt::Unasked => {
					add(&self.counters.wrong_blocks, 1);
					state.asks.refuse_all(&Refusal::Wrong(bytes as usize));
				}
			}
		}
		for cid in message.not_there {
			state.asks.not_there(&cid);
		}
		if !self.is_draining.load(Ordering::Relaxed) {
			let refused = state.served.apply(message.is_full, message.entries);
			add(&self.counters.wants_refused, refused);
		}
		self.wake(peer, state);
	}

	/// Sees to it that what there is to write is written.
	fn wake(self: &Arc<Self>, peer: &Arc<Peer>, mut state: MutexGuard<'_, State>) {
		if !state.has_work() {
			return;
		}
		if state.is_writing {
			peer.wake.notify_one();
		} else {
			state.is_writing = true;
			self.spawn(writer::run(self.clone(), peer.clone()));
		}
	}

	/// Ends every task, and every question.
	pub(crate) fn stop(&self) {
		self.stop.cancel();
		for peer in self.peers().values() {
			peer.state().asks.refuse_all(&stopped());
		}
	}

	/// Takes no more wants; those that wait are still answered.
	pub(crate) fn drain(&self) {
		self.is_draining.store(true, Ordering::Relaxed);
	}

	/// Whether no peer waits for an answer.
	pub(crate) fn is_drained(&self) -> bool {
		self.peers().values().all(|peer| {
			let state = peer.state();
			!state.is_busy && !state.has_work()
		})
	}

	/// What was exchanged with each connected peer.
	pub(crate) fn ledgers(&self) -> Vec<PeerLedger> {
		let peers = self.peers();
		let ledger = |peer: &Arc<Peer>| {
			let state = peer.state();
			state.is_connected.then_some(PeerLedger {
				peer: peer.id,
				bytes_sent: state.bytes_sent,
				bytes_received: state.bytes_received,
				wants: state.served.len(),
			})
		};
		peers.values().filter_map(ledger).collect()
	}
}

fn stopped() -> Refusal {
	Refusal::Lost("this node has stopped".into())
}

fn forget_if_idle(entry: std::collections::hash_map::OccupiedEntry<'_, PeerId, Arc<Peer>>) {
	if entry.get().state().is_idle() {
		entry.remove();
	}
}
