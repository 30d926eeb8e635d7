//! Replay against files that `golden/make.py` made from the README, in Python; and bits that must not change.

use blyan_delta::{replay, snapshot_matches, Delta, DeltaOptions, Part};
use blyan_tensorblock::{encode, Container, DType, Quantization, Tensor};
use sha2::{Digest, Sha256};

const BASE: &[u8] = include_bytes!("golden/base.tblock");
const FIRST: &[u8] = include_bytes!("golden/first.tblock");
const SECOND: &[u8] = include_bytes!("golden/second.tblock");
const REPLAYED: &[u8] = include_bytes!("golden/replayed.tblock");

fn golden() -> (Container<&'static [u8]>, Vec<Delta<&'static [u8]>>) {
	let deltas = [FIRST, SECOND].map(|bytes| Delta::parse(bytes).unwrap());
	(Container::parse(BASE).unwrap(), deltas.into())
}

#[test]
fn replay_should_give_what_another_implementation_computes() {
	let (base, deltas) = golden();
	let bytes = replay(&base, &deltas).unwrap();
	let (replayed, expected) = (Container::parse(&bytes[..]).unwrap(), Container::parse(REPLAYED).unwrap());
	for (name, tensor) in expected.tensors() {
		assert_eq!(replayed.tensor(name).unwrap().bytes(), tensor.bytes(), "{name}");
		assert_eq!(
			base.tensor(name).unwrap().bytes() == tensor.bytes(),
			name == "kept",
			"{name} in the base"
		);
	}
	assert_eq!(bytes, REPLAYED);
}

#[test]
fn replay_should_depend_on_the_order_of_a_chain() {
	let (base, mut deltas) = golden();
	deltas.reverse();
	assert_ne!(replay(&base, &deltas).unwrap(), REPLAYED);
}

#[test]
fn snapshot_should_match_only_when_every_byte_is_that_of_the_replay() {
	let (base, deltas) = golden();
	assert!(snapshot_matches(&base, &deltas, REPLAYED).unwrap());
	assert!(snapshot_matches(&base, &deltas[..0], BASE).unwrap());
	assert!(!snapshot_matches(&base, &deltas[..1], REPLAYED).unwrap());
	let mut other = REPLAYED.to_vec();
	for at in (0..other.len()).step_by(61) {
		other[at] ^= 1;
		assert!(!snapshot_matches(&base, &deltas, &other).unwrap(), "byte {at}");
		other[at] ^= 1;
	}
	other.push(0);
	assert!(!snapshot_matches(&base, &deltas, &other).unwrap());
	assert!(!snapshot_matches(&base, &deltas, &REPLAYED[..REPLAYED.len() - 1]).unwrap());
}

/// Numbers in -1..1 that need no library.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
	let mut state = seed;
	(0..count)
		.map(|_| {
			state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
			(state >> 8) as f32 / (1 << 23) as f32 - 1.0
		})
		.collect()
}

/// An expert before and after a step: a difference with a strong low-rank part, in every type.
fn expert(step: f32) -> Vec<u8> {
	let tensors = [
		("w1", DType::F32, Quantization::None, [96, 160]),
		("w2", DType::Bf16, Quantization::None, [160, 96]),
		("w3", DType::F16, Quantization::None, [96, 160]),
		("w4", DType::Int8, Quantization::PerRow, [96, 160]),
		("w5", DType::Fp8E4m3, Quantization::PerTensor, [96, 160]),
		("norm", DType::F32, Quantization::None, [1, 96]),
	]
	.map(|(name, dtype, quantization, [rows, columns])| {
		let start = numbers(1, rows * columns);
		let (left, right) = (numbers(2, rows * 3), numbers(3, 3 * columns));
		let noise = numbers(4, rows * columns);
		let values: Vec<f32> = (0..rows * columns)
			.map(|at| {
				let (row, column) = (at / columns, at % columns);
				let strong: f32 = (0..3).map(|k| left[row * 3 + k] * right[k * columns + column]).sum();
				start[at] + step * (strong + 0.1 * noise[at] * noise[at] * noise[at])
			})
			.collect();
		Tensor::quantized(name, dtype, quantization, &[rows, columns], &values).unwrap()
	});
	encode(&tensors).unwrap()
}

fn digest(bytes: &[u8]) -> String {
	Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn delta_and_replay_should_have_the_bits_they_always_had_on_any_number_of_threads() {
	let (base, new) = (Container::parse(expert(0.0)).unwrap(), Container::parse(expert(0.25)).unwrap());
	let on = |threads| {
		let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
		pool.install(|| {
			let options = DeltaOptions { rank: 4, kept_millionths: 50_000, ..DeltaOptions::default() };
			let encoded = Delta::encode(&base, &new, &options).unwrap();
			assert_eq!(encoded.tensors[1].parts, [Part::Left, Part::Right, Part::Sparse]);
			let replayed = replay(&base, &[Delta::parse(&encoded.bytes[..]).unwrap()]).unwrap();
			(digest(&encoded.bytes), digest(&replayed))
		})
	};
	let one = on(1);
	assert_eq!(one, on(2));
	assert_eq!(one, on(7));
	let delta = "e8f24c17e3ec51535629564fc09706b0ebed5e839beb7c1ab0aaf9581a414da7";
	let replayed = "c8e8db2e27d422bc843cf5b8724ac3e0ab823cc808b3bafe71a2654f56e4da2f";
	assert_eq!(one, (delta.to_owned(), replayed.to_owned()));
}
