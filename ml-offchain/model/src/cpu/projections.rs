//! What stands between the products that give queries, keys and values, and attention: biases, norms, the
//! cut, rotary positions. In this order, as Qwen and OLMoE have them.

use super::{
	fit,
	kernels::{add_to_rows, add_up_rows, clip, clip_backward, rms_norm, rms_norm_backward, rotate},
	LayerView, Sizes,
};
use crate::layout::{LayerRanges, Layout};

/// What the gradient needs. Empty where the architecture has no such step.
#[derive(Default)]
pub(crate) struct ProjectionTape {
	/// Queries and keys before their norms, `[tokens, width]`.
	unnormed: [Vec<f32>; 2],
	/// `1 / rms` of each row that a norm saw.
	inverse: [Vec<f32>; 2],
	/// Queries, keys and values before they were cut, `[tokens, width]`.
	uncut: [Vec<f32>; 3],
}

fn copy(from: &[f32], to: &mut Vec<f32>) {
	to.clear();
	to.extend_from_slice(from);
}

/// Turns products into what attention reads, in place. Rows are whole sequences of `length`, the first at
/// position `start`.
pub(crate) fn forward(
	view: &LayerView<'_>,
	s: &Sizes,
	layout: &Layout,
	(length, start): (usize, usize),
	[q, k, v]: [&mut [f32]; 3],
	tape: &mut ProjectionTape,
) {
	if let Some([bq, bk, bv]) = view.biases {
		for (bias, x) in [(bq, &mut *q), (bk, &mut *k), (bv, &mut *v)] {
			add_to_rows(bias, x);
		}
	}
	if let Some(norms) = view.norms {
		let kept = tape.unnormed.iter_mut().zip(&mut tape.inverse);
		for ((weight, x), (unnormed, inverse)) in norms.into_iter().zip([&mut *q, &mut *k]).zip(kept) {
			copy(x, unnormed);
			fit(inverse, x.len() / weight.len());
			rms_norm(unnormed, weight, x, inverse, s.epsilon);
		}
	}
	if let Some(limit) = s.clip {
		for (x, uncut) in [&mut *q, &mut *k, &mut *v].into_iter().zip(&mut tape.uncut) {
			copy(x, uncut);
			clip(x, limit);
		}
	}
	rotate(q, s.q_width(), s.hw, length, start, &layout.cos, &layout.sin, 1.0);
	rotate(k, s.kv_width(), s.hw, length, start, &layout.cos, &layout.sin, 1.0);
}

/// Turns gradients of what attention reads into those of the products, in place, and adds those of biases
/// and norms to `buffer`, the backbone's, where it is trained.
pub(crate) fn backward(
	view: &LayerView<'_>,
	s: &Sizes,
	layout: &Layout,
	(length, ranges): (usize, &LayerRanges),
	[dq, dk, dv]: [&mut [f32]; 3],
	tape: &ProjectionTape,
	(mut buffer, scratch): (Option<&mut Vec<f32>>, &mut Vec<f32>),
) {
	rotate(dq, s.q_width(), s.hw, length, 0, &layout.cos, &layout.sin, -1.0);
	rotate(dk, s.kv_width(), s.hw, length, 0, &layout.cos, &layout.sin, -1.0);
	if let Some(limit) = s.clip {
		for (uncut, dx) in tape.uncut.iter().zip([&mut *dq, &mut *dk, &mut *dv]) {
			clip_backward(uncut, dx, limit);
		}
	}
	if let (Some(norms), Some(ranges)) = (view.norms, &ranges.norms) {
		let kept = tape.unnormed.iter().zip(&tape.inverse).zip(ranges);
		for ((weight, dx), ((unnormed, inverse), range)) in
			norms.into_iter().zip([&mut *dq, &mut *dk]).zip(kept)
		{
			fit(scratch, dx.len());
			scratch.fill(0.0);
			let dweight = buffer.as_deref_mut().map(|buffer| &mut buffer[range.clone()]);
			rms_norm_backward(unnormed, inverse, weight, dx, scratch, dweight);
			dx.copy_from_slice(scratch);
		}
	}
	if let (Some(ranges), Some(buffer)) = (&ranges.biases, buffer) {
		for (range, dx) in ranges.iter().zip([&*dq, &*dk, &*dv]) {
			add_up_rows(dx, &mut buffer[range.clone()]);
		}
	}
}
