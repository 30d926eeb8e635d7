//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::Config;
use blyan_primitives::{
	architecture::Architecture,
	dag::{Block, BlockId, Component, Generation, SemVer, SubmissionId},
	delta::DeltaChain,
	migration::Migration,
	Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{traits::fungible, BoundedVec},
	frame_system::{self, pallet_prelude::BlockNumberFor},
};
use scale_info::TypeInfo;

/// Account of the runtime.
pub type AccountIdOf<T> = <T as frame_system::Config>::AccountId;
/// What deposits are counted in.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<AccountIdOf<T>>>::Balance;
/// The name of a model.
pub type NameOf<T> = BoundedVec<u8, <T as Config>::MaxNameLength>;
/// A model, with the runtime's types filled in.
pub type ModelOf<T> = Model<AccountIdOf<T>, BalanceOf<T>, NameOf<T>>;
/// A block and its standing, with the runtime's types filled in.
pub type BlockRecordOf<T> = BlockRecord<AccountIdOf<T>>;
/// A migration that the owner wants, with the runtime's types filled in.
pub type PendingMigrationOf<T> = PendingMigration<BalanceOf<T>>;
/// A version, with the runtime's types filled in.
pub type VersionRecordOf<T> = VersionRecord<BlockNumberFor<T>>;

/// Most ancestors that a lineage is followed to.
pub const MAX_LINEAGE_DEPTH: u32 = 64;

/// Who may give a model its first weights, and set the terms of its training.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ModelOwner<AccountId> {
	/// An account.
	Account(AccountId),
	/// Whoever governs the chain.
	Governance,
}

/// A model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Model<AccountId, Balance, Name> {
	/// Whose it is.
	pub owner: ModelOwner<AccountId>,
	/// For people; UTF-8 without control characters.
	pub name: Name,
	/// What it is made of.
	pub architecture: Architecture,
	/// The version of the current heads.
	pub version: SemVer,
	/// How often the heads have moved since the genesis weights.
	pub generation: Generation,
	/// The hash that names the current version; `None` until every component has a head.
	pub root: Option<Hash>,
	/// How many components have a head.
	pub heads_set: u32,
	/// What is held of the owner for the space that the model takes.
	pub deposit: Balance,
	/// Since when blocks fit.
	pub fits_since: FitsSince,
}

/// The first generation whose blocks still fit the architecture, for each kind of component.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct FitsSince {
	/// Blocks of the backbone.
	pub backbone: Generation,
	/// Blocks of routers.
	pub routers: Generation,
	/// Blocks of experts.
	pub experts: Generation,
}

impl FitsSince {
	/// That of the component.
	pub fn of(&self, component: Component) -> Generation {
		match component {
			Component::Backbone => self.backbone,
			Component::Router { .. } => self.routers,
			Component::Expert { .. } => self.experts,
		}
	}

	/// What it is after a migration that makes `generation`.
	pub fn after(self, migration: &Migration, generation: Generation) -> Self {
		let of = |component, before| if migration.outdates(component) { generation } else { before };
		Self {
			backbone: of(Component::Backbone, self.backbone),
			routers: of(Component::Router { layer: 0 }, self.routers),
			experts: of(Component::Expert { layer: 0, index: 0 }, self.experts),
		}
	}
}

/// A migration that the owner wants, and that a submission may bring about.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct PendingMigration<Balance> {
	/// What is to change.
	pub migration: Migration,
	/// What is held of the owner for the components that come with it, besides the model's deposit.
	pub deposit: Balance,
}

/// When a block became head, and what it followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Acceptance {
	/// The first generation that has it.
	pub since: Generation,
	/// The head before it; `None` for the first one that the component had.
	pub previous: Option<BlockId>,
	/// A head further back, so that old versions are found without walking all of the history; `None`
	/// for the first one.
	pub skip: Option<Skip>,
}

/// A pointer along a component's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Skip {
	/// The block it points to.
	pub block: BlockId,
	/// How many steps along `previous` lead to the same block.
	pub span: u32,
}

/// What became of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum BlockStatus {
	/// Being measured.
	Candidate,
	/// It is, or was, the head of its component.
	Accepted(Acceptance),
	/// Measured and refused.
	Rejected,
	/// Not measured; may be submitted again.
	Withdrawn,
}

/// A block, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct BlockRecord<AccountId> {
	/// The block itself; never changes.
	pub block: Block<AccountId>,
	/// The submission that carries it; `None` for a genesis block.
	pub submission: Option<SubmissionId>,
	/// What became of it.
	pub status: BlockStatus,
	/// How many blocks name it as a parent, whatever became of them.
	pub children: u32,
	/// The generation of the model in which it was sent.
	pub made_in: Generation,
	/// What must be replayed to have its weights.
	pub deltas: DeltaChain,
}

impl<AccountId> BlockRecord<AccountId> {
	/// When it became head, if it ever did.
	pub fn acceptance(&self) -> Option<Acceptance> {
		match self.status {
			BlockStatus::Accepted(acceptance) => Some(acceptance),
			BlockStatus::Candidate | BlockStatus::Rejected | BlockStatus::Withdrawn => None,
		}
	}
}

/// The heads of one generation, by their root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct VersionRecord<BlockNumber> {
	/// Its number for people.
	pub version: SemVer,
	/// The hash over architecture and heads.
	pub root: Hash,
	/// The architecture that it has.
	pub architecture: Architecture,
	/// The submission that made it; `None` for the genesis weights.
	pub submission: Option<SubmissionId>,
	/// The chain's height when it was released.
	pub released_at: BlockNumber,
}
