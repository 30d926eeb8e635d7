//! Whole weights of a block: its content, or what its chain of deltas replays to.

use crate::content::{Content, ContentError};
use blyan_chain_client::ChainError;
use blyan_delta::{replay, snapshot_matches, Delta, DeltaError};
use blyan_primitives::{
	api::BlockInfo,
	dag::{Block, BlockId, BlockKind},
	AccountId,
};
use blyan_store::{StoreError, Stored};
use blyan_tensorblock::Container;
use futures::{stream, StreamExt, TryStreamExt};
use std::{
	collections::VecDeque,
	fs, io,
	path::PathBuf,
	time::{Duration, Instant},
};

/// Files of a chain fetched at once.
const PARALLEL_FILES: usize = 4;

/// Why a block's whole weights are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain does not know a block.
	#[error("the chain does not know block {0:?}")]
	BlockNotFound(BlockId),
	/// The ancestors are not what the block's record says: a node or a runtime that is not to be relied on.
	#[error("the chain of deltas under block {0:?} is not as long as its record says")]
	ChainBroken(BlockId),
	/// Content of the block, or of one that it builds on, is not to be had.
	#[error("the weights of block {block:?} need the content of block {of:?}: {source}")]
	Content {
		/// Whose weights were asked for.
		block: BlockId,
		/// Whose content is missing.
		of: BlockId,
		/// Why.
		source: Box<ContentError>,
	},
	/// A delta, or the file that it is against, is not as it should be.
	#[error("the deltas under block {block:?} cannot be replayed: {source}")]
	Delta {
		/// Whose weights were asked for.
		block: BlockId,
		/// Why.
		source: Box<DeltaError>,
	},
	/// A file of this machine's own store cannot be read.
	#[error("cannot read {}: {source}", path.display())]
	Read {
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// This machine's own store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The thread that replayed died.
	#[error("replaying ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl ReplayError {
	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Content { source, .. } => source.is_retryable(),
			Self::Delta { source, .. } => source.is_retryable(),
			Self::Store(error) => error.is_retryable(),
			Self::Read { .. } => true,
			Self::BlockNotFound(_) | Self::ChainBroken(_) | Self::Task(_) => false,
		}
	}
}

/// The files that a block's weights are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chain {
	block: BlockId,
	/// Whole weights.
	base: PathBuf,
	/// In the order in which they are replayed.
	deltas: Vec<PathBuf>,
}

impl Chain {
	fn open(&self) -> Result<(Container, Vec<Delta>), ReplayError> {
		let base = Container::open(&self.base).map_err(|error| self.refused(error.into()))?;
		let deltas = self.deltas.iter().map(Delta::open).collect::<Result<_, _>>();
		Ok((base, deltas.map_err(|error| self.refused(error))?))
	}

	fn refused(&self, error: DeltaError) -> ReplayError {
		ReplayError::Delta { block: self.block, source: Box::new(error) }
	}
}

impl Content {
	/// The path of a block's whole weights, verified: of its content, fetched if it is not here, or of what
	/// its chain of deltas replays to. `first` is asked before the other workers.
	///
	/// # Errors
	/// See [`ReplayError`].
	pub async fn whole(
		&self,
		info: &BlockInfo<AccountId>,
		first: Option<&AccountId>,
		patience: Duration,
	) -> Result<PathBuf, ReplayError> {
		if info.deltas.length == 0 {
			return self.content_of(info.id, &info.block, info.id, first, patience).await;
		}
		Ok(self.store().path(&self.replayed(info, first, patience).await?.cid))
	}

	/// What a block's chain of deltas replays to, in the store.
	///
	/// # Errors
	/// See [`ReplayError`].
	pub async fn replayed(
		&self,
		info: &BlockInfo<AccountId>,
		first: Option<&AccountId>,
		patience: Duration,
	) -> Result<Stored, ReplayError> {
		let store = self.store().clone();
		if let Some(cid) = self.known_replay(&info.id) {
			// One that was altered since, or collected as garbage, is replayed anew.
			let again = store.clone();
			if let Ok(stored) = tokio::task::spawn_blocking(move || again.verify(&cid)).await? {
				return Ok(stored);
			}
		}
		let chain = self.chain_of(info, first, patience).await?;
		let stored = tokio::task::spawn_blocking(move || {
			let (base, deltas) = chain.open()?;
			let whole = replay(&base, &deltas).map_err(|error| chain.refused(error))?;
			store.put_bytes(&whole).map_err(ReplayError::Store)
		})
		.await??;
		self.remember_replay(info.id, stored.cid);
		Ok(stored)
	}

