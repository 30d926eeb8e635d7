//! Measuring: the loss of a model on shards of text, in bits per byte.
//!
//! # What exactly is measured
//!
//! A shard of `n` tokens is independent of every other. Its tokens 1 to n-1 are predicted, each once,
//! from what comes before; the first is not, for there is nothing to predict it from. With a context
//! of `c` and a stride of `max(1, c / 2)`, the windows begin at 0, stride, 2 x stride, ...; a window
//! reads at most `c` tokens and is scored on those of its predictions that no window before it made,
//! so that beyond the first window every prediction has at least half a context to go by. The
//! shard's loss is the sum over its predictions, in bits, divided by the bytes of what was predicted.
//! It is summed in f64, in order of position; the same on one kind of machine for any number of
//! threads, and whatever the other shards are.

use crate::{
	batch::byte_tokens,
	config::{Device, MAX_THREADS},
	cpu::{
		forward::{check_tokens, forward, logits as last_logits, Keep, Tape},
		kernels::cross_entropy,
		Sizes,
	},
	ModelError, Weights,
};
use blyan_primitives::learning::{NanoBits, BIT_PER_BYTE, MAX_NANOBITS};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest loss that is reported, in bits per byte: a model that overflows is as bad as this.
pub const MAX_LOSS: f64 = (MAX_NANOBITS / BIT_PER_BYTE) as f64;

/// Tokens of one forward pass: enough to keep the matrix products busy, few enough for the cache.
const PASS_TOKENS: usize = 512;

/// A shard as tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenShard {
	/// Its tokens, at least two.
	pub tokens: Vec<u32>,
	/// Bytes of text that all tokens but the first stand for.
	pub predicted_bytes: u64,
}

impl TokenShard {
	/// A shard whose tokens are its bytes.
	pub fn from_bytes(bytes: &[u8]) -> Self {
		Self { tokens: byte_tokens(bytes), predicted_bytes: (bytes.len() as u64).saturating_sub(1) }
	}
}

/// A window of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Window {
	/// First token that is read.
	start: usize,
	/// Tokens that are read; the predictions are of the tokens one further on.
	length: usize,
	/// Predictions at its beginning that an earlier window made.
	skipped: usize,
}

/// The windows of a shard of `tokens`, at least two.
fn windows(tokens: usize, context: usize) -> Vec<Window> {
	let (stride, last) = ((context / 2).max(1), tokens - 1);
	let mut windows = Vec::new();
	let (mut start, mut done) = (0, 0);
	while done < last {
		let length = context.min(last - start);
		windows.push(Window { start, length, skipped: done - start });
		done = start + length;
		start += stride;
	}
	windows
}

/// What computes the losses of tokens, on one thread or one device.
pub(crate) trait TokenLosses {
	/// Writes the loss in nats of each of `targets` given `inputs`, both `[sequences x length]`.
	fn token_losses(
		&mut self,
		inputs: &[u32],
		targets: &[u32],
		length: usize,
		losses: &mut Vec<f64>,
	) -> Result<(), ModelError>;
}

struct CpuLosses<'a> {
	weights: &'a Weights,
	sizes: Sizes,
	tape: Tape,
}

impl TokenLosses for CpuLosses<'_> {
	fn token_losses(
		&mut self,
		inputs: &[u32],
		targets: &[u32],
		length: usize,
		losses: &mut Vec<f64>,
	) -> Result<(), ModelError> {
		forward(self.weights, &self.sizes, inputs, length, Keep::Nothing, None, &mut self.tape)?;
		last_logits(self.weights, &self.sizes, 0, &mut self.tape);
		losses.resize(targets.len(), 0.0);
		cross_entropy(&mut self.tape.logits, targets, None, losses);
		Ok(())
	}
}

