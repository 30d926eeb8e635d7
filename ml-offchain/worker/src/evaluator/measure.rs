//! Measuring a candidate against the heads: paired losses on the drawn shards.

use super::step::{RoundView, ShardLoss};
use crate::{
	content::{Content, ContentError},
	heads::{load_verified, Heads, HeadsError},
	replay::ReplayError,
	seal::{text_of, RetiredError},
};
use blyan_chain_client::{Chain, ChainError};
use blyan_model::{evaluate_on, nanobits, Device, ModelError, Weights};
use blyan_primitives::{
	dag::{BlockId, Component, ModelId, SubmissionId},
	draw::round_shards,
	learning::{Finding, Gate, NanoBits, Purpose, Report, ShardLosses, ValidationPool, MAX_NANOBITS},
	migration::Migration,
	sealed::{SealedShards, ShardPlace},
	AccountId, Hash,
};
use blyan_reference::ReferenceError;
use futures::{stream, StreamExt, TryStreamExt};
use std::{
	collections::{BTreeMap, VecDeque},
	fs::File,
	io::{self, Read, Seek, SeekFrom},
	path::{Path, PathBuf},
	sync::Arc,
	time::{Duration, Instant},
};

/// Versions whose shard losses are remembered.
const MAX_VERSIONS: usize = 8;
/// Candidate blocks fetched at once.
const PARALLEL_BLOCKS: usize = 4;
/// How long the heads' own content may take: without it nothing can be measured.
pub(crate) const HEADS_PATIENCE: Duration = Duration::from_secs(60);

