//! Runtime APIs, for RPC and for workers.

// The macro makes items that carry no documentation.
#![allow(missing_docs)]
// A bound that the macro writes a second time.
#![allow(clippy::multiple_bound_locations)]

use crate::{
	architecture::Architecture,
	canary::{CanaryKey, PeriodNumber},
	checkpoint::{CheckpointCertificate, CheckpointVote, OpenCheckpointInfo},
	dag::{Block, BlockId, Component, Generation, ManifestEntry, ModelId, SemVer, SubmissionId},
	datasets::{DatasetFinding, DatasetOffer, DatasetStage, Ppm, QualityLimits, QualityReport},
	delta::DeltaChain,
	learning::{DisputeId, Finding, Gate, Medians, Purpose, ShardLosses, ValidationPool, Verdict},
	manifest::{AuditOutcome, DataTerms, DatasetId, ManifestFinding, TrainingManifest},
	migration::Migration,
	sealed::{LotId, LotState, NewLot, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	worker::{Role, Roles},
	Balance, BlockNumber, Hash,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use polkadot_sdk::{
	sp_api,
	sp_core::ed25519,
	sp_runtime::{traits::Block as BlockT, Perbill},
};
use scale_info::TypeInfo;

/// Most entries a paged call returns.
pub const MAX_PAGE: u32 = 256;

/// A model, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ModelInfo<AccountId> {
	pub id: ModelId,
	pub name: Vec<u8>,
	pub owner: Option<AccountId>,
	pub architecture: Architecture,
	pub version: SemVer,
	pub generation: Generation,
	/// `None` until every component has a head.
	pub root: Option<Hash>,
	/// What candidates are measured on, once training is open.
	pub pool: Option<ValidationPool>,
	pub gate: Option<Gate>,
	/// BLAKE2-256 of the Wasm module of the reference evaluator, by which disputes are decided; zero if
	/// there is none.
	pub referee: Option<Hash>,
	/// What the owner lets the architecture become.
	pub migration: Option<Migration>,
	/// The share of a sequence's tokens that a layer's router may send to an expert on probation, while it
	/// has others to send them to.
	pub probation_routing_share: Perbill,
}

/// The heads of one generation, by their root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionInfo {
	pub generation: Generation,
	pub version: SemVer,
	pub root: Hash,
	pub architecture: Architecture,
	/// `None` for the genesis weights.
	pub submission: Option<SubmissionId>,
	pub released_at: BlockNumber,
}

/// A component that two versions do not have in common, or not with the same weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Difference {
	pub component: Component,
	/// Its head in the one version; `None` if that has no such component.
	pub from: Option<BlockId>,
	/// Its head in the other.
	pub to: Option<BlockId>,
}

/// Where a block stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum BlockStanding {
	Candidate,
	Head {
		since: Generation,
	},
	Superseded {
		since: Generation,
	},
	/// It was head when its component went back to a former one.
	RolledBack {
		since: Generation,
	},
	/// It was head when a migration took its component out.
	Retired,
	Rejected,
	Withdrawn,
}

/// A block of the graph, with what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BlockInfo<AccountId> {
	pub id: BlockId,
	pub block: Block<AccountId>,
	pub submission: Option<SubmissionId>,
	pub standing: BlockStanding,
	/// What must be replayed to have its weights.
	pub deltas: DeltaChain,
	/// How many blocks name it as a parent.
	pub children: u32,
	/// The first block of the chain in which what it brought cannot be rolled back any more; `None` once that
	/// is past, or if it never became head.
	pub probation_until: Option<BlockNumber>,
}

/// Where a round stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum RoundPhase {
	AwaitingDraw,
	Commit {
		until: BlockNumber,
	},
	Reveal {
		until: BlockNumber,
	},
	/// What was found may be contested until then; settled afterwards, and not before every dispute on it.
	Contest {
		until: BlockNumber,
	},
	Closed(Verdict),
	/// Its sealed lots are drawn, and are opened until then; commitments are taken after that.
	Opening {
		until: BlockNumber,
	},
	/// Others are measured first.
	Waiting,
	/// Too few committed in time; others will be drawn in place of those who did not.
	AwaitingReplacement,
}

