#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub use impls::verdict::{REFEREES_SHARE_OF_SLASH, WINNER_SHARE};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod types;
pub mod weights;

mod impls {
	mod dispatch;
	mod list;
	mod queries;
	mod referees;
	pub(crate) mod step;
	pub(crate) mod verdict;
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
		learning::{AllLosses, RefereeFinding, ShardLosses},
		traits::{ContestableRounds, LearningCredits, WorkerRegistry},
		worker::Fault,
		Balance, Hash,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, Randomness},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<Hash = Hash> {
		/// Where bonds are held, and losers pay from.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The rounds whose findings are contested.
		type Rounds: ContestableRounds<Self::AccountId>;

		/// From whom referees are drawn, and whose bonds are slashed.
		type Workers: WorkerRegistry<Self::AccountId>;

		/// Where who shows a fault earns learning credits.
		type Credits: LearningCredits<Self::AccountId>;

		/// Randomness with the block since which it was known; `None` where that block had none. Referees are
		/// drawn from it, so whoever can choose it can choose its judges.
		type Randomness: Randomness<Option<Hash>, BlockNumberFor<Self>>;

		/// Most referees that may be asked for.
		#[pallet::constant]
		type MaxReferees: Get<u32>;

		/// Most disputes open at once, over all rounds. Their list is read in each block.
		#[pallet::constant]
		type MaxOpenDisputes: Get<u32>;

		/// Most disputes open at once on the findings of the same round.
		#[pallet::constant]
		type MaxDisputesPerRound: Get<u32>;

		/// Most weight that deadlines may take in a block. What does not fit is served in the next one.
		#[pallet::constant]
		type ServiceWeight: Get<Weight>;

		/// Weights of calls and of deadline work.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a challenger, until the dispute is over.
		DisputeBond,
	}

	/// How disputes are run.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, DisputeParameters, ValueQuery>;

	/// The open disputes: exactly those that [`OpenDisputes`] lists. Covered by the bond of the challenger.
	/// Numbers are given in sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Disputes<T: Config> = StorageMap<_, Twox64Concat, DisputeId, DisputeOf<T>>;

	/// The number that the next dispute is given.
	#[pallet::storage]
	pub type NextDisputeId<T: Config> = StorageValue<_, DisputeId, ValueQuery>;

	/// The open disputes by what is due first. Few are open at once, so one value is enough.
	#[pallet::storage]
	pub type OpenDisputes<T: Config> =
		StorageValue<_, BoundedVec<OpenDisputeOf<T>, T::MaxOpenDisputes>, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How disputes are run from the start.
		pub parameters: DisputeParameters,
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
					panic!("disputes.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(&self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody contests what an evaluator measured.
		FindingContested {
			/// The dispute.
			dispute: DisputeId,
			/// The round.
			round: RoundId,
			/// Whose finding it is.
			accused: T::AccountId,
			/// Who contests it.
			challenger: T::AccountId,
			/// Which of the shards drawn for the round, counted from 0.
			position: u32,
			/// What is held of the challenger.
			bond: Balance,
			/// The last block in which the accused may open its losses.
			open_until: BlockNumberFor<T>,
		},
		/// The accused opened its losses; referees will be drawn.
		LossesOpened {
			/// The dispute.
			dispute: DisputeId,
			/// The contested shard, and what the accused measured of it.
			opened: Opening,
		},
		/// Referees could not be drawn yet.
		DrawPostponed {
			/// The dispute.
			dispute: DisputeId,
			/// Why.
			reason: PostponeReason,
			/// When it is tried again, at the earliest.
			retry_at: BlockNumberFor<T>,
		},
		/// Referees are drawn; they re-run the shard.
		RefereesDrawn {
			/// The dispute.
			dispute: DisputeId,
			/// Which attempt, from 0.
			attempt: u32,
			/// Who they are.
			referees: RefereesOf<T>,
			/// The last block in which a commitment is taken.
			commit_until: BlockNumberFor<T>,
		},
		/// A referee committed to its finding.
		RefereeCommitted {
			/// The dispute.
			dispute: DisputeId,
			/// Who.
			referee: T::AccountId,
			/// To what.
			commitment: Hash,
		},
		/// The time to commit is over; who committed may reveal.
		RevealOpened {
			/// The dispute.
			dispute: DisputeId,
			/// The last block in which a reveal is taken.
			until: BlockNumberFor<T>,
		},
		/// A referee revealed its finding.
		RefereeRevealed {
			/// The dispute.
			dispute: DisputeId,
			/// Who.
			referee: T::AccountId,
			/// What it found.
			finding: RefereeFinding,
		},
		/// The referees came to no majority; others will be drawn.
		DisputeRestarted {
			/// The dispute.
			dispute: DisputeId,
			/// The new attempt, from 0.
			attempt: u32,
		},
		/// A referee was found at fault.
		RefereeFaulted {
			/// The dispute.
			dispute: DisputeId,
			/// Who.
			referee: T::AccountId,
			/// What it did.
			fault: Fault,
			/// What it was slashed.
			slashed: Balance,
		},
		/// The accused lost: its finding is struck.
		AccusedLost {
			/// The dispute.
			dispute: DisputeId,
			/// The round.
			round: RoundId,
			/// Who lost.
			accused: T::AccountId,
			/// Who won.
			challenger: T::AccountId,
			/// What the referees computed; `None` if the accused opened nothing.
			exact: Option<ShardLosses>,
			/// What the accused was slashed.
			slashed: Balance,
		},
		/// The challenger lost its bond: the finding stands.
		ChallengerLost {
			/// The dispute.
			dispute: DisputeId,
			/// The round.
			round: RoundId,
			/// Who won.
			accused: T::AccountId,
			/// Who lost.
			challenger: T::AccountId,
			/// What the referees computed.
			exact: ShardLosses,
			/// The part of the bond that was burned; the rest went to the accused and the referees.
			burned: Balance,
		},
		/// A dispute ended without a verdict: the finding stands, and nobody loses anything.
		DisputeUndecided {
			/// The dispute.
			dispute: DisputeId,
			/// The round.
			round: RoundId,
			/// Why.
			reason: UndecidedReason,
		},
		/// A challenger's bond is free again.
		BondReturned {
			/// The dispute.
			dispute: DisputeId,
			/// Whose.
			challenger: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// Somebody was paid out of a challenger's bond.
		BondShared {
			/// The dispute.
			dispute: DisputeId,
			/// Who was paid.
			payee: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// Governance changed how disputes are run.
		ParametersSet {
			/// The new numbers.
			parameters: DisputeParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The round is not in its contest phase, or the phase is over. Contest between `ContestOpened` and
		/// its deadline. Rounds of a model that names no reference evaluator have no such phase.
		RoundNotContestable,
		/// The account measured nothing in this round, or what it reported has been struck.
		NothingToContest,
		/// Nobody contests their own finding.
		OwnFinding,
		/// Fewer shards were drawn for the round. Name a position below their number.
		PositionOutOfRange,
		/// This shard of this finding is contested already. Wait for the outcome, or contest another.
		AlreadyContested,
		/// As many findings of this round are contested as may be at once. Wait until one is decided.
		TooManyDisputesOfRound,
		/// As many disputes are open as may be. Wait until one is decided.
		TooManyDisputes,
		/// The account's free balance does not cover the bond: `Parameters.bond`, or twice what the accused
		/// stands to lose if that is more.
		BondNotAvailable,
		/// No open dispute has this number.
		DisputeNotFound,
		/// Only the accused opens its losses.
		NotAccused,
		/// The losses were opened already, or the time for it is over.
		NotAwaitingOpening,
		/// There must be the losses of every shard that was drawn for the round, in the order drawn.
		LossesIncomplete,
		/// A loss is below zero, or above what is taken for a measurement.
		LossOutOfRange,
		/// The losses are not those that the report's root was made of.
		OpeningMismatch,
		/// The report is further from what its own losses come to than the tolerance. The dispute cannot be
		/// won any more.
		ReportNotOfLosses,
		/// The account was not drawn as a referee for the running attempt.
		NotReferee,
		/// The dispute does not take commitments now: no referees yet, or past the deadline.
		NotInCommitPhase,
		/// The account has committed in this attempt. The first commitment stands.
		AlreadyCommitted,
		/// Another referee committed to this very hash. Commit to your own finding, with a fresh salt.
		CommitmentCopied,
		/// The dispute does not take reveals now: others may still commit, or the deadline is past.
		NotInRevealPhase,
		/// The account did not commit in this attempt, so it has nothing to reveal.
		NotCommitted,
		/// The account has revealed in this attempt. The first reveal stands.
		AlreadyRevealed,
		/// The commitment is to something else: check account, dispute, attempt, finding and salt.
		RevealMismatch,
		/// `bond` must be above zero.
		NoBond,
		/// `referees` must be odd, and [`Config::MaxReferees`] at most.
		RefereesOutOfRange,
		/// Each of `opening_blocks`, `draw_delay`, `commit_blocks` and `reveal_blocks` must be 1 at least and
		/// [`MAX_PHASE_BLOCKS`] at most.
		PhaseLengthOutOfRange,
		/// `max_attempts` and `max_draw_tries` must be 1 at least and [`MAX_ATTEMPTS`] at most.
		AttemptsOutOfRange,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let mut meter = WeightMeter::with_limit(T::ServiceWeight::get());
			Self::serve(now, &mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(
				(1..=T::MaxOpenDisputes::get()).contains(&T::MaxDisputesPerRound::get()),
				"MaxDisputesPerRound must be one at least and MaxOpenDisputes at most",
			);
			let least = Self::least_service_weight();
			assert!(
				T::ServiceWeight::get().all_gte(least),
				"ServiceWeight must be {least:?} at least, or deadlines that take the most are never served",
			);
			assert!(
				DisputeParameters::default().validate::<T>().is_ok(),
				"the default parameters must be valid with this MaxReferees",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Contests what an evaluator measured of one shard. It has to open its losses, and the shard is
		/// re-run by referees.
		///
		/// Origin: signed. A bond is held until the dispute is over: `Parameters.bond`, or twice what the
		/// accused stands to lose if that is more.
		///
		/// Errors: [`Error::RoundNotContestable`], [`Error::NothingToContest`],
		/// [`Error::OwnFinding`], [`Error::PositionOutOfRange`],
		/// [`Error::AlreadyContested`], [`Error::TooManyDisputesOfRound`], [`Error::TooManyDisputes`],
		/// [`Error::BondNotAvailable`]. Event: [`Event::FindingContested`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::contest())]
		pub fn contest(
			origin: OriginFor<T>,
			round: RoundId,
			evaluator: T::AccountId,
			position: u32,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_contest(who, round, evaluator, position)
		}

		/// Opens what the accused measured: the losses of every shard of the round, in the order drawn. They
		/// must have the root that was reported, and come to the report.
		///
		/// Origin: signed by the accused.
		///
		/// Errors: [`Error::DisputeNotFound`], [`Error::NotAccused`], [`Error::NotAwaitingOpening`],
		/// [`Error::NothingToContest`], [`Error::LossesIncomplete`], [`Error::LossOutOfRange`],
		/// [`Error::OpeningMismatch`], [`Error::ReportNotOfLosses`]. Event: [`Event::LossesOpened`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::open(losses.len() as u32))]
		pub fn open(origin: OriginFor<T>, dispute: DisputeId, losses: AllLosses) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_open(who, dispute, losses)
		}

		/// Commits to what the reference evaluator computes of the contested shard, see
		/// [`blyan_primitives::learning::referee_commitment`].
		///
		/// Origin: signed by a referee. The last one to commit ends the phase.
		///
		/// Errors: [`Error::DisputeNotFound`], [`Error::NotInCommitPhase`], [`Error::NotReferee`],
		/// [`Error::AlreadyCommitted`], [`Error::CommitmentCopied`]. Event: [`Event::RefereeCommitted`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, dispute: DisputeId, commitment: Hash) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_commit(who, dispute, commitment)
		}

		/// Reveals the finding that was committed to.
		///
		/// Origin: signed by a referee. The last one to reveal ends the phase.
		///
		/// Errors: [`Error::DisputeNotFound`], [`Error::NotInRevealPhase`], [`Error::NotReferee`],
		/// [`Error::NotCommitted`], [`Error::AlreadyRevealed`], [`Error::RevealMismatch`]. Event:
		/// [`Event::RefereeRevealed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			dispute: DisputeId,
			finding: RefereeFinding,
			salt: [u8; 32],
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_reveal(who, dispute, finding, salt)
		}

		/// Changes how disputes are run.
		///
		/// Origin: root. Phases that run keep their deadlines, and challengers their bond.
		///
		/// Errors: [`Error::NoBond`], [`Error::RefereesOutOfRange`], [`Error::PhaseLengthOutOfRange`],
		/// [`Error::AttemptsOutOfRange`]. Event: [`Event::ParametersSet`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: DisputeParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(&parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
