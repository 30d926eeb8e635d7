use blyan_model::ModelError;
use blyan_reference_guest::Fault;

/// Why there is no reference loss.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
	/// The bytes are no Wasm module, or none that measures.
	#[error("this is no reference module: {0}")]
	Module(String),
	/// The model or the shard cannot be measured on, or weights cannot be loaded.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The module refused its input.
	#[error("the reference module refuses: {0}")]
	Refused(Fault),
	/// The evaluation took more than it was given.
	#[error("the evaluation took more than the {given} units of fuel that it was given")]
	OutOfFuel {
		/// What it was given.
		given: u64,
	},
	/// The evaluation needs more memory than it may have.
	#[error("the evaluation needs more than {limit_bytes} bytes of memory")]
	OutOfMemory {
		/// What it may have.
		limit_bytes: u64,
	},
	/// The module broke down, which one that was built from this source does not.
	#[error("the reference module broke down: {0}")]
	Trap(String),
	/// The Wasm engine cannot do what is asked of it on this machine.
	#[error("the Wasm engine cannot be set up on this machine: {0}")]
	Engine(String),
}

impl ReferenceError {
	/// Whether the same call may succeed later: only troubles of the machine pass.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Model(error) => error.is_retryable(),
			Self::Engine(_) | Self::Refused(Fault::Rounding) => true,
			_ => false,
		}
	}
}
