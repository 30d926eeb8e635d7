//! To and from safetensors, bit for bit.

use blyan_tensorblock::{
	encode, from_safetensors, to_safetensors, Container, DType, Quantization, Tensor, TensorBlockError,
};
use safetensors::{tensor::TensorView, Dtype};

#[test]
fn safetensors_should_come_back_byte_for_byte_when_it_went_through_a_container() {
	let single: Vec<u8> =
		[f32::NAN, -0.0, f32::INFINITY, 1.0e-45, 2.5, -7.0].iter().flat_map(|v| v.to_le_bytes()).collect();
	let bytes: Vec<u8> = (0..=255).collect();
	let views = vec![
		("model.layers.0.w1", TensorView::new(Dtype::F32, vec![2, 3], &single).unwrap()),
		("half", TensorView::new(Dtype::F16, vec![128], &bytes).unwrap()),
		("brain", TensorView::new(Dtype::BF16, vec![64, 2], &bytes).unwrap()),
		("int", TensorView::new(Dtype::I8, vec![256], &bytes).unwrap()),
		("fp8", TensorView::new(Dtype::F8_E4M3, vec![16, 16], &bytes).unwrap()),
		("scalar", TensorView::new(Dtype::F32, vec![], &single[..4]).unwrap()),
		("empty", TensorView::new(Dtype::F32, vec![0, 5], &[]).unwrap()),
	];
	let original = safetensors::serialize(views, None).unwrap();
	let container = Container::parse(encode(&from_safetensors(&original).unwrap()).unwrap()).unwrap();
	assert_eq!(container.len(), 7);
	assert_eq!(container.tensor("fp8").unwrap().dtype(), DType::Fp8E4m3);
	assert_eq!(container.tensor("scalar").unwrap().shape(), &[] as &[usize]);
	assert_eq!(container.tensor("model.layers.0.w1").unwrap().bytes(), single);
	assert_eq!(to_safetensors(&container).unwrap(), original);
}

#[test]
fn safetensors_should_be_refused_when_a_tensorblock_cannot_hold_it() {
	let data = [0u8; 8];
	let of = |dtype, shape: Vec<usize>| {
		safetensors::serialize([("t", TensorView::new(dtype, shape, &data).unwrap())], None).unwrap()
	};
	let error = from_safetensors(&of(Dtype::F64, vec![1])).unwrap_err();
	assert!(matches!(&error, TensorBlockError::ForeignDType { dtype, .. } if dtype == "F64"), "{error}");
	let error = from_safetensors(&of(Dtype::F32, vec![1, 1, 2])).unwrap_err();
	assert!(matches!(error, TensorBlockError::Rank { .. }), "{error}");
	let whole = of(Dtype::F32, vec![2]);
	for length in 0..whole.len() {
		let error = from_safetensors(&whole[..length]).unwrap_err();
		assert!(matches!(error, TensorBlockError::Safetensors { .. }), "at {length}: {error}");
	}
}

#[test]
fn to_safetensors_should_refuse_when_a_tensor_carries_scales() {
	let tensor = Tensor::new("w", DType::Int8, &[2], vec![1, 2])
		.unwrap()
		.with_scales(Quantization::PerTensor, vec![0.1])
		.unwrap();
	let container = Container::parse(encode(&[tensor]).unwrap()).unwrap();
	let error = to_safetensors(&container).unwrap_err();
	assert!(matches!(&error, TensorBlockError::ScalesNotRepresentable { name } if name == "w"), "{error}");
}
