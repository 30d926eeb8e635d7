//! The relay as relayers and the peg use it.

mod checkpoint;
mod free;
mod headers;
mod inclusion;
mod properties;
mod reorganisation;
mod try_state;

use crate::{mock::*, *};
