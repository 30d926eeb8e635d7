//! How good a dataset is, in one number, and what its contributor may earn by that.
//!
//! Rules: spec "Dataset chain", data score; `docs/decisions/020-the-dataset-chain.md`, reward.
//!
//! The spec names the parts of the score. What each is made of, is decided here:
//!
//! | part | weight | of the report |
//! | --- | --- | --- |
//! | quality | 3/10 | `(1 - malformed) (1 - low information) (1 - duplicates)` |
//! | diversity | 3/10 | as reported |
//! | usefulness | 3/10 | the expected gain, as a share of [`FULL_GAIN`]; nothing where none was measured |
//! | harmlessness | 1/10 | `1 - toxicity` |
//!
//! and all of it is multiplied with the size factor, `samples / (samples + HALF_SIZE)`.

use super::{share_down, Ppm, QualityReport, PPM};
use crate::{economy::BLY, Balance};

/// The fall of a small model's perplexity, in parts per million, from which a dataset is as useful as can be: a tenth.
pub const FULL_GAIN: Ppm = 100_000;
/// Samples of a dataset whose size factor is a half.
pub const HALF_SIZE: u64 = 10_000;
/// What a contributor earns by any dataset, as models gain by it.
pub const LEAST_PURSE: Balance = 100 * BLY;
/// What it earns by one whose score is one.
pub const MOST_PURSE: Balance = 1_000 * BLY;

/// The score of a dataset in parts per million: of what auditors reported, and how many samples there are in all.
///
/// Every part is rounded down. A report of numbers that are no shares counts as one of the worst, for what is bad, and
/// of the best, for what is good: limits reject it before.
pub fn score(report: &QualityReport, samples: u64) -> Ppm {
	let quality = [report.malformed, report.low_information, report.duplicates]
		.into_iter()
		.fold(PPM, |quality, bad| part(quality, but_for(bad)));
	let parts = [
		(3, quality),
		(3, report.diversity.min(PPM)),
		(3, usefulness(report)),
		(1, but_for(report.toxicity)),
	];
	// At most ten times the whole.
	let sum =
		parts.into_iter().fold(0u32, |sum, (weight, part)| sum.saturating_add(part.saturating_mul(weight)));
	part(sum / 10, size_factor(samples))
}

/// How useful the samples are, of what was measured. Nobody is paid for a gain that nobody measured.
fn usefulness(report: &QualityReport) -> Ppm {
	let gain = report.expected_gain.unwrap_or(0).max(0).unsigned_abs();
	share_down(gain.into(), FULL_GAIN.into())
}

/// Rises with the number of samples, by less and less: there is more to learn from a large text, but a hundred times the
/// size is not a hundred times the worth.
fn size_factor(samples: u64) -> Ppm {
	share_down(samples, samples.saturating_add(HALF_SIZE))
}

/// What a share leaves of the whole.
fn but_for(share: Ppm) -> Ppm {
	PPM.saturating_sub(share)
}

/// A share of a share, rounded down.
fn part(whole: Ppm, share: Ppm) -> Ppm {
	let product = u64::from(whole).saturating_mul(share.into());
	product.checked_div(PPM.into()).unwrap_or(0) as Ppm
}

