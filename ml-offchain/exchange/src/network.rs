//! The node: its start, its handle, and its end.

use crate::{
	address::{PeerAddress, Provider},
	dht::{next_event, Dht, MAX_PROVIDER_ADDRESSES},
	error::NetworkError,
	identity::Identity,
	metrics::{add, Metrics, PeerLedger},
	peer::Shared,
	protocol::Bitswap,
	source::PeerSource,
};
use blyan_primitives::cid::Cid;
use blyan_store::{fetch_from, BlockSource, FetchError, FetchOptions, HttpClient, Store};
use futures::{Stream, StreamExt};
use litep2p::{
	config::ConfigBuilder,
	executor::Executor,
	protocol::libp2p::{
		identify::{self, IdentifyEvent},
		ping,
	},
	transport::{tcp, ConnectionLimitsConfig},
	types::multiaddr::{Multiaddr, Protocol},
	Litep2p, Litep2pEvent, PeerId,
};
use std::{
	fmt,
	future::Future,
	io,
	net::{SocketAddr, TcpListener},
	path::PathBuf,
	pin::Pin,
	sync::Arc,
	time::Duration,
};
use tokio::{
	sync::{mpsc, oneshot},
	time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Requests to open a stream that wait to be looked at.
const OPEN_QUEUE: usize = 256;
/// Calls of the handle that wait to be looked at.
const COMMAND_QUEUE: usize = 256;
/// A connection over which nothing happens for this long is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(120);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the store is looked at for content to announce.
const ANNOUNCE_PERIOD: Duration = Duration::from_secs(5);
/// How long what was written last may take to leave this machine, when all is stopped.
const FLUSH_GRACE: Duration = Duration::from_millis(200);
/// How often is looked whether everything was answered, when all is stopped.
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// What a node is told at its start.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
	/// Where to listen; port 0 takes any free one.
	pub listen: SocketAddr,
	/// Where others reach this node, if that is not where it listens.
	pub external: Option<Multiaddr>,
	/// The name of the DHT's protocol; without one there is no DHT. See [`crate::dht_protocol`].
	pub dht: Option<String>,
	/// Most connections that others open.
	pub max_inbound_connections: usize,
	/// Most connections that this node opens.
	pub max_outbound_connections: usize,
}

impl Default for NetworkConfig {
	fn default() -> Self {
		Self {
			listen: SocketAddr::from(([127, 0, 0, 1], 0)),
			external: None,
			dht: None,
			max_inbound_connections: 128,
			max_outbound_connections: 128,
		}
	}
}

enum Command {
	Provide(Cid),
	Unprovide(Cid),
	Providers(Cid, oneshot::Sender<Vec<PeerAddress>>),
	Peers(Vec<PeerAddress>),
}

/// A running node. Cheap to clone; the last clone stops it at once, [`Network::shutdown`] lets it finish.
#[derive(Clone)]
pub struct Network {
	inner: Arc<Inner>,
}

struct Inner {
	shared: Arc<Shared>,
	commands: mpsc::Sender<Command>,
	addresses: Vec<PeerAddress>,
	http: HttpClient,
	identity: Identity,
	/// Everything that litep2p runs.
	background: TaskTracker,
}

impl Drop for Inner {
	fn drop(&mut self) {
		self.shared.stop();
	}
}

impl fmt::Debug for Network {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("Network").field("addresses", &self.inner.addresses).finish_non_exhaustive()
	}
}

/// Runs what litep2p starts, for as long as the network lives.
struct Background {
	stop: CancellationToken,
	tasks: TaskTracker,
}

impl Executor for Background {
	fn run(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
		let stop = self.stop.clone();
		self.tasks.spawn(async move {
			tokio::select! {
				() = stop.cancelled() => {}
				() = future => {}
			}
		});
	}

	fn run_with_name(&self, _: &'static str, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
		self.run(future);
	}
}

