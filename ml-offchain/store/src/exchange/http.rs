//! Blocks from an IPFS trustless gateway.

use super::{
	source::{Block, BlockSource, ProviderError},
	MAX_BLOCK_BYTES,
};
use async_trait::async_trait;
use blyan_primitives::cid::Cid;
use bytes::Bytes;
use reqwest::{redirect, Client, StatusCode, Url};
use std::time::Duration;

/// How long a gateway may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// What gateways are asked with; one holds the connections to all of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient(Client);

impl HttpClient {
	/// A client that reaches providers directly, and that they cannot send anywhere else.
	///
	/// # Errors
	/// What the HTTP library says.
	pub fn new() -> Result<Self, reqwest::Error> {
		let client = Client::builder()
			.redirect(redirect::Policy::none())
			.no_proxy()
			.connect_timeout(CONNECT_TIMEOUT)
			.build()?;
		Ok(Self(client))
	}

	/// The gateway with that base, such as `http://10.0.0.7:4100`.
	pub fn source(&self, base: Url) -> HttpSource {
		HttpSource { client: self.0.clone(), base }
	}
}

/// A gateway to ask for blocks.
#[derive(Clone, Debug)]
pub struct HttpSource {
	client: Client,
	base: Url,
}

#[async_trait]
impl BlockSource for HttpSource {
	fn name(&self) -> String {
		self.base.to_string()
	}

	async fn block(&self, cid: &Cid) -> Result<Block, ProviderError> {
		if self.base.scheme() != "http" {
			return Err(ProviderError::Scheme { scheme: self.base.scheme().to_owned() });
		}
		// The URL is what the failure is told beside.
		let connection =
			|source: reqwest::Error| ProviderError::Connection { source: source.without_url().into() };
		let mut url = self.base.clone();
		if let Ok(mut path) = url.path_segments_mut() {
			path.pop_if_empty().push("ipfs").push(&cid.to_string());
		}
		url.set_query(Some("format=raw"));
		url.set_fragment(None);
		let mut response = self.client.get(url).send().await.map_err(connection)?;
		match response.status() {
			StatusCode::OK => {}
			StatusCode::NOT_FOUND | StatusCode::GONE => return Err(ProviderError::NotFound { block: *cid }),
			status => return Err(ProviderError::Status { block: *cid, status: status.as_u16() }),
		}
		let mut bytes = Vec::new();
		while let Some(chunk) = response.chunk().await.map_err(connection)? {
			if bytes.len() + chunk.len() > MAX_BLOCK_BYTES {
				return Err(ProviderError::TooLong { block: *cid });
			}
			bytes.extend_from_slice(&chunk);
		}
		Ok(Block::new(cid.codec, Bytes::from(bytes)))
	}
}
