#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod impl_sealed_reserve;
mod types;
pub mod weights;

mod impls {
	mod dispatch;
	mod money;
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
		sealed::{LotId, LotKey, SealedTerms, MAX_LOTS},
		traits::SealedRounds,
		Balance, Hash,
	};
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<Hash = Hash> {
		/// Where deposits and bonds are held, and forfeited ones burned.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The models and the rounds that lots are drawn for.
		type Rounds: SealedRounds<Self::AccountId>;

		/// What is held for each lot's storage.
		#[pallet::constant]
		type LotDeposit: Get<Balance>;

		/// Most lots that wait to be drawn for one model. A draw reads all of them.
		#[pallet::constant]
		type MaxReserve: Get<u32>;

		/// Most lots that are sealed at once.
		#[pallet::constant]
		type MaxBatch: Get<u32>;

		/// Weights of calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The storage of a lot, until the chain forgets it.
		LotDeposit,
		/// The opening of a lot: lost if it is not opened in time, or is no good.
		LotBond,
	}

	/// How lots are kept.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, SealedParameters, ValueQuery>;

	/// How much sealed text a model's rounds are judged by; absent for none. Paid by the fee of the owner's call, and
	/// bounded by the number of models. Model numbers are given in sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Terms<T: Config> = StorageMap<_, Twox64Concat, ModelId, SealedTerms>;

	/// Every lot that is kept. Covered by the sealer's deposit. Numbers are given in sequence, so the cheap hasher
	/// cannot be abused.
	#[pallet::storage]
	pub type Lots<T: Config> = StorageMap<_, Twox64Concat, LotId, LotOf<T>>;

	/// The number that the next lot is given.
	#[pallet::storage]
	pub type NextLotId<T: Config> = StorageValue<_, LotId, ValueQuery>;

	/// The lots of each model that may be drawn, oldest first. Covered by their deposits.
	#[pallet::storage]
	pub type Reserves<T: Config> = StorageMap<_, Twox64Concat, ModelId, ReserveOf<T>, ValueQuery>;

	/// The lot with that text, so that none is kept twice. Roots are chosen by users, hence the cryptographic hasher.
	#[pallet::storage]
	pub type LotOfRoot<T: Config> = StorageMap<_, Blake2_128Concat, Hash, LotId>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How lots are kept from the start.
		pub parameters: SealedParameters,
		#[serde(skip)]
		#[allow(missing_docs)]
		pub _marker: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			if let Err(error) = self.parameters.validate::<T>() {
				// A chain spec is read by a person: stop before there is a chain.
				#[allow(clippy::panic)]
				{
					panic!("sealedShards.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(&self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model's owner said by how much sealed text its rounds are judged.
		TermsSet {
			/// The model.
			model: ModelId,
			/// How much; none if `lots` is zero.
			terms: SealedTerms,
		},
		/// Lots were added to a model's reserve.
		LotsSealed {
			/// The model.
			model: ModelId,
			/// Who sealed them.
			sealer: T::AccountId,
			/// Their numbers, in the order of the call.
			lots: LotIdsOf<T>,
			/// What is held for all of them, deposits and bonds.
			held: Balance,
		},
		/// A sealer took a lot back that nobody had drawn.
		LotWithdrawn {
			/// The lot.
			lot: LotId,
			/// Whose.
			sealer: T::AccountId,
			/// What is free again.
			returned: Balance,
		},
		/// A lot's key is known: a round is judged by it, and whoever trains may use it from now on.
		LotOpened {
			/// The lot.
			lot: LotId,
			/// The round.
			round: SubmissionId,
			/// The key.
			key: LotKey,
		},
		/// A lot was not opened in time, or is no good: its bond is burned, and the chain forgets it.
		LotVoided {
			/// The lot.
			lot: LotId,
			/// Whose.
			sealer: T::AccountId,
			/// What was burned.
			burned: Balance,
			/// What is free again.
			returned: Balance,
		},
		/// A retired lot's deposit and bond are free again, and the chain forgets it.
		LotReclaimed {
			/// The lot.
			lot: LotId,
			/// Whose.
			sealer: T::AccountId,
			/// What is free again.
			returned: Balance,
		},
		/// Governance changed how lots are kept.
		ParametersSet {
			/// The new numbers.
			parameters: SealedParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// Only a model's owner may say by how much its rounds are judged. Sign with the owner's account.
		NotModelOwner,
		/// The model's owner has not opened training: there is no pool yet, nor a length of shards.
		TrainingNotOpen,
		/// So much sealed text does not fit the model's pool: there must be [`MAX_LOTS`] lots at most, two shards at
		/// least in two thirds of them, no more shards than are drawn of the pool and of one domain more, and the pool
		/// must leave room for one domain in a report.
		TermsInvalid,
		/// Nothing was given to be sealed. Give one lot at least.
		NoLots,
		/// Who has blocks of its own measured seals nothing meanwhile. Seal when its rounds have closed.
		SealerIsTraining,
		/// The number of shards or their length is out of range: see [`blyan_primitives::sealed`].
		LotInvalid,
		/// The lot's shards are not as long as those of the model's pool.
		ShardLengthMismatch,
		/// A lot with this very text is kept already. A text is sealed once.
		TextAlreadySealed,
		/// The model's reserve is full. Seal more when some of it was drawn.
		ReserveFull,
		/// The account's free balance does not cover deposit and bond.
		BondNotAvailable,
		/// No lot has this number, or the chain has forgotten it.
		LotNotFound,
		/// Only who sealed a lot may take it back.
		NotSealer,
		/// The lot was drawn, and cannot be taken back any more.
		LotAlreadyDrawn,
		/// No round waits for this lot's key: it was not drawn, was opened before, or the time for it is over.
		NotAwaitingOpening,
		/// The key is not the one whose hash was given with the lot.
		KeyMismatch,
		/// The lot was not opened yet: there is nothing to return.
		LotNotRetired,
		/// Deposit and bond are returned only when the retention is over, and the round closed.
		RetentionNotOver,
		/// Each of `opening_blocks` and `retention_blocks` must be 1 at least and [`MAX_PHASE_BLOCKS`] at most.
		PhaseLengthOutOfRange,
		/// `bond` must be above zero, or nothing would keep a sealer to its word.
		NoBond,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MaxReserve::get() >= MAX_LOTS,
				"MaxReserve must be {MAX_LOTS} at least, or a round cannot draw what its model may ask for"
			);
			assert!(T::MaxBatch::get() > 0, "MaxBatch must be one at least, or nothing can be sealed");
			assert!(
				SealedParameters::default().validate::<T>().is_ok(),
				"the default parameters must be valid"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Says by how many lots, of how many shards each, a model's rounds are judged from their next draw on; zero
		/// lots for none.
		///
		/// Origin: signed by the model's owner.
		///
		/// Errors: [`Error::NotModelOwner`], [`Error::TrainingNotOpen`], [`Error::TermsInvalid`]. Event:
		/// [`Event::TermsSet`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_terms())]
		pub fn set_terms(origin: OriginFor<T>, model: ModelId, terms: SealedTerms) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_terms(who, model, terms)
		}

		/// Adds lots to a model's reserve. Their ciphertext must be fetchable from now until the chain forgets them, and
		/// each must be opened when a round has drawn it.
		///
		/// Origin: signed by anybody who has no blocks measured. A deposit and a bond are held for each lot.
		///
		/// Errors: [`Error::NoLots`], [`Error::TrainingNotOpen`], [`Error::SealerIsTraining`], [`Error::LotInvalid`],
		/// [`Error::ShardLengthMismatch`], [`Error::TextAlreadySealed`], [`Error::ReserveFull`],
		/// [`Error::BondNotAvailable`]. Event: [`Event::LotsSealed`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::add_lots(lots.len() as u32))]
		pub fn add_lots(origin: OriginFor<T>, model: ModelId, lots: NewLotsOf<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_add_lots(who, model, lots)
		}

		/// Takes back a lot that nobody has drawn.
		///
		/// Origin: signed by its sealer, to whom deposit and bond return.
		///
		/// Errors: [`Error::LotNotFound`], [`Error::NotSealer`], [`Error::LotAlreadyDrawn`]. Event:
		/// [`Event::LotWithdrawn`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>, lot: LotId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who, lot)
		}

		/// Publishes the key of a lot that a round has drawn. The last of a round's lots has it measured at once.
		///
		/// Origin: signed; the key itself shows who knew it. Free of a fee, for it can be done once.
		///
		/// Errors: [`Error::LotNotFound`], [`Error::NotAwaitingOpening`], [`Error::KeyMismatch`]. Event:
		/// [`Event::LotOpened`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::open())]
		pub fn open(origin: OriginFor<T>, lot: LotId, key: LotKey) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_open(lot, key)?;
			Ok(Pays::No.into())
		}

		/// Returns deposit and bond of a lot that was opened a retention ago, and forgets it.
		///
		/// Origin: signed; the sealer gets them, whoever asks.
		///
		/// Errors: [`Error::LotNotFound`], [`Error::LotNotRetired`], [`Error::RetentionNotOver`]. Event:
		/// [`Event::LotReclaimed`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::reclaim())]
		pub fn reclaim(origin: OriginFor<T>, lot: LotId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_reclaim(lot)
		}

		/// Changes how lots are kept.
		///
		/// Origin: root. Lots keep their bonds, and rounds their deadlines.
		///
		/// Errors: [`Error::PhaseLengthOutOfRange`], [`Error::NoBond`]. Event: [`Event::ParametersSet`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: SealedParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(&parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
