//! What comes with the blocks of a submission, and the proof of work against spam.
//!
//! Rules: spec "Proof of learning", a round, step 1; `docs/decisions/013-admission-of-rounds.md`.

use crate::{
	dag::{BlockId, ModelId},
	BlockNumber, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use scale_info::TypeInfo;

/// What a trainer sends with its blocks.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Envelope {
	/// Hides whether the submission is a canary: the hash of one, or what nobody can tell from it.
	pub seal: Hash,
	/// The proof of work against spam: a number that makes the hash of the submission small enough, see
	/// [`is_work`].
	pub work: u64,
	/// The number of the recent block that the proof of work was made for.
	pub anchor: BlockNumber,
}

/// What a proof of work is for: bound to the account, to what is submitted, and to a recent block, so that it
/// can neither be passed on nor made in advance.
///
/// `blocks` are those submitted, in their order; of a rollback, those to be taken back. `anchor` is the hash of
/// the block that the envelope names.
pub fn work_challenge<AccountId: Encode>(
	account: &AccountId,
	model: ModelId,
	blocks: &[BlockId],
	seal: &Hash,
	anchor: &Hash,
) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/work", account, model, blocks, seal, anchor))
}

/// Whether `work` solves the challenge: [`work_bits`] are `bits` at least. It takes 2^`bits` tries on average, and
/// one hash to check.
pub fn is_work(challenge: &Hash, work: u64, bits: u32) -> bool {
	work_bits(challenge, work) >= bits
}

/// How many zero bits BLAKE2b-256 of the challenge and of `work`, 8 bytes in little-endian order, begins with.
pub fn work_bits(challenge: &Hash, work: u64) -> u32 {
	let mut bytes = [0; 40];
	let (head, tail) = bytes.split_at_mut(32);
	head.copy_from_slice(challenge.as_bytes());
	tail.copy_from_slice(&work.to_le_bytes());
	leading_zeros(&BlakeTwo256::hash(&bytes))
}

fn leading_zeros(hash: &Hash) -> u32 {
	let zeros = hash.as_bytes().iter().take_while(|byte| **byte == 0).count();
	let rest = hash.as_bytes().get(zeros).map_or(0, |byte| byte.leading_zeros());
	(zeros as u32).saturating_mul(8).saturating_add(rest)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn challenge() -> Hash {
		work_challenge(&7u64, 1, &[Hash::repeat_byte(2)], &Hash::repeat_byte(3), &Hash::repeat_byte(4))
	}

	#[test]
	fn work_should_take_two_to_the_bits_tries_on_average() {
		let mut found = 0u64;
		for work in 0..(1 << 16) {
			found += u64::from(is_work(&challenge(), work, 8));
		}
		// 256 are expected, with a standard deviation of 16.
		assert!((192..=320).contains(&found), "{found}");
	}

	#[test]
	fn work_should_be_of_more_bits_only_if_it_is_of_fewer() {
		let work = (0..).find(|work| is_work(&challenge(), *work, 12)).unwrap();
		assert!((0..=12).all(|bits| is_work(&challenge(), work, bits)));
		assert!(!is_work(&challenge(), work, 256));
		assert!(is_work(&challenge(), 0, 0));
	}

	#[test]
	fn leading_zeros_should_be_counted_over_bytes() {
		assert_eq!(leading_zeros(&Hash::zero()), 256);
		assert_eq!(leading_zeros(&Hash::repeat_byte(0x80)), 0);
		let mut hash = Hash::repeat_byte(0xff);
		hash.0[..2].copy_from_slice(&[0, 0x1f]);
		assert_eq!(leading_zeros(&hash), 11);
	}

	#[test]
	fn challenge_should_differ_with_everything_it_is_bound_to() {
		let (blocks, seal, anchor) = ([Hash::repeat_byte(2)], Hash::repeat_byte(3), Hash::repeat_byte(4));
		let other = Hash::repeat_byte(9);
		for changed in [
			work_challenge(&8u64, 1, &blocks, &seal, &anchor),
			work_challenge(&7u64, 2, &blocks, &seal, &anchor),
			work_challenge(&7u64, 1, &[other], &seal, &anchor),
			work_challenge(&7u64, 1, &blocks, &other, &anchor),
			work_challenge(&7u64, 1, &blocks, &seal, &other),
		] {
			assert_ne!(changed, challenge());
		}
	}

	/// The same in every language: what a client in another one is checked against.
	#[test]
	fn work_should_be_the_same_everywhere() {
		let challenge = Hash::repeat_byte(1);
		let mut bytes = [1; 40];
		bytes[32..].copy_from_slice(&5u64.to_le_bytes());
		let bits = leading_zeros(&BlakeTwo256::hash(&bytes));
		assert!(is_work(&challenge, 5, bits));
		assert!(!is_work(&challenge, 5, bits + 1));
	}
}
