//! Benchmarks of the calls.

use crate::{pallet::*, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	traits::{ServedBlocks, WorkerRegistry},
	usage::{
		BlockUse, SignedReceipt, SignedReceipts, UsageParameters, UsageReceipt, MAX_RECEIPTS, MAX_USED_BLOCKS,
	},
	worker::Role,
	Balance, Hash,
};
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		assert_ok,
		traits::fungible::{Inspect, Mutate},
		BoundedVec,
	},
	frame_system::{Pallet as System, RawOrigin},
	sp_runtime::traits::Zero,
};

/// Accounts that can sign, for benchmarks.
pub trait BenchmarkHelper<AccountId, Signature> {
	/// The `index`-th account that can.
	fn client(index: u32) -> AccountId;
	/// Its signature.
	fn sign(index: u32, payload: &[u8]) -> Signature;
}

/// Signs with sr25519 keys that the benchmarks' keystore makes.
pub struct Sr25519Keys;

impl BenchmarkHelper<blyan_primitives::AccountId, blyan_primitives::Signature> for Sr25519Keys {
	fn client(index: u32) -> blyan_primitives::AccountId {
		use polkadot_sdk::sp_runtime::traits::IdentifyAccount;
		polkadot_sdk::sp_runtime::MultiSigner::Sr25519(key(index)).into_account()
	}

	fn sign(index: u32, payload: &[u8]) -> blyan_primitives::Signature {
		let signature = polkadot_sdk::sp_io::crypto::sr25519_sign(KEYS, &key(index), payload);
		signature.expect("the keystore has the key").into()
	}
}

const KEYS: polkadot_sdk::sp_core::crypto::KeyTypeId = polkadot_sdk::sp_core::crypto::KeyTypeId(*b"useb");

fn key(index: u32) -> polkadot_sdk::sp_core::sr25519::Public {
	let seed = alloc::format!("//Client{index}").into_bytes();
	polkadot_sdk::sp_io::crypto::sr25519_generate(KEYS, Some(seed))
}

fn rich<T: Config>(who: &T::AccountId) -> Balance {
	let amount = UsageParameters::default().min_deposit.max(T::Currency::minimum_balance());
	T::Currency::set_balance(who, amount.saturating_mul(1_000));
	amount
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn deposit() {
		let caller: T::AccountId = whitelisted_caller();
		let amount = rich::<T>(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), amount);

		assert_eq!(Pallet::<T>::held(&caller), amount);
	}

	#[benchmark]
	fn request_withdrawal() {
		let caller: T::AccountId = whitelisted_caller();
		let amount = rich::<T>(&caller);
		assert_ok!(Pallet::<T>::do_deposit(caller.clone(), amount));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), amount);

		assert!(Accounts::<T>::get(&caller).is_some_and(|account| account.withdrawal.is_some()));
	}

	#[benchmark]
	fn withdraw() {
		let caller: T::AccountId = whitelisted_caller();
		let amount = rich::<T>(&caller);
		assert_ok!(Pallet::<T>::do_deposit(caller.clone(), amount));
		Parameters::<T>::mutate(|parameters| parameters.withdrawal_blocks = 0);
		assert_ok!(Pallet::<T>::do_request_withdrawal(caller.clone(), amount));

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert!(!Accounts::<T>::contains_key(&caller));
	}

	#[benchmark]
	fn submit_receipts(r: Linear<1, MAX_RECEIPTS>, b: Linear<1, { MAX_RECEIPTS * MAX_USED_BLOCKS }>) {
		let server: T::AccountId = whitelisted_caller();
		rich::<T>(&server);
		T::Workers::benchmark_worker(&server, Role::Server);
		let mut known = T::Blocks::benchmark_served(MAX_USED_BLOCKS);
		known.sort_unstable();
		let genesis: Hash = System::<T>::block_hash(BlockNumberFor::<T>::zero());
		System::<T>::set_block_number(10u32.into());
		let mut left = b.max(r);
		let receipts: Vec<_> = (0..r)
			.map(|index| {
				let client = T::BenchmarkHelper::client(index);
				let amount = rich::<T>(&client);
				assert_ok!(Pallet::<T>::do_deposit(client.clone(), amount));
				Accounts::<T>::mutate(&client, |account| account.as_mut().expect("opened").since = 0);
				// As even as it can be.
				let blocks = (left / (r - index)).min(MAX_USED_BLOCKS);
				left -= blocks;
				let used =
					known.iter().take(blocks as usize).map(|block| BlockUse { block: *block, calls: 9 });
				let receipt = UsageReceipt {
					client,
					server: server.clone(),
					until: 5,
					answers: 9,
					milliseconds: 900,
					blocks: BoundedVec::truncate_from(used.collect()),
					fee: amount / 2,
				};
				let signature = T::BenchmarkHelper::sign(index, receipt.payload(genesis).as_bytes());
				SignedReceipt { receipt, signature }
			})
			.collect();
		let receipts = SignedReceipts::truncate_from(receipts);

		#[extrinsic_call]
		_(RawOrigin::Signed(server), receipts);

		let amount = UsageParameters::default().min_deposit.max(T::Currency::minimum_balance());
		assert_eq!(AllTime::<T>::get().paid, amount / 2 * Balance::from(r));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = UsageParameters { fresh_blocks: 7, ..Parameters::<T>::get() };

		#[extrinsic_call]
		_(RawOrigin::Root, parameters);

		assert_eq!(Parameters::<T>::get(), parameters);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext(), crate::mock::Test);
}
