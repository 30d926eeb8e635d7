//! The side that downloads.

use super::{
	http::HttpClient,
	providers::Providers,
	source::{Block, BlockSource, ProviderFailure},
};
use crate::{
	dag::{said_length, Dag, Layout, LEAF_BYTES, MAX_FILE_BYTES},
	error::StoreError,
	files::is_same_file,
	hash::{leaves_of_file, Digest},
	store::Store,
};
use blyan_primitives::cid::{Cid, CidCodec};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Url;
use std::{
	fs::{File, OpenOptions, TryLockError},
	os::unix::fs::FileExt,
	path::PathBuf,
	sync::Arc,
	time::Duration,
};
use tokio::task::spawn_blocking;

/// How often a download that another one is already making is looked at.
const PARTIAL_POLL: Duration = Duration::from_millis(50);

/// Bounds of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOptions {
	/// For all of it, waiting for another download of the same content included.
	pub timeout_total: Duration,
	/// For one block from one provider, connecting included.
	pub timeout_per_block: Duration,
	/// When a provider has not sent a block for this long, another is asked for it as well.
	pub second_after: Duration,
	/// Longer content is refused before anything is asked for.
	pub max_bytes: u64,
	/// Blocks asked for at once; each may take [`crate::MAX_BLOCK_BYTES`] of memory.
	pub parallel: usize,
}

impl Default for FetchOptions {
	fn default() -> Self {
		Self {
			timeout_total: Duration::from_secs(600),
			timeout_per_block: Duration::from_secs(20),
			second_after: Duration::from_secs(2),
			max_bytes: 16 << 30,
			parallel: 8,
		}
	}
}

/// Why content could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
	/// Longer than allowed; nothing was asked for.
	#[error("{cid} is said to have {expected_bytes} bytes; at most {limit} are fetched")]
	TooLarge {
		/// The content.
		cid: Cid,
		/// The length it is said to have.
		expected_bytes: u64,
		/// The most allowed.
		limit: u64,
	},
	/// The content is not a file of the expected length as `ipfs add --cid-version=1` makes it. The fault
	/// lies with whoever announced it: no provider can mend it.
	#[error(
		"{cid} is not a file of {expected_bytes} bytes as `ipfs add --cid-version=1` makes it: {reason} (block {block})"
	)]
	NotAsAnnounced {
		/// The content.
		cid: Cid,
		/// The length it is said to have.
		expected_bytes: u64,
		/// The block that shows it.
		block: Cid,
		/// What is wrong.
		reason: &'static str,
	},
	/// The content is a directory, or nothing that can be read.
	#[error("{cid} is not a file")]
	NotAFile {
		/// The content.
		cid: Cid,
	},
	/// No provider is left to ask.
	#[error("{cid} cannot be fetched: {}", list(failures))]
	Unfetchable {
		/// The content.
		cid: Cid,
		/// Why each provider was dropped.
		failures: Vec<ProviderFailure>,
	},
	/// It took too long; what was verified is kept for the next try.
	#[error("{cid} was not fetched within {after:?}; dropped providers: {}", list(failures))]
	TimedOut {
		/// The content.
		cid: Cid,
		/// How long it was given.
		after: Duration,
		/// Why providers were dropped until then.
		failures: Vec<ProviderFailure>,
	},
	/// The HTTP client could not be made.
	#[error("cannot make an HTTP client: {source}")]
	Client {
		/// Why.
		#[from]
		source: reqwest::Error,
	},
	/// The store on disk failed.
	#[error(transparent)]
	Store(#[from] StoreError),
}

fn list(failures: &[ProviderFailure]) -> String {
	if failures.is_empty() {
		return "none".to_owned();
	}
	failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl FetchError {
	/// Why each provider was dropped that was.
	pub fn failures(&self) -> &[ProviderFailure] {
		match self {
			Self::Unfetchable { failures, .. } | Self::TimedOut { failures, .. } => failures,
			_ => &[],
		}
	}

	/// Whether the same call may succeed later, when a provider is back.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Unfetchable { .. } | Self::TimedOut { .. } => true,
			Self::TooLarge { .. }
			| Self::NotAsAnnounced { .. }
			| Self::NotAFile { .. }
			| Self::Client { .. } => false,
			Self::Store(error) => error.is_retryable(),
		}
	}
}

