//! The seams between pallets. A pallet implements the one it offers; the runtime wires them.

use crate::{
	architecture::Architecture,
	dag::{BlockId, BlockIds, Generation, ModelId, NewBlocks, SubmissionId},
	datasets::{Ppm, Tier},
	learning::{Gate, NanoBits, Purpose, Report, ValidationPool, Verdict},
	manifest::{DatasetId, DatasetUse, TrainingManifest},
	migration::Migration,
	sealed::{LotId, SealedShards},
	worker::{Fault, Role},
	Balance, BlockNumber, Hash,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};
use scale_info::TypeInfo;

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
	/// Who made what a rollback's candidates take back, each once, [`crate::dag::MAX_BLOCKS`] at most.
	fn taken_back(_blocks: &[BlockId]) -> Vec<AccountId> {
		Vec::new()
	}
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
	/// engages them: an engaged worker's bond stays until it is released as often. None is excluded, or a
	/// declared associate of one who is excluded or drawn.
	fn draw(role: Role, count: u32, seed: Hash, excluded: &[AccountId]) -> Vec<AccountId>;
	/// Engages a worker that was not drawn, likewise; `false` if there is no such worker.
	fn engage(who: &AccountId) -> bool;
	/// Ends one engagement.
	fn release(who: &AccountId);
	/// The block in which `who` registered, if draws consider it now: not leaving, and with the bond that was asked
	/// of it. Who votes among workers is one of these.
	fn active_since(_who: &AccountId) -> Option<BlockNumber> {
		None
	}
	/// How many workers are not leaving.
	fn active_workers() -> u32 {
		0
	}
	/// Whether one of the two declared the other as its associate.
	fn are_associates(_one: &AccountId, _other: &AccountId) -> bool {
		false
	}
	/// The reputation of a worker; `None` of who is none.
	fn reputation(_who: &AccountId) -> Option<Perbill> {
		None
	}
	/// Rewards honest work with reputation.
	fn note_honest_work(who: &AccountId);
	/// Rewards that a submission was accepted with reputation.
	fn note_accepted(_trainer: &AccountId) {}
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

/// A submission whose seal may be opened now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SuspectRound<AccountId, BlockNumber> {
	/// Who made it.
	pub trainer: AccountId,
	/// Its blocks.
	pub blocks: Vec<BlockId>,
	/// The seal.
	pub seal: Hash,
	/// The block of the submission.
	pub submitted_at: BlockNumber,
	/// Whether it has been opened.
	pub is_canary: bool,
}

/// Rounds that may turn out to be canaries. Offered by `proof-of-learning`, used by `canaries`.
pub trait CanaryRounds<AccountId, BlockNumber> {
	/// The submission, as long as it can be shown to be a canary: an improvement of which every finding is
	/// known, and which is not settled.
	fn sealed(round: SubmissionId) -> Option<SuspectRound<AccountId, BlockNumber>>;
	/// Makes the round one of a canary: its blocks will not be heads, whatever was measured. At the settlement
	/// the planter accrues `reward` and what the measurement cost the trainer, if it is shown to be worse than
	/// the heads.
	fn mark_canary(round: SubmissionId, planter: AccountId, reward: Balance);
	/// Brings about a round whose seal can be opened and is what `seal` makes of its trainer and as many blocks
	/// as there may be. For benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_sealed_round(seal: &dyn Fn(&AccountId, &[BlockId]) -> Hash) -> SubmissionId;
}

/// Who secures the chain. Wired by the runtime, used by `canaries`.
pub trait Validators<AccountId> {
	/// Whether `who` is in the current set of authorities.
	fn is_validator(who: &AccountId) -> bool;
	/// Makes `who` one, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_validator(who: &AccountId);
}

/// A dataset that work learned from, and how much of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataShare<AccountId> {
	/// Which.
	pub dataset: DatasetId,
	/// Who is paid for it.
	pub contributor: AccountId,
	/// Its mixing weight.
	pub share: Perbill,
}

/// Whose data accepted work learned from, as far as that was verified. Offered by `manifests`, used by `rewards`.
pub trait VerifiedData<AccountId> {
	/// The datasets with their shares by mixing weight, one in all at most; `None` if the manifest was not verified,
	/// or is not yet.
	fn shares(submission: SubmissionId) -> Option<Vec<DataShare<AccountId>>>;
}

