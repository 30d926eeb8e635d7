//! A model from the store as the checkpoint that it came from.

use crate::{
	checkpoint::{read_header, Header, MAX_HEADER_BYTES, MAX_WHOLE_FILE_BYTES},
	names::{places, Place, HEAD},
	record::{
		CheckpointRecord, ModelRecord, RecordedContent, RecordedFile, CHECKPOINT_FORMAT, MAX_RECORD_BYTES,
	},
	transpose::write_transposed,
	HfError,
};
use blyan_model::TensorSpec;
use blyan_primitives::dag::Component;
use blyan_store::Store;
use blyan_tensorblock::{Container, Quantization};
use std::{
	collections::BTreeMap,
	fs::{self, File},
	io::{self, BufWriter, Write},
	path::Path,
};

/// What is written of a tensor that is not transposed, at once.
const PART_BYTES: usize = 4 << 20;

/// What an export wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exported {
	/// Files.
	pub files: usize,
	/// Bytes of all files.
	pub bytes: u64,
}

/// Writes the checkpoint of a record to a folder, which must be empty or absent: the same files, byte for
/// byte, if the components are those that were imported. Tells after each tensor how many bytes are written, of
/// how many.
///
/// Components are verified before they are used, and mapped. A file appears under its name when it is whole.
///
/// # Errors
/// See [`HfError`].
pub fn export(
	record: &ModelRecord,
	store: &Store,
	out: &Path,
	mut progress: impl FnMut(u64, u64),
) -> Result<Exported, HfError> {
	record.validate()?;
	match fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
		Ok(true) => return Err(HfError::NotEmpty(out.to_owned())),
		Ok(false) => {}
		Err(error) if error.kind() == io::ErrorKind::NotFound => {}
		Err(error) => return Err(HfError::io("list", out)(error)),
	}
	let layout = read_content(store, record.checkpoint, MAX_RECORD_BYTES)?;
	let layout: CheckpointRecord = serde_json::from_slice(&layout)
		.map_err(|error| HfError::Record(format!("names a checkpoint that is none: {error}")))?;
	if layout.format != CHECKPOINT_FORMAT {
		let found = layout.format;
		return Err(HfError::Record(format!("names a checkpoint of format {found:?}")));
	}
	check_names(&layout.files)?;
	let mut places = places(record.family, &record.architecture)?;
	if record.architecture.tied_head {
		// A checkpoint may have the head nevertheless: it is the embedding.
		let embedding = places.values().find(|place| place.spec.name == "embedding").cloned();
		places.extend(embedding.map(|place| (HEAD.to_owned(), place)));
	}

	fs::create_dir_all(out).map_err(HfError::io("make", out))?;
	let all = layout.files.iter().map(RecordedFile::bytes).fold(0, u64::saturating_add);
	let mut writer = Exporter { record, store, places, open: BTreeMap::new(), done: 0 };
	for file in &layout.files {
		let before = writer.done;
		writer.write_file(file, out, &mut |done| progress(done, all))?;
		writer.done = before + file.bytes();
		progress(writer.done, all);
	}
	File::open(out).and_then(|folder| folder.sync_all()).map_err(HfError::io("sync", out))?;
	Ok(Exported { files: layout.files.len(), bytes: all })
}

impl RecordedFile {
	fn bytes(&self) -> u64 {
		match self {
			Self::Whole { file, .. } => file.bytes,
			Self::Shard { bytes, .. } => *bytes,
		}
	}
}

/// Names come from a file that anybody may have made: none may lead out of the folder, or stand for two files.
fn check_names(files: &[RecordedFile]) -> Result<(), HfError> {
	for (at, file) in files.iter().enumerate() {
		let name = file.name();
		let is_plain = !name.is_empty()
			&& !name.starts_with('.')
			&& name.len() <= 255
			&& !name.contains(['/', '\\', '\0']);
		if !is_plain {
			return Err(HfError::Record(format!("names a file {name:?}, which is no plain name")));
		}
		if files.iter().take(at).any(|other| other.name() == name) {
			return Err(HfError::Record(format!("names the file {name:?} twice")));
		}
	}
	Ok(())
}

fn read_content(store: &Store, recorded: RecordedContent, most: u64) -> Result<Vec<u8>, HfError> {
	let bytes = store.read_verified(&recorded.content, most)?;
	if bytes.len() as u64 != recorded.bytes {
		let RecordedContent { content, bytes: said } = recorded;
		let found = bytes.len();
		return Err(HfError::Record(format!("says that {content} has {said} bytes; it has {found}")));
	}
	Ok(bytes)
}

