//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod draw;
mod lots;
mod opening;
mod properties;
mod terms;
mod try_state;
