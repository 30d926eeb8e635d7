//! Weights of `pallet_disputes`. NOT MEASURED: put together by hand from measured calls of `proof-of-learning` that do
//! the like with as many accounts. To be replaced by `scripts/bench weights`.

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
	fn contest() -> Weight;
	fn open(n: u32) -> Weight;
	fn commit() -> Weight;
	fn reveal() -> Weight;
	fn force_set_parameters() -> Weight;
	fn serve_list() -> Weight;
	fn draw() -> Weight;
	fn open_reveal() -> Weight;
	fn restart() -> Weight;
	fn conclude() -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// `ProofOfLearning::Rounds` (r:1 w:1), this pallet's list, parameters, number and record, one worker, one hold.
	fn contest() -> Weight {
		Weight::from_parts(260_000_000, 23_000)
			.saturating_add(T::DbWeight::get().reads(8_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Three hashes a shard: its lot, its leaf, a node.
	fn open(n: u32) -> Weight {
		Weight::from_parts(150_000_000, 23_000)
			.saturating_add(Weight::from_parts(4_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::commit`, and the list.
	fn commit() -> Weight {
		Weight::from_parts(110_000_000, 12_145)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::reveal`, and the list.
	fn reveal() -> Weight {
		Weight::from_parts(140_000_000, 12_145)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::force_set_parameters`.
	fn force_set_parameters() -> Weight {
		Weight::from_parts(6_200_000, 0).saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The list.
	fn serve_list() -> Weight {
		Weight::from_parts(12_000_000, 9_000).saturating_add(T::DbWeight::get().reads(1_u64))
	}
	/// As `ProofOfLearning::draw`, and the round.
	fn draw() -> Weight {
		Weight::from_parts(1_000_000_000, 215_000)
			.saturating_add(T::DbWeight::get().reads(118_u64))
			.saturating_add(T::DbWeight::get().writes(25_u64))
	}
	/// As `ProofOfLearning::open_reveal`, and the round.
	fn open_reveal() -> Weight {
		Weight::from_parts(90_000_000, 23_000)
			.saturating_add(T::DbWeight::get().reads(4_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::restart`, and the round.
	fn restart() -> Weight {
		Weight::from_parts(1_750_000_000, 237_000)
			.saturating_add(T::DbWeight::get().reads(175_u64))
			.saturating_add(T::DbWeight::get().writes(90_u64))
	}
	/// As `ProofOfLearning::reject`, with the slash or the bond of the loser, and the round.
	fn conclude() -> Weight {
		Weight::from_parts(3_400_000_000, 260_000)
			.saturating_add(T::DbWeight::get().reads(230_u64))
			.saturating_add(T::DbWeight::get().writes(150_u64))
	}
}

/// For tests.
impl WeightInfo for () {
	/// `ProofOfLearning::Rounds` (r:1 w:1), this pallet's list, parameters, number and record, one worker, one hold.
	fn contest() -> Weight {
		Weight::from_parts(260_000_000, 23_000)
			.saturating_add(RocksDbWeight::get().reads(8_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	/// Three hashes a shard: its lot, its leaf, a node.
	fn open(n: u32) -> Weight {
		Weight::from_parts(150_000_000, 23_000)
			.saturating_add(Weight::from_parts(4_000_000, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::commit`, and the list.
	fn commit() -> Weight {
		Weight::from_parts(110_000_000, 12_145)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::reveal`, and the list.
	fn reveal() -> Weight {
		Weight::from_parts(140_000_000, 12_145)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::force_set_parameters`.
	fn force_set_parameters() -> Weight {
		Weight::from_parts(6_200_000, 0).saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	/// The list.
	fn serve_list() -> Weight {
		Weight::from_parts(12_000_000, 9_000).saturating_add(RocksDbWeight::get().reads(1_u64))
	}
	/// As `ProofOfLearning::draw`, and the round.
	fn draw() -> Weight {
		Weight::from_parts(1_000_000_000, 215_000)
			.saturating_add(RocksDbWeight::get().reads(118_u64))
			.saturating_add(RocksDbWeight::get().writes(25_u64))
	}
	/// As `ProofOfLearning::open_reveal`, and the round.
	fn open_reveal() -> Weight {
		Weight::from_parts(90_000_000, 23_000)
			.saturating_add(RocksDbWeight::get().reads(4_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// As `ProofOfLearning::restart`, and the round.
	fn restart() -> Weight {
		Weight::from_parts(1_750_000_000, 237_000)
			.saturating_add(RocksDbWeight::get().reads(175_u64))
			.saturating_add(RocksDbWeight::get().writes(90_u64))
	}
	/// As `ProofOfLearning::reject`, with the slash or the bond of the loser, and the round.
	fn conclude() -> Weight {
		Weight::from_parts(3_400_000_000, 260_000)
			.saturating_add(RocksDbWeight::get().reads(230_u64))
			.saturating_add(RocksDbWeight::get().writes(150_u64))
	}
}
