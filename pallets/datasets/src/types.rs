//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	datasets::{
		DatasetFinding, DatasetOffer, DatasetStage, Ppm, QualityLimits, QualityReport, Reliability, Standing,
		MAX_NAME_BYTES, PPM,
	},
	economy::BLY,
	learning::quorum,
	panel::{self, PanelSeat},
	Balance, BlockNumber, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
	},
	sp_core::ConstU32,
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

pub use blyan_primitives::{dag::SemVer, manifest::DatasetId};

type AccountOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;
/// A dataset, with the runtime's types filled in.
pub type DatasetOf<T> = Dataset<AccountOf<T>>;
/// A running audit, with the runtime's types filled in.
pub type AuditOf<T> = Audit<AccountOf<T>, <T as Config>::MaxAuditors>;
/// The accounts of auditors.
pub type AuditorsOf<T> = BoundedVec<AccountOf<T>, <T as Config>::MaxAuditors>;
/// A place in the line, with the runtime's types filled in.
pub type WaitingOf<T> = Waiting<AccountOf<T>>;
/// What a contributor calls a dataset.
pub type Name = BoundedVec<u8, ConstU32<MAX_NAME_BYTES>>;

/// Longest time that may be set, in blocks: 90 days of 2-second slots.
pub const MAX_PHASE_BLOCKS: u32 = 3_888_000;
/// Most attempts, and most tries to draw in one of them, that may be set.
pub const MAX_ATTEMPTS: u32 = 64;
/// Most zero bits that may be set, before a flood adds to them.
pub const MAX_WORK_BITS: u32 = 35;
/// Most blocks that the anchor of a proof of work may be set to be old: the hashes of 256 blocks may be all that is
/// known.
pub const MAX_WORK_BLOCKS: u32 = 250;
/// Of the places in line, those that newcomers may have.
pub const NEWCOMERS_SHARE: Perbill = Perbill::from_percent(75);
const DEFAULT_AUDIT_FEE: Balance = BLY;
const DEFAULT_VOTE_DEPOSIT: Balance = BLY / 10;
const DEFAULT_VOTE_REWARD: Balance = BLY / 5;
const DEFAULT_APPEAL_DEPOSIT: Balance = 10 * BLY;
const HOUR: u32 = 1_800;
const DAY: u32 = 24 * HOUR;

/// Offers a day.
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
#[serde(deny_unknown_fields)]
pub struct Quotas {
	/// Of who is not trusted yet.
	pub newcomer: u32,
	/// Of who had three approvals in a row.
	pub trusted: u32,
	/// Of who had twenty.
	pub expert: u32,
}

impl Quotas {
	/// Of a standing.
	pub const fn of(&self, standing: Standing) -> u32 {
		match standing {
			Standing::Newcomer => self.newcomer,
			Standing::Trusted => self.trusted,
			Standing::Expert => self.expert,
		}
	}
}

/// By which numbers datasets live. Governance changes them by `force_set_parameters`.
///
/// A change is felt by what happens after it: a phase that runs keeps its deadline, and auditors who are drawn their
/// number. Times are in blocks of two seconds, amounts in units of BLY.
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
pub struct DatasetParameters {
	/// The version of the quality gate's rules that reports must be of.
	pub rules: u16,
	/// By what reports are judged.
	pub limits: QualityLimits,
	/// How far apart honest reports may be in what auditors hold a sample against: duplicates, known works,
	/// contamination. All else but the expected gain is the same for everybody.
	pub reference_tolerance: Ppm,
	/// Likewise in the expected gain, in parts per million.
	pub gain_tolerance: u32,
	/// Auditors drawn for a dataset.
	pub auditors: u32,
	/// Offers that are audited at once.
	pub max_audits: u32,
	/// Approved datasets that are audited again at once.
	pub max_rescans: u32,
	/// From the beginning of an attempt, or a try that came to nothing, to the draw.
	pub draw_delay: u32,
	/// That auditors have to fetch, look, and commit.
	pub commit_blocks: u32,
	/// That committed auditors have to reveal.
	pub reveal_blocks: u32,
	/// Draws of auditors until a dataset that no quorum finds the same of is turned away.
	pub max_attempts: u32,
	/// Tries to draw within one attempt until a dataset is turned away for want of auditors or of randomness.
	pub max_draw_tries: u32,
	/// What an auditor who agrees with the quorum claims from the budget of audits.
	pub audit_fee: Balance,
	/// That workers have to vote.
	pub vote_blocks: u32,
	/// That they have besides, once, if too few voted.
	pub extension_blocks: u32,
	/// Of the active workers, those who must vote.
	pub quorum: Perbill,
	/// What is held of a voter.
	pub vote_deposit: Balance,
	/// What a voter claims from the budget of audits if it came out as it voted.
	pub vote_reward: Balance,
	/// That a contributor has to appeal.
	pub appeal_blocks: u32,
	/// After which an appeal that is not decided counts as denied.
	pub decision_blocks: u32,
	/// What is held of who appeals.
	pub appeal_deposit: Balance,
	/// Between the audits of an approved dataset.
	pub rescan_blocks: u32,
	/// Of a day, in which quotas count.
	pub day_blocks: u32,
	/// Offers a day.
	pub quotas: Quotas,
	/// Zero bits of the proof of work of an offer; none is asked for if zero.
	pub work_bits: u32,
	/// How old the block may be that a proof of work names.
	pub work_blocks: u32,
	/// Offers of newcomers in a day that are usual: each doubling beyond them asks for a bit more.
	pub usual_offers: u32,
}

