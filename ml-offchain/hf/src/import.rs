//! A checkpoint into the store: a container for each component, and what is needed to write it back.

use crate::{
	checkpoint::{read_whole, Checkpoint, Shard, ShardTensor},
	config::{self, Options},
	names::{places, source, Place, HEAD},
	record::{
		CheckpointRecord, ModelRecord, RecordedComponent, RecordedContent, RecordedFile, CHECKPOINT_FORMAT,
		RECORD_FORMAT,
	},
	transpose::write_transposed,
	Family, HfError,
};
use blyan_model::{component_tensors, TextTokenizer, MAX_TOKENIZER_BYTES};
use blyan_primitives::{
	architecture::{Architecture, Tokenizer},
	dag::Component,
};
use blyan_store::{cid_with, PinReason, Pins, Store, Stored};
use blyan_tensorblock::{encode_with, encoded_bytes, DType, Outline};
use std::{
	collections::BTreeMap,
	io::{self, Write},
	path::Path,
};

/// What is written of a tensor that is not transposed, at once.
const PART_BYTES: usize = 4 << 20;
const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
	/// Where everything is.
	pub record: ModelRecord,
	/// Components whose content was in the store already.
	pub already_there: usize,
	/// Bytes that were written for components.
	pub written_bytes: u64,
	/// Files and folders of the checkpoint that are no part of it here.
	pub left_out: Vec<String>,
}

impl From<Stored> for RecordedContent {
	fn from(stored: Stored) -> Self {
		Self { content: stored.cid, bytes: stored.bytes }
	}
}

/// Imports the checkpoint in a folder, and tells after each component how many bytes of weights are done, of
/// how many. What is imported is pinned by hand, as one says: nobody else needs it before it is registered.
///
/// Nothing is held in memory but a few MiB of a tensor at a time. An import that was interrupted is repeated:
/// what it stored is found by its content address, and not written again. Files of the checkpoint must not be
/// changed meanwhile.
///
/// # Errors
/// See [`HfError`]; nothing is imported by half that anybody would take for whole.
pub fn import(
	folder: &Path,
	store: &Store,
	options: Options,
	mut progress: impl FnMut(u64, u64),
) -> Result<Imported, HfError> {
	let config_path = folder.join(CONFIG);
	let json = serde_json::from_slice(&read_whole(&config_path)?)
		.map_err(|error| HfError::file(&config_path, error.to_string()))?;
	let tokenizer_path = folder.join(TOKENIZER);
	let tokenizer_bytes = read_whole(&tokenizer_path)?;
	if tokenizer_bytes.len() as u64 > MAX_TOKENIZER_BYTES {
		return Err(HfError::file(&tokenizer_path, format!("is longer than {MAX_TOKENIZER_BYTES} bytes")));
	}
	let tokenizer = TextTokenizer::from_bytes(&tokenizer_bytes)?;
	let stored_tokenizer = store.put_bytes(&tokenizer_bytes)?;
	let named = Tokenizer::Content { content: stored_tokenizer.cid, bytes: stored_tokenizer.bytes };
	let (family, architecture) = config::read(&json, named, options)?;
	if tokenizer.vocabulary() > architecture.vocabulary {
		let (has, knows) = (tokenizer.vocabulary(), architecture.vocabulary);
		let why = format!("has {has} tokens, but {CONFIG} has a vocabulary of {knows}");
		return Err(HfError::file(&tokenizer_path, why));
	}
	let checkpoint = Checkpoint::open(folder)?;
	check_tensors(&checkpoint, family, &architecture)?;

	let all: u64 = checkpoint.shards.iter().map(|shard| (shard.map.len() - shard.header_bytes) as u64).sum();
	let (mut done, mut already_there, mut written_bytes, mut parameters) = (0, 0, 0, 0);
	let mut components = Vec::new();
	progress(0, all);
	for component in architecture.components() {
		let source = ComponentSource::new(&checkpoint, family, &architecture, component)?;
		parameters += source.parameters;
		let (content, bytes) = cid_with(|out| source.write(out))?;
		if store.contains(&content) {
			already_there += 1;
		} else {
			written_bytes += store.put_with(bytes, |out| source.write(out))?.bytes;
		}
		components.push(RecordedComponent { component, content, bytes });
		done += source.data_bytes;
		progress(done, all);
	}
	let mut pins = Pins::default();
	let checkpoint_record = store_files(&checkpoint, store, &mut pins)?;
	for content in components.iter().map(|recorded| recorded.content).chain([stored_tokenizer.cid]) {
		pins.add(content, PinReason::Manual);
	}
	// Whoever imported it says when it may go.
	store.pin_all(&pins)?;
	let record = ModelRecord {
		format: RECORD_FORMAT.into(),
		family,
		architecture,
		parameters,
		components,
		checkpoint: checkpoint_record,
	};
	Ok(Imported { record, already_there, written_bytes, left_out: checkpoint.left_out })
}

