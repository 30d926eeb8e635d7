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
mod impl_handlers;
mod impls {
	mod authorize;
	pub(crate) mod parameters;
	mod queries;
	mod sessions;
	mod settlement;
	mod voting;
}
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
mod types;
pub mod weights;

pub use impl_handlers::Both;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_system, sp_core};

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use blyan_primitives::{
		checkpoint::{CheckpointBlock, CheckpointVote, SetId},
		traits::{DowntimeReports, ValidatorRewards},
		Balance, Hash,
	};
	use frame_support::{dispatch::DispatchClass, pallet_prelude::*};
	use frame_system::pallet_prelude::*;
	use sp_core::ed25519::Signature;

	/// The in-code storage version.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>, Hash = Hash>
	{
		/// Where validators are paid.
		type Rewards: ValidatorRewards<Self::AccountId>;

		/// Who is told of validators that are down.
		type Downtime: DowntimeReports<Self::AccountId>;

		/// The session that runs, of pallet session.
		type SessionIndex: Get<SessionIndex>;

		/// The set of GRANDPA's authorities, of pallet grandpa.
		type SetId: Get<SetId>;

		/// Most validators of a session; those after them are neither heard nor paid.
		#[pallet::constant]
		type MaxValidators: Get<u32>;

		/// Seats that are settled in a block.
		#[pallet::constant]
		type SettledPerBlock: Get<u32>;

		/// Most sessions that are over and not settled. When there would be more, the rest of the oldest is settled in the
		/// block in which a session begins, which has the weight of a whole block anyway.
		#[pallet::constant]
		type KeptSessions: Get<u32>;

		/// Checkpoints whose signatures are kept, the one that takes votes among them.
		#[pallet::constant]
		type KeptCheckpoints: Get<u32>;

		/// Most wrong votes that are kept; the oldest go.
		#[pallet::constant]
		type MaxEvidence: Get<u32>;

		/// Weights.
		type WeightInfo: WeightInfo;
	}

	/// What governance set.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, CheckpointParameters, ValueQuery>;

	/// The session that runs; none before the pallet was told of one.
	#[pallet::storage]
	pub type Running<T: Config> = StorageValue<_, RunningSession>;

	/// The session that runs, and those that are not settled.
	///
	/// Hasher: the chain numbers the sessions.
	#[pallet::storage]
	pub type Sessions<T: Config> = StorageMap<_, Twox64Concat, SessionIndex, SessionRecord>;

	/// The validators of the sets that sessions in storage have, by seat.
	///
	/// Hashers: the chain numbers both.
	#[pallet::storage]
	pub type Voters<T: Config> =
		StorageDoubleMap<_, Twox64Concat, SetNumber, Twox64Concat, u32, Voter<T::AccountId>>;

	/// How each of these validators did before. Paid for by nobody: as many as there are validators.
	///
	/// Hasher: accounts are chosen by users.
	#[pallet::storage]
	pub type Standings<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Standing>;

	/// What validators did in the sessions in storage; nothing of those who did nothing.
	///
	/// Hashers: the chain numbers the sessions; accounts are chosen by users.
	#[pallet::storage]
	pub type Tallies<T: Config> =
		StorageDoubleMap<_, Twox64Concat, SessionIndex, Blake2_128Concat, T::AccountId, Tally, ValueQuery>;

	/// How far sessions are settled; none before the pallet was told of one.
	#[pallet::storage]
	pub type Settled<T: Config> = StorageValue<_, Settlement>;

	/// The checkpoint that takes votes.
	#[pallet::storage]
	pub type OpenCheckpoint<T: Config> = StorageValue<_, Checkpoint>;

	/// The votes on a checkpoint, by its slot and the voter's seat. Overwritten by those of later checkpoints in the same
	/// slot, and never removed.
	///
	/// Hashers: the chain numbers both.
	#[pallet::storage]
	pub type Votes<T: Config> = StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, u32, StoredVote>;

	/// The checkpoints with a certificate, by slot.
	///
	/// Hasher: the chain numbers the slots.
	#[pallet::storage]
	pub type Certificates<T: Config> = StorageMap<_, Twox64Concat, u32, Certified>;

	/// The slot of the newest of them.
	#[pallet::storage]
	pub type NewestCertificate<T: Config> = StorageValue<_, u32>;

	/// Wrong votes, the newest `MaxEvidence` of them, by number.
	///
	/// Hasher: the chain numbers them.
	#[pallet::storage]
	pub type Evidence<T: Config> = StorageMap<_, Twox64Concat, u64, WrongVote<T::AccountId>>;

	/// How many wrong votes there ever were.
	#[pallet::storage]
	pub type EvidenceCount<T: Config> = StorageValue<_, u64, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How often, how quick, how much.
		pub parameters: CheckpointParameters,
		#[serde(skip)]
		#[doc(hidden)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let checked = Pallet::<T>::check_parameters(&self.parameters);
			assert!(checked.is_ok(), "genesis parameters of checkpoints: {checked:?}");
			Parameters::<T>::put(self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A checkpoint takes votes; the one before it takes none any more.
		CheckpointOpened {
			/// What is voted on.
			block: CheckpointBlock,
			/// How many validators may vote.
			voters: u32,
		},
		/// More than two thirds of the validators signed a checkpoint.
		CheckpointCertified {
			/// What they signed.
			block: CheckpointBlock,
			/// How many validators there are.
			voters: u32,
		},
		/// A validator signed another block than the chain's.
		WrongVoteKept {
			/// Who.
			validator: T::AccountId,
			/// What it signed.
			vote: CheckpointVote,
			/// Where in `Evidence` its signature is.
			evidence: u64,
		},
		/// A validator's claim for a session was handed to the rewards.
		PayClaimed {
			/// Who claims.
			validator: T::AccountId,
			/// For which session.
			session: SessionIndex,
			/// The claim; more claims than budget scale it down.
			amount: Balance,
		},
		/// A validator was reported to be down.
		ValidatorDown {
			/// Who.
			validator: T::AccountId,
			/// For how many sessions in a row.
			sessions: u32,
		},
		/// Governance set the parameters.
		ParametersSet {
			/// What holds from now on.
			parameters: CheckpointParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No checkpoint takes votes: the first one has not opened.
		NoCheckpointOpen,
		/// The checkpoint takes no votes any more, for a later one does. Vote on that.
		CheckpointClosed,
		/// The checkpoint takes no votes yet. Send the vote again once the block is part of the chain.
		CheckpointNotOpen,
		/// The vote is of another set of authorities than the checkpoint's. Sign for the set that is asked for.
		SetMismatch,
		/// The set has no such seat.
		SeatNotFound,
		/// The validator voted on this checkpoint. Its first vote counts.
		VotedAlready,
		/// There must be a checkpoint in two to [`MAX_CHECKPOINT_BLOCKS`] blocks.
		CheckpointBlocksOutOfRange,
		/// A vote must be able to be quick, and to be late: from one block to fewer than lie between checkpoints.
		QuickBlocksOutOfRange,
		/// The base must be at most [`MAX_BASE`].
		BaseTooHigh,
		/// A validator must be down for a session at least.
		DowntimeTooShort,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Settles a few seats of sessions that are over, and opens a checkpoint if the block before is one.
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let settled = Self::settle(T::SettledPerBlock::get());
			let weight = T::WeightInfo::settle(settled);
			match Self::open_checkpoint(now) {
				true => weight.saturating_add(T::WeightInfo::open_checkpoint()),
				false => weight,
			}
		}

		fn integrity_test() {
			assert!(T::MaxValidators::get() > 0, "MaxValidators must allow for a validator");
			assert!(T::SettledPerBlock::get() > 0, "SettledPerBlock must settle a seat");
			assert!(T::KeptSessions::get() > 0, "KeptSessions must keep the session that is settled");
			assert!(
				T::KeptCheckpoints::get() > 1,
				"KeptCheckpoints must keep a certificate beside the votes that are taken"
			);
			assert!(T::MaxEvidence::get() > 0, "MaxEvidence must keep a wrong vote");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Counts a validator's vote on the open checkpoint, be it for the chain's own block or not. Costs nothing, and needs
		/// no account: the signature is of the key that finality is voted for with.
		///
		/// Origin: authorized, if the checkpoint takes votes, the seat's validator has not voted on it, and the signature is
		/// of its key for [`CheckpointBlock::payload`].
		///
		/// # Errors
		/// None of the state that it was authorized in. Else [`Error::NoCheckpointOpen`], [`Error::CheckpointClosed`],
		/// [`Error::CheckpointNotOpen`], [`Error::SetMismatch`], [`Error::SeatNotFound`], [`Error::VotedAlready`].
		///
		/// Events: [`Event::CheckpointCertified`] with the vote that is enough; [`Event::WrongVoteKept`].
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::vote(), DispatchClass::Operational))]
		#[pallet::authorize(Self::authorize_vote)]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_vote())]
		pub fn vote(origin: OriginFor<T>, vote: CheckpointVote, signature: Signature) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_vote(vote, signature)
		}

		/// Sets the parameters. They hold at once: pay and reports of sessions that are not settled go by the new ones.
		///
		/// Origin: root.
		///
		/// # Errors
		/// [`Error::CheckpointBlocksOutOfRange`], [`Error::QuickBlocksOutOfRange`], [`Error::BaseTooHigh`],
		/// [`Error::DowntimeTooShort`].
		///
		/// Event: [`Event::ParametersSet`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(
			origin: OriginFor<T>,
			parameters: CheckpointParameters,
		) -> DispatchResult {
			ensure_root(origin)?;
			Self::do_set_parameters(parameters)
		}
	}
}