	/// Whether a snapshot is, byte for byte, what the chain of its first parent replays to.
	///
	/// # Errors
	/// See [`ReplayError`]; the snapshot's own content comes first.
	pub async fn is_replay(
		&self,
		snapshot: &BlockInfo<AccountId>,
		patience: Duration,
		heads_patience: Duration,
	) -> Result<bool, ReplayError> {
		let trainer = Some(&snapshot.block.trainer);
		let path = self.content_of(snapshot.id, &snapshot.block, snapshot.id, trainer, patience).await?;
		let parent = *snapshot.block.parents.first().ok_or(ReplayError::ChainBroken(snapshot.id))?;
		let parent = self.chain().block(parent).await?.ok_or(ReplayError::BlockNotFound(parent))?;
		let chain = self.chain_of(&parent, None, heads_patience).await?;
		tokio::task::spawn_blocking(move || {
			let (base, deltas) = chain.open()?;
			let bytes = fs::read(&path).map_err(|source| ReplayError::Read { path: path.clone(), source })?;
			snapshot_matches(&base, &deltas, &bytes).map_err(|error| chain.refused(error))
		})
		.await?
	}

	/// Fetches what a block's weights are replayed from.
	async fn chain_of(
		&self,
		info: &BlockInfo<AccountId>,
		first: Option<&AccountId>,
		patience: Duration,
	) -> Result<Chain, ReplayError> {
		let begun = Instant::now();
		let blocks = self.blocks_of(info).await?;
		let mut files: Vec<PathBuf> = stream::iter(blocks)
			.map(|(of, block)| async move {
				let left = patience.saturating_sub(begun.elapsed());
				self.content_of(info.id, &block, of, first, left).await
			})
			.buffered(PARALLEL_FILES)
			.try_collect()
			.await?;
		// The oldest is the whole one.
		let base = files.pop().ok_or(ReplayError::ChainBroken(info.id))?;
		files.reverse();
		Ok(Chain { block: info.id, base, deltas: files })
	}

	/// The deltas of a block's chain, newest first, and after them the whole weights. A rollback is but another
	/// name of its first parent.
	async fn blocks_of(
		&self,
		info: &BlockInfo<AccountId>,
	) -> Result<Vec<(BlockId, Block<AccountId>)>, ReplayError> {
		let wanted = info.deltas.length as usize + 1;
		let mut blocks = Vec::with_capacity(wanted);
		let mut next = VecDeque::from([(info.id, info.block.clone())]);
		while let Some((id, block)) = next.pop_front() {
			let kind = block.kind;
			if kind != BlockKind::Rollback {
				blocks.push((id, block));
			}
			if !matches!(kind, BlockKind::Delta | BlockKind::Rollback) || blocks.len() > wanted {
				break;
			}
			if next.is_empty() && blocks.len() < wanted {
				let ancestors = self.chain().lineage(id, info.deltas.length).await?;
				next.extend(ancestors.into_iter().map(|ancestor| (ancestor.id, ancestor.block)));
			}
		}
		let ends_whole = blocks.last().is_some_and(|(_, block)| block.kind != BlockKind::Delta);
		if blocks.len() != wanted || !ends_whole {
			return Err(ReplayError::ChainBroken(info.id));
		}
		Ok(blocks)
	}

	async fn content_of(
		&self,
		block: BlockId,
		wanted: &Block<AccountId>,
		of: BlockId,
		first: Option<&AccountId>,
		patience: Duration,
	) -> Result<PathBuf, ReplayError> {
		let fetched = self.get(wanted.content, wanted.bytes, first, patience).await;
		fetched.map_err(|error| ReplayError::Content { block, of, source: Box::new(error) })
	}
}