/// Nothing is ever verified: the share of the data is not paid.
impl<AccountId> VerifiedData<AccountId> for () {
	fn shares(_: SubmissionId) -> Option<Vec<DataShare<AccountId>>> {
		None
	}
}

/// Who must be told that data was verified. Offered by `rewards`, used by `manifests`.
pub trait DataRewards {
	/// [`VerifiedData::shares`] of the submission may be paid. To be told when that becomes so; before the
	/// verdict, after it, or twice comes to the same.
	fn data_verified(submission: SubmissionId);
}

/// Nobody is paid.
impl DataRewards for () {
	fn data_verified(_: SubmissionId) {}
}

/// What an audit or a vote was about.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AuditedWork {
	/// A submission.
	Submission(SubmissionId),
	/// A dataset.
	Dataset(DatasetId),
}

/// Where audits and votes are paid. Offered by `rewards`, used by `proof-of-learning`, for canaries, by `manifests`
/// and by `datasets`.
pub trait AuditRewards<AccountId> {
	/// Adds to what `who` claims of the audits' budget of the running epoch, for an audit of that work. All such
	/// claims together are paid no more than a fifth of what learning and serving earn in the epoch.
	fn accrue_audit(who: &AccountId, amount: Balance, work: AuditedWork);
}

/// Nobody is paid.
impl<AccountId> AuditRewards<AccountId> for () {
	fn accrue_audit(_: &AccountId, _: Balance, _: AuditedWork) {}
}

/// Where the use of components is paid. Offered by `rewards`, used by `usage`.
pub trait ServingRewards<AccountId> {
	/// Adds to what each claims of the serving budget of the running epoch.
	fn accrue_use(parts: BTreeMap<AccountId, Balance>);
}

/// Nobody is paid.
impl<AccountId> ServingRewards<AccountId> for () {
	fn accrue_use(_: BTreeMap<AccountId, Balance>) {}
}

/// Where validators are paid. Offered by `rewards`, used by `checkpoints`.
pub trait ValidatorRewards<AccountId> {
	/// Adds to what each claims of the validators' budget of the running epoch.
	fn accrue_validators(parts: BTreeMap<AccountId, Balance>);
}

/// Nobody is paid.
impl<AccountId> ValidatorRewards<AccountId> for () {
	fn accrue_validators(_: BTreeMap<AccountId, Balance>) {}
}

/// Who is told of validators that are down. Used by `checkpoints`; to be offered by what slashes them.
pub trait DowntimeReports<AccountId> {
	/// The validator gave no sign of life in so many sessions in a row. To be told when it has been down for more than a
	/// day, and once for each further day.
	fn report(validator: &AccountId, sessions: u32);
}

/// Nobody is told.
impl<AccountId> DowntimeReports<AccountId> for () {
	fn report(_: &AccountId, _: u32) {}
}

/// What learning credits are earned by.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum CreditReason {
	/// A submission that improved a model became head.
	AcceptedBlock,
	/// A dataset was approved as gold.
	GoldDataset,
	/// A submission changed a model's architecture.
	ExecutedMigration,
	/// A finding was within the tolerance in a round that is settled.
	HonestEvaluation,
	/// Somebody's fault was shown to the chain.
	ProvenFault,
}

/// The ledger of learning credits. Offered by `rewards`. Credits come from nothing but [`Self::grant`], and go
/// nowhere but by [`Self::spend`].
pub trait LearningCredits<AccountId> {
	/// Credits `who`, who must have had a bond at stake for it: the entry is paid by nobody else.
	fn grant(who: &AccountId, reason: CreditReason);
	/// Takes `amount` from `who`, for scheduled compute.
	///
	/// # Errors
	/// `who` has fewer.
	fn spend(who: &AccountId, amount: u64) -> DispatchResult;
}

/// No credits are kept, so there are none to spend.
impl<AccountId> LearningCredits<AccountId> for () {
	fn grant(_: &AccountId, _: CreditReason) {}

	fn spend(_: &AccountId, amount: u64) -> DispatchResult {
		match amount {
			0 => Ok(()),
			_ => Err(DispatchError::Unavailable),
		}
	}
}

/// A block that answers may have been computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServedBlock<AccountId> {
	/// Who trained it.
	pub trainer: AccountId,
	/// Whether its gain was measured and has outlived the time in which it could be taken back.
	pub is_proven: bool,
}

