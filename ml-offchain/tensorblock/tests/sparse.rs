//! Sparse matrices: their one encoding, and what is refused.

use blyan_tensorblock::{
	encode, encode_block, parse_block, to_safetensors, Container, DType, Layout, Quantization, Tensor,
	TensorBlockError,
};
use proptest::prelude::*;

/// Made by `golden/make.py` from the tables of the README, not by this crate's encoder.
const GOLDEN: &[u8] = include_bytes!("golden/sparse.tblock");
/// Where the parts of the block of "rows" are.
const DATA: usize = 4096;
const SCALES: usize = 4096 + 64;
const INDICES: usize = 4096 + 128;

fn rows() -> Tensor<'static> {
	Tensor::sparse("rows", DType::Int8, [3, 4], vec![1, 6, 11], vec![1, 0xfe, 127])
		.unwrap()
		.with_scales(Quantization::PerRow, vec![0.5, 2.0, 0.25])
		.unwrap()
}

fn golden_tensors() -> Vec<Tensor<'static>> {
	vec![
		Tensor::sparse("tensor", DType::Fp8E4m3, [2, 2], vec![1, 2], vec![0x38, 0xb8])
			.unwrap()
			.with_scales(Quantization::PerTensor, vec![3.0])
			.unwrap(),
		rows(),
		Tensor::sparse("none", DType::F32, [2, 2], vec![], vec![]).unwrap(),
		Tensor::sparse("brain", DType::Bf16, [1, 9], vec![0, 8], vec![0x80, 0x3f, 0x00, 0x80]).unwrap(),
	]
}

#[test]
fn encode_should_give_the_golden_bytes_when_matrices_are_sparse() {
	assert_eq!(encode(&golden_tensors()).unwrap(), GOLDEN);
}

#[test]
fn container_should_hold_what_the_sparse_golden_file_says() {
	let container = Container::parse(GOLDEN).unwrap();
	let rows = container.tensor("rows").unwrap();
	assert_eq!(
		(rows.layout(), rows.shape(), rows.elements()),
		(Layout::Sparse { stored: 3 }, &[3, 4][..], 12)
	);
	assert_eq!(rows.indices().collect::<Vec<_>>(), [1, 6, 11]);
	assert_eq!(rows.stored_to_f32_vec(), [0.5, -4.0, 31.75]);
	assert_eq!(rows.to_f32_vec(), [0.0, 0.5, 0.0, 0.0, 0.0, 0.0, -4.0, 0.0, 0.0, 0.0, 0.0, 31.75]);
	assert_eq!(container.tensor("tensor").unwrap().to_f32_vec(), [0.0, 3.0, -3.0, 0.0]);
	let none = container.tensor("none").unwrap();
	assert_eq!((none.to_f32_vec(), none.indices().len()), (vec![0.0; 4], 0));
	let brain = container.tensor("brain").unwrap().to_f32_vec();
	assert!(brain[0] == 1.0 && brain[8] == 0.0 && brain[8].is_sign_negative());
	let range = container.data_range("rows").unwrap();
	assert_eq!(GOLDEN[range], [1, 0xfe, 127]);
	let error = none.as_f32().unwrap_err();
	assert!(matches!(error, TensorBlockError::NotDense), "{error}");
	let error = to_safetensors(&container).unwrap_err();
	assert!(
		matches!(&error, TensorBlockError::SparseNotRepresentable { name } if name == "brain"),
		"{error}"
	);
}

#[test]
fn sparse_block_should_be_refused_when_cut_anywhere_or_longer() {
	let bytes = encode_block(&rows());
	assert_eq!(bytes.len(), INDICES + 12);
	assert_eq!(encode_block(&parse_block(&bytes).unwrap().to_tensor("other name").unwrap()), bytes);
	for length in 0..bytes.len() {
		let error = parse_block(&bytes[..length]).unwrap_err();
		assert!(matches!(error, TensorBlockError::Truncated { .. }), "at {length}: {error}");
	}
	let longer = [&bytes[..], &[0]].concat();
	assert!(matches!(parse_block(&longer).unwrap_err(), TensorBlockError::Field { .. }));
}

#[test]
fn sparse_block_should_be_refused_when_any_byte_that_is_not_free_changes() {
	let mut bytes = encode_block(&rows());
	for at in 0..bytes.len() {
		bytes[at] ^= 0x80;
		// Another number of columns makes another matrix, as long as indices can tell its elements apart.
		let is_free = [24..27, DATA..DATA + 3, SCALES..SCALES + 12].iter().any(|part| part.contains(&at));
		assert_eq!(parse_block(&bytes).is_ok(), is_free, "changing byte {at}");
		bytes[at] ^= 0x80;
	}
}

