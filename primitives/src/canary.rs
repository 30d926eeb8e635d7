//! Canaries: candidates that a drawn validator made worse on purpose, to see who measures.
//!
//! Rules: spec "Proof of learning", against cheating, and `docs/decisions/014-canaries.md`. What a planter does and
//! what the chain checks is computed here, by both: the seal, the lottery, the proof that a key is one's own.

use crate::{dag::BlockId, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
#[cfg(feature = "std")]
use polkadot_sdk::sp_core::crypto::{Pair as _, VrfSecret};
use polkadot_sdk::{
	sp_core::{
		crypto::VrfPublic,
		sr25519::{
			vrf::{VrfPreOutput, VrfProof, VrfSignData, VrfSignature, VrfTranscript},
			Public, Signature,
		},
	},
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _, Verify},
		Perbill,
	},
};
use scale_info::TypeInfo;

/// Numbers a lottery period, from 0.
pub type PeriodNumber = u32;
/// An sr25519 public key that takes part in the lottery.
pub type CanaryKey = [u8; 32];

/// Domain of everything that is hashed or signed here.
const DOMAIN: &[u8] = b"blyan/canary";
const KEY_DOMAIN: &[u8] = b"blyan/canary-key";
const LOT_CONTEXT: &[u8] = b"blyan/canary/lot";

/// The proof of a lot: an sr25519 VRF signature.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LotProof {
	/// The VRF's pre-output.
	pub pre_output: [u8; 32],
	/// The proof that it is that key's.
	pub proof: [u8; 64],
}

/// What names a submission a canary, and hides it until planter and salt are known. Bound to the trainer and to
/// what it submits, so that a seal that somebody copies opens nothing.
pub fn seal<AccountId: Encode>(
	key: &CanaryKey,
	trainer: &AccountId,
	blocks: &[BlockId],
	salt: &[u8; 32],
) -> Hash {
	BlakeTwo256::hash_of(&(DOMAIN, key, trainer, blocks, salt))
}

/// What a key signs so that nobody registers the key of another.
pub fn ownership_message<AccountId: Encode>(validator: &AccountId) -> alloc::vec::Vec<u8> {
	(KEY_DOMAIN, validator).encode()
}

/// Whether the owner of `key` says that it is `validator`'s.
pub fn owns<AccountId: Encode>(key: &CanaryKey, validator: &AccountId, signature: &[u8; 64]) -> bool {
	let signature = Signature::from_raw(*signature);
	signature.verify(ownership_message(validator).as_slice(), &Public::from_raw(*key))
}

fn transcript(period: PeriodNumber, randomness: &Hash) -> VrfTranscript {
	let number = period.to_le_bytes();
	VrfTranscript::new(DOMAIN, &[(b"period", &number), (b"randomness", randomness.as_bytes())])
}

/// The lot of `key` in a period, below `u64::MAX` evenly; `None` if the proof is not its.
pub fn lot(key: &CanaryKey, period: PeriodNumber, randomness: &Hash, proof: &LotProof) -> Option<u64> {
	let public = Public::from_raw(*key);
	// Bytes that are no curve point or scalar do not decode.
	let pre_output = VrfPreOutput::decode(&mut &proof.pre_output[..]).ok()?;
	let proof = VrfProof::decode(&mut &proof.proof[..]).ok()?;
	let signature = VrfSignature { pre_output, proof };
	let input = transcript(period, randomness);
	if !public.vrf_verify(&VrfSignData::new(input.clone()), &signature) {
		return None;
	}
	let bytes = public.make_bytes::<8>(LOT_CONTEXT, &input, &signature.pre_output).ok()?;
	Some(u64::from_le_bytes(bytes))
}

/// Whether a lot wins, with that chance.
pub fn is_drawn(lot: u64, chance: Perbill) -> bool {
	chance.is_one() || lot < chance.mul_floor(u64::MAX)
}

