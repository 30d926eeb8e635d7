//! A container: reading and checking.

use crate::{
	error::TensorBlockError::{self, Field, Io, Limit, NameNotUtf8, NameOrder, Truncated, Unknown},
	header::{check_magic, check_zero, expect_u64, read_u32, read_u64, Extents, Header, PAGE_BYTES},
	tensor::{parse_extents, TensorView},
};
use memmap2::{Mmap, MmapOptions};
use std::{fs::File, ops::Range, path::Path};

/// Most tensors in a container.
pub const MAX_TENSORS: usize = 1 << 16;
/// Longest tensor name in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 512;
pub(crate) const CONTAINER_MAGIC: &[u8; 8] = b"TBLOCKC1";
pub(crate) const CONTAINER_VERSION: u32 = 1;
pub(crate) const CONTAINER_HEADER_BYTES: usize = 64;
pub(crate) const ENTRY_BYTES: usize = 32;

/// Named tensors in one file, checked whole when it was opened.
///
/// `B` holds the bytes: a mapping ([`Container::open`]), a borrowed slice or a vector ([`Container::parse`]).
#[derive(Debug)]
pub struct Container<B = Mmap> {
	bytes: B,
	entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
	name: Range<usize>,
	block: Range<usize>,
	header: Header,
	extents: Extents,
}

impl Container<Mmap> {
	/// Maps a file and checks it. No data is read before it is used.
	///
	/// The file must not be changed in place or cut while it is mapped; what `blyan-store` and
	/// [`crate::write`] make is read-only and only ever replaced as a whole, which leaves mappings alone.
	///
	/// # Errors
	/// [`TensorBlockError::Io`], and whatever is not as the format says.
	pub fn open(path: impl AsRef<Path>) -> Result<Self, TensorBlockError> {
		let path = path.as_ref();
		let io = |action| move |source| Io { action, path: path.to_owned(), source };
		let file = File::open(path).map_err(io("open"))?;
		let length = file.metadata().map_err(io("examine"))?.len();
		// An empty file cannot be mapped everywhere; say what it is instead.
		if length == 0 {
			return Err(header_truncated(0));
		}
		let length = usize::try_from(length).map_err(|_| Limit {
			field: "file length",
			offset: 0,
			found: length,
			limit: usize::MAX as u64,
		})?;
		Self::parse(map(&file, length).map_err(io("map"))?)
	}
}

#[allow(unsafe_code)]
fn map(file: &File, length: usize) -> std::io::Result<Mmap> {
	// SAFETY: the mapping is read-only and as long as the file is. The rule stated at `Container::open`,
	// kept by everything here that writes weights (temporary file, synced, made read-only, renamed into
	// place, never opened for writing again), is that nobody changes the bytes of a mapped file; a rename
	// over it leaves the mapped inode as it was.
	unsafe { MmapOptions::new().len(length).map(file) }
}

impl<B: AsRef<[u8]>> Container<B> {
	/// Checks a container in memory.
	///
	/// # Errors
	/// Whatever is not as the format says, with field, offset and limit.
	pub fn parse(bytes: B) -> Result<Self, TensorBlockError> {
		let entries = parse_entries(bytes.as_ref())?;
		Ok(Self { bytes, entries })
	}

	/// The tensor of that name.
	pub fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
		let bytes = self.bytes.as_ref();
		let at = self
			.entries
			.binary_search_by(|entry| bytes.get(entry.name.clone()).unwrap_or_default().cmp(name.as_bytes()))
			.ok()?;
		self.view(self.entries.get(at)?)
	}

	/// Where the stored elements of a tensor lie in the file, in bytes.
	pub fn data_range(&self, name: &str) -> Option<Range<usize>> {
		let data = self.tensor(name)?.bytes();
		let start = (data.as_ptr() as usize).checked_sub(self.as_bytes().as_ptr() as usize)?;
		Some(start..start.checked_add(data.len())?)
	}

	/// Every tensor with its name, sorted by name.
	pub fn tensors(&self) -> impl Iterator<Item = (&str, TensorView<'_>)> {
		self.entries.iter().filter_map(|entry| {
			let name = std::str::from_utf8(self.bytes.as_ref().get(entry.name.clone())?).ok()?;
			Some((name, self.view(entry)?))
		})
	}

	/// Every name, sorted by its bytes.
	pub fn names(&self) -> impl Iterator<Item = &str> {
		self.tensors().map(|(name, _)| name)
	}

	/// How many tensors there are.
	pub fn len(&self) -> usize {
		self.entries.len()
	}

	/// Whether there is none.
	pub fn is_empty(&self) -> bool {
		self.entries.is_empty()
	}

	/// The whole file.
	pub fn as_bytes(&self) -> &[u8] {
		self.bytes.as_ref()
	}

	fn view(&self, entry: &Entry) -> Option<TensorView<'_>> {
		TensorView::at(entry.header, &entry.extents, self.bytes.as_ref().get(entry.block.clone())?)
	}
}

