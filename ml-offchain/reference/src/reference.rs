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
