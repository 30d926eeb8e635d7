//! Reads the part of a model's graph that is to be drawn.

use super::drawing::{printable, ComponentGraph, Drawing, Mark, Node};
use blyan_chain_client::{Chain, ChainError};
use blyan_primitives::{
	api::{BlockInfo, ModelInfo},
	dag::{BlockId, Component, Generation, ModelId},
	AccountId, BlockNumber,
};
use futures::{stream, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Blocks read at once.
const PARALLEL_READS: usize = 16;
/// Most children of one block that are followed, the newest. What became head is found from the other
/// side, as an ancestor of a head, however many rivals it had.
const MAX_CHILDREN: usize = 32;
/// Most changes of MAJOR that are looked at for components that the model has no longer, the newest.
const MAX_MAJORS: u32 = 16;

/// What is to be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
	/// The model; the only one if not given.
	pub model: Option<ModelId>,
	/// Its components; all if empty.
	pub components: Vec<Component>,
	/// How many blocks back from a head, the head counted.
	pub depth: u32,
	/// Most blocks.
	pub max_blocks: usize,
}

/// Why nothing can be drawn.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// There is no model at all.
	#[error("the chain has no model yet: register one with `register-model`")]
	NoModels,
	/// There are several, and none was named.
	#[error("the chain has {}: name one with --model", listed(.0))]
	WhichModel(Vec<(ModelId, String)>),
	/// There is no such model.
	#[error("the chain has no model {wanted}: it has {}", listed(.known))]
	ModelNotFound {
		/// What was asked for.
		wanted: ModelId,
		/// What there is.
		known: Vec<(ModelId, String)>,
	},
	/// No component has a head.
	#[error("model {0} has no weights yet: its owner has to finish `register-model`")]
	NoWeights(ModelId),
	/// The component has no head, and had none.
	#[error("model {model} has no {component}, or no weights for it; it has {} components, such as {example}", .count)]
	ComponentNotFound {
		/// The model.
		model: ModelId,
		/// What was asked for.
		component: Component,
		/// How many there are.
		count: usize,
		/// One of them.
		example: Component,
	},
	/// The node named a block and does not have it.
	#[error("the node names block {0:?} and does not have it: it may lag behind, try again")]
	BlockNotFound(BlockId),
}

/// Most models that an error names.
const MAX_LISTED: usize = 10;

fn listed(models: &[(ModelId, String)]) -> String {
	let mut names: Vec<String> =
		models.iter().take(MAX_LISTED).map(|(id, name)| format!("{id} ({name})")).collect();
	if let Some(more) = models.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
		names.push(format!("{more} more"));
	}
	match names.as_slice() {
		[] => "none".to_owned(),
		[one] => format!("model {one}"),
		_ => format!("models {}", names.join(", ")),
	}
}

/// Reads a model's graph: from the heads, those of components that it has no longer included, along
/// parents, and from each block to its children, so that what never became head is seen as well. A
/// child counts as one block newer than its parent. Breadth first: what the bound on blocks cuts off is
/// what is farthest from the heads.
///
/// Each read is of the newest finalized block, which may move on meanwhile: blocks never change, but what
/// became of one that is read late may be newer than the heading says.
///
/// # Errors
/// See [`CollectError`].
pub async fn collect(chain: &dyn Chain, options: &Options) -> Result<Drawing, CollectError> {
	let model = find_model(chain, options.model).await?;
	let as_of = chain.finalized_head().await?.number;
	let mut heads: Vec<(Component, BlockId)> = chain
		.manifest(model.id, None)
		.await?
		.into_iter()
		.map(|entry| (entry.component, entry.block))
		.collect();
	let retired = retired_heads(chain, &model, &heads).await?;
	heads.extend(retired);
	let first = *heads.first().ok_or(CollectError::NoWeights(model.id))?;
	for component in &options.components {
		if !heads.iter().any(|(present, _)| present == component) {
			return Err(CollectError::ComponentNotFound {
				model: model.id,
				component: *component,
				count: heads.len(),
				example: first.0,
			});
		}
	}
	if !options.components.is_empty() {
		heads.retain(|(component, _)| options.components.contains(component));
	}
	let (blocks, is_cut) = walk(chain, &heads, options).await?;
	let order: Vec<Component> = heads.iter().map(|(component, _)| *component).collect();
	Ok(Drawing {
		model: model.id,
		name: printable(&model.name),
		version: model.version,
		generation: model.generation,
		root: model.root,
		as_of,
		components: by_component(blocks, order, as_of),
		depth: options.depth,
		cut_at: is_cut.then_some(options.max_blocks),
	})
}