fn header_truncated(limit: u64) -> TensorBlockError {
	Truncated { field: "container header", offset: 0, needed: CONTAINER_HEADER_BYTES as u64, limit }
}

fn parse_entries(bytes: &[u8]) -> Result<Vec<Entry>, TensorBlockError> {
	let length = bytes.len() as u64;
	if bytes.len() < CONTAINER_HEADER_BYTES {
		return Err(header_truncated(length));
	}
	check_magic(bytes, CONTAINER_MAGIC, "TBLOCKC1", "container of TensorBlocks")?;
	let version = read_u32(bytes, 8);
	if version != CONTAINER_VERSION {
		return Err(Unknown { field: "container version", offset: 8, found: version.into(), known: "1" });
	}
	let count = read_u32(bytes, 12) as usize;
	if count > MAX_TENSORS {
		return Err(Limit { field: "count", offset: 12, found: count as u64, limit: MAX_TENSORS as u64 });
	}
	// `count` is bounded, so neither sum can overflow.
	let names_offset = CONTAINER_HEADER_BYTES + count * ENTRY_BYTES;
	expect_u64(bytes, 16, "names offset", names_offset as u64)?;
	let names_length = read_u64(bytes, 24);
	let names_limit = (count * MAX_NAME_BYTES) as u64;
	if names_length > names_limit {
		return Err(Limit { field: "names length", offset: 24, found: names_length, limit: names_limit });
	}
	let names_end = names_offset + names_length as usize;
	let total = read_u64(bytes, 32);
	if total > length {
		return Err(Truncated { field: "container", offset: 0, needed: total, limit: length });
	}
	if total < length {
		return Err(Field { field: "total length", offset: 32, found: total, expected: length });
	}
	check_zero(bytes, 40, CONTAINER_HEADER_BYTES, "reserved part of the container header")?;
	if names_end > bytes.len() {
		return Err(Truncated {
			field: "name table",
			offset: CONTAINER_HEADER_BYTES as u64,
			needed: (names_end - CONTAINER_HEADER_BYTES) as u64,
			limit: length,
		});
	}

	let mut entries = Vec::with_capacity(count);
	let (mut name_at, mut end) = (names_offset, names_end);
	let mut previous: Option<&[u8]> = None;
	for index in 0..count {
		let at = CONTAINER_HEADER_BYTES + index * ENTRY_BYTES;
		expect_u64(bytes, at, "name offset", name_at as u64)?;
		let name_length = read_u64(bytes, at + 8);
		let name_limit = MAX_NAME_BYTES.min(names_end - name_at) as u64;
		if name_length == 0 || name_length > name_limit {
			return Err(Limit {
				field: "name length (at least 1)",
				offset: (at + 8) as u64,
				found: name_length,
				limit: name_limit,
			});
		}
		let name = name_at..name_at + name_length as usize;
		check_name(bytes, &name, previous)?;
		previous = Some(&bytes[name.clone()]);
		name_at = name.end;

		let start = end.next_multiple_of(PAGE_BYTES as usize);
		expect_u64(bytes, at + 16, "block offset", start as u64)?;
		let block_length = read_u64(bytes, at + 24);
		let block_end =
			usize::try_from(block_length).ok().and_then(|block_length| start.checked_add(block_length));
		let block = match block_end {
			Some(block_end) if block_end <= bytes.len() => start..block_end,
			_ => {
				return Err(Truncated {
					field: "TensorBlock in the table",
					offset: start as u64,
					needed: block_length,
					limit: length,
				})
			}
		};
		check_zero(bytes, end, start, "padding before a TensorBlock")?;
		let (header, extents) =
			parse_extents(&bytes[block.clone()]).map_err(|error| error.shifted(start as u64))?;
		end = block.end;
		entries.push(Entry { name, block, header, extents });
	}
	if name_at != names_end {
		return Err(Field {
			field: "names length",
			offset: 24,
			found: names_length,
			expected: (name_at - names_offset) as u64,
		});
	}
	if end != bytes.len() {
		return Err(Field { field: "total length", offset: 32, found: total, expected: end as u64 });
	}
	Ok(entries)
}

fn check_name(bytes: &[u8], name: &Range<usize>, previous: Option<&[u8]>) -> Result<(), TensorBlockError> {
	let text = std::str::from_utf8(&bytes[name.clone()])
		.map_err(|source| NameNotUtf8 { offset: name.start as u64, source })?;
	match previous {
		Some(previous) if previous >= text.as_bytes() => {
			Err(NameOrder { first: String::from_utf8_lossy(previous).into_owned(), second: text.to_owned() })
		}
		_ => Ok(()),
	}
}
