//! How much an evaluation may take.

use blyan_primitives::architecture::Architecture;
use std::num::Saturating;

/// Fuel for a multiplication and addition, and for laying out or adding up a number. Measured: see the test of
/// [`fuel_limit`].
const FUEL_PER_NUMBER: Saturating<u128> = Saturating(24);
/// Fuel for an exponential and what is around it.
const FUEL_PER_EXPONENTIAL: Saturating<u128> = Saturating(256);
/// Fuel for an angle of the rotary positions.
const FUEL_PER_ANGLE: Saturating<u128> = Saturating(2048);
/// Fuel for what every evaluation does.
const FUEL_TO_START: Saturating<u128> = Saturating(1 << 20);

/// Fuel that suffices for any weights of an architecture and a shard of so many tokens: what they can be made
/// to take is bounded by it. Fuel counts Wasm instructions, and the numbers that are read of components.
///
/// Saturates; an architecture must be valid.
pub fn fuel_limit(architecture: &Architecture, tokens: u64) -> u64 {
	let a = architecture;
	let of = |x: u32| Saturating(u128::from(x));
	let (d, ff, vocabulary) = (of(a.d_model), of(a.d_ff), of(a.vocabulary));
	let (q, kv) = (of(a.query_width()), of(a.kv_width()));
	let shared_ff = of(a.shared_d_ff.unwrap_or(0));
	let (experts, top_k, layers) = (of(a.experts.current.into()), of(a.top_k.into()), of(a.layers.into()));
	let (heads, head_width) = (of(a.heads.into()), of(a.head_width.into()));
	// Windows begin half a context apart; the first is whole.
	let last = tokens.saturating_sub(1).max(1);
	let longest = u64::from(a.context).clamp(1, last);
	let later = (last - longest).div_ceil((u64::from(a.context) / 2).max(1));
	let windows = Saturating(u128::from(later) + 1);
	let window = Saturating(u128::from(longest));
	let rows = windows * window;

	let two = Saturating(2);
	let three = Saturating(3);
	let projections = d * two * (q + kv);
	let shared = three * d * shared_ff + d;
	let products = layers * (projections + two * q * window + d * experts + top_k * three * d * ff + shared)
		+ d * vocabulary;
	let exponentials = layers * (heads * window + experts + top_k * ff + shared_ff) + vocabulary;
	// Norms, sums, angles and the choice of experts.
	let others = layers * (Saturating(8) * (d + q + kv) + two * top_k * d + two * experts * top_k) + two * d;
	// Each weight is read, and laid out for products, once for each lot of windows: at most once for each.
	let weights = layers * (projections + d * experts + experts * three * d * ff + shared) + d * vocabulary;
	let fuel = (rows * (products + others) + windows * weights) * FUEL_PER_NUMBER
		+ rows * exponentials * FUEL_PER_EXPONENTIAL
		+ window * head_width * FUEL_PER_ANGLE
		+ FUEL_TO_START;
	u64::try_from(fuel.0).unwrap_or(u64::MAX)
}
