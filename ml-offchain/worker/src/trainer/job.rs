//! One training run, from verified heads to blocks in the store; resumable at every checkpoint.

use super::{
	manifest::{self, Dataset, Leaves, Manifest, FORMAT},
	source::{Source, SourceError},
};
use crate::{
	components::AbsentComponent,
	config::{Config, JobConfig, SubmitAs},
	content::Content,
	evaluator::measure::{evaluate_shards, MeasureError, MeasureOptions, SealedText, Texts},
	files::{remove_if_there, write_atomically, FileError},
	heads::{load_verified, Heads, HeadsError},
	hold::Hold,
	plant::mirror::mirrored,
	progress::{Happening, Reporter, StepLine},
	replay::ReplayError,
	worker::random_hash,
};
use blyan_chain_client::Chain;
use blyan_delta::{Delta, DeltaError, DeltaOptions};
use blyan_model::{Mixture, ModelError, Text, Trainer, Weights};
use blyan_primitives::{
	dag::{
		BlockId, BlockKind, Component, ContentFormat, Generation, ManifestEntry, ModelId, NewBlock,
		NewBlocks, MAX_BLOCKS,
	},
	delta::MAX_LENGTH_BEFORE_COMPACTION,
	draw::draw_shards,
	learning::{Gate, NanoBits, ValidationPool},
	manifest::{binding, DatasetId, TrainingManifest},
	migration::MigrationError,
	AccountId, Hash,
};
use blyan_store::{StoreError, Stored};
use blyan_tensorblock::Container;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File},
	path::{Path, PathBuf},
	sync::Arc,
	time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long a canary's step may be, in steps of the run: the shortest that does harm enough is taken.
const CANARY_STRENGTHS: [f64; 4] = [1.0, 1.5, 2.0, 3.0];
/// How much worse than the heads a canary must be, in tolerances of the gate.
const LEAST_HARM: NanoBits = 5;

/// Why a job could not be done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
	/// The heads cannot be loaded.
	#[error(transparent)]
	Heads(#[from] HeadsError),
	/// The configuration names what the model does not have.
	#[error("train.jobs[{job}].components: {source}")]
	Components {
		/// The job.
		job: u32,
		/// What is not there.
		source: AbsentComponent,
	},
	/// More components than fit in a submission.
	#[error(
		"train.jobs[{job}].components names {count} components; a submission carries at most {MAX_BLOCKS}: \
		split the job"
	)]
	TooManyComponents {
		/// The job.
		job: u32,
		/// How many.
		count: usize,
	},
	/// The architecture cannot be changed so.
	#[error("train.jobs[{job}].migration: {source}")]
	Migration {
		/// The job.
		job: u32,
		/// Why.
		source: MigrationError,
	},
	/// None of the heads is a chain of deltas.
	#[error("train.jobs[{job}]: none of its components has deltas to compact; remove the job")]
	NothingToCompact {
		/// The job.
		job: u32,
	},
	/// What heads consist of cannot be had.
	#[error(transparent)]
	Replay(#[from] ReplayError),
	/// What changed cannot be encoded.
	#[error("train.jobs[{job}]: what changed cannot be written as a delta: {source}")]
	Delta {
		/// The job.
		job: u32,
		/// Why.
		source: DeltaError,
	},
	/// What is to be learned from cannot be had.
	#[error(transparent)]
	Source(#[from] SourceError),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// A file of the run could not be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// The model cannot be trained so.
	#[error("train.jobs[{job}]: {source}")]
	Model {
		/// The job.
		job: u32,
		/// Why.
		source: ModelError,
	},
	/// The worker is stopping; the run goes on from its checkpoint at the next start.
	#[error("stopped")]
	Stopped,
	/// What was trained, turned round, is hardly worse than the heads.
	#[error(
		"train.jobs[{job}] taken backwards changes the loss by {gain} nanobits, too little to be sure that it is \
		measured as worse; train longer"
	)]
	CanaryTooWeak {
		/// The job.
		job: u32,
		/// What evaluators would measure of it, about.
		gain: NanoBits,
	},
	/// The model's training is not open, so nobody measures anything of it.
	#[error("training of model {0} is not open: there is nothing to measure a canary on")]
	TrainingNotOpen(ModelId),
	/// The canary cannot be measured here.
	#[error(transparent)]
	Measure(#[from] Box<MeasureError>),
	/// The training thread died.
	#[error("training ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl JobError {
	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Heads(error) => error.is_retryable(),
			Self::Store(error) => error.is_retryable(),
			Self::Replay(error) => error.is_retryable(),
			Self::Measure(error) => error.is_retryable(),
			Self::Source(error) => error.is_retryable(),
			_ => false,
		}
	}
}

