//! Benchmarks of the calls, the hooks, and what the rounds call.

use crate::{pallet::*, types::*, Pallet};
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::{
	cid::CidCodec,
	economy::{Budget, BLY},
	manifest::{DatasetId, MAX_DATASETS},
	traits::{AuditedWork, CreditReason, DataShare, LearningCredits},
	Balance,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{
			fungible::{Inspect, Mutate},
			Get,
		},
		weights::WeightMeter,
	},
	frame_system::{Pallet as System, RawOrigin},
	sp_runtime::Perbill,
};

/// Most accounts that accepted work accrues to in a benchmark.
const MAX_CLAIMANTS: u32 = 64;

/// What claims are earned with.
const WORK: AuditedWork = AuditedWork::Submission(1);

/// Ends the running epoch, whether or not its time has come, and starts the next.
fn next_epoch<T: Config>() -> EpochNumber {
	let Some(running) = CurrentEpoch::<T>::get() else {
		Pallet::<T>::roll_epoch(System::<T>::block_number());
		return 0;
	};
	System::<T>::set_block_number(running.ends_at);
	Pallet::<T>::roll_epoch(running.ends_at);
	running.number + 1
}

/// Brings about a supply, so that epochs have something to issue.
fn mint_supply<T: Config>() {
	T::Currency::mint_into(&account("rich", 0, 0), 1_000_000 * BLY).expect("the account can hold it");
}

/// Lets `who` earn from every budget of the running epoch; more than the budget.
fn earn<T: Config>(who: &T::AccountId, amount: Balance) {
	for budget in Budget::ALL {
		Pallet::<T>::accrue(budget, BTreeMap::from([(who.clone(), amount)]), WORK);
	}
}

