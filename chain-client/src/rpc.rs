//! A node over its WebSocket, connected anew when the connection breaks.

use crate::{
	backend::{Backend, Header, RuntimeVersion, TransactionStatus},
	config::ClientConfig,
	error::ChainError,
};
use async_trait::async_trait;
use blyan_primitives::{AccountId, BlockNumber, Hash, Nonce};
use futures::{stream::BoxStream, StreamExt};
use std::{future::Future, sync::Arc, time::Duration};
use subxt::{
	config::{substrate::H256, RpcConfigFor, SubstrateConfig},
	ext::jsonrpsee::{
		client_transport::ws::{Url, WsTransportClientBuilder},
		core::client::{async_client::PingConfig, Client as WebSocket, Error as WebSocketError},
	},
	rpcs::{
		methods::legacy::{NumberOrHex, TransactionStatus as RpcStatus},
		LegacyRpcMethods, RpcClient,
	},
};
use tokio::sync::Mutex;

/// A WebSocket ping goes out this often.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A peer that sends nothing for this long, not even a pong, is gone.
const PING_SILENCE: Duration = Duration::from_secs(45);
/// Notifications kept for a subscriber that lags; one that lags more subscribes anew.
const SUBSCRIPTION_BUFFER: usize = 1_024;
/// The largest answer: metadata and whole blocks are well below.
const MAX_RESPONSE_BYTES: u32 = 32 << 20;

type Methods = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// A connection that works, as far as is known.
#[derive(Clone)]
struct Connection {
	socket: Arc<WebSocket>,
	methods: Methods,
}

/// The real [`Backend`].
pub(crate) struct RpcBackend {
	config: ClientConfig,
	connection: Mutex<Option<Connection>>,
	/// The chain this client is on, from the first connection on.
	genesis: tokio::sync::OnceCell<Hash>,
}

impl RpcBackend {
	/// Checks the address; connects at the first request.
	pub fn new(config: ClientConfig) -> Result<Self, ChainError> {
		let bad = |reason: &str| ChainError::BadUrl { url: config.url.clone(), reason: reason.into() };
		let url = Url::parse(&config.url).map_err(|error| bad(&error.to_string()))?;
		if !["ws", "wss"].contains(&url.scheme()) {
			return Err(bad("it must begin with ws:// or wss://"));
		}
		let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
		if url.scheme() == "ws" && !["127.0.0.1", "localhost", "[::1]"].contains(&host) {
			tracing::warn!(url = %config.url, "the connection to the node is not encrypted: whoever is in between can forge what it says");
		}
		let genesis = tokio::sync::OnceCell::new_with(config.expected_genesis);
		Ok(Self { config, connection: Mutex::new(None), genesis })
	}

	/// The connection, made anew if it is broken. Those that ask at the same time share it.
	async fn connection(&self) -> Result<Connection, ChainError> {
		let mut slot = self.connection.lock().await;
		if let Some(connection) = slot.as_ref().filter(|connection| connection.socket.is_connected()) {
			return Ok(connection.clone());
		}
		*slot = None;
		let connection = self.connect().await?;
		// A node that was replaced by one of another chain must not be taken for the old one.
		let found = from_h256(
			connection.methods.genesis_hash().await.map_err(|e| self.error("chain_getBlockHash", e))?,
		);
		let expected = *self.genesis.get_or_init(|| async { found }).await;
		if found != expected {
			return Err(ChainError::WrongGenesis { url: self.config.url.clone(), expected, found });
		}
		tracing::info!(url = %self.config.url, genesis = ?found, "connected");
		*slot = Some(connection.clone());
		Ok(connection)
	}

	async fn connect(&self) -> Result<Connection, ChainError> {
		let url = &self.config.url;
		let parsed = Url::parse(url)
			.map_err(|error| ChainError::BadUrl { url: url.clone(), reason: error.to_string() })?;
		let (sender, receiver) = WsTransportClientBuilder::default()
			.connection_timeout(self.config.connect_timeout)
			.max_response_size(MAX_RESPONSE_BYTES)
			.build(parsed)
			.await
			.map_err(|error| ChainError::disconnected(url, error))?;
		let socket = WebSocket::builder()
			.request_timeout(self.config.request_timeout)
			.max_buffer_capacity_per_subscription(SUBSCRIPTION_BUFFER)
			.enable_ws_ping(PingConfig::new().ping_interval(PING_INTERVAL).inactive_limit(PING_SILENCE))
			.build_with_tokio(sender, receiver);
		let socket = Arc::new(socket);
		let methods = Methods::new(RpcClient::new(socket.clone()));
		Ok(Connection { socket, methods })
	}

	async fn request<T, Fut>(&self, method: &str, ask: impl FnOnce(Methods) -> Fut) -> Result<T, ChainError>
	where
		Fut: Future<Output = Result<T, subxt::rpcs::Error>>,
	{
		let connection = self.connection().await?;
		ask(connection.methods).await.map_err(|error| self.error(method, error))
	}

