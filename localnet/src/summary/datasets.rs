//! What came of the data: which datasets were approved, why others were not, and what the model learned from.

use crate::money::Amount;
use blyan_primitives::datasets::{Licence, Ppm, QualityReport};
use serde::{Deserialize, Serialize};

/// What an offer is meant to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offered {
	/// Models may learn from it; only as far as its licence is confirmed can it be more than experimental.
	Approved {
		/// Whether a tier above experimental is due.
		is_confirmed: bool,
	},
	/// Too many samples hold personal data.
	RefusedForPersonalData,
	/// Too many samples are the same.
	RefusedForDuplicates,
	/// Nobody says under which licence it is.
	RefusedForUnknownLicence,
}

impl Default for Offered {
	fn default() -> Self {
		Self::Approved { is_confirmed: false }
	}
}

impl Offered {
	/// Stage and reason, as [`Dataset`] writes them.
	const fn outcome(self) -> (&'static str, Option<&'static str>) {
		match self {
			Self::Approved { .. } => ("approved", None),
			Self::RefusedForPersonalData => ("rejected", Some("personal_data")),
			Self::RefusedForDuplicates => ("rejected", Some("duplicates")),
			Self::RefusedForUnknownLicence => ("rejected", Some("unknown_licence")),
		}
	}
}

/// A vote, and what became of what was held for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
	/// Whose.
	pub name: String,
	/// Whether in favour.
	pub aye: bool,
	/// What the voter has again.
	pub returned: Amount,
	/// What was burned.
	pub burned: Amount,
	/// What the voter claims for it.
	pub reward: Amount,
}

/// A dataset and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
	/// How its contributor calls it.
	pub name: String,
	/// The address of its document.
	pub content: String,
	/// Who offered it.
	pub contributor: String,
	/// The SPDX expression under which it was offered.
	pub licence: String,
	/// What it is meant to come to.
	pub expected: Offered,
	/// `pending`, `audit`, `vote`, `approved`, `rejected`, `quarantined` or `appealed`.
	pub stage: String,
	/// `gold`, `silver` or `experimental`, where it was approved.
	pub tier: Option<String>,
	/// Why it was turned away: a limit that the medians are past, as `personal_data`, or `votes`, `unfetchable` and so
	/// on.
	pub reason: Option<String>,
	/// The medians of what the auditors found.
	pub report: Option<QualityReport>,
	/// Who was drawn to audit it, the last time.
	pub auditors: Vec<String>,
	/// In the order cast.
	pub votes: Vec<Vote>,
	/// How good it is, in parts per million.
	pub score: Ppm,
	/// Auditors found at fault, with the fault.
	pub faults: Vec<String>,
}

impl Dataset {
	/// What is not as told.
	pub(super) fn problems(&self) -> Vec<String> {
		let mut problems = Vec::new();
		let expected = self.expected.outcome();
		if (self.stage.as_str(), self.reason.as_deref()) != expected {
			problems.push(format!("it is {}, not {}", self.outcome(), outcome(expected.0, expected.1)));
		}
		if self.report.is_none() {
			problems.push("no quorum of auditors reported on it".into());
		}
		if let (Offered::Approved { is_confirmed: true }, Some("experimental")) =
			(self.expected, self.tier.as_deref())
		{
			problems.push("it is experimental, and its licence is confirmed".into());
		}
		if matches!(self.expected, Offered::Approved { .. }) {
			let (ayes, nays) = self.count();
			if ayes <= nays || nays == 0 {
				problems.push(format!("{ayes} voted for it and {nays} against"));
			}
			problems.extend(self.votes.iter().filter(|vote| !vote.is_settled(true)).map(|vote| {
				let Vote { name, returned, burned, reward, .. } = vote;
				format!(
					"the vote of {name} came to {returned} BLY returned, {burned} burned, {reward} earned"
				)
			}));
		}
		problems
			.extend(self.faults.iter().map(|fault| format!("an honest auditor was found at fault: {fault}")));
		problems.into_iter().map(|problem| format!("dataset {}: {problem}", self.name)).collect()
	}

	/// Stage, tier and reason.
	fn outcome(&self) -> String {
		outcome(&self.stage, self.tier.as_deref().or(self.reason.as_deref()))
	}

	/// Votes in favour, and against.
	fn count(&self) -> (usize, usize) {
		let ayes = self.votes.iter().filter(|vote| vote.aye).count();
		(ayes, self.votes.len() - ayes)
	}

	/// Outcome and numbers in a line.
	pub fn line(&self) -> String {
		let numbers = self.report.as_ref().map_or_else(|| "nobody reported".into(), numbers);
		let votes = match self.count() {
			(0, 0) => String::new(),
			(ayes, nays) => format!(", {ayes} votes for and {nays} against"),
		};
		format!("{}: {numbers}{votes}", self.outcome())
	}

