//! Weights of pallets that publish no weight type of their own; all others name theirs in
//! [`crate::configs`].

use polkadot_sdk::{frame_support::weights::Weight, pallet_babe, pallet_grandpa};

/// BABE and GRANDPA: upstream's measured numbers, which it publishes on the unit type alone.
pub struct ConsensusWeight;

impl pallet_babe::WeightInfo for ConsensusWeight {
	fn plan_config_change() -> Weight {
		<() as pallet_babe::WeightInfo>::plan_config_change()
	}

	fn report_equivocation(validators: u32, nominators: u32) -> Weight {
		<() as pallet_babe::WeightInfo>::report_equivocation(validators, nominators)
	}
}

impl pallet_grandpa::WeightInfo for ConsensusWeight {
	fn report_equivocation(validators: u32, nominators: u32) -> Weight {
		<() as pallet_grandpa::WeightInfo>::report_equivocation(validators, nominators)
	}

	fn note_stalled() -> Weight {
		<() as pallet_grandpa::WeightInfo>::note_stalled()
	}
}
