//! The header of a TensorBlock, and the lengths that follow from it.

use crate::{
	dtype::DType,
	error::TensorBlockError::{self, Field, Limit, Magic, Padding, Truncated, Unknown},
};

/// Bytes of a TensorBlock's header.
pub const BLOCK_HEADER_BYTES: usize = 128;
/// Data starts on such a boundary, so that a mapping is aligned for any element and any vector unit.
pub const PAGE_BYTES: u64 = 4096;
/// Scales and indices start on such a boundary.
const SECTION_ALIGNMENT: u64 = 64;
/// Most rows x columns of a sparse matrix: what an index of 32 bits can tell apart.
const MAX_SPARSE_ELEMENTS: u64 = 1 << 32;
/// The layout of a sparse matrix; below it, the layout of a dense tensor is its rank.
const SPARSE_LAYOUT: u32 = 3;
/// Where the number of stored elements of a sparse matrix is; zero in every other header.
const STORED_AT: usize = 64;
/// No file is longer: offsets of the operating system are signed.
const MAX_LENGTH: u64 = i64::MAX as u64;
const BLOCK_MAGIC: &[u8; 8] = b"TBLOCK01";
const BLOCK_VERSION: u32 = 1;

/// The shape of a tensor of at most two dimensions, row by row.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
	dims: [usize; 2],
	rank: u8,
}

impl Shape {
	/// A shape, unless it has more than two dimensions.
	pub const fn new(dims: &[usize]) -> Option<Self> {
		Some(match *dims {
			[] => Self { dims: [0; 2], rank: 0 },
			[length] => Self { dims: [length, 0], rank: 1 },
			[rows, columns] => Self { dims: [rows, columns], rank: 2 },
			_ => return None,
		})
	}

	/// The shape of a matrix.
	pub(crate) const fn matrix_of(rows: usize, columns: usize) -> Self {
		Self { dims: [rows, columns], rank: 2 }
	}

	/// The dimensions: none for a scalar.
	pub fn dims(&self) -> &[usize] {
		&self.dims[..usize::from(self.rank)]
	}

	/// How many dimensions there are, 0 to 2.
	pub const fn rank(&self) -> usize {
		self.rank as usize
	}

	/// Rows and columns: a scalar is 1 x 1, a vector one row.
	pub const fn matrix(&self) -> [usize; 2] {
		match self.rank {
			0 => [1, 1],
			1 => [1, self.dims[0]],
			_ => self.dims,
		}
	}

	/// Elements, unless there are more than memory can address.
	pub const fn elements(&self) -> Option<usize> {
		let [rows, columns] = self.matrix();
		rows.checked_mul(columns)
	}
}

impl std::fmt::Debug for Shape {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		self.dims().fmt(f)
	}
}

/// Whether elements are worth what they say, or that times a scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Quantization {
	/// No scales.
	None = 0,
	/// One scale.
	PerTensor = 1,
	/// A scale a row.
	PerRow = 2,
}

impl Quantization {
	const ALL: [Self; 3] = [Self::None, Self::PerTensor, Self::PerRow];

	/// Scales that a tensor of that shape has.
	pub const fn scales(self, shape: Shape) -> usize {
		match self {
			Self::None => 0,
			Self::PerTensor => 1,
			Self::PerRow => shape.matrix()[0],
		}
	}
}

/// Which elements of a tensor are in the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Layout {
	/// All, row by row.
	Dense,
	/// Those of a matrix that are not zero, each with its index; the others are zero.
	Sparse {
		/// How many are stored.
		stored: usize,
	},
}

/// What a header says; the offsets and the length follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
	pub(crate) dtype: DType,
	pub(crate) shape: Shape,
	pub(crate) layout: Layout,
	pub(crate) quantization: Quantization,
}

/// Where the parts of a block are, from its start, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extents {
	pub(crate) data: (u64, u64),
	pub(crate) scales: (u64, u64),
	pub(crate) indices: (u64, u64),
	pub(crate) length: u64,
}

impl Header {
	/// How many elements are in the file, or `None` if no file could hold them.
	pub(crate) fn stored(&self) -> Option<usize> {
		match self.layout {
			Layout::Dense => self.shape.elements(),
			Layout::Sparse { stored } => Some(stored),
		}
	}

