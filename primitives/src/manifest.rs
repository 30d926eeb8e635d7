//! Training manifests: what a submission says that it learned from, and what auditors find of it.
//!
//! Rules: spec "Proof of learning", the training manifest.

use crate::{
	cid::Cid,
	dag::{BlockId, ModelId, SubmissionId},
	datasets::Tier,
	draw::Lots,
	Hash,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		Perbill,
	},
};
use scale_info::TypeInfo;

/// Most datasets that a submission may learn from.
pub const MAX_DATASETS: u32 = 16;
/// Most steps of a run that is audited: the document has a leaf of 32 bytes for each.
pub const MAX_STEPS: u32 = 1 << 20;
/// Most tokens of a batch: bounds what an auditor derives at once.
pub const MAX_BATCH_TOKENS: u64 = 1 << 24;
/// Longest document, in bytes. The hashes of the batches are content of their own, which the document names.
pub const MAX_DOCUMENT_BYTES: u64 = 256 << 10;
/// Most batches that auditors derive again.
pub const MAX_SAMPLE: u32 = 256;

/// Names a dataset: its content.
pub type DatasetId = Cid;

/// A dataset, and how much of the batches is of it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetUse {
	/// Which.
	pub dataset: DatasetId,
	/// The probability with which a sequence is of it; all of a manifest add up to one.
	pub weight: Perbill,
}

/// The datasets of a manifest, each once.
pub type DatasetUses = BoundedVec<DatasetUse, ConstU32<MAX_DATASETS>>;

/// What a model's owner asks of the data that it learns from. The default asks for nothing but that it is approved.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DataTerms {
	/// Whether improvements must come with a manifest.
	pub manifest_required: bool,
	/// How good the datasets of a manifest must be, at least.
	pub least_tier: Tier,
}

impl Default for DataTerms {
	fn default() -> Self {
		Self { manifest_required: false, least_tier: Tier::Experimental }
	}
}

/// What a training run says that it did. It names the document, which has the optimizer's settings and names the
/// hashes of the batches, and of which every block of the submission has the hash.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrainingManifest {
	/// Where the document is.
	pub document: Cid,
	/// Its length, in bytes.
	pub document_bytes: u64,
	/// Its BLAKE2-256, the `manifest_hash` of every block of the submission.
	pub document_hash: Hash,
	/// What was learned from.
	pub datasets: DatasetUses,
	/// Tokens of a sequence.
	pub sequence: u32,
	/// Sequences of a batch.
	pub batch: u32,
	/// Optimizer steps: a batch each.
	pub steps: u32,
	/// With the [`binding`] it decides every batch.
	pub seed: u64,
	/// The Merkle root over the hashes of the batches, in order ([`crate::merkle::root`]).
	pub batches_root: Hash,
}

/// Why a manifest is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ManifestFlaw {
	/// It names no dataset, one twice, or one of which nothing was learned.
	Datasets,
	/// The weights of its datasets do not add up to one.
	Weights,
	/// A size is zero, or more than there may be.
	Sizes,
}

impl TrainingManifest {
	/// Sequences that were learned from.
	pub fn samples(&self) -> u64 {
		u64::from(self.steps).saturating_mul(u64::from(self.batch))
	}

	/// Checks what can be checked without the document.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn check(&self) -> Result<(), ManifestFlaw> {
		let names = self.datasets.iter().map(|used| used.dataset).collect::<BTreeSet<_>>();
		let is_used = self.datasets.iter().all(|used| !used.weight.is_zero());
		if names.is_empty() || names.len() != self.datasets.len() || !is_used {
			return Err(ManifestFlaw::Datasets);
		}
		let sum = self.datasets.iter().map(|used| u64::from(used.weight.deconstruct())).sum::<u64>();
		if sum != u64::from(Perbill::one().deconstruct()) {
			return Err(ManifestFlaw::Weights);
		}
		let tokens = u64::from(self.batch).saturating_mul(u64::from(self.sequence));
		let holds = (1..=MAX_BATCH_TOKENS).contains(&tokens)
			&& (1..=MAX_STEPS).contains(&self.steps)
			&& (1..=MAX_DOCUMENT_BYTES).contains(&self.document_bytes);
		holds.then_some(()).ok_or(ManifestFlaw::Sizes)
	}
}

