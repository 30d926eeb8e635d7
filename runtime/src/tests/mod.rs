//! The runtime as a whole: its presets, its money, its validators, and rounds and a dispute through the real pallets.

mod canaries;
mod chain;
mod checkpoints;
mod datasets;
mod disputes;
mod flood;
mod manifests;
mod money;
mod presets;
mod rounds;
mod sealed;
mod staking;
mod usage;
