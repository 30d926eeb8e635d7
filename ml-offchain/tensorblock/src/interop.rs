//! To and from safetensors.

use crate::{
	container::Container,
	dtype::DType,
	error::TensorBlockError::{self, ForeignDType, ScalesNotRepresentable, SparseNotRepresentable},
	header::{Layout, Quantization},
	tensor::{Tensor, TensorView},
};
use safetensors::{Dtype, SafeTensors, View};
use std::borrow::Cow;

/// The tensors of a safetensors file, bit for bit, ready for [`crate::write`]; their data points into `bytes`.
///
/// # Errors
/// A broken file, an element type that a TensorBlock does not have, more than two dimensions.
pub fn from_safetensors(bytes: &[u8]) -> Result<Vec<Tensor<'_>>, TensorBlockError> {
	SafeTensors::deserialize(bytes)?
		.tensors()
		.into_iter()
		.map(|(name, view)| {
			let dtype = match view.dtype() {
				Dtype::F32 => DType::F32,
				Dtype::F16 => DType::F16,
				Dtype::BF16 => DType::Bf16,
				Dtype::I8 => DType::Int8,
				Dtype::F8_E4M3 => DType::Fp8E4m3,
				other => return Err(ForeignDType { name, dtype: format!("{other:?}") }),
			};
			Tensor::new(name, dtype, view.shape(), view.data())
		})
		.collect()
}

/// The container as a safetensors file, bit for bit.
///
/// # Errors
/// A tensor with scales, or a sparse one, for which that format has no place.
pub fn to_safetensors<B: AsRef<[u8]>>(container: &Container<B>) -> Result<Vec<u8>, TensorBlockError> {
	for (name, tensor) in container.tensors() {
		if tensor.layout() != Layout::Dense {
			return Err(SparseNotRepresentable { name: name.to_owned() });
		}
		if tensor.quantization() != Quantization::None {
			return Err(ScalesNotRepresentable { name: name.to_owned() });
		}
	}
	Ok(safetensors::serialize(container.tensors(), None)?)
}

impl View for TensorView<'_> {
	fn dtype(&self) -> Dtype {
		match TensorView::dtype(self) {
			DType::F32 => Dtype::F32,
			DType::F16 => Dtype::F16,
			DType::Bf16 => Dtype::BF16,
			DType::Int8 => Dtype::I8,
			DType::Fp8E4m3 => Dtype::F8_E4M3,
		}
	}

	fn shape(&self) -> &[usize] {
		TensorView::shape(self)
	}

	fn data(&self) -> Cow<'_, [u8]> {
		self.bytes().into()
	}

	fn data_len(&self) -> usize {
		self.bytes().len()
	}
}
