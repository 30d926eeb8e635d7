//! The version that answers: what the chain accepted last, as soon as this machine has it.

use super::config::ServeConfig;
use crate::{
	content::Content,
	heads::{load_verified_within, Heads, HeadsError},
	rounds::newest,
};
use blyan_chain_client::{BlockRef, Chain, ChainError};
use blyan_model::{RoutingCap, Weights};
use blyan_primitives::{
	api::ModelInfo,
	dag::{BlockId, Component, Generation, ManifestEntry, ModelId},
	merkle, AccountId, BlockNumber, Hash,
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How long the content of heads may take to fetch before the next block is looked at.
const FETCH_PATIENCE: Duration = Duration::from_secs(30);
/// How often the model is read again because a block was finalized meanwhile.
const READS: usize = 8;

/// What an answer was computed from. Rides along with every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
	/// The model's number on the chain.
	pub model_id: ModelId,
	/// How often its heads had moved.
	pub generation: Generation,
	/// The version, `MAJOR.MINOR.PATCH`.
	pub version: String,
	/// The Merkle root over the blocks, computed here from the blocks below and found equal to the chain's.
	pub version_root: Hash,
	/// The blocks whose weights were used, in the order of the components' indices.
	pub blocks: Vec<BlockId>,
	/// Those of them that were on probation at `chain_height`. No more of the answer's tokens are routed to an
	/// expert among them than the chain's share, see [`RoutingCap`].
	pub probation: Vec<BlockId>,
	/// The newest finalized block in which this was seen to be the model's version.
	pub chain_height: BlockNumber,
	/// Its hash.
	pub chain_hash: Hash,
}

/// Weights to answer from.
#[derive(Debug)]
pub struct Served {
	/// The model's name on the chain; its id for clients.
	pub name: String,
	/// When the version's newest component was verified here, in seconds since the Unix epoch.
	pub since_seconds: u64,
	/// What rides along with answers.
	pub receipt: Receipt,
	/// Holds for the experts that were on probation at the receipt's height.
	pub cap: RoutingCap,
	heads: Arc<Heads>,
}

/// The heads that are on probation in the block of that height.
fn on_probation(manifest: &[ManifestEntry], height: BlockNumber) -> impl Iterator<Item = &ManifestEntry> {
	manifest.iter().filter(move |entry| entry.probation_until.is_some_and(|until| height < until))
}

impl Served {
	/// These weights, seen in the block `at` to be those of the model, of which that block says `info`.
	fn new(heads: Arc<Heads>, since_seconds: u64, info: &ModelInfo<AccountId>, at: BlockRef) -> Self {
		let manifest = &heads.manifest;
		let cap = RoutingCap {
			share_parts_per_billion: info.probation_routing_share.deconstruct(),
			experts: on_probation(manifest, at.number)
				.filter_map(|entry| match entry.component {
					Component::Expert { layer, index } => Some((layer, index)),
					Component::Backbone | Component::Router { .. } => None,
				})
				.collect(),
		};
		let receipt = Receipt {
			model_id: info.id,
			generation: info.generation,
			version: info.version.to_string(),
			version_root: heads.root,
			blocks: manifest.iter().map(|entry| entry.block).collect(),
			probation: on_probation(manifest, at.number).map(|entry| entry.block).collect(),
			chain_height: at.number,
			chain_hash: at.hash,
		};
		let name = match String::from_utf8_lossy(&info.name) {
			name if name.trim().is_empty() => numbered(info.id),
			name => name.into_owned(),
		};
		Self { name, since_seconds, receipt, cap, heads }
	}

	/// The same weights, seen to be the model's in a newer block. What is on probation may be less.
	fn seen_at(&self, info: &ModelInfo<AccountId>, at: BlockRef) -> Self {
		Self::new(self.heads.clone(), self.since_seconds, info, at)
	}

	/// Names all that answers depend on besides the request: the weights, and the cap on routing.
	pub fn fingerprint(&self) -> Hash {
		let RoutingCap { share_parts_per_billion, experts } = &self.cap;
		let root = self.receipt.version_root;
		if experts.is_empty() {
			return root;
		}
		merkle::leaf(0, &(root, share_parts_per_billion, experts))
	}

	/// The weights.
	pub fn weights(&self) -> &Weights {
		&self.heads.weights
	}

