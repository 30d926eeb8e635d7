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

mod impl_canary_rounds;
mod impl_contestable_rounds;
mod impl_sealed_rounds;
pub mod migrations;
pub mod tally;
mod types;
pub mod weights;

mod impls {
	pub(crate) mod admission;
	mod agenda;
	mod bonds;
	pub(crate) mod call_weight;
	mod commit_reveal;
	mod draw;
	mod opening;
	mod queries;
	mod replace;
	pub(crate) mod step;
	mod submit;
	mod verdict;
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
	use crate::{
		impls::{
			call_weight::{of_roll_back, of_submit, roll_back_weight, submit_weight},
			step::Step,
		},
		types::*,
		weights::WeightInfo,
	};
	use blyan_primitives::{
		dag::{BlockIds, Generation, ModelId, NewBlocks},
		learning::{Finding, Gate, Medians, ValidationPool, Verdict},
		migration::Migration,
		submission::Envelope,
		traits::{
			AuditRewards, LearningCredits, LearningRewards, ManifestAudits, ModelGraph, SealedReserve,
			WorkerRegistry,
		},
		worker::Fault,
		Balance, Hash,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, Randomness},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<Hash = Hash> {
		/// Where bonds are held, fees are paid from them, and forfeited ones burned.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// The models and their blocks.
		type Graph: ModelGraph<Self::AccountId>;

		/// Who may train and evaluate, and from whom committees are drawn.
		type Workers: WorkerRegistry<Self::AccountId>;

		/// Where accepted work is paid, and who planted a canary.
		type Rewards: LearningRewards<Self::AccountId> + AuditRewards<Self::AccountId>;

		/// Where sealed shards are drawn from, for models that ask for them; `()` for none.
		type Sealed: SealedReserve<Self::AccountId, BlockNumberFor<Self>>;

		/// Where work earns learning credits.
		type Credits: LearningCredits<Self::AccountId>;

		/// Where training manifests go, and who may refuse a submission for its own.
		type Manifests: ManifestAudits<Self::AccountId>;

		/// Randomness with the block since which it was known; `None` where that block had none. Committees
		/// and shards are drawn from it, so whoever can choose it can choose its judges.
		type Randomness: Randomness<Option<Hash>, BlockNumberFor<Self>>;

		/// Most evaluators a committee may be set to have.
		#[pallet::constant]
		type MaxCommittee: Get<u32>;

		/// Most rounds open at once, over all trainers.
		#[pallet::constant]
		type MaxOpenRounds: Get<u32>;

		/// Most rounds open at once of the same trainer, so that no trainer crowds out the rest.
		#[pallet::constant]
		type MaxOpenRoundsPerTrainer: Get<u32>;

		/// Most rounds whose deadline is served in the same block; what is more comes due a block later.
		#[pallet::constant]
		type MaxDuePerBlock: Get<u32>;

		/// Blocks after its verdict for which a round is kept for queries.
		#[pallet::constant]
		type ClosedRoundRetention: Get<BlockNumberFor<Self>>;

		/// Most weight that deadlines may take at the start of a block. What does not fit is served from
		/// what the block leaves over, or in the next one.
		#[pallet::constant]
		type ServiceWeight: Get<Weight>;

		/// Weights of calls and of deadline work.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a submission, until its verdict.
		SubmissionBond,
	}

	/// How rounds are run.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, RoundParameters, ValueQuery>;

	/// What each model's candidates are measured on. Paid by the fee of the owner's call, and bounded by
	/// the number of models. Model numbers are given in sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Pools<T: Config> = StorageMap<_, Twox64Concat, ModelId, TrainingTerms>;

	/// Open rounds, and closed ones for as long as they are kept: exactly those numbered from
	/// [`FirstRoundId`] up to, and without, [`NextRoundId`]. Covered by the bond of the submission. Numbers
	/// are given in sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, RoundId, RoundOf<T>>;

	/// The number that the next submission is given.
	#[pallet::storage]
	pub type NextRoundId<T: Config> = StorageValue<_, RoundId, ValueQuery>;

	/// The oldest round that is still kept.
	#[pallet::storage]
	pub type FirstRoundId<T: Config> = StorageValue<_, RoundId, ValueQuery>;

	/// How many rounds are open.
	#[pallet::storage]
	pub type OpenRoundCount<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// How many rounds of a trainer are open; absent for none. Accounts are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type OpenRoundsOf<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// The rounds that are being measured, [`RoundParameters::max_measured`] at most but for what governance
	/// lowered meanwhile.
	#[pallet::storage]
	pub type MeasuredRounds<T: Config> =
		StorageValue<_, BoundedVec<MeasuredOf<T>, T::MaxOpenRounds>, ValueQuery>;

