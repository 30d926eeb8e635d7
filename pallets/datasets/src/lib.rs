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

mod impl_dataset_registry;
mod types;
pub mod weights;

mod impls {
	mod agenda;
	mod appeals;
	mod auditors;
	mod dispatch;
	mod forget;
	mod line;
	mod offers;
	mod outcome;
	mod queries;
	pub(crate) mod step;
	mod votes;
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
		datasets::{DatasetFinding, DatasetOffer, OfferWork, Ppm, Refusal, Standing, Tier},
		traits::{AppealCourt, AuditRewards, LearningCredits, WorkerRegistry},
		worker::Fault,
		Balance, BlockNumber, Hash,
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
		/// Where deposits are held.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// What may be held, over all pallets.
		type RuntimeHoldReason: From<HoldReason>;

		/// From whom auditors are drawn, and who votes.
		type Workers: WorkerRegistry<Self::AccountId>;

		/// Where auditors and voters are paid.
		type Audits: AuditRewards<Self::AccountId>;

		/// Where learning credits are kept.
		type Credits: LearningCredits<Self::AccountId>;

		/// Where appeals are opened.
		type Court: AppealCourt<Self::AccountId>;

		/// Who tells how appeals are decided.
		type DecideOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Who may take an approved dataset out at once.
		type EmergencyOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Randomness with the block since which it was known; `None` where that block had none. Auditors and
		/// samples are drawn from it, so whoever can choose it can choose its judges.
		type Randomness: Randomness<Option<Hash>, BlockNumberFor<Self>>;

		/// Most auditors that may be asked for.
		#[pallet::constant]
		type MaxAuditors: Get<u32>;

		/// Places in the line of offers, which is read and written as one.
		#[pallet::constant]
		type MaxLine: Get<u32>;

		/// Most audits that may be set to run at once.
		#[pallet::constant]
		type MaxRunning: Get<u32>;

		/// Most weight that deadlines may take in a block. What does not fit is served in the next one.
		#[pallet::constant]
		type ServiceWeight: Get<Weight>;

