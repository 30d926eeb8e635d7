//! Nodes to exchange with: this project's, and litep2p's own Bitswap as another implementation.

#![allow(dead_code)]

use blyan_exchange::{Identity, Network, NetworkConfig, PeerAddress, Provider};
use blyan_primitives::cid::Cid;
use blyan_store::{FetchOptions, Store};
use bytes::Bytes;
use futures::StreamExt;
use litep2p::{
	codec::ProtocolCodec,
	config::ConfigBuilder,
	protocol::{
		libp2p::bitswap::{self, BitswapEvent, BlockPresenceType, ResponseType, WantType},
		Direction, TransportEvent, TransportService, UserProtocol,
	},
	substream::Substream,
	transport::tcp,
	types::protocol::ProtocolName,
	Litep2p, PeerId,
};
use std::{
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::task::JoinHandle;

/// Bytes of which every leaf differs from every other.
pub fn sample(length: usize) -> Vec<u8> {
	(0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

pub fn store() -> (tempfile::TempDir, Store) {
	let folder = tempfile::tempdir().unwrap();
	let store = Store::open(folder.path()).unwrap();
	(folder, store)
}

pub fn options() -> FetchOptions {
	FetchOptions {
		timeout_total: Duration::from_secs(60),
		timeout_per_block: Duration::from_secs(10),
		second_after: Duration::from_secs(2),
		max_bytes: 1 << 30,
		parallel: 8,
	}
}

pub async fn node(store: &Store) -> Network {
	node_with(store, NetworkConfig::default()).await
}

pub async fn node_with(store: &Store, config: NetworkConfig) -> Network {
	Network::start(store.clone(), Identity::ephemeral(), config).await.unwrap()
}

pub fn provider(node: &Network) -> Provider {
	Provider::Peer(node.addresses()[0].clone())
}

/// What a foreign peer does with a want, given how many came before: its answers.
pub type Conduct = Arc<dyn Fn(usize, Cid, Option<Vec<u8>>) -> Vec<ResponseType> + Send + Sync>;

/// A node with litep2p's Bitswap. Aborting its task takes it off the network.
pub struct Foreign {
	pub provider: Provider,
	pub wants: Arc<AtomicUsize>,
	task: JoinHandle<()>,
}

impl Foreign {
	pub fn vanish(&self) {
		self.task.abort();
	}
}

impl Drop for Foreign {
	fn drop(&mut self) {
		self.task.abort();
	}
}

pub fn wire_cid(cid: &Cid) -> litep2p::types::cid::Cid {
	litep2p::types::cid::Cid::read_bytes(&cid.to_bytes()[..]).unwrap()
}

pub fn own_cid(cid: &litep2p::types::cid::Cid) -> Cid {
	Cid::from_bytes(&cid.to_bytes()).unwrap()
}

pub fn listening() -> tcp::config::Config {
	tcp::config::Config {
		listen_addresses: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
		..Default::default()
	}
}

/// Serves the store as `conduct` says.
pub fn foreign(
	store: &Store,
	conduct: impl Fn(usize, Cid, Option<Vec<u8>>) -> Vec<ResponseType> + Send + Sync + 'static,
) -> Foreign {
	let (config, mut bitswap) = bitswap::Config::new();
	let config = ConfigBuilder::new().with_tcp(listening()).with_libp2p_bitswap(config).build();
	let mut node = Litep2p::new(config).unwrap();
	let address: PeerAddress = node.listen_addresses().next().unwrap().clone().try_into().unwrap();
	let (store, wants) = (store.clone(), Arc::new(AtomicUsize::new(0)));
	let counted = wants.clone();
	let task = tokio::spawn(async move {
		loop {
			tokio::select! {
				_ = node.next_event() => {}
				event = bitswap.next() => match event {
					Some(BitswapEvent::Request { peer, cids }) => {
						for (cid, _) in cids {
							let before = counted.fetch_add(1, Ordering::SeqCst);
							let cid = own_cid(&cid);
							let answers = conduct(before, cid, store.block(&cid).unwrap());
							if !answers.is_empty() {
								bitswap.send_response(peer, answers).await;
							}
						}
					}
					Some(BitswapEvent::Response { .. }) => {}
					None => return,
				}
			}
		}
	});
	Foreign { provider: Provider::Peer(address), wants, task }
}

pub fn honest(_: usize, cid: Cid, block: Option<Vec<u8>>) -> Vec<ResponseType> {
	let cid = wire_cid(&cid);
	vec![match block {
		Some(block) => ResponseType::Block { cid, block },
		None => ResponseType::Presence { cid, presence: BlockPresenceType::DontHave },
	}]
}

/// Wrong bytes under the right name: only the bytes travel.
pub fn lie(_: usize, cid: Cid, block: Option<Vec<u8>>) -> Vec<ResponseType> {
	let mut block = block.unwrap();
	block[0] ^= 1;
	vec![ResponseType::Block { cid: wire_cid(&cid), block }]
}

pub fn stall(_: usize, _: Cid, _: Option<Vec<u8>>) -> Vec<ResponseType> {
	Vec::new()
}

pub fn lack(_: usize, cid: Cid, _: Option<Vec<u8>>) -> Vec<ResponseType> {
	vec![ResponseType::Presence { cid: wire_cid(&cid), presence: BlockPresenceType::DontHave }]
}

/// A node with litep2p's Bitswap that asks.
pub struct Asker {
	bitswap: bitswap::BitswapHandle,
	peer: PeerId,
	task: JoinHandle<()>,
}

impl Drop for Asker {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Asker {
	pub fn of(node: &Network) -> Self {
		let (config, bitswap) = bitswap::Config::new();
		let address = node.addresses()[0].clone();
		let config = ConfigBuilder::new()
			.with_tcp(listening())
			.with_libp2p_bitswap(config)
			.with_known_addresses([(address.peer(), vec![address.multiaddr()])].into_iter())
			.build();
		let mut litep2p = Litep2p::new(config).unwrap();
		let task = tokio::spawn(async move { while litep2p.next_event().await.is_some() {} });
		Self { bitswap, peer: address.peer(), task }
	}

	pub async fn ask(&mut self, cids: &[Cid], kind: WantType) {
		let cids = cids.iter().map(|cid| (wire_cid(cid), kind)).collect();
		self.bitswap.send_request(self.peer, cids).await;
	}

	/// The next answers; none if there are none within the time.
	pub async fn answers(&mut self, within: Duration) -> Vec<ResponseType> {
		let next = async {
			loop {
				match self.bitswap.next().await {
					Some(BitswapEvent::Response { responses, .. }) => return responses,
					Some(BitswapEvent::Request { .. }) => {}
					None => return Vec::new(),
				}
			}
		};
		tokio::time::timeout(within, next).await.unwrap_or_default()
	}
}

/// Says one thing, and reads nothing of what it is answered.
struct Deaf {
	node: PeerAddress,
	message: Bytes,
	streams: Vec<Substream>,
}

#[async_trait::async_trait]
impl UserProtocol for Deaf {
	fn protocol(&self) -> ProtocolName {
		ProtocolName::from("/ipfs/bitswap/1.2.0")
	}

	fn codec(&self) -> ProtocolCodec {
		ProtocolCodec::UnsignedVarint(None)
	}

	async fn run(mut self: Box<Self>, mut service: TransportService) -> litep2p::Result<()> {
		service.dial_address(self.node.multiaddr()).unwrap();
		while let Some(event) = service.next().await {
			match event {
				TransportEvent::ConnectionEstablished { peer, .. } => {
					service.open_substream(peer).unwrap();
				}
				TransportEvent::SubstreamOpened { direction, mut substream, .. } => {
					if matches!(direction, Direction::Outbound(_)) {
						substream.send_framed(self.message.clone()).await.unwrap();
					}
					self.streams.push(substream);
				}
				_ => {}
			}
		}
		Ok(())
	}
}

/// Runs until it is aborted.
pub fn deaf(node: &Network, message: Vec<u8>) -> JoinHandle<()> {
	let deaf = Deaf { node: node.addresses()[0].clone(), message: message.into(), streams: Vec::new() };
	let config = ConfigBuilder::new().with_tcp(listening()).with_user_protocol(Box::new(deaf)).build();
	let mut litep2p = Litep2p::new(config).unwrap();
	tokio::spawn(async move { while litep2p.next_event().await.is_some() {} })
}

/// A want list as the specification has it.
pub fn want_list(cids: &[Cid]) -> Vec<u8> {
	fn with_length(tag: u8, bytes: &[u8]) -> Vec<u8> {
		let mut message = vec![tag];
		prost::encoding::encode_varint(bytes.len() as u64, &mut message);
		message.extend_from_slice(bytes);
		message
	}
	let entries = cids.iter().flat_map(|cid| with_length(0x0a, &with_length(0x0a, &cid.to_bytes())));
	with_length(0x0a, &entries.collect::<Vec<u8>>())
}
