//! Tests by journey.

mod deltas;
mod migrations;
mod models;
mod probation;
mod properties;
mod queries;
mod served;
mod submissions;
mod try_state;
