//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	canary::{CanaryKey, PeriodNumber},
	economy::BLY,
	Balance, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound,
		PartialEqNoBound,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_core::ConstU32,
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

pub use blyan_primitives::dag::SubmissionId as RoundId;

/// A planter, with the runtime's types filled in.
pub type PlanterOf<T> = Planter<<T as Config>::MaxPeriods>;
/// A period, with the runtime's types filled in.
pub type PeriodOf<T> = Period<BlockNumberFor<T>>;

/// Longest period that may be set, in blocks: 30 days of 2-second slots.
pub const MAX_PERIOD_BLOCKS: u32 = 1_296_000;
/// Keys of a validator that are remembered: the one that takes part, the one that will, and former ones, whose
/// canaries may still be shown.
pub const MAX_KEYS: u32 = 4;
/// After how many periods a key takes part. What lots are drawn from then does not exist when it is set: it is
/// younger than the beginning of the period between.
pub const KEY_DELAY: PeriodNumber = 2;

/// How canaries are planted. Governance changes it by `force_set_parameters`.
///
/// A change is felt by what happens after it: a period keeps the chance that it began with, and a canary that was
/// shown its reward.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryParameters {
	/// Blocks of a lottery period.
	pub period_blocks: u32,
	/// The chance of each key in a period.
	pub chance: Perbill,
	/// What a planter accrues for a canary besides what its measurement cost, in units of BLY, on the audit
	/// budget.
	pub reward: Balance,
}

impl Default for CanaryParameters {
	/// An hour of 2-second blocks; a canary a day of each validator, about; 20 BLY.
	fn default() -> Self {
		Self { period_blocks: 1_800, chance: Perbill::from_percent(4), reward: BLY.saturating_mul(20) }
	}
}

impl CanaryParameters {
	/// Checks that a lottery can be held by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		ensure!((1..=MAX_PERIOD_BLOCKS).contains(&self.period_blocks), Error::<T>::PeriodLengthOutOfRange);
		Ok(())
	}
}

/// A period of the lottery.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Period<BlockNumber> {
	/// Its first block.
	pub started_at: BlockNumber,
	/// What lots are drawn from.
	pub randomness: Hash,
	/// The chance of each key.
	pub chance: Perbill,
}

/// A key, and from when on it takes part.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct KeyEntry {
	/// The key.
	pub key: CanaryKey,
	/// The first period in which it does.
	pub since: PeriodNumber,
}

/// A validator that takes part.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxPeriods))]
pub struct Planter<MaxPeriods: Get<u32>> {
	/// Its keys, by rising `since`.
	pub keys: BoundedVec<KeyEntry, ConstU32<MAX_KEYS>>,
	/// The periods, of those that are kept, for which it has shown a canary; rising.
	pub planted: BoundedVec<PeriodNumber, MaxPeriods>,
	/// What is held of it.
	pub deposit: Balance,
}

impl<MaxPeriods: Get<u32>> Planter<MaxPeriods> {
	/// The key that takes part in a period.
	pub fn key_in(&self, period: PeriodNumber) -> Option<CanaryKey> {
		self.keys.iter().rev().find(|entry| entry.since <= period).map(|entry| entry.key)
	}
}
