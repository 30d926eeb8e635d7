//! The Blyan runtime: what the network agrees on, composed from FRAME's pallets and ours.
//!
//! Composition only. The rules are in `pallets/`, configuration by topic in [`configs`], the APIs that
//! node and workers call in [`apis`], the starting states in [`genesis_config_presets`].

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis_config_presets;
#[cfg(test)]
mod tests;
mod weights;

use alloc::{borrow::Cow, vec::Vec};
pub use apis::RuntimeApi;
pub use blyan_primitives::{AccountId, Address, Balance, BlockNumber, Hash, Header, Nonce, Signature};
use polkadot_sdk::{
	sp_runtime::{generic, impl_opaque_keys},
	sp_version::{self, RuntimeVersion},
	*,
};

/// A block as this runtime reads it.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What every transaction carries besides its call.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);
/// A transaction as it travels.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a transaction's signature covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;
/// Dispatches to the pallets.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
	Migrations,
>;
/// Storage migrations of this version.
type Migrations = (
	pallet_proof_of_learning::migrations::v2::MigrateToV2<Runtime>,
	pallet_rewards::migrations::MigrateToV2<Runtime>,
);

/// Types that the node uses, without knowledge of calls.
pub mod opaque {
	use super::*;
	use polkadot_sdk::sp_runtime::OpaqueExtrinsic;

	/// A block whose transactions are bytes.
	pub type Block = generic::Block<Header, OpaqueExtrinsic>;
}

impl_opaque_keys! {
	/// The keys of a validator's session.
	pub struct SessionKeys {
		/// Block production.
		pub babe: Babe,
		/// Finality.
		pub grandpa: Grandpa,
	}
}

/// The version of this runtime. `transaction_version` rises whenever the encoding of a call changes:
/// native workers refuse to sign for one they do not know.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("blyan"),
	impl_name: Cow::Borrowed("blyan-node"),
	authoring_version: 1,
	spec_version: 100,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	// System and money: 0 to 9.
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(3)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(4)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(5)]
	pub type Sudo = pallet_sudo;

	// Pallets go in the order of their numbers. Session elects the first validators from the stakes of genesis, so
	// Staking goes before it, though after Balances.
	#[runtime::pallet_index(9)]
	pub type Staking = pallet_staking;

	// Consensus: 10 to 19. Babe goes before Session, which asks it when a session ends; Authorship does, so that a
	// block counts for the era it was built in.
	#[runtime::pallet_index(10)]
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(11)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(12)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(13)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(14)]
	pub type VoterList = pallet_bags_list;
	#[runtime::pallet_index(15)]
	pub type Offences = pallet_offences;
	#[runtime::pallet_index(16)]
	pub type Historical = pallet_session::historical;
	// After Session, whose sessions it counts.
	#[runtime::pallet_index(19)]
	pub type Checkpoints = pallet_checkpoints;

	// Learning: 30 to 49.
	#[runtime::pallet_index(30)]
	pub type Workers = pallet_workers;
	#[runtime::pallet_index(31)]
	pub type ExpertDag = pallet_expert_dag;
	#[runtime::pallet_index(32)]
	pub type ProofOfLearning = pallet_proof_of_learning;
	#[runtime::pallet_index(33)]
	pub type Rewards = pallet_rewards;
	// Its deadlines come after those of the rounds: what it decides is settled in the next block.
	#[runtime::pallet_index(34)]
	pub type Disputes = pallet_disputes;
	#[runtime::pallet_index(36)]
	pub type SealedShards = pallet_sealed_shards;
	#[runtime::pallet_index(35)]
	pub type Canaries = pallet_canaries;
	#[runtime::pallet_index(38)]
	pub type Usage = pallet_usage;
	#[runtime::pallet_index(37)]
	pub type Manifests = pallet_manifests;
	#[runtime::pallet_index(39)]
	pub type Datasets = pallet_datasets;
	#[runtime::pallet_index(40)]
	pub type Lineage = pallet_lineage;
}