impl Default for DatasetParameters {
	fn default() -> Self {
		Self {
			rules: 1,
			limits: QualityLimits::default(),
			reference_tolerance: PPM / 20,
			gain_tolerance: PPM / 10,
			auditors: 3,
			max_audits: 16,
			max_rescans: 8,
			draw_delay: 2,
			// Half an hour, together.
			commit_blocks: 750,
			reveal_blocks: 150,
			max_attempts: 3,
			max_draw_tries: 32,
			audit_fee: DEFAULT_AUDIT_FEE,
			vote_blocks: 72 * HOUR,
			extension_blocks: 24 * HOUR,
			quorum: Perbill::from_percent(1),
			vote_deposit: DEFAULT_VOTE_DEPOSIT,
			vote_reward: DEFAULT_VOTE_REWARD,
			appeal_blocks: 7 * DAY,
			decision_blocks: 14 * DAY,
			appeal_deposit: DEFAULT_APPEAL_DEPOSIT,
			rescan_blocks: 7 * DAY,
			day_blocks: DAY,
			quotas: Quotas { newcomer: 20, trusted: 200, expert: 1_000 },
			// Three seconds of a core, as for submissions.
			work_bits: 23,
			work_blocks: 150,
			usual_offers: 200,
		}
	}
}

impl DatasetParameters {
	/// Checks that datasets can live by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		ensure!((1..=T::MaxAuditors::get()).contains(&self.auditors), Error::<T>::AuditorsOutOfRange);
		let running = self.max_audits.checked_add(self.max_rescans);
		ensure!(
			self.max_audits > 0
				&& self.max_rescans > 0
				&& running.is_some_and(|running| running <= T::MaxRunning::get()),
			Error::<T>::RunningOutOfRange
		);
		let phases = [
			self.draw_delay,
			self.commit_blocks,
			self.reveal_blocks,
			self.vote_blocks,
			self.extension_blocks,
			self.appeal_blocks,
			self.decision_blocks,
			self.rescan_blocks,
			self.day_blocks,
		];
		ensure!(phases.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		let attempts = [self.max_attempts, self.max_draw_tries];
		ensure!(attempts.iter().all(|n| (1..=MAX_ATTEMPTS).contains(n)), Error::<T>::AttemptsOutOfRange);
		let Quotas { newcomer, trusted, expert } = self.quotas;
		ensure!(newcomer > 0 && newcomer <= trusted && trusted <= expert, Error::<T>::QuotasOutOfOrder);
		ensure!(
			self.work_bits <= MAX_WORK_BITS
				&& (1..=MAX_WORK_BLOCKS).contains(&self.work_blocks)
				&& self.usual_offers > 0,
			Error::<T>::WorkOutOfRange
		);
		Ok(())
	}
}

/// How a vote came out.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum VoteResult {
	/// As a tier.
	Passed,
	/// As none.
	Failed,
	/// Too few voted.
	Void,
}

/// The vote on a dataset.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Ballot {
	/// When it was opened: who registered earlier may vote.
	pub opened: BlockNumber,
	/// Votes in favour.
	pub ayes: u32,
	/// Votes against.
	pub nays: u32,
	/// How many must vote.
	pub quorum: u32,
	/// Votes that are kept, for which something is held.
	pub unsettled: u32,
	/// How it came out; `None` as long as it is open.
	pub result: Option<VoteResult>,
}