/// What a job came to.
#[derive(Debug)]
pub struct Trained {
	/// What to submit.
	pub blocks: NewBlocks,
	/// What was learned from; `None` if nothing was.
	pub manifest: Option<TrainingManifest>,
	/// What was improved on.
	pub heads: Heads,
}

/// What a run started from: kept beside its checkpoint, so that it is finished on the same heads
/// whatever the chain does meanwhile.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct RunRecord {
	digest: Hash,
	generation: Generation,
	version_root: Hash,
	/// Each component trained, with the head that it improves on.
	parents: Vec<(Component, BlockId)>,
	/// What was chosen among the approved datasets, with weights; empty where the configuration names what to learn
	/// from.
	#[serde(default, skip_serializing_if = "Vec::is_empty")]
	chosen: Vec<(DatasetId, u32)>,
	/// Time spent up to the last checkpoint.
	wall_seconds: f64,
}

/// Where a job keeps its run.
struct RunFiles {
	record: PathBuf,
	checkpoint: PathBuf,
}

impl RunFiles {
	fn new(config: &Config, job: u32) -> Self {
		let folder = config.checkpoint_dir();
		Self {
			record: folder.join(format!("job-{job}.json")),
			checkpoint: folder.join(format!("job-{job}.checkpoint")),
		}
	}

	/// The run of that job that can be gone on with.
	fn read(&self, digest: Hash) -> Option<RunRecord> {
		let record: RunRecord = serde_json::from_slice(&fs::read(&self.record).ok()?).ok()?;
		(record.digest == digest && self.checkpoint.is_file()).then_some(record)
	}

	fn write(&self, record: &RunRecord) -> Result<(), FileError> {
		// A record of hashes and numbers has a JSON form.
		let json = serde_json::to_vec(record).unwrap_or_default();
		write_atomically(&self.record, &json)
	}

	fn remove(&self) -> Result<(), FileError> {
		remove_if_there(&self.checkpoint)?;
		remove_if_there(&self.record)
	}
}

/// What a job is done with.
#[derive(Clone)]
pub struct Workshop {
	/// The configuration.
	pub config: Config,
	/// The chain.
	pub chain: Arc<dyn Chain>,
	/// Who trains.
	pub account: AccountId,
	/// The store, and the workers it is filled from.
	pub content: Content,
	/// Shows progress.
	pub reporter: Arc<Reporter>,
	/// Cancelled when the worker stops.
	pub shutdown: CancellationToken,
}

impl Workshop {
	/// Trains a job to its end and puts the result into the store. `known` are heads loaded earlier.
	///
	/// # Errors
	/// [`JobError`]; whatever it is, finished steps up to the last checkpoint are not lost.
	pub async fn train(&self, job: u32, known: Option<Heads>) -> Result<Trained, JobError> {
		self.run(job, known, false).await
	}

	/// Trains a job to its end, and puts into the store what is as far from the heads as the result, and worse.
	/// Everything else is as [`Self::train`] does it, so that nobody can tell one from the other.
	///
	/// # Errors
	/// As there, and [`JobError::CanaryTooWeak`].
	pub async fn train_canary(&self, job: u32) -> Result<Trained, JobError> {
		self.run(job, None, true).await
	}