struct Exporter<'a> {
	record: &'a ModelRecord,
	store: &'a Store,
	places: BTreeMap<String, Place>,
	/// Components that were verified and mapped.
	open: BTreeMap<Component, Container>,
	/// Bytes of the files before this one.
	done: u64,
}

impl Exporter<'_> {
	fn write_file(
		&mut self,
		file: &RecordedFile,
		out: &Path,
		progress: &mut dyn FnMut(u64),
	) -> Result<(), HfError> {
		let path = out.join(file.name());
		let temporary = out.join(format!(".{}.tmp", file.name()));
		let written = self
			.write_to(file, &temporary, progress)
			.and_then(|()| fs::rename(&temporary, &path).map_err(HfError::io("rename into place", &path)));
		if written.is_err() {
			// What was wrong is in the error already.
			let _ = fs::remove_file(&temporary);
		}
		written
	}

	fn write_to(
		&mut self,
		file: &RecordedFile,
		path: &Path,
		progress: &mut dyn FnMut(u64),
	) -> Result<(), HfError> {
		let opened = File::create(path).map_err(HfError::io("create", path))?;
		let mut out = BufWriter::with_capacity(1 << 20, opened);
		match file {
			RecordedFile::Whole { file, .. } => {
				let bytes = read_content(self.store, *file, MAX_WHOLE_FILE_BYTES)?;
				out.write_all(&bytes).map_err(HfError::io("write", path))?;
			}
			RecordedFile::Shard { header, bytes, .. } => {
				self.write_shard(*header, *bytes, path, &mut out, progress)?;
			}
		}
		let opened = out.into_inner().map_err(|error| HfError::io("write", path)(error.into_error()))?;
		opened.sync_all().map_err(HfError::io("sync", path))
	}

	fn write_shard(
		&mut self,
		header: RecordedContent,
		bytes: u64,
		path: &Path,
		out: &mut BufWriter<File>,
		progress: &mut dyn FnMut(u64),
	) -> Result<(), HfError> {
		let header = read_content(self.store, header, MAX_HEADER_BYTES)?;
		let Header { bytes: header_bytes, tensors, file_bytes } = read_header(path, &header)?;
		if (header_bytes, file_bytes as u64) != (header.len(), bytes) {
			let why = format!("would have {file_bytes} bytes by its header; the record says {bytes}");
			return Err(HfError::file(path, why));
		}
		out.write_all(&header).map_err(HfError::io("write", path))?;
		for tensor in tensors {
			let Some(place) = self.places.get(&tensor.name).cloned() else {
				return Err(HfError::TensorExtra { name: tensor.name, extra: 1 });
			};
			let refuse = |why: String| HfError::Tensor { name: tensor.name.clone(), why };
			if tensor.shape != place.shape {
				return Err(refuse(format!("has shape {:?}; {:?} is stored", tensor.shape, place.shape)));
			}
			let container = self.component(place.component)?;
			let TensorSpec { name, shape: [rows, columns] } = &place.spec;
			let view = container
				.tensor(name)
				.filter(|view| view.shape() == [*rows, *columns] && view.quantization() == Quantization::None)
				.ok_or_else(|| {
					refuse(format!("is not in the content of {} as it should be", place.component))
				})?;
			if view.dtype() != tensor.dtype {
				return Err(refuse(format!(
					"was {} and is stored as {}: the shards' headers are for the former",
					tensor.dtype,
					view.dtype()
				)));
			}
			let written = if place.is_transposed {
				write_transposed(view.bytes(), (*rows, *columns), view.dtype().bytes(), out)
			} else {
				view.bytes().chunks(PART_BYTES).try_for_each(|part| out.write_all(part))
			};
			written.map_err(HfError::io("write", path))?;
			progress(self.done + tensor.range.end as u64);
		}
		Ok(())
	}

	fn component(&mut self, component: Component) -> Result<&Container, HfError> {
		if !self.open.contains_key(&component) {
			let recorded = self.record.content(component).ok_or_else(|| {
				HfError::Record(format!("does not say where the content of {component} is"))
			})?;
			let container = Container::open(self.store.open_verified(&recorded.content)?)?;
			self.open.insert(component, container);
		}
		self.open.get(&component).ok_or_else(|| HfError::Record(format!("has no {component}")))
	}
}
