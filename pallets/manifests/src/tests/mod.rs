//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod datasets;
mod deadlines;
mod findings;
mod manifests;
mod outcome;
mod parameters;
mod properties;
mod try_state;
