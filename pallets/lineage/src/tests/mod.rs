//! Tests by topic.

mod learning;
mod parameters;
mod properties;
mod purses;
mod try_state;