/// The blocks that are or were heads. Offered by `expert-dag`, used by `usage`.
pub trait ServedBlocks<AccountId> {
	/// The block, if it is or was head of its component.
	fn served(block: BlockId) -> Option<ServedBlock<AccountId>>;
	/// `count` such blocks, [`crate::usage::MAX_USED_BLOCKS`] at most. For benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_served(count: u32) -> Vec<BlockId>;
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
	fn closed(submission: SubmissionId, verdict: Verdict);
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
	fn closed(_: SubmissionId, _: Verdict) {}
}

/// A dataset that may be learned from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApprovedDataset<AccountId> {
	/// Its length, in bytes: with it, a run's seed decides which of them are in a batch.
	pub bytes: u64,
	/// Who gave it, and is paid.
	pub contributor: AccountId,
	/// How good it is.
	pub tier: Tier,
	/// Its score, in parts per million.
	pub score: Ppm,
}

/// What may be learned from. Offered by `datasets`, used by `manifests` and `lineage`.
pub trait DatasetRegistry<AccountId> {
	/// The dataset, if models may learn from it.
	fn approved(dataset: DatasetId) -> Option<ApprovedDataset<AccountId>>;
	/// Brings about the approved dataset of that number, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_dataset(number: u32) -> DatasetId;
}

/// A submission that learned from data, and is settled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LearnedFrom<'a, AccountId> {
	/// The submission.
	pub submission: SubmissionId,
	/// The model.
	pub model: ModelId,
	/// Who made it.
	pub trainer: &'a AccountId,
	/// What was learned from, with weights that add up to one.
	pub uses: &'a [DatasetUse],
	/// Sequences that were learned from.
	pub samples: u64,
	/// Whether it was measured to improve the model; if not, it was measured not to.
	pub is_accepted: bool,
}

/// Who keeps what came of data. Offered by `lineage`, used by `manifests`.
pub trait DataOutcomes<AccountId> {
	/// Takes note of a submission whose manifest is verified and whose verdict is known: once, when the later of the two
	/// is.
	fn learned(from: LearnedFrom<AccountId>);
}

/// Nobody keeps it.
impl<AccountId> DataOutcomes<AccountId> for () {
	fn learned(_: LearnedFrom<AccountId>) {}
}

/// What contributors earn by the score of their data, as models gain by it. Offered by `lineage`, used by `rewards`.
pub trait DataPurses {
	/// A dataset earned so much by the gain of a submission: takes what goes with it out of its purse, and returns that.
	fn draw(dataset: DatasetId, earned: Balance) -> Balance;
}

/// There are no purses.
impl DataPurses for () {
	fn draw(_: DatasetId, _: Balance) -> Balance {
		0
	}
}

/// Where appeals are decided. Wired by the runtime, used by `datasets`, which is told the decision by the origin that the
/// runtime names.
pub trait AppealCourt<AccountId> {
	/// Opens the case of a dataset, at the cost of its contributor.
	///
	/// # Errors
	/// The court takes no case now.
	fn open(dataset: DatasetId, appellant: &AccountId) -> DispatchResult;
}

/// Whoever decides finds the appeals by itself.
impl<AccountId> AppealCourt<AccountId> for () {
	fn open(_: DatasetId, _: &AccountId) -> DispatchResult {
		Ok(())
	}
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
	/// What was measured besides, and judged by.
	pub sealed: SealedShards,
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
	/// What an evaluator is at fault of if its finding is struck now.
	fn fault_if_struck(_round: SubmissionId, _evaluator: &AccountId) -> Fault {
		Fault::DisputeLost
	}
	/// How many outcomes the round waits for.
	fn holds(round: SubmissionId) -> u32;
	/// Brings about a round that takes contests, with a committee as large as there may be, whose first
	/// evaluator reported those losses, and that evaluator. For benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_round(losses: &[crate::learning::ShardLosses]) -> (SubmissionId, AccountId);
}

