//! What node, workers and clients may ask of the runtime.

use crate::{configs::*, *};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{
		AuditTerms, BlockInfo, CanaryKeyInfo, DataUseInfo, DatasetRecord, DatasetStageKind, DatasetUtility,
		Difference, DisputeInfo, LotInfo, LotteryPeriod, ManifestInfo, ModelInfo, OfferDemand, RoundInfo,
		VersionInfo, WorkDemand, WorkerInfo,
	},
	canary::{CanaryKey, PeriodNumber},
	checkpoint::{CheckpointCertificate, CheckpointVote, OpenCheckpointInfo},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	learning::{DisputeId, Finding},
	manifest::{DataTerms, DatasetId},
	sealed::{LotId, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	worker::Role,
};
use codec::Encode;
use frame_support::{
	genesis_builder_helper::{build_state, get_preset},
	traits::KeyOwnerProofSystem,
	weights::Weight,
};
use polkadot_sdk::{
	sp_api::impl_runtime_apis,
	sp_consensus_babe::{AuthorityId as BabeId, BabeConfiguration},
	sp_consensus_grandpa::AuthorityId as GrandpaId,
	sp_core::{crypto::KeyTypeId, ed25519, OpaqueMetadata},
	sp_inherents::{CheckInherentsResult, InherentData},
	sp_runtime::{
		traits::{Block as BlockT, NumberFor},
		transaction_validity::{TransactionSource, TransactionValidity},
		ApplyExtrinsicResult, ExtrinsicInclusionMode,
	},
	sp_session::OpaqueGeneratedSessionKeys,
};

/// The model with what rounds know of it.
fn with_training(mut model: ModelInfo<AccountId>) -> ModelInfo<AccountId> {
	model.pool = ProofOfLearning::pool(model.id);
	model.gate = ProofOfLearning::gate(model.id);
	model.referee = ProofOfLearning::referee(model.id);
	model
}

