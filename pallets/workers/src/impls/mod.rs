//! What the calls and the registry do.

mod associates;
mod dispatch;
mod ledger;
mod queries;
pub(crate) mod seats;
