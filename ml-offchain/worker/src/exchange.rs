//! Exchanging the content store with others: Bitswap over libp2p with other workers and any IPFS node,
//! and, where configured, HTTP in the shape of an IPFS gateway.

use crate::config::Config;
use axum::Router;
use blyan_exchange::{
	dht_protocol, Identity, IdentityError, Multiaddr, Network, NetworkConfig, NetworkError,
};
use blyan_primitives::Hash;
use blyan_store::{exchange_router, Store};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Where the gateway's address is configured.
const HTTP_OPTION: &str = "http_listen";

/// Why content cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
	/// Somebody else has the port.
	#[error(
		"{listen} is in use by another program: set `{option}` to another address in the configuration \
		(port 0 takes any free one)"
	)]
	PortTaken {
		/// What was asked for.
		listen: SocketAddr,
		/// Where it is configured.
		option: &'static str,
	},
	/// The address cannot be listened on.
	#[error("cannot listen on {listen}: {source}; check `{option}` in the configuration")]
	Listen {
		/// What was asked for.
		listen: SocketAddr,
		/// Where it is configured.
		option: &'static str,
		/// What the system says.
		source: io::Error,
	},
	/// The peer-to-peer network cannot start.
	#[error(transparent)]
	Network(NetworkError),
	/// This worker cannot say who it is.
	#[error(transparent)]
	Identity(#[from] IdentityError),
}

impl From<NetworkError> for ExchangeError {
	fn from(error: NetworkError) -> Self {
		match error {
			NetworkError::PortTaken { listen } => Self::PortTaken { listen, option: "listen" },
			NetworkError::Listen { listen, source } => Self::Listen { listen, option: "listen", source },
			error => Self::Network(error),
		}
	}
}

/// What a worker exchanges its content by. Dropping it stops it at once; [`Exchange::stop`] lets answers
/// finish.
#[derive(Debug)]
pub struct Exchange {
	network: Network,
	gateway: Option<Gateway>,
	endpoint: String,
}

impl Exchange {
	/// The peer-to-peer network.
	pub fn network(&self) -> &Network {
		&self.network
	}

	/// What other workers are told: where the content is to be had.
	pub fn endpoint(&self) -> &str {
		&self.endpoint
	}

	/// Takes no more questions, lets answers finish for at most `timeout`, and ends.
	pub async fn stop(self, timeout: Duration) {
		let Self { network, gateway, endpoint: _ } = self;
		let gateway = async {
			if let Some(gateway) = gateway {
				gateway.stop(timeout).await;
			}
		};
		tokio::join!(network.shutdown(timeout), gateway);
	}
}

/// Exchanges the store as the configuration says, with peers of that chain.
///
/// # Errors
/// See [`ExchangeError`].
pub async fn start(store: Store, config: &Config, genesis: Hash) -> Result<Exchange, ExchangeError> {
	let gateway = match config.http_listen {
		Some(listen) => Some(start_gateway(store.clone(), listen).await?),
		None => None,
	};
	let folder = config.store_dir();
	let identity = tokio::task::spawn_blocking(move || Identity::open(folder)).await.map_err(|error| {
		ExchangeError::Listen { listen: config.listen, option: "listen", source: io::Error::other(error) }
	})??;
	// An endpoint that is no multiaddress is the gateway's; peers then reach this worker where it listens.
	let external: Option<Multiaddr> = config.endpoint.as_ref().and_then(|endpoint| endpoint.parse().ok());
	let is_peer_endpoint = external.is_some() || config.endpoint.is_none();
	let network = Network::start(
		store,
		identity,
		NetworkConfig {
			listen: config.listen,
			external,
			dht: Some(dht_protocol(genesis.as_fixed_bytes())),
			..NetworkConfig::default()
		},
	)
	.await?;
	let endpoint = match (is_peer_endpoint, &config.endpoint) {
		(false, Some(endpoint)) => endpoint.clone(),
		_ => network.addresses().first().map(ToString::to_string).unwrap_or_default(),
	};
	Ok(Exchange { network, gateway, endpoint })
}

/// A running gateway. Dropping it stops it at once; [`Gateway::stop`] lets answers finish.
#[derive(Debug)]
pub struct Gateway {
	address: SocketAddr,
	stop: CancellationToken,
	server: Option<JoinHandle<io::Result<()>>>,
}

impl Gateway {
	/// Where it listens, with the port it was given.
	pub fn address(&self) -> SocketAddr {
		self.address
	}

