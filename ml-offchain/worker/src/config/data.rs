//! How training data is chosen, as the configuration says it.

use serde::{Deserialize, Serialize};

/// How to choose among the approved datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
	/// "gold_only", "balanced" or "diversity_max".
	pub policy: DataPolicy,
	/// Decides what else is open: who chooses by the same seed from the same datasets chooses the same.
	#[serde(default)]
	pub seed: u64,
	/// Longer datasets are left out, in MiB: what is chosen is fetched whole.
	#[serde(default = "most_mebibytes")]
	pub most_mebibytes: u64,
}

fn most_mebibytes() -> u64 {
	4_096
}

/// By what datasets are chosen and mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataPolicy {
	/// The gold ones alone.
	GoldOnly,
	/// 60 % gold, 30 % silver, 10 % experimental, of the tiers that there are.
	Balanced,
	/// As many domains and languages as there are.
	DiversityMax,
}

impl DataConfig {
	/// Names it, for the digest of a job.
	pub fn name(&self) -> String {
		let Self { policy, seed, most_mebibytes } = self;
		format!("{policy:?} {seed} {most_mebibytes}")
	}
}
