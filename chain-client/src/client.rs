//! The real chain: reads and the finalized stream. Calls are in `submit`.

use crate::{
	backend::{Backend, RuntimeVersion},
	backoff::retry,
	call::{Call, SignedCall},
	chain::{BlockRef, Chain, FinalizedBlock, FinalizedBlocks, Journal, Owed, Receipt, Wait},
	config::{ClientConfig, Timing},
	error::{ChainError, SubmitError},
	follow::{Finalized, Follower},
	key::Signer,
	nonce::Nonces,
	query::{self, Query},
	rpc::RpcBackend,
	runtime::{account_key, events_key, now_key, AccountInfo, RuntimeView},
};
use async_trait::async_trait;
use blyan_primitives::{
	api::{
		AuditTerms, BlockInfo, CanaryKeyInfo, DataUseInfo, DatasetRecord, DatasetStageKind, DatasetUtility,
		DisputeInfo, LotInfo, LotteryPeriod, ManifestInfo, ModelInfo, OfferDemand, RoundInfo, VersionInfo,
		WorkDemand, WorkerInfo, MAX_PAGE,
	},
	canary::{CanaryKey, PeriodNumber},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	learning::{DisputeId, Finding},
	manifest::{DataTerms, DatasetId},
	sealed::{LotId, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	worker::Role,
	AccountId, Balance, BlockNumber, Hash, Moment,
};
use codec::{DecodeAll, Encode};
use futures::StreamExt;
use std::{
	collections::BTreeMap,
	future::Future,
	sync::{Arc, Mutex},
};

/// The newest version of runtime metadata that this program reads.
const MAX_METADATA_VERSION: u32 = 16;
/// Runtimes kept decoded: the present one, and those of older blocks that are being read.
const MAX_VIEWS: usize = 4;
/// Most pages a list is read in.
const MAX_PAGES: usize = 4_096;

/// A connection to a node, shared by its clones.
#[derive(Clone)]
pub struct Client {
	pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
	pub backend: Arc<dyn Backend>,
	pub timing: Timing,
	pub nonces: Nonces,
	genesis: Hash,
	/// By spec version.
	views: Mutex<BTreeMap<u32, Arc<RuntimeView>>>,
}

impl std::fmt::Debug for Client {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Client")
			.field("url", &self.inner.backend.url())
			.field("genesis", &self.inner.genesis)
			.finish()
	}
}

impl Client {
	/// Connects to a node, and checks that it is on the expected chain and that its runtime has every
	/// call, event and query of this crate, with the same arguments and types.
	///
	/// # Errors
	/// [`ChainError::BadUrl`], [`ChainError::WrongGenesis`] and [`ChainError::Incompatible`] at once;
	/// [`ChainError::Disconnected`] or [`ChainError::Timeout`] once the read patience is over.
	pub async fn connect(config: ClientConfig) -> Result<Self, ChainError> {
		let timing = config.timing();
		Self::over(Arc::new(RpcBackend::new(config)?), timing).await
	}

	pub(crate) async fn over(backend: Arc<dyn Backend>, timing: Timing) -> Result<Self, ChainError> {
		let genesis = retry(timing.backoff, Some(timing.read_patience), || backend.genesis_hash()).await?;
		let inner = Inner { backend, timing, nonces: Nonces::default(), genesis, views: Mutex::default() };
		let client = Self { inner: Arc::new(inner) };
		client.patiently(|| async { client.view(client.backend().finalized_head().await?).await }).await?;
		Ok(client)
	}

	pub(crate) fn backend(&self) -> &dyn Backend {
		&*self.inner.backend
	}

	/// Repeats a read that lost its connection, for as long as the configuration says.
	pub(crate) async fn patiently<T, F, Fut>(&self, read: F) -> Result<T, ChainError>
	where
		F: FnMut() -> Fut,
		Fut: Future<Output = Result<T, ChainError>>,
	{
		retry(self.inner.timing.backoff, Some(self.inner.timing.read_patience), read).await
	}