/// Why a measurement failed through no fault of the candidate.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The heads cannot be loaded, or are not what the chain names.
	#[error(transparent)]
	Heads(#[from] HeadsError),
	/// The chain has forgotten the round, or begun it anew.
	#[error("round {0} is not drawn any more")]
	NotDrawn(SubmissionId),
	/// The chain does not know a block of the submission.
	#[error("the chain does not know block {0:?} of the submission")]
	BlockNotFound(BlockId),
	/// The shards cannot be had.
	#[error(transparent)]
	Content(#[from] ContentError),
	/// A sealed lot cannot be read, through no fault of its sealer.
	#[error(transparent)]
	Lot(#[from] RetiredError),
	/// The candidate cannot be had.
	#[error(transparent)]
	Candidate(#[from] ReplayError),
	/// The shards cannot be read.
	#[error("cannot read the shards in {}: {source}", path.display())]
	Shards {
		/// The pool's file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// The baseline cannot be evaluated on this machine.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The reference evaluator cannot be run on this machine.
	#[error(transparent)]
	Reference(#[from] ReferenceError),
	/// The computing thread died.
	#[error("measuring ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl MeasureError {
	/// Whether trying again may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::Heads(error) => error.is_retryable(),
			Self::Content(error) => error.is_retryable(),
			Self::Candidate(error) => error.is_retryable(),
			Self::Lot(error) => error.is_retryable(),
			Self::Model(error) => error.is_retryable(),
			Self::Reference(error) => error.is_retryable(),
			Self::Shards { .. } => true,
			Self::BlockNotFound(_) | Self::NotDrawn(_) | Self::Task(_) => false,
		}
	}
}

/// How measuring is done.
#[derive(Clone, Copy, Debug)]
pub struct MeasureOptions {
	/// How long candidates may take to fetch.
	pub fetch_timeout: Duration,
	/// Threads that compute.
	pub threads: usize,
	/// Where the arithmetic is done.
	pub device: Device,
}

/// A finding, and the losses behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Measurement {
	/// What was found.
	pub finding: Finding,
	/// By drawn shard; empty if nothing could be measured.
	pub losses: Vec<ShardLoss>,
}

impl Measurement {
	fn without_losses(finding: Finding) -> Self {
		Self { finding, losses: Vec::new() }
	}
}

/// Losses of shards, by what names them: the version, the pool, and the shard's number.
type LossCache = VecDeque<((Hash, ValidationPool), BTreeMap<u32, NanoBits>)>;

/// Measures, and remembers what the next measurement can use: weights and losses of the heads.
pub struct Measurer {
	pub(crate) chain: Arc<dyn Chain>,
	pub(crate) content: Content,
	pub(crate) options: MeasureOptions,
	/// By model, the heads that were loaded last.
	pub(crate) heads: BTreeMap<ModelId, Heads>,
	baselines: LossCache,
}

impl std::fmt::Debug for Measurer {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Measurer").field("options", &self.options).finish_non_exhaustive()
	}
}

/// What there is of a candidate.
pub(crate) enum Candidate {
	/// The content of its blocks.
	Here(Vec<(Component, PathBuf)>),
	/// What is found of it instead.
	Cannot(Finding),
}

impl Measurer {
	/// A measurer that remembers nothing yet.
	pub fn new(chain: Arc<dyn Chain>, content: Content, options: MeasureOptions) -> Self {
		Self { chain, content, options, heads: BTreeMap::new(), baselines: VecDeque::new() }
	}

	/// Loads the newest heads of a model, so that the next measurement need not.
	///
	/// # Errors
	/// See [`HeadsError`].
	pub async fn warm_up(&mut self, model: ModelId) -> Result<(), HeadsError> {
		self.load(model, None).await.map(|_| ())
	}

	async fn load(&mut self, model: ModelId, generation: Option<u32>) -> Result<Heads, HeadsError> {
		let known = self.heads.get(&model);
		let heads =
			load_verified(&*self.chain, &self.content, model, generation, known, HEADS_PATIENCE).await?;
		self.heads.insert(model, heads.clone());
		Ok(heads)
	}

	/// Measures what a round asks for.
	///
	/// # Errors
	/// [`MeasureError`], whenever the fault is not the candidate's.
	#[tracing::instrument(skip_all, fields(round = round.attempt.round, attempt = round.attempt.attempt))]
	pub async fn measure(&mut self, round: &RoundView) -> Result<Measurement, MeasureError> {
		let heads = self.load(round.model, Some(round.baseline)).await?;
		// The terms of the draw, which the model's owner cannot change any more.
		let terms = self.chain.round(round.attempt.round).await?;
		let terms = terms.filter(|terms| terms.attempt == round.attempt.attempt);
		let terms = terms.and_then(|terms| Some((terms.purpose, terms.pool?, terms.gate?)));
		let Some((purpose, pool, gate)) = terms else {
			return Err(MeasureError::NotDrawn(round.attempt.round));
		};
		if purpose == Purpose::Compaction {
			let finding = self.compare(&round.blocks, pool.domains.len() as u32).await?;
			return Ok(Measurement::without_losses(finding));
		}
		let migration = purpose.migration();
		let candidate = match self.fetch_candidate(&round.blocks).await? {
			Candidate::Here(candidate) => candidate,
			Candidate::Cannot(finding) => return Ok(Measurement::without_losses(finding)),
		};
		let pool_bytes = u64::from(pool.shard_count()).saturating_mul(pool.shard_bytes.into());
		let pool_path = self.content.get(pool.content, pool_bytes, None, HEADS_PATIENCE).await?;

		let sealed = match self.fetch_lots(round.attempt.round).await? {
			Lots::Here(sealed) => sealed,
			Lots::Cannot(finding) => return Ok(Measurement::without_losses(finding)),
		};
		let drawn = round_shards(round.seed, &pool, &gate, &sealed.shards);

		let known = self.known_losses(heads.root, &pool);
		let options = self.options;
		let (measured, baselines) = tokio::task::spawn_blocking({
			let pool = pool.clone();
			move || {
				compute(
					&heads.weights,
					migration,
					&candidate,
					&Texts { pool_path: &pool_path, pool: &pool, sealed: &sealed },
					&gate,
					&drawn,
					&known,
					options,
				)
				.map(|(measured, baselines)| (measured, (heads.root, baselines)))
			}
		})
		.await??;
		self.remember(baselines.0, pool, baselines.1);
		Ok(measured)
	}

	fn known_losses(&self, root: Hash, pool: &ValidationPool) -> BTreeMap<u32, NanoBits> {
		let found = self.baselines.iter().find(|((of, on), _)| *of == root && on == pool);
		found.map(|(_, losses)| losses.clone()).unwrap_or_default()
	}

	fn remember(&mut self, root: Hash, pool: ValidationPool, losses: BTreeMap<u32, NanoBits>) {
		let key = (root, pool);
		self.baselines.retain(|(other, _)| *other != key);
		self.baselines.push_back((key, losses));
		while self.baselines.len() > MAX_VERSIONS {
			self.baselines.pop_front();
		}
	}

	/// Brings all blocks of the candidate into the store, all of them within the time for one.
	pub(crate) async fn fetch_candidate(&self, blocks: &[BlockId]) -> Result<Candidate, MeasureError> {
		let begun = Instant::now();
		let fetched = stream::iter(blocks.to_vec())
			.map(|id| async move {
				let info = self.chain.block(id).await?.ok_or(MeasureError::BlockNotFound(id))?;
				let trainer: &AccountId = &info.block.trainer;
				let left = self.options.fetch_timeout.saturating_sub(begun.elapsed());
				let path = self.content.whole(&info, Some(trainer), left).await?;
				Ok((info.block.component, path))
			})
			.buffer_unordered(PARALLEL_BLOCKS)
			.try_collect::<Vec<_>>()
			.await;
		match fetched {
			Ok(candidate) => Ok(Candidate::Here(candidate)),
			Err(error) => blame(error).map(Candidate::Cannot),
		}
	}

	/// The text of the sealed lots that the round is judged by. Everybody who looks at the same bytes finds the same lots
	/// good.
	pub(crate) async fn fetch_lots(&self, round: SubmissionId) -> Result<Lots, MeasureError> {
		let mut sealed = SealedText::default();
		for info in self.chain.lots_of_round(round).await? {
			let shards = match text_of(&self.content, &info, self.options.fetch_timeout).await {
				Ok(shards) => shards,
				Err(error) if error.is_sealers_fault() => {
					tracing::warn!(lot = info.id, %error, "a sealed lot is no good");
					return Ok(Lots::Cannot(Finding::UnusableLot(info.id)));
				}
				// Not open: the round has begun anew since, and this attempt is over.
				Err(RetiredError::NotOpened(_)) => return Err(MeasureError::NotDrawn(round)),
				Err(error) => return Err(error.into()),
			};
			sealed.shards.lots += 1;
			sealed.shards.shards_per_lot = info.lot.shards;
			sealed.lots.push(shards);
		}
		Ok(Lots::Here(sealed))
	}

	/// Compares snapshots with what their chains replay to.
	async fn compare(&self, blocks: &[BlockId], domains: u32) -> Result<Finding, MeasureError> {
		for id in blocks {
			let info = self.chain.block(*id).await?.ok_or(MeasureError::BlockNotFound(*id))?;
			match self.content.is_replay(&info, self.options.fetch_timeout, HEADS_PATIENCE).await {
				Ok(true) => {}
				Ok(false) => return Ok(Finding::Malformed),
				// Only the snapshot's own content can be its trainer's fault.
				Err(error @ ReplayError::Content { .. }) if is_of(&error, *id) => return blame(error.into()),
				Err(error) => return Err(error.into()),
			}
		}
		Ok(Finding::Measured(Report::of_equal_content(domains)))
	}
}

/// The sealed text of a round, lot by lot, shard by shard.
#[derive(Default)]
pub(crate) struct SealedText {
	pub(crate) shards: SealedShards,
	lots: Vec<Vec<Vec<u8>>>,
}

/// What there is of a round's lots.
pub(crate) enum Lots {
	/// Their text.
	Here(SealedText),
	/// What is found of the round instead.
	Cannot(Finding),
}

/// Where the text of every shard of a round is.
pub(crate) struct Texts<'a> {
	pub(crate) pool_path: &'a Path,
	pub(crate) pool: &'a ValidationPool,
	pub(crate) sealed: &'a SealedText,
}

