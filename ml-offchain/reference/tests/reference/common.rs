//! Models, texts and a module that is compiled once.

use blyan_model::{TokenShard, TrainConfig, Trainer, Weights};
use blyan_primitives::architecture::{Architecture, ExpertCount, Gating, QueryKeyNorm};
use blyan_reference::{fuel_limit, Measured, Reference, ReferenceError, MODULE};
use std::sync::{Arc, OnceLock};

pub fn tiny() -> Architecture {
	Architecture::byte_level(2, ExpertCount { min: 2, current: 3, max: 4 }, 2, 24, 20, 2, 16)
}

/// Everything that an architecture may have.
pub fn rich() -> Architecture {
	Architecture {
		heads: 4,
		kv_heads: 2,
		head_width: 8,
		rope_theta: 1_000_000,
		norm_epsilon: 1_000,
		query_key_norm: QueryKeyNorm::Head,
		qkv_bias: true,
		qkv_clip_milli: Some(900),
		gating: Gating::All,
		shared_d_ff: Some(28),
		tied_head: true,
		..tiny()
	}
}

/// One architecture for each way in which they differ, one for all at once, and the one that benchmarks use.
pub fn variants() -> Vec<(&'static str, Architecture)> {
	let wide = Architecture { heads: 4, kv_heads: 4, head_width: 8, ..tiny() };
	vec![
		("byte level", tiny()),
		("grouped heads", Architecture { kv_heads: 2, ..wide }),
		("one head of keys", Architecture { kv_heads: 1, ..wide }),
		("norm by head", Architecture { query_key_norm: QueryKeyNorm::Head, kv_heads: 2, ..wide }),
		("norm by width", Architecture { query_key_norm: QueryKeyNorm::Width, kv_heads: 2, ..wide }),
		("biases", Architecture { qkv_bias: true, ..wide }),
		("clip", Architecture { qkv_clip_milli: Some(700), ..wide }),
		("gates over all", Architecture { gating: Gating::All, ..tiny() }),
		("shared expert", Architecture { shared_d_ff: Some(28), ..tiny() }),
		("shared expert wider than the width", Architecture { shared_d_ff: Some(70), ..tiny() }),
		("tied head", Architecture { tied_head: true, ..tiny() }),
		("theta and epsilon", Architecture { rope_theta: 500, norm_epsilon: 50_000_000, ..tiny() }),
		(
			"odd sizes",
			Architecture {
				d_ff: 13,
				context: 7,
				d_model: 19,
				heads: 1,
				kv_heads: 1,
				head_width: 6,
				..tiny()
			},
		),
		("a context of one", Architecture { context: 1, ..tiny() }),
		("all at once", rich()),
		(
			"byte level, of use",
			Architecture::byte_level(2, ExpertCount { min: 4, current: 4, max: 4 }, 2, 64, 96, 4, 64),
		),
	]
}

/// Text that a small model learns something of.
pub fn text(len: usize) -> Vec<u8> {
	b"the best of times, the worst of times, the age of wisdom, the age of foolishness; "
		.iter()
		.copied()
		.cycle()
		.zip(0u64..)
		.map(|(byte, i)| if i.wrapping_mul(i / 5 + 7) % 11 == 0 { b'a' + (i * i % 26) as u8 } else { byte })
		.take(len)
		.collect()
}

/// Fresh weights, of which nothing is left at its round value: norms and biases count too.
pub fn random(architecture: &Architecture, seed: u64) -> Weights {
	let mut weights = Weights::init(architecture, seed).expect("the architecture is valid");
	for component in architecture.components() {
		for (i, number) in
			weights.component_mut(component).expect("it has the component").iter_mut().enumerate()
		{
			*number = *number * 1.5 + ((i * 7919 + seed as usize) % 101) as f32 / 1000.0 - 0.05;
		}
	}
	weights
}

/// Weights that have learnt for some steps.
pub fn trained(architecture: &Architecture) -> Weights {
	let config = TrainConfig {
		components: architecture.components().collect(),
		steps: 60,
		batch: 8,
		sequence: architecture.context,
		threads: 1,
		learning_rate: 1e-2,
		..TrainConfig::default()
	};
	let weights = Weights::init(architecture, 3).expect("the architecture is valid");
	let mut trainer =
		Trainer::new(weights, config, Arc::new(text(4096))).expect("the configuration is valid");
	while !trainer.is_done() {
		trainer.step().expect("a step is computed");
	}
	trainer.into_weights()
}

pub fn shard(len: usize) -> TokenShard {
	TokenShard::from_bytes(&text(len + 100)[100..])
}

/// The module of this build.
pub fn reference() -> &'static Reference {
	static REFERENCE: OnceLock<Reference> = OnceLock::new();
	REFERENCE.get_or_init(|| Reference::load(MODULE).expect("the module of this build is one"))
}

pub fn measure_with(
	reference: &Reference,
	weights: &Weights,
	shard: &TokenShard,
) -> Result<Measured, ReferenceError> {
	reference.shard_loss(weights, shard, fuel_limit(weights.architecture(), shard.tokens.len() as u64))
}

pub fn measure(weights: &Weights, shard: &TokenShard) -> Measured {
	measure_with(reference(), weights, shard).expect("it is measured")
}
