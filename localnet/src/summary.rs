//! What came of the demonstration: the record, whether it is as told, and how it is shown.

mod canary;
mod datasets;

pub use canary::{Acceptance, Canary};
pub use datasets::{DataUse, Dataset, Offered, Vote};

use crate::{
	layout::{ACCOMPLICE, ADVERSARY},
	money::Amount,
	plot::{self, Mark, Point},
};
use blyan_primitives::dag::SemVer;
use serde::{Deserialize, Serialize};

/// What a submission is meant to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
	/// Honest work: becomes head, the bond returns.
	Accepted,
	/// Measured, and no better: the measurement fee is taken from the bond.
	RefusedForNoGain,
	/// Nobody serves it: the bond is lost.
	RefusedAsUnfetchable,
	/// Shown to be a canary: the measurement fee is taken from the bond.
	RefusedAsCanary,
}

impl Expected {
	/// Verdict and reason, as [`Submission`] writes them.
	fn outcome(self) -> (&'static str, Option<&'static str>) {
		match self {
			Self::Accepted => ("accepted", None),
			Self::RefusedForNoGain => ("rejected", Some("no_gain")),
			Self::RefusedAsUnfetchable => ("rejected", Some("unfetchable")),
			Self::RefusedAsCanary => ("rejected", Some("canary")),
		}
	}
}

/// Money that went to someone out of a bond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
	/// Who.
	pub name: String,
	/// How much.
	pub amount: Amount,
}

/// What became of a submission's bond.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
	/// What was held.
	pub held: Amount,
	/// What the trainer has again.
	pub returned: Amount,
	/// What the trainer lost by forfeit.
	pub forfeited: Amount,
	/// The part of it that was burned.
	pub burned: Amount,
	/// What evaluators were paid out of it.
	pub fees: Vec<Fee>,
}

impl Bond {
	fn paid(&self) -> Amount {
		self.fees.iter().map(|fee| fee.amount).sum()
	}

	/// What is wrong with it, if the submission came to that.
	fn problem(&self, expected: Expected) -> Option<String> {
		let Self { held, returned, forfeited, burned, .. } = self;
		let paid = self.paid();
		let is_right = match expected {
			Expected::Accepted => returned == held && forfeited.0 == 0 && paid.0 == 0,
			Expected::RefusedForNoGain | Expected::RefusedAsCanary => {
				forfeited.0 == 0 && paid.0 > 0 && [*returned, paid].into_iter().sum::<Amount>() == *held
			}
			Expected::RefusedAsUnfetchable => {
				forfeited == held
					&& returned.0 == 0
					&& paid.0 > 0 && [*burned, paid].into_iter().sum::<Amount>() == *held
			}
		};
		(!is_right).then(|| format!("its bond did not go where it should: {self}"))
	}
}

impl std::fmt::Display for Bond {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let Self { held, returned, forfeited, burned, .. } = self;
		let paid = self.paid();
		if forfeited.0 > 0 {
			write!(f, "{forfeited} forfeited: {paid} to evaluators, {burned} burned")
		} else if paid.0 > 0 {
			write!(f, "{paid} to evaluators, {returned} of {held} returned")
		} else {
			write!(f, "{returned} of {held} returned")
		}
	}
}

/// A submission and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
	/// What it is, for people.
	pub label: String,
	/// What it is meant to come to.
	pub expected: Expected,
	/// `accepted`, `rejected` or `inconclusive`.
	pub verdict: String,
	/// Why it was rejected: `no_gain`, `domain_regression`, `unfetchable`, `malformed` or `canary`.
	pub reason: Option<String>,
	/// Median bits per byte of the heads it was measured against; none if nothing was measured.
	pub bpb_before: Option<f64>,
	/// The same of the heads with its blocks.
	pub bpb_after: Option<f64>,
	/// Standard error of the difference.
	pub gain_se: Option<f64>,
	/// Its round.
	pub round: u64,
	/// How often a committee was drawn.
	pub attempts: u32,
	/// Who made it.
	pub trainer: String,
	/// Who was drawn to measure it.
	pub committee: Vec<String>,
	/// The components it replaces.
	pub components: Vec<String>,
	/// The components whose head is a block of it.
	pub heads_moved: Vec<String>,
	/// What became of the bond.
	pub bond: Bond,
	/// Evaluators found at fault in its round, with the fault.
	pub faults: Vec<String>,
}

