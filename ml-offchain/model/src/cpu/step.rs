//! One token at a time, over a cache of keys and values: what generation runs.

use super::{
	experts::choose,
	fit,
	forward::{forward, logits, Keep, Tape},
	kernels::{add, attend, axpy, matrix_vector, rms_norm, sigmoid, swiglu, vector_matrix},
	projections::{self, ProjectionTape},
	ExpertView, HeadView, Sizes,
};
use crate::{cap::Quota, ModelError, Weights};

/// Keys and values of the tokens so far, and the buffers of a step.
#[derive(Default)]
pub(crate) struct Cache {
	/// By layer, `[tokens, kv_heads x width]`, as attention reads them.
	keys: Vec<Vec<f32>>,
	/// By layer, `[tokens, kv_heads x width]`.
	values: Vec<Vec<f32>>,
	/// Tokens so far.
	len: usize,
	buffers: StepBuffers,
	tape: Tape,
	/// What the sequence has used of the cap on routing, where there is one.
	quota: Option<Quota>,
}

#[derive(Default)]
struct StepBuffers {
	stream: Vec<f32>,
	normed: Vec<f32>,
	q: Vec<f32>,
	attended: Vec<f32>,
	projections: ProjectionTape,
	expert: ExpertBuffers,
	scores: Vec<f32>,
	router: Vec<f32>,
	chosen: Vec<u32>,
	gates: Vec<f32>,
	logits: Vec<f32>,
}

#[derive(Default)]
struct ExpertBuffers {
	h1: Vec<f32>,
	h3: Vec<f32>,
	wide: Vec<f32>,
	narrow: Vec<f32>,
}

impl ExpertBuffers {
	/// `stream += gate * expert(x)` for one token.
	fn visit(&mut self, w: ExpertView<'_>, gate: f32, x: &[f32], stream: &mut [f32]) {
		let Self { h1, h3, wide, narrow } = self;
		for buffer in [&mut *h1, &mut *h3, &mut *wide] {
			fit(buffer, w.w1.len() / x.len());
		}
		fit(narrow, x.len());
		vector_matrix(x, w.w1, h1, false);
		vector_matrix(x, w.w3, h3, false);
		swiglu(h1, h3, wide);
		vector_matrix(wide, w.w2, narrow, false);
		axpy(gate, narrow, stream);
	}
}

impl Cache {
	/// An empty cache for sequences within that cap on routing.
	pub fn within(quota: Option<Quota>) -> Self {
		Self { quota, ..Self::default() }
	}

	/// What the sequence has used of the cap on routing, where there is one.
	pub fn quota(&self) -> Option<&Quota> {
		self.quota.as_ref()
	}

	/// Tokens in the cache.
	pub fn len(&self) -> usize {
		self.len
	}

	/// Forgets what was there, reads `tokens` (at least one, at most the context), and gives the
	/// logits after the last.
	///
	/// # Errors
	/// An expert that is left to the cache and cannot be loaded.
	pub fn refill(&mut self, weights: &Weights, s: &Sizes, tokens: &[u32]) -> Result<&[f32], ModelError> {
		let n = tokens.len();
		let mut quota = self.quota.as_mut();
		if let Some(quota) = &mut quota {
			quota.restart();
		}
		forward(weights, s, tokens, n, Keep::All, quota, &mut self.tape)?;
		logits(weights, s, n - 1, &mut self.tape);
		self.keys.resize_with(s.layers, Vec::new);
		self.values.resize_with(s.layers, Vec::new);
		for (layer, (keys, values)) in self.keys.iter_mut().zip(&mut self.values).enumerate() {
			keys.clear();
			keys.extend_from_slice(&self.tape.layers[layer].k);
			values.clear();
			values.extend_from_slice(&self.tape.layers[layer].v);
		}
		self.len = n;
		Ok(&self.tape.logits)
	}

