//! Getting content: from the store, or from the other workers that the chain names.

use crate::hold::{Hold, Holds};
use blyan_chain_client::{Chain, ChainError};
use blyan_exchange::{Network, PeerAddress, Provider};
use blyan_primitives::{cid::Cid, dag::BlockId, worker::Role, AccountId};
use blyan_store::{FetchError, FetchOptions, Store, StoreError};
use std::{
	collections::{BTreeMap, BTreeSet},
	path::PathBuf,
	sync::{Arc, Mutex, PoisonError},
	time::{Duration, Instant},
};

/// Most providers that are asked for one file.
const MAX_PROVIDERS: usize = 64;
/// Pause before content that nobody had is asked for again, within the time allowed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Longest content that is fetched.
const MAX_CONTENT_BYTES: u64 = 64 << 30;
/// Blocks asked for at once.
const PARALLEL_BLOCKS: usize = 32;
/// How long the DHT is searched for more providers, when those on the chain had nothing.
const SEARCH_PATIENCE: Duration = Duration::from_secs(3);

/// Why content is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
	/// The chain does not say who the workers are.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// Nobody served it within the time.
	#[error("nobody served the content within {seconds} s: {source}")]
	Unfetchable {
		/// How long was tried.
		seconds: u64,
		/// What the last try said.
		source: FetchError,
	},
	/// Its length is not what the chain says, or cannot be had.
	#[error(transparent)]
	NotAsSaid(FetchError),
	/// This machine's own store failed.
	#[error(transparent)]
	Store(StoreError),
}

impl ContentError {
	/// Whether the fault is with who should serve the content, not with this machine or its node.
	pub fn is_providers_fault(&self) -> bool {
		matches!(self, Self::Unfetchable { .. } | Self::NotAsSaid(_))
	}

	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Unfetchable { .. } => true,
			Self::NotAsSaid(_) => false,
			Self::Store(error) => error.is_retryable(),
		}
	}
}

/// The store, and the workers it is filled from.
#[derive(Clone)]
pub struct Content {
	network: Network,
	chain: Arc<dyn Chain>,
	me: AccountId,
	/// What chains of deltas were replayed to, by the block at their end.
	replays: Arc<Mutex<BTreeMap<BlockId, Cid>>>,
	holds: Holds,
}

impl std::fmt::Debug for Content {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Content")
			.field("network", &self.network)
			.field("me", &self.me)
			.finish_non_exhaustive()
	}
}

impl Content {
	/// Content for the worker `me`, exchanged over that network.
	pub fn new(network: Network, chain: Arc<dyn Chain>, me: AccountId) -> Self {
		Self { network, chain, me, replays: Arc::default(), holds: Holds::default() }
	}

	/// The chain that names the content.
	pub(crate) fn chain(&self) -> &dyn Chain {
		&*self.chain
	}

	/// Where the weights of a block are that were replayed before.
	pub(crate) fn known_replay(&self, block: &BlockId) -> Option<Cid> {
		self.replays.lock().unwrap_or_else(PoisonError::into_inner).get(block).copied()
	}

	/// Remembers them.
	pub(crate) fn remember_replay(&self, block: BlockId, cid: Cid) {
		self.replays.lock().unwrap_or_else(PoisonError::into_inner).insert(block, cid);
	}

	/// The store.
	pub fn store(&self) -> &Store {
		self.network.store()
	}

	/// Keeps content from being collected as garbage by this worker until what is returned is dropped.
	pub fn hold(&self, cids: impl IntoIterator<Item = Cid>) -> Hold {
		self.holds.hold(cids)
	}

	/// What this worker works with.
	pub fn held(&self) -> BTreeSet<Cid> {
		self.holds.cids()
	}