	/// Takes no more connections, lets answers finish for at most `timeout`, and ends.
	pub async fn stop(mut self, timeout: Duration) {
		self.stop.cancel();
		let Some(mut server) = self.server.take() else { return };
		match tokio::time::timeout(timeout, &mut server).await {
			Ok(Ok(Ok(()))) => {}
			Ok(Ok(Err(error))) => tracing::warn!(%error, "the content gateway ended badly"),
			Ok(Err(error)) => tracing::warn!(%error, "the content gateway ended badly"),
			Err(_) => {
				tracing::warn!("content was still being served when the time to stop was over");
				server.abort();
			}
		}
	}
}

impl Drop for Gateway {
	fn drop(&mut self) {
		self.stop.cancel();
		if let Some(server) = &self.server {
			server.abort();
		}
	}
}

/// Binds `listen`; `Err` names the option at fault.
async fn bind(listen: SocketAddr) -> Result<TcpListener, ExchangeError> {
	TcpListener::bind(listen).await.map_err(|source| match source.kind() {
		io::ErrorKind::AddrInUse => ExchangeError::PortTaken { listen, option: HTTP_OPTION },
		_ => ExchangeError::Listen { listen, option: HTTP_OPTION, source },
	})
}

/// Serves the store over HTTP on `listen`; port 0 takes any free one.
///
/// # Errors
/// See [`ExchangeError`].
pub async fn start_gateway(store: Store, listen: SocketAddr) -> Result<Gateway, ExchangeError> {
	let listener = bind(listen).await?;
	let address = listener.local_addr().map_err(|source| ExchangeError::Listen {
		listen,
		option: HTTP_OPTION,
		source,
	})?;
	let router: Router = exchange_router(store);
	let stop = CancellationToken::new();
	let stopped = stop.clone();
	let server = tokio::spawn(async move {
		axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned()).await
	});
	tracing::info!(%address, "serving content over HTTP");
	Ok(Gateway { address, stop, server: Some(server) })
}

#[cfg(test)]
mod tests {
	use super::*;

	fn config(folder: &std::path::Path) -> Config {
		Config { data_dir: folder.into(), listen: ([127, 0, 0, 1], 0).into(), ..Config::default() }
	}

	#[tokio::test]
	async fn gateway_should_name_the_option_when_the_port_is_taken() {
		let folder = tempfile::tempdir().unwrap();
		let store = Store::open(folder.path()).unwrap();
		let first = start_gateway(store.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
		assert_ne!(first.address().port(), 0);
		let error = start_gateway(store.clone(), first.address()).await.unwrap_err();
		assert!(
			matches!(error, ExchangeError::PortTaken { .. }) && error.to_string().contains("`http_listen`"),
			"{error}"
		);
		let address = first.address();
		first.stop(Duration::from_secs(5)).await;
		start_gateway(store, address).await.unwrap().stop(Duration::from_secs(5)).await;
	}

	#[tokio::test]
	async fn start_should_name_the_option_when_the_port_is_taken() {
		let folder = tempfile::tempdir().unwrap();
		let config = config(folder.path());
		let store = Store::open(config.store_dir()).unwrap();
		let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
		let config = Config { listen: taken.local_addr().unwrap(), ..config };
		let error = start(store, &config, Hash::zero()).await.unwrap_err();
		assert!(error.to_string().contains("`listen`"), "{error}");
	}

	#[tokio::test]
	async fn endpoint_should_be_where_it_listens_or_what_is_configured() {
		let folder = tempfile::tempdir().unwrap();
		let config = config(folder.path());
		let store = Store::open(config.store_dir()).unwrap();
		let exchange = start(store.clone(), &config, Hash::zero()).await.unwrap();
		let peer = exchange.network().peer_id();
		let endpoint = exchange.endpoint().to_owned();
		assert!(endpoint.starts_with("/ip4/127.0.0.1/tcp/"), "{endpoint}");
		assert!(endpoint.ends_with(&format!("/p2p/{peer}")), "{endpoint}");
		exchange.stop(Duration::from_secs(5)).await;
		for (given, expected) in [
			("/dns/me.example/tcp/4001", format!("/dns/me.example/tcp/4001/p2p/{peer}")),
			("http://me.example:80", "http://me.example:80".into()),
		] {
			let config = Config {
				endpoint: Some(given.into()),
				http_listen: Some(([127, 0, 0, 1], 0).into()),
				..config.clone()
			};
			let exchange = start(store.clone(), &config, Hash::zero()).await.unwrap();
			assert_eq!(exchange.endpoint(), expected);
			exchange.stop(Duration::from_secs(5)).await;
		}
	}
}