/// Whether it is the block's own content that is not to be had.
fn is_of(error: &ReplayError, id: BlockId) -> bool {
	matches!(error, ReplayError::Content { of, .. } if *of == id)
}

/// What is found of a candidate that cannot be measured, if that is its trainer's fault.
fn blame(error: MeasureError) -> Result<Finding, MeasureError> {
	let MeasureError::Candidate(candidate) = &error else { return Err(error) };
	let finding = match candidate {
		ReplayError::Content { source, .. } => match **source {
			ContentError::Unfetchable { .. } => Finding::Unfetchable,
			ContentError::NotAsSaid(_) => Finding::Malformed,
			_ => return Err(error),
		},
		// Whoever writes a delta can replay it.
		ReplayError::Delta { source, .. } if !source.is_retryable() => Finding::Malformed,
		_ => return Err(error),
	};
	tracing::info!(%error, ?finding, "the candidate cannot be measured");
	Ok(finding)
}

/// Loads the candidate, evaluates both, and draws up the report. Blocks the thread.
///
/// Returns the measurement, and every loss of the baseline that is known now.
#[allow(clippy::too_many_arguments)]
fn compute(
	baseline: &Weights,
	migration: Option<Migration>,
	candidate: &[(Component, PathBuf)],
	texts: &Texts,
	gate: &Gate,
	drawn: &[u32],
	known: &BTreeMap<u32, NanoBits>,
	options: MeasureOptions,
) -> Result<(Measurement, BTreeMap<u32, NanoBits>), MeasureError> {
	let weights = match put_in_place(baseline, migration, candidate) {
		Err(error @ ModelError::Malformed { .. }) => {
			tracing::info!(%error, "malformed");
			return Ok((Measurement::without_losses(Finding::Malformed), known.clone()));
		}
		weights => weights?,
	};
	let unknown: Vec<u32> = drawn.iter().copied().filter(|shard| !known.contains_key(shard)).collect();
	let mut baselines = known.clone();
	let losses = evaluate_shards(baseline, texts, &unknown, options)?;
	baselines.extend(unknown.into_iter().zip(losses));
	let candidates = evaluate_shards(&weights, texts, drawn, options)?;
	let losses: Vec<ShardLoss> = drawn
		.iter()
		.zip(candidates)
		.map(|(shard, candidate)| ShardLoss {
			shard: *shard,
			baseline: baselines.get(shard).copied().unwrap_or(MAX_NANOBITS),
			candidate,
		})
		.collect();
	let report = report(texts.pool, gate, &losses);
	// What is sealed has the same numbers in another round, and is other text.
	baselines.retain(|shard, _| *shard < texts.pool.shard_count());
	tracing::info!(gain = report.gain, standard_error = report.standard_error, "measured");
	Ok((Measurement { finding: Finding::Measured(report), losses }, baselines))
}

