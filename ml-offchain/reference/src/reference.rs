//! Loading and running the module.

use crate::{
	machine::{self, Machine, IMPORTS},
	ReferenceError,
};
use blyan_model::{nanobits, ModelError, TokenShard, Weights, MAX_LOSS};
use blyan_primitives::{
	architecture::{Architecture, Gating, QueryKeyNorm},
	dag::Component,
	learning::NanoBits,
	Hash,
};
use blyan_reference_guest as guest;
use guest::{Fault, Input, Shape};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use std::sync::Arc;
use wasmtime::{
	Config, Engine, InstancePre, Linker, Module, OptLevel, Store, Strategy, Trap, TypedFunc,
	WasmBacktraceDetails,
};

/// The most memory that a module can address.
pub const MAX_MEMORY_BYTES: u64 = 1 << 32;

/// How the module is run. Nothing of it changes a bit of any loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
	/// Most memory of an evaluation, in bytes; at most [`MAX_MEMORY_BYTES`].
	pub memory_bytes: u64,
	/// Whether the compiler optimises: slower to load, faster to run.
	pub optimise: bool,
}

impl Default for Options {
	fn default() -> Self {
		Self { memory_bytes: MAX_MEMORY_BYTES, optimise: true }
	}
}

/// What the reference says of a shard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
	/// The loss in bits per byte, from 0 to [`MAX_LOSS`]: the same bits on every machine.
	pub bits_per_byte: f64,
	/// The same as the chain counts it.
	pub nanobits: NanoBits,
	/// Fuel that it took.
	pub fuel: u64,
}

/// A reference module, compiled for this machine. Threads may share it: each call has an instance of its own.
#[derive(Clone)]
pub struct Reference {
	module: InstancePre<Machine>,
	hash: Hash,
	options: Options,
}

impl std::fmt::Debug for Reference {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Reference")
			.field("hash", &self.hash)
			.field("options", &self.options)
			.finish_non_exhaustive()
	}
}

/// What the module exports.
struct Exports {
	reserve: TypedFunc<u32, u32>,
	evaluate: TypedFunc<(u32, u32), i64>,
}

/// All that leaves the choice of a result's bits to the machine is off.
fn engine(options: Options) -> Result<Engine, ReferenceError> {
	let mut config = Config::new();
	config
		.strategy(Strategy::Cranelift)
		.cranelift_opt_level(if options.optimise { OptLevel::Speed } else { OptLevel::None })
		.cranelift_nan_canonicalization(true)
		.consume_fuel(true)
		.wasm_relaxed_simd(false)
		.wasm_simd(false)
		.wasm_threads(false)
		.wasm_multi_memory(false)
		.wasm_memory64(false)
		.wasm_tail_call(false)
		.wasm_backtrace_details(WasmBacktraceDetails::Disable);
	Engine::new(&config).map_err(|error| ReferenceError::Engine(format!("{error:#}")))
}

fn no_module(error: wasmtime::Error) -> ReferenceError {
	ReferenceError::Module(format!("{error:#}"))
}

impl Reference {
	/// Compiles a module and checks what it imports and exports.
	///
	/// # Errors
	/// [`ReferenceError::Module`], [`ReferenceError::Engine`].
	pub fn load(module: &[u8]) -> Result<Self, ReferenceError> {
		Self::load_with(module, Options::default())
	}

	/// [`Reference::load`] with options.
	///
	/// # Errors
	/// As there.
	pub fn load_with(module: &[u8], options: Options) -> Result<Self, ReferenceError> {
		let engine = engine(options)?;
		let hash = BlakeTwo256::hash(module);
		// Binary only: with more features of the engine, text would be taken too.
		let module = Module::from_binary(&engine, module).map_err(no_module)?;
		let mut linker = Linker::new(&engine);
		linker
			.func_wrap(IMPORTS, "read", machine::read)
			.map_err(|error| ReferenceError::Engine(error.to_string()))?;
		let module = linker.instantiate_pre(&module).map_err(no_module)?;
		for (name, kind) in
			[("memory", "(memory)"), ("reserve", "(i32) -> i32"), ("evaluate", "(i32, i32) -> i64")]
		{
			if module.module().get_export(name).is_none() {
				return Err(ReferenceError::Module(format!("it exports no {name} {kind}")));
			}
		}
		Ok(Self { module, hash, options })
	}

