//! Tests by topic. Each that does not corrupt storage on purpose ends by checking every invariant.

mod accounts;
mod parameters;
mod properties;
mod receipts;
mod try_state;
