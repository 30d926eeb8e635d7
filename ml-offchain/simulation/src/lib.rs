#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod cli;
pub mod committees;
pub mod gate;
mod progress;
pub mod statistics;
