//! Training: AdamW over the components that are named, everything else frozen.

mod checkpoint;
pub(crate) mod engine;

use crate::{
	batch::{batch_root, Batches, Mixture, Text},
	config::{Device, TrainConfig},
	cpu::{
		kernels::{adamw, sum_of_squares, AdamStep},
		Sizes,
	},
	layout::Layout,
	ModelError, TextTokenizer, Weights,
};
use blyan_primitives::{dag::Component, merkle, Hash};
use checkpoint::Saved;
use engine::{Batch, CpuEngine, Engine, CHUNK};
use rayon::prelude::*;
use std::{path::Path, sync::Arc};

/// Decay of the mean gradient.
const BETA1: f32 = 0.9;
/// Decay of the mean square of the gradient.
const BETA2: f32 = 0.95;
/// Keeps AdamW from dividing by zero.
const EPSILON: f32 = 1e-8;

/// What a step did.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepReport {
	/// Its number, from 0.
	pub step: u32,
	/// Mean loss of its batch before the step, in bits per byte; where tokens are not bytes, by the mean bytes
	/// of a token of the text.
	pub loss: f64,
	/// How unevenly experts were used: 1 when evenly.
	pub imbalance: f64,
	/// Norm of the gradient, before it was clipped.
	pub gradient_norm: f64,
	/// Learning rate.
	pub learning_rate: f32,
	/// Hash of its batch, see [`Batches::batch`].
	pub batch_leaf: Hash,
}

/// AdamW's state for one component.
struct Moments {
	mean: Vec<f32>,
	square: Vec<f32>,
}

/// A training run: a step at a time, resumable between any two.
///
/// On one kind of machine the result is the same to the bit for the same weights, text and
/// configuration, for any number of threads, and however often the run is interrupted and resumed.
/// The optimizer runs on the CPU whatever the device.
pub struct Trainer {
	weights: Weights,
	config: TrainConfig,
	batches: Batches,
	fingerprint: Hash,
	step: u32,
	leaves: Vec<Hash>,
	/// By slot; `None` where frozen.
	moments: Vec<Option<Moments>>,
	/// By slot; `None` where frozen.
	gradients: Vec<Option<Vec<f32>>>,
	pool: rayon::ThreadPool,
	engine: Box<dyn Engine>,
}

impl Trainer {
	/// A run from its beginning, on one text.
	///
	/// # Errors
	/// As [`Trainer::on`].
	pub fn new(weights: Weights, config: TrainConfig, text: Text) -> Result<Self, ModelError> {
		Self::on(weights, config, text.into())
	}

	/// A run from its beginning.
	///
	/// # Errors
	/// A configuration out of range, a text not longer than one sequence, a tokenizer that was not given or
	/// has no tokens for the text, a device that is not there.
	pub fn on(weights: Weights, config: TrainConfig, mixture: Mixture) -> Result<Self, ModelError> {
		let weights = weights.held()?;
		let layout = weights.layout.clone();
		config.validate(&layout)?;
		let fingerprint = merkle::leaf(1, &(config.fingerprint(), mixture.fingerprint()));
		let TrainConfig { seed, batch, sequence, .. } = config;
		// Refuses a text that is too short before anything is set up.
		let batches = Batches::new(mixture, weights.tokenizer()?, seed, batch, sequence)?;
		let pool = rayon::ThreadPoolBuilder::new()
			.num_threads(config.threads)
			.thread_name(|i| format!("train-{i}"))
			.build()
			.map_err(|error| ModelError::Threads(error.to_string()))?;
		let engine = make_engine(&config, &layout)?;
		let trained = |slot: usize| config.components.contains(&layout.components[slot]);
		let zeros = |slot: usize| trained(slot).then(|| vec![0.0; layout.len(slot)]);
		let slots = 0..layout.components.len();
		Ok(Self {
			moments: slots
				.clone()
				.map(|slot| Some(Moments { mean: zeros(slot)?, square: zeros(slot)? }))
				.collect(),
			gradients: slots.map(zeros).collect(),
			weights,
			config,
			batches,
			fingerprint,
			step: 0,
			leaves: Vec::new(),
			pool,
			engine,
		})
	}

	/// Goes on from a checkpoint of a run on one text.
	///
	/// # Errors
	/// As [`Trainer::resume_on`].
	pub fn resume(
		path: &Path,
		config: TrainConfig,
		text: Text,
		tokenizer: Option<&TextTokenizer>,
	) -> Result<Self, ModelError> {
		Self::resume_on(path, config, text.into(), tokenizer)
	}

