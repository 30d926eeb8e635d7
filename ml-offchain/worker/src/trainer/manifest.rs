//! The document of a training manifest: evidence of what a block learned from. Its hash is in the block, and the
//! submission that carries the block is signed, so the trainer answers for it. A record of it goes with the submission,
//! by which auditors find it.

use crate::config::JobConfig;
use blyan_primitives::{
	cid::Cid,
	dag::{BlockId, Generation, ModelId},
	manifest::{DatasetUse, DatasetUses, TrainingManifest},
	AccountId, Hash,
};
use polkadot_sdk::{sp_crypto_hashing::blake2_256, sp_runtime::Perbill};
use serde::{Deserialize, Serialize};

/// Names the rule by which an auditor derives the batches again: [`blyan_model::Batches`].
pub const FORMAT: &str = "blyan/training-manifest/2";

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
	/// What the batches are bound to ([`blyan_primitives::manifest::binding`]).
	pub binding: Hash,
	/// What was learned from.
	pub datasets: Vec<Dataset>,
	/// Components, optimizer, steps and seed.
	pub job: JobConfig,
	/// Sequences that were learned from.
	pub samples: u64,
	/// Merkle root over the hashes of the batches, in order.
	pub batches_root: Hash,
	/// The hashes of the batches.
	pub leaves: Leaves,
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
	/// The probability with which a sequence is of it, in parts of [`blyan_model::WHOLE`].
	pub weight: u32,
}

/// The hashes of the batches, one after another, 32 bytes each.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaves {
	/// Where they are.
	pub content: Cid,
	/// Their length in bytes.
	pub bytes: u64,
}

impl Manifest {
	/// What goes with the submission, of a document of those bytes; `None` if the chain takes no such manifest, as
	/// where nothing was learned.
	pub fn record(&self, document: &[u8], cid: Cid) -> Option<TrainingManifest> {
		let uses = self.datasets.iter().map(|dataset| DatasetUse {
			dataset: dataset.content,
			weight: Perbill::from_parts(dataset.weight),
		});
		let record = TrainingManifest {
			document: cid,
			document_bytes: document.len() as u64,
			document_hash: hash(document),
			datasets: DatasetUses::try_from(uses.collect::<Vec<_>>()).ok()?,
			sequence: self.job.sequence,
			batch: self.job.batch,
			steps: self.job.steps,
			seed: self.job.seed,
			batches_root: self.batches_root,
		};
		record.check().is_ok().then_some(record)
	}
}

/// BLAKE2-256, as a block's `manifest_hash`.
pub fn hash(bytes: &[u8]) -> Hash {
	blake2_256(bytes).into()
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use blyan_model::WHOLE;
	use blyan_primitives::cid::CidCodec;

	/// Of one dataset, and of a run of 20 steps.
	pub(crate) fn manifest() -> Manifest {
		let content = Cid { codec: CidCodec::Raw, digest: [1; 32] };
		Manifest {
			format: FORMAT.into(),
			trainer: AccountId::new([7; 32]),
			model: 0,
			generation: 0,
			version_root: Hash::zero(),
			parents: vec![Hash::repeat_byte(3)],
			binding: Hash::repeat_byte(4),
			datasets: vec![Dataset { content, bytes: 900, weight: WHOLE }],
			job: JobConfig { steps: 20, batch: 2, sequence: 8, ..JobConfig::default() },
			samples: 40,
			batches_root: Hash::repeat_byte(2),
			leaves: Leaves { content, bytes: 640 },
			wall_seconds: 1.0,
			device_seconds: 2.0,
		}
	}

	#[test]
	fn hash_should_be_blake2_256() {
		// Of nothing, as RFC 7693's reference implementation prints it.
		let expected = "0x0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
		assert_eq!(format!("{:?}", hash(b"")), expected);
	}

	#[test]
	fn record_should_say_what_the_document_says_and_be_none_when_nothing_was_learned() {
		let cid = Cid { codec: CidCodec::Raw, digest: [9; 32] };
		let record = manifest().record(b"document", cid).unwrap();
		assert_eq!((record.document, record.document_bytes), (cid, 8));
		assert_eq!(record.document_hash, hash(b"document"));
		assert_eq!((record.steps, record.batch, record.sequence), (20, 2, 8));
		assert_eq!((record.samples(), record.batches_root), (40, Hash::repeat_byte(2)));
		assert_eq!(record.datasets[0].weight, Perbill::one());
		let mut nothing = manifest();
		nothing.job.steps = 0;
		assert_eq!(nothing.record(b"document", cid), None);
	}
}
