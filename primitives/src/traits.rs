//! The seams between pallets. A pallet implements the one it offers; the runtime wires them.

use crate::{
	architecture::Architecture,
	dag::{BlockId, BlockIds, Generation, ModelId, NewBlocks, SubmissionId},
	learning::{Gate, NanoBits, Purpose, Report, ValidationPool},
	manifest::{DatasetId, TrainingManifest},
	migration::Migration,
	worker::{Fault, Role},
	Balance, Hash,
};
use alloc::vec::Vec;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};

/// A model as a round sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelState {
	/// Its architecture.
	pub architecture: Architecture,
	/// How often its heads have moved.
	pub generation: Generation,
	/// The Merkle root over its heads.
	pub root: Hash,
}

/// The graph of blocks. Offered by `expert-dag`, used by `proof-of-learning`.
pub trait ModelGraph<AccountId> {
	/// The model, if it exists and every component has a head.
	fn model(model: ModelId) -> Option<ModelState>;
	/// Whether `who` owns the model.
	fn is_owner(model: ModelId, who: &AccountId) -> bool;
	/// Checks and inserts all blocks of a submission as candidates, or none. Those of a migration are for the
	/// architecture that comes of it.
	fn insert(
		model: ModelId,
		submission: SubmissionId,
		trainer: &AccountId,
		blocks: NewBlocks,
		purpose: &Purpose,
	) -> Result<BlockIds, DispatchError>;
	/// The blocks by which a submission goes back to what was head before each of these, which must be on
	/// probation.
	fn rollback(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
	) -> Result<NewBlocks, DispatchError>;
	/// Whether candidates can still become heads: the model has not been migrated away under them, what
	/// a snapshot compacts is still head, and the owner still wants the migration.
	fn fits(model: ModelId, blocks: &[BlockId], migration: Option<Migration>) -> bool;
	/// Makes all blocks of a submission the heads of their components, after the migration if there is
	/// one, and releases a version.
	fn accept(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
		migration: Option<Migration>,
	) -> DispatchResult;
	/// Marks candidates as measured and refused; they stay in the graph.
	fn reject(blocks: &[BlockId]) -> DispatchResult;
	/// Marks candidates as not measured: they may be submitted again.
	fn withdraw(blocks: &[BlockId]) -> DispatchResult;
	/// The trainers of the block's ancestors along first parents, nearest first, `depth` at most; who only
	/// compacted or rolled back is left out.
	fn lineage(block: BlockId, depth: u32) -> Vec<AccountId>;
	/// Brings about a model that [`Self::model`] finds, owned by `owner`, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model(owner: &AccountId) -> ModelId;
	/// `count` valid blocks for that model, as many as [`crate::dag::MAX_BLOCKS`] at most.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(model: ModelId, count: u32) -> NewBlocks;
}

/// The register of workers. Offered by `workers`, used by `proof-of-learning` and `disputes`.
pub trait WorkerRegistry<AccountId> {
	/// Whether `who` is registered in that role, and not leaving.
	fn has_role(who: &AccountId, role: Role) -> bool;
	/// Draws up to `count` distinct workers weighted by bond and reputation, without replacement, and
	/// engages them: an engaged worker's bond stays until it is released as often.
	fn draw(role: Role, count: u32, seed: Hash, excluded: &[AccountId]) -> Vec<AccountId>;
	/// Engages a worker that was not drawn, likewise; `false` if there is no such worker.
	fn engage(who: &AccountId) -> bool;
	/// Ends one engagement.
	fn release(who: &AccountId);
	/// Rewards honest work with reputation.
	fn note_honest_work(who: &AccountId);
	/// Slashes and lowers reputation; returns what was slashed.
	fn note_fault(who: &AccountId, fault: Fault) -> Balance {
		Self::note_fault_paying(who, fault, &[])
	}
	/// Slashes and lowers reputation, and pays each account its share of what was slashed, rounded down.
	/// Returns what was slashed. What is left over, and what an account cannot take, goes where slashes go.
	fn note_fault_paying(who: &AccountId, fault: Fault, shares: &[(AccountId, Perbill)]) -> Balance;
	/// What that fault would cost `who` now.
	fn cost_of(who: &AccountId, fault: Fault) -> Balance;
	/// Registers `who` in that role, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId, role: Role);
}

/// Work that a round accepted, as the rewards see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptedWork<AccountId> {
	/// The submission.
	pub submission: SubmissionId,
	/// Measured gain; above zero.
	pub gain: NanoBits,
	/// Who trained it.
	pub trainer: AccountId,
	/// For each block, the trainers of its ancestors, nearest first.
	pub lineage: Vec<Vec<AccountId>>,
	/// Evaluators within the tolerance.
	pub evaluators: Vec<AccountId>,
}

/// Where rewards accrue. Offered by `rewards`, used by `proof-of-learning`.
pub trait LearningRewards<AccountId> {
	/// Accrues the claims for accepted work in the running epoch.
	fn accrue_accepted(work: AcceptedWork<AccountId>);
}

