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

	/// The last rejection of a row marks every dataset: an acceptance, which writes the lineage in place of the purse,
	/// does as much.
	#[benchmark]
	fn learned(n: Linear<1, MAX_DATASETS>) {
		let uses = (0..n)
			.map(|number| DatasetUse {
				dataset: T::Datasets::benchmark_dataset(number),
				weight: Perbill::from_rational(1, n),
			})
			.collect::<Vec<_>>();
		let trainer: T::AccountId = account("trainer", 0, 0);
		let trainers = (1..ROW_TRAINERS).map(|number| account("trainer", number, 0)).collect::<Vec<_>>();
		for used in &uses {
			let utility = Utility {
				rejected: ROW - 1,
				trainers: trainers.clone().try_into().expect("there is room"),
				..Utility::default()
			};
			Utilities::<T>::insert(used.dataset, utility);
			Purses::<T>::insert(used.dataset, Purse { start: MOST_PURSE, left: MOST_PURSE });
		}
		let from = LearnedFrom {
			submission: SUBMISSION,
			model: MODEL,
			trainer: &trainer,
			uses: &uses,
			samples: 1 << 40,
			is_accepted: false,
		};

		#[block]
		{
			Pallet::<T>::learned(from);
		}

		assert!(uses
			.iter()
			.all(|used| Utilities::<T>::get(used.dataset).is_some_and(|utility| utility.is_zero)));
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