	/// The other workers' addresses, `first` before the rest. Those of peers become known to the DHT.
	///
	/// # Errors
	/// The chain cannot be read.
	pub async fn providers(&self, first: Option<&AccountId>) -> Result<Vec<Provider>, ChainError> {
		let mut accounts = BTreeSet::from([self.me.clone()]);
		let mut providers = Vec::new();
		let mut add = |account: AccountId, endpoint: &[u8], providers: &mut Vec<Provider>| {
			if providers.len() < MAX_PROVIDERS && accounts.insert(account) {
				providers.extend(provider(endpoint).filter(|provider| !providers.contains(provider)));
			}
		};
		if let Some(first) = first {
			// Who is leaving may still be reached.
			if let Some(worker) = self.chain.worker(first).await? {
				add(worker.account, &worker.endpoint, &mut providers);
			}
		}
		for role in [Role::Trainer, Role::Server, Role::Evaluator] {
			for worker in self.chain.workers(role).await? {
				add(worker.account, &worker.endpoint, &mut providers);
			}
		}
		let peers: Vec<PeerAddress> = providers
			.iter()
			.filter_map(|provider| match provider {
				Provider::Peer(address) => Some(address.clone()),
				Provider::Gateway(_) => None,
			})
			.collect();
		self.network.add_peers(peers).await;
		Ok(providers)
	}

	/// The path of that content in the store, verified; fetched if it is not there. Tries for
	/// `patience`, because whoever should serve it may be starting again just now.
	///
	/// # Errors
	/// See [`ContentError`].
	pub async fn get(
		&self,
		cid: Cid,
		bytes: u64,
		first: Option<&AccountId>,
		patience: Duration,
	) -> Result<PathBuf, ContentError> {
		let begun = Instant::now();
		// What is here already needs no node.
		let mut providers = Vec::new();
		if !self.store().contains(&cid) {
			providers = self.providers(first).await?;
		}
		loop {
			let left = patience.saturating_sub(begun.elapsed());
			let options = FetchOptions {
				timeout_total: left.max(RETRY_PAUSE),
				timeout_per_block: left.max(RETRY_PAUSE).min(FetchOptions::default().timeout_per_block),
				max_bytes: MAX_CONTENT_BYTES,
				parallel: PARALLEL_BLOCKS,
				..FetchOptions::default()
			};
			match self.network.fetch(cid, bytes, &providers, &options).await {
				Ok(path) => return Ok(path),
				Err(source @ (FetchError::Unfetchable { .. } | FetchError::TimedOut { .. })) => {
					if begun.elapsed() + RETRY_PAUSE >= patience {
						return Err(ContentError::Unfetchable { seconds: patience.as_secs(), source });
					}
					tracing::debug!(%cid, error = %source, "tried again");
					tokio::time::sleep(RETRY_PAUSE).await;
					providers = self.providers(first).await?;
					// Others may have it who are no workers, or no longer.
					let found = self.network.providers(cid, SEARCH_PATIENCE).await;
					let more = found.into_iter().map(Provider::Peer);
					let more: Vec<_> = more.filter(|provider| !providers.contains(provider)).collect();
					providers.extend(more);
				}
				Err(FetchError::Store(error)) => return Err(ContentError::Store(error)),
				Err(error) => return Err(ContentError::NotAsSaid(error)),
			}
		}
	}
}

/// The endpoint as somebody to fetch from; `None` for what this worker does not speak.
fn provider(endpoint: &[u8]) -> Option<Provider> {
	std::str::from_utf8(endpoint).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn provider_should_take_peers_and_gateways_alone() {
		assert!(matches!(provider(b"http://127.0.0.1:9101"), Some(Provider::Gateway(_))));
		let peer = b"/ip4/1.2.3.4/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
		assert!(matches!(provider(peer), Some(Provider::Peer(_))));
		for other in [&b"/ip4/1.2.3.4/tcp/1"[..], b"ftp://a", b"http://", b"\xff", b""] {
			assert!(provider(other).is_none(), "{other:?}");
		}
	}
}
