//! Experts that are loaded when a token is routed to them, within a limit in bytes.
//!
//! What a model computes does not depend on which of its experts are in memory: an expert is read from its
//! file whenever it is needed and not there, and the one that was not used for longest leaves. Experts that
//! are being used stay; whoever needs room waits for them, and holds none meanwhile, so nobody waits forever.
//!
//! A thread loads ahead what is expected to be used soon. It never waits for room, does not take that of an expert
//! which was loaded ahead and still waits for its use, and forgets what somebody needed before its turn came. An
//! expert that is expected and there counts as used. `scripts/bench experts` measures it.

use crate::{
	content,
	layout::{Layout, TensorSpec},
	ModelError,
};
use blyan_primitives::dag::Component;
use std::{
	collections::{BTreeMap, BTreeSet},
	path::Path,
	sync::{
		mpsc::{sync_channel, Receiver, SyncSender},
		Arc, Condvar, Mutex, MutexGuard, PoisonError,
	},
};

/// Experts that may be waiting to be loaded ahead; what does not fit is loaded when it is needed.
const AHEAD: usize = 64;

/// What a cache of experts did, and holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheMetrics {
	/// Times that an expert was there when it was needed.
	pub hits: u64,
	/// Times that it had to be loaded first.
	pub misses: u64,
	/// Hits on experts that were loaded ahead and had not been used yet.
	pub ahead_hits: u64,
	/// Experts that were loaded ahead.
	pub loaded_ahead: u64,
	/// Experts that left to make room.
	pub evictions: u64,
	/// Bytes of the experts that are held or being loaded, as f32.
	pub resident_bytes: u64,
	/// The most that ever were.
	pub highest_resident_bytes: u64,
	/// What they never exceed.
	pub limit_bytes: u64,
}

/// Experts by their files. Cheap to clone; clones share what is loaded, and the limit.
///
/// A file is never changed under its name, so versions of a model that differ in some experts share the rest.
#[derive(Clone)]
pub(crate) struct ExpertCache {
	shared: Arc<Shared>,
	/// Ends the thread that loads ahead when the last clone is dropped.
	ahead: SyncSender<ExpertFile>,
}

impl std::fmt::Debug for ExpertCache {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_tuple("ExpertCache").field(&self.metrics()).finish()
	}
}

/// Where an expert is to be had.
#[derive(Clone, Debug)]
pub(crate) struct ExpertFile {
	pub component: Component,
	pub path: Arc<Path>,
}

struct Shared {
	/// The tensors of an expert: the same for all.
	specs: Vec<TensorSpec>,
	/// Bytes of an expert, as f32.
	bytes: u64,
	state: Mutex<State>,
	/// Told whenever an expert is loaded, or one is not used any more.
	changed: Condvar,
}

#[derive(Default)]
struct State {
	entries: BTreeMap<Arc<Path>, Entry>,
	loading: BTreeSet<Arc<Path>>,
	/// To be loaded ahead; neither there nor being loaded.
	asked: BTreeSet<Arc<Path>>,
	/// Counts uses, and expectations of them.
	clock: u64,
	metrics: CacheMetrics,
}

struct Entry {
	buffer: Arc<Vec<f32>>,
	/// The clock when it was used last.
	used: u64,
	users: usize,
	/// Loaded ahead, and not used since.
	is_ahead: bool,
}

/// An expert that stays in memory until this is dropped.
pub(crate) struct CachedExpert {
	shared: Arc<Shared>,
	path: Arc<Path>,
	buffer: Arc<Vec<f32>>,
}

impl CachedExpert {
	pub fn numbers(&self) -> &[f32] {
		&self.buffer
	}
}

impl Drop for CachedExpert {
	fn drop(&mut self) {
		// Before anybody may take its room.
		drop(std::mem::take(&mut self.buffer));
		let mut state = self.shared.state();
		if let Some(entry) = state.entries.get_mut(&self.path) {
			entry.users -= 1;
		}
		drop(state);
		self.shared.changed.notify_all();
	}
}

