//! Tests by topic. Each runs against the runtime of [`crate::mock`] and ends in a check of the invariants.

mod admission;
mod agenda;
mod canaries;
mod commit_reveal;
mod contest;
mod credits;
mod draw;
mod parameters;
mod properties;
mod purposes;
mod replacement;
mod restart;
mod sealed;
mod submission;
mod try_state;
mod verdict;
mod work;
