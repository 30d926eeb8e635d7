//! Everything that is not a matrix product, fused where steps follow each other.
//!
//! Each kernel is compiled for several instruction sets and chosen at run time. Sums run over
//! sixteen fixed lanes and nothing is contracted into fused multiply-adds, so a kernel gives the
//! same bits on every instruction set.

use pulp::{Arch, NullaryFnOnce};

/// Lanes of a sum.
const LANES: usize = 16;

/// Defines a function whose body is compiled once for each instruction set.
///
/// The body is a method of a struct that is always inlined into the code for an instruction set; a
/// closure is not, and would be compiled for the oldest one.
macro_rules! kernel {
	(@output) => { () };
	(@output $result:ty) => { $result };
	(
		$(#[$meta:meta])*
		fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
	) => {
		$(#[$meta])*
		// The arguments of a kernel are the tensors it reads and writes.
		#[allow(clippy::too_many_arguments)]
		pub(crate) fn $name<$life>($($argument: $type),*) $(-> $result)? {
			struct Kernel<$life> {
				$($argument: $type),*
			}
			impl<$life> NullaryFnOnce for Kernel<$life> {
				type Output = kernel!(@output $($result)?);

				#[inline(always)]
				fn call(self) -> Self::Output {
					let Self { $($argument),* } = self;
					$body
				}
			}
			Arch::new().dispatch(Kernel { $($argument),* })
		}
	};
}

/// `e^x` within 2 ulp; saturates outside [-87, 88]; NaN stays NaN.
#[inline(always)]
fn exp(x: f32) -> f32 {
	// Adding it rounds to a whole number, which then stands in the low bits.
	const ROUND: f32 = 12_582_912.0;
	// ln 2 in two parts: the product with a whole number below 128 loses nothing in the first.
	const LN2_HIGH: f32 = 355.0 / 512.0;
	const LN2_LOW: f32 = -2.121_944_4e-4;
	let x = if x < -87.0 { -87.0 } else { x };
	let x = if x > 88.0 { 88.0 } else { x };
	let shifted = x * std::f32::consts::LOG2_E + ROUND;
	let whole = shifted - ROUND;
	let r = x - whole * LN2_HIGH - whole * LN2_LOW;
	let p = 1.987_569_1e-4;
	let p = p * r + 1.398_199_9e-3;
	let p = p * r + 8.333_452e-3;
	let p = p * r + 4.166_579_6e-2;
	let p = p * r + 1.666_666_5e-1;
	let p = p * r + 0.5;
	let p = p * r * r + r + 1.0;
	p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// Adds up lanes, always in the same order.
#[inline(always)]
fn sum_lanes(lanes: [f32; LANES]) -> f32 {
	let mut lanes = lanes;
	let mut width = LANES / 2;
	while width > 0 {
		for i in 0..width {
			lanes[i] += lanes[i + width];
		}
		width /= 2;
	}
	lanes[0]
}

#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
	let mut lanes = [0.0; LANES];
	let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
	let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| f(*a, *b)).sum();
	for (a, b) in a_chunks.zip(b_chunks) {
		for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
			*lane += f(*a, *b);
		}
	}
	sum_lanes(lanes) + tail
}

/// The largest; a NaN is passed over, to show up in what is computed next.
#[inline(always)]
fn max_of(x: &[f32]) -> f32 {
	let mut lanes = [f32::NEG_INFINITY; LANES];
	let chunks = x.chunks_exact(LANES);
	let keep = |best: f32, x: f32| if x > best { x } else { best };
	let tail = chunks.remainder().iter().fold(f32::NEG_INFINITY, |best, x| keep(best, *x));
	for chunk in chunks {
		for (lane, x) in lanes.iter_mut().zip(chunk) {
			*lane = keep(*lane, *x);
		}
	}
	lanes.iter().fold(tail, |best, x| keep(best, *x))
}

/// Turns a row into `e^(x - max)`; returns the maximum and the sum.
#[inline(always)]
fn exp_row(row: &mut [f32]) -> (f32, f32) {
	let max = max_of(row);
	for x in row.iter_mut() {
		*x = exp(*x - max);
	}
	(max, sum_of(row, row, |x, _| x))
}

