//! Components as TensorBlock containers, and back.

use crate::{layout::TensorSpec, ModelError};
use blyan_primitives::dag::Component;
use blyan_tensorblock::{Container, DType, Quantization, Tensor, TensorBlockError};
use half::{bf16, f16};
use std::path::Path;

fn malformed(component: Component, tensor: Option<&str>, why: impl Into<String>) -> ModelError {
	ModelError::Malformed { component, tensor: tensor.map(str::to_owned), why: why.into() }
}

/// A component's numbers in the order of its tensors, and in which format each tensor came.
#[derive(Debug)]
pub(crate) struct Content {
	pub numbers: Vec<f32>,
	pub dtypes: Vec<DType>,
}

/// The one encoding of a component's numbers, each tensor in its format; halves are rounded to nearest,
/// ties to even, so that what came from halves goes back to the same bits.
pub(crate) fn encode(
	component: Component,
	specs: &[TensorSpec],
	dtypes: &[DType],
	buffer: &[f32],
) -> Result<Vec<u8>, ModelError> {
	let refuse = |error: TensorBlockError| malformed(component, None, error.to_string());
	let mut rest = buffer;
	let mut tensors = Vec::with_capacity(specs.len());
	for (spec, dtype) in specs.iter().zip(dtypes) {
		let (data, after) = rest.split_at(spec.len());
		rest = after;
		check_finite(component, spec, data)?;
		let halves: Vec<u8> = match dtype {
			DType::F16 => data.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect(),
			DType::Bf16 => data.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect(),
			_ => {
				tensors.push(Tensor::from_f32(spec.name.as_str(), &spec.shape, data).map_err(refuse)?);
				continue;
			}
		};
		let tensor = Tensor::new(spec.name.as_str(), *dtype, &spec.shape, halves).map_err(refuse)?;
		if let Some(at) = data.iter().position(|x| x.abs() >= largest(*dtype)) {
			let why = format!("holds {} at index {at}, which is beyond what {dtype} can hold", data[at]);
			return Err(malformed(component, Some(&spec.name), why));
		}
		tensors.push(tensor);
	}
	blyan_tensorblock::encode(&tensors).map_err(refuse)
}

/// The least magnitude that rounds to infinity.
fn largest(dtype: DType) -> f32 {
	match dtype {
		DType::F16 => 65_520.0,
		// Halfway between the largest bf16 and the next power of two.
		DType::Bf16 => f32::from_bits(0x7f7f_8000),
		_ => f32::INFINITY,
	}
}

/// The numbers of a component from bytes, in the order of its tensors.
pub(crate) fn decode(
	bytes: &[u8],
	component: Component,
	specs: &[TensorSpec],
) -> Result<Content, ModelError> {
	let container = Container::parse(bytes).map_err(|error| malformed(component, None, error.to_string()))?;
	read(&container, component, specs)
}

/// The numbers of a component from a file, which is mapped.
pub(crate) fn read_file(
	path: &Path,
	component: Component,
	specs: &[TensorSpec],
) -> Result<Content, ModelError> {
	let container = Container::open(path).map_err(|error| match error {
		TensorBlockError::Io { source, .. } => ModelError::io(path, source),
		error => malformed(component, None, format!("{}: {error}", path.display())),
	})?;
	read(&container, component, specs)
}

fn read<B: AsRef<[u8]>>(
	container: &Container<B>,
	component: Component,
	specs: &[TensorSpec],
) -> Result<Content, ModelError> {
	if let Some(unknown) = container.names().find(|name| specs.iter().all(|spec| spec.name != *name)) {
		return Err(malformed(component, Some(unknown), "is not a tensor of this component"));
	}
	let mut buffer = Vec::with_capacity(specs.iter().map(TensorSpec::len).sum());
	let mut dtypes = Vec::with_capacity(specs.len());
	for spec in specs {
		let refuse = |why: String| malformed(component, Some(&spec.name), why);
		let view = container.tensor(&spec.name).ok_or_else(|| refuse("is missing".into()))?;
		if view.shape() != spec.shape {
			return Err(refuse(format!(
				"has shape {:?}; the architecture asks for {:?}",
				view.shape(),
				spec.shape
			)));
		}
		let start = buffer.len();
		match (view.dtype(), view.quantization()) {
			(DType::F32, Quantization::None) => match view.as_f32() {
				Ok(numbers) => buffer.extend_from_slice(numbers),
				// Bytes that came over the wire need not be aligned.
				Err(_) => buffer.extend(view.to_f32_vec()),
			},
			(DType::F16 | DType::Bf16, Quantization::None) => buffer.extend(view.to_f32_vec()),
			(dtype, quantization) => {
				return Err(refuse(format!(
					"is {dtype} with quantization {quantization:?}; whole weights are f32, f16 or bf16 without"
				)))
			}
		}
		check_finite(component, spec, &buffer[start..])?;
		dtypes.push(view.dtype());
	}
	Ok(Content { numbers: buffer, dtypes })
}

fn check_finite(component: Component, spec: &TensorSpec, numbers: &[f32]) -> Result<(), ModelError> {
	match numbers.iter().position(|x| !x.is_finite()) {
		Some(at) => {
			let why = format!("holds {} at index {at}; every weight must be finite", numbers[at]);
			Err(malformed(component, Some(&spec.name), why))
		}
		None => Ok(()),
	}
}
