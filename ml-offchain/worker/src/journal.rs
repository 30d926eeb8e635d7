//! An append-only file of what this worker decided, so that being killed loses nothing.
//!
//! A line is `CHECKSUM JSON\n`: the checksum (16 hexadecimal digits) covers the line's number and its
//! JSON, so a line that is altered, lost or moved is noticed. [`Journal::append`] returns once the line
//! is on disk. A last line without its line feed was torn by a crash: nobody was told that it was
//! written, so it is set aside (in `FILE.torn`) and written over. Anything else that does not fit is an
//! error: what follows a broken line must not be acted on.

use blyan_primitives::merkle;
use serde::{de::DeserializeOwned, Serialize};
use std::{
	ffi::OsString,
	fs::{self, File, OpenOptions, TryLockError},
	io::{self, Read, Seek, SeekFrom, Write},
	marker::PhantomData,
	path::{Path, PathBuf},
};

/// Largest journal that is read: about a million entries.
const MAX_JOURNAL_BYTES: u64 = 4 << 30;
/// Hexadecimal digits of a line's checksum.
const CHECKSUM_DIGITS: usize = 16;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
	/// The file could not be read or written.
	#[error("cannot {action} the journal {}: {source}{}", path.display(), full(source))]
	Io {
		/// What was tried.
		action: &'static str,
		/// The journal.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// Another process has it open.
	#[error("the journal {} is in use by another process: two workers must not share a `data_dir`", path.display())]
	InUse {
		/// The journal.
		path: PathBuf,
	},
	/// A line before the last does not fit its checksum, or is no entry.
	#[error(
		"the journal {} is damaged at line {line}: {why}; restore it from a copy, or move it away: this worker \
		then looks at the chain alone, and cannot reveal what it had committed to", path.display()
	)]
	Damaged {
		/// The journal.
		path: PathBuf,
		/// Counted from 1.
		line: u64,
		/// What does not fit.
		why: String,
	},
}

fn full(error: &io::Error) -> &'static str {
	match error.kind() {
		io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space and start again",
		_ => "",
	}
}

/// An open journal of entries `T`.
#[derive(Debug)]
pub struct Journal<T> {
	path: PathBuf,
	file: File,
	/// Lines that are on disk.
	lines: u64,
	/// Bytes of them.
	length: u64,
	entries: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
	/// Opens, or makes, the journal and reads every entry. The file stays locked while it is open.
	///
	/// # Errors
	/// See [`JournalError`].
	pub fn open(path: impl Into<PathBuf>) -> Result<(Self, Vec<T>), JournalError> {
		let path = path.into();
		let io = |action, source| JournalError::Io { action, path: path.clone(), source };
		let is_new = !path.exists();
		let mut file = OpenOptions::new()
			.read(true)
			.write(true)
			.create(true)
			.truncate(false)
			.open(&path)
			.map_err(|source| io("open", source))?;
		match file.try_lock() {
			Ok(()) => {}
			Err(TryLockError::WouldBlock) => return Err(JournalError::InUse { path }),
			Err(TryLockError::Error(source)) => return Err(io("lock", source)),
		}
		if is_new {
			// The name must survive a crash as well as the lines.
			sync_folder_of(&path).map_err(|source| io("create", source))?;
		}
		let bytes = file.metadata().map_err(|source| io("examine", source))?.len();
		if bytes > MAX_JOURNAL_BYTES {
			let why = format!("{bytes} bytes; at most {MAX_JOURNAL_BYTES} are read");
			return Err(JournalError::Damaged { path, line: 0, why });
		}
		let mut text = Vec::new();
		file.read_to_end(&mut text).map_err(|source| io("read", source))?;

		let (mut entries, mut length) = (Vec::new(), 0usize);
		let mut torn = None;
		while let Some(rest) = text.get(length..).filter(|rest| !rest.is_empty()) {
			let number = entries.len() as u64;
			let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
				torn = Some(rest);
				break;
			};
			let entry = read_line(number, &rest[..end]).map_err(|why| JournalError::Damaged {
				path: path.clone(),
				line: number + 1,
				why,
			})?;
			entries.push(entry);
			length += end + 1;
		}
		let journal =
			Self { lines: entries.len() as u64, length: length as u64, file, path, entries: PhantomData };
		if let Some(torn) = torn {
			tracing::warn!(journal = %journal.path.display(), line = journal.lines + 1, "the last line was torn by a crash");
			set_aside(&journal.path, torn)
				.map_err(|source| journal.error("set the torn end aside of", source))?;
			journal.cut_back().map_err(|source| journal.error("repair", source))?;
		}
		Ok((journal, entries))
	}

	/// Writes an entry and waits until it is on disk. If it cannot be, nothing of it stays.
	///
	/// # Errors
	/// [`JournalError::Io`]; the journal is as it was before.
	pub fn append(&mut self, entry: &T) -> Result<(), JournalError> {
		let json = serde_json::to_string(entry).map_err(|error| self.error("write to", error.into()))?;
		let line = format!("{} {json}\n", checksum(self.lines, &json));
		let written = self
			.file
			.seek(SeekFrom::Start(self.length))
			.and_then(|_| self.file.write_all(line.as_bytes()))
			.and_then(|()| self.file.sync_data());
		match written {
			Ok(()) => {
				self.lines += 1;
				self.length += line.len() as u64;
				Ok(())
			}
			Err(source) => {
				if let Err(error) = self.cut_back() {
					// The next opening finds a torn last line, and mends it.
					tracing::warn!(journal = %self.path.display(), %error, "a torn line stays at the end");
				}
				Err(self.error("write to", source))
			}
		}
	}

	/// Where it is.
	pub fn path(&self) -> &Path {
		&self.path
	}

	fn cut_back(&self) -> io::Result<()> {
		self.file.set_len(self.length)?;
		self.file.sync_data()
	}

	fn error(&self, action: &'static str, source: io::Error) -> JournalError {
		JournalError::Io { action, path: self.path.clone(), source }
	}
}