kernel! {
	/// `y = x / rms(x) * weight` for each row; `inverse` gets `1 / rms`.
	fn rms_norm<'a>(x: &'a [f32], weight: &'a [f32], y: &'a mut [f32], inverse: &'a mut [f32], epsilon: f32) {
		let d = weight.len();
		for ((x, y), inverse) in x.chunks_exact(d).zip(y.chunks_exact_mut(d)).zip(inverse) {
			*inverse = 1.0 / (sum_of(x, x, |a, b| a * b) / d as f32 + epsilon).sqrt();
			for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
				*y = x * *inverse * weight;
			}
		}
	}
}

kernel! {
	/// Adds to `dx` the gradient through [`rms_norm`], and to `dweight` that of the weight. `dy` is spent.
	fn rms_norm_backward<'a>(
		x: &'a [f32], inverse: &'a [f32], weight: &'a [f32], dy: &'a mut [f32], dx: &'a mut [f32], dweight: Option<&'a mut [f32]>,
	) {
		let d = weight.len();
		if let Some(dweight) = dweight {
			for ((x, dy), inverse) in x.chunks_exact(d).zip(dy.chunks_exact(d)).zip(inverse) {
				for ((dweight, x), dy) in dweight.iter_mut().zip(x).zip(dy) {
					*dweight += dy * (x * inverse);
				}
			}
		}
		let rows = x.chunks_exact(d).zip(dy.chunks_exact_mut(d)).zip(dx.chunks_exact_mut(d)).zip(inverse);
		for (((x, dy), dx), inverse) in rows {
			for (dy, weight) in dy.iter_mut().zip(weight) {
				*dy *= weight;
			}
			let mean = sum_of(x, dy, |x, dy| x * dy) * inverse * inverse / d as f32;
			for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy.iter()) {
				*dx += inverse * (dy - x * mean);
			}
		}
	}
}

kernel! {
	/// Turns each head of each row by its position's angles: a pair is (i, i + width / 2).
	///
	/// Rows are whole sequences of `length`, the first at position `start`. `direction` is 1, or -1
	/// for the gradient.
	fn rotate<'a>(
		x: &'a mut [f32], d: usize, width: usize, length: usize, start: usize, cos: &'a [f32], sin: &'a [f32], direction: f32,
	) {
		let half = width / 2;
		for (row, x) in x.chunks_exact_mut(d).enumerate() {
			let at = (start + row % length) * half;
			let (cos, sin) = (&cos[at..at + half], &sin[at..at + half]);
			for head in x.chunks_exact_mut(width) {
				let (low, high) = head.split_at_mut(half);
				for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
					let sin = sin * direction;
					(*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
				}
			}
		}
	}
}

kernel! {
	/// Softmax over the first `first + row + 1` of each row, zero in the rest.
	fn causal_softmax<'a>(scores: &'a mut [f32], columns: usize, stride: usize, first: usize) {
		for (row, scores) in scores.chunks_mut(stride).enumerate() {
			let (seen, hidden) = scores[..columns].split_at_mut(first + row + 1);
			let (_, sum) = exp_row(seen);
			let inverse = 1.0 / sum;
			for x in seen {
				*x *= inverse;
			}
			hidden.fill(0.0);
		}
	}
}

kernel! {
	/// `dscores = p * (dp - sum(p * dp))`, written over `dp` (rows of `columns`); `p` has rows of `stride`.
	fn softmax_backward<'a>(p: &'a [f32], stride: usize, dp: &'a mut [f32], columns: usize) {
		for (p, dp) in p.chunks(stride).zip(dp.chunks_exact_mut(columns)) {
			let p = &p[..columns];
			let mean = sum_of(p, dp, |p, dp| p * dp);
			for (dp, p) in dp.iter_mut().zip(p) {
				*dp = p * (*dp - mean);
			}
		}
	}
}

kernel! {
	/// Softmax of each row.
	fn softmax<'a>(x: &'a mut [f32], columns: usize) {
		for row in x.chunks_exact_mut(columns) {
			let (_, sum) = exp_row(row);
			let inverse = 1.0 / sum;
			for x in row {
				*x *= inverse;
			}
		}
	}
}

kernel! {
	/// `out = silu(h1) * h3`.
	fn swiglu<'a>(h1: &'a [f32], h3: &'a [f32], out: &'a mut [f32]) {
		for ((out, h1), h3) in out.iter_mut().zip(h1).zip(h3) {
			*out = h1 / (1.0 + exp(-h1)) * h3;
		}
	}
}

