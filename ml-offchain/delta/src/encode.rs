//! Making a delta, and saying what it lost.

use crate::{
	arithmetic::{add, check_finite, product_row, Elements},
	delta::{Delta, Difference, Part},
	error::DeltaError::{self, Mismatch, SparseBase},
	low_rank::{basis, right_factor},
	options::DeltaOptions,
	top_k::largest,
};
use blyan_tensorblock::{
	encode_block, parse_block, Container, DType, Layout, Quantization, Tensor, TensorView, PAGE_BYTES,
};

/// A delta, and what is known of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Encoded {
	/// The container.
	pub bytes: Vec<u8>,
	/// One report for each tensor that changed, sorted by name.
	pub tensors: Vec<TensorReport>,
}

/// What became of one tensor's difference.
#[derive(Clone, PartialEq, Debug)]
pub struct TensorReport {
	/// The tensor.
	pub name: String,
	/// What it is stored as.
	pub parts: Vec<Part>,
	/// Bytes of those parts, headers and padding included.
	pub bytes: u64,
	/// Euclidean norm of the difference.
	pub difference: f64,
	/// Euclidean norm of what replay does not bring back.
	pub lost: f64,
}

impl TensorReport {
	/// The lost part of the difference, 0 to about 1.
	pub fn relative_loss(&self) -> f64 {
		self.lost / self.difference
	}
}

impl Encoded {
	/// The lost part of the difference of all tensors together; 0 if nothing changed.
	pub fn relative_loss(&self) -> f64 {
		let norm = |of: fn(&TensorReport) -> f64| {
			self.tensors.iter().map(|tensor| of(tensor).powi(2)).sum::<f64>().sqrt()
		};
		match norm(|tensor| tensor.difference) {
			0.0 => 0.0,
			difference => norm(|tensor| tensor.lost) / difference,
		}
	}
}

/// A part of one tensor's difference, as it will be read.
struct Stored {
	part: Part,
	tensor: Tensor<'static>,
	block: Vec<u8>,
}

impl Stored {
	fn new(part: Part, tensor: Tensor<'static>) -> Self {
		let block = encode_block(&tensor);
		Self { part, tensor, block }
	}

	fn view(&self) -> Result<TensorView<'_>, DeltaError> {
		Ok(parse_block(&self.block)?)
	}
}

impl Delta<Vec<u8>> {
	/// The difference from `base` to `new`, one tensor in memory at a time. Tensors that did not change are
	/// left out.
	///
	/// # Errors
	/// [`DeltaError::Mismatch`] unless both hold dense tensors of the same names, shapes, types and
	/// quantizations; [`DeltaError::NotFinite`]; [`DeltaError::Option`].
	pub fn encode<A: AsRef<[u8]>, B: AsRef<[u8]>>(
		base: &Container<A>,
		new: &Container<B>,
		options: &DeltaOptions,
	) -> Result<Encoded, DeltaError> {
		options.validate()?;
		if let Some((name, view)) = new.tensors().find(|(name, _)| base.tensor(name).is_none()) {
			let (base, new) = ("absent".to_owned(), kind(&view));
			return Err(Mismatch { tensor: name.to_owned(), base, new });
		}
		let (mut parts, mut tensors) = (Vec::new(), Vec::new());
		for (name, old) in base.tensors() {
			let new = new.tensor(name);
			let (kind_of_old, kind_of_new) = (kind(&old), new.as_ref().map_or("absent".to_owned(), kind));
			let Some(new) = new.filter(|_| kind_of_old == kind_of_new) else {
				return Err(Mismatch { tensor: name.to_owned(), base: kind_of_old, new: kind_of_new });
			};
			if old.layout() != Layout::Dense || new.layout() != Layout::Dense {
				return Err(SparseBase { tensor: name.to_owned() });
			}
			if let Some((stored, report)) = encode_tensor(name, &old, &new, options)? {
				parts.extend(stored.into_iter().map(|stored| stored.tensor));
				tensors.push(report);
			}
		}
		Ok(Encoded { bytes: blyan_tensorblock::encode(&parts)?, tensors })
	}
}

/// Type, quantization and shape, in words.
fn kind(view: &TensorView<'_>) -> String {
	let quantization = match view.quantization() {
		Quantization::None => "",
		Quantization::PerTensor => " with a scale",
		Quantization::PerRow => " with a scale for each row",
	};
	format!("{}{quantization} {:?}", view.dtype(), view.shape())
}

