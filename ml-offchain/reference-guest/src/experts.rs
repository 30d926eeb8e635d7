//! Routing, and what experts compute.

use crate::{
	arithmetic::{softmax, swiglu},
	input::Gating,
	product::{product, Matrix},
};

/// Chooses the experts of highest score, as many as `chosen` is long, and weighs them. `scores` are spent.
pub(crate) fn choose(scores: &mut [f32], gating: Gating, chosen: &mut [u32], gates: &mut [f32]) {
	for place in 0..chosen.len() {
		let (taken, rest) = chosen.split_at_mut(place);
		let mut best: Option<usize> = None;
		for (expert, score) in scores.iter().enumerate() {
			let is_better = match best {
				None => true,
				Some(best) => *score > scores[best],
			};
			if is_better && !taken.contains(&(expert as u32)) {
				best = Some(expert);
			}
		}
		// There are at least as many experts as are chosen: a rule of shapes.
		let best = best.unwrap_or_default();
		rest[0] = best as u32;
		gates[place] = scores[best];
	}
	match gating {
		Gating::Chosen => softmax(gates),
		Gating::All => {
			softmax(scores);
			for (gate, expert) in gates.iter_mut().zip(chosen) {
				*gate = scores[*expert as usize];
			}
		}
	}
}

/// An expert's tensors.
#[derive(Clone, Copy)]
pub(crate) struct Expert<'a> {
	/// `[d, ff]`.
	pub w1: &'a [f32],
	/// `[d, ff]`.
	pub w3: &'a [f32],
	/// `[ff, d]`.
	pub w2: &'a [f32],
}

/// Buffers of [`Expert::forward`], for as many rows as are given at once.
pub(crate) struct Hidden<'a> {
	/// `[rows, ff]`.
	pub h1: &'a mut [f32],
	/// `[rows, ff]`.
	pub h3: &'a mut [f32],
	pub panel: &'a mut [f32],
}

impl<'a> Expert<'a> {
	/// From `w1`, `w3` and `w2`, one after another.
	pub fn new(numbers: &'a [f32], d: usize, ff: usize) -> Self {
		let (w1, rest) = numbers.split_at(d * ff);
		let (w3, w2) = rest.split_at(d * ff);
		Self { w1, w3, w2: &w2[..ff * d] }
	}

	/// `out = (silu(x w1) * (x w3)) w2` for `x` and `out [rows, d]`.
	pub fn forward(&self, x: &[f32], (d, ff): (usize, usize), hidden: &mut Hidden<'_>, out: &mut [f32]) {
		let rows = x.len() / d;
		let Hidden { h1, h3, panel } = hidden;
		let (h1, h3) = (&mut h1[..rows * ff], &mut h3[..rows * ff]);
		product(x, Matrix::new(self.w1, d, ff), h1, panel);
		product(x, Matrix::new(self.w3, d, ff), h3, panel);
		swiglu(h1, h3);
		product(h1, Matrix::new(self.w2, ff, d), out, panel);
	}
}