impl From<tokio::task::JoinError> for FetchError {
	fn from(source: tokio::task::JoinError) -> Self {
		Self::Store(source.into())
	}
}

/// Brings content of a known length into the store from trustless gateways, and returns its path, verified.
///
/// `providers` are their bases, such as `http://10.0.0.7:4100`. The rest is as with [`fetch_from`].
///
/// # Errors
/// [`FetchError`]; nothing stands under the content's name then.
pub async fn fetch(
	store: &Store,
	cid: Cid,
	expected_bytes: u64,
	providers: &[Url],
	options: &FetchOptions,
) -> Result<PathBuf, FetchError> {
	let client = HttpClient::new()?;
	let source = |url: &Url| Arc::new(client.source(url.clone())) as Arc<dyn BlockSource>;
	fetch_from(store, cid, expected_bytes, providers.iter().map(source).collect(), options).await
}

/// Brings content of a known length into the store and returns its path, verified.
///
/// If the store has it already, it is verified and nothing is downloaded; an altered copy is fetched anew.
/// Leaves come from all sources in parallel, each checked by its own digest before it is written. A
/// source that fails once is not asked again; one that is slow is helped by the others. What was verified
/// survives an interruption, cancelling this future included; a second download of the same content waits
/// for the first. Memory is bounded by [`FetchOptions::parallel`] and the digests of the leaves, 128 bytes
/// a MiB.
///
/// # Errors
/// [`FetchError`]; nothing stands under the content's name then.
pub async fn fetch_from(
	store: &Store,
	cid: Cid,
	expected_bytes: u64,
	sources: Vec<Arc<dyn BlockSource>>,
	options: &FetchOptions,
) -> Result<PathBuf, FetchError> {
	let limit = options.max_bytes.min(MAX_FILE_BYTES);
	let layout = Layout::new(expected_bytes)
		.filter(|_| expected_bytes <= limit)
		.ok_or(FetchError::TooLarge { cid, expected_bytes, limit })?;
	let announced = Announced { cid, expected_bytes };
	let is_one_leaf = layout.root_level() == 0;
	if is_one_leaf != (cid.codec == CidCodec::Raw) {
		return Err(announced.not_so(cid, "a file of one leaf is named by it, any other by a node"));
	}
	let providers = Providers::new(sources, options.timeout_per_block, options.second_after);
	let download =
		Download { store, announced, layout, providers: &providers, parallel: options.parallel.max(1) };
	match tokio::time::timeout(options.timeout_total, download.run()).await {
		Ok(result) => result,
		Err(_) => Err(FetchError::TimedOut {
			cid,
			after: options.timeout_total,
			failures: providers.take_failures(),
		}),
	}
}

/// How long content says it is, from the first source that has its root: for [`fetch_from`], which holds
/// the content to it.
///
/// # Errors
/// [`FetchError::Unfetchable`], [`FetchError::TimedOut`]; [`FetchError::NotAFile`] of content that is no
/// file.
pub async fn content_bytes(
	cid: &Cid,
	sources: Vec<Arc<dyn BlockSource>>,
	options: &FetchOptions,
) -> Result<u64, FetchError> {
	let providers = Providers::new(sources, options.timeout_per_block, options.second_after);
	let root = match tokio::time::timeout(options.timeout_total, providers.block(cid)).await {
		Ok(Ok(root)) => root,
		Ok(Err(_)) => return Err(FetchError::Unfetchable { cid: *cid, failures: providers.take_failures() }),
		Err(_) => {
			let (after, failures) = (options.timeout_total, providers.take_failures());
			return Err(FetchError::TimedOut { cid: *cid, after, failures });
		}
	};
	match cid.codec {
		CidCodec::Raw => Ok(root.bytes().len() as u64),
		CidCodec::DagPb => said_length(root.bytes()).ok_or(FetchError::NotAFile { cid: *cid }),
	}
}