/// A vote that is kept.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Vote {
	/// Whether it is in favour.
	pub aye: bool,
	/// What is held for it.
	pub held: Balance,
}

/// A dataset.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Dataset<AccountId> {
	/// What its contributor says of it.
	pub offer: DatasetOffer,
	/// Who offered it.
	pub contributor: AccountId,
	/// When.
	pub offered_at: BlockNumber,
	/// Where it is in its life.
	pub stage: DatasetStage<BlockNumber>,
	/// Where it is on the agenda.
	pub due: Option<BlockNumber>,
	/// Audits that were begun.
	pub audits: u32,
	/// The medians of the last audit that came to any.
	pub report: Option<QualityReport>,
	/// How good it is.
	pub score: Ppm,
	/// The vote on it, once there is one.
	pub ballot: Option<Ballot>,
	/// What is held of its contributor for an appeal.
	pub deposit: Balance,
}

/// How far an audit is. `until` is the last block in which something is taken.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Phase {
	/// No auditors yet.
	AwaitingDraw,
	/// They look and commit.
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

/// A running audit.
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
#[scale_info(skip_type_params(MaxAuditors))]
#[codec(mel_bound(AccountId: MaxEncodedLen))]
pub struct Audit<AccountId, MaxAuditors>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxAuditors: Get<u32>,
{
	/// Which audit of the dataset, from 0.
	pub number: u32,
	/// How often auditors were drawn in vain.
	pub attempt: u32,
	/// When this attempt began: randomness must be younger.
	pub attempt_since: BlockNumber,
	/// How often the draw of this attempt came to nothing.
	pub draw_tries: u32,
	/// What the windows of the sample are drawn from, once the auditors are.
	pub seed: Option<Hash>,
	/// The auditors, once drawn; engaged.
	pub seats: BoundedVec<PanelSeat<AccountId, DatasetFinding>, MaxAuditors>,
	/// How far it is.
	pub phase: Phase,
}

impl<AccountId, MaxAuditors> Audit<AccountId, MaxAuditors>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxAuditors: Get<u32>,
{
	/// How many make a quorum of those who were drawn.
	pub fn quorum(&self) -> usize {
		quorum(self.seats.len() as u32) as usize
	}

	/// Whether as many committed as make a quorum.
	pub fn has_quorum_of_commitments(&self) -> bool {
		panel::committed(&self.seats) >= self.quorum()
	}
}

/// An offer in line for its audit.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Waiting<AccountId> {
	/// The dataset.
	pub dataset: DatasetId,
	/// Whose it is.
	pub contributor: AccountId,
	/// How far that stands: its offers a day.
	pub weight: u32,
	/// Whether that is a newcomer.
	pub is_newcomer: bool,
	/// Zero bits of its proof of work.
	pub work: u32,
}

/// A dataset that is audited.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Running<AccountId> {
	/// The dataset.
	pub dataset: DatasetId,
	/// Whose it is.
	pub contributor: AccountId,
	/// Whether it is approved, and looked at again.
	pub is_rescan: bool,
}

/// What is known of a contributor.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Contributor {
	/// How far it is trusted.
	pub reliability: Reliability,
	/// The last day in which it offered something.
	pub day: u32,
	/// Offers in that day.
	pub offers: u32,
	/// The block that its last proof of work was made for.
	pub anchor: Option<BlockNumber>,
	/// Datasets that are kept of it, and displaced offers of which its record is kept.
	pub kept: u32,
	/// Whether anything of it was ever approved: then its record stays.
	pub was_approved: bool,
}

/// Offers of newcomers in a day.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct DayCount {
	/// Which day.
	pub day: u32,
	/// How many.
	pub offers: u32,
}

/// What is to be forgotten when there is time.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Leftover<AccountId> {
	/// A dataset that was turned away, with its votes.
	Dataset(DatasetId),
	/// An offer that was displaced, from that block on: till then its contributor's record is kept, so that a proof
	/// of work is taken once, and a quota holds.
	Displaced {
		/// Whose it was.
		contributor: AccountId,
		/// When it may be forgotten.
		from: BlockNumber,
	},
}

/// Why auditors could not be drawn yet.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum PostponeReason {
	/// The chain has no randomness younger than the attempt.
	NoRandomness,
	/// Fewer auditors than are asked for are to be had.
	TooFewAuditors,
}

/// What an audit came to: what a quorum found, with the medians if it is a report.
pub type AuditOutcome = Option<DatasetFinding>;
