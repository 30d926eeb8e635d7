//! The weights that a version of a model is made of, checked against the one hash that names it.

use crate::{
	content::{Content, ContentError},
	hold::Hold,
	replay::ReplayError,
};
use blyan_chain_client::{Chain, ChainError};
use blyan_model::{ModelError, TextTokenizer, Weights, MAX_TOKENIZER_BYTES};
use blyan_primitives::{
	api::ModelInfo,
	architecture::Tokenizer,
	cid::Cid,
	dag::{BlockId, Component, Generation, ManifestEntry, ModelId},
	merkle, AccountId, Hash,
};
use futures::{stream, StreamExt, TryStreamExt};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

/// Components fetched at once.
const PARALLEL_COMPONENTS: usize = 4;

/// A model's weights at a generation.
#[derive(Clone, Debug)]
pub struct Heads {
	/// The model as the chain has it.
	pub info: ModelInfo<AccountId>,
	/// The version root, computed here from the manifest and equal to the chain's.
	pub root: Hash,
	/// Its heads, in the order of the components' indices.
	pub manifest: Vec<ManifestEntry>,
	/// The weights.
	pub weights: Weights,
	/// Weights that are loaded partially are read on, so their files must stay.
	_hold: Hold,
}

impl Heads {
	/// The head of a component.
	pub fn block_of(&self, component: Component) -> Option<BlockId> {
		self.manifest.iter().find(|entry| entry.component == component).map(|entry| entry.block)
	}

	/// The generation.
	pub fn generation(&self) -> Generation {
		self.info.generation
	}
}

/// Why a version cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// There is no such model.
	#[error("the chain has no model {0}; check `model` in the configuration, or register one with `register-model`")]
	ModelNotFound(ModelId),
	/// Not every component has a head.
	#[error("model {0} has no weights yet: its owner has to finish `register-model`")]
	NotReleased(ModelId),
	/// The model has moved to another generation.
	#[error("model {model} is at generation {found} by now, not {wanted}")]
	GenerationMoved {
		/// The model.
		model: ModelId,
		/// What was asked for.
		wanted: Generation,
		/// What it is.
		found: Generation,
	},
	/// The manifest does not lead to the root that the chain names. Nothing is done with it.
	#[error(
		"REFUSED: the manifest of model {model} at generation {generation} has the version root {computed:?}, but the \
		chain names {named:?}; this node or its runtime is not to be relied on until somebody finds out why"
	)]
	RootMismatch {
		/// The model.
		model: ModelId,
		/// Of which generation.
		generation: Generation,
		/// The root of the manifest.
		computed: Hash,
		/// The root that the chain names.
		named: Hash,
	},
	/// Content of a head is not to be had.
	#[error("the head of {component} (block {block:?}) cannot be loaded: {source}")]
	Content {
		/// The component.
		component: Component,
		/// Its head.
		block: BlockId,
		/// Why.
		source: Box<ReplayError>,
	},
	/// The model's tokenizer is not to be had.
	#[error("the tokenizer {tokenizer} cannot be loaded: {source}")]
	Tokenizer {
		/// Its content.
		tokenizer: Cid,
		/// Why.
		source: Box<ContentError>,
	},
	/// Content of a head is not what the architecture asks for.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The thread that read the weights died.
	#[error("loading the weights ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

impl HeadsError {
	/// Whether trying again later may help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Chain(error) => error.is_retryable(),
			Self::NotReleased(_) | Self::GenerationMoved { .. } => true,
			Self::Content { source, .. } => source.is_retryable(),
			Self::Tokenizer { source, .. } => source.is_retryable(),
			Self::Model(error) => error.is_retryable(),
			Self::ModelNotFound(_) | Self::RootMismatch { .. } | Self::Task(_) => false,
		}
	}
}

/// Computes the version root of a manifest, and compares it with the one that the chain names.
///
/// # Errors
/// [`HeadsError::RootMismatch`].
pub fn verify_manifest(info: &ModelInfo<AccountId>, manifest: &[ManifestEntry]) -> Result<Hash, HeadsError> {
	let named = info.root.ok_or(HeadsError::NotReleased(info.id))?;
	// A component that the architecture does not have leaves the root of nothing.
	let heads: Option<Vec<(u32, BlockId)>> = manifest
		.iter()
		.map(|entry| Some((info.architecture.component_index(entry.component)?, entry.block)))
		.collect();
	let distinct: BTreeMap<u32, BlockId> = heads.iter().flatten().copied().collect();
	let is_whole = distinct.len() == manifest.len()
		&& manifest.len() as u64 == u64::from(info.architecture.component_count());
	let computed = heads
		.filter(|_| is_whole)
		.and_then(|heads| merkle::version_root_of_heads(&info.architecture, heads))
		.unwrap_or_default();
	if computed == named {
		return Ok(computed);
	}
	let error = HeadsError::RootMismatch { model: info.id, generation: info.generation, computed, named };
	tracing::error!(%error, "version root mismatch");
	Err(error)
}