impl State {
	/// Makes room for so many bytes, and counts them; whether there is. What is needed now takes the room of any
	/// expert that is not being used, what is loaded ahead only of those that were used.
	fn reserve(&mut self, bytes: u64, is_ahead: bool) -> bool {
		let limit = self.metrics.limit_bytes;
		while self.metrics.resident_bytes + bytes > limit {
			let may_leave = |entry: &Entry| entry.users == 0 && !(is_ahead && entry.is_ahead);
			let idle = self.entries.iter().filter(|(_, entry)| may_leave(entry));
			let Some(oldest) = idle.min_by_key(|(_, entry)| entry.used).map(|(path, _)| path.clone()) else {
				return false;
			};
			self.entries.remove(&oldest);
			self.metrics.resident_bytes -= bytes;
			self.metrics.evictions += 1;
		}
		self.metrics.resident_bytes += bytes;
		self.metrics.highest_resident_bytes =
			self.metrics.highest_resident_bytes.max(self.metrics.resident_bytes);
		true
	}
}

impl Shared {
	/// A thread that died holding it left counts that add up: none of its steps can panic halfway.
	fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Loads an expert for which room was reserved and which nobody else loads.
	fn load(&self, file: &ExpertFile, users: usize) -> Result<Arc<Vec<f32>>, ModelError> {
		let read = content::read_file(&file.path, file.component, &self.specs);
		let read = read.map(|content| Arc::new(content.numbers));
		let mut state = self.state();
		state.loading.remove(&file.path);
		match &read {
			Ok(buffer) => {
				state.clock += 1;
				let used = state.clock;
				let entry = Entry { buffer: buffer.clone(), used, users, is_ahead: users == 0 };
				state.entries.insert(file.path.clone(), entry);
			}
			Err(_) => state.metrics.resident_bytes -= self.bytes,
		}
		drop(state);
		self.changed.notify_all();
		read
	}

	/// Loads what is asked for ahead of its use, where there is room without waiting.
	fn load_ahead(&self, files: Receiver<ExpertFile>) {
		for file in files {
			let mut state = self.state();
			// Not asked any more: somebody needed it meanwhile.
			if !state.asked.remove(&file.path) || !state.reserve(self.bytes, true) {
				continue;
			}
			state.loading.insert(file.path.clone());
			state.metrics.loaded_ahead += 1;
			drop(state);
			if let Err(error) = self.load(&file, 0) {
				// Whoever needs it will be told.
				tracing::debug!(%error, "an expert was not loaded ahead");
			}
		}
	}
}

impl ExpertCache {
	/// An empty cache for experts of that layout.
	///
	/// # Errors
	/// A limit below the size of one expert; the thread cannot be started.
	pub fn new(layout: &Layout, limit_bytes: u64) -> Result<Self, ModelError> {
		let slot = layout.expert_slot(0, 0);
		let bytes = layout.len(slot) as u64 * size_of::<f32>() as u64;
		if limit_bytes < bytes {
			let why = format!("is {limit_bytes}; one expert takes {bytes}");
			return Err(ModelError::Config { field: "expert_cache_bytes", why });
		}
		let metrics = CacheMetrics { limit_bytes, ..CacheMetrics::default() };
		let shared = Arc::new(Shared {
			specs: layout.tensors[slot].clone(),
			bytes,
			state: Mutex::new(State { metrics, ..State::default() }),
			changed: Condvar::new(),
		});
		let (ahead, asked) = sync_channel(AHEAD);
		let loader = shared.clone();
		std::thread::Builder::new()
			.name("experts".into())
			.spawn(move || loader.load_ahead(asked))
			.map_err(|error| ModelError::Threads(error.to_string()))?;
		Ok(Self { shared, ahead })
	}

	/// The expert of a file; loaded first if it is not there. The caller holds no other.
	///
	/// # Errors
	/// The file cannot be read, or is not what the architecture asks for.
	pub fn get(&self, file: &ExpertFile) -> Result<CachedExpert, ModelError> {
		let shared = &self.shared;
		let held = |buffer| CachedExpert { shared: shared.clone(), path: file.path.clone(), buffer };
		let mut state = shared.state();
		loop {
			state.clock += 1;
			let clock = state.clock;
			state.asked.remove(&file.path);
			let State { entries, metrics, .. } = &mut *state;
			if let Some(entry) = entries.get_mut(&file.path) {
				entry.used = clock;
				entry.users += 1;
				metrics.hits += 1;
				metrics.ahead_hits += u64::from(std::mem::take(&mut entry.is_ahead));
				return Ok(held(entry.buffer.clone()));
			}
			if !state.loading.contains(&file.path) && state.reserve(shared.bytes, false) {
				break;
			}
			state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
		}
		state.loading.insert(file.path.clone());
		state.metrics.misses += 1;
		drop(state);
		shared.load(file, 1).map(held)
	}

