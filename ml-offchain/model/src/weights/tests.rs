use super::*;
use crate::layout::tests::tiny;
use blyan_tensorblock::{DType, Tensor};

const EXPERT: Component = Component::Expert { layer: 1, index: 2 };

/// Weights that make every path matter: routers that prefer, norms that differ, biases that are not zero.
pub(crate) fn lively(architecture: &Architecture) -> Weights {
	let mut weights = Weights::init(architecture, 11).unwrap();
	let layout = weights.layout.clone();
	for (component, specs) in layout.components.iter().zip(&layout.tensors) {
		let boost = if matches!(component, Component::Router { .. }) { 20.0 } else { 1.5 };
		let mut at = 0;
		let numbers = weights.component_mut(*component).unwrap();
		for spec in specs {
			for w in &mut numbers[at..at + spec.len()] {
				let wave = (at as f32 * 0.7).sin();
				*w = if spec.is_bias() { 0.4 * wave } else { *w * boost * (1.0 + 0.3 * wave) };
				at += 1;
			}
		}
	}
	weights
}

/// Writes every component to a file of its name; returns where it is.
pub(crate) fn write_components(
	weights: &Weights,
	folder: &Path,
) -> impl Fn(Component) -> PathBuf + Clone + Sync + use<> {
	let folder = folder.to_owned();
	let path = move |component: Component| folder.join(component.to_string());
	for component in weights.architecture().components() {
		std::fs::write(path(component), weights.component_bytes(component).unwrap()).unwrap();
	}
	path
}

/// Makes the logits overflow, with weights that are each finite.
pub(crate) fn overflow(weights: &mut Weights) {
	let start = weights.layout.backbone.final_norm.start;
	for w in &mut weights.component_mut(Component::Backbone).unwrap()[start..] {
		*w *= 1e30;
	}
}