/// Loads the heads of a model, of the generation it is at; of `generation` if one is named, and refuses if
/// the model is at another. Nothing is fetched before the manifest is verified, and nothing is loaded
/// that is not, to the byte, what the manifest names.
///
/// What `known` has of the same version, or of the same heads, is not loaded again.
///
/// # Errors
/// See [`HeadsError`].
pub async fn load_verified(
	chain: &dyn Chain,
	content: &Content,
	model: ModelId,
	generation: Option<Generation>,
	known: Option<&Heads>,
	patience: Duration,
) -> Result<Heads, HeadsError> {
	load_verified_within(chain, content, model, generation, known, patience, None).await
}

/// [`load_verified`], with no more than `expert_cache_bytes` of experts in memory at once, if that is given and
/// `known` is not.
///
/// # Errors
/// As there.
pub async fn load_verified_within(
	chain: &dyn Chain,
	content: &Content,
	model: ModelId,
	generation: Option<Generation>,
	known: Option<&Heads>,
	patience: Duration,
	expert_cache_bytes: Option<u64>,
) -> Result<Heads, HeadsError> {
	let info = chain.model(model).await?.ok_or(HeadsError::ModelNotFound(model))?;
	if info.root.is_none() {
		return Err(HeadsError::NotReleased(model));
	}
	if let Some(wanted) = generation.filter(|wanted| *wanted != info.generation) {
		return Err(HeadsError::GenerationMoved { model, wanted, found: info.generation });
	}
	load_of(chain, content, info, known, patience, expert_cache_bytes).await
}

/// [`load_verified`] of a generation that the model may have left meanwhile.
///
/// # Errors
/// As there.
pub async fn load_generation(
	chain: &dyn Chain,
	content: &Content,
	model: ModelId,
	generation: Generation,
	known: Option<&Heads>,
	patience: Duration,
) -> Result<Heads, HeadsError> {
	let mut info = chain.model(model).await?.ok_or(HeadsError::ModelNotFound(model))?;
	if info.generation != generation {
		let version = chain.version(model, Some(generation)).await?;
		let version = version.ok_or(HeadsError::GenerationMoved {
			model,
			wanted: generation,
			found: info.generation,
		})?;
		info.generation = generation;
		info.version = version.version;
		info.root = Some(version.root);
		info.architecture = version.architecture;
	}
	load_of(chain, content, info, known, patience, None).await
}

/// Loads the heads that `info` names the root of.
async fn load_of(
	chain: &dyn Chain,
	content: &Content,
	info: ModelInfo<AccountId>,
	known: Option<&Heads>,
	patience: Duration,
	expert_cache_bytes: Option<u64>,
) -> Result<Heads, HeadsError> {
	let model = info.id;
	// Of that very generation: the model may move between the two reads.
	let manifest = chain.manifest(model, Some(info.generation)).await?;
	let root = verify_manifest(&info, &manifest)?;
	// From before it is looked for in the store, so that it is not removed in between.
	let _until_loaded = hold_files(content, &manifest);

	let known = known.filter(|known| known.info.architecture == info.architecture);
	if let Some(known) = known.filter(|known| known.root == root) {
		return Ok(Heads {
			info,
			root,
			manifest,
			weights: known.weights.clone(),
			_hold: known._hold.clone(),
		});
	}
	let is_known =
		|entry: &ManifestEntry| known.and_then(|known| known.block_of(entry.component)) == Some(entry.block);
	let paths: BTreeMap<Component, PathBuf> =
		stream::iter(manifest.iter().filter(|entry| !is_known(entry)).cloned().collect::<Vec<_>>())
			.map(|entry| async move {
				let path = whole(chain, content, &entry, patience).await.map_err(|source| {
					let ManifestEntry { component, block, .. } = entry;
					HeadsError::Content { component, block, source: Box::new(source) }
				})?;
				Ok::<_, HeadsError>((entry.component, path))
			})
			.buffer_unordered(PARALLEL_COMPONENTS)
			.try_collect()
			.await?;

	// What was replayed meanwhile is known now.
	let hold = hold_files(content, &manifest);
	let architecture = info.architecture;
	let base = known.map(|known| known.weights.clone());
	let tokenizer = match (&base, architecture.tokenizer) {
		// Of the same architecture, and so with the same tokenizer.
		(Some(_), _) | (None, Tokenizer::Bytes) => None,
		(None, Tokenizer::Content { content: tokenizer, bytes }) => {
			Some(fetch_tokenizer(content, tokenizer, bytes, patience).await?)
		}
	};
	let weights = tokio::task::spawn_blocking(move || {
		let mut weights = load_weights(&architecture, base, &paths, expert_cache_bytes)?;
		if let Some(path) = tokenizer {
			let bytes = fs::read(&path).map_err(|source| ModelError::Io { path, source })?;
			weights.set_tokenizer(TextTokenizer::from_bytes(&bytes)?)?;
		}
		Ok::<_, ModelError>(weights)
	})
	.await??;
	tracing::info!(model, generation = info.generation, ?root, "heads verified");
	Ok(Heads { info, root, manifest, weights, _hold: hold })
}