kernel! {
	/// Gradient through `gate * (silu(h1) * h3)`, rows of `ff`.
	///
	/// `u` comes in as the gradient of the product and leaves as the product times its gate; `h1` and
	/// `h3` leave as their gradients; `dgates` gets the gates'.
	fn swiglu_backward<'a>(h1: &'a mut [f32], h3: &'a mut [f32], u: &'a mut [f32], gates: &'a [f32], dgates: &'a mut [f32], ff: usize) {
		let rows = h1.chunks_exact_mut(ff).zip(h3.chunks_exact_mut(ff)).zip(u.chunks_exact_mut(ff));
		for (((h1, h3), u), (gate, dgate)) in rows.zip(gates.iter().zip(dgates)) {
			let ((h1, h1_tail), (h3, h3_tail)) = (h1.as_chunks_mut::<LANES>(), h3.as_chunks_mut::<LANES>());
			let (u, u_tail) = u.as_chunks_mut::<LANES>();
			let mut lanes = [0.0; LANES];
			for ((h1, h3), u) in h1.iter_mut().zip(h3).zip(u) {
				// Copies, so that nothing that is read can be what is written.
				let (a, b, c) = (*h1, *h3, *u);
				// By index, for six arrays at once.
				#[allow(clippy::needless_range_loop)]
				for i in 0..LANES {
					let gradient = swiglu_gradient(a[i], b[i], c[i], *gate);
					lanes[i] += c[i] * gradient.product;
					(h1[i], h3[i], u[i]) = (gradient.h1, gradient.h3, gradient.product * gate);
				}
			}
			let mut tail = 0.0;
			for ((h1, h3), u) in h1_tail.iter_mut().zip(h3_tail).zip(u_tail) {
				let gradient = swiglu_gradient(*h1, *h3, *u, *gate);
				tail += *u * gradient.product;
				(*h1, *h3, *u) = (gradient.h1, gradient.h3, gradient.product * gate);
			}
			*dgate = sum_lanes(lanes) + tail;
		}
	}
}

/// One element of [`swiglu_backward`].
struct SwigluGradient {
	product: f32,
	h1: f32,
	h3: f32,
}

#[inline(always)]
fn swiglu_gradient(h1: f32, h3: f32, u: f32, gate: f32) -> SwigluGradient {
	let sigmoid = 1.0 / (1.0 + exp(-h1));
	let silu = h1 * sigmoid;
	let du = u * gate;
	SwigluGradient { product: silu * h3, h1: du * h3 * (sigmoid + silu * (1.0 - sigmoid)), h3: du * silu }
}

kernel! {
	/// `y += scale * x`.
	fn axpy<'a>(scale: f32, x: &'a [f32], y: &'a mut [f32]) {
		for (y, x) in y.iter_mut().zip(x) {
			*y += scale * x;
		}
	}
}

kernel! {
	/// `y = x * matrix`, or `y += x * matrix` when `accumulate`; `matrix` is row-major `[x, y]`.
	fn vector_matrix<'a>(x: &'a [f32], matrix: &'a [f32], y: &'a mut [f32], accumulate: bool) {
		/// Rows taken together, so that `y` is read and written once for so many of the matrix.
		const ROWS: usize = 8;
		let n = y.len();
		if !accumulate {
			y.fill(0.0);
		}
		let (x_blocks, blocks) = (x.chunks_exact(ROWS), matrix.chunks_exact(ROWS * n));
		let tail = x_blocks.remainder().iter().zip(blocks.remainder().chunks_exact(n));
		for (x, rows) in x_blocks.zip(blocks) {
			let (r0, rest) = rows.split_at(n);
			let (r1, rest) = rest.split_at(n);
			let (r2, rest) = rest.split_at(n);
			let (r3, rest) = rest.split_at(n);
			let (r4, rest) = rest.split_at(n);
			let (r5, rest) = rest.split_at(n);
			let (r6, r7) = rest.split_at(n);
			for (j, y) in y.iter_mut().enumerate() {
				let low = (x[0] * r0[j] + x[1] * r1[j]) + (x[2] * r2[j] + x[3] * r3[j]);
				let high = (x[4] * r4[j] + x[5] * r5[j]) + (x[6] * r6[j] + x[7] * r7[j]);
				*y += low + high;
			}
		}
		for (x, row) in tail {
			for (y, row) in y.iter_mut().zip(row) {
				*y += x * row;
			}
		}
	}
}