	async fn run(&self, job: u32, known: Option<Heads>, is_canary: bool) -> Result<Trained, JobError> {
		let (train, files) = (&self.config.train, RunFiles::new(&self.config, job));
		let Some(plan) = train.jobs.get(job as usize).cloned() else { return Err(JobError::Stopped) };
		fs::create_dir_all(self.config.checkpoint_dir())
			.map_err(FileError::of("make the folder", &self.config.checkpoint_dir()))?;
		let patience = Duration::from_secs(train.fetch_timeout_seconds);
		let heads =
			load_verified(&*self.chain, &self.content, train.model, None, known.as_ref(), patience).await?;
		let architecture = &heads.info.architecture;
		let components = match &plan.migration {
			Some(migration) => {
				let refuse = |source| JobError::Migration { job, source };
				migration.apply(architecture).map_err(refuse)?;
				migration.components(architecture)
			}
			None => plan
				.components
				.resolve(architecture)
				.map_err(|source| JobError::Components { job, source })?,
		};
		if components.len() > MAX_BLOCKS as usize {
			return Err(JobError::TooManyComponents { job, count: components.len() });
		}
		if plan.submit_as == SubmitAs::Snapshots {
			let blocks = self.compact(job, &components, &heads, patience).await?;
			return Ok(Trained { blocks, manifest: None, heads });
		}
		let check = match is_canary {
			true => Some(self.canary_check(&heads, patience).await?),
			false => None,
		};
		let digest = plan.digest(train.model, &train.sources_name());
		let begun = files.read(digest).map(|record| record.chosen).unwrap_or_default();
		let (sources, chosen) = self.sources(begun).await?;
		// Until the manifest names them.
		let hold = self.content.hold(sources.iter().flat_map(|source| source.contents.iter().copied()));
		let run = Run {
			check,
			job,
			digest,
			sources,
			chosen,
			_hold: hold,
			plan,
			components,
			heads: heads.clone(),
			files,
			workshop: self.clone(),
		};
		let (blocks, manifest) = tokio::task::spawn_blocking(move || run.to_blocks()).await??;
		Ok(Trained { blocks, manifest, heads })
	}

	/// What a canary is measured on before it is sent.
	async fn canary_check(&self, heads: &Heads, patience: Duration) -> Result<CanaryCheck, JobError> {
		let terms = heads.info.pool.clone().zip(heads.info.gate);
		let (pool, gate) = terms.ok_or(JobError::TrainingNotOpen(heads.info.id))?;
		let bytes = u64::from(pool.shard_count()).saturating_mul(pool.shard_bytes.into());
		let path = self.content.get(pool.content, bytes, None, patience).await;
		let path = path.map_err(|error| Box::new(MeasureError::Content(error)))?;
		Ok(CanaryCheck { path, pool, gate })
	}

	/// Puts whole weights of every component into the store whose head is a chain of deltas.
	async fn compact(
		&self,
		job: u32,
		components: &[Component],
		heads: &Heads,
		patience: Duration,
	) -> Result<NewBlocks, JobError> {
		let is_chain = |entry: &&ManifestEntry| entry.deltas > 0 && components.contains(&entry.component);
		let mut blocks = Vec::new();
		for entry in heads.manifest.iter().filter(is_chain) {
			let info = self
				.chain
				.block(entry.block)
				.await
				.map_err(ReplayError::from)?
				.ok_or(ReplayError::BlockNotFound(entry.block))?;
			let stored = self.content.replayed(&info, None, patience).await?;
			// Nothing was learned: the head's own manifest tells what from.
			let manifest_hash = info.block.manifest_hash;
			blocks.push(new_block(entry.component, BlockKind::Snapshot, entry.block, stored, manifest_hash));
		}
		if blocks.is_empty() {
			return Err(JobError::NothingToCompact { job });
		}
		let count = blocks.len();
		blocks.try_into().map_err(|_| JobError::TooManyComponents { job, count })
	}

	/// Removes what a job was resumed from, once its result is in the journal.
	///
	/// # Errors
	/// [`FileError`].
	pub fn forget_run(&self, job: u32) -> Result<(), FileError> {
		RunFiles::new(&self.config, job).remove()
	}
}

/// Where a canary's harm is measured.
struct CanaryCheck {
	path: PathBuf,
	pool: ValidationPool,
	gate: Gate,
}

