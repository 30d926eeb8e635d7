//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod contest;
mod deadlines;
mod opening;
mod parameters;
mod properties;
mod referees;
mod try_state;
mod verdict;
