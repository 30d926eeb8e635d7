//! What `serve` does, as the configuration says it.

use crate::config::ConfigError;
use blyan_primitives::{dag::ModelId, economy::BLY};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

/// Most answers made at once: each has a thread, of which there are 512 at most.
const MAX_CONCURRENT: usize = 256;
/// Most requests that may be set to wait.
const MAX_QUEUE: usize = 1 << 16;
/// Most tokens of an answer that may be set. What a slow client has not read yet waits in memory, so
/// this bounds that too.
const MAX_TOKENS: usize = 1 << 20;
/// Longest request body that may be set.
const MAX_REQUEST_BODY_BYTES: usize = 64 << 20;

/// A thousandth of a BLY.
const DEFAULT_USAGE_FEE: u64 = (BLY / 1_000) as u64;
/// Longest that receipts may be set to wait: half of the time for which the chain takes them.
const MAX_RECEIPTS_SECONDS: usize = 43_200;

/// What `serve` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeConfig {
	/// Where requests are answered; port 0 takes any free one.
	pub api_listen: SocketAddr,
	/// The model that answers.
	pub model: ModelId,
	/// Answers made at once; each has a thread.
	pub max_concurrent: usize,
	/// Requests that may wait for a thread.
	pub queue: usize,
	/// Most tokens of an answer.
	pub max_tokens_limit: usize,
	/// Longest request body, in bytes.
	pub request_body_bytes: usize,
	/// What is asked of a client for an answer that it wants counted, in the smallest unit of BLY.
	pub usage_fee: u64,
	/// Seconds after which receipts for use are submitted, if there is no full batch before.
	pub receipts_seconds: u64,
	/// Most bytes of experts that are held in memory, as f32; an expert is loaded when a token is routed to it.
	/// All are held if nothing is said.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub expert_cache_bytes: Option<u64>,
}

impl Default for ServeConfig {
	fn default() -> Self {
		Self {
			api_listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
			model: 0,
			max_concurrent: 2,
			queue: 64,
			max_tokens_limit: 4_096,
			request_body_bytes: 1 << 20,
			usage_fee: DEFAULT_USAGE_FEE,
			receipts_seconds: 600,
			expert_cache_bytes: None,
		}
	}
}

impl ServeConfig {
	/// How often receipts are submitted.
	pub fn receipts_period(&self) -> Duration {
		Duration::from_secs(self.receipts_seconds)
	}

	/// Checks what can be checked without chain or model.
	///
	/// # Errors
	/// [`ConfigError::Field`], for the first field that breaks a rule.
	pub fn validate(&self) -> Result<(), ConfigError> {
		for (field, value, least, most) in [
			("serve.max_concurrent", self.max_concurrent, 1, MAX_CONCURRENT),
			("serve.queue", self.queue, 0, MAX_QUEUE),
			("serve.max_tokens_limit", self.max_tokens_limit, 1, MAX_TOKENS),
			("serve.receipts_seconds", self.receipts_seconds as usize, 1, MAX_RECEIPTS_SECONDS),
			("serve.request_body_bytes", self.request_body_bytes, 1, MAX_REQUEST_BODY_BYTES),
		] {
			if !(least..=most).contains(&value) {
				return Err(ConfigError::field(field, format!("is {value}; it must be {least} to {most}")));
			}
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn validate_should_name_the_field_that_is_out_of_range() {
		ServeConfig::default().validate().unwrap();
		ServeConfig { queue: 0, ..ServeConfig::default() }.validate().unwrap();
		for (config, field) in [
			(ServeConfig { max_concurrent: 0, ..ServeConfig::default() }, "serve.max_concurrent"),
			(ServeConfig { max_concurrent: 257, ..ServeConfig::default() }, "serve.max_concurrent"),
			(ServeConfig { receipts_seconds: 0, ..ServeConfig::default() }, "serve.receipts_seconds"),
			(ServeConfig { queue: usize::MAX, ..ServeConfig::default() }, "serve.queue"),
			(ServeConfig { max_tokens_limit: 0, ..ServeConfig::default() }, "serve.max_tokens_limit"),
			(
				ServeConfig { request_body_bytes: usize::MAX, ..ServeConfig::default() },
				"serve.request_body_bytes",
			),
		] {
			assert!(config.validate().unwrap_err().to_string().starts_with(field), "{field}");
		}
	}
}