	/// Says that an expert will likely be needed soon. Does not wait.
	pub fn expect(&self, file: &ExpertFile) {
		let mut state = self.shared.state();
		state.clock += 1;
		let clock = state.clock;
		if let Some(entry) = state.entries.get_mut(&file.path) {
			entry.used = clock;
		} else if !state.loading.contains(&file.path) && state.asked.insert(file.path.clone()) {
			// A full queue means that loading is behind already.
			if self.ahead.try_send(file.clone()).is_err() {
				state.asked.remove(&file.path);
			}
		}
	}

	pub fn metrics(&self) -> CacheMetrics {
		self.shared.state().metrics
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		evaluate,
		layout::tests::tiny,
		weights::tests::{lively, write_components},
		Generator, Sampling, Weights,
	};
	use std::{ops::ControlFlow, path::PathBuf};

	/// Bytes of an expert of [`tiny`].
	const EXPERT_BYTES: u64 = 3 * 24 * 20 * 4;

	/// Of the first layer.
	fn file_of(index: u16, path: &impl Fn(Component) -> PathBuf) -> ExpertFile {
		let component = Component::Expert { layer: 0, index };
		ExpertFile { component, path: path(component).into() }
	}

	/// Waits until nothing is left to be loaded ahead.
	fn settle(cache: &ExpertCache) {
		let is_busy = || {
			let state = cache.shared.state();
			!state.asked.is_empty() || !state.loading.is_empty()
		};
		while is_busy() {
			std::thread::yield_now();
		}
	}

	fn answer(weights: &Weights) -> Vec<(u32, u32)> {
		let mut emitted = Vec::new();
		let sampling = Sampling { max_tokens: 40, seed: 3, ..Sampling::default() };
		Generator::new(weights)
			.generate(&[72, 101, 108], &sampling, |e| {
				emitted.push((e.token, e.logprob.to_bits()));
				ControlFlow::Continue(())
			})
			.unwrap();
		emitted
	}

	#[test]
	fn answers_should_have_the_same_bits_whatever_the_limit_and_the_limit_should_hold() {
		let folder = tempfile::tempdir().unwrap();
		let whole = lively(&tiny());
		let path = write_components(&whole, folder.path());
		let shards: Vec<Vec<u8>> =
			(1..6u8).map(|i| (0..90).map(|j: u8| j.wrapping_mul(i)).collect()).collect();
		let (expected, losses) = (answer(&whole), evaluate(&whole, &shards, 2).unwrap());
		for experts in [1, 2, 6] {
			let limit = experts * EXPERT_BYTES + 17;
			let weights = Weights::load_partial(&tiny(), &path, limit).unwrap();
			assert_eq!(answer(&weights), expected, "{experts} experts");
			// More threads than experts fit: they wait for each other.
			assert_eq!(evaluate(&weights, &shards, 4).unwrap(), losses, "{experts} experts");
			let metrics = weights.cache_metrics().unwrap();
			assert!(metrics.highest_resident_bytes <= limit && metrics.resident_bytes <= limit);
			assert!(metrics.misses + metrics.loaded_ahead > 0, "{metrics:?}");
			assert!(metrics.hits > 0 || experts < 6, "{metrics:?}");
			assert_eq!(metrics.evictions > 0, experts < 6, "{metrics:?}");
		}
	}

	#[test]
	fn least_recently_used_should_leave_first() {
		let folder = tempfile::tempdir().unwrap();
		let weights = lively(&tiny());
		let path = write_components(&weights, folder.path());
		let cache = ExpertCache::new(&weights.layout, 2 * EXPERT_BYTES).unwrap();
		let file = |index| file_of(index, &path);
		for index in [0, 1, 0, 2, 0, 1] {
			drop(cache.get(&file(index)).unwrap());
		}
		let CacheMetrics { hits, misses, evictions, .. } = cache.metrics();
		assert_eq!((hits, misses, evictions), (2, 4, 2), "1 left for 2, then 2 for 1; 0 stayed");
	}

