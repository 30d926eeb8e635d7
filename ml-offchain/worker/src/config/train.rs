//! What `train` does, as the configuration says it.

use super::{ConfigError, DataConfig};
use crate::components::Selection;
use blyan_model::{Device, TrainConfig as ModelTrainConfig, WHOLE};
use blyan_primitives::{
	cid::Cid,
	dag::{Component, ModelId},
	manifest::MAX_DATASETS,
	merkle,
	migration::Migration,
	Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What `train` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
	/// The model to improve.
	pub model: ModelId,
	/// The training text: a CID, or a path. `import-text` prints the CID.
	pub text: String,
	/// Texts to mix, instead of `text`.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub texts: Vec<MixedText>,
	/// Approved datasets to train on, instead of texts: each as much as it is long.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub datasets: Vec<Cid>,
	/// How to choose among the approved datasets, instead of naming any.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub data: Option<DataConfig>,
	/// Write a checkpoint at least this often, in seconds.
	pub checkpoint_seconds: u64,
	/// How often a submission that came to no verdict is sent again.
	pub max_resubmissions: u32,
	/// How long the content of heads and of the text may take to fetch, in seconds.
	pub fetch_timeout_seconds: u64,
	/// What to train, one after another; each starts from the heads that the one before left.
	pub jobs: Vec<JobConfig>,
}

/// A text, and how much of the batches is of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixedText {
	/// A CID, or a path.
	pub text: String,
	/// Of a hundred sequences, how many; all texts add up to 100.
	pub percent: u32,
}

impl TrainConfig {
	/// Whether it trains on approved datasets, and not on texts.
	pub fn is_of_datasets(&self) -> bool {
		!self.datasets.is_empty() || self.data.is_some()
	}

	/// The texts that are trained on, each with its weight in parts of [`WHOLE`]; none if it is of datasets.
	pub fn sources(&self) -> impl Iterator<Item = (&str, u32)> {
		let has_one = self.texts.is_empty() && !self.is_of_datasets();
		let one = has_one.then_some((self.text.as_str(), WHOLE));
		let mixed =
			self.texts.iter().map(|mixed| (mixed.text.as_str(), mixed.percent.saturating_mul(WHOLE / 100)));
		one.into_iter().chain(mixed)
	}

	/// Names it, for the digest of a job.
	pub fn sources_name(&self) -> String {
		if let Some(data) = &self.data {
			return data.name();
		}
		match (self.datasets.is_empty(), self.texts.is_empty()) {
			(false, _) => self.datasets.iter().map(|dataset| format!("dataset {dataset}\n")).collect(),
			(true, true) => self.text.clone(),
			(true, false) => self.sources().map(|(text, weight)| format!("{weight} {text}\n")).collect(),
		}
	}

	pub(super) fn validate_texts(&self) -> Result<(), ConfigError> {
		let has_text = !self.text.is_empty() || !self.texts.is_empty();
		let given = [has_text, !self.datasets.is_empty(), self.data.is_some()];
		if given.into_iter().filter(|is_given| *is_given).count() > 1 {
			let why = "and other texts or datasets are given; train on texts, on `datasets`, or on what `data` chooses";
			let field = if self.data.is_some() { "train.data" } else { "train.datasets" };
			return Err(ConfigError::field(field, why));
		}
		if self.is_of_datasets() {
			let distinct: BTreeSet<_> = self.datasets.iter().collect();
			if distinct.len() != self.datasets.len() || self.datasets.len() > MAX_DATASETS as usize {
				let why = format!("names {}; each once, {MAX_DATASETS} at most", self.datasets.len());
				return Err(ConfigError::field("train.datasets", why));
			}
			return Ok(());
		}
		if self.texts.is_empty() {
			let has_text = self.jobs.is_empty() || !self.text.is_empty();
			let why = "is missing: a CID, or a path, of the text to train on";
			return has_text.then_some(()).ok_or_else(|| ConfigError::field("train.text", why));
		}
		let refuse = |why: String| Err(ConfigError::field("train.texts", why));
		if !self.text.is_empty() {
			return refuse("and train.text are both given; name all texts in train.texts".into());
		}
		if self.texts.len() > MAX_DATASETS as usize {
			return refuse(format!("has {} texts; at most {MAX_DATASETS}", self.texts.len()));
		}
		if self.texts.iter().any(|mixed| mixed.text.is_empty() || mixed.percent == 0) {
			return refuse("must each have a text and a percent above 0".into());
		}
		match self.texts.iter().map(|mixed| u64::from(mixed.percent)).sum::<u64>() {
			100 => Ok(()),
			sum => refuse(format!("come to {sum} percent; they must add up to 100")),
		}
	}
}

