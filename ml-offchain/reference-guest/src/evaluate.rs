//! The loss of a shard.

use crate::{forward::Forward, Fault, Input, Machine, Shape};

/// The largest loss, in bits per byte: what overflows, or is not a number, is as bad as this.
pub const MAX_LOSS: f64 = 64.0;

/// Tokens that are computed together where the context is shorter. Weights are read once for each such lot;
/// no result depends on it.
const PASS_TOKENS: usize = 1024;

/// A window of a shard.
#[derive(Clone, Copy, Default)]
pub(crate) struct Window {
	/// First token that is read.
	pub start: usize,
	/// Tokens that are read; the predictions are of the tokens one further on.
	pub length: usize,
	/// Predictions at its beginning that an earlier window made.
	pub skipped: usize,
}

/// The windows of a shard.
struct Windows {
	context: usize,
	/// Predictions of the shard.
	last: usize,
	start: usize,
	/// Predictions made so far.
	done: usize,
}

impl Iterator for Windows {
	type Item = Window;

	fn next(&mut self) -> Option<Window> {
		if self.done >= self.last {
			return None;
		}
		let length = self.context.min(self.last - self.start);
		let window = Window { start: self.start, length, skipped: self.done - self.start };
		self.done = self.start + length;
		self.start += (self.context / 2).max(1);
		Some(window)
	}
}

/// Whether small numbers stay and sums round to nearest even, as the arithmetic takes for granted.
///
/// Both follow from a size, so that no compiler can tell beforehand.
fn rounds_to_nearest(shape: &Shape) -> bool {
	let layers = shape.layers as f32;
	let (one, share) = (layers / layers, 1.0 / (layers + 1.0));
	let keeps_small = f32::MIN_POSITIVE * share > 0.0;
	// Halfway between two numbers each, of which the even one is below and above.
	let large = 16_777_216.0;
	keeps_small && large + one == large && (large + 2.0 * one) + one == large + 4.0
}

/// The loss of the shard that `words` hold (see [`Input`]), in bits per byte: from 0 to [`MAX_LOSS`].
///
/// # Errors
/// The first [`Fault`] that is found.
pub fn evaluate(words: &[u32], machine: &mut impl Machine) -> Result<f64, Fault> {
	let Input { shape, predicted_bytes, tokens } = Input::parse(words)?;
	if !rounds_to_nearest(&shape) {
		return Err(Fault::Rounding);
	}
	let last = tokens.len() - 1;
	let longest = (shape.context as usize).min(last);
	let pass = if longest < last { (PASS_TOKENS / longest).max(1) } else { 1 };
	let mut forward = Forward::new(&shape, pass * longest, longest, machine)?;
	let mut windows = Windows { context: shape.context as usize, last, start: 0, done: 0 }.peekable();
	let mut nats = 0.0;
	let mut lot = [Window::default(); PASS_TOKENS];
	while windows.peek().is_some() {
		let mut count = 0;
		for (place, window) in lot.iter_mut().take(pass).zip(&mut windows) {
			*place = window;
			count += 1;
		}
		forward.add_losses(tokens, &lot[..count], &mut nats, machine)?;
	}
	let bits = nats / core::f64::consts::LN_2 / predicted_bytes as f64;
	// False of NaN.
	Ok(if bits <= MAX_LOSS { bits } else { MAX_LOSS })
}