	/// The account that owns the model; "governance" if none does.
	pub fn owner(&self) -> String {
		self.heads.info.owner.as_ref().map_or("governance".into(), ToString::to_string)
	}

	/// Whether a client that asks for that model means this one: by its name, or as `model-0`.
	pub fn is_called(&self, name: &str) -> bool {
		name == self.name || name == numbered(self.receipt.model_id)
	}
}

fn numbered(model: ModelId) -> String {
	format!("model-{model}")
}

/// What can be answered from now.
#[derive(Clone, Debug)]
pub struct Current {
	/// The weights, once there are any.
	pub served: Option<Arc<Served>>,
	/// Why there are none, or why they are not the newest.
	pub trouble: Option<String>,
}

impl Current {
	/// Nothing yet.
	pub fn starting(why: impl Into<String>) -> Self {
		Self { served: None, trouble: Some(why.into()) }
	}
}

/// Follows the finalized chain, and puts every version of the model in place as soon as its weights are
/// here and verified. A version that cannot be had leaves the one before in place.
///
/// # Errors
/// The chain cannot be followed any more; what passes is waited out.
pub async fn follow(
	chain: &dyn Chain,
	content: &Content,
	config: &ServeConfig,
	current: &watch::Sender<Current>,
) -> Result<(), ChainError> {
	let model = config.model;
	let mut blocks = chain.finalized_blocks(None);
	while newest(&mut blocks).await?.is_some() {
		let known = current.borrow().served.clone();
		match observe(chain, content, config, known.as_deref()).await {
			Ok(served) => {
				let Receipt { generation, version_root, chain_height, probation, .. } = &served.receipt;
				let on_probation = probation.len();
				if known.as_ref().is_none_or(|known| known.receipt.version_root != *version_root) {
					tracing::info!(
						model,
						generation,
						?version_root,
						chain_height,
						on_probation,
						"answering from a new version"
					);
				} else if known.is_some_and(|known| known.cap != served.cap) {
					tracing::info!(model, generation, chain_height, on_probation, "probation changed");
				}
				current.send_replace(Current { served: Some(Arc::new(served)), trouble: None });
			}
			Err(error) => {
				let trouble = error.to_string();
				if current.borrow().trouble.as_ref() != Some(&trouble) {
					tracing::warn!(model, error = %trouble, "no newer version to answer from; looked at again with every block");
				}
				current.send_modify(|current| current.trouble = Some(trouble));
			}
		}
	}
	Ok(())
}

/// Why the newest version is not answered from.
#[derive(Debug, thiserror::Error)]
enum ObserveError {
	#[error(transparent)]
	Heads(#[from] HeadsError),
	#[error("blocks are finalized faster than the node answers")]
	TooFast,
}

impl From<ChainError> for ObserveError {
	fn from(error: ChainError) -> Self {
		Self::Heads(error.into())
	}
}

async fn observe(
	chain: &dyn Chain,
	content: &Content,
	config: &ServeConfig,
	known: Option<&Served>,
) -> Result<Served, ObserveError> {
	let model = config.model;
	let (at, info) = read(chain, model).await?;
	if let Some(known) = known.filter(|known| {
		known.receipt.generation == info.generation && Some(known.receipt.version_root) == info.root
	}) {
		return Ok(known.seen_at(&info, at));
	}
	// Of that generation and no other: the receipt says in which block it was the model's.
	let known = known.map(|known| &*known.heads);
	let (generation, limit) = (Some(info.generation), config.expert_cache_bytes);
	let heads = load_verified_within(chain, content, model, generation, known, FETCH_PATIENCE, limit).await?;
	Ok(Served::new(Arc::new(heads), super::unix_seconds(), &info, at))
}

/// The model, and the finalized block whose state says so.
async fn read(chain: &dyn Chain, model: ModelId) -> Result<(BlockRef, ModelInfo<AccountId>), ObserveError> {
	for _ in 0..READS {
		// Reads are of the newest finalized block, whichever that is by then.
		let at = chain.finalized_head().await?;
		let info = chain.model(model).await?.ok_or(HeadsError::ModelNotFound(model))?;
		if chain.finalized_head().await? == at {
			return Ok((at, info));
		}
	}
	Err(ObserveError::TooFast)
}
