//! Someone who wants to be paid for nothing: three submissions that must not be accepted.

use crate::summary::Expected;
use anyhow::{Context, Result};
use blyan_chain_client::Chain;
use blyan_model::Weights;
use blyan_primitives::{
	architecture::Architecture,
	cid::Cid,
	dag::{BlockId, BlockKind, Component, ContentFormat, NewBlock},
	Hash,
};
use blyan_store::cid_of_bytes;
use blyan_tensorblock::{encode, Container, DType, Tensor};
use blyan_worker::content::Content;
use std::time::Duration;

/// Decides the noise; any will do.
const NOISE_SEED: u64 = 0xbad;
/// How long a head's content may take to fetch.
const FETCH_PATIENCE: Duration = Duration::from_secs(60);

/// A submission made on purpose to be refused.
#[derive(Clone, Debug)]
pub struct Forgery {
	/// What it is, for people.
	pub label: &'static str,
	/// What it must come to.
	pub expected: Expected,
	/// Its content.
	pub bytes: Vec<u8>,
	/// Whether the adversary serves the content.
	pub is_served: bool,
}

/// A block's whole weights, as any worker has them: its content, or what its chain of deltas replays to.
///
/// # Errors
/// The chain does not know the block, or nobody serves what its weights are made of.
pub async fn whole_weights(chain: &dyn Chain, content: &Content, block: BlockId) -> Result<Vec<u8>> {
	let info =
		chain.block(block).await?.with_context(|| format!("the chain does not know block {block:?}"))?;
	let path = content.whole(&info, Some(&info.block.trainer), FETCH_PATIENCE).await?;
	tokio::fs::read(&path).await.with_context(|| format!("{} cannot be read", path.display()))
}

/// Makes the three of a head's whole weights. The same head gives the same forgeries, so that a run that was
/// broken off recognises its own.
///
/// - a *noisy expert*: the head's weights with fresh random ones added to them;
/// - a *re-encoded copy*: the head's weights rounded to bf16, another file that computes the same;
/// - *unserved content*: weights that exist, under an address that nobody answers for.
///
/// # Errors
/// They are not what the head's component asks for.
pub fn forge(architecture: &Architecture, component: Component, head: &[u8]) -> Result<[Forgery; 3]> {
	Ok([
		Forgery {
			label: "noisy expert",
			expected: Expected::RefusedForNoGain,
			bytes: noisy(architecture, component, head, NOISE_SEED)?,
			is_served: true,
		},
		Forgery {
			label: "re-encoded copy",
			expected: Expected::RefusedForNoGain,
			bytes: re_encoded(head)?,
			is_served: true,
		},
		Forgery {
			label: "unserved content",
			expected: Expected::RefusedAsUnfetchable,
			bytes: noisy(architecture, component, head, NOISE_SEED + 1)?,
			is_served: false,
		},
	])
}

impl Forgery {
	/// The block that is submitted: it claims to improve on `head`.
	///
	/// # Errors
	/// The content is too long to have an address.
	pub fn block(&self, component: Component, head: BlockId) -> Result<NewBlock> {
		let content: Cid = cid_of_bytes(&self.bytes)?;
		Ok(NewBlock {
			component,
			kind: BlockKind::Update,
			parents: vec![head].try_into().ok().context("one parent is within the bound")?,
			content,
			bytes: self.bytes.len() as u64,
			format: ContentFormat::TensorBlock,
			// There was no training, so there is no manifest.
			manifest_hash: Hash::zero(),
		})
	}
}

/// The head's weights with those of an untrained model added.
fn noisy(architecture: &Architecture, component: Component, head: &[u8], seed: u64) -> Result<Vec<u8>> {
	let noise = Weights::init(architecture, seed)?;
	let mut weights = noise.clone();
	weights.set_component(component, head)?;
	for (weight, noise) in weights.component_mut(component)?.iter_mut().zip(noise.component(component)?) {
		*weight += noise;
	}
	Ok(weights.component_bytes(component)?)
}

