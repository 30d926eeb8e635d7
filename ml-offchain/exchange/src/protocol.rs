//! Streams: those that peers open are read, those that writers ask for are opened.
//!
//! The loop itself never waits for a peer: whatever may take time is a task of its own.

use crate::{
	message::Incoming,
	metrics::add,
	peer::{Peer, Shared},
	wire::read_message,
};
use futures::StreamExt;
use litep2p::{
	codec::ProtocolCodec,
	error::ImmediateDialError,
	protocol::{Direction, TransportEvent, TransportService, UserProtocol},
	substream::Substream,
	types::{multiaddr::Multiaddr, protocol::ProtocolName, SubstreamId},
	PeerId,
};
use std::{
	collections::HashMap,
	sync::{atomic::Ordering, Arc},
};
use tokio::sync::{mpsc, oneshot};

/// The protocol's name on the wire.
pub(crate) const PROTOCOL: &str = "/ipfs/bitswap/1.2.0";
/// Most streams of one peer that are read at once; some implementations open one for each message.
const MAX_INBOUND_STREAMS: usize = 32;

/// A stream to a peer is needed.
pub(crate) struct Open {
	pub(crate) peer: PeerId,
	/// Where it may be reached, if it is not connected.
	pub(crate) addresses: Vec<Multiaddr>,
	pub(crate) reply: Opened,
}

/// Who waits for a stream.
type Opened = oneshot::Sender<Result<Substream, String>>;

pub(crate) struct Bitswap {
	shared: Arc<Shared>,
	opens: mpsc::Receiver<Open>,
	/// Those who wait for a connection.
	dialling: HashMap<PeerId, Vec<Opened>>,
	/// Those who wait for a stream on a connection.
	opening: HashMap<SubstreamId, Opened>,
}

impl Bitswap {
	pub(crate) fn new(shared: Arc<Shared>, opens: mpsc::Receiver<Open>) -> Self {
		Self { shared, opens, dialling: HashMap::new(), opening: HashMap::new() }
	}

	fn open(&mut self, service: &mut TransportService, request: Open) {
		let Open { peer, addresses, reply } = request;
		match service.open_substream(peer) {
			Ok(id) => {
				self.opening.insert(id, reply);
				return;
			}
			Err(error) => tracing::trace!(%peer, %error, "not connected yet"),
		}
		service.add_known_address(&peer, addresses.into_iter());
		match service.dial(&peer) {
			// Connected just now: the event is on its way.
			Ok(()) | Err(ImmediateDialError::AlreadyConnected) => {
				let waiting = self.dialling.entry(peer).or_default();
				// Who gave up waiting does not pile up.
				waiting.retain(|reply| !reply.is_closed());
				waiting.push(reply);
			}
			Err(error) => {
				let _ = reply.send(Err(error.to_string()));
			}
		}
	}

	fn on_connected(&mut self, service: &mut TransportService, peer: PeerId) {
		self.shared.connected(peer);
		for reply in self.dialling.remove(&peer).unwrap_or_default() {
			match service.open_substream(peer) {
				Ok(id) => {
					self.opening.insert(id, reply);
				}
				Err(error) => {
					let _ = reply.send(Err(error.to_string()));
				}
			}
		}
	}

	fn on_event(&mut self, service: &mut TransportService, event: TransportEvent) {
		match event {
			TransportEvent::ConnectionEstablished { peer, .. } => self.on_connected(service, peer),
			TransportEvent::ConnectionClosed { peer } => self.shared.disconnected(&peer),
			TransportEvent::DialFailure { peer, .. } => {
				for reply in self.dialling.remove(&peer).unwrap_or_default() {
					let _ = reply.send(Err("it cannot be reached".into()));
				}
			}
			TransportEvent::SubstreamOpened { peer, direction, substream, .. } => match direction {
				Direction::Inbound => self.on_inbound(peer, substream),
				Direction::Outbound(id) => {
					if let Some(reply) = self.opening.remove(&id) {
						// Who gave up waiting lets go of the stream, which closes it.
						let _ = reply.send(Ok(substream));
					}
				}
			},
			TransportEvent::SubstreamOpenFailure { substream, error } => {
				if let Some(reply) = self.opening.remove(&substream) {
					let _ = reply.send(Err(error.to_string()));
				}
			}
		}
	}

	fn on_inbound(&self, id: PeerId, substream: Substream) {
		let peer = self.shared.connected(id);
		if peer.inbound_streams.fetch_add(1, Ordering::Relaxed) >= MAX_INBOUND_STREAMS {
			peer.inbound_streams.fetch_sub(1, Ordering::Relaxed);
			add(&self.shared.counters.bad_messages, 1);
			return;
		}
		let shared = self.shared.clone();
		self.shared.spawn(async move {
			read(&shared, &peer, substream).await;
			peer.inbound_streams.fetch_sub(1, Ordering::Relaxed);
		});
	}
}

/// Reads a stream to its end, or to the first message that is none.
async fn read(shared: &Arc<Shared>, peer: &Arc<Peer>, mut substream: Substream) {
	loop {
		let (bytes, _memory) = match read_message(&mut substream, &peer.memory).await {
			Ok(Some(message)) => message,
			Ok(None) => break,
			Err(error) => {
				tracing::debug!(peer = %peer.id, %error, "a stream broke");
				break;
			}
		};
		match Incoming::decode(bytes) {
			Ok(message) => shared.received(peer, message),
			Err(error) => {
				add(&shared.counters.bad_messages, 1);
				tracing::debug!(peer = %peer.id, %error, "a message was not understood");
				break;
			}
		}
	}
}

#[async_trait::async_trait]
impl UserProtocol for Bitswap {
	fn protocol(&self) -> ProtocolName {
		ProtocolName::from(PROTOCOL)
	}

	fn codec(&self) -> ProtocolCodec {
		// Messages are framed by `wire`, which bounds what they take in memory.
		ProtocolCodec::Unspecified
	}

	async fn run(mut self: Box<Self>, mut service: TransportService) -> litep2p::Result<()> {
		let stop = self.shared.stop.clone();
		loop {
			tokio::select! {
				() = stop.cancelled() => return Ok(()),
				event = service.next() => match event {
					Some(event) => self.on_event(&mut service, event),
					None => return Ok(()),
				},
				Some(request) = self.opens.recv() => self.open(&mut service, request),
			}
		}
	}
}
