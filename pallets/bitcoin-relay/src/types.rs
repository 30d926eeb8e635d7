//! Records of the pallet.

use alloc::vec::Vec;
use bitcoin::{blockdata::constants::genesis_block, consensus::serialize, params::Params};
use blyan_bitcoin::{target, Ancestry, BitcoinHash, Network, RawHeader};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::{self, H256, U256};
use scale_info::TypeInfo;

/// A header that was taken.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct StoredHeader {
	/// The hash of the block before it.
	pub parent: BitcoinHash,
	/// The root of its transactions.
	pub merkle_root: BitcoinHash,
	/// What its descendants must know of it.
	pub ancestry: Ancestry,
}

/// The block with the most work behind it; of several, the one that came first.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Tip {
	/// Its hash.
	pub hash: BitcoinHash,
	/// Blocks before it.
	pub height: u32,
	/// The work of it and of everything before it.
	pub work: U256,
}

/// Where a relay starts: a network, and a block of it that everybody agrees on.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
	/// Which one.
	pub network: Network,
	/// Blocks before it: a multiple of 2,016, so that it is the first of its period.
	pub height: u32,
	/// The header, 80 bytes.
	#[serde(with = "sp_core::bytes")]
	pub header: Vec<u8>,
	/// The work of this block and of all before it: `chainwork` of Bitcoin Core's `getblockheader`.
	pub work: U256,
	/// The times of the ten blocks before it, the youngest first; fewer near the first block of all.
	pub times_before: Vec<u32>,
}

impl Default for Checkpoint {
	/// The first block of a regtest network, which all of them share.
	fn default() -> Self {
		let header = genesis_block(Params::REGTEST).header;
		Self {
			network: Network::Regtest,
			height: 0,
			header: serialize(&header),
			work: target::work(Network::Regtest.rules().limit()),
			times_before: Vec::new(),
		}
	}
}

/// Why there cannot be a relay from a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckpointError {
	/// `header` must be 80 bytes.
	HeaderMalformed,
	/// The header's hash is above its target, or the target easier than the network's limit.
	NotEnoughWork,
	/// `height` must be a multiple of 2,016.
	NotFirstOfPeriod,
	/// `timesBefore` must be ten, or as many as there are blocks before it.
	TimesMissing,
	/// `work` must be that of the block at least.
	WorkMissing,
}

impl Checkpoint {
	/// The header and what its descendants must know.
	///
	/// # Errors
	/// The first thing that is wrong.
	pub fn check(&self) -> Result<(BitcoinHash, StoredHeader), CheckpointError> {
		let raw = <[u8; 80]>::try_from(self.header.as_slice()).map(RawHeader);
		let raw = raw.map_err(|_| CheckpointError::HeaderMalformed)?;
		let header = raw.fields().ok_or(CheckpointError::HeaderMalformed)?;
		let limit = self.network.rules().limit();
		let target = target::expand(header.bits.to_consensus())
			.filter(|target| U256::from_little_endian(raw.hash().as_bytes()) <= *target && *target <= limit)
			.ok_or(CheckpointError::NotEnoughWork)?;
		if self.work < target::work(target) {
			return Err(CheckpointError::WorkMissing);
		}
		if self.times_before.len() as u32 != self.height.min(10) {
			return Err(CheckpointError::TimesMissing);
		}
		let ancestry = Ancestry::of_first(self.height, &header, self.work, &self.times_before)
			.ok_or(CheckpointError::NotFirstOfPeriod)?;
		Ok((raw.hash(), StoredHeader::new(&header, ancestry)))
	}
}

impl StoredHeader {
	/// What is kept of a header.
	pub fn new(header: &bitcoin::block::Header, ancestry: Ancestry) -> Self {
		use bitcoin::hashes::Hash as _;
		Self {
			parent: H256(header.prev_blockhash.to_byte_array()),
			merkle_root: H256(header.merkle_root.to_byte_array()),
			ancestry,
		}
	}
}
