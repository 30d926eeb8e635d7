//! The keys of lots, each in a file of mode 0600 under `sealed/` in the data folder. There is no file for all of them, so
//! that lots can be made while the opener runs.

use crate::files::{write_atomically, FileError};
use blyan_primitives::{
	dag::ModelId,
	sealed::{key_hash, LotKey, NewLot},
	Hash,
};
use rand::{rngs::OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeMap,
	fs, io,
	path::{Path, PathBuf},
};

/// The folder's name in the data folder.
const FOLDER: &str = "sealed";
const EXTENSION: &str = "json";

/// A key that nobody else knows. Is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Hash);

impl std::fmt::Debug for Key {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str("Key(..)")
	}
}

impl Key {
	/// A new one, from the system's randomness.
	pub fn random() -> Self {
		let mut bytes = [0; 32];
		OsRng.fill_bytes(&mut bytes);
		Self(bytes.into())
	}

	/// To seal with, or to publish.
	pub fn expose(&self) -> &LotKey {
		self.0.as_fixed_bytes()
	}

	/// What the chain has of it.
	pub fn hash(&self) -> Hash {
		key_hash(self.expose())
	}
}

/// A lot with its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
	/// The model that it is to judge.
	pub model: ModelId,
	/// What the chain is told.
	pub lot: NewLot,
	/// What it is not told until a round has drawn the lot.
	pub key: Key,
}

/// The keys of a data folder.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
	/// Those of a worker with that data folder.
	pub fn of(data_dir: &Path) -> Self {
		Self(data_dir.join(FOLDER))
	}

	/// Keeps a lot with its key, durably.
	///
	/// # Errors
	/// [`FileError`]; the lot must not be announced then.
	pub fn keep(&self, sealed: &Sealed) -> Result<PathBuf, FileError> {
		fs::create_dir_all(&self.0).map_err(FileError::of("make the folder", &self.0))?;
		let path = self.0.join(format!("{:x}.{EXTENSION}", sealed.lot.key_hash));
		let json = serde_json::to_vec(sealed)
			.map_err(|error| FileError::of("write", &path)(io::Error::other(error)))?;
		// Made with mode 0600, as every temporary file is.
		write_atomically(&path, &json)?;
		Ok(path)
	}

	/// All of them, by the hash of the key. A file that is none is told of, and left out: the rest must be opened.
	///
	/// # Errors
	/// [`FileError`]: the folder cannot be read.
	pub fn read(&self) -> Result<BTreeMap<Hash, Sealed>, FileError> {
		let mut all = BTreeMap::new();
		let entries = match fs::read_dir(&self.0) {
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
			entries => entries.map_err(FileError::of("read", &self.0))?,
		};
		for entry in entries {
			let path = entry.map_err(FileError::of("read", &self.0))?.path();
			if path.extension().is_none_or(|extension| extension != EXTENSION) {
				continue;
			}
			let read = fs::read(&path).map_err(|error| error.to_string());
			// What serde says of a secret's file must not repeat what it holds.
			let sealed = read.and_then(|json| {
				serde_json::from_slice::<Sealed>(&json)
					.map_err(|error| format!("line {}: not a key", error.line()))
			});
			match sealed {
				Ok(sealed) if sealed.key.hash() == sealed.lot.key_hash => {
					all.insert(sealed.lot.key_hash, sealed);
				}
				Ok(_) => {
					tracing::error!(path = %path.display(), "the key is not that of its lot: it cannot be opened")
				}
				Err(why) => {
					tracing::error!(path = %path.display(), why, "a lot's key cannot be read: it cannot be opened")
				}
			}
		}
		Ok(all)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::{Cid, CidCodec};
	use std::os::unix::fs::PermissionsExt;

	fn sealed() -> Sealed {
		let key = Key::random();
		let lot = NewLot {
			content: Cid { codec: CidCodec::Raw, digest: [1; 32] },
			shards: 2,
			shard_bytes: 3,
			root: Hash::repeat_byte(1),
			key_hash: key.hash(),
			domain: Default::default(),
		};
		Sealed { model: 3, lot, key }
	}

	#[test]
	fn key_folder_should_return_what_it_keeps_and_let_nobody_else_read_it() {
		let folder = tempfile::tempdir().unwrap();
		let keys = KeyFolder::of(folder.path());
		assert_eq!(keys.read().unwrap(), BTreeMap::new());
		let (one, other) = (sealed(), sealed());
		let path = keys.keep(&one).unwrap();
		keys.keep(&other).unwrap();
		assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
		let all = keys.read().unwrap();
		assert_eq!((all.len(), all.get(&one.lot.key_hash)), (2, Some(&one)));
	}

	#[test]
	fn key_folder_should_leave_out_what_is_no_key_and_read_the_rest() {
		let folder = tempfile::tempdir().unwrap();
		let keys = KeyFolder::of(folder.path());
		let good = sealed();
		let path = keys.keep(&good).unwrap();
		fs::write(path.with_file_name("torn.json"), b"{\"model\":3").unwrap();
		let wrong = Sealed { key: Key::random(), ..sealed() };
		keys.keep(&wrong).unwrap();
		assert_eq!(keys.read().unwrap().into_values().collect::<Vec<_>>(), [good]);
	}

	#[test]
	fn key_should_not_show_itself() {
		let sealed = sealed();
		let secret = format!("{:x}", sealed.key.0);
		assert!(!format!("{sealed:?}").contains(&secret) && format!("{sealed:?}").contains("Key(..)"));
	}
}
