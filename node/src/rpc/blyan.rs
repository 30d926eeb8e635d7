//! `blyan_*`: models, their graph, rounds, disputes and lineage, as JSON.
//!
//! Each call takes an optional block hash (the best block if none is given) and answers from the
//! runtime APIs, so a client sees the rules of the runtime at that block.

use crate::service::{Block, FullClient};
use blyan_primitives::{
	api::{
		BlockInfo, DataUseInfo, DatasetRecord, DatasetStageKind, DatasetUtility, DatasetsApi, Difference,
		DisputeInfo, DisputesApi, ExpertDagApi, LineageApi, ModelInfo, OfferDemand, ProofOfLearningApi,
		RewardsApi, RoundInfo, VersionInfo, MAX_PAGE,
	},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	learning::DisputeId,
	manifest::DatasetId,
	AccountId, Hash,
};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use polkadot_sdk::*;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// JSON-RPC's "invalid params".
const INVALID_PARAMS: i32 = -32602;
/// The runtime could not answer at that block.
const RUNTIME_ERROR: i32 = 7001;
/// How far [`BlyanApiServer::lineage`] goes when no depth is given.
const DEFAULT_DEPTH: u32 = 16;

/// What an account is owed, in units of 1e-12 BLY, as decimal text: JSON numbers are too small.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owed {
	/// What `rewards.claim` would pay now.
	pub claimable: String,
	/// What accrues in the running epoch, before settlement.
	pub accruing: String,
}

/// A page of datasets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DatasetPage {
	/// In an order of their own.
	pub datasets: Vec<DatasetRecord<AccountId>>,
	/// The one to go on from, if there may be more.
	pub next: Option<DatasetId>,
}

/// Which model learned from which data.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Page<Key> {
	/// As many as were asked for, or all that are left.
	pub uses: Vec<DataUseInfo>,
	/// What to go on after, if there may be more.
	pub next: Option<Key>,
}

/// What came of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Utility {
	/// Verified submissions that learned from it and were accepted.
	pub accepted: u32,
	/// Likewise, measured and rejected, since the last that was accepted.
	pub rejected: u32,
	/// Whether it is marked as of no use.
	pub is_zero: bool,
	/// What its contributor may still earn by its score, in units of 1e-12 BLY, as decimal text.
	pub purse: String,
}

#[rpc(server)]
pub trait BlyanApi {
	/// Models from `start` on, `count` at most.
	#[method(name = "blyan_models")]
	fn models(&self, start: ModelId, count: u32, at: Option<Hash>) -> RpcResult<Vec<ModelInfo<AccountId>>>;

	/// One model, or null.
	#[method(name = "blyan_model")]
	fn model(&self, model: ModelId, at: Option<Hash>) -> RpcResult<Option<ModelInfo<AccountId>>>;

