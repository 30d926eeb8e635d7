use blyan_model::ModelError;
use blyan_primitives::architecture::ArchitectureError;
use blyan_store::StoreError;
use blyan_tensorblock::TensorBlockError;
use std::path::PathBuf;

/// Why a checkpoint cannot be imported or exported.
#[derive(Debug, thiserror::Error)]
pub enum HfError {
	/// A file cannot be read or written.
	#[error("cannot {action} {}: {source}", path.display())]
	Io {
		/// What was tried.
		action: &'static str,
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: std::io::Error,
	},
	/// A file is not what it should be.
	#[error("{}: {why}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// What is wrong, and what to do.
		why: String,
	},
	/// `config.json` asks for what a Blyan model cannot do, or leaves out what is needed.
	#[error("config.json: {field} {why}")]
	Config {
		/// The field.
		field: &'static str,
		/// The rule, and what to do.
		why: String,
	},
	/// `config.json` says what no architecture may be.
	#[error("config.json does not describe a valid architecture: {0}")]
	Architecture(#[from] ArchitectureError),
	/// A tensor that the architecture needs is in no shard.
	#[error("the checkpoint has no tensor {name}, which its config.json asks for ({missing} are missing)")]
	TensorMissing {
		/// The first of them by name.
		name: String,
		/// How many there are.
		missing: usize,
	},
	/// A tensor has no place in the architecture.
	#[error(
		"the checkpoint has a tensor {name} that a model of its config.json does not have ({extra} such tensors): \
		is config.json the one that belongs to these shards?"
	)]
	TensorExtra {
		/// The first of them by name.
		name: String,
		/// How many there are.
		extra: usize,
	},
	/// A tensor is not as the architecture says.
	#[error("tensor {name} {why}")]
	Tensor {
		/// Its name in the checkpoint.
		name: String,
		/// What is wrong.
		why: String,
	},
	/// The record is not one of ours, or does not hold together.
	#[error("the record {0}")]
	Record(String),
	/// There is something in the folder that the checkpoint would be written to.
	#[error("{} is not empty: name a folder that is, or that is not there yet", .0.display())]
	NotEmpty(PathBuf),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The model cannot be laid out.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// Content is no container of TensorBlocks.
	#[error(transparent)]
	TensorBlock(#[from] TensorBlockError),
}

impl HfError {
	/// Whether the same call may succeed later: only troubles of the machine pass.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Io { .. } => true,
			Self::Store(error) => error.is_retryable(),
			_ => false,
		}
	}

	pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
		let path = path.into();
		move |source| Self::Io { action, path, source }
	}

	pub(crate) fn file(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
		Self::File { path: path.into(), why: why.into() }
	}
}
