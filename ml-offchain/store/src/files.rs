//! The folder: names, locks, temporary files.

use crate::error::StoreError;
use blyan_primitives::cid::Cid;
use std::{
	fs::{self, File, OpenOptions, TryLockError},
	io::{self, ErrorKind},
	os::unix::fs::{MetadataExt, PermissionsExt},
	path::{Path, PathBuf},
	sync::atomic::{AtomicU64, Ordering},
	time::{SystemTime, UNIX_EPOCH},
};

const LOCK: &str = ".lock";
const PINS: &str = "pins";
const PINS_LOCK: &str = ".pins-lock";
const QUARANTINE: &str = "quarantine";
const TEMPORARY_PREFIX: &str = ".tmp-";
pub(crate) const SIDECAR_SUFFIX: &str = ".dag";
pub(crate) const PARTIAL_SUFFIX: &str = ".partial";
/// Content is read by anyone and written by nobody.
const CONTENT_MODE: u32 = 0o444;

/// What a name in the folder stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
	Content(Cid),
	Sidecar(Cid),
	Partial(Cid),
}

impl Name {
	pub(crate) fn parse(name: &str) -> Option<Self> {
		if let Some(cid) = name.strip_suffix(SIDECAR_SUFFIX) {
			return cid.parse().ok().map(Self::Sidecar);
		}
		if let Some(cid) = name.strip_suffix(PARTIAL_SUFFIX) {
			return cid.parse().ok().map(Self::Partial);
		}
		name.parse().ok().map(Self::Content)
	}
}

/// A file of the store's folder, as [`Folder::entries`] finds it.
pub(crate) struct Entry {
	pub(crate) name: Name,
	pub(crate) path: PathBuf,
	pub(crate) bytes: u64,
	pub(crate) modified: SystemTime,
}

#[derive(Debug)]
pub(crate) struct Folder {
	path: PathBuf,
}

