//! What an audit says: the numbers that go on chain, and what stands behind them.

use crate::read::Malformation;
use blyan_primitives::datasets::{judge, Outcome, QualityLimits, QualityReport};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, ops::Range, path::PathBuf};

/// Above it, in parts per million, what the index takes for duplicates by mistake spoils the count.
const TOO_MANY_FALSE_POSITIVES: u32 = 10_000;

/// Something that a rule found. Never what it says: a report repeats no personal data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Example {
	/// Which rule.
	pub rule: &'static str,
	/// Which of the files, from 0.
	pub file: usize,
	/// Which record of the file, from 1.
	pub record: u64,
	/// Which characters of the sample, if not all of it.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub characters: Option<Range<u32>>,
}

/// What samples were held against.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Overlap {
	/// Whether anything was given.
	pub looked_for: bool,
	/// Distinct sequences of eight words in it.
	pub ngrams: u64,
}

/// The counts behind a report. Of samples, unless something else is said.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Details {
	pub files: Vec<PathBuf>,
	pub records: u64,
	pub samples: u64,
	pub characters: u64,
	/// Records that are no samples, by reason.
	pub malformed: BTreeMap<Malformation, u64>,
	pub exact_duplicates: u64,
	/// Exact and near ones.
	pub duplicates: u64,
	pub duplicates_of_approved: u64,
	/// Of samples like no other, how many the full index takes for duplicates: parts per million, at most.
	pub index_false_positives: u32,
	pub with_personal_data: u64,
	/// Samples with each kind.
	pub personal_data: BTreeMap<String, u64>,
	pub toxic: u64,
	/// Sum of the scores, in parts per million.
	pub toxicity_sum: u64,
	pub low_information: u64,
	pub known_work: u64,
	pub known_works: Overlap,
	pub contaminated: u64,
	pub validation: Overlap,
	/// Sequences of three words, and how many are distinct: exact up to 16,384, then within 0.8 % or so.
	pub triples: u64,
	pub distinct_triples: u64,
	pub languages_looked_at: u64,
	pub languages_undetermined: u64,
	/// Why nothing is known of the licence.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub licence_error: Option<String>,
	pub licence_confirmed: bool,
	pub licence_contradicted: bool,
	/// Where something was found; the first of each kind.
	pub examples: Vec<Example>,
}

/// What an audit says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audit {
	/// What goes on chain.
	pub report: QualityReport,
	/// What stands behind it.
	pub details: Details,
}

impl Audit {
	/// What follows from it by the default limits.
	pub fn outcome(&self) -> Outcome {
		judge(&self.report, &QualityLimits::default())
	}

	/// The whole as a JSON document, the same bytes for the same audit.
	pub fn to_json(&self) -> serde_json::Value {
		let languages: BTreeMap<String, u32> = self
			.report
			.languages
			.iter()
			.map(|one| (String::from_utf8_lossy(&one.language).into_owned(), one.share))
			.collect();
		let mut report = serde_json::to_value(&self.report).unwrap_or_default();
		report["languages"] = serde_json::json!(languages);
		serde_json::json!({
			"report": report,
			"outcome": self.outcome(),
			"details": self.details,
			"not_seen": NOT_SEEN,
		})
	}
}

/// What the rules cannot see; stands in every report.
pub const NOT_SEEN: &[&str] = &[
	"whether what is said is true, or the contributor had the right to give it",
	"names, postal addresses, dates of birth, passports, national numbers of other countries, telephone numbers in a local form without a word such as `tel`",
	"hatred or threat in decent words, irony, quotation; other languages than English, German, French, Spanish, Italian and Portuguese, of which it knows a few words (of four more, single words)",
	"duplicates by translation or free retelling, and overlap with shards or works that was paraphrased",
	"letters of another script that look alike",
];

/// Parts per million as per cent.
struct Percent(u32);

impl fmt::Display for Percent {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(f, "{}.{:02} %", self.0 / 10_000, self.0 % 10_000 / 100)
	}
}

impl fmt::Display for Audit {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let (report, details) = (&self.report, &self.details);
		let line = |f: &mut fmt::Formatter, name: &str, value: String, about: String| {
			writeln!(f, "{name:<18} {value:>12}   {about}")
		};
		let share = |part: u32| Percent(part).to_string();
		line(f, "records", report.records.to_string(), format!("{} files", details.files.len()))?;
		line(f, "samples", report.samples.to_string(), format!("{} characters", details.characters))?;
		let why: Vec<String> =
			details.malformed.iter().map(|(why, count)| format!("{why:?} {count}")).collect();
		line(f, "malformed", share(report.malformed), why.join(", "))?;
		let of_approved = match details.duplicates_of_approved {
			0 => String::new(),
			count => format!(", {count} like approved ones"),
		};
		let exact = format!("of which exact {}{of_approved}", Percent(report.exact_duplicates));
		line(f, "duplicates", share(report.duplicates), exact)?;
		let kinds: Vec<String> =
			details.personal_data.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
		line(f, "personal data", share(report.personal_data), kinds.join(", "))?;
		let mean = details.toxicity_sum.checked_div(report.samples).unwrap_or(0);
		let mean = format!("mean score {}.{:03}", mean / 1_000_000, mean % 1_000_000 / 1_000);
		line(f, "toxic", share(report.toxicity), mean)?;
		line(
			f,
			"little information",
			share(report.low_information),
			"repetitive, or random characters".into(),
		)?;
		line(f, "diversity", share(report.diversity), "distinct among runs of three words".into())?;
		for (name, part, overlap) in [
			("known works", report.known_work, details.known_works),
			("validation shards", report.contamination, details.validation),
		] {
			match overlap.looked_for {
				true => {
					line(f, name, share(part), format!("against {} runs of eight words", overlap.ngrams))?
				}
				false => line(f, name, "-".into(), "not looked for: none were given".into())?,
			}
		}
		let licence = match (&details.licence_error, details.licence_confirmed, details.licence_contradicted)
		{
			(Some(error), ..) => error.clone(),
			(None, _, true) => "the content says something else".into(),
			(None, false, _) => "nothing in the content confirms it".into(),
			(None, true, false) => "the content says the same".into(),
		};
		line(f, "licence", format!("{:?}", report.licence).to_lowercase(), licence)?;
		let languages: Vec<String> = report
			.languages
			.iter()
			.map(|one| format!("{} {}", String::from_utf8_lossy(&one.language), Percent(one.share)))
			.collect();
		line(f, "languages", report.languages.len().to_string(), languages.join(", "))?;
		let gain = match report.expected_gain {
			Some(gain) => format!("{}{}", if gain < 0 { "-" } else { "" }, Percent(gain.unsigned_abs())),
			None => "-".into(),
		};
		line(f, "expected gain", gain, "fall of a small model's perplexity".into())?;
		if details.index_false_positives > TOO_MANY_FALSE_POSITIVES {
			writeln!(
				f,
				"\nThe index is too full: up to {} of the duplicates are its mistakes. Give it more with --index-mib.",
				Percent(details.index_false_positives)
			)?;
		}
		match self.outcome() {
			Outcome::Admissible(tier) => write!(f, "\nadmissible: {tier:?} at best, by vote"),
			Outcome::Rejected(reason) => write!(f, "\nrejected: {reason:?}"),
		}
	}
}
