//! The training manifest: evidence of what a block learned from. Its hash is in the block, and the
//! submission that carries the block is signed, so the trainer answers for it.

use crate::config::JobConfig;
use blyan_primitives::{
	cid::Cid,
	dag::{BlockId, Generation, ModelId},
	AccountId, Hash,
};
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use serde::{Deserialize, Serialize};

/// Names the rule by which an auditor derives the batches again.
pub const FORMAT: &str = "blyan/training-manifest/1";

/// What a training run did. Fields are in the order in which they are hashed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
	/// [`FORMAT`].
	pub format: String,
	/// Who trained.
	pub trainer: AccountId,
	/// The model.
	pub model: ModelId,
	/// The generation that training started from.
	pub generation: Generation,
	/// Its version root.
	pub version_root: Hash,
	/// The heads that are improved on, in the order of the components trained.
	pub parents: Vec<BlockId>,
	/// What was learned from.
	pub datasets: Vec<Dataset>,
	/// Components, optimizer, steps and seed; with the text they decide every batch.
	pub job: JobConfig,
	/// Sequences that were learned from.
	pub samples: u64,
	/// Merkle root over the hashes of the batches, in order.
	pub batches_root: Hash,
	/// Time that passed.
	pub wall_seconds: f64,
	/// Time times the devices that computed: threads, on a CPU.
	pub device_seconds: f64,
}

/// A text, and how much of the batches came from it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
	/// Where it is.
	pub content: Cid,
	/// Its length in bytes.
	pub bytes: u64,
	/// Its share of the samples; all of them add up to 1.
	pub weight: f64,
}

/// BLAKE2-256, as a block's `manifest_hash`.
pub fn hash(bytes: &[u8]) -> Hash {
	blake2_256(bytes).into()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn hash_should_be_blake2_256() {
		// Of nothing, as RFC 7693's reference implementation prints it.
		let expected = "0x0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
		assert_eq!(format!("{:?}", hash(b"")), expected);
	}
}
