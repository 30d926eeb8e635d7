//! Causal attention over whole sequences.

use super::{
	fit,
	kernels::{causal_softmax, softmax_backward},
	matmul::{matmul, Mat, MatMut},
	Sizes,
};

/// Rows of scores computed together. What lies beyond the last of them is masked, and left out.
const BLOCK: usize = 64;

/// The blocks of rows of a sequence, each with the columns that it can see.
fn blocks(length: usize) -> impl Iterator<Item = (usize, usize)> {
	(0..length).step_by(BLOCK).map(move |first| (first, (first + BLOCK).min(length)))
}

/// Where a head of a sequence begins in queries, and where its keys and values do.
fn bases(s: &Sizes, length: usize, head: usize) -> (usize, usize) {
	let (sequence, head) = (head / s.heads, head % s.heads);
	let group = s.heads / s.kv_heads;
	let first = sequence * length;
	(first * s.q_width() + head * s.hw, first * s.kv_width() + head / group * s.hw)
}

/// `out = softmax(q k^T / sqrt(width)) v` for each head of each sequence.
///
/// `q` and `out` are `[sequences x length, heads x width]`, `k` and `v` `[_, kv_heads x width]`, `q` and
/// `k` already turned by their positions. `p` gets the weights, `[sequences, heads, length, length]`; entries that are masked in
/// blocks beyond the diagonal are neither written nor read.
pub(crate) fn forward(
	s: &Sizes,
	length: usize,
	q: &[f32],
	k: &[f32],
	v: &[f32],
	p: &mut Vec<f32>,
	out: &mut [f32],
) {
	let (dq, dkv) = (s.q_width(), s.kv_width());
	let sequences = q.len() / (length * dq);
	let scale = 1.0 / (s.hw as f32).sqrt();
	fit(p, sequences * s.heads * length * length);
	for (head, p) in p.chunks_exact_mut(length * length).enumerate() {
		let (q_base, kv_base) = bases(s, length, head);
		for (first, last) in blocks(length) {
			let rows = last - first;
			let p = &mut p[first * length..last * length];
			let at = q_base + first * dq;
			matmul(
				MatMut::strided(p, rows, last, length),
				Mat::strided(&q[at..], rows, s.hw, dq),
				Mat::strided(&k[kv_base..], last, s.hw, dkv).t(),
				scale,
				false,
			);
			causal_softmax(p, last, length, first);
			matmul(
				MatMut::strided(&mut out[at..], rows, s.hw, dq),
				Mat::strided(p, rows, last, length),
				Mat::strided(&v[kv_base..], last, s.hw, dkv),
				1.0,
				false,
			);
		}
	}
}

/// What [`forward`] read and kept.
pub(crate) struct Kept<'a> {
	pub q: &'a [f32],
	pub k: &'a [f32],
	pub v: &'a [f32],
	pub p: &'a [f32],
}

/// Writes the gradients of `q`, `k` and `v` for the gradient `dout` of the output.
pub(crate) fn backward(
	s: &Sizes,
	length: usize,
	kept: Kept<'_>,
	dout: &[f32],
	[dq, dk, dv]: [&mut [f32]; 3],
	scratch: &mut Vec<f32>,
) {
	let Kept { q, k, v, p } = kept;
	let (q_width, kv_width) = (s.q_width(), s.kv_width());
	let scale = 1.0 / (s.hw as f32).sqrt();
	dk.fill(0.0);
	dv.fill(0.0);
	for (head, p) in p.chunks_exact(length * length).enumerate() {
		let (q_base, base) = bases(s, length, head);
		for (first, last) in blocks(length) {
			let rows = last - first;
			let p = &p[first * length..last * length];
			let at = q_base + first * q_width;
			let dout = Mat::strided(&dout[at..], rows, s.hw, q_width);
			fit(scratch, rows * last);
			let keys = Mat::strided(&k[base..], last, s.hw, kv_width);
			let values = Mat::strided(&v[base..], last, s.hw, kv_width);
			let p_matrix = Mat::strided(p, rows, last, length);
			matmul(MatMut::strided(&mut dv[base..], last, s.hw, kv_width), p_matrix.t(), dout, 1.0, true);
			matmul(MatMut::new(scratch, rows, last), dout, values.t(), 1.0, false);
			softmax_backward(p, length, scratch, last);
			let dscores = Mat::new(scratch, rows, last);
			matmul(MatMut::strided(&mut dq[at..], rows, s.hw, q_width), dscores, keys, scale, false);
			matmul(
				MatMut::strided(&mut dk[base..], last, s.hw, kv_width),
				dscores.t(),
				Mat::strided(&q[at..], rows, s.hw, q_width),
				scale,
				true,
			);
		}
	}
}
