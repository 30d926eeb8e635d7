//! What the reference evaluator computes of a shard of a round.

use crate::{
	evaluator::measure::{
		put_in_place, read_shards, Candidate, Lots, MeasureError, Measurer, Texts, HEADS_PATIENCE,
	},
	heads::load_generation,
};
use blyan_model::{TokenShard, Weights};
use blyan_primitives::{
	dag::SubmissionId,
	draw::round_shards,
	learning::{Purpose, RefereeFinding, ShardLosses},
	Hash,
};
use blyan_reference::{fuel_limit, Reference, ReferenceError, MODULE};
use polkadot_sdk::sp_core::{Blake2Hasher, Hasher};
use std::sync::OnceLock;

/// BLAKE2-256 of the module that this program carries: what a model names as its referee.
pub fn module_hash() -> Hash {
	static HASH: OnceLock<Hash> = OnceLock::new();
	*HASH.get_or_init(|| Blake2Hasher::hash(MODULE))
}

/// The module, compiled once. Takes seconds the first time.
fn reference() -> Result<Reference, ReferenceError> {
	static REFERENCE: OnceLock<Reference> = OnceLock::new();
	if let Some(reference) = REFERENCE.get() {
		return Ok(reference.clone());
	}
	let loaded = Reference::load(MODULE)?;
	Ok(REFERENCE.get_or_init(|| loaded).clone())
}

impl Measurer {
	/// Runs the shard at that position of a round on the reference evaluator: under the heads that the round was
	/// measured against, and under its candidate. [`RefereeFinding::Unable`] where nobody can: the round is decided by
	/// another module, its candidate is not to be had, or it has no such shard.
	///
	/// # Errors
	/// [`MeasureError`], where it may work another time, or on another machine.
	#[tracing::instrument(skip(self))]
	pub async fn exact(
		&mut self,
		round: SubmissionId,
		position: u32,
	) -> Result<RefereeFinding, MeasureError> {
		let terms = self.chain.round(round).await?.ok_or(MeasureError::NotDrawn(round))?;
		let (Some(pool), Some(gate), Some(seed), Some(baseline)) =
			(terms.pool, terms.gate, terms.seed, terms.baseline)
		else {
			return Err(MeasureError::NotDrawn(round));
		};
		let named = terms.referee.unwrap_or_default();
		if named != module_hash() {
			tracing::error!(
				?named, carried = ?module_hash(),
				"the round names another reference evaluator than this program carries: install the version that has it"
			);
			return Ok(RefereeFinding::Unable);
		}
		let sealed = match self.fetch_lots(round).await? {
			Lots::Here(sealed) => sealed,
			Lots::Cannot(finding) => {
				tracing::warn!(?finding, "the round's sealed text is not to be had");
				return Ok(RefereeFinding::Unable);
			}
		};
		let shard = round_shards(seed, &pool, &gate, &sealed.shards).get(position as usize).copied();
		let (Some(shard), true) = (shard, terms.purpose != Purpose::Compaction) else {
			tracing::error!("the round has no such shard");
			return Ok(RefereeFinding::Unable);
		};
		let known = self.heads.get(&terms.model);
		let heads =
			load_generation(&*self.chain, &self.content, terms.model, baseline, known, HEADS_PATIENCE)
				.await?;
		let candidate = match self.fetch_candidate(&terms.blocks).await? {
			Candidate::Here(candidate) => candidate,
			Candidate::Cannot(finding) => {
				tracing::warn!(?finding, "the candidate cannot be run");
				return Ok(RefereeFinding::Unable);
			}
		};
		let pool_bytes = u64::from(pool.shard_count()).saturating_mul(pool.shard_bytes.into());
		let path = self.content.get(pool.content, pool_bytes, None, HEADS_PATIENCE).await?;
		let migration = terms.purpose.migration();
		tokio::task::spawn_blocking(move || {
			let texts = Texts { pool_path: &path, pool: &pool, sealed: &sealed };
			let text = read_shards(&texts, &[shard])
				.map_err(|source| MeasureError::Shards { path: path.clone(), source })?
				.pop()
				.unwrap_or_default();
			let weights = put_in_place(&heads.weights, migration, &candidate)?;
			let reference = reference()?;
			let (baseline, candidate) = std::thread::scope(|scope| {
				let baseline = scope.spawn(|| loss(&reference, &heads.weights, &text));
				let candidate = loss(&reference, &weights, &text);
				let died = || ReferenceError::Engine("the thread that ran the baseline died".into());
				(baseline.join().unwrap_or_else(|_| Err(died())), candidate)
			});
			let losses = ShardLosses { baseline: baseline?, candidate: candidate? };
			tracing::info!(shard, losses.baseline, losses.candidate, "the shard was run exactly");
			Ok(RefereeFinding::Exact(losses))
		})
		.await?
	}
}

fn loss(reference: &Reference, weights: &Weights, text: &[u8]) -> Result<i64, ReferenceError> {
	let shard = match weights.tokenizer()? {
		Some(tokenizer) => tokenizer.shard(text)?,
		None => TokenShard::from_bytes(text),
	};
	let fuel = fuel_limit(weights.architecture(), shard.tokens.len() as u64);
	Ok(reference.shard_loss(weights, &shard, fuel)?.nanobits)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn module_hash_should_be_that_of_the_module_that_is_run() {
		assert_eq!(module_hash(), reference().unwrap().module_hash());
	}
}
