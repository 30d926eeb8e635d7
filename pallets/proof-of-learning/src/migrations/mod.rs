//! Changes of the layout of storage, one a version.

pub mod v2;
