//! The configuration of each pallet, by topic.

mod consensus;
mod data;
mod learning;
mod money;
mod staking;
mod system;

pub use consensus::{EPOCH_CONFIG, EPOCH_DURATION_IN_SLOTS};
pub use money::{DealWithFees, FEES_BURNED};
pub use staking::{
	Equivocations, BONDING_ERAS, EQUIVOCATION_SLASH, MAX_CANDIDATES, MAX_SEATS, MAX_VOTERS, SESSIONS_PER_ERA,
	SLASH_DEFER_ERAS,
};
pub use system::RuntimeBlockWeights;
