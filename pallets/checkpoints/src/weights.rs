//! Weights of `pallet_checkpoints`. NOT MEASURED: put together by hand from the reads and writes, after measured calls:
//! `rewards.accrue` for what is claimed, and 60 microseconds for an ed25519 signature. To be replaced by
//! `scripts/bench weights`.

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
	fn vote() -> Weight;
	fn authorize_vote() -> Weight;
	fn force_set_parameters() -> Weight;
	fn note_author() -> Weight;
	fn open_checkpoint() -> Weight;
	fn settle(n: u32) -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Reads the checkpoint, the seat, its vote, the parameters, the tally; writes vote, tally, checkpoint, certificate,
	/// and which is the newest. A wrong vote writes evidence instead of the last three.
	fn vote() -> Weight {
		Weight::from_parts(40_000_000, 3_700)
			.saturating_add(T::DbWeight::get().reads(6_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	/// The checkpoint, the seat, its vote, the parameters, the first block's hash; a signature.
	fn authorize_vote() -> Weight {
		Weight::from_parts(85_000_000, 3_700).saturating_add(T::DbWeight::get().reads(5_u64))
	}
	fn force_set_parameters() -> Weight {
		Weight::from_parts(8_000_000, 0).saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The session, the standing, the tally.
	fn note_author() -> Weight {
		Weight::from_parts(15_000_000, 3_600)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
	/// The session and its record, the newest certificate, the set, the parent's hash; written record, certificate,
	/// checkpoint.
	fn open_checkpoint() -> Weight {
		Weight::from_parts(25_000_000, 3_600)
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
	/// At least how far settlement is, the session, its checkpoint, and the parameters. For a seat all of them again, and
	/// voter, tally, standing, and in the rewards claim, list and epoch; written all of these but the parameters.
	fn settle(n: u32) -> Weight {
		Weight::from_parts(12_000_000, 3_600)
			.saturating_add(Weight::from_parts(115_000_000, 19_000).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().reads((12_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes((9_u64).saturating_mul(n.into())))
	}
}

/// For tests.
impl WeightInfo for () {
	fn vote() -> Weight {
		Weight::from_parts(40_000_000, 3_700)
			.saturating_add(RocksDbWeight::get().reads(6_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn authorize_vote() -> Weight {
		Weight::from_parts(85_000_000, 3_700).saturating_add(RocksDbWeight::get().reads(5_u64))
	}
	fn force_set_parameters() -> Weight {
		Weight::from_parts(8_000_000, 0).saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn note_author() -> Weight {
		Weight::from_parts(15_000_000, 3_600)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
	fn open_checkpoint() -> Weight {
		Weight::from_parts(25_000_000, 3_600)
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
	fn settle(n: u32) -> Weight {
		Weight::from_parts(12_000_000, 3_600)
			.saturating_add(Weight::from_parts(115_000_000, 19_000).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().reads((12_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes((9_u64).saturating_mul(n.into())))
	}
}
