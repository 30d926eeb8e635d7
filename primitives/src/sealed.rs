//! Sealed shards: text that nobody but its sealer knows until a round has drawn it.
//!
//! Rules: spec "Proof of learning", a round, step 2, and "fitting the validation set". Why so:
//! `docs/decisions/015-sealed-shards.md`.
//!
//! A *lot* is some shards of one text under one key. Its content is their ciphertext: ChaCha20-Poly1305 (RFC 8439)
//! of the shards one after another, under a random key that is used for nothing else, and therefore with a nonce of
//! zeros and no associated data; 16 bytes longer than the text. To open a lot is to publish its key.

use crate::{
	cid::Cid,
	dag::SubmissionId,
	learning::{DomainName, ValidationPool},
	merkle, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use scale_info::TypeInfo;

/// Names a lot; they are numbered in sequence.
pub type LotId = u64;
/// What a lot is sealed with, and opened by.
pub type LotKey = [u8; 32];

/// Most lots that a round may draw.
pub const MAX_LOTS: u32 = 8;
/// Most shards of a lot.
pub const MAX_LOT_SHARDS: u32 = 1_024;
/// Longest text of a lot, in bytes: whoever measures has it in memory, and fetches it within the commit phase.
pub const MAX_LOT_BYTES: u64 = 64 << 20;
/// By how much the ciphertext is longer than the text.
pub const TAG_BYTES: u64 = 16;
/// What the domain of sealed shards is called, where people read of it.
pub const SEALED_DOMAIN: &str = "sealed";

/// A lot as its sealer describes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewLot {
	/// Where the ciphertext is.
	pub content: Cid,
	/// How many shards it has.
	pub shards: u32,
	/// Bytes of each.
	pub shard_bytes: u32,
	/// The Merkle root over the shards' text, see [`text_root`].
	pub root: Hash,
	/// See [`key_hash`].
	pub key_hash: Hash,
	/// What kind of text it is, for people.
	pub domain: DomainName,
}

impl NewLot {
	/// Length of the text, in bytes.
	pub fn text_bytes(&self) -> u64 {
		u64::from(self.shards).saturating_mul(self.shard_bytes.into())
	}

	/// Length of the ciphertext, in bytes.
	pub fn bytes(&self) -> u64 {
		self.text_bytes().saturating_add(TAG_BYTES)
	}

	/// Whether such a lot can be drawn, fetched and measured.
	pub fn is_valid(&self) -> bool {
		(1..=MAX_LOT_SHARDS).contains(&self.shards) && (1..=MAX_LOT_BYTES).contains(&self.text_bytes())
	}
}

/// How much sealed text a model's rounds are judged by.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedTerms {
	/// Lots drawn for a round.
	pub lots: u32,
	/// Shards of each.
	pub shards_per_lot: u32,
}

/// What the lots of an attempt come to, once they are open.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SealedShards {
	/// How many lots were opened; none where the model asks for none.
	pub lots: u32,
	/// Shards of each.
	pub shards_per_lot: u32,
}

impl SealedShards {
	/// All shards of all lots.
	pub fn shards(&self) -> u32 {
		self.lots.saturating_mul(self.shards_per_lot)
	}

	/// Domains that a report on the pool has besides the pool's own: one, if there is anything sealed.
	pub fn domains(&self) -> u32 {
		u32::from(self.shards() > 0)
	}
}

/// Where a lot stands.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum LotState<BlockNumber> {
	/// It may be drawn.
	Reserved,
	/// A round has drawn it, and waits for its key.
	Drawn {
		/// Which.
		round: SubmissionId,
	},
	/// It was opened, and is training data.
	Retired {
		/// The round that had drawn it.
		round: SubmissionId,
		/// Its key.
		key: LotKey,
		/// In which block it was opened.
		at: BlockNumber,
	},
}

/// What the chain has of a key until it is published. The key is random, so that its hash tells nothing of it.
pub fn key_hash(key: &LotKey) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/lot-key", key))
}

/// The Merkle root over shards of text, whose leaves are the hashes of each.
pub fn text_root<'a>(shards: impl Iterator<Item = &'a [u8]>) -> Hash {
	let leaves: Vec<Hash> =
		shards.zip(0u32..).map(|(text, place)| merkle::leaf(place, &BlakeTwo256::hash(text))).collect();
	merkle::root(&leaves)
}

/// Where the text of a shard is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShardPlace {
	/// In the public pool.
	Pool {
		/// Which of its shards, counted over all domains.
		shard: u32,
	},
	/// In a lot.
	Lot {
		/// Which of the lots that were drawn and opened, in the order drawn.
		lot: u32,
		/// Which of its shards.
		shard: u32,
	},
}

impl ShardPlace {
	/// Where the shard of that number is. Shards of lots are numbered on from the pool's last, lot by lot. `None` if
	/// there is none of that number.
	pub fn of(shard: u32, pool: &ValidationPool, sealed: &SealedShards) -> Option<Self> {
		let Some(place) = shard.checked_sub(pool.shard_count()) else { return Some(Self::Pool { shard }) };
		let lot = place.checked_div(sealed.shards_per_lot).filter(|lot| *lot < sealed.lots)?;
		Some(Self::Lot { lot, shard: place.checked_rem(sealed.shards_per_lot)? })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{cid::CidCodec, learning::Domain};
	use polkadot_sdk::sp_core::bounded::BoundedVec;

	fn lot(shards: u32, shard_bytes: u32) -> NewLot {
		NewLot {
			content: Cid { codec: CidCodec::Raw, digest: [1; 32] },
			shards,
			shard_bytes,
			root: Hash::zero(),
			key_hash: Hash::zero(),
			domain: DomainName::default(),
		}
	}

	#[test]
	fn lot_should_be_valid_only_within_its_bounds() {
		assert!(lot(1, 1).is_valid() && lot(MAX_LOT_SHARDS, 512).is_valid());
		assert!(!lot(0, 512).is_valid() && !lot(1, 0).is_valid() && !lot(MAX_LOT_SHARDS + 1, 1).is_valid());
		assert!(!lot(2, u32::MAX).is_valid());
		assert_eq!(lot(4, 512).bytes(), 2_064);
	}

	#[test]
	fn text_root_should_change_with_every_byte_and_with_the_order() {
		let root = |shards: &[&[u8]]| text_root(shards.iter().copied());
		let base = root(&[b"ab", b"cd"]);
		for other in [root(&[b"cd", b"ab"]), root(&[b"ab", b"ce"]), root(&[b"abcd"]), root(&[b"abc", b"d"])] {
			assert_ne!(base, other);
		}
		assert_eq!(base, root(&[b"ab", b"cd"]));
	}

	#[test]
	fn shard_place_should_number_lots_on_from_the_pool() {
		let domain = Domain { name: DomainName::default(), shards: 10 };
		let pool = ValidationPool {
			content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 4,
			domains: BoundedVec::truncate_from(alloc::vec![domain; 2]),
		};
		let sealed = SealedShards { lots: 2, shards_per_lot: 3 };
		let of = |shard| ShardPlace::of(shard, &pool, &sealed);
		assert_eq!(of(19), Some(ShardPlace::Pool { shard: 19 }));
		assert_eq!(of(20), Some(ShardPlace::Lot { lot: 0, shard: 0 }));
		assert_eq!(of(24), Some(ShardPlace::Lot { lot: 1, shard: 1 }));
		assert_eq!((of(25), of(26)), (Some(ShardPlace::Lot { lot: 1, shard: 2 }), None));
		assert_eq!(ShardPlace::of(20, &pool, &SealedShards::default()), None);
	}
}
