//! What encoding keeps, what it loses, and how chains compose.

use blyan_delta::{replay, replay_to, Delta, DeltaError, DeltaOptions, Part};
use blyan_tensorblock::{encode, write, Container, DType, Quantization, Tensor};
use proptest::prelude::*;

type Bytes = Container<Vec<u8>>;

fn container(tensors: &[Tensor<'_>]) -> Bytes {
	Container::parse(encode(tensors).unwrap()).unwrap()
}

fn replayed(base: &Bytes, deltas: &[&[u8]]) -> Bytes {
	let deltas: Vec<_> = deltas.iter().map(|bytes| Delta::parse(*bytes).unwrap()).collect();
	Container::parse(replay(base, &deltas).unwrap()).unwrap()
}

/// The norm of the difference of a tensor in two containers.
fn distance(a: &Bytes, b: &Bytes, name: &str) -> f64 {
	let (a, b) = (a.tensor(name).unwrap().to_f32_vec(), b.tensor(name).unwrap().to_f32_vec());
	a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

/// Numbers in -1..1 that need no library.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
	let mut state = seed;
	(0..count)
		.map(|_| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 40) as f32 / (1 << 23) as f32 - 1.0
		})
		.collect()
}

/// A difference as gradients are: a few strong directions, and noise of which few elements are large.
fn gradient(rows: usize, columns: usize, seed: u64) -> Vec<f32> {
	const DIRECTIONS: usize = 16;
	let (left, right) = (numbers(seed, rows * DIRECTIONS), numbers(seed + 1, columns * DIRECTIONS));
	let noise = numbers(seed + 2, rows * columns);
	(0..rows * columns)
		.map(|at| {
			let (left, right) = (&left[at / columns * DIRECTIONS..], &right[at % columns * DIRECTIONS..]);
			let strong: f32 = (0..DIRECTIONS).map(|k| left[k] * right[k] / (k + 1) as f32).sum();
			1e-3 * (strong + 0.5 * noise[at].powi(9))
		})
		.collect()
}

fn weights(rows: usize, columns: usize, step: f32) -> Vec<f32> {
	let change = gradient(rows, columns, 5);
	numbers(1, rows * columns).iter().zip(change).map(|(old, change)| old + step * change).collect()
}

fn matrix(values: &[f32], rows: usize, columns: usize) -> Bytes {
	container(&[Tensor::from_f32("w", &[rows, columns], values).unwrap()])
}

#[test]
fn default_stack_should_make_80_to_200_kib_of_4_mib() {
	let (rows, columns) = (1024, 1024);
	let (base, new) = (
		matrix(&weights(rows, columns, 0.0), rows, columns),
		matrix(&weights(rows, columns, 1.0), rows, columns),
	);
	let encoded = Delta::encode(&base, &new, &DeltaOptions::default()).unwrap();
	let kib = encoded.bytes.len() >> 10;
	assert!((80..200).contains(&kib), "{kib} KiB");
	let report = &encoded.tensors[0];
	assert_eq!(report.parts, [Part::Left, Part::Right, Part::Sparse]);
	assert!(encoded.relative_loss() < 0.5, "{}", encoded.relative_loss());
	let replayed = replayed(&base, &[&encoded.bytes]);
	assert_eq!(distance(&new, &replayed, "w"), report.lost, "the loss is what replay leaves");
	assert!((distance(&new, &base, "w") / report.difference - 1.0).abs() < 1e-6);
}

#[test]
fn each_method_should_lose_no_more_than_its_kind_allows() {
	let (rows, columns) = (200, 300);
	let (base, new) = (
		matrix(&weights(rows, columns, 0.0), rows, columns),
		matrix(&weights(rows, columns, 1.0), rows, columns),
	);
	let loss = |options: DeltaOptions, parts: &[Part]| {
		let encoded = Delta::encode(&base, &new, &options).unwrap();
		assert_eq!(encoded.tensors[0].parts, parts);
		encoded.relative_loss()
	};
	let exact = DeltaOptions { int8: false, ..DeltaOptions::int8() };
	assert!(loss(exact, &[Part::Dense]) < 1e-4, "only sums are rounded");
	let int8 = loss(DeltaOptions::int8(), &[Part::Dense]);
	assert!((1e-4..0.02).contains(&int8), "{int8}");
	let top_k = loss(DeltaOptions::top_k(), &[Part::Sparse]);
	let low_rank = loss(DeltaOptions::low_rank(), &[Part::Left, Part::Right]);
	let stack = loss(DeltaOptions::default(), &[Part::Left, Part::Right, Part::Sparse]);
	assert!(stack < low_rank && low_rank < 0.6, "{stack} {low_rank}");
	assert!(int8 < top_k && top_k < 0.7, "{int8} {top_k}");
	let exact_stack = DeltaOptions { int8: false, ..DeltaOptions::default() };
	let exact_stack = loss(exact_stack, &[Part::Left, Part::Right, Part::Sparse]);
	assert!(exact_stack < stack, "{exact_stack} {stack}");
}

