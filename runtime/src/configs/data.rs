//! The dataset chain.

use crate::{configs::RuntimeBlockWeights, *};
use frame_support::{parameter_types, traits::ConstU32, weights::Weight};
use sp_runtime::Perbill;

parameter_types! {
	/// What carrying datasets forward may use of a block; what does not fit goes on in the next.
	pub DatasetServiceWeight: Weight = Perbill::from_percent(5) * RuntimeBlockWeights::get().max_block;
}

impl pallet_datasets::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Workers = Workers;
	type Audits = Rewards;
	type Credits = Rewards;
	// Root is told of an appeal by its event, until there are referenda.
	type Court = ();
	type DecideOrigin = frame_system::EnsureRoot<AccountId>;
	type EmergencyOrigin = frame_system::EnsureRoot<AccountId>;
	type Randomness = pallet_babe::ParentBlockRandomness<Runtime>;
	type MaxAuditors = ConstU32<7>;
	type MaxLine = ConstU32<256>;
	type MaxRunning = ConstU32<64>;
	type ServiceWeight = DatasetServiceWeight;
	type WeightInfo = pallet_datasets::weights::SubstrateWeight<Runtime>;
}
