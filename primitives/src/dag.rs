//! Blocks of the expert graph, the components they are for, and the versions they make up.

use crate::{cid::Cid, BlockNumber, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::traits::{BlakeTwo256, Hash as _},
};
use scale_info::TypeInfo;

/// A model's number, given at registration.
pub type ModelId = u32;
/// BLAKE2-256 of a block's SCALE encoding.
pub type BlockId = Hash;
/// A submission's number. One submission is measured by one round, which bears the same number.
pub type SubmissionId = u64;
/// How often a model's heads have moved. Generation 0 is the genesis weights.
pub type Generation = u32;

/// Most parents a block may name.
pub const MAX_PARENTS: u32 = 8;
/// Most blocks one submission may carry.
pub const MAX_BLOCKS: u32 = 64;

/// A part of a model that has weights, and a head, of its own.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Component {
	/// Embedding, attention, norms and output head.
	Backbone,
	/// The matrix that scores a layer's experts.
	Router {
		/// From 0.
		layer: u16,
	},
	/// One feed-forward expert.
	Expert {
		/// From 0.
		layer: u16,
		/// From 0, within the layer.
		index: u16,
	},
}

impl core::fmt::Display for Component {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		match self {
			Component::Backbone => f.write_str("backbone"),
			Component::Router { layer } => write!(f, "router({layer})"),
			Component::Expert { layer, index } => write!(f, "expert({layer},{index})"),
		}
	}
}

/// What a block does to its component.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum BlockKind {
	/// First weights, set by the model's owner.
	Genesis,
	/// New weights, whole.
	Update,
	/// A difference against the first parent.
	Delta,
	/// A chain of deltas replayed into whole weights.
	Snapshot,
	/// New weights for a changed architecture.
	Migration,
	/// A former head again: the weights are those of the first parent, whose content it names.
	Rollback,
}

/// How a block's content is laid out.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ContentFormat {
	/// A container of TensorBlocks with a name table.
	TensorBlock,
}

/// The parents of a block.
pub type Parents = BoundedVec<BlockId, ConstU32<MAX_PARENTS>>;

/// What a trainer sends for each block; the runtime adds the model and the trainer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct NewBlock {
	/// The component whose weights these are.
	pub component: Component,
	/// What the block does to it.
	pub kind: BlockKind,
	/// Blocks of the same model that this one descends from; the first is the one it improves.
	pub parents: Parents,
	/// Where the weights are.
	pub content: Cid,
	/// Length of the content in bytes.
	pub bytes: u64,
	/// How the content is laid out.
	pub format: ContentFormat,
	/// BLAKE2-256 of the training manifest.
	pub manifest_hash: Hash,
}

/// The blocks of one submission.
pub type NewBlocks = BoundedVec<NewBlock, ConstU32<MAX_BLOCKS>>;
/// The ids of a submission's blocks, in the order they were sent.
pub type BlockIds = BoundedVec<BlockId, ConstU32<MAX_BLOCKS>>;

/// A node of the expert graph. Immutable: its id is the hash of its encoding.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Block<AccountId> {
	/// The model it belongs to.
	pub model: ModelId,
	/// The component whose weights these are.
	pub component: Component,
	/// What the block does to it.
	pub kind: BlockKind,
	/// Blocks it descends from.
	pub parents: Parents,
	/// Where the weights are.
	pub content: Cid,
	/// Length of the content in bytes.
	pub bytes: u64,
	/// How the content is laid out.
	pub format: ContentFormat,
	/// Who made it.
	pub trainer: AccountId,
	/// BLAKE2-256 of the training manifest.
	pub manifest_hash: Hash,
}

impl<AccountId: Encode> Block<AccountId> {
	/// The block that `trainer` makes of what they sent.
	pub fn from_new(model: ModelId, trainer: AccountId, new: NewBlock) -> Self {
		let NewBlock { component, kind, parents, content, bytes, format, manifest_hash } = new;
		Self { model, component, kind, parents, content, bytes, format, trainer, manifest_hash }
	}

	/// The block's id.
	pub fn id(&self) -> BlockId {
		BlakeTwo256::hash_of(self)
	}
}

/// `MAJOR.MINOR.PATCH`, see <https://semver.org>.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SemVer {
	/// Rises when older blocks no longer fit.
	pub major: u32,
	/// Rises when the architecture changed and older blocks still fit.
	pub minor: u32,
	/// Rises with every accepted update.
	pub patch: u32,
}

impl SemVer {
	/// What a model starts with.
	pub const GENESIS: Self = Self { major: 0, minor: 1, patch: 0 };

	/// The version after an accepted update.
	pub fn next_patch(self) -> Self {
		Self { patch: self.patch.saturating_add(1), ..self }
	}

	/// The version after a migration that older blocks still fit.
	pub fn next_minor(self) -> Self {
		Self { minor: self.minor.saturating_add(1), patch: 0, ..self }
	}

	/// The version after a migration that older blocks do not fit.
	pub fn next_major(self) -> Self {
		Self { major: self.major.saturating_add(1), minor: 0, patch: 0 }
	}
}

impl core::fmt::Display for SemVer {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
	}
}

/// One line of a version's manifest.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ManifestEntry {
	/// The component.
	pub component: Component,
	/// Its head in that version.
	pub block: BlockId,
	/// Where the head's weights are.
	pub content: Cid,
	/// Their length in bytes.
	pub bytes: u64,
	/// How many deltas must be replayed to have the weights; 0 if the content is all of them.
	pub deltas: u32,
	/// The first block of the chain in which the head cannot be rolled back any more, and is routed to as
	/// any other; `None` once that is past.
	pub probation_until: Option<BlockNumber>,
}