/// The parts of one tensor's difference and what they lose; `None` if there is no difference.
fn encode_tensor(
	name: &str,
	old: &TensorView<'_>,
	new: &TensorView<'_>,
	options: &DeltaOptions,
) -> Result<Option<(Vec<Stored>, TensorReport)>, DeltaError> {
	let (mut values, target) = (old.to_f32_vec(), new.to_f32_vec());
	let difference: Vec<f32> = target.iter().zip(&values).map(|(new, old)| new - old).collect();
	check_finite(name, &difference, "a difference")?;
	if difference.iter().all(|value| *value == 0.0) {
		return Ok(None);
	}
	let stored = parts(name, old, &difference, options)?;

	let replayed = Difference::new(name, |part| {
		stored.iter().find(|stored| stored.part == part).and_then(|stored| stored.view().ok())
	})?;
	if let Some(replayed) = replayed {
		let before = values.clone();
		add(&mut values, old.matrix()[1], &replayed);
		check_finite(name, &values, "a replayed weight")?;
		let elements = Elements::of(old);
		values = elements.decode(&elements.encode(old.bytes(), &before, &values));
	}
	let report = TensorReport {
		name: name.to_owned(),
		parts: stored.iter().map(|stored| stored.part).collect(),
		bytes: stored.iter().map(|stored| stored.block.len() as u64).sum(),
		difference: norm(difference.iter().copied().map(f64::from)),
		lost: norm(target.iter().zip(&values).map(|(new, old)| f64::from(*new) - f64::from(*old))),
	};
	Ok(Some((stored, report)))
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
	values.fold(0.0, |sum, value| sum + value * value).sqrt()
}

/// The parts that stand for a difference, each made from what those before it leave.
fn parts(
	name: &str,
	shape: &TensorView<'_>,
	difference: &[f32],
	options: &DeltaOptions,
) -> Result<Vec<Stored>, DeltaError> {
	let [rows, columns] = shape.matrix();
	let (dtype, quantization) = match options.int8 {
		true => (DType::Int8, Quantization::PerRow),
		false => (DType::F32, Quantization::None),
	};
	let quantized = |part: Part, shape: &[usize], values: &[f32]| -> Result<Stored, DeltaError> {
		Ok(Stored::new(part, Tensor::quantized(part.name_of(name), dtype, quantization, shape, values)?))
	};
	if difference.len() <= options.whole_elements {
		let (part, values) = (Part::Dense, difference);
		let whole =
			Tensor::quantized(part.name_of(name), DType::F32, Quantization::None, shape.shape(), values)?;
		return Ok(vec![Stored::new(part, whole)]);
	}
	// Of a vector, either factor would be as long as the vector.
	let rank = if rows.min(columns) < 2 { 0 } else { options.rank.min(rows).min(columns) };
	let kept = options.kept(difference.len());
	let is_stack = rank > 0 && kept > 0;
	if (rank == 0 && kept == 0) || (is_stack && !stack_is_shorter(rows, columns, rank, kept, options.int8)) {
		return Ok(vec![quantized(Part::Dense, shape.shape(), difference)?]);
	}

	let mut stored = Vec::new();
	let mut rest = difference.to_vec();
	let (left, rank) =
		if rank > 0 { basis(difference, columns, rank, options.seed) } else { (Vec::new(), 0) };
	if rank > 0 {
		let left = quantized(Part::Left, &[rows, rank], &left)?;
		// From here on with the factors that will be read, so that later stages make up for their rounding.
		let left_values = left.view()?.to_f32_vec();
		let right = right_factor(difference, columns, &left_values, rank);
		let right = quantized(Part::Right, &[rank, columns], &right)?;
		let right_values = right.view()?.to_f32_vec();
		let mut product = vec![0f32; columns];
		for (rest, left) in rest.chunks_mut(columns).zip(left_values.chunks(rank)) {
			product_row(left, &right_values, &mut product);
			rest.iter_mut().zip(&product).for_each(|(rest, product)| *rest -= product);
		}
		stored.extend([left, right]);
	}
	if kept > 0 {
		let indices = largest(&rest, kept);
		let values: Vec<f32> = indices.iter().map(|index| rest[*index as usize]).collect();
		let part = Part::Sparse;
		let sparse = Tensor::sparse_quantized(
			part.name_of(name),
			dtype,
			quantization,
			[rows, columns],
			&indices,
			&values,
		)?;
		// What the low-rank part already holds leaves nothing to store.
		if !sparse.bytes().is_empty() {
			stored.push(Stored::new(part, sparse));
		}
	}
	Ok(stored)
}

/// Whether the stacked parts take fewer bytes than the whole difference; if not, it loses less, too.
fn stack_is_shorter(rows: usize, columns: usize, rank: usize, kept: usize, int8: bool) -> bool {
	let size = if int8 { 1 } else { 4 };
	// A header, elements, and as many scales.
	let block = |elements: usize, rows: usize| {
		let scales = if int8 { rows as u128 * 4 } else { 0 };
		u128::from(PAGE_BYTES) + elements as u128 * size + scales
	};
	let low_rank = block(rows * rank, rows) + block(rank * columns, rank);
	let sparse = block(kept, rows) + kept as u128 * 4;
	low_rank + sparse < block(rows * columns, rows)
}
