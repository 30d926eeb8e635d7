//! Models, rounds, workers and their pay. The pallets know one another by the traits that are wired
//! here, and by nothing else.

use crate::{configs::RuntimeBlockWeights, *};
use blyan_primitives::economy::BLY;
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU64},
	weights::Weight,
	PalletId,
};
use sp_runtime::{traits::AccountIdConversion, Perbill};

/// A day of two-second blocks.
const DAY: BlockNumber = 43_200;

parameter_types! {
	/// Owns what governance owns.
	pub GovernanceAccount: AccountId = PalletId(*b"blyan/gv").into_account_truncating();
	/// Of a sequence's tokens, for an expert on probation.
	pub const ProbationRoutingShare: Perbill = Perbill::from_percent(25);
	/// What carrying rounds forward may use of a block; what does not fit goes on in the next.
	pub RoundServiceWeight: Weight = Perbill::from_percent(25) * RuntimeBlockWeights::get().max_block;
	/// What carrying disputes forward may use of a block, likewise.
	pub DisputeServiceWeight: Weight = Perbill::from_percent(5) * RuntimeBlockWeights::get().max_block;
	/// A twentieth of a mixture says something of a dataset in it.
	pub const LeastDataWeight: Perbill = Perbill::from_percent(5);
	/// What carrying audits of manifests forward may use of a block, likewise.
	pub ManifestServiceWeight: Weight = Perbill::from_percent(5) * RuntimeBlockWeights::get().max_block;
}

impl pallet_workers::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	// A slash is burned.
	type Slashed = ();
	type MaxWorkers = ConstU32<100_000>;
	type WeightInfo = pallet_workers::weights::SubstrateWeight<Runtime>;
}

impl pallet_expert_dag::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	// Root is governance; models that belong to nobody else have their deposit held there.
	type GovernanceOrigin = frame_system::EnsureRoot<AccountId>;
	type GovernanceAccount = GovernanceAccount;
	type ModelDeposit = ConstU128<{ 100 * BLY }>;
	type ComponentDeposit = ConstU128<{ BLY / 10 }>;
	type MaxNameLength = ConstU32<64>;
	type MaxContentBytes = ConstU64<{ 16 * 1024 * 1024 * 1024 }>;
	type MaxDeltaChain = ConstU32<32>;
	type ProbationBlocks = ConstU32<{ 7 * DAY }>;
	type ProbationRoutingShare = ProbationRoutingShare;
	type WeightInfo = pallet_expert_dag::weights::SubstrateWeight<Runtime>;
}

impl pallet_proof_of_learning::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Graph = ExpertDag;
	type Workers = Workers;
	type Rewards = Rewards;
	type Sealed = SealedShards;
	type Credits = Rewards;
	type Manifests = Manifests;
	type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type MaxCommittee = ConstU32<21>;
	// What is measured and what waits; the line is read and written as one.
	type MaxOpenRounds = ConstU32<256>;
	type MaxOpenRoundsPerTrainer = ConstU32<8>;
	type MaxDuePerBlock = ConstU32<64>;
	type ClosedRoundRetention = ConstU32<{ 30 * DAY }>;
	type ServiceWeight = RoundServiceWeight;
	type WeightInfo = pallet_proof_of_learning::weights::SubstrateWeight<Runtime>;
}

impl pallet_disputes::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type Workers = Workers;
	type Credits = Rewards;
	type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type MaxReferees = ConstU32<21>;
	type MaxOpenDisputes = ConstU32<128>;
	type MaxDisputesPerRound = ConstU32<16>;
	type ServiceWeight = DisputeServiceWeight;
	type WeightInfo = pallet_disputes::weights::SubstrateWeight<Runtime>;
}

impl pallet_sealed_shards::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type LotDeposit = ConstU128<{ BLY / 2 }>;
	type MaxReserve = ConstU32<256>;
	type MaxBatch = ConstU32<16>;
	type WeightInfo = pallet_sealed_shards::weights::SubstrateWeight<Runtime>;
}

/// Who secures the chain: the validators of the session.
pub struct SessionValidators;

impl blyan_primitives::traits::Validators<AccountId> for SessionValidators {
	fn is_validator(who: &AccountId) -> bool {
		pallet_session::Validators::<Runtime>::get().contains(who)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_validator(who: &AccountId) {
		pallet_session::Validators::<Runtime>::append(who);
	}
}

impl pallet_canaries::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type Validators = SessionValidators;
	type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type KeyDeposit = ConstU128<BLY>;
	// A week of hours: no round takes so long.
	type MaxPeriods = ConstU32<168>;
	type WeightInfo = pallet_canaries::weights::SubstrateWeight<Runtime>;
}

impl pallet_manifests::Config for Runtime {
	type Graph = ExpertDag;
	type Workers = Workers;
	type Datasets = Datasets;
	type Outcomes = Lineage;
	type OnVerified = Rewards;
	type Audits = Rewards;
	type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type MaxAuditors = ConstU32<21>;
	// No fewer than there may be open rounds, so that those are the limit.
	type MaxOpenAudits = ConstU32<1_024>;
	type Retention = ConstU32<{ 30 * DAY }>;
	type ServiceWeight = ManifestServiceWeight;
	type WeightInfo = pallet_manifests::weights::SubstrateWeight<Runtime>;
}

impl pallet_lineage::Config for Runtime {
	type Datasets = Datasets;
	type LeastWeight = LeastDataWeight;
	type DayBlocks = ConstU32<DAY>;
	type DailyCap = ConstU128<{ 100_000 * BLY }>;
	type WeightInfo = pallet_lineage::weights::SubstrateWeight<Runtime>;
}

impl pallet_rewards::Config for Runtime {
	type Currency = Balances;
	type Data = Manifests;
	type Purses = Lineage;
	type MaxOpenClaims = ConstU32<64>;
	type WeightInfo = pallet_rewards::weights::SubstrateWeight<Runtime>;
}

impl pallet_usage::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = Signature;
	type Public = <Signature as sp_runtime::traits::Verify>::Signer;
	type Blocks = ExpertDag;
	type Workers = Workers;
	type Rewards = Rewards;
	type MaxServers = ConstU32<32>;
	type WeightInfo = pallet_usage::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = pallet_usage::benchmarking::Sr25519Keys;
}