/// The loss of one shard, in bits per byte.
fn shard_loss(engine: &mut dyn TokenLosses, shard: &TokenShard, context: usize) -> Result<f64, ModelError> {
	let windows = windows(shard.tokens.len(), context);
	let (mut inputs, mut targets, mut losses) = (Vec::new(), Vec::new(), Vec::new());
	let mut nats = 0.0;
	let most = (PASS_TOKENS / context).max(1);
	// Only the last window can be shorter than the rest.
	for group in windows.chunk_by(|a, b| a.length == b.length).flat_map(|group| group.chunks(most)) {
		inputs.clear();
		targets.clear();
		for window in group {
			let end = window.start + window.length;
			inputs.extend_from_slice(&shard.tokens[window.start..end]);
			targets.extend_from_slice(&shard.tokens[window.start + 1..end + 1]);
		}
		let length = group.first().map_or(1, |window| window.length);
		engine.token_losses(&inputs, &targets, length, &mut losses)?;
		for (window, losses) in group.iter().zip(losses.chunks_exact(length)) {
			nats += losses[window.skipped..].iter().sum::<f64>();
		}
	}
	let bits = nats / std::f64::consts::LN_2 / shard.predicted_bytes as f64;
	// Neither NaN nor infinity leaves here: weights that overflow are as bad as can be told.
	Ok(if bits <= MAX_LOSS { bits } else { MAX_LOSS })
}

fn check(weights: &Weights, shards: &[TokenShard], threads: usize) -> Result<(), ModelError> {
	if !(1..=MAX_THREADS).contains(&threads) {
		let why = format!("is {threads}; 1 to {MAX_THREADS}");
		return Err(ModelError::Config { field: "threads", why });
	}
	for shard in shards {
		if shard.tokens.len() < 2 || shard.predicted_bytes == 0 {
			return Err(ModelError::TextTooShort { got: shard.tokens.len() as u64, needed: 2 });
		}
		check_tokens(&shard.tokens, weights.architecture().vocabulary)?;
	}
	Ok(())
}

/// The loss of each shard of text, in bits per byte: finite, from 0 to [`MAX_LOSS`].
///
/// # Errors
/// A tokenizer that was not given, a shard of fewer than two tokens, no threads, weights that cannot be loaded.
pub fn evaluate(
	weights: &Weights,
	shards: &[impl AsRef<[u8]>],
	threads: usize,
) -> Result<Vec<f64>, ModelError> {
	evaluate_on(Device::Cpu, weights, shards, threads)
}

/// [`evaluate`] on a device. `threads` count on the CPU only.
///
/// # Errors
/// As there, and a device that this build or machine does not have.
pub fn evaluate_on(
	device: Device,
	weights: &Weights,
	shards: &[impl AsRef<[u8]>],
	threads: usize,
) -> Result<Vec<f64>, ModelError> {
	let tokenizer = weights.tokenizer()?;
	let shards = shards
		.iter()
		.map(|shard| match tokenizer {
			Some(tokenizer) => tokenizer.shard(shard.as_ref()),
			None => Ok(TokenShard::from_bytes(shard.as_ref())),
		})
		.collect::<Result<Vec<_>, _>>()?;
	evaluate_tokens(device, weights, &shards, threads)
}

/// The logits after each of `tokens`, `[tokens, vocabulary]`, computed on the CPU.
///
/// # Errors
/// No tokens, more than the context, or one outside the vocabulary; weights that cannot be loaded.
pub fn logits(weights: &Weights, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
	let architecture = weights.architecture();
	check_tokens(tokens, architecture.vocabulary)?;
	if tokens.is_empty() || tokens.len() > architecture.context as usize {
		let (count, context) = (tokens.len(), architecture.context);
		return Err(ModelError::Config { field: "tokens", why: format!("are {count}; 1 to {context}") });
	}
	let (sizes, mut tape) = (Sizes::new(&weights.layout), Tape::default());
	forward(weights, &sizes, tokens, tokens.len(), Keep::Nothing, None, &mut tape)?;
	last_logits(weights, &sizes, 0, &mut tape);
	Ok(tape.logits)
}

