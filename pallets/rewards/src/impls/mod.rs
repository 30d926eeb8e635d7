//! What the calls, the hooks and the seam do.

mod accrual;
mod data;
mod epochs;
pub(crate) mod learning;
mod payment;
mod queries;