	/// The only places that the parts can be at, or `None` if no file could hold them.
	pub(crate) fn extents(&self) -> Option<Extents> {
		let bytes = |count: usize, size: usize| u64::try_from(count.checked_mul(size)?).ok();
		let stored = self.stored()?;
		let data = (PAGE_BYTES, bytes(stored, self.dtype.bytes())?);
		let mut length = data.0.checked_add(data.1)?;
		let mut section = |bytes: u64| {
			let offset = length.checked_next_multiple_of(SECTION_ALIGNMENT)?;
			length = offset.checked_add(bytes)?;
			Some((offset, bytes))
		};
		let scales = match self.quantization {
			Quantization::None => (0, 0),
			quantization => section(bytes(quantization.scales(self.shape), 4)?)?,
		};
		let indices = match self.layout {
			Layout::Dense => (0, 0),
			Layout::Sparse { .. } => section(bytes(stored, 4)?)?,
		};
		(length <= MAX_LENGTH).then_some(Extents { data, scales, indices, length })
	}

	/// What is wrong with the shape of a sparse matrix, or with how many elements it stores.
	pub(crate) fn check_sparse(shape: Shape, stored: usize) -> Result<(), TensorBlockError> {
		// More than memory can address is more than an index can tell apart, too.
		let elements = shape.elements().map_or(u64::MAX, |elements| elements as u64);
		if elements > MAX_SPARSE_ELEMENTS {
			return Err(Limit {
				field: "rows x columns of a sparse matrix",
				offset: 16,
				found: elements,
				limit: MAX_SPARSE_ELEMENTS,
			});
		}
		if stored as u64 > elements {
			return Err(Limit {
				field: "stored elements",
				offset: STORED_AT as u64,
				found: stored as u64,
				limit: elements,
			});
		}
		Ok(())
	}

	/// The 128 bytes; `extents` are this header's own.
	pub(crate) fn encode(&self, extents: &Extents) -> [u8; BLOCK_HEADER_BYTES] {
		let mut bytes = [0u8; BLOCK_HEADER_BYTES];
		let [rows, columns] = self.shape.matrix();
		bytes[0..8].copy_from_slice(BLOCK_MAGIC);
		bytes[8..12].copy_from_slice(&BLOCK_VERSION.to_le_bytes());
		bytes[12..16].copy_from_slice(&self.dtype.code().to_le_bytes());
		bytes[16..24].copy_from_slice(&(rows as u64).to_le_bytes());
		bytes[24..32].copy_from_slice(&(columns as u64).to_le_bytes());
		let (layout, stored) = match self.layout {
			Layout::Dense => (u32::from(self.shape.rank), 0),
			Layout::Sparse { stored } => (SPARSE_LAYOUT, stored),
		};
		bytes[32..36].copy_from_slice(&layout.to_le_bytes());
		bytes[36..40].copy_from_slice(&(self.quantization as u32).to_le_bytes());
		bytes[40..48].copy_from_slice(&extents.scales.0.to_le_bytes());
		bytes[48..56].copy_from_slice(&extents.data.0.to_le_bytes());
		bytes[56..64].copy_from_slice(&extents.indices.0.to_le_bytes());
		bytes[STORED_AT..STORED_AT + 8].copy_from_slice(&(stored as u64).to_le_bytes());
		// The reserved bytes stay zero.
		bytes
	}