impl Network {
	/// Starts a node that serves that store.
	///
	/// # Errors
	/// See [`NetworkError`].
	pub async fn start(
		store: Store,
		identity: Identity,
		config: NetworkConfig,
	) -> Result<Self, NetworkError> {
		let http = HttpClient::new().map_err(|error| NetworkError::Listen {
			listen: config.listen,
			source: io::Error::other(error),
		})?;
		check_free(config.listen)?;
		let (opens, open_requests) = mpsc::channel(OPEN_QUEUE);
		let shared = Shared::new(store, opens);
		// Should anything below fail, what was started is stopped.
		let guard = shared.stop.clone().drop_guard();
		let background = TaskTracker::new();
		let executor = Background { stop: shared.stop.clone(), tasks: background.clone() };
		let (identify, identified) = identify::Config::new(
			"/blyan/1.0.0".into(),
			Some(concat!("blyan/", env!("CARGO_PKG_VERSION")).into()),
		);
		let (ping, pings) = ping::ConfigBuilder::new().build();
		let mut builder = ConfigBuilder::new()
			.with_keypair(identity.keypair())
			.with_tcp(tcp::config::Config {
				listen_addresses: vec![to_multiaddr(config.listen)],
				// Two programs that listen on one port would share its connections.
				reuse_port: false,
				nodelay: true,
				connection_open_timeout: CONNECT_TIMEOUT,
				..Default::default()
			})
			.with_connection_limits(
				ConnectionLimitsConfig::default()
					.max_incoming_connections(Some(config.max_inbound_connections))
					.max_outgoing_connections(Some(config.max_outbound_connections)),
			)
			.with_keep_alive_timeout(KEEP_ALIVE)
			.with_libp2p_identify(identify)
			.with_libp2p_ping(ping)
			.with_executor(Arc::new(executor))
			.with_user_protocol(Box::new(Bitswap::new(shared.clone(), open_requests)));
		let mut dht = None;
		if let Some(name) = &config.dht {
			let (dht_config, started) = Dht::new(name);
			builder = builder.with_libp2p_kademlia(dht_config);
			dht = Some(started);
		}
		let litep2p = Litep2p::new(builder.build())?;
		let listening: Vec<Multiaddr> = litep2p.listen_addresses().cloned().collect();
		if listening.is_empty() {
			return Err(NetworkError::PortTaken { listen: config.listen });
		}
		let told = match config.external {
			Some(address) => vec![address],
			None => listening,
		};
		let mut addresses = Vec::new();
		for address in told {
			let refused = || NetworkError::External { address: address.clone() };
			let whole = PeerAddress::of(identity.peer(), address.clone()).map_err(|_| refused())?;
			litep2p.public_addresses().add_address(whole.multiaddr()).map_err(|_| refused())?;
			addresses.push(whole);
		}
		let (commands, received) = mpsc::channel(COMMAND_QUEUE);
		let driver = Driver { litep2p, identified, pings, dht, commands: received };
		shared.spawn(driver.run(shared.store.clone()));
		guard.disarm();
		tracing::info!(?addresses, "exchanging content");
		Ok(Self { inner: Arc::new(Inner { shared, commands, addresses, http, identity, background }) })
	}

	/// Who this node is.
	pub fn peer_id(&self) -> PeerId {
		self.inner.identity.peer()
	}

	/// Where others reach this node.
	pub fn addresses(&self) -> &[PeerAddress] {
		&self.inner.addresses
	}

	/// The store that is served.
	pub fn store(&self) -> &Store {
		&self.inner.shared.store
	}

	/// That provider as a source of blocks.
	pub fn source(&self, provider: &Provider) -> Arc<dyn BlockSource> {
		match provider {
			Provider::Peer(address) => {
				Arc::new(PeerSource { shared: self.inner.shared.clone(), address: address.clone() })
			}
			Provider::Gateway(url) => Arc::new(self.inner.http.source(url.clone())),
		}
	}