/// The loss of each shard of tokens, for any tokenizer.
///
/// # Errors
/// A token outside the vocabulary, and as [`evaluate_on`].
pub fn evaluate_tokens(
	device: Device,
	weights: &Weights,
	shards: &[TokenShard],
	threads: usize,
) -> Result<Vec<f64>, ModelError> {
	check(weights, shards, threads)?;
	match device {
		Device::Cpu => evaluate_cpu(weights, shards, threads),
		#[cfg(feature = "wgpu")]
		Device::Wgpu => evaluate_with(
			&mut crate::burn_engine::BurnLosses::<burn::backend::Wgpu>::new(
				&weights.held()?,
				Default::default(),
			),
			weights,
			shards,
		),
		#[cfg(feature = "cuda")]
		Device::Cuda => evaluate_with(
			&mut crate::burn_engine::BurnLosses::<burn::backend::Cuda>::new(
				&weights.held()?,
				Default::default(),
			),
			weights,
			shards,
		),
		#[allow(unreachable_patterns)]
		other => Err(crate::device_absent(other)),
	}
}

#[cfg(any(test, feature = "burn"))]
pub(crate) fn evaluate_with(
	engine: &mut dyn TokenLosses,
	weights: &Weights,
	shards: &[TokenShard],
) -> Result<Vec<f64>, ModelError> {
	let context = weights.architecture().context as usize;
	shards.iter().map(|shard| shard_loss(engine, shard, context)).collect()
}

fn evaluate_cpu(weights: &Weights, shards: &[TokenShard], threads: usize) -> Result<Vec<f64>, ModelError> {
	let sizes = Sizes::new(&weights.layout);
	let context = weights.architecture().context as usize;
	let next = AtomicUsize::new(0);
	let work = || {
		let mut engine = CpuLosses { weights, sizes, tape: Tape::default() };
		let mut done = Vec::new();
		loop {
			let at = next.fetch_add(1, Ordering::Relaxed);
			let Some(shard) = shards.get(at) else { return Ok(done) };
			done.push((at, shard_loss(&mut engine, shard, context)?));
		}
	};
	let parts: Vec<Result<Vec<(usize, f64)>, ModelError>> = std::thread::scope(|scope| {
		let others: Vec<_> = (1..threads.min(shards.len()))
			.map(|_| std::thread::Builder::new().name("evaluate".into()).spawn_scoped(scope, work))
			.collect();
		let mut parts = vec![work()];
		for other in others {
			parts.push(match other {
				Ok(thread) => {
					thread.join().unwrap_or_else(|_| Err(ModelError::Threads("one panicked".into())))
				}
				// What it would have done, the others did.
				Err(error) => {
					tracing::warn!(%error, "evaluating on fewer threads than asked for");
					Ok(Vec::new())
				}
			});
		}
		parts
	});
	let mut losses = vec![0.0; shards.len()];
	for part in parts {
		for (at, loss) in part? {
			losses[at] = loss;
		}
	}
	Ok(losses)
}