#[test]
fn top_k_should_keep_a_fifth_of_the_elements_and_leave_others_alone() {
	let values = numbers(7, 2000);
	let (base, new) = (matrix(&[-0.0; 2000], 40, 50), matrix(&values, 40, 50));
	let encoded = Delta::encode(&base, &new, &DeltaOptions::top_k()).unwrap();
	let replayed = replayed(&base, &[&encoded.bytes]);
	let replayed = replayed.tensor("w").unwrap().to_f32_vec();
	let mut magnitudes: Vec<f32> = values.iter().map(|value| value.abs()).collect();
	magnitudes.sort_by(|a, b| b.total_cmp(a));
	for (value, replayed) in values.iter().zip(replayed) {
		if value.abs() >= magnitudes[399] {
			assert!((value - replayed).abs() < 0.501 / 127.0, "{value} {replayed}");
		} else {
			assert_eq!(replayed.to_bits(), (-0.0f32).to_bits(), "not even a sign changes");
		}
	}
}

#[test]
fn what_was_lost_should_come_back_when_the_next_delta_is_against_the_replayed_weights() {
	let (rows, columns) = (120, 150);
	let (base, new) = (
		matrix(&weights(rows, columns, 0.0), rows, columns),
		matrix(&weights(rows, columns, 1.0), rows, columns),
	);
	let mut published = replayed(&base, &[]);
	let mut losses = vec![distance(&base, &new, "w")];
	for _ in 0..4 {
		let encoded = Delta::encode(&published, &new, &DeltaOptions::default()).unwrap();
		published = replayed(&published, &[&encoded.bytes]);
		losses.push(distance(&published, &new, "w"));
	}
	assert!(losses.windows(2).all(|pair| pair[1] < pair[0] * 0.9), "{losses:?}");
	assert!(losses[4] < losses[0] * 0.15, "{losses:?}");
}

#[test]
fn delta_should_be_empty_when_nothing_changed_and_leave_out_what_did_not() {
	let base = container(&[
		Tensor::from_f32("a", &[2], &[1.0, 2.0]).unwrap(),
		Tensor::from_f32("b", &[], &[f32::MAX]).unwrap(),
	]);
	let encoded = Delta::encode(&base, &base, &DeltaOptions::default()).unwrap();
	assert!(encoded.tensors.is_empty() && Container::parse(&encoded.bytes[..]).unwrap().is_empty());
	assert_eq!(
		(encoded.relative_loss(), replayed(&base, &[&encoded.bytes]).as_bytes()),
		(0.0, base.as_bytes())
	);

	let new = container(&[
		Tensor::from_f32("a", &[2], &[1.0, 2.5]).unwrap(),
		Tensor::from_f32("b", &[], &[f32::MAX]).unwrap(),
	]);
	let encoded = Delta::encode(&base, &new, &DeltaOptions::default()).unwrap();
	let delta = Delta::parse(&encoded.bytes[..]).unwrap();
	assert_eq!(delta.tensors().collect::<Vec<_>>(), ["a"]);
	assert_eq!(delta.container().names().collect::<Vec<_>>(), ["a/dense"]);
	assert_eq!(
		replayed(&base, &[&encoded.bytes]).as_bytes(),
		new.as_bytes(),
		"small tensors are stored in f32"
	);
}

