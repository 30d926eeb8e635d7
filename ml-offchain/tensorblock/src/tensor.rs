//! A tensor to be written, and a tensor that was read.

use crate::{
	dtype::DType,
	error::TensorBlockError::{
		self, DataLength, Field, Index, IndexCount, Misaligned, NotDense, NotF32, NotQuantizable, Rank,
		ScaleCount, StoredZero, Truncated,
	},
	header::{check_zero, Extents, Header, Layout, Quantization, Shape, BLOCK_HEADER_BYTES},
};
use std::borrow::Cow;

/// A named tensor to be written. Its data is checked against its shape when it is made.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor<'a> {
	pub(crate) name: Cow<'a, str>,
	pub(crate) header: Header,
	pub(crate) extents: Extents,
	pub(crate) data: Cow<'a, [u8]>,
	pub(crate) scales: Vec<f32>,
	pub(crate) indices: Cow<'a, [u32]>,
}

impl<'a> Tensor<'a> {
	/// A tensor of at most two dimensions from the little-endian bytes of its elements, row by row.
	///
	/// # Errors
	/// [`TensorBlockError::Rank`] and [`TensorBlockError::DataLength`].
	pub fn new(
		name: impl Into<Cow<'a, str>>,
		dtype: DType,
		shape: &[usize],
		data: impl Into<Cow<'a, [u8]>>,
	) -> Result<Self, TensorBlockError> {
		let (name, data) = (name.into(), data.into());
		let Some(checked) = Shape::new(shape) else {
			return Err(Rank { name: name.into_owned(), shape: shape.to_vec() });
		};
		let header =
			Header { dtype, shape: checked, layout: Layout::Dense, quantization: Quantization::None };
		Self::of_header(name, header, data, Cow::Borrowed(&[]))
	}

	/// A sparse matrix: the little-endian bytes of its stored elements, and where each is, counted row by
	/// row (`row * columns + column`). Elements that are not stored are zero.
	///
	/// # Errors
	/// [`TensorBlockError::Limit`] above 2^32 rows x columns or for more elements than those,
	/// [`TensorBlockError::IndexCount`], [`TensorBlockError::DataLength`], [`TensorBlockError::Index`] unless
	/// indices rise strictly within the matrix, [`TensorBlockError::StoredZero`].
	pub fn sparse(
		name: impl Into<Cow<'a, str>>,
		dtype: DType,
		[rows, columns]: [usize; 2],
		indices: impl Into<Cow<'a, [u32]>>,
		data: impl Into<Cow<'a, [u8]>>,
	) -> Result<Self, TensorBlockError> {
		let (name, data, indices) = (name.into(), data.into(), indices.into());
		let shape = Shape::matrix_of(rows, columns);
		let stored = data.len() / dtype.bytes();
		Header::check_sparse(shape, stored)?;
		if indices.len() != stored {
			return Err(IndexCount { name: name.into_owned(), expected: stored, found: indices.len() });
		}
		let header =
			Header { dtype, shape, layout: Layout::Sparse { stored }, quantization: Quantization::None };
		check_stored(&header, &data, indices.iter().copied(), 0, 0)?;
		Self::of_header(name, header, data, indices)
	}

	fn of_header(
		name: Cow<'a, str>,
		header: Header,
		data: Cow<'a, [u8]>,
		indices: Cow<'a, [u32]>,
	) -> Result<Self, TensorBlockError> {
		match header.extents() {
			Some(extents) if extents.data.1 == data.len() as u64 => {
				Ok(Self { name, header, extents, data, scales: Vec::new(), indices })
			}
			extents => Err(DataLength {
				name: name.into_owned(),
				shape: header.shape.dims().to_vec(),
				dtype: header.dtype,
				expected: extents.map(|extents| extents.data.1),
				found: data.len(),
			}),
		}
	}

	/// A tensor of f32 elements, row by row, without a copy.
	///
	/// # Errors
	/// [`TensorBlockError::Rank`] and [`TensorBlockError::DataLength`].
	pub fn from_f32(
		name: impl Into<Cow<'a, str>>,
		shape: &[usize],
		data: &'a [f32],
	) -> Result<Self, TensorBlockError> {
		Self::new(name, DType::F32, shape, bytemuck::cast_slice::<f32, u8>(data))
	}

