//! Tests by topic. Each that does not corrupt storage on purpose ends by checking every invariant.

mod certificates;
mod downtime;
mod parameters;
mod pay;
mod properties;
mod sessions;
mod try_state;
mod votes;