#[test]
fn error_should_name_field_offset_and_limit_when_a_sparse_field_is_hostile() {
	let with = |at: usize, value: &[u8]| {
		let mut bytes = encode_block(&rows());
		bytes[at..at + value.len()].copy_from_slice(value);
		bytes
	};
	let cases: [(Vec<u8>, &str); 9] = [
		(
			with(16, &(1u64 << 31).to_le_bytes()),
			"rows x columns of a sparse matrix at offset 16 is 8589934592",
		),
		(with(16, &(1u64 << 62).to_le_bytes()), "rows x columns of a sparse matrix at offset 16"),
		(with(64, &13u64.to_le_bytes()), "stored elements at offset 64 is 13, above the limit of 12"),
		(with(64, &u64::MAX.to_le_bytes()), "stored elements at offset 64"),
		(with(56, &0u64.to_le_bytes()), "index offset at offset 56 is 0, and must be 4224"),
		(with(72, &[1]), "reserved part of the TensorBlock header at offset 72 must be zero"),
		(
			with(INDICES + 4, &1u32.to_le_bytes()),
			"index 1 of the sparse matrix, at offset 4228, is 1, and must be in 2..12",
		),
		(
			with(INDICES + 8, &12u32.to_le_bytes()),
			"index 2 of the sparse matrix, at offset 4232, is 12, and must be in 7..12",
		),
		(with(DATA + 1, &[0]), "element 1 of the sparse matrix, at offset 4097, is zero"),
	];
	for (bytes, expected) in cases {
		let text = parse_block(&bytes).unwrap_err().to_string();
		assert!(text.contains(expected), "expected {expected}: {text}");
	}
}

#[test]
fn sparse_tensor_should_be_refused_when_parts_do_not_fit() {
	let of = |shape, indices: &[u32], data: &[u8]| {
		Tensor::sparse("w", DType::F16, shape, indices.to_vec(), data.to_vec()).unwrap_err()
	};
	assert!(matches!(
		of([2, 2], &[0], &[1, 0, 1, 0]),
		TensorBlockError::IndexCount { expected: 2, found: 1, .. }
	));
	assert!(matches!(of([2, 2], &[0], &[1, 0, 1]), TensorBlockError::DataLength { .. }));
	assert!(matches!(of([2, 2], &[1, 1], &[1, 0, 1, 0]), TensorBlockError::Index { position: 1, .. }));
	assert!(matches!(of([2, 2], &[4], &[1, 0]), TensorBlockError::Index { found: 4, .. }));
	assert!(matches!(of([2, 2], &[0], &[0, 0]), TensorBlockError::StoredZero { position: 0, .. }));
	assert!(matches!(of([1 << 32, 2], &[], &[]), TensorBlockError::Limit { .. }));
	assert!(matches!(of([usize::MAX, 2], &[], &[]), TensorBlockError::Limit { .. }));
	assert!(Tensor::sparse("w", DType::Int8, [1 << 31, 2], vec![u32::MAX], vec![1]).is_ok());
}

#[test]
fn quantized_should_store_the_largest_as_the_largest_element_and_refuse_what_has_no_place() {
	let values = [1.0, -2.0, 0.5, 0.0, 0.0, 0.0];
	let tensor = Tensor::quantized("w", DType::Int8, Quantization::PerRow, &[2, 3], &values).unwrap();
	assert_eq!(tensor.bytes(), [64, 0x81, 32, 0, 0, 0]);
	let bytes = encode_block(&tensor);
	let view = parse_block(&bytes).unwrap();
	assert_eq!(view.scales(), [2.0 / 127.0, 0.0]);
	assert_eq!(view.to_f32_vec()[3..], [0.0; 3]);

	let of = |dtype, quantization, value: f32| {
		Tensor::quantized("w", dtype, quantization, &[2], &[0.0, value]).map(|tensor| tensor.bytes().to_vec())
	};
	for (dtype, quantization, value) in [
		(DType::Int8, Quantization::None, f32::NAN),
		(DType::Int8, Quantization::PerTensor, f32::INFINITY),
		(DType::Fp8E4m3, Quantization::PerRow, f32::NAN),
	] {
		let error = of(dtype, quantization, value).unwrap_err();
		assert!(matches!(error, TensorBlockError::NotRepresentable { index: 1, .. }), "{error}");
	}
	assert_eq!(of(DType::Fp8E4m3, Quantization::None, f32::NAN).unwrap(), [0, 0x7f]);
	let error = of(DType::F16, Quantization::PerRow, 0.0).unwrap_err();
	assert!(matches!(error, TensorBlockError::NotQuantizable { .. }), "{error}");
	let error = Tensor::quantized("w", DType::Int8, Quantization::None, &[3], &[0.0]).unwrap_err();
	assert!(matches!(error, TensorBlockError::DataLength { expected: Some(3), found: 1, .. }), "{error}");
	// A scale below the least normal number is coarse, and the quotient is kept within the type.
	let tiny = of(DType::Int8, Quantization::PerTensor, 127.0 * 1.4 * f32::from_bits(1)).unwrap();
	assert_eq!(tiny, [0, 127]);
	// A scale that is no more than zero leaves zeros.
	assert_eq!(of(DType::Int8, Quantization::PerTensor, f32::from_bits(1)).unwrap(), [0, 0]);
}

