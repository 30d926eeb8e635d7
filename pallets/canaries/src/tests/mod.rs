//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod keys;
mod parameters;
mod periods;
mod properties;
mod reveal;
mod settlement;
mod try_state;
