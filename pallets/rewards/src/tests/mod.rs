//! Tests by topic. Each that does not corrupt storage on purpose ends by checking every invariant.

mod accrual;
mod audits;
mod claims;
mod credits;
mod data;
mod epochs;
mod expiry;
mod migrations;
mod parameters;
mod properties;
mod try_state;
mod validators;
