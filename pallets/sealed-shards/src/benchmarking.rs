//! Benchmarks of every call, with the fullest reserve and the largest committee. What a draw and a void take is measured
//! with the rounds that do it.

// A benchmark that cannot be set up must fail.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use alloc::{vec, vec::Vec};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::ModelId,
	learning::{DomainName, Gate, ValidationPool},
	sealed::{key_hash, LotId, LotState, NewLot, SealedTerms, MAX_LOTS},
	traits::SealedRounds,
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{
		fungible::{Inspect, Mutate},
		Get,
	},
	BoundedVec,
};
use frame_system::RawOrigin;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_runtime::traits::{BlakeTwo256, Hash as _, One, Saturating, Zero},
};

const SEED: u32 = 0;
const KEY: [u8; 32] = [7; 32];

fn sealer<T: Config>(number: u32) -> T::AccountId {
	let sealer: T::AccountId = account("sealer", number, SEED);
	let each = SealedParameters::default().bond.saturating_add(T::LotDeposit::get());
	T::Currency::set_balance(&sealer, each.max(T::Currency::minimum_balance()).saturating_mul(1_000));
	sealer
}

fn new_lot(number: u64, shards: u32, shard_bytes: u32) -> NewLot {
	NewLot {
		content: Cid { codec: CidCodec::DagPb, digest: [3; 32] },
		shards,
		shard_bytes,
		root: BlakeTwo256::hash_of(&number),
		key_hash: key_hash(&KEY),
		domain: DomainName::truncate_from(vec![b'x'; 32]),
	}
}

/// Has `count` lots in the model's reserve, of as many sealers, one shard each.
fn reserve<T: Config>(model: ModelId, pool: &ValidationPool, count: u32) -> Vec<LotId> {
	let first = NextLotId::<T>::get();
	for number in 0..count {
		let lot = new_lot(first + u64::from(number), 1, pool.shard_bytes);
		assert_ok!(Pallet::<T>::do_add_lots(
			sealer::<T>(number),
			model,
			BoundedVec::truncate_from(vec![lot])
		));
	}
	(first..NextLotId::<T>::get()).collect()
}

/// See [`blyan_primitives::traits::SealedReserve::benchmark_reserve`].
pub(crate) fn full_reserve<T: Config>(model: ModelId, pool: &ValidationPool, gate: &Gate) {
	let terms = SealedTerms { lots: MAX_LOTS, shards_per_lot: 1 };
	assert!(fits(&terms, pool, gate), "the benchmark's pool has no room for sealed lots");
	Terms::<T>::insert(model, terms);
	reserve::<T>(model, pool, T::MaxReserve::get());
	Reserves::<T>::mutate(model, |reserve| {
		reserve.iter_mut().for_each(|entry| entry.added_at = Zero::zero())
	});
	for lot in Lots::<T>::iter_keys().collect::<Vec<_>>() {
		Lots::<T>::mutate_extant(lot, |lot| lot.added_at = Zero::zero());
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_terms() {
		let (model, owner) = T::Rounds::benchmark_model();
		let terms = SealedTerms { lots: MAX_LOTS, shards_per_lot: 1 };
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, terms);
		assert_eq!(Terms::<T>::get(model), Some(terms));
	}

	#[benchmark]
	fn add_lots(n: Linear<1, { T::MaxBatch::get() }>) {
		let (model, _) = T::Rounds::benchmark_model();
		let (pool, _) = T::Rounds::terms(model).expect("open for training");
		reserve::<T>(model, &pool, T::MaxReserve::get() - T::MaxBatch::get());
		let lots = (0..n).map(|number| new_lot(1_000_000 + u64::from(number), 1, pool.shard_bytes)).collect();
		let before = Reserves::<T>::get(model).len() as u32;
		#[extrinsic_call]
		_(RawOrigin::Signed(sealer::<T>(0)), model, BoundedVec::truncate_from(lots));
		assert_eq!(Reserves::<T>::get(model).len() as u32, before + n);
	}

	#[benchmark]
	fn withdraw() {
		let (model, _) = T::Rounds::benchmark_model();
		let (pool, _) = T::Rounds::terms(model).expect("open for training");
		let lot = reserve::<T>(model, &pool, T::MaxReserve::get())[0];
		#[extrinsic_call]
		_(RawOrigin::Signed(sealer::<T>(0)), lot);
		assert!(!Lots::<T>::contains_key(lot));
	}

	#[benchmark]
	fn open() {
		let (model, _) = T::Rounds::benchmark_model();
		let (pool, _) = T::Rounds::terms(model).expect("open for training");
		let lot = reserve::<T>(model, &pool, 1)[0];
		Reserves::<T>::remove(model);
		let round = T::Rounds::benchmark_opening(lot);
		Lots::<T>::mutate_extant(lot, |lot| lot.state = LotState::Drawn { round });
		#[extrinsic_call]
		_(RawOrigin::Signed(sealer::<T>(1)), lot, KEY);
		assert!(!T::Rounds::awaits(round, lot));
	}

	#[benchmark]
	fn reclaim() {
		let (model, _) = T::Rounds::benchmark_model();
		let (pool, _) = T::Rounds::terms(model).expect("open for training");
		let lot = reserve::<T>(model, &pool, 1)[0];
		Reserves::<T>::remove(model);
		let at = frame_system::Pallet::<T>::block_number();
		let state = LotState::Retired { round: 1_000_000, key: KEY, at };
		Lots::<T>::mutate_extant(lot, |lot| lot.state = state);
		let retention = Parameters::<T>::get().retention_blocks;
		frame_system::Pallet::<T>::set_block_number(
			at.saturating_add(retention.into()).saturating_add(One::one()),
		);
		#[extrinsic_call]
		_(RawOrigin::Signed(sealer::<T>(1)), lot);
		assert!(!Lots::<T>::contains_key(lot) && !LotOfRoot::<T>::contains_key(Hash::zero()));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = SealedParameters { opening_blocks: 7, ..SealedParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters.clone());
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