	/// The tensor with scales: an element is worth what is stored times its scale.
	///
	/// # Errors
	/// [`TensorBlockError::NotQuantizable`] and [`TensorBlockError::ScaleCount`].
	pub fn with_scales(
		mut self,
		quantization: Quantization,
		scales: Vec<f32>,
	) -> Result<Self, TensorBlockError> {
		let dtype = self.header.dtype;
		if quantization != Quantization::None && !dtype.is_quantizable() {
			return Err(NotQuantizable { dtype });
		}
		let expected = quantization.scales(self.header.shape);
		if scales.len() != expected {
			return Err(ScaleCount { name: self.name.into_owned(), expected, found: scales.len() });
		}
		self.header.quantization = quantization;
		self.extents = self.header.extents().ok_or_else(|| DataLength {
			name: self.name.clone().into_owned(),
			shape: self.header.shape.dims().to_vec(),
			dtype,
			expected: None,
			found: self.data.len(),
		})?;
		self.scales = scales;
		Ok(self)
	}

	/// The name.
	pub fn name(&self) -> &str {
		&self.name
	}

	/// The element type.
	pub fn dtype(&self) -> DType {
		self.header.dtype
	}

	/// The dimensions.
	pub fn shape(&self) -> &[usize] {
		self.header.shape.dims()
	}

	/// The bytes of the stored elements.
	pub fn bytes(&self) -> &[u8] {
		&self.data
	}

	/// Bytes that [`crate::encode_block`] makes of it.
	pub fn encoded_bytes(&self) -> u64 {
		self.extents.length
	}
}

/// A tensor inside a file that was checked. Copying the view copies no data.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TensorView<'a> {
	header: Header,
	data: &'a [u8],
	scales: &'a [u8],
	indices: &'a [u8],
}

impl<'a> TensorView<'a> {
	/// The view of a block that was parsed to these extents; `None` if `block` is shorter than it was.
	pub(crate) fn at(header: Header, extents: &Extents, block: &'a [u8]) -> Option<Self> {
		let part = |(offset, length): (u64, u64)| {
			let start = usize::try_from(offset).ok()?;
			block.get(start..start.checked_add(usize::try_from(length).ok()?)?)
		};
		Some(Self {
			header,
			data: part(extents.data)?,
			scales: part(extents.scales)?,
			indices: part(extents.indices)?,
		})
	}

	/// The element type.
	pub fn dtype(&self) -> DType {
		self.header.dtype
	}

	/// The dimensions: none for a scalar.
	pub fn shape(&self) -> &[usize] {
		self.header.shape.dims()
	}

	/// Whether elements carry scales.
	pub fn quantization(&self) -> Quantization {
		self.header.quantization
	}

	/// Which elements are stored.
	pub fn layout(&self) -> Layout {
		self.header.layout
	}

	/// Rows and columns: a scalar is 1 x 1, a vector one row.
	pub fn matrix(&self) -> [usize; 2] {
		self.header.shape.matrix()
	}

	/// How many elements the shape has, stored or not.
	pub fn elements(&self) -> usize {
		// Checked when the header was: a sparse matrix has at most 2^32, a dense tensor what is stored.
		self.header.shape.elements().unwrap_or_default()
	}

	/// The bytes of the stored elements, little-endian, row by row. They point into the file.
	pub fn bytes(&self) -> &'a [u8] {
		self.data
	}

	/// The scales; empty without quantization.
	pub fn scales(&self) -> Vec<f32> {
		DType::F32.to_f32_vec(self.scales)
	}

	/// Where the stored elements of a sparse matrix are (`row * columns + column`), rising; none if dense.
	pub fn indices(&self) -> impl ExactSizeIterator<Item = u32> + Clone + 'a {
		read_indices(self.indices)
	}

	/// The elements in place, without a copy.
	///
	/// # Errors
	/// [`TensorBlockError::NotF32`]; [`TensorBlockError::NotDense`]; [`TensorBlockError::Misaligned`], which
	/// cannot happen to a mapped file.
	pub fn as_f32(&self) -> Result<&'a [f32], TensorBlockError> {
		if self.dtype() != DType::F32 {
			return Err(NotF32 { dtype: self.dtype() });
		}
		if self.layout() != Layout::Dense {
			return Err(NotDense);
		}
		bytemuck::try_cast_slice(self.data).map_err(|_| Misaligned { address: self.data.as_ptr() as usize })
	}

	/// All elements converted to f32, scales applied: one product in f32 each.
	///
	/// A sparse matrix becomes dense, of up to 2^32 elements whatever the length of the file: check the
	/// shape of one that nobody vouches for first.
	pub fn to_f32_vec(&self) -> Vec<f32> {
		let stored = self.stored_to_f32_vec();
		match self.layout() {
			Layout::Dense => stored,
			Layout::Sparse { .. } => {
				let mut values = vec![0.0; self.elements()];
				for (index, value) in self.indices().zip(stored) {
					// Indices were checked against the shape.
					values[index as usize] = value;
				}
				values
			}
		}
	}

	/// The stored elements converted to f32, scales applied: one product in f32 each. All elements if the
	/// tensor is dense; else those at [`Self::indices`].
	pub fn stored_to_f32_vec(&self) -> Vec<f32> {
		let mut values = self.dtype().to_f32_vec(self.data);
		let scales = self.scales();
		match (self.quantization(), scales.first()) {
			(Quantization::PerTensor, Some(scale)) => values.iter_mut().for_each(|value| *value *= scale),
			(Quantization::PerRow, Some(_)) => {
				let columns = self.matrix()[1].max(1);
				match self.layout() {
					Layout::Dense => {
						for (row, scale) in values.chunks_mut(columns).zip(&scales) {
							row.iter_mut().for_each(|value| *value *= scale);
						}
					}
					Layout::Sparse { .. } => {
						for (value, index) in values.iter_mut().zip(self.indices()) {
							*value *= scales[index as usize / columns];
						}
					}
				}
			}
			_ => {}
		}
		values
	}

	/// The tensor, to be written under a name. Its data still points into the file.
	pub fn to_tensor(&self, name: impl Into<Cow<'a, str>>) -> Result<Tensor<'a>, TensorBlockError> {
		let tensor = match self.layout() {
			Layout::Dense => Tensor::new(name, self.dtype(), self.shape(), self.data)?,
			Layout::Sparse { .. } => {
				let indices: Vec<u32> = self.indices().collect();
				Tensor::sparse(name, self.dtype(), self.matrix(), indices, self.data)?
			}
		};
		tensor.with_scales(self.quantization(), self.scales())
	}
}