	/// BLAKE2-256 of the module: what the chain knows it by.
	pub fn module_hash(&self) -> Hash {
		self.hash
	}

	/// The loss of a shard: the same bits whatever the machine, the thread and the options. As `evaluate`'s, but for
	/// the last bits. [`crate::fuel_limit`] says how much fuel suffices.
	///
	/// # Errors
	/// A shard that `evaluate_tokens` would refuse; too little fuel or memory; an expert that cannot be loaded.
	pub fn shard_loss(
		&self,
		weights: &Weights,
		shard: &TokenShard,
		fuel: u64,
	) -> Result<Measured, ReferenceError> {
		let architecture = weights.architecture();
		check(architecture, shard)?;
		let input = Input {
			shape: shape(architecture),
			predicted_bytes: shard.predicted_bytes,
			tokens: &shard.tokens,
		};
		let words = input.header().into_iter().chain(shard.tokens.iter().copied());
		let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
		self.run(weights, &bytes, fuel)
	}

	/// Gives the module these bytes.
	fn run(&self, weights: &Weights, input: &[u8], fuel: u64) -> Result<Measured, ReferenceError> {
		let components: Arc<[Component]> = weights.architecture().components().collect();
		let machine = Machine::new(weights, components, self.options.memory_bytes);
		let mut store = Store::new(self.module.module().engine(), machine);
		store.limiter(|machine| machine);
		store.set_fuel(fuel).map_err(|error| ReferenceError::Engine(error.to_string()))?;
		let exports = self.exports(&mut store).map_err(|error| self.broken(error, &store, fuel))?;
		let answer = call(&exports, &mut store, input).map_err(|error| self.broken(error, &store, fuel))?;
		let Some(answer) = answer else { return Err(self.out_of_memory()) };
		let nonsense =
			|| ReferenceError::Module(format!("it answers {answer}, which is neither loss nor fault"));
		if answer < 0 {
			return Err(match Fault::from_code(answer).ok_or_else(nonsense)? {
				Fault::Memory => self.out_of_memory(),
				fault => ReferenceError::Refused(fault),
			});
		}
		let bits_per_byte = f64::from_bits(answer as u64);
		if !(0.0..=MAX_LOSS).contains(&bits_per_byte) {
			return Err(nonsense());
		}
		let left = store.get_fuel().map_err(|error| ReferenceError::Engine(error.to_string()))?;
		Ok(Measured { bits_per_byte, nanobits: nanobits(bits_per_byte), fuel: fuel - left })
	}

	fn exports(&self, store: &mut Store<Machine>) -> wasmtime::Result<Exports> {
		let instance = self.module.instantiate(&mut *store)?;
		store.data_mut().memory = instance.get_memory(&mut *store, "memory");
		let wrong = |error: wasmtime::Error| ReferenceError::Module(format!("{error:#}"));
		Ok(Exports {
			reserve: instance.get_typed_func(&mut *store, "reserve").map_err(wrong)?,
			evaluate: instance.get_typed_func(&mut *store, "evaluate").map_err(wrong)?,
		})
	}

	fn out_of_memory(&self) -> ReferenceError {
		ReferenceError::OutOfMemory { limit_bytes: self.options.memory_bytes.min(MAX_MEMORY_BYTES) }
	}

	/// What stopped the module.
	fn broken(&self, error: wasmtime::Error, store: &Store<Machine>, given: u64) -> ReferenceError {
		if let Some(Trap::OutOfFuel) = error.downcast_ref() {
			return ReferenceError::OutOfFuel { given };
		}
		if store.data().is_out_of_memory {
			return self.out_of_memory();
		}
		match error.downcast::<ReferenceError>() {
			Ok(error) => error,
			Err(error) => ReferenceError::Trap(format!("{error:#}")),
		}
	}
}