/// What the batches of a submission are bound to, besides the seed: who made it, for which model, and the first
/// parent of each block, in the order of the blocks. A log that is copied from somebody else, or from a run on
/// other heads, does not come to the same batches.
pub fn binding(trainer: &impl Encode, model: ModelId, parents: &[Option<BlockId>]) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/batches-of", trainer, model, parents))
}

/// The batches that auditors derive again, in rising order: a part of `steps`, `floor` at least, and
/// [`MAX_SAMPLE`] at most; all where there are fewer.
///
/// Floyd's sampling without replacement (R. Floyd, CACM 30(9), 1987): one lot a batch.
pub fn sample(seed: Hash, steps: u32, part: Perbill, floor: u32) -> Vec<u32> {
	let wanted = part.mul_ceil(steps).max(floor).min(MAX_SAMPLE).min(steps);
	let mut lots = Lots::new(seed, b"batches");
	let mut chosen = BTreeSet::new();
	for upper in steps.saturating_sub(wanted)..steps {
		let lot = lots.below(u128::from(upper).saturating_add(1)) as u32;
		if !chosen.insert(lot) {
			chosen.insert(upper);
		}
	}
	chosen.into_iter().collect()
}

/// What an auditor finds of a manifest.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ManifestFinding {
	/// The document has the leaves, they come to the root, and every batch of the sample is what the datasets and
	/// the seed give.
	Match,
	/// They do not.
	Mismatch {
		/// The first batch of the sample that is another; `None` if it is the document that is none, is of
		/// another run than the chain's record, or whose leaves do not come to the root.
		batch: Option<u32>,
	},
	/// The document, or a dataset, could not be had.
	Unfetchable,
}

/// How the audit of a manifest stands, or ended.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AuditOutcome {
	/// Not decided yet.
	Pending,
	/// A quorum found that it is right: its datasets are paid.
	Verified,
	/// A quorum found the same flaw: the trainer is slashed, and the datasets are not paid.
	Mismatch {
		/// See [`ManifestFinding::Mismatch`].
		batch: Option<u32>,
	},
	/// A quorum could not fetch it: the datasets are not paid.
	Unfetchable,
	/// No quorum of auditors, in any attempt: the datasets are not paid, and nobody is to blame.
	Undecided,
}