	/// The runtime in the state of that block.
	pub(crate) async fn view(&self, at: Hash) -> Result<Arc<RuntimeView>, ChainError> {
		let version = self.backend().runtime_version(at).await?;
		if let Some(view) = self.views().get(&version.spec_version) {
			return Ok(view.clone());
		}
		RuntimeView::check_version(&version)?;
		let metadata = self.metadata(at).await?;
		let view = Arc::new(RuntimeView::new(&version, &metadata, self.inner.genesis)?);
		let RuntimeVersion { spec_name, spec_version, transaction_version } = version;
		tracing::info!(spec_name, spec_version, transaction_version, "the runtime fits this program");
		let mut views = self.views();
		views.insert(spec_version, view.clone());
		while views.len() > MAX_VIEWS {
			views.pop_first();
		}
		Ok(view)
	}

	fn views(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Arc<RuntimeView>>> {
		self.inner.views.lock().expect("nothing panics while it holds the lock; qed")
	}

	/// The newest metadata that the runtime offers and we read. The oldest interface gives version 14,
	/// which does not tell the types of queries.
	async fn metadata(&self, at: Hash) -> Result<Vec<u8>, ChainError> {
		let versions = self.backend().state_call("Metadata_metadata_versions", Vec::new(), at).await?;
		let version = Vec::<u32>::decode_all(&mut &versions[..])
			.map_err(|error| ChainError::decode("the metadata versions", error))?
			.into_iter()
			.filter(|version| *version <= MAX_METADATA_VERSION)
			.max()
			.ok_or_else(|| ChainError::incompatible("it offers no metadata of a known version"))?;
		let metadata =
			self.backend().state_call("Metadata_metadata_at_version", version.encode(), at).await?;
		Option::<Vec<u8>>::decode_all(&mut &metadata[..])
			.map_err(|error| ChainError::decode("the metadata", error))?
			.ok_or_else(|| ChainError::incompatible(format!("it has no metadata of version {version}")))
	}

	/// Asks a query at a block, in the types that were checked for the runtime there.
	async fn query_at<Q: Query>(&self, query: &Q, at: Hash) -> Result<Q::Output, ChainError> {
		let (_, bytes) =
			futures::try_join!(self.view(at), self.backend().state_call(Q::FUNCTION, query.encode(), at))?;
		Q::Output::decode_all(&mut &bytes[..])
			.map_err(|error| ChainError::decode(format!("the answer to {}", Q::FUNCTION), error))
	}

	/// Asks a query at the newest finalized block.
	async fn query<Q: Query>(&self, query: Q) -> Result<Q::Output, ChainError> {
		self.patiently(|| async { self.query_at(&query, self.backend().finalized_head().await?).await }).await
	}

	/// Reads all pages of a list, all at the same block, so that none is torn. `page` makes the query for
	/// the entries after those that are there.
	async fn query_all<T, Q>(&self, page: impl Fn(&[T]) -> Q + Sync) -> Result<Vec<T>, ChainError>
	where
		Q: Query<Output = Vec<T>>,
		T: Send + Sync,
	{
		let page = &page;
		self.patiently(|| async move {
			let at = self.backend().finalized_head().await?;
			let mut all = Vec::new();
			for _ in 0..MAX_PAGES {
				let more = self.query_at(&page(&all), at).await?;
				let is_last = (more.len() as u64) < u64::from(MAX_PAGE);
				all.extend(more);
				if is_last {
					return Ok(all);
				}
			}
			Err(ChainError::decode("a list", format!("it does not end after {MAX_PAGES} pages")))
		})
		.await
	}

	/// Reads what a finalized block brought about.
	async fn load(&self, block: Finalized) -> Result<FinalizedBlock, ChainError> {
		let Finalized { number, hash, parent_hash } = block;
		// A block's events are encoded by the runtime that executed it: its parent's, if the block itself
		// brings a new one.
		let executed_by = if number == 0 { hash } else { parent_hash };
		let (view, events, now) = futures::try_join!(
			self.view(executed_by),
			self.backend().storage(events_key(), hash),
			self.backend().storage(now_key(), hash),
		)
		.map_err(|error| about_block(error, number))?;
		let timestamp_ms = match now {
			Some(bytes) => Moment::decode_all(&mut &bytes[..])
				.map_err(|error| ChainError::decode(format!("the time of block {number}"), error))?,
			None => 0,
		};
		let events = view.events(events.unwrap_or_default())?;
		Ok(FinalizedBlock { number, hash, timestamp_ms, events })
	}

	/// What the chain stores of an account; nothing but zeros if there is none.
	pub(crate) async fn account_at(&self, account: &AccountId, at: Hash) -> Result<AccountInfo, ChainError> {
		let (_, bytes) = futures::try_join!(self.view(at), self.backend().storage(account_key(account), at))?;
		let Some(bytes) = bytes else { return Ok(AccountInfo::default()) };
		AccountInfo::decode_all(&mut &bytes[..])
			.map_err(|error| ChainError::decode(format!("account {account}"), error))
	}

	/// A walk along the finalized chain.
	pub(crate) fn follower(&self, from: Option<BlockNumber>) -> Follower {
		Follower::new(self.inner.backend.clone(), self.inner.timing, from)
	}

	/// The newest finalized block's number and hash.
	pub(crate) async fn head(&self) -> Result<BlockRef, ChainError> {
		let hash = self.backend().finalized_head().await?;
		let header = self.backend().header(hash).await?.ok_or_else(|| ChainError::BlockUnavailable {
			block: format!("{hash:?}"),
			what: "the header".into(),
			reason: "it sent none".into(),
		})?;
		Ok(BlockRef { number: header.number, hash })
	}
}

/// Names the block in an error of the transport, which does not know it.
pub(crate) fn about_block(error: ChainError, number: BlockNumber) -> ChainError {
	match error {
		ChainError::BlockUnavailable { what, reason, .. } => {
			ChainError::BlockUnavailable { block: number.to_string(), what, reason }
		}
		other => other,
	}
}

#[async_trait]
impl Chain for Client {
	fn genesis_hash(&self) -> Hash {
		self.inner.genesis
	}

