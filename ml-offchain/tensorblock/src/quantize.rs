//! Numbers into the elements of any type, with scales where the type has them.

use crate::{
	dtype::DType,
	error::TensorBlockError::{self, DataLength, IndexCount, NotQuantizable, NotRepresentable},
	header::{Quantization, Shape},
	tensor::Tensor,
};
use std::borrow::Cow;

/// Elements and scales of numbers.
struct Quantized {
	data: Vec<u8>,
	scales: Vec<f32>,
}

/// Turns numbers into elements; `scale_of` says which scale each number has.
///
/// A scale is the largest magnitude under it divided by the largest finite element, in f32; an element is
/// the nearest to the number divided by its scale, of two the even one. Where the scale is zero, so is the
/// element.
fn quantize(
	name: &str,
	dtype: DType,
	scales: usize,
	values: &[f32],
	scale_of: impl Iterator<Item = usize> + Clone,
) -> Result<Quantized, TensorBlockError> {
	let refuse = |index, value| NotRepresentable { name: name.to_owned(), index, value, dtype };
	let mut data = Vec::with_capacity(values.len() * dtype.bytes());
	if scales == 0 {
		for (index, value) in values.iter().enumerate() {
			dtype.push_f32(*value, &mut data).ok_or_else(|| refuse(index, *value))?;
		}
		return Ok(Quantized { data, scales: Vec::new() });
	}
	let mut scales = vec![0f32; scales];
	if let Some(index) = values.iter().position(|value| !value.is_finite()) {
		return Err(refuse(index, values[index]));
	}
	for (value, scale) in values.iter().zip(scale_of.clone()) {
		scales[scale] = scales[scale].max(value.abs());
	}
	scales.iter_mut().for_each(|largest| *largest /= dtype.max());
	for (index, (value, scale)) in values.iter().zip(scale_of).enumerate() {
		let scale = scales[scale];
		// A subnormal scale is coarse: the quotient may lie far above the largest element.
		let quotient = if scale > 0.0 { (value / scale).clamp(-dtype.max(), dtype.max()) } else { 0.0 };
		dtype.push_f32(quotient, &mut data).ok_or_else(|| refuse(index, *value))?;
	}
	Ok(Quantized { data, scales })
}

fn check_quantizable(dtype: DType, quantization: Quantization) -> Result<(), TensorBlockError> {
	if quantization != Quantization::None && !dtype.is_quantizable() {
		return Err(NotQuantizable { dtype });
	}
	Ok(())
}

/// How many neighbouring elements share a scale; at least 1.
fn per_scale(shape: Shape, quantization: Quantization) -> usize {
	match quantization {
		Quantization::PerRow => shape.matrix()[1].max(1),
		_ => shape.elements().unwrap_or(usize::MAX).max(1),
	}
}

impl<'a> Tensor<'a> {
	/// A tensor of the elements nearest to `values`, row by row, of two the even one.
	///
	/// Numbers beyond the largest finite element saturate. f32, f16, bf16 and fp8 carry NaN, the first three
	/// infinities too. With scales all numbers must be finite; a scale is the largest magnitude of the
	/// tensor or row, divided by the largest finite element.
	///
	/// # Errors
	/// [`TensorBlockError::NotRepresentable`], [`TensorBlockError::NotQuantizable`],
	/// [`TensorBlockError::Rank`], [`TensorBlockError::DataLength`].
	pub fn quantized(
		name: impl Into<Cow<'a, str>>,
		dtype: DType,
		quantization: Quantization,
		dims: &[usize],
		values: &[f32],
	) -> Result<Self, TensorBlockError> {
		let name = name.into();
		check_quantizable(dtype, quantization)?;
		// A shape that the numbers do not fill is refused below, by the constructor.
		let shape = Shape::new(dims).filter(|shape| shape.elements() == Some(values.len()));
		let Some(shape) = shape else {
			return Tensor::new(name, dtype, dims, vec![0; values.len() * dtype.bytes()]);
		};
		let per_scale = per_scale(shape, quantization);
		let scale_of = (0..values.len()).step_by(per_scale).enumerate();
		let scale_of = scale_of.flat_map(|(scale, _)| std::iter::repeat_n(scale, per_scale));
		let Quantized { data, scales } =
			quantize(&name, dtype, quantization.scales(shape), values, scale_of)?;
		Tensor::new(name, dtype, dims, data)?.with_scales(quantization, scales)
	}

	/// A sparse matrix of the elements nearest to `values`, which are at `indices`. As [`Self::quantized`];
	/// elements that become zero are left out.
	///
	/// # Errors
	/// Those of [`Self::quantized`] and [`Self::sparse`].
	pub fn sparse_quantized(
		name: impl Into<Cow<'a, str>>,
		dtype: DType,
		quantization: Quantization,
		[rows, columns]: [usize; 2],
		indices: &[u32],
		values: &[f32],
	) -> Result<Self, TensorBlockError> {
		let name = name.into();
		check_quantizable(dtype, quantization)?;
		if indices.len() != values.len() {
			return Err(IndexCount { name: name.into_owned(), expected: values.len(), found: indices.len() });
		}
		let shape = Shape::matrix_of(rows, columns);
		let elements = shape.elements().ok_or_else(|| DataLength {
			name: name.clone().into_owned(),
			shape: vec![rows, columns],
			dtype,
			expected: None,
			found: values.len() * dtype.bytes(),
		})?;
		// Before a row is derived from an index.
		if let Some(position) = indices.iter().position(|index| *index as usize >= elements) {
			return Err(TensorBlockError::Index {
				position,
				offset: 0,
				found: indices[position],
				expected: 0..elements as u64,
			});
		}
		let per_scale = per_scale(shape, quantization);
		let scale_of = indices.iter().map(|index| *index as usize / per_scale);
		let Quantized { data: elements, scales } =
			quantize(&name, dtype, quantization.scales(shape), values, scale_of)?;
		let (mut kept, mut data) = (Vec::with_capacity(indices.len()), Vec::with_capacity(elements.len()));
		for (element, index) in elements.chunks_exact(dtype.bytes()).zip(indices) {
			if element.iter().any(|byte| *byte != 0) {
				data.extend_from_slice(element);
				kept.push(*index);
			}
		}
		Tensor::sparse(name, dtype, [rows, columns], kept, data)?.with_scales(quantization, scales)
	}
}
