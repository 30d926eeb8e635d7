//! Shared by the tests: recorded headers, and headers of a network that is easy to mine on.

mod headers;
mod inclusion;
mod recorded;

use crate::{
	header::{Ancestry, RawHeader},
	network::{Network, Rules},
	target::expand,
};
use bitcoin::{
	block::{Header, Version},
	consensus::serialize,
	hashes::Hash as _,
	BlockHash, CompactTarget, TxMerkleNode,
};
use polkadot_sdk::sp_core::{H256, U256};

/// Long after every recorded header.
pub const NOW: u64 = 2_000_000_000;

/// A header whose hash is small enough for its own bits, which must be easy.
pub fn mine(parent: H256, time: u32, bits: u32, version: i32) -> RawHeader {
	let target = expand(bits).unwrap();
	(0..u32::MAX)
		.map(|nonce| Header {
			version: Version::from_consensus(version),
			prev_blockhash: BlockHash::from_byte_array(parent.0),
			merkle_root: TxMerkleNode::all_zeros(),
			time,
			bits: CompactTarget::from_consensus(bits),
			nonce,
		})
		.map(|header| RawHeader(serialize(&header).try_into().unwrap()))
		.find(|raw| U256::from_little_endian(raw.hash().as_bytes()) <= target)
		.unwrap()
}

/// A target that takes two hashes on average.
pub const EASY: u32 = 0x207f_ffff;

/// The rules of a network, with targets that can be mined here.
pub fn easy(network: Network) -> Rules {
	Rules { limit_bits: EASY, ..network.rules() }
}

/// The record of a first block, ten minutes after each of those before it.
pub fn first(height: u32, time: u32, bits: u32) -> Ancestry {
	let header = mine(H256::zero(), time, bits, 4).fields().unwrap();
	let before = (1..=10).map(|n| time - 600 * n).collect::<alloc::vec::Vec<_>>();
	Ancestry::of_first(height, &header, U256::from(1_000), &before).unwrap()
}
