//! What the quality gate says of a dataset, and what follows from it.
//!
//! Rules: spec "Dataset chain", the tables of auto-rejection and tiers. Auditors measure natively
//! (`ml-offchain/quality-gate`); here is only what is agreed: the report, the medians of several, and the
//! verdict by limits. All shares are integers, in [parts per million](Ppm).

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

/// A share in parts per million. Shares of what is bad are rounded up: zero means none at all.
pub type Ppm = u32;
/// The whole, in parts per million.
pub const PPM: Ppm = 1_000_000;
/// Languages that a report names at most; the rest are left out.
pub const MAX_LANGUAGES: u32 = 8;

/// `part` of `whole` in parts per million, rounded up; zero if there is no whole.
pub fn share_up(part: u64, whole: u64) -> Ppm {
	let (part, whole) = (u128::from(part.min(whole)), u128::from(whole));
	let scaled = part.saturating_mul(PPM.into()).saturating_add(whole.saturating_sub(1));
	scaled.checked_div(whole).and_then(|share| Ppm::try_from(share).ok()).unwrap_or(0)
}

/// `part` of `whole` in parts per million, rounded down; zero if there is no whole.
pub fn share_down(part: u64, whole: u64) -> Ppm {
	let scaled = u128::from(part.min(whole)).saturating_mul(PPM.into());
	scaled.checked_div(whole.into()).and_then(|share| Ppm::try_from(share).ok()).unwrap_or(0)
}

/// What is known of the licence of a dataset. In ascending order.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Licence {
	/// None, or not an SPDX expression of listed licences.
	#[default]
	Unknown,
	/// A valid expression, which nothing in the content confirms, or which forbids some uses.
	Declared,
	/// A valid expression that permits training and redistribution, and the content says the same.
	Verified,
}

/// A language: its ISO 639-3 code in lower case.
pub type LanguageCode = [u8; 3];

/// How much of a dataset is in a language.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LanguageShare {
	/// Which language.
	pub language: LanguageCode,
	/// Its share of the samples whose language was looked at.
	pub share: Ppm,
}

/// What the quality gate found: the part of an audit that goes on chain.
///
/// A *record* is what a file has to offer; a *sample* is a record that passed schema and length.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QualityReport {
	/// Version of the rules that were applied; reports of different versions are not compared.
	pub rules: u16,
	/// Records read.
	pub records: u64,
	/// Records that are samples.
	pub samples: u64,
	/// Records that are none: not of the schema, not UTF-8, too short or too long. Of the records.
	pub malformed: Ppm,
	/// Samples that are, but for case and spacing, an earlier sample or an approved one.
	pub exact_duplicates: Ppm,
	/// Samples that are nearly or exactly an earlier sample or an approved one.
	pub duplicates: Ppm,
	/// Samples with personal data in them.
	pub personal_data: Ppm,
	/// Samples whose toxicity score is a half or more.
	pub toxicity: Ppm,
	/// Samples of which a large part is from a known work.
	pub known_work: Ppm,
	/// Samples of which a large part is from a validation shard.
	pub contamination: Ppm,
	/// Samples with little to learn from: repetitive, or random characters.
	pub low_information: Ppm,
	/// Distinct among the sequences of three words, rounded down. More is better.
	pub diversity: Ppm,
	/// What is known of the licence.
	pub licence: Licence,
	/// The most frequent languages, the largest share first, equal ones by code.
	pub languages: BoundedVec<LanguageShare, ConstU32<MAX_LANGUAGES>>,
	/// By how much a small model's perplexity fell after training on it, in parts per million; negative if it
	/// rose. `None` if it was not measured.
	pub expected_gain: Option<i32>,
}