async fn find_model(
	chain: &dyn Chain,
	wanted: Option<ModelId>,
) -> Result<ModelInfo<AccountId>, CollectError> {
	if let Some(wanted) = wanted {
		if let Some(model) = chain.model(wanted).await? {
			return Ok(model);
		}
	}
	let mut models = chain.models().await?;
	let known = || models.iter().map(|model| (model.id, printable(&model.name))).collect();
	match (wanted, models.len()) {
		(Some(wanted), _) => Err(CollectError::ModelNotFound { wanted, known: known() }),
		(None, 0 | 1) => models.pop().ok_or(CollectError::NoModels),
		(None, _) => Err(CollectError::WhichModel(known())),
	}
}

/// The last heads of components that migrations took out. Only what raises MAJOR takes components out, so
/// the manifests before each rise name them all.
async fn retired_heads(
	chain: &dyn Chain,
	model: &ModelInfo<AccountId>,
	heads: &[(Component, BlockId)],
) -> Result<BTreeMap<Component, BlockId>, ChainError> {
	let present: HashSet<Component> = heads.iter().map(|(component, _)| *component).collect();
	let mut retired = BTreeMap::new();
	let (mut major, mut newest) = (model.version.major, model.generation);
	for _ in 0..MAX_MAJORS {
		let Some(before) = last_before_major(chain, model.id, major, newest).await? else { break };
		for entry in chain.manifest(model.id, Some(before)).await? {
			if !present.contains(&entry.component) {
				// A newer manifest was looked at before: its entry stays.
				retired.entry(entry.component).or_insert(entry.block);
			}
		}
		let Some(version) = chain.version(model.id, Some(before)).await? else { break };
		(major, newest) = (version.version.major, before);
	}
	Ok(retired)
}

/// The last generation with a lower MAJOR, by bisection, as MAJOR never falls. `None` if there is none, or
/// the chain does not tell.
async fn last_before_major(
	chain: &dyn Chain,
	model: ModelId,
	major: u32,
	newest: Generation,
) -> Result<Option<Generation>, ChainError> {
	if major == 0 {
		return Ok(None);
	}
	let (mut low, mut high) = (0, newest);
	while low < high {
		let middle = low + (high - low) / 2;
		let Some(version) = chain.version(model, Some(middle)).await? else { return Ok(None) };
		if version.version.major >= major {
			high = middle;
		} else {
			low = middle.saturating_add(1);
		}
	}
	Ok(low.checked_sub(1))
}

/// The blocks to draw, in the order in which they were met, and whether there were more than allowed.
async fn walk(
	chain: &dyn Chain,
	heads: &[(Component, BlockId)],
	options: &Options,
) -> Result<(Vec<BlockInfo<AccountId>>, bool), CollectError> {
	let mut seen: HashSet<BlockId> = HashSet::new();
	// Blocks to read, and how many blocks back from a head each is.
	let mut queue: VecDeque<(BlockId, u32)> =
		heads.iter().filter(|(_, head)| seen.insert(*head)).map(|(_, head)| (*head, 0)).collect();
	let mut blocks: Vec<BlockInfo<AccountId>> = Vec::new();
	while !queue.is_empty() {
		let room = options.max_blocks.saturating_sub(blocks.len());
		if room == 0 {
			return Ok((blocks, true));
		}
		let batch: Vec<(BlockId, u32)> = queue.drain(..queue.len().min(room).min(PARALLEL_READS)).collect();
		let read: Vec<_> = stream::iter(batch)
			.map(|(block, age)| async move {
				read_block(chain, block).await.map(|(info, children)| (age, info, children))
			})
			.buffered(PARALLEL_READS)
			.try_collect()
			.await?;
		for (age, info, children) in read {
			if !options.components.is_empty() && !options.components.contains(&info.block.component) {
				continue;
			}
			let older = age.saturating_add(1);
			if older < options.depth {
				queue.extend(
					info.block
						.parents
						.iter()
						.filter(|parent| seen.insert(**parent))
						.map(|parent| (*parent, older)),
				);
			}
			let newer = age.saturating_sub(1);
			let newest = children.iter().skip(children.len().saturating_sub(MAX_CHILDREN));
			queue.extend(newest.filter(|child| seen.insert(**child)).map(|child| (*child, newer)));
			blocks.push(info);
		}
	}
	Ok((blocks, false))
}

