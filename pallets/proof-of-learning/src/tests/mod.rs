//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod agenda;
mod commit_reveal;
mod contest;
mod credits;
mod draw;
mod parameters;
mod properties;
mod purposes;
mod restart;
mod submission;
mod try_state;
mod verdict;
