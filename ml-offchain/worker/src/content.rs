//! Getting content: from the store, or from the other workers that the chain names.

use crate::{
	hold::{Hold, Holds},
	repeats::Repeats,
};
use blyan_chain_client::{Chain, ChainError};
use blyan_exchange::{Network, PeerAddress, Provider};
use blyan_primitives::{cid::Cid, dag::BlockId, worker::Role, AccountId};
use blyan_store::{FetchError, FetchOptions, ProviderError, ProviderFailure, Store, StoreError};
use std::{
	collections::{BTreeMap, BTreeSet},
	path::PathBuf,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
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
	/// Who did not have what.
	failures: Arc<Mutex<Repeats<(Cid, String)>>>,
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
		Self {
			network,
			chain,
			me,
			replays: Arc::default(),
			holds: Holds::default(),
			failures: Arc::default(),
		}
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
		for role in [Role::Trainer, Role::Server, Role::Evaluator, Role::Auditor] {
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

	fn failures(&self) -> MutexGuard<'_, Repeats<(Cid, String)>> {
		// Only ever counted on, so it is sound even if a thread died holding it.
		self.failures.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Says of each provider why it did not bring that content: loudly the first time, and then less and less
	/// often, since whoever waits for content asks every second.
	fn tell(&self, cid: Cid, failures: &[ProviderFailure]) {
		for ProviderFailure { provider, error } in failures {
			let is_news = self.failures().is_news((cid, provider.clone()));
			match error {
				_ if !is_news => tracing::debug!(%cid, provider, %error, "content was not had, again"),
				// Nobody has everything.
				ProviderError::NotFound { .. } => {
					tracing::info!(%cid, provider, %error, "content was not had")
				}
				_ => tracing::warn!(%cid, provider, %error, "content was not had"),
			}
		}
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
				Ok(path) => {
					self.failures().forget(|(of, _)| *of == cid);
					return Ok(path);
				}
				Err(source @ (FetchError::Unfetchable { .. } | FetchError::TimedOut { .. })) => {
					self.tell(cid, source.failures());
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
	use crate::exchange::start_gateway;
	use blyan_chain_client::fake::FakeChain;
	use blyan_exchange::{Identity, NetworkConfig};
	use blyan_primitives::{
		api::WorkerInfo,
		worker::{Roles, INITIAL_REPUTATION},
	};
	use std::io::Write;

	/// What is logged, in memory.
	#[derive(Clone, Default)]
	struct Log(Arc<Mutex<Vec<u8>>>);

	impl Write for Log {
		fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
			self.0.lock().unwrap().write(bytes)
		}

		fn flush(&mut self) -> std::io::Result<()> {
			Ok(())
		}
	}

	#[tokio::test]
	async fn get_should_tell_once_who_does_not_have_content_when_it_asks_again_and_again() {
		let (log, folders) = (Log::default(), [(); 2].map(|()| tempfile::tempdir().unwrap()));
		let writer = log.clone();
		let subscriber = tracing_subscriber::fmt()
			.with_env_filter("blyan_worker::content=debug")
			.with_ansi(false)
			.with_writer(move || writer.clone())
			.finish();
		let _logging = tracing::subscriber::set_default(subscriber);
		let [own, other] = folders.each_ref().map(|folder| Store::open(folder.path()).unwrap());
		let serving = start_gateway(other, ([127, 0, 0, 1], 0).into()).await.unwrap();
		let chain = FakeChain::new();
		let account = AccountId::new([2; 32]);
		let worker = WorkerInfo {
			account: account.clone(),
			roles: Roles::default().with(Role::Trainer),
			endpoint: format!("http://{}", serving.address()).into_bytes(),
			bond: 0,
			reputation: INITIAL_REPUTATION,
			engagements: 0,
			active: true,
		};
		chain.edit(|state| state.workers.insert(account, worker));
		let network = Network::start(own, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
		let content = Content::new(network, Arc::new(chain), AccountId::new([1; 32]));
		let cid = blyan_store::cid_of_bytes(b"nobody's").unwrap();
		let error = content.get(cid, 8, None, 3 * RETRY_PAUSE).await.unwrap_err();
		assert!(matches!(error, ContentError::Unfetchable { .. }), "{error}");
		let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
		let count = |level: &str| {
			log.lines().filter(|line| line.contains(level) && line.contains("content was not had")).count()
		};
		assert_eq!(count(" INFO "), 1, "{log}");
		assert!(count("DEBUG ") >= 1, "{log}");
	}

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
