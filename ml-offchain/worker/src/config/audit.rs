//! What auditors do, and how they vote, as the configuration says it.

use blyan_primitives::datasets::Tier;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What `audit-manifests`, `audit-datasets` and `auditor` do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
	/// How long a document, its hashes, and each part of a dataset may take to fetch before they count as
	/// unfetchable, in seconds. All of a dataset's may take half of the time in which to commit.
	pub fetch_timeout_seconds: u64,
	/// Files or folders of validation shards that must not be in a dataset, and on which the expected gain is measured.
	/// What auditors report of them is compared: who gives any should give those that the others do.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub validation: Vec<PathBuf>,
	/// Files or folders of works that must not be in a dataset.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub known_works: Vec<PathBuf>,
	/// How much of approved datasets is fetched, kept, and held a dataset against, in MiB. Those that were approved
	/// last are left out first. Auditors who hold a dataset against more find more duplicates.
	pub approved_mebibytes: u64,
	/// Threads that look at samples; 0 takes as many as `threads` says. The report is the same.
	pub threads: usize,
}

impl Default for AuditConfig {
	fn default() -> Self {
		Self {
			fetch_timeout_seconds: 60,
			validation: Vec::new(),
			known_works: Vec::new(),
			approved_mebibytes: 256,
			threads: 0,
		}
	}
}

impl AuditConfig {
	/// Its paths, to be made whole.
	pub(super) fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
		self.validation.iter_mut().chain(&mut self.known_works)
	}
}

/// How a process of this worker votes on datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoteConfig {
	/// "off", or "by_report".
	pub policy: VotePolicy,
	/// With "by_report": the least tier that the auditors' report must admit for a vote in favour.
	pub least_tier: Tier,
}

impl Default for VoteConfig {
	fn default() -> Self {
		Self { policy: VotePolicy::Off, least_tier: Tier::Experimental }
	}
}

/// What decides a vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VotePolicy {
	/// A person, by `blyan-worker vote`.
	#[default]
	Off,
	/// What the auditors reported. A vote that does not come out as the majority's costs what was held for it.
	ByReport,
}
