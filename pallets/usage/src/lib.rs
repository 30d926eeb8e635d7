#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(any(test, feature = "runtime-benchmarks")),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod impls {
	mod accounts;
	mod queries;
	mod receipts;
}
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_system, sp_runtime};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use blyan_primitives::{
		traits::{ServedBlocks, ServingRewards, WorkerRegistry},
		usage::{SignedReceipts, UsageParameters, MAX_RECEIPTS, MAX_USED_BLOCKS},
		Balance, BlockNumber, Hash,
	};
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use sp_runtime::traits::{IdentifyAccount, Verify};

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash = Hash>
	{
		/// What clients deposit, and fees are burned of and paid from.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// A client's signature.
		type Signature: Verify<Signer = Self::Public> + Parameter;

		/// The key that it is checked with.
		type Public: IdentifyAccount<AccountId = Self::AccountId>;

		/// The blocks that can have been used.
		type Blocks: ServedBlocks<Self::AccountId>;

		/// Who is a server.
		type Workers: WorkerRegistry<Self::AccountId>;

		/// Where the use of components is paid.
		type Rewards: ServingRewards<Self::AccountId>;

		/// Most servers that a client's account may pay within [`UsageParameters::max_age_blocks`].
		#[pallet::constant]
		type MaxServers: Get<u32>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// Signs, for benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId, Self::Signature>;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// What a client pays receipts from.
		UsageDeposit,
	}

	/// What governance set.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, UsageParameters, ValueQuery>;

	/// The clients' accounts. Paid for by what is deposited in them, a first deposit of
	/// [`UsageParameters::min_deposit`] at least.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type Accounts<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, UsageAccountOf<T>>;

	/// Sums over everything that was ever paid.
	#[pallet::storage]
	pub type AllTime<T: Config> = StorageValue<_, Totals, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What use is worth.
		pub parameters: UsageParameters,
		#[serde(skip)]
		#[doc(hidden)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let checked = Pallet::<T>::check_parameters(&self.parameters);
			assert!(checked.is_ok(), "genesis parameters of usage: {checked:?}");
			Parameters::<T>::put(self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A client put something into its account.
		Deposited {
			/// Whose account it is.
			client: T::AccountId,
			/// What was put in.
			amount: Balance,
			/// What is in it now.
			deposit: Balance,
		},
		/// A client asked for something back.
		WithdrawalRequested {
			/// Whose account it is.
			client: T::AccountId,
			/// What it asked for.
			amount: Balance,
			/// The first block in which it can be had.
			from: BlockNumber,
		},
		/// A client took something out of its account.
		Withdrawn {
			/// Whose account it is.
			client: T::AccountId,
			/// What was taken out: what was asked for, or all that was left.
			amount: Balance,
		},
		/// A receipt was paid.
		ReceiptPaid {
			/// Who paid.
			client: T::AccountId,
			/// Who served.
			server: T::AccountId,
			/// The block up to which the receipt counts.
			until: BlockNumber,
			/// What was paid: the fee, or all that was left.
			paid: Balance,
			/// The part of it that was burned; the server got the rest.
			burned: Balance,
			/// What the trainers of the blocks claim of the serving budget.
			accrued: Balance,
		},
		/// A receipt was not taken, and nothing came of it.
		ReceiptRefused {
			/// Who should have paid.
			client: T::AccountId,
			/// The block up to which the receipt counts.
			until: BlockNumber,
			/// Why.
			error: DispatchError,
		},
		/// Governance set the parameters.
		ParametersSet {
			/// What holds from now on.
			parameters: UsageParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// A first deposit is below `min_deposit`, or nothing is deposited. Deposit more.
		DepositTooSmall,
		/// There is no account of that client. It must deposit first.
		AccountNotFound,
		/// More is asked back than is deposited, or nothing. Ask for what is there at most.
		WithdrawalOutOfRange,
		/// Nothing was asked back. Request a withdrawal first.
		WithdrawalNotRequested,
		/// Servers still have time to submit their receipts. Wait for the block that `WithdrawalRequested` names.
		WithdrawalTooEarly,
		/// The sender is no server. Register as one first.
		NotServer,
		/// The list of receipts is empty. Send one at least.
		ReceiptsMissing,
		/// The receipt is for another server. Only that one can submit it.
		ReceiptOfOtherServer,
		/// The receipt ends in a block that there is not yet. Wait for it.
		ReceiptOfFuture,
		/// The receipt ended more than `max_age_blocks` ago. Submit receipts sooner.
		ReceiptTooOld,
		/// The receipt ends no later than one that was paid to the server, or than the account was opened. Each
		/// must go on where the last one ended.
		ReceiptNotNewer,
		/// The fee is below `min_fee`. Agree on a longer period.
		FeeTooSmall,
		/// The receipt names no blocks, or not by rising id, or calls that are none, or more than there were
		/// answers. Count again.
		UseInconsistent,
		/// The signature is not the client's, or is of something else. Have the client sign the receipt's payload
		/// with this chain's genesis hash.
		SignatureInvalid,
		/// A block of the receipt never was head. Name the blocks that answers were computed from.
		BlockNotServed,
		/// The client paid as many servers lately as an account may. It must wait until receipts grow too old.
		TooManyServers,
		/// The base must be at most `MAX_BASE`.
		BaseTooHigh,
		/// At most half of what is burned may be issued again, or use would pay for itself.
		ReturnTooHigh,
		/// Least fee and least deposit must be at least the existential deposit.
		LeastAmountTooSmall,
		/// Receipts must be fresh no longer than they are taken, and taken no longer than a withdrawal waits.
		PeriodsOutOfOrder,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxServers::get() > 0, "MaxServers must allow for a server");
			const { assert!(MAX_RECEIPTS > 0 && MAX_USED_BLOCKS > 0, "a call must be able to carry something") };
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Puts `amount` into the caller's account, for servers to be paid from; opens one if there is none.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// [`Error::DepositTooSmall`], and the currency's own.
		///
		/// Event: [`Event::Deposited`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::deposit())]
		pub fn deposit(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_deposit(client, amount)
		}

		/// Asks for `amount` back, which can be had after `withdrawal_blocks`. Until then it pays receipts. Takes
		/// the place of a request before.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// [`Error::AccountNotFound`], [`Error::WithdrawalOutOfRange`].
		///
		/// Event: [`Event::WithdrawalRequested`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::request_withdrawal())]
		pub fn request_withdrawal(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_request_withdrawal(client, amount)
		}

		/// Takes out what was asked for, or what is left of it. An account that is empty is closed.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// [`Error::AccountNotFound`], [`Error::WithdrawalNotRequested`], [`Error::WithdrawalTooEarly`].
		///
		/// Event: [`Event::Withdrawn`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_withdraw(client)
		}

		/// Submits receipts that clients signed for the caller. Each is judged by itself: one that is refused does
		/// not hold up the others.
		///
		/// Origin: signed by a server.
		///
		/// # Errors
		/// [`Error::NotServer`], [`Error::ReceiptsMissing`]. Why a receipt was refused is in its event.
		///
		/// Event: [`Event::ReceiptPaid`] or [`Event::ReceiptRefused`] for each.
		#[pallet::call_index(3)]
		#[pallet::weight(Pallet::<T>::weight_of(receipts))]
		pub fn submit_receipts(
			origin: OriginFor<T>,
			receipts: SignedReceipts<T::AccountId, T::Signature>,
		) -> DispatchResult {
			let server = ensure_signed(origin)?;
			Self::do_submit_receipts(server, receipts)
		}

		/// Sets the parameters, from the next receipt on.
		///
		/// Origin: root.
		///
		/// # Errors
		/// [`Error::BaseTooHigh`], [`Error::ReturnTooHigh`], [`Error::LeastAmountTooSmall`],
		/// [`Error::PeriodsOutOfOrder`].
		///
		/// Event: [`Event::ParametersSet`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: UsageParameters) -> DispatchResult {
			ensure_root(origin)?;
			Self::check_parameters(&parameters)?;
			Parameters::<T>::put(parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
