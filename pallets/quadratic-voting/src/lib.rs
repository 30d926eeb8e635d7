#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub use pallet::*;
pub use tally::{Counts, Tally};
pub use traits::RegisteredWorkers;
pub use types::*;
pub use weights::WeightInfo;

mod impl_standing_votes;
mod tally;
mod traits;
mod types;
pub mod weights;

mod impls {
	mod delegation;
	mod locks;
	mod queries;
	mod votes;
	mod workers;
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
	use crate::{tally::Tally, types::*, weights::WeightInfo};
	use blyan_primitives::{traits::VotingWorkers, Balance};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, Polling},
	};
	use frame_system::pallet_prelude::*;
	use polkadot_sdk::sp_runtime::traits::Convert;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Where tokens are locked.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::freeze::Mutate<Self::AccountId, Id = Self::RuntimeFreezeReason>;

		/// What may be frozen, over all pallets.
		type RuntimeFreezeReason: From<FreezeReason>;

		/// What is voted in: `pallet_referenda`.
		type Polls: Polling<Tally<Self>, Votes = Votes, Moment = BlockNumberFor<Self>>;

		/// The topic of a track; `None` of one that is not voted about here.
		type Topics: Convert<ClassOf<Self>, Option<Topic>>;

		/// The workers that vote.
		type Workers: VotingWorkers<Self::AccountId>;

		/// Most votes that an account has in one topic, those of polls that are over and that it has not removed
		/// among them. A delegation to it changes as many tallies. To lower it takes a migration.
		#[pallet::constant]
		type MaxVotes: Get<u32>;

		/// Weights of calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet freezes funds.
	#[pallet::composite_enum]
	pub enum FreezeReason {
		/// They were voted with, or delegated.
		Vote,
	}

	/// How votes are paid.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, VotingParameters, ValueQuery>;

	/// What accounts do, by topic. Accounts are chosen by users, hence the cryptographic hasher. Who has a record has
	/// locked tokens or has a worker's bond, or somebody delegates to it who has.
	#[pallet::storage]
	pub type Votings<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, Topic, Voting<T>, ValueQuery>;

	/// What has to stay locked, by topic; the most of it is frozen. Accounts are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type Locks<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		BoundedVec<(Topic, Balance), ConstU32<{ Topic::ALL.len() as u32 }>>,
		ValueQuery,
	>;

	/// The credits of workers that have voted, delegated or been slashed. Accounts are chosen by users, hence the
	/// cryptographic hasher. Each had a bond at stake; [`Pallet::lapse`] removes those of who is a worker no more.
	#[pallet::storage]
	pub type WorkerCredits<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Credits<BlockNumberFor<T>>, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How votes are paid from the start.
		pub parameters: VotingParameters,
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
					panic!("quadraticVoting.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account voted, in place of what it voted before in that poll.
		Voted {
			/// Who.
			voter: T::AccountId,
			/// In which poll.
			poll: PollIndexOf<T>,
			/// What.
			ballot: Ballot,
		},
		/// A vote was taken back, or is not needed any more.
		VoteRemoved {
			/// Whose it was.
			voter: T::AccountId,
			/// In which poll.
			poll: PollIndexOf<T>,
		},
		/// An account has another vote in its place.
		Delegated {
			/// Who.
			delegator: T::AccountId,
			/// Who votes.
			delegate: T::AccountId,
			/// About what.
			topic: Topic,
			/// Tokens, or credits of each period.
			amount: Balance,
		},
		/// An account votes by itself again.
		Undelegated {
			/// Who.
			delegator: T::AccountId,
			/// Who voted.
			delegate: T::AccountId,
			/// About what.
			topic: Topic,
		},
		/// What had to stay locked was looked at again.
		Unlocked {
			/// Whose tokens.
			who: T::AccountId,
			/// For which topic.
			topic: Topic,
			/// What has to stay locked for that topic now.
			locked: Balance,
		},
		/// What a worker voted and delegated lapsed.
		VotesLapsed {
			/// The worker.
			worker: T::AccountId,
			/// Votes and delegations that it had.
			removed: u32,
		},
		/// A worker was slashed and does not vote for a time.
		VoterSuspended {
			/// The worker.
			worker: T::AccountId,
			/// The first block in which it may vote again.
			until: BlockNumberFor<T>,
		},
		/// Governance changed how votes are paid.
		ParametersSet {
			/// The new numbers.
			parameters: VotingParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no such poll, or it is over.
		PollNotOngoing,
		/// The poll's track is not voted about by tokens or workers.
		PollNotVotedHere,
		/// Nothing is put on any side. Put something on one at least.
		EmptyBallot,
		/// A conviction goes with a vote that is all for or all against: no other can win. Use `None`.
		ConvictionNeedsOneSide,
		/// Workers pay with credits, which nothing locks. Use the conviction `None`.
		ConvictionNotForWorkers,
		/// Less than `min_lock` of the parameters. Put more on it.
		LockTooSmall,
		/// More than the account's balance.
		BalanceTooSmall,
		/// Workers vote about this, and the account is none, or is leaving. `Workers.register` first.
		NotWorker,
		/// The worker was slashed, and does not vote before the block that `VoterSuspended` named.
		VoterIsSuspended,
		/// More than is left of the worker's unit of credits, spent votes and delegations taken off. Wait for its next
		/// period, or put less on it.
		NotEnoughCredits,
		/// The account has another vote about this topic. `undelegate` first.
		VotesDelegated,
		/// The account has `MaxVotes` votes in the topic. Remove those of polls that are over.
		TooManyVotes,
		/// The account has no vote in that poll, or the topic is another.
		VoteNotFound,
		/// The poll is not over: only the voter removes the vote.
		PollStillOngoing,
		/// The tokens of the vote are still locked: until they are not, only the voter removes the vote.
		VoteStillLocked,
		/// An account cannot delegate to itself.
		SelfDelegation,
		/// Nothing is delegated. Name an amount above zero.
		NothingDelegated,
		/// The account delegates in that topic already. `undelegate` first.
		AlreadyDelegating,
		/// The account has votes in that topic. `remove_vote` each first.
		HasVotes,
		/// The delegate has another vote in its place, and delegations are not passed on. Delegate to that one.
		DelegateDelegates,
		/// Workers vote about this, and the delegate is none, or is leaving.
		DelegateNotWorker,
		/// The account does not delegate in that topic.
		NotDelegating,
		/// Nothing of the account's is locked for that topic.
		NothingLocked,
		/// The account is a worker: its votes lapse by a slash alone, or when it leaves.
		StillWorker,
		/// The account has no votes, delegations or credits that could lapse now.
		NothingToLapse,
		/// `lock_period_blocks` must be 1 at least and [`MAX_LOCK_PERIOD_BLOCKS`] at most.
		LockPeriodOutOfRange,
		/// `credit_period_blocks` must be 1 at least and [`MAX_CREDIT_PERIOD_BLOCKS`] at most.
		CreditPeriodOutOfRange,
		/// `min_lock` must be the existential deposit at least.
		LeastLockTooSmall,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxVotes::get() > 0, "MaxVotes must allow for a vote");
			assert!(
				VOTES_PER_PERIOD.checked_mul(VOTES_PER_PERIOD) == Some(CREDITS_PER_PERIOD),
				"a whole period must make a whole number of votes, for delegations are scaled by it"
			);
			let classes = T::Polls::classes();
			for topic in Topic::ALL {
				assert!(
					classes.iter().any(|class| T::Topics::convert(class.clone()) == Some(topic)),
					"a topic has no track"
				);
			}
			assert!(
				VotingParameters::default().validate::<T>().is_ok(),
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
		/// Votes, in place of what the account voted before in that poll.
		///
		/// Origin: signed; in a poll about a topic of workers, by a worker. Of tokens, what is put on the ballot is
		/// locked; of workers, it is taken out of the period's credits.
		///
		/// # Errors
		/// [`Error::EmptyBallot`], [`Error::ConvictionNeedsOneSide`], [`Error::PollNotOngoing`],
		/// [`Error::PollNotVotedHere`], [`Error::VotesDelegated`], [`Error::TooManyVotes`]; of tokens
		/// [`Error::LockTooSmall`], [`Error::BalanceTooSmall`]; of workers [`Error::ConvictionNotForWorkers`],
		/// [`Error::NotWorker`], [`Error::VoterIsSuspended`], [`Error::NotEnoughCredits`].
		///
		/// Event: [`Event::Voted`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::vote())]
		pub fn vote(
			origin: OriginFor<T>,
			#[pallet::compact] poll: PollIndexOf<T>,
			ballot: Ballot,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_vote(&who, poll, ballot)
		}

		/// Takes a vote back while its poll is ongoing; forgets it once it is over. A vote with a conviction that won
		/// leaves its tokens locked for the time.
		///
		/// Origin: signed, by the voter; by anybody once the poll is over and the vote locks nothing.
		///
		/// # Errors
		/// [`Error::VoteNotFound`], [`Error::PollStillOngoing`], [`Error::VoteStillLocked`].
		///
		/// Event: [`Event::VoteRemoved`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_vote())]
		pub fn remove_vote(
			origin: OriginFor<T>,
			voter: T::AccountId,
			topic: Topic,
			#[pallet::compact] poll: PollIndexOf<T>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_remove_vote(&who, &voter, topic, poll)
		}

		/// Has another vote about a topic in the account's place, with as many votes as it had itself. It counts in all
		/// polls that the delegate votes in without splitting. `amount` is of tokens, which are locked, or of
		/// credits, which are set aside in each period.
		///
		/// Origin: signed; in a topic of workers, by a worker. It has no votes in that topic.
		///
		/// # Errors
		/// [`Error::SelfDelegation`], [`Error::NothingDelegated`], [`Error::AlreadyDelegating`],
		/// [`Error::HasVotes`], [`Error::DelegateDelegates`]; of tokens [`Error::LockTooSmall`],
		/// [`Error::BalanceTooSmall`]; of workers [`Error::DelegateNotWorker`],
		/// [`Error::ConvictionNotForWorkers`], [`Error::NotWorker`], [`Error::VoterIsSuspended`],
		/// [`Error::NotEnoughCredits`].
		///
		/// Event: [`Event::Delegated`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::delegate(T::MaxVotes::get()))]
		pub fn delegate(
			origin: OriginFor<T>,
			topic: Topic,
			delegate: T::AccountId,
			amount: Balance,
			conviction: Conviction,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let votes = Self::do_delegate(&who, topic, delegate, amount, conviction)?;
			Ok(Some(T::WeightInfo::delegate(votes)).into())
		}

		/// Ends a delegation: it is taken out of all polls that are ongoing. Tokens stay locked for the time of their
		/// conviction; credits count as spent in this period.
		///
		/// Origin: signed, by who delegates.
		///
		/// # Errors
		/// [`Error::NotDelegating`].
		///
		/// Event: [`Event::Undelegated`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::undelegate(T::MaxVotes::get()))]
		pub fn undelegate(origin: OriginFor<T>, topic: Topic) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let votes = Self::do_undelegate(&who, topic)?;
			Ok(Some(T::WeightInfo::undelegate(votes)).into())
		}

		/// Frees what does not have to stay locked any more.
		///
		/// Origin: signed, by anybody.
		///
		/// # Errors
		/// [`Error::NothingLocked`].
		///
		/// Event: [`Event::Unlocked`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::unlock())]
		pub fn unlock(origin: OriginFor<T>, who: T::AccountId, topic: Topic) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_unlock(&who, topic)
		}

		/// Has all that an account voted and delegated as a worker lapse, which it is no more.
		///
		/// Origin: signed, by anybody.
		///
		/// # Errors
		/// [`Error::StillWorker`], [`Error::NothingToLapse`].
		///
		/// Event: [`Event::VotesLapsed`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::lapse(Pallet::<T>::max_lapsing()))]
		pub fn lapse(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let polls = Self::do_lapse(&worker)?;
			Ok(Some(T::WeightInfo::lapse(polls)).into())
		}

		/// Changes how votes are paid. Votes and delegations that there are keep their locks; periods of credits that
		/// run keep their ends.
		///
		/// Origin: root.
		///
		/// # Errors
		/// [`Error::LockPeriodOutOfRange`], [`Error::CreditPeriodOutOfRange`], [`Error::LeastLockTooSmall`].
		///
		/// Event: [`Event::ParametersSet`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: VotingParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