/// Checks that every tensor of the architecture is there, of its shape, and none else.
fn check_tensors(
	checkpoint: &Checkpoint,
	family: Family,
	architecture: &Architecture,
) -> Result<(), HfError> {
	let places = places(family, architecture)?;
	let missing: Vec<&String> = places.keys().filter(|name| !checkpoint.places.contains_key(*name)).collect();
	if let Some(name) = missing.first() {
		return Err(HfError::TensorMissing { name: (*name).clone(), missing: missing.len() });
	}
	let is_extra = |name: &&String| {
		let is_copy = architecture.tied_head && *name == HEAD;
		!places.contains_key(*name) && !is_copy
	};
	let extra: Vec<&String> = checkpoint.places.keys().filter(is_extra).collect();
	if let Some(name) = extra.first() {
		return Err(HfError::TensorExtra { name: (*name).clone(), extra: extra.len() });
	}
	for (name, Place { shape, .. }) in &places {
		if let Some((_, tensor)) = checkpoint.tensor(name).filter(|(_, tensor)| tensor.shape != *shape) {
			let why = format!("has shape {:?}; {CONFIG} asks for {shape:?}", tensor.shape);
			return Err(HfError::Tensor { name: name.clone(), why });
		}
	}
	if architecture.tied_head {
		check_tied(checkpoint, family)?;
	}
	Ok(())
}

/// A head that is tied and nevertheless there must be the embedding.
fn check_tied(checkpoint: &Checkpoint, family: Family) -> Result<(), HfError> {
	let embedding =
		source(family, Component::Backbone, "embedding").and_then(|source| checkpoint.tensor(&source.name));
	if let (Some((shard, head)), Some((other, embedding))) = (checkpoint.tensor(HEAD), embedding) {
		let is_same = head.dtype == embedding.dtype && shard.data(head) == other.data(embedding);
		if !is_same {
			let why = format!("is not the embedding, although {CONFIG} says that it is tied to it");
			return Err(HfError::Tensor { name: HEAD.into(), why });
		}
	}
	Ok(())
}

/// A component as it will be written.
struct ComponentSource<'a> {
	outlines: Vec<Outline<'static>>,
	/// By the name of the component's tensor.
	tensors: BTreeMap<String, (&'a Shard, &'a ShardTensor, bool)>,
	parameters: u64,
	data_bytes: u64,
}

impl<'a> ComponentSource<'a> {
	fn new(
		checkpoint: &'a Checkpoint,
		family: Family,
		architecture: &Architecture,
		component: Component,
	) -> Result<Self, HfError> {
		let mut this = Self { outlines: Vec::new(), tensors: BTreeMap::new(), parameters: 0, data_bytes: 0 };
		for spec in component_tensors(architecture, component)? {
			let found = source(family, component, &spec.name)
				.and_then(|source| Some((checkpoint.tensor(&source.name)?, source.is_transposed)));
			let Some(((shard, tensor), is_transposed)) = found else {
				return Err(HfError::TensorMissing { name: spec.name, missing: 1 });
			};
			check_finite(tensor, shard.data(tensor))?;
			this.outlines.push(Outline::new(spec.name.clone(), tensor.dtype, &spec.shape)?);
			this.parameters += spec.len() as u64;
			this.data_bytes += tensor.range.len() as u64;
			this.tensors.insert(spec.name, (shard, tensor, is_transposed));
		}
		// What the container will be is known before any of it is written.
		encoded_bytes(&this.outlines)?;
		Ok(this)
	}

	fn write(&self, mut out: &mut dyn Write) -> io::Result<()> {
		let written = encode_with(&self.outlines, &mut out, |name, out| {
			let Some((shard, tensor, is_transposed)) = self.tensors.get(name) else {
				return Err(io::Error::other(format!("no tensor {name}")));
			};
			let data = shard.data(tensor);
			match (is_transposed, tensor.shape.as_slice()) {
				(true, [rows, columns]) => {
					write_transposed(data, (*rows, *columns), tensor.dtype.bytes(), out)
				}
				_ => data.chunks(PART_BYTES).try_for_each(|part| out.write_all(part)),
			}
		});
		written.map(drop).map_err(io::Error::other)
	}
}

/// A model takes no weights that are not finite: better to hear of it here.
fn check_finite(tensor: &ShardTensor, data: &[u8]) -> Result<(), HfError> {
	let at = match tensor.dtype {
		DType::F32 => data.as_chunks().0.iter().position(|x| !f32::from_le_bytes(*x).is_finite()),
		DType::F16 => data.as_chunks().0.iter().position(|x| !half::f16::from_le_bytes(*x).is_finite()),
		_ => data.as_chunks().0.iter().position(|x| !half::bf16::from_le_bytes(*x).is_finite()),
	};
	match at {
		Some(at) => {
			let why = format!("holds a number at index {at} that is not finite; no model can be made of it");
			Err(HfError::Tensor { name: tensor.name.clone(), why })
		}
		None => Ok(()),
	}
}

/// Stores headers of shards and whole files, and the list of them; says what to pin.
fn store_files(checkpoint: &Checkpoint, store: &Store, pins: &mut Pins) -> Result<RecordedContent, HfError> {
	let mut files = Vec::new();
	let mut pinned = |stored: Stored| {
		pins.add(stored.cid, PinReason::Manual);
		RecordedContent::from(stored)
	};
	for shard in &checkpoint.shards {
		let header = store.put_bytes(shard.map.get(..shard.header_bytes).unwrap_or_default())?;
		files.push(RecordedFile::Shard {
			name: shard.name.clone(),
			header: pinned(header),
			bytes: shard.map.len() as u64,
		});
	}
	for path in &checkpoint.whole {
		let file = store.put_file(path)?;
		let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
		files.push(RecordedFile::Whole { name, file: pinned(file) });
	}
	let record = CheckpointRecord { format: CHECKPOINT_FORMAT.into(), files };
	// Names, numbers and addresses have a JSON form.
	Ok(pinned(store.put_bytes(&serde_json::to_vec_pretty(&record).unwrap_or_default())?))
}
