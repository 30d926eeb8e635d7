//! The backward pass: hand-derived, checked against automatic differentiation in the tests.

use super::{
	attention::{self, Kept},
	experts::{self, ExpertGradients},
	fit,
	forward::{forward, logits, Keep, Tape},
	kernels::{add, cross_entropy, rms_norm_backward},
	matmul::{matmul, Mat, MatMut},
	projections, shared, Sizes,
};
use crate::{ModelError, Weights};

/// Buffers of the backward pass.
#[derive(Default)]
pub(crate) struct Buffers {
	/// `[tokens, d]`, and the next.
	dstream: Vec<f32>,
	dnormed: Vec<f32>,
	/// `[tokens, heads x width]`, and the next.
	dattended: Vec<f32>,
	dq: Vec<f32>,
	/// `[tokens, kv_heads x width]`, and the next.
	dk: Vec<f32>,
	dv: Vec<f32>,
	/// A gradient on its way through a norm.
	unnormed: Vec<f32>,
	/// A block of attention scores.
	scores: Vec<f32>,
	/// `[tokens]`.
	losses: Vec<f64>,
}

/// A piece of a batch: sequences of the same length, and what follows each of their tokens.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
	/// `[sequences x length]`.
	pub inputs: &'a [u32],
	/// `[sequences x length]`.
	pub targets: &'a [u32],
	/// Tokens of a sequence.
	pub length: usize,
	/// Tokens of the whole batch: what the mean loss divides by.
	pub batch_tokens: usize,
	/// Weight of the load-balancing loss; acts on routers that are trained, and what is below them.
	pub balance: f32,
}

/// What a piece adds to a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PieceLoss {
	/// Sum over its tokens, in nats.
	pub nats: f64,
	/// Load-balancing loss, mean over layers, times its tokens.
	pub imbalance: f64,
}

