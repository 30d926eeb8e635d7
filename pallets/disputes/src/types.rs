//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	economy::BLY,
	learning::{NanoBits, RefereeFinding, ShardLosses},
	Balance, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
	},
	frame_system::pallet_prelude::BlockNumberFor,
};
use scale_info::TypeInfo;

pub use blyan_primitives::{dag::SubmissionId as RoundId, learning::DisputeId};

/// A dispute, with the runtime's types filled in.
pub type DisputeOf<T> = Dispute<
	<T as polkadot_sdk::frame_system::Config>::AccountId,
	BlockNumberFor<T>,
	<T as Config>::MaxReferees,
>;
/// An entry of the list of open disputes, with the runtime's types filled in.
pub type OpenDisputeOf<T> =
	OpenDispute<<T as polkadot_sdk::frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// The accounts of referees.
pub type RefereesOf<T> =
	BoundedVec<<T as polkadot_sdk::frame_system::Config>::AccountId, <T as Config>::MaxReferees>;

/// Longest phase that may be set, in blocks: 30 days of 2-second slots.
pub const MAX_PHASE_BLOCKS: u32 = 1_296_000;
/// Most attempts, and most tries to draw in one of them, that may be set.
pub const MAX_ATTEMPTS: u32 = 64;
const DEFAULT_BOND: Balance = 100 * BLY;

/// How disputes are run. Governance changes it by `force_set_parameters`.
///
/// A change is felt by what happens after it: a phase that runs keeps its deadline, referees who are drawn their
/// number, and a challenger its bond.
#[derive(
	Clone,
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
pub struct DisputeParameters {
	/// What a challenger holds at least, in units of BLY; above zero.
	pub bond: Balance,
	/// Blocks that the accused has to open its losses.
	pub opening_blocks: u32,
	/// Blocks from the opening, or from a try that came to nothing, to the draw of referees.
	pub draw_delay: u32,
	/// Blocks that referees have to fetch, re-run and commit.
	pub commit_blocks: u32,
	/// Blocks that committed referees have to reveal.
	pub reveal_blocks: u32,
	/// Referees drawn: an odd number, so that there is a strict majority or none. Twice the committee's size
	/// and one by the spec.
	pub referees: u32,
	/// Draws of referees until a dispute in which no majority reports the same ends undecided.
	pub max_attempts: u32,
	/// Tries to draw within one attempt until a dispute ends undecided for want of referees or of randomness.
	pub max_draw_tries: u32,
}

impl Default for DisputeParameters {
	fn default() -> Self {
		Self {
			bond: DEFAULT_BOND,
			opening_blocks: 100,
			draw_delay: 2,
			commit_blocks: 300,
			reveal_blocks: 60,
			referees: 11,
			max_attempts: 3,
			max_draw_tries: 12,
		}
	}
}

impl DisputeParameters {
	/// Checks that disputes can be run by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		ensure!(self.bond > 0, Error::<T>::NoBond);
		ensure!(
			self.referees % 2 == 1 && self.referees <= T::MaxReferees::get(),
			Error::<T>::RefereesOutOfRange
		);
		let phases = [self.opening_blocks, self.draw_delay, self.commit_blocks, self.reveal_blocks];
		ensure!(phases.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		let attempts = [self.max_attempts, self.max_draw_tries];
		ensure!(attempts.iter().all(|n| (1..=MAX_ATTEMPTS).contains(n)), Error::<T>::AttemptsOutOfRange);
		Ok(())
	}
}

/// Where a dispute stands.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage<BlockNumber> {
	/// The accused has to open its losses.
	AwaitingOpening {
		/// The last block in which it may.
		until: BlockNumber,
	},
	/// Opened, and no referees yet.
	AwaitingReferees,
	/// The referees re-run the shard and commit.
	Commit {
		/// The last block in which a commitment is taken.
		until: BlockNumber,
	},
	/// Who committed reveals.
	Reveal {
		/// The last block in which a reveal is taken.
		until: BlockNumber,
	},
}