#[test]
fn sparse_quantized_should_leave_out_what_becomes_zero() {
	let tensor = Tensor::sparse_quantized(
		"w",
		DType::Int8,
		Quantization::PerRow,
		[2, 3],
		&[0, 1, 5],
		&[100.0, 0.1, -3.0],
	)
	.unwrap();
	let bytes = encode_block(&tensor);
	let view = parse_block(&bytes).unwrap();
	assert_eq!((view.indices().collect::<Vec<_>>(), view.bytes()), (vec![0, 5], &[127, 0x81][..]));
	let of = |indices: &[u32], values: &[f32]| {
		Tensor::sparse_quantized("w", DType::Int8, Quantization::PerRow, [2, 3], indices, values).unwrap_err()
	};
	assert!(matches!(of(&[6], &[1.0]), TensorBlockError::Index { found: 6, .. }));
	assert!(matches!(of(&[6], &[]), TensorBlockError::IndexCount { .. }));
}

/// Every type with every quantization it can have.
fn kinds() -> impl Strategy<Value = (DType, Quantization)> {
	let all: Vec<_> = DType::ALL
		.into_iter()
		.flat_map(|dtype| {
			[Quantization::None, Quantization::PerTensor, Quantization::PerRow]
				.map(|quantization| (dtype, quantization))
		})
		.filter(|(dtype, quantization)| *quantization == Quantization::None || dtype.is_quantizable())
		.collect();
	assert_eq!(all.len(), 9);
	proptest::sample::select(all)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn quantized_should_read_back_near_what_was_written_sparse_or_dense(
		(dtype, quantization) in kinds(),
		columns in 1usize..9,
		values in proptest::collection::vec(prop_oneof![Just(0.0f32), -100.0f32..100.0], 0..60),
	) {
		let rows = values.len() / columns;
		let values = &values[..rows * columns];
		let dense = Tensor::quantized("w", dtype, quantization, &[rows, columns], values).unwrap();
		let bytes = encode_block(&dense);
		let read = parse_block(&bytes).unwrap().to_f32_vec();
		let largest = |values: &[f32]| values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
		for (read, values) in read.chunks(columns).zip(values.chunks(columns)) {
			let scale = match quantization {
				Quantization::None => 1.0,
				Quantization::PerTensor => 100.0 / dtype.max(),
				Quantization::PerRow => largest(values) / dtype.max(),
			};
			for (read, value) in read.iter().zip(values) {
				// Half of what neighbouring elements are apart there, and a little for the division.
				let allowed = match dtype {
					DType::F32 => 0.0,
					DType::F16 => value.abs() / 2048.0 + 2f32.powi(-25),
					DType::Bf16 => value.abs() / 256.0,
					DType::Int8 => scale * 0.5001,
					DType::Fp8E4m3 => value.abs() / 15.999 + scale * 2f32.powi(-10),
				};
				prop_assert!((read - value).abs() <= allowed, "{value} became {read}");
			}
		}

		// The same matrix, sparse: the same elements, under the same scales.
		let indices: Vec<u32> = (0..values.len() as u32).collect();
		let sparse = Tensor::sparse_quantized("w", dtype, quantization, [rows, columns], &indices, values).unwrap();
		let bytes = encode_block(&sparse);
		let view = parse_block(&bytes).unwrap();
		prop_assert_eq!(view.to_f32_vec(), read);
		prop_assert_eq!(&encode_block(&view.to_tensor("w").unwrap()), &bytes);
		prop_assert!(view.bytes().chunks(dtype.bytes()).all(|element| element.iter().any(|byte| *byte != 0)));
	}

	#[test]
	fn container_should_stay_sound_when_sparse_bytes_are_corrupted(
		changes in proptest::collection::vec((0usize..GOLDEN.len(), any::<u8>()), 1..4),
		near in proptest::option::of((0usize..4, 0usize..400, any::<u8>())),
	) {
		let mut bytes = GOLDEN.to_vec();
		for (at, value) in changes {
			bytes[at] = value;
		}
		if let Some((block, at, value)) = near {
			let at = 4096 + block * 8192 + if at < 128 { at } else { 4096 + at - 128 };
			if let Some(byte) = bytes.get_mut(at) {
				*byte = value;
			}
		}
		if let Ok(container) = Container::parse(&bytes[..]) {
			let tensors: Vec<_> = container.tensors().map(|(name, view)| view.to_tensor(name).unwrap()).collect();
			prop_assert_eq!(&encode(&tensors).unwrap(), &bytes, "two encodings of the same tensors");
		}
	}
}
