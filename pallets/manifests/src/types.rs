//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	dag::ModelId,
	datasets::Tier,
	economy::BLY,
	learning::{quorum, RejectReason, Verdict},
	manifest::{AuditOutcome, ManifestFinding, TrainingManifest, MAX_DATASETS, MAX_SAMPLE},
	panel::{self, PanelSeat},
	Balance, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_core::ConstU32,
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

pub use blyan_primitives::{dag::SubmissionId as RoundId, manifest::DatasetId};

/// An audit, with the runtime's types filled in.
pub type AuditOf<T> = Audit<
	<T as polkadot_sdk::frame_system::Config>::AccountId,
	BlockNumberFor<T>,
	<T as Config>::MaxAuditors,
>;
/// The accounts of auditors.
pub type AuditorsOf<T> =
	BoundedVec<<T as polkadot_sdk::frame_system::Config>::AccountId, <T as Config>::MaxAuditors>;

/// Longest phase that may be set, in blocks: 30 days of 2-second slots.
pub const MAX_PHASE_BLOCKS: u32 = 1_296_000;
/// Most attempts, and most tries to draw in one of them, that may be set.
pub const MAX_ATTEMPTS: u32 = 64;
const DEFAULT_FEE: Balance = BLY;

/// How audits are run. Governance changes it by `force_set_parameters`.
///
/// A change is felt by what happens after it: a phase that runs keeps its deadline, and auditors who are drawn
/// their number and their sample.
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
pub struct AuditParameters {
	/// Auditors drawn for a manifest.
	pub auditors: u32,
	/// The part of a run's batches that they derive again.
	pub sample: Perbill,
	/// Fewest batches of it, where a run has as many.
	pub min_sample: u32,
	/// Blocks from the submission, the restart, or a try that came to nothing, to the draw.
	pub draw_delay: u32,
	/// Blocks that auditors have to fetch, derive and commit.
	pub commit_blocks: u32,
	/// Blocks that committed auditors have to reveal.
	pub reveal_blocks: u32,
	/// Draws of auditors until a manifest that no quorum finds the same of stays undecided.
	pub max_attempts: u32,
	/// Tries to draw within one attempt until a manifest stays undecided for want of auditors or of randomness.
	pub max_draw_tries: u32,
	/// Blocks for which who made a manifest that does not match may submit nothing; at most
	/// [`Config::Retention`].
	pub ban_blocks: u32,
	/// What an auditor who agrees with the quorum claims from the budget of audits, in units of BLY.
	pub fee: Balance,
}

impl Default for AuditParameters {
	fn default() -> Self {
		Self {
			auditors: 3,
			sample: Perbill::from_percent(1),
			min_sample: 8,
			draw_delay: 2,
			commit_blocks: 300,
			reveal_blocks: 60,
			max_attempts: 3,
			max_draw_tries: 12,
			ban_blocks: 43_200,
			fee: DEFAULT_FEE,
		}
	}
}

impl AuditParameters {
	/// Checks that audits can be run by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		ensure!((1..=T::MaxAuditors::get()).contains(&self.auditors), Error::<T>::AuditorsOutOfRange);
		ensure!((1..=MAX_SAMPLE).contains(&self.min_sample), Error::<T>::SampleOutOfRange);
		let phases = [self.draw_delay, self.commit_blocks, self.reveal_blocks];
		ensure!(phases.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		let attempts = [self.max_attempts, self.max_draw_tries];
		ensure!(attempts.iter().all(|n| (1..=MAX_ATTEMPTS).contains(n)), Error::<T>::AttemptsOutOfRange);
		ensure!(BlockNumberFor::<T>::from(self.ban_blocks) <= T::Retention::get(), Error::<T>::BanTooLong);
		Ok(())
	}
}

/// A dataset of a manifest, as it was when that was submitted.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct DataSource<AccountId> {
	/// Its length, in bytes.
	pub bytes: u64,
	/// Who gave it, and is paid.
	pub contributor: AccountId,
	/// How good it was held to be.
	pub tier: Tier,
}

/// The datasets of a manifest, in its order.
pub type DataSources<AccountId> = BoundedVec<DataSource<AccountId>, ConstU32<MAX_DATASETS>>;

