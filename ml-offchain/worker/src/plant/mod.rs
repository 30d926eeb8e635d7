//! `plant`: as a validator that may be drawn, plants a canary and shows it.

pub mod mirror;
