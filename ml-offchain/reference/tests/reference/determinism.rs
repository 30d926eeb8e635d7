use crate::common::*;
use blyan_model::Weights;
use blyan_primitives::dag::Component;
use blyan_reference::{Options, Reference, MODULE};
use blyan_reference_guest::{evaluate, Fault, Gating, Input, Machine, Norm, Shape};

#[test]
fn reference_should_give_the_same_bits_when_repeated_and_from_several_threads_at_once() {
	let weights = random(&rich(), 1);
	let shards: Vec<_> = (0..6).map(|i| shard(60 + 11 * i)).collect();
	let alone: Vec<u64> = shards.iter().map(|s| measure(&weights, s).bits_per_byte.to_bits()).collect();
	for threads in [1, 2, 5] {
		std::thread::scope(|scope| {
			let others: Vec<_> = (0..threads)
				.map(|_| {
					scope.spawn(|| {
						shards
							.iter()
							.map(|s| measure(&weights, s).bits_per_byte.to_bits())
							.collect::<Vec<_>>()
					})
				})
				.collect();
			for other in others {
				assert_eq!(other.join().unwrap(), alone, "{threads} threads");
			}
		});
	}
}

#[test]
fn reference_should_give_the_same_bits_and_fuel_when_the_compiler_does_not_optimise() {
	let plain = Reference::load_with(MODULE, Options { optimise: false, ..Options::default() }).unwrap();
	let again = Reference::load(MODULE).unwrap();
	assert_eq!(plain.module_hash(), reference().module_hash());
	for (name, architecture) in variants() {
		let weights = random(&architecture, 6);
		let shard = shard(120);
		let expected = measure(&weights, &shard);
		for other in [&plain, &again] {
			let measured = measure_with(other, &weights, &shard).unwrap();
			assert_eq!(measured.bits_per_byte.to_bits(), expected.bits_per_byte.to_bits(), "{name}");
			assert_eq!(measured.fuel, expected.fuel, "{name}");
		}
	}
}

/// The same source, compiled for this machine.
struct Native<'a>(&'a Weights);

impl Machine for Native<'_> {
	fn read(&mut self, component: u32, offset: u64, to: &mut [f32]) -> Result<(), Fault> {
		let component = self.0.architecture().components().nth(component as usize).ok_or(Fault::Component)?;
		let numbers = self.0.component(component).map_err(|_| Fault::Component)?;
		let from = offset as usize;
		to.copy_from_slice(numbers.get(from..from + to.len()).ok_or(Fault::Component)?);
		Ok(())
	}

	fn numbers(&mut self, count: u64) -> Result<&'static mut [f32], Fault> {
		Ok(vec![0.0; count as usize].leak())
	}

	fn indices(&mut self, count: u64) -> Result<&'static mut [u32], Fault> {
		Ok(vec![0; count as usize].leak())
	}
}

fn words(shape: Shape, tokens: &[u32]) -> Vec<u32> {
	let input = Input { shape, predicted_bytes: tokens.len() as u64 - 1, tokens };
	input.header().into_iter().chain(tokens.iter().copied()).collect()
}

#[test]
fn reference_should_give_the_bits_of_the_same_source_when_it_is_compiled_for_this_machine() {
	let tiny = Shape {
		layers: 2,
		experts: 3,
		top_k: 2,
		d_model: 24,
		d_ff: 20,
		heads: 2,
		vocabulary: 256,
		context: 16,
		kv_heads: 2,
		head_width: 12,
		rope_theta: 10_000,
		norm_epsilon: 10_000,
		query_key_norm: Norm::None,
		qkv_bias: false,
		qkv_clip_milli: None,
		gating: Gating::Chosen,
		shared_d_ff: None,
		tied_head: false,
	};
	let rich = Shape {
		heads: 4,
		kv_heads: 2,
		head_width: 8,
		rope_theta: 1_000_000,
		norm_epsilon: 1_000,
		query_key_norm: Norm::Head,
		qkv_bias: true,
		qkv_clip_milli: Some(900),
		gating: Gating::All,
		shared_d_ff: Some(28),
		tied_head: true,
		..tiny
	};
	for (architecture, shape) in [(crate::common::tiny(), tiny), (crate::common::rich(), rich)] {
		for weights in [random(&architecture, 8), trained(&architecture)] {
			let shard = shard(400);
			let native = evaluate(&words(shape, &shard.tokens), &mut Native(&weights)).unwrap();
			assert_eq!(native.to_bits(), measure(&weights, &shard).bits_per_byte.to_bits());
		}
	}
}

#[test]
fn reference_should_give_these_bits_on_every_machine() {
	// Pinned: whoever changes the arithmetic changes verdicts, and must say so by another module.
	let bits = [tiny(), rich()]
		.map(|architecture| measure(&random(&architecture, 42), &shard(333)).bits_per_byte.to_bits());
	assert_eq!(bits, [0x4020_27c2_061d_127b, 0x4020_124f_1cf1_78ea]);
}

#[test]
fn reference_should_give_the_same_bits_when_experts_are_left_to_the_cache() {
	let weights = random(&rich(), 4);
	let folder = tempfile::tempdir().unwrap();
	let path = |component: Component| folder.path().join(component.to_string().replace(['(', ')', ','], "_"));
	for component in rich().components() {
		std::fs::write(path(component), weights.component_bytes(component).unwrap()).unwrap();
	}
	let one_expert = 3 * 24 * 20 * 4;
	let partial = Weights::load_partial(&rich(), path, one_expert).unwrap();
	assert_eq!(measure(&partial, &shard(100)), measure(&weights, &shard(100)));
}
