//! What a training run is told.

use crate::{layout::Layout, ModelError};
use blyan_primitives::{dag::Component, merkle, Hash};
use serde::{Deserialize, Serialize};

/// Most sequences of a batch.
pub const MAX_BATCH: u32 = 1 << 16;
/// Most threads that are started.
pub const MAX_THREADS: usize = 1024;

/// Where the arithmetic is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
	/// The hand-derived path on CPU threads.
	#[default]
	Cpu,
	/// Vulkan, Metal or WebGPU through burn; asks for a build with the feature `wgpu`.
	Wgpu,
	/// CUDA through burn; asks for a build with the feature `cuda`.
	Cuda,
}

/// A training run. Everything but `threads` decides the result, bit for bit on one kind of machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
	/// What is trained; everything else is frozen, and stays as it is to the bit.
	pub components: Vec<Component>,
	/// Optimizer steps; none leaves the weights as they are.
	pub steps: u32,
	/// Sequences of a step.
	pub batch: u32,
	/// Tokens of a sequence; at most the model's context.
	pub sequence: u32,
	/// Sequences that one thread computes at once. Part of the result: gradients are added up in
	/// these portions.
	pub micro_batch: u32,
	/// Highest learning rate.
	pub learning_rate: f32,
	/// Steps over which the learning rate rises to its highest.
	pub warmup: u32,
	/// Learning rate of the last step, as a share of the highest; a cosine leads there.
	pub final_rate_share: f32,
	/// Decoupled weight decay of matrices; norms and biases are not decayed.
	pub weight_decay: f32,
	/// Largest norm of a step's gradient; longer ones are scaled down to it.
	pub clip: f32,
	/// Weight of the load-balancing loss, when a router is trained.
	pub balance: f32,
	/// Decides the batches.
	pub seed: u64,
	/// Threads that compute.
	pub threads: usize,
	/// Where the arithmetic is done.
	pub device: Device,
}

impl Default for TrainConfig {
	fn default() -> Self {
		Self {
			components: Vec::new(),
			steps: 200,
			batch: 16,
			sequence: 128,
			micro_batch: 4,
			learning_rate: 3e-3,
			warmup: 20,
			final_rate_share: 0.1,
			weight_decay: 0.01,
			clip: 1.0,
			balance: 0.01,
			seed: 0,
			threads: std::thread::available_parallelism().map_or(1, usize::from),
			device: Device::Cpu,
		}
	}
}

