#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impl_model_graph;
mod impl_served_blocks;
mod impls;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", test))]
mod try_state;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_system};

/// FRAME's view of the pallet.
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use blyan_primitives::{
		architecture::{Architecture, ArchitectureError},
		dag::{BlockId, BlockIds, Generation, ModelId, NewBlocks, SemVer, SubmissionId, MAX_BLOCKS},
		delta::MAX_LENGTH_BEFORE_COMPACTION,
		migration::{Migration, MigrationError},
		Hash,
	};
	use frame_support::{
		dispatch::DispatchClass,
		pallet_prelude::*,
		traits::{
			fungible::{Mutate, MutateHold},
			StorageVersion,
		},
	};
	use frame_system::pallet_prelude::*;
	use polkadot_sdk::sp_runtime::Perbill;

	/// The version of the storage that this code reads and writes.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// What deposits are held in.
		type Currency: Mutate<Self::AccountId> + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons, this pallet's among them.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who acts for governance: what it registers belongs to governance and costs no deposit.
		type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The account that stands for governance where only an account will do: it is named as the
		/// trainer of the genesis blocks of governance's models, and earns what a trainer earns.
		#[pallet::constant]
		type GovernanceAccount: Get<Self::AccountId>;

		/// What is held for any model.
		#[pallet::constant]
		type ModelDeposit: Get<BalanceOf<Self>>;

		/// What is held besides for each component that a model has.
		#[pallet::constant]
		type ComponentDeposit: Get<BalanceOf<Self>>;

		/// Longest name of a model, in bytes.
		#[pallet::constant]
		type MaxNameLength: Get<u32>;

		/// Longest content of a block, in bytes.
		#[pallet::constant]
		type MaxContentBytes: Get<u64>;

		/// Most deltas that may have to be replayed one after another to have a block's weights.
		#[pallet::constant]
		type MaxDeltaChain: Get<u32>;

		/// Blocks after it became head for which what a block brought may be rolled back.
		#[pallet::constant]
		type ProbationBlocks: Get<BlockNumberFor<Self>>;

		/// The share of a sequence's tokens that a layer's router may send to an expert on probation, while
		/// it has others to send them to. Servers keep it.
		#[pallet::constant]
		type ProbationRoutingShare: Get<Perbill>;

		/// What the pallet's work costs.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For the space that a model takes in the chain's state.
		ModelDeposit,
	}

	/// The id of the next model; ids below it are taken, without gaps, as models are never removed.
	#[pallet::storage]
	pub type NextModelId<T> = StorageValue<_, ModelId, ValueQuery>;

	/// Models by id. Twox: ids are counted up here, so nobody chooses where a key falls.
	#[pallet::storage]
	pub type Models<T> = StorageMap<_, Twox64Concat, ModelId, ModelOf<T>>;

	/// How many blocks [`Blocks`] has.
	#[pallet::storage]
	pub type BlockCount<T> = StorageValue<_, u64, ValueQuery>;

	/// Blocks by id. Identity: an id is a BLAKE2-256 already, and hashing it again would not make it dearer
	/// to search for ids that lie close together.
	///
	/// Paid for by the model's deposit (genesis blocks), or by whoever lets a submission in.
	#[pallet::storage]
	pub type Blocks<T> = StorageMap<_, Identity, BlockId, BlockRecordOf<T>>;

	/// The head of each component, by model and component index. Twox: neither is free to choose.
	#[pallet::storage]
	pub type Heads<T> = StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, u32, BlockId>;

	/// The last head of each component that a migration took out, likewise.
	#[pallet::storage]
	pub type RetiredHeads<T> = StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, u32, BlockId>;

	/// The blocks that name a block as a parent, in the order in which they came. Paid for as the block is.
	/// Identity: as for [`Blocks`]. Twox: counted up here.
	#[pallet::storage]
	pub type Children<T> = StorageDoubleMap<_, Identity, BlockId, Twox64Concat, u32, BlockId>;

	/// What the owner lets a model's architecture become. Twox: ids are counted up here.
	#[pallet::storage]
	pub type PendingMigrations<T> = StorageMap<_, Twox64Concat, ModelId, PendingMigrationOf<T>>;

	/// The inner nodes and leaves of each model's version tree, by model and position (see
	/// [`blyan_primitives::merkle`]); absent nodes are zero. Twox: neither is free to choose.
	#[pallet::storage]
	pub type VersionTree<T> = StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, u32, Hash, ValueQuery>;

	/// Every version ever released, by model and generation. Twox: both are counted up here.
	#[pallet::storage]
	pub type Versions<T> =
		StorageDoubleMap<_, Twox64Concat, ModelId, Twox64Concat, Generation, VersionRecordOf<T>>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// There is a model; it waits for its genesis blocks.
		ModelRegistered {
			/// Its id.
			model: ModelId,
			/// Whose it is.
			owner: ModelOwner<T::AccountId>,
			/// How many components need a genesis block.
			components: u32,
			/// What is held of the owner.
			deposit: BalanceOf<T>,
		},
		/// Components got their first heads.
		GenesisBlocksAdded {
			/// Their model.
			model: ModelId,
			/// The heads, in the order sent.
			blocks: BlockIds,
			/// How many components are still without.
			missing: u32,
		},
		/// Candidates are in the graph.
		BlocksInserted {
			/// Their model.
			model: ModelId,
			/// What carries them.
			submission: SubmissionId,
			/// The candidates, in the order sent.
			blocks: BlockIds,
		},
		/// Heads have moved, or are complete for the first time.
		VersionReleased {
			/// The model.
			model: ModelId,
			/// Counts the versions from 0.
			generation: Generation,
			/// The version's number for people.
			version: SemVer,
			/// The hash that names it.
			root: Hash,
			/// What made it; `None` for the genesis weights.
			submission: Option<SubmissionId>,
		},
		/// The owner lets a submission change the architecture.
		MigrationProposed {
			/// The model.
			model: ModelId,
			/// What is to change.
			migration: Migration,
			/// What is held of the owner for it.
			deposit: BalanceOf<T>,
		},
		/// The owner does so no more.
		MigrationWithdrawn {
			/// The model.
			model: ModelId,
			/// What was to change.
			migration: Migration,
		},
		/// The architecture has changed; the version that follows is of the new one.
		ModelMigrated {
			/// The model.
			model: ModelId,
			/// What changed.
			migration: Migration,
		},
		/// Candidates were measured and refused.
		BlocksRejected {
			/// Which.
			blocks: BlockIds,
		},
		/// Candidates were not measured; they may be submitted again.
		BlocksWithdrawn {
			/// Which.
			blocks: BlockIds,
		},
	}

	#[pallet::error]
	#[derive(PartialEq, Eq)]
	pub enum Error<T> {
		/// A model's name is empty. Give it one.
		NameEmpty,
		/// A model's name is not UTF-8, or has control characters. Send printable text.
		NameNotText,
		/// A size of the architecture is zero. Each must be at least one.
		ArchitectureSizeZero,
		/// The architecture's experts are out of order. Keep top_k <= min <= current <= max.
		ArchitectureExpertsOutOfOrder,
		/// The architecture's heads are of no width, or an odd one. Give an even head_width.
		ArchitectureHeadWidthUneven,
		/// The architecture reserves too many components. Lower layers or the most experts a layer.
		ArchitectureComponentsTooMany,
		/// The architecture's vocabulary does not suit its tokenizer. A byte tokenizer needs 256.
		ArchitectureVocabularyMismatch,
		/// No model has this id. Register it first.
		ModelNotFound,
		/// The model cannot be trained yet: a component has no head. The owner must add the missing
		/// genesis blocks.
		ModelNotReleased,
		/// The sender does not own the model. Ask the owner.
		NotOwner,
		/// The list of blocks is empty. Send one at least.
		BlocksMissing,
		/// There are more blocks than a submission may carry. Send at most 64.
		TooManyBlocks,
		/// A block of this kind is not taken here: a model's first weights must be `Genesis`, a migration's
		/// `Migration`, a submission's `Update` or `Delta`, or `Snapshot`.
		UnsupportedKind,
		/// A submission has snapshots and other blocks. Send them apart: they are judged differently.
		MixedKinds,
		/// A delta's first parent was made for another architecture. Send whole weights.
		DeltaBaseOutdated,
		/// Too many deltas would have to be replayed. Send whole weights, or compact the chain first.
		DeltaChainTooLong,
		/// A snapshot's first parent is whole already.
		NothingToCompact,
		/// A snapshot's first parent is not the component's head. Compact the head.
		SnapshotOfFormerHead,
		/// The migration would change nothing.
		MigrationChangesNothing,
		/// The migration names an expert that the model does not have.
		MigrationExpertNotThere,
		/// The migration would narrow the experts.
		MigrationNarrows,
		/// The migration would rewrite more components than a submission may carry blocks.
		MigrationTooLarge,
		/// The model's owner does not want this migration, or wants another. See `propose_migration`.
		MigrationNotWanted,
		/// The blocks do not cover every component that the migration rewrites.
		MigrationIncomplete,
		/// The blocks are for more components than the migration rewrites.
		MigrationRewritesMore,
		/// There is a migration that the owner wants already. Withdraw it first.
		MigrationPending,
		/// There is no migration to withdraw.
		NoMigrationPending,
		/// The model's architecture does not have the block's component. Read the model's record.
		ComponentNotDeclared,
		/// Two blocks are for the same component. Send one for each.
		DuplicateComponent,
		/// A block's content has no bytes. Send the length of the file under the CID.
		ContentEmpty,
		/// A block's content is longer than allowed. See `MaxContentBytes`.
		ContentTooLarge,
		/// A genesis block names parents. It has none.
		GenesisWithParents,
		/// The component has a head already. Improve it by a submission.
		HeadExists,
		/// A block names no parent. Name the head it was trained from.
		ParentsMissing,
		/// A block names a parent twice. Name each once.
		DuplicateParent,
		/// A block names a parent that does not exist. Read the head anew.
		ParentNotFound,
		/// A parent belongs to another model.
		ParentOfOtherModel,
		/// A parent belongs to another component.
		ParentOfOtherComponent,
		/// A parent was not accepted, or not yet. Train from a head, present or past.
		ParentNotAccepted,
		/// The very same block is being measured, or was measured before. Change something or let it be.
		BlockExists,
		/// No block has this id.
		BlockNotFound,
		/// The block is not a candidate: what becomes of it is decided.
		BlockNotCandidate,
		/// The block belongs to another model than the one that would be changed.
		BlockOfOtherModel,
		/// The block belongs to another submission than the one that would be accepted.
		BlockOfOtherSubmission,
		/// The block is not head since recently, or was not made by training: there is nothing to take back.
		NotOnProbation,
		/// The model was migrated since the former head was made, and it does not fit any more.
		RollbackOutdated,
		/// The architecture's heads of keys do not divide its heads of queries. Change either.
		ArchitectureKvHeadsUneven,
		/// A constant of the architecture is out of range: rope_theta, norm_epsilon or qkv_clip_milli is zero,
		/// or norm_epsilon is one or more. Correct it.
		ArchitectureConstantOutOfRange,
	}

	impl<T> From<ArchitectureError> for Error<T> {
		fn from(error: ArchitectureError) -> Self {
			match error {
				ArchitectureError::ZeroSize => Self::ArchitectureSizeZero,
				ArchitectureError::ExpertCount => Self::ArchitectureExpertsOutOfOrder,
				ArchitectureError::HeadWidth => Self::ArchitectureHeadWidthUneven,
				ArchitectureError::TooManyComponents => Self::ArchitectureComponentsTooMany,
				ArchitectureError::Vocabulary => Self::ArchitectureVocabularyMismatch,
				ArchitectureError::KvHeads => Self::ArchitectureKvHeadsUneven,
				ArchitectureError::Constant => Self::ArchitectureConstantOutOfRange,
			}
		}
	}

	impl<T> From<MigrationError> for Error<T> {
		fn from(error: MigrationError) -> Self {
			match error {
				MigrationError::NothingChanges => Self::MigrationChangesNothing,
				MigrationError::ExpertNotThere => Self::MigrationExpertNotThere,
				MigrationError::Narrower => Self::MigrationNarrows,
				MigrationError::TooManyBlocks => Self::MigrationTooLarge,
				MigrationError::Architecture(error) => error.into(),
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxNameLength::get() > 0, "MaxNameLength must leave room for a name");
			assert!(T::MaxContentBytes::get() > 0, "MaxContentBytes must leave room for weights");
			assert!(
				T::MaxDeltaChain::get() > MAX_LENGTH_BEFORE_COMPACTION,
				"MaxDeltaChain must leave time to compact"
			);
			let limit = T::BlockWeights::get().get(DispatchClass::Normal).max_extrinsic;
			let largest = T::WeightInfo::add_genesis_blocks(MAX_BLOCKS);
			assert!(
				limit.is_none_or(|limit| largest.all_lte(limit)),
				"a call with {MAX_BLOCKS} genesis blocks weighs {largest:?} and must fit into {limit:?}",
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a model, which is then without weights.
		///
		/// Origin: signed, and the account becomes the owner; or `GovernanceOrigin`, and governance does.
		/// `ModelDeposit`, and `ComponentDeposit` for each component, are held of an account for good.
		///
		/// # Errors
		/// `NameEmpty`, `NameNotText`; `Architecture...` for the rule that the architecture breaks; the
		/// currency's own error if the deposit cannot be held.
		///
		/// Event: [`Event::ModelRegistered`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register_model())]
		pub fn register_model(
			origin: OriginFor<T>,
			name: NameOf<T>,
			architecture: Architecture,
		) -> DispatchResult {
			let owner = Self::ensure_owner(origin)?;
			Self::do_register_model(owner, name, architecture)?;
			Ok(())
		}

		/// Gives components their first weights; all of them, or none if there is an error. As soon as every
		/// component has a head, the model is released as generation 0.
		///
		/// Origin: the owner, as in [`Pallet::register_model`]; it is named as the trainer.
		///
		/// # Errors
		/// `ModelNotFound`, `NotOwner`, `BlocksMissing`; for a block `UnsupportedKind`,
		/// `ComponentNotDeclared`, `DuplicateComponent`, `ContentEmpty`, `ContentTooLarge`,
		/// `GenesisWithParents`, `HeadExists`.
		///
		/// Events: [`Event::GenesisBlocksAdded`]; with the last block [`Event::VersionReleased`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::add_genesis_blocks(blocks.len() as u32))]
		pub fn add_genesis_blocks(origin: OriginFor<T>, model: ModelId, blocks: NewBlocks) -> DispatchResult {
			let owner = Self::ensure_owner(origin)?;
			Self::do_add_genesis_blocks(owner, model, blocks)
		}

		/// Lets a submission change the model's architecture so. It takes effect when a round has found that
		/// the changed model is no worse. There is one such migration a model.
		///
		/// Origin: the owner, as in [`Pallet::register_model`]. `ComponentDeposit` for each component that
		/// comes with it is held of an account.
		///
		/// # Errors
		/// `ModelNotFound`, `NotOwner`, `ModelNotReleased`, `MigrationPending`; `Migration...` and
		/// `Architecture...` for the rule that the migration breaks; the currency's own error if the deposit
		/// cannot be held.
		///
		/// Event: [`Event::MigrationProposed`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::propose_migration())]
		pub fn propose_migration(
			origin: OriginFor<T>,
			model: ModelId,
			migration: Migration,
		) -> DispatchResult {
			let owner = Self::ensure_owner(origin)?;
			Self::do_propose_migration(owner, model, migration)
		}

		/// Takes back [`Pallet::propose_migration`]; a submission that was made for it ends without a verdict.
		///
		/// Origin: the owner, as in [`Pallet::register_model`]. The deposit returns.
		///
		/// # Errors
		/// `ModelNotFound`, `NotOwner`, `NoMigrationPending`.
		///
		/// Event: [`Event::MigrationWithdrawn`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw_migration())]
		pub fn withdraw_migration(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
			let owner = Self::ensure_owner(origin)?;
			Self::do_withdraw_migration(owner, model)
		}
	}
}