	fn error(&self, method: &str, error: subxt::rpcs::Error) -> ChainError {
		error_of(&self.config.url, self.config.request_timeout, method, error)
	}

	/// What turns a subscription's errors into ours once `self` is out of reach.
	fn stream_error(
		&self,
		method: &'static str,
	) -> impl Fn(subxt::rpcs::Error) -> ChainError + Send + 'static {
		let (url, timeout) = (self.config.url.clone(), self.config.request_timeout);
		move |error| error_of(&url, timeout, method, error)
	}
}

fn error_of(url: &str, timeout: Duration, method: &str, error: subxt::rpcs::Error) -> ChainError {
	use subxt::rpcs::Error;
	match error {
		Error::User(user) => {
			let data = user.data.map(|data| data.get().trim_matches('"').to_owned());
			let text = format!("{} {}", user.message, data.as_deref().unwrap_or_default());
			// The node answers so for a block that it does not have, and for a state that it no longer has.
			if ["UnknownBlock", "State already discarded"].iter().any(|sign| text.contains(sign)) {
				return ChainError::BlockUnavailable {
					block: "asked for".into(),
					what: format!("what {method} needs"),
					reason: text.trim().into(),
				};
			}
			ChainError::Rpc { method: method.into(), code: user.code, message: user.message, data }
		}
		Error::Client(cause)
			if matches!(cause.downcast_ref::<WebSocketError>(), Some(WebSocketError::RequestTimeout)) =>
		{
			ChainError::Timeout { url: url.into(), method: method.into(), seconds: timeout.as_secs() }
		}
		Error::Serialization(cause) | Error::Deserialization(cause) => {
			ChainError::decode(format!("the answer to {method}"), cause)
		}
		Error::Decode(cause) => ChainError::decode(format!("the answer to {method}"), cause),
		Error::Client(cause) => {
			ChainError::Disconnected { url: url.into(), source: crate::error::Cause::new(cause) }
		}
		other => ChainError::disconnected(url, other),
	}
}

fn to_h256(hash: Hash) -> H256 {
	H256(hash.0)
}

fn from_h256(hash: H256) -> Hash {
	Hash::from(hash.0)
}

/// Block numbers of this chain have 32 bits; a node that says otherwise is on another one.
fn block_number(number: u64) -> Result<BlockNumber, ChainError> {
	number.try_into().map_err(|error| ChainError::decode(format!("block number {number}"), error))
}

#[async_trait]
impl Backend for RpcBackend {
	fn url(&self) -> &str {
		&self.config.url
	}

	async fn genesis_hash(&self) -> Result<Hash, ChainError> {
		self.connection().await?;
		self.genesis
			.get()
			.copied()
			.ok_or_else(|| ChainError::disconnected(&self.config.url, "no genesis hash"))
	}

	async fn finalized_head(&self) -> Result<Hash, ChainError> {
		self.request("chain_getFinalizedHead", |rpc| async move { rpc.chain_get_finalized_head().await })
			.await
			.map(from_h256)
	}

	async fn header(&self, hash: Hash) -> Result<Option<Header>, ChainError> {
		let header = self
			.request("chain_getHeader", |rpc| async move { rpc.chain_get_header(Some(to_h256(hash))).await })
			.await?;
		header
			.map(|header| {
				Ok(Header {
					number: block_number(header.number)?,
					parent_hash: from_h256(header.parent_hash),
				})
			})
			.transpose()
	}