#[test]
fn files_should_replay_as_memory_does() {
	let folder = tempfile::tempdir().unwrap();
	let paths = ["base", "delta"].map(|name| folder.path().join(name));
	let (old, new) = (weights(64, 64, 0.0), weights(64, 64, 1.0));
	write(&paths[0], &[Tensor::from_f32("w", &[64, 64], &old).unwrap()]).unwrap();
	let base = Container::open(&paths[0]).unwrap();
	let encoded = Delta::encode(&base, &matrix(&new, 64, 64), &DeltaOptions::default()).unwrap();
	std::fs::write(&paths[1], &encoded.bytes).unwrap();
	let deltas = [Delta::open(&paths[1]).unwrap()];
	let mut out = std::fs::File::create(folder.path().join("out")).unwrap();
	replay_to(&base, &deltas, &mut out).unwrap();
	assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), replay(&base, &deltas).unwrap());
	let mut small = [0u8; 100];
	let error = replay_to(&base, &deltas, &mut small.as_mut_slice()).unwrap_err();
	assert!(matches!(error, DeltaError::Write { .. }) && error.is_retryable(), "{error}");
}

/// A tensor of any type and shape, before and after.
fn tensors() -> impl Strategy<Value = (Tensor<'static>, Vec<Tensor<'static>>)> {
	let kinds = prop_oneof![
		Just((DType::F32, Quantization::None)),
		Just((DType::F16, Quantization::None)),
		Just((DType::Bf16, Quantization::None)),
		Just((DType::Int8, Quantization::None)),
		Just((DType::Int8, Quantization::PerRow)),
		Just((DType::Fp8E4m3, Quantization::PerTensor)),
		Just((DType::Fp8E4m3, Quantization::PerRow)),
	];
	let shape = prop_oneof![
		(0usize..12, 0usize..40).prop_map(|(rows, columns)| vec![rows, columns]),
		(0usize..60).prop_map(|length| vec![length]),
		Just(vec![]),
	];
	(kinds, shape, any::<u64>(), 1usize..4).prop_map(|((dtype, quantization), shape, seed, steps)| {
		let count = shape.iter().product();
		let at = |step: usize| {
			let values: Vec<f32> = numbers(seed, count)
				.iter()
				.zip(numbers(seed ^ 1, count))
				.map(|(old, change)| 10.0 * old + step as f32 * change.powi(3))
				.collect();
			Tensor::quantized("w", dtype, quantization, &shape, &values).unwrap()
		};
		(at(0), (1..=steps).map(at).collect())
	})
}

fn options() -> impl Strategy<Value = DeltaOptions> {
	(0usize..5, prop_oneof![Just(0u32), 1u32..=1_000_000], any::<bool>(), 0usize..40, any::<u64>()).prop_map(
		|(rank, kept_millionths, int8, whole_elements, seed)| DeltaOptions {
			rank,
			kept_millionths,
			int8,
			whole_elements,
			seed,
		},
	)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn chain_should_give_the_same_bits_wherever_a_snapshot_is_taken((first, steps) in tensors(), options in options()) {
		let base = container(&[first]);
		let (mut head, mut deltas) = (replayed(&base, &[]), Vec::new());
		prop_assert_eq!(head.as_bytes(), base.as_bytes());
		for step in steps {
			let encoded = Delta::encode(&head, &container(&[step]), &options).unwrap();
			head = replayed(&head, &[&encoded.bytes]);
			deltas.push(encoded.bytes);
			// All at once, or in two pieces at any place.
			let all: Vec<&[u8]> = deltas.iter().map(Vec::as_slice).collect();
			let whole = replayed(&base, &all);
			prop_assert_eq!(whole.as_bytes(), head.as_bytes());
			for cut in 0..=all.len() {
				let snapshot = replayed(&base, &all[..cut]);
				let rest = replayed(&snapshot, &all[cut..]);
				prop_assert_eq!(rest.as_bytes(), head.as_bytes());
			}
		}
	}

	#[test]
	fn report_should_say_exactly_what_replay_leaves((first, steps) in tensors(), options in options()) {
		let (base, new) = (container(&[first]), container(&steps[..1]));
		let encoded = Delta::encode(&base, &new, &options).unwrap();
		let replayed = replayed(&base, &[&encoded.bytes]);
		let lost = encoded.tensors.first().map_or(0.0, |report| report.lost);
		prop_assert_eq!(distance(&replayed, &new, "w"), lost);
		for report in &encoded.tensors {
			prop_assert!(report.bytes <= encoded.bytes.len() as u64);
			prop_assert!(report.difference > 0.0);
		}
	}
}