/// Of several reports, number by number, the median; of an even number, the lower middle. `None` if there are
/// none, or if they are of different rules.
///
/// A liar among three moves no number past what an honest auditor reported. An expected gain counts if most
/// measured one.
pub fn medians(reports: &[QualityReport]) -> Option<QualityReport> {
	let first = reports.first()?;
	if reports.iter().any(|report| report.rules != first.rules) {
		return None;
	}
	let of = |number: fn(&QualityReport) -> Ppm| median(reports.iter().map(number).collect()).unwrap_or(0);
	let count = |number: fn(&QualityReport) -> u64| median(reports.iter().map(number).collect()).unwrap_or(0);
	let gains: Vec<i32> = reports.iter().filter_map(|report| report.expected_gain).collect();
	let most = gains.len().saturating_mul(2) > reports.len();

	let mut codes: Vec<LanguageCode> =
		reports.iter().flat_map(|report| report.languages.iter().map(|one| one.language)).collect();
	codes.sort_unstable();
	codes.dedup();
	let share_in = |report: &QualityReport, language| {
		report.languages.iter().find(|one| one.language == language).map_or(0, |one| one.share)
	};
	let mut languages: Vec<LanguageShare> = codes
		.into_iter()
		.filter_map(|language| {
			let share = median(reports.iter().map(|report| share_in(report, language)).collect())?;
			(share > 0).then_some(LanguageShare { language, share })
		})
		.collect();
	languages.sort_by(|a, b| b.share.cmp(&a.share).then(a.language.cmp(&b.language)));

	Some(QualityReport {
		rules: first.rules,
		records: count(|report| report.records),
		samples: count(|report| report.samples),
		malformed: of(|report| report.malformed),
		exact_duplicates: of(|report| report.exact_duplicates),
		duplicates: of(|report| report.duplicates),
		personal_data: of(|report| report.personal_data),
		toxicity: of(|report| report.toxicity),
		known_work: of(|report| report.known_work),
		contamination: of(|report| report.contamination),
		low_information: of(|report| report.low_information),
		diversity: of(|report| report.diversity),
		licence: median(reports.iter().map(|report| report.licence).collect()).unwrap_or_default(),
		languages: BoundedVec::truncate_from(languages),
		expected_gain: if most { median(gains) } else { None },
	})
}

/// The middle of what is given; of an even number, the lower one.
fn median<T: Ord>(mut numbers: Vec<T>) -> Option<T> {
	numbers.sort_unstable();
	let middle = numbers.len().checked_sub(1)?.checked_div(2)?;
	numbers.into_iter().nth(middle)
}

/// How much a dataset is worth for training. In ascending order.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Tier {
	/// Weight 0.3, pinned for 30 days.
	Experimental,
	/// Weight 0.7, pinned for 90 days.
	Silver,
	/// Weight 1, pinned for ever.
	Gold,
}

impl Tier {
	/// Every tier, the best first.
	pub const ALL: [Tier; 3] = [Tier::Gold, Tier::Silver, Tier::Experimental];

	/// What a sample of it weighs in training.
	pub const fn training_weight(self) -> Perbill {
		Perbill::from_percent(match self {
			Tier::Gold => 100,
			Tier::Silver => 70,
			Tier::Experimental => 30,
		})
	}

	/// For how many days its content is kept; `None` for ever.
	pub const fn pin_days(self) -> Option<u32> {
		match self {
			Tier::Gold => None,
			Tier::Silver => Some(90),
			Tier::Experimental => Some(30),
		}
	}
}

/// What a report may have at most; more, and the dataset is rejected without a vote.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RejectionLimits {
	/// Of records that are no samples.
	pub malformed: Ppm,
	/// Of samples with personal data.
	pub personal_data: Ppm,
	/// Of toxic samples.
	pub toxicity: Ppm,
	/// Of duplicates.
	pub duplicates: Ppm,
	/// Of samples from known works.
	pub known_work: Ppm,
	/// Of samples from validation shards.
	pub contamination: Ppm,
}

/// What a tier asks for.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TierLimits {
	/// Share of the votes in favour, at least.
	pub approval: Ppm,
	/// Toxic samples must be fewer.
	pub toxicity_below: Ppm,
	/// Duplicates must be fewer, if that matters.
	pub duplicates_below: Option<Ppm>,
	/// Samples with personal data must be fewer; 1 for none at all.
	pub personal_data_below: Ppm,
	/// What must be known of the licence, at least.
	pub licence: Licence,
}

