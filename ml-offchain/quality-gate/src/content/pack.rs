//! Files of any format that the gate reads, made into the text of a dataset.

use super::{
	canonical, document::DocumentFormat, DatasetDocument, DocumentError, Fault, LicenceText, Part, Source,
	BLANK, LICENCE_TEXT_BYTES, PART_BYTES,
};
use crate::{
	audit::{length_on_disk, note_companion, sample_length, Progress},
	licence::{Evidence, LicenceCheck},
	read::{
		data_files, is_licence, parse_json, read_file, Fields, FileKind, Malformation, RawRecord, ReadError,
	},
};
use blyan_primitives::{cid::Cid, dag::SemVer};
use sha2::{Digest, Sha256};
use std::{
	cell::RefCell,
	collections::BTreeMap,
	fs::{self, File},
	io::{self, BufWriter, Read, Write},
	path::{Path, PathBuf},
	sync::atomic::{AtomicU64, Ordering},
};

/// The document's name in the folder: it is there once all is whole.
const DOCUMENT: &str = "dataset.json";
/// The licence text's name in the folder.
const LICENCE: &str = "LICENSE";
/// Ending of what is being written.
const PARTIAL: &str = ".partial";
/// Bytes that are read at once of a file that is hashed.
const HASHED_BYTES: usize = 1 << 20;
/// So much of a document may name sources: the rest is for the parts.
const SOURCES_BYTES: usize = 8 << 20;
/// Records between two reports of progress.
const RECORDS_PER_REPORT: u64 = 1 << 12;

/// What a contributor says of a dataset.
#[derive(Clone, Debug)]
pub struct About {
	/// How it is called: lower-case letters, digits and single hyphens between them.
	pub name: String,
	/// Which version.
	pub version: SemVer,
	/// The SPDX expression under which it is given.
	pub licence: String,
	/// What it is about, written as names are.
	pub domain: String,
	/// ISO 639-3 codes, the most frequent language first.
	pub languages: Vec<String>,
	/// What else there is to say.
	pub description: String,
	/// The licence's text. If there is none and what is packed has one file called LICENSE or the like, that.
	pub licence_text: Option<PathBuf>,
	/// Which fields of the records hold text and licence.
	pub fields: Fields,
}

/// What was packed.
#[derive(Clone, Debug)]
pub struct Packed {
	/// The document.
	pub document: DatasetDocument,
	/// Where it lies as a file: these bytes are what is offered.
	pub path: PathBuf,
	/// Length of that file.
	pub document_bytes: u32,
	/// Records that were left out since they are no samples, by reason.
	pub left_out: BTreeMap<Malformation, u64>,
	/// What records and files say of their licence. The text does not hold it any more.
	pub licence: Evidence,
}

