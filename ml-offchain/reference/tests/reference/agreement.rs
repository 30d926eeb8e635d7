use crate::common::*;
use blyan_model::{evaluate_tokens, nanobits, Device, TokenShard, Weights};
use blyan_reference::fuel_limit;

/// How far the two may differ, in bits per byte: a hundredth of the tolerance that evaluators have. What was
/// measured is in the README.
const TOLERANCE: f64 = 1e-5;

fn difference(weights: &Weights, shard: &TokenShard) -> f64 {
	let fast = evaluate_tokens(Device::Cpu, weights, std::slice::from_ref(shard), 1).unwrap()[0];
	let reference = measure(weights, shard);
	assert_eq!(reference.nanobits, nanobits(reference.bits_per_byte));
	(reference.bits_per_byte - fast).abs()
}

#[test]
fn reference_should_agree_with_the_fast_path_when_weights_are_random() {
	let mut largest: f64 = 0.0;
	for (name, architecture) in variants() {
		for seed in 0..4 {
			let weights = random(&architecture, seed);
			for len in [2, 3, 17, 150] {
				let difference = difference(&weights, &shard(len));
				assert!(difference <= TOLERANCE, "{name}, seed {seed}, {len} bytes: {difference:e}");
				largest = largest.max(difference);
			}
		}
	}
	println!("largest difference, random weights: {largest:e} bits per byte");
}

#[test]
fn reference_should_agree_with_the_fast_path_when_weights_are_trained() {
	let mut largest: f64 = 0.0;
	for (name, architecture) in variants() {
		let weights = trained(&architecture);
		let shard = shard(1200);
		let difference = difference(&weights, &shard);
		assert!(difference <= TOLERANCE, "{name}: {difference:e}");
		let loss = measure(&weights, &shard).bits_per_byte;
		assert!(loss < 6.0, "{name} learnt too little to tell: {loss}");
		largest = largest.max(difference);
	}
	println!("largest difference, trained weights: {largest:e} bits per byte");
}

#[test]
fn reference_should_be_eight_bits_when_the_head_is_zero() {
	use blyan_primitives::dag::Component;
	let mut weights = random(&tiny(), 1);
	let head = weights.tensor(Component::Backbone, "head").unwrap().1.len();
	let backbone = weights.component_mut(Component::Backbone).unwrap();
	let at = backbone.len() - head;
	backbone[at..].fill(0.0);
	// ln 256 / ln 2 in f64, and sums of equal numbers.
	assert!((measure(&weights, &shard(300)).bits_per_byte - 8.0).abs() < 1e-12);
}

#[test]
fn reference_should_count_bytes_not_tokens_when_a_token_is_several() {
	let weights = random(&tiny(), 2);
	let bytes = shard(90);
	let tokens = TokenShard { predicted_bytes: bytes.predicted_bytes * 4, ..bytes.clone() };
	assert_eq!(measure(&weights, &tokens).bits_per_byte, measure(&weights, &bytes).bits_per_byte / 4.0);
}

#[test]
fn fuel_limit_should_suffice_and_be_of_the_same_order_for_any_shape_and_length() {
	let (mut least, mut most) = (f64::INFINITY, 0.0f64);
	for (name, architecture) in variants() {
		let weights = random(&architecture, 5);
		for len in [2, 40, 700] {
			let used = measure(&weights, &shard(len)).fuel as f64;
			let limit = fuel_limit(&architecture, len as u64) as f64;
			let share = used / limit;
			println!("{name}, {len} bytes: {used:e} of {limit:e}, {share:.3}");
			assert!(share < 0.8, "{name}, {len} bytes: {share}");
			// A short shard is mostly what every evaluation is allowed to start.
			if len == 700 {
				least = least.min(share);
			}
			most = most.max(share);
		}
	}
	assert!(least > 0.05, "a limit too far off bounds little: {least}");
	println!("of the limit, from {least:.3} to {most:.3} are used");
}
