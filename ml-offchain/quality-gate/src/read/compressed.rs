//! Packed files, opened so that they cannot expand without measure.

use super::{files::Compression, ReadError};
use flate2::read::MultiGzDecoder;
use std::{
	cell::Cell,
	fmt,
	io::{self, Read},
	path::Path,
	rc::Rc,
	sync::atomic::{AtomicU64, Ordering},
};

/// A packed file, or a table's columns, may become so many times as long, ...
pub const MAX_EXPANSION: u64 = 200;
/// ... once so many bytes came out of it.
pub const UNCHECKED_BYTES: u64 = 64 << 20;
/// Largest window of Zstandard, as a power of two: what its own tools take without being asked.
const MAX_WINDOW_LOG: u32 = 27;

/// How much came out of how much.
#[derive(Clone, Copy, Default, Debug)]
pub struct Expansion {
	/// Bytes that were read.
	pub packed: u64,
	/// Bytes that came out.
	pub unpacked: u64,
}

impl Expansion {
	/// Whether that is beyond all measure.
	pub fn is_bomb(&self) -> bool {
		self.unpacked > UNCHECKED_BYTES && self.unpacked / MAX_EXPANSION > self.packed
	}
}

/// The error of a bomb, inside an [`io::Error`].
#[derive(Debug)]
struct IsBomb;

impl fmt::Display for IsBomb {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		f.write_str("expands without measure")
	}
}

impl std::error::Error for IsBomb {}

/// An error of reading that file.
pub fn error_in(path: &Path, error: io::Error) -> ReadError {
	let path = path.to_owned();
	if error.get_ref().is_some_and(|inner| inner.is::<IsBomb>()) {
		return ReadError::Bomb { path };
	}
	match error.kind() {
		io::ErrorKind::InvalidData
		| io::ErrorKind::InvalidInput
		| io::ErrorKind::UnexpectedEof
		| io::ErrorKind::Other => ReadError::Damaged { path, reason: error.to_string() },
		_ => ReadError::Io { path, source: error },
	}
}

/// Counts what is read.
struct Counted<'a, R> {
	inner: R,
	read: Rc<Cell<u64>>,
	progress: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		let read = self.inner.read(buffer)?;
		self.read.set(self.read.get() + read as u64);
		self.progress.fetch_add(read as u64, Ordering::Relaxed);
		Ok(read)
	}
}

/// Stops when too much comes out.
struct Bounded<R> {
	inner: R,
	packed: Rc<Cell<u64>>,
	unpacked: u64,
}

impl<R: Read> Read for Bounded<R> {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		let read = self.inner.read(buffer)?;
		self.unpacked += read as u64;
		let expansion = Expansion { packed: self.packed.get(), unpacked: self.unpacked };
		if expansion.is_bomb() {
			return Err(io::Error::other(IsBomb));
		}
		Ok(read)
	}
}

/// A stream of what is in a file.
pub fn open<'a>(
	file: impl Read + 'a,
	compression: Compression,
	progress: &'a AtomicU64,
) -> io::Result<Box<dyn Read + 'a>> {
	let packed = Rc::new(Cell::new(0));
	let counted = Counted { inner: file, read: packed.clone(), progress };
	Ok(match compression {
		Compression::None => Box::new(counted),
		Compression::Gzip => Box::new(Bounded { inner: MultiGzDecoder::new(counted), packed, unpacked: 0 }),
		Compression::Zstandard => {
			let mut decoder = zstd::Decoder::new(counted)?;
			decoder.window_log_max(MAX_WINDOW_LOG)?;
			Box::new(Bounded { inner: decoder, packed, unpacked: 0 })
		}
	})
}