/// What a transaction carries that nobody signs and nobody pays for.
fn unsigned_extension() -> TxExtension {
	(
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(generic::Era::Immortal),
		frame_system::CheckNonce::from(0),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	)
}

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block);
		}

		fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: frame_support::view_functions::ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(data: InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(block: <Block as BlockT>::LazyBlock, data: InherentData) -> CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			transaction: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, transaction, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl sp_consensus_babe::BabeApi<Block> for Runtime {
		fn configuration() -> BabeConfiguration {
			let epoch_config = Babe::epoch_config().unwrap_or(EPOCH_CONFIG);
			BabeConfiguration {
				slot_duration: Babe::slot_duration(),
				epoch_length: EPOCH_DURATION_IN_SLOTS,
				c: epoch_config.c,
				authorities: Babe::authorities().to_vec(),
				randomness: Babe::randomness(),
				allowed_slots: epoch_config.allowed_slots,
			}
		}

		fn current_epoch_start() -> sp_consensus_babe::Slot {
			Babe::current_epoch_start()
		}

		fn current_epoch() -> sp_consensus_babe::Epoch {
			Babe::current_epoch()
		}

		fn next_epoch() -> sp_consensus_babe::Epoch {
			Babe::next_epoch()
		}

		fn generate_key_ownership_proof(
			_slot: sp_consensus_babe::Slot,
			authority_id: BabeId,
		) -> Option<sp_consensus_babe::OpaqueKeyOwnershipProof> {
			Historical::prove((sp_consensus_babe::KEY_TYPE, authority_id))
				.map(|proof| sp_consensus_babe::OpaqueKeyOwnershipProof::new(proof.encode()))
		}

		fn submit_report_equivocation_unsigned_extrinsic(
			equivocation_proof: sp_consensus_babe::EquivocationProof<<Block as BlockT>::Header>,
			key_owner_proof: sp_consensus_babe::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			Babe::submit_unsigned_equivocation_report(equivocation_proof, key_owner_proof.decode()?)
		}
	}

	impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
		fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
			Grandpa::grandpa_authorities()
		}

		fn current_set_id() -> sp_consensus_grandpa::SetId {
			pallet_grandpa::CurrentSetId::<Runtime>::get()
		}

		fn submit_report_equivocation_unsigned_extrinsic(
			equivocation_proof: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
			key_owner_proof: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
		) -> Option<()> {
			Grandpa::submit_unsigned_equivocation_report(equivocation_proof, key_owner_proof.decode()?)
		}

		fn generate_key_ownership_proof(
			_set_id: sp_consensus_grandpa::SetId,
			authority_id: GrandpaId,
		) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
			Historical::prove((sp_consensus_grandpa::KEY_TYPE, authority_id))
				.map(|proof| sp_consensus_grandpa::OpaqueKeyOwnershipProof::new(proof.encode()))
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
			SessionKeys::generate(&owner, seed).into()
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			SessionKeys::decode_into_raw_public_keys(&encoded)
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
		fn query_info(
			extrinsic: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_info(extrinsic, len)
		}

		fn query_fee_details(
			extrinsic: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> pallet_transaction_payment::FeeDetails<Balance> {
			TransactionPayment::query_fee_details(extrinsic, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			build_state::<RuntimeGenesisConfig>(config)
		}

		fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
			get_preset::<RuntimeGenesisConfig>(id, genesis_config_presets::get_preset)
		}

		fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
			genesis_config_presets::preset_names()
		}
	}

	impl blyan_primitives::api::ExpertDagApi<Block, AccountId> for Runtime {
		fn models(start: ModelId, count: u32) -> Vec<ModelInfo<AccountId>> {
			ExpertDag::models(start, count).into_iter().map(with_training).collect()
		}

		fn model(model: ModelId) -> Option<ModelInfo<AccountId>> {
			ExpertDag::model_info(model).map(with_training)
		}

		fn block(block: BlockId) -> Option<BlockInfo<AccountId>> {
			ExpertDag::block_info(block)
		}

		fn manifest(model: ModelId, generation: Option<Generation>, start: u32, count: u32) -> Vec<ManifestEntry> {
			ExpertDag::manifest(model, generation, start, count)
		}

		fn version(model: ModelId, generation: Option<Generation>) -> Option<VersionInfo> {
			ExpertDag::version_info(model, generation)
		}

		fn difference(
			model: ModelId,
			from: Generation,
			to: Generation,
			start: u32,
			count: u32,
		) -> Vec<Difference> {
			ExpertDag::difference(model, from, to, start, count)
		}

		fn children(block: BlockId, start: u32, count: u32) -> Vec<BlockId> {
			ExpertDag::children(block, start, count)
		}

		fn lineage(block: BlockId, depth: u32) -> Vec<BlockInfo<AccountId>> {
			ExpertDag::lineage_info(block, depth)
		}
	}

	impl blyan_primitives::api::ProofOfLearningApi<Block, AccountId> for Runtime {
		fn round(round: SubmissionId) -> Option<RoundInfo<AccountId>> {
			ProofOfLearning::round(round)
		}

		fn rounds(start: SubmissionId, count: u32) -> Vec<RoundInfo<AccountId>> {
			ProofOfLearning::rounds(start, count)
		}

		fn work_demand(who: AccountId) -> WorkDemand {
			ProofOfLearning::work_demand(&who)
		}

		fn findings(round: SubmissionId) -> Vec<(AccountId, Finding)> {
			ProofOfLearning::findings(round)
		}
	}

	impl blyan_primitives::api::ManifestsApi<Block, AccountId> for Runtime {
		fn manifest(round: SubmissionId) -> Option<ManifestInfo<AccountId>> {
			Manifests::manifest(round)
		}

		fn audits(auditor: Option<AccountId>) -> Vec<ManifestInfo<AccountId>> {
			Manifests::audits(auditor)
		}

		fn data_terms(model: ModelId) -> DataTerms {
			Manifests::data_terms(model)
		}

		fn may_learn_from(model: ModelId, dataset: DatasetId) -> bool {
			Manifests::may_learn_from(model, dataset)
		}
	}

	impl blyan_primitives::api::DatasetsApi<Block, AccountId> for Runtime {
		fn dataset(dataset: DatasetId) -> Option<DatasetRecord<AccountId>> {
			Datasets::dataset(dataset)
		}

		fn kept_datasets(
			stage: Option<DatasetStageKind>,
			after: Option<DatasetId>,
			count: u32,
		) -> (Vec<DatasetRecord<AccountId>>, Option<DatasetId>) {
			Datasets::kept_datasets(stage, after, count)
		}

		fn dataset_audits(auditor: Option<AccountId>) -> Vec<DatasetRecord<AccountId>> {
			Datasets::dataset_audits(auditor)
		}

		fn offer_demand(account: AccountId) -> OfferDemand {
			Datasets::offer_demand(&account)
		}

		fn dataset_vote(dataset: DatasetId, voter: AccountId) -> Option<bool> {
			Datasets::dataset_vote(dataset, voter)
		}

		fn audit_terms() -> AuditTerms {
			Datasets::audit_terms()
		}
	}

	impl blyan_primitives::api::LineageApi<Block> for Runtime {
		fn model_lineage(
			model: ModelId,
			after: Option<DatasetId>,
			count: u32,
		) -> (Vec<DataUseInfo>, Option<DatasetId>) {
			Lineage::model_lineage(model, after, count)
		}

		fn dataset_models(
			dataset: DatasetId,
			after: Option<ModelId>,
			count: u32,
		) -> (Vec<DataUseInfo>, Option<ModelId>) {
			Lineage::dataset_models(dataset, after, count)
		}

		fn dataset_utility(dataset: DatasetId) -> Option<DatasetUtility> {
			Lineage::dataset_utility(dataset)
		}
	}

	impl blyan_primitives::api::DisputesApi<Block, AccountId> for Runtime {
		fn dispute(dispute: DisputeId) -> Option<DisputeInfo<AccountId>> {
			Disputes::dispute(dispute)
		}

		fn disputes(round: Option<SubmissionId>) -> Vec<DisputeInfo<AccountId>> {
			Disputes::disputes(round)
		}

		fn bond(accused: AccountId) -> Balance {
			Disputes::bond(&accused)
		}
	}

	impl blyan_primitives::api::SealedShardsApi<Block, AccountId> for Runtime {
		fn sealed_terms(model: ModelId) -> Option<SealedTerms> {
			SealedShards::sealed_terms(model)
		}

		fn lot(lot: LotId) -> Option<LotInfo<AccountId>> {
			SealedShards::lot(lot)
		}

		fn lots_of_round(round: SubmissionId) -> Vec<LotInfo<AccountId>> {
			ProofOfLearning::sealed_lots(round).into_iter().filter_map(SealedShards::lot).collect()
		}

		fn lots(model: Option<ModelId>, start: LotId, count: u32) -> (Vec<LotInfo<AccountId>>, Option<LotId>) {
			SealedShards::lots(model, start, count)
		}

		fn retired(model: ModelId, start: LotId, count: u32) -> (Vec<LotInfo<AccountId>>, Option<LotId>) {
			SealedShards::retired(model, start, count)
		}
	}

	impl blyan_primitives::api::CanariesApi<Block, AccountId> for Runtime {
		fn lottery(period: Option<PeriodNumber>) -> Option<LotteryPeriod> {
			Canaries::lottery(period)
		}

		fn canary_key(key: CanaryKey) -> Option<CanaryKeyInfo<AccountId>> {
			Canaries::canary_key(key)
		}
	}

	impl blyan_primitives::api::WorkersApi<Block, AccountId> for Runtime {
		fn worker(account: AccountId) -> Option<WorkerInfo<AccountId>> {
			Workers::worker(&account)
		}

		fn workers(role: Role, start: u32, count: u32) -> Vec<WorkerInfo<AccountId>> {
			Workers::workers(role, start, count)
		}
	}

	impl blyan_primitives::api::RewardsApi<Block, AccountId> for Runtime {
		fn owed(who: AccountId) -> (Balance, Balance) {
			Rewards::owed(&who)
		}

		fn claimable_epochs(who: AccountId) -> Vec<u32> {
			Rewards::claimable_epochs(&who)
		}

		fn credits(who: AccountId) -> u64 {
			Rewards::credits(&who)
		}
	}

	impl blyan_primitives::api::UsageApi<Block, AccountId> for Runtime {
		fn usage_account(who: AccountId) -> Option<UsageAccountInfo<AccountId>> {
			Usage::account(&who)
		}

		fn usage_parameters() -> UsageParameters {
			Usage::parameters()
		}
	}

	impl blyan_primitives::api::CheckpointsApi<Block> for Runtime {
		fn latest_checkpoint() -> Option<CheckpointCertificate> {
			Checkpoints::latest_checkpoint()
		}

		fn open_checkpoint(keys: Vec<ed25519::Public>) -> Option<OpenCheckpointInfo> {
			Checkpoints::open_checkpoint_for(keys)
		}

		fn checkpoint_vote(
			vote: CheckpointVote,
			signature: ed25519::Signature,
		) -> <Block as BlockT>::Extrinsic {
			let call = pallet_checkpoints::Call::vote { vote, signature };
			UncheckedExtrinsic::new_transaction(call.into(), unsigned_extension())
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(
			extra: bool,
		) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
			use crate::benchmarks::*;
			use frame_benchmarking::BenchmarkList;
			use frame_support::traits::StorageInfoTrait;
			let mut list = Vec::<BenchmarkList>::new();
			list_benchmarks!(list, extra);
			(list, AllPalletsWithSystem::storage_info())
		}

		#[allow(non_local_definitions)]
		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			use crate::benchmarks::*;
			use frame_benchmarking::BenchmarkBatch;
			use frame_support::traits::{TrackedStorageKey, WhitelistedStorageKeys};
			let whitelist: Vec<TrackedStorageKey> = AllPalletsWithSystem::whitelisted_storage_keys();
			let mut batches = Vec::<BenchmarkBatch>::new();
			let params = (&config, &whitelist);
			add_benchmarks!(params, batches);
			Ok(batches)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl frame_try_runtime::TryRuntime<Block> for Runtime {
		fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
			let weight = Executive::try_runtime_upgrade(checks).expect("the upgrade passes its own checks");
			(weight, configs::RuntimeBlockWeights::get().max_block)
		}

		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_try_runtime::TryStateSelect,
		) -> Weight {
			Executive::try_execute_block(block, state_root_check, signature_check, select).expect("the block executes")
		}
	}
}