/// Copies the input in and calls; `None` if the module has no room for it.
fn call(exports: &Exports, store: &mut Store<Machine>, input: &[u8]) -> wasmtime::Result<Option<i64>> {
	let nonsense = |why: &str| ReferenceError::Module(why.into());
	let Ok(len) = u32::try_from(input.len()) else { return Ok(None) };
	let at = exports.reserve.call(&mut *store, len)?;
	if at == 0 {
		return Ok(None);
	}
	let memory = store.data().memory.ok_or_else(|| nonsense("what it exports as memory is none"))?;
	memory
		.write(&mut *store, at as usize, input)
		.map_err(|_| nonsense("it reserves what is not within its memory"))?;
	exports.evaluate.call(store, (at, len)).map(Some)
}

/// What the module would refuse too, said with names and places.
fn check(architecture: &Architecture, shard: &TokenShard) -> Result<(), ModelError> {
	if shard.tokens.len() < 2 || shard.predicted_bytes == 0 {
		return Err(ModelError::TextTooShort { got: shard.tokens.len() as u64, needed: 2 });
	}
	let vocabulary = architecture.vocabulary;
	match shard.tokens.iter().position(|token| *token >= vocabulary) {
		Some(position) => Err(ModelError::Token { token: shard.tokens[position], position, vocabulary }),
		None => Ok(()),
	}
}