/// What the accused measured of the contested shard.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Opening {
	/// Which of the pool's shards it is.
	pub shard: u32,
	/// Its losses.
	pub losses: ShardLosses,
}

/// A referee's place in a dispute.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Seat<AccountId> {
	/// Who was drawn.
	pub referee: AccountId,
	/// What it committed to.
	pub commitment: Option<Hash>,
	/// What it revealed.
	pub finding: Option<RefereeFinding>,
}

impl<AccountId> Seat<AccountId> {
	/// The seat of a referee who was just drawn.
	pub fn new(referee: AccountId) -> Self {
		Self { referee, commitment: None, finding: None }
	}
}

/// An open dispute.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxReferees))]
#[codec(mel_bound(AccountId: MaxEncodedLen, BlockNumber: MaxEncodedLen))]
pub struct Dispute<AccountId, BlockNumber, MaxReferees>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxReferees: Get<u32>,
{
	/// The round of the finding.
	pub round: RoundId,
	/// Whose finding it is.
	pub accused: AccountId,
	/// Who contests it.
	pub challenger: AccountId,
	/// What is held of the challenger.
	pub bond: Balance,
	/// Which of the shards drawn for the round, counted from 0.
	pub position: u32,
	/// How far the accused may be off, in nanobits.
	pub tolerance: NanoBits,
	/// What the accused opened.
	pub opened: Option<Opening>,
	/// How often referees were drawn in vain.
	pub attempt: u32,
	/// The block in which this attempt began: randomness must be younger.
	pub attempt_since: BlockNumber,
	/// How often the draw of this attempt came to nothing.
	pub draw_tries: u32,
	/// The referees, once drawn; engaged as long as they are here.
	pub referees: BoundedVec<Seat<AccountId>, MaxReferees>,
	/// Where it stands.
	pub stage: Stage<BlockNumber>,
}

impl<AccountId, BlockNumber, MaxReferees> Dispute<AccountId, BlockNumber, MaxReferees>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxReferees: Get<u32>,
{
	/// How many of the referees committed.
	pub fn committed(&self) -> usize {
		self.referees.iter().filter(|seat| seat.commitment.is_some()).count()
	}

	/// Whether all of them did.
	pub fn all_committed(&self) -> bool {
		self.committed() == self.referees.len()
	}

	/// Whether everybody who committed revealed.
	pub fn all_revealed(&self) -> bool {
		self.referees.iter().all(|seat| seat.commitment.is_none() || seat.finding.is_some())
	}

	/// Whether so many are more than half of all who were drawn. Absent is not a vote.
	pub fn is_majority(&self, count: usize) -> bool {
		count > self.referees.len() / 2
	}

	/// What a strict majority of all who were drawn computed, to the last bit.
	pub fn majority(&self) -> Option<ShardLosses> {
		let exact = |seat: &Seat<AccountId>| match seat.finding {
			Some(RefereeFinding::Exact(losses)) => Some(losses),
			Some(RefereeFinding::Unable) | None => None,
		};
		self.referees.iter().filter_map(exact).find(|losses| {
			self.is_majority(self.referees.iter().filter(|seat| exact(seat) == Some(*losses)).count())
		})
	}
}

/// An entry of the list of open disputes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct OpenDispute<AccountId, BlockNumber> {
	/// The block from which something is due.
	pub due: BlockNumber,
	/// The dispute.
	pub id: DisputeId,
	/// Its round.
	pub round: RoundId,
	/// Whose finding is contested.
	pub accused: AccountId,
	/// Which shard of it.
	pub position: u32,
}

/// Why referees could not be drawn yet.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum PostponeReason {
	/// The chain has no randomness younger than the attempt.
	NoRandomness,
	/// Fewer evaluators than are asked for are free of the round and of the parties.
	TooFewReferees,
}

/// Why a dispute ended without a verdict.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum UndecidedReason {
	/// Referees could not be drawn.
	NoReferees,
	/// No strict majority of the referees reported the same, in any attempt.
	NoMajority,
	/// Another dispute had the finding struck meanwhile.
	AlreadyStruck,
}