/// How a job's result is sent to the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmitAs {
	/// As whole weights.
	#[default]
	Weights,
	/// As what changed since the heads, low-rank and sparse in INT8: some twentieth of the bytes. A head that
	/// has as many deltas as it should is improved by whole weights.
	Deltas,
	/// Nothing is trained: heads that are chains of deltas are compacted into whole weights, for which the
	/// measurement fee is paid.
	Snapshots,
}

/// A training run, submitted as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobConfig {
	/// What is trained: "all", or a list such as `["expert(0,1)", "router(0)"]`.
	pub components: Selection,
	/// Optimizer steps.
	pub steps: u32,
	/// Sequences of a step.
	pub batch: u32,
	/// Tokens of a sequence.
	pub sequence: u32,
	/// Sequences that one thread computes at once; part of the result.
	pub micro_batch: u32,
	/// Highest learning rate.
	pub learning_rate: f32,
	/// Steps over which the learning rate rises to its highest.
	pub warmup: u32,
	/// Learning rate of the last step, as a share of the highest.
	pub final_rate_share: f32,
	/// Decoupled weight decay of matrices.
	pub weight_decay: f32,
	/// Largest norm of a step's gradient.
	pub clip: f32,
	/// Weight of the load-balancing loss, when a router is trained.
	pub balance: f32,
	/// Decides the batches.
	pub seed: u64,
	/// Where the arithmetic is done: "cpu", "cuda" or "wgpu".
	pub device: Device,
	/// A change of the architecture, which the model's owner has proposed: the weights that it rewrites are
	/// made from the heads, trained for `steps` (which may be 0), and sent as one.
	pub migration: Option<Migration>,
	/// How the result is sent: "weights", "deltas", or "snapshots" to compact instead of training.
	pub submit_as: SubmitAs,
}

impl Default for TrainConfig {
	fn default() -> Self {
		Self {
			model: 0,
			text: String::new(),
			texts: Vec::new(),
			datasets: Vec::new(),
			data: None,
			checkpoint_seconds: 10,
			max_resubmissions: 3,
			fetch_timeout_seconds: 120,
			jobs: Vec::new(),
		}
	}
}

impl Default for JobConfig {
	fn default() -> Self {
		let ModelTrainConfig {
			components: _,
			steps,
			batch,
			sequence,
			micro_batch,
			learning_rate,
			warmup,
			final_rate_share,
			weight_decay,
			clip,
			balance,
			seed,
			threads: _,
			device,
		} = ModelTrainConfig::default();
		Self {
			components: Selection::All,
			steps,
			batch,
			sequence,
			micro_batch,
			learning_rate,
			warmup,
			final_rate_share,
			weight_decay,
			clip,
			balance,
			seed,
			migration: None,
			submit_as: SubmitAs::default(),
			device,
		}
	}
}