/// Draws a lot, with its proof.
#[cfg(feature = "std")]
pub fn draw(
	pair: &polkadot_sdk::sp_core::sr25519::Pair,
	period: PeriodNumber,
	randomness: &Hash,
) -> (u64, LotProof) {
	let input = transcript(period, randomness);
	let VrfSignature { pre_output, proof } = pair.vrf_sign(&VrfSignData::new(input.clone()));
	let lot = pair.make_bytes::<8>(LOT_CONTEXT, &input);
	let proof = LotProof { pre_output: pre_output.0.to_bytes(), proof: proof.0.to_bytes() };
	(u64::from_le_bytes(lot), proof)
}

/// Signs that `pair` is `validator`'s.
#[cfg(feature = "std")]
pub fn prove_ownership<AccountId: Encode>(
	pair: &polkadot_sdk::sp_core::sr25519::Pair,
	validator: &AccountId,
) -> [u8; 64] {
	pair.sign(&ownership_message(validator)).0
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_core::sr25519::Pair;

	fn pair(seed: u8) -> Pair {
		Pair::from_seed(&[seed; 32])
	}

	#[test]
	fn lot_should_be_the_one_that_was_drawn_and_nobody_elses() {
		let (key, randomness) = (pair(1).public().0, Hash::repeat_byte(7));
		let (drawn, proof) = draw(&pair(1), 3, &randomness);
		assert_eq!(lot(&key, 3, &randomness, &proof), Some(drawn));
		assert_eq!(lot(&pair(2).public().0, 3, &randomness, &proof), None, "of another key");
		assert_eq!(lot(&key, 4, &randomness, &proof), None, "of another period");
		assert_eq!(lot(&key, 3, &Hash::zero(), &proof), None, "of other randomness");
		let forged = LotProof { pre_output: draw(&pair(1), 4, &randomness).1.pre_output, ..proof };
		assert_eq!(lot(&key, 3, &randomness, &forged), None, "with another lot's output");
		assert_eq!(lot(&key, 3, &randomness, &LotProof { pre_output: [0xff; 32], proof: [0xff; 64] }), None);
		assert_eq!(lot(&[0xff; 32], 3, &randomness, &proof), None, "no key at all");
		assert_eq!(draw(&pair(1), 3, &randomness).0, drawn, "a key has one lot a period");
	}

	#[test]
	fn lots_should_win_as_often_as_the_chance_says() {
		let randomness = Hash::repeat_byte(9);
		let chance = Perbill::from_percent(25);
		let won =
			(0..1_000).filter(|period| is_drawn(draw(&pair(1), *period, &randomness).0, chance)).count();
		// The seed is fixed; 250 +- 5 standard deviations of 13.7.
		assert!((180..320).contains(&won), "{won} of 1,000 at a chance of a quarter");
		assert!(is_drawn(u64::MAX, Perbill::one()) && !is_drawn(0, Perbill::zero()));
	}

	#[test]
	fn seal_should_be_bound_to_key_trainer_blocks_and_salt() {
		let blocks = [Hash::repeat_byte(1), Hash::repeat_byte(2)];
		let base = seal(&[1; 32], &1u64, &blocks, &[3; 32]);
		assert_eq!(base, seal(&[1; 32], &1u64, &blocks, &[3; 32]));
		for other in [
			seal(&[2; 32], &1u64, &blocks, &[3; 32]),
			seal(&[1; 32], &2u64, &blocks, &[3; 32]),
			seal(&[1; 32], &1u64, &blocks[..1], &[3; 32]),
			seal(&[1; 32], &1u64, &blocks, &[4; 32]),
		] {
			assert_ne!(base, other);
		}
	}

	#[test]
	fn key_should_be_owned_by_whom_it_signed_for_alone() {
		let signature = prove_ownership(&pair(1), &7u64);
		assert!(owns(&pair(1).public().0, &7u64, &signature));
		assert!(!owns(&pair(1).public().0, &8u64, &signature));
		assert!(!owns(&pair(2).public().0, &7u64, &signature));
	}
}
