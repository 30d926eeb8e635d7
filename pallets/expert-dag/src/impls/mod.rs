//! The pallet's logic, by topic. Everything fallible is checked before anything is written, so that an error
//! leaves no trace even where no transaction is around the call.

mod graph;
mod heads;
mod history;
mod migrations;
mod models;
mod probation;
mod queries;
