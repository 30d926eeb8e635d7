//! Writing a container whose data is made while it is written, so that it is never whole in memory.

use crate::{
	dtype::DType,
	encode::{pad, Plan},
	error::TensorBlockError::{self, DataLength, Io, Rank},
	header::{Header, Layout, Quantization, Shape, BLOCK_HEADER_BYTES},
	tensor::Tensor,
};
use std::{
	borrow::Cow,
	io::{self, Write},
};

/// A tensor of which all is known but its data. Without scales.
#[derive(Clone, PartialEq, Debug)]
pub struct Outline<'a>(Tensor<'a>);

impl<'a> Outline<'a> {
	/// A tensor of at most two dimensions.
	///
	/// # Errors
	/// [`TensorBlockError::Rank`], and [`TensorBlockError::DataLength`] for what no file could hold.
	pub fn new(
		name: impl Into<Cow<'a, str>>,
		dtype: DType,
		shape: &[usize],
	) -> Result<Self, TensorBlockError> {
		let name = name.into();
		let Some(checked) = Shape::new(shape) else {
			return Err(Rank { name: name.into_owned(), shape: shape.to_vec() });
		};
		let (layout, quantization) = (Layout::Dense, Quantization::None);
		let header = Header { dtype, shape: checked, layout, quantization };
		match header.extents() {
			Some(extents) => {
				let (data, scales, indices) = (Cow::default(), Vec::new(), Cow::default());
				Ok(Self(Tensor { name, header, extents, data, scales, indices }))
			}
			None => {
				let (name, shape) = (name.into_owned(), shape.to_vec());
				Err(DataLength { name, shape, dtype, expected: None, found: 0 })
			}
		}
	}

	/// The name.
	pub fn name(&self) -> &str {
		self.0.name()
	}
}

/// Counts what passes, and lets no more pass than there is room for.
struct Counted<'w, W> {
	out: &'w mut W,
	left: u64,
}

impl<W: Write> Write for Counted<'_, W> {
	fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
		if bytes.len() as u64 > self.left {
			return Err(io::Error::new(io::ErrorKind::InvalidData, "more data than the tensor's shape has"));
		}
		let written = self.out.write(bytes)?;
		self.left -= written as u64;
		Ok(written)
	}

	fn flush(&mut self) -> io::Result<()> {
		self.out.flush()
	}
}

/// The length in bytes of the container that [`encode_with`] would write.
///
/// # Errors
/// As there.
pub fn encoded_bytes(outlines: &[Outline<'_>]) -> Result<u64, TensorBlockError> {
	let tensors: Vec<Tensor<'_>> = outlines.iter().map(|outline| outline.0.clone()).collect();
	Plan::new(&tensors).map(|plan| plan.total)
}

/// Writes the container that [`encode`](crate::encode()) would make, tensor by tensor in the order of their
/// names. `data` is given each name and writes the tensor's bytes, little-endian, row by row: as many as its
/// shape has.
///
/// # Errors
/// A name that is empty, too long or given twice; too many tensors; [`TensorBlockError::Io`], also for too
/// little or too much data.
pub fn encode_with(
	outlines: &[Outline<'_>],
	out: &mut impl Write,
	mut data: impl FnMut(&str, &mut dyn Write) -> io::Result<()>,
) -> Result<u64, TensorBlockError> {
	let tensors: Vec<Tensor<'_>> = outlines.iter().map(|outline| outline.0.clone()).collect();
	let plan = Plan::new(&tensors)?;
	let mut write = || {
		out.write_all(&plan.head)?;
		let mut at = plan.head.len() as u64;
		for (start, tensor) in &plan.blocks {
			let extents = &tensor.extents;
			pad(out, start - at)?;
			out.write_all(&tensor.header.encode(extents))?;
			pad(out, extents.data.0 - BLOCK_HEADER_BYTES as u64)?;
			let mut counted = Counted { out, left: extents.data.1 };
			data(tensor.name(), &mut counted)?;
			if counted.left > 0 {
				return Err(io::Error::new(
					io::ErrorKind::UnexpectedEof,
					"less data than the tensor's shape has",
				));
			}
			at = start + extents.length;
		}
		Ok(())
	};
	write().map_err(|source| Io { action: "write to", path: "a stream".into(), source })?;
	Ok(plan.total)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::encode;

	#[test]
	fn encode_with_should_write_what_encode_makes_and_refuse_other_lengths() {
		let names = ["w3", "embedding", "a.b"];
		let shapes: [&[usize]; 3] = [&[3, 5], &[2, 1000], &[1, 7]];
		let bytes = |name: &str, shape: &[usize]| -> Vec<u8> {
			(0..2 * shape.iter().product::<usize>()).map(|i| (i * 31 + name.len()) as u8).collect()
		};
		let tensors: Vec<Tensor<'_>> = names
			.iter()
			.zip(shapes)
			.map(|(name, shape)| Tensor::new(*name, DType::Bf16, shape, bytes(name, shape)).unwrap())
			.collect();
		let outlines: Vec<Outline<'_>> =
			names.iter().zip(shapes).map(|(n, s)| Outline::new(*n, DType::Bf16, s).unwrap()).collect();
		let expected = encode(&tensors).unwrap();
		let run = |change: isize| {
			let mut out = Vec::new();
			let written = encode_with(&outlines, &mut out, |name, out| {
				let shape = shapes[names.iter().position(|other| *other == name).unwrap()];
				let mut data = bytes(name, shape);
				data.resize(data.len().saturating_add_signed(change), 0);
				data.chunks(100).try_for_each(|chunk| out.write_all(chunk))
			});
			written.map(|written| (written, out))
		};
		assert_eq!(run(0).unwrap(), (expected.len() as u64, expected.clone()));
		assert_eq!(encoded_bytes(&outlines).unwrap(), expected.len() as u64);
		assert!(run(-1).unwrap_err().to_string().contains("less data"));
		assert!(run(1).unwrap_err().to_string().contains("more data"));
	}
}