	async fn finalized_head(&self) -> Result<BlockRef, ChainError> {
		self.patiently(|| self.head()).await
	}

	fn finalized_blocks(&self, from: Option<BlockNumber>) -> FinalizedBlocks {
		let start = Some((self.clone(), self.follower(from)));
		futures::stream::unfold(start, |state| async move {
			let (client, mut follower) = state?;
			let block = match follower.next().await {
				Ok(block) => retry(client.inner.timing.backoff, None, || client.load(block)).await,
				Err(error) => Err(error),
			};
			let state = block.is_ok().then_some((client, follower));
			Some((block, state))
		})
		.boxed()
	}

	async fn models(&self) -> Result<Vec<ModelInfo<AccountId>>, ChainError> {
		self.query_all(|models: &[ModelInfo<AccountId>]| query::Models {
			start: models.last().map_or(0, |last| last.id.saturating_add(1)),
			count: MAX_PAGE,
		})
		.await
	}

	async fn model(&self, model: ModelId) -> Result<Option<ModelInfo<AccountId>>, ChainError> {
		self.query(query::Model { model }).await
	}

	async fn block(&self, block: BlockId) -> Result<Option<BlockInfo<AccountId>>, ChainError> {
		self.query(query::Block { block }).await
	}

	async fn manifest(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Vec<ManifestEntry>, ChainError> {
		self.query_all(|entries: &[ManifestEntry]| query::Manifest {
			model,
			generation,
			start: entries.len() as u32,
			count: MAX_PAGE,
		})
		.await
	}

	async fn lineage(&self, block: BlockId, depth: u32) -> Result<Vec<BlockInfo<AccountId>>, ChainError> {
		self.query(query::Lineage { block, depth }).await
	}

	async fn version(
		&self,
		model: ModelId,
		generation: Option<Generation>,
	) -> Result<Option<VersionInfo>, ChainError> {
		self.query(query::Version { model, generation }).await
	}

	async fn children(&self, block: BlockId) -> Result<Vec<BlockId>, ChainError> {
		self.query_all(|children: &[BlockId]| query::Children {
			block,
			start: children.len() as u32,
			count: MAX_PAGE,
		})
		.await
	}

	async fn round(&self, round: SubmissionId) -> Result<Option<RoundInfo<AccountId>>, ChainError> {
		self.query(query::Round { round }).await
	}

	async fn rounds(&self, start: SubmissionId, count: u32) -> Result<Vec<RoundInfo<AccountId>>, ChainError> {
		self.query(query::Rounds { start, count: count.min(MAX_PAGE) }).await
	}

	async fn work_demand(&self, account: &AccountId) -> Result<WorkDemand, ChainError> {
		self.query(query::WorkDemanded { who: account.clone() }).await
	}

	async fn findings(&self, round: SubmissionId) -> Result<Vec<(AccountId, Finding)>, ChainError> {
		self.query(query::Findings { round }).await
	}

	async fn dispute(&self, dispute: DisputeId) -> Result<Option<DisputeInfo<AccountId>>, ChainError> {
		self.query(query::Dispute { dispute }).await
	}

	async fn disputes(&self, round: Option<SubmissionId>) -> Result<Vec<DisputeInfo<AccountId>>, ChainError> {
		self.query(query::Disputes { round }).await
	}

	async fn sealed_terms(&self, model: ModelId) -> Result<Option<SealedTerms>, ChainError> {
		self.query(query::SealedTermsOf { model }).await
	}

	async fn lot(&self, lot: LotId) -> Result<Option<LotInfo<AccountId>>, ChainError> {
		self.query(query::Lot { lot }).await
	}

	async fn lots_of_round(&self, round: SubmissionId) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		self.query(query::LotsOfRound { round }).await
	}