/// Holds the heads' content, and what is known to have been replayed of it.
fn hold_files(content: &Content, manifest: &[ManifestEntry]) -> Hold {
	content.hold(
		manifest.iter().flat_map(|entry| [Some(entry.content), content.known_replay(&entry.block)]).flatten(),
	)
}

/// The whole weights of a head.
async fn whole(
	chain: &dyn Chain,
	content: &Content,
	entry: &ManifestEntry,
	patience: Duration,
) -> Result<PathBuf, ReplayError> {
	if entry.deltas == 0 {
		let of = entry.block;
		let fetched = content.get(entry.content, entry.bytes, None, patience).await;
		return fetched.map_err(|error| ReplayError::Content { block: of, of, source: Box::new(error) });
	}
	let info = chain.block(entry.block).await?.ok_or(ReplayError::BlockNotFound(entry.block))?;
	content.whole(&info, None, patience).await
}

/// `base` with the components of `paths` in place; without a base, every component is in `paths`.
fn load_weights(
	architecture: &blyan_primitives::architecture::Architecture,
	base: Option<Weights>,
	paths: &BTreeMap<Component, PathBuf>,
	expert_cache_bytes: Option<u64>,
) -> Result<Weights, ModelError> {
	let path_of = |component: Component| paths.get(&component).cloned().unwrap_or_default();
	match base {
		Some(mut weights) => {
			for (component, path) in paths {
				weights.set_component_from_file(*component, path)?;
			}
			Ok(weights)
		}
		None => match expert_cache_bytes {
			Some(limit) => Weights::load_partial(architecture, path_of, limit),
			None => Weights::load(architecture, path_of),
		},
	}
}

/// The path of the tokenizer, verified.
async fn fetch_tokenizer(
	content: &Content,
	tokenizer: Cid,
	bytes: u64,
	patience: Duration,
) -> Result<PathBuf, HeadsError> {
	if bytes > MAX_TOKENIZER_BYTES {
		let why = format!("has {bytes} bytes; at most {MAX_TOKENIZER_BYTES} are read");
		return Err(ModelError::Tokenizer(why).into());
	}
	let fetched = content.get(tokenizer, bytes, None, patience).await;
	fetched.map_err(|source| HeadsError::Tokenizer { tokenizer, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		architecture::{Architecture, ExpertCount},
		cid::CidCodec,
		dag::SemVer,
	};

	fn architecture() -> Architecture {
		Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 4 }, 1, 8, 8, 2, 8)
	}

	fn manifest() -> Vec<ManifestEntry> {
		architecture()
			.components()
			.zip(1u8..)
			.map(|(component, byte)| ManifestEntry {
				component,
				block: Hash::repeat_byte(byte),
				content: Cid { codec: CidCodec::Raw, digest: [byte; 32] },
				bytes: 1,
				deltas: 0,
				probation_until: None,
			})
			.collect()
	}

	fn info(manifest: &[ManifestEntry]) -> ModelInfo<AccountId> {
		let a = architecture();
		let heads = manifest.iter().map(|entry| (a.component_index(entry.component).unwrap(), entry.block));
		ModelInfo {
			id: 0,
			name: vec![],
			owner: None,
			architecture: a,
			version: SemVer::GENESIS,
			generation: 0,
			root: merkle::version_root_of_heads(&a, heads),
			pool: None,
			gate: None,
			referee: None,
			migration: None,
			probation_routing_share: Default::default(),
		}
	}

	#[test]
	fn verify_manifest_should_refuse_anything_but_the_heads_the_root_names() {
		let good = manifest();
		let info = info(&good);
		assert_eq!(verify_manifest(&info, &good).unwrap(), info.root.unwrap());
		let refused = |manifest: &[ManifestEntry]| {
			matches!(verify_manifest(&info, manifest), Err(HeadsError::RootMismatch { .. }))
		};
		let mut other = good.clone();
		other[1].block = Hash::repeat_byte(99);
		assert!(refused(&other));
		assert!(refused(&good[1..]));
		let mut doubled = good.clone();
		doubled[1] = doubled[0].clone();
		assert!(refused(&doubled));
		let mut absent = good.clone();
		absent[0].component = Component::Expert { layer: 5, index: 0 };
		assert!(refused(&absent));
		assert!(matches!(
			verify_manifest(&ModelInfo { root: None, ..info.clone() }, &good),
			Err(HeadsError::NotReleased(0))
		));
	}
}