	/// Reads and checks the header that `bytes` start with, but not whether the rest is there.
	pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Extents), TensorBlockError> {
		let header: &[u8; BLOCK_HEADER_BYTES] = bytes.first_chunk().ok_or(Truncated {
			field: "TensorBlock header",
			offset: 0,
			needed: BLOCK_HEADER_BYTES as u64,
			limit: bytes.len() as u64,
		})?;
		check_magic(header, BLOCK_MAGIC, "TBLOCK01", "TensorBlock")?;
		let version = read_u32(header, 8);
		if version != BLOCK_VERSION {
			return Err(Unknown { field: "version", offset: 8, found: version.into(), known: "1" });
		}
		let code = read_u32(header, 12);
		let dtype = DType::from_code(code).ok_or(Unknown {
			field: "dtype",
			offset: 12,
			found: code.into(),
			known: "0 f32, 1 f16, 2 bf16, 3 int8, 4 fp8",
		})?;
		let rows = read_size(header, 16, "rows")?;
		let columns = read_size(header, 24, "columns")?;
		let expect_one = |field, offset, found: usize| match found {
			1 => Ok(()),
			_ => Err(Field { field, offset, found: found as u64, expected: 1 }),
		};
		let matrix = Shape::matrix_of(rows, columns);
		let (shape, layout) = match read_u32(header, 32) {
			0 => {
				expect_one("rows of a scalar", 16, rows)?;
				expect_one("columns of a scalar", 24, columns)?;
				(Shape { dims: [0; 2], rank: 0 }, Layout::Dense)
			}
			1 => {
				expect_one("rows of a vector", 16, rows)?;
				(Shape { dims: [columns, 0], rank: 1 }, Layout::Dense)
			}
			2 => (matrix, Layout::Dense),
			SPARSE_LAYOUT => {
				let stored = read_size(header, STORED_AT, "stored elements")?;
				Self::check_sparse(matrix, stored)?;
				(matrix, Layout::Sparse { stored })
			}
			layout => {
				return Err(Unknown {
					field: "layout",
					offset: 32,
					found: layout.into(),
					known: "0 scalar, 1 vector, 2 matrix, 3 sparse matrix",
				})
			}
		};
		let code = read_u32(header, 36);
		let quantization =
			Quantization::ALL.into_iter().find(|known| *known as u32 == code).ok_or(Unknown {
				field: "quantization",
				offset: 36,
				found: code.into(),
				known: "0 none, 1 per tensor, 2 per row",
			})?;
		if quantization != Quantization::None && !dtype.is_quantizable() {
			return Err(Field {
				field: "quantization of a type without scales",
				offset: 36,
				found: code.into(),
				expected: 0,
			});
		}
		let this = Self { dtype, shape, layout, quantization };
		let extents = this.extents().ok_or(Limit {
			field: "rows x columns",
			offset: 16,
			found: (rows as u64).saturating_mul(columns as u64),
			limit: MAX_LENGTH,
		})?;
		expect_u64(header, 40, "scale offset", extents.scales.0)?;
		expect_u64(header, 48, "data offset", extents.data.0)?;
		expect_u64(header, 56, "index offset", extents.indices.0)?;
		let reserved = match layout {
			Layout::Dense => STORED_AT,
			Layout::Sparse { .. } => STORED_AT + 8,
		};
		check_zero(header, reserved, BLOCK_HEADER_BYTES, "reserved part of the TensorBlock header")?;
		Ok((this, extents))
	}
}

pub(crate) fn check_magic(
	bytes: &[u8],
	magic: &[u8; 8],
	expected: &'static str,
	kind: &'static str,
) -> Result<(), TensorBlockError> {
	let found = &bytes[..8];
	if found == magic {
		return Ok(());
	}
	Err(Magic { kind, offset: 0, found: found.escape_ascii().to_string(), expected })
}

/// Reads four bytes; `at + 4` is within `bytes`.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
	u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Reads eight bytes; `at + 8` is within `bytes`.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
	u64::from(read_u32(bytes, at)) | u64::from(read_u32(bytes, at + 4)) << 32
}

/// Reads a dimension, which must be addressable.
fn read_size(bytes: &[u8], at: usize, field: &'static str) -> Result<usize, TensorBlockError> {
	let found = read_u64(bytes, at);
	match usize::try_from(found) {
		Ok(size) if found <= MAX_LENGTH => Ok(size),
		_ => Err(Limit { field, offset: at as u64, found, limit: MAX_LENGTH.min(usize::MAX as u64) }),
	}
}

/// Checks a field that can have one value only.
pub(crate) fn expect_u64(
	bytes: &[u8],
	at: usize,
	field: &'static str,
	expected: u64,
) -> Result<(), TensorBlockError> {
	match read_u64(bytes, at) {
		found if found == expected => Ok(()),
		found => Err(Field { field, offset: at as u64, found, expected }),
	}
}

/// Padding is compared against it, and written from it.
pub(crate) static ZEROS: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];

/// Checks that `bytes[start..end]` are zeros; the range is within `bytes`.
///
/// Comparing slices is an order of magnitude faster than looking at each byte, and this is most of what
/// opening a file costs; the bytes are looked at only to say which one is wrong.
pub(crate) fn check_zero(
	bytes: &[u8],
	start: usize,
	end: usize,
	field: &'static str,
) -> Result<(), TensorBlockError> {
	let padding = &bytes[start..end];
	if padding.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()]) {
		return Ok(());
	}
	let at = padding.iter().position(|byte| *byte != 0).unwrap_or_default();
	Err(Padding { field, offset: (start + at) as u64 })
}
