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

mod types;
pub mod weights;

mod impls {
	mod dispatch;
	mod periods;
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
		canary::{CanaryKey, LotProof, PeriodNumber},
		traits::{CanaryRounds, Validators},
		Balance, Hash,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, Randomness},
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<Hash = Hash> {
		/// Where deposits are held.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The rounds that may turn out to be canaries.
		type Rounds: CanaryRounds<Self::AccountId, BlockNumberFor<Self>>;

		/// Who may take part in the lottery.
		type Validators: Validators<Self::AccountId>;

		/// Randomness with the block since which it was known; `None` where that block had none. Lots are drawn
		/// from it.
		type Randomness: Randomness<Option<Hash>, BlockNumberFor<Self>>;

		/// What is held of a validator that takes part.
		#[pallet::constant]
		type KeyDeposit: Get<Balance>;

		/// Periods that are kept. A round that is contested later than so many periods after its submission
		/// cannot be shown to be a canary any more.
		#[pallet::constant]
		type MaxPeriods: Get<u32>;

		/// Weights of calls and of the hook.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a validator for its canary keys.
		KeyDeposit,
	}

	/// How canaries are planted.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, CanaryParameters, ValueQuery>;

	/// The periods that are kept: exactly those from [`OldestPeriod`] to [`CurrentPeriod`]. Numbers are given in
	/// sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Periods<T: Config> = StorageMap<_, Twox64Concat, PeriodNumber, PeriodOf<T>>;

	/// The running period; none before the first block that has randomness.
	#[pallet::storage]
	pub type CurrentPeriod<T: Config> = StorageValue<_, PeriodNumber>;

	/// The oldest period that is kept.
	#[pallet::storage]
	pub type OldestPeriod<T: Config> = StorageValue<_, PeriodNumber, ValueQuery>;

	/// The validators that take part; each pays a deposit. Accounts are chosen by users, hence the cryptographic
	/// hasher.
	#[pallet::storage]
	pub type Planters<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, PlanterOf<T>>;

	/// Whose key it is: exactly those of [`Planters`], which pay for it. Keys are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type KeyOwners<T: Config> = StorageMap<_, Blake2_128Concat, CanaryKey, T::AccountId>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How canaries are planted from the start.
		pub parameters: CanaryParameters,
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
					panic!("canaries.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A period of the lottery began.
		PeriodStarted {
			/// Its number.
			period: PeriodNumber,
			/// What lots are drawn from.
			randomness: Hash,
		},
		/// A validator takes part with that key.
		KeySet {
			/// Who.
			validator: T::AccountId,
			/// Its key.
			key: CanaryKey,
			/// From which period on.
			since: PeriodNumber,
		},
		/// A validator takes part no more.
		KeysRemoved {
			/// Who.
			validator: T::AccountId,
			/// What was held of it.
			deposit: Balance,
		},
		/// A submission was shown to be a canary.
		CanaryRevealed {
			/// Its round.
			round: RoundId,
			/// The validator that planted it.
			planter: T::AccountId,
			/// Who submitted it.
			trainer: T::AccountId,
			/// The period in which the planter was drawn.
			period: PeriodNumber,
		},
		/// Governance changed how canaries are planted.
		ParametersSet {
			/// The new numbers.
			parameters: CanaryParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is not in the current set of authorities: only a validator's key is drawn.
		NotValidator,
		/// The signature is not the key's for this account. Sign
		/// [`blyan_primitives::canary::ownership_message`] with the key itself.
		KeyNotOwned,
		/// The key is registered already, or was a short while ago. Make a fresh one.
		KeyTaken,
		/// The account's free balance does not cover the deposit.
		DepositNotAvailable,
		/// The account has no key.
		NoKey,
		/// Nothing can be revealed of the round: it is no improvement, or not in its contest phase. Reveal
		/// between `ContestOpened` and its deadline. Rounds of a model without a reference evaluator have no
		/// such phase.
		RoundNotRevealable,
		/// The round is known to be a canary.
		AlreadyRevealed,
		/// Nobody has this key.
		KeyNotFound,
		/// There is no such period, or it is not kept any more.
		PeriodNotFound,
		/// The submission was made neither in that period nor in the one after it.
		WrongPeriod,
		/// In that period the key took no part: set too late, or replaced.
		KeyNotEffective,
		/// A canary of that period was shown: one for each key and period.
		AlreadyPlanted,
		/// The seal of the submission is another one: check key, trainer, blocks and salt.
		SealMismatch,
		/// The proof is not of this key's lot in that period.
		LotInvalid,
		/// The key's lot does not win.
		NotDrawn,
		/// `period_blocks` must be 1 at least and [`MAX_PERIOD_BLOCKS`] at most.
		PeriodLengthOutOfRange,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			if Self::roll_period(now) {
				T::WeightInfo::begin_period()
			} else {
				T::WeightInfo::period_continues()
			}
		}

		fn integrity_test() {
			assert!(
				T::MaxPeriods::get() > KEY_DELAY,
				"MaxPeriods must keep a period until the one after the next has begun"
			);
			assert!(
				CanaryParameters::default().validate::<T>().is_ok(),
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
		/// Takes part in the lottery with that key, from the period after the next on, instead of a key that was
		/// set before. `ownership` is the key's signature of
		/// [`blyan_primitives::canary::ownership_message`].
		///
		/// Origin: signed by a validator, of which a deposit is held.
		///
		/// Errors: [`Error::NotValidator`], [`Error::KeyNotOwned`], [`Error::KeyTaken`],
		/// [`Error::DepositNotAvailable`]. Event: [`Event::KeySet`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_key())]
		pub fn set_key(origin: OriginFor<T>, key: CanaryKey, ownership: [u8; 64]) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_set_key(who, key, ownership)
		}

		/// Takes part no more, and takes the deposit back. What was planted and is not shown yet cannot be shown
		/// any more.
		///
		/// Origin: signed by who set a key, a validator or not.
		///
		/// Errors: [`Error::NoKey`]. Event: [`Event::KeysRemoved`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_keys())]
		pub fn remove_keys(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_remove_keys(who)
		}

		/// Shows that a submission is a canary: that its seal is of this key, which was drawn in that period, or
		/// the one before the submission's. The round then ends as a canary's whatever was measured; see the
		/// rounds for what follows.
		///
		/// Origin: signed by anybody. Costs no fee if it is so.
		///
		/// Errors: [`Error::RoundNotRevealable`], [`Error::AlreadyRevealed`], [`Error::KeyNotFound`],
		/// [`Error::NotValidator`], [`Error::PeriodNotFound`], [`Error::WrongPeriod`],
		/// [`Error::KeyNotEffective`], [`Error::AlreadyPlanted`], [`Error::SealMismatch`],
		/// [`Error::LotInvalid`], [`Error::NotDrawn`]. Event: [`Event::CanaryRevealed`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			round: RoundId,
			period: PeriodNumber,
			key: CanaryKey,
			lot: LotProof,
			salt: [u8; 32],
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_reveal(round, period, key, lot, salt)?;
			Ok(Pays::No.into())
		}

		/// Changes how canaries are planted.
		///
		/// Origin: root. The running period keeps its chance, and ends when the new length says.
		///
		/// Errors: [`Error::PeriodLengthOutOfRange`]. Event: [`Event::ParametersSet`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: CanaryParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
