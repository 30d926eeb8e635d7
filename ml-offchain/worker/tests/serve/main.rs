//! The server, in one process with a chain in memory: real weights, a real exchange, real HTTP.

mod answers;
#[path = "../common/mod.rs"]
mod common;
mod interface;
mod load;
mod stage;
mod usage;
mod versions;
