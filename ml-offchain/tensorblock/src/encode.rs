//! Writing: the one encoding that a set of named tensors has.

use crate::{
	container::{
		CONTAINER_HEADER_BYTES, CONTAINER_MAGIC, CONTAINER_VERSION, ENTRY_BYTES, MAX_NAME_BYTES, MAX_TENSORS,
	},
	error::TensorBlockError::{self, Io, Limit, NameLength, NameOrder, TooManyTensors},
	header::{BLOCK_HEADER_BYTES, PAGE_BYTES, ZEROS},
	tensor::Tensor,
};
use std::{
	ffi::OsString,
	fs::{self, File, OpenOptions},
	io::{self, BufWriter, Write},
	path::Path,
	sync::atomic::{AtomicU64, Ordering},
};

/// What a container will consist of: its head, and the blocks with their offsets, in the order of names.
pub(crate) struct Plan<'p, 'a> {
	pub(crate) head: Vec<u8>,
	pub(crate) blocks: Vec<(u64, &'p Tensor<'a>)>,
	pub(crate) total: u64,
}

impl<'p, 'a> Plan<'p, 'a> {
	pub(crate) fn new(tensors: &'p [Tensor<'a>]) -> Result<Self, TensorBlockError> {
		if tensors.len() > MAX_TENSORS {
			return Err(TooManyTensors { count: tensors.len(), limit: MAX_TENSORS });
		}
		let mut sorted: Vec<&Tensor<'a>> = tensors.iter().collect();
		sorted.sort_by(|a, b| a.name().as_bytes().cmp(b.name().as_bytes()));
		for tensor in &sorted {
			let bytes = tensor.name().len();
			if bytes == 0 || bytes > MAX_NAME_BYTES {
				return Err(NameLength { name: tensor.name().to_owned(), bytes, limit: MAX_NAME_BYTES });
			}
		}
		if let Some([first, second]) = sorted.windows(2).find(|pair| pair[0].name() == pair[1].name()) {
			return Err(NameOrder { first: first.name().to_owned(), second: second.name().to_owned() });
		}

		let names_offset = CONTAINER_HEADER_BYTES + sorted.len() * ENTRY_BYTES;
		let names_length: usize = sorted.iter().map(|tensor| tensor.name().len()).sum();
		let (mut table, mut names) = (Vec::new(), Vec::with_capacity(names_length));
		let mut end = (names_offset + names_length) as u64;
		let mut blocks = Vec::with_capacity(sorted.len());
		for tensor in sorted {
			let too_long =
				|| Limit { field: "total length", offset: 32, found: u64::MAX, limit: i64::MAX as u64 };
			let start = end.checked_next_multiple_of(PAGE_BYTES).ok_or_else(too_long)?;
			let length = tensor.extents.length;
			end = start.checked_add(length).filter(|end| *end <= i64::MAX as u64).ok_or_else(too_long)?;
			let name_offset = (names_offset + names.len()) as u64;
			for field in [name_offset, tensor.name().len() as u64, start, length] {
				table.extend_from_slice(&field.to_le_bytes());
			}
			names.extend_from_slice(tensor.name().as_bytes());
			blocks.push((start, tensor));
		}

		let mut head = Vec::with_capacity(names_offset + names_length);
		head.extend_from_slice(CONTAINER_MAGIC);
		head.extend_from_slice(&CONTAINER_VERSION.to_le_bytes());
		// At most `MAX_TENSORS`, which a u32 holds.
		head.extend_from_slice(&(blocks.len() as u32).to_le_bytes());
		for field in [names_offset as u64, names_length as u64, end] {
			head.extend_from_slice(&field.to_le_bytes());
		}
		head.resize(CONTAINER_HEADER_BYTES, 0);
		head.extend_from_slice(&table);
		head.extend_from_slice(&names);
		Ok(Self { head, blocks, total: end })
	}

	fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
		out.write_all(&self.head)?;
		let mut at = self.head.len() as u64;
		for (start, tensor) in &self.blocks {
			pad(out, start - at)?;
			write_block(out, tensor)?;
			at = start + tensor.extents.length;
		}
		Ok(())
	}
}

