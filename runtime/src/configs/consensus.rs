//! Block production and finality.

use crate::{weights::ConsensusWeight, *};
use blyan_primitives::SLOT_MILLISECONDS;
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, ConstU64},
};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_core::Void;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

/// An hour. Cannot be changed on a running chain.
pub const EPOCH_DURATION_IN_SLOTS: u64 = 3_600_000 / SLOT_MILLISECONDS;
/// A quarter of the slots has a primary author by VRF; the others fall to one author each, who gives
/// a VRF output too, so that every block carries randomness for the draws.
pub const EPOCH_CONFIG: BabeEpochConfiguration =
	BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

/// Most validators at a time.
type MaxAuthorities = ConstU32<1_000>;
type MaxNominators = ConstU32<0>;

parameter_types! {
	/// Sessions whose equivocations can still be proven: a week of hours.
	pub const MaxSetIdSessionEntries: u64 = 168;
}

impl pallet_babe::Config for Runtime {
	type EpochDuration = ConstU64<EPOCH_DURATION_IN_SLOTS>;
	type ExpectedBlockTime = ConstU64<SLOT_MILLISECONDS>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ConsensusWeight;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	// Equivocations are slashed through staking, which has none to slash yet.
	type KeyOwnerProof = Void;
	type EquivocationReportSystem = ();
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ConsensusWeight;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
	type KeyOwnerProof = Void;
	type EquivocationReportSystem = ();
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
	type EventHandler = ();
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	// The validators of genesis stay; they can rotate their keys by `set_keys`.
	type SessionManager = ();
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = ();
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	/// A BLY, returned when the keys are purged.
	type KeyDeposit = ConstU128<{ blyan_primitives::economy::BLY }>;
}
