//! A checkpoint's folder, checked: shards are mapped, and only their headers read.

use crate::HfError;
use blyan_tensorblock::DType;
use memmap2::Mmap;
use safetensors::{tensor::Metadata, Dtype};
use serde::Deserialize;
use std::{
	collections::{BTreeMap, BTreeSet},
	fs::{self, File},
	ops::Range,
	path::{Path, PathBuf},
};

/// Longest file that is kept as a whole, in bytes.
pub const MAX_WHOLE_FILE_BYTES: u64 = 64 << 20;
/// Longest header of a safetensors file, in bytes, with its length: what the library reads.
pub(crate) const MAX_HEADER_BYTES: u64 = 100_000_000 + LENGTH_BYTES as u64;
/// Most files of a checkpoint.
const MAX_FILES: usize = 4096;
const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";
/// What comes before the header of a safetensors file: its length.
const LENGTH_BYTES: usize = 8;

/// A folder with a checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoint {
	pub shards: Vec<Shard>,
	/// By the tensor's name: the shard and the tensor's number in it.
	pub places: BTreeMap<String, (usize, usize)>,
	/// Files that are kept as they are, by name.
	pub whole: Vec<PathBuf>,
	/// Names of files and folders that are left out.
	pub left_out: Vec<String>,
}

/// A safetensors file.
#[derive(Debug)]
pub(crate) struct Shard {
	pub name: String,
	pub map: Mmap,
	/// Everything before the data.
	pub header_bytes: usize,
	/// In the order of their data, which follow each other without gaps.
	pub tensors: Vec<ShardTensor>,
}

/// A tensor of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ShardTensor {
	pub name: String,
	pub dtype: DType,
	pub shape: Vec<usize>,
	/// Its bytes in the file.
	pub range: Range<usize>,
}

impl Shard {
	pub fn data(&self, tensor: &ShardTensor) -> &[u8] {
		// A range is within the file: checked when the header was read.
		self.map.get(tensor.range.clone()).unwrap_or_default()
	}
}

#[derive(Deserialize)]
struct Index {
	weight_map: BTreeMap<String, String>,
}

/// The header of a safetensors file.
pub(crate) struct Header {
	/// Everything before the data.
	pub bytes: usize,
	/// In the order of their data.
	pub tensors: Vec<ShardTensor>,
	/// Bytes of the file.
	pub file_bytes: usize,
}

/// Reads the header that `bytes` begin with; whether the data follow is for the caller to compare.
pub(crate) fn read_header(path: &Path, bytes: &[u8]) -> Result<Header, HfError> {
	let refuse = |why: String| HfError::file(path, why);
	let length = bytes.first_chunk::<LENGTH_BYTES>().map(|length| u64::from_le_bytes(*length));
	let length = length.ok_or_else(|| refuse("is too short for a safetensors file".into()))?;
	if length > MAX_HEADER_BYTES - LENGTH_BYTES as u64 {
		return Err(refuse(format!(
			"claims a header of {length} bytes; at most {MAX_HEADER_BYTES} are read"
		)));
	}
	let end = LENGTH_BYTES + length as usize;
	let json = bytes
		.get(LENGTH_BYTES..end)
		.ok_or_else(|| refuse(format!("claims a header of {length} bytes, and is shorter")))?;
	let metadata: Metadata = serde_json::from_slice(json)
		.map_err(|error| refuse(format!("has a header that is none of safetensors: {error}")))?;
	// The library has checked that each tensor follows the one before and suits its shape.
	let (mut tensors, mut file_bytes) = (Vec::new(), end);
	for name in metadata.offset_keys() {
		let Some(info) = metadata.info(&name) else { continue };
		let dtype = match info.dtype {
			Dtype::F32 => DType::F32,
			Dtype::F16 => DType::F16,
			Dtype::BF16 => DType::Bf16,
			other => {
				let why =
					format!("is {other:?}; weights must be F32, F16 or BF16: convert the checkpoint first");
				return Err(HfError::Tensor { name, why });
			}
		};
		let (from, to) = info.data_offsets;
		let (Some(from), Some(to)) = (end.checked_add(from), end.checked_add(to)) else {
			return Err(HfError::Tensor { name, why: "lies beyond what can be addressed".into() });
		};
		file_bytes = to;
		tensors.push(ShardTensor { name, dtype, shape: info.shape.clone(), range: from..to });
	}
	Ok(Header { bytes: end, tensors, file_bytes })
}

