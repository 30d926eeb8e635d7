//! The weights of a model: one flat buffer a component, shared until changed.

use crate::{
	batch::byte_tokens,
	cache::{CacheMetrics, CachedExpert, ExpertCache, ExpertFile},
	cap::Quota,
	content::{self, Content},
	cpu::{experts::pick, kernels::vector_matrix, ExpertView, Sizes},
	layout::{component_tensors, Layout, TensorSpec},
	ModelError, TextTokenizer,
};
use blyan_primitives::{
	architecture::{Architecture, Tokenizer},
	dag::Component,
};
use blyan_tensorblock::DType;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
	path::{Path, PathBuf},
	sync::Arc,
};

/// The weights of a whole model, all finite.
///
/// Cloning is cheap: a component's buffer is shared until one of the clones changes it, so a
/// baseline and a candidate that differ in one expert hold everything else once.
///
/// Numbers are computed with as f32, and stored in the format that they came in: weights that came as bf16
/// are rounded to bf16 when a component is encoded.
#[derive(Clone)]
pub struct Weights {
	pub(crate) layout: Arc<Layout>,
	/// By slot. Empty for an expert that is left to the cache: no component has zero numbers.
	pub(crate) buffers: Vec<Arc<Vec<f32>>>,
	/// By slot, then in the order of the tensors.
	pub(crate) dtypes: Vec<Arc<[DType]>>,
	pub(crate) tokenizer: Option<TextTokenizer>,
	partial: Option<Partial>,
}

/// Experts that are loaded when they are needed.
#[derive(Clone)]
struct Partial {
	cache: ExpertCache,
	/// By slot; `None` for what is held.
	files: Vec<Option<ExpertFile>>,
}

/// An expert to compute with.
pub(crate) enum HeldExpert<'a> {
	Own(ExpertView<'a>),
	Cached(&'a Layout, CachedExpert),
}

impl HeldExpert<'_> {
	pub fn view(&self) -> ExpertView<'_> {
		match self {
			Self::Own(view) => *view,
			Self::Cached(layout, cached) => ExpertView::new(cached.numbers(), &layout.expert),
		}
	}
}

impl std::fmt::Debug for Weights {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Weights")
			.field("architecture", self.architecture())
			.field("parameters", &self.parameters())
			.finish()
	}
}

impl Weights {
	/// Weights to begin training from: the same bits for the same architecture and seed, on every
	/// machine. Adding experts or layers leaves the start of those already there as it was.
	///
	/// Matrices are uniform with standard deviation `1 / sqrt(rows)`, those that write to the
	/// residual stream divided by `sqrt(2 x layers)`; embedding, head and routers have 0.02; norms are one,
	/// biases zero.
	///
	/// # Errors
	/// An architecture that is not valid.
	pub fn init(architecture: &Architecture, seed: u64) -> Result<Self, ModelError> {
		let layout = Layout::new(*architecture)?;
		let buffers = layout
			.components
			.iter()
			.zip(&layout.tensors)
			.map(|(component, tensors)| {
				let mut random = ChaCha8Rng::seed_from_u64(seed);
				// A stream for each component, whatever else the model has.
				let (kind, layer, index) = match *component {
					Component::Backbone => (0, 0, 0),
					Component::Router { layer } => (1, layer, 0),
					Component::Expert { layer, index } => (2, layer, index),
				};
				random.set_stream(kind << 32 | u64::from(layer) << 16 | u64::from(index));
				let mut buffer = Vec::with_capacity(tensors.iter().map(TensorSpec::len).sum());
				for spec in tensors {
					match initial_deviation(spec, architecture.layers) {
						None => {
							buffer.resize(buffer.len() + spec.len(), if spec.is_norm() { 1.0 } else { 0.0 })
						}
						Some(deviation) => {
							// Uniform rather than normal: no logarithm, so the same bits everywhere.
							let bound = deviation * 3f32.sqrt();
							buffer.extend((0..spec.len()).map(|_| random.gen_range(-bound..bound)));
						}
					}
				}
				Arc::new(buffer)
			})
			.collect();
		Ok(Self::whole(Arc::new(layout), buffers))
	}

