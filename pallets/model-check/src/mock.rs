//! A runtime with the real pallets of a round, wired as the chain's. What they know of one another goes through
//! [`crate::sabotage`], which passes it on unless a test asks for a fault.

use crate::sabotage;
use blyan_primitives::{Balance, Hash};
use polkadot_sdk::{
	frame_support::{self, derive_impl, parameter_types, traits::Randomness, weights::Weight},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_balances,
	sp_core::{ConstU128, ConstU32, ConstU64},
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		Perbill,
	},
};

pub type AccountId = u64;
pub type BlockNumber = u64;
type Block = frame_system::mocking::MockBlock<Test>;

// In the order of the runtime: it is that of the hooks.
frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Workers: pallet_workers,
		ExpertDag: pallet_expert_dag,
		ProofOfLearning: pallet_proof_of_learning,
		Rewards: pallet_rewards,
		Disputes: pallet_disputes,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 10;

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	/// What the deadlines of rounds may take at the start of a block. Of the block, not of the state.
	pub static RoundServiceWeight: Weight = Weight::MAX;
	/// The same for disputes.
	pub static DisputeServiceWeight: Weight = Weight::MAX;
	/// How many rounds may be open, as the scenario has it.
	pub static Places: u32 = 4;
	/// Whether the block has randomness.
	pub static HasRandomness: bool = true;
	pub const GovernanceAccount: AccountId = 99;
	pub const ProbationRoutingShare: Perbill = Perbill::from_percent(25);
}

impl pallet_workers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Slashed = ();
	type MaxWorkers = ConstU32<50>;
	type WeightInfo = ();
}

impl pallet_expert_dag::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type GovernanceOrigin = frame_system::EnsureRoot<AccountId>;
	type GovernanceAccount = GovernanceAccount;
	type ModelDeposit = ConstU128<100>;
	type ComponentDeposit = ConstU128<10>;
	type MaxNameLength = ConstU32<16>;
	type MaxContentBytes = ConstU64<{ 1 << 20 }>;
	type MaxDeltaChain = ConstU32<12>;
	type ProbationBlocks = ConstU64<1_000>;
	type ProbationRoutingShare = ProbationRoutingShare;
	type WeightInfo = ();
}

impl pallet_proof_of_learning::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Graph = sabotage::Graph;
	type Workers = sabotage::Registry;
	type Rewards = sabotage::Payroll;
	// Sealed lots and manifests are explored by nobody yet: see the README.
	type Sealed = ();
	type Credits = Rewards;
	type Manifests = ();
	type Randomness = Lots;
	type MaxCommittee = ConstU32<5>;
	type MaxOpenRounds = Places;
	type MaxOpenRoundsPerTrainer = ConstU32<2>;
	// One, so that what falls due together is put off, as in a full slot.
	type MaxDuePerBlock = ConstU32<1>;
	type ClosedRoundRetention = ConstU64<1_000>;
	type ServiceWeight = RoundServiceWeight;
	type WeightInfo = ();
}

impl pallet_rewards::Config for Test {
	type Currency = Balances;
	type Data = ();
	type Purses = ();
	type MaxOpenClaims = ConstU32<4>;
	type WeightInfo = ();
}

impl pallet_disputes::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = sabotage::Rounds;
	type Workers = sabotage::Registry;
	type Credits = Rewards;
	type Randomness = Lots;
	type MaxReferees = ConstU32<11>;
	type MaxOpenDisputes = ConstU32<3>;
	type MaxDisputesPerRound = ConstU32<2>;
	type ServiceWeight = DisputeServiceWeight;
	type WeightInfo = ();
}

/// Randomness of the parent block, where there is any. The lot itself does not depend on the block: who may be
/// drawn, and by what numbers, is what the tests of the draw are about.
pub struct Lots;

impl Randomness<Option<Hash>, BlockNumberFor<Test>> for Lots {
	fn random(subject: &[u8]) -> (Option<Hash>, BlockNumber) {
		let known_since = System::block_number() - 1;
		(HasRandomness::get().then(|| BlakeTwo256::hash(subject)), known_since)
	}
}
