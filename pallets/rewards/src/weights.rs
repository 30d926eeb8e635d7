//! Weights of `pallet_rewards`, measured by frame-omni-bencher 64.0.0 on 2026-11-21.
//!
//! Processor: `Intel(R) Xeon(R) Processor`. Steps: 20, repeats: 10. Made by
//! `scripts/bench weights`: do not edit.

#![allow(
	unused_parens,
	unused_imports,
	missing_docs,
	clippy::unnecessary_cast,
	clippy::arithmetic_side_effects
)]

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{
		traits::Get,
		weights::{constants::RocksDbWeight, Weight},
	},
	frame_system,
};

/// The weight functions that the pallet needs.
pub trait WeightInfo {
	fn claim() -> Weight;
	fn claim_carried() -> Weight;
	fn force_set_parameters() -> Weight;
	fn accrue(n: u32) -> Weight;
	fn roll_epoch() -> Weight;
	fn epoch_continues() -> Weight;
	fn prune_claim() -> Weight;
	fn prune_epoch() -> Weight;
	fn accrue_data(n: u32) -> Weight;
	fn lapse_data() -> Weight;
	fn lapse_data_epoch() -> Weight;
	fn grant() -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:1 w:1)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Carried` (r:1 w:1)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:1 w:1)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	fn claim() -> Weight {
		// Minimum execution time: 84_825_000 picoseconds.
		Weight::from_parts(90_981_000, 3917)
			.saturating_add(T::DbWeight::get().reads(7_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Rewards::Carried` (r:1 w:1)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	fn claim_carried() -> Weight {
		// Minimum execution time: 36_316_000 picoseconds.
		Weight::from_parts(38_236_000, 3529)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Rewards::Parameters` (r:0 w:1)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_205_000 picoseconds.
		Weight::from_parts(5_785_000, 0).saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:128 w:128)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:64 w:64)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:2 w:2)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Carried` (r:64 w:64)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn accrue(n: u32) -> Weight {
		// Minimum execution time: 63_223_000 picoseconds.
		Weight::from_parts(33_348_598, 6844)
			// Standard Error: 242_387
			.saturating_add(Weight::from_parts(39_765_827, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(3_u64))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 5230).saturating_mul(n.into()))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:1)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	fn roll_epoch() -> Weight {
		// Minimum execution time: 16_076_000 picoseconds.
		Weight::from_parts(17_351_000, 3917)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	fn epoch_continues() -> Weight {
		// Minimum execution time: 3_710_000 picoseconds.
		Weight::from_parts(4_125_000, 1493).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// Storage: `Rewards::Claims` (r:2 w:1)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:1 w:1)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	fn prune_claim() -> Weight {
		// Minimum execution time: 40_979_000 picoseconds.
		Weight::from_parts(44_590_000, 6220)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(4_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OldestEpoch` (r:1 w:1)
	/// Proof: `Rewards::OldestEpoch` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:1 w:0)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	fn prune_epoch() -> Weight {
		// Minimum execution time: 21_132_000 picoseconds.
		Weight::from_parts(22_676_000, 3917)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	// By hand, after `accrue`, which it is but for two removals; to be regenerated by `scripts/bench weights`.
	fn accrue_data(n: u32) -> Weight {
		Weight::from_parts(70_000_000, 6844)
			.saturating_add(Weight::from_parts(40_000_000, 5230).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(5_u64))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(n.into())))
	}
	// By hand, after `prune_claim`, which does more; to be regenerated by `scripts/bench weights`.
	fn lapse_data() -> Weight {
		Weight::from_parts(25_000_000, 3541)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	// By hand, after `prune_epoch`, which does more; to be regenerated by `scripts/bench weights`.
	fn lapse_data_epoch() -> Weight {
		Weight::from_parts(15_000_000, 3541)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	// By hand, after `claim_carried`, which does more; to be regenerated by `scripts/bench weights`.
	fn grant() -> Weight {
		Weight::from_parts(20_000_000, 3529)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
}

/// For tests.
impl WeightInfo for () {
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:1 w:1)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Carried` (r:1 w:1)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:1 w:1)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	fn claim() -> Weight {
		// Minimum execution time: 84_825_000 picoseconds.
		Weight::from_parts(90_981_000, 3917)
			.saturating_add(RocksDbWeight::get().reads(7_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// Storage: `Rewards::Carried` (r:1 w:1)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	fn claim_carried() -> Weight {
		// Minimum execution time: 36_316_000 picoseconds.
		Weight::from_parts(38_236_000, 3529)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Rewards::Parameters` (r:0 w:1)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_205_000 picoseconds.
		Weight::from_parts(5_785_000, 0).saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:128 w:128)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:64 w:64)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:2 w:2)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Carried` (r:64 w:64)
	/// Proof: `Rewards::Carried` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn accrue(n: u32) -> Weight {
		// Minimum execution time: 63_223_000 picoseconds.
		Weight::from_parts(33_348_598, 6844)
			// Standard Error: 242_387
			.saturating_add(Weight::from_parts(39_765_827, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
			.saturating_add(RocksDbWeight::get().writes((4_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 5230).saturating_mul(n.into()))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:1)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	fn roll_epoch() -> Weight {
		// Minimum execution time: 16_076_000 picoseconds.
		Weight::from_parts(17_351_000, 3917)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	fn epoch_continues() -> Weight {
		// Minimum execution time: 3_710_000 picoseconds.
		Weight::from_parts(4_125_000, 1493).saturating_add(RocksDbWeight::get().reads(1_u64))
	}
	/// Storage: `Rewards::Claims` (r:2 w:1)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:1 w:1)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	fn prune_claim() -> Weight {
		// Minimum execution time: 40_979_000 picoseconds.
		Weight::from_parts(44_590_000, 6220)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(4_u64))
	}
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:0)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OldestEpoch` (r:1 w:1)
	/// Proof: `Rewards::OldestEpoch` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:1 w:0)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:1 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	fn prune_epoch() -> Weight {
		// Minimum execution time: 21_132_000 picoseconds.
		Weight::from_parts(22_676_000, 3917)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	// By hand, after `accrue`, which it is but for two removals; to be regenerated by `scripts/bench weights`.
	fn accrue_data(n: u32) -> Weight {
		Weight::from_parts(70_000_000, 6844)
			.saturating_add(Weight::from_parts(40_000_000, 5230).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
			.saturating_add(RocksDbWeight::get().writes((4_u64).saturating_mul(n.into())))
	}
	// By hand, after `prune_claim`, which does more; to be regenerated by `scripts/bench weights`.
	fn lapse_data() -> Weight {
		Weight::from_parts(25_000_000, 3541)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	// By hand, after `prune_epoch`, which does more; to be regenerated by `scripts/bench weights`.
	fn lapse_data_epoch() -> Weight {
		Weight::from_parts(15_000_000, 3541)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	// By hand, after `claim_carried`, which does more; to be regenerated by `scripts/bench weights`.
	fn grant() -> Weight {
		Weight::from_parts(20_000_000, 3529)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
}