/// The first eight bytes of BLAKE2-256 over the line's number and its JSON.
fn checksum(number: u64, json: &str) -> String {
	let hash = merkle::leaf(0, &(b"blyan/journal", number, json));
	hash.as_bytes().iter().take(CHECKSUM_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

fn read_line<T: DeserializeOwned>(number: u64, line: &[u8]) -> Result<T, String> {
	let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
	let (sum, json) = line.split_once(' ').ok_or("it has no checksum")?;
	if sum != checksum(number, json) {
		return Err("its checksum does not fit".into());
	}
	serde_json::from_str(json).map_err(|error| error.to_string())
}

fn set_aside(journal: &Path, torn: &[u8]) -> io::Result<()> {
	let mut name = OsString::from(journal);
	name.push(".torn");
	fs::write(name, torn)
}

pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
	let folder = match path.parent() {
		Some(parent) if !parent.as_os_str().is_empty() => parent,
		_ => Path::new("."),
	};
	File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn written(entries: &[String]) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("journal");
		let (mut journal, old) = Journal::<String>::open(&path).unwrap();
		assert!(old.is_empty());
		for entry in entries {
			journal.append(entry).unwrap();
		}
		drop(journal);
		let bytes = fs::read(&path).unwrap();
		(folder, path, bytes)
	}

	fn three() -> Vec<String> {
		["one", "two\nlines", "three"].map(str::to_owned).to_vec()
	}

	#[test]
	fn journal_should_give_back_what_was_appended() {
		let (_folder, path, _) = written(&three());
		let (mut journal, entries) = Journal::<String>::open(&path).unwrap();
		assert_eq!(entries, three());
		journal.append(&"four".to_owned()).unwrap();
		drop(journal);
		assert_eq!(Journal::<String>::open(&path).unwrap().1.len(), 4);
	}

	#[test]
	fn journal_should_lose_only_the_last_line_when_cut_anywhere() {
		let (_folder, path, bytes) = written(&three());
		for cut in 0..=bytes.len() {
			fs::write(&path, &bytes[..cut]).unwrap();
			let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
			let (mut journal, entries) = Journal::<String>::open(&path).unwrap();
			assert_eq!(entries, three()[..whole], "cut at {cut}");
			journal.append(&"after".to_owned()).unwrap();
			drop(journal);
			assert_eq!(Journal::<String>::open(&path).unwrap().1.last().unwrap(), "after");
		}
	}

	#[test]
	fn journal_should_name_the_line_when_one_before_the_last_is_damaged() {
		let (_folder, path, bytes) = written(&three());
		let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
		let mut changed = bytes.clone();
		changed[second + 20] ^= 1;
		fs::write(&path, &changed).unwrap();
		let error = Journal::<String>::open(&path).unwrap_err();
		assert!(matches!(error, JournalError::Damaged { line: 2, .. }), "{error}");
		assert_eq!(fs::read(&path).unwrap(), changed, "a damaged journal is left as it is");
		// A line that is gone shifts the numbers of those after it.
		fs::write(&path, &bytes[second..]).unwrap();
		assert!(matches!(Journal::<String>::open(&path), Err(JournalError::Damaged { line: 1, .. })));
	}

	#[test]
	fn journal_should_refuse_a_second_process() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("journal");
		let _first = Journal::<String>::open(&path).unwrap();
		assert!(matches!(Journal::<String>::open(&path), Err(JournalError::InUse { .. })));
	}

	#[test]
	fn journal_should_name_the_path_when_it_cannot_be_made() {
		let error = Journal::<String>::open("/nonexistent-folder/journal").unwrap_err();
		assert!(error.to_string().contains("/nonexistent-folder/journal"), "{error}");
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]
		#[test]
		fn journal_should_never_invent_or_reorder_entries_when_bytes_change(
			at in any::<prop::sample::Index>(), with: u8,
		) {
			let (_folder, path, mut bytes) = written(&three());
			let at = at.index(bytes.len());
			let is_same = bytes[at] == with;
			bytes[at] = with;
			fs::write(&path, &bytes).unwrap();
			match Journal::<String>::open(&path) {
				Ok((_, entries)) => {
					prop_assert!(three().starts_with(&entries));
					prop_assert!(entries.len() >= 2);
					prop_assert!(!is_same || entries.len() == 3);
				},
				Err(error) => prop_assert!(matches!(error, JournalError::Damaged { .. }), "{}", error),
			}
		}
	}
}
