//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	dag::{BlockIds, Component, Generation, ModelId, MAX_BLOCKS},
	economy::BLY,
	learning::{self, Finding, Gate, Medians, Purpose, ValidationPool, Verdict},
	sealed::{LotId, SealedShards, MAX_LOTS},
	Balance, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_core::ConstU32,
	sp_runtime::{
		traits::{AtLeast32BitUnsigned, SaturatedConversion},
		Perbill,
	},
};
use scale_info::TypeInfo;

/// A round bears the number of the submission that it measures.
pub type RoundId = blyan_primitives::dag::SubmissionId;

/// A round, with the runtime's types filled in.
pub type RoundOf<T> = Round<
	<T as polkadot_sdk::frame_system::Config>::AccountId,
	BlockNumberFor<T>,
	<T as Config>::MaxCommittee,
>;
/// A submission in line, with the runtime's types filled in.
pub type WaitingOf<T> = Waiting<<T as polkadot_sdk::frame_system::Config>::AccountId>;
/// A round that is being measured, with the runtime's types filled in.
pub type MeasuredOf<T> = Measured<<T as polkadot_sdk::frame_system::Config>::AccountId>;
/// A seat, with the runtime's types filled in.
pub type SeatOf<T> = Seat<<T as polkadot_sdk::frame_system::Config>::AccountId>;
/// The accounts of a committee.
pub type CommitteeOf<T> =
	BoundedVec<<T as polkadot_sdk::frame_system::Config>::AccountId, <T as Config>::MaxCommittee>;
/// The components of a submission, in the order of its blocks.
pub type Components = BoundedVec<Component, ConstU32<MAX_BLOCKS>>;
/// The sealed lots of an attempt, in the order drawn.
pub type LotIds = BoundedVec<LotId, ConstU32<MAX_LOTS>>;

/// Bytes in a mebibyte, the unit of content that the bond grows by.
pub const MEBIBYTE: u64 = 1 << 20;
/// Longest phase that may be set, in blocks: 30 days of 2-second slots.
pub const MAX_PHASE_BLOCKS: u32 = 1_296_000;
/// Most attempts, and most tries to draw in one of them, that may be set.
pub const MAX_ATTEMPTS: u32 = 64;
const DEFAULT_SUBMISSION_BOND: Balance = 100 * BLY;
/// About 3 seconds of one core: 2.65 million hashes a second were measured of the worker's search, in a development
/// build on a busy machine.
const DEFAULT_WORK_BITS: u32 = 23;
const DEFAULT_MEASUREMENT_FEE: Balance = 10 * BLY;
/// Most zero bits that the hash of a submission may be set to begin with, before rejections add to them: an
/// hour of a fast core takes 2^35 hashes.
pub const MAX_WORK_BITS: u32 = 40;
/// Most recent rejections of a trainer that count: what it is asked and where it stands in line gets no worse
/// by more of them.
pub const MAX_SETBACKS: u32 = 8;
/// Most times that the absent of one attempt may be set to be replaced.
pub const MAX_REPLACEMENTS: u32 = 4;
/// What stands for the reputation of an account that is no worker: half of a new worker's, for an account
/// costs nothing.
pub const STRANGER_REPUTATION: Perbill = Perbill::from_percent(25);
/// Tries to draw are at most 2 to this power blocks apart.
const MAX_BACKOFF_EXPONENT: u32 = 6;