/// A run on its own thread.
struct Run {
	/// There, if the result is to be a canary.
	check: Option<CanaryCheck>,
	job: u32,
	digest: Hash,
	/// What is learned from.
	sources: Vec<Source>,
	/// If that was chosen: what, with weights.
	chosen: Vec<(DatasetId, u32)>,
	_hold: Hold,
	plan: JobConfig,
	components: Vec<Component>,
	heads: Heads,
	files: RunFiles,
	workshop: Workshop,
}

impl Run {
	fn model_error(&self, source: ModelError) -> JobError {
		JobError::Model { job: self.job, source }
	}

	fn to_blocks(&self) -> Result<(NewBlocks, Option<TrainingManifest>), JobError> {
		let (mut trainer, mut record) = self.open()?;
		self.workshop.reporter.tell(&Happening::JobStarted {
			job: self.job,
			model: self.heads.info.id,
			generation: record.generation,
			version_root: record.version_root,
			components: self.components.iter().map(ToString::to_string).collect(),
			resumed_at: trainer.steps_done(),
		});
		self.train(&mut trainer, &mut record)?;
		let candidate = match &self.check {
			Some(check) => self.degraded(trainer.weights(), check)?,
			None => trainer.weights().clone(),
		};
		self.store_result(&trainer, &candidate, &record)
	}

	/// The step from the heads to what was trained, turned round; made longer until it does harm that no evaluator
	/// can take for chance or for its own inaccuracy.
	fn degraded(&self, trained: &Weights, check: &CanaryCheck) -> Result<Weights, JobError> {
		let CanaryCheck { path, pool, gate } = check;
		let shards = draw_shards(random_hash(), pool, gate);
		let config = &self.workshop.config;
		let options = MeasureOptions {
			fetch_timeout: Duration::ZERO,
			threads: config.compute_threads(),
			device: self.plan.device,
		};
		let mean = |weights: &Weights| {
			let texts = Texts { pool_path: path, pool, sealed: &SealedText::default() };
			let losses = evaluate_shards(weights, &texts, &shards, options).map_err(Box::new)?;
			let sum: i128 = losses.iter().map(|loss| i128::from(*loss)).sum();
			Ok::<_, JobError>(sum / losses.len().max(1) as i128)
		};
		let baseline = mean(&self.heads.weights)?;
		let mut gain = 0;
		for strength in CANARY_STRENGTHS {
			let candidate = mirrored(&self.heads.weights, trained, &self.components, strength)
				.map_err(|error| self.model_error(error))?;
			gain = (baseline - mean(&candidate)?) as NanoBits;
			tracing::info!(strength, gain, "a step backwards");
			if gain <= gate.tolerance.saturating_mul(-LEAST_HARM) {
				return Ok(candidate);
			}
		}
		Err(JobError::CanaryTooWeak { job: self.job, gain })
	}

	/// The run that was interrupted, or a new one.
	fn open(&self) -> Result<(Trainer, RunRecord), JobError> {
		let config = self.plan.for_model(self.components.clone(), self.workshop.config.compute_threads());
		if let Some(record) = self.files.read(self.digest).filter(|record| record.chosen == self.chosen) {
			let tokenizer = self.heads.weights.tokenizer().map_err(|error| self.model_error(error))?;
			let mixture = self.mixture(&record)?;
			match Trainer::resume_on(&self.files.checkpoint, config.clone(), mixture, tokenizer) {
				Ok(trainer) => return Ok((trainer, record)),
				Err(error @ ModelError::Checkpoint { .. }) => {
					tracing::warn!(%error, "the run starts from the beginning")
				}
				Err(error) => return Err(self.model_error(error)),
			}
		}
		self.files.remove()?;
		let parents: Vec<(Component, BlockId)> = self
			.components
			.iter()
			.filter_map(|component| Some((*component, self.parent_of(*component)?)))
			.collect();
		let record = RunRecord {
			digest: self.digest,
			generation: self.heads.generation(),
			version_root: self.heads.root,
			parents,
			chosen: self.chosen.clone(),
			wall_seconds: 0.0,
		};
		let mixture = self.mixture(&record)?;
		let start = match &self.plan.migration {
			Some(migration) => self.heads.weights.migrated(migration, self.plan.seed),
			None => Ok(self.heads.weights.clone()),
		};
		let trainer = start
			.and_then(|start| Trainer::on(start, config, mixture))
			.map_err(|error| self.model_error(error))?;
		Ok((trainer, record))
	}

