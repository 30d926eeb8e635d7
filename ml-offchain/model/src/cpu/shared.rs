//! The shared expert: every token visits it, and its output is weighted by the sigmoid of a gate.

use super::{
	fit,
	kernels::{add, axpy, sigmoid, swiglu, swiglu_backward},
	matmul::{matmul, Mat, MatMut},
	SharedView, Sizes,
};
use crate::layout::SharedRanges;

/// What a layer's shared expert computed.
#[derive(Default)]
pub(crate) struct SharedTape {
	/// `x w1` and `x w3`, `[tokens, shared_ff]`.
	h1: Vec<f32>,
	h3: Vec<f32>,
	/// `[tokens]`.
	gates: Vec<f32>,
}

/// Buffers that are spent within one call.
#[derive(Default)]
pub(crate) struct SharedScratch {
	wide: Vec<f32>,
	narrow: Vec<f32>,
	dgates: Vec<f32>,
}

/// `stream += sigmoid(x gate) * expert(x)` for `x [tokens, d]`.
pub(crate) fn forward(
	view: &SharedView<'_>,
	s: &Sizes,
	x: &[f32],
	stream: &mut [f32],
	tape: &mut SharedTape,
	scratch: &mut SharedScratch,
) {
	let (d, ff) = (s.d, s.shared_ff);
	let n = x.len() / d;
	let SharedTape { h1, h3, gates } = tape;
	let SharedScratch { wide, narrow, .. } = scratch;
	for buffer in [&mut *h1, &mut *h3, &mut *wide] {
		fit(buffer, n * ff);
	}
	fit(narrow, n * d);
	fit(gates, n);
	let (input, w) = (Mat::new(x, n, d), view.expert);
	matmul(MatMut::new(gates, n, 1), input, Mat::new(view.gate, d, 1), 1.0, false);
	sigmoid(gates);
	matmul(MatMut::new(h1, n, ff), input, Mat::new(w.w1, d, ff), 1.0, false);
	matmul(MatMut::new(h3, n, ff), input, Mat::new(w.w3, d, ff), 1.0, false);
	swiglu(h1, h3, wide);
	matmul(MatMut::new(narrow, n, d), Mat::new(wide, n, ff), Mat::new(w.w2, ff, d), 1.0, false);
	for ((gate, y), stream) in gates.iter().zip(narrow.chunks_exact(d)).zip(stream.chunks_exact_mut(d)) {
		axpy(*gate, y, stream);
	}
}

/// Gradients for the gradient `dstream` of the output: adds to `buffer`, the backbone's, where it is
/// trained, and to `dx`. Spends what `tape` keeps.
pub(crate) fn backward(
	(view, ranges): (&SharedView<'_>, &SharedRanges),
	s: &Sizes,
	x: &[f32],
	dstream: &[f32],
	tape: &mut SharedTape,
	scratch: &mut SharedScratch,
	(buffer, dx): (Option<&mut Vec<f32>>, &mut [f32]),
) {
	let (d, ff) = (s.d, s.shared_ff);
	let n = x.len() / d;
	let SharedTape { h1, h3, gates } = tape;
	let SharedScratch { wide, narrow, dgates } = scratch;
	fit(wide, n * ff);
	fit(narrow, n * d);
	fit(dgates, n);
	let (dy, w) = (Mat::new(dstream, n, d), view.expert);
	matmul(MatMut::new(wide, n, ff), dy, Mat::new(w.w2, ff, d).t(), 1.0, false);
	swiglu_backward(h1, h3, wide, gates, dgates, ff);
	for (dgate, gate) in dgates.iter_mut().zip(gates.iter()) {
		*dgate *= gate * (1.0 - gate);
	}
	let (dh1, dh3, dscores) = (Mat::new(h1, n, ff), Mat::new(h3, n, ff), Mat::new(dgates, n, 1));
	if let Some(buffer) = buffer {
		let input = Mat::new(x, n, d).t();
		let SharedRanges { expert, gate } = ranges;
		matmul(MatMut::new(&mut buffer[expert.w1.clone()], d, ff), input, dh1, 1.0, true);
		matmul(MatMut::new(&mut buffer[expert.w3.clone()], d, ff), input, dh3, 1.0, true);
		matmul(MatMut::new(&mut buffer[expert.w2.clone()], ff, d), Mat::new(wide, n, ff).t(), dy, 1.0, true);
		matmul(MatMut::new(&mut buffer[gate.clone()], d, 1), input, dscores, 1.0, true);
	}
	matmul(MatMut::new(narrow, n, d), dh1, Mat::new(w.w1, d, ff).t(), 1.0, false);
	matmul(MatMut::new(narrow, n, d), dh3, Mat::new(w.w3, d, ff).t(), 1.0, true);
	matmul(MatMut::new(narrow, n, d), dscores, Mat::new(view.gate, 1, d), 1.0, true);
	add(narrow, dx);
}
