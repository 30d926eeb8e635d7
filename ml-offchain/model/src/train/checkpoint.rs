//! A training run on disk: all that is needed to go on to the same bits.

use crate::{layout::Layout, ModelError};
use blyan_primitives::{architecture::Architecture, merkle, Hash};
use blyan_tensorblock::DType;
use codec::{Decode, Encode};
use std::{
	fs::{self, File},
	io::Write,
	path::Path,
	sync::Arc,
};

const MAGIC: &[u8; 8] = b"BLYCKPT2";
const HASH_BYTES: usize = 32;

/// What a checkpoint holds. Numbers are f32 as their little-endian bytes.
#[derive(Encode, Decode)]
pub(super) struct Saved {
	/// Of the configuration and the text.
	pub fingerprint: Hash,
	pub architecture: Architecture,
	/// Steps done.
	pub step: u32,
	/// Hashes of their batches.
	pub leaves: Vec<Hash>,
	/// Weights by slot.
	pub buffers: Vec<Vec<u8>>,
	/// By slot and tensor, the code of the format that the weights are stored in.
	pub dtypes: Vec<Vec<u32>>,
	/// First and second moments by slot, where trained.
	pub moments: Vec<Option<(Vec<u8>, Vec<u8>)>>,
}

pub(super) fn to_bytes(numbers: &[f32]) -> Vec<u8> {
	numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// `None` unless there are `len` numbers, all finite.
pub(super) fn to_numbers(bytes: &[u8], len: usize) -> Option<Vec<f32>> {
	let numbers: Vec<f32> =
		bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
	(bytes.len() == len * 4 && numbers.iter().all(|x| x.is_finite())).then_some(numbers)
}

/// `None` unless there is a known format for each tensor.
pub(super) fn to_dtypes(codes: &[Vec<u32>], layout: &Layout) -> Option<Vec<Arc<[DType]>>> {
	let is_whole = codes.len() == layout.tensors.len()
		&& codes.iter().zip(&layout.tensors).all(|(codes, specs)| codes.len() == specs.len());
	let known = |codes: &Vec<u32>| codes.iter().map(|code| DType::from_code(*code)).collect();
	codes.iter().map(known).collect::<Option<_>>().filter(|_| is_whole)
}

/// Writes to a temporary name beside `path`, syncs, and renames: the checkpoint before stays whole
/// until this one is.
pub(super) fn write(path: &Path, saved: &Saved) -> Result<(), ModelError> {
	let mut bytes = MAGIC.to_vec();
	saved.encode_to(&mut bytes);
	let hash = merkle::leaf(0, &bytes);
	bytes.extend_from_slice(hash.as_bytes());

	let io = |source| ModelError::io(path, source);
	let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
	let mut name = path.file_name().ok_or_else(|| io(std::io::ErrorKind::InvalidInput.into()))?.to_owned();
	name.push(format!(".{}.tmp", std::process::id()));
	let temporary = folder.join(name);
	let result = File::create(&temporary)
		.and_then(|mut file| {
			file.write_all(&bytes)?;
			file.sync_all()
		})
		.and_then(|()| fs::rename(&temporary, path));
	if result.is_err() {
		// Best effort: the error that matters is the first.
		let _ = fs::remove_file(&temporary);
	}
	result.map_err(io)?;
	// The rename itself must survive a loss of power.
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

pub(super) fn read(path: &Path) -> Result<Saved, ModelError> {
	let bytes = fs::read(path).map_err(|source| ModelError::io(path, source))?;
	let refuse = |why: &str| ModelError::Checkpoint { path: path.to_owned(), why: why.into() };
	let (body, hash) = bytes
		.split_at_checked(bytes.len().saturating_sub(HASH_BYTES))
		.filter(|(body, _)| body.starts_with(MAGIC))
		.ok_or_else(|| refuse("it is not a checkpoint"))?;
	if merkle::leaf(0, &body).as_bytes() != hash {
		return Err(refuse("it is torn or altered: its hash does not match"));
	}
	let mut body = &body[MAGIC.len()..];
	Saved::decode(&mut body).map_err(|_| refuse("it is of another format"))
}
