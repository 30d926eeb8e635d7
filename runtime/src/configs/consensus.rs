//! Block production and finality.

use super::staking::{Equivocations, MaxBackers, MaxSetIdSessionEntries, ReportLongevity};
use crate::{weights::ConsensusWeight, *};
use blyan_primitives::SLOT_MILLISECONDS;
use frame_support::traits::{ConstU128, ConstU32, ConstU64, Get};
use pallet_session::{disabling::UpToLimitWithReEnablingDisablingStrategy, historical::NoteHistoricalRoot};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::traits::ConvertInto;
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
	// Count the blocks of each validator.
	type EventHandler = (Staking, Checkpoints);
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = NoteHistoricalRoot<Self, Staking>;
	// In the order of the keys; who counts checkpoints is told after GRANDPA, which says what set is in office.
	type SessionHandler = (Babe, pallet_checkpoints::Both<Grandpa, Checkpoints>);
	type Keys = SessionKeys;
	// Until its term ends, an offender neither builds nor votes; a third of the validators at most.
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	/// A BLY, returned when the keys are purged.
	type KeyDeposit = ConstU128<{ blyan_primitives::economy::BLY }>;
}

/// The number of the session that runs.
pub struct SessionNumber;

impl Get<u32> for SessionNumber {
	fn get() -> u32 {
		Session::current_index()
	}
}

/// GRANDPA's number of the set of authorities.
pub struct AuthoritySetId;

impl Get<u64> for AuthoritySetId {
	fn get() -> u64 {
		Grandpa::current_set_id()
	}
}

impl pallet_checkpoints::Config for Runtime {
	type Rewards = Rewards;
	// What downtime costs is for the pallet that slashes, which is not there yet.
	type Downtime = ();
	type SessionIndex = SessionNumber;
	type SetId = AuthoritySetId;
	type MaxValidators = MaxAuthorities;
	type SettledPerBlock = ConstU32<2>;
	type KeptSessions = ConstU32<4>;
	type KeptCheckpoints = ConstU32<4>;
	type MaxEvidence = ConstU32<1_000>;
	type WeightInfo = pallet_checkpoints::weights::SubstrateWeight<Runtime>;
}
