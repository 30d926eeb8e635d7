//! What can go wrong with a store on disk.

use blyan_primitives::cid::Cid;
use std::{
	io::{self, ErrorKind},
	path::{Path, PathBuf},
};

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
	/// The file system refused.
	#[error("cannot {action} {path}: {source}")]
	Io {
		/// What was attempted.
		action: &'static str,
		/// On which file.
		path: PathBuf,
		/// What the system said.
		source: io::Error,
	},
	/// There is no room. Nothing was stored, and what was written is removed.
	#[error("no room to {action} {path}: {needed_bytes} bytes are needed ({source}); free space, or move the store")]
	Full {
		/// What was attempted.
		action: &'static str,
		/// On which file.
		path: PathBuf,
		/// Bytes that the whole file needs.
		needed_bytes: u64,
		/// What the system said: the disk, a quota or a limit on the length of files.
		source: io::Error,
	},
	/// No file of that CID is in the store.
	#[error("{cid} is not in the store at {folder}")]
	Missing {
		/// The content asked for.
		cid: Cid,
		/// The store's folder.
		folder: PathBuf,
	},
	/// A file is not what its name says: torn, or altered.
	#[error("the stored file of {cid} was altered or torn, and is now at {path}: fetch it again")]
	Altered {
		/// What it should have been.
		cid: Cid,
		/// Where it was put out of the way.
		path: PathBuf,
	},
	/// The list of pins is not what was written. Nothing is collected as garbage meanwhile.
	#[error("the list of pins at {path} was altered or torn: restore it, or remove it and pin anew")]
	PinsAltered {
		/// The list.
		path: PathBuf,
	},
	/// Only files can be stored.
	#[error("{path} is not a regular file")]
	NotAFile {
		/// What was given.
		path: PathBuf,
	},
	/// Longer than a file of the store may be.
	#[error("{path} has {bytes} bytes; the store takes {limit} at most")]
	TooLarge {
		/// What was given.
		path: PathBuf,
		/// Its length.
		bytes: u64,
		/// The most allowed.
		limit: u64,
	},
	/// Work handed to another thread did not come back.
	#[error("a task of the store ended early: {source}")]
	Task {
		/// Why.
		#[from]
		source: tokio::task::JoinError,
	},
}

impl StoreError {
	/// Whether the content can be had by fetching it, or the call may succeed if repeated as it is.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Missing { .. } | Self::Altered { .. } => true,
			Self::Io { source, .. } => {
				matches!(source.kind(), ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::WouldBlock)
			}
			Self::Full { .. }
			| Self::PinsAltered { .. }
			| Self::NotAFile { .. }
			| Self::TooLarge { .. }
			| Self::Task { .. } => false,
		}
	}

	/// An error of the file system, told apart by what a person has to do about it.
	pub(crate) fn io(action: &'static str, path: &Path, needed_bytes: u64, source: io::Error) -> Self {
		let path = path.to_owned();
		match source.kind() {
			ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
				Self::Full { action, path, needed_bytes, source }
			}
			_ => Self::Io { action, path, source },
		}
	}
}