	/// As a person reads them: a head, and a row for each.
	pub(super) fn rows(datasets: &[Self]) -> Vec<[String; 9]> {
		let mut rows = vec![[
			"dataset",
			"outcome",
			"samples",
			"duplicates",
			"personal",
			"toxic",
			"licence",
			"votes",
			"auditors",
		]
		.map(String::from)];
		rows.extend(datasets.iter().map(|dataset| {
			let of = |number: fn(&QualityReport) -> String| {
				dataset.report.as_ref().map_or_else(|| "-".into(), number)
			};
			[
				dataset.name.clone(),
				dataset.outcome(),
				of(|report| report.samples.to_string()),
				of(|report| percent(report.duplicates)),
				of(|report| percent(report.personal_data)),
				of(|report| percent(report.toxicity)),
				of(|report| known(report.licence).into()),
				match dataset.count() {
					(0, 0) => "-".into(),
					(ayes, nays) => format!("{ayes} : {nays}"),
				},
				dataset.auditors.join(", "),
			]
		}));
		rows
	}
}

impl Vote {
	/// Whether the money of a vote on something that came out so went where it should: back, with something earned, to
	/// who voted so; and none of it to the others.
	fn is_settled(&self, came_out: bool) -> bool {
		match self.aye == came_out {
			true => self.returned.0 > 0 && self.burned.0 == 0 && self.reward.0 > 0,
			false => self.returned.0 == 0 && self.burned.0 > 0 && self.reward.0 == 0,
		}
	}
}

fn outcome(stage: &str, detail: Option<&str>) -> String {
	detail.map_or_else(|| stage.to_string(), |detail| format!("{stage} ({detail})"))
}

fn numbers(report: &QualityReport) -> String {
	format!(
		"{} samples, {} duplicates, {} with personal data, {} toxic, licence {}",
		report.samples,
		percent(report.duplicates),
		percent(report.personal_data),
		percent(report.toxicity),
		known(report.licence)
	)
}

fn known(licence: Licence) -> &'static str {
	match licence {
		Licence::Unknown => "unknown",
		Licence::Declared => "declared",
		Licence::Verified => "verified",
	}
}

fn percent(share: Ppm) -> String {
	format!("{:.2} %", f64::from(share) / 1e4)
}

/// What the model learned from a dataset, and what its contributor had of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataUse {
	/// Which.
	pub dataset: String,
	/// Who gave it.
	pub contributor: String,
	/// Accepted submissions that learned from it, by their verified manifests.
	pub submissions: u32,
	/// Sequences that were of it.
	pub samples: u64,
	/// The first of the submissions.
	pub first: u64,
	/// The last of them.
	pub last: u64,
	/// What its contributor claims of the data's share of what the model gained. Claims of an epoch are scaled down to
	/// its budget.
	pub earned: Amount,
	/// What it claims besides, out of the dataset's purse.
	pub of_purse: Amount,
	/// What is left in the purse.
	pub purse: Amount,
	/// What its contributor was paid, by the end of the demonstration.
	pub paid: Amount,
}

impl DataUse {
	/// What is not as told, of a model that so many accepted submissions taught something.
	pub(super) fn problems(all: &[Self], datasets: &[Dataset], accepted: usize) -> Vec<String> {
		let mut problems = Vec::new();
		let approved = datasets.iter().filter(|dataset| matches!(dataset.expected, Offered::Approved { .. }));
		for dataset in approved {
			let Some(used) = all.iter().find(|used| used.dataset == dataset.name) else {
				problems.push(format!("the model learned nothing from {}", dataset.name));
				continue;
			};
			if used.submissions as usize != accepted || used.samples == 0 {
				problems.push(format!(
					"{} submissions learned from {} with {} sequences, of {accepted} that were accepted",
					used.submissions, used.dataset, used.samples
				));
			}
			// As much again, until the purse is empty.
			let is_matched =
				used.of_purse == used.earned || (used.purse.0 == 0 && used.of_purse < used.earned);
			if used.earned.0 == 0 || used.of_purse.0 == 0 || !is_matched {
				problems.push(format!(
					"for {} {} are claimed, and {} of its purse, in which {} are left",
					used.dataset, used.earned, used.of_purse, used.purse
				));
			}
			if used.paid.0 == 0 {
				problems.push(format!("{} was not paid for {}", used.contributor, used.dataset));
			}
		}
		let refused = |used: &&Self| {
			!datasets.iter().any(|dataset| dataset.name == used.dataset && dataset.stage == "approved")
		};
		problems.extend(
			all.iter()
				.filter(refused)
				.map(|used| format!("the model learned from {}, which is not approved", used.dataset)),
		);
		problems.into_iter().map(|problem| format!("lineage: {problem}")).collect()
	}

	/// In a line.
	pub fn line(&self) -> String {
		let Self { dataset, submissions, samples, earned, of_purse, contributor, .. } = self;
		format!(
			"{submissions} accepted submissions learned from {dataset}, {samples} sequences; {contributor} claims {earned} \
			BLY for it and {of_purse} from its purse"
		)
	}

	/// As a person reads them: a head, and a row for each.
	pub(super) fn rows(all: &[Self]) -> Vec<[String; 8]> {
		let mut rows = vec![[
			"dataset",
			"contributor",
			"submissions",
			"sequences",
			"claims, in BLY",
			"from its purse",
			"left there",
			"paid so far",
		]
		.map(String::from)];
		rows.extend(all.iter().map(|used| {
			let Self { dataset, contributor, submissions, samples, first, last, .. } = used;
			[
				dataset.clone(),
				contributor.clone(),
				format!("{submissions} (rounds {first} to {last})"),
				samples.to_string(),
				used.earned.to_string(),
				used.of_purse.to_string(),
				used.purse.to_string(),
				used.paid.to_string(),
			]
		}));
		rows
	}
}
