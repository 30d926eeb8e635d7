//! Sealed shards, from the sealer's side: making lots of a text, keeping their keys, and opening what rounds draw.
//!
//! ```text
//! text ─> make ─> ciphertext in the store, key in the data folder ─> add_lots
//!                                             │
//! finalized draw ─> open ──────────── key ────┴─> open(lot, key)
//! ```
//!
//! A key is on disk before the chain hears of its lot. What is to be opened is decided from the chain's state alone, so
//! an opener that is killed at any point goes on where it was, and the chain takes each key once.

mod keys;
pub mod lot;
mod make;
mod open;
mod overlap;
mod retired;

pub use keys::{Key, KeyFolder, Sealed};
pub use make::{seal, SealError, Sealing};
pub use open::{open_lots, Opener};
pub use retired::{text_of, RetiredError};
