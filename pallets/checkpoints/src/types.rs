//! Records, parameters, and the formula of the pay.

use blyan_primitives::{
	checkpoint::{CheckpointBlock, CheckpointVote},
	economy::{proportion, BLY, SUPPLY_CAP},
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::ed25519::{Public, Signature};
use scale_info::TypeInfo;

/// Numbers a session, as pallet session does.
pub type SessionIndex = u32;
/// Numbers the sets of validators that this pallet was told of, from 0.
pub type SetNumber = u32;

/// The sessions that uptime looks back on, the one that is paid for among them: a day of hours.
pub const UPTIME_SESSIONS: u32 = 24;
/// The share of a session's checkpoints that must be voted on quickly for the bonus, in per cent.
pub const QUICK_SHARE_PERCENT: u64 = 75;
/// What pay is multiplied by when votes are quick, in per cent.
pub const SPEED_PERCENT: u64 = 110;
/// What pay is multiplied by when no vote is wrong, in per cent.
pub const CORRECT_PERCENT: u64 = 120;
/// The most blocks that may lie between two checkpoints: a day of slots.
pub const MAX_CHECKPOINT_BLOCKS: u32 = 43_200;

/// What governance sets by `force_set_parameters`.
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointParameters {
	/// Every so many blocks there is a checkpoint. It takes votes until the next one opens.
	pub checkpoint_blocks: u32,
	/// A vote is quick if it is in a block at most so many after the one that is voted on.
	pub quick_blocks: u32,
	/// What all validators together claim for a session, before uptime and the bonuses. In the smallest unit of BLY.
	pub base: Balance,
	/// A validator is down when it showed no sign of life in more than so many sessions in a row, and is reported once for
	/// each so many: as many as there are in a day.
	pub downtime_sessions: u32,
}

impl Default for CheckpointParameters {
	/// Five minutes, half a minute, 1,000 BLY, and a day of hours.
	fn default() -> Self {
		Self {
			checkpoint_blocks: 150,
			quick_blocks: 15,
			base: BLY.saturating_mul(1_000),
			downtime_sessions: 24,
		}
	}
}

/// The highest base: all BLY that may ever exist.
pub const MAX_BASE: Balance = SUPPLY_CAP;

/// A validator in its seat.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Voter<AccountId> {
	/// Who is paid.
	pub account: AccountId,
	/// GRANDPA's key, which votes are signed with.
	pub key: Public,
}

/// The session that runs.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RunningSession {
	/// Which one.
	pub session: SessionIndex,
	/// Its validators.
	pub set: SetNumber,
}

/// What followed a session.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct NextSession {
	/// The session after it.
	pub session: SessionIndex,
	/// Whether that has another set: then this set's seats go with the settlement.
	pub has_other_set: bool,
}

/// A session that runs, or is not settled yet.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SessionRecord {
	/// Its validators.
	pub set: SetNumber,
	/// How many they are.
	pub validators: u32,
	/// Checkpoints that opened in it: how many votes are expected of each validator.
	pub checkpoints: u32,
	/// What followed, once it is over.
	pub next: Option<NextSession>,
}

/// What a validator did in a session.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Tally {
	/// Votes for the chain's own block.
	pub votes: u32,
	/// Those of them that were quick.
	pub quick: u32,
	/// Votes for another block.
	pub wrong: u32,
	/// Blocks that it authored.
	pub blocks: u32,
}

impl Tally {
	/// Whether there was a sign of life: a vote, even a wrong one, or a block.
	pub fn is_active(&self) -> bool {
		self.votes > 0 || self.wrong > 0 || self.blocks > 0
	}
}

/// How a validator did in the sessions that are settled, since it joined.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Standing {
	/// The newest set that it is in.
	pub set: SetNumber,
	/// Sessions that were counted, [`UPTIME_SESSIONS`] at most.
	pub known: u32,
	/// In which of them it was active: a bit each, the newest is the lowest.
	pub active: u32,
	/// Sessions in a row, to the newest, without a sign of life.
	pub absent: u32,
}

impl Standing {
	/// Takes a session into account.
	pub fn note(&mut self, is_active: bool) {
		let kept = u32::MAX.checked_shr(u32::BITS.saturating_sub(UPTIME_SESSIONS)).unwrap_or_default();
		self.active = (self.active.wrapping_shl(1) | u32::from(is_active)) & kept;
		self.known = self.known.saturating_add(1).min(UPTIME_SESSIONS);
		self.absent = if is_active { 0 } else { self.absent.saturating_add(1) };
	}

	/// Whether to report now that it is down: past a day, and once for each further day.
	pub fn is_report_due(&self, downtime_sessions: u32) -> bool {
		let over = self.absent.saturating_sub(1);
		over >= downtime_sessions && over.checked_rem(downtime_sessions) == Some(0)
	}
}

/// A validator's claim for a session: `base / validators x participation x (1 + uptime) x speed x correct`, rounded
/// down once. `standing` has taken the session into account.
pub fn pay(base: Balance, record: &SessionRecord, tally: &Tally, standing: &Standing) -> Balance {
	let expected = u64::from(record.checkpoints);
	let votes = u64::from(tally.votes).min(expected);
	let is_quick = u64::from(tally.quick).saturating_mul(100) >= expected.saturating_mul(QUICK_SHARE_PERCENT);
	let speed = if is_quick { SPEED_PERCENT } else { 100 };
	let correct = if tally.wrong == 0 { CORRECT_PERCENT } else { 100 };
	let known = u128::from(standing.known);
	let ones = u128::from(standing.active.count_ones()).min(known);
	let part = u128::from(votes)
		.saturating_mul(known.saturating_add(ones))
		.saturating_mul(speed.into())
		.saturating_mul(correct.into());
	let whole = u128::from(record.validators)
		.saturating_mul(expected.into())
		.saturating_mul(known)
		.saturating_mul(10_000);
	proportion(base, part, whole)
}

/// A checkpoint that takes votes.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Checkpoint {
	/// What is voted on.
	pub block: CheckpointBlock,
	/// The session in which it opened, for which its votes count.
	pub session: SessionIndex,
	/// Who votes.
	pub set: SetNumber,
	/// How many they are.
	pub voters: u32,
	/// Votes for the block.
	pub votes: u32,
	/// Whether they are enough.
	pub is_certified: bool,
	/// Where its votes are kept.
	pub slot: u32,
}

/// A vote that was counted.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct StoredVote {
	/// The height of the block that was voted on. A vote of another height is of a former checkpoint in this slot.
	pub number: u32,
	/// Who signed.
	pub key: Public,
	/// The signature.
	pub signature: Signature,
	/// Whether it is for the chain's own block.
	pub is_right: bool,
}

/// A checkpoint that enough validators signed.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Certified {
	/// What they signed.
	pub block: CheckpointBlock,
	/// How many might have.
	pub voters: u32,
}

/// That a validator signed another block than the chain's.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct WrongVote<AccountId> {
	/// Who.
	pub validator: AccountId,
	/// Its key then.
	pub key: Public,
	/// What it signed.
	pub vote: CheckpointVote,
	/// The signature of it.
	pub signature: Signature,
}

/// How far the sessions that are over have been settled.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Settlement {
	/// The oldest session in storage.
	pub session: SessionIndex,
	/// Its first seat that is not settled.
	pub seat: u32,
	/// Sessions that are over and not settled, this one among them if it is over.
	pub sessions: u32,
}
