//! Benchmarks of every call and of the hook, each where it takes the most.

// A benchmark that cannot be set up must fail.
#![allow(clippy::arithmetic_side_effects)]

use super::*;
use blyan_primitives::{
	canary::{self, CanaryKey, LotProof},
	traits::{CanaryRounds, Validators},
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, Get},
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_core::crypto::KeyTypeId,
	sp_io::crypto::{sr25519_generate, sr25519_sign},
	sp_runtime::{traits::One, Perbill},
};

const SEED: u32 = 0;
const SALT: [u8; 32] = [3; 32];
const KEY_TYPE: KeyTypeId = KeyTypeId(*b"cana");
/// Of the key of the seed `[1; 32]`, in period 0 with the randomness `[7; 32]`: there is nothing to sign a lot with
/// in Wasm.
const KEY: CanaryKey = [
	24, 157, 172, 41, 41, 109, 49, 129, 77, 200, 197, 108, 243, 211, 106, 5, 67, 55, 43, 186, 117, 56, 250,
	50, 42, 74, 235, 254, 188, 57, 224, 86,
];
const LOT: LotProof = LotProof {
	pre_output: [
		164, 126, 65, 124, 167, 134, 238, 72, 32, 107, 223, 134, 121, 148, 94, 16, 71, 17, 227, 158, 150, 51,
		169, 168, 104, 205, 152, 142, 71, 35, 14, 77,
	],
	proof: [
		188, 181, 67, 85, 70, 121, 118, 44, 33, 107, 244, 123, 196, 74, 12, 91, 17, 104, 144, 54, 173, 50,
		11, 65, 72, 193, 39, 204, 12, 211, 249, 6, 177, 20, 193, 208, 138, 90, 63, 62, 240, 65, 181, 241,
		214, 111, 97, 46, 4, 24, 85, 232, 224, 254, 144, 168, 89, 238, 111, 161, 56, 6, 8, 0,
	],
};
const RANDOMNESS: Hash = Hash::repeat_byte(7);

fn validator<T: Config>() -> T::AccountId {
	let who: T::AccountId = account("validator", 0, SEED);
	T::Currency::set_balance(&who, T::KeyDeposit::get() * 1_000);
	T::Validators::benchmark_validator(&who);
	who
}

/// A fresh key of a validator's, with the proof that it is.
fn fresh_key<T: Config>(who: &T::AccountId) -> (CanaryKey, [u8; 64]) {
	let public = sr25519_generate(KEY_TYPE, None);
	let message = canary::ownership_message(who);
	let signature = sr25519_sign(KEY_TYPE, &public, &message).expect("the key was just made");
	(public.0, signature.0)
}

/// A validator with as many keys as are remembered, in the first period.
fn planter<T: Config>() -> T::AccountId {
	let who = validator::<T>();
	for number in 0..MAX_KEYS {
		CurrentPeriod::<T>::put(number);
		let (key, ownership) = fresh_key::<T>(&who);
		assert_ok!(Pallet::<T>::do_set_key(who.clone(), key, ownership));
	}
	who
}

fn begin_first_period<T: Config>() {
	OldestPeriod::<T>::put(0);
	CurrentPeriod::<T>::put(0);
	let started_at = BlockNumberFor::<T>::default();
	let period = Period { started_at, randomness: RANDOMNESS, chance: Perbill::one() };
	Periods::<T>::insert(0, period);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_key() {
		let who = planter::<T>();
		CurrentPeriod::<T>::put(MAX_KEYS);
		let (key, ownership) = fresh_key::<T>(&who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), key, ownership);
		assert_eq!(KeyOwners::<T>::get(key), Some(who));
	}

	#[benchmark]
	fn remove_keys() {
		let who = planter::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Planters::<T>::contains_key(who));
	}

	#[benchmark]
	fn reveal() {
		let who = planter::<T>();
		begin_first_period::<T>();
		// The key takes part from the first period on.
		Planters::<T>::mutate_extant(&who, |planter| {
			if let Some(first) = planter.keys.as_mut().first_mut() {
				*first = KeyEntry { key: KEY, since: 0 };
			}
		});
		KeyOwners::<T>::insert(KEY, &who);
		let round =
			T::Rounds::benchmark_sealed_round(&|trainer, blocks| canary::seal(&KEY, trainer, blocks, &SALT));
		let caller: T::AccountId = account("caller", 0, SEED);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), round, 0, KEY, LOT, SALT);
		assert!(T::Rounds::sealed(round).is_some_and(|sealed| sealed.is_canary));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = CanaryParameters { period_blocks: 77, ..CanaryParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters);
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	/// The oldest period is forgotten.
	#[benchmark]
	fn begin_period() {
		begin_first_period::<T>();
		let last = T::MaxPeriods::get() - 1;
		for number in 1..=last {
			let started_at = BlockNumberFor::<T>::default();
			Periods::<T>::insert(
				number,
				Period { started_at, randomness: RANDOMNESS, chance: Perbill::one() },
			);
		}
		CurrentPeriod::<T>::put(last);
		let now = BlockNumberFor::<T>::from(MAX_PERIOD_BLOCKS) + One::one();
		frame_system::Pallet::<T>::set_block_number(now);
		let has_begun;
		#[block]
		{
			has_begun = Pallet::<T>::roll_period(now);
		}
		// Where the chain that measures has no randomness, all but the last writes are done.
		assert_eq!(has_begun, OldestPeriod::<T>::get() == 1);
	}

	#[benchmark]
	fn period_continues() {
		begin_first_period::<T>();
		let has_begun;
		#[block]
		{
			has_begun = Pallet::<T>::roll_period(BlockNumberFor::<T>::default());
		}
		assert!(!has_begun);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