	#[test]
	fn expert_should_stay_longer_when_it_is_expected() {
		let folder = tempfile::tempdir().unwrap();
		let weights = lively(&tiny());
		let path = write_components(&weights, folder.path());
		let cache = ExpertCache::new(&weights.layout, 2 * EXPERT_BYTES).unwrap();
		let file = |index| file_of(index, &path);
		drop(cache.get(&file(0)).unwrap());
		drop(cache.get(&file(1)).unwrap());
		cache.expect(&file(0));
		drop(cache.get(&file(2)).unwrap());
		drop(cache.get(&file(0)).unwrap());
		let CacheMetrics { hits, misses, evictions, .. } = cache.metrics();
		assert_eq!((hits, misses, evictions), (1, 3, 1), "1 left for 2");
	}

	#[test]
	fn expert_loaded_ahead_should_stay_until_used_when_others_are_expected_too() {
		let folder = tempfile::tempdir().unwrap();
		let weights = lively(&tiny());
		let path = write_components(&weights, folder.path());
		let cache = ExpertCache::new(&weights.layout, EXPERT_BYTES).unwrap();
		let file = |index| file_of(index, &path);
		for index in [0, 1, 0, 2] {
			cache.expect(&file(index));
			settle(&cache);
		}
		drop(cache.get(&file(0)).unwrap());
		let metrics = cache.metrics();
		assert_eq!((metrics.ahead_hits, metrics.loaded_ahead, metrics.evictions), (1, 1, 0));
		// Used now, so it makes room; and what is needed takes the room of whatever is not in use.
		cache.expect(&file(1));
		settle(&cache);
		drop(cache.get(&file(2)).unwrap());
		let metrics = cache.metrics();
		assert_eq!((metrics.loaded_ahead, metrics.evictions, metrics.misses), (2, 2, 1));
		assert_eq!(metrics.highest_resident_bytes, EXPERT_BYTES);
	}

	#[test]
	fn an_expert_in_use_should_stay_and_whoever_needs_its_room_wait() {
		let folder = tempfile::tempdir().unwrap();
		let weights = lively(&tiny());
		let path = write_components(&weights, folder.path());
		let cache = ExpertCache::new(&weights.layout, EXPERT_BYTES).unwrap();
		let file = |index| file_of(index, &path);
		let held = cache.get(&file(0)).unwrap();
		let before = held.numbers().to_vec();
		std::thread::scope(|scope| {
			let other = scope.spawn(|| cache.get(&file(1)).unwrap().numbers().to_vec());
			assert_eq!(held.numbers(), before);
			assert_eq!(cache.metrics().evictions, 0);
			drop(held);
			assert_ne!(other.join().unwrap(), before);
		});
		assert_eq!(cache.metrics().highest_resident_bytes, EXPERT_BYTES);
	}

	#[test]
	fn load_partial_should_name_the_limit_that_is_too_low_and_the_file_that_is_gone() {
		let folder = tempfile::tempdir().unwrap();
		let path = write_components(&lively(&tiny()), folder.path());
		let error = Weights::load_partial(&tiny(), &path, EXPERT_BYTES - 1).unwrap_err();
		assert!(matches!(error, ModelError::Config { field: "expert_cache_bytes", .. }), "{error}");
		let weights = Weights::load_partial(&tiny(), &path, EXPERT_BYTES).unwrap();
		for component in tiny().components().filter(|c| matches!(c, Component::Expert { .. })) {
			std::fs::remove_file(path(component)).unwrap();
		}
		let error = evaluate(&weights, &[b"some bytes"], 2).unwrap_err();
		assert!(error.is_retryable() && error.to_string().contains("expert("), "{error}");
		// The thread that loads ahead gives room back only when it has seen the error too.
		let resident = || weights.cache_metrics().unwrap().resident_bytes;
		let wait = |_| std::thread::sleep(std::time::Duration::from_millis(1));
		assert!((0..10_000).map(wait).any(|()| resident() == 0), "{} bytes are still taken", resident());
	}
}
