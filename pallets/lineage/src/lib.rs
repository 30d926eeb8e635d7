#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(any(test, feature = "runtime-benchmarks")),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod types;
pub mod weights;

mod impls {
	mod learning;
	mod purses;
	mod queries;
}

#[cfg(any(feature = "try-runtime", test))]
mod try_state;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use polkadot_sdk::{frame_support, frame_system};

#[frame_support::pallet]
pub mod pallet {
	use super::{frame_support, frame_system};
	use crate::{types::*, weights::WeightInfo};
	use blyan_primitives::{
		dag::{ModelId, SubmissionId},
		datasets::MOST_PURSE,
		manifest::{DatasetId, DatasetUses, MAX_DATASETS},
		traits::DatasetRegistry,
		Balance,
	};
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;
	use polkadot_sdk::sp_runtime::{traits::Zero, Perbill};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// What may be learned from, and how good it is.
		type Datasets: DatasetRegistry<Self::AccountId>;

		/// Least weight in a mixture by which what came of a submission says anything of a dataset. Whoever names a
		/// dataset with a billionth of the mixture has not tried it.
		#[pallet::constant]
		type LeastWeight: Get<Perbill>;

		/// Blocks of a day.
		#[pallet::constant]
		type DayBlocks: Get<BlockNumberFor<Self>>;

		/// What all purses together pay in a day at most, in the smallest unit of BLY.
		#[pallet::constant]
		type DailyCap: Get<Balance>;

		/// Weights of what the seams do.
		type WeightInfo: WeightInfo;
	}

	/// How each model learned from each dataset. Entries come about by accepted submissions alone, whose bond covers them,
	/// and are never removed: a rollback does not unlearn.
	///
	/// Hashers: the chain numbers the models; content is chosen by users.
	#[pallet::storage]
	pub type ModelData<T: Config> =
		StorageDoubleMap<_, Twox64Concat, ModelId, Blake2_128Concat, DatasetId, DataUse>;

	/// The models that learned from each dataset: the keys of [`ModelData`] the other way round.
	#[pallet::storage]
	pub type DatasetModels<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, DatasetId, Twox64Concat, ModelId, ()>;

	/// What came of each dataset from which a measured submission learned.
	///
	/// Hasher: content is chosen by users.
	#[pallet::storage]
	pub type Utilities<T: Config> = StorageMap<_, Blake2_128Concat, DatasetId, Utility<T::AccountId>>;

	/// What is left in the purse of each dataset that gained something, or is marked.
	///
	/// Hasher: content is chosen by users.
	#[pallet::storage]
	pub type Purses<T: Config> = StorageMap<_, Blake2_128Concat, DatasetId, Purse>;

	/// What purses paid in the last day in which any did.
	#[pallet::storage]
	pub type LastDay<T: Config> = StorageValue<_, DayDraws<BlockNumberFor<T>>, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A submission whose manifest is verified became head: the model learned from these.
		ModelLearned {
			/// The submission.
			submission: SubmissionId,
			/// The model.
			model: ModelId,
			/// From what.
			datasets: DatasetUses,
		},
		/// [`ROW`] measured submissions in a row gained nothing by a dataset: it is of no use, and its purse is void.
		DatasetMarked {
			/// Which.
			dataset: DatasetId,
		},
		/// A submission that learned from a marked dataset was accepted: the mark is off.
		MarkRemoved {
			/// Which.
			dataset: DatasetId,
		},
		/// A dataset gained something for the first time: its score filled its purse.
		PurseFilled {
			/// Which.
			dataset: DatasetId,
			/// With how much.
			amount: Balance,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(!T::DayBlocks::get().is_zero(), "DayBlocks must be one at least, or there are no days");
			assert!(
				T::DailyCap::get() >= MOST_PURSE,
				"DailyCap must be {MOST_PURSE} at least, or a day does not pay a full purse",
			);
			assert!(
				T::LeastWeight::get() <= Perbill::from_rational(1, MAX_DATASETS),
				"LeastWeight must not be above what each of {MAX_DATASETS} equal datasets has",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}