/// How rounds are run. Governance changes it by `force_set_parameters`.
///
/// A change is felt by what happens after it: a phase that runs keeps its deadline, a committee that is
/// drawn keeps its size, and a submission keeps the bond and the fee that it was made under.
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
pub struct RoundParameters {
	/// Evaluators drawn for a round.
	pub committee_size: u32,
	/// Fewest evaluators that a round starts with, when fewer than `committee_size` are to be had.
	pub min_committee: u32,
	/// Blocks from the submission, or the restart, to the draw; 1 at least. At 2, the randomness of BABE's
	/// parent block is already that of a block after the submission's own.
	pub draw_delay: u32,
	/// Blocks that evaluators have to fetch, measure and commit.
	pub commit_blocks: u32,
	/// Blocks that committed evaluators have to reveal.
	pub reveal_blocks: u32,
	/// Blocks in which what was measured may be contested, before it is settled.
	pub contest_blocks: u32,
	/// Attempts until a round without a quorum, or whose baseline moved each time, ends inconclusively.
	pub max_attempts: u32,
	/// Tries to draw within one attempt, with growing distance, until a round ends inconclusively for want
	/// of evaluators or of randomness.
	pub max_draw_tries: u32,
	/// What a trainer holds on any submission, in units of BLY.
	pub submission_bond: Balance,
	/// What a trainer holds besides for each started MiB of content, in units of BLY.
	pub bond_per_mib: Balance,
	/// What a rejected submission pays its evaluators out of the bond, in units of BLY; at most
	/// `submission_bond`.
	pub measurement_fee: Balance,
	/// Zero bits that the hash of a submission must begin with, as its proof of work against spam; one more
	/// for each recent rejection of the trainer. 0 asks for no work, whatever the rejections.
	pub work_bits: u32,
	/// Blocks that the proof of work may be old; of use below the number of blocks whose hashes the chain
	/// keeps.
	pub work_blocks: u32,
	/// Blocks after which a trainer is forgiven one rejection.
	pub forgive_blocks: u32,
	/// Rounds that are measured at once; the rest waits, best standing first.
	pub max_measured: u32,
	/// How often, in an attempt, those who did not commit in time are replaced, if too few did.
	pub replacements: u32,
}

impl Default for RoundParameters {
	fn default() -> Self {
		Self {
			committee_size: 5,
			min_committee: 3,
			draw_delay: 2,
			commit_blocks: 300,
			reveal_blocks: 60,
			contest_blocks: 300,
			max_attempts: 3,
			max_draw_tries: 12,
			submission_bond: DEFAULT_SUBMISSION_BOND,
			bond_per_mib: BLY,
			measurement_fee: DEFAULT_MEASUREMENT_FEE,
			work_bits: DEFAULT_WORK_BITS,
			work_blocks: 150,
			forgive_blocks: 1_800,
			max_measured: 16,
			replacements: 1,
		}
	}
}

impl RoundParameters {
	/// Checks that rounds can be run by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		ensure!(
			(1..=T::MaxCommittee::get()).contains(&self.committee_size),
			Error::<T>::CommitteeSizeOutOfRange
		);
		ensure!((1..=self.committee_size).contains(&self.min_committee), Error::<T>::MinCommitteeOutOfRange);
		let phases = [self.draw_delay, self.commit_blocks, self.reveal_blocks, self.contest_blocks];
		ensure!(phases.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		let attempts = [self.max_attempts, self.max_draw_tries];
		ensure!(attempts.iter().all(|n| (1..=MAX_ATTEMPTS).contains(n)), Error::<T>::AttemptsOutOfRange);
		ensure!(self.measurement_fee <= self.submission_bond, Error::<T>::FeeAboveBond);
		ensure!(self.work_bits <= MAX_WORK_BITS, Error::<T>::WorkBitsOutOfRange);
		let ages = [self.work_blocks, self.forgive_blocks];
		ensure!(ages.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		ensure!(self.max_measured > 0, Error::<T>::NothingMeasured);
		ensure!(self.replacements <= MAX_REPLACEMENTS, Error::<T>::ReplacementsOutOfRange);
		Ok(())
	}

	/// What is held on a submission with that much content.
	pub fn bond(&self, bytes: u64) -> Balance {
		let mebibytes = Balance::from(bytes.div_ceil(MEBIBYTE));
		self.submission_bond.saturating_add(self.bond_per_mib.saturating_mul(mebibytes))
	}
}