impl Submission {
	fn problems(&self) -> Vec<String> {
		let mut problems = Vec::new();
		let expected = self.expected.outcome();
		if (self.verdict.as_str(), self.reason.as_deref()) != expected {
			problems.push(format!(
				"it was {}, not {}",
				outcome(&self.verdict, self.reason.as_deref()),
				outcome(expected.0, expected.1)
			));
		}
		problems.extend(self.bond.problem(self.expected));
		let expected_heads: &[String] =
			if self.expected == Expected::Accepted { &self.components } else { &[] };
		if self.heads_moved != expected_heads {
			problems.push(format!("heads that moved by it: {:?}, not {expected_heads:?}", self.heads_moved));
		}
		if self.expected == Expected::Accepted && !self.gain().is_some_and(|gain| gain > 0.0) {
			problems.push("no gain was measured".into());
		}
		let is_meant =
			|fault: &&String| self.expected == Expected::RefusedAsCanary && Canary::is_meant(fault);
		let blamed = self.faults.iter().filter(|fault| !is_meant(fault));
		problems.extend(blamed.map(|fault| format!("an honest evaluator was found at fault: {fault}")));
		problems.into_iter().map(|problem| format!("{}: {problem}", self.label)).collect()
	}

	/// Verdict and measurement in a line.
	pub fn verdict_line(&self) -> String {
		let verdict = outcome(&self.verdict, self.reason.as_deref());
		match (self.bpb_before, self.bpb_after, self.gain_se) {
			(Some(before), Some(after), Some(error)) => {
				format!("{verdict}: {before:.4} → {after:.4} ± {error:.4} bits per byte, {}", self.bond)
			}
			_ => format!("{verdict}: nothing was measured, {}", self.bond),
		}
	}

	fn gain(&self) -> Option<f64> {
		Some(self.bpb_before? - self.bpb_after?)
	}
}

fn outcome(verdict: &str, reason: Option<&str>) -> String {
	reason.map_or_else(|| verdict.to_string(), |reason| format!("{verdict} ({reason})"))
}

/// A report that was contested.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
	/// Its number.
	pub dispute: u64,
	/// What was measured, for people.
	pub about: String,
	/// In which round.
	pub round: u64,
	/// Whose report it is.
	pub accused: String,
	/// Who contested it.
	pub challenger: String,
	/// Which of the shards drawn.
	pub position: u32,
	/// Bits per byte of the candidate on that shard, as the accused opened them.
	pub opened: Option<f64>,
	/// The same as the referees computed them.
	pub exact: Option<f64>,
	/// Who was drawn to run the shard, the last time.
	pub referees: Vec<String>,
	/// `struck`, `upheld`, `undecided (...)` or `open`.
	pub outcome: String,
	/// What was held of the challenger.
	pub held: Amount,
	/// What the challenger has again of it.
	pub returned: Amount,
	/// What others were paid out of it.
	pub shares: Vec<Fee>,
	/// The part of it that was burned.
	pub burned: Amount,
	/// What the accused was slashed.
	pub slashed: Amount,
	/// Referees found at fault, with the fault.
	pub faults: Vec<String>,
}

impl Dispute {
	fn shared(&self) -> Amount {
		self.shares.iter().map(|share| share.amount).sum()
	}

	/// A liar was found out, by an exact run: the challenger lost nothing.
	fn is_won(&self) -> bool {
		self.accused == ACCOMPLICE.name
			&& self.outcome == "struck"
			&& self.exact.is_some()
			&& self.slashed.0 > 0
			&& self.returned == self.held
			&& self.shares.is_empty()
	}

