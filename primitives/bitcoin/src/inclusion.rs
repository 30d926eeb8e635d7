//! Proofs that a transaction is in a block, by the Merkle root of the block's header.
//!
//! Bitcoin's tree has two weaknesses that a verifier must close. A level with an odd number of nodes pairs the
//! last with itself, so that blocks with repeated transactions have the same root (CVE-2012-2459): a sibling may
//! be equal exactly where the tree ends, and must differ elsewhere. And an inner node, two hashes, is as long as
//! a transaction of 64 bytes (CVE-2017-12842): such transactions are refused, and the depth is what the block's
//! coinbase, of which there is one at a known place, shows it to be.

use crate::header::BitcoinHash;
use alloc::vec::Vec;
use bitcoin::{
	consensus::deserialize,
	hashes::{sha256d, Hash as _},
	Transaction,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32, H256};
use scale_info::TypeInfo;

/// Levels of the largest tree: no block of four million weight units has more than 2^16 transactions, each of
/// 240 at least.
pub const MAX_DEPTH: u32 = 16;
/// Bytes of the largest transaction that a proof may be of: what is relayed by default, 400,000 weight units,
/// has no more without its witness.
pub const MAX_TRANSACTION_BYTES: u32 = 100_000;
/// Bytes of a transaction that could be an inner node of the tree.
const NODE_BYTES: usize = 64;

/// Bytes of a transaction, without its witness.
pub type TransactionBytes = BoundedVec<u8, ConstU32<MAX_TRANSACTION_BYTES>>;
/// Siblings on the way from a transaction to the root.
pub type Branch = BoundedVec<BitcoinHash, ConstU32<MAX_DEPTH>>;

/// A transaction, its block's first one, and their ways to the root.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InclusionProof {
	/// The block.
	pub block: BitcoinHash,
	/// How many transactions it has.
	pub transactions: u32,
	/// Which of them this is, from 1: the first is the coinbase, of which nothing is proven.
	pub index: u32,
	/// The transaction without its witness, as its id is the hash of.
	pub transaction: TransactionBytes,
	/// The siblings on its way to the root, the lowest first.
	pub branch: Branch,
	/// The coinbase transaction without its witness.
	pub coinbase: TransactionBytes,
	/// The siblings on its way.
	pub coinbase_branch: Branch,
}

/// Why a proof is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum InclusionError {
	/// The index is not of one of the block's transactions, or of its coinbase.
	IndexOutOfRange,
	/// A branch is longer or shorter than the tree of so many transactions is deep.
	WrongDepth,
	/// The transaction has 64 bytes, as two hashes have.
	TransactionTooShort,
	/// The bytes are not one transaction without its witness.
	TransactionMalformed,
	/// What is said to be the block's first transaction is none that mints coins.
	NotCoinbase,
	/// What is said to be an ordinary transaction mints coins.
	IsCoinbase,
	/// A sibling equals its node where the tree has another one, or differs where it has none.
	SiblingRepeated,
	/// The branch does not lead to the block's root.
	RootMismatch,
}

impl InclusionProof {
	/// The transaction, and its id, if the tree under `root` has it.
	///
	/// # Errors
	/// What is wrong with the proof.
	pub fn verify(&self, root: BitcoinHash) -> Result<(BitcoinHash, Transaction), InclusionError> {
		if !(1..self.transactions).contains(&self.index) {
			return Err(InclusionError::IndexOutOfRange);
		}
		let depth =
			self.transactions.saturating_sub(1).checked_ilog2().map_or(0, |log| log.saturating_add(1));
		if [&self.branch, &self.coinbase_branch].iter().any(|branch| branch.len() as u32 != depth) {
			return Err(InclusionError::WrongDepth);
		}
		let (coinbase_id, coinbase) = parse(&self.coinbase)?;
		if !coinbase.is_coinbase() {
			return Err(InclusionError::NotCoinbase);
		}
		let (id, transaction) = parse(&self.transaction)?;
		if transaction.is_coinbase() {
			return Err(InclusionError::IsCoinbase);
		}
		for (id, index, branch) in [(coinbase_id, 0, &self.coinbase_branch), (id, self.index, &self.branch)] {
			if root_of(id, index, self.transactions, branch)? != root {
				return Err(InclusionError::RootMismatch);
			}
		}
		Ok((id, transaction))
	}
}

/// A transaction and its id.
fn parse(bytes: &[u8]) -> Result<(BitcoinHash, Transaction), InclusionError> {
	if bytes.len() == NODE_BYTES {
		return Err(InclusionError::TransactionTooShort);
	}
	let transaction = deserialize::<Transaction>(bytes).map_err(|_| InclusionError::TransactionMalformed)?;
	// Of the bytes with a witness the hash is not the id. Nothing else could be read here and written otherwise,
	// for lengths in more bytes than they need are refused; and the hash is of what was sent.
	if transaction.input.iter().any(|input| !input.witness.is_empty()) || bytes.get(4) == Some(&0) {
		return Err(InclusionError::TransactionMalformed);
	}
	Ok((hash(bytes), transaction))
}

/// What the branch leads to from the leaf at that index of so many.
fn root_of(
	leaf: BitcoinHash,
	index: u32,
	leaves: u32,
	branch: &[BitcoinHash],
) -> Result<BitcoinHash, InclusionError> {
	let (mut node, mut index, mut width) = (leaf, index, leaves);
	for sibling in branch {
		let place = index ^ 1;
		let is_repeated = *sibling == node;
		// Only the last node of a level of odd width has none beside it.
		if is_repeated != (place >= width) {
			return Err(InclusionError::SiblingRepeated);
		}
		let (left, right) = if index & 1 == 0 { (&node, sibling) } else { (sibling, &node) };
		node = parent(left, right);
		index >>= 1;
		width = width.div_ceil(2);
	}
	Ok(node)
}

/// The node above two others.
fn parent(left: &BitcoinHash, right: &BitcoinHash) -> BitcoinHash {
	let mut both = [0; NODE_BYTES];
	let (first, second) = both.split_at_mut(NODE_BYTES / 2);
	first.copy_from_slice(left.as_bytes());
	second.copy_from_slice(right.as_bytes());
	hash(&both)
}

fn hash(bytes: &[u8]) -> BitcoinHash {
	H256(sha256d::Hash::hash(bytes).to_byte_array())
}

/// The branch of the transaction at `index`, for whoever makes a proof: `ids` are those of all of the block's.
/// `None` if it has no such transaction.
pub fn branch(ids: &[BitcoinHash], index: usize) -> Option<Branch> {
	if index >= ids.len() {
		return None;
	}
	let (mut level, mut index, mut branch) = (ids.to_vec(), index, Branch::default());
	while level.len() > 1 {
		let sibling = level.get(index ^ 1).or_else(|| level.get(index))?;
		branch.try_push(*sibling).ok()?;
		level =
			level.chunks(2).filter_map(|pair| Some(parent(pair.first()?, pair.last()?))).collect::<Vec<_>>();
		index >>= 1;
	}
	Some(branch)
}