kernel! {
	/// `y[i] = x . matrix[i]` for row-major `matrix [y, x]`.
	fn matrix_vector<'a>(matrix: &'a [f32], x: &'a [f32], y: &'a mut [f32]) {
		for (y, row) in y.iter_mut().zip(matrix.chunks_exact(x.len())) {
			*y = sum_of(row, x, |a, b| a * b);
		}
	}
}

kernel! {
	/// Attention of one token: `q [heads x width]` over the first rows of `k` and `v [_, kv]`, as many as
	/// `scores` is long; heads of `width`, each of `k` and `v` for as many of `q` in turn.
	fn attend<'a>(
		q: &'a [f32], k: &'a [f32], v: &'a [f32], width: usize, kv: usize, scores: &'a mut [f32], out: &'a mut [f32],
	) {
		let group = q.len() / kv;
		let scale = 1.0 / (width as f32).sqrt();
		let heads = q.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate();
		for (head, (q, out)) in heads {
			let at = head / group * width;
			for (score, k) in scores.iter_mut().zip(k.chunks_exact(kv)) {
				*score = scale * sum_of(q, &k[at..at + width], |q, k| q * k);
			}
			let (_, sum) = exp_row(scores);
			let inverse = 1.0 / sum;
			out.fill(0.0);
			for (score, v) in scores.iter().zip(v.chunks_exact(kv)) {
				let p = score * inverse;
				for (out, v) in out.iter_mut().zip(&v[at..at + width]) {
					*out += p * v;
				}
			}
		}
	}
}

kernel! {
	/// Adds `row` to each row of `x`.
	fn add_to_rows<'a>(row: &'a [f32], x: &'a mut [f32]) {
		for x in x.chunks_exact_mut(row.len()) {
			for (x, row) in x.iter_mut().zip(row) {
				*x += row;
			}
		}
	}
}

kernel! {
	/// `total += ` the rows of `x`, in order.
	fn add_up_rows<'a>(x: &'a [f32], total: &'a mut [f32]) {
		for x in x.chunks_exact(total.len()) {
			for (total, x) in total.iter_mut().zip(x) {
				*total += x;
			}
		}
	}
}

kernel! {
	/// Cuts to plus and minus `limit`; NaN stays NaN.
	fn clip<'a>(x: &'a mut [f32], limit: f32) {
		for x in x {
			*x = if *x > limit { limit } else if *x < -limit { -limit } else { *x };
		}
	}
}

kernel! {
	/// The gradient through [`clip`]: none where `x`, what was cut, is beyond the limit.
	fn clip_backward<'a>(x: &'a [f32], dx: &'a mut [f32], limit: f32) {
		for (x, dx) in x.iter().zip(dx) {
			*dx = if *x > limit || *x < -limit { 0.0 } else { *dx };
		}
	}
}

kernel! {
	/// `x = 1 / (1 + e^-x)`.
	fn sigmoid<'a>(x: &'a mut [f32]) {
		for x in x {
			*x = 1.0 / (1.0 + exp(-*x));
		}
	}
}

kernel! {
	/// Cross-entropy in nats of each row of logits against its target. With a `scale`, the logits
	/// leave as `scale` times the gradient.
	fn cross_entropy<'a>(logits: &'a mut [f32], targets: &'a [u32], scale: Option<f32>, losses: &'a mut [f64]) {
		let columns = logits.len() / targets.len().max(1);
		for ((row, target), loss) in logits.chunks_exact_mut(columns).zip(targets).zip(losses) {
			let target = *target as usize;
			let picked = row[target];
			let (max, sum) = exp_row(row);
			*loss = f64::from(sum).ln() + f64::from(max) - f64::from(picked);
			if let Some(scale) = scale {
				let factor = scale / sum;
				for x in row.iter_mut() {
					*x *= factor;
				}
				row[target] -= scale;
			}
		}
	}
}

kernel! {
	/// `total += part`.
	fn add<'a>(part: &'a [f32], total: &'a mut [f32]) {
		for (total, part) in total.iter_mut().zip(part) {
			*total += part;
		}
	}
}

