//! What is done to rows of numbers.

/// `e^x`.
pub(crate) fn exp(x: f32) -> f32 {
	libm::expf(x)
}

/// `sum(a * b)`.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
	let mut sum = 0.0;
	for (a, b) in a.iter().zip(b) {
		sum += a * b;
	}
	sum
}

/// `y += x`.
pub(crate) fn add(x: &[f32], y: &mut [f32]) {
	for (y, x) in y.iter_mut().zip(x) {
		*y += x;
	}
}

/// `y += scale * x`.
pub(crate) fn add_scaled(scale: f32, x: &[f32], y: &mut [f32]) {
	for (y, x) in y.iter_mut().zip(x) {
		*y += scale * x;
	}
}

/// `x = x / rms(x) * weight` for each row as long as `weight`.
pub(crate) fn rms_norm(x: &mut [f32], weight: &[f32], epsilon: f32) {
	for x in x.chunks_exact_mut(weight.len()) {
		let inverse = 1.0 / libm::sqrtf(dot(x, x) / weight.len() as f32 + epsilon);
		for (x, weight) in x.iter_mut().zip(weight) {
			*x = *x * inverse * weight;
		}
	}
}

/// Turns a row into `e^(x - max)`; returns the maximum and the sum. A NaN is no maximum, and shows in the sum.
pub(crate) fn exp_row(x: &mut [f32]) -> (f32, f32) {
	let mut max = f32::NEG_INFINITY;
	for x in x.iter() {
		if *x > max {
			max = *x;
		}
	}
	let mut sum = 0.0;
	for x in x {
		*x = exp(*x - max);
		sum += *x;
	}
	(max, sum)
}

/// Softmax of a row.
pub(crate) fn softmax(x: &mut [f32]) {
	let (_, sum) = exp_row(x);
	let inverse = 1.0 / sum;
	for x in x {
		*x *= inverse;
	}
}

/// `h1 = silu(h1) * h3`.
pub(crate) fn swiglu(h1: &mut [f32], h3: &[f32]) {
	for (h1, h3) in h1.iter_mut().zip(h3) {
		*h1 = *h1 / (1.0 + exp(-*h1)) * h3;
	}
}

/// `1 / (1 + e^-x)`.
pub(crate) fn sigmoid(x: f32) -> f32 {
	1.0 / (1.0 + exp(-x))
}

/// Cuts to plus and minus `limit`; NaN stays NaN.
pub(crate) fn clip(x: &mut [f32], limit: f32) {
	for x in x {
		if *x > limit {
			*x = limit;
		} else if *x < -limit {
			*x = -limit;
		}
	}
}

/// Writes cosines and sines of the rotary angles, both `[positions, half]`.
pub(crate) fn rotary(theta: u32, half: usize, cos: &mut [f32], sin: &mut [f32]) {
	let rows = cos.chunks_exact_mut(half).zip(sin.chunks_exact_mut(half));
	for (position, (cos, sin)) in rows.enumerate() {
		for (i, (cos, sin)) in cos.iter_mut().zip(sin).enumerate() {
			let angle = position as f64 * libm::pow(f64::from(theta), -(i as f64) / half as f64);
			*cos = libm::cos(angle) as f32;
			*sin = libm::sin(angle) as f32;
		}
	}
}

/// Turns each head of a row by the angles of its position: a pair is (i, i + half).
pub(crate) fn rotate(x: &mut [f32], cos: &[f32], sin: &[f32]) {
	let half = cos.len();
	for head in x.chunks_exact_mut(2 * half) {
		let (low, high) = head.split_at_mut(half);
		for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
			(*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
		}
	}
}