/// Checks one whole TensorBlock and returns what it holds. `bytes` are the block, no less and no more.
///
/// # Errors
/// Whatever is not as the format says, with field, offset and limit.
pub fn parse_block(bytes: &[u8]) -> Result<TensorView<'_>, TensorBlockError> {
	let (header, extents) = parse_extents(bytes)?;
	let limit = bytes.len() as u64;
	TensorView::at(header, &extents, bytes).ok_or(Truncated {
		field: "TensorBlock",
		offset: 0,
		needed: extents.length,
		limit,
	})
}

/// Checks one whole TensorBlock and returns its header and the places of its parts.
pub(crate) fn parse_extents(bytes: &[u8]) -> Result<(Header, Extents), TensorBlockError> {
	let (header, extents) = Header::parse(bytes)?;
	let limit = bytes.len() as u64;
	if limit < extents.length {
		return Err(Truncated { field: "TensorBlock", offset: 0, needed: extents.length, limit });
	}
	if limit > extents.length {
		return Err(Field {
			field: "length of the TensorBlock",
			offset: 0,
			found: limit,
			expected: extents.length,
		});
	}
	// From here on every extent is within `bytes`, so its numbers fit a usize.
	let (data, data_length) = (extents.data.0 as usize, extents.data.1 as usize);
	check_zero(bytes, BLOCK_HEADER_BYTES, data, "padding before the data")?;
	let mut end = data + data_length;
	for ((offset, length), field) in
		[(extents.scales, "padding before the scales"), (extents.indices, "padding before the indices")]
	{
		if offset > 0 {
			check_zero(bytes, end, offset as usize, field)?;
			end = (offset + length) as usize;
		}
	}
	if header.layout != Layout::Dense {
		let (start, length) = (extents.indices.0 as usize, extents.indices.1 as usize);
		let indices = read_indices(&bytes[start..start + length]);
		check_stored(&header, &bytes[data..data + data_length], indices, data as u64, start as u64)?;
	}
	Ok((header, extents))
}

fn read_indices(bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> + Clone + '_ {
	bytes.as_chunks::<4>().0.iter().map(|index| u32::from_le_bytes(*index))
}

/// Checks what a sparse matrix stores: indices that rise strictly within it, and no zeros.
fn check_stored(
	header: &Header,
	data: &[u8],
	indices: impl Iterator<Item = u32>,
	data_offset: u64,
	index_offset: u64,
) -> Result<(), TensorBlockError> {
	let end = header.shape.elements().unwrap_or_default() as u64;
	let mut least = 0;
	for (position, found) in indices.enumerate() {
		if u64::from(found) < least || u64::from(found) >= end {
			let offset = index_offset + position as u64 * 4;
			return Err(Index { position, offset, found, expected: least..end });
		}
		least = u64::from(found) + 1;
	}
	let size = header.dtype.bytes();
	let zero = data.chunks_exact(size).position(|element| element.iter().all(|byte| *byte == 0));
	match zero {
		Some(position) => Err(StoredZero { position, offset: data_offset + (position * size) as u64 }),
		None => Ok(()),
	}
}
