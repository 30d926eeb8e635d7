//! What the seams take at most.

use super::*;
use alloc::vec::Vec;
use blyan_primitives::{
	datasets::MOST_PURSE,
	manifest::{DatasetUse, MAX_DATASETS},
	traits::{DataOutcomes, DataPurses, DatasetRegistry, LearnedFrom},
};
use polkadot_sdk::{frame_benchmarking::v2::*, sp_runtime::Perbill};

const MODEL: u32 = 7;
const SUBMISSION: u64 = 9;

#[benchmarks]
mod benchmarks {
	use super::*;

	/// An acceptance of marked datasets, from none of which the model has learned before. A rejection that marks them
	/// writes a purse for each, but no lineage.
	#[benchmark]
	fn learned(n: Linear<1, MAX_DATASETS>) {
		let uses = (0..n)
			.map(|number| DatasetUse {
				dataset: T::Datasets::benchmark_dataset(number),
				weight: Perbill::from_rational(1, n),
			})
			.collect::<Vec<_>>();
		let trainer: T::AccountId = account("trainer", 0, 0);
		let trainers =
			(0..ROW_TRAINERS).map(|number| account::<T::AccountId>("trainer", number, 0)).collect::<Vec<_>>();
		for used in &uses {
			let trainers = trainers.clone().try_into().expect("there is room");
			let utility = Utility { accepted: 0, rejected: ROW, trainers, is_zero: true };
			Utilities::<T>::insert(used.dataset, utility);
			Purses::<T>::insert(used.dataset, Purse::default());
		}
		let from = LearnedFrom {
			submission: SUBMISSION,
			model: MODEL,
			trainer: &trainer,
			uses: &uses,
			samples: 1 << 40,
			is_accepted: true,
		};

		#[block]
		{
			Pallet::<T>::learned(from);
		}

		assert_eq!(ModelData::<T>::iter_prefix(MODEL).count() as u32, n);
		assert!(Utilities::<T>::iter_values().all(|utility| !utility.is_zero));
	}

	/// The first draw of a dataset fills its purse.
	#[benchmark]
	fn draw() {
		let dataset = T::Datasets::benchmark_dataset(0);
		let drawn;

		#[block]
		{
			drawn = Pallet::<T>::draw(dataset, 1);
		}

		assert_eq!(drawn, 1);
		assert!(Purses::<T>::contains_key(dataset));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext(), crate::mock::Test);
}