impl Folder {
	/// Makes the folder if it is not there, and removes what writers that are gone left behind.
	pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
		let io = |action| {
			let path = path.clone();
			move |source| StoreError::io(action, &path, 0, source)
		};
		fs::create_dir_all(&path).map_err(io("create"))?;
		let this = Self { path: fs::canonicalize(&path).map_err(io("resolve"))? };
		this.sweep()?;
		Ok(this)
	}

	pub(crate) fn path(&self) -> &Path {
		&self.path
	}

	pub(crate) fn content(&self, cid: &Cid) -> PathBuf {
		self.path.join(cid.to_string())
	}

	pub(crate) fn sidecar(&self, cid: &Cid) -> PathBuf {
		self.path.join(format!("{cid}{SIDECAR_SUFFIX}"))
	}

	pub(crate) fn partial(&self, cid: &Cid) -> PathBuf {
		self.path.join(format!("{cid}{PARTIAL_SUFFIX}"))
	}

	pub(crate) fn pins(&self) -> PathBuf {
		self.path.join(PINS)
	}

	/// Holds the folder's names still until the result is dropped. Kept for moments only.
	pub(crate) fn lock(&self) -> Result<File, StoreError> {
		self.lock_file(LOCK)
	}

	/// Keeps others from changing the pins until the result is dropped. Taken before [`Self::lock`].
	pub(crate) fn lock_pins(&self) -> Result<File, StoreError> {
		self.lock_file(PINS_LOCK)
	}

	fn lock_file(&self, name: &str) -> Result<File, StoreError> {
		let path = self.path.join(name);
		let io = |source| StoreError::io("lock", &path, 0, source);
		let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
		file.lock().map_err(io)?;
		Ok(file)
	}

	/// A new temporary file, locked so that no opening of the store takes it for a leftover.
	pub(crate) fn temporary(&self, needed_bytes: u64) -> Result<Temporary, StoreError> {
		static COUNTER: AtomicU64 = AtomicU64::new(0);
		let count = COUNTER.fetch_add(1, Ordering::Relaxed);
		let name = format!("{TEMPORARY_PREFIX}{}-{count}-{}", std::process::id(), unix_nanoseconds());
		let path = self.path.join(name);
		let io = |source| StoreError::io("create", &path, needed_bytes, source);
		// Between creating it and locking it nobody may sweep.
		let _names = self.lock()?;
		let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).map_err(io)?;
		file.lock().map_err(io)?;
		Ok(Temporary { file, path, needed_bytes, renamed: false })
	}

	/// Syncs a whole file, makes it read-only and gives it its name. `from` is in this folder.
	pub(crate) fn publish(
		&self,
		file: &File,
		from: &Path,
		to: &Path,
		needed_bytes: u64,
	) -> Result<(), StoreError> {
		let io = |action| move |source| StoreError::io(action, from, needed_bytes, source);
		file.set_permissions(fs::Permissions::from_mode(CONTENT_MODE)).map_err(io("make read-only"))?;
		file.sync_all().map_err(io("sync"))?;
		{
			let _names = self.lock()?;
			fs::rename(from, to).map_err(io("rename"))?;
		}
		self.sync(needed_bytes)
	}

	/// Makes changes of names last.
	fn sync(&self, needed_bytes: u64) -> Result<(), StoreError> {
		File::open(&self.path)
			.and_then(|folder| folder.sync_all())
			.map_err(|source| StoreError::io("sync", &self.path, needed_bytes, source))
	}

	/// Puts an altered file out of the way. `file` is what was found altered: if the name stands for
	/// another file by now, that one is left alone.
	pub(crate) fn quarantine(&self, cid: &Cid, file: &File) -> Result<PathBuf, StoreError> {
		let from = self.content(cid);
		let folder = self.path.join(QUARANTINE);
		let io = |action| {
			let from = from.clone();
			move |source| StoreError::io(action, &from, 0, source)
		};
		fs::create_dir_all(&folder).map_err(io("make a quarantine for"))?;
		let to = folder.join(format!("{cid}-{}", unix_nanoseconds()));
		let _names = self.lock()?;
		if is_same_file(file, &from).map_err(io("examine"))? {
			fs::rename(&from, &to).map_err(io("quarantine"))?;
			self.sync(0)?;
		}
		tracing::warn!(%cid, path = %to.display(), "a stored file was altered or torn, and is quarantined");
		Ok(to)
	}

	/// Content, sidecars and partial files.
	pub(crate) fn entries(&self) -> Result<Vec<Entry>, StoreError> {
		let io = |source| StoreError::io("list", &self.path, 0, source);
		let mut entries = Vec::new();
		for entry in fs::read_dir(&self.path).map_err(io)? {
			let entry = entry.map_err(io)?;
			let Some(name) = entry.file_name().to_str().and_then(Name::parse) else { continue };
			match entry.metadata() {
				Ok(metadata) if metadata.is_file() => entries.push(Entry {
					name,
					path: entry.path(),
					bytes: metadata.len(),
					modified: metadata.modified().map_err(io)?,
				}),
				// It went away between the listing and the look, or is none of ours.
				_ => {}
			}
		}
		Ok(entries)
	}

	/// When a name in the folder last changed.
	pub(crate) fn modified(&self) -> Result<SystemTime, StoreError> {
		fs::metadata(&self.path)
			.and_then(|metadata| metadata.modified())
			.map_err(|source| StoreError::io("examine", &self.path, 0, source))
	}

	/// Removes a file; whether it was there.
	pub(crate) fn remove(&self, path: &Path) -> Result<bool, StoreError> {
		match fs::remove_file(path) {
			Ok(()) => Ok(true),
			Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
			Err(source) => Err(StoreError::io("remove", path, 0, source)),
		}
	}

	/// Removes everything in quarantine; returns the bytes freed.
	pub(crate) fn empty_quarantine(&self) -> Result<u64, StoreError> {
		let folder = self.path.join(QUARANTINE);
		let io = |source| StoreError::io("empty", &folder, 0, source);
		let entries = match fs::read_dir(&folder) {
			Ok(entries) => entries,
			Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
			Err(source) => return Err(io(source)),
		};
		let mut bytes = 0;
		for entry in entries {
			let entry = entry.map_err(io)?;
			bytes += entry.metadata().map(|metadata| metadata.len()).unwrap_or_default();
			self.remove(&entry.path())?;
		}
		Ok(bytes)
	}

	/// Removes temporary files that nobody holds a lock on.
	fn sweep(&self) -> Result<(), StoreError> {
		let io = |source| StoreError::io("list", &self.path, 0, source);
		let _names = self.lock()?;
		for entry in fs::read_dir(&self.path).map_err(io)? {
			let entry = entry.map_err(io)?;
			if !entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
				continue;
			}
			let path = entry.path();
			if try_lock(&path)?.is_some() && self.remove(&path)? {
				tracing::debug!(path = %path.display(), "removed what an interrupted write left");
			}
		}
		Ok(())
	}
}

