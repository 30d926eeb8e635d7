//! Readers of datasets. They stream, and every length that a file states is bounded before memory is taken
//! for it: what is read is written by strangers.

mod compressed;
mod csv;
mod files;
mod json;
mod lines;
mod page_headers;
mod parquet;
mod plain;

pub use compressed::{Expansion, MAX_EXPANSION, UNCHECKED_BYTES};
pub(crate) use files::is_licence;
pub use files::{data_files, Compression, FileKind};
pub(crate) use json::parse as parse_json;

use std::{
	fs::File,
	io::{self, BufReader},
	path::{Path, PathBuf},
	sync::atomic::AtomicU64,
};

/// Longest record in bytes: a sample of 2,048 characters takes 24 KiB at most, whatever stands around it.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Most columns of a table.
pub const MAX_COLUMNS: usize = 1_024;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
	/// A JSON object, or a string, a line.
	JsonLines,
	/// Comma-separated, with a line of names first.
	Csv,
	/// The same with tabs.
	Tsv,
	/// Parquet; text columns that are not nested.
	Parquet,
	/// Paragraphs, with an empty line between two; long ones are cut between words.
	Text,
}

/// Which fields hold what. Of records of plain text nothing is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
	/// The fields that make up a sample, joined by line ends in this order.
	pub text: Vec<String>,
	/// A field that names a record's licence, if there is one.
	pub licence: String,
}

impl Default for Fields {
	fn default() -> Self {
		Self { text: vec!["text".into()], licence: "license".into() }
	}
}

/// What a record offers, not yet looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RawRecord {
	/// A line of JSON Lines.
	Json(Vec<u8>),
	/// The text, and the record's licence.
	Text(Vec<u8>, Option<String>),
	/// No sample can be in it.
	Malformed(Malformation),
}

/// Why a record is no sample.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Malformation {
	/// The line is no JSON, or none with an object or a string in it.
	NotJson,
	/// A field is absent, or is no text.
	NoText,
	/// The row has more or fewer columns than the first.
	Columns,
	/// Not UTF-8.
	NotUtf8,
	/// The record is longer than 1 MiB.
	RecordTooLong,
	/// Fewer than 20 characters.
	TooShort,
	/// More than 2,048 characters.
	TooLong,
}

/// Why a file cannot be audited.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
	/// It cannot be read.
	#[error("cannot read {path}: {source}")]
	Io {
		/// Which file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// Its name says nothing about its format.
	#[error("{path}: not a format that is known (.jsonl, .ndjson, .csv, .tsv, .parquet, .txt, also with .gz or .zst); unpack or convert it, or leave it out")]
	UnknownFormat {
		/// Which file.
		path: PathBuf,
	},
	/// There is nothing to audit.
	#[error("{path}: no data file in it")]
	NoFiles {
		/// Which folder.
		path: PathBuf,
	},
	/// Too many files.
	#[error("{path}: more than {most} files; put several samples into one")]
	TooManyFiles {
		/// Which folder.
		path: PathBuf,
		/// The most.
		most: usize,
	},
	/// It expands beyond all measure.
	#[error("{path}: expands more than {MAX_EXPANSION} times: a bomb, or worthless by repetition")]
	Bomb {
		/// Which file.
		path: PathBuf,
	},
	/// A field is not in the table.
	#[error("{path}: has no column {field:?} of text; name one with --field ({})", columns.join(", "))]
	NoColumn {
		/// Which file.
		path: PathBuf,
		/// What was looked for.
		field: String,
		/// What there is, the first ten.
		columns: Vec<String>,
	},
	/// Too many columns.
	#[error("{path}: more than {MAX_COLUMNS} columns")]
	TooManyColumns {
		/// Which file.
		path: PathBuf,
	},
	/// It is not what its name says.
	#[error("{path}: damaged or not of its format: {reason}")]
	Damaged {
		/// Which file.
		path: PathBuf,
		/// What is wrong.
		reason: String,
	},
	/// Whoever takes the records wants no more.
	#[error("stopped")]
	Stopped,
}

/// Takes records one after another; an error ends the reading.
pub type Sink<'a> = dyn FnMut(RawRecord) -> Result<(), ReadError> + 'a;

/// Reads a file's records into the sink. Adds the bytes read, as they lie on disk, to `progress`.
pub fn read_file(
	path: &Path,
	kind: FileKind,
	fields: &Fields,
	progress: &AtomicU64,
	sink: &mut Sink,
) -> Result<(), ReadError> {
	if kind.format == Format::Parquet {
		return parquet::read(path, fields, progress, sink);
	}
	let in_file = |error: io::Error| compressed::error_in(path, error);
	let file = File::open(path).map_err(in_file)?;
	let stream = compressed::open(file, kind.compression, progress).map_err(in_file)?;
	let mut stream = BufReader::with_capacity(1 << 18, stream);
	let failed = match kind.format {
		Format::JsonLines => lines::read(&mut stream, sink),
		Format::Csv => csv::read(&mut stream, b',', fields, sink),
		Format::Tsv => csv::read(&mut stream, b'\t', fields, sink),
		Format::Text | Format::Parquet => plain::read(&mut stream, sink),
	};
	failed.map_err(|error| error.in_file(path))
}

/// What ended the reading of a stream.
#[derive(Debug)]
pub(crate) enum StreamError {
	Io(io::Error),
	Sink(ReadError),
	NoColumn { field: String, columns: Vec<String> },
	TooManyColumns,
}

impl From<io::Error> for StreamError {
	fn from(error: io::Error) -> Self {
		Self::Io(error)
	}
}

impl From<ReadError> for StreamError {
	fn from(error: ReadError) -> Self {
		Self::Sink(error)
	}
}

impl StreamError {
	fn in_file(self, path: &Path) -> ReadError {
		let path_buf = || path.to_owned();
		match self {
			Self::Io(error) => compressed::error_in(path, error),
			Self::Sink(error) => error,
			Self::NoColumn { field, columns } => ReadError::NoColumn { path: path_buf(), field, columns },
			Self::TooManyColumns => ReadError::TooManyColumns { path: path_buf() },
		}
	}
}
