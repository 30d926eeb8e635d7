//! The format as its documentation states it, and what is refused.

use blyan_tensorblock::{
	encode, encode_block, parse_block, write, Container, DType, Quantization, Tensor, TensorBlockError,
	MAX_NAME_BYTES,
};

/// Made by `golden/make.py` from the tables of the README, not by this crate's encoder.
const GOLDEN: &[u8] = include_bytes!("golden/small.tblock");

fn golden_tensors() -> Vec<Tensor<'static>> {
	vec![
		Tensor::new("weight", DType::Int8, &[2, 3], vec![1, 0xfe, 3, 4, 0xfb, 127])
			.unwrap()
			.with_scales(Quantization::PerRow, vec![0.5, 2.0])
			.unwrap(),
		Tensor::from_f32("scale", &[], &[f32::NEG_INFINITY]).unwrap(),
		Tensor::new("bias", DType::F16, &[3], vec![0x00, 0x3c, 0x00, 0xc0, 0x00, 0x7e]).unwrap(),
	]
}

#[test]
fn encode_should_give_the_golden_bytes_when_tensors_come_in_another_order() {
	assert_eq!(encode(&golden_tensors()).unwrap(), GOLDEN);
}

#[test]
fn container_should_hold_what_the_golden_file_says() {
	let container = Container::parse(GOLDEN).unwrap();
	assert_eq!(container.names().collect::<Vec<_>>(), ["bias", "scale", "weight"]);
	assert_eq!((container.len(), container.is_empty()), (3, false));

	let bias = container.tensor("bias").unwrap();
	assert_eq!((bias.dtype(), bias.shape(), bias.elements()), (DType::F16, &[3][..], 3));
	let values = bias.to_f32_vec();
	assert_eq!(values[..2], [1.0, -2.0]);
	assert!(values[2].is_nan(), "a value that is no number is carried, not judged");

	let scale = container.tensor("scale").unwrap();
	assert_eq!((scale.shape(), scale.to_f32_vec()), (&[][..], vec![f32::NEG_INFINITY]));

	let weight = container.tensor("weight").unwrap();
	assert_eq!((weight.shape(), weight.quantization()), (&[2, 3][..], Quantization::PerRow));
	assert_eq!(weight.to_f32_vec(), [0.5, -1.0, 1.5, 8.0, -10.0, 254.0]);
	assert_eq!(weight.scales(), [0.5, 2.0]);
	assert!(container.tensor("weigh").is_none() && container.tensor("").is_none());
}

#[test]
fn open_should_give_slices_into_the_mapping_when_the_file_was_written() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("expert.tblock");
	let values: Vec<f32> = (0..3000).map(|i| i as f32 * 0.25 - 7.0).collect();
	let tensors = [
		Tensor::from_f32("w1", &[30, 100], &values).unwrap(),
		Tensor::from_f32("empty", &[0, 7], &[]).unwrap(),
	];
	let length = write(&path, &tensors).unwrap();
	assert_eq!(length, std::fs::metadata(&path).unwrap().len());
	assert!(std::fs::metadata(&path).unwrap().permissions().readonly());
	assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");

	let container = Container::open(&path).unwrap();
	let w1 = container.tensor("w1").unwrap();
	assert_eq!(w1.as_f32().unwrap(), values);
	assert_eq!(w1.bytes().as_ptr() as usize % 4096, 0, "data is aligned to a page");
	assert!(container.as_bytes().as_ptr_range().contains(&w1.bytes().as_ptr()), "nothing was copied");
	assert_eq!(container.tensor("empty").unwrap().shape(), [0, 7]);
	assert_eq!(container.as_bytes(), encode(&tensors).unwrap());

	// Whoever mapped the old file keeps it when a new one is renamed over it.
	write(&path, &[Tensor::from_f32("w1", &[1], &[9.0]).unwrap()]).unwrap();
	assert_eq!(container.tensor("w1").unwrap().as_f32().unwrap(), values);
	assert_eq!(Container::open(&path).unwrap().tensor("w1").unwrap().as_f32().unwrap(), [9.0]);
}

#[test]
fn write_should_leave_nothing_behind_when_the_place_cannot_be_written() {
	let folder = tempfile::tempdir().unwrap();
	// A folder stands where the file should go: the temporary file is written, the rename fails.
	let path = folder.path().join("taken");
	std::fs::create_dir_all(path.join("inside")).unwrap();
	let error = write(&path, &golden_tensors()).unwrap_err();
	assert!(matches!(error, TensorBlockError::Io { action: "rename into place", .. }), "{error}");
	assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
	let error = write(folder.path().join("absent/file"), &golden_tensors()).unwrap_err();
	assert!(error.to_string().contains("absent/file"), "{error}");
}