/// The limits by which a report is judged; the default is the spec's tables.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct QualityLimits {
	/// What is rejected.
	pub rejection: RejectionLimits,
	/// What gold asks for.
	pub gold: TierLimits,
	/// What silver asks for.
	pub silver: TierLimits,
	/// What experimental asks for.
	pub experimental: TierLimits,
}

/// Parts per million of a number of per cent.
const fn percent(number: u32) -> Ppm {
	number.saturating_mul(10_000)
}

impl Default for QualityLimits {
	fn default() -> Self {
		Self {
			rejection: RejectionLimits {
				malformed: percent(50),
				personal_data: percent(1),
				toxicity: percent(10),
				duplicates: percent(95),
				known_work: 0,
				contamination: 0,
			},
			gold: TierLimits {
				approval: percent(75),
				toxicity_below: percent(5),
				duplicates_below: Some(percent(20)),
				personal_data_below: 1,
				licence: Licence::Verified,
			},
			silver: TierLimits {
				approval: percent(60),
				toxicity_below: percent(10),
				duplicates_below: Some(percent(40)),
				personal_data_below: percent(1),
				licence: Licence::Verified,
			},
			// The table's 20 % is out of reach: above 10 % the report is rejected before.
			experimental: TierLimits {
				approval: percent(40),
				toxicity_below: percent(20),
				duplicates_below: None,
				personal_data_below: percent(1),
				licence: Licence::Declared,
			},
		}
	}
}

impl QualityLimits {
	/// What that tier asks for.
	pub const fn of(&self, tier: Tier) -> &TierLimits {
		match tier {
			Tier::Gold => &self.gold,
			Tier::Silver => &self.silver,
			Tier::Experimental => &self.experimental,
		}
	}
}

impl TierLimits {
	/// Whether the report is good enough, whatever the votes.
	pub fn admits(&self, report: &QualityReport) -> bool {
		report.toxicity < self.toxicity_below
			&& self.duplicates_below.is_none_or(|limit| report.duplicates < limit)
			&& report.personal_data < self.personal_data_below
			&& report.licence >= self.licence
	}
}

/// Why a dataset is rejected after its audit.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum RejectionReason {
	/// There is not one sample in it, or it cannot be read.
	NoSamples,
	/// Too many records are no samples.
	Malformed,
	/// Samples are from a validation shard.
	Contamination,
	/// Samples are from a known work.
	KnownWork,
	/// The licence is unknown.
	UnknownLicence,
	/// Too many samples hold personal data.
	PersonalData,
	/// Too many samples are toxic.
	Toxicity,
	/// Too many samples are duplicates.
	Duplicates,
	/// No limit of rejection is passed, and yet no tier takes it.
	NoTier,
}

/// What follows from a report.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Outcome {
	/// It may be voted on, and become that tier at best.
	Admissible(Tier),
	/// It is rejected without a vote.
	Rejected(RejectionReason),
}

/// Judges a report. Of several reasons to reject, the first in the order of [`RejectionReason`] is given.
pub fn judge(report: &QualityReport, limits: &QualityLimits) -> Outcome {
	let most = &limits.rejection;
	let reasons = [
		(report.samples == 0, RejectionReason::NoSamples),
		(report.malformed > most.malformed, RejectionReason::Malformed),
		(report.contamination > most.contamination, RejectionReason::Contamination),
		(report.known_work > most.known_work, RejectionReason::KnownWork),
		(report.licence == Licence::Unknown, RejectionReason::UnknownLicence),
		(report.personal_data > most.personal_data, RejectionReason::PersonalData),
		(report.toxicity > most.toxicity, RejectionReason::Toxicity),
		(report.duplicates > most.duplicates, RejectionReason::Duplicates),
	];
	if let Some((_, reason)) = reasons.into_iter().find(|(applies, _)| *applies) {
		return Outcome::Rejected(reason);
	}
	match best_tier(report, PPM, limits) {
		Some(tier) => Outcome::Admissible(tier),
		None => Outcome::Rejected(RejectionReason::NoTier),
	}
}