	/// Brings content of a known length into the store and returns its path, verified; see
	/// [`blyan_store::fetch_from`]. This node itself is passed over if it is among the providers.
	///
	/// # Errors
	/// [`FetchError`]; nothing stands under the content's name then.
	pub async fn fetch(
		&self,
		cid: Cid,
		expected_bytes: u64,
		providers: &[Provider],
		options: &FetchOptions,
	) -> Result<PathBuf, FetchError> {
		add(&self.inner.shared.counters.sessions, 1);
		let me = self.peer_id();
		let others = providers
			.iter()
			.filter(|provider| !matches!(provider, Provider::Peer(address) if address.peer() == me));
		let sources = others.map(|provider| self.source(provider)).collect();
		fetch_from(self.store(), cid, expected_bytes, sources, options).await
	}

	/// Announces content in the DHT now; what is in the store is announced without it before long.
	pub async fn provide(&self, cid: Cid) {
		self.command(Command::Provide(cid)).await;
	}

	/// Announces content no longer; records of it elsewhere last for two days.
	pub async fn unprovide(&self, cid: Cid) {
		self.command(Command::Unprovide(cid)).await;
	}

	/// Who the DHT says has that content; nobody if it does not answer in time.
	pub async fn providers(&self, cid: Cid, timeout: Duration) -> Vec<PeerAddress> {
		let (reply, found) = oneshot::channel();
		let search = async {
			self.command(Command::Providers(cid, reply)).await;
			found.await.unwrap_or_default()
		};
		tokio::time::timeout(timeout, search).await.unwrap_or_default()
	}

	/// Makes peers known to the DHT.
	pub async fn add_peers(&self, peers: Vec<PeerAddress>) {
		self.command(Command::Peers(peers)).await;
	}

	async fn command(&self, command: Command) {
		// A network that has stopped does nothing.
		let _ = self.inner.commands.send(command).await;
	}

	/// What was exchanged so far.
	pub fn metrics(&self) -> Metrics {
		let peers = self.ledgers().len() as u64;
		self.inner.shared.counters.snapshot(peers)
	}

	/// What was exchanged with each connected peer.
	pub fn ledgers(&self) -> Vec<PeerLedger> {
		self.inner.shared.ledgers()
	}

	/// Takes no more wants, answers those that wait for at most `timeout`, and ends. The port is free
	/// afterwards, and questions of other clones fail.
	pub async fn shutdown(self, timeout: Duration) {
		let shared = &self.inner.shared;
		shared.drain();
		let drained = async {
			while !shared.is_drained() {
				tokio::time::sleep(DRAIN_POLL).await;
			}
			if !shared.ledgers().is_empty() {
				tokio::time::sleep(FLUSH_GRACE).await;
			}
		};
		if tokio::time::timeout(timeout, drained).await.is_err() {
			tracing::warn!("content was still being served when the time to stop was over");
		}
		shared.stop();
		shared.tasks.close();
		shared.tasks.wait().await;
		self.inner.background.close();
		self.inner.background.wait().await;
	}
}

/// litep2p goes on without an address that it cannot listen on; so the address is tried first.
fn check_free(listen: SocketAddr) -> Result<(), NetworkError> {
	match TcpListener::bind(listen) {
		Ok(_) => Ok(()),
		Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(NetworkError::PortTaken { listen }),
		Err(source) => Err(NetworkError::Listen { listen, source }),
	}
}

