//! Texts that a dataset is held against, or measured on: files that the caller gives.

use crate::{
	audit::AuditError,
	ngrams::NgramIndex,
	read::{parse_json, read_file, Fields, FileKind, Format, RawRecord, ReadError, MAX_RECORD_BYTES},
	text::{Folded, Words},
};
use std::{
	fs::File,
	io::{BufRead, BufReader, Read},
	path::{Path, PathBuf},
	sync::atomic::AtomicU64,
};

/// Indexes texts.
pub(crate) fn ngram_index(paths: &[PathBuf], fields: &Fields) -> Result<NgramIndex, AuditError> {
	let mut index = NgramIndex::default();
	let full = each_text(paths, fields, &mut |text| index.add(&Words::new(Folded::new(text).text()).hashes))?;
	match full {
		Some(path) => Err(AuditError::TooManyReferences { path }),
		None => Ok(index),
	}
}

/// Hands over the texts of files: of datasets record by record, of all else (shards are bare bytes) in one, as long as
/// more is wanted. Answers with the file in which it was not.
pub(crate) fn each_text(
	paths: &[PathBuf],
	fields: &Fields,
	wants_more: &mut dyn FnMut(&str) -> bool,
) -> Result<Option<PathBuf>, ReadError> {
	for path in paths {
		for file in reference_files(path)? {
			let read = match FileKind::of(&file) {
				Some(kind) if kind.format != Format::Text => {
					read_file(&file, kind, fields, &AtomicU64::new(0), &mut |record| {
						let text = match record {
							RawRecord::Json(line) => parse_json(&line, fields).ok().map(|(text, _)| text),
							RawRecord::Text(text, _) => String::from_utf8(text).ok(),
							RawRecord::Malformed(_) => None,
						};
						let goes_on = text.is_none_or(|text| wants_more(&text));
						goes_on.then_some(()).ok_or(ReadError::Stopped)
					})
				}
				_ => whole_text(&file, wants_more),
			};
			match read {
				Err(ReadError::Stopped) => return Ok(Some(file)),
				read => read?,
			}
		}
	}
	Ok(None)
}

/// All files of a folder, or the file.
fn reference_files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
	let failed = |source| ReadError::Io { path: path.to_owned(), source };
	if !path.metadata().map_err(failed)?.is_dir() {
		return Ok(vec![path.to_owned()]);
	}
	let mut files = Vec::new();
	for entry in path.read_dir().map_err(failed)? {
		let entry = entry.map_err(failed)?;
		if entry.file_type().map_err(failed)?.is_file() {
			files.push(entry.path());
		}
	}
	files.sort();
	Ok(files)
}

/// A file as text, in parts of 1 MiB; what is not UTF-8 in it is replaced.
fn whole_text(path: &Path, wants_more: &mut dyn FnMut(&str) -> bool) -> Result<(), ReadError> {
	let failed = |source| ReadError::Io { path: path.to_owned(), source };
	let mut stream = BufReader::new(File::open(path).map_err(failed)?);
	let mut part = Vec::new();
	loop {
		part.clear();
		let read = (&mut stream).take(MAX_RECORD_BYTES as u64).read_to_end(&mut part).map_err(failed)?;
		if read == 0 {
			return Ok(());
		}
		// To the end of the line, so that no word is cut; a line has its bound too.
		(&mut stream).take(MAX_RECORD_BYTES as u64).read_until(b'\n', &mut part).map_err(failed)?;
		if !wants_more(&String::from_utf8_lossy(&part)) {
			return Err(ReadError::Stopped);
		}
	}
}