/// The baseline with the candidate's components in place, under the architecture that a migration makes of
/// the baseline's.
pub(crate) fn put_in_place(
	baseline: &Weights,
	migration: Option<Migration>,
	candidate: &[(Component, PathBuf)],
) -> Result<Weights, ModelError> {
	let Some(migration) = migration else {
		let mut weights = baseline.clone();
		for (component, path) in candidate {
			weights.set_component_from_file(*component, path)?;
		}
		return Ok(weights);
	};
	let architecture = migration
		.apply(baseline.architecture())
		.map_err(|error| ModelError::Config { field: "migration", why: error.to_string() })?;
	baseline.under(&architecture, |wanted| {
		candidate.iter().find(|(component, _)| *component == wanted).map(|(_, path)| path.clone())
	})
}

/// The losses of those shards.
pub(crate) fn evaluate_shards(
	weights: &Weights,
	texts: &Texts,
	shards: &[u32],
	options: MeasureOptions,
) -> Result<Vec<NanoBits>, MeasureError> {
	if shards.is_empty() {
		return Ok(Vec::new());
	}
	let texts = read_shards(texts, shards)
		.map_err(|source| MeasureError::Shards { path: texts.pool_path.into(), source })?;
	let losses = evaluate_on(options.device, weights, &texts, options.threads)?;
	Ok(losses.into_iter().map(nanobits).collect())
}

pub(crate) fn read_shards(texts: &Texts, shards: &[u32]) -> io::Result<Vec<Vec<u8>>> {
	let Texts { pool_path, pool, sealed } = texts;
	let mut file = File::open(pool_path)?;
	shards
		.iter()
		.map(|shard| {
			let place = ShardPlace::of(*shard, pool, &sealed.shards);
			if let Some(ShardPlace::Lot { lot, shard }) = place {
				let text = sealed.lots.get(lot as usize).and_then(|shards| shards.get(shard as usize));
				return text.cloned().ok_or(io::ErrorKind::UnexpectedEof.into());
			}
			let mut text = vec![0; pool.shard_bytes as usize];
			file.seek(SeekFrom::Start(u64::from(*shard) * u64::from(pool.shard_bytes)))?;
			file.read_exact(&mut text)?;
			Ok(text)
		})
		.collect()
}

