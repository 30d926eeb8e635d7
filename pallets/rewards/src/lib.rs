#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(any(test, feature = "runtime-benchmarks")),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impl_learning_credits;
mod impl_learning_rewards;
mod impl_other_rewards;
mod impls;
pub mod migrations;
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
		dag::SubmissionId,
		economy::Budget,
		manifest::DatasetId,
		traits::{AuditedWork, CreditReason, DataPurses, VerifiedData},
		Balance,
	};
	use frame_support::{pallet_prelude::*, traits::fungible, weights::WeightMeter};
	use frame_system::pallet_prelude::*;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The native token. Nothing but this pallet may mint it.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>;

		/// Whose data was verified.
		type Data: VerifiedData<Self::AccountId>;

		/// What datasets earn by their score, as models gain by them.
		type Purses: DataPurses;

		/// On how many epochs an account may have open claims; the oldest is settled and carried when
		/// there would be more.
		#[pallet::constant]
		type MaxOpenClaims: Get<u32>;

		/// Measured weights.
		type WeightInfo: WeightInfo;
	}

	/// What governance set.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, RewardParameters, ValueQuery>;

	/// The epoch that takes claims; none before the first block.
	#[pallet::storage]
	pub type CurrentEpoch<T: Config> = StorageValue<_, RunningEpoch<BlockNumberFor<T>>>;

	/// The oldest epoch in storage.
	#[pallet::storage]
	pub type OldestEpoch<T: Config> = StorageValue<_, EpochNumber, ValueQuery>;

	/// The epochs, until they are forgotten.
	///
	/// Hasher: the chain numbers the epochs.
	#[pallet::storage]
	pub type Epochs<T: Config> = StorageMap<_, Twox64Concat, EpochNumber, EpochRecordOf<T>>;

	/// The open claims on each epoch.
	///
	/// Hashers: the chain numbers the epochs; accounts are chosen by users, and are iterated.
	#[pallet::storage]
	pub type Claims<T: Config> =
		StorageDoubleMap<_, Twox64Concat, EpochNumber, Blake2_128Concat, T::AccountId, Claim>;

	/// The epochs on which an account has a claim, in rising order.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type OpenClaims<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<EpochNumber, T::MaxOpenClaims>, ValueQuery>;

	/// What was settled for an account and not yet minted, for it was too little.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type Carried<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

	/// Sums over everything that ever was.
	#[pallet::storage]
	pub type AllTime<T: Config> = StorageValue<_, Totals, ValueQuery>;

	/// Accepted work whose data is not verified yet. Paid for by the submission's bond, which the work had, and
	/// forgotten after [`RewardParameters::data_patience_epochs`].
	///
	/// Hasher: the chain numbers the submissions.
	#[pallet::storage]
	pub type WaitingShares<T: Config> = StorageMap<_, Twox64Concat, SubmissionId, WaitingShare>;

	/// The submissions of [`WaitingShares`], by the epoch of their verdict.
	///
	/// Hashers: the chain numbers both.
	#[pallet::storage]
	pub type WaitingSharesOf<T: Config> =
		StorageDoubleMap<_, Twox64Concat, EpochNumber, Twox64Concat, SubmissionId, ()>;

	/// No epoch before this one has an entry in [`WaitingSharesOf`].
	#[pallet::storage]
	pub type OldestWaitingShare<T: Config> = StorageValue<_, EpochNumber, ValueQuery>;

	/// Learning credits. Who has an entry had a bond for what earned it. They cannot be moved.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type Credits<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u64, ValueQuery>;

	/// Sums over all learning credits.
	#[pallet::storage]
	pub type AllTimeCredits<T: Config> = StorageValue<_, CreditTotals, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Lengths, rate, least payment.
		pub parameters: RewardParameters,
		#[serde(skip)]
		#[doc(hidden)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let checked = Pallet::<T>::check_parameters(&self.parameters);
			assert!(checked.is_ok(), "genesis parameters of rewards: {checked:?}");
			Parameters::<T>::put(self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An epoch is over, and the next takes claims.
		EpochStarted {
			/// The number of the one that starts.
			epoch: EpochNumber,
			/// What it may issue.
			issuance: Balance,
		},
		/// An account earned a claim.
		Accrued {
			/// The epoch that will settle it.
			epoch: EpochNumber,
			/// Who earned it.
			account: T::AccountId,
			/// The budget that it is paid from.
			budget: Budget,
			/// The claim; more claims than budget scale it down.
			amount: Balance,
			/// What it was earned with: an accepted submission, or what was audited.
			work: AuditedWork,
		},
		/// A dataset earned by the gain of a submission that learned from it: its contributor has a claim on the data's
		/// budget, of `earned` and `purse` together.
		DataAccrued {
			/// The epoch that will settle it.
			epoch: EpochNumber,
			/// Which.
			dataset: DatasetId,
			/// Who is paid for it.
			contributor: T::AccountId,
			/// Its part of the data's share of the gain.
			earned: Balance,
			/// What goes with that out of the purse that its score filled.
			purse: Balance,
			/// The accepted submission.
			submission: SubmissionId,
		},
		/// A claim was settled and minted, with what was carried.
		Paid {
			/// Who received it.
			account: T::AccountId,
			/// The epoch that settled the claim.
			epoch: EpochNumber,
			/// What was minted.
			amount: Balance,
		},
		/// A claim was settled, and is kept until there is enough to mint.
		CarriedOver {
			/// Whose it is.
			account: T::AccountId,
			/// The epoch that settled the claim.
			epoch: EpochNumber,
			/// What the claim came to.
			amount: Balance,
			/// What is carried now.
			carried: Balance,
		},
		/// What was carried was minted.
		CarriedPaid {
			/// Who received it.
			account: T::AccountId,
			/// What was minted.
			amount: Balance,
		},
		/// A claim was not made in time. What it came to is never minted.
		ClaimExpired {
			/// Whose it was.
			account: T::AccountId,
			/// The epoch that it was on.
			epoch: EpochNumber,
			/// What it came to.
			amount: Balance,
		},
		/// An epoch without claims was forgotten.
		EpochPruned {
			/// Its number.
			epoch: EpochNumber,
			/// What it paid.
			paid: Balance,
			/// What was left of its budgets, and is never minted.
			left: Balance,
		},
		/// An account's component was used: it earned a claim on the serving budget.
		UseAccrued {
			/// The epoch that will settle it.
			epoch: EpochNumber,
			/// Who earned it.
			account: T::AccountId,
			/// The claim; more claims than budget scale it down.
			amount: Balance,
		},
		/// The data of accepted work was not verified in time. Its share is never minted.
		DataShareLapsed {
			/// The accepted submission.
			submission: SubmissionId,
			/// What would have been claimed.
			amount: Balance,
		},
		/// An account earned learning credits.
		CreditsEarned {
			/// Who.
			account: T::AccountId,
			/// By what.
			reason: CreditReason,
			/// How many.
			amount: u64,
		},
		/// An account spent learning credits.
		CreditsSpent {
			/// Who.
			account: T::AccountId,
			/// How many.
			amount: u64,
		},
		/// Governance set the parameters.
		ParametersSet {
			/// What holds from now on; the length of an epoch, from the next epoch on.
			parameters: RewardParameters,
		},
		/// An account validated: it earned a claim on the validators' budget.
		ValidationAccrued {
			/// The epoch that will settle it.
			epoch: EpochNumber,
			/// Who earned it.
			account: T::AccountId,
			/// The claim; more claims than budget scale it down.
			amount: Balance,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no such epoch: it has not begun, or it is forgotten. Claim on an epoch that
		/// `OpenClaims` names.
		EpochNotFound,
		/// The epoch still runs. Claim when the next one has started.
		EpochStillRunning,
		/// The account has no claim on the epoch: it earned nothing then, or has been paid.
		ClaimNotFound,
		/// The claim was not made within `claim_expiry_epochs`. It cannot be paid any more.
		ClaimExpired,
		/// Less than `min_payout` is carried. Claim when more was earned.
		CarriedTooLittle,
		/// An epoch must have between one block and [`MAX_EPOCH_BLOCKS`].
		EpochBlocksOutOfRange,
		/// The least payment must be at least the existential deposit, or it could not be minted.
		MinPayoutTooSmall,
		/// The rate must be at most [`MAX_LEARNING_RATE`].
		LearningRateTooHigh,
		/// A claim must be open for an epoch at least.
		ClaimExpiryTooShort,
		/// A data share must wait for [`MAX_DATA_PATIENCE_EPOCHS`] at most.
		DataPatienceTooLong,
		/// The account has fewer learning credits. Earn more by accepted work, honest measurement or proof of
		/// faults.
		CreditsTooFew,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			if Self::roll_epoch(now) {
				T::WeightInfo::roll_epoch()
			} else {
				T::WeightInfo::epoch_continues()
			}
		}

		fn on_idle(_now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::prune(&mut meter);
			Self::lapse_data(&mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxOpenClaims::get() > 0, "MaxOpenClaims must allow for a claim");
			let shares = [TRAINER_SHARE, LINEAGE_SHARE, EVALUATORS_SHARE, DATA_SHARE];
			let parts = shares.iter().fold(0u32, |sum, share| sum.saturating_add(share.deconstruct()));
			assert_eq!(
				parts,
				sp_runtime::Perbill::one().deconstruct(),
				"the shares of accepted work are the whole of it"
			);
			assert_eq!(LINEAGE_WEIGHTS.iter().sum::<Balance>(), LINEAGE_WEIGHT_SUM);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Settles the caller's claim on a closed epoch. It is minted with what was carried, or, if
		/// both together are below `min_payout`, carried.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// [`Error::EpochNotFound`], [`Error::EpochStillRunning`], [`Error::ClaimExpired`],
		/// [`Error::ClaimNotFound`], and the currency's own.
		///
		/// Event: [`Event::Paid`] or [`Event::CarriedOver`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, epoch: EpochNumber) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_claim(&who, epoch)
		}

		/// Settles the claim of `account` on a closed epoch, as [`Pallet::claim`] does: whoever calls,
		/// `account` receives it. For those who pay others' claims before they expire.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// As [`Pallet::claim`].
		///
		/// Event: [`Event::Paid`] or [`Event::CarriedOver`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim_for(origin: OriginFor<T>, account: T::AccountId, epoch: EpochNumber) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_claim(&account, epoch)
		}

		/// Mints what is carried for the caller: for when `min_payout` was lowered, or old claims were
		/// settled because there were too many.
		///
		/// Origin: signed.
		///
		/// # Errors
		/// [`Error::CarriedTooLittle`], and the currency's own.
		///
		/// Event: [`Event::CarriedPaid`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::claim_carried())]
		pub fn claim_carried(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_claim_carried(&who)
		}

		/// Sets the parameters. The length of an epoch holds from the next epoch on, the rest at once.
		///
		/// Origin: root.
		///
		/// # Errors
		/// [`Error::EpochBlocksOutOfRange`], [`Error::MinPayoutTooSmall`],
		/// [`Error::LearningRateTooHigh`], [`Error::ClaimExpiryTooShort`], [`Error::DataPatienceTooLong`].
		///
		/// Event: [`Event::ParametersSet`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: RewardParameters) -> DispatchResult {
			ensure_root(origin)?;
			Self::do_set_parameters(parameters)
		}
	}
}