	async fn block_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
		let number = NumberOrHex::Number(number.into());
		let hash = self
			.request("chain_getBlockHash", |rpc| async move { rpc.chain_get_block_hash(Some(number)).await })
			.await?;
		Ok(hash.map(from_h256))
	}

	async fn body(&self, hash: Hash) -> Result<Option<Vec<Vec<u8>>>, ChainError> {
		let details = self
			.request("chain_getBlock", |rpc| async move { rpc.chain_get_block(Some(to_h256(hash))).await })
			.await?;
		Ok(details.map(|details| details.block.extrinsics.into_iter().map(|bytes| bytes.0).collect()))
	}

	async fn storage(&self, key: Vec<u8>, at: Hash) -> Result<Option<Vec<u8>>, ChainError> {
		self.request(
			"state_getStorage",
			|rpc| async move { rpc.state_get_storage(&key, Some(to_h256(at))).await },
		)
		.await
	}

	async fn state_call(&self, function: &str, arguments: Vec<u8>, at: Hash) -> Result<Vec<u8>, ChainError> {
		let name = function.to_owned();
		self.request(function, |rpc| async move {
			rpc.state_call(&name, Some(&arguments), Some(to_h256(at))).await
		})
		.await
	}

	async fn runtime_version(&self, at: Hash) -> Result<RuntimeVersion, ChainError> {
		let version = self
			.request("state_getRuntimeVersion", |rpc| async move {
				rpc.state_get_runtime_version(Some(to_h256(at))).await
			})
			.await?;
		let spec_name =
			version.other.get("specName").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
		Ok(RuntimeVersion {
			spec_name,
			spec_version: version.spec_version,
			transaction_version: version.transaction_version,
		})
	}

	async fn next_nonce(&self, account: &AccountId) -> Result<Nonce, ChainError> {
		let account = subxt::utils::AccountId32(*AsRef::<[u8; 32]>::as_ref(account));
		let nonce =
			self.request("system_accountNextIndex", |rpc| async move {
				rpc.system_account_next_index(&account).await
			})
			.await?;
		nonce.try_into().map_err(|error| ChainError::decode(format!("nonce {nonce}"), error))
	}

	async fn broadcast(&self, transaction: &[u8]) -> Result<(), ChainError> {
		self.request(
			"author_submitExtrinsic",
			|rpc| async move { rpc.author_submit_extrinsic(transaction).await },
		)
		.await
		.map(drop)
	}

	async fn broadcast_and_watch(
		&self,
		transaction: &[u8],
	) -> Result<BoxStream<'static, Result<TransactionStatus, ChainError>>, ChainError> {
		const METHOD: &str = "author_submitAndWatchExtrinsic";
		let statuses = self
			.request(METHOD, |rpc| async move { rpc.author_submit_and_watch_extrinsic(transaction).await })
			.await?;
		let error = self.stream_error(METHOD);
		Ok(statuses
			.map(move |status| {
				Ok(match status.map_err(&error)? {
					RpcStatus::Future
					| RpcStatus::Ready
					| RpcStatus::Broadcast(_)
					| RpcStatus::Retracted(_) => TransactionStatus::Pending,
					RpcStatus::InBlock(hash) => TransactionStatus::InBlock(from_h256(hash)),
					RpcStatus::Finalized(hash) => TransactionStatus::Finalized(from_h256(hash)),
					RpcStatus::FinalityTimeout(_) => TransactionStatus::Lost("finality is late"),
					RpcStatus::Usurped(_) => TransactionStatus::Lost("another one has its nonce"),
					RpcStatus::Dropped => TransactionStatus::Lost("the pool dropped it"),
					RpcStatus::Invalid => TransactionStatus::Lost("it became invalid"),
				})
			})
			.boxed())
	}

	async fn finalized_numbers(
		&self,
	) -> Result<BoxStream<'static, Result<BlockNumber, ChainError>>, ChainError> {
		const METHOD: &str = "chain_subscribeFinalizedHeads";
		let headers =
			self.request(METHOD, |rpc| async move { rpc.chain_subscribe_finalized_heads().await }).await?;
		let error = self.stream_error(METHOD);
		Ok(headers.map(move |header| block_number(header.map_err(&error)?.number)).boxed())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn user_error(code: i32, message: &str) -> subxt::rpcs::Error {
		subxt::rpcs::Error::User(subxt::rpcs::UserError { code, message: message.into(), data: None })
	}

	fn translate(error: subxt::rpcs::Error) -> ChainError {
		error_of("ws://a", Duration::from_secs(9), "m", error)
	}

	#[test]
	fn url_should_be_refused_when_it_is_none_of_a_node() {
		for (url, word) in [("node", "relative URL"), ("http://127.0.0.1:9944", "ws://"), ("ws://", "host")] {
			let error = RpcBackend::new(ClientConfig::new(url)).err().expect("refused");
			assert!(
				matches!(error, ChainError::BadUrl { .. }) && error.to_string().contains(word),
				"{error}"
			);
		}
		assert!(RpcBackend::new(ClientConfig::new("ws://127.0.0.1:9944")).is_ok());
	}

	#[test]
	fn error_should_say_what_kind_it_is() {
		let timeout = subxt::rpcs::Error::Client(Box::new(WebSocketError::RequestTimeout));
		assert!(matches!(translate(timeout), ChainError::Timeout { seconds: 9, .. }));
		let broken = subxt::rpcs::Error::Client(Box::new(WebSocketError::Custom("reset".into())));
		assert!(matches!(translate(broken), ChainError::Disconnected { .. }));
		assert!(matches!(
			translate(user_error(1010, "Invalid Transaction")),
			ChainError::Rpc { code: 1010, .. }
		));
		let pruned = user_error(4003, "Client error: UnknownBlock: State already discarded for 0x01");
		assert!(matches!(translate(pruned), ChainError::BlockUnavailable { .. }));
	}

	#[tokio::test]
	async fn request_should_fail_as_a_disconnect_when_nobody_listens() {
		// Bound and dropped: nobody else gets that port at once.
		let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
		let backend = RpcBackend::new(ClientConfig::new(format!("ws://127.0.0.1:{port}"))).unwrap();
		let error = backend.finalized_head().await.unwrap_err();
		assert!(error.is_disconnect() && error.to_string().contains(&port.to_string()), "{error}");
	}
}
