//! Checkpoints: what two thirds of the validators sign of the chain, for nodes that join it.
//!
//! Rules: spec "Validators and workers". Definitions: docs/decisions/023.

use crate::{BlockNumber, Hash};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::ed25519::{Public, Signature},
	sp_runtime::traits::Verify,
};
use scale_info::TypeInfo;

/// What the signed bytes begin with. GRANDPA's own votes, which the same keys sign, begin with a byte below three.
pub const CONTEXT: &[u8] = b"blyan:checkpoint:1";

/// Numbers the sets of GRANDPA's authorities, as GRANDPA does.
pub type SetId = u64;

/// A block as a set of validators is to sign it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CheckpointBlock {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: Hash,
	/// The set that signs it: the one in office in the block after it.
	pub set_id: SetId,
}

impl CheckpointBlock {
	/// What is signed: of one chain, one set and one block.
	pub fn payload(&self, genesis: &Hash) -> Vec<u8> {
		(CONTEXT, genesis, self.set_id, self.number, self.hash).encode()
	}
}

/// A validator's vote for a block, without its signature.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CheckpointVote {
	/// What it votes for.
	pub block: CheckpointBlock,
	/// Its place in the set, from 0.
	pub seat: u32,
}

/// How many of so many validators make a certificate: as many as GRANDPA asks for, more than two thirds.
pub fn threshold(voters: u32) -> u32 {
	voters.saturating_sub(voters.saturating_sub(1) / 3)
}

/// That a set of validators signed a block.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CheckpointCertificate {
	/// What they signed.
	pub block: CheckpointBlock,
	/// How many validators the set has.
	pub voters: u32,
	/// By whom, and the signatures; in the order of the set.
	pub signatures: Vec<(Public, Signature)>,
}

/// Why a certificate proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CertificateError {
	/// Fewer validators signed than [`threshold`] asks for. Wait for a later certificate.
	TooFewSignatures,
	/// A key is not of the set. Ask GRANDPA for the set of that id.
	NotOfTheSet,
	/// A key is there twice.
	KeyRepeated,
	/// A signature is not of that key, that block, that set, or that chain.
	SignatureWrong,
}

impl CheckpointCertificate {
	/// Whether enough of these authorities signed. They are the set of that id, from a source that the caller
	/// trusts: GRANDPA's warp proof, or a chain spec. What the certificate says of its set is not believed.
	///
	/// # Errors
	/// The first thing that is wrong.
	pub fn verify(&self, genesis: &Hash, authorities: &[Public]) -> Result<(), CertificateError> {
		let set = authorities.iter().collect::<BTreeSet<_>>();
		// A set that nobody is in is signed by nobody.
		if set.is_empty() || (self.signatures.len() as u64) < u64::from(threshold(set.len() as u32)) {
			return Err(CertificateError::TooFewSignatures);
		}
		let payload = self.block.payload(genesis);
		let mut seen = BTreeSet::new();
		for (key, signature) in &self.signatures {
			if !set.contains(key) {
				return Err(CertificateError::NotOfTheSet);
			}
			if !seen.insert(key) {
				return Err(CertificateError::KeyRepeated);
			}
			if !signature.verify(payload.as_slice(), key) {
				return Err(CertificateError::SignatureWrong);
			}
		}
		Ok(())
	}
}

/// A checkpoint that validators may still vote on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenCheckpointInfo {
	/// The block.
	pub block: CheckpointBlock,
	/// How many validators the set has.
	pub voters: u32,
	/// How many of them voted for the block.
	pub votes: u32,
	/// Those of the keys that were asked about which are in the set and have not voted, with their seats.
	pub seats: Vec<(u32, Public)>,
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use polkadot_sdk::sp_core::{ed25519::Pair, Pair as _};

	const GENESIS: Hash = Hash::repeat_byte(9);

	fn pairs(count: u8) -> Vec<Pair> {
		(0..count).map(|seed| Pair::from_seed(&[seed; 32])).collect()
	}

	fn certificate(signers: &[Pair], voters: u32) -> CheckpointCertificate {
		let block = CheckpointBlock { number: 150, hash: Hash::repeat_byte(1), set_id: 3 };
		let payload = block.payload(&GENESIS);
		let signatures = signers.iter().map(|pair| (pair.public(), pair.sign(&payload))).collect();
		CheckpointCertificate { block, voters, signatures }
	}

	#[test]
	fn threshold_should_be_more_than_two_thirds() {
		assert_eq!([0, 1, 2, 3, 4, 6, 7, 1_000].map(threshold), [0, 1, 2, 3, 3, 5, 5, 667]);
		for voters in 1..200 {
			assert!(3 * threshold(voters) > 2 * voters && 3 * (threshold(voters) - 1) <= 2 * voters);
		}
	}

	#[test]
	fn certificate_should_be_valid_when_enough_of_the_set_signed() {
		let pairs = pairs(4);
		let set = pairs.iter().map(|pair| pair.public()).collect::<Vec<_>>();
		assert_eq!(certificate(&pairs[1..], 4).verify(&GENESIS, &set), Ok(()));
		assert_eq!(certificate(&pairs, 4).verify(&GENESIS, &set), Ok(()));
	}

	#[test]
	fn certificate_should_be_refused_when_it_proves_nothing() {
		let pairs = pairs(5);
		let set = pairs[..4].iter().map(|pair| pair.public()).collect::<Vec<_>>();
		let fails = |certificate: CheckpointCertificate| certificate.verify(&GENESIS, &set).unwrap_err();
		// What it says of the size of its set does not matter.
		assert_eq!(fails(certificate(&pairs[..2], 1)), CertificateError::TooFewSignatures);
		assert_eq!(fails(certificate(&pairs[2..], 4)), CertificateError::NotOfTheSet);
		let twice = [0, 1, 1].map(|at: usize| pairs[at]);
		assert_eq!(fails(certificate(&twice, 4)), CertificateError::KeyRepeated);
		let good = certificate(&pairs[..3], 4);
		for change in [
			|block: &mut CheckpointBlock| block.number += 1,
			|block: &mut CheckpointBlock| block.set_id += 1,
			|block: &mut CheckpointBlock| block.hash = Hash::zero(),
		] {
			let mut changed = good.clone();
			change(&mut changed.block);
			assert_eq!(fails(changed), CertificateError::SignatureWrong);
		}
		assert_eq!(good.verify(&Hash::zero(), &set), Err(CertificateError::SignatureWrong));
		let empty = CheckpointCertificate { signatures: vec![], ..good };
		assert_eq!(empty.verify(&GENESIS, &[]), Err(CertificateError::TooFewSignatures));
	}
}
