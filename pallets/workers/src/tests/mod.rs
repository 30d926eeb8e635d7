//! Tests by topic. Each that does not corrupt storage on purpose ends by checking every invariant.

mod associates;
mod draw;
mod faults;
mod leaving;
mod parameters;
mod properties;
mod queries;
mod registration;
mod try_state;
