//! What can be wrong with a TensorBlock.

use crate::dtype::DType;
use std::path::PathBuf;

/// Why weights could not be read or written. Offsets count from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorBlockError {
	/// The file system refused.
	#[error("cannot {action} {path}: {source}")]
	Io {
		/// What was attempted.
		action: &'static str,
		/// On which file.
		path: PathBuf,
		/// What the system said.
		source: std::io::Error,
	},
	/// The file ends too early: it is torn, or a field promises more than there is.
	#[error("{field} at offset {offset} needs {needed} bytes, but the file ends at {limit}: it is torn or not whole")]
	Truncated {
		/// What does not fit.
		field: &'static str,
		/// Where it starts.
		offset: u64,
		/// Its length.
		needed: u64,
		/// Where the bytes end.
		limit: u64,
	},
	/// Not a file of this kind.
	#[error("the magic at offset {offset} is {found:?}, not {expected:?}: this is not a {kind}")]
	Magic {
		/// What was expected there.
		kind: &'static str,
		/// Where.
		offset: u64,
		/// What is there.
		found: String,
		/// What should be.
		expected: &'static str,
	},
	/// A number that this version does not know.
	#[error("{field} at offset {offset} is {found}, and this version knows {known}")]
	Unknown {
		/// The header field.
		field: &'static str,
		/// Where it is.
		offset: u64,
		/// What it holds.
		found: u64,
		/// What it may hold.
		known: &'static str,
	},
	/// A field with one possible value holds another.
	#[error("{field} at offset {offset} is {found}, and must be {expected}")]
	Field {
		/// The header or table field.
		field: &'static str,
		/// Where it is.
		offset: u64,
		/// What it holds.
		found: u64,
		/// The only value it can have.
		expected: u64,
	},
	/// A field is above its bound, or makes a length that no file can have.
	#[error("{field} at offset {offset} is {found}, above the limit of {limit}")]
	Limit {
		/// The header or table field.
		field: &'static str,
		/// Where it is.
		offset: u64,
		/// What it holds.
		found: u64,
		/// The most it may hold.
		limit: u64,
	},
	/// Padding that is not zero could hide bytes, and give the same weights a second CID.
	#[error("{field} at offset {offset} must be zero")]
	Padding {
		/// Which padding.
		field: &'static str,
		/// The first byte that is not zero.
		offset: u64,
	},
	/// Indices of a sparse matrix must rise strictly and stay within it.
	#[error(
		"index {position} of the sparse matrix, at offset {offset}, is {found}, and must be in {expected:?}"
	)]
	Index {
		/// Which index, from 0.
		position: usize,
		/// Where it is; 0 if it was not read from a file.
		offset: u64,
		/// What it is.
		found: u32,
		/// Above the index before it, and below rows x columns.
		expected: std::ops::Range<u64>,
	},
	/// A sparse matrix that stores a zero would be a second encoding of the same matrix.
	#[error("element {position} of the sparse matrix, at offset {offset}, is zero: only others are stored")]
	StoredZero {
		/// Which stored element, from 0.
		position: usize,
		/// Where it is; 0 if it was not read from a file.
		offset: u64,
	},
	/// A name in the table is not UTF-8.
	#[error("the name at offset {offset} is not UTF-8: {source}")]
	NameNotUtf8 {
		/// Where the name starts.
		offset: u64,
		/// Where it breaks.
		source: std::str::Utf8Error,
	},
	/// Names in the table must rise strictly.
	#[error(
		"tensor {second:?} does not come after {first:?}: names must be sorted by their bytes, and distinct"
	)]
	NameOrder {
		/// The earlier name.
		first: String,
		/// The one that should be greater.
		second: String,
	},
	/// A name that cannot be written.
	#[error("the tensor name {name:?} has {bytes} bytes; 1 to {limit} are allowed")]
	NameLength {
		/// The name.
		name: String,
		/// Its length in UTF-8.
		bytes: usize,
		/// The most it may have.
		limit: usize,
	},
	/// More tensors than a container holds.
	#[error("{count} tensors are too many for a container; the limit is {limit}")]
	TooManyTensors {
		/// How many were given.
		count: usize,
		/// The most allowed.
		limit: usize,
	},
	/// A tensor of more than two dimensions.
	#[error("tensor {name:?} has shape {shape:?}; a TensorBlock has at most two dimensions: reshape it, or split it")]
	Rank {
		/// The tensor.
		name: String,
		/// Its shape.
		shape: Vec<usize>,
	},
	/// Data that does not fill the shape.
	#[error("tensor {name:?} of shape {shape:?} and type {dtype} needs {expected:?} bytes of data, but has {found}")]
	DataLength {
		/// The tensor.
		name: String,
		/// Its shape.
		shape: Vec<usize>,
		/// Its element type.
		dtype: DType,
		/// The bytes it needs; `None` if no file can hold as many.
		expected: Option<u64>,
		/// The bytes it has.
		found: usize,
	},
	/// Indices that are not one for each stored element.
	#[error("sparse tensor {name:?} stores {expected} elements, but has {found} indices")]
	IndexCount {
		/// The tensor.
		name: String,
		/// Stored elements.
		expected: usize,
		/// Indices given.
		found: usize,
	},
	/// A number that the element type has no place for.
	#[error("element {index} of tensor {name:?} is {value}, for which {dtype} with that quantization has no place")]
	NotRepresentable {
		/// The tensor.
		name: String,
		/// Which of the given numbers, from 0.
		index: usize,
		/// The number: NaN, or an infinity where there are scales.
		value: f32,
		/// The element type.
		dtype: DType,
	},
	/// Scales that do not fit the tensor.
	#[error("tensor {name:?} needs {expected} scales for its quantization, but has {found}")]
	ScaleCount {
		/// The tensor.
		name: String,
		/// Scales needed: one, or one a row.
		expected: usize,
		/// Scales given.
		found: usize,
	},
	/// Scales on a type that has none.
	#[error("elements of type {dtype} carry no scales; only int8 and fp8 do")]
	NotQuantizable {
		/// The element type.
		dtype: DType,
	},
	/// A view as f32 was asked of other elements.
	#[error("elements are {dtype}, not f32: convert them with `to_f32_vec`")]
	NotF32 {
		/// What they are.
		dtype: DType,
	},
	/// A view of all elements was asked of a sparse matrix.
	#[error("the matrix is sparse: convert it with `to_f32_vec`, or read its stored elements and indices")]
	NotDense,
	/// A view as f32 was asked of bytes that do not start on a multiple of four.
	#[error("the data is at address {address:#x}, which is no multiple of 4: map the file, or convert with `to_f32_vec`")]
	Misaligned {
		/// Where the data is in memory.
		address: usize,
	},
	/// Not a safetensors file, or a broken one.
	#[error("not a valid safetensors file: {source}")]
	Safetensors {
		/// What the `safetensors` crate said.
		#[from]
		source: safetensors::SafeTensorError,
	},
	/// A safetensors element type that a TensorBlock does not have.
	#[error("tensor {name:?} has the type {dtype}; a TensorBlock holds F32, F16, BF16, I8 and F8_E4M3")]
	ForeignDType {
		/// The tensor.
		name: String,
		/// Its type, as safetensors names it.
		dtype: String,
	},
	/// The other format has no place for a sparse matrix.
	#[error("tensor {name:?} is sparse, which safetensors cannot be: convert it with `to_f32_vec` first")]
	SparseNotRepresentable {
		/// The tensor.
		name: String,
	},
	/// The other format has no place for scales.
	#[error("tensor {name:?} carries scales, which safetensors cannot: convert it with `to_f32_vec` first")]
	ScalesNotRepresentable {
		/// The tensor.
		name: String,
	},
}

impl TensorBlockError {
	/// Whether the same call may succeed later: only a refusal of the file system can pass.
	pub fn is_retryable(&self) -> bool {
		matches!(self, Self::Io { source, .. } if !matches!(source.kind(), std::io::ErrorKind::NotFound))
	}

	/// The error with its offset moved by `base`: a block knows only where it is within itself.
	pub(crate) fn shifted(mut self, base: u64) -> Self {
		match &mut self {
			Self::Truncated { offset, limit, .. } => {
				*offset = offset.saturating_add(base);
				*limit = limit.saturating_add(base);
			}
			Self::Magic { offset, .. }
			| Self::Unknown { offset, .. }
			| Self::Field { offset, .. }
			| Self::Limit { offset, .. }
			| Self::Index { offset, .. }
			| Self::StoredZero { offset, .. }
			| Self::Padding { offset, .. } => *offset = offset.saturating_add(base),
			_ => {}
		}
		self
	}
}