/// Blocks to wait after `tries` draws came to nothing: 1, 2, 4 and so on, 64 at most.
pub fn draw_backoff(tries: u32) -> u32 {
	2u32.saturating_pow(tries.saturating_sub(1).min(MAX_BACKOFF_EXPONENT))
}

/// What a model's candidates are measured on, and what is asked of them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TrainingTerms {
	/// The text that candidates are measured on.
	pub pool: ValidationPool,
	/// What a candidate must reach on it.
	pub gate: Gate,
	/// BLAKE2-256 of the Wasm module of the reference evaluator, by which disputes are decided; zero if there
	/// is none, and then nothing can be contested.
	pub referee: Hash,
}

/// What an attempt is measured by, fixed when its committee is drawn.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Draw {
	/// The generation of the model's heads that the candidate is compared with.
	pub generation: Generation,
	/// The Merkle root over those heads.
	pub root: Hash,
	/// What committee and shards are drawn from.
	pub seed: Hash,
	/// The model's terms at the draw. Terms that the owner sets later are for later draws.
	pub terms: TrainingTerms,
	/// The sealed lots that it is judged by; none where the model asks for none.
	pub sealed: SealedDraw,
}

impl Draw {
	/// How many domains a report has.
	pub fn domains(&self) -> u32 {
		(self.terms.pool.domains.len() as u32).saturating_add(self.sealed.shards().domains())
	}
}

/// A sealed lot of an attempt.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct DrawnLot {
	/// Which.
	pub id: LotId,
	/// Whether its key is known.
	pub is_opened: bool,
}

/// The sealed lots of an attempt, in the order drawn. Those that were not opened in time are taken out.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SealedDraw {
	/// Each once.
	pub lots: BoundedVec<DrawnLot, ConstU32<MAX_LOTS>>,
	/// Shards of each.
	pub shards_per_lot: u32,
}

impl SealedDraw {
	/// What they come to.
	pub fn shards(&self) -> SealedShards {
		SealedShards { lots: self.lots.len() as u32, shards_per_lot: self.shards_per_lot }
	}

	/// Whether every key is known.
	pub fn all_opened(&self) -> bool {
		self.lots.iter().all(|lot| lot.is_opened)
	}

	/// Whether that lot is one of them.
	pub fn contains(&self, id: LotId) -> bool {
		self.lots.iter().any(|lot| lot.id == id)
	}
}

/// An evaluator's place in the committee.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Seat<AccountId> {
	/// Who was drawn.
	pub evaluator: AccountId,
	/// What it committed to.
	pub commitment: Option<Hash>,
	/// What it revealed.
	pub finding: Option<Finding>,
	/// Whether the finding lost a dispute: it is no vote any more.
	pub struck: bool,
	/// Whether it won a dispute, as accused or as challenger: it is not blamed for being outside the
	/// tolerance.
	pub upheld: bool,
}

impl<AccountId> Seat<AccountId> {
	/// The seat of an evaluator who was just drawn.
	pub fn new(evaluator: AccountId) -> Self {
		Self { evaluator, commitment: None, finding: None, struck: false, upheld: false }
	}

	/// What it found, unless that has been struck.
	pub fn standing(&self) -> Option<&Finding> {
		self.finding.as_ref().filter(|_| !self.struck)
	}
}

