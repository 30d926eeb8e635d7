//! How many shards a round needs, by the normal approximation and for a pool without end.

use crate::statistics::Spread;
use blyan_primitives::learning::{Gate, NanoBits};
use statrs::distribution::{ContinuousCDF, Normal};

/// The power that is asked for.
pub(super) const POWER: f64 = 0.9;

/// Shards of all domains with which a candidate of these losses on the pool is accepted with the chance
/// [`POWER`], but for regressions; `None` if it gains no more than the gate's delta.
pub(super) fn shards(gate: &Gate, baseline: &[NanoBits], candidate: &[NanoBits]) -> Option<f64> {
	let mut gains = Spread::default();
	baseline.iter().zip(candidate).for_each(|(baseline, candidate)| gains.add((baseline - candidate) as f64));
	let beyond = gains.mean() - gate.delta as f64;
	let deviation = gains.variance()?.sqrt();
	let quantiles = f64::from(gate.z_milli) / 1e3 + Normal::standard().inverse_cdf(POWER);
	// gain - z x error >= delta, where the gain scatters by the error = deviation / sqrt(shards)
	(beyond > 0.0).then(|| (quantiles * deviation / beyond).powi(2))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn shards_should_be_what_one_computes_by_hand() {
		let gate = Gate { z_milli: 2_326, delta: 10, rho: 0, tolerance: 1, shards_per_domain: 1 };
		let baseline = [1_000; 4];
		// Gains 20, 40, 20, 40: a mean of 30, a deviation of 11.547; (2.326 + 1.2816) x 11.547 / 20 = 2.083.
		let needed = shards(&gate, &baseline, &[980, 960, 980, 960]).unwrap();
		assert!((needed - 4.338).abs() < 0.01, "{needed}");
		assert_eq!(shards(&gate, &baseline, &[990, 990, 990, 990]), None, "delta is not beyond delta");
	}
}