	/// An honest evaluator was contested in vain: the bond was paid out, half of it to the accused.
	fn is_lost(&self) -> bool {
		let of_accused: Amount =
			self.shares.iter().filter(|share| share.name == self.accused).map(|share| share.amount).sum();
		self.challenger == ADVERSARY.name
			&& self.outcome == "upheld"
			&& self.slashed.0 == 0
			&& self.returned.0 == 0
			&& of_accused.0 == self.held.0 / 2
			&& [self.shared(), self.burned].into_iter().sum::<Amount>() == self.held
	}

	/// Two evaluators may contest the liar at once: the second dispute is over with the first.
	fn is_spared(&self) -> bool {
		self.accused == ACCOMPLICE.name
			&& self.outcome.starts_with("undecided (AlreadyStruck")
			&& self.returned == self.held
	}

	fn problems(&self) -> Vec<String> {
		let mut problems: Vec<String> = self
			.faults
			.iter()
			.map(|fault| format!("an honest referee was found at fault: {fault}"))
			.collect();
		if !self.is_won() && !self.is_lost() && !self.is_spared() {
			problems.push(format!(
				"{} against {} came to `{}`, with {}",
				self.challenger,
				self.accused,
				self.outcome,
				self.money()
			));
		}
		let name = |problem| format!("dispute {} on {}: {problem}", self.dispute, self.about);
		problems.into_iter().map(name).collect()
	}

	/// Where the money went.
	fn money(&self) -> String {
		let Self { held, returned, burned, slashed, .. } = self;
		if slashed.0 > 0 {
			return format!("{slashed} slashed; bond of {held}: {returned} returned");
		}
		let to_accused: Amount =
			self.shares.iter().filter(|share| share.name == self.accused).map(|share| share.amount).sum();
		let to_referees = Amount(self.shared().0.saturating_sub(to_accused.0));
		if to_accused.0 > 0 {
			format!("bond of {held}: {to_accused} to the accused, {to_referees} to referees, {burned} burned")
		} else {
			format!("bond of {held}: {returned} returned")
		}
	}
}

/// Someone was paid for an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
	/// Who, for people.
	pub name: String,
	/// The account.
	pub account: String,
	/// The epoch of rewards it was earned in.
	pub epoch: u32,
	/// How much.
	pub amount: Amount,
}

/// What the endpoint answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
	/// Of `/v1/completions`.
	pub completion: String,
	/// Of `/v1/chat/completions`.
	pub chat: String,
	/// Of `/v1/completions` by SSE, put together.
	pub streamed: String,
	/// The version root that all three receipts name.
	pub version_root: String,
}

/// How long something took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
	/// What.
	pub name: String,
	/// How long.
	pub seconds: f64,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
	/// Whether all came out as told.
	pub passed: bool,
	/// What did not.
	pub problems: Vec<String>,
	/// The chain.
	pub genesis_hash: String,
	/// The model's name.
	pub model_name: String,
	/// The model's version.
	pub version: String,
	/// How often its heads have moved.
	pub generation: u32,
	/// The one hash that names the version.
	pub version_root: String,
	/// In the order made.
	pub submissions: Vec<Submission>,
	/// In the order begun.
	#[serde(default)]
	pub disputes: Vec<Dispute>,
	/// The submission that was made worse on purpose.
	#[serde(default)]
	pub canary: Option<Canary>,
	/// In the order offered.
	#[serde(default)]
	pub datasets: Vec<Dataset>,
	/// What the model learned from.
	#[serde(default)]
	pub lineage: Vec<DataUse>,
	/// In the order made.
	pub payments: Vec<Payment>,
	/// What the endpoint answered from that version.
	pub answers: Option<Answers>,
	/// Seconds between blocks, in the middle.
	pub block_seconds_median: Option<f64>,
	/// Seconds from a block to its finality, in the middle.
	pub finality_lag_seconds_median: Option<f64>,
	/// How many blocks these two are of.
	pub blocks_observed: u64,
	/// How long each step took.
	pub steps: Vec<StepTime>,
	/// From the start of the nodes to the last verdict.
	pub seconds_to_last_verdict: f64,
	/// Until this was written.
	pub seconds_total: f64,
}

