//! The chain, as workers see it.

use crate::{
	call::{Call, SignedCall},
	error::{Cause, ChainError, SubmitError},
	event::ChainEvent,
	key::Signer,
};
use async_trait::async_trait;
use blyan_primitives::{
	api::{
		AuditTerms, BlockInfo, CanaryKeyInfo, DataUseInfo, DatasetRecord, DatasetStageKind, DatasetUtility,
		DisputeInfo, LotInfo, LotteryPeriod, ManifestInfo, ModelInfo, OfferDemand, RoundInfo, VersionInfo,
		WorkDemand, WorkerInfo,
	},
	canary::{CanaryKey, PeriodNumber},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	learning::{DisputeId, Finding},
	manifest::{DataTerms, DatasetId},
	sealed::{LotId, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	worker::Role,
	AccountId, Balance, BlockNumber, Hash, Moment, Nonce,
};
use futures::stream::BoxStream;

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: Hash,
}

/// A block that no honest node will ever leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizedBlock {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: Hash,
	/// Its time, in milliseconds since the Unix epoch; 0 in the genesis block.
	pub timestamp_ms: Moment,
	/// Its events that workers act on, in order.
	pub events: Vec<ChainEvent>,
}

/// Finalized blocks by rising number, none left out. Waits out disconnections; ends after an error, and
/// every error is one that trying again does not mend.
pub type FinalizedBlocks = BoxStream<'static, Result<FinalizedBlock, ChainError>>;

/// How sure a call must be before its receipt is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
	/// In a block of the best chain, which may still be left for another.
	InBlock,
	/// In a finalized block.
	Finalized,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
	/// Hash of the transaction.
	pub transaction: Hash,
	/// The signer's nonce.
	pub nonce: Nonce,
	/// The block it is in.
	pub block: BlockRef,
	/// The events it brought about that workers act on.
	pub events: Vec<ChainEvent>,
}

/// What an account has coming from the rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
	/// What it would be paid by claiming now.
	pub claimable: Balance,
	/// What it has claims to in the running epoch; settled when the epoch ends.
	pub accruing: Balance,
}

/// Writes down the intent of a call before it is sent. Called again with another transaction if the
/// node refuses the first because of its nonce: the last one counts.
pub type Journal<'a> = &'a mut (dyn FnMut(&SignedCall) -> Result<(), Cause> + Send);

