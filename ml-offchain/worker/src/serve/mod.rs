//! `serve`: answers requests from the weights that the chain accepted last, in OpenAI's shape.
//!
//! | | |
//! | --- | --- |
//! | `GET /v1/models`, `/v1/models/{id}` | the model: its name on the chain, or `model-0` |
//! | `POST /v1/completions` | continues a text |
//! | `POST /v1/chat/completions` | continues a conversation, written out as [`request`] shows |
//! | `GET /health` | 200 with the receipt, 503 while there are no weights |
//! | `GET /metrics` | Prometheus |
//!
//! Official OpenAI clients work unchanged: point their base URL at `/v1`, any key will do.
//!
//! # What an answer is computed from
//!
//! Every answer names it: the field `blyan` of a whole answer and of the last event of a stream is a
//! [`Receipt`], and the header `x-blyan-version-root` has its root. The server follows the finalized
//! chain; when a version is released it fetches the components that changed, checks them to the byte
//! against the version root, and lets the next answer begin with them. Answers under way end with the
//! version they began with.
//!
//! # Probation
//!
//! A new head serves on probation until the height that the manifest names is finalized. For that long, of the
//! first `t` tokens of a sequence no more than `ceil(share x t)` are routed to such an expert, if its layer has
//! others to route to; the share is the chain's, and there is no option to lift it. The receipt's `probation`
//! names the blocks; when it ends, the next answer begins without the cap, from the same weights in memory.
//! `blyan_serve_experts_on_probation` counts the experts, `blyan_serve_probation_turned_away_total` how often one
//! was wanted beyond its share. What a sequence is, and what it counts: [`blyan_model::RoutingCap`].
//!
//! # Experts in memory
//!
//! With `expert_cache_bytes` an expert is loaded when a token is routed to it, and the least recently used leave
//! so that the limit holds, over all answers and versions together. A thread loads ahead what a layer has chosen,
//! and what the next layer's router makes of the same input. Answers are the same to the bit. The metrics
//! `blyan_serve_expert_*` tell hits, misses, what was loaded ahead and of use, evictions, bytes in memory now and
//! at most, and the limit.
//!
//! # Differences from OpenAI
//!
//! - Of a model without a tokenizer, a token is a byte. `usage` counts tokens, those of a stop sequence
//!   included. Text is told in whole characters; what the model emits that is no UTF-8 becomes U+FFFD.
//! - Of a prompt longer than the model's context, its end is read.
//! - Usage and receipt are always in the last event before `[DONE]`; with `stream_options.include_usage`
//!   that event has no choices, without it it is the one that bears `finish_reason`.
//! - `n` is 1; penalties, tools and JSON mode are refused by name. Unknown fields are ignored.
//! - The same `seed`, `system_fingerprint` and request give the same answer on the same kind of machine. A
//!   fingerprint is of the version, and of what is on probation.
//!
//! # Use that is counted
//!
//! A client that has prepaid on the chain (`blyan-worker usage deposit`) and sends its account as `x-blyan-client`
//! has its use counted: `GET /v1/blyan/usage/{account}` says what it owes, and `POST /v1/blyan/receipts` takes the
//! receipt that it signed (`blyan-worker usage pay`). The trainers of the blocks it used earn by that. Nobody has
//! to. See [`usage`].
//!
//! # Bounds
//!
//! `max_concurrent` answers are computed at once, each on its own thread; `queue` requests wait, and the
//! next is told 429 with `Retry-After`. A client that disconnects ends its answer.

mod admission;
mod answer;
pub mod config;
mod current;
mod error;
mod metrics;
mod reply;
pub mod request;
mod routes;
mod stream;
mod text;
pub mod usage;

pub use config::ServeConfig;
pub use current::Receipt;
pub use error::ApiError;

use crate::{
	config::Config,
	journal::JournalError,
	worker::{Connection, StartError, Worker},
};
use axum::serve::ListenerExt;
use blyan_chain_client::ChainError;
use blyan_primitives::worker::Role;
use current::Current;
use std::{
	future::Future,
	io,
	net::SocketAddr,
	sync::Arc,
	time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use usage::Usage;

/// The name, in the data folder, of the journal of receipts.
const USAGE_JOURNAL: &str = "receipts";
/// How long answers that were broken off may take to be told so.
const BREAK_OFF: Duration = Duration::from_secs(1);

/// Why a server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
	/// Somebody else has the port.
	#[error(
		"{listen} is in use by another program: set `serve.api_listen` to another address in the configuration \
		(port 0 takes any free one)"
	)]
	PortTaken {
		/// What was asked for.
		listen: SocketAddr,
	},
	/// The address cannot be listened on.
	#[error("cannot listen on {listen}: {source}; check `serve.api_listen` in the configuration")]
	Listen {
		/// What was asked for.
		listen: SocketAddr,
		/// What the system says.
		source: io::Error,
	},
	/// The worker could not start.
	#[error(transparent)]
	Start(#[from] StartError),
	/// Receipts cannot be kept.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// Requests are not taken any more.
	#[error("the HTTP server ended by itself")]
	Http,
}

