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

mod impl_seams;
mod types;
pub mod weights;

mod impls {
	mod auditors;
	mod dispatch;
	mod list;
	mod outcome;
	mod queries;
	pub(crate) mod step;
	mod terms;
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
	use crate::{impls::step::Step, types::*, weights::WeightInfo};
	use blyan_primitives::{
		dag::ModelId,
		manifest::{AuditOutcome, DataTerms, ManifestFinding},
		traits::{AuditRewards, DataOutcomes, DataRewards, DatasetRegistry, ModelGraph, WorkerRegistry},
		worker::Fault,
		Balance, Hash,
	};
	use frame_support::{pallet_prelude::*, traits::Randomness, weights::WeightMeter};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<Hash = Hash> {
		/// Who owns which model.
		type Graph: ModelGraph<Self::AccountId>;

		/// From whom auditors are drawn, and whose bonds are slashed.
		type Workers: WorkerRegistry<Self::AccountId>;

		/// What may be learned from.
		type Datasets: DatasetRegistry<Self::AccountId>;

		/// Who keeps what came of data.
		type Outcomes: DataOutcomes<Self::AccountId>;

		/// Who pays for data, and wants to know when it may.
		type OnVerified: DataRewards;

		/// Where auditors are paid.
		type Audits: AuditRewards<Self::AccountId>;

		/// Randomness with the block since which it was known; `None` where that block had none. Auditors and
		/// samples are drawn from it, so whoever can choose it can choose its judges.
		type Randomness: Randomness<Option<Hash>, BlockNumberFor<Self>>;

		/// Most auditors that may be asked for.
		#[pallet::constant]
		type MaxAuditors: Get<u32>;

		/// Most audits open at once; as many as there may be open rounds, or more. Their list is read in each
		/// block.
		#[pallet::constant]
		type MaxOpenAudits: Get<u32>;

		/// Blocks after its end for which an audit is kept for queries, and for who pays by it.
		#[pallet::constant]
		type Retention: Get<BlockNumberFor<Self>>;

		/// Most weight that deadlines may take in a block. What does not fit is served in the next one.
		#[pallet::constant]
		type ServiceWeight: Get<Weight>;

		/// Weights of calls and of deadline work.
		type WeightInfo: WeightInfo;
	}

	/// How audits are run.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, AuditParameters, ValueQuery>;

	/// What owners of models ask of data, where that is not the default. Paid by the fee of the owner's call, and bounded
	/// by the number of models, which are numbered in sequence: the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Terms<T: Config> = StorageMap<_, Twox64Concat, ModelId, DataTerms, ValueQuery>;

	/// The audits, by submission: those that [`OpenAudits`] lists, and those that [`Concluded`] lists. Covered by
	/// the bond of the submission. Numbers are given in sequence, so the cheap hasher cannot be abused.
	#[pallet::storage]
	pub type Audits<T: Config> = StorageMap<_, Twox64Concat, RoundId, AuditOf<T>>;

	/// The open audits by what is due first. An entry is small, so one value is enough.
	#[pallet::storage]
	pub type OpenAudits<T: Config> =
		StorageValue<_, BoundedVec<OpenAudit<BlockNumberFor<T>>, T::MaxOpenAudits>, ValueQuery>;

	/// The audits that are over, in the order in which they ended: exactly those numbered from
	/// [`FirstConcluded`] up to, and without, [`NextConcluded`].
	#[pallet::storage]
	pub type Concluded<T: Config> = StorageMap<_, Twox64Concat, u64, RoundId>;