/// An account with as many open claims as there may be, all on closed epochs; the first and the last.
fn full_list<T: Config>(who: &T::AccountId) -> (EpochNumber, EpochNumber) {
	let first = next_epoch::<T>();
	for _ in 1..T::MaxOpenClaims::get() {
		earn::<T>(who, BLY);
		next_epoch::<T>();
	}
	earn::<T>(who, 1_000_000 * BLY);
	(first, next_epoch::<T>() - 1)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn claim() {
		let caller: T::AccountId = whitelisted_caller();
		mint_supply::<T>();
		let (_, last) = full_list::<T>(&caller);
		Carried::<T>::insert(&caller, Parameters::<T>::get().min_payout);
		AllTime::<T>::mutate(|totals| totals.carried += Parameters::<T>::get().min_payout);
		let before = T::Currency::balance(&caller);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()), last);

		assert!(T::Currency::balance(&caller) > before);
		assert!(!Claims::<T>::contains_key(last, &caller));
	}

	#[benchmark]
	fn claim_carried() {
		let caller: T::AccountId = whitelisted_caller();
		let carried = Parameters::<T>::get().min_payout;
		Carried::<T>::insert(&caller, carried);
		AllTime::<T>::mutate(|totals| totals.carried += carried);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller.clone()));

		assert_eq!(T::Currency::balance(&caller), carried);
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = RewardParameters { epoch_blocks: 77, ..Parameters::<T>::get() };

		#[extrinsic_call]
		_(RawOrigin::Root, parameters);

		assert_eq!(Parameters::<T>::get(), parameters);
	}

	#[benchmark]
	fn accrue(n: Linear<1, MAX_CLAIMANTS>) {
		mint_supply::<T>();
		// Each account's list is full, so that each settles and carries its oldest claim.
		let accounts: BTreeMap<T::AccountId, Balance> =
			(0..n).map(|index| (account("claimant", index, 0), BLY)).collect();
		for _ in 0..T::MaxOpenClaims::get() {
			next_epoch::<T>();
			for budget in Budget::ALL {
				Pallet::<T>::accrue(budget, accounts.clone(), WORK);
			}
		}
		let running = next_epoch::<T>();

		#[block]
		{
			Pallet::<T>::accrue(Budget::Learning, accounts, WORK);
		}

		assert_eq!(Claims::<T>::iter_prefix(running).count() as u32, n);
		assert_eq!(Carried::<T>::iter().count() as u32, n);
	}

	#[benchmark]
	fn roll_epoch() {
		let before = next_epoch::<T>();
		earn::<T>(&account("claimant", 0, 0), 1_000_000 * BLY);
		let now = CurrentEpoch::<T>::get().expect("an epoch runs").ends_at;

		#[block]
		{
			Pallet::<T>::roll_epoch(now);
		}

		assert_eq!(CurrentEpoch::<T>::get().map(|running| running.number), Some(before + 1));
	}

	#[benchmark]
	fn epoch_continues() {
		let running = next_epoch::<T>();
		let now = System::<T>::block_number();

		#[block]
		{
			Pallet::<T>::roll_epoch(now);
		}

		assert_eq!(CurrentEpoch::<T>::get().map(|running| running.number), Some(running));
	}

	#[benchmark]
	fn prune_claim() {
		let who: T::AccountId = account("claimant", 0, 0);
		let (first, _) = full_list::<T>(&who);

		#[block]
		{
			let (who, expired) = Claims::<T>::drain_prefix(first).next().expect("the account has a claim");
			Pallet::<T>::expire(first, &who, &expired);
		}

		assert!(!OpenClaims::<T>::get(&who).contains(&first));
	}

	#[benchmark]
	fn prune_epoch() {
		let oldest = next_epoch::<T>();
		let mut parameters = Parameters::<T>::get();
		parameters.claim_expiry_epochs = 1;
		Parameters::<T>::put(parameters);
		OldestEpoch::<T>::put(oldest);
		next_epoch::<T>();
		next_epoch::<T>();

		#[block]
		{
			Pallet::<T>::prune(&mut WeightMeter::new());
		}

		assert_eq!(OldestEpoch::<T>::get(), oldest + 1);
		assert!(!Epochs::<T>::contains_key(oldest));
	}

	#[benchmark]
	fn accrue_data(n: Linear<1, MAX_DATASETS>) {
		mint_supply::<T>();
		next_epoch::<T>();
		Pallet::<T>::settle_data(1, 1_000 * BLY);
		assert!(WaitingShares::<T>::contains_key(1));
		// Each account's list is full, so that each settles and carries its oldest claim.
		let accounts: BTreeMap<T::AccountId, Balance> =
			(0..n).map(|index| (account("claimant", index, 0), BLY)).collect();
		for _ in 0..T::MaxOpenClaims::get() {
			for budget in Budget::ALL {
				Pallet::<T>::accrue(budget, accounts.clone(), WORK);
			}
			next_epoch::<T>();
		}
		let share = Perbill::from_rational(1, n);
		let dataset = |number| DatasetId { codec: CidCodec::Raw, digest: [number; 32] };
		let shares: Vec<_> = accounts
			.into_keys()
			.zip(0u8..)
			.map(|(contributor, number)| DataShare { dataset: dataset(number), contributor, share })
			.collect();
		let running = CurrentEpoch::<T>::get().expect("an epoch runs").number;

		#[block]
		{
			let data = WaitingShares::<T>::take(1).expect("it waits");
			WaitingSharesOf::<T>::remove(data.epoch, 1);
			Pallet::<T>::accrue_data(1, data.worth, shares);
		}

		assert_eq!(Claims::<T>::iter_prefix(running).count() as u32, n);
	}

	#[benchmark]
	fn lapse_data() {
		mint_supply::<T>();
		next_epoch::<T>();
		Pallet::<T>::settle_data(1, 1_000 * BLY);
		let epoch = CurrentEpoch::<T>::get().expect("an epoch runs").number;

		#[block]
		{
			let (submission, ()) = WaitingSharesOf::<T>::drain_prefix(epoch).next().expect("it waits");
			Pallet::<T>::forget_data(submission);
		}

		assert!(!WaitingShares::<T>::contains_key(1));
	}

	#[benchmark]
	fn lapse_data_epoch() {
		let epoch = next_epoch::<T>();
		Parameters::<T>::mutate(|parameters| parameters.data_patience_epochs = 0);
		OldestWaitingShare::<T>::put(epoch);
		next_epoch::<T>();

		#[block]
		{
			Pallet::<T>::lapse_data(&mut WeightMeter::new());
		}

		assert_eq!(OldestWaitingShare::<T>::get(), epoch + 1);
	}

	#[benchmark]
	fn grant() {
		let who: T::AccountId = account("worker", 0, 0);

		#[block]
		{
			<Pallet<T> as LearningCredits<_>>::grant(&who, CreditReason::HonestEvaluation);
		}

		assert!(Credits::<T>::get(&who) > 0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext(), crate::mock::Test);
}
