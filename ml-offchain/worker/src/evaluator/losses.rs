//! The losses behind findings, a file for each, until their round is settled.
//!
//! A journal keeps everything, and losses are long. What is in a file is believed only where it has the root that
//! was reported, so a file needs no checksum.

use super::step::{Attempt, KeptLosses};
use crate::files::{remove_if_there, write_atomically, FileError};
use std::{
	fs,
	path::{Path, PathBuf},
};

/// The folder's name in the data folder.
pub const FOLDER: &str = "losses";

/// The files.
#[derive(Debug)]
pub struct LossFiles {
	folder: PathBuf,
}

impl LossFiles {
	/// Opens the folder, or makes it, and reads what is kept. A file that is none of ours, or damaged, is left alone.
	///
	/// # Errors
	/// The folder cannot be used.
	pub fn open(folder: impl Into<PathBuf>) -> Result<(Self, Vec<(Attempt, KeptLosses)>), FileError> {
		let folder = folder.into();
		fs::create_dir_all(&folder).map_err(FileError::of("make the folder", &folder))?;
		let entries = fs::read_dir(&folder).map_err(FileError::of("read the folder", &folder))?;
		let mut kept = Vec::new();
		for entry in entries {
			let path = entry.map_err(FileError::of("read the folder", &folder))?.path();
			let Some(attempt) = attempt_of(&path) else { continue };
			let read = fs::read(&path).map_err(|error| error.to_string());
			match read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())) {
				Ok(losses) => kept.push((attempt, losses)),
				Err(error) => {
					tracing::error!(path = %path.display(), error, "losses cannot be read, and could not be opened");
				}
			}
		}
		Ok((Self { folder }, kept))
	}

	/// Keeps the losses of an attempt, durably, in place of those that are there.
	///
	/// # Errors
	/// The file cannot be written.
	pub fn keep(&self, attempt: Attempt, losses: &KeptLosses) -> Result<(), FileError> {
		let path = self.path(attempt);
		let json = serde_json::to_vec(losses).map_err(|error| FileError::of("write", &path)(error.into()))?;
		write_atomically(&path, &json)
	}

	/// Removes them.
	///
	/// # Errors
	/// The file cannot be removed.
	pub fn drop(&self, attempt: Attempt) -> Result<(), FileError> {
		remove_if_there(&self.path(attempt))
	}

	fn path(&self, Attempt { round, attempt }: Attempt) -> PathBuf {
		self.folder.join(format!("{round}-{attempt}.json"))
	}
}

fn attempt_of(path: &Path) -> Option<Attempt> {
	let (round, attempt) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
	Some(Attempt { round: round.parse().ok()?, attempt: attempt.parse().ok()? })
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::evaluator::step::ShardLoss;

	#[test]
	fn losses_should_be_found_again_until_they_are_dropped() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join(FOLDER);
		let (files, kept) = LossFiles::open(&path).unwrap();
		assert_eq!(kept, []);
		let attempt = Attempt { round: 12, attempt: 1 };
		let losses = |candidate| KeptLosses {
			found_at: 4,
			losses: vec![ShardLoss { shard: 3, baseline: i64::MAX, candidate }],
		};
		files.keep(attempt, &losses(1)).unwrap();
		files.keep(attempt, &losses(2)).unwrap();
		fs::write(path.join("13-0.json"), b"{").unwrap();
		fs::write(path.join("notes"), b"by hand").unwrap();
		let (files, kept) = LossFiles::open(&path).unwrap();
		assert_eq!(kept, [(attempt, losses(2))], "what is damaged or none of ours is passed over");
		files.drop(attempt).unwrap();
		files.drop(attempt).unwrap();
		assert_eq!(LossFiles::open(&path).unwrap().1, []);
	}
}