impl Summary {
	/// Compares everything with what was told, and notes what differs.
	pub fn judge(mut self) -> Self {
		let mut problems: Vec<String> = self.submissions.iter().flat_map(Submission::problems).collect();
		for submission in
			self.submissions.iter().filter(|submission| submission.expected == Expected::Accepted)
		{
			for name in std::iter::once(&submission.trainer).chain(&submission.committee) {
				let is_paid =
					self.payments.iter().any(|payment| payment.name == *name && payment.amount.0 > 0);
				let problem = format!("{name} was not paid");
				if !is_paid && !problems.contains(&problem) {
					problems.push(problem);
				}
			}
		}
		problems.extend(self.disputes.iter().flat_map(Dispute::problems));
		if !self.disputes.iter().any(Dispute::is_won) {
			problems.push(format!("{} lied, and was not struck in a dispute", ACCOMPLICE.name));
		}
		if !self.disputes.iter().any(Dispute::is_lost) {
			problems.push(format!("{} lost no dispute against an honest evaluator", ADVERSARY.name));
		}
		match &self.canary {
			None => problems.push("no canary was shown".into()),
			Some(canary) => {
				let submission = self.submissions.iter().find(|submission| submission.round == canary.round);
				problems.extend(canary.problems(submission));
			}
		}
		let accepted = self.submissions.iter().filter(|submission| submission.verdict == "accepted").count();
		if self.datasets.is_empty() {
			problems.push("no dataset was offered".into());
		}
		problems.extend(self.datasets.iter().flat_map(Dataset::problems));
		problems.extend(DataUse::problems(&self.lineage, &self.datasets, accepted));
		if self.generation as usize != accepted {
			problems.push(format!(
				"the model is at generation {} after {accepted} accepted submissions",
				self.generation
			));
		}
		match &self.answers {
			None => problems.push("the endpoint was not asked, or did not answer".into()),
			Some(answers) => {
				if answers.version_root != self.version_root {
					problems.push(format!(
						"the endpoint answers from version {}, the chain is at {}",
						answers.version_root, self.version_root
					));
				}
				for (path, answer) in [
					("completion", &answers.completion),
					("chat", &answers.chat),
					("streamed", &answers.streamed),
				] {
					if answer.is_empty() {
						problems.push(format!("the endpoint's {path} answer is empty"));
					}
				}
			}
		}
		if self.block_seconds_median.is_none() || self.finality_lag_seconds_median.is_none() {
			problems.push("too few blocks were seen to tell block time and finality lag".into());
		}
		self.passed = problems.is_empty();
		self.problems = problems;
		self
	}

