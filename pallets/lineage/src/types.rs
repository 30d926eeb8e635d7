//! Records of the pallet.

use blyan_primitives::{dag::SubmissionId, Balance};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32};
use scale_info::TypeInfo;

/// Measured submissions in a row that gain nothing by a dataset until it is marked as of no use.
pub const ROW: u32 = 10;
/// From how many trainers those must be at least: one alone cannot have another's data marked.
pub const ROW_TRAINERS: u32 = 3;

/// How a model learned from a dataset, over all accepted submissions whose manifest was verified.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct DataUse {
	/// How many there were.
	pub submissions: u32,
	/// Sequences that were of it, by its weight in each mixture, rounded down.
	pub samples: u64,
	/// The first of the submissions, by number.
	pub first: SubmissionId,
	/// The last of them, by number.
	pub last: SubmissionId,
}

/// What came of a dataset, of submissions in which it had [`crate::Config::LeastWeight`] or more.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Utility<AccountId> {
	/// Submissions that were accepted.
	pub accepted: u32,
	/// Submissions that were rejected since the last that was accepted.
	pub rejected: u32,
	/// Who made those, each once; the first [`ROW_TRAINERS`] of them.
	pub trainers: BoundedVec<AccountId, ConstU32<ROW_TRAINERS>>,
	/// Whether it is marked as of no use.
	pub is_zero: bool,
}

impl<AccountId> Default for Utility<AccountId> {
	fn default() -> Self {
		Self { accepted: 0, rejected: 0, trainers: BoundedVec::new(), is_zero: false }
	}
}

impl<AccountId> Utility<AccountId> {
	/// Whether it must be marked.
	pub(crate) fn is_useless(&self) -> bool {
		self.rejected >= ROW && self.trainers.len() as u32 >= ROW_TRAINERS
	}
}

/// What a contributor earns by the score of a dataset. In the smallest unit of BLY.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Purse {
	/// What was in it at first.
	pub start: Balance,
	/// What is in it.
	pub left: Balance,
}

/// What purses paid in a day.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct DayDraws<BlockNumber> {
	/// Which day, counted from 0 at block 0.
	pub day: BlockNumber,
	/// How much. In the smallest unit of BLY.
	pub drawn: Balance,
}
