#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod error;
mod fuel;
mod machine;
mod reference;

pub use error::ReferenceError;
pub use fuel::fuel_limit;
pub use reference::{Measured, Options, Reference, MAX_MEMORY_BYTES};

/// The module that this build carries. Workers of one model run the one whose hash the chain names.
pub const MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reference.wasm"));