fn shape(architecture: &Architecture) -> Shape {
	let a = architecture;
	Shape {
		layers: a.layers.into(),
		experts: a.experts.current.into(),
		top_k: a.top_k.into(),
		d_model: a.d_model,
		d_ff: a.d_ff,
		heads: a.heads.into(),
		vocabulary: a.vocabulary,
		context: a.context,
		kv_heads: a.kv_heads.into(),
		head_width: a.head_width.into(),
		rope_theta: a.rope_theta,
		norm_epsilon: a.norm_epsilon,
		query_key_norm: match a.query_key_norm {
			QueryKeyNorm::None => guest::Norm::None,
			QueryKeyNorm::Head => guest::Norm::Head,
			QueryKeyNorm::Width => guest::Norm::Width,
		},
		qkv_bias: a.qkv_bias,
		qkv_clip_milli: a.qkv_clip_milli,
		gating: match a.gating {
			Gating::Chosen => guest::Gating::Chosen,
			Gating::All => guest::Gating::All,
		},
		shared_d_ff: a.shared_d_ff,
		tied_head: a.tied_head,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{fuel_limit, MODULE};
	use blyan_primitives::architecture::ExpertCount;

	const TOKENS: [u32; 5] = [104, 101, 108, 108, 111];

	fn weights() -> Weights {
		let experts = ExpertCount { min: 2, current: 3, max: 4 };
		Weights::init(&Architecture::byte_level(2, experts, 2, 24, 20, 2, 16), 1).unwrap()
	}

	fn words(change: impl FnOnce(&mut Shape)) -> Vec<u32> {
		let mut shape = shape(weights().architecture());
		change(&mut shape);
		let input = Input { shape, predicted_bytes: 4, tokens: &TOKENS };
		input.header().into_iter().chain(TOKENS).collect()
	}

	fn run(words: &[u32]) -> Result<Measured, ReferenceError> {
		run_bytes(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
	}

	fn run_bytes(bytes: &[u8]) -> Result<Measured, ReferenceError> {
		static REFERENCE: std::sync::OnceLock<Reference> = std::sync::OnceLock::new();
		let reference = REFERENCE.get_or_init(|| Reference::load(MODULE).unwrap());
		let weights = weights();
		reference.run(&weights, bytes, 100 * fuel_limit(weights.architecture(), 5))
	}

	fn fault(words: &[u32]) -> Fault {
		match run(words) {
			Err(ReferenceError::Refused(fault)) => fault,
			other => panic!("{other:?}"),
		}
	}

	#[test]
	fn module_should_refuse_an_input_when_it_is_cut_anywhere_or_too_long() {
		let whole: Vec<u8> = words(|_| ()).iter().flat_map(|word| word.to_le_bytes()).collect();
		run_bytes(&whole).unwrap();
		for len in 0..whole.len() {
			let outcome = run_bytes(&whole[..len]);
			assert!(matches!(outcome, Err(ReferenceError::Refused(Fault::Length))), "{len}: {outcome:?}");
		}
		for more in 1..9 {
			let outcome = run_bytes(&[&whole[..], &vec![0; more]].concat());
			assert!(matches!(outcome, Err(ReferenceError::Refused(Fault::Length))), "{more}: {outcome:?}");
		}
	}

	#[test]
	fn module_should_name_what_is_wrong_with_a_header() {
		let with = |place: usize, value: u32| {
			let mut words = words(|_| ());
			words[place] = value;
			fault(&words)
		};
		let header = guest::HEADER_WORDS;
		assert_eq!(with(0, 2), Fault::Version);
		assert_eq!(with(header - 3, 0), Fault::TooShort, "no bytes are predicted");
		assert_eq!(with(header - 1, 4), Fault::Length);
		assert_eq!(with(header - 1, u32::MAX), Fault::Length);
		assert_eq!(with(header + 4, 256), Fault::Token);
		let mut single = words(|_| ());
		single.truncate(header + 1);
		single[header - 1] = 1;
		assert_eq!(fault(&single), Fault::TooShort, "one byte has nothing to be predicted from");

		let changed = |change: fn(&mut Shape)| fault(&words(change));
		assert_eq!(changed(|shape| shape.layers = 0), Fault::Architecture);
		assert_eq!(changed(|shape| shape.layers = 1 << 16), Fault::Architecture);
		assert_eq!(changed(|shape| shape.top_k = 4), Fault::Architecture);
		assert_eq!(changed(|shape| shape.kv_heads = 3), Fault::Architecture);
		assert_eq!(changed(|shape| shape.head_width = 7), Fault::Architecture);
		assert_eq!(changed(|shape| shape.norm_epsilon = 0), Fault::Architecture);
		for (place, value) in [(13, 3), (14, 8), (17, 1)] {
			assert_eq!(with(place, value), Fault::Architecture, "word {place}");
		}
	}

	#[test]
	fn module_should_end_in_an_error_when_components_are_not_as_long_as_the_header_says() {
		for change in [
			(|shape| shape.d_ff = 21) as fn(&mut Shape),
			|shape| shape.d_model = 25,
			|shape| shape.experts = 4,
			|shape| shape.layers = 3,
			|shape| shape.vocabulary = 257,
			|shape| shape.heads = 4,
			|shape| shape.shared_d_ff = Some(1000),
		] {
			let outcome = run(&words(change));
			assert!(matches!(outcome, Err(ReferenceError::Module(_))), "{outcome:?}");
		}
	}

	#[test]
	fn module_should_say_that_memory_does_not_suffice_when_sizes_are_beyond_any() {
		for change in [
			(|shape| shape.d_model = u32::MAX) as fn(&mut Shape),
			|shape| shape.d_ff = u32::MAX,
			|shape| shape.vocabulary = u32::MAX,
			|shape| shape.shared_d_ff = Some(u32::MAX),
			|shape| (shape.heads, shape.kv_heads, shape.head_width) = (65_535, 65_535, 65_534),
			|shape| (shape.d_model, shape.d_ff, shape.vocabulary) = (u32::MAX, u32::MAX, u32::MAX),
		] {
			let outcome = run(&words(change));
			assert!(matches!(outcome, Err(ReferenceError::OutOfMemory { .. })), "{outcome:?}");
		}
	}

	#[test]
	fn shape_should_keep_every_field_of_an_architecture() {
		let mut architecture = *weights().architecture();
		architecture.kv_heads = 1;
		architecture.query_key_norm = QueryKeyNorm::Width;
		architecture.qkv_bias = true;
		architecture.qkv_clip_milli = Some(5);
		architecture.gating = Gating::All;
		architecture.shared_d_ff = Some(6);
		architecture.tied_head = true;
		let input = Input { shape: shape(&architecture), predicted_bytes: 1 << 40 | 7, tokens: &TOKENS };
		let words: Vec<u32> = input.header().into_iter().chain(TOKENS).collect();
		assert_eq!(Input::parse(&words), Ok(input));
	}
}