/// Where a round stands.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Phase<BlockNumber> {
	/// No committee yet.
	AwaitingDraw,
	/// The committee measures and commits.
	Commit {
		/// The last block in which a commitment is taken.
		until: BlockNumber,
	},
	/// Who committed reveals.
	Reveal {
		/// The last block in which a reveal is taken.
		until: BlockNumber,
	},
	/// A quorum measured, and what it found may be contested.
	Contest {
		/// The last block in which it may; settled after it, and not before every dispute is decided.
		until: BlockNumber,
	},
	/// The verdict stands, and the bond is settled.
	Closed {
		/// How it ended.
		verdict: Verdict,
		/// In which block.
		at: BlockNumber,
	},
	/// The committee is drawn, and sealed lots with it; their sealers open them.
	Opening {
		/// The last block in which a lot may be opened.
		until: BlockNumber,
	},
	/// Not measured yet, for others are.
	Waiting,
	/// Too few committed in time. Who did keeps its seat and its commitment; the seats of the others are drawn
	/// again.
	AwaitingReplacement {
		/// The block in which the time to commit was found to be over: randomness must be younger.
		since: BlockNumber,
		/// How many seats are drawn again.
		missing: u32,
	},
}

/// What was said of a submission that turned out to be a canary.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Canary<AccountId> {
	/// Who planted it.
	pub planter: AccountId,
	/// What it accrues for that, in units of BLY.
	pub reward: Balance,
}

/// The measurement of one submission.
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
#[scale_info(skip_type_params(MaxCommittee))]
#[codec(mel_bound(AccountId: MaxEncodedLen, BlockNumber: MaxEncodedLen))]
pub struct Round<AccountId, BlockNumber, MaxCommittee>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxCommittee: Get<u32>,
{
	/// The model that the blocks are for.
	pub model: ModelId,
	/// Who made them, and holds the bond.
	pub trainer: AccountId,
	/// What the blocks are for.
	pub purpose: Purpose,
	/// The candidate blocks; accepted or rejected as one.
	pub blocks: BlockIds,
	/// The component of each block.
	pub components: Components,
	/// Length of all content together, in bytes.
	pub bytes: u64,
	/// Hides whether the submission is a canary.
	pub seal: Hash,
	/// What is held of the trainer's until the verdict.
	pub bond: Balance,
	/// What a rejection pays the evaluators, out of the bond.
	pub fee: Balance,
	/// The block of the submission.
	pub submitted_at: BlockNumber,
	/// How often the round has been restarted.
	pub attempt: u32,
	/// The block in which this attempt began: randomness must be younger.
	pub attempt_since: BlockNumber,
	/// How often the draw of this attempt came to nothing.
	pub draw_tries: u32,
	/// What this attempt is measured by, from the draw on.
	pub draw: Option<Draw>,
	/// The committee, from the draw on. Engaged until the attempt ends, or the round is settled; kept for
	/// the record after that.
	pub committee: BoundedVec<Seat<AccountId>, MaxCommittee>,
	/// Where the round stands.
	pub phase: Phase<BlockNumber>,
	/// The agenda's slot that has this round, while it is open and not kept waiting by disputes.
	pub due: Option<BlockNumber>,
	/// Disputes that are not decided yet. The round is settled only when there are none.
	pub open_disputes: u32,
	/// The medians of what was revealed and not struck, once closed by measurement.
	pub medians: Option<Medians>,
	/// Who was replaced in this attempt, for not committing in time.
	pub absent: BoundedVec<AccountId, MaxCommittee>,
	/// How often this attempt's absent were replaced.
	pub replacements: u32,
	/// Who planted it, once it is known to be a canary.
	pub canary: Option<Canary<AccountId>>,
}

impl<AccountId, BlockNumber, MaxCommittee> Round<AccountId, BlockNumber, MaxCommittee>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxCommittee: Get<u32>,
{
	/// Whether no verdict stands yet.
	pub fn is_open(&self) -> bool {
		!matches!(self.phase, Phase::Closed { .. })
	}

	/// Whether the committee is engaged.
	pub fn is_engaged(&self) -> bool {
		matches!(
			self.phase,
			Phase::Opening { .. }
				| Phase::Commit { .. }
				| Phase::Reveal { .. }
				| Phase::Contest { .. }
				| Phase::AwaitingReplacement { .. }
		)
	}

	/// How many of the committee committed.
	pub fn committed(&self) -> u32 {
		self.committee.iter().filter(|seat| seat.commitment.is_some()).count() as u32
	}

