use blyan_primitives::{architecture::ArchitectureError, dag::Component};
use std::path::PathBuf;

/// Why something about a model could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
	/// The architecture record breaks a rule.
	#[error("the architecture is not valid: {0}")]
	Architecture(#[from] ArchitectureError),
	/// The architecture has no such component.
	#[error("the architecture has no component {0}")]
	UnknownComponent(Component),
	/// Content is not what its component asks for: torn, of other names or shapes, or not finite.
	#[error("content of {component}{}: {why}", tensor.as_ref().map(|name| format!(", tensor {name:?}")).unwrap_or_default())]
	Malformed {
		/// The component whose content it is.
		component: Component,
		/// The tensor at fault, where it is one.
		tensor: Option<String>,
		/// What is wrong.
		why: String,
	},
	/// A number of a configuration is out of range.
	#[error("configuration: {field} {why}")]
	Config {
		/// The field at fault.
		field: &'static str,
		/// The rule it breaks.
		why: String,
	},
	/// The text is too short to make a batch or a measurement of.
	#[error("a text of {got} tokens is too short: at least {needed} are needed")]
	TextTooShort {
		/// Tokens there are; a byte is one where tokens are bytes.
		got: u64,
		/// Tokens needed.
		needed: u64,
	},
	/// A token is outside the vocabulary.
	#[error("token {token} at position {position} is outside the vocabulary of {vocabulary}")]
	Token {
		/// The token.
		token: u32,
		/// Where it stands.
		position: usize,
		/// Tokens the model knows.
		vocabulary: u32,
	},
	/// A tokenizer file is not of its format, does not fit the model, or cannot do what was asked.
	#[error("the tokenizer {0}")]
	Tokenizer(String),
	/// Text was given to a model whose tokenizer was not.
	#[error("this model reads tokens of a tokenizer file, which was not loaded with its weights")]
	TokenizerAbsent,
	/// An expert was asked for as a whole that is loaded only when it is needed.
	#[error("{0} is left to the cache of experts: hold all weights first")]
	NotHeld(Component),
	/// Generation was asked for without anything to go on from.
	#[error("the prompt is empty: a model needs at least one token to continue")]
	EmptyPrompt,
	/// The forward pass gave a number that is not finite.
	#[error("{0} is not finite: the weights overflow")]
	NotFinite(&'static str),
	/// A checkpoint is of another run.
	#[error("{path} cannot be resumed: {why}")]
	Checkpoint {
		/// The checkpoint.
		path: PathBuf,
		/// What differs, or is torn.
		why: String,
	},
	/// A file could not be read or written.
	#[error("{path}: {source}")]
	Io {
		/// The file.
		path: PathBuf,
		/// The cause.
		source: std::io::Error,
	},
	/// The threads could not be started.
	#[error("cannot start the threads that compute: {0}")]
	Threads(String),
	/// The device that computes failed.
	#[error("device: {0}")]
	Device(String),
}

impl ModelError {
	/// Whether the same call may succeed later: only troubles of the machine pass.
	pub fn is_retryable(&self) -> bool {
		matches!(self, Self::Io { .. } | Self::Threads(_) | Self::Device(_))
	}

	pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
		Self::Io { path: path.to_owned(), source }
	}
}