	/// The current head of each component.
	#[method(name = "blyan_heads")]
	fn heads(
		&self,
		model: ModelId,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<ManifestEntry>>;

	/// Component, block, CID and bytes of a generation; the newest if null.
	#[method(name = "blyan_manifest")]
	fn manifest(
		&self,
		model: ModelId,
		generation: Option<Generation>,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<ManifestEntry>>;

	/// A generation of a model, with its root and its architecture, or null; the newest if none is named.
	#[method(name = "blyan_version")]
	fn version(
		&self,
		model: ModelId,
		generation: Option<Generation>,
		at: Option<Hash>,
	) -> RpcResult<Option<VersionInfo>>;

	/// The components whose heads differ between two generations, among those from the `start`-th on.
	#[method(name = "blyan_difference")]
	fn difference(
		&self,
		model: ModelId,
		from: Generation,
		to: Generation,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<Difference>>;

	/// The blocks that name this one as a parent, oldest first.
	#[method(name = "blyan_children")]
	fn children(&self, block: BlockId, start: u32, count: u32, at: Option<Hash>) -> RpcResult<Vec<BlockId>>;

	/// A block of the graph and what became of it, or null.
	#[method(name = "blyan_block")]
	fn block(&self, block: BlockId, at: Option<Hash>) -> RpcResult<Option<BlockInfo<AccountId>>>;

	/// A block's ancestors along first parents, nearest first.
	#[method(name = "blyan_lineage")]
	fn lineage(
		&self,
		block: BlockId,
		depth: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Vec<BlockInfo<AccountId>>>;

	/// One round, or null.
	#[method(name = "blyan_round")]
	fn round(&self, round: SubmissionId, at: Option<Hash>) -> RpcResult<Option<RoundInfo<AccountId>>>;

	/// Rounds from `start` on, `count` at most.
	#[method(name = "blyan_rounds")]
	fn rounds(
		&self,
		start: SubmissionId,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<RoundInfo<AccountId>>>;

	/// One dispute, while it is open, or null.
	#[method(name = "blyan_dispute")]
	fn dispute(&self, dispute: DisputeId, at: Option<Hash>) -> RpcResult<Option<DisputeInfo<AccountId>>>;

	/// The open disputes, oldest first; those of a round if one is named.
	#[method(name = "blyan_disputes")]
	fn disputes(
		&self,
		round: Option<SubmissionId>,
		at: Option<Hash>,
	) -> RpcResult<Vec<DisputeInfo<AccountId>>>;

	/// One dataset, while it is kept, or null.
	#[method(name = "blyan_dataset")]
	fn dataset(&self, cid: DatasetId, at: Option<Hash>) -> RpcResult<Option<DatasetRecord<AccountId>>>;

	/// The kept datasets after `after`, `count` looked at at most, of which those in that stage if one is named.
	#[method(name = "blyan_datasets")]
	fn datasets(
		&self,
		stage: Option<DatasetStageKind>,
		after: Option<DatasetId>,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<DatasetPage>;

	/// The datasets whose audit runs; those that `auditor` is drawn for, if one is named.
	#[method(name = "blyan_datasetAudits")]
	fn dataset_audits(
		&self,
		auditor: Option<AccountId>,
		at: Option<Hash>,
	) -> RpcResult<Vec<DatasetRecord<AccountId>>>;

	/// What an offer of that account must come with now.
	#[method(name = "blyan_offerDemand")]
	fn offer_demand(&self, account: AccountId, at: Option<Hash>) -> RpcResult<OfferDemand>;

	/// What a model learned from: the datasets after `after`, in an order of their own, a page of them or `count`.
	#[method(name = "blyan_modelLineage")]
	fn model_lineage(
		&self,
		model: ModelId,
		after: Option<DatasetId>,
		count: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Page<DatasetId>>;

	/// Which models learned from a dataset, likewise.
	#[method(name = "blyan_datasetModels")]
	fn dataset_models(
		&self,
		cid: DatasetId,
		after: Option<ModelId>,
		count: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Page<ModelId>>;

	/// What came of a dataset, or null if no measured submission learned from it.
	#[method(name = "blyan_datasetUtility")]
	fn dataset_utility(&self, cid: DatasetId, at: Option<Hash>) -> RpcResult<Option<Utility>>;

	/// What an account is owed.
	#[method(name = "blyan_owed")]
	fn owed(&self, who: AccountId, at: Option<Hash>) -> RpcResult<Owed>;
}

/// Answers from a client.
pub struct Blyan {
	client: Arc<FullClient>,
}

impl Blyan {
	/// Answers from that client.
	pub fn new(client: Arc<FullClient>) -> Self {
		Self { client }
	}

	fn at(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}
}

fn runtime_error(error: ApiError) -> ErrorObjectOwned {
	ErrorObject::owned(RUNTIME_ERROR, "the runtime could not answer at that block", Some(error.to_string()))
}

fn page(count: u32) -> RpcResult<u32> {
	if (1..=MAX_PAGE).contains(&count) {
		Ok(count)
	} else {
		Err(ErrorObject::owned(
			INVALID_PARAMS,
			format!("count must be from 1 to {MAX_PAGE}, got {count}"),
			None::<()>,
		))
	}
}

impl BlyanApiServer for Blyan {
	fn models(&self, start: ModelId, count: u32, at: Option<Hash>) -> RpcResult<Vec<ModelInfo<AccountId>>> {
		let count = page(count)?;
		self.client.runtime_api().models(self.at(at), start, count).map_err(runtime_error)
	}

	fn model(&self, model: ModelId, at: Option<Hash>) -> RpcResult<Option<ModelInfo<AccountId>>> {
		self.client.runtime_api().model(self.at(at), model).map_err(runtime_error)
	}

	fn heads(
		&self,
		model: ModelId,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<ManifestEntry>> {
		self.manifest(model, None, start, count, at)
	}

	fn manifest(
		&self,
		model: ModelId,
		generation: Option<Generation>,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<ManifestEntry>> {
		let count = page(count)?;
		let api = self.client.runtime_api();
		ExpertDagApi::<Block, AccountId>::manifest(&*api, self.at(at), model, generation, start, count)
			.map_err(runtime_error)
	}

	fn version(
		&self,
		model: ModelId,
		generation: Option<Generation>,
		at: Option<Hash>,
	) -> RpcResult<Option<VersionInfo>> {
		let api = self.client.runtime_api();
		ExpertDagApi::<Block, AccountId>::version(&*api, self.at(at), model, generation)
			.map_err(runtime_error)
	}

	fn difference(
		&self,
		model: ModelId,
		from: Generation,
		to: Generation,
		start: u32,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<Difference>> {
		let count = page(count)?;
		let api = self.client.runtime_api();
		ExpertDagApi::<Block, AccountId>::difference(&*api, self.at(at), model, from, to, start, count)
			.map_err(runtime_error)
	}

	fn children(&self, block: BlockId, start: u32, count: u32, at: Option<Hash>) -> RpcResult<Vec<BlockId>> {
		let count = page(count)?;
		let api = self.client.runtime_api();
		ExpertDagApi::<Block, AccountId>::children(&*api, self.at(at), block, start, count)
			.map_err(runtime_error)
	}

	fn block(&self, block: BlockId, at: Option<Hash>) -> RpcResult<Option<BlockInfo<AccountId>>> {
		self.client.runtime_api().block(self.at(at), block).map_err(runtime_error)
	}

	fn lineage(
		&self,
		block: BlockId,
		depth: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Vec<BlockInfo<AccountId>>> {
		let depth = page(depth.unwrap_or(DEFAULT_DEPTH))?;
		self.client.runtime_api().lineage(self.at(at), block, depth).map_err(runtime_error)
	}

	fn round(&self, round: SubmissionId, at: Option<Hash>) -> RpcResult<Option<RoundInfo<AccountId>>> {
		self.client.runtime_api().round(self.at(at), round).map_err(runtime_error)
	}

	fn rounds(
		&self,
		start: SubmissionId,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<Vec<RoundInfo<AccountId>>> {
		let count = page(count)?;
		self.client.runtime_api().rounds(self.at(at), start, count).map_err(runtime_error)
	}

	fn dispute(&self, dispute: DisputeId, at: Option<Hash>) -> RpcResult<Option<DisputeInfo<AccountId>>> {
		self.client.runtime_api().dispute(self.at(at), dispute).map_err(runtime_error)
	}

	fn disputes(
		&self,
		round: Option<SubmissionId>,
		at: Option<Hash>,
	) -> RpcResult<Vec<DisputeInfo<AccountId>>> {
		self.client.runtime_api().disputes(self.at(at), round).map_err(runtime_error)
	}

	fn dataset(&self, cid: DatasetId, at: Option<Hash>) -> RpcResult<Option<DatasetRecord<AccountId>>> {
		self.client.runtime_api().dataset(self.at(at), cid).map_err(runtime_error)
	}

	fn datasets(
		&self,
		stage: Option<DatasetStageKind>,
		after: Option<DatasetId>,
		count: u32,
		at: Option<Hash>,
	) -> RpcResult<DatasetPage> {
		let count = page(count)?;
		let found = self.client.runtime_api().kept_datasets(self.at(at), stage, after, count);
		let (datasets, next) = found.map_err(runtime_error)?;
		Ok(DatasetPage { datasets, next })
	}

	fn dataset_audits(
		&self,
		auditor: Option<AccountId>,
		at: Option<Hash>,
	) -> RpcResult<Vec<DatasetRecord<AccountId>>> {
		self.client.runtime_api().dataset_audits(self.at(at), auditor).map_err(runtime_error)
	}

	fn offer_demand(&self, account: AccountId, at: Option<Hash>) -> RpcResult<OfferDemand> {
		self.client.runtime_api().offer_demand(self.at(at), account).map_err(runtime_error)
	}

	fn model_lineage(
		&self,
		model: ModelId,
		after: Option<DatasetId>,
		count: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Page<DatasetId>> {
		let count = page(count.unwrap_or(MAX_PAGE))?;
		let api = self.client.runtime_api();
		let (uses, next) = api.model_lineage(self.at(at), model, after, count).map_err(runtime_error)?;
		Ok(Page { uses, next })
	}

	fn dataset_models(
		&self,
		cid: DatasetId,
		after: Option<ModelId>,
		count: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Page<ModelId>> {
		let count = page(count.unwrap_or(MAX_PAGE))?;
		let api = self.client.runtime_api();
		let (uses, next) = api.dataset_models(self.at(at), cid, after, count).map_err(runtime_error)?;
		Ok(Page { uses, next })
	}

	fn dataset_utility(&self, cid: DatasetId, at: Option<Hash>) -> RpcResult<Option<Utility>> {
		let utility = self.client.runtime_api().dataset_utility(self.at(at), cid).map_err(runtime_error)?;
		Ok(utility.map(|DatasetUtility { accepted, rejected, is_zero, purse }| Utility {
			accepted,
			rejected,
			is_zero,
			purse: purse.to_string(),
		}))
	}

	fn owed(&self, who: AccountId, at: Option<Hash>) -> RpcResult<Owed> {
		let (claimable, accruing) =
			self.client.runtime_api().owed(self.at(at), who).map_err(runtime_error)?;
		Ok(Owed { claimable: claimable.to_string(), accruing: accruing.to_string() })
	}
}