/// What a dataset of that score may earn besides its part of gains: `100 + 900 score^2` BLY, to the unit.
pub fn purse(score: Ppm) -> Balance {
	// A BLY is as many units as the square of the whole is parts, so nothing is rounded.
	const _: () = assert!(BLY == (PPM as Balance) * (PPM as Balance));
	let score = Balance::from(score.min(PPM));
	let above = (MOST_PURSE - LEAST_PURSE) / BLY;
	LEAST_PURSE.saturating_add(above.saturating_mul(score.saturating_mul(score)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn report() -> QualityReport {
		QualityReport {
			malformed: 10_000,
			low_information: 20_000,
			duplicates: 100_000,
			diversity: 800_000,
			toxicity: 50_000,
			expected_gain: Some(40_000),
			..QualityReport::default()
		}
	}

	#[test]
	fn score_should_be_as_reckoned_by_hand() {
		// Quality 0.99 x 0.98 x 0.9 = 0.87318, usefulness 0.4, so 0.3 x 2.07318 + 0.1 x 0.95 = 0.716954; half of it.
		assert_eq!(score(&report(), 10_000), 358_477);
		// 990,000 of a million samples more: a factor of 0.99.
		assert_eq!(score(&report(), 990_000), 709_784);
	}

	#[test]
	fn score_should_reach_neither_end_but_by_what_is_worst_and_best() {
		let best =
			QualityReport { diversity: PPM, expected_gain: Some(i32::MAX), ..QualityReport::default() };
		assert_eq!(score(&best, 1 << 40), PPM - 1, "the size factor is rounded down");
		assert_eq!(score(&best, u64::MAX), PPM);
		assert_eq!(score(&best, 0), 0);
		let worst = QualityReport { malformed: PPM, toxicity: PPM, ..QualityReport::default() };
		assert_eq!(score(&worst, u64::MAX), 0);
	}

	#[test]
	fn gain_that_was_not_measured_should_count_as_none() {
		let with = |expected_gain| score(&QualityReport { expected_gain, ..report() }, 1_000_000);
		assert_eq!(with(None), with(Some(0)));
		assert_eq!(with(None), with(Some(i32::MIN)));
		assert!(with(None) < with(Some(1)));
		assert_eq!(with(Some(100_000)), with(Some(i32::MAX)));
	}

	#[test]
	fn purse_should_be_between_a_hundred_and_a_thousand_to_the_unit() {
		assert_eq!(purse(0), 100 * BLY);
		assert_eq!(purse(1), 100 * BLY + 900);
		assert_eq!(purse(500_000), 325 * BLY);
		assert_eq!(purse(PPM), 1_000 * BLY);
		assert_eq!(purse(u32::MAX), 1_000 * BLY);
	}

	fn any_report() -> impl Strategy<Value = QualityReport> {
		(0..=PPM, 0..=PPM, 0..=PPM, 0..=PPM, 0..=PPM, any::<Option<i32>>()).prop_map(
			|(malformed, low_information, duplicates, diversity, toxicity, expected_gain)| QualityReport {
				malformed,
				low_information,
				duplicates,
				diversity,
				toxicity,
				expected_gain,
				..QualityReport::default()
			},
		)
	}

	proptest! {
		#[test]
		fn score_should_be_a_share_and_follow_each_input(
			report in any_report(), samples: u64, more in 0u32..PPM, larger: u64,
		) {
			let base = score(&report, samples);
			prop_assert!(base <= PPM);
			let with = |change: fn(&mut QualityReport, u32)| {
				let mut changed = report.clone();
				change(&mut changed, more);
				score(&changed, samples)
			};
			prop_assert!(with(|r, by| r.malformed = r.malformed.saturating_add(by)) <= base);
			prop_assert!(with(|r, by| r.low_information = r.low_information.saturating_add(by)) <= base);
			prop_assert!(with(|r, by| r.duplicates = r.duplicates.saturating_add(by)) <= base);
			prop_assert!(with(|r, by| r.toxicity = r.toxicity.saturating_add(by)) <= base);
			prop_assert!(with(|r, by| r.diversity = r.diversity.saturating_add(by)) >= base);
			let useful = with(|r, by| {
				r.expected_gain = Some(r.expected_gain.unwrap_or(0).saturating_add(by as i32));
			});
			prop_assert!(useful >= base);
			prop_assert!(score(&report, samples.saturating_add(larger)) >= base);
		}

		#[test]
		fn purse_should_rise_with_the_score(score in 0..PPM) {
			prop_assert!(purse(score) < purse(score + 1));
			let squared = Balance::from(score) * Balance::from(score);
			prop_assert_eq!(purse(score), 100 * BLY + 900 * squared);
		}
	}
}