/// Adds the piece's share of the batch's gradient to `gradients` (by slot, `None` where frozen).
///
/// # Errors
/// An expert that is left to the cache and cannot be loaded.
pub(crate) fn gradients(
	weights: &Weights,
	s: &Sizes,
	piece: Piece<'_>,
	tape: &mut Tape,
	gradients: &mut [Option<Vec<f32>>],
) -> Result<PieceLoss, ModelError> {
	let Piece { inputs, targets, length, batch_tokens, balance } = piece;
	let (n, d) = (inputs.len(), s.d);
	let (q_width, kv_width) = (s.q_width(), s.kv_width());
	let layout = &weights.layout;
	forward(weights, s, inputs, length, Keep::All, None, tape)?;
	logits(weights, s, 0, tape);
	let Tape { layers, stream, normed, inverse, logits, expert_scratch, shared_scratch, backward } = tape;
	let Buffers { dstream, dnormed, dattended, dq, dk, dv, unnormed, scores, losses } = backward;
	for (buffer, width) in [
		(&mut *dstream, d),
		(&mut *dnormed, d),
		(&mut *dattended, q_width),
		(&mut *dq, q_width),
		(&mut *dk, kv_width),
		(&mut *dv, kv_width),
	] {
		fit(buffer, n * width);
	}
	fit(losses, n);
	cross_entropy(logits, targets, Some(1.0 / batch_tokens as f32), losses);
	let imbalance: f64 = layers[..s.layers].iter().map(|layer| layer.experts.routing.imbalance(s)).sum();
	let loss = PieceLoss { nats: losses.iter().sum(), imbalance: imbalance / s.layers as f64 * n as f64 };

	// The lowest layer with something to train; below it nothing is computed.
	let backbone = gradients[0].is_some();
	let trained = |layer: &usize| {
		let first = layout.router_slot(*layer);
		gradients[first..first + 1 + s.experts].iter().any(Option::is_some)
	};
	let Some(lowest) = (0..s.layers).find(trained).or(backbone.then_some(0)) else { return Ok(loss) };

	let dlogits = Mat::new(logits, n, s.vocabulary);
	matmul(MatMut::new(dnormed, n, d), dlogits, weights.head().matrix(s).t(), 1.0, false);
	dstream.fill(0.0);
	let mut dweight = gradients[0].as_mut();
	if let Some(buffer) = dweight.as_deref_mut() {
		let normed = Mat::new(normed, n, d);
		match &layout.backbone.head {
			Some(range) => {
				let dhead = MatMut::new(&mut buffer[range.clone()], d, s.vocabulary);
				matmul(dhead, normed.t(), dlogits, 1.0, true);
			}
			None => {
				let range = layout.backbone.embedding.clone();
				let dembedding = MatMut::new(&mut buffer[range], s.vocabulary, d);
				matmul(dembedding, dlogits.t(), normed, 1.0, true);
			}
		}
	}
	let dweight = dweight.map(|buffer| &mut buffer[layout.backbone.final_norm.clone()]);
	rms_norm_backward(stream, inverse, weights.final_norm(), dnormed, dstream, dweight);

	// The mean over layers, and over the batch.
	let balance = balance / (s.layers * batch_tokens) as f32;
	for layer in (lowest..s.layers).rev() {
		let (view, tape) = (weights.layer(layer), &mut layers[layer]);
		let ranges = &layout.backbone.layers[layer];
		let below = backbone || layer > lowest;
		dnormed.fill(0.0);
		experts::backward(
			weights,
			s,
			layer,
			&tape.middle_normed,
			dstream,
			&mut tape.experts,
			expert_scratch,
			ExpertGradients { buffers: gradients, dx: below.then_some(&mut dnormed[..]), balance },
		)?;
		if !below {
			break;
		}
		let mut backbone = gradients[0].as_mut();
		if let (Some(view), Some(ranges)) = (&view.shared, &ranges.shared) {
			shared::backward(
				(view, ranges),
				s,
				&tape.middle_normed,
				dstream,
				&mut tape.shared,
				shared_scratch,
				(backbone.as_deref_mut(), &mut dnormed[..]),
			);
		}
		let dweight = backbone.as_deref_mut().map(|buffer| &mut buffer[ranges.expert_norm.clone()]);
		rms_norm_backward(&tape.middle, &tape.middle_inverse, view.expert_norm, dnormed, dstream, dweight);

		matmul(
			MatMut::new(dattended, n, q_width),
			Mat::new(dstream, n, d),
			Mat::new(view.wo, q_width, d).t(),
			1.0,
			false,
		);
		let kept = Kept { q: &tape.q, k: &tape.k, v: &tape.v, p: &tape.p };
		attention::backward(s, length, kept, dattended, [&mut *dq, &mut *dk, &mut *dv], scores);
		projections::backward(
			&view,
			s,
			layout,
			(length, ranges),
			[&mut *dq, &mut *dk, &mut *dv],
			&tape.projections,
			(backbone.as_deref_mut(), unnormed),
		);
		let products =
			[(&ranges.wq, view.wq, &*dq), (&ranges.wk, view.wk, &*dk), (&ranges.wv, view.wv, &*dv)];
		if let Some(buffer) = backbone.as_deref_mut() {
			let dwo = MatMut::new(&mut buffer[ranges.wo.clone()], q_width, d);
			matmul(dwo, Mat::new(&tape.attended, n, q_width).t(), Mat::new(dstream, n, d), 1.0, true);
			for (range, _, dy) in products {
				let width = dy.len() / n;
				let dw = MatMut::new(&mut buffer[range.clone()], d, width);
				matmul(dw, Mat::new(&tape.normed, n, d).t(), Mat::new(dy, n, width), 1.0, true);
			}
		}
		for (i, (_, w, dy)) in products.into_iter().enumerate() {
			let width = dy.len() / n;
			let (dy, w) = (Mat::new(dy, n, width), Mat::new(w, d, width));
			matmul(MatMut::new(dnormed, n, d), dy, w.t(), 1.0, i > 0);
		}
		let dweight = backbone.map(|buffer| &mut buffer[ranges.attention_norm.clone()]);
		rms_norm_backward(&tape.entry, &tape.inverse, view.attention_norm, dnormed, dstream, dweight);
	}
	if let Some(buffer) = &mut gradients[0] {
		let dembedding = &mut buffer[layout.backbone.embedding.clone()];
		for (token, dx) in inputs.iter().zip(dstream.chunks_exact(d)) {
			add(dx, &mut dembedding[*token as usize * d..][..d]);
		}
	}
	Ok(loss)
}
