//! Small files that are either as they were or as they should be.

use std::{
	fs::{self, File},
	io::{self, Write},
	path::{Path, PathBuf},
};

/// A file or folder of this worker that the system refuses.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", path.display(), match source.kind() {
	io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge =>
		"; free some space and start again",
	_ => "",
})]
pub struct FileError {
	/// What was tried.
	pub action: &'static str,
	/// With what.
	pub path: PathBuf,
	/// What the system says.
	pub source: io::Error,
}

impl FileError {
	/// For `map_err`.
	pub fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
		let path = path.to_owned();
		move |source| Self { action, path, source }
	}
}

/// Replaces the file as a whole, durably: whoever opens it, even after a crash, finds the old bytes or
/// the new.
///
/// # Errors
/// [`FileError`]; the file is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
	let folder = match path.parent() {
		Some(parent) if !parent.as_os_str().is_empty() => parent,
		_ => Path::new("."),
	};
	let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(FileError::of("write to", folder))?;
	temporary.write_all(bytes).map_err(FileError::of("write", path))?;
	temporary.as_file().sync_all().map_err(FileError::of("write", path))?;
	temporary.persist(path).map_err(|error| FileError::of("write", path)(error.error))?;
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of("write to", folder))
}

/// Removes a file; one that is not there is as good.
///
/// # Errors
/// [`FileError`].
pub fn remove_if_there(path: &Path) -> Result<(), FileError> {
	match fs::remove_file(path) {
		Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
		_ => Ok(()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn write_atomically_should_replace_the_whole_and_leave_nothing_beside() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("record");
		write_atomically(&path, b"a longer one").unwrap();
		write_atomically(&path, b"short").unwrap();
		assert_eq!(fs::read(&path).unwrap(), b"short");
		assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
		remove_if_there(&path).unwrap();
		remove_if_there(&path).unwrap();
		let error = write_atomically(Path::new("/nonexistent-folder/record"), b"").unwrap_err();
		assert!(error.to_string().contains("/nonexistent-folder"), "{error}");
	}
}