fn to_multiaddr(address: SocketAddr) -> Multiaddr {
	Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

/// Everything that happens to the node as a whole.
struct Driver {
	litep2p: Litep2p,
	identified: Box<dyn Stream<Item = IdentifyEvent> + Send + Unpin>,
	pings: Box<dyn Stream<Item = ping::PingEvent> + Send + Unpin>,
	dht: Option<Dht>,
	commands: mpsc::Receiver<Command>,
}

impl Driver {
	async fn run(mut self, store: Store) {
		let mut ticks = tokio::time::interval(ANNOUNCE_PERIOD);
		ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
		loop {
			tokio::select! {
				event = self.litep2p.next_event() => match event {
					Some(event) => log(&event),
					None => return,
				},
				Some(event) = self.identified.next() => self.on_identified(event).await,
				// Read so that they do not pile up; a peer that does not answer is dropped by its protocols.
				Some(_) = self.pings.next() => {}
				Some(event) = next_event(&mut self.dht) => {
					if let Some(dht) = &mut self.dht {
						dht.on_event(event);
					}
				}
				Some(command) = self.commands.recv() => self.on_command(command).await,
				_ = ticks.tick() => self.announce(&store).await,
			}
		}
	}

	async fn on_identified(&mut self, event: IdentifyEvent) {
		let IdentifyEvent::PeerIdentified { peer, supported_protocols, listen_addresses, .. } = event;
		let Some(dht) = self.dht.as_mut().filter(|dht| supported_protocols.contains(&dht.name)) else {
			return;
		};
		let addresses: Vec<Multiaddr> = listen_addresses.into_iter().take(MAX_PROVIDER_ADDRESSES).collect();
		dht.joined(peer, addresses).await;
	}

	async fn on_command(&mut self, command: Command) {
		// Without a DHT nothing is announced, and whoever searches finds nobody.
		let Some(dht) = &mut self.dht else { return };
		match command {
			Command::Provide(cid) => dht.start_providing(cid).await,
			Command::Unprovide(cid) => dht.stop_providing(&cid).await,
			Command::Providers(cid, reply) => dht.search(&cid, reply).await,
			Command::Peers(peers) => {
				for address in peers {
					dht.add_peer(address.peer(), vec![address.multiaddr()]).await;
				}
			}
		}
	}

	async fn announce(&mut self, store: &Store) {
		let Some(dht) = &mut self.dht else { return };
		let store = store.clone();
		match tokio::task::spawn_blocking(move || store.list()).await {
			Ok(Ok(files)) => dht.announce(files.into_iter().map(|file| file.cid).collect()).await,
			Ok(Err(error)) => tracing::warn!(%error, "content is not announced"),
			Err(error) => tracing::error!(%error, "listing the store ended early"),
		}
	}
}

fn log(event: &Litep2pEvent) {
	match event {
		Litep2pEvent::ConnectionEstablished { peer, .. } => tracing::debug!(%peer, "connected"),
		Litep2pEvent::ConnectionClosed { peer, .. } => tracing::debug!(%peer, "disconnected"),
		Litep2pEvent::DialFailure { address, error } => {
			tracing::debug!(%address, %error, "a peer cannot be reached")
		}
		Litep2pEvent::ListDialFailures { errors } => tracing::debug!(?errors, "a peer cannot be reached"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test]
	async fn start_should_say_that_the_port_is_taken() {
		let taken = TcpListener::bind("127.0.0.1:0").unwrap();
		let listen = taken.local_addr().unwrap();
		let folder = tempfile::tempdir().unwrap();
		let store = Store::open(folder.path()).unwrap();
		let config = NetworkConfig { listen, ..Default::default() };
		let error = Network::start(store, Identity::ephemeral(), config).await.unwrap_err();
		assert!(matches!(error, NetworkError::PortTaken { listen: l } if l == listen), "{error}");
	}

	#[tokio::test]
	async fn start_should_refuse_an_address_of_another_peer() {
		let folder = tempfile::tempdir().unwrap();
		let other = Identity::ephemeral().peer();
		let config = NetworkConfig {
			external: Some(format!("/ip4/1.2.3.4/tcp/5/p2p/{other}").parse().unwrap()),
			..Default::default()
		};
		let store = Store::open(folder.path()).unwrap();
		let error = Network::start(store, Identity::ephemeral(), config).await.unwrap_err();
		assert!(matches!(error, NetworkError::External { .. }), "{error}");
	}
}
