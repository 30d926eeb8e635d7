//! How good a dataset is, in one number.
//!
//! Rules: spec "Dataset chain", the data score; `docs/decisions/020-the-dataset-chain.md`, reward.

use super::{Ppm, QualityReport, PPM};

/// A gain, in parts per million, that counts as full usefulness.
const FULL_GAIN: u32 = 200_000;
/// Usefulness where nobody measured a gain.
const UNKNOWN_USEFULNESS: Ppm = 500_000;
/// Samples at which the size factor is a half.
const HALF_SIZE_SAMPLES: u64 = 1_000;

/// `(0.3 quality + 0.3 diversity + 0.3 usefulness + 0.1 (1 - toxicity)) x size factor`, rounded down.
pub fn score(report: &QualityReport, samples: u64) -> Ppm {
	let left = |share: Ppm| u64::from(PPM.saturating_sub(share));
	let part = |one: u64, other: u64| one.saturating_mul(other).checked_div(PPM.into()).unwrap_or_default();
	let quality = part(part(left(report.malformed), left(report.low_information)), left(report.duplicates));
	let usefulness = report.expected_gain.map_or(u64::from(UNKNOWN_USEFULNESS), |gain| {
		let gain = u64::try_from(gain).unwrap_or_default().min(FULL_GAIN.into());
		gain.saturating_mul(PPM.into()).checked_div(FULL_GAIN.into()).unwrap_or_default()
	});
	let diversity = u64::from(report.diversity.min(PPM));
	let thirds = quality.saturating_add(diversity).saturating_add(usefulness).saturating_mul(3);
	let sum = thirds.saturating_add(left(report.toxicity)).checked_div(10).unwrap_or_default();
	let size = samples.min(u64::from(u32::MAX)).saturating_mul(PPM.into());
	let size = size.checked_div(samples.min(u64::from(u32::MAX)).saturating_add(HALF_SIZE_SAMPLES));
	Ppm::try_from(part(sum, size.unwrap_or_default())).unwrap_or(PPM)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn score_should_be_the_specs_sum_times_the_size_factor() {
		let best = QualityReport { diversity: PPM, expected_gain: Some(i32::MAX), ..Default::default() };
		assert_eq!(score(&best, 1_000), PPM / 2);
		assert_eq!(score(&best, 0), 0);
		assert!(score(&best, u64::MAX) > 999_000);
		let worst =
			QualityReport { malformed: PPM, toxicity: PPM, expected_gain: Some(-1), ..Default::default() };
		assert_eq!(score(&worst, u64::MAX), 0);
		let toxic = QualityReport { toxicity: PPM, ..best.clone() };
		assert_eq!(score(&best, 1_000) - score(&toxic, 1_000), PPM / 20);
	}
}