	/// Goes on from a checkpoint of the same configuration (but for threads) and texts, with the tokenizer of
	/// the model if it has one.
	///
	/// # Errors
	/// A file that cannot be read, is torn, or is of another run; and as [`Trainer::on`].
	pub fn resume_on(
		path: &Path,
		config: TrainConfig,
		mixture: Mixture,
		tokenizer: Option<&TextTokenizer>,
	) -> Result<Self, ModelError> {
		let saved = checkpoint::read(path)?;
		let refuse = |why: &str| ModelError::Checkpoint { path: path.to_owned(), why: why.into() };
		let layout = Layout::new(saved.architecture)?;
		let slots = layout.components.len();
		let torn = || refuse("its sizes are not those of its architecture");
		if saved.buffers.len() != slots || saved.moments.len() != slots {
			return Err(torn());
		}
		let buffers = saved
			.buffers
			.iter()
			.enumerate()
			.map(|(slot, bytes)| checkpoint::to_numbers(bytes, layout.len(slot)).map(Arc::new))
			.collect::<Option<Vec<_>>>()
			.ok_or_else(torn)?;
		let mut weights = Weights::whole(Arc::new(layout), buffers);
		weights.dtypes = checkpoint::to_dtypes(&saved.dtypes, &weights.layout).ok_or_else(torn)?;
		if let Some(tokenizer) = tokenizer {
			weights.set_tokenizer(tokenizer.clone())?;
		}
		let mut trainer = Self::on(weights, config, mixture)?;
		if trainer.fingerprint != saved.fingerprint {
			return Err(refuse("it is of a run with another configuration or text"));
		}
		if saved.step > trainer.config.steps || saved.leaves.len() as u64 != u64::from(saved.step) {
			return Err(refuse("its steps do not add up"));
		}
		for (slot, (moments, saved)) in trainer.moments.iter_mut().zip(&saved.moments).enumerate() {
			let read =
				|bytes| checkpoint::to_numbers(bytes, trainer.weights.layout.len(slot)).ok_or_else(torn);
			match (moments, saved) {
				(Some(moments), Some((mean, square))) => {
					*moments = Moments { mean: read(mean)?, square: read(square)? }
				}
				(None, None) => (),
				_ => return Err(torn()),
			}
		}
		trainer.step = saved.step;
		trainer.leaves = saved.leaves;
		Ok(trainer)
	}

	/// Writes all of the run to `path`, which holds either the checkpoint before or this one, whole.
	///
	/// # Errors
	/// A file that cannot be written; the one before is then left as it was.
	pub fn checkpoint(&self, path: &Path) -> Result<(), ModelError> {
		let bytes = checkpoint::to_bytes;
		checkpoint::write(
			path,
			&Saved {
				fingerprint: self.fingerprint,
				architecture: *self.weights.architecture(),
				step: self.step,
				leaves: self.leaves.clone(),
				buffers: self.weights.buffers.iter().map(|buffer| bytes(buffer)).collect(),
				dtypes: self
					.weights
					.dtypes
					.iter()
					.map(|dtypes| dtypes.iter().map(|dtype| dtype.code()).collect())
					.collect(),
				moments: self
					.moments
					.iter()
					.map(|moments| moments.as_ref().map(|m| (bytes(&m.mean), bytes(&m.square))))
					.collect(),
			},
		)
	}

	/// Whether every step is done.
	pub fn is_done(&self) -> bool {
		self.step >= self.config.steps
	}

	/// Steps that are done.
	pub fn steps_done(&self) -> u32 {
		self.step
	}

	/// The configuration.
	pub fn config(&self) -> &TrainConfig {
		&self.config
	}

	/// The weights as they are now.
	pub fn weights(&self) -> &Weights {
		&self.weights
	}

	/// The weights as they are now; ends the run.
	pub fn into_weights(self) -> Weights {
		self.weights
	}

	/// Hashes of the batches so far, in order.
	pub fn batch_leaves(&self) -> &[Hash] {
		&self.leaves
	}

	/// Root over [`Trainer::batch_leaves`], as the training manifest states it.
	pub fn batch_root(&self) -> Hash {
		batch_root(&self.leaves)
	}