/// The proof of work that a submission must carry, see [`crate::submission::is_work`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WorkDemand {
	/// Zero bits that the hash must begin with; 0 asks for no work.
	pub bits: u32,
	/// How many blocks old its anchor may be.
	pub max_age: BlockNumber,
	/// Its anchor must be later than this block, which the account's last submission was anchored in.
	pub after: Option<BlockNumber>,
}

/// A round, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RoundInfo<AccountId> {
	pub id: SubmissionId,
	pub model: ModelId,
	pub trainer: AccountId,
	pub purpose: Purpose,
	pub blocks: Vec<BlockId>,
	pub components: Vec<Component>,
	pub bond: Balance,
	pub submitted_at: BlockNumber,
	pub attempt: u32,
	/// The generation measured against, from the draw on.
	pub baseline: Option<Generation>,
	/// What the shards are drawn from, from the draw on.
	pub seed: Option<Hash>,
	/// What it is measured on, from the draw on: the model's own terms may change meanwhile.
	pub pool: Option<ValidationPool>,
	pub gate: Option<Gate>,
	/// BLAKE2-256 of the Wasm module of the reference evaluator; zero if there is none.
	pub referee: Option<Hash>,
	pub committee: Vec<AccountId>,
	/// Members of the committee whose commitment the chain has.
	pub committed: Vec<AccountId>,
	/// Members whose reveal the chain has.
	pub revealed: Vec<AccountId>,
	/// Members whose finding lost a dispute: it is no vote any more.
	pub struck: Vec<AccountId>,
	/// Disputes that are open; the round is settled only when there are none.
	pub open_disputes: u32,
	pub phase: RoundPhase,
	/// Once closed by measurement.
	pub medians: Option<Medians>,
}

/// Where a dispute stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DisputeStage {
	/// The accused has to open its losses.
	AwaitingOpening { until: BlockNumber },
	/// Referees will be drawn.
	AwaitingReferees,
	/// They re-run the shard and commit.
	Commit { until: BlockNumber },
	/// They reveal.
	Reveal { until: BlockNumber },
}

/// A dispute, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DisputeInfo<AccountId> {
	pub id: DisputeId,
	pub round: SubmissionId,
	/// Whose finding is contested.
	pub accused: AccountId,
	pub challenger: AccountId,
	/// What the challenger holds.
	pub bond: Balance,
	/// Which of the shards that were drawn, counted from 0.
	pub position: u32,
	/// Which of the pool's shards that is, once opened.
	pub shard: Option<u32>,
	/// What the accused measured of it, once opened.
	pub opened: Option<ShardLosses>,
	/// Which draw of referees, from 0.
	pub attempt: u32,
	pub referees: Vec<AccountId>,
	/// Referees whose commitment the chain has.
	pub committed: Vec<AccountId>,
	/// Referees whose reveal the chain has.
	pub revealed: Vec<AccountId>,
	pub stage: DisputeStage,
}

/// Where the audit of a manifest stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AuditStage {
	/// Auditors will be drawn.
	AwaitingDraw,
	/// They derive the sample and commit.
	Commit { until: BlockNumber },
	/// They reveal.
	Reveal { until: BlockNumber },
	/// Over.
	Closed(AuditOutcome),
}

/// A submission's manifest and its audit, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ManifestInfo<AccountId> {
	pub round: SubmissionId,
	pub model: ModelId,
	pub trainer: AccountId,
	pub manifest: TrainingManifest,
	/// What its batches are bound to.
	pub binding: Hash,
	/// How long its datasets are, in its order.
	pub dataset_bytes: Vec<u64>,
	/// Who is paid for each dataset if the data is verified, and which part, likewise.
	pub contributors: Vec<(AccountId, Perbill)>,
	/// Which draw of auditors, from 0.
	pub attempt: u32,
	/// The batches that are derived again, once drawn.
	pub sample: Vec<u32>,
	pub auditors: Vec<AccountId>,
	/// Auditors whose commitment the chain has.
	pub committed: Vec<AccountId>,
	/// What was revealed.
	pub revealed: Vec<(AccountId, ManifestFinding)>,
	pub stage: AuditStage,
}

/// How far the audit of a dataset is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DatasetAuditPhase {
	/// Auditors will be drawn.
	AwaitingDraw,
	/// Auditors commit, until that block at the latest.
	Commit { until: BlockNumber },
	/// Auditors reveal, likewise.
	Reveal { until: BlockNumber },
}

