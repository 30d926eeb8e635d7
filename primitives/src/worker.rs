//! Native workers: what they may do, what they run on, and what they can be blamed for.

use crate::Hash;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

/// What a worker does.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Role {
	/// Makes blocks.
	Trainer,
	/// Measures them.
	Evaluator,
	/// Checks datasets and manifests.
	Auditor,
	/// Answers requests.
	Server,
}

impl Role {
	/// Every role.
	pub const ALL: [Role; 4] = [Role::Trainer, Role::Evaluator, Role::Auditor, Role::Server];
}

/// A set of roles.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Roles {
	/// Makes blocks.
	pub trainer: bool,
	/// Measures them.
	pub evaluator: bool,
	/// Checks datasets and manifests.
	pub auditor: bool,
	/// Answers requests.
	pub server: bool,
}

impl Roles {
	/// Whether the role is in the set.
	pub const fn contains(&self, role: Role) -> bool {
		match role {
			Role::Trainer => self.trainer,
			Role::Evaluator => self.evaluator,
			Role::Auditor => self.auditor,
			Role::Server => self.server,
		}
	}

	/// The set with the role.
	pub const fn with(mut self, role: Role) -> Self {
		match role {
			Role::Trainer => self.trainer = true,
			Role::Evaluator => self.evaluator = true,
			Role::Auditor => self.auditor = true,
			Role::Server => self.server = true,
		}
		self
	}

	/// Whether there is none.
	pub const fn is_empty(&self) -> bool {
		!(self.trainer || self.evaluator || self.auditor || self.server)
	}
}

/// A salted hash of what identifies a machine. One machine, one worker.
pub type MachineId = Hash;

/// Where a worker can be reached, as a URL or multiaddress.
pub type Endpoint = BoundedVec<u8, ConstU32<128>>;

/// Most associates that a worker may declare.
pub const MAX_ASSOCIATES: u32 = 16;

/// Those who must not measure what a worker made, nor sit on a committee with it.
pub type Associates<AccountId> = BoundedVec<AccountId, ConstU32<MAX_ASSOCIATES>>;

/// Most workers that one draw passes over because they are associates of others.
pub const MAX_PASSED_OVER: u32 = 16;
/// Records that are read to pass one over: its associates, and the seats on two paths to the root of at most
/// 2^17 seats.
const READS_OF_ONE_PASSED_OVER: u64 = 35;

/// How many records a draw of `count` workers, with so many excluded, reads besides seats: associates, and
/// seats of those who are passed over.
pub fn reads_of_associates(count: u32, excluded: u32) -> u64 {
	let passed_over = u64::from(MAX_PASSED_OVER).saturating_mul(READS_OF_ONE_PASSED_OVER);
	u64::from(count).saturating_add(excluded.into()).saturating_add(passed_over)
}

/// What a worker did wrong.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Fault {
	/// A measurement outside the tolerance.
	OutsideTolerance,
	/// A commitment without a reveal.
	NoReveal,
	/// Drawn, and never committed: costs reputation alone.
	NoCommit,
	/// Losses that the reference evaluator does not confirm, or that were contested and not opened.
	DisputeLost,
	/// A measurement that accepts a canary.
	CanaryAccepted,
	/// A training manifest whose batches are not what its datasets and its seed give.
	ManifestMismatch,
	/// A vote on a dataset that came out otherwise: costs reputation alone, besides what was held for the vote.
	WrongVote,
}

impl Fault {
	/// The part of the bond that it costs.
	pub const fn slash(self) -> Perbill {
		match self {
			Fault::OutsideTolerance | Fault::DisputeLost => Perbill::from_percent(5),
			Fault::CanaryAccepted => Perbill::from_percent(10),
			Fault::ManifestMismatch => Perbill::from_percent(10),
			Fault::NoReveal => Perbill::from_parts(1_000_000),
			Fault::NoCommit | Fault::WrongVote => Perbill::zero(),
		}
	}

	/// What reputation is multiplied by. It falls fast, and moves back slowly by honest work.
	pub const fn reputation_factor(self) -> Perbill {
		match self {
			Fault::OutsideTolerance | Fault::DisputeLost | Fault::ManifestMismatch => {
				Perbill::from_percent(50)
			}
			Fault::CanaryAccepted => Perbill::from_percent(25),
			Fault::NoReveal => Perbill::from_percent(90),
			Fault::NoCommit => Perbill::from_percent(95),
			Fault::WrongVote => Perbill::from_percent(99),
		}
	}
}

/// What a new worker's reputation is.
pub const INITIAL_REPUTATION: Perbill = Perbill::from_percent(50);
/// Each piece of honest work closes this part of the distance to full reputation.
pub const REPUTATION_STEP: Perbill = Perbill::from_percent(5);

/// Reputation after honest work: moves towards 1.
pub fn reputation_after_honest_work(reputation: Perbill) -> Perbill {
	let distance = Perbill::one().deconstruct().saturating_sub(reputation.deconstruct());
	Perbill::from_parts(reputation.deconstruct().saturating_add(REPUTATION_STEP.mul_ceil(distance)))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn roles_should_contain_what_was_added() {
		for role in Role::ALL {
			let roles = Roles::default().with(role);
			assert!(!roles.is_empty());
			assert!(Role::ALL.iter().all(|other| roles.contains(*other) == (*other == role)));
		}
		assert!(Roles::default().is_empty());
	}

	#[test]
	fn reputation_should_rise_towards_one_and_not_past() {
		let mut reputation = INITIAL_REPUTATION;
		for _ in 0..1_000 {
			let next = reputation_after_honest_work(reputation);
			assert!(next >= reputation && next <= Perbill::one());
			reputation = next;
		}
		assert!(reputation > Perbill::from_percent(99));
	}

	#[test]
	fn one_fault_should_cost_more_than_many_honest_works_give() {
		let good = Perbill::from_percent(90);
		let fallen = Fault::OutsideTolerance.reputation_factor() * good;
		let mut reputation = fallen;
		for _ in 0..5 {
			reputation = reputation_after_honest_work(reputation);
		}
		assert!(reputation < good);
	}
}