impl JobConfig {
	pub(super) fn validate(&self, number: usize) -> Result<(), ConfigError> {
		let check = |holds: bool, field: &str, why: &str| {
			let field = format!("train.jobs[{number}].{field}");
			if holds {
				Ok(())
			} else {
				Err(ConfigError::field(field, why))
			}
		};
		let is_named = self.components != Selection::Some(Vec::new());
		check(is_named, "components", "names nothing to train; \"all\" trains everything")?;
		let migrates = self.migration.is_some();
		check(self.steps > 0 || migrates, "steps", "must be at least 1")?;
		let is_all = self.components == Selection::All;
		check(is_all || !migrates, "components", "must be \"all\": the migration says what it rewrites")?;
		let is_whole = self.submit_as == SubmitAs::Weights;
		check(is_whole || !migrates, "submit_as", "must be \"weights\": a migration is sent whole")?;
		check(self.batch > 0, "batch", "must be at least 1")?;
		check(self.sequence > 0, "sequence", "must be at least 1")?;
		check(self.micro_batch > 0, "micro_batch", "must be at least 1")?;
		let is_positive = |x: f32| x > 0.0 && x.is_finite();
		check(is_positive(self.learning_rate), "learning_rate", "must be above 0 and finite")?;
		check(is_positive(self.clip), "clip", "must be above 0 and finite")
		// The rest depends on the model, which checks it before the first step.
	}

	/// What the model is told.
	pub fn for_model(&self, components: Vec<Component>, threads: usize) -> ModelTrainConfig {
		let Self {
			components: _,
			steps,
			batch,
			sequence,
			micro_batch,
			learning_rate,
			warmup,
			final_rate_share,
			weight_decay,
			clip,
			balance,
			seed,
			device,
			migration: _,
			submit_as: _,
		} = self.clone();
		ModelTrainConfig {
			components,
			steps,
			batch,
			sequence,
			micro_batch,
			learning_rate,
			warmup,
			final_rate_share,
			weight_decay,
			clip,
			balance,
			seed,
			threads,
			device,
		}
	}

	/// Names what decides the result of the job, so that a journal is not continued with another one.
	pub fn digest(&self, model: ModelId, text: &str) -> Hash {
		let job = serde_json::to_string(self).unwrap_or_default();
		merkle::leaf(model, &(b"blyan/job", job, text))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::config::DataPolicy;
	use blyan_primitives::cid::CidCodec;

	#[test]
	fn sources_should_be_texts_or_datasets_or_a_choice_and_not_several() {
		let dataset = |number| Cid { codec: CidCodec::Raw, digest: [number; 32] };
		let data = DataConfig { policy: DataPolicy::GoldOnly, seed: 1, most_mebibytes: 1 };
		let of = |text: &str, datasets: Vec<Cid>, data| TrainConfig {
			text: text.into(),
			datasets,
			data,
			jobs: vec![JobConfig::default()],
			..TrainConfig::default()
		};
		let refused = |config: TrainConfig| config.validate_texts().unwrap_err().to_string();
		for right in [of("a", vec![], None), of("", vec![dataset(1)], None), of("", vec![], Some(data))] {
			right.validate_texts().unwrap();
		}
		assert!(refused(of("a", vec![dataset(1)], None)).contains("train.datasets"));
		assert!(refused(of("", vec![dataset(1)], Some(data))).contains("train.data"));
		assert!(refused(of("", vec![dataset(1); 2], None)).contains("each once"));
		assert!(refused(of("", vec![], None)).contains("train.text"));
		let names = [
			of("", vec![dataset(1)], None),
			of("", vec![dataset(2)], None),
			of("", vec![], Some(data)),
			of("", vec![], Some(DataConfig { seed: 2, ..data })),
		]
		.map(|config| config.sources_name());
		assert_eq!(BTreeSet::from(names.clone()).len(), names.len(), "another source is another job");
	}

	#[test]
	fn job_digest_should_change_with_everything_that_decides_the_result() {
		let job = JobConfig::default();
		let base = job.digest(0, "text");
		assert_eq!(base, JobConfig::default().digest(0, "text"));
		assert_ne!(base, job.digest(1, "text"));
		assert_ne!(base, job.digest(0, "other"));
		assert_ne!(base, JobConfig { seed: 1, ..job.clone() }.digest(0, "text"));
		assert_ne!(
			base,
			JobConfig { components: Selection::Some(vec![Component::Backbone]), ..job }.digest(0, "text")
		);
	}
}
