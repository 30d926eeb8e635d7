//! The reference beside the fast path, beside itself, and on what is not right.

mod agreement;
mod common;
mod determinism;
mod module;
mod refusals;