impl TrainConfig {
	/// Checks every number, against the model too.
	pub(crate) fn validate(&self, layout: &Layout) -> Result<(), ModelError> {
		let check = |holds: bool, field: &'static str, why: String| {
			if holds {
				Ok(())
			} else {
				Err(ModelError::Config { field, why })
			}
		};
		let context = layout.architecture.context;
		check(!self.components.is_empty(), "components", "names nothing to train".into())?;
		for (i, component) in self.components.iter().enumerate() {
			layout.slot(*component)?;
			let again = self.components[..i].contains(component);
			check(!again, "components", format!("names {component} twice"))?;
		}
		check(
			(1..=MAX_BATCH).contains(&self.batch),
			"batch",
			format!("is {}; 1 to {MAX_BATCH}", self.batch),
		)?;
		check(
			(1..=context).contains(&self.sequence),
			"sequence",
			format!("is {}; 1 to {context}", self.sequence),
		)?;
		check(self.micro_batch > 0, "micro_batch", "must be at least 1".into())?;
		check(
			(1..=MAX_THREADS).contains(&self.threads),
			"threads",
			format!("is {}; 1 to {MAX_THREADS}", self.threads),
		)?;
		let positive = |x: f32| x > 0.0 && x.is_finite();
		let at_least_zero = |x: f32| x >= 0.0 && x.is_finite();
		for (field, value, holds) in [
			("learning_rate", self.learning_rate, positive(self.learning_rate)),
			("clip", self.clip, positive(self.clip)),
			("weight_decay", self.weight_decay, at_least_zero(self.weight_decay)),
			("balance", self.balance, at_least_zero(self.balance)),
			("final_rate_share", self.final_rate_share, (0.0..=1.0).contains(&self.final_rate_share)),
		] {
			check(holds, field, format!("is {value}, which is out of range"))?;
		}
		Ok(())
	}

	/// Names everything that decides the result.
	pub(crate) fn fingerprint(&self) -> Hash {
		let Self {
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
			threads: _,
			device,
		} = self;
		let reals = [learning_rate, final_rate_share, weight_decay, clip, balance].map(|x| x.to_bits());
		let sizes = (steps, batch, sequence, micro_batch, warmup);
		merkle::leaf(0, &(components, sizes, reals, seed, *device as u8))
	}

	/// The learning rate of a step: a straight rise, then a cosine down to `final_rate_share`.
	pub fn rate(&self, step: u32) -> f32 {
		let highest = f64::from(self.learning_rate);
		if step < self.warmup {
			return (highest * f64::from(step + 1) / f64::from(self.warmup)) as f32;
		}
		let last = self.steps.saturating_sub(1).max(self.warmup);
		let progress = f64::from(step.min(last) - self.warmup) / f64::from((last - self.warmup).max(1));
		let share = f64::from(self.final_rate_share);
		(highest * (share + (1.0 - share) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()))) as f32
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::layout::tests::tiny;

	fn good() -> TrainConfig {
		TrainConfig { components: vec![Component::Backbone], sequence: 16, ..TrainConfig::default() }
	}

	#[test]
	fn rate_should_rise_then_fall_to_the_share_of_the_last_step() {
		let config =
			TrainConfig { steps: 100, warmup: 10, learning_rate: 1.0, final_rate_share: 0.1, ..good() };
		assert_eq!((config.rate(0), config.rate(9), config.rate(10)), (0.1, 1.0, 1.0));
		assert!((10..99).all(|step| config.rate(step) > config.rate(step + 1)));
		assert!((config.rate(99) - 0.1).abs() < 1e-6);
		assert_eq!(TrainConfig { warmup: 200, ..config }.rate(99), 0.5, "a run shorter than its warm-up");
	}

	#[test]
	fn validate_should_name_the_field_when_one_is_out_of_range() {
		let layout = Layout::new(tiny()).unwrap();
		good().validate(&layout).unwrap();
		let refused = |change: &dyn Fn(&mut TrainConfig)| {
			let mut config = good();
			change(&mut config);
			match config.validate(&layout).unwrap_err() {
				ModelError::Config { field, .. } => field,
				other => panic!("{other}"),
			}
		};
		assert_eq!(refused(&|c| c.components.clear()), "components");
		assert_eq!(refused(&|c| c.components.push(Component::Backbone)), "components");
		assert_eq!(refused(&|c| c.batch = 0), "batch");
		assert_eq!(refused(&|c| c.sequence = 17), "sequence");
		assert_eq!(refused(&|c| c.micro_batch = 0), "micro_batch");
		assert_eq!(refused(&|c| c.threads = 0), "threads");
		assert_eq!(refused(&|c| c.learning_rate = f32::NAN), "learning_rate");
		assert_eq!(refused(&|c| c.clip = 0.0), "clip");
		assert_eq!(refused(&|c| c.weight_decay = -1.0), "weight_decay");
		assert_eq!(refused(&|c| c.balance = f32::INFINITY), "balance");
		assert_eq!(refused(&|c| c.final_rate_share = 1.1), "final_rate_share");
	}

	#[test]
	fn fingerprint_should_cover_everything_but_the_threads() {
		let base = good().fingerprint();
		assert_eq!(TrainConfig { threads: 7, ..good() }.fingerprint(), base);
		assert_ne!(TrainConfig { seed: 1, ..good() }.fingerprint(), base);
		assert_ne!(TrainConfig { clip: 0.5, ..good() }.fingerprint(), base);
		assert_ne!(TrainConfig { device: Device::Cuda, ..good() }.fingerprint(), base);
	}
}