/// Registers as a server and answers until `shutdown`; then lets answers finish.
///
/// # Errors
/// See [`ServeError`]; what passes is waited out.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), ServeError> {
	let server = Server::bind(config).await?;
	let config = server.config.clone();
	server.run(async move { Connection::open(&config).await }, shutdown).await
}

/// A server that has its port and does not answer yet.
#[derive(Debug)]
pub struct Server {
	config: Config,
	listener: TcpListener,
	address: SocketAddr,
}

impl Server {
	/// Takes the port of the API, before anything is registered or fetched.
	///
	/// # Errors
	/// [`ServeError::PortTaken`], [`ServeError::Listen`].
	pub async fn bind(config: Config) -> Result<Self, ServeError> {
		let listen = config.serve.api_listen;
		let refuse = |source: io::Error| match source.kind() {
			io::ErrorKind::AddrInUse => ServeError::PortTaken { listen },
			_ => ServeError::Listen { listen, source },
		};
		let listener = TcpListener::bind(listen).await.map_err(refuse)?;
		let address = listener.local_addr().map_err(refuse)?;
		Ok(Self { config, listener, address })
	}

	/// Where it listens, with the port it was given.
	pub fn address(&self) -> SocketAddr {
		self.address
	}

	/// Answers until `shutdown`: 503 until the chain is reached and the weights are here. Then it takes no
	/// more requests, lets answers finish for as long as a graceful stop may take, and breaks off the rest.
	///
	/// # Errors
	/// See [`ServeError`].
	pub async fn run(
		self,
		connect: impl Future<Output = Result<Connection, StartError>>,
		shutdown: CancellationToken,
	) -> Result<(), ServeError> {
		let Self { config, listener, address } = self;
		let (current, seen) = watch::channel(Current::starting("this server is connecting to the chain"));
		let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
		let usage = Arc::new(Usage::new(config.serve.usage_fee.into()));
		let router = routes::router(config.serve.clone(), seen, stop.clone(), usage.clone());
		// Tokens are told one by one: waiting to fill a packet would hold them up.
		let listener = listener.tap_io(|connection| {
			if let Err(error) = connection.set_nodelay(true) {
				tracing::debug!(%error, "a connection will be told tokens late");
			}
		});
		let draining = drain.clone();
		let mut http = tokio::spawn(async move {
			axum::serve(listener, router).with_graceful_shutdown(draining.cancelled_owned()).await
		});
		tracing::info!(%address, "answering requests");

		let mut worker = None;
		let working = async {
			let connection = connect.await?;
			let started = Worker::start(config.clone(), connection, Role::Server).await?;
			let Worker { connection, content, .. } = worker.insert(started);
			usage.open(connection, &config.journal(USAGE_JOURNAL))?;
			current.send_replace(Current::starting("the model's weights are being fetched"));
			tokio::select! {
				followed = current::follow(&*connection.chain, content, &config.serve, &current) => followed?,
				submitted = usage.submit(config.serve.receipts_period()) => submitted?,
			}
			Ok(())
		};
		let (result, mut is_open) = tokio::select! {
			() = shutdown.cancelled() => (Ok(()), true),
			result = working => (result, true),
			_ = &mut http => (Err(ServeError::Http), false),
		};

		drain.cancel();
		if is_open {
			is_open = tokio::time::timeout(config.shutdown_timeout(), &mut http).await.is_err();
		}
		if is_open {
			tracing::warn!("answers were still under way when the time to stop was over");
			stop.cancel();
			if tokio::time::timeout(BREAK_OFF, &mut http).await.is_err() {
				http.abort();
			}
		}
		if let Some(worker) = worker {
			worker.stop().await;
		}
		result
	}
}

/// Now, in seconds since the Unix epoch.
fn unix_seconds() -> u64 {
	SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