/// What somebody said about the content.
#[derive(Clone, Copy)]
struct Announced {
	cid: Cid,
	expected_bytes: u64,
}

impl Announced {
	fn not_so(self, block: Cid, reason: &'static str) -> FetchError {
		FetchError::NotAsAnnounced { cid: self.cid, expected_bytes: self.expected_bytes, block, reason }
	}
}

struct Download<'a> {
	store: &'a Store,
	announced: Announced,
	layout: Layout,
	providers: &'a Providers,
	parallel: usize,
}

impl Download<'_> {
	async fn run(self) -> Result<PathBuf, FetchError> {
		let cid = self.announced.cid;
		let partial = loop {
			if let Some(path) = self.held().await? {
				return Ok(path);
			}
			match self.lock_partial().await? {
				// Whoever held the lock may just have finished.
				Some(_) if self.store.contains(&cid) => {}
				Some(partial) => break Arc::new(partial),
				None => tokio::time::sleep(PARTIAL_POLL).await,
			}
		};
		let dag = Arc::new(self.dag().await?);
		let result = self.leaves(&partial, &dag).await;
		if let Err(FetchError::Store(StoreError::Full { .. })) = result {
			// What is left would only keep the disk full.
			let _ = std::fs::remove_file(self.store.folder().partial(&cid));
		}
		result?;
		let store = self.store.clone();
		let path = spawn_blocking(move || {
			let dag = Arc::unwrap_or_clone(dag);
			store.adopt_partial(&partial, dag)
		})
		.await??;
		tracing::info!(%cid, bytes = self.announced.expected_bytes, "fetched");
		Ok(path)
	}

	/// The path, if the store has the content already, and it is sound and of the expected length.
	async fn held(&self) -> Result<Option<PathBuf>, FetchError> {
		let (store, announced) = (self.store.clone(), self.announced);
		spawn_blocking(move || match store.verify(&announced.cid) {
			Ok(stored) if stored.bytes == announced.expected_bytes => Ok(Some(store.path(&announced.cid))),
			Ok(_) => Err(announced.not_so(announced.cid, "the file has another length")),
			Err(StoreError::Missing { .. } | StoreError::Altered { .. }) => Ok(None),
			Err(error) => Err(error.into()),
		})
		.await?
	}

	/// The partial file, locked; `None` if another download holds it.
	async fn lock_partial(&self) -> Result<Option<File>, FetchError> {
		let path = self.store.folder().partial(&self.announced.cid);
		let needed = self.announced.expected_bytes;
		let locked = spawn_blocking(move || {
			let io = |action| {
				let path = path.clone();
				move |source| StoreError::io(action, &path, needed, source)
			};
			let mut open = OpenOptions::new();
			open.read(true).write(true).create(true).truncate(false);
			let file = open.open(&path).map_err(io("open"))?;
			match file.try_lock() {
				// Renamed or removed since it was opened: the lock is on another file than the name.
				Ok(()) if !is_same_file(&file, &path).map_err(io("examine"))? => Ok(None),
				Ok(()) => Ok(Some(file)),
				Err(TryLockError::WouldBlock) => Ok(None),
				Err(TryLockError::Error(source)) => Err(io("lock")(source)),
			}
		});
		Ok(locked.await??)
	}

	/// The tree over the content: from the sidecar of an earlier try, or from the providers, root first.
	async fn dag(&self) -> Result<Dag, FetchError> {
		let cid = self.announced.cid;
		let store = self.store.clone();
		if let Some(dag) = spawn_blocking(move || store.read_sidecar(&cid)).await?? {
			return if dag.layout().file_bytes() == self.announced.expected_bytes {
				Ok(dag)
			} else {
				Err(self.announced.not_so(cid, "the file has another length"))
			};
		}
		let mut digests: Vec<Digest> = vec![cid.digest];
		for level in (1..=self.layout.root_level()).rev() {
			let nodes = digests.into_iter().enumerate().map(|(index, digest)| async move {
				let node = Cid { codec: CidCodec::DagPb, digest };
				let block = self.block(&node).await?;
				self.layout.decode(level, index, block.bytes()).ok_or_else(|| {
					self.announced.not_so(node, "the node is not what belongs there in such a file")
				})
			});
			let children: Vec<Vec<Digest>> =
				stream::iter(nodes).buffered(self.parallel).try_collect().await?;
			digests = children.into_iter().flatten().collect();
		}
		// Every node was found in its place, so the tree over these leaves has this root.
		let dag = Dag::new(self.layout.clone(), digests)
			.filter(|dag| dag.root() == cid)
			.ok_or_else(|| self.announced.not_so(cid, "its tree has another root"))?;
		let store = self.store.clone();
		spawn_blocking(move || store.put_sidecar(&dag).map(|()| dag)).await?.map_err(FetchError::from)
	}

	/// Fills the partial file with the leaves that it lacks.
	async fn leaves(&self, partial: &Arc<File>, dag: &Arc<Dag>) -> Result<(), FetchError> {
		let missing = self.missing_leaves(partial, dag).await?;
		tracing::debug!(
			cid = %self.announced.cid,
			missing = missing.len(),
			leaves = dag.leaves().len(),
			"fetching leaves"
		);
		stream::iter(missing.into_iter().map(Ok))
			.try_for_each_concurrent(self.parallel, |index| async move {
				let leaf = Cid { codec: CidCodec::Raw, digest: dag.leaves()[index] };
				let (offset, length) = dag.layout().leaf_range(index);
				let block = self.block(&leaf).await?;
				if block.bytes().len() != length {
					return Err(self.announced.not_so(leaf, "the leaf has another length"));
				}
				let (file, path) = (partial.clone(), self.store.folder().partial(&self.announced.cid));
				let needed = self.announced.expected_bytes;
				spawn_blocking(move || file.write_all_at(block.bytes(), offset))
					.await?
					.map_err(|source| StoreError::io("write", &path, needed, source).into())
			})
			.await
	}

	/// Leaves of the partial file that are not what they should be. Nothing is remembered about an
	/// earlier try: its bytes are hashed, so whatever became of them since is noticed.
	async fn missing_leaves(&self, partial: &Arc<File>, dag: &Arc<Dag>) -> Result<Vec<usize>, FetchError> {
		let path = self.store.folder().partial(&self.announced.cid);
		let (file, dag) = (partial.clone(), dag.clone());
		let needed = self.announced.expected_bytes;
		let found = spawn_blocking(move || {
			let io = |action| {
				let path = path.clone();
				move |source| StoreError::io(action, &path, needed, source)
			};
			let is_new = file.metadata().map_err(io("examine"))?.len() == 0;
			file.set_len(needed).map_err(io("extend"))?;
			if is_new {
				return Ok((0..dag.leaves().len()).collect());
			}
			let found = leaves_of_file(&file, dag.layout()).map_err(io("read"))?;
			let pairs = found.iter().zip(dag.leaves()).enumerate();
			Ok::<_, StoreError>(pairs.filter(|(_, (a, b))| a != b).map(|(index, _)| index).collect())
		});
		Ok(found.await??)
	}

	async fn block(&self, cid: &Cid) -> Result<Block, FetchError> {
		self.providers.block(cid).await.map_err(|_| FetchError::Unfetchable {
			cid: self.announced.cid,
			failures: self.providers.take_failures(),
		})
	}
}

// A leaf is never longer than what is read from a peer.
const _: () = assert!(LEAF_BYTES <= super::MAX_BLOCK_BYTES);
