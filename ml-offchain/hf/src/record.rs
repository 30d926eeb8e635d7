//! What an import leaves behind: where everything is.

use crate::{Family, HfError};
use blyan_primitives::{architecture::Architecture, cid::Cid, dag::Component};
use serde::{Deserialize, Serialize};

/// The format of a [`ModelRecord`].
pub const RECORD_FORMAT: &str = "blyan/imported-model/1";
/// The format of a [`CheckpointRecord`].
pub(crate) const CHECKPOINT_FORMAT: &str = "blyan/checkpoint/1";
/// Longest record that is read, in bytes: of the most components that a model may have.
pub const MAX_RECORD_BYTES: u64 = 256 << 20;

/// A model that was imported: what is needed to register it, and to write its checkpoint back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
	/// [`RECORD_FORMAT`].
	pub format: String,
	/// How the checkpoint names its tensors.
	pub family: Family,
	/// What the model is made of.
	pub architecture: Architecture,
	/// Numbers in its weights.
	pub parameters: u64,
	/// The content of each component, in the order of their indices.
	pub components: Vec<RecordedComponent>,
	/// The layout of the checkpoint's files.
	pub checkpoint: RecordedContent,
}

/// Content in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedContent {
	/// Its address.
	pub content: Cid,
	/// Its length.
	pub bytes: u64,
}

/// A component's content in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedComponent {
	/// The component.
	pub component: Component,
	/// The address of its content.
	pub content: Cid,
	/// The length of its content.
	pub bytes: u64,
}

/// The files of a checkpoint, themselves content of the store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointRecord {
	pub format: String,
	pub files: Vec<RecordedFile>,
}

/// A file of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RecordedFile {
	/// Kept as it is.
	Whole { name: String, file: RecordedContent },
	/// A shard: its header is kept, its data are in the components.
	Shard { name: String, header: RecordedContent, bytes: u64 },
}

impl RecordedFile {
	pub fn name(&self) -> &str {
		match self {
			Self::Whole { name, .. } | Self::Shard { name, .. } => name,
		}
	}
}

impl ModelRecord {
	/// Reads a record, and checks that it names each component of its architecture once, in order.
	///
	/// # Errors
	/// [`HfError::Record`], [`HfError::Architecture`].
	pub fn from_json(bytes: &[u8]) -> Result<Self, HfError> {
		if bytes.len() as u64 > MAX_RECORD_BYTES {
			return Err(HfError::Record(format!("is longer than {MAX_RECORD_BYTES} bytes")));
		}
		let record: Self =
			serde_json::from_slice(bytes).map_err(|error| HfError::Record(error.to_string()))?;
		record.validate()?;
		Ok(record)
	}

	/// Checks what [`ModelRecord::from_json`] does.
	///
	/// # Errors
	/// As there.
	pub fn validate(&self) -> Result<(), HfError> {
		if self.format != RECORD_FORMAT {
			return Err(HfError::Record(format!("has format {:?}; {RECORD_FORMAT:?} is read", self.format)));
		}
		self.architecture.validate()?;
		if !self.components.iter().map(|recorded| recorded.component).eq(self.architecture.components()) {
			let why = "does not name each component of its architecture once, in their order";
			return Err(HfError::Record(why.into()));
		}
		Ok(())
	}

	/// The content of a component.
	pub fn content(&self, component: Component) -> Option<RecordedComponent> {
		self.components.iter().find(|recorded| recorded.component == component).copied()
	}
}