/// Locks a file that is there, unless somebody holds it; `None` too if it went away.
pub(crate) fn try_lock(path: &Path) -> Result<Option<File>, StoreError> {
	let file = match File::open(path) {
		Ok(file) => file,
		Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
		Err(source) => return Err(StoreError::io("open", path, 0, source)),
	};
	match file.try_lock() {
		Ok(()) => Ok(Some(file)),
		Err(TryLockError::WouldBlock) => Ok(None),
		Err(TryLockError::Error(source)) => Err(StoreError::io("lock", path, 0, source)),
	}
}

/// Whether the name still stands for the open file.
pub(crate) fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
	let open = file.metadata()?;
	match fs::metadata(path) {
		Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
		Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
		Err(error) => Err(error),
	}
}

fn unix_nanoseconds() -> u128 {
	SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

/// A file under a temporary name, removed when dropped unless it was published.
pub(crate) struct Temporary {
	pub(crate) file: File,
	path: PathBuf,
	needed_bytes: u64,
	renamed: bool,
}

impl Temporary {
	pub(crate) fn path(&self) -> &Path {
		&self.path
	}

	pub(crate) fn publish(mut self, folder: &Folder, to: &Path) -> Result<(), StoreError> {
		folder.publish(&self.file, &self.path, to, self.needed_bytes)?;
		self.renamed = true;
		Ok(())
	}
}

impl Drop for Temporary {
	fn drop(&mut self) {
		if !self.renamed {
			// If it cannot be removed now, the next opening of the store does it.
			let _ = fs::remove_file(&self.path);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn open_should_remove_leftovers_and_spare_files_being_written() {
		let folder = tempfile::tempdir().unwrap();
		let writer = Folder::open(folder.path().into()).unwrap();
		let live = writer.temporary(0).unwrap();
		let dead = folder.path().join(".tmp-1-0-0");
		fs::write(&dead, b"half").unwrap();
		Folder::open(folder.path().into()).unwrap();
		assert!(live.path().exists() && !dead.exists());
		let path = live.path().to_owned();
		drop(live);
		assert!(!path.exists());
	}

	#[test]
	fn quarantine_should_spare_a_file_that_took_the_name_since() {
		let folder = tempfile::tempdir().unwrap();
		let store = Folder::open(folder.path().into()).unwrap();
		let cid: Cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku".parse().unwrap();
		fs::write(store.content(&cid), b"bad").unwrap();
		let bad = File::open(store.content(&cid)).unwrap();
		fs::write(folder.path().join("new"), b"").unwrap();
		fs::rename(folder.path().join("new"), store.content(&cid)).unwrap();
		store.quarantine(&cid, &bad).unwrap();
		assert!(store.content(&cid).exists());
		let good = File::open(store.content(&cid)).unwrap();
		let moved = store.quarantine(&cid, &good).unwrap();
		assert!(!store.content(&cid).exists() && moved.exists());
		assert_eq!(store.empty_quarantine().unwrap(), 0);
		assert!(!moved.exists());
	}

	#[test]
	fn full_should_be_told_apart_from_other_refusals() {
		// ENOSPC and EACCES.
		let error = |code| StoreError::io("write", Path::new("x"), 7, io::Error::from_raw_os_error(code));
		assert!(matches!(error(28), StoreError::Full { needed_bytes: 7, .. }));
		assert!(matches!(error(13), StoreError::Io { .. }));
	}
}