	async fn lots(&self, model: Option<ModelId>) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		let (mut all, mut next) = (Vec::new(), Some(0));
		while let Some(start) = next {
			let (page, after) = self.query(query::Lots { model, start, count: MAX_PAGE }).await?;
			all.extend(page);
			next = after;
		}
		Ok(all)
	}

	async fn retired_lots(&self, model: ModelId) -> Result<Vec<LotInfo<AccountId>>, ChainError> {
		let (mut all, mut next) = (Vec::new(), Some(0));
		while let Some(start) = next {
			let (page, after) = self.query(query::Retired { model, start, count: MAX_PAGE }).await?;
			all.extend(page);
			next = after;
		}
		Ok(all)
	}

	async fn lottery(&self, period: Option<PeriodNumber>) -> Result<Option<LotteryPeriod>, ChainError> {
		self.query(query::Lottery { period }).await
	}

	async fn canary_key(&self, key: CanaryKey) -> Result<Option<CanaryKeyInfo<AccountId>>, ChainError> {
		self.query(query::CanaryKeyOf { key }).await
	}

	async fn contest_bond(&self, accused: &AccountId) -> Result<Balance, ChainError> {
		self.query(query::ContestBond { accused: accused.clone() }).await
	}

	async fn training_manifest(
		&self,
		round: SubmissionId,
	) -> Result<Option<ManifestInfo<AccountId>>, ChainError> {
		self.query(query::TrainingManifest { round }).await
	}

	async fn audits(&self, auditor: Option<&AccountId>) -> Result<Vec<ManifestInfo<AccountId>>, ChainError> {
		self.query(query::Audits { auditor: auditor.cloned() }).await
	}

	async fn data_terms(&self, model: ModelId) -> Result<DataTerms, ChainError> {
		self.query(query::DataTermsOf { model }).await
	}

	async fn may_learn_from(&self, model: ModelId, dataset: DatasetId) -> Result<bool, ChainError> {
		self.query(query::MayLearnFrom { model, dataset }).await
	}

	async fn model_lineage(&self, model: ModelId) -> Result<Vec<DataUseInfo>, ChainError> {
		let (mut all, mut after) = (Vec::new(), None);
		loop {
			let (page, next) = self.query(query::ModelLineage { model, after, count: MAX_PAGE }).await?;
			all.extend(page);
			match next {
				Some(_) => after = next,
				None => return Ok(all),
			}
		}
	}

