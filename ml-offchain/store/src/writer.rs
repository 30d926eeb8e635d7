//! Storing what is made while it is written.

use crate::{
	dag::{Dag, Layout, LEAF_BYTES, MAX_FILE_BYTES},
	error::StoreError,
	hash::{leaves_of, too_large, Digest},
	store::{Store, Stored},
};
use blyan_primitives::cid::Cid;
use std::{
	io::{self, Write},
	path::Path,
};

/// What is hashed at once: a tile of 16 leaves.
const TILE_BYTES: usize = 16 * LEAF_BYTES;

/// Hashes what passes, a tile at a time.
struct Hashed<W> {
	out: W,
	tile: Vec<u8>,
	leaves: Vec<Digest>,
	bytes: u64,
}

impl<W: Write> Hashed<W> {
	fn new(out: W) -> Self {
		Self { out, tile: Vec::with_capacity(TILE_BYTES), leaves: Vec::new(), bytes: 0 }
	}

	fn pass_tile(&mut self) -> io::Result<()> {
		self.leaves.extend(leaves_of(&self.tile));
		self.out.write_all(&self.tile)?;
		self.tile.clear();
		Ok(())
	}

	/// The tree over all that passed.
	fn finish(mut self) -> io::Result<Option<Dag>> {
		// Of an empty file, the one leaf is empty; any other ends with the last that has bytes.
		if !self.tile.is_empty() || self.bytes == 0 {
			self.pass_tile()?;
		}
		let Self { leaves, bytes, .. } = self;
		Ok(Layout::new(bytes).and_then(|layout| Dag::new(layout, leaves)))
	}
}

impl<W: Write> Write for Hashed<W> {
	fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
		let taken = bytes.len().min(TILE_BYTES - self.tile.len());
		if self.bytes + taken as u64 > MAX_FILE_BYTES {
			return Err(io::Error::new(
				io::ErrorKind::FileTooLarge,
				"longer than a file of the store may be",
			));
		}
		self.tile.extend_from_slice(&bytes[..taken]);
		self.bytes += taken as u64;
		if self.tile.len() == TILE_BYTES {
			self.pass_tile()?;
		}
		Ok(taken)
	}

	fn flush(&mut self) -> io::Result<()> {
		Ok(())
	}
}

/// The CID and length of a file with what `fill` writes; nothing is stored.
///
/// # Errors
/// [`StoreError::Io`] with the error of `fill`, [`StoreError::TooLarge`].
pub fn cid_with(fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(Cid, u64), StoreError> {
	let from = Path::new("a stream");
	let failed = |source| StoreError::io("hash", from, 0, source);
	let mut hashed = Hashed::new(io::sink());
	fill(&mut hashed).map_err(failed)?;
	let bytes = hashed.bytes;
	let dag = hashed.finish().map_err(failed)?.ok_or_else(|| too_large(from, bytes))?;
	Ok((dag.root(), bytes))
}

impl Store {
	/// Stores what `fill` writes as a file, about `needed_bytes` long.
	///
	/// # Errors
	/// [`StoreError::Io`], also with the error of `fill`; [`StoreError::TooLarge`], [`StoreError::Full`].
	/// Nothing is stored then.
	pub fn put_with(
		&self,
		needed_bytes: u64,
		fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
	) -> Result<Stored, StoreError> {
		let mut temporary = self.folder().temporary(needed_bytes)?;
		let path = temporary.path().to_owned();
		let failed = |source| StoreError::io("write", &path, needed_bytes, source);
		let mut hashed = Hashed::new(&mut temporary.file);
		fill(&mut hashed).map_err(failed)?;
		let bytes = hashed.bytes;
		let dag = hashed.finish().map_err(failed)?.ok_or_else(|| too_large(&path, bytes))?;
		let cid = dag.root();
		self.publish(temporary, dag)?;
		Ok(Stored { cid, bytes })
	}
}
