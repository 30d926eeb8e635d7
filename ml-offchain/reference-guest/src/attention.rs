//! Causal attention.

use crate::arithmetic::{add_scaled, dot, softmax};

/// Widths that attention needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
	pub heads: usize,
	pub kv_heads: usize,
	pub width: usize,
}

/// `out = softmax(q k^T / sqrt(width)) v` within one window. `q` and `out` are `[length, heads x width]`, `k`
/// and `v` `[length, kv_heads x width]`; `scores` is of `length` at least.
pub(crate) fn attend(heads: Heads, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32], scores: &mut [f32]) {
	let Heads { heads, kv_heads, width } = heads;
	let (q_width, kv_width, group) = (heads * width, kv_heads * width, heads / kv_heads);
	let scale = 1.0 / libm::sqrtf(width as f32);
	out.fill(0.0);
	for (row, (q, out)) in q.chunks_exact(q_width).zip(out.chunks_exact_mut(q_width)).enumerate() {
		let scores = &mut scores[..=row];
		for (head, (q, out)) in q.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
			let at = head / group * width;
			for (score, k) in scores.iter_mut().zip(k.chunks_exact(kv_width)) {
				*score = scale * dot(q, &k[at..at + width]);
			}
			softmax(scores);
			for (weight, v) in scores.iter().zip(v.chunks_exact(kv_width)) {
				add_scaled(*weight, &v[at..at + width], out);
			}
		}
	}
}
