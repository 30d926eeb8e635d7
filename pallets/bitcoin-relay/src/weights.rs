//! Weights of `pallet_bitcoin_relay`. NOT MEASURED: put together by hand from the reads and writes, and from what a
//! double hash and 256-bit divisions take. To be replaced by `scripts/bench weights`.

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
	fn submit_header() -> Weight;
	fn authorize_submit_header() -> Weight;
	fn submit_headers(n: u32, d: u32) -> Weight;
}

/// For a runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn submit_header() -> Weight {
		Self::submit_headers(1, 0)
	}
	/// The header, its parent, network, clock, tip, and how many were free.
	fn authorize_submit_header() -> Weight {
		Weight::from_parts(60_000_000, 3_600).saturating_add(T::DbWeight::get().reads(6_u64))
	}
	/// Of a header: itself, its parent, network, clock, tip, its height's list, the oldest height and its list; written
	/// itself, tip, list, oldest height and its list. Of a block that changes places: its header, and its height's list.
	fn submit_headers(n: u32, d: u32) -> Weight {
		Weight::from_parts(20_000_000, 3_600)
			.saturating_add(Weight::from_parts(80_000_000, 12_000).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(15_000_000, 6_000).saturating_mul(d.into()))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(d.into())))
			.saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(d.into())))
	}
}

/// For tests.
impl WeightInfo for () {
	fn submit_header() -> Weight {
		Self::submit_headers(1, 0)
	}
	fn authorize_submit_header() -> Weight {
		Weight::from_parts(60_000_000, 3_600).saturating_add(RocksDbWeight::get().reads(6_u64))
	}
	fn submit_headers(n: u32, d: u32) -> Weight {
		Weight::from_parts(20_000_000, 3_600)
			.saturating_add(Weight::from_parts(80_000_000, 12_000).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(15_000_000, 6_000).saturating_mul(d.into()))
			.saturating_add(RocksDbWeight::get().reads((8_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().reads((2_u64).saturating_mul(d.into())))
			.saturating_add(RocksDbWeight::get().writes((6_u64).saturating_mul(n.into())))
			.saturating_add(RocksDbWeight::get().writes((1_u64).saturating_mul(d.into())))
	}
}