	async fn dataset_models(&self, dataset: DatasetId) -> Result<Vec<DataUseInfo>, ChainError> {
		let (mut all, mut after) = (Vec::new(), None);
		loop {
			let (page, next) = self.query(query::DatasetModels { dataset, after, count: MAX_PAGE }).await?;
			all.extend(page);
			match next {
				Some(_) => after = next,
				None => return Ok(all),
			}
		}
	}

	async fn dataset_utility(&self, dataset: DatasetId) -> Result<Option<DatasetUtility>, ChainError> {
		self.query(query::DatasetUtilityOf { dataset }).await
	}

	async fn dataset(&self, dataset: DatasetId) -> Result<Option<DatasetRecord<AccountId>>, ChainError> {
		self.query(query::Dataset { dataset }).await
	}

	async fn kept_datasets(
		&self,
		stage: Option<DatasetStageKind>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError> {
		let (mut all, mut after) = (Vec::new(), None);
		loop {
			let (page, next) = self.query(query::KeptDatasets { stage, after, count: MAX_PAGE }).await?;
			all.extend(page);
			if next.is_none() || next == after {
				return Ok(all);
			}
			after = next;
		}
	}

	async fn dataset_audits(
		&self,
		auditor: Option<&AccountId>,
	) -> Result<Vec<DatasetRecord<AccountId>>, ChainError> {
		self.query(query::DatasetAudits { auditor: auditor.cloned() }).await
	}

	async fn offer_demand(&self, account: &AccountId) -> Result<OfferDemand, ChainError> {
		self.query(query::OfferDemanded { account: account.clone() }).await
	}

	async fn dataset_vote(&self, dataset: DatasetId, voter: &AccountId) -> Result<Option<bool>, ChainError> {
		self.query(query::DatasetVote { dataset, voter: voter.clone() }).await
	}

	async fn audit_terms(&self) -> Result<AuditTerms, ChainError> {
		self.query(query::AuditTermsNow {}).await
	}

	async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo<AccountId>>, ChainError> {
		self.query(query::Worker { account: account.clone() }).await
	}

	async fn workers(&self, role: Role) -> Result<Vec<WorkerInfo<AccountId>>, ChainError> {
		self.query_all(|workers: &[WorkerInfo<AccountId>]| query::Workers {
			role,
			start: workers.len() as u32,
			count: MAX_PAGE,
		})
		.await
	}

	async fn owed(&self, account: &AccountId) -> Result<Owed, ChainError> {
		let (claimable, accruing) = self.query(query::Owed { who: account.clone() }).await?;
		Ok(Owed { claimable, accruing })
	}

	async fn claimable_epochs(&self, account: &AccountId) -> Result<Vec<u32>, ChainError> {
		self.query(query::ClaimableEpochs { who: account.clone() }).await
	}

	async fn credits(&self, account: &AccountId) -> Result<u64, ChainError> {
		self.query(query::Credits { who: account.clone() }).await
	}

	async fn usage_account(
		&self,
		account: &AccountId,
	) -> Result<Option<UsageAccountInfo<AccountId>>, ChainError> {
		self.query(query::UsageAccount { who: account.clone() }).await
	}

	async fn usage_parameters(&self) -> Result<UsageParameters, ChainError> {
		self.query(query::UsageTerms {}).await
	}

	async fn free_balance(&self, account: &AccountId) -> Result<Balance, ChainError> {
		let info = self
			.patiently(|| async { self.account_at(account, self.backend().finalized_head().await?).await })
			.await?;
		Ok(info.data.free)
	}

	async fn constant(&self, pallet: &str, name: &str) -> Result<Vec<u8>, ChainError> {
		let view =
			self.patiently(|| async { self.view(self.backend().finalized_head().await?).await }).await?;
		view.constant(pallet, name)
	}

	async fn submit_journalled(
		&self,
		signer: &Signer,
		call: Call,
		wait: Wait,
		journal: Journal<'_>,
	) -> Result<Receipt, SubmitError> {
		self.send(signer, call, wait, journal).await
	}

	async fn resume(&self, signed: &SignedCall) -> Result<Receipt, SubmitError> {
		self.settle(signed).await
	}
}