/// What a round asks the reserve of sealed lots for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedLots<'a, AccountId, BlockNumber> {
	/// The model that is measured.
	pub model: ModelId,
	/// The round.
	pub round: SubmissionId,
	/// The text that is measured besides.
	pub pool: &'a ValidationPool,
	/// How much of it.
	pub gate: &'a Gate,
	/// What the lots are drawn from.
	pub seed: Hash,
	/// Whose lots must not be drawn.
	pub excluded: &'a [AccountId],
	/// Only lots that were sealed before this block: whoever knows the candidate may choose text that it happens to do
	/// well on.
	pub before: BlockNumber,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DrawnLots {
	/// The model asks for no sealed shards.
	NoneWanted,
	/// There are too few lots that fit: none was drawn.
	TooFew,
	/// These, bound to the round. Each is opened, or voided by the round.
	Lots {
		/// In the order drawn, as many as [`crate::sealed::MAX_LOTS`] at most.
		lots: Vec<LotId>,
		/// Shards of each.
		shards_per_lot: u32,
	},
}

/// The reserve of sealed lots. Offered by `sealed-shards`, used by `proof-of-learning`; `()` is one of which no model
/// asks for anything.
pub trait SealedReserve<AccountId, BlockNumber> {
	/// Draws lots for a round, as the model's owner asks, of as many sealers as there are. Never more shards than are
	/// drawn of the pool and of one domain more, nor more altogether than [`crate::learning::MAX_SHARDS`].
	fn draw(wanted: &WantedLots<AccountId, BlockNumber>) -> DrawnLots;
	/// Blocks that sealers have to open what was drawn.
	fn opening_blocks() -> u32;
	/// Takes a lot out that was not opened in time, or is not what it should be, and slashes its sealer.
	fn void(lot: LotId);
	/// Has a model ask for, and the reserve full of, as many lots as a round may draw, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_reserve(model: ModelId, pool: &ValidationPool, gate: &Gate);
}

impl<AccountId, BlockNumber> SealedReserve<AccountId, BlockNumber> for () {
	fn draw(_: &WantedLots<AccountId, BlockNumber>) -> DrawnLots {
		DrawnLots::NoneWanted
	}

	fn opening_blocks() -> u32 {
		0
	}

	fn void(_: LotId) {}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_reserve(_: ModelId, _: &ValidationPool, _: &Gate) {}
}

/// Models and rounds as the reserve of sealed lots sees them. Offered by `proof-of-learning`, used by `sealed-shards`.
pub trait SealedRounds<AccountId> {
	/// Whether `who` owns the model.
	fn is_owner(model: ModelId, who: &AccountId) -> bool;
	/// What the model's candidates are measured on, once training is open.
	fn terms(model: ModelId) -> Option<(ValidationPool, Gate)>;
	/// Whether `who` has blocks of its own measured.
	fn has_open_round(who: &AccountId) -> bool;
	/// Whether the round is open: what it is measured on must stay known until it is settled.
	fn is_open(round: SubmissionId) -> bool;
	/// Whether the round waits for that lot's key, and the time for it is not over.
	fn takes_opening(round: SubmissionId, lot: LotId) -> bool;
	/// Tells a round that [takes the opening](Self::takes_opening) that it came.
	fn note_opened(round: SubmissionId, lot: LotId);
	/// Whether the round waits for that lot's key, in time or not: for invariants.
	fn awaits(round: SubmissionId, lot: LotId) -> bool;
	/// Brings about a model whose training is open, and its owner, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model() -> (ModelId, AccountId);
	/// Has a round with the largest committee wait for the key of that lot alone, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_opening(lot: LotId) -> SubmissionId;
}

/// The workers that vote. Wired by the runtime, used by `quadratic-voting`.
pub trait VotingWorkers<AccountId> {
	/// Whether `who` is registered, and not leaving.
	fn is_worker(who: &AccountId) -> bool;
	/// How many are.
	fn count() -> u32;
	/// Registers `who`, for benchmarks.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId);
}

/// Votes that last as long as a worker's good standing. Offered by `quadratic-voting`, to be told by who slashes workers
/// and who lets them go.
pub trait StandingVotes<AccountId> {
	/// The worker was slashed: what it voted and delegated lapses, and it does not vote for a period.
	fn slashed(who: &AccountId);
	/// The worker is one no more, or is leaving: what it voted and delegated lapses.
	fn left(who: &AccountId);
}

/// Nobody votes.
impl<AccountId> StandingVotes<AccountId> for () {
	fn slashed(_: &AccountId) {}
	fn left(_: &AccountId) {}
}