/// Why nothing was packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
	/// A file cannot be read to its end.
	#[error(transparent)]
	Read(#[from] ReadError),
	/// What is said of the dataset cannot be said, or it is too large.
	#[error(transparent)]
	Document(#[from] DocumentError),
	/// The licence is none that an audit would let pass.
	#[error("the licence: {0}")]
	Licence(#[from] crate::licence::LicenceError),
	/// The licence's text is no text.
	#[error("{path}: a licence text is UTF-8 of 1 to {LICENCE_TEXT_BYTES} bytes")]
	LicenceText {
		/// Which file.
		path: PathBuf,
	},
	/// There is a dataset already.
	#[error("{path}: a packed dataset is there already; remove the folder, or name another")]
	Exists {
		/// Its document.
		path: PathBuf,
	},
	/// There is something else.
	#[error("{path}: not of a packed dataset; name a folder that is empty or not there yet")]
	NotEmpty {
		/// What.
		path: PathBuf,
	},
	/// It would be packed into itself.
	#[error("{path}: lies in what is to be packed; name a folder outside")]
	Within {
		/// The folder.
		path: PathBuf,
	},
	/// No record was a sample.
	#[error("{path}: no record of it is a sample of 20 to 2,048 characters ({left_out} were looked at)")]
	NoSamples {
		/// What was packed.
		path: PathBuf,
		/// Records there were.
		left_out: u64,
	},
	/// Too many files.
	#[error("{files} files are too many to be named in the document; put several into one")]
	TooManySources {
		/// How many.
		files: usize,
	},
	/// Something cannot be written.
	#[error("cannot write {path}: {source}")]
	Write {
		/// What.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// The caller's store failed.
	#[error("cannot store {path}: {source}")]
	Store {
		/// What was to be stored.
		path: PathBuf,
		/// What the store says.
		source: Fault,
	},
}

/// Makes a dataset of a file or a folder: writes the parts and the document into the folder `to`, and hands each part to
/// `put`, which stores it, may move it away, and says its CID. The document itself is left to the caller to store.
///
/// The same bytes come of the same files; memory is fixed. The folder is whole once the document is in it; what a pack
/// that was cut off left there is replaced by the next.
pub fn pack(
	from: &Path,
	to: &Path,
	about: &About,
	put: &mut dyn FnMut(&Path) -> Result<Cid, Fault>,
	progress: &mut dyn FnMut(Progress),
) -> Result<Packed, PackError> {
	let mut licence = LicenceCheck::new(&about.licence);
	if let Some(error) = licence.error() {
		return Err(error.clone().into());
	}
	let (files, companions) = data_files(from)?;
	for companion in &companions {
		note_companion(&mut licence, companion)?;
	}
	prepare(from, to)?;
	// Each byte is read twice: to hash the file, and for its records.
	let total = 2 * length_on_disk(&files);
	let done = AtomicU64::new(0);
	let sources = sources(from, &files, &mut |read| {
		let bytes = done.fetch_add(read, Ordering::Relaxed) + read;
		progress(Progress { bytes, total, records: 0 });
	})?;
	let given = about.licence_text.clone().or_else(|| only_licence(&companions));
	let licence_text = given.map(|path| put_licence(&path, to, &mut licence, put)).transpose()?;

	let parts = RefCell::new(Parts { folder: to, put, written: Vec::new(), open: None });
	let mut left_out = BTreeMap::new();
	let mut records = 0;
	for (path, kind) in &files {
		let mut failed = None;
		let outcome = read_file(path, *kind, &about.fields, &done, &mut |raw| {
			records += 1;
			if records % RECORDS_PER_REPORT == 0 {
				progress(Progress { bytes: done.load(Ordering::Relaxed), total, records });
			}
			match sample(raw, &about.fields) {
				Ok((text, found)) => {
					found.iter().for_each(|found| licence.note(found));
					parts.borrow_mut().push(&text).map_err(|error| {
						failed = Some(error);
						ReadError::Stopped
					})
				}
				Err(why) => {
					*left_out.entry(why).or_default() += 1;
					Ok(())
				}
			}
		});
		if let Some(error) = failed {
			return Err(error);
		}
		outcome?;
	}
	progress(Progress { bytes: total, total, records });
	let mut parts = parts.into_inner();
	parts.close()?;
	let parts = parts.written;
	if parts.is_empty() {
		return Err(PackError::NoSamples { path: from.to_owned(), left_out: records });
	}
	let document = DatasetDocument {
		format: DocumentFormat::V1,
		name: about.name.clone(),
		version: about.version,
		licence: about.licence.clone(),
		domain: about.domain.clone(),
		languages: about.languages.clone(),
		bytes: parts.iter().map(|part| part.bytes).sum(),
		samples: parts.iter().map(|part| part.samples).sum(),
		description: about.description.clone(),
		licence_text,
		sources,
		parts,
	};
	let bytes = document.to_bytes()?;
	// What auditors would say of it.
	DatasetDocument::parse(&bytes)?;
	let path = to.join(DOCUMENT);
	write_whole(&path, &bytes)?;
	let document_bytes = bytes.len() as u32;
	Ok(Packed { document, path, document_bytes, left_out, licence: licence.evidence().clone() })
}

/// A record's sample as it stands in the text, and the record's licence.
fn sample(raw: RawRecord, fields: &Fields) -> Result<(String, Option<String>), Malformation> {
	let (text, licence) = match raw {
		RawRecord::Json(line) => parse_json(&line, fields)?,
		RawRecord::Text(bytes, licence) => {
			(String::from_utf8(bytes).map_err(|_| Malformation::NotUtf8)?, licence)
		}
		RawRecord::Malformed(why) => return Err(why),
	};
	let text = canonical(&text);
	sample_length(&text)?;
	Ok((text, licence))
}

/// Makes the folder, or clears it of what a pack that was cut off left.
fn prepare(from: &Path, to: &Path) -> Result<(), PackError> {
	let failed = |source| PackError::Write { path: to.to_owned(), source };
	fs::create_dir_all(to).map_err(failed)?;
	let (inner, outer) = (to.canonicalize().map_err(failed)?, from.canonicalize().map_err(failed)?);
	if inner.starts_with(outer) {
		return Err(PackError::Within { path: to.to_owned() });
	}
	let mut rest = Vec::new();
	for entry in fs::read_dir(to).map_err(failed)? {
		let path = entry.map_err(failed)?.path();
		let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
		let whole = name.strip_suffix(PARTIAL).unwrap_or(name);
		match whole {
			DOCUMENT if name == DOCUMENT => return Err(PackError::Exists { path }),
			DOCUMENT | LICENCE => rest.push(path),
			_ if whole.starts_with("part-") && whole.ends_with(".txt") => rest.push(path),
			_ => return Err(PackError::NotEmpty { path }),
		}
	}
	for path in rest {
		fs::remove_file(&path).map_err(|source| PackError::Write { path, source })?;
	}
	Ok(())
}

/// The files, with their hashes.
fn sources(
	from: &Path,
	files: &[(PathBuf, FileKind)],
	progress: &mut dyn FnMut(u64),
) -> Result<Vec<Source>, PackError> {
	let root = if from.is_dir() { from } else { from.parent().unwrap_or(Path::new("")) };
	let mut buffer = vec![0; HASHED_BYTES];
	let (mut sources, mut named_bytes) = (Vec::new(), 0);
	for (path, _) in files {
		let failed = |source| ReadError::Io { path: path.clone(), source };
		let names: Vec<_> = path
			.strip_prefix(root)
			.unwrap_or(path)
			.components()
			.map(|name| name.as_os_str().to_string_lossy().into_owned())
			.collect();
		let (mut hash, mut bytes) = (Sha256::new(), 0u64);
		let mut file = File::open(path).map_err(failed)?;
		loop {
			let read = file.read(&mut buffer).map_err(failed)?;
			if read == 0 {
				break;
			}
			hash.update(&buffer[..read]);
			bytes += read as u64;
			progress(read as u64);
		}
		let source = Source { path: names.join("/"), bytes, sha256: hash.finalize().into() };
		named_bytes += serde_json::to_vec_pretty(&source).map_err(DocumentError::from)?.len();
		if named_bytes > SOURCES_BYTES {
			return Err(PackError::TooManySources { files: files.len() });
		}
		sources.push(source);
	}
	Ok(sources)
}

/// The one companion that is a licence's text by its name.
fn only_licence(companions: &[PathBuf]) -> Option<PathBuf> {
	let mut found = companions.iter().filter(|path| is_licence(path));
	let first = found.next()?;
	found.next().is_none().then(|| first.clone())
}

/// Copies and stores a licence's text.
fn put_licence(
	path: &Path,
	to: &Path,
	licence: &mut LicenceCheck,
	put: &mut dyn FnMut(&Path) -> Result<Cid, Fault>,
) -> Result<LicenceText, PackError> {
	let mut text = String::new();
	let read = File::open(path).and_then(|file| file.take(LICENCE_TEXT_BYTES + 1).read_to_string(&mut text));
	match read {
		Ok(1..) if text.len() as u64 <= LICENCE_TEXT_BYTES => licence.note_licence_text(&text),
		Err(source) if source.kind() != io::ErrorKind::InvalidData => {
			return Err(ReadError::Io { path: path.to_owned(), source }.into());
		}
		_ => return Err(PackError::LicenceText { path: path.to_owned() }),
	}
	let copy = to.join(LICENCE);
	write_whole(&copy, text.as_bytes())?;
	let content = put(&copy).map_err(|source| PackError::Store { path: copy, source })?;
	Ok(LicenceText { content, bytes: text.len() as u64 })
}

/// Writes a file so that it is either not there or whole.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), PackError> {
	let failed = |source| PackError::Write { path: path.to_owned(), source };
	let partial = partial(path);
	let mut file = File::create(&partial).map_err(failed)?;
	file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
	rename(&partial, path).map_err(failed)
}

/// Gives a file that is whole its name, for good.
fn rename(partial: &Path, path: &Path) -> io::Result<()> {
	fs::rename(partial, path)?;
	match path.parent() {
		Some(folder) => File::open(folder)?.sync_all(),
		None => Ok(()),
	}
}

/// The name of a file while it is being written.
fn partial(path: &Path) -> PathBuf {
	let mut name = path.as_os_str().to_owned();
	name.push(PARTIAL);
	name.into()
}

/// The parts, and the one that is being written.
struct Parts<'a> {
	folder: &'a Path,
	put: &'a mut dyn FnMut(&Path) -> Result<Cid, Fault>,
	written: Vec<Part>,
	open: Option<Open>,
}

struct Open {
	file: BufWriter<File>,
	hash: Sha256,
	bytes: u64,
	samples: u64,
}

impl Open {
	fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
		self.file.write_all(bytes)?;
		self.hash.update(bytes);
		self.bytes += bytes.len() as u64;
		Ok(())
	}
}

