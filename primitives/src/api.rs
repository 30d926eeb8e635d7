//! Runtime APIs, for RPC and for workers.

// The macro makes items that carry no documentation.
#![allow(missing_docs)]
// A bound that the macro writes a second time.
#![allow(clippy::multiple_bound_locations)]

use crate::{
	architecture::Architecture,
	dag::{Block, BlockId, Component, Generation, ManifestEntry, ModelId, SemVer, SubmissionId},
	delta::DeltaChain,
	learning::{DisputeId, Gate, Medians, Purpose, ShardLosses, ValidationPool, Verdict},
	manifest::{AuditOutcome, DatasetId, ManifestFinding, TrainingManifest},
	migration::Migration,
	worker::{Role, Roles},
	Balance, BlockNumber, Hash,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use polkadot_sdk::{sp_api, sp_runtime::Perbill};
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
	/// Who is paid for the data if it is verified, and which part.
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

/// A dataset that a model may learn from.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetInfo<AccountId> {
	pub dataset: DatasetId,
	pub bytes: u64,
	/// Who is paid for it.
	pub contributor: AccountId,
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
	}

	/// Disputes.
	pub trait DisputesApi<AccountId: Codec> {
		/// One dispute, while it is open.
		fn dispute(dispute: DisputeId) -> Option<DisputeInfo<AccountId>>;
		/// The open disputes, oldest first; those of a round if one is named.
		fn disputes(round: Option<SubmissionId>) -> Vec<DisputeInfo<AccountId>>;
	}

	/// Training manifests.
	pub trait ManifestsApi<AccountId: Codec> {
		/// The manifest of a submission and its audit, while it is kept.
		fn manifest(round: SubmissionId) -> Option<ManifestInfo<AccountId>>;
		/// The audits that are not over, oldest first; those that `auditor` is drawn for, if one is named.
		fn audits(auditor: Option<AccountId>) -> Vec<ManifestInfo<AccountId>>;
		/// What a model may learn from: this dataset alone if one is named.
		fn datasets(model: ModelId, dataset: Option<DatasetId>) -> Vec<DatasetInfo<AccountId>>;
		/// Whether a model's improvements must come with a manifest.
		fn requires_manifest(model: ModelId) -> bool;
	}

	/// Workers.
	pub trait WorkersApi<AccountId: Codec> {
		/// One worker.
		fn worker(account: AccountId) -> Option<WorkerInfo<AccountId>>;
		/// Workers of a role that are not leaving, from the `start`-th seat on, `count` at most. Seats
		/// are refilled when a worker leaves, so pages read in different blocks may overlap.
		fn workers(role: Role, start: u32, count: u32) -> Vec<WorkerInfo<AccountId>>;
	}

	/// What is owed.
	pub trait RewardsApi<AccountId: Codec> {
		/// What `who` would be paid by claiming now, and what still accrues in the running epoch.
		fn owed(who: AccountId) -> (Balance, Balance);
		/// The closed epochs on which `who` has a claim that can be made, oldest first.
		fn claimable_epochs(who: AccountId) -> Vec<u32>;
	}
}
