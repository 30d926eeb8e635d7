//! The configuration of each pallet, by topic.

mod consensus;
mod data;
mod learning;
mod money;
mod system;

pub use consensus::{EPOCH_CONFIG, EPOCH_DURATION_IN_SLOTS};
pub use money::{DealWithFees, FEES_BURNED};
pub use system::RuntimeBlockWeights;
