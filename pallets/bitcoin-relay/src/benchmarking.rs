//! Benchmarks: headers on a network that is easy to mine on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use crate::{
	BenchmarkHelper as _, Call, Checkpoint, Config, FollowedNetwork, Headers, Pallet, StoredHeader, Tip,
};
use alloc::vec::Vec;
use blyan_bitcoin::{target::expand, BitcoinHash, Network, RawHeader};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		dispatch::RawOrigin,
		traits::{Authorize, Get},
		BoundedVec,
	},
	frame_system,
	sp_core::U256,
	sp_runtime::transaction_validity::TransactionSource,
};

/// Begins anew at regtest's first block, with as many heights as are ever kept.
fn start<T: Config>() -> BitcoinHash {
	T::BenchmarkHelper::set_clock(TIME);
	let (hash, header) = Checkpoint::default().check().unwrap();
	let _ = Headers::<T>::clear(u32::MAX, None);
	let _ = crate::AtHeight::<T>::clear(u32::MAX, None);
	FollowedNetwork::<T>::put(Network::Regtest);
	crate::AtHeight::<T>::insert(0, BoundedVec::truncate_from(Vec::from([hash])));
	crate::BestTip::<T>::put(Tip { hash, height: 0, work: header.ancestry.work });
	crate::OldestHeight::<T>::put(0);
	Headers::<T>::insert::<_, StoredHeader>(hash, header);
	hash
}

/// A chain of that length on that block.
fn chain(parent: BitcoinHash, time: u32, count: u32, mark: u8) -> Vec<RawHeader> {
	let bits = Network::Regtest.rules().limit_bits;
	let target = expand(bits).unwrap();
	let mut parent = parent;
	(1..=count)
		.map(|n| {
			let mut raw = RawHeader([mark; 80]);
			raw.0[..4].copy_from_slice(&4u32.to_le_bytes());
			raw.0[4..36].copy_from_slice(parent.as_bytes());
			raw.0[68..72].copy_from_slice(&(time + n).to_le_bytes());
			raw.0[72..76].copy_from_slice(&bits.to_le_bytes());
			let mined = (0u32..).find(|nonce| {
				raw.0[76..].copy_from_slice(&nonce.to_le_bytes());
				U256::from_little_endian(raw.hash().as_bytes()) <= target
			});
			assert!(mined.is_some());
			parent = raw.hash();
			raw
		})
		.collect()
}

/// The time of regtest's first block.
const TIME: u32 = 1_296_688_602;

fn import<T: Config>(headers: &[RawHeader]) {
	for header in headers {
		Pallet::<T>::import(header, u32::MAX).unwrap();
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn submit_header() {
		let first = start::<T>();
		let header = chain(first, TIME, 1, 1)[0];

		#[extrinsic_call]
		_(RawOrigin::Authorized, header);

		assert_eq!(Pallet::<T>::best_tip().unwrap().hash, header.hash());
	}

	#[benchmark]
	fn authorize_submit_header() {
		let first = start::<T>();
		let call = Call::<T>::submit_header { header: chain(first, TIME, 1, 1)[0] };

		#[block]
		{
			call.authorize(TransactionSource::External).unwrap().unwrap();
		}
	}

	/// `n` headers, of which the first makes a chain the best that has `d` blocks that were not. A deeper reorganisation
	/// than what is kept is not followed.
	#[benchmark]
	fn submit_headers(n: Linear<1, 32>, d: Linear<0, { T::HeadersKept::get().saturating_sub(1).min(100) }>) {
		let first = start::<T>();
		import::<T>(&chain(first, TIME, d, 1));
		let rival = chain(first, TIME, d + n, 2);
		let (before, batch) = rival.split_at(d as usize);
		import::<T>(before);
		let caller = whitelisted_caller::<T::AccountId>();
		let batch = BoundedVec::try_from(batch.to_vec()).unwrap();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), batch, d);

		assert_eq!(Pallet::<T>::best_tip().unwrap().hash, rival.last().unwrap().hash());
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
