//! What `frame-omni-bencher` measures.

use crate::*;
pub use frame_benchmarking::*;
pub use frame_system_benchmarking::{extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench};

impl frame_system_benchmarking::Config for Runtime {}
impl baseline::Config for Runtime {}
impl pallet_transaction_payment::BenchmarkConfig for Runtime {}

define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_balances, Balances]
	[pallet_timestamp, Timestamp]
	[pallet_staking, Staking]
	[pallet_bags_list, VoterList]
	[pallet_transaction_payment, TransactionPayment]
	[pallet_utility, Utility]
	[pallet_sudo, Sudo]
	[pallet_workers, Workers]
	[pallet_expert_dag, ExpertDag]
	[pallet_proof_of_learning, ProofOfLearning]
	[pallet_rewards, Rewards]
	[pallet_disputes, Disputes]
	[pallet_sealed_shards, SealedShards]
	[pallet_canaries, Canaries]
	[pallet_usage, Usage]
	[pallet_checkpoints, Checkpoints]
	[pallet_manifests, Manifests]
	[pallet_datasets, Datasets]
	[pallet_lineage, Lineage]
);
