#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod checkpoint;
mod config;
mod error;
mod export;
mod import;
mod names;
mod record;
mod transpose;

pub use checkpoint::MAX_WHOLE_FILE_BYTES;
pub use config::{Family, Options};
pub use error::HfError;
pub use export::{export, Exported};
pub use import::{import, Imported};
pub use record::{ModelRecord, RecordedComponent, RecordedContent, MAX_RECORD_BYTES, RECORD_FORMAT};
