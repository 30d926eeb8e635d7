#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod batch;
#[cfg(any(test, feature = "burn"))]
mod burn_engine;
mod cache;
mod cap;
mod config;
mod content;
mod cpu;
mod error;
mod evaluate;
mod generate;
mod layout;
mod migrate;
mod tokenizer;
mod train;
mod weights;

pub use batch::{batch_root, byte_tokens, Batches, Mixture, Place, Text, WHOLE};
pub use cache::CacheMetrics;
pub use cap::RoutingCap;
pub use config::{Device, TrainConfig, MAX_BATCH, MAX_THREADS};
pub use error::ModelError;
pub use evaluate::{evaluate, evaluate_on, evaluate_tokens, logits, nanobits, TokenShard, MAX_LOSS};
pub use generate::{Emitted, Finish, Generation, Generator, Sampling, MAX_TOP_LOGPROBS};
pub use layout::{component_tensors, TensorSpec};
pub use tokenizer::{TextDecoder, TextTokenizer, MAX_TOKENIZER_BYTES, PIECE_BYTES};
pub use train::{StepReport, Trainer};
pub use weights::{check_component, Weights};

/// What is said of a device that this build was made without.
fn device_absent(device: Device) -> ModelError {
	let feature = match device {
		Device::Cpu => "cpu",
		Device::Wgpu => "wgpu",
		Device::Cuda => "cuda",
	};
	ModelError::Device(format!("this build has no {feature}: build with --features {feature}"))
}