	/// How many of the committee measured, struck or not.
	pub fn measured(&self) -> u32 {
		let is_measured = |seat: &&Seat<AccountId>| matches!(seat.finding, Some(Finding::Measured(_)));
		self.committee.iter().filter(is_measured).count() as u32
	}

	/// Whether what an evaluator of it measured, struck or not, passes the gate by itself.
	pub fn accepts(&self, gate: &Gate, seat: &Seat<AccountId>) -> bool {
		let Some(Finding::Measured(report)) = &seat.finding else { return false };
		self.purpose.judge(gate, &learning::medians(&[report])).is_ok()
	}

	/// Whether its contest phase is over, but for disputes that are not decided: the last of them puts it on
	/// the agenda again.
	pub fn is_held(&self) -> bool {
		matches!(self.phase, Phase::Contest { .. }) && self.open_disputes > 0 && self.due.is_none()
	}

	/// Whether everybody in the committee committed.
	pub fn all_committed(&self) -> bool {
		self.committee.iter().all(|seat| seat.commitment.is_some())
	}

	/// Whether everybody who committed revealed.
	pub fn all_revealed(&self) -> bool {
		self.committee.iter().all(|seat| seat.commitment.is_none() || seat.finding.is_some())
	}
}

/// A submission in line.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Waiting<AccountId> {
	/// Its round.
	pub round: RoundId,
	/// Who made it.
	pub trainer: AccountId,
	/// Where the trainer stood when it last submitted or had a verdict: its reputation, halved by each recent
	/// rejection.
	pub standing: Perbill,
	/// Zero bits of its proof of work; of two that stand alike, the one with more is first.
	pub work: u32,
}

/// A round that is being measured, from the draw that awaits it to its verdict.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Measured<AccountId> {
	/// Which.
	pub round: RoundId,
	/// Who made the submission.
	pub trainer: AccountId,
}

/// What is known of an account that submitted, for as long as one of its rounds is kept.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct TrackRecord<BlockNumber> {
	/// Its newest submission; the record goes with it.
	pub newest: RoundId,
	/// The block that its newest proof of work was made for: the next one must be later, so that none counts
	/// twice.
	pub anchor: Option<BlockNumber>,
	/// Rejections as of `since`, [`MAX_SETBACKS`] at most.
	pub setbacks: u32,
	/// The block from which on they are forgiven one after another.
	pub since: BlockNumber,
}

impl<BlockNumber: AtLeast32BitUnsigned + Copy> TrackRecord<BlockNumber> {
	/// What is left of the rejections at `now`, one being forgiven every `forgive_blocks`.
	pub fn setbacks_at(&self, now: BlockNumber, forgive_blocks: u32) -> u32 {
		let elapsed = now.saturating_sub(self.since);
		let forgiven = elapsed.saturated_into::<u32>().checked_div(forgive_blocks).unwrap_or_default();
		self.setbacks.saturating_sub(forgiven)
	}
}

/// Why a round began anew, with another committee.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RestartReason {
	/// Another submission became head: what was measured is no longer the question.
	HeadMoved,
	/// Two thirds of the committee did not come to the same kind of finding.
	NoQuorum,
	/// A quorum measured, and no majority of it is within the tolerance of the medians, so nobody can tell
	/// who is wrong.
	NoAgreement,
	/// Fewer than two thirds of the sealed lots were opened in time.
	LotsNotOpened,
	/// A quorum found that a sealed lot is not to be had, or not what its sealer promised.
	UnusableLot,
}

/// Why a committee could not be drawn.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum PostponeReason {
	/// The chain has no randomness younger than the attempt.
	NoRandomness,
	/// Fewer evaluators than the least committee were to be had.
	TooFewEvaluators,
	/// The reserve has too few sealed lots, sealed before the submission, for what the model's owner asks.
	TooFewLots,
}