/// The head's tensors with every number rounded to bf16.
fn re_encoded(head: &[u8]) -> Result<Vec<u8>> {
	let container = Container::parse(head)?;
	let tensors = container
		.tensors()
		.map(|(name, view)| {
			let bytes: Vec<u8> =
				view.to_f32_vec().into_iter().flat_map(|number| to_bf16(number).to_le_bytes()).collect();
			Tensor::new(name, DType::Bf16, view.shape(), bytes)
		})
		.collect::<Result<Vec<_>, _>>()?;
	Ok(encode(&tensors)?)
}

/// The upper half of a finite f32, rounded to the nearest, ties to even.
fn to_bf16(number: f32) -> u16 {
	let bits = number.to_bits();
	let half = 0x7fff + (bits >> 16 & 1);
	(bits.saturating_add(half) >> 16) as u16
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::fake::FakeChain;
	use blyan_delta::{Delta, DeltaOptions};
	use blyan_exchange::{Identity, Network, NetworkConfig};
	use blyan_primitives::{
		api::{BlockInfo, BlockStanding, WorkerInfo},
		architecture::ExpertCount,
		dag::Block,
		delta::DeltaChain,
		worker::{Role, Roles, INITIAL_REPUTATION},
		AccountId,
	};
	use blyan_store::{Store, Stored};
	use blyan_worker::exchange::start_gateway;
	use std::sync::Arc;

	const EXPERT: Component = Component::Expert { layer: 0, index: 1 };

	fn architecture() -> Architecture {
		Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 2 }, 1, 16, 24, 2, 16)
	}

	fn head() -> (Weights, Vec<u8>) {
		let weights = Weights::init(&architecture(), 1).unwrap();
		let bytes = weights.component_bytes(EXPERT).unwrap();
		(weights, bytes)
	}

	fn read(bytes: &[u8]) -> Vec<f32> {
		let (mut weights, _) = head();
		weights.set_component(EXPERT, bytes).unwrap();
		weights.component(EXPERT).unwrap().to_vec()
	}

	#[test]
	fn forgeries_should_be_well_formed_distinct_and_always_the_same() {
		let (_, bytes) = head();
		let forgeries = forge(&architecture(), EXPERT, &bytes).unwrap();
		let again = forge(&architecture(), EXPERT, &bytes).unwrap();
		let mut contents = vec![cid_of_bytes(&bytes).unwrap()];
		for (forgery, again) in forgeries.iter().zip(&again) {
			assert_eq!(forgery.bytes, again.bytes);
			assert!(read(&forgery.bytes).iter().all(|number| number.is_finite()));
			let block = forgery.block(EXPERT, BlockId::repeat_byte(7)).unwrap();
			assert_eq!((block.bytes, block.parents.len()), (forgery.bytes.len() as u64, 1));
			assert!(!contents.contains(&block.content), "{} has a known content", forgery.label);
			contents.push(block.content);
		}
		assert_eq!(forgeries.iter().filter(|forgery| !forgery.is_served).count(), 1);
	}

	#[test]
	fn copy_should_compute_nearly_the_same_and_noise_should_not() {
		let (weights, bytes) = head();
		let original = weights.component(EXPERT).unwrap();
		let [noisy, copy, _] = forge(&architecture(), EXPERT, &bytes).unwrap();
		let distance = |other: Vec<f32>| {
			let squares: f32 = original.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
			(squares / original.iter().map(|a| a * a).sum::<f32>()).sqrt()
		};
		assert!(distance(read(&copy.bytes)) < 0.005);
		assert!(distance(read(&noisy.bytes)) > 0.5);
	}

	/// A chain on which a trainer serves a store, with blocks of that content, each on the one before it.
	fn chain(trainer: &AccountId, endpoint: &str, contents: &[(BlockKind, Stored)]) -> (FakeChain, BlockId) {
		let chain = FakeChain::new();
		let worker = WorkerInfo {
			account: trainer.clone(),
			roles: Roles::default().with(Role::Trainer),
			endpoint: endpoint.as_bytes().to_vec(),
			bond: 0,
			reputation: INITIAL_REPUTATION,
			engagements: 0,
			active: true,
		};
		chain.edit(|state| state.workers.insert(trainer.clone(), worker));
		let mut last: Option<BlockInfo<AccountId>> = None;
		for (kind, content) in contents {
			let new = NewBlock {
				component: EXPERT,
				kind: *kind,
				parents: last.iter().map(|parent| parent.id).collect::<Vec<_>>().try_into().unwrap(),
				content: content.cid,
				bytes: content.bytes,
				format: ContentFormat::TensorBlock,
				manifest_hash: Hash::zero(),
			};
			let deltas = match (kind, &last) {
				(BlockKind::Delta, Some(parent)) => parent.deltas.extended(content.bytes),
				_ => DeltaChain::whole(content.bytes),
			};
			let block = Block::from_new(0, trainer.clone(), new);
			let standing = BlockStanding::Head { since: 0 };
			let (id, probation_until) = (block.id(), None);
			let info =
				BlockInfo { id, block, submission: None, standing, deltas, children: 0, probation_until };
			chain.edit(|state| state.blocks.insert(info.id, info.clone()));
			last = Some(info);
		}
		(chain, last.unwrap().id)
	}

	#[tokio::test]
	async fn forge_should_take_a_head_that_is_a_delta_when_it_is_replayed() {
		let (mut weights, before) = head();
		weights.component_mut(EXPERT).unwrap().iter_mut().for_each(|weight| *weight *= 1.5);
		let after = weights.component_bytes(EXPERT).unwrap();
		let parse = |bytes| Container::parse(bytes).unwrap();
		let options = DeltaOptions::default();
		let delta = Delta::encode(&parse(&before[..]), &parse(&after[..]), &options).unwrap().bytes;
		assert!(forge(&architecture(), EXPERT, &delta).is_err(), "a delta is no whole weights");

		let (trainers, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
		let store = Store::open(trainers.path()).unwrap();
		let (base, change) = (store.put_bytes(&before).unwrap(), store.put_bytes(&delta).unwrap());
		let serving = start_gateway(store, ([127, 0, 0, 1], 0).into()).await.unwrap();
		let contents = [(BlockKind::Genesis, base), (BlockKind::Delta, change)];
		let (trainer, me) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
		let (chain, block) = chain(&trainer, &format!("http://{}", serving.address()), &contents);
		let own = Store::open(own.path()).unwrap();
		let network = Network::start(own, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
		let content = Content::new(network, Arc::new(chain.clone()), me);
		let replayed = whole_weights(&chain, &content, block).await.unwrap();

		let [noisy, copy, _] = forge(&architecture(), EXPERT, &replayed).unwrap();
		let distance = |a: &[u8], b: &[u8]| {
			let (a, b) = (read(a), read(b));
			let squares: f32 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
			(squares / b.iter().map(|b| b * b).sum::<f32>()).sqrt()
		};
		assert!(distance(&copy.bytes, &replayed) < 0.005);
		assert!(distance(&noisy.bytes, &replayed) > 0.5);
		assert!(
			distance(&copy.bytes, &before) > 0.1,
			"it is a copy of the head, not of what that is against"
		);
	}

	#[test]
	fn to_bf16_should_round_to_nearest_and_ties_to_even() {
		for (number, expected) in [
			(1.0f32, 0x3f80),
			(-2.5, 0xc020),
			(0.0, 0),
			// Half a step above 1: to the even neighbour below; half a step above the next: to the one above.
			(1.0 + 1.0 / 256.0, 0x3f80),
			(1.0 + 3.0 / 256.0, 0x3f82),
			(1.0 + 1.1 / 256.0, 0x3f81),
		] {
			assert_eq!(to_bf16(number), expected, "{number}");
		}
	}

	#[test]
	fn forge_should_refuse_content_that_is_no_head() {
		assert!(forge(&architecture(), EXPERT, b"not a container").is_err());
		let (weights, _) = head();
		let router = weights.component_bytes(Component::Router { layer: 0 }).unwrap();
		assert!(forge(&architecture(), EXPERT, &router).is_err());
	}
}
