//! Which pieces of a text a training step sees: pure functions, so that an auditor can derive the
//! batches again from the text and the seed, and compare hashes.

use crate::ModelError;
use blyan_primitives::{merkle, Hash};

/// Where the sequences of a batch begin, in tokens from the start of the text.
///
/// Sequence `i` of step `step` begins at `floor(r * places / 2^64)`, where `places = text_len -
/// sequence` (a sequence is read with the token that follows it) and `r` is the first eight bytes,
/// little-endian, of BLAKE2-256 over SCALE `(0u8, i as u32, ("blyan/batch", seed, step))`.
///
/// # Errors
/// A text not longer than one sequence.
pub fn batch_offsets(
	seed: u64,
	step: u32,
	batch: u32,
	text_len: u64,
	sequence: u32,
) -> Result<Vec<u64>, ModelError> {
	let places = text_len
		.checked_sub(u64::from(sequence))
		.filter(|places| *places > 0)
		.ok_or(ModelError::TextTooShort { got: text_len, needed: u64::from(sequence) + 1 })?;
	Ok((0..batch)
		.map(|i| {
			let hash = merkle::leaf(i, &(b"blyan/batch", seed, step));
			let mut first = [0; 8];
			first.copy_from_slice(&hash.as_bytes()[..8]);
			((u128::from(u64::from_le_bytes(first)) * u128::from(places)) >> 64) as u64
		})
		.collect())
}

/// The hash of a step's batch: a leaf of the training manifest's tree. Covers each sequence and the
/// byte after it, in order.
///
/// # Errors
/// An offset whose sequence is not within the text.
pub fn batch_leaf(step: u32, text: &[u8], offsets: &[u64], sequence: u32) -> Result<Hash, ModelError> {
	let mut bytes = Vec::with_capacity(offsets.len() * (sequence as usize + 1));
	for offset in offsets {
		bytes.extend_from_slice(sequence_at(text, *offset, sequence)?);
	}
	Ok(merkle::leaf(step, &bytes))
}

/// The root over the leaves of all steps, as a training manifest states it.
pub fn batch_root(leaves: &[Hash]) -> Hash {
	merkle::root(leaves)
}

/// [`batch_leaf`] where tokens are not bytes: of the text's tokens, each as four bytes, little-endian. Offsets
/// count tokens then, as do those of [`batch_offsets`].
///
/// # Errors
/// An offset whose sequence is not within the text.
pub fn token_batch_leaf(
	step: u32,
	tokens: &[u32],
	offsets: &[u64],
	sequence: u32,
) -> Result<Hash, ModelError> {
	let mut bytes = Vec::with_capacity(offsets.len() * (sequence as usize + 1) * 4);
	for offset in offsets {
		bytes.extend(sequence_at(tokens, *offset, sequence)?.iter().flat_map(|token| token.to_le_bytes()));
	}
	Ok(merkle::leaf(step, &bytes))
}

/// A sequence and what follows it.
pub(crate) fn sequence_at<T>(text: &[T], offset: u64, sequence: u32) -> Result<&[T], ModelError> {
	let needed = offset.saturating_add(u64::from(sequence)).saturating_add(1);
	let short = || ModelError::TextTooShort { got: text.len() as u64, needed };
	let end = usize::try_from(needed).map_err(|_| short())?;
	text.get(offset as usize..end).ok_or_else(short)
}

/// A byte a token.
pub fn byte_tokens(bytes: &[u8]) -> Vec<u32> {
	bytes.iter().copied().map(u32::from).collect()
}

/// Names a text by its content: the Merkle root over its pieces of 1 MiB.
pub(crate) fn text_hash(text: &[u8]) -> Hash {
	let leaves: Vec<Hash> = text.chunks(1 << 20).zip(0..).map(|(piece, i)| merkle::leaf(i, &piece)).collect();
	merkle::leaf(leaves.len() as u32, &(text.len() as u64, merkle::root(&leaves)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn batch_offsets_should_stay_within_the_text(
			seed: u64, step: u32, sequence in 1u32..2000, extra in 1u64..100_000,
		) {
			let text_len = u64::from(sequence) + extra;
			let offsets = batch_offsets(seed, step, 16, text_len, sequence).unwrap();
			prop_assert_eq!(offsets.len(), 16);
			prop_assert!(offsets.iter().all(|offset| offset + u64::from(sequence) < text_len));
			prop_assert_eq!(&offsets, &batch_offsets(seed, step, 16, text_len, sequence).unwrap());
		}
	}

	#[test]
	fn batch_offsets_should_be_those_that_auditors_derive() {
		// Pinned: changing the rule would make every published manifest unverifiable.
		assert_eq!(batch_offsets(7, 3, 4, 100_000, 128).unwrap(), PINNED);
		assert_ne!(batch_offsets(8, 3, 4, 100_000, 128).unwrap(), PINNED);
		assert_ne!(batch_offsets(7, 4, 4, 100_000, 128).unwrap(), PINNED);
	}
	/// Computed apart from this code, with Python's hashlib.
	const PINNED: [u64; 4] = [2967, 59527, 60997, 33001];

	#[test]
	fn batch_offsets_should_refuse_a_text_of_one_sequence() {
		let error = batch_offsets(0, 0, 1, 128, 128).unwrap_err();
		assert!(matches!(error, ModelError::TextTooShort { got: 128, needed: 129 }));
		assert_eq!(batch_offsets(0, 0, 2, 129, 128).unwrap(), [0, 0]);
	}

	#[test]
	fn batch_leaf_should_change_with_every_byte_it_covers_and_no_other() {
		let text: Vec<u8> = (0..100).collect();
		let leaf = batch_leaf(1, &text, &[10, 50], 8).unwrap();
		for i in 0..text.len() {
			let mut changed = text.clone();
			changed[i] ^= 1;
			let covered = (10..=18).contains(&i) || (50..=58).contains(&i);
			assert_eq!(batch_leaf(1, &changed, &[10, 50], 8).unwrap() != leaf, covered, "byte {i}");
		}
		assert_ne!(batch_leaf(2, &text, &[10, 50], 8).unwrap(), leaf);
		assert!(batch_leaf(1, &text, &[92], 8).is_err());
		assert!(batch_leaf(1, &text, &[u64::MAX], 8).is_err());
	}
}
