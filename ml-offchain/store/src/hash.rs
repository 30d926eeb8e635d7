//! Digests of leaves, on every core.

use crate::{
	dag::{Dag, Layout, LEAF_BYTES, MAX_FILE_BYTES},
	error::StoreError,
};
use blyan_primitives::cid::Cid;
use memmap2::{Mmap, MmapOptions};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

/// SHA2-256 of a block.
pub(crate) type Digest = [u8; 32];

/// SHA2-256; `sha2` uses the processor's SHA instructions where it finds them.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
	Sha256::digest(bytes).into()
}

/// The digests of a slice that starts where a leaf does: one a leaf, and one for no bytes at all.
pub(crate) fn leaves_of(bytes: &[u8]) -> Vec<Digest> {
	if bytes.is_empty() {
		return vec![sha256(bytes)];
	}
	bytes.par_chunks(LEAF_BYTES).map(sha256).collect()
}

/// The digests of a file's leaves, hashed in the page cache where the system allows, else read: copying
/// costs a tenth of the hashing.
pub(crate) fn leaves_of_file(file: &File, layout: &Layout) -> io::Result<Vec<Digest>> {
	let map = map(file, layout);
	(0..layout.leaves())
		.into_par_iter()
		.map_init(Vec::new, |buffer, index| {
			let (offset, length) = layout.leaf_range(index);
			if let Some(leaf) = map.as_ref().and_then(|map| mapped_leaf(map, offset, length)) {
				return Ok(sha256(leaf));
			}
			buffer.resize(length, 0);
			file.read_exact_at(buffer, offset)?;
			Ok(sha256(buffer))
		})
		.collect()
}

/// The file as memory; `None` if it is empty, or cannot be had so.
#[allow(unsafe_code)]
fn map(file: &File, layout: &Layout) -> Option<Mmap> {
	let length = usize::try_from(layout.file_bytes()).ok().filter(|length| *length > 0)?;
	// SAFETY: the mapping is read-only, and is gone when the leaves are hashed. What is hashed is content,
	// which is read-only and only ever replaced by a rename, or a partial file, which its holder has
	// locked; nobody writes to either meanwhile. Pages that are not there, because the file was cut or
	// the disk fails, are found by `mapped_leaf` before they are touched.
	unsafe { MmapOptions::new().len(length).map(file) }.ok()
}

/// A leaf of the mapping, once its pages are in memory. Where the system cannot bring them in, or cannot
/// say so (Linux before 5.14), reading them tells why instead of ending the process.
fn mapped_leaf(map: &Mmap, offset: u64, length: usize) -> Option<&[u8]> {
	#[cfg(target_os = "linux")]
	{
		let start = usize::try_from(offset).ok()?;
		let leaf = map.get(start..start.checked_add(length)?)?;
		map.advise_range(memmap2::Advice::PopulateRead, start, length).ok()?;
		Some(leaf)
	}
	#[cfg(not(target_os = "linux"))]
	{
		let _ = (map, offset, length);
		None
	}
}

/// The CID of these bytes as a file.
///
/// # Errors
/// [`StoreError::TooLarge`].
pub fn cid_of_bytes(bytes: &[u8]) -> Result<Cid, StoreError> {
	let length = bytes.len() as u64;
	let layout = Layout::new(length).ok_or_else(|| too_large(Path::new("bytes in memory"), length))?;
	// A slice has just as many leaves as the layout of its length.
	Dag::new(layout, leaves_of(bytes))
		.map(|dag| dag.root())
		.ok_or_else(|| too_large(Path::new("memory"), length))
}

/// The CID of a file, and its length; nothing is stored.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::TooLarge`].
pub fn cid_of_file(path: &Path) -> Result<(Cid, u64), StoreError> {
	let io = |action| move |source| StoreError::io(action, path, 0, source);
	let file = File::open(path).map_err(io("open"))?;
	let dag = dag_of_file(&file, path)?;
	Ok((dag.root(), dag.layout().file_bytes()))
}

/// The tree over a file as it is now.
pub(crate) fn dag_of_file(file: &File, path: &Path) -> Result<Dag, StoreError> {
	let io = |action| move |source| StoreError::io(action, path, 0, source);
	let length = file.metadata().map_err(io("examine"))?.len();
	let layout = Layout::new(length).ok_or_else(|| too_large(path, length))?;
	let leaves = leaves_of_file(file, &layout).map_err(io("read"))?;
	Dag::new(layout, leaves).ok_or_else(|| too_large(path, length))
}

pub(crate) fn too_large(path: &Path, bytes: u64) -> StoreError {
	StoreError::TooLarge { path: path.to_owned(), bytes, limit: MAX_FILE_BYTES }
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn leaves_of_file_should_be_those_of_its_bytes_and_fail_when_it_was_cut() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("file");
		for length in [0, 1, 4096, LEAF_BYTES, 3 * LEAF_BYTES + 7] {
			let bytes: Vec<u8> = (0..length).map(|i| (i * 31 + 7) as u8).collect();
			std::fs::write(&path, &bytes).unwrap();
			let file = File::options().read(true).write(true).open(&path).unwrap();
			let layout = Layout::new(length as u64).unwrap();
			assert_eq!(leaves_of_file(&file, &layout).unwrap(), leaves_of(&bytes), "of {length} bytes");
			if length >= LEAF_BYTES {
				// Cut after it was measured: pages that are gone are reported, not touched.
				file.set_len(4096).unwrap();
				let error = leaves_of_file(&file, &layout).unwrap_err();
				assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
			}
		}
	}
}