/// A block and its children, oldest first.
async fn read_block(
	chain: &dyn Chain,
	block: BlockId,
) -> Result<(BlockInfo<AccountId>, Vec<BlockId>), CollectError> {
	let info = chain.block(block).await?.ok_or(CollectError::BlockNotFound(block))?;
	let children = if info.children == 0 { Vec::new() } else { chain.children(block).await? };
	Ok((info, children))
}

/// Sorts blocks into components, those in `order` first, and within each by how far they are from the
/// first that is drawn, then by submission.
fn by_component(
	blocks: Vec<BlockInfo<AccountId>>,
	order: Vec<Component>,
	now: BlockNumber,
) -> Vec<ComponentGraph> {
	let ranks = ranks(&blocks);
	let mut drawn_children: HashMap<BlockId, usize> = HashMap::new();
	for parent in blocks.iter().flat_map(|info| &info.block.parents) {
		*drawn_children.entry(*parent).or_default() += 1;
	}
	let mut places: HashMap<Component, usize> = HashMap::new();
	let mut components: Vec<ComponentGraph> = Vec::new();
	let found = blocks.iter().map(|info| info.block.component);
	for component in order.into_iter().chain(found) {
		places.entry(component).or_insert_with(|| {
			components.push(ComponentGraph { component, nodes: Vec::new() });
			components.len() - 1
		});
	}
	for info in blocks {
		let hidden_parents = info.block.parents.iter().filter(|parent| !ranks.contains_key(parent)).count();
		let drawn = drawn_children.get(&info.id).copied().unwrap_or_default();
		let hidden_children = (info.children as usize).saturating_sub(drawn);
		let graph = places.get(&info.block.component).and_then(|place| components.get_mut(*place));
		if let Some(graph) = graph {
			let mark = Mark::of(&info, now);
			graph.nodes.push(Node { info, mark, hidden_parents, hidden_children });
		}
	}
	for component in &mut components {
		component.nodes.sort_by_key(|node| (ranks.get(&node.id()).copied(), node.info.submission, node.id()));
	}
	components.retain(|component| !component.nodes.is_empty());
	components
}

/// The longest way to each block from one without drawn parents, in steps.
fn ranks(blocks: &[BlockInfo<AccountId>]) -> HashMap<BlockId, usize> {
	let mut ranks: HashMap<BlockId, usize> = blocks.iter().map(|info| (info.id, 0)).collect();
	let mut children: HashMap<BlockId, Vec<BlockId>> = HashMap::new();
	let mut waits_for: HashMap<BlockId, usize> = HashMap::new();
	for info in blocks {
		let parents = info.block.parents.iter().filter(|parent| ranks.contains_key(*parent));
		let mut count = 0;
		for parent in parents {
			children.entry(*parent).or_default().push(info.id);
			count += 1;
		}
		waits_for.insert(info.id, count);
	}
	let mut ready: Vec<BlockId> =
		blocks.iter().map(|info| info.id).filter(|id| waits_for.get(id) == Some(&0)).collect();
	while let Some(block) = ready.pop() {
		let next = ranks.get(&block).copied().unwrap_or_default() + 1;
		for child in children.remove(&block).unwrap_or_default() {
			if let Some(rank) = ranks.get_mut(&child) {
				*rank = next.max(*rank);
			}
			if let Some(waits) = waits_for.get_mut(&child) {
				*waits -= 1;
				if *waits == 0 {
					ready.push(child);
				}
			}
		}
	}
	ranks
}