/// The running audit of a dataset.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetAuditInfo<AccountId> {
	/// Which audit of the dataset, from 0; later ones are re-scans.
	pub audit: u32,
	/// Which draw of auditors, from 0.
	pub attempt: u32,
	/// What the windows of the sample are drawn from, once the auditors are.
	pub seed: Option<Hash>,
	pub auditors: Vec<AccountId>,
	/// Auditors whose commitment the chain has.
	pub committed: Vec<AccountId>,
	/// What was revealed.
	pub revealed: Vec<(AccountId, DatasetFinding)>,
	pub phase: DatasetAuditPhase,
}

/// A dataset, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetRecord<AccountId> {
	pub offer: DatasetOffer,
	pub contributor: AccountId,
	pub offered_at: BlockNumber,
	pub stage: DatasetStage<BlockNumber>,
	/// The audit that runs, if one does: the first, or a re-scan.
	pub audit: Option<DatasetAuditInfo<AccountId>>,
	/// The medians of the last audit that came to any.
	pub report: Option<QualityReport>,
	/// Votes in favour.
	pub ayes: u32,
	/// Votes against.
	pub nays: u32,
	/// How many must vote.
	pub quorum: u32,
	/// How good it is, in parts per million; zero without a report.
	pub score: Ppm,
}

/// The stages of a dataset, to choose by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DatasetStageKind {
	Pending,
	Audit,
	Vote,
	Approved,
	Rejected,
	Quarantined,
	Appealed,
}

/// What an offer of an account must come with now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OfferDemand {
	/// Zero bits of the proof of work, see [`crate::datasets::offer_challenge`]; none is asked for if zero.
	pub bits: u32,
	/// How many blocks old the block that it names may be.
	pub max_age: u32,
	/// It must be later than this one.
	pub after: Option<BlockNumber>,
	/// Offers that the account may still make in the running day.
	pub left_today: u32,
}

/// What auditors are held to.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuditTerms {
	/// The version of the gate's rules that reports must be of.
	pub rules: u16,
	/// By what reports are judged.
	pub limits: QualityLimits,
}

/// How a model learned from a dataset, over all its accepted submissions whose manifest was verified.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DataUseInfo {
	pub model: ModelId,
	pub dataset: DatasetId,
	/// Accepted submissions.
	pub submissions: u32,
	/// Sequences that were of it, by its weight in each mixture, rounded down.
	pub samples: u64,
	/// The first of the submissions.
	pub first: SubmissionId,
	/// The last of them.
	pub last: SubmissionId,
}

/// What came of a dataset.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetUtility {
	/// Verified submissions that learned from it and were accepted.
	pub accepted: u32,
	/// Likewise, measured and rejected, since the last that was accepted.
	pub rejected: u32,
	/// Whether it is marked as of no use.
	pub is_zero: bool,
	/// What its contributor may still earn by its score.
	pub purse: Balance,
}

/// A worker, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WorkerInfo<AccountId> {
	pub account: AccountId,
	pub roles: Roles,
	/// A URL or multiaddress, in printable ASCII.
	pub endpoint: Vec<u8>,
	pub bond: Balance,
	/// In [0, 1]; with the bond it weighs the draws.
	pub reputation: Perbill,
	/// Rounds it was drawn for that are not over; its bond stays until there are none.
	pub engagements: u32,
	/// Whether draws consider it: not leaving, and its bond not slashed below the least.
	pub active: bool,
}

/// A lot of sealed shards, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LotInfo<AccountId> {
	pub id: LotId,
	pub model: ModelId,
	pub sealer: AccountId,
	pub lot: NewLot,
	/// What the sealer holds for it, deposit and bond together.
	pub held: Balance,
	pub added_at: BlockNumber,
	pub state: LotState<BlockNumber>,
}

/// A period of the canaries' lottery.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LotteryPeriod {
	pub number: PeriodNumber,
	pub started_at: BlockNumber,
	/// What lots are drawn from.
	pub randomness: Hash,
	/// The chance of each key.
	pub chance: Perbill,
	/// How many blocks it has at least.
	pub blocks: u32,
}