	/// The texts, bound to this account and to what the run improves on.
	fn mixture(&self, record: &RunRecord) -> Result<Mixture, JobError> {
		let mut texts = Vec::new();
		for source in &self.sources {
			texts.push((map_text(&source.path)?, source.weight));
		}
		Mixture::new(texts, self.binding(record)).map_err(|error| self.model_error(error))
	}

	fn binding(&self, record: &RunRecord) -> Hash {
		let parents: Vec<_> = record.parents.iter().map(|(_, parent)| Some(*parent)).collect();
		binding(&self.workshop.account, self.heads.info.id, &parents)
	}

	/// The head that a component is trained from; with a migration, that of the component which its weights
	/// come from.
	fn parent_of(&self, component: Component) -> Option<BlockId> {
		let architecture = &self.heads.info.architecture;
		let of = self.plan.migration.map_or(component, |migration| migration.parent(architecture, component));
		self.heads.block_of(of)
	}

	fn train(&self, trainer: &mut Trainer, record: &mut RunRecord) -> Result<(), JobError> {
		let every = Duration::from_secs(self.workshop.config.train.checkpoint_seconds);
		let tokens_per_step = u64::from(self.plan.batch) * u64::from(self.plan.sequence);
		let (begun, spent_before, first) = (Instant::now(), record.wall_seconds, trainer.steps_done());
		let mut saved = begun;
		let save = |trainer: &Trainer, record: &mut RunRecord| {
			record.wall_seconds = spent_before + begun.elapsed().as_secs_f64();
			// The record first: a checkpoint is worth nothing without it.
			self.files.write(record)?;
			trainer.checkpoint(&self.files.checkpoint).map_err(|error| self.model_error(error))
		};
		while !trainer.is_done() {
			if self.workshop.shutdown.is_cancelled() {
				save(trainer, record)?;
				return Err(JobError::Stopped);
			}
			let report = trainer.step().map_err(|error| self.model_error(error))?;
			let tokens = u64::from(trainer.steps_done() - first) * tokens_per_step;
			self.workshop.reporter.step(&StepLine {
				job: self.job,
				step: trainer.steps_done(),
				steps: self.plan.steps,
				loss_bits_per_byte: report.loss,
				tokens_per_second: tokens as f64 / begun.elapsed().as_secs_f64().max(1e-9),
			});
			if saved.elapsed() >= every {
				save(trainer, record)?;
				saved = Instant::now();
			}
		}
		// A finished run is never repeated.
		save(trainer, record)
	}

	/// A component's content, as the job says.
	fn encode(&self, candidate: &Weights, component: Component) -> Result<(BlockKind, Vec<u8>), JobError> {
		let bytes_of =
			|weights: &Weights| weights.component_bytes(component).map_err(|error| self.model_error(error));
		let whole = bytes_of(candidate)?;
		if self.plan.migration.is_some() {
			return Ok((BlockKind::Migration, whole));
		}
		let head = self.heads.manifest.iter().find(|entry| entry.component == component);
		let is_short = head.is_some_and(|head| head.deltas < MAX_LENGTH_BEFORE_COMPACTION);
		if self.plan.submit_as != SubmitAs::Deltas || !is_short {
			return Ok((BlockKind::Update, whole));
		}
		let base = bytes_of(&self.heads.weights)?;
		let refuse = |source| JobError::Delta { job: self.job, source };
		let parse = |bytes| Container::parse(bytes).map_err(|error| refuse(error.into()));
		let encoded = Delta::encode(&parse(&base[..])?, &parse(&whole[..])?, &DeltaOptions::default())
			.map_err(refuse)?;
		tracing::info!(
			%component,
			bytes = encoded.bytes.len(),
			whole_bytes = whole.len(),
			relative_loss = encoded.relative_loss(),
			"encoded as a delta"
		);
		Ok((BlockKind::Delta, encoded.bytes))
	}

