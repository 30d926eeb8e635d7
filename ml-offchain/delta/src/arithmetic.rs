//! The arithmetic of replay: f32, every operation and its order fixed by the README.
//!
//! Nothing here depends on how work is divided among threads: each element is computed by itself. Rust
//! never contracts a product and a sum into one rounding.

use crate::{
	delta::Difference,
	error::DeltaError::{self, NotFinite},
};
use blyan_tensorblock::{DType, Quantization, TensorView};
use rayon::prelude::*;

/// Elements that one task works on, in whole rows.
const ELEMENTS_PER_TASK: usize = 1 << 15;

/// Rows to give one task.
pub(crate) fn rows_per_task(columns: usize) -> usize {
	(ELEMENTS_PER_TASK / columns.max(1)).max(1)
}

/// One row of the product of two factors: `left` has an element, `right` a row, for each rank.
pub(crate) fn product_row(left: &[f32], right: &[f32], out: &mut [f32]) {
	for (rank, (scalar, row)) in left.iter().zip(right.chunks_exact(out.len())).enumerate() {
		if rank == 0 {
			out.iter_mut().zip(row).for_each(|(out, element)| *out = scalar * element);
		} else {
			out.iter_mut().zip(row).for_each(|(out, element)| *out += scalar * element);
		}
	}
}

/// Adds a difference to a tensor of that many columns; it was checked against that tensor.
pub(crate) fn add(values: &mut [f32], columns: usize, difference: &Difference<'_>) {
	if values.is_empty() {
		return;
	}
	let (low_rank, sparse) = match difference {
		Difference::Whole(dense) => {
			let dense = dense.to_f32_vec();
			return values.iter_mut().zip(&dense).for_each(|(value, element)| *value += element);
		}
		Difference::Stacked { low_rank, sparse } => (low_rank, sparse),
	};
	let (indices, elements) = match sparse {
		Some(sparse) => (sparse.indices().collect(), sparse.stored_to_f32_vec()),
		None => (Vec::new(), Vec::new()),
	};
	let Some([left, right]) = low_rank else {
		for (index, element) in indices.iter().zip(&elements) {
			values[*index as usize] += element;
		}
		return;
	};
	let (rank, left, right) = (left.matrix()[1], left.to_f32_vec(), right.to_f32_vec());
	let rows = rows_per_task(columns);
	values.par_chunks_mut(rows * columns).zip(left.par_chunks(rows * rank)).enumerate().for_each(
		|(task, (values, left))| {
			let mut sums = vec![0f32; columns];
			for (row, (values, left)) in values.chunks_mut(columns).zip(left.chunks(rank)).enumerate() {
				product_row(left, &right, &mut sums);
				let first = (task * rows + row) * columns;
				let start = indices.partition_point(|index| (*index as usize) < first);
				let end = indices.partition_point(|index| (*index as usize) < first + columns);
				for (index, element) in indices[start..end].iter().zip(&elements[start..end]) {
					sums[*index as usize - first] += element;
				}
				values.iter_mut().zip(&sums).for_each(|(value, sum)| *value += sum);
			}
		},
	);
}

/// Refuses numbers that no weight may be.
pub(crate) fn check_finite(tensor: &str, values: &[f32], what: &'static str) -> Result<(), DeltaError> {
	match values.iter().position(|value| !value.is_finite()) {
		Some(index) => Err(NotFinite { tensor: tensor.to_owned(), index, value: values[index], what }),
		None => Ok(()),
	}
}

/// How the elements of a tensor of the base are stored; a delta changes neither type nor scales.
pub(crate) struct Elements {
	dtype: DType,
	/// One for each row, one for all, or none.
	scales: Vec<f32>,
	/// Elements under one scale.
	per_scale: usize,
}

impl Elements {
	pub(crate) fn of(tensor: &TensorView<'_>) -> Self {
		let per_scale = match tensor.quantization() {
			Quantization::PerRow => tensor.matrix()[1],
			_ => tensor.elements(),
		};
		Self { dtype: tensor.dtype(), scales: tensor.scales(), per_scale: per_scale.max(1) }
	}

	/// What stored elements are worth.
	pub(crate) fn decode(&self, stored: &[u8]) -> Vec<f32> {
		let mut values = self.dtype.to_f32_vec(stored);
		for (values, scale) in values.chunks_mut(self.per_scale).zip(&self.scales) {
			values.iter_mut().for_each(|value| *value *= scale);
		}
		values
	}

	/// The stored elements of changed, finite values: `old` are what `stored` is worth. An element whose
	/// value did not change stays as it is stored.
	pub(crate) fn encode(&self, stored: &[u8], old: &[f32], new: &[f32]) -> Vec<u8> {
		if self.dtype == DType::F32 {
			// Such elements carry no scales, and are what they are worth.
			return bytemuck::cast_slice(new).to_vec();
		}
		let mut out = Vec::with_capacity(stored.len());
		let elements = stored.chunks_exact(self.dtype.bytes()).zip(old.iter().zip(new));
		for (index, (element, (old, new))) in elements.enumerate() {
			let unchanged = old.to_bits() == new.to_bits();
			let quotient = match self.scales.get(index / self.per_scale) {
				None => *new,
				Some(scale) if *scale == 0.0 => 0.0,
				// Quotients beyond the type saturate, infinite ones too.
				Some(scale) => new / scale,
			};
			// Every type has a place for what is not NaN, and neither a finite number nor its quotient by
			// what is not zero is.
			if unchanged || self.dtype.push_f32(quotient, &mut out).is_none() {
				out.extend_from_slice(element);
			}
		}
		out
	}
}
