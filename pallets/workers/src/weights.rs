//! Weights of `pallet_workers`, measured by frame-omni-bencher 64.0.0 on 2026-11-21.
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
	fn register() -> Weight;
	fn update_endpoint() -> Weight;
	fn bond_extra() -> Weight;
	fn unregister() -> Weight;
	fn withdraw() -> Weight;
	fn force_set_parameters() -> Weight;
	fn draw(k: u32) -> Weight;
	fn release() -> Weight;
	fn note_honest_work() -> Weight;
	fn note_fault() -> Weight;
	fn declare_associates() -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::MachineOf` (r:1 w:1)
	/// Proof: `Workers::MachineOf` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Parameters` (r:1 w:0)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	/// Storage: `Workers::CounterForWorkers` (r:1 w:1)
	/// Proof: `Workers::CounterForWorkers` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:4)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:4 w:4)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:64 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn register() -> Weight {
		// Minimum execution time: 337_557_000 picoseconds.
		Weight::from_parts(357_501_000, 164830)
			.saturating_add(T::DbWeight::get().reads(77_u64))
			.saturating_add(T::DbWeight::get().writes(80_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	fn update_endpoint() -> Weight {
		// Minimum execution time: 16_120_000 picoseconds.
		Weight::from_parts(17_716_000, 3760)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn bond_extra() -> Weight {
		// Minimum execution time: 329_453_000 picoseconds.
		Weight::from_parts(345_878_000, 175070)
			.saturating_add(T::DbWeight::get().reads(75_u64))
			.saturating_add(T::DbWeight::get().writes(71_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Parameters` (r:1 w:0)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:8)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:4 w:4)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:72 w:72)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn unregister() -> Weight {
		// Minimum execution time: 340_290_000 picoseconds.
		Weight::from_parts(357_823_000, 185310)
			.saturating_add(T::DbWeight::get().reads(82_u64))
			.saturating_add(T::DbWeight::get().writes(85_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::CounterForWorkers` (r:1 w:1)
	/// Proof: `Workers::CounterForWorkers` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Workers::MachineOf` (r:0 w:1)
	/// Proof: `Workers::MachineOf` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	fn withdraw() -> Weight {
		// Minimum execution time: 51_931_000 picoseconds.
		Weight::from_parts(56_107_000, 3760)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Storage: `Workers::Parameters` (r:0 w:1)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_193_000 picoseconds.
		Weight::from_parts(5_822_000, 0).saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:84 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:32 w:32)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// The range of component `k` is `[1, 32]`.
	fn draw(k: u32) -> Weight {
		// Minimum execution time: 125_513_000 picoseconds.
		Weight::from_parts(120_074_126, 69361)
			// Standard Error: 50_025
			.saturating_add(Weight::from_parts(24_543_617, 0).saturating_mul(k.into()))
			.saturating_add(T::DbWeight::get().reads(29_u64))
			.saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(k.into())))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(k.into())))
			.saturating_add(Weight::from_parts(0, 4712).saturating_mul(k.into()))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	fn release() -> Weight {
		// Minimum execution time: 9_727_000 picoseconds.
		Weight::from_parts(10_529_000, 3760)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn note_honest_work() -> Weight {
		// Minimum execution time: 264_966_000 picoseconds.
		Weight::from_parts(276_552_000, 175070)
			.saturating_add(T::DbWeight::get().reads(73_u64))
			.saturating_add(T::DbWeight::get().writes(69_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn note_fault() -> Weight {
		// Minimum execution time: 288_830_000 picoseconds.
		Weight::from_parts(301_393_000, 175070)
			.saturating_add(T::DbWeight::get().reads(75_u64))
			.saturating_add(T::DbWeight::get().writes(71_u64))
	}
	/// Not measured yet: 16 lists of associates, and seat and weight of each in two roles. To be regenerated by
	/// `scripts/bench weights`.
	fn declare_associates() -> Weight {
		Weight::from_parts(150_000_000, 60000)
			.saturating_add(T::DbWeight::get().reads(83_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

/// For tests.
impl WeightInfo for () {
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::MachineOf` (r:1 w:1)
	/// Proof: `Workers::MachineOf` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Parameters` (r:1 w:0)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	/// Storage: `Workers::CounterForWorkers` (r:1 w:1)
	/// Proof: `Workers::CounterForWorkers` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:4)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:4 w:4)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:64 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn register() -> Weight {
		// Minimum execution time: 337_557_000 picoseconds.
		Weight::from_parts(357_501_000, 164830)
			.saturating_add(RocksDbWeight::get().reads(77_u64))
			.saturating_add(RocksDbWeight::get().writes(80_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	fn update_endpoint() -> Weight {
		// Minimum execution time: 16_120_000 picoseconds.
		Weight::from_parts(17_716_000, 3760)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn bond_extra() -> Weight {
		// Minimum execution time: 329_453_000 picoseconds.
		Weight::from_parts(345_878_000, 175070)
			.saturating_add(RocksDbWeight::get().reads(75_u64))
			.saturating_add(RocksDbWeight::get().writes(71_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Parameters` (r:1 w:0)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:8)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:4 w:4)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:72 w:72)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn unregister() -> Weight {
		// Minimum execution time: 340_290_000 picoseconds.
		Weight::from_parts(357_823_000, 185310)
			.saturating_add(RocksDbWeight::get().reads(82_u64))
			.saturating_add(RocksDbWeight::get().writes(85_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `Workers::CounterForWorkers` (r:1 w:1)
	/// Proof: `Workers::CounterForWorkers` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Workers::MachineOf` (r:0 w:1)
	/// Proof: `Workers::MachineOf` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
	fn withdraw() -> Weight {
		// Minimum execution time: 51_931_000 picoseconds.
		Weight::from_parts(56_107_000, 3760)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// Storage: `Workers::Parameters` (r:0 w:1)
	/// Proof: `Workers::Parameters` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_193_000 picoseconds.
		Weight::from_parts(5_822_000, 0).saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:84 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:32 w:32)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// The range of component `k` is `[1, 32]`.
	fn draw(k: u32) -> Weight {
		// Minimum execution time: 125_513_000 picoseconds.
		Weight::from_parts(120_074_126, 69361)
			// Standard Error: 50_025
			.saturating_add(Weight::from_parts(24_543_617, 0).saturating_mul(k.into()))
			.saturating_add(RocksDbWeight::get().reads(29_u64))
			.saturating_add(RocksDbWeight::get().reads((3_u64).saturating_mul(k.into())))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(k.into())))
			.saturating_add(Weight::from_parts(0, 4712).saturating_mul(k.into()))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	fn release() -> Weight {
		// Minimum execution time: 9_727_000 picoseconds.
		Weight::from_parts(10_529_000, 3760)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn note_honest_work() -> Weight {
		// Minimum execution time: 264_966_000 picoseconds.
		Weight::from_parts(276_552_000, 175070)
			.saturating_add(RocksDbWeight::get().reads(73_u64))
			.saturating_add(RocksDbWeight::get().writes(69_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:1)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:4 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:68 w:68)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	fn note_fault() -> Weight {
		// Minimum execution time: 288_830_000 picoseconds.
		Weight::from_parts(301_393_000, 175070)
			.saturating_add(RocksDbWeight::get().reads(75_u64))
			.saturating_add(RocksDbWeight::get().writes(71_u64))
	}
	/// Not measured yet: 16 lists of associates, and seat and weight of each in two roles. To be regenerated by
	/// `scripts/bench weights`.
	fn declare_associates() -> Weight {
		Weight::from_parts(150_000_000, 60000)
			.saturating_add(RocksDbWeight::get().reads(83_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
