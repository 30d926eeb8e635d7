//! Deltas that nobody vouches for, and weights between which there is none.

use blyan_delta::{replay, Delta, DeltaError, DeltaOptions, Part, MAX_RANK};
use blyan_tensorblock::{encode, Container, DType, Quantization, Tensor, TensorBlockError};

fn f32s(name: &str, shape: &[usize], value: f32) -> Tensor<'static> {
	let count = shape.iter().product();
	let values = vec![value; count];
	Tensor::quantized(name.to_owned(), DType::F32, Quantization::None, shape, &values).unwrap()
}

fn sparse(name: &'static str, shape: [usize; 2], index: u32) -> Tensor<'static> {
	Tensor::sparse(name, DType::Int8, shape, vec![index], vec![1]).unwrap()
}

fn base() -> Container<Vec<u8>> {
	Container::parse(
		encode(&[f32s("m", &[2, 3], 1.0), f32s("v", &[4], 1.0), sparse("s", [2, 2], 0)]).unwrap(),
	)
	.unwrap()
}

fn refusal(parts: &[Tensor<'_>]) -> DeltaError {
	let delta = match Delta::parse(encode(parts).unwrap()) {
		Ok(delta) => delta,
		Err(error) => return error,
	};
	let base = base();
	let checked = delta.check_against(&base);
	let replayed = replay(&base, &[delta]).unwrap_err();
	if let Err(checked) = checked {
		assert_eq!(checked.to_string(), replayed.to_string());
	}
	replayed
}

#[test]
fn delta_should_be_refused_when_parts_are_unknown_or_do_not_go_together() {
	for name in ["m", "m/", "/dense", "m/densest", "m/Dense", "dense"] {
		let error = refusal(&[f32s(name, &[2, 3], 0.5)]);
		assert!(matches!(&error, DeltaError::UnknownPart { name: found } if found == name), "{error}");
	}
	let (left, right) = (f32s("m/left", &[2, 1], 0.5), f32s("m/right", &[1, 3], 0.5));
	let dense = f32s("m/dense", &[2, 3], 0.5);
	for parts in [vec![left.clone()], vec![right.clone()], vec![dense.clone(), left.clone()]] {
		assert!(matches!(refusal(&parts), DeltaError::Combination { .. }));
	}
	for parts in
		[vec![dense.clone(), left.clone(), right.clone()], vec![dense, sparse("m/sparse", [2, 3], 0)]]
	{
		let error = refusal(&parts);
		assert!(error.to_string().contains("\"m\" has a dense part beside others"), "{error}");
	}
	assert!(Delta::parse(encode(&[left, right, sparse("m/sparse", [2, 3], 5)]).unwrap()).is_ok());
	let error = Delta::parse(&b"TBLOCKC1"[..]).unwrap_err();
	assert!(matches!(error, DeltaError::TensorBlock(TensorBlockError::Truncated { .. })), "{error}");
}

#[test]
fn delta_should_be_refused_when_its_parts_do_not_fit_the_base() {
	let error = refusal(&[f32s("other/dense", &[2, 3], 0.5)]);
	assert!(matches!(&error, DeltaError::NotInBase { tensor } if tensor == "other"), "{error}");
	let error = refusal(&[f32s("s/dense", &[2, 2], 0.5)]);
	assert!(matches!(error, DeltaError::SparseBase { .. }), "{error}");
	let shapes: [(&[Tensor<'_>], Part, &str); 8] = [
		(&[f32s("m/dense", &[3, 2], 0.5)], Part::Dense, "dense [3, 2], and must be dense [2, 3]"),
		(&[f32s("m/dense", &[6], 0.5)], Part::Dense, "dense [6]"),
		(&[f32s("v/dense", &[1, 4], 0.5)], Part::Dense, "must be dense [4]"),
		(&[sparse("m/dense", [2, 3], 0)], Part::Dense, "sparse [2, 3], and must be dense [2, 3]"),
		(&[f32s("m/sparse", &[2, 3], 0.5)], Part::Sparse, "dense [2, 3], and must be sparse [2, 3]"),
		(&[sparse("m/sparse", [3, 2], 0)], Part::Sparse, "sparse [3, 2]"),
		(&[f32s("m/left", &[3, 2], 0.5), f32s("m/right", &[2, 3], 0.5)], Part::Left, "must be dense [2, 2]"),
		(&[f32s("m/left", &[2, 2], 0.5), f32s("m/right", &[1, 3], 0.5)], Part::Right, "must be dense [2, 3]"),
	];
	for (parts, expected, words) in shapes {
		let error = refusal(parts);
		assert!(matches!(&error, DeltaError::PartShape { part, .. } if *part == expected), "{error}");
		assert!(error.to_string().contains(words), "{error}");
	}
	for rank in [0, MAX_RANK + 1] {
		let error = refusal(&[f32s("m/left", &[2, rank], 0.0), f32s("m/right", &[rank, 3], 0.0)]);
		assert!(matches!(&error, DeltaError::Rank { rank: found, .. } if *found == rank), "{error}");
	}
	let widest = [f32s("m/left", &[2, MAX_RANK], 0.0), f32s("m/right", &[MAX_RANK, 3], 0.0)];
	assert!(replay(&base(), &[Delta::parse(encode(&widest).unwrap()).unwrap()]).is_ok());
}

#[test]
fn replay_should_refuse_when_a_result_is_not_finite() {
	for parts in [
		vec![f32s("m/dense", &[2, 3], f32::NAN)],
		vec![f32s("m/left", &[2, 1], f32::MAX), f32s("m/right", &[1, 3], 2.0)],
		vec![Tensor::sparse("m/sparse", DType::F32, [2, 3], vec![0], f32::INFINITY.to_le_bytes().to_vec())
			.unwrap()],
	] {
		let error = refusal(&parts);
		assert!(matches!(&error, DeltaError::NotFinite { tensor, index: 0, .. } if tensor == "m"), "{error}");
	}
	// In the second of two, and only there.
	let [good, bad] = [1.0, f32::MAX].map(|value| {
		let parts = [f32s("m/left", &[2, 1], value), f32s("m/right", &[1, 3], value)];
		Delta::parse(encode(&parts).unwrap()).unwrap()
	});
	let error = replay(&base(), &[good, bad]).unwrap_err();
	assert!(matches!(error, DeltaError::NotFinite { .. }) && !error.is_retryable());
}

#[test]
fn encode_should_refuse_when_the_weights_are_not_alike() {
	let of = |tensors: &[Tensor<'_>]| Container::parse(encode(tensors).unwrap()).unwrap();
	let old = of(&[f32s("m", &[2, 3], 1.0)]);
	let int8 = Tensor::new("m", DType::Int8, &[2, 3], vec![1; 6]).unwrap();
	let scaled = int8.clone().with_scales(Quantization::PerTensor, vec![1.0]).unwrap();
	let refusal = |old: &Container<Vec<u8>>, new: &[Tensor<'_>]| {
		Delta::encode(old, &of(new), &DeltaOptions::default()).unwrap_err()
	};
	for new in [
		vec![],
		vec![f32s("m", &[3, 2], 1.0)],
		vec![f32s("m", &[2, 3], 1.0), f32s("n", &[], 1.0)],
		vec![int8.clone()],
	] {
		let error = refusal(&old, &new);
		assert!(matches!(error, DeltaError::Mismatch { .. }), "{error}");
	}
	let error = refusal(&of(&[int8]), &[scaled]);
	assert!(error.to_string().contains("int8 [2, 3] in the base and int8 with a scale [2, 3]"), "{error}");
	let pair = [0, 1].map(|index| sparse("m", [2, 3], index));
	assert!(matches!(refusal(&of(&pair[..1]), &pair[1..]), DeltaError::SparseBase { .. }));
	let error = refusal(&old, &[f32s("m", &[2, 3], f32::NAN)]);
	assert!(matches!(&error, DeltaError::NotFinite { tensor, .. } if tensor == "m"), "{error}");
	let error = refusal(&of(&[f32s("m", &[2], f32::MAX)]), &[f32s("m", &[2], f32::MIN)]);
	assert!(error.to_string().contains("a difference must be finite"), "{error}");
	let wide = DeltaOptions { rank: MAX_RANK + 1, ..DeltaOptions::default() };
	let error = Delta::encode(&old, &old, &wide).unwrap_err();
	assert!(matches!(error, DeltaError::Option { .. }), "{error}");
	let long = "n".repeat(blyan_tensorblock::MAX_NAME_BYTES);
	let error = refusal(&of(&[f32s(&long, &[], 1.0)]), &[f32s(&long, &[], 2.0)]);
	assert!(matches!(error, DeltaError::TensorBlock(TensorBlockError::NameLength { .. })), "{error}");
}

#[test]
fn replay_should_survive_any_cut_or_changed_byte() {
	const FIRST: &[u8] = include_bytes!("golden/first.tblock");
	let base = Container::parse(&include_bytes!("golden/base.tblock")[..]).unwrap();
	let mut replayed = 0;
	for length in (0..FIRST.len()).step_by(97) {
		assert!(Delta::parse(&FIRST[..length]).is_err());
	}
	let mut bytes = FIRST.to_vec();
	for at in 0..bytes.len() {
		for bit in [0x01, 0x80] {
			bytes[at] ^= bit;
			if let Ok(delta) = Delta::parse(&bytes[..]) {
				if let Ok(weights) = replay(&base, &[delta]) {
					let weights = Container::parse(weights).unwrap();
					assert_eq!(weights.len(), base.len());
					replayed += 1;
				}
			}
			bytes[at] ^= bit;
		}
	}
	assert!(replayed > 100, "changed values must still replay: {replayed}");
}
