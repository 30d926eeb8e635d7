//! Block production and finality.

use super::staking::{Equivocations, MaxBackers, MaxSetIdSessionEntries, ReportLongevity};
use crate::{weights::ConsensusWeight, *};
use blyan_primitives::SLOT_MILLISECONDS;
use frame_support::traits::{ConstU128, ConstU32, ConstU64};
use pallet_session::{disabling::UpToLimitWithReEnablingDisablingStrategy, historical::NoteHistoricalRoot};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::traits::{ConvertInto, OpaqueKeys};
use sp_session::MembershipProof;

/// An hour. Cannot be changed on a running chain.
pub const EPOCH_DURATION_IN_SLOTS: u64 = 3_600_000 / SLOT_MILLISECONDS;
/// A quarter of the slots has a primary author by VRF; the others fall to one author each, who gives
/// a VRF output too, so that every block carries randomness for the draws.
pub const EPOCH_CONFIG: BabeEpochConfiguration =
	BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

/// Most validators at a time.
type MaxAuthorities = ConstU32<1_000>;

impl pallet_babe::Config for Runtime {
	type EpochDuration = ConstU64<EPOCH_DURATION_IN_SLOTS>;
	type ExpectedBlockTime = ConstU64<SLOT_MILLISECONDS>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ConsensusWeight;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxBackers;
	type KeyOwnerProof = MembershipProof;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Equivocations, Historical, ReportLongevity>;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ConsensusWeight;
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxBackers;
	type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
	type KeyOwnerProof = MembershipProof;
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Self, Equivocations, Historical, ReportLongevity>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
	// Counts the blocks of each validator.
	type EventHandler = Staking;
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = NoteHistoricalRoot<Self, Staking>;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	// Until its term ends, an offender neither builds nor votes; a third of the validators at most.
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	/// A BLY, returned when the keys are purged.
	type KeyDeposit = ConstU128<{ blyan_primitives::economy::BLY }>;
}