	fn store_result(
		&self,
		trainer: &Trainer,
		candidate: &Weights,
		record: &RunRecord,
	) -> Result<(NewBlocks, Option<TrainingManifest>), JobError> {
		let store = self.workshop.content.store();
		let threads = trainer.config().threads as f64;
		let leaves: Vec<u8> = trainer.batch_leaves().iter().flat_map(|leaf| leaf.0).collect();
		let leaves = store.put_bytes(&leaves)?;
		let manifest = Manifest {
			format: FORMAT.into(),
			trainer: self.workshop.account.clone(),
			model: self.heads.info.id,
			generation: record.generation,
			version_root: record.version_root,
			parents: record.parents.iter().map(|(_, parent)| *parent).collect(),
			binding: self.binding(record),
			datasets: self
				.sources
				.iter()
				.map(|Source { content, bytes, weight, .. }| Dataset {
					content: *content,
					bytes: *bytes,
					weight: *weight,
				})
				.collect(),
			job: self.plan.clone(),
			samples: u64::from(self.plan.steps) * u64::from(self.plan.batch),
			batches_root: trainer.batch_root(),
			leaves: Leaves { content: leaves.cid, bytes: leaves.bytes },
			wall_seconds: record.wall_seconds,
			device_seconds: record.wall_seconds * threads,
		};
		// A manifest of hashes, texts and finite numbers has a JSON form.
		let document = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
		let stored_manifest = store.put_bytes(&document)?;
		let manifest_hash = manifest::hash(&document);
		let record_of_chain = manifest.record(&document, stored_manifest.cid);
		let blocks = record
			.parents
			.iter()
			.map(|(component, parent)| {
				let (kind, bytes) = self.encode(candidate, *component)?;
				Ok(new_block(*component, kind, *parent, store.put_bytes(&bytes)?, manifest_hash))
			})
			.collect::<Result<Vec<_>, JobError>>()?;
		self.workshop.reporter.tell(&Happening::Trained {
			job: self.job,
			blocks: blocks
				.iter()
				.map(|block| {
					let (model, account) = (self.heads.info.id, self.workshop.account.clone());
					blyan_primitives::dag::Block::from_new(model, account, block.clone()).id()
				})
				.collect(),
			manifest: stored_manifest.cid.to_string(),
			seconds: record.wall_seconds,
		});
		let count = blocks.len();
		let blocks = blocks.try_into().map_err(|_| JobError::TooManyComponents { job: self.job, count })?;
		Ok((blocks, record_of_chain))
	}
}

fn new_block(
	component: Component,
	kind: BlockKind,
	parent: BlockId,
	content: Stored,
	manifest_hash: Hash,
) -> NewBlock {
	NewBlock {
		component,
		kind,
		parents: vec![parent].try_into().unwrap_or_default(),
		content: content.cid,
		bytes: content.bytes,
		format: ContentFormat::TensorBlock,
		manifest_hash,
	}
}

/// A mapping as a text.
struct Mapped(Mmap);

impl AsRef<[u8]> for Mapped {
	fn as_ref(&self) -> &[u8] {
		&self.0
	}
}

/// A file of the store, or of an assembled dataset, as a text.
#[allow(unsafe_code)]
pub(crate) fn map_text(path: &Path) -> Result<Text, JobError> {
	let file = File::open(path).map_err(FileError::of("open", path))?;
	if file.metadata().map_err(FileError::of("examine", path))?.len() == 0 {
		// Nothing can be mapped; the trainer says how much text it needs.
		return Ok(Arc::new(Vec::new()));
	}
	// SAFETY: the file is one of the store's, or the text of a dataset. Both are written under another name, made
	// read-only, renamed into place and never opened for writing again; removing one leaves its mappings.
	let mapped = unsafe { Mmap::map(&file) }.map_err(FileError::of("map", path))?;
	Ok(Arc::new(Mapped(mapped)))
}
