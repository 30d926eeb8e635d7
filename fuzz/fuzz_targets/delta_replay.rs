//! A delta is refused, or replays to a container like the base, whatever the chain is cut into.
#![no_main]

use arbitrary::Arbitrary;
use blyan_delta::{replay, snapshot_matches, Delta};
use blyan_fuzz::{assert_container_is_sound, file_of_pieces};
use blyan_tensorblock::{encode, Container, DType, Quantization, Tensor};
use libfuzzer_sys::fuzz_target;

/// A tensor of every type; see golden/make.py.
const BASE: &[u8] = include_bytes!("../../ml-offchain/delta/tests/golden/base.tblock");
const TENSORS: [(&str, [usize; 2], usize); 7] = [
	("bf16", [3, 4], 2),
	("f16", [1, 5], 1),
	("f32", [5, 7], 2),
	("fp8", [2, 3], 2),
	("int8", [2, 3], 2),
	("kept", [1, 1], 0),
	("none", [1, 1], 0),
];

#[derive(Arbitrary, Debug)]
enum Input<'a> {
	/// The file of a delta, in pieces.
	File(&'a [u8]),
	/// Deltas that are containers at least.
	Chain(Vec<Vec<Part>>),
}

#[derive(Arbitrary, Debug)]
struct Part {
	tensor: u8,
	/// Which of the parts there are, and one that there is not.
	part: u8,
	dtype: u8,
	quantization: u8,
	/// What is added to the shape that it should have.
	misfit: Option<(u8, u8)>,
	rank: u8,
	scales: Vec<f32>,
	/// Repeated, they are the elements' bytes.
	data: Vec<u8>,
	/// Which elements a sparse part stores, as a mask.
	mask: u64,
}

impl Part {
	fn tensor(&self) -> Option<Tensor<'static>> {
		let (name, [rows, columns], dims) = TENSORS[usize::from(self.tensor) % TENSORS.len()];
		let rank = usize::from(self.rank % 5);
		let part = usize::from(self.part % 5);
		let suffix = ["dense", "left", "right", "sparse", "other"][part];
		let mut shape = match part {
			0 => [rows, columns][2 - dims..].to_vec(),
			1 => vec![rows, rank],
			2 => vec![rank, columns],
			_ => vec![rows, columns],
		};
		if let (Some((rows, columns)), [a, b]) = (self.misfit, &mut shape[..]) {
			(*a, *b) = (*a + usize::from(rows % 4), *b + usize::from(columns % 4));
		}
		let dtype = DType::ALL[usize::from(self.dtype) % 5];
		let name = format!("{name}/{suffix}");
		let elements = shape.iter().product();
		let bytes = |count: usize| -> Vec<u8> {
			let given = self.data.iter().copied().cycle().chain(std::iter::repeat(1));
			given.take(count * dtype.bytes()).collect()
		};
		let tensor = if part == 3 {
			let is_kept = |index: &u32| self.mask >> (index % 64) & 1 == 1;
			let indices: Vec<u32> = (0..elements as u32).filter(is_kept).collect();
			let data = bytes(indices.len());
			Tensor::sparse(name, dtype, [shape[0], shape[1]], indices, data).ok()?
		} else {
			Tensor::new(name, dtype, &shape, bytes(elements)).ok()?
		};
		let quantization = [Quantization::None, Quantization::PerTensor, Quantization::PerRow]
			[usize::from(self.quantization) % 3];
		let scales = match quantization {
			Quantization::None => 0,
			Quantization::PerTensor => 1,
			Quantization::PerRow => {
				if shape.len() == 2 {
					shape[0]
				} else {
					1
				}
			}
		};
		let given = self.scales.iter().copied().cycle().chain(std::iter::repeat(0.5));
		tensor.with_scales(quantization, given.take(scales).collect()).ok()
	}
}

fuzz_target!(|input: Input<'_>| {
	let files = match input {
		Input::File(input) => vec![file_of_pieces(input)],
		Input::Chain(deltas) => {
			let delta =
				|parts: &Vec<Part>| encode(&parts.iter().filter_map(Part::tensor).collect::<Vec<_>>()).ok();
			deltas.iter().take(3).filter_map(delta).collect()
		}
	};
	let base = Container::parse(BASE).expect("the golden file is valid");
	let Ok(deltas) = files.iter().map(|file| Delta::parse(&file[..])).collect::<Result<Vec<_>, _>>() else {
		return;
	};
	let Ok(whole) = replay(&base, &deltas) else { return };

	let replayed = Container::parse(&whole[..]).expect("replay makes a container");
	assert_container_is_sound(&whole, &replayed);
	for (name, before) in base.tensors() {
		let after = replayed.tensor(name).expect("replay keeps every tensor");
		assert_eq!(
			(before.dtype(), before.shape(), before.scales()),
			(after.dtype(), after.shape(), after.scales())
		);
		if deltas.iter().all(|delta| delta.tensors().all(|changed| changed != name)) {
			assert_eq!(before.bytes(), after.bytes());
		} else {
			assert!(after.to_f32_vec().iter().all(|value| value.is_finite()));
		}
	}
	assert!(snapshot_matches(&base, &deltas, &whole).expect("it was just replayed"));
	for cut in 0..deltas.len() {
		let snapshot = replay(&base, &deltas[..cut]).expect("a part of what replays, replays");
		let snapshot = Container::parse(&snapshot[..]).expect("replay makes a container");
		assert_eq!(replay(&snapshot, &deltas[cut..]).expect("so does the rest"), whole);
	}
});