/// Submissions with a training manifest. Offered by `manifests`, used by `proof-of-learning`.
pub trait ManifestAudits<AccountId> {
	/// Takes the manifest of a submission, or that it has none; `blocks` are those of the submission.
	///
	/// # Errors
	/// The trainer may not submit now, the manifest is missing where it must not be or the other way round, or
	/// it is none.
	fn opened(
		submission: SubmissionId,
		model: ModelId,
		trainer: &AccountId,
		blocks: &NewBlocks,
		purpose: &Purpose,
		manifest: Option<TrainingManifest>,
	) -> DispatchResult;
	/// Learns that the round of a submission is over.
	fn closed(submission: SubmissionId, is_accepted: bool);
}

/// Nobody looks at manifests.
impl<AccountId> ManifestAudits<AccountId> for () {
	fn opened(
		_: SubmissionId,
		_: ModelId,
		_: &AccountId,
		_: &NewBlocks,
		_: &Purpose,
		_: Option<TrainingManifest>,
	) -> DispatchResult {
		Ok(())
	}
	fn closed(_: SubmissionId, _: bool) {}
}

/// A dataset that may be learned from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApprovedDataset<AccountId> {
	/// Its length, in bytes: with it, a run's seed decides which of them are in a batch.
	pub bytes: u64,
	/// Who gave it, and is paid.
	pub contributor: AccountId,
}

/// What may be learned from. Offered by `manifests` until there is a chain of datasets, used by `manifests`.
pub trait DatasetRegistry<AccountId> {
	/// The dataset, if it may be learned from by that model.
	fn approved(model: ModelId, dataset: DatasetId) -> Option<ApprovedDataset<AccountId>>;
}

/// Manifests that auditors looked at. Offered by `manifests`, used by `rewards`.
pub trait VerifiedData<AccountId> {
	/// Who is to be paid for the data of a submission, and which part; the parts add up to one at most. `None`
	/// if its manifest is not verified, or not yet.
	fn shares(submission: SubmissionId) -> Option<Vec<(AccountId, Perbill)>>;
}

/// Learns that the manifest of a submission was verified. Offered by `rewards`, used by `manifests`.
pub trait OnDataVerified {
	/// From now on [`VerifiedData::shares`] has the submission's.
	fn data_verified(submission: SubmissionId);
}

/// Nobody is paid for data.
impl OnDataVerified for () {
	fn data_verified(_: SubmissionId) {}
}

/// Where audits are paid. Offered by `rewards`, used by who has something audited.
pub trait AuditRewards<AccountId> {
	/// Accrues a claim on the budget of audits.
	fn accrue_audit(who: &AccountId, amount: Balance, submission: SubmissionId);
}

/// Nobody is paid for audits.
impl<AccountId> AuditRewards<AccountId> for () {
	fn accrue_audit(_: &AccountId, _: Balance, _: SubmissionId) {}
}

/// A measured finding that is contested, or may be, with what it was measured by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContestedFinding<AccountId> {
	/// Whose submission was measured.
	pub trainer: AccountId,
	/// Who measured it.
	pub committee: Vec<AccountId>,
	/// What the shards were drawn from.
	pub seed: Hash,
	/// What they were drawn out of.
	pub pool: ValidationPool,
	/// How many were, and how far off a measurement may be.
	pub gate: Gate,
	/// What the evaluator reported.
	pub report: Report,
}

/// What a dispute came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisputeOutcome<AccountId> {
	/// The finding is none any more.
	Struck {
		/// Whose it was.
		accused: AccountId,
		/// Who said so.
		challenger: AccountId,
	},
	/// The finding stands.
	Upheld {
		/// Whose it is.
		accused: AccountId,
	},
	/// Nobody can say.
	Undecided,
}

/// Rounds whose findings can be contested. Offered by `proof-of-learning`, used by `disputes`.
pub trait ContestableRounds<AccountId> {
	/// Whether findings of the round may be contested now.
	fn takes_contests(round: SubmissionId) -> bool;
	/// What an evaluator measured in a round that is not settled; `None` if it measured nothing, or what it
	/// reported has been struck.
	fn finding(round: SubmissionId, evaluator: &AccountId) -> Option<ContestedFinding<AccountId>>;
	/// Keeps a round that takes contests from being settled, until it was told as many outcomes.
	fn hold(round: SubmissionId);
	/// Tells a round that is held what a dispute came to.
	fn conclude(round: SubmissionId, outcome: DisputeOutcome<AccountId>);
	/// How many outcomes the round waits for.
	fn holds(round: SubmissionId) -> u32;
	/// Brings about a round that takes contests, with a committee as large as there may be, whose first
	/// evaluator reported those losses, and that evaluator. For benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_round(losses: &[crate::learning::ShardLosses]) -> (SubmissionId, AccountId);
}