	/// The submissions in line, oldest first.
	#[pallet::storage]
	pub type WaitingRounds<T: Config> =
		StorageValue<_, BoundedVec<WaitingOf<T>, T::MaxOpenRounds>, ValueQuery>;

	/// What is known of accounts that submitted. Covered by the bonds of their submissions, and removed with the
	/// newest round of each. Accounts are chosen by users, hence the cryptographic hasher.
	#[pallet::storage]
	pub type TrackRecords<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, TrackRecord<BlockNumberFor<T>>>;

	/// The rounds that something is due for, by block. Block numbers are not chosen by users, hence the
	/// cheap hasher.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageMap<_, Twox64Concat, BlockNumberFor<T>, BoundedVec<RoundId, T::MaxDuePerBlock>, ValueQuery>;

	/// The first slot of the agenda that was not served to its end for want of weight.
	#[pallet::storage]
	pub type IncompleteSince<T: Config> = StorageValue<_, BlockNumberFor<T>>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How rounds are run from the start.
		pub parameters: RoundParameters,
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
					panic!("proofOfLearning.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(&self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model's owner said what candidates are measured on.
		TrainingOpened {
			/// The model.
			model: ModelId,
		},
		/// A submission is bonded and in line to be measured.
		SubmissionReceived {
			/// The round that will measure it.
			round: RoundId,
			/// The model.
			model: ModelId,
			/// Who made it.
			trainer: T::AccountId,
			/// Its blocks.
			blocks: BlockIds,
			/// What is held.
			bond: Balance,
		},
		/// A submission is the next to be measured: its committee will be drawn.
		RoundAdmitted {
			/// The round.
			round: RoundId,
		},
		/// A submission in line made room for one whose trainer stands better. Its blocks are withdrawn, and
		/// its bond returns.
		SubmissionDisplaced {
			/// The round.
			round: RoundId,
			/// The round that has the room.
			by: RoundId,
		},
		/// A committee could not be drawn yet.
		DrawPostponed {
			/// The round.
			round: RoundId,
			/// Why.
			reason: PostponeReason,
			/// When it is tried again, at the earliest.
			retry_at: BlockNumberFor<T>,
		},
		/// A committee is drawn, and sealed lots with it, which are to be opened before it measures.
		LotsDrawn {
			/// The round.
			round: RoundId,
			/// Which attempt, from 0.
			attempt: u32,
			/// Who will measure.
			committee: CommitteeOf<T>,
			/// Which lots.
			lots: LotIds,
			/// The last block in which a lot may be opened.
			open_until: BlockNumberFor<T>,
		},
		/// A committee and the seed of its shards are drawn, and its sealed lots are open: it may measure.
		RoundDrawn {
			/// The round.
			round: RoundId,
			/// Which attempt, from 0.
			attempt: u32,
			/// Who measures.
			committee: CommitteeOf<T>,
			/// The generation of heads to measure against.
			baseline: Generation,
			/// The root over those heads.
			root: Hash,
			/// What the shards are drawn from.
			seed: Hash,
			/// The last block in which a commitment is taken.
			commit_until: BlockNumberFor<T>,
		},
		/// An evaluator committed to its finding.
		FindingCommitted {
			/// The round.
			round: RoundId,
			/// Who.
			evaluator: T::AccountId,
			/// To what.
			commitment: Hash,
		},
		/// The time to commit is over, and too few did for a quorum. The others lost their seats, which will be
		/// drawn again; who committed keeps its seat and need not measure again.
		AbsentRemoved {
			/// The round.
			round: RoundId,
			/// Who did not commit.
			absent: CommitteeOf<T>,
			/// When the seats are drawn, at the earliest.
			draw_at: BlockNumberFor<T>,
		},
		/// Others were drawn for those who did not commit in time.
		ReplacementsDrawn {
			/// The round.
			round: RoundId,
			/// Which attempt: the same as before.
			attempt: u32,
			/// Who measures besides those who committed.
			replacements: CommitteeOf<T>,
			/// The last block in which their commitments are taken.
			commit_until: BlockNumberFor<T>,
		},
		/// The time to commit is over; who committed may reveal.
		RevealOpened {
			/// The round.
			round: RoundId,
			/// The last block in which a reveal is taken.
			until: BlockNumberFor<T>,
		},
		/// An evaluator revealed its finding.
		FindingRevealed {
			/// The round.
			round: RoundId,
			/// Who.
			evaluator: T::AccountId,
			/// What it found.
			finding: Finding,
		},
		/// What a quorum measured may be contested before it is settled.
		ContestOpened {
			/// The round.
			round: RoundId,
			/// The last block in which it may.
			until: BlockNumberFor<T>,
			/// The medians of what was revealed.
			medians: Medians,
		},
		/// A finding lost a dispute: it is no vote any more.
		FindingStruck {
			/// The round.
			round: RoundId,
			/// Whose it was.
			evaluator: T::AccountId,
		},
		/// An attempt came to nothing; another committee will be drawn.
		RoundRestarted {
			/// The round.
			round: RoundId,
			/// The new attempt, from 0.
			attempt: u32,
			/// Why.
			reason: RestartReason,
		},
		/// An evaluator was found at fault.
		EvaluatorFaulted {
			/// The round.
			round: RoundId,
			/// Who.
			evaluator: T::AccountId,
			/// What it did.
			fault: Fault,
			/// What it was slashed.
			slashed: Balance,
		},
		/// An evaluator was paid out of the bond.
		FeePaid {
			/// The round.
			round: RoundId,
			/// Who was paid.
			evaluator: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// A trainer's bond, or what the fee left of it, is free again.
		BondReturned {
			/// The round.
			round: RoundId,
			/// Whose.
			trainer: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// A trainer's bond is lost.
		BondForfeited {
			/// The round.
			round: RoundId,
			/// Whose.
			trainer: T::AccountId,
			/// The bond.
			amount: Balance,
			/// The part of it that was burned; the rest went to the evaluators.
			burned: Balance,
		},
		/// The graph refused blocks that the gate accepted: the round ends inconclusively.
		AcceptanceFailed {
			/// The round.
			round: RoundId,
			/// What the graph said.
			error: DispatchError,
		},
		/// A round has its verdict.
		RoundClosed {
			/// The round.
			round: RoundId,
			/// How it ended.
			verdict: Verdict,
			/// What the committee measured, where a quorum of it did.
			medians: Option<Medians>,
		},
		/// Governance changed how rounds are run.
		ParametersSet {
			/// The new numbers.
			parameters: RoundParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// Only a model's owner may open its training. Sign with the owner's account.
		NotModelOwner,
		/// The gate does not fit the pool: a number is out of range, there are fewer than two shards to
		/// draw or more than [`MAX_SHARDS`](blyan_primitives::learning::MAX_SHARDS), or a domain has fewer
		/// shards than are drawn from each.
		GateInvalidForPool,
		/// The account is not registered as a trainer, or is leaving. Register with the role first.
		NotTrainer,
		/// The model's owner has not opened training, so there is nothing to measure on.
		TrainingNotOpen,
		/// The model does not exist, or a component of it has no head to compare with yet.
		ModelNotReady,
		/// A submission needs one block at least.
		NoBlocks,
		/// The line of submissions is full, and everybody in it stands as well as one more of this account would, with as
		/// much work. Submit again when a round has closed, or with more work.
		TooManyOpenRounds,
		/// This trainer has as many rounds open as one may have. Submit again when one has closed.
		TooManyOpenRoundsOfTrainer,
		/// The account's free balance does not cover the submission's bond.
		BondNotAvailable,
		/// No round has this number, or it closed so long ago that it is not kept.
		RoundNotFound,
		/// The account was not drawn for the round's running attempt.
		NotOnCommittee,
		/// The round does not take commitments now: not drawn yet, past its deadline, or closed.
		NotInCommitPhase,
		/// The account has committed in this attempt. The first commitment stands.
		AlreadyCommitted,
		/// Another member committed to this very hash. Commit to your own finding, with a fresh salt.
		CommitmentCopied,
		/// The round does not take reveals now: others may still commit, the deadline is past, or it is
		/// closed.
		NotInRevealPhase,
		/// The account did not commit in this attempt, so it has nothing to reveal.
		NotCommitted,
		/// The account has revealed in this attempt. The first reveal stands.
		AlreadyRevealed,
		/// The commitment is to something else: check account, round, attempt, blocks, finding and salt.
		RevealMismatch,
		/// A number of the report is out of range, or it does not have one gain for each of the pool's
		/// domains.
		ReportInvalid,
		/// `committee_size` must be 1 at least and [`Config::MaxCommittee`] at most.
		CommitteeSizeOutOfRange,
		/// `min_committee` must be 1 at least and `committee_size` at most.
		MinCommitteeOutOfRange,
		/// Each of `draw_delay`, `commit_blocks`, `reveal_blocks`, `contest_blocks`, `work_blocks` and
		/// `forgive_blocks` must be 1 at least and [`MAX_PHASE_BLOCKS`] at most.
		PhaseLengthOutOfRange,
		/// `max_attempts` and `max_draw_tries` must be 1 at least and [`MAX_ATTEMPTS`] at most.
		AttemptsOutOfRange,
		/// `measurement_fee` must be at most `submission_bond`, out of which it is paid.
		FeeAboveBond,
		/// The finding names a sealed lot that the round is not measured on. Name one that it has drawn.
		LotNotOfRound,
		/// `work_bits` must be at most [`MAX_WORK_BITS`].
		WorkBitsOutOfRange,
		/// `max_measured` must be 1 at least, or no submission is ever measured.
		NothingMeasured,
		/// `replacements` must be at most [`MAX_REPLACEMENTS`].
		ReplacementsOutOfRange,
		/// The block that the proof of work names is not one before this one whose hash the chain knows. Take a
		/// recent finalized block.
		WorkAnchorUnknown,
		/// The proof of work was made for a block too long ago. Make it for a newer one.
		WorkTooOld,
		/// The account has used a proof of work for this block, or a later one. Make one for a newer block.
		WorkReused,
		/// The hash of the submission does not begin with enough zero bits. Ask the runtime API
		/// `ProofOfLearningApi::work_demand` how many it takes, and check account, model, blocks, seal and block.
		WorkInsufficient,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let mut meter = WeightMeter::with_limit(T::ServiceWeight::get());
			Self::serve_agenda(now, &mut meter);
			meter.consumed()
		}

		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::serve_leftovers(now, &mut meter);
			Self::prune_closed_rounds(now, &mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxCommittee::get() > 0, "MaxCommittee must allow for one evaluator");
			assert!(
				T::MaxDuePerBlock::get() > 0,
				"MaxDuePerBlock must be one at least, or nothing is ever due"
			);
			assert!(
				(1..=T::MaxOpenRounds::get()).contains(&T::MaxOpenRoundsPerTrainer::get()),
				"MaxOpenRoundsPerTrainer must be one at least and MaxOpenRounds at most",
			);
			let least = Self::least_service_weight();
			assert!(
				T::ServiceWeight::get().all_gte(least),
				"ServiceWeight must be {least:?} at least, or deadlines that take the most are never served",
			);
			assert!(
				RoundParameters::default().validate::<T>().is_ok(),
				"the default parameters must be valid with this MaxCommittee",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Says what a model's candidates are measured on, what is asked of them, and by which module
		/// disputes are decided: `referee` is the BLAKE2-256 hash of the reference evaluator's Wasm, or zero
		/// for a model of which nothing can be contested.
		///
		/// Origin: signed by the model's owner. May be called again: rounds keep the terms that they were
		/// drawn with, and what is drawn later has the new ones.
		///
		/// Errors: [`Error::NotModelOwner`], [`Error::GateInvalidForPool`]. Event:
		/// [`Event::TrainingOpened`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::open_training(pool.domains.len() as u32))]
		pub fn open_training(
			origin: OriginFor<T>,
			model: ModelId,
			pool: ValidationPool,
			gate: Gate,
			referee: Hash,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_open_training(who, model, TrainingTerms { pool, gate, referee })
		}

		/// Submits blocks to be measured, and accepted or rejected, as one: updates and deltas, which must
		/// make the model better, or snapshots, which must be what their chains of deltas replay to.
		///
		/// Origin: signed by a trainer, whose bond is held until the verdict. The content must be
		/// fetchable from now until then: what a quorum cannot fetch forfeits the bond.
		///
		/// The envelope's proof of work must be what `ProofOfLearningApi::work_demand` says. It is measured when
		/// its turn comes, see the crate's documentation; while it waits, one whose trainer stands better may
		/// take its place, and then it may be submitted again.
		///
		/// Errors: [`Error::NotTrainer`], [`Error::WorkAnchorUnknown`], [`Error::WorkTooOld`],
		/// [`Error::WorkReused`], [`Error::WorkInsufficient`], [`Error::NoBlocks`], [`Error::TrainingNotOpen`],
		/// [`Error::ModelNotReady`], [`Error::TooManyOpenRounds`], [`Error::TooManyOpenRoundsOfTrainer`],
		/// [`Error::BondNotAvailable`], what [`Config::Manifests`] says of the manifest, and what the graph says
		/// of the blocks. Event: [`Event::SubmissionReceived`].
		#[pallet::call_index(1)]
		#[pallet::weight(submit_weight::<T>(blocks.len()))]
		pub fn submit(
			origin: OriginFor<T>,
			model: ModelId,
			blocks: NewBlocks,
			envelope: Envelope,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let count = blocks.len();
			of_submit::<T>(count, Self::do_submit(who, model, blocks, None, envelope)?)
		}

		/// Commits to a finding, see [`blyan_primitives::learning::commitment`].
		///
		/// Origin: signed by a member of the committee. The last one to commit ends the phase.
		///
		/// Errors: [`Error::RoundNotFound`], [`Error::NotInCommitPhase`], [`Error::NotOnCommittee`],
		/// [`Error::AlreadyCommitted`], [`Error::CommitmentCopied`]. Event: [`Event::FindingCommitted`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::commit().saturating_add(Step::max_commit_close_weight::<T>()))]
		pub fn commit(origin: OriginFor<T>, round: RoundId, commitment: Hash) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let step = Self::do_commit(who, round, commitment)?;
			let closing = step.map_or(Weight::zero(), |step| step.weight::<T>());
			Ok(Some(T::WeightInfo::commit().saturating_add(closing)).into())
		}

		/// Reveals the finding that was committed to.
		///
		/// Origin: signed by a member of the committee. The last one to reveal ends the phase.
		///
		/// Errors: [`Error::RoundNotFound`], [`Error::NotInRevealPhase`], [`Error::NotOnCommittee`],
		/// [`Error::NotCommitted`], [`Error::AlreadyRevealed`], [`Error::RevealMismatch`],
		/// [`Error::ReportInvalid`], [`Error::LotNotOfRound`]. Event: [`Event::FindingRevealed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::reveal().saturating_add(Step::max_reveal_close_weight::<T>()))]
		pub fn reveal(
			origin: OriginFor<T>,
			round: RoundId,
			finding: Finding,
			salt: [u8; 32],
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let step = Self::do_reveal(who, round, finding, salt)?;
			let closing = step.map_or(Weight::zero(), |step| step.weight::<T>());
			Ok(Some(T::WeightInfo::reveal().saturating_add(closing)).into())
		}

		/// Changes how rounds are run.
		///
		/// Origin: root. Phases that run keep their deadlines, and submissions their bond and fee.
		///
		/// Errors: [`Error::CommitteeSizeOutOfRange`], [`Error::MinCommitteeOutOfRange`],
		/// [`Error::PhaseLengthOutOfRange`], [`Error::AttemptsOutOfRange`], [`Error::FeeAboveBond`],
		/// [`Error::WorkBitsOutOfRange`], [`Error::NothingMeasured`], [`Error::ReplacementsOutOfRange`]. Event:
		/// [`Event::ParametersSet`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: RoundParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(&parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}

		/// Submits the weights that a migration asks for, which the model's owner has proposed. They must
		/// leave the model no worse; the architecture changes with their acceptance.
		///
		/// Origin, errors and event: as [`Pallet::submit`].
		#[pallet::call_index(5)]
		#[pallet::weight(submit_weight::<T>(blocks.len()))]
		pub fn submit_migration(
			origin: OriginFor<T>,
			model: ModelId,
			migration: Migration,
			blocks: NewBlocks,
			envelope: Envelope,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let count = blocks.len();
			of_submit::<T>(count, Self::do_submit(who, model, blocks, Some(migration), envelope)?)
		}

		/// Has it measured, on fresh shards, whether the model was better before these blocks became heads:
		/// on the whole, or in a domain by more than the gate's rho. If so, their components go back to what
		/// was head before each of them, and what became head after them falls with them.
		///
		/// Origin: signed. A submission's bond is held, out of which the measurement is paid. The blocks must
		/// be on probation.
		///
		/// Errors: as [`Pallet::submit`] without [`Error::NotTrainer`], and what the graph says of the
		/// blocks. Event: [`Event::SubmissionReceived`].
		#[pallet::call_index(6)]
		#[pallet::weight(roll_back_weight::<T>(blocks.len()))]
		pub fn roll_back(
			origin: OriginFor<T>,
			model: ModelId,
			blocks: BlockIds,
			envelope: Envelope,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let count = blocks.len();
			of_roll_back::<T>(count, Self::do_roll_back(who, model, blocks, envelope)?)
		}
	}
}
