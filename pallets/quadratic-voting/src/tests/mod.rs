//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod cost;
mod delegation;
mod extremes;
mod locks;
mod parameters;
mod properties;
mod tokens;
mod try_state;
mod workers;
