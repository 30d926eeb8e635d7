//! Datasets: what is offered, how it is looked at, and what follows.
//!
//! Rules: spec "Dataset chain"; `docs/decisions/019-what-the-gate-counts.md`,
//! `docs/decisions/020-the-dataset-chain.md`.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`offer`] | what a contributor says of a dataset, and the proof of work that goes with it |
//! | [`sample`] | which parts of a text auditors look at |
//! | [`quality`] | what the quality gate found, the medians of several auditors, limits and tiers |
//! | [`audit`] | what an auditor finds, commits to and reveals |
//! | [`score`] | how good a dataset is, in one number, and what its contributor may earn by that |
//! | [`selection`] | which datasets a run learns from, and how much of each |
//! | [`standing`] | how far a contributor is trusted |

pub mod audit;
pub mod offer;
pub mod quality;
pub mod sample;
pub mod score;
pub mod selection;
pub mod standing;

pub use audit::*;
pub use offer::*;
pub use quality::*;
pub use sample::*;
pub use score::*;
pub use selection::*;
pub use standing::*;
