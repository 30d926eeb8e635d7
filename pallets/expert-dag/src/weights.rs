//! Weights of `pallet_expert_dag`, measured by frame-omni-bencher 64.0.0 on 2026-11-21.
//!
//! Processor: `Intel(R) Xeon(R) Processor`. Steps: 10, repeats: 5. Made by
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
	fn register_model() -> Weight;
	fn add_genesis_blocks(n: u32) -> Weight;
	fn insert(n: u32) -> Weight;
	fn accept(n: u32) -> Weight;
	fn reject(n: u32) -> Weight;
	fn propose_migration() -> Weight;
	fn withdraw_migration() -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `ExpertDag::NextModelId` (r:1 w:1)
	/// Proof: `ExpertDag::NextModelId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:0 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	fn register_model() -> Weight {
		// Minimum execution time: 47_719_000 picoseconds.
		Weight::from_parts(50_713_000, 3586)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:0 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn add_genesis_blocks(n: u32) -> Weight {
		// Minimum execution time: 223_149_000 picoseconds.
		Weight::from_parts(253_610_271, 19726)
			// Standard Error: 134_726
			.saturating_add(Weight::from_parts(67_287_745, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().reads((9_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(10_u64))
			.saturating_add(T::DbWeight::get().writes((12_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 21346).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:576 w:576)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:0)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Children` (r:0 w:512)
	/// Proof: `ExpertDag::Children` (`max_values`: None, `max_size`: Some(76), added: 2551, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn insert(n: u32) -> Weight {
		// Minimum execution time: 189_791_000 picoseconds.
		Weight::from_parts(177_142_870, 3753)
			// Standard Error: 322_059
			.saturating_add(Weight::from_parts(91_721_347, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().reads((10_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(1_u64))
			.saturating_add(T::DbWeight::get().writes((17_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 26928).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:192 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn accept(n: u32) -> Weight {
		// Minimum execution time: 285_117_000 picoseconds.
		Weight::from_parts(316_528_995, 24545)
			// Standard Error: 534_405
			.saturating_add(Weight::from_parts(94_419_625, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(10_u64))
			.saturating_add(T::DbWeight::get().reads((12_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(11_u64))
			.saturating_add(T::DbWeight::get().writes((12_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 21221).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn reject(n: u32) -> Weight {
		// Minimum execution time: 47_780_000 picoseconds.
		Weight::from_parts(58_555_383, 990)
			// Standard Error: 59_360
			.saturating_add(Weight::from_parts(9_879_075, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::PendingMigrations` (r:1 w:1)
	/// Proof: `ExpertDag::PendingMigrations` (`max_values`: None, `max_size`: Some(33), added: 2508, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn propose_migration() -> Weight {
		// Minimum execution time: 84_760_000 picoseconds.
		Weight::from_parts(92_213_000, 3753)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::PendingMigrations` (r:1 w:1)
	/// Proof: `ExpertDag::PendingMigrations` (`max_values`: None, `max_size`: Some(33), added: 2508, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn withdraw_migration() -> Weight {
		// Minimum execution time: 71_525_000 picoseconds.
		Weight::from_parts(79_212_000, 3753)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
}

/// For tests.
impl WeightInfo for () {
	/// Storage: `ExpertDag::NextModelId` (r:1 w:1)
	/// Proof: `ExpertDag::NextModelId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:0 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	fn register_model() -> Weight {
		// Minimum execution time: 47_719_000 picoseconds.
		Weight::from_parts(50_713_000, 3586)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:0 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn add_genesis_blocks(n: u32) -> Weight {
		// Minimum execution time: 223_149_000 picoseconds.
		Weight::from_parts(253_610_271, 19726)
			// Standard Error: 134_726
			.saturating_add(Weight::from_parts(67_287_745, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().reads((9_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(10_u64))
			.saturating_add(RocksDbWeight::get().writes((12_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 21346).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:576 w:576)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:0)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Children` (r:0 w:512)
	/// Proof: `ExpertDag::Children` (`max_values`: None, `max_size`: Some(76), added: 2551, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn insert(n: u32) -> Weight {
		// Minimum execution time: 189_791_000 picoseconds.
		Weight::from_parts(177_142_870, 3753)
			// Standard Error: 322_059
			.saturating_add(Weight::from_parts(91_721_347, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().reads((10_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
			.saturating_add(RocksDbWeight::get().writes((17_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 26928).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:192 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn accept(n: u32) -> Weight {
		// Minimum execution time: 285_117_000 picoseconds.
		Weight::from_parts(316_528_995, 24545)
			// Standard Error: 534_405
			.saturating_add(Weight::from_parts(94_419_625, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(10_u64))
			.saturating_add(RocksDbWeight::get().reads((12_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes(11_u64))
			.saturating_add(RocksDbWeight::get().writes((12_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 21221).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 64]`.
	fn reject(n: u32) -> Weight {
		// Minimum execution time: 47_780_000 picoseconds.
		Weight::from_parts(58_555_383, 990)
			// Standard Error: 59_360
			.saturating_add(Weight::from_parts(9_879_075, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(n.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::PendingMigrations` (r:1 w:1)
	/// Proof: `ExpertDag::PendingMigrations` (`max_values`: None, `max_size`: Some(33), added: 2508, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn propose_migration() -> Weight {
		// Minimum execution time: 84_760_000 picoseconds.
		Weight::from_parts(92_213_000, 3753)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::PendingMigrations` (r:1 w:1)
	/// Proof: `ExpertDag::PendingMigrations` (`max_values`: None, `max_size`: Some(33), added: 2508, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	fn withdraw_migration() -> Weight {
		// Minimum execution time: 71_525_000 picoseconds.
		Weight::from_parts(79_212_000, 3753)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
}