/// Bits per byte as the chain counts them, rounded half to even. What is not a number, or beyond
/// [`MAX_NANOBITS`] either way, becomes the nearest that can be told; NaN counts as the worst.
pub fn nanobits(bits_per_byte: f64) -> NanoBits {
	if bits_per_byte.is_nan() {
		return MAX_NANOBITS;
	}
	let limit = MAX_NANOBITS as f64;
	(bits_per_byte * BIT_PER_BYTE as f64).round_ties_even().clamp(-limit, limit) as NanoBits
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tokenizer::tests::{small, with_tokenizer};
	use crate::{layout::tests::tiny, weights::tests::overflow};
	use blyan_primitives::dag::Component;
	use proptest::prelude::*;

	fn shards() -> Vec<Vec<u8>> {
		(0..7u32).map(|i| (0..90 + i * 13).map(|j| (j * j * 7 + i * 31) as u8).collect()).collect()
	}

	proptest! {
		#[test]
		fn windows_should_score_every_prediction_once_with_half_a_context(
			tokens in 2usize..300, context in 1usize..40,
		) {
			let mut next = 0;
			for window in windows(tokens, context) {
				prop_assert!(window.length <= context && window.start + window.length < tokens);
				prop_assert_eq!(window.start + window.skipped, next);
				prop_assert!(window.skipped < window.length);
				if window.start > 0 {
					prop_assert!(window.skipped + 1 >= context / 2);
				}
				next = window.start + window.length;
			}
			prop_assert_eq!(next, tokens - 1);
		}
	}

	#[test]
	fn evaluate_should_give_the_same_bits_for_any_threads_and_company() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		let shards = shards();
		let one = evaluate(&weights, &shards, 1).unwrap();
		assert_eq!(one, evaluate(&weights, &shards, 2).unwrap());
		assert_eq!(one, evaluate(&weights, &shards, 64).unwrap());
		assert_eq!(one[3..4], evaluate(&weights, &shards[3..4], 2).unwrap());
		assert!(one.iter().all(|loss| (7.0..9.0).contains(loss)), "about 8 bits before training: {one:?}");
		assert!(evaluate(&weights, &Vec::<Vec<u8>>::new(), 2).unwrap().is_empty());
	}

	#[test]
	fn evaluate_should_be_eight_bits_when_the_head_is_zero() {
		let mut weights = Weights::init(&tiny(), 1).unwrap();
		let head = weights.tensor(Component::Backbone, "head").unwrap().1.len();
		let backbone = weights.component_mut(Component::Backbone).unwrap();
		let at = backbone.len() - head;
		backbone[at..].fill(0.0);
		for loss in evaluate(&weights, &shards(), 2).unwrap() {
			assert!((loss - 8.0).abs() < 1e-6, "{loss}");
		}
	}

	#[test]
	fn evaluate_should_be_the_worst_loss_when_weights_overflow() {
		let mut weights = Weights::init(&tiny(), 1).unwrap();
		overflow(&mut weights);
		assert_eq!(evaluate(&weights, &[[1u8, 2, 3, 4]], 1).unwrap(), [MAX_LOSS]);
	}

	#[test]
	fn evaluate_should_name_what_is_wrong_when_input_is_bad() {
		let weights = Weights::init(&tiny(), 1).unwrap();
		assert!(matches!(evaluate(&weights, &[b"x"], 1), Err(ModelError::TextTooShort { .. })));
		assert!(matches!(evaluate(&weights, &[b"xy"], 0), Err(ModelError::Config { field: "threads", .. })));
		let absent = evaluate_on(Device::Cuda, &weights, &[b"xy"], 1);
		if cfg!(not(feature = "cuda")) {
			assert!(matches!(absent, Err(ModelError::Device(_))));
		}
		let shard = TokenShard { tokens: vec![1, 300], predicted_bytes: 1 };
		let error = evaluate_tokens(Device::Cpu, &weights, &[shard], 1).unwrap_err();
		assert!(matches!(error, ModelError::Token { token: 300, position: 1, vocabulary: 256 }));
		let other = Weights::init(&with_tokenizer(), 1).unwrap();
		assert!(matches!(evaluate(&other, &[b"xy"], 1), Err(ModelError::TokenizerAbsent)));
	}

	#[test]
	fn evaluate_should_count_bytes_not_tokens_when_the_model_has_a_tokenizer() {
		let tokenizer = small();
		let mut weights = Weights::init(&with_tokenizer(), 1).unwrap();
		weights.set_tokenizer(tokenizer.clone()).unwrap();
		// Every token as likely as every other: what they cost follows from how many there are.
		let backbone = weights.component_mut(Component::Backbone).unwrap();
		backbone.fill(0.0);
		let text = "the best of times, the worst of times, and the age of wisdom";
		let shard = tokenizer.shard(text.as_bytes()).unwrap();
		let predicted = (shard.tokens.len() - 1) as f64;
		let expected =
			predicted * f64::from(with_tokenizer().vocabulary).log2() / shard.predicted_bytes as f64;
		let loss = evaluate(&weights, &[text], 2).unwrap()[0];
		assert!((loss - expected).abs() < 1e-6, "{loss} for {expected}");
	}

	#[test]
	fn nanobits_should_round_half_to_even_and_saturate() {
		assert_eq!(nanobits(2.0), 2 * BIT_PER_BYTE);
		assert_eq!([nanobits(0.5e-9), nanobits(1.5e-9), nanobits(2.5e-9)], [0, 2, 2]);
		assert_eq!(nanobits(-1.5e-9), -2);
		assert_eq!([nanobits(f64::NAN), nanobits(f64::INFINITY), nanobits(1e300)], [MAX_NANOBITS; 3]);
		assert_eq!(nanobits(f64::NEG_INFINITY), -MAX_NANOBITS);
	}
}
