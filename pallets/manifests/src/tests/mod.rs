//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod deadlines;
mod findings;
mod manifests;
mod outcome;
mod parameters;
mod properties;
mod terms;
mod try_state;