impl Parts<'_> {
	fn path(&self) -> PathBuf {
		self.folder.join(format!("part-{:06}.txt", self.written.len()))
	}

	/// Adds a sample; closes the part first if it does not fit.
	fn push(&mut self, sample: &str) -> Result<(), PackError> {
		let bytes = (sample.len() + BLANK.len()) as u64;
		if self.open.as_ref().is_some_and(|open| open.bytes + bytes > PART_BYTES) {
			self.close()?;
		}
		let path = self.path();
		let failed = |source| PackError::Write { path: path.clone(), source };
		let open = match &mut self.open {
			Some(open) => open,
			None => {
				let file = BufWriter::with_capacity(1 << 18, File::create(partial(&path)).map_err(failed)?);
				self.open.insert(Open { file, hash: Sha256::new(), bytes: 0, samples: 0 })
			}
		};
		open.write(sample.as_bytes()).and_then(|()| open.write(BLANK.as_bytes())).map_err(failed)?;
		open.samples += 1;
		Ok(())
	}

	/// Ends the part that is being written, and stores it.
	fn close(&mut self) -> Result<(), PackError> {
		let Some(Open { file, hash, bytes, samples }) = self.open.take() else { return Ok(()) };
		let path = self.path();
		let failed = |source| PackError::Write { path: path.clone(), source };
		let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
		file.sync_all().map_err(failed)?;
		rename(&partial(&path), &path).map_err(failed)?;
		let content = (self.put)(&path).map_err(|source| PackError::Store { path, source })?;
		self.written.push(Part { content, bytes, sha256: hash.finalize().into(), samples });
		Ok(())
	}
}
