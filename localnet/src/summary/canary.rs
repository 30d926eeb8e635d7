//! What came of the canary: who let it pass, and what that cost.

use super::Submission;
use crate::{layout::ACCOMPLICE, money::Amount};
use blyan_primitives::worker::Fault;
use serde::{Deserialize, Serialize};

/// A submission that was made worse on purpose, and was shown to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Canary {
	/// Its round.
	pub round: u64,
	/// The validator whose key was drawn.
	pub planter: String,
	/// As whom it was submitted.
	pub trainer: String,
	/// The period of the lottery.
	pub period: u32,
	/// Bits per byte by which the committee measured it as better; below zero, it is worse.
	pub gain: Option<f64>,
	/// Who was slashed for a report that it is better beyond chance.
	pub accepted_by: Vec<Acceptance>,
	/// What the validator accrued for it, on the audit budget.
	pub accrued: Amount,
}

/// Someone who let a canary pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
	/// Who.
	pub name: String,
	/// Bits per byte by which it reported the canary to be better.
	pub gain: Option<f64>,
	/// What it had bonded.
	pub bond: Amount,
	/// What it lost of that.
	pub slashed: Amount,
}

impl Canary {
	/// What is not as told, with the submission that it is.
	pub(super) fn problems(&self, submission: Option<&Submission>) -> Vec<String> {
		let mut problems = Vec::new();
		if !self.gain.is_some_and(|gain| gain < 0.0) {
			problems.push("it was not measured as worse".into());
		}
		if !self.accepted_by.iter().any(|acceptance| acceptance.name == ACCOMPLICE.name) {
			let why = match submission {
				Some(submission) if !submission.committee.iter().any(|name| name == ACCOMPLICE.name) => {
					": it was not drawn"
				}
				_ => "",
			};
			problems.push(format!("{} was not slashed for accepting it{why}", ACCOMPLICE.name));
		}
		for Acceptance { name, gain, bond, slashed } in &self.accepted_by {
			if name != ACCOMPLICE.name {
				problems.push(format!("an honest evaluator accepted it: {name}"));
			}
			if !gain.is_some_and(|gain| gain > 0.0) {
				problems.push(format!("{name} was slashed, and reported no gain"));
			}
			if slashed.0 == 0 || slashed.0 != bond.0 / 10 {
				problems.push(format!("{name} was slashed {slashed} of {bond} BLY, not a tenth"));
			}
		}
		let fee = submission.map(|submission| submission.bond.paid()).unwrap_or_default();
		if self.accrued <= fee {
			let accrued = self.accrued;
			problems.push(format!("{} accrued {accrued} BLY, no more than the fee of {fee}", self.planter));
		}
		problems.into_iter().map(|problem| format!("canary: {problem}")).collect()
	}

	/// As a person reads it: a head, and a row for each who accepted it.
	pub(super) fn rows(&self) -> Vec<[String; 7]> {
		let bits = |gain: Option<f64>| gain.map_or_else(|| "-".into(), |gain| format!("{gain:+.4}"));
		let mut rows = vec![[
			"round",
			"planted by",
			"sent as",
			"gain",
			"accepted by",
			"slashed, in BLY",
			"planter accrued",
		]
		.map(String::from)];
		let row = |accepted: String, slashed: String| {
			let Self { round, planter, trainer, gain, accrued, .. } = self;
			let accrued = format!("{accrued} BLY");
			[round.to_string(), planter.clone(), trainer.clone(), bits(*gain), accepted, slashed, accrued]
		};
		rows.extend(self.accepted_by.iter().map(|Acceptance { name, gain, bond, slashed }| {
			row(format!("{name}, as {}", bits(*gain)), format!("{slashed} of {bond}"))
		}));
		if self.accepted_by.is_empty() {
			rows.push(row("nobody".into(), "-".into()));
		}
		rows
	}

	/// Whether a fault of an evaluator is the one that is meant to be found.
	pub(super) fn is_meant(fault: &str) -> bool {
		fault.starts_with(&format!("{}: {:?},", ACCOMPLICE.name, Fault::CanaryAccepted))
	}
}
