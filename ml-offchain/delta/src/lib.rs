#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod arithmetic;
mod delta;
mod encode;
mod error;
mod low_rank;
mod options;
mod replay;
mod top_k;

pub use delta::{Delta, Part, MAX_RANK};
pub use encode::{Encoded, TensorReport};
pub use error::DeltaError;
pub use options::DeltaOptions;
pub use replay::{replay, replay_to, snapshot_matches};