#[allow(unsafe_code)]
fn map(path: &Path) -> Result<Mmap, HfError> {
	let file = File::open(path).map_err(HfError::io("open", path))?;
	// SAFETY: the mapping is read-only. The rule stated at `import` is that nobody changes or cuts the files
	// of a checkpoint while it is imported; what is stored is named by the bytes that were read.
	unsafe { Mmap::map(&file) }.map_err(HfError::io("map", path))
}

/// A file that is read whole.
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>, HfError> {
	let bytes = fs::metadata(path).map_err(HfError::io("examine", path))?.len();
	if bytes > MAX_WHOLE_FILE_BYTES {
		return Err(HfError::file(
			path,
			format!("has {bytes} bytes; at most {MAX_WHOLE_FILE_BYTES} are read"),
		));
	}
	fs::read(path).map_err(HfError::io("read", path))
}

impl Checkpoint {
	/// Reads what a folder holds.
	///
	/// # Errors
	/// Files that cannot be read; shards that are missing, torn, or other than their index says.
	pub fn open(folder: &Path) -> Result<Self, HfError> {
		let (mut files, mut left_out) = (BTreeSet::new(), Vec::new());
		for entry in fs::read_dir(folder).map_err(HfError::io("list", folder))? {
			let entry = entry.map_err(HfError::io("list", folder))?;
			// Links count as what they lead to: that is how download tools keep a checkpoint.
			let metadata = fs::metadata(entry.path()).map_err(HfError::io("examine", entry.path()))?;
			match entry.file_name().to_str() {
				Some(name) if metadata.is_file() && !name.starts_with('.') => {
					files.insert(name.to_owned());
				}
				_ => left_out.push(entry.file_name().to_string_lossy().into_owned()),
			}
			if files.len() > MAX_FILES {
				return Err(HfError::file(folder, format!("has more than {MAX_FILES} files")));
			}
		}
		let index_path = folder.join(INDEX);
		let (names, weight_map) = if files.contains(INDEX) {
			let index: Index = serde_json::from_slice(&read_whole(&index_path)?)
				.map_err(|error| HfError::file(&index_path, error.to_string()))?;
			(index.weight_map.values().cloned().collect(), Some(index.weight_map))
		} else {
			(BTreeSet::from([SINGLE.to_owned()]), None)
		};
		let mut shards = Vec::new();
		for name in &names {
			if !files.remove(name) {
				let why = format!("has no shard {name}: is it downloaded?");
				return Err(HfError::file(folder, why));
			}
			let path = folder.join(name);
			let map = map(&path)?;
			let Header { bytes: header_bytes, tensors, file_bytes } = read_header(&path, &map)?;
			if file_bytes != map.len() {
				let found = map.len();
				let why = format!("has {found} bytes, but its header is of {file_bytes}: download it again");
				return Err(HfError::file(&path, why));
			}
			shards.push(Shard { name: name.clone(), map, header_bytes, tensors });
		}
		let mut places = BTreeMap::new();
		for (at, shard) in shards.iter().enumerate() {
			for (number, tensor) in shard.tensors.iter().enumerate() {
				if places.insert(tensor.name.clone(), (at, number)).is_some() {
					let why = "is in two shards".into();
					return Err(HfError::Tensor { name: tensor.name.clone(), why });
				}
				let said = weight_map.as_ref().map(|map| map.get(&tensor.name));
				if said.is_some_and(|said| said != Some(&shard.name)) {
					let why = format!("is in {}, but {INDEX} does not say so", shard.name);
					return Err(HfError::Tensor { name: tensor.name.clone(), why });
				}
			}
		}
		if let Some(name) =
			weight_map.iter().flat_map(BTreeMap::keys).find(|name| !places.contains_key(*name))
		{
			let why = format!("is in no shard, but {INDEX} names it");
			return Err(HfError::Tensor { name: name.clone(), why });
		}
		let mut whole = Vec::new();
		for name in files {
			let path = folder.join(&name);
			let bytes = fs::metadata(&path).map_err(HfError::io("examine", &path))?.len();
			// Weights in other formats, say.
			if bytes > MAX_WHOLE_FILE_BYTES || name.ends_with(".safetensors") {
				left_out.push(name);
			} else {
				whole.push(path);
			}
		}
		left_out.sort();
		Ok(Self { shards, places, whole, left_out })
	}

	pub fn tensor(&self, name: &str) -> Option<(&Shard, &ShardTensor)> {
		let (shard, number) = self.places.get(name)?;
		let shard = self.shards.get(*shard)?;
		Some((shard, shard.tensors.get(*number)?))
	}
}