	/// As a person reads it.
	pub fn table(&self) -> String {
		let mut text = format!(
			"Model {} {} (generation {})\n  version root  {}\n",
			self.model_name, self.version, self.generation, self.version_root
		);
		text.push_str("\nDatasets, as the auditors found them\n");
		text.push_str(&columns(&Dataset::rows(&self.datasets)));
		text.push_str("\nWhat the model learned from\n");
		text.push_str(&columns(&DataUse::rows(&self.lineage)));
		let mut rows =
			vec![["submission", "verdict", "before", "after", "gain", "bond, in BLY"].map(String::from)];
		rows.extend(self.submissions.iter().map(|submission| {
			let bits = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
			let gain = submission.gain().zip(submission.gain_se);
			[
				submission.label.clone(),
				outcome(&submission.verdict, submission.reason.as_deref()),
				bits(submission.bpb_before),
				bits(submission.bpb_after),
				gain.map_or_else(|| "-".into(), |(gain, error)| format!("{gain:+.4} ± {error:.4}")),
				submission.bond.to_string(),
			]
		}));
		text.push_str("\nBits per byte of held-out text, as the committees measured it\n");
		text.push_str(&columns(&rows));
		if let Some(chart) = plot::chart(&self.points()) {
			text.push_str(&format!("\n{chart}\n"));
		}
		text.push_str("\nContested reports, in bits per byte of the contested shard under the candidate\n");
		let mut rows =
			vec![["report on", "challenger", "accused", "opened", "exact", "finding", "money, in BLY"]
				.map(String::from)];
		rows.extend(self.disputes.iter().map(|dispute| {
			let bits = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.6}"));
			[
				dispute.about.clone(),
				dispute.challenger.clone(),
				dispute.accused.clone(),
				bits(dispute.opened),
				bits(dispute.exact),
				dispute.outcome.clone(),
				dispute.money(),
			]
		}));
		text.push_str(&columns(&rows));
		if let Some(canary) = &self.canary {
			text.push_str(
				"\nA canary: made worse on purpose by a validator, who showed it when it was measured\n",
			);
			text.push_str(&columns(&canary.rows()));
		}
		text.push_str("\nPaid for accepted work\n");
		let mut rows = vec![["who", "BLY", "for epoch", "account"].map(String::from)];
		rows.extend(self.payments.iter().map(|payment| {
			[
				payment.name.clone(),
				payment.amount.to_string(),
				payment.epoch.to_string(),
				payment.account.clone(),
			]
		}));
		text.push_str(&columns(&rows));
		if let Some(answers) = &self.answers {
			text.push_str(&format!("\nThe endpoint, from version {}\n", answers.version_root));
			for (path, answer) in [
				("completion", &answers.completion),
				("chat", &answers.chat),
				("streamed", &answers.streamed),
			] {
				text.push_str(&format!("  {path:<12}{answer:?}\n"));
			}
		}
		let median = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.2} s"));
		text.push_str(&format!(
			"\nTimes\n  between blocks {} · from block to finality {} (medians of {} blocks)\n",
			median(self.block_seconds_median),
			median(self.finality_lag_seconds_median),
			self.blocks_observed,
		));
		let steps: Vec<[String; 2]> =
			self.steps.iter().map(|step| [step.name.clone(), format!("{:.1} s", step.seconds)]).collect();
		text.push_str(&columns(&steps));
		text.push_str(&format!(
			"  to the last verdict {:.0} s, in all {:.0} s\n",
			self.seconds_to_last_verdict, self.seconds_total
		));
		if !self.problems.is_empty() {
			text.push_str("\nNot as told\n");
			self.problems.iter().for_each(|problem| text.push_str(&format!("  - {problem}\n")));
		}
		text
	}

	/// The versions, and what was refused beside the version that it was measured against.
	///
	/// Each committee draws other shards, so levels of different rounds do not compare. What compares is
	/// the paired difference that a round measures: from the first level on, differences are added up.
	fn points(&self) -> Vec<Point> {
		let mut points = Vec::new();
		let mut version = SemVer::GENESIS;
		let mut level = None;
		for submission in &self.submissions {
			let (Some(before), Some(gain), Some(error)) =
				(submission.bpb_before, submission.gain(), submission.gain_se)
			else {
				continue;
			};
			let current = *level.get_or_insert_with(|| {
				points.push(Point {
					label: version.to_string(),
					value: before,
					error: 0.0,
					mark: Mark::Version,
				});
				before
			});
			let value = current - gain;
			points.push(if submission.verdict == "accepted" {
				version = version.next_patch();
				level = Some(value);
				Point { label: version.to_string(), value, error, mark: Mark::Version }
			} else {
				Point { label: submission.label.clone(), value, error, mark: Mark::Refused }
			});
		}
		points
	}
}

/// Rows with their columns below one another, indented.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
	let mut widths = [0; N];
	for row in rows {
		for (width, cell) in widths.iter_mut().zip(row) {
			*width = (*width).max(cell.chars().count());
		}
	}
	rows.iter()
		.map(|row| {
			let cells: Vec<String> =
				row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
			format!("  {}\n", cells.join("  ").trim_end())
		})
		.collect()
}

#[cfg(test)]
mod tests;
