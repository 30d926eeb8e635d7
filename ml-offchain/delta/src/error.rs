//! What can be wrong with a delta.

use crate::delta::{Part, MAX_RANK};
use blyan_tensorblock::TensorBlockError;

/// Why a delta could not be read, made or replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
	/// The container is not as its format says, or a part cannot be written.
	#[error(transparent)]
	TensorBlock(#[from] TensorBlockError),
	/// A name in a delta that is not a tensor's name, `/`, and a part.
	#[error("{name:?} in the delta is no part of a tensor: names end in /dense, /left, /right or /sparse")]
	UnknownPart {
		/// The name.
		name: String,
	},
	/// Parts that do not go together.
	#[error("the delta of tensor {tensor:?} {why}")]
	Combination {
		/// The tensor.
		tensor: String,
		/// What is wrong.
		why: &'static str,
	},
	/// A part of another shape or layout than its tensor asks for.
	#[error("the {part} part of tensor {tensor:?} is {found}, and must be {expected}")]
	PartShape {
		/// The tensor.
		tensor: String,
		/// The part.
		part: Part,
		/// Its layout and shape.
		found: String,
		/// What they must be.
		expected: String,
	},
	/// A low-rank part that is wider than any use has.
	#[error("the low-rank part of tensor {tensor:?} has rank {rank}; 1 to {MAX_RANK} are allowed")]
	Rank {
		/// The tensor.
		tensor: String,
		/// Columns of the left factor.
		rank: usize,
	},
	/// A delta for a tensor that the base does not have.
	#[error("the base has no tensor {tensor:?}")]
	NotInBase {
		/// The tensor.
		tensor: String,
	},
	/// Two sets of weights between which there is no delta.
	#[error("tensor {tensor:?} is {base} in the base and {new} in the new weights: a delta needs the same")]
	Mismatch {
		/// The tensor.
		tensor: String,
		/// Type, quantization and shape in the base, or that it is absent.
		base: String,
		/// The same of the new weights.
		new: String,
	},
	/// Sparse weights have no deltas.
	#[error("tensor {tensor:?} of the base is sparse: a delta is against dense weights")]
	SparseBase {
		/// The tensor.
		tensor: String,
	},
	/// A number that no weight may be.
	#[error("element {index} of tensor {tensor:?} is {value}: {what} must be finite")]
	NotFinite {
		/// The tensor.
		tensor: String,
		/// Which element, from 0, row by row.
		index: usize,
		/// What it is.
		value: f32,
		/// A difference, or a result of replay.
		what: &'static str,
	},
	/// Options outside their range.
	#[error("{name} is {found}, above the limit of {limit}")]
	Option {
		/// Which option.
		name: &'static str,
		/// What it is.
		found: usize,
		/// The most it may be.
		limit: usize,
	},
	/// What replay makes could not be written.
	#[error("cannot write the replayed weights: {source}")]
	Write {
		/// What the writer said.
		source: std::io::Error,
	},
}

impl DeltaError {
	/// Whether the same call may succeed later: only a refusal of the file system can pass.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::TensorBlock(error) => error.is_retryable(),
			Self::Write { .. } => true,
			_ => false,
		}
	}
}
