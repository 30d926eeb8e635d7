//! Who is asked, and who no longer is.

use super::source::{Block, BlockSource, ProviderError, ProviderFailure};
use blyan_primitives::cid::Cid;
use futures::stream::{FuturesUnordered, StreamExt};
use std::{
	sync::{
		atomic::{AtomicUsize, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
	time::Duration,
};

/// Most providers that are asked for one block at the same time.
const MAX_ASKED_AT_ONCE: usize = 3;

struct Provider {
	source: Arc<dyn BlockSource>,
	/// Blocks it is being asked for.
	outstanding: AtomicUsize,
	/// Blocks that another brought first, since it last brought one.
	outrun: AtomicUsize,
	failure: Mutex<Option<ProviderError>>,
}

impl Provider {
	fn failure(&self) -> MutexGuard<'_, Option<ProviderError>> {
		// Set once, whole: sound even if a thread died holding it.
		self.failure.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn is_live(&self) -> bool {
		self.failure().is_none()
	}

	/// The first failure is the one that is told.
	fn fail(&self, error: ProviderError) {
		let mut failure = self.failure();
		if failure.is_none() {
			tracing::debug!(provider = self.source.name(), %error, "a provider is not asked again");
			*failure = Some(error);
		}
	}
}

/// Counts a question for as long as it stands.
struct Outstanding<'a>(&'a Provider);

impl<'a> Outstanding<'a> {
	fn new(provider: &'a Provider) -> Self {
		provider.outstanding.fetch_add(1, Ordering::Relaxed);
		Self(provider)
	}
}

impl Drop for Outstanding<'_> {
	fn drop(&mut self) {
		self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
	}
}

/// Every provider was dropped.
pub(crate) struct Exhausted;

/// The providers of one download.
pub(crate) struct Providers {
	providers: Vec<Provider>,
	next: AtomicUsize,
	timeout_per_block: Duration,
	second_after: Duration,
}

impl Providers {
	pub(crate) fn new(
		sources: Vec<Arc<dyn BlockSource>>,
		timeout_per_block: Duration,
		second_after: Duration,
	) -> Self {
		let provider = |source| Provider {
			source,
			outstanding: AtomicUsize::new(0),
			outrun: AtomicUsize::new(0),
			failure: Mutex::default(),
		};
		let providers = sources.into_iter().map(provider).collect();
		Self { providers, next: AtomicUsize::new(0), timeout_per_block, second_after }
	}

	/// That block, from whichever provider has it.
	///
	/// Each try that fails drops a provider, so there are no more tries than providers. Where one takes
	/// long, others are asked beside it.
	pub(crate) async fn block(&self, cid: &Cid) -> Result<Block, Exhausted> {
		let mut asked: Vec<usize> = Vec::new();
		let mut attempts = FuturesUnordered::new();
		loop {
			if attempts.is_empty() {
				let index = self.pick(&asked).ok_or(Exhausted)?;
				asked.push(index);
				attempts.push(self.attempt(index, cid));
			}
			tokio::select! {
				Some(outcome) = attempts.next() => {
					if let Some((winner, block)) = outcome {
						for index in asked.into_iter().filter(|index| *index != winner) {
							self.providers[index].outrun.fetch_add(1, Ordering::Relaxed);
						}
						return Ok(block);
					}
				}
				() = tokio::time::sleep(self.second_after), if attempts.len() < MAX_ASKED_AT_ONCE => {
					if let Some(index) = self.pick(&asked) {
						asked.push(index);
						attempts.push(self.attempt(index, cid));
					}
				}
			}
		}
	}

	/// Asks one provider; `None` once it is dropped.
	async fn attempt(&self, index: usize, cid: &Cid) -> Option<(usize, Block)> {
		let provider = &self.providers[index];
		let _outstanding = Outstanding::new(provider);
		let error = match tokio::time::timeout(self.timeout_per_block, provider.source.block(cid)).await {
			Ok(Ok(block)) if block.cid() == *cid => {
				provider.outrun.store(0, Ordering::Relaxed);
				return Some((index, block));
			}
			Ok(Ok(block)) => ProviderError::WrongBytes { block: *cid, bytes: block.bytes().len() },
			Ok(Err(error)) => error,
			Err(_) => ProviderError::Stalled { block: *cid, after: self.timeout_per_block },
		};
		provider.fail(error);
		None
	}

	/// The live provider that is least behind, in turn among equals: whoever answers fast has few
	/// questions standing, so it is given more, and takes over the work of the slow.
	fn pick(&self, asked: &[usize]) -> Option<usize> {
		let count = self.providers.len();
		let start = self.next.fetch_add(1, Ordering::Relaxed);
		(0..count)
			.map(|i| start.wrapping_add(i) % count)
			.filter(|index| !asked.contains(index) && self.providers[*index].is_live())
			.min_by_key(|index| {
				let provider = &self.providers[*index];
				(provider.outrun.load(Ordering::Relaxed), provider.outstanding.load(Ordering::Relaxed))
			})
	}

	/// Who was dropped, and why. Empties the list.
	pub(crate) fn take_failures(&self) -> Vec<ProviderFailure> {
		let failure = |provider: &Provider| {
			let error = provider.failure().take()?;
			Some(ProviderFailure { provider: provider.source.name(), error })
		};
		self.providers.iter().filter_map(failure).collect()
	}
}