/// The chain. All reads are of the newest finalized block. [`Client`](crate::Client) is the real one,
/// [`FakeChain`](crate::fake::FakeChain) the one for tests.
#[async_trait]
pub trait Chain: Send + Sync + 'static {
	/// Which chain this is.
	fn genesis_hash(&self) -> Hash;

	/// The newest finalized block.
	async fn finalized_head(&self) -> Result<BlockRef, ChainError>;

	/// The finalized blocks from number `from` on, or from the newest finalized one.
	fn finalized_blocks(&self, from: Option<BlockNumber>) -> FinalizedBlocks;

	/// All models, by rising id.
	async fn models(&self) -> Result<Vec<ModelInfo<AccountId>>, ChainError>;

	/// One model.
	async fn model(&self, model: ModelId) -> Result<Option<ModelInfo<AccountId>>, ChainError>;

	/// A block of a model, and what became of it.
	async fn block(&self, block: BlockId) -> Result<Option<BlockInfo<AccountId>>, ChainError>;

	/// All heads of a generation of a model, the newest if none is named, in the order of the
	/// components' indices. Empty if there is no such model or generation.
	async fn manifest(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Vec<ManifestEntry>, ChainError>;

	/// The ancestors of a block along first parents, nearest first, `depth` at most.
	async fn lineage(&self, block: BlockId, depth: u32) -> Result<Vec<BlockInfo<AccountId>>, ChainError>;

	/// A generation of a model, the newest if none is named.
	async fn version(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Option<VersionInfo>, ChainError>;

	/// All blocks that name this one as a parent, oldest first.
	async fn children(&self, block: BlockId) -> Result<Vec<BlockId>, ChainError>;

	/// One round.
	async fn round(&self, round: SubmissionId) -> Result<Option<RoundInfo<AccountId>>, ChainError>;

	/// Rounds from `start` on, `count` and one page ([`MAX_PAGE`](blyan_primitives::api::MAX_PAGE)) at most.
	async fn rounds(&self, start: SubmissionId, count: u32) -> Result<Vec<RoundInfo<AccountId>>, ChainError>;

	/// The proof of work that a submission of an account must carry now.
	async fn work_demand(&self, account: &AccountId) -> Result<WorkDemand, ChainError>;

	/// What the committee of a round revealed, in the order of its seats; what lost a dispute is left out.
	async fn findings(&self, round: SubmissionId) -> Result<Vec<(AccountId, Finding)>, ChainError>;

	/// One dispute, while it is open.
	async fn dispute(&self, dispute: DisputeId) -> Result<Option<DisputeInfo<AccountId>>, ChainError>;

	/// The open disputes, oldest first; those of a round if one is named.
	async fn disputes(&self, round: Option<SubmissionId>) -> Result<Vec<DisputeInfo<AccountId>>, ChainError>;

	/// How much sealed text a model's rounds are judged by; none if it asks for none.
	async fn sealed_terms(&self, model: ModelId) -> Result<Option<SealedTerms>, ChainError>;

	/// One lot of sealed shards, while it is kept.
	async fn lot(&self, lot: LotId) -> Result<Option<LotInfo<AccountId>>, ChainError>;

	/// The lots that a round drew in its running attempt, in the order drawn; from when it takes commitments on,
	/// those that were opened.
	async fn lots_of_round(&self, round: SubmissionId) -> Result<Vec<LotInfo<AccountId>>, ChainError>;

	/// Every lot that is kept of a model, or of all, by rising number.
	async fn lots(&self, model: Option<ModelId>) -> Result<Vec<LotInfo<AccountId>>, ChainError>;

	/// The lots of a model that were opened, with their keys, by rising number: text to train on.
	async fn retired_lots(&self, model: ModelId) -> Result<Vec<LotInfo<AccountId>>, ChainError>;

	/// A period of the canaries' lottery that is kept; the running one if none is named.
	async fn lottery(&self, period: Option<PeriodNumber>) -> Result<Option<LotteryPeriod>, ChainError>;

	/// A canary key.
	async fn canary_key(&self, key: CanaryKey) -> Result<Option<CanaryKeyInfo<AccountId>>, ChainError>;

	/// What somebody who contests a finding of `accused` now has to hold, in the smallest unit of BLY.
	async fn contest_bond(&self, accused: &AccountId) -> Result<Balance, ChainError>;

	/// The training manifest of a submission and its audit, while the chain keeps it.
	async fn training_manifest(
		&self,
		round: SubmissionId,
	) -> Result<Option<ManifestInfo<AccountId>>, ChainError>;

	/// The audits of manifests that are not over, oldest first; those that `auditor` is drawn for, if one is named.
	async fn audits(&self, auditor: Option<&AccountId>) -> Result<Vec<ManifestInfo<AccountId>>, ChainError>;

	/// What a model's owner asks of the data that it learns from.
	async fn data_terms(&self, model: ModelId) -> Result<DataTerms, ChainError>;

	/// Whether a model may learn from a dataset now: it is approved, and as good as the model's owner asks.
	async fn may_learn_from(&self, model: ModelId, dataset: DatasetId) -> Result<bool, ChainError>;

	/// What a model learned from: every dataset, over all accepted submissions whose manifest was verified.
	async fn model_lineage(&self, model: ModelId) -> Result<Vec<DataUseInfo>, ChainError>;

	/// Every model that learned from a dataset, likewise.
	async fn dataset_models(&self, dataset: DatasetId) -> Result<Vec<DataUseInfo>, ChainError>;

	/// What came of a dataset, if anything was learned from it.
	async fn dataset_utility(&self, dataset: DatasetId) -> Result<Option<DatasetUtility>, ChainError>;

	/// One dataset of the dataset chain, while it is kept.
	async fn dataset(&self, dataset: DatasetId) -> Result<Option<DatasetRecord<AccountId>>, ChainError>;

	/// Every kept dataset, or those in that stage, in an order of their own.
	async fn kept_datasets(
		&self,
		stage: Option<DatasetStageKind>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError>;

	/// The datasets whose audit runs, the longest waiting first; those that `auditor` is drawn for, if one is named.
	async fn dataset_audits(
		&self,
		auditor: Option<&AccountId>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError>;

	/// What an offer of an account must come with.
	async fn offer_demand(&self, account: &AccountId) -> Result<OfferDemand, ChainError>;

	/// How a worker voted on a dataset, while its vote is kept: until it is settled.
	async fn dataset_vote(&self, dataset: DatasetId, voter: &AccountId) -> Result<Option<bool>, ChainError>;

	/// What auditors of datasets are held to.
	async fn audit_terms(&self) -> Result<AuditTerms, ChainError>;

	/// One worker.
	async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo<AccountId>>, ChainError>;

	/// All workers of a role that are not leaving.
	async fn workers(&self, role: Role) -> Result<Vec<WorkerInfo<AccountId>>, ChainError>;

	/// What an account has coming.
	async fn owed(&self, account: &AccountId) -> Result<Owed, ChainError>;

	/// The closed epochs on which an account has a claim that can be made, oldest first: what
	/// [`Call::ClaimRewards`] takes.
	async fn claimable_epochs(&self, account: &AccountId) -> Result<Vec<u32>, ChainError>;

	/// The learning credits that an account has.
	async fn credits(&self, account: &AccountId) -> Result<u64, ChainError>;

	/// What a client has prepaid for the use of components.
	async fn usage_account(
		&self,
		account: &AccountId,
	) -> Result<Option<UsageAccountInfo<AccountId>>, ChainError>;

	/// What use is worth, and how receipts are taken.
	async fn usage_parameters(&self) -> Result<UsageParameters, ChainError>;

	/// What an account can spend or hold, in the smallest unit of BLY; what it must keep to exist included.
	async fn free_balance(&self, account: &AccountId) -> Result<Balance, ChainError>;

	/// The SCALE encoding of a constant of a pallet.
	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>, ChainError>;

	/// Signs a call, hands the signed transaction to `journal`, sends it, and waits until it is as sure
	/// as `wait` says. Calls of one account are sent in the order in which they are made, and need not
	/// wait for each other.
	///
	/// # Errors
	/// [`SubmitError`] says whether anything was sent, and whether to try again. Should the program end,
	/// or drop the future, after the journal was written, then [`Self::resume`] finishes the call.
	async fn submit_journalled(
		&self,
		signer: &Signer,
		call: Call,
		wait: Wait,
		journal: Journal<'_>,
	) -> Result<Receipt, SubmitError>;

	/// Finishes a call out of the journal: sends the very same transaction again if need be, and waits
	/// until it is finalized. Whether it was sent before or not, the call is done once at most.
	///
	/// # Errors
	/// As [`Self::submit_journalled`]; [`SubmitError::Expired`] when it is in no block and cannot come into
	/// one any more.
	async fn resume(&self, signed: &SignedCall) -> Result<Receipt, SubmitError>;

	/// [`Self::submit_journalled`] for calls that need no journal: those that are harmless when repeated.
	///
	/// # Errors
	/// As [`Self::submit_journalled`].
	async fn submit(&self, signer: &Signer, call: Call, wait: Wait) -> Result<Receipt, SubmitError> {
		self.submit_journalled(signer, call, wait, &mut |_| Ok(())).await
	}
}