/// The report over losses in the order drawn: domain by domain, as many of each as the gate says. Computed as the
/// chain does when the losses are opened in a dispute.
pub fn report(pool: &ValidationPool, gate: &Gate, losses: &[ShardLoss]) -> Report {
	let shards: Vec<u32> = losses.iter().map(|loss| loss.shard).collect();
	let of_shard = |loss: &ShardLoss| ShardLosses { baseline: loss.baseline, candidate: loss.candidate };
	Report::of_losses(pool, gate, &shards, &losses.iter().map(of_shard).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		cid::{Cid, CidCodec},
		learning::{Domain, DomainName},
		merkle,
	};
	use proptest::prelude::*;

	fn pool(domains: u32) -> ValidationPool {
		let domain = Domain { name: DomainName::default(), shards: 100 };
		ValidationPool {
			content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 4,
			domains: vec![domain; domains as usize].try_into().unwrap(),
		}
	}

	fn gate(shards_per_domain: u32) -> Gate {
		Gate { z_milli: 0, delta: 0, rho: 0, tolerance: 1, shards_per_domain }
	}

	fn losses(pairs: &[(NanoBits, NanoBits)]) -> Vec<ShardLoss> {
		let loss = |((baseline, candidate), shard): (&(NanoBits, NanoBits), u32)| ShardLoss {
			shard,
			baseline: *baseline,
			candidate: *candidate,
		};
		pairs.iter().zip(0..).map(loss).collect()
	}

	#[test]
	fn report_should_be_what_one_computes_by_hand() {
		let report = report(&pool(2), &gate(2), &losses(&[(10, 4), (10, 6), (20, 20), (20, 22)]));
		// Gains 6, 4, 0, -2: mean 2, sample variance 40/3, error sqrt(10/3) = 1.83.
		assert_eq!((report.baseline, report.gain, report.standard_error), (15, 2, 2));
		assert_eq!(report.domain_gains.to_vec(), [5, -1]);
		assert!(report.is_valid(2));
	}

	#[test]
	fn report_should_have_the_root_that_a_single_loss_can_be_proved_against() {
		let all = losses(&[(10, 4), (11, 6)]);
		let root = report(&pool(1), &gate(2), &all).losses_root;
		let leaf = |place: usize| {
			merkle::leaf(place as u32, &(all[place].shard, all[place].baseline, all[place].candidate))
		};
		assert_eq!(root, merkle::node(leaf(0), leaf(1)));
	}

	proptest! {
		#[test]
		fn report_should_be_valid_and_its_error_that_of_floats(
			pairs in (2usize..20).prop_flat_map(|half| {
				proptest::collection::vec((0..=MAX_NANOBITS, 0..=MAX_NANOBITS), 2 * half)
			}),
		) {
			let report = report(&pool(2), &gate(pairs.len() as u32 / 2), &losses(&pairs));
			prop_assert!(report.is_valid(2), "{:?}", report);
			let gains: Vec<f64> = pairs.iter().map(|(b, c)| (b - c) as f64).collect();
			let n = gains.len() as f64;
			let mean = gains.iter().sum::<f64>() / n;
			let error = (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
			prop_assert!((report.standard_error as f64 - error).abs() <= 1.0 + error * 1e-9);
			prop_assert!((report.gain as f64 - mean).abs() <= 1.0);
		}
	}

	#[test]
	fn read_shards_should_read_the_shards_named_and_say_when_the_pool_is_short() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("pool");
		std::fs::write(&path, b"aaaabbbbcccc").unwrap();
		let (pool, mut sealed) = (pool(1), SealedText::default());
		let read = |sealed: &SealedText, shards: &[u32]| {
			read_shards(&Texts { pool_path: &path, pool: &pool, sealed }, shards)
		};
		assert_eq!(read(&sealed, &[2, 0]).unwrap(), [b"cccc".to_vec(), b"aaaa".to_vec()]);
		assert!(read(&sealed, &[3]).is_err());
		// The pool has a hundred shards; the first lot's are numbered on from there.
		sealed.lots = vec![vec![b"dddd".to_vec()], vec![b"eeee".to_vec()]];
		sealed.shards = SealedShards { lots: 2, shards_per_lot: 1 };
		assert_eq!(
			read(&sealed, &[1, 101, 100]).unwrap(),
			[b"bbbb".to_vec(), b"eeee".to_vec(), b"dddd".to_vec()]
		);
		assert!(read(&sealed, &[102]).is_err());
	}
}