/// What an auditor commits to. Binding it to account, submission and attempt makes a copied commitment
/// worthless.
pub fn commitment(
	auditor: &impl Encode,
	submission: SubmissionId,
	attempt: u32,
	finding: &ManifestFinding,
	salt: &[u8; 32],
) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/manifest-finding", auditor, submission, attempt, finding, salt))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cid::CidCodec;
	use alloc::vec;
	use proptest::prelude::*;

	fn dataset(number: u8) -> DatasetId {
		Cid { codec: CidCodec::DagPb, digest: [number; 32] }
	}

	fn uses(weights: &[(u8, u32)]) -> DatasetUses {
		let uses = weights
			.iter()
			.map(|(number, parts)| DatasetUse {
				dataset: dataset(*number),
				weight: Perbill::from_parts(*parts),
			})
			.collect::<Vec<_>>();
		DatasetUses::truncate_from(uses)
	}

	fn manifest() -> TrainingManifest {
		TrainingManifest {
			document: dataset(9),
			document_bytes: 1_000,
			document_hash: Hash::repeat_byte(4),
			datasets: uses(&[(1, 300_000_000), (2, 700_000_000)]),
			sequence: 128,
			batch: 16,
			steps: 200,
			seed: 7,
			batches_root: Hash::repeat_byte(3),
		}
	}

	#[test]
	fn check_should_name_the_rule_that_is_broken() {
		let m = manifest;
		assert_eq!(m().check(), Ok(()));
		assert_eq!(m().samples(), 3_200);
		for (broken, flaw) in [
			(TrainingManifest { datasets: uses(&[]), ..m() }, ManifestFlaw::Datasets),
			(
				TrainingManifest { datasets: uses(&[(1, 500_000_000), (1, 500_000_000)]), ..m() },
				ManifestFlaw::Datasets,
			),
			(
				TrainingManifest { datasets: uses(&[(1, 1_000_000_000), (2, 0)]), ..m() },
				ManifestFlaw::Datasets,
			),
			(TrainingManifest { datasets: uses(&[(1, 999_999_999)]), ..m() }, ManifestFlaw::Weights),
			(
				TrainingManifest { datasets: uses(&[(1, 1_000_000_000), (2, 1)]), ..m() },
				ManifestFlaw::Weights,
			),
			(TrainingManifest { sequence: 0, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { batch: 0, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { batch: u32::MAX, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { steps: 0, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { steps: MAX_STEPS + 1, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { document_bytes: 0, ..m() }, ManifestFlaw::Sizes),
			(TrainingManifest { document_bytes: MAX_DOCUMENT_BYTES + 1, ..m() }, ManifestFlaw::Sizes),
		] {
			assert_eq!(broken.check(), Err(flaw), "{broken:?}");
		}
	}

	#[test]
	fn binding_should_change_with_trainer_model_and_parents() {
		let (one, other) = (Some(Hash::repeat_byte(1)), Some(Hash::repeat_byte(2)));
		let base = binding(&5u64, 0, &[one, other]);
		assert_ne!(base, binding(&6u64, 0, &[one, other]));
		assert_ne!(base, binding(&5u64, 1, &[one, other]));
		assert_ne!(base, binding(&5u64, 0, &[other, one]));
		assert_ne!(base, binding(&5u64, 0, &[one, None]));
	}

	#[test]
	fn commitment_should_change_with_everything_that_it_is_to() {
		let finding = ManifestFinding::Mismatch { batch: Some(3) };
		let base = commitment(&5u64, 1, 0, &finding, &[0; 32]);
		assert_ne!(base, commitment(&6u64, 1, 0, &finding, &[0; 32]));
		assert_ne!(base, commitment(&5u64, 2, 0, &finding, &[0; 32]));
		assert_ne!(base, commitment(&5u64, 1, 1, &finding, &[0; 32]));
		assert_ne!(base, commitment(&5u64, 1, 0, &ManifestFinding::Mismatch { batch: None }, &[0; 32]));
		assert_ne!(base, commitment(&5u64, 1, 0, &finding, &[1; 32]));
	}

	proptest! {
		#[test]
		fn sample_should_be_distinct_and_as_many_as_asked_for(seed: [u8; 32], steps in 1u32..40_000, floor in 0u32..20) {
			let drawn = sample(seed.into(), steps, Perbill::from_percent(1), floor);
			prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
			prop_assert!(drawn.iter().all(|batch| *batch < steps));
			let wanted = steps.div_ceil(100).max(floor).min(MAX_SAMPLE).min(steps);
			prop_assert_eq!(drawn.len() as u32, wanted);
		}
	}

	#[test]
	fn sample_should_reach_every_batch_about_equally_often() {
		let mut counts = vec![0u32; 100];
		for n in 0u32..5_000 {
			for batch in sample(BlakeTwo256::hash_of(&n), 100, Perbill::from_percent(1), 8) {
				counts[batch as usize] += 1;
			}
		}
		// 400 each are expected, with a standard deviation of 19.
		assert!(counts.iter().all(|count| (300..500).contains(count)), "{counts:?}");
	}
}
