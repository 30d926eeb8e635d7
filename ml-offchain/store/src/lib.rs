#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod dag;
mod error;
mod exchange;
mod files;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod index;
mod pins;
mod store;
mod writer;

pub use dag::{LEAF_BYTES, LINKS_PER_NODE, MAX_FILE_BYTES};
pub use error::StoreError;
pub use exchange::{
	client::{content_bytes, fetch, fetch_from, FetchError, FetchOptions},
	http::{HttpClient, HttpSource},
	server::exchange_router,
	source::{Block, BlockSource, ProviderError, ProviderFailure},
	MAX_BLOCK_BYTES,
};
pub use hash::{cid_of_bytes, cid_of_file};
pub use pins::{PinReason, Pins, UnknownReason};
pub use reqwest::Url;
pub use store::{Collected, Store, Stored};
pub use writer::cid_with;
