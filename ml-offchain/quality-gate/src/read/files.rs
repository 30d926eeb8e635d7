//! Which files of a folder hold data.

use super::{Format, ReadError};
use std::{
	fs,
	path::{Path, PathBuf},
};

/// Files of a dataset at most.
const MAX_FILES: usize = 100_000;
/// Folders within folders at most.
const MAX_DEPTH: usize = 16;

/// How a file is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
	/// Not at all.
	None,
	/// RFC 1952.
	Gzip,
	/// RFC 8878.
	Zstandard,
}

/// What a file's name says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileKind {
	/// What is in it.
	pub format: Format,
	/// How it is packed.
	pub compression: Compression,
}

impl FileKind {
	/// By the name's endings, in lower or upper case.
	pub fn of(path: &Path) -> Option<Self> {
		let name = path.file_name()?.to_str()?.to_lowercase();
		let (name, compression) = match name.rsplit_once('.')? {
			(rest, "gz") => (rest, Compression::Gzip),
			(rest, "zst") => (rest, Compression::Zstandard),
			_ => (name.as_str(), Compression::None),
		};
		let format = match name.rsplit_once('.')?.1 {
			"jsonl" | "ndjson" => Format::JsonLines,
			"csv" => Format::Csv,
			"tsv" => Format::Tsv,
			"parquet" => Format::Parquet,
			"txt" | "text" => Format::Text,
			_ => return None,
		};
		// Parquet is packed inside, and read from its end.
		(format != Format::Parquet || compression == Compression::None)
			.then_some(Self { format, compression })
	}
}

/// Texts about a dataset, in which an `SPDX-License-Identifier` may stand.
fn is_companion(path: &Path) -> bool {
	let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
	["license", "licence", "copying", "notice", "readme", "manifest"]
		.iter()
		.any(|known| name.starts_with(known))
		|| name.ends_with(".md")
}

/// A text that is a licence's by its name.
pub(crate) fn is_licence(path: &Path) -> bool {
	let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
	["license", "licence", "copying"].iter().any(|known| name.starts_with(known))
}

/// The data files of a file or a folder, sorted by path, and the texts about them. Names that begin with a dot
/// are left out; links are not followed.
pub fn data_files(path: &Path) -> Result<(Vec<(PathBuf, FileKind)>, Vec<PathBuf>), ReadError> {
	let failed = |path: &Path, source| ReadError::Io { path: path.to_owned(), source };
	let unknown = |path: &Path| ReadError::UnknownFormat { path: path.to_owned() };
	let about = fs::metadata(path).map_err(|error| failed(path, error))?;
	if !about.is_dir() {
		let kind = FileKind::of(path).ok_or_else(|| unknown(path))?;
		return Ok((vec![(path.to_owned(), kind)], Vec::new()));
	}
	let (mut data, mut companions) = (Vec::new(), Vec::new());
	let mut folders = vec![(path.to_owned(), 0)];
	while let Some((folder, depth)) = folders.pop() {
		for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
			let entry = entry.map_err(|error| failed(&folder, error))?;
			let (path, kind) = (entry.path(), entry.file_type().map_err(|error| failed(&folder, error))?);
			if entry.file_name().as_encoded_bytes().starts_with(b".") {
				continue;
			}
			if kind.is_dir() && depth < MAX_DEPTH {
				folders.push((path, depth + 1));
			} else if kind.is_file() && is_companion(&path) {
				companions.push(path);
			} else if kind.is_file() {
				let kind = FileKind::of(&path).ok_or_else(|| unknown(&path))?;
				data.push((path, kind));
			}
			if data.len() + companions.len() + folders.len() > MAX_FILES {
				return Err(ReadError::TooManyFiles { path: folder, most: MAX_FILES });
			}
		}
	}
	if data.is_empty() {
		return Err(ReadError::NoFiles { path: path.to_owned() });
	}
	data.sort_by(|one, other| one.0.cmp(&other.0));
	companions.sort();
	Ok((data, companions))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn kind_should_be_what_the_name_says() {
		let kind = |name: &str| FileKind::of(Path::new(name)).map(|kind| (kind.format, kind.compression));
		assert_eq!(kind("a.jsonl"), Some((Format::JsonLines, Compression::None)));
		assert_eq!(kind("dir.csv/a.CSV.gz"), Some((Format::Csv, Compression::Gzip)));
		assert_eq!(kind("a.txt.zst"), Some((Format::Text, Compression::Zstandard)));
		for name in ["a.zip", "a.gz", "a", "a.parquet.gz", "a.json"] {
			assert_eq!(kind(name), None, "{name}");
		}
	}

	#[test]
	fn files_should_be_sorted_and_strangers_refused() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path();
		assert!(matches!(data_files(path), Err(ReadError::NoFiles { .. })));
		fs::create_dir(path.join("b")).unwrap();
		for name in ["b/2.jsonl", "c.txt", "a.csv", ".hidden.bin", "README.md", "LICENSE"] {
			fs::write(path.join(name), "").unwrap();
		}
		let (data, companions) = data_files(path).unwrap();
		let names: Vec<_> =
			data.iter().map(|(file, _)| file.strip_prefix(path).unwrap().to_str().unwrap()).collect();
		assert_eq!(names, ["a.csv", "b/2.jsonl", "c.txt"]);
		assert_eq!(companions.len(), 2);
		fs::write(path.join("data.zip"), "").unwrap();
		let error = data_files(path).unwrap_err().to_string();
		assert!(error.contains("data.zip"), "{error}");
	}
}
