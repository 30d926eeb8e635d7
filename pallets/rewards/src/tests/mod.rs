//! Tests by topic. Each that does not corrupt storage on purpose ends by checking every invariant.

mod accrual;
mod claims;
mod epochs;
mod expiry;
mod parameters;
mod properties;
mod try_state;