/// Where an audit stands.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage<BlockNumber> {
	/// No auditors yet.
	AwaitingDraw,
	/// They derive and commit.
	Commit {
		/// The last block in which a commitment is taken.
		until: BlockNumber,
	},
	/// Who committed reveals.
	Reveal {
		/// The last block in which a reveal is taken.
		until: BlockNumber,
	},
	/// Over.
	Closed {
		/// What it came to; never [`AuditOutcome::Pending`].
		outcome: AuditOutcome,
		/// In which block.
		at: BlockNumber,
	},
}

/// How the round of a submission stands, as far as it matters here.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RoundStanding {
	/// No verdict yet.
	Open,
	/// The blocks became heads.
	Accepted,
	/// They were measured, and were not good enough.
	Refused,
	/// Nobody measured them for what their data is worth: there was no verdict, they could not be measured, or they
	/// were made to be bad.
	Unmeasured,
}

impl From<Verdict> for RoundStanding {
	fn from(verdict: Verdict) -> Self {
		match verdict {
			Verdict::Accepted => Self::Accepted,
			Verdict::Rejected(RejectReason::NoGain | RejectReason::DomainRegression { .. }) => Self::Refused,
			Verdict::Rejected(RejectReason::Unfetchable | RejectReason::Malformed | RejectReason::Canary)
			| Verdict::Inconclusive => Self::Unmeasured,
		}
	}
}

/// The audit of a submission's manifest.
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
#[codec(mel_bound(AccountId: MaxEncodedLen, BlockNumber: MaxEncodedLen))]
pub struct Audit<AccountId, BlockNumber, MaxAuditors>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxAuditors: Get<u32>,
{
	/// The model.
	pub model: ModelId,
	/// Who made the submission; engaged until the audit is over.
	pub trainer: AccountId,
	/// What it says that was learned from.
	pub manifest: TrainingManifest,
	/// What the batches are bound to ([`blyan_primitives::manifest::binding`]).
	pub binding: Hash,
	/// What the datasets were when it was submitted, in the manifest's order.
	pub sources: DataSources<AccountId>,
	/// How its round stands.
	pub round: RoundStanding,
	/// How often auditors were drawn in vain.
	pub attempt: u32,
	/// The block in which this attempt began: randomness must be younger.
	pub attempt_since: BlockNumber,
	/// How often the draw of this attempt came to nothing.
	pub draw_tries: u32,
	/// The batches that are derived again, in rising order, from the draw on.
	pub sample: BoundedVec<u32, ConstU32<MAX_SAMPLE>>,
	/// The auditors, once drawn. Engaged while they commit and reveal; kept for the record after that.
	pub auditors: BoundedVec<PanelSeat<AccountId, ManifestFinding>, MaxAuditors>,
	/// Where it stands.
	pub stage: Stage<BlockNumber>,
}

impl<AccountId, BlockNumber, MaxAuditors> Audit<AccountId, BlockNumber, MaxAuditors>
where
	AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
	BlockNumber: Clone + PartialEq + Eq + core::fmt::Debug,
	MaxAuditors: Get<u32>,
{
	/// Whether it is not over.
	pub fn is_open(&self) -> bool {
		!matches!(self.stage, Stage::Closed { .. })
	}

	/// Whether the auditors are engaged.
	pub fn is_engaged(&self) -> bool {
		matches!(self.stage, Stage::Commit { .. } | Stage::Reveal { .. })
	}

	/// What it came to.
	pub fn outcome(&self) -> AuditOutcome {
		match self.stage {
			Stage::Closed { outcome, .. } => outcome,
			_ => AuditOutcome::Pending,
		}
	}

	/// Whether as many committed as make a quorum.
	pub fn has_quorum_of_commitments(&self) -> bool {
		panel::committed(&self.auditors) >= quorum(self.auditors.len() as u32) as usize
	}
}

/// An entry of the list of open audits.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OpenAudit<BlockNumber> {
	/// The block from which something is due.
	pub due: BlockNumber,
	/// The submission.
	pub round: RoundId,
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