/// Writes zeros; never more than a page.
pub(crate) fn pad(out: &mut impl Write, bytes: u64) -> io::Result<()> {
	out.write_all(&ZEROS[..bytes as usize])
}

fn write_block(out: &mut impl Write, tensor: &Tensor<'_>) -> io::Result<()> {
	let extents = &tensor.extents;
	out.write_all(&tensor.header.encode(extents))?;
	pad(out, extents.data.0 - BLOCK_HEADER_BYTES as u64)?;
	out.write_all(&tensor.data)?;
	let mut end = extents.data.0 + extents.data.1;
	let sections = [
		(extents.scales, bytemuck::cast_slice::<f32, u8>(&tensor.scales)),
		(extents.indices, bytemuck::cast_slice::<u32, u8>(&tensor.indices)),
	];
	for ((offset, length), bytes) in sections {
		if offset > 0 {
			pad(out, offset - end)?;
			out.write_all(bytes)?;
			end = offset + length;
		}
	}
	Ok(())
}

/// A container of these tensors, in memory. The order in which they are given does not matter.
///
/// # Errors
/// A name that is empty, too long or given twice; too many tensors.
pub fn encode(tensors: &[Tensor<'_>]) -> Result<Vec<u8>, TensorBlockError> {
	let plan = Plan::new(tensors)?;
	let mut bytes = Vec::with_capacity(usize::try_from(plan.total).unwrap_or_default());
	plan.write_to(&mut bytes).map_err(|source| Io { action: "write to", path: "memory".into(), source })?;
	Ok(bytes)
}

/// One TensorBlock alone, in memory; its name is not part of it.
pub fn encode_block(tensor: &Tensor<'_>) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(usize::try_from(tensor.extents.length).unwrap_or_default());
	// A vector takes every write.
	write_block(&mut bytes, tensor).unwrap_or_default();
	bytes
}

/// Writes a container to a file and returns its length in bytes.
///
/// The bytes go to a temporary file beside it, are synced, and renamed into place: whoever opens `path`
/// sees the old file or the whole new one. The result is read-only.
///
/// # Errors
/// Those of [`encode`], and [`TensorBlockError::Io`]; the temporary file is then removed.
pub fn write(path: impl AsRef<Path>, tensors: &[Tensor<'_>]) -> Result<u64, TensorBlockError> {
	static COUNTER: AtomicU64 = AtomicU64::new(0);
	let path = path.as_ref();
	let plan = Plan::new(tensors)?;
	let mut temporary = OsString::from(path);
	temporary.push(format!(".{}-{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
	let temporary = Path::new(&temporary);
	let written = write_and_rename(&plan, temporary, path);
	if written.is_err() {
		// What was wrong is in the error already; the file may not even be there.
		let _ = fs::remove_file(temporary);
	}
	written.map(|()| plan.total)
}

fn write_and_rename(plan: &Plan<'_, '_>, temporary: &Path, path: &Path) -> Result<(), TensorBlockError> {
	let io = |action, path: &Path| {
		let path = path.to_owned();
		move |source| Io { action, path, source }
	};
	let file =
		OpenOptions::new().write(true).create_new(true).open(temporary).map_err(io("create", temporary))?;
	let mut out = BufWriter::with_capacity(1 << 20, file);
	plan.write_to(&mut out).map_err(io("write", temporary))?;
	let file = out.into_inner().map_err(|error| io("write", temporary)(error.into_error()))?;
	let mut permissions = file.metadata().map_err(io("examine", temporary))?.permissions();
	permissions.set_readonly(true);
	file.set_permissions(permissions).map_err(io("make read-only", temporary))?;
	file.sync_all().map_err(io("sync", temporary))?;
	fs::rename(temporary, path).map_err(io("rename into place", path))?;
	let folder = match path.parent() {
		Some(parent) if !parent.as_os_str().is_empty() => parent,
		_ => Path::new("."),
	};
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync", folder))
}
