//! The forward pass over whole sequences, and what it keeps for the backward pass.

use super::{
	attention,
	experts::{self, ExpertScratch, ExpertTape},
	fit,
	kernels::rms_norm,
	matmul::{matmul, Mat, MatMut},
	projections::{self, ProjectionTape},
	shared::{self, SharedScratch, SharedTape},
	Sizes,
};
use crate::{cap::Quota, ModelError, Weights};

/// What one layer computed, `[tokens, d]` unless said.
#[derive(Default)]
pub(crate) struct LayerTape {
	/// The residual stream on entry.
	pub entry: Vec<f32>,
	/// It, normalised: what attention reads.
	pub normed: Vec<f32>,
	/// `1 / rms` of each row of `entry`, `[tokens]`.
	pub inverse: Vec<f32>,
	/// As attention reads them, `[tokens, heads x width]`.
	pub q: Vec<f32>,
	/// As attention reads them, `[tokens, kv_heads x width]`.
	pub k: Vec<f32>,
	/// `[tokens, kv_heads x width]`.
	pub v: Vec<f32>,
	pub projections: ProjectionTape,
	/// Weights of attention, `[sequences, heads, length, length]`.
	pub p: Vec<f32>,
	/// What attention gives, before `wo`, `[tokens, heads x width]`.
	pub attended: Vec<f32>,
	/// The residual stream after attention.
	pub middle: Vec<f32>,
	/// It, normalised: what the experts read.
	pub middle_normed: Vec<f32>,
	/// `1 / rms` of each row of `middle`, `[tokens]`.
	pub middle_inverse: Vec<f32>,
	pub experts: ExpertTape,
	pub shared: SharedTape,
}

/// The buffers of one thread. They grow to what is asked of them, and are used again.
#[derive(Default)]
pub(crate) struct Tape {
	pub layers: Vec<LayerTape>,
	/// The residual stream; on return, what the final norm reads. `[tokens, d]`.
	pub stream: Vec<f32>,
	pub normed: Vec<f32>,
	pub inverse: Vec<f32>,
	/// `[tokens, vocabulary]`.
	pub logits: Vec<f32>,
	pub expert_scratch: ExpertScratch,
	pub shared_scratch: SharedScratch,
	/// The backward pass's own.
	pub backward: super::backward::Buffers,
}

/// How much of what the layers compute is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
	/// Every layer's, for the backward pass or the cache of generation.
	All,
	/// One layer's at a time.
	Nothing,
}

/// Checks that every token is in the vocabulary, before any is used as an index.
pub(crate) fn check_tokens(tokens: &[u32], vocabulary: u32) -> Result<(), ModelError> {
	match tokens.iter().position(|token| *token >= vocabulary) {
		Some(position) => Err(ModelError::Token { token: tokens[position], position, vocabulary }),
		None => Ok(()),
	}
}

/// Fills `tape.stream`, and the layers' tapes, for `tokens [sequences x length]` that each begin at
/// position 0. Tokens are below the vocabulary, `length` at most the context: the callers' duty.
///
/// With a quota there is one sequence, of which these are the first tokens.
///
/// # Errors
/// An expert that is left to the cache and cannot be loaded.
pub(crate) fn forward(
	weights: &Weights,
	s: &Sizes,
	tokens: &[u32],
	length: usize,
	keep: Keep,
	mut quota: Option<&mut Quota>,
	tape: &mut Tape,
) -> Result<(), ModelError> {
	let (n, d) = (tokens.len(), s.d);
	let (q_width, kv_width) = (s.q_width(), s.kv_width());
	let layout = &weights.layout;
	let Tape { layers, stream, expert_scratch, shared_scratch, .. } = tape;
	if layers.len() < s.layers {
		layers
			.resize_with(if keep == Keep::All { s.layers } else { 1.max(layers.len()) }, LayerTape::default);
	}
	fit(stream, n * d);
	let embedding = weights.embedding();
	for (token, x) in tokens.iter().zip(stream.chunks_exact_mut(d)) {
		x.copy_from_slice(&embedding[*token as usize * d..][..d]);
	}
	for layer in 0..s.layers {
		let view = weights.layer(layer);
		let tape = &mut layers[if keep == Keep::All { layer } else { 0 }];
		for buffer in [&mut tape.entry, &mut tape.normed, &mut tape.middle, &mut tape.middle_normed] {
			fit(buffer, n * d);
		}
		fit(&mut tape.q, n * q_width);
		fit(&mut tape.attended, n * q_width);
		fit(&mut tape.k, n * kv_width);
		fit(&mut tape.v, n * kv_width);
		fit(&mut tape.inverse, n);
		fit(&mut tape.middle_inverse, n);

		tape.entry.copy_from_slice(stream);
		rms_norm(stream, view.attention_norm, &mut tape.normed, &mut tape.inverse, s.epsilon);
		let normed = Mat::new(&tape.normed, n, d);
		for (w, out, width) in [
			(view.wq, &mut tape.q, q_width),
			(view.wk, &mut tape.k, kv_width),
			(view.wv, &mut tape.v, kv_width),
		] {
			matmul(MatMut::new(out, n, width), normed, Mat::new(w, d, width), 1.0, false);
		}
		let products = [&mut tape.q[..], &mut tape.k[..], &mut tape.v[..]];
		projections::forward(&view, s, layout, (length, 0), products, &mut tape.projections);
		attention::forward(s, length, &tape.q, &tape.k, &tape.v, &mut tape.p, &mut tape.attended);
		let attended = Mat::new(&tape.attended, n, q_width);
		matmul(MatMut::new(stream, n, d), attended, Mat::new(view.wo, q_width, d), 1.0, true);

		tape.middle.copy_from_slice(stream);
		let LayerTape { middle_normed, middle_inverse, experts, shared, .. } = tape;
		rms_norm(stream, view.expert_norm, middle_normed, middle_inverse, s.epsilon);
		experts::route(weights, s, layer, middle_normed, &mut experts.routing, quota.as_deref_mut());
		experts::forward(weights, s, layer, middle_normed, stream, experts, expert_scratch)?;
		if let Some(view) = &view.shared {
			shared::forward(view, s, middle_normed, stream, shared, shared_scratch);
		}
	}
	Ok(())
}

/// Fills `tape.logits` from `tape.stream` for the tokens from `first` on.
pub(crate) fn logits(weights: &Weights, s: &Sizes, first: usize, tape: &mut Tape) {
	let Tape { stream, normed, inverse, logits, .. } = tape;
	let stream = &stream[first * s.d..];
	let n = stream.len() / s.d;
	fit(normed, n * s.d);
	fit(inverse, n);
	fit(logits, n * s.vocabulary);
	rms_norm(stream, weights.final_norm(), normed, inverse, s.epsilon);
	matmul(
		MatMut::new(logits, n, s.vocabulary),
		Mat::new(normed, n, s.d),
		weights.head().matrix(s),
		1.0,
		false,
	);
}