/// The tensors of the expert, as a trainer would send them, changed by `change`.
fn content(change: impl Fn(&mut Vec<Tensor<'static>>)) -> Vec<u8> {
	let mut tensors =
		vec![tensor("w1", &[24, 20], 0.5), tensor("w3", &[24, 20], 0.25), tensor("w2", &[20, 24], 2.0)];
	change(&mut tensors);
	blyan_tensorblock::encode(&tensors).unwrap()
}

fn tensor(name: &'static str, shape: &[usize], value: f32) -> Tensor<'static> {
	let bytes: Vec<u8> = vec![value; shape.iter().product()].iter().flat_map(|x| x.to_le_bytes()).collect();
	Tensor::new(name, DType::F32, shape, bytes).unwrap()
}

#[test]
fn init_should_give_the_same_bits_for_a_seed_whatever_else_the_model_has() {
	let a = Weights::init(&tiny(), 7).unwrap();
	let more = Architecture { layers: 3, ..tiny() };
	let b = Weights::init(
		&Architecture {
			experts: blyan_primitives::architecture::ExpertCount { current: 4, ..tiny().experts },
			..more
		},
		7,
	)
	.unwrap();
	assert_eq!(a.tensor(EXPERT, "w1"), b.tensor(EXPERT, "w1"));
	assert_ne!(a.tensor(EXPERT, "w1"), a.tensor(Component::Expert { layer: 1, index: 1 }, "w1"));
	assert_ne!(a.tensor(EXPERT, "w1"), Weights::init(&tiny(), 8).unwrap().tensor(EXPERT, "w1"));
	assert_eq!(a.tensor(Component::Backbone, "final_norm").unwrap(), ([1, 24], &[1.0; 24][..]));
}

#[test]
fn component_should_come_back_to_the_bit_when_encoded_and_set() {
	let from = Weights::init(&tiny(), 7).unwrap();
	let mut to = Weights::init(&tiny(), 8).unwrap();
	for component in tiny().components() {
		let bytes = from.component_bytes(component).unwrap();
		to.set_component(component, &bytes).unwrap();
		assert_eq!(to.component_bytes(component).unwrap(), bytes);
	}
	assert_eq!(from.buffers, to.buffers);
}

#[test]
fn load_should_read_what_was_written_and_name_the_file_that_is_absent() {
	let folder = tempfile::tempdir().unwrap();
	let from = Weights::init(&tiny(), 7).unwrap();
	let path = write_components(&from, folder.path());
	assert_eq!(Weights::load(&tiny(), &path).unwrap().buffers, from.buffers);
	let mut to = Weights::init(&tiny(), 8).unwrap();
	to.set_component_from_file(EXPERT, &path(EXPERT)).unwrap();
	assert_eq!(to.component(EXPERT).unwrap(), from.component(EXPERT).unwrap());
	std::fs::remove_file(path(EXPERT)).unwrap();
	let error = Weights::load(&tiny(), &path).unwrap_err();
	assert!(error.is_retryable() && error.to_string().contains("expert(1,2)"), "{error}");
}

#[test]
fn clones_should_share_what_neither_changed() {
	let baseline = Weights::init(&tiny(), 7).unwrap();
	let mut candidate = baseline.clone();
	candidate.set_component(EXPERT, &content(|_| ())).unwrap();
	let shared = baseline.buffers.iter().zip(&candidate.buffers).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
	assert_eq!(shared, baseline.buffers.len() - 1);
}

#[test]
fn component_bytes_should_be_those_that_were_set_when_they_are_halves() {
	let mut weights = Weights::init(&tiny(), 7).unwrap();
	for (dtype, one, limit) in [(DType::F16, 0x3c00u16, 65_520.0), (DType::Bf16, 0x3f80, 3.4e38)] {
		// Every magnitude about one, negative ones, zeros of both signs and subnormals.
		let bits = (0..480u16).map(|i| match i % 4 {
			0 => one + i,
			1 => (one - i) | 0x8000,
			2 => i,
			_ => 0x8000 | (i / 200),
		});
		let bytes: Vec<u8> = bits.flat_map(u16::to_le_bytes).collect();
		let set = content(|tensors| {
			tensors[0] = Tensor::new("w1", dtype, &[24, 20], bytes.clone()).unwrap();
			tensors[2] = Tensor::new("w2", dtype, &[20, 24], bytes.clone()).unwrap();
		});
		weights.set_component(EXPERT, &set).unwrap();
		assert_eq!(weights.component_bytes(EXPERT).unwrap(), set, "{dtype}");
		weights.component_mut(EXPERT).unwrap()[7] = limit;
		let error = weights.component_bytes(EXPERT).unwrap_err().to_string();
		assert!(error.contains("beyond what") && error.contains("index 7"), "{error}");
	}
}

#[test]
fn partial_weights_should_take_a_new_expert_and_leave_their_clone_as_it_was() {
	let folder = tempfile::tempdir().unwrap();
	let from = lively(&tiny());
	let path = write_components(&from, folder.path());
	let before = Weights::load_partial(&tiny(), &path, 1 << 20).unwrap();
	let mut changed = from.clone();
	changed.component_mut(EXPERT).unwrap().fill(0.5);
	let new = folder.path().join("new");
	std::fs::write(&new, changed.component_bytes(EXPERT).unwrap()).unwrap();
	let mut after = before.clone();
	after.set_component_from_file(EXPERT, &new).unwrap();
	assert_eq!(after.held().unwrap().buffers, changed.buffers);
	assert_eq!(before.held().unwrap().buffers, from.buffers);
	assert!(matches!(after.component(EXPERT), Err(ModelError::NotHeld(EXPERT))));
	std::fs::write(folder.path().join("torn"), b"torn").unwrap();
	let error = after.set_component_from_file(EXPERT, &folder.path().join("torn")).unwrap_err();
	assert!(matches!(error, ModelError::Malformed { component: EXPERT, .. }), "{error}");
	assert_eq!(after.held().unwrap().buffers, changed.buffers);
}

#[test]
fn set_component_should_convert_half_precision_exactly() {
	let mut weights = Weights::init(&tiny(), 7).unwrap();
	let half = |name, shape: &[usize], dtype, bits: u16| {
		let bytes: Vec<u8> =
			vec![bits; shape.iter().product()].iter().flat_map(|x| x.to_le_bytes()).collect();
		Tensor::new(name, dtype, shape, bytes).unwrap()
	};
	let bytes = content(|tensors| {
		// 1.5 in both.
		tensors[0] = half("w1", &[24, 20], DType::F16, 0x3e00);
		tensors[1] = half("w3", &[24, 20], DType::Bf16, 0x3fc0);
	});
	weights.set_component(EXPERT, &bytes).unwrap();
	assert!(weights.component(EXPERT).unwrap()[..2 * 480].iter().all(|w| *w == 1.5));
}

#[test]
fn set_component_should_name_what_is_wrong_and_change_nothing_when_content_is_malformed() {
	let mut weights = Weights::init(&tiny(), 7).unwrap();
	let before = weights.buffers.clone();
	let mut refused = |bytes: &[u8]| match weights.set_component(EXPERT, bytes).unwrap_err() {
		ModelError::Malformed { component: EXPERT, tensor, why } => (tensor.unwrap_or_default(), why),
		other => panic!("{other}"),
	};
	let check = |(tensor, why): (String, String), name: &str, part: &str| {
		assert!(tensor == name && why.contains(part), "{tensor}: {why}");
	};
	check(refused(&[]), "", "");
	check(refused(b"not a container at all"), "", "");
	let whole = content(|_| ());
	check(refused(&whole[..whole.len() - 1]), "", "");
	check(refused(&content(|t| drop(t.remove(1)))), "w3", "is missing");
	check(refused(&content(|t| t.push(tensor("w4", &[1, 1], 0.0)))), "w4", "is not a tensor");
	check(refused(&content(|t| t[0] = tensor("w1", &[20, 24], 0.0))), "w1", "has shape [20, 24]");
	check(refused(&content(|t| t[2] = tensor("w2", &[20, 24], f32::NAN))), "w2", "NaN at index 0");
	check(refused(&content(|t| t[2] = tensor("w2", &[20, 24], f32::INFINITY))), "w2", "inf at index 0");
	let bytes = vec![0; 480];
	let int8 = content(|t| t[1] = Tensor::new("w3", DType::Int8, &[24, 20], bytes.clone()).unwrap());
	check(refused(&int8), "w3", "whole weights are f32, f16 or bf16");
	assert_eq!(weights.buffers, before);
	let absent = Component::Router { layer: 9 };
	assert!(
		matches!(weights.set_component(absent, &whole), Err(ModelError::UnknownComponent(c)) if c == absent)
	);
}

#[test]
fn component_bytes_should_refuse_weights_that_are_not_finite() {
	let mut weights = Weights::init(&tiny(), 7).unwrap();
	weights.component_mut(EXPERT).unwrap()[481] = f32::NEG_INFINITY;
	let error = weights.component_bytes(EXPERT).unwrap_err().to_string();
	assert!(error.contains("\"w3\"") && error.contains("index 1"), "{error}");
}

#[test]
fn init_should_refuse_an_architecture_too_large_to_lay_out() {
	let huge = Architecture { d_model: 1 << 31, heads: 2, ..tiny() };
	let error = Weights::init(&huge, 0).unwrap_err();
	assert!(matches!(error, ModelError::Config { field: "architecture", .. }), "{error}");
}