	/// Weights that are all held, in f32.
	pub(crate) fn whole(layout: Arc<Layout>, buffers: Vec<Arc<Vec<f32>>>) -> Self {
		let dtypes = layout.tensors.iter().map(|specs| vec![DType::F32; specs.len()].into()).collect();
		Self { layout, buffers, dtypes, tokenizer: None, partial: None }
	}

	/// Reads every component from the file that `path_of` names.
	///
	/// # Errors
	/// A file that cannot be read, or content that [`Weights::set_component`] would refuse.
	pub fn load(
		architecture: &Architecture,
		mut path_of: impl FnMut(Component) -> PathBuf,
	) -> Result<Self, ModelError> {
		let layout = Layout::new(*architecture)?;
		let mut weights = Self::absent(layout);
		for slot in 0..weights.buffers.len() {
			weights.read_slot(slot, &path_of(weights.layout.components[slot]))?;
		}
		Ok(weights)
	}

	/// [`Weights::load`] of all but the experts, which are loaded when a token is routed to them and leave
	/// again so that no more than `limit_bytes` of them, as f32, are ever held. What is computed is the same to
	/// the bit. Files must stay where they are.
	///
	/// # Errors
	/// As [`Weights::load`]; a limit below the size of one expert.
	pub fn load_partial(
		architecture: &Architecture,
		mut path_of: impl FnMut(Component) -> PathBuf,
		limit_bytes: u64,
	) -> Result<Self, ModelError> {
		let layout = Layout::new(*architecture)?;
		let cache = ExpertCache::new(&layout, limit_bytes)?;
		let mut weights = Self::absent(layout);
		let mut files = vec![None; weights.buffers.len()];
		for (slot, file) in files.iter_mut().enumerate() {
			let component = weights.layout.components[slot];
			let path = path_of(component);
			if matches!(component, Component::Expert { .. }) {
				*file = Some(ExpertFile { component, path: path.into() });
			} else {
				weights.read_slot(slot, &path)?;
			}
		}
		weights.partial = Some(Partial { cache, files });
		Ok(weights)
	}

	/// Nothing yet.
	pub(crate) fn absent(layout: Layout) -> Self {
		let buffers = vec![Arc::default(); layout.components.len()];
		Self::whole(Arc::new(layout), buffers)
	}

	pub(crate) fn read_slot(&mut self, slot: usize, path: &Path) -> Result<(), ModelError> {
		let component = self.layout.components[slot];
		let content = content::read_file(path, component, &self.layout.tensors[slot])?;
		self.put(slot, content);
		Ok(())
	}

	fn put(&mut self, slot: usize, content: Content) {
		self.buffers[slot] = Arc::new(content.numbers);
		self.dtypes[slot] = content.dtypes.into();
		if let Some(partial) = &mut self.partial {
			partial.files[slot] = None;
		}
	}

	/// The same weights with every expert held.
	///
	/// # Errors
	/// An expert's file cannot be read, or is not what the architecture asks for.
	pub fn held(&self) -> Result<Self, ModelError> {
		let mut weights = self.clone();
		if let Some(partial) = weights.partial.take() {
			for (slot, file) in partial.files.iter().enumerate() {
				if let Some(file) = file {
					weights.read_slot(slot, &file.path)?;
				}
			}
		}
		Ok(weights)
	}

	/// What the cache of experts did; `None` where everything is held.
	pub fn cache_metrics(&self) -> Option<CacheMetrics> {
		self.partial.as_ref().map(|partial| partial.cache.metrics())
	}

	/// Gives the model the tokenizer that its architecture names; that it is the one, the caller has checked
	/// by its content address.
	///
	/// # Errors
	/// A model whose tokens are bytes; a tokenizer with more tokens than the model's vocabulary.
	pub fn set_tokenizer(&mut self, tokenizer: TextTokenizer) -> Result<(), ModelError> {
		let architecture = self.architecture();
		if architecture.tokenizer == Tokenizer::Bytes {
			return Err(ModelError::Tokenizer("is none of this model's: its tokens are bytes".into()));
		}
		if tokenizer.vocabulary() > architecture.vocabulary {
			let (has, knows) = (tokenizer.vocabulary(), architecture.vocabulary);
			return Err(ModelError::Tokenizer(format!("has {has} tokens; the model knows {knows}")));
		}
		self.tokenizer = Some(tokenizer);
		Ok(())
	}