#[test]
fn open_should_name_the_path_when_there_is_no_file() {
	let folder = tempfile::tempdir().unwrap();
	let error = Container::open(folder.path().join("none.tblock")).unwrap_err();
	assert!(error.to_string().contains("none.tblock"), "{error}");
	assert!(!error.is_retryable());
	std::fs::write(folder.path().join("empty"), []).unwrap();
	let error = Container::open(folder.path().join("empty")).unwrap_err();
	assert!(matches!(error, TensorBlockError::Truncated { limit: 0, .. }), "{error}");
}

#[test]
fn as_f32_should_refuse_when_elements_are_other_or_misaligned() {
	let container = Container::parse(GOLDEN).unwrap();
	let error = container.tensor("bias").unwrap().as_f32().unwrap_err();
	assert!(matches!(error, TensorBlockError::NotF32 { dtype: DType::F16 }), "{error}");

	let bytes = encode(&[Tensor::from_f32("w", &[2], &[1.0, 2.0]).unwrap()]).unwrap();
	let mut shifted = vec![0u8; bytes.len() + 4];
	// One of four neighbouring starts is aligned, and three are not.
	let mut refused = 0;
	for start in 0..4 {
		shifted[start..start + bytes.len()].copy_from_slice(&bytes);
		let container = Container::parse(&shifted[start..start + bytes.len()]).unwrap();
		let view = container.tensor("w").unwrap();
		assert_eq!(view.to_f32_vec(), [1.0, 2.0], "converting works from any address");
		match view.as_f32() {
			Ok(values) => assert_eq!(values, [1.0, 2.0]),
			Err(error) => {
				assert!(matches!(error, TensorBlockError::Misaligned { .. }), "{error}");
				refused += 1;
			}
		}
	}
	assert_eq!(refused, 3);
}

#[test]
fn block_should_round_trip_alone_and_refuse_another_length() {
	let tensor = Tensor::new("fp8", DType::Fp8E4m3, &[2, 2], vec![0x38, 0xb8, 0x40, 0x7e])
		.unwrap()
		.with_scales(Quantization::PerTensor, vec![2.0])
		.unwrap();
	let bytes = encode_block(&tensor);
	let view = parse_block(&bytes).unwrap();
	assert_eq!(view.to_f32_vec(), [2.0, -2.0, 4.0, 896.0]);
	assert_eq!(encode_block(&view.to_tensor("other name").unwrap()), bytes);
	for length in 0..bytes.len() {
		let error = parse_block(&bytes[..length]).unwrap_err();
		assert!(matches!(error, TensorBlockError::Truncated { .. }), "at {length}: {error}");
	}
	let longer = [&bytes[..], &[0]].concat();
	assert!(matches!(parse_block(&longer).unwrap_err(), TensorBlockError::Field { .. }));
}

#[test]
fn tensor_should_be_refused_when_data_scales_or_rank_do_not_fit() {
	let error = Tensor::from_f32("w", &[2, 2], &[0.0; 3]).unwrap_err();
	assert!(matches!(error, TensorBlockError::DataLength { expected: Some(16), found: 12, .. }), "{error}");
	let error = Tensor::from_f32("w", &[usize::MAX, 2], &[]).unwrap_err();
	assert!(matches!(error, TensorBlockError::DataLength { expected: None, .. }), "{error}");
	let error = Tensor::from_f32("w", &[1, 1, 1], &[0.0]).unwrap_err();
	assert!(matches!(error, TensorBlockError::Rank { .. }), "{error}");
	let float = Tensor::from_f32("w", &[1], &[0.0]).unwrap();
	let error = float.with_scales(Quantization::PerTensor, vec![1.0]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NotQuantizable { .. }), "{error}");
	let bytes = Tensor::new("w", DType::Int8, &[2, 1], vec![0, 0]).unwrap();
	let error = bytes.with_scales(Quantization::PerRow, vec![1.0]).unwrap_err();
	assert!(matches!(error, TensorBlockError::ScaleCount { expected: 2, found: 1, .. }), "{error}");
}

#[test]
fn encode_should_refuse_when_names_are_empty_long_or_twice_there() {
	let named = |name: String| Tensor::from_f32(name, &[1], &[0.0]).unwrap();
	let error = encode(&[named(String::new())]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NameLength { bytes: 0, .. }), "{error}");
	let error = encode(&[named("n".repeat(MAX_NAME_BYTES + 1))]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NameLength { .. }), "{error}");
	assert!(encode(&[named("n".repeat(MAX_NAME_BYTES))]).is_ok());
	let error = encode(&[named("a".into()), named("b".into()), named("a".into())]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NameOrder { .. }), "{error}");
	assert!(Container::parse(encode(&[]).unwrap()).unwrap().is_empty());
}