	/// Does the next step.
	///
	/// # Errors
	/// All steps are done; or the loss or the gradient overflows, which leaves weights and step as
	/// they were.
	pub fn step(&mut self) -> Result<StepReport, ModelError> {
		if self.is_done() {
			let why = format!("are {}, and all of them are done", self.config.steps);
			return Err(ModelError::Config { field: "steps", why });
		}
		let (step, sequence) = (self.step, self.config.sequence);
		let (sequences, leaf) = self.batches.batch(step)?;
		let tokens = sequences.len() * sequence as usize;
		let (mut inputs, mut targets) = (Vec::with_capacity(tokens), Vec::with_capacity(tokens));
		for sequence in sequences {
			inputs.extend_from_slice(&sequence[..sequence.len() - 1]);
			targets.extend_from_slice(&sequence[1..]);
		}

		let routers = self.config.components.iter().any(|c| matches!(c, Component::Router { .. }));
		let balance = if routers { self.config.balance } else { 0.0 };
		let batch = Batch { inputs: &inputs, targets: &targets, length: sequence as usize, balance };
		let loss = self.engine.gradients(&self.weights, batch, &self.pool, &mut self.gradients)?;
		let gradient_norm = self.gradient_norm();
		if !loss.nats.is_finite() {
			return Err(ModelError::NotFinite("the loss"));
		}
		if !gradient_norm.is_finite() {
			return Err(ModelError::NotFinite("the gradient"));
		}
		let learning_rate = self.config.rate(step);
		self.update(learning_rate, gradient_norm);
		self.leaves.push(leaf);
		self.step += 1;
		Ok(StepReport {
			step,
			loss: loss.nats / (tokens as f64 * self.batches.mean_bytes()) / std::f64::consts::LN_2,
			imbalance: loss.imbalance / tokens as f64,
			gradient_norm,
			learning_rate,
			batch_leaf: leaf,
		})
	}

	/// Chunk by chunk, added up in order.
	fn gradient_norm(&self) -> f64 {
		let gradients = &self.gradients;
		let squares = self.pool.install(|| {
			let per_slot =
				|gradient: &Vec<f32>| gradient.par_chunks(CHUNK).map(sum_of_squares).collect::<Vec<f64>>();
			gradients.iter().flatten().map(per_slot).collect::<Vec<_>>()
		});
		squares.iter().flatten().sum::<f64>().sqrt()
	}

	fn update(&mut self, learning_rate: f32, gradient_norm: f64) {
		let Self { weights, config, moments, gradients, pool, step, .. } = self;
		let count = (*step + 1) as i32;
		let correction = |beta: f32| 1.0 - f64::from(beta).powi(count);
		let adam = AdamStep {
			scale: (f64::from(config.clip) / gradient_norm.max(f64::from(config.clip))) as f32,
			beta1: BETA1,
			beta2: BETA2,
			rate: (f64::from(learning_rate) / correction(BETA1)) as f32,
			correction: correction(BETA2).sqrt().recip() as f32,
			epsilon: EPSILON,
		};
		let layout = weights.layout.clone();
		pool.install(|| {
			for (slot, (moments, gradient)) in moments.iter_mut().zip(gradients.iter()).enumerate() {
				let (Some(moments), Some(gradient)) = (moments, gradient) else { continue };
				let buffer = Arc::make_mut(&mut weights.buffers[slot]);
				let mut at = 0;
				for spec in &layout.tensors[slot] {
					let range = at..at + spec.len();
					at = range.end;
					let is_decayed = !spec.is_norm() && !spec.is_bias();
					let decay = if is_decayed { learning_rate * config.weight_decay } else { 0.0 };
					buffer[range.clone()]
						.par_chunks_mut(CHUNK)
						.zip(gradient[range.clone()].par_chunks(CHUNK))
						.zip(moments.mean[range.clone()].par_chunks_mut(CHUNK))
						.zip(moments.square[range].par_chunks_mut(CHUNK))
						.for_each(|(((w, g), m), v)| adamw(w, g, m, v, adam, decay));
				}
			}
		});
	}
}

fn make_engine(config: &TrainConfig, layout: &Layout) -> Result<Box<dyn Engine>, ModelError> {
	match config.device {
		Device::Cpu => Ok(Box::new(CpuEngine::new(Sizes::new(layout), config.micro_batch, config.threads))),
		#[cfg(feature = "wgpu")]
		Device::Wgpu => {
			Ok(Box::new(crate::burn_engine::BurnEngine::<burn::backend::Wgpu>::new(Default::default())))
		}
		#[cfg(feature = "cuda")]
		Device::Cuda => {
			Ok(Box::new(crate::burn_engine::BurnEngine::<burn::backend::Cuda>::new(Default::default())))
		}
		#[allow(unreachable_patterns)]
		other => Err(crate::device_absent(other)),
	}
}

#[cfg(test)]
mod tests;