	/// The tokenizer; `None` where tokens are bytes.
	///
	/// # Errors
	/// [`ModelError::TokenizerAbsent`]: the architecture names one, and it was not given.
	pub fn tokenizer(&self) -> Result<Option<&TextTokenizer>, ModelError> {
		match (self.architecture().tokenizer, &self.tokenizer) {
			(Tokenizer::Bytes, _) => Ok(None),
			(Tokenizer::Content { .. }, Some(tokenizer)) => Ok(Some(tokenizer)),
			(Tokenizer::Content { .. }, None) => Err(ModelError::TokenizerAbsent),
		}
	}

	/// A text as the model's tokens.
	///
	/// # Errors
	/// As [`Weights::tokenizer`]; a tokenizer that has no token for some of it.
	pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
		match self.tokenizer()? {
			Some(tokenizer) => tokenizer.encode(text),
			None => Ok(byte_tokens(text.as_bytes())),
		}
	}

	/// The expert, which is loaded first if it is left to the cache. The caller holds no other.
	pub(crate) fn expert(&self, layer: usize, index: usize) -> Result<HeldExpert<'_>, ModelError> {
		let slot = self.layout.expert_slot(layer, index);
		match &self.partial {
			Some(Partial { cache, files }) => match &files[slot] {
				Some(file) => Ok(HeldExpert::Cached(&self.layout, cache.get(file)?)),
				None => Ok(HeldExpert::Own(self.own_expert(slot))),
			},
			None => Ok(HeldExpert::Own(self.own_expert(slot))),
		}
	}

	fn own_expert(&self, slot: usize) -> ExpertView<'_> {
		ExpertView::new(&self.buffers[slot], &self.layout.expert)
	}

	/// Whether some experts are left to the cache.
	pub(crate) fn is_partial(&self) -> bool {
		self.partial.is_some()
	}

	/// Has experts of a layer loaded before they are needed, where they are left to the cache.
	pub(crate) fn expect(&self, layer: usize, experts: impl Iterator<Item = usize>) {
		if let Some(Partial { cache, files }) = &self.partial {
			for index in experts {
				if let Some(file) = &files[self.layout.expert_slot(layer, index)] {
					cache.expect(file);
				}
			}
		}
	}

	/// Guesses which experts of a layer a token will be routed to from what the layer before it read, and has
	/// them loaded: the residual stream changes little from layer to layer.
	pub(crate) fn expect_next(&self, layer: usize, x: &[f32], s: &Sizes, quota: Option<&Quota>) {
		if layer < s.layers {
			let (mut scores, mut chosen) = (vec![0.0; s.experts], vec![0; s.top_k]);
			vector_matrix(x, self.router(layer), &mut scores, false);
			match quota {
				Some(quota) => quota.guess(layer, &scores, &mut chosen),
				None => pick(&scores, &mut chosen, |_| false),
			}
			self.expect(layer, chosen.into_iter().map(|expert| expert as usize));
		}
	}

	/// What the weights are of.
	pub fn architecture(&self) -> &Architecture {
		&self.layout.architecture
	}

	/// How many numbers the model has.
	pub fn parameters(&self) -> u64 {
		(0..self.layout.components.len()).map(|slot| self.layout.len(slot) as u64).sum()
	}

	/// A tensor of a component, row-major, with its shape; `None` also where it is left to the cache.
	pub fn tensor(&self, component: Component, name: &str) -> Option<([usize; 2], &[f32])> {
		let slot = self.layout.slot(component).ok()?;
		let mut at = 0;
		for spec in &self.layout.tensors[slot] {
			if spec.name == name {
				return Some((spec.shape, self.buffers[slot].get(at..at + spec.len())?));
			}
			at += spec.len();
		}
		None
	}

	/// A component as the content of a block: a canonical TensorBlock container, so the same weights
	/// always give the same content address.
	///
	/// # Errors
	/// A component that the architecture does not have, or that is left to the cache; a number that is not
	/// finite, or too large for its format.
	pub fn component_bytes(&self, component: Component) -> Result<Vec<u8>, ModelError> {
		let slot = self.layout.slot(component)?;
		let buffer = self.component(component)?;
		content::encode(component, &self.layout.tensors[slot], &self.dtypes[slot], buffer)
	}

	/// Replaces a component by the content of a block. Nothing changes unless all of it is right.
	///
	/// Numbers may be f32, or f16 or bf16, which convert exactly.
	///
	/// # Errors
	/// [`ModelError::Malformed`] if the container is torn, or a tensor is missing, unknown, of
	/// another shape or number format, or holds a number that is not finite.
	pub fn set_component(&mut self, component: Component, container: &[u8]) -> Result<(), ModelError> {
		let slot = self.layout.slot(component)?;
		let content = content::decode(container, component, &self.layout.tensors[slot])?;
		self.put(slot, content);
		Ok(())
	}

	/// [`Weights::set_component`] from a file, by mapping. An expert of weights that were loaded partially is
	/// left to the cache, once it was checked.
	///
	/// # Errors
	/// As there, or the file cannot be read.
	pub fn set_component_from_file(&mut self, component: Component, path: &Path) -> Result<(), ModelError> {
		let slot = self.layout.slot(component)?;
		match (&mut self.partial, component) {
			(Some(partial), Component::Expert { .. }) => {
				let file = ExpertFile { component, path: path.into() };
				drop(partial.cache.get(&file)?);
				partial.files[slot] = Some(file);
				self.buffers[slot] = Arc::default();
				Ok(())
			}
			_ => self.read_slot(slot, path),
		}
	}

	/// A component's numbers in the order of its tensors, to change in place.
	///
	/// For tools that make weights by other means than training, such as a test that adds noise.
	/// Whether the numbers are finite is checked when they are next encoded, not here.
	///
	/// # Errors
	/// A component that the architecture does not have, or that is left to the cache.
	pub fn component_mut(&mut self, component: Component) -> Result<&mut [f32], ModelError> {
		let slot = self.layout.slot(component)?;
		if self.buffers[slot].is_empty() {
			return Err(ModelError::NotHeld(component));
		}
		let buffer: &mut Vec<f32> = Arc::make_mut(&mut self.buffers[slot]);
		Ok(buffer)
	}

	/// Gives `read` a component's numbers in the order of its tensors; an expert that is left to the cache is
	/// loaded first. `read` asks for no other.
	///
	/// # Errors
	/// A component that the architecture does not have; an expert that cannot be loaded.
	pub fn with_component<T>(
		&self,
		component: Component,
		read: impl FnOnce(&[f32]) -> T,
	) -> Result<T, ModelError> {
		let slot = self.layout.slot(component)?;
		if let Some(Partial { cache, files }) = &self.partial {
			if let Some(file) = &files[slot] {
				return Ok(read(cache.get(file)?.numbers()));
			}
		}
		Ok(read(&self.buffers[slot]))
	}

	/// A component's numbers in the order of its tensors.
	///
	/// # Errors
	/// A component that the architecture does not have, or that is left to the cache.
	pub fn component(&self, component: Component) -> Result<&[f32], ModelError> {
		match &self.buffers[self.layout.slot(component)?][..] {
			[] => Err(ModelError::NotHeld(component)),
			numbers => Ok(numbers),
		}
	}
}

/// Checks that a file is the content of a component, as [`Weights::set_component`] does, and keeps nothing of it.
///
/// # Errors
/// As there, or the file cannot be read.
pub fn check_component(
	architecture: &Architecture,
	component: Component,
	path: &Path,
) -> Result<(), ModelError> {
	content::read_file(path, component, &component_tensors(architecture, component)?).map(drop)
}

/// `None` for norms, which begin at one, and biases, which begin at zero.
fn initial_deviation(spec: &TensorSpec, layers: u16) -> Option<f32> {
	if spec.is_norm() || spec.is_bias() {
		return None;
	}
	let tensor = spec.name.rsplit('.').next().unwrap_or_default();
	let fan_in = (spec.shape[0] as f32).sqrt().recip();
	Some(match tensor {
		"embedding" | "head" | "router" => 0.02,
		"wo" | "w2" | "shared_w2" => fan_in / (2.0 * f32::from(layers)).sqrt(),
		_ => fan_in,
	})
}

#[cfg(test)]
pub(crate) mod tests;
