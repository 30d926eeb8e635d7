//! Weights of `pallet_proof_of_learning`, measured by frame-omni-bencher 64.0.0 on 2026-11-21.
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
	fn open_training(d: u32) -> Weight;
	fn submit(b: u32) -> Weight;
	fn commit() -> Weight;
	fn reveal() -> Weight;
	fn force_set_parameters() -> Weight;
	fn serve_slot() -> Weight;
	fn postpone_draw() -> Weight;
	fn draw() -> Weight;
	fn open_reveal() -> Weight;
	fn open_contest() -> Weight;
	fn restart() -> Weight;
	fn accept(b: u32) -> Weight;
	fn reject(b: u32) -> Weight;
	fn forfeit(b: u32) -> Weight;
	fn conclude_without_verdict(b: u32) -> Weight;
	fn prune_round() -> Weight;
	fn draw_lots() -> Weight;
	fn open_commit() -> Weight;
	fn void_lot() -> Weight;
	fn admit() -> Weight;
	fn remove_absent() -> Weight;
	fn replace_absent() -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:0 w:1)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// The range of component `d` is `[1, 16]`.
	fn open_training(d: u32) -> Weight {
		// Minimum execution time: 58_408_000 picoseconds.
		Weight::from_parts(73_956_964, 3753)
			// Standard Error: 125_333
			.saturating_add(Weight::from_parts(204_168, 0).saturating_mul(d.into()))
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:0)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::NextRoundId` (r:1 w:1)
	/// Proof: `ProofOfLearning::NextRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:576 w:576)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Children` (r:0 w:512)
	/// Proof: `ExpertDag::Children` (`max_values`: None, `max_size`: Some(76), added: 2551, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn submit(b: u32) -> Weight {
		// Minimum execution time: 316_289_000 picoseconds.
		Weight::from_parts(318_462_462, 4139)
			// Standard Error: 303_624
			.saturating_add(Weight::from_parts(89_115_458, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().reads((9_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(8_u64))
			.saturating_add(T::DbWeight::get().writes((17_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 26928).saturating_mul(b.into()))
	}
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn commit() -> Weight {
		// Minimum execution time: 82_647_000 picoseconds.
		Weight::from_parts(102_953_000, 12145)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn reveal() -> Weight {
		// Minimum execution time: 114_978_000 picoseconds.
		Weight::from_parts(139_068_000, 12145)
			.saturating_add(T::DbWeight::get().reads(1_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::Parameters` (r:0 w:1)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_431_000 picoseconds.
		Weight::from_parts(6_184_000, 0).saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::IncompleteSince` (r:1 w:1)
	/// Proof: `ProofOfLearning::IncompleteSince` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	fn serve_slot() -> Weight {
		// Minimum execution time: 7_560_000 picoseconds.
		Weight::from_parts(8_213_000, 3991)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
	/// Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:0)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn postpone_draw() -> Weight {
		// Minimum execution time: 906_285_000 picoseconds.
		Weight::from_parts(992_394_000, 192478)
			.saturating_add(T::DbWeight::get().reads(113_u64))
			.saturating_add(T::DbWeight::get().writes(23_u64))
	}
	/// Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
	/// Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:0)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn draw() -> Weight {
		// Minimum execution time: 827_878_000 picoseconds.
		Weight::from_parts(926_115_000, 192478)
			.saturating_add(T::DbWeight::get().reads(113_u64))
			.saturating_add(T::DbWeight::get().writes(23_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn open_reveal() -> Weight {
		// Minimum execution time: 65_744_000 picoseconds.
		Weight::from_parts(83_930_000, 3991)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Not measured yet: what a restart takes, which blames and releases the whole committee. To be
	/// measured by `scripts/bench weights`.
	fn open_contest() -> Weight {
		Self::restart()
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:21 w:21)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:21 w:21)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn restart() -> Weight {
		// Minimum execution time: 1_584_340_000 picoseconds.
		Weight::from_parts(1_670_421_000, 214014)
			.saturating_add(T::DbWeight::get().reads(171_u64))
			.saturating_add(T::DbWeight::get().writes(86_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:11 w:11)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:11 w:11)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:384 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:1)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:13 w:13)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:13 w:13)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:0 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn accept(b: u32) -> Weight {
		// Minimum execution time: 1_910_329_000 picoseconds.
		Weight::from_parts(2_217_660_006, 214014)
			// Standard Error: 26_699_177
			.saturating_add(Weight::from_parts(220_590_356, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(189_u64))
			.saturating_add(T::DbWeight::get().reads((15_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(107_u64))
			.saturating_add(T::DbWeight::get().writes((12_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 21221).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:11 w:11)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn reject(b: u32) -> Weight {
		// Minimum execution time: 1_783_466_000 picoseconds.
		Weight::from_parts(3_058_415_523, 214014)
			// Standard Error: 12_449_904
			.saturating_add(Weight::from_parts(20_975_442, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(162_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(78_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:8 w:8)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn forfeit(b: u32) -> Weight {
		// Minimum execution time: 1_839_523_000 picoseconds.
		Weight::from_parts(2_334_197_846, 214014)
			// Standard Error: 10_510_116
			.saturating_add(Weight::from_parts(27_883_892, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(159_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(75_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:22 w:22)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn conclude_without_verdict(b: u32) -> Weight {
		// Minimum execution time: 1_652_400_000 picoseconds.
		Weight::from_parts(1_897_877_400, 214014)
			// Standard Error: 9_047_214
			.saturating_add(Weight::from_parts(22_501_263, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(174_u64))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(89_u64))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ProofOfLearning::FirstRoundId` (r:1 w:1)
	/// Proof: `ProofOfLearning::FirstRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::NextRoundId` (r:1 w:0)
	/// Proof: `ProofOfLearning::NextRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn prune_round() -> Weight {
		// Minimum execution time: 47_065_000 picoseconds.
		Weight::from_parts(57_608_000, 12145)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Not measured: one read and write of the model's reserve, some twelve kilobytes, and of each lot. To be
	/// regenerated by `scripts/bench weights`.
	fn draw_lots() -> Weight {
		Weight::from_parts(180_000_000, 45_000)
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	/// Not measured: as `open_reveal`, with a longer event. To be regenerated by `scripts/bench weights`.
	fn open_commit() -> Weight {
		Weight::from_parts(110_000_000, 6_754)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Not measured: a lot, its root, the reserve's count, and one slash of what is held. To be regenerated by
	/// `scripts/bench weights`.
	fn void_lot() -> Weight {
		Weight::from_parts(160_000_000, 6_196)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// Not measured yet: both lists of 256 rounds are read and written, and two rounds and their slots of the
	/// agenda. To be regenerated by `scripts/bench weights`.
	fn admit() -> Weight {
		Weight::from_parts(400_000_000, 60000)
			.saturating_add(T::DbWeight::get().reads(10_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	/// Not measured yet: what a restart takes, which blames and releases the whole committee. To be
	/// regenerated by `scripts/bench weights`.
	fn remove_absent() -> Weight {
		Self::restart()
	}
	/// Not measured yet: what a draw of the whole committee takes. To be regenerated by `scripts/bench weights`.
	fn replace_absent() -> Weight {
		Self::draw()
	}
}

/// For tests.
impl WeightInfo for () {
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:0 w:1)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// The range of component `d` is `[1, 16]`.
	fn open_training(d: u32) -> Weight {
		// Minimum execution time: 58_408_000 picoseconds.
		Weight::from_parts(73_956_964, 3753)
			// Standard Error: 125_333
			.saturating_add(Weight::from_parts(204_168, 0).saturating_mul(d.into()))
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `Workers::Workers` (r:1 w:0)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::NextRoundId` (r:1 w:1)
	/// Proof: `ProofOfLearning::NextRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:1 w:1)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:576 w:576)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::BlockCount` (r:1 w:1)
	/// Proof: `ExpertDag::BlockCount` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Children` (r:0 w:512)
	/// Proof: `ExpertDag::Children` (`max_values`: None, `max_size`: Some(76), added: 2551, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn submit(b: u32) -> Weight {
		// Minimum execution time: 316_289_000 picoseconds.
		Weight::from_parts(318_462_462, 4139)
			// Standard Error: 303_624
			.saturating_add(Weight::from_parts(89_115_458, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().reads((9_u64).saturating_mul(b.into())))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
			.saturating_add(RocksDbWeight::get().writes((17_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 26928).saturating_mul(b.into()))
	}
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn commit() -> Weight {
		// Minimum execution time: 82_647_000 picoseconds.
		Weight::from_parts(102_953_000, 12145)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn reveal() -> Weight {
		// Minimum execution time: 114_978_000 picoseconds.
		Weight::from_parts(139_068_000, 12145)
			.saturating_add(RocksDbWeight::get().reads(1_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::Parameters` (r:0 w:1)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	fn force_set_parameters() -> Weight {
		// Minimum execution time: 5_431_000 picoseconds.
		Weight::from_parts(6_184_000, 0).saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// Storage: `ProofOfLearning::IncompleteSince` (r:1 w:1)
	/// Proof: `ProofOfLearning::IncompleteSince` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	fn serve_slot() -> Weight {
		// Minimum execution time: 7_560_000 picoseconds.
		Weight::from_parts(8_213_000, 3991)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
	/// Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:0)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn postpone_draw() -> Weight {
		// Minimum execution time: 906_285_000 picoseconds.
		Weight::from_parts(992_394_000, 192478)
			.saturating_add(RocksDbWeight::get().reads(113_u64))
			.saturating_add(RocksDbWeight::get().writes(23_u64))
	}
	/// Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
	/// Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Pools` (r:1 w:0)
	/// Proof: `ProofOfLearning::Pools` (`max_values`: None, `max_size`: Some(674), added: 3149, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:0)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatCount` (r:1 w:0)
	/// Proof: `Workers::SeatCount` (`max_values`: None, `max_size`: Some(13), added: 2488, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:1 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:0)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn draw() -> Weight {
		// Minimum execution time: 827_878_000 picoseconds.
		Weight::from_parts(926_115_000, 192478)
			.saturating_add(RocksDbWeight::get().reads(113_u64))
			.saturating_add(RocksDbWeight::get().writes(23_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn open_reveal() -> Weight {
		// Minimum execution time: 65_744_000 picoseconds.
		Weight::from_parts(83_930_000, 3991)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Not measured yet: what a restart takes, which blames and releases the whole committee. To be
	/// measured by `scripts/bench weights`.
	fn open_contest() -> Weight {
		Self::restart()
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:21 w:21)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:21 w:21)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Agenda` (r:1 w:1)
	/// Proof: `ProofOfLearning::Agenda` (`max_values`: None, `max_size`: Some(526), added: 3001, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn restart() -> Weight {
		// Minimum execution time: 1_584_340_000 picoseconds.
		Weight::from_parts(1_670_421_000, 214014)
			.saturating_add(RocksDbWeight::get().reads(171_u64))
			.saturating_add(RocksDbWeight::get().writes(86_u64))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:1)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:11 w:11)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:11 w:11)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:384 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Heads` (r:64 w:64)
	/// Proof: `ExpertDag::Heads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::VersionTree` (r:550 w:614)
	/// Proof: `ExpertDag::VersionTree` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Parameters` (r:1 w:0)
	/// Proof: `Rewards::Parameters` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::CurrentEpoch` (r:1 w:1)
	/// Proof: `Rewards::CurrentEpoch` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::AllTime` (r:1 w:1)
	/// Proof: `Rewards::AllTime` (`max_values`: Some(1), `max_size`: Some(96), added: 591, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Claims` (r:13 w:13)
	/// Proof: `Rewards::Claims` (`max_values`: None, `max_size`: Some(140), added: 2615, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::OpenClaims` (r:13 w:13)
	/// Proof: `Rewards::OpenClaims` (`max_values`: None, `max_size`: Some(306), added: 2781, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Versions` (r:0 w:1)
	/// Proof: `ExpertDag::Versions` (`max_values`: None, `max_size`: Some(177), added: 2652, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::RetiredHeads` (r:0 w:64)
	/// Proof: `ExpertDag::RetiredHeads` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
	/// Storage: `Rewards::Epochs` (r:0 w:1)
	/// Proof: `Rewards::Epochs` (`max_values`: None, `max_size`: Some(452), added: 2927, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn accept(b: u32) -> Weight {
		// Minimum execution time: 1_910_329_000 picoseconds.
		Weight::from_parts(2_217_660_006, 214014)
			// Standard Error: 26_699_177
			.saturating_add(Weight::from_parts(220_590_356, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(189_u64))
			.saturating_add(RocksDbWeight::get().reads((15_u64).saturating_mul(b.into())))
			.saturating_add(RocksDbWeight::get().writes(107_u64))
			.saturating_add(RocksDbWeight::get().writes((12_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 21221).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:11 w:11)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn reject(b: u32) -> Weight {
		// Minimum execution time: 1_783_466_000 picoseconds.
		Weight::from_parts(3_058_415_523, 214014)
			// Standard Error: 12_449_904
			.saturating_add(Weight::from_parts(20_975_442, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(162_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(RocksDbWeight::get().writes(78_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:8 w:8)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn forfeit(b: u32) -> Weight {
		// Minimum execution time: 1_839_523_000 picoseconds.
		Weight::from_parts(2_334_197_846, 214014)
			// Standard Error: 10_510_116
			.saturating_add(Weight::from_parts(27_883_892, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(159_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(RocksDbWeight::get().writes(75_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ExpertDag::Models` (r:1 w:0)
	/// Proof: `ExpertDag::Models` (`max_values`: None, `max_size`: Some(288), added: 2763, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Workers` (r:21 w:21)
	/// Proof: `Workers::Workers` (`max_values`: None, `max_size`: Some(295), added: 2770, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:22 w:22)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(121), added: 2596, mode: `MaxEncodedLen`)
	/// Storage: `System::Account` (r:22 w:22)
	/// Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
	/// Storage: `Workers::SeatOf` (r:84 w:0)
	/// Proof: `Workers::SeatOf` (`max_values`: None, `max_size`: Some(61), added: 2536, mode: `MaxEncodedLen`)
	/// Storage: `Workers::Seats` (r:21 w:21)
	/// Proof: `Workers::Seats` (`max_values`: None, `max_size`: Some(85), added: 2560, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Parameters` (r:1 w:0)
	/// Proof: `ProofOfLearning::Parameters` (`max_values`: Some(1), `max_size`: Some(76), added: 571, mode: `MaxEncodedLen`)
	/// Storage: `ExpertDag::Blocks` (r:64 w:64)
	/// Proof: `ExpertDag::Blocks` (`max_values`: None, `max_size`: Some(517), added: 2992, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundCount` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundCount` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::OpenRoundsOf` (r:1 w:1)
	/// Proof: `ProofOfLearning::OpenRoundsOf` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:0 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	/// The range of component `b` is `[1, 64]`.
	fn conclude_without_verdict(b: u32) -> Weight {
		// Minimum execution time: 1_652_400_000 picoseconds.
		Weight::from_parts(1_897_877_400, 214014)
			// Standard Error: 9_047_214
			.saturating_add(Weight::from_parts(22_501_263, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(174_u64))
			.saturating_add(RocksDbWeight::get().reads((1_u64).saturating_mul(b.into())))
			.saturating_add(RocksDbWeight::get().writes(89_u64))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(b.into())))
			.saturating_add(Weight::from_parts(0, 2992).saturating_mul(b.into()))
	}
	/// Storage: `ProofOfLearning::FirstRoundId` (r:1 w:1)
	/// Proof: `ProofOfLearning::FirstRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::NextRoundId` (r:1 w:0)
	/// Proof: `ProofOfLearning::NextRoundId` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
	/// Storage: `ProofOfLearning::Rounds` (r:1 w:1)
	/// Proof: `ProofOfLearning::Rounds` (`max_values`: None, `max_size`: Some(8680), added: 11155, mode: `MaxEncodedLen`)
	fn prune_round() -> Weight {
		// Minimum execution time: 47_065_000 picoseconds.
		Weight::from_parts(57_608_000, 12145)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Not measured: one read and write of the model's reserve, some twelve kilobytes, and of each lot. To be
	/// regenerated by `scripts/bench weights`.
	fn draw_lots() -> Weight {
		Weight::from_parts(180_000_000, 45_000)
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	/// Not measured: as `open_reveal`, with a longer event. To be regenerated by `scripts/bench weights`.
	fn open_commit() -> Weight {
		Weight::from_parts(110_000_000, 6_754)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Not measured: a lot, its root, the reserve's count, and one slash of what is held. To be regenerated by
	/// `scripts/bench weights`.
	fn void_lot() -> Weight {
		Weight::from_parts(160_000_000, 6_196)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	/// Not measured yet: both lists of 256 rounds are read and written, and two rounds and their slots of the
	/// agenda. To be regenerated by `scripts/bench weights`.
	fn admit() -> Weight {
		Weight::from_parts(400_000_000, 60000)
			.saturating_add(RocksDbWeight::get().reads(10_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	/// Not measured yet: what a restart takes, which blames and releases the whole committee. To be
	/// regenerated by `scripts/bench weights`.
	fn remove_absent() -> Weight {
		Self::restart()
	}
	/// Not measured yet: what a draw of the whole committee takes. To be regenerated by `scripts/bench weights`.
	fn replace_absent() -> Weight {
		Self::draw()
	}
}
