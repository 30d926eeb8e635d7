//! The queries of the runtime's APIs.

use crate::layout::QueryLayout;
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
	AccountId, Balance,
};
use codec::{Decode, Encode};
use scale_info::MetaType;

/// A query: encodes as its arguments.
pub(crate) trait Query: Encode + Clone + Send + Sync {
	/// What it returns.
	type Output: Decode + Send;
	/// `Api_query`, as `state_call` names it.
	const FUNCTION: &'static str;
}

/// The one list of queries: a type of ours, the API and query it stands for, its arguments in the order
/// of their encoding, and what it returns. The live metadata is checked against it.
macro_rules! queries {
	($(
		$query:ident = $api:ident . $name:ident { $( $field:ident : $ty:ty ),* $(,)? } -> $output:ty
	)*) => {
		$(
			#[derive(Clone, Encode)]
			pub(crate) struct $query { $( pub $field: $ty ),* }

			impl Query for $query {
				type Output = $output;
				const FUNCTION: &'static str = concat!(stringify!($api), "_", stringify!($name));
			}
		)*

		/// What the metadata must say of every query.
		pub(crate) fn layouts() -> Vec<QueryLayout> {
			vec![$( QueryLayout {
				api: stringify!($api),
				name: stringify!($name),
				inputs: vec![$( (stringify!($field), MetaType::new::<$ty>()) ),*],
				output: MetaType::new::<$output>(),
			}, )*]
		}
	};
}

queries! {
	Models = ExpertDagApi.models { start: ModelId, count: u32 } -> Vec<ModelInfo<AccountId>>
	Model = ExpertDagApi.model { model: ModelId } -> Option<ModelInfo<AccountId>>
	Block = ExpertDagApi.block { block: BlockId } -> Option<BlockInfo<AccountId>>
	Manifest = ExpertDagApi.manifest {
		model: ModelId, generation: Option<Generation>, start: u32, count: u32,
	} -> Vec<ManifestEntry>
	Lineage = ExpertDagApi.lineage { block: BlockId, depth: u32 } -> Vec<BlockInfo<AccountId>>
	Version = ExpertDagApi.version { model: ModelId, generation: Option<Generation> } -> Option<VersionInfo>
	Children = ExpertDagApi.children { block: BlockId, start: u32, count: u32 } -> Vec<BlockId>
	Round = ProofOfLearningApi.round { round: SubmissionId } -> Option<RoundInfo<AccountId>>
	Rounds = ProofOfLearningApi.rounds { start: SubmissionId, count: u32 } -> Vec<RoundInfo<AccountId>>
	WorkDemanded = ProofOfLearningApi.work_demand { who: AccountId } -> WorkDemand
	Findings = ProofOfLearningApi.findings { round: SubmissionId } -> Vec<(AccountId, Finding)>
	Dispute = DisputesApi.dispute { dispute: DisputeId } -> Option<DisputeInfo<AccountId>>
	Disputes = DisputesApi.disputes { round: Option<SubmissionId> } -> Vec<DisputeInfo<AccountId>>
	SealedTermsOf = SealedShardsApi.sealed_terms { model: ModelId } -> Option<SealedTerms>
	Lot = SealedShardsApi.lot { lot: LotId } -> Option<LotInfo<AccountId>>
	LotsOfRound = SealedShardsApi.lots_of_round { round: SubmissionId } -> Vec<LotInfo<AccountId>>
	Lots = SealedShardsApi.lots {
		model: Option<ModelId>, start: LotId, count: u32,
	} -> (Vec<LotInfo<AccountId>>, Option<LotId>)
	Retired = SealedShardsApi.retired {
		model: ModelId, start: LotId, count: u32,
	} -> (Vec<LotInfo<AccountId>>, Option<LotId>)
	Lottery = CanariesApi.lottery { period: Option<PeriodNumber> } -> Option<LotteryPeriod>
	CanaryKeyOf = CanariesApi.canary_key { key: CanaryKey } -> Option<CanaryKeyInfo<AccountId>>
	ContestBond = DisputesApi.bond { accused: AccountId } -> Balance
	TrainingManifest = ManifestsApi.manifest { round: SubmissionId } -> Option<ManifestInfo<AccountId>>
	Audits = ManifestsApi.audits { auditor: Option<AccountId> } -> Vec<ManifestInfo<AccountId>>
	DataTermsOf = ManifestsApi.data_terms { model: ModelId } -> DataTerms
	MayLearnFrom = ManifestsApi.may_learn_from { model: ModelId, dataset: DatasetId } -> bool
	ModelLineage = LineageApi.model_lineage {
		model: ModelId, after: Option<DatasetId>, count: u32,
	} -> (Vec<DataUseInfo>, Option<DatasetId>)
	DatasetModels = LineageApi.dataset_models {
		dataset: DatasetId, after: Option<ModelId>, count: u32,
	} -> (Vec<DataUseInfo>, Option<ModelId>)
	DatasetUtilityOf = LineageApi.dataset_utility { dataset: DatasetId } -> Option<DatasetUtility>
	Dataset = DatasetsApi.dataset { dataset: DatasetId } -> Option<DatasetRecord<AccountId>>
	KeptDatasets = DatasetsApi.kept_datasets {
		stage: Option<DatasetStageKind>, after: Option<DatasetId>, count: u32,
	} -> (Vec<DatasetRecord<AccountId>>, Option<DatasetId>)
	DatasetAudits = DatasetsApi.dataset_audits { auditor: Option<AccountId> } -> Vec<DatasetRecord<AccountId>>
	OfferDemanded = DatasetsApi.offer_demand { account: AccountId } -> OfferDemand
	DatasetVote = DatasetsApi.dataset_vote { dataset: DatasetId, voter: AccountId } -> Option<bool>
	AuditTermsNow = DatasetsApi.audit_terms {} -> AuditTerms
	Worker = WorkersApi.worker { account: AccountId } -> Option<WorkerInfo<AccountId>>
	Workers = WorkersApi.workers { role: Role, start: u32, count: u32 } -> Vec<WorkerInfo<AccountId>>
	Owed = RewardsApi.owed { who: AccountId } -> (Balance, Balance)
	Credits = RewardsApi.credits { who: AccountId } -> u64
	UsageAccount = UsageApi.usage_account { who: AccountId } -> Option<UsageAccountInfo<AccountId>>
	UsageTerms = UsageApi.usage_parameters {} -> UsageParameters
	ClaimableEpochs = RewardsApi.claimable_epochs { who: AccountId } -> Vec<u32>
}
