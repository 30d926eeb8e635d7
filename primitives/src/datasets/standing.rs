//! How far a contributor is trusted, by what became of its datasets.
//!
//! Rules: spec "Dataset chain", quotas; `docs/decisions/020-the-dataset-chain.md`, standing.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Approvals in a row that make a newcomer trusted.
pub const TRUSTED_AFTER: u32 = 3;
/// Approvals in a row that make anybody an expert.
pub const EXPERT_AFTER: u32 = 20;
/// Rejections in a row that undo one step.
pub const UNDONE_AFTER: u32 = 5;

/// How far a contributor is trusted. In ascending order.
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
pub enum Standing {
	/// Nothing speaks for it yet.
	#[default]
	Newcomer,
	/// Three of its datasets in a row were approved.
	Trusted,
	/// Twenty were.
	Expert,
}

/// A standing, and what may change it.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Reliability {
	/// How far it is trusted.
	pub standing: Standing,
	/// Approvals since the last rejection.
	pub approvals: u32,
	/// Rejections since the last approval, or since the last step was undone.
	pub rejections: u32,
	/// How often its quota as a newcomer was halved since the last approval.
	pub halvings: u8,
}

impl Reliability {
	/// After an approval.
	pub fn approved(self) -> Self {
		let approvals = self.approvals.saturating_add(1);
		let reached = match approvals {
			EXPERT_AFTER.. => Standing::Expert,
			TRUSTED_AFTER.. => Standing::Trusted,
			_ => Standing::Newcomer,
		};
		Self { standing: self.standing.max(reached), approvals, rejections: 0, halvings: 0 }
	}

	/// After a rejection that counts against the contributor.
	pub fn rejected(self) -> Self {
		let rejections = self.rejections.saturating_add(1);
		let undone = rejections >= UNDONE_AFTER;
		let (standing, halvings) = match (undone, self.standing) {
			(false, standing) => (standing, self.halvings),
			(true, Standing::Expert) => (Standing::Trusted, self.halvings),
			(true, Standing::Trusted) => (Standing::Newcomer, self.halvings),
			(true, Standing::Newcomer) => (Standing::Newcomer, self.halvings.saturating_add(1)),
		};
		Self { standing, approvals: 0, rejections: if undone { 0 } else { rejections }, halvings }
	}

	/// Offers a day, of what its standing has: halved as often as its rejections say, and one at least.
	pub fn quota(self, of_standing: u32) -> u32 {
		of_standing.checked_shr(self.halvings.into()).unwrap_or_default().max(1)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn after(start: Reliability, outcomes: &str) -> Reliability {
		outcomes.chars().fold(start, |state, outcome| match outcome {
			'a' => state.approved(),
			_ => state.rejected(),
		})
	}

	#[test]
	fn standing_should_rise_only_by_approvals_in_a_row() {
		let standing = |outcomes: &str| after(Reliability::default(), outcomes).standing;
		assert_eq!(standing("aa"), Standing::Newcomer);
		assert_eq!(standing("aara"), Standing::Newcomer);
		assert_eq!(standing("aaa"), Standing::Trusted);
		assert_eq!(standing(&"a".repeat(19)), Standing::Trusted);
		assert_eq!(standing(&("a".repeat(19) + "ra")), Standing::Trusted);
		assert_eq!(standing(&"a".repeat(20)), Standing::Expert);
	}

	#[test]
	fn standing_should_fall_a_step_by_five_rejections_in_a_row() {
		let expert = after(Reliability::default(), &"a".repeat(20));
		assert_eq!(after(expert, "rrrrarrrr").standing, Standing::Expert);
		assert_eq!(after(expert, "rrrrr").standing, Standing::Trusted);
		assert_eq!(after(expert, &"r".repeat(9)).standing, Standing::Trusted);
		assert_eq!(after(expert, &"r".repeat(10)).standing, Standing::Newcomer);
	}

	#[test]
	fn quota_of_a_newcomer_should_halve_down_to_one_and_be_whole_again_after_an_approval() {
		let quota = |outcomes: &str| after(Reliability::default(), outcomes).quota(20);
		assert_eq!(quota("rrrr"), 20);
		let halved = [5, 10, 15, 20, 25, 500].map(|count| quota(&"r".repeat(count)));
		assert_eq!(halved, [10, 5, 2, 1, 1, 1]);
		assert_eq!(quota(&("r".repeat(25) + "a")), 20);
	}
}
