#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod audit;
pub mod bloom;
pub mod content;
pub mod entropy;
pub mod gain;
mod given;
mod hash;
pub mod language;
pub mod licence;
pub mod licence_text;
pub mod near;
pub mod ngrams;
pub mod personal;
pub mod read;
pub mod report;
pub mod sample;
pub mod sketch;
pub mod text;
pub mod toxicity;

/// Fewest characters of a sample.
pub const MIN_CHARACTERS: usize = 20;
/// Most characters of a sample.
pub const MAX_CHARACTERS: usize = 2_048;
/// Version of the rules; every change that may change a report raises it.
pub const RULES: u16 = 1;

pub use audit::{audit, AuditError, AuditOptions, GainProbe, Progress};
pub use report::Audit;