	/// Reads one more token, for which there must be room in the context, and gives the logits after it.
	/// The cache was filled before.
	///
	/// # Errors
	/// As [`Cache::refill`].
	pub fn step(&mut self, weights: &Weights, s: &Sizes, token: u32) -> Result<&[f32], ModelError> {
		let layout = &weights.layout;
		let (d, position, kv_width) = (s.d, self.len, s.kv_width());
		let StepBuffers {
			stream,
			normed,
			q,
			attended,
			projections,
			expert: buffers,
			scores,
			router,
			chosen,
			gates,
			logits,
		} = &mut self.buffers;
		fit(stream, d);
		fit(normed, d);
		fit(q, s.q_width());
		fit(attended, s.q_width());
		fit(scores, position + 1);
		fit(router, s.experts);
		fit(chosen, s.top_k);
		fit(gates, s.top_k);
		fit(logits, s.vocabulary);
		let inverse = &mut [0.0];

		stream.copy_from_slice(&weights.embedding()[token as usize * d..][..d]);
		for (layer, (keys, values)) in self.keys.iter_mut().zip(&mut self.values).enumerate() {
			let view = weights.layer(layer);
			rms_norm(stream, view.attention_norm, normed, inverse, s.epsilon);
			let here = position * kv_width..(position + 1) * kv_width;
			// A step that failed may have left its row.
			keys.resize(here.end, 0.0);
			values.resize(here.end, 0.0);
			let (k, v) = (&mut keys[here.clone()], &mut values[here]);
			vector_matrix(normed, view.wq, q, false);
			vector_matrix(normed, view.wk, k, false);
			vector_matrix(normed, view.wv, v, false);
			projections::forward(&view, s, layout, (1, position), [q, k, v], projections);
			attend(q, keys, values, s.hw, kv_width, scores, attended);
			fit(&mut buffers.narrow, d);
			vector_matrix(attended, view.wo, &mut buffers.narrow, false);
			add(&buffers.narrow, stream);

			rms_norm(stream, view.expert_norm, normed, inverse, s.epsilon);
			vector_matrix(normed, weights.router(layer), router, false);
			match &mut self.quota {
				Some(quota) => quota.choose(layer, router, s.gating, chosen, gates),
				None => choose(router, s.gating, chosen, gates),
			}
			if weights.is_partial() {
				weights.expect(layer, chosen.iter().map(|expert| *expert as usize));
				weights.expect_next(layer + 1, normed, s, self.quota.as_ref());
			}
			for (expert, gate) in chosen.iter().zip(gates.iter()) {
				buffers.visit(weights.expert(layer, *expert as usize)?.view(), *gate, normed, stream);
			}
			if let Some(shared) = &view.shared {
				let gate = &mut [0.0];
				vector_matrix(normed, shared.gate, gate, false);
				sigmoid(gate);
				buffers.visit(shared.expert, gate[0], normed, stream);
			}
		}
		self.len += 1;
		rms_norm(stream, weights.final_norm(), normed, inverse, s.epsilon);
		match weights.head() {
			HeadView::Own(head) => vector_matrix(normed, head, logits, false),
			HeadView::Embedding(embedding) => matrix_vector(embedding, normed, logits),
		}
		Ok(logits)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{layout::tests::variants, weights::tests::lively};

	/// How far a step may be from the batched pass: both round in f32, in another order.
	const TOLERANCE: f32 = 2e-4;

	#[test]
	fn step_should_agree_with_the_batched_forward_at_every_position() {
		for (name, architecture) in variants() {
			let weights = lively(&architecture);
			let s = Sizes::new(&weights.layout);
			let tokens: Vec<u32> = (0..16).map(|i| i * 37 % 256).collect();
			let mut tape = Tape::default();
			forward(&weights, &s, &tokens, 16, Keep::Nothing, None, &mut tape).unwrap();
			logits(&weights, &s, 0, &mut tape);
			let mut cache = Cache::default();
			for (i, expected) in tape.logits.chunks(256).enumerate() {
				let got = match i {
					// The first few are read at once, as a prompt.
					0..4 => continue,
					4 => cache.refill(&weights, &s, &tokens[..5]).unwrap(),
					_ => cache.step(&weights, &s, tokens[i]).unwrap(),
				};
				let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
				assert!(largest > 0.01, "{name}: logits that tell something");
				for (got, expected) in got.iter().zip(expected) {
					let apart = (got - expected).abs() / largest.max(1.0);
					assert!(apart < TOLERANCE, "{name}, position {i}: {got} for {expected}");
				}
			}
		}
	}
}