	/// The oldest place in [`Concluded`] that is still kept.
	#[pallet::storage]
	pub type FirstConcluded<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// The place in [`Concluded`] of the audit that ends next.
	#[pallet::storage]
	pub type NextConcluded<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// The first block in which an account that is banned may submit again. Forgotten with the last audit that
	/// is kept of the account's and did not match. Accounts are chosen by users, hence the cryptographic hasher.
	#[pallet::storage]
	pub type BannedUntil<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, BlockNumberFor<T>>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// How audits are run from the start.
		pub parameters: AuditParameters,
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
					panic!("manifests.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(&self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A model's owner said what it asks of data.
		DataTermsSet {
			/// The model.
			model: ModelId,
			/// What it asks for, from the next submission on.
			terms: DataTerms,
		},
		/// A submission came with a manifest; auditors will be drawn.
		ManifestReceived {
			/// The submission.
			round: RoundId,
			/// Who made it.
			trainer: T::AccountId,
		},
		/// Auditors could not be drawn yet.
		DrawPostponed {
			/// The submission.
			round: RoundId,
			/// Why.
			reason: PostponeReason,
			/// When it is tried again, at the earliest.
			retry_at: BlockNumberFor<T>,
		},
		/// Auditors are drawn; they derive the batches of the sample again.
		AuditorsDrawn {
			/// The submission.
			round: RoundId,
			/// Which attempt, from 0.
			attempt: u32,
			/// Who they are.
			auditors: AuditorsOf<T>,
			/// How many batches they derive; which, the audit's record says.
			batches: u32,
			/// The last block in which a commitment is taken.
			commit_until: BlockNumberFor<T>,
		},
		/// An auditor committed to its finding.
		FindingCommitted {
			/// The submission.
			round: RoundId,
			/// Who.
			auditor: T::AccountId,
			/// To what.
			commitment: Hash,
		},
		/// The time to commit is over; who committed may reveal.
		RevealOpened {
			/// The submission.
			round: RoundId,
			/// The last block in which a reveal is taken.
			until: BlockNumberFor<T>,
		},
		/// An auditor revealed its finding.
		FindingRevealed {
			/// The submission.
			round: RoundId,
			/// Who.
			auditor: T::AccountId,
			/// What it found.
			finding: ManifestFinding,
		},
		/// The auditors came to no quorum; others will be drawn.
		AuditRestarted {
			/// The submission.
			round: RoundId,
			/// The new attempt, from 0.
			attempt: u32,
		},
		/// An auditor was found at fault.
		AuditorFaulted {
			/// The submission.
			round: RoundId,
			/// Who.
			auditor: T::AccountId,
			/// What it did.
			fault: Fault,
			/// What it was slashed.
			slashed: Balance,
		},
		/// A trainer's manifest does not match.
		TrainerFaulted {
			/// The submission.
			round: RoundId,
			/// Who made it.
			trainer: T::AccountId,
			/// What it was slashed.
			slashed: Balance,
			/// The first block in which it may submit again.
			banned_until: BlockNumberFor<T>,
		},
		/// An audit is over.
		AuditClosed {
			/// The submission.
			round: RoundId,
			/// What it came to.
			outcome: AuditOutcome,
		},
		/// Governance changed how audits are run.
		ParametersSet {
			/// The new numbers.
			parameters: AuditParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// Only a model's owner, or root, says what data it may learn from. Sign with the owner's account.
		NotModelOwner,
		/// A manifest of this account did not match. It may submit again from the block that `BannedUntil` names.
		Banned,
		/// Improvements of this model must come with a training manifest. Put it into the submission's envelope.
		ManifestRequired,
		/// A compaction or a rollback learns nothing, and has no manifest.
		ManifestNotExpected,
		/// A block of the submission names another `manifest_hash` than that of the manifest's document.
		OtherDocument,
		/// The manifest must name one dataset at least, none twice, and none with no weight.
		DatasetsInvalid,
		/// The weights of the manifest's datasets must add up to exactly one.
		WeightsInvalid,
		/// Steps, tokens of a batch, or the document's bytes are zero, or more than there may be.
		SizesInvalid,
		/// The dataset in that place of the manifest, counted from 0, is not approved now. Offer it to the dataset chain,
		/// or learn from another.
		DatasetNotApproved(u8),
		/// The dataset in that place of the manifest, counted from 0, is of a lower tier than the model's owner asks for.
		/// Learn from a better one.
		DatasetBelowTier(u8),
		/// The account is no worker, so it has no bond to lose. Register first.
		NotWorker,
		/// As many audits are open as may be. Submit again when one is over.
		TooManyAudits,
		/// No open audit is of this submission.
		AuditNotFound,
		/// The account was not drawn as an auditor for the running attempt.
		NotAuditor,
		/// The audit does not take commitments now: no auditors yet, or past the deadline.
		NotInCommitPhase,
		/// The account has committed in this attempt. The first commitment stands.
		AlreadyCommitted,
		/// Another auditor committed to this very hash. Commit to your own finding, with a fresh salt.
		CommitmentCopied,
		/// The audit does not take reveals now: others may still commit, or the deadline is past.
		NotInRevealPhase,
		/// The account did not commit in this attempt, so it has nothing to reveal.
		NotCommitted,
		/// The account has revealed in this attempt. The first reveal stands.
		AlreadyRevealed,
		/// The commitment is to something else: check account, submission, attempt, finding and salt.
		RevealMismatch,
		/// A mismatch must name a batch of the sample, or none.
		BatchNotInSample,
		/// `auditors` must be 1 at least and [`Config::MaxAuditors`] at most.
		AuditorsOutOfRange,
		/// `min_sample` must be 1 at least and [`MAX_SAMPLE`](blyan_primitives::manifest::MAX_SAMPLE) at most.
		SampleOutOfRange,
		/// Each of `draw_delay`, `commit_blocks` and `reveal_blocks` must be 1 at least and [`MAX_PHASE_BLOCKS`]
		/// at most.
		PhaseLengthOutOfRange,
		/// `max_attempts` and `max_draw_tries` must be 1 at least and [`MAX_ATTEMPTS`] at most.
		AttemptsOutOfRange,
		/// `ban_blocks` must be at most [`Config::Retention`], after which a ban is forgotten.
		BanTooLong,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let mut meter = WeightMeter::with_limit(T::ServiceWeight::get());
			Self::serve(now, &mut meter);
			meter.consumed()
		}

		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::prune(now, &mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxAuditors::get() > 0, "MaxAuditors must allow for one auditor");
			assert!(T::MaxOpenAudits::get() > 0, "MaxOpenAudits must allow for one audit");
			let least = T::WeightInfo::serve_list().saturating_add(Step::max_weight::<T>());
			assert!(
				T::ServiceWeight::get().all_gte(least),
				"ServiceWeight must be {least:?} at least, or deadlines that take the most are never served",
			);
			assert!(
				AuditParameters::default().validate::<T>().is_ok(),
				"the default parameters must be valid with this MaxAuditors and Retention",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Says what a model asks of data: whether improvements must come with a manifest, and how good the datasets of a
		/// manifest must be. Holds from the next submission on.
		///
		/// Origin: signed by the model's owner, or root.
		///
		/// Errors: [`Error::NotModelOwner`]. Event: [`Event::DataTermsSet`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_data_terms())]
		pub fn set_data_terms(origin: OriginFor<T>, model: ModelId, terms: DataTerms) -> DispatchResult {
			Self::do_set_data_terms(origin, model, terms)
		}

		/// Commits to what was found of a manifest, see [`blyan_primitives::manifest::commitment`].
		///
		/// Origin: signed by an auditor of the submission. The last one to commit ends the phase.
		///
		/// Errors: [`Error::AuditNotFound`], [`Error::NotInCommitPhase`], [`Error::NotAuditor`],
		/// [`Error::AlreadyCommitted`], [`Error::CommitmentCopied`]. Event: [`Event::FindingCommitted`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, round: RoundId, commitment: Hash) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_commit(who, round, commitment)
		}

		/// Reveals the finding that was committed to.
		///
		/// Origin: signed by an auditor of the submission. The last one to reveal ends the phase.
		///
		/// Errors: [`Error::AuditNotFound`], [`Error::NotInRevealPhase`], [`Error::BatchNotInSample`],
		/// [`Error::NotAuditor`], [`Error::NotCommitted`], [`Error::AlreadyRevealed`],
		/// [`Error::RevealMismatch`]. Event: [`Event::FindingRevealed`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			round: RoundId,
			finding: ManifestFinding,
			salt: [u8; 32],
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_reveal(who, round, finding, salt)
		}

		/// Changes how audits are run.
		///
		/// Origin: root. Phases that run keep their deadlines.
		///
		/// Errors: [`Error::AuditorsOutOfRange`], [`Error::SampleOutOfRange`],
		/// [`Error::PhaseLengthOutOfRange`], [`Error::AttemptsOutOfRange`], [`Error::BanTooLong`]. Event:
		/// [`Event::ParametersSet`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: AuditParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(&parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