kernel! {
	/// Sum of squares. In f32 within a chunk: what bounds a gradient need not be exact, only repeatable.
	fn sum_of_squares<'a>(x: &'a [f32]) -> f64 {
		x.chunks(1024).map(|x| f64::from(sum_of(x, x, |a, b| a * b))).sum()
	}
}

/// The numbers of one AdamW step that are the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
	/// Multiplies the gradient first: the clip.
	pub scale: f32,
	pub beta1: f32,
	pub beta2: f32,
	/// Learning rate over the first moment's bias correction.
	pub rate: f32,
	/// Inverse square root of the second moment's bias correction.
	pub correction: f32,
	pub epsilon: f32,
}

kernel! {
	/// AdamW: `decay` is learning rate times weight decay, zero where weights are not decayed.
	fn adamw<'a>(w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32], step: AdamStep, decay: f32) {
		let AdamStep { scale, beta1, beta2, rate, correction, epsilon } = step;
		for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
			let g = g * scale;
			*m = beta1 * *m + (1.0 - beta1) * g;
			*v = beta2 * *v + (1.0 - beta2) * (g * g);
			*w = *w - decay * *w - rate * *m / (v.sqrt() * correction + epsilon);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn exp_should_be_within_two_ulp_when_in_range() {
		for i in -87_000..88_000 {
			let x = i as f32 / 1000.0;
			let (got, exact) = (f64::from(exp(x)), f64::from(x).exp());
			assert!((got - exact).abs() <= exact * 2.4e-7, "e^{x}: {got} for {exact}");
		}
	}

	#[test]
	fn exp_should_stay_finite_and_keep_nan_when_out_of_range() {
		assert!(exp(f32::INFINITY).is_finite() && exp(f32::INFINITY) > 1e38);
		assert!(exp(f32::NEG_INFINITY) < 1e-37);
		assert!(exp(f32::NAN).is_nan());
	}

	#[test]
	fn vector_matrix_should_agree_with_the_definition_when_sizes_are_odd() {
		let (rows, columns) = (19, 37);
		let x: Vec<f32> = (0..rows).map(|i| i as f32 - 7.0).collect();
		let matrix: Vec<f32> = (0..rows * columns).map(|i| (i % 11) as f32 - 5.0).collect();
		let mut y = vec![1.0; columns];
		vector_matrix(&x, &matrix, &mut y, true);
		for (j, y) in y.iter().enumerate() {
			let product: f32 = (0..rows).map(|i| x[i] * matrix[i * columns + j]).sum();
			assert_eq!(*y, 1.0 + product, "whole numbers are exact");
		}
	}

	#[test]
	fn matrix_vector_should_agree_with_the_definition_when_sizes_are_odd() {
		let (rows, columns) = (19, 37);
		let x: Vec<f32> = (0..columns).map(|i| i as f32 - 7.0).collect();
		let matrix: Vec<f32> = (0..rows * columns).map(|i| (i % 11) as f32 - 5.0).collect();
		let mut y = vec![1.0; rows];
		matrix_vector(&matrix, &x, &mut y);
		for (i, y) in y.iter().enumerate() {
			let product: f32 = (0..columns).map(|j| x[j] * matrix[i * columns + j]).sum();
			assert_eq!(*y, product, "whole numbers are exact");
		}
	}

	#[test]
	fn clip_should_cut_both_ways_let_the_gradient_pass_at_the_limit_and_keep_nan() {
		let x = [-3.0, -2.0, 0.5, 2.0, 2.5, f32::NAN];
		let mut cut = x;
		clip(&mut cut, 2.0);
		assert_eq!(cut[..5], [-2.0, -2.0, 0.5, 2.0, 2.0]);
		assert!(cut[5].is_nan());
		let mut dx = [1.0; 5];
		clip_backward(&x[..5], &mut dx, 2.0);
		assert_eq!(dx, [0.0, 1.0, 1.0, 1.0, 0.0]);
	}

	#[test]
	fn cross_entropy_should_be_nan_when_a_logit_is() {
		let mut losses = [0.0];
		cross_entropy(&mut [0.0, f32::NAN, 1.0], &[0], None, &mut losses);
		assert!(losses[0].is_nan());
	}
}
