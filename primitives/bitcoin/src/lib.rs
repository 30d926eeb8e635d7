#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub mod header;
pub mod inclusion;
pub mod network;
pub mod target;

#[cfg(test)]
mod tests;

pub use header::{Ancestry, BitcoinHash, HeaderError, RawHeader};
pub use inclusion::{InclusionError, InclusionProof};
pub use network::{Network, Rules};