/// The tier of a dataset with that report and that share of the votes in favour; `None` if it reaches none.
/// The report must not be one that [`judge`] rejects.
pub fn best_tier(report: &QualityReport, approval: Ppm, limits: &QualityLimits) -> Option<Tier> {
	Tier::ALL.into_iter().find(|tier| {
		let asked = limits.of(*tier);
		approval >= asked.approval && asked.admits(report)
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::prelude::*;

	fn clean() -> QualityReport {
		QualityReport {
			rules: 1,
			records: 1_000,
			samples: 1_000,
			licence: Licence::Verified,
			..Default::default()
		}
	}

	fn judged(change: impl FnOnce(&mut QualityReport)) -> Outcome {
		let mut report = clean();
		change(&mut report);
		judge(&report, &QualityLimits::default())
	}

	#[test]
	fn report_should_be_rejected_only_past_each_limit() {
		use Outcome::{Admissible, Rejected};
		use RejectionReason::*;
		use Tier::*;
		assert_eq!(judged(|_| ()), Admissible(Gold));
		assert_eq!(judged(|r| r.samples = 0), Rejected(NoSamples));
		assert_eq!(judged(|r| r.malformed = 500_000), Admissible(Gold));
		assert_eq!(judged(|r| r.malformed = 500_001), Rejected(Malformed));
		assert_eq!(judged(|r| r.contamination = 1), Rejected(Contamination));
		assert_eq!(judged(|r| r.known_work = 1), Rejected(KnownWork));
		assert_eq!(judged(|r| r.licence = Licence::Unknown), Rejected(UnknownLicence));
		assert_eq!(judged(|r| r.personal_data = 10_001), Rejected(PersonalData));
		assert_eq!(judged(|r| r.toxicity = 100_000), Admissible(Experimental));
		assert_eq!(judged(|r| r.toxicity = 100_001), Rejected(Toxicity));
		assert_eq!(judged(|r| r.duplicates = 950_000), Admissible(Experimental));
		assert_eq!(judged(|r| r.duplicates = 950_001), Rejected(Duplicates));
	}

	#[test]
	fn tiers_should_change_exactly_at_their_limits() {
		use Outcome::{Admissible, Rejected};
		use Tier::*;
		assert_eq!(judged(|r| r.toxicity = 49_999), Admissible(Gold));
		assert_eq!(judged(|r| r.toxicity = 50_000), Admissible(Silver));
		assert_eq!(judged(|r| r.toxicity = 99_999), Admissible(Silver));
		assert_eq!(judged(|r| r.duplicates = 199_999), Admissible(Gold));
		assert_eq!(judged(|r| r.duplicates = 200_000), Admissible(Silver));
		assert_eq!(judged(|r| r.duplicates = 399_999), Admissible(Silver));
		assert_eq!(judged(|r| r.duplicates = 400_000), Admissible(Experimental));
		assert_eq!(judged(|r| r.personal_data = 1), Admissible(Silver));
		assert_eq!(judged(|r| r.personal_data = 9_999), Admissible(Silver));
		// Not more than 1 %, and not less: the tables leave it nowhere to go.
		assert_eq!(judged(|r| r.personal_data = 10_000), Rejected(RejectionReason::NoTier));
		assert_eq!(judged(|r| r.licence = Licence::Declared), Admissible(Experimental));
	}

	#[test]
	fn tier_should_need_votes_and_quality() {
		let limits = QualityLimits::default();
		let tier = |approval| best_tier(&clean(), approval, &limits);
		assert_eq!(tier(750_000), Some(Tier::Gold));
		assert_eq!(tier(749_999), Some(Tier::Silver));
		assert_eq!(tier(600_000), Some(Tier::Silver));
		assert_eq!(tier(599_999), Some(Tier::Experimental));
		assert_eq!(tier(400_000), Some(Tier::Experimental));
		assert_eq!(tier(399_999), None);
		let poor = QualityReport { licence: Licence::Declared, ..clean() };
		assert_eq!(best_tier(&poor, PPM, &limits), Some(Tier::Experimental));
	}

	#[test]
	fn first_reason_should_be_given_when_several_apply() {
		let outcome = judged(|r| {
			r.duplicates = PPM;
			r.contamination = 1;
		});
		assert_eq!(outcome, Outcome::Rejected(RejectionReason::Contamination));
	}

	#[test]
	fn weights_and_pins_should_be_the_specs() {
		let table = Tier::ALL.map(|tier| (tier.training_weight(), tier.pin_days()));
		let weight = Perbill::from_percent;
		assert_eq!(table, [(weight(100), None), (weight(70), Some(90)), (weight(30), Some(30))]);
	}

	#[test]
	fn shares_should_round_away_from_none() {
		assert_eq!(share_up(1, 200_000_000), 1);
		assert_eq!(share_up(1, 100), 10_000);
		assert_eq!(share_up(0, 7), 0);
		assert_eq!(share_up(7, 7), PPM);
		assert_eq!(share_up(3, 0), 0);
		assert_eq!(share_up(u64::MAX, u64::MAX), PPM);
		assert_eq!(share_down(2, 3), 666_666);
		assert_eq!(share_down(3, 0), 0);
	}

	#[test]
	fn medians_should_be_none_when_rules_differ_or_nobody_reported() {
		assert_eq!(medians(&[]), None);
		assert_eq!(medians(&[clean(), QualityReport { rules: 2, ..clean() }]), None);
	}

	#[test]
	fn medians_should_take_languages_gain_and_licence_by_majority() {
		let share = |language: &[u8; 3], share| LanguageShare { language: *language, share };
		let report = |languages: Vec<LanguageShare>, licence, expected_gain| QualityReport {
			languages: BoundedVec::truncate_from(languages),
			licence,
			expected_gain,
			..clean()
		};
		let found = medians(&[
			report(vec![share(b"eng", 900_000), share(b"deu", 50_000)], Licence::Verified, Some(5)),
			report(vec![share(b"deu", 60_000), share(b"eng", 850_000)], Licence::Declared, None),
			report(vec![share(b"fra", PPM)], Licence::Verified, Some(-7)),
		])
		.unwrap();
		assert_eq!(found.languages.into_inner(), vec![share(b"eng", 850_000), share(b"deu", 50_000)]);
		assert_eq!(found.licence, Licence::Verified);
		assert_eq!(found.expected_gain, Some(-7));
		let once = medians(&[report(vec![], Licence::Unknown, Some(5)), clean(), clean()]).unwrap();
		assert_eq!(once.expected_gain, None);
	}

	proptest! {
		#[test]
		fn one_liar_of_three_should_not_move_a_median_past_the_honest(
			honest in (0..=PPM, 0..=PPM),
			lie in 0..=PPM,
		) {
			let report = |number| QualityReport { toxicity: number, diversity: number, ..clean() };
			let found = medians(&[report(honest.0), report(lie), report(honest.1)]).unwrap();
			let (low, high) = (honest.0.min(honest.1), honest.0.max(honest.1));
			prop_assert!((low..=high).contains(&found.toxicity));
			prop_assert!((low..=high).contains(&found.diversity));
		}

		#[test]
		fn report_should_survive_its_encoding(numbers in proptest::array::uniform9(0..=PPM), gain: Option<i32>) {
			let report = QualityReport {
				malformed: numbers[0],
				exact_duplicates: numbers[1],
				duplicates: numbers[2],
				personal_data: numbers[3],
				toxicity: numbers[4],
				known_work: numbers[5],
				contamination: numbers[6],
				low_information: numbers[7],
				diversity: numbers[8],
				expected_gain: gain,
				..clean()
			};
			let bytes = report.encode();
			prop_assert!(bytes.len() <= QualityReport::max_encoded_len());
			prop_assert_eq!(QualityReport::decode(&mut &bytes[..]).unwrap(), report);
		}
	}
}