/// A canary key, for its planter.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CanaryKeyInfo<AccountId> {
	/// Whose it is.
	pub validator: AccountId,
	/// Whether that is a validator now: others are not drawn.
	pub is_validator: bool,
	/// The first period whose lottery it takes part in.
	pub since: PeriodNumber,
	/// The first period in which another key has taken its place.
	pub until: Option<PeriodNumber>,
	/// Periods for which a canary has been shown.
	pub planted: Vec<PeriodNumber>,
}

sp_api::decl_runtime_apis! {
	/// Models and their graph.
	pub trait ExpertDagApi<AccountId: Codec> {
		/// Models from `start` on, `count` at most.
		fn models(start: ModelId, count: u32) -> Vec<ModelInfo<AccountId>>;
		/// One model.
		fn model(model: ModelId) -> Option<ModelInfo<AccountId>>;
		/// A block and what became of it.
		fn block(block: BlockId) -> Option<BlockInfo<AccountId>>;
		/// The heads of a generation from the `start`-th component on, `count` at most; the newest
		/// generation if none is named.
		fn manifest(model: ModelId, generation: Option<Generation>, start: u32, count: u32) -> Vec<ManifestEntry>;
		/// A generation; the newest if none is named.
		fn version(model: ModelId, generation: Option<Generation>) -> Option<VersionInfo>;
		/// What two generations differ in, looking at components from the `start`-th on, `count` at most.
		fn difference(model: ModelId, from: Generation, to: Generation, start: u32, count: u32) -> Vec<Difference>;
		/// Blocks that name this one as a parent, oldest first, from the `start`-th on, `count` at most.
		fn children(block: BlockId, start: u32, count: u32) -> Vec<BlockId>;
		/// Ancestors of a block along first parents, nearest first, `depth` at most.
		fn lineage(block: BlockId, depth: u32) -> Vec<BlockInfo<AccountId>>;
	}

	/// Rounds.
	pub trait ProofOfLearningApi<AccountId: Codec> {
		/// One round.
		fn round(round: SubmissionId) -> Option<RoundInfo<AccountId>>;
		/// Rounds from `start` on, `count` at most.
		fn rounds(start: SubmissionId, count: u32) -> Vec<RoundInfo<AccountId>>;
		/// The proof of work that a submission of `who` must carry now.
		fn work_demand(who: AccountId) -> WorkDemand;
		/// What the committee of a round revealed, in the order of its seats; what lost a dispute is left out.
		/// Empty while evaluators commit.
		fn findings(round: SubmissionId) -> Vec<(AccountId, Finding)>;
	}

	/// Disputes.
	pub trait DisputesApi<AccountId: Codec> {
		/// One dispute, while it is open.
		fn dispute(dispute: DisputeId) -> Option<DisputeInfo<AccountId>>;
		/// The open disputes, oldest first; those of a round if one is named.
		fn disputes(round: Option<SubmissionId>) -> Vec<DisputeInfo<AccountId>>;
		/// What somebody who contests a finding of `accused` now has to hold.
		fn bond(accused: AccountId) -> Balance;
	}

	/// Canaries.
	pub trait CanariesApi<AccountId: Codec> {
		/// A period of the lottery that is kept; the running one if none is named.
		fn lottery(period: Option<PeriodNumber>) -> Option<LotteryPeriod>;
		/// A canary key.
		fn canary_key(key: CanaryKey) -> Option<CanaryKeyInfo<AccountId>>;
	}

	/// Training manifests.
	pub trait ManifestsApi<AccountId: Codec> {
		/// The manifest of a submission and its audit, while it is kept.
		fn manifest(round: SubmissionId) -> Option<ManifestInfo<AccountId>>;
		/// The audits that are not over, oldest first; those that `auditor` is drawn for, if one is named.
		fn audits(auditor: Option<AccountId>) -> Vec<ManifestInfo<AccountId>>;
		/// What a model's owner asks of the data that it learns from.
		fn data_terms(model: ModelId) -> DataTerms;
		/// Whether a model may learn from a dataset now: it is approved, and as good as the owner asks.
		fn may_learn_from(model: ModelId, dataset: DatasetId) -> bool;
	}

	/// The dataset chain.
	pub trait DatasetsApi<AccountId: Codec> {
		/// One dataset, while it is kept.
		fn dataset(dataset: DatasetId) -> Option<DatasetRecord<AccountId>>;
		/// The kept datasets after `after`, in an order of their own, `count` looked at at most, of which those in that
		/// stage if one is named; and the one to go on from, if there may be more.
		fn kept_datasets(stage: Option<DatasetStageKind>, after: Option<DatasetId>, count: u32) -> (Vec<DatasetRecord<AccountId>>, Option<DatasetId>);
		/// The datasets whose audit runs, the longest waiting first; those that `auditor` is drawn for, if one is named.
		fn dataset_audits(auditor: Option<AccountId>) -> Vec<DatasetRecord<AccountId>>;
		/// What an offer of that account must come with.
		fn offer_demand(account: AccountId) -> OfferDemand;
		/// How a worker voted, while its vote is kept.
		fn dataset_vote(dataset: DatasetId, voter: AccountId) -> Option<bool>;
		/// What auditors are held to.
		fn audit_terms() -> AuditTerms;
	}

	/// Which model learned from which data.
	pub trait LineageApi {
		/// What a model learned from: the datasets after `after`, in an order of their own, `count` at most; and the one to
		/// go on from, if there may be more.
		fn model_lineage(model: ModelId, after: Option<DatasetId>, count: u32) -> (Vec<DataUseInfo>, Option<DatasetId>);
		/// Which models learned from a dataset, likewise.
		fn dataset_models(dataset: DatasetId, after: Option<ModelId>, count: u32) -> (Vec<DataUseInfo>, Option<ModelId>);
		/// What came of a dataset, if anything was learned from it.
		fn dataset_utility(dataset: DatasetId) -> Option<DatasetUtility>;
	}

	/// Workers.
	pub trait WorkersApi<AccountId: Codec> {
		/// One worker.
		fn worker(account: AccountId) -> Option<WorkerInfo<AccountId>>;
		/// Workers of a role that are not leaving, from the `start`-th seat on, `count` at most. Seats
		/// are refilled when a worker leaves, so pages read in different blocks may overlap.
		fn workers(role: Role, start: u32, count: u32) -> Vec<WorkerInfo<AccountId>>;
	}

	/// Sealed shards.
	pub trait SealedShardsApi<AccountId: Codec> {
		/// How much sealed text the model's rounds are judged by; none if it asks for none.
		fn sealed_terms(model: ModelId) -> Option<SealedTerms>;
		/// One lot, while it is kept.
		fn lot(lot: LotId) -> Option<LotInfo<AccountId>>;
		/// The lots that a round drew in its running attempt, in the order drawn; from when it takes commitments on,
		/// those that were opened.
		fn lots_of_round(round: SubmissionId) -> Vec<LotInfo<AccountId>>;
		/// The kept lots among the `count` numbers from `start` on, those of a model if one is named; and the number to go
		/// on from, if there may be more.
		fn lots(model: Option<ModelId>, start: LotId, count: u32) -> (Vec<LotInfo<AccountId>>, Option<LotId>);
		/// Likewise those of a model that were opened, with their keys: text to train on.
		fn retired(model: ModelId, start: LotId, count: u32) -> (Vec<LotInfo<AccountId>>, Option<LotId>);
	}

	/// What is owed.
	pub trait RewardsApi<AccountId: Codec> {
		/// What `who` would be paid by claiming now, and what still accrues in the running epoch.
		fn owed(who: AccountId) -> (Balance, Balance);
		/// The closed epochs on which `who` has a claim that can be made, oldest first.
		fn claimable_epochs(who: AccountId) -> Vec<u32>;
		/// The learning credits that `who` has.
		fn credits(who: AccountId) -> u64;
	}

	/// Checkpoints.
	pub trait CheckpointsApi {
		/// The newest checkpoint that more than two thirds of its validators signed, with their signatures.
		fn latest_checkpoint() -> Option<CheckpointCertificate>;
		/// The checkpoint that may be voted on, and which of these keys have yet to.
		fn open_checkpoint(keys: Vec<ed25519::Public>) -> Option<OpenCheckpointInfo>;
		/// The transaction that brings a vote.
		fn checkpoint_vote(vote: CheckpointVote, signature: ed25519::Signature) -> <Block as BlockT>::Extrinsic;
	}

	/// Prepaid accounts for the use of components.
	pub trait UsageApi<AccountId: Codec> {
		/// A client's account.
		fn usage_account(who: AccountId) -> Option<UsageAccountInfo<AccountId>>;
		/// What use is worth, and how receipts are taken.
		fn usage_parameters() -> UsageParameters;
	}
}
