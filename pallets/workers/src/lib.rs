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
mod impl_worker_registry;
mod impls;
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
	use alloc::vec::Vec;
	use blyan_primitives::{
		worker::{Associates as AssociateList, Endpoint, Fault, MachineId, Role, Roles},
		Balance,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, OnUnbalanced},
	};
	use frame_system::pallet_prelude::*;
	use sp_runtime::Perbill;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The native token, which bonds are made of.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
			+ fungible::hold::Balanced<Self::AccountId>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// Where slashed bonds go; `()` burns them.
		type Slashed: OnUnbalanced<CreditOf<Self>>;

		/// Most workers that may be registered. Bounds the depth of the seats: a draw among n workers
		/// reads 2 log2(n) of them.
		#[pallet::constant]
		type MaxWorkers: Get<u32>;

		/// Measured weights.
		type WeightInfo: WeightInfo;
	}

	/// Why funds are on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A worker's bond: slashed for faults, released by `withdraw`.
		WorkerBond,
	}

	/// What is asked of workers.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, WorkerParameters, ValueQuery>;

	/// The workers, with those that are leaving. The account pays for its record by the bond.
	///
	/// Hasher: accounts are chosen by users, and the list is iterated.
	#[pallet::storage]
	pub type Workers<T: Config> = CountedStorageMap<_, Blake2_128Concat, T::AccountId, WorkerOf<T>>;

	/// How many of the workers are not leaving: with roles that overlap, seats do not tell.
	#[pallet::storage]
	pub type ActiveWorkers<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// Which worker a machine belongs to.
	///
	/// Hasher: machine ids are chosen by users.
	#[pallet::storage]
	pub type MachineOf<T: Config> = StorageMap<_, Blake2_128Concat, MachineId, T::AccountId>;

	/// How many seats each role has.
	///
	/// Hasher: the roles are few and fixed.
	#[pallet::storage]
	pub type SeatCount<T: Config> = StorageMap<_, Twox64Concat, Role, u32, ValueQuery>;

	/// The seats of each role, numbered from 1.
	///
	/// Hasher: the chain numbers the seats.
	#[pallet::storage]
	pub type Seats<T: Config> = StorageDoubleMap<_, Twox64Concat, Role, Twox64Concat, u32, SeatOfRuntime<T>>;

	/// Which seat of a role a worker has.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type SeatOf<T: Config> = StorageDoubleMap<_, Twox64Concat, Role, Blake2_128Concat, T::AccountId, u32>;

	/// Whom workers declared as their associates; absent for none. Covered by the worker's bond, and removed
	/// with its record.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type Associates<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, AssociateList<T::AccountId>>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What is asked of workers.
		pub parameters: WorkerParameters,
		/// Workers that exist from the start; their bonds come out of their genesis balances, so this
		/// pallet comes after the one of the currency.
		pub workers: Vec<GenesisWorker<T::AccountId>>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let checked = Pallet::<T>::check_parameters(&self.parameters);
			assert!(checked.is_ok(), "genesis parameters of workers: {checked:?}");
			Parameters::<T>::put(self.parameters);
			for worker in &self.workers {
				let endpoint = Endpoint::try_from(worker.endpoint.as_bytes().to_vec());
				assert!(endpoint.is_ok(), "the endpoint of genesis worker {:?} is too long", worker.account);
				let registered = Pallet::<T>::do_register(
					&worker.account,
					worker.roles,
					worker.machine,
					worker.session_key.0,
					endpoint.unwrap_or_default(),
					worker.bond,
				);
				assert!(registered.is_ok(), "genesis worker {:?}: {registered:?}", worker.account);
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A worker registered.
		WorkerRegistered {
			/// Its account.
			worker: T::AccountId,
			/// What it does.
			roles: Roles,
			/// What it runs on.
			machine: MachineId,
			/// What it put on hold.
			bond: Balance,
			/// The block from which draws consider it; a draw before that did not.
			joins_at: BlockNumberFor<T>,
		},
		/// A worker is reached elsewhere.
		EndpointUpdated {
			/// Its account.
			worker: T::AccountId,
			/// Where it is reached now.
			endpoint: Endpoint,
		},
		/// A worker added to its bond.
		BondAdded {
			/// Its account.
			worker: T::AccountId,
			/// What it added.
			added: Balance,
			/// The bond it has now.
			bond: Balance,
		},
		/// A worker gave up its roles.
		WorkerLeaving {
			/// Its account.
			worker: T::AccountId,
			/// First block in which it may withdraw its bond.
			until: BlockNumberFor<T>,
		},
		/// A worker took its bond back and is none any more.
		BondWithdrawn {
			/// Its account.
			worker: T::AccountId,
			/// What was released.
			amount: Balance,
		},
		/// A worker did honest work.
		HonestWorkNoted {
			/// Its account.
			worker: T::AccountId,
			/// Its reputation now.
			reputation: Perbill,
		},
		/// A worker was at fault.
		FaultNoted {
			/// Its account.
			worker: T::AccountId,
			/// What it did.
			fault: Fault,
			/// What was slashed.
			slashed: Balance,
			/// The bond that is left.
			bond: Balance,
			/// Its reputation now.
			reputation: Perbill,
		},
		/// Somebody was paid out of a slash.
		SlashShared {
			/// Whose bond it was.
			worker: T::AccountId,
			/// Who was paid.
			payee: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// A slash took a worker's bond below the least bond: it is not drawn until it adds to it.
		DrawsSuspended {
			/// Its account.
			worker: T::AccountId,
			/// The bond that is left.
			bond: Balance,
			/// The bond it needs to be drawn again.
			required_bond: Balance,
		},
		/// A worker said who is associated with it, in place of what it said before.
		AssociatesDeclared {
			/// Its account.
			worker: T::AccountId,
			/// Who must not measure what it made, nor sit on a committee with it.
			associates: AssociateList<T::AccountId>,
		},
		/// What is asked of workers changed.
		ParametersSet {
			/// What is asked from now on.
			parameters: WorkerParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is a worker already, perhaps one that is leaving. Use another account, or leave
		/// and `withdraw` first.
		AlreadyRegistered,
		/// The machine belongs to another worker. One machine, one worker: its worker must withdraw
		/// first.
		MachineTaken,
		/// No role was named. Name one at least.
		NoRoles,
		/// The endpoint is empty, or has bytes other than printable ASCII without spaces. Give a URL or
		/// a multiaddress.
		InvalidEndpoint,
		/// The bond is below `Parameters.min_bond`. Bond more.
		BondTooSmall,
		/// `MaxWorkers` are registered. Wait until one withdraws, or ask governance for more room.
		TooManyWorkers,
		/// The account is no worker. `register` first.
		WorkerNotFound,
		/// The worker is leaving. `withdraw` and `register` again.
		WorkerLeaving,
		/// The worker has not said that it leaves. `unregister` first.
		WorkerNotLeaving,
		/// The unbonding time is not over. Wait until the block that `WorkerLeaving` named.
		StillUnbonding,
		/// The worker is drawn for a round that is not over. Wait for its verdict.
		StillEngaged,
		/// Nothing was added. Name an amount above zero.
		NothingAdded,
		/// The list names the worker itself, or an account twice. Name each other account once.
		AssociatesInvalid,
		/// Those in the list who did not declare this worker weigh more than a tenth of all evaluators, or of
		/// all auditors: nobody may pick his judges by excluding the rest. Have them declare this worker first.
		AssociatesTooHeavy,
		/// The least bond must be at least the existential deposit.
		MinBondTooSmall,
		/// The unbonding time must be a block at least.
		NoUnbondingTime,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxWorkers::get() > 0, "MaxWorkers must allow for a worker");
			assert!(
				T::MaxWorkers::get() < 1 << 30,
				"MaxWorkers must leave room for the numbers of a seat's children"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Becomes a worker: puts `bond` on hold, and takes a seat in each of `roles`.
		///
		/// Origin: signed, by the account to become a worker. `machine` is a salted hash of what
		/// identifies the machine, `session_key` the public key for off-chain messages, `endpoint` a URL
		/// or multiaddress of printable ASCII.
		///
		/// # Errors
		/// [`Error::NoRoles`], [`Error::InvalidEndpoint`], [`Error::AlreadyRegistered`],
		/// [`Error::MachineTaken`], [`Error::BondTooSmall`], [`Error::TooManyWorkers`], and the
		/// currency's own if the account lacks the bond.
		///
		/// Event: [`Event::WorkerRegistered`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			roles: Roles,
			machine: MachineId,
			session_key: [u8; 32],
			endpoint: Endpoint,
			bond: Balance,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_register(&who, roles, machine, session_key, endpoint, bond)
		}

		/// Says where the worker is reached from now on.
		///
		/// Origin: signed, by a worker; one that is leaving may still finish its rounds, and so may move.
		///
		/// # Errors
		/// [`Error::InvalidEndpoint`], [`Error::WorkerNotFound`].
		///
		/// Event: [`Event::EndpointUpdated`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::update_endpoint())]
		pub fn update_endpoint(origin: OriginFor<T>, endpoint: Endpoint) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_update_endpoint(&who, endpoint)
		}

		/// Puts `amount` more on hold. A worker that a slash took out of the draws is back in them once
		/// its bond reaches the least bond.
		///
		/// Origin: signed, by a worker that is not leaving.
		///
		/// # Errors
		/// [`Error::NothingAdded`], [`Error::WorkerNotFound`], [`Error::WorkerLeaving`], and the
		/// currency's own if the account lacks the amount.
		///
		/// Event: [`Event::BondAdded`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::bond_extra())]
		pub fn bond_extra(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_bond_extra(&who, amount)
		}

		/// Gives up all roles and starts the unbonding time. Rounds that the worker is drawn for go on,
		/// and still need its answers.
		///
		/// Origin: signed, by a worker that is not leaving yet.
		///
		/// # Errors
		/// [`Error::WorkerNotFound`], [`Error::WorkerLeaving`].
		///
		/// Event: [`Event::WorkerLeaving`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::unregister())]
		pub fn unregister(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_unregister(&who)
		}

		/// Releases the bond, forgets the worker, and frees its machine.
		///
		/// Origin: signed, by a worker whose unbonding time is over and which no round waits for.
		///
		/// # Errors
		/// [`Error::WorkerNotFound`], [`Error::WorkerNotLeaving`], [`Error::StillUnbonding`],
		/// [`Error::StillEngaged`].
		///
		/// Event: [`Event::BondWithdrawn`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(&who)
		}

		/// Changes what is asked of workers. Workers that are registered keep the least bond of their
		/// registration; those that are leaving keep their block.
		///
		/// Origin: root.
		///
		/// # Errors
		/// [`Error::MinBondTooSmall`], [`Error::NoUnbondingTime`].
		///
		/// Event: [`Event::ParametersSet`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: WorkerParameters) -> DispatchResult {
			ensure_root(origin)?;
			Self::do_set_parameters(parameters)
		}

		/// Says who is associated with the worker, in place of what it said before: they are never drawn for
		/// what it made, nor together with it. It suffices that one of two says so. An empty list takes
		/// it back.
		///
		/// Origin: signed, by a worker.
		///
		/// # Errors
		/// [`Error::WorkerNotFound`], [`Error::AssociatesInvalid`], [`Error::AssociatesTooHeavy`].
		///
		/// Event: [`Event::AssociatesDeclared`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::declare_associates())]
		pub fn declare_associates(
			origin: OriginFor<T>,
			associates: AssociateList<T::AccountId>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_declare_associates(&who, associates)
		}
	}
}