		/// Weights of calls and of deadline work.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// What a voter loses if it comes out otherwise, until its vote is settled.
		DatasetVote,
		/// What who appeals loses if the appeal is denied.
		DatasetAppeal,
	}

	/// By which numbers datasets live.
	#[pallet::storage]
	pub type Parameters<T: Config> = StorageValue<_, DatasetParameters, ValueQuery>;

	/// The kept datasets. Paid for by the work of who offered them until they are approved, and by the votes then;
	/// what is turned away is forgotten. Content is chosen by users, hence the cryptographic hasher.
	#[pallet::storage]
	pub type Datasets<T: Config> = StorageMap<_, Blake2_128Concat, DatasetId, DatasetOf<T>>;

	/// The running audits: exactly those of [`RunningAudits`].
	#[pallet::storage]
	pub type Audits<T: Config> = StorageMap<_, Blake2_128Concat, DatasetId, AuditOf<T>>;

	/// Which datasets are audited now, in the order in which that began.
	#[pallet::storage]
	pub type RunningAudits<T: Config> =
		StorageValue<_, BoundedVec<Running<T::AccountId>, T::MaxRunning>, ValueQuery>;

	/// The offers in line, oldest first.
	#[pallet::storage]
	pub type Line<T: Config> = StorageValue<_, BoundedVec<WaitingOf<T>, T::MaxLine>, ValueQuery>;

	/// The approved datasets whose turn to be audited again has come, the longest waiting first: those numbered from
	/// [`FirstRescan`] up to, and without, [`NextRescan`]. The chain numbers them.
	#[pallet::storage]
	pub type Rescans<T: Config> = StorageMap<_, Twox64Concat, u64, DatasetId>;

	/// The first place in [`Rescans`].
	#[pallet::storage]
	pub type FirstRescan<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// The place after the last in [`Rescans`].
	#[pallet::storage]
	pub type NextRescan<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// For which datasets something is due in which block. The chain numbers blocks; content is chosen by users.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BlockNumber, Blake2_128Concat, DatasetId, ()>;

	/// The first block of which not all that was due is done: nothing is due in an earlier one.
	#[pallet::storage]
	pub type NextDue<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

	/// What is to be forgotten when there is time, numbered as [`Rescans`] are.
	#[pallet::storage]
	pub type Leftovers<T: Config> = StorageMap<_, Twox64Concat, u64, Leftover<T::AccountId>>;

	/// The first place in [`Leftovers`].
	#[pallet::storage]
	pub type FirstLeftover<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// The place after the last in [`Leftovers`].
	#[pallet::storage]
	pub type NextLeftover<T: Config> = StorageValue<_, u64, ValueQuery>;

	/// Who offered something that is kept, or had something approved. Accounts are chosen by users.
	#[pallet::storage]
	pub type Contributors<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Contributor>;

	/// Which kept dataset a contributor calls so. All of the key is chosen by users.
	#[pallet::storage]
	pub type Versions<T: Config> = StorageMap<_, Blake2_128Concat, (T::AccountId, Name, SemVer), DatasetId>;

	/// The newest version of what a contributor calls so that was ever approved: later ones must be newer.
	#[pallet::storage]
	pub type LatestVersions<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, Name, SemVer>;

	/// The votes that are not settled. Covered by what is held for them. Content and accounts are chosen by users.
	#[pallet::storage]
	pub type Votes<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, DatasetId, Blake2_128Concat, T::AccountId, Vote>;

	/// How much newcomers offered in the day of their last offer.
	#[pallet::storage]
	pub type NewcomersToday<T: Config> = StorageValue<_, DayCount, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// By which numbers datasets live from the start.
		pub parameters: DatasetParameters,
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
					panic!("datasets.parameters of the chain spec are not valid: {error:?}");
				}
			}
			Parameters::<T>::put(&self.parameters);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A dataset is offered, and in line for its audit.
		DatasetOffered {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it is.
			contributor: T::AccountId,
		},
		/// An offer in line made room for another, and is forgotten; it may be made again.
		OfferDisplaced {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it was.
			contributor: T::AccountId,
			/// What took its place.
			by: DatasetId,
		},
		/// The audit of a dataset begins; auditors will be drawn.
		AuditBegun {
			/// The dataset.
			dataset: DatasetId,
			/// Which audit of it, from 0.
			audit: u32,
		},
		/// Auditors could not be drawn yet.
		DrawPostponed {
			/// The dataset.
			dataset: DatasetId,
			/// Why.
			reason: PostponeReason,
			/// When it is tried again, at the earliest.
			retry_at: BlockNumber,
		},
		/// Auditors are drawn; they look at the windows that the seed gives, and commit.
		AuditorsDrawn {
			/// The dataset.
			dataset: DatasetId,
			/// Which audit of it, from 0.
			audit: u32,
			/// Which attempt, from 0.
			attempt: u32,
			/// Who they are.
			auditors: AuditorsOf<T>,
			/// See [`blyan_primitives::datasets::windows`].
			seed: Hash,
			/// The last block in which a commitment is taken.
			commit_until: BlockNumber,
		},
		/// An auditor committed to its finding.
		FindingCommitted {
			/// The dataset.
			dataset: DatasetId,
			/// Who.
			auditor: T::AccountId,
			/// To what.
			commitment: Hash,
		},
		/// The time to commit is over; who committed may reveal.
		RevealOpened {
			/// The dataset.
			dataset: DatasetId,
			/// The last block in which a reveal is taken.
			until: BlockNumber,
		},
		/// An auditor revealed its finding.
		FindingRevealed {
			/// The dataset.
			dataset: DatasetId,
			/// Who.
			auditor: T::AccountId,
			/// What it found.
			finding: DatasetFinding,
		},
		/// The auditors came to no quorum; others will be drawn.
		AuditRestarted {
			/// The dataset.
			dataset: DatasetId,
			/// The new attempt, from 0.
			attempt: u32,
		},
		/// An auditor was found at fault.
		AuditorFaulted {
			/// The dataset.
			dataset: DatasetId,
			/// Who.
			auditor: T::AccountId,
			/// What it did.
			fault: Fault,
			/// What it was slashed.
			slashed: Balance,
		},
		/// An audit is over.
		AuditClosed {
			/// The dataset.
			dataset: DatasetId,
			/// Which audit of it, from 0.
			audit: u32,
			/// What a quorum found, with the medians if it is a report; `None` if there was none in any attempt.
			finding: AuditOutcome,
		},
		/// Workers who are registered may vote.
		VoteOpened {
			/// The dataset.
			dataset: DatasetId,
			/// The last block in which a vote is taken.
			until: BlockNumber,
			/// How many must vote.
			quorum: u32,
		},
		/// Too few voted; there is more time, once.
		VoteExtended {
			/// The dataset.
			dataset: DatasetId,
			/// The last block in which a vote is taken.
			until: BlockNumber,
		},
		/// A worker voted.
		Voted {
			/// The dataset.
			dataset: DatasetId,
			/// Who.
			voter: T::AccountId,
			/// Whether in favour.
			aye: bool,
		},
		/// What was held for a vote is returned or burned.
		VoteSettled {
			/// The dataset.
			dataset: DatasetId,
			/// Whose vote it was.
			voter: T::AccountId,
			/// What is free again.
			returned: Balance,
			/// What is lost.
			burned: Balance,
			/// What it claims from the budget of audits.
			reward: Balance,
		},
		/// Models may learn from a dataset.
		DatasetApproved {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it is.
			contributor: T::AccountId,
			/// How good it is.
			tier: Tier,
			/// Its score, in parts per million.
			score: Ppm,
		},
		/// A dataset is turned away.
		DatasetRejected {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it is.
			contributor: T::AccountId,
			/// Why.
			reason: Refusal,
			/// The last block in which its contributor may appeal.
			until: BlockNumber,
		},
		/// Models may learn no more from a dataset that was approved.
		DatasetQuarantined {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it is.
			contributor: T::AccountId,
			/// Why.
			reason: Refusal,
			/// The last block in which its contributor may appeal.
			until: BlockNumber,
		},
		/// A later audit found a dataset worse than its tier.
		TierLowered {
			/// The dataset.
			dataset: DatasetId,
			/// What it was.
			from: Tier,
			/// What it is.
			to: Tier,
		},
		/// A contributor appealed.
		DatasetAppealed {
			/// The dataset.
			dataset: DatasetId,
			/// Whose it is.
			contributor: T::AccountId,
			/// When the appeal counts as denied.
			until: BlockNumber,
		},
		/// An appeal is over.
		AppealDecided {
			/// The dataset.
			dataset: DatasetId,
			/// The tier, if the appeal was granted.
			tier: Option<Tier>,
			/// What of the deposit is free again.
			returned: Balance,
			/// What of the deposit is lost.
			burned: Balance,
		},
		/// A dataset that was turned away is no longer kept.
		DatasetForgotten {
			/// The dataset.
			dataset: DatasetId,
		},
		/// A contributor is trusted more, or less.
		StandingChanged {
			/// Who.
			contributor: T::AccountId,
			/// How far it is trusted now.
			standing: Standing,
		},
		/// Governance changed the numbers by which datasets live.
		ParametersSet {
			/// The new numbers.
			parameters: DatasetParameters,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// A name must be of lower-case letters, digits, and single hyphens between them.
		NameInvalid,
		/// A domain must be written as names are.
		DomainInvalid,
		/// The licence must be an SPDX expression in printable ASCII, and not empty.
		LicenceInvalid,
		/// A language must be a code of three lower-case letters, and none named twice.
		LanguagesInvalid,
		/// The document must have a byte and 16 MiB at most; the text a sample, and a byte for each.
		SizesInvalid,
		/// The account has made all the offers that it may today. `offer_demand` tells how many there are left.
		QuotaUsedUp,
		/// The proof of work names a block that does not exist yet, or whose hash is no longer known. Make it for
		/// the newest finalized one.
		WorkAnchorUnknown,
		/// The proof of work names a block that is older than `work_blocks`. Make it anew.
		WorkTooOld,
		/// The account's last offer named this block, or a later one. Make the work for a newer block.
		WorkReused,
		/// The hash has fewer zero bits than `offer_demand` asks for. Work on.
		WorkInsufficient,
		/// This very content is kept. Other text is another dataset; what was turned away may be offered again once it
		/// is forgotten, or at once by the same contributor if nobody was to blame and all votes are settled.
		DatasetKept,
		/// The contributor has another kept dataset of that name and version. Raise the version.
		VersionTaken,
		/// A newer version of that name was approved, or this one. Raise the version.
		VersionNotRising,
		/// The line is full of offers that stand before this one. Offer it again later.
		LineFull,
		/// No such dataset is kept.
		DatasetNotFound,
		/// The dataset is not audited now.
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
		/// The commitment is to something else: check account, dataset, audit, attempt, finding and salt.
		RevealMismatch,
		/// The report is of another version of the rules than `audit_terms` names. Update the quality gate.
		RulesDiffer,
		/// The dataset is not voted on now.
		NotInVotePhase,
		/// Who votes must be an active worker with its whole bond, and have been registered before the vote began.
		NotEligible,
		/// The contributor and its declared associates have no vote.
		VoterPartial,
		/// The account has voted. Its vote stands.
		AlreadyVoted,
		/// The account's free balance does not cover what is held for it.
		DepositNotAvailable,
		/// The vote is not over. Settle it when it is.
		VoteOpen,
		/// The account has no vote on that dataset, or it is settled.
		VoteNotFound,
		/// Only who offered a dataset appeals. Sign with its account.
		NotContributor,
		/// The dataset was not turned away.
		NothingToAppeal,
		/// The time to appeal is over. Offer a better dataset.
		AppealTooLate,
		/// The dataset is not appealed for.
		NotAppealed,
		/// Only what is approved is quarantined.
		NotApproved,
		/// `auditors` must be 1 at least and [`Config::MaxAuditors`] at most.
		AuditorsOutOfRange,
		/// `max_audits` and `max_rescans` must be 1 at least and, together, [`Config::MaxRunning`] at most.
		RunningOutOfRange,
		/// Each time must be 1 block at least and [`MAX_PHASE_BLOCKS`] at most.
		PhaseLengthOutOfRange,
		/// `max_attempts` and `max_draw_tries` must be 1 at least and [`MAX_ATTEMPTS`] at most.
		AttemptsOutOfRange,
		/// Quotas must be 1 at least, and no smaller for who is trusted more.
		QuotasOutOfOrder,
		/// `work_bits` must be [`MAX_WORK_BITS`] at most, `work_blocks` 1 at least and [`MAX_WORK_BLOCKS`] at most, and
		/// `usual_offers` 1 at least.
		WorkOutOfRange,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			let mut meter = WeightMeter::with_limit(T::ServiceWeight::get());
			Self::serve(&mut meter);
			meter.consumed()
		}

		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::forget_leftovers(&mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(T::MaxAuditors::get() > 0, "MaxAuditors must allow for one auditor");
			assert!(
				T::MaxLine::get() > NEWCOMERS_SHARE.mul_floor(T::MaxLine::get()) && T::MaxLine::get() > 1,
				"MaxLine must leave room for who is trusted"
			);
			let least = Self::least_service_weight();
			assert!(
				T::ServiceWeight::get().all_gte(least),
				"ServiceWeight must be {least:?} at least, or deadlines that take the most are never served",
			);
			assert!(
				DatasetParameters::default().validate::<T>().is_ok(),
				"the default parameters must be valid with this MaxAuditors and MaxRunning",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Offers a dataset.
		///
		/// Origin: signed, by who will be its contributor. The fee is returned if the offer is taken.
		///
		/// Errors: [`Error::NameInvalid`], [`Error::DomainInvalid`], [`Error::LicenceInvalid`],
		/// [`Error::LanguagesInvalid`], [`Error::SizesInvalid`], [`Error::QuotaUsedUp`], [`Error::WorkAnchorUnknown`],
		/// [`Error::WorkTooOld`], [`Error::WorkReused`], [`Error::WorkInsufficient`], [`Error::DatasetKept`],
		/// [`Error::VersionTaken`], [`Error::VersionNotRising`], [`Error::LineFull`]. Events:
		/// [`Event::DatasetOffered`], [`Event::OfferDisplaced`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::offer())]
		pub fn offer(
			origin: OriginFor<T>,
			offer: DatasetOffer,
			work: OfferWork,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::do_offer(who, offer, work)?;
			Ok(Pays::No.into())
		}

		/// Commits to what was found of a dataset, see [`blyan_primitives::datasets::dataset_commitment`].
		///
		/// Origin: signed by an auditor of the dataset. The last one to commit ends the phase.
		///
		/// Errors: [`Error::AuditNotFound`], [`Error::NotInCommitPhase`], [`Error::NotAuditor`],
		/// [`Error::AlreadyCommitted`], [`Error::CommitmentCopied`]. Event: [`Event::FindingCommitted`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, dataset: DatasetId, commitment: Hash) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_commit(who, dataset, commitment)
		}

		/// Reveals the finding that was committed to.
		///
		/// Origin: signed by an auditor of the dataset. The last one to reveal ends the phase.
		///
		/// Errors: [`Error::AuditNotFound`], [`Error::NotInRevealPhase`], [`Error::RulesDiffer`],
		/// [`Error::NotAuditor`], [`Error::NotCommitted`], [`Error::AlreadyRevealed`],
		/// [`Error::RevealMismatch`]. Event: [`Event::FindingRevealed`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			dataset: DatasetId,
			finding: DatasetFinding,
			salt: [u8; 32],
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_reveal(who, dataset, finding, salt)
		}

		/// Votes on a dataset. Something is held until the vote is settled.
		///
		/// Origin: signed by an active worker that registered before the vote began, and is neither the contributor
		/// nor a declared associate of it.
		///
		/// Errors: [`Error::DatasetNotFound`], [`Error::NotInVotePhase`], [`Error::NotEligible`],
		/// [`Error::VoterPartial`], [`Error::AlreadyVoted`], [`Error::DepositNotAvailable`]. Event:
		/// [`Event::Voted`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::vote())]
		pub fn vote(origin: OriginFor<T>, dataset: DatasetId, aye: bool) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_vote(who, dataset, aye)
		}

		/// Settles a vote that is over: what was held is returned with a reward, returned, or burned.
		///
		/// Origin: signed, by anybody.
		///
		/// Errors: [`Error::DatasetNotFound`], [`Error::VoteNotFound`], [`Error::VoteOpen`]. Event:
		/// [`Event::VoteSettled`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::settle_vote())]
		pub fn settle_vote(origin: OriginFor<T>, dataset: DatasetId, voter: T::AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_settle_vote(dataset, voter)
		}

		/// Appeals against that a dataset was turned away, or quarantined. A deposit is held until that is decided.
		///
		/// Origin: signed by its contributor.
		///
		/// Errors: [`Error::DatasetNotFound`], [`Error::NotContributor`], [`Error::NothingToAppeal`],
		/// [`Error::AppealTooLate`], [`Error::DepositNotAvailable`], and the court's own. Event:
		/// [`Event::DatasetAppealed`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::appeal())]
		pub fn appeal(origin: OriginFor<T>, dataset: DatasetId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_appeal(who, dataset)
		}

		/// Grants an appeal, as which tier, or denies it.
		///
		/// Origin: [`Config::DecideOrigin`]. The deposit is returned, or burned.
		///
		/// Errors: [`Error::DatasetNotFound`], [`Error::NotAppealed`]. Event: [`Event::AppealDecided`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::decide_appeal())]
		pub fn decide_appeal(origin: OriginFor<T>, dataset: DatasetId, tier: Option<Tier>) -> DispatchResult {
			T::DecideOrigin::ensure_origin(origin)?;
			Self::do_decide_appeal(dataset, tier)
		}

		/// Takes an approved dataset out at once. What was submitted before is not touched.
		///
		/// Origin: [`Config::EmergencyOrigin`].
		///
		/// Errors: [`Error::DatasetNotFound`], [`Error::NotApproved`]. Event: [`Event::DatasetQuarantined`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::quarantine())]
		pub fn quarantine(origin: OriginFor<T>, dataset: DatasetId) -> DispatchResult {
			T::EmergencyOrigin::ensure_origin(origin)?;
			Self::do_quarantine(dataset)
		}

		/// Changes the numbers by which datasets live.
		///
		/// Origin: root. Phases that run keep their deadlines.
		///
		/// Errors: [`Error::AuditorsOutOfRange`], [`Error::RunningOutOfRange`], [`Error::PhaseLengthOutOfRange`],
		/// [`Error::AttemptsOutOfRange`], [`Error::QuotasOutOfOrder`], [`Error::WorkOutOfRange`]. Event:
		/// [`Event::ParametersSet`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::force_set_parameters())]
		pub fn force_set_parameters(origin: OriginFor<T>, parameters: DatasetParameters) -> DispatchResult {
			ensure_root(origin)?;
			parameters.validate::<T>()?;
			Parameters::<T>::put(&parameters);
			Self::deposit_event(Event::ParametersSet { parameters });
			Ok(())
		}
	}
}
