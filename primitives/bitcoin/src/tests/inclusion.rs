//! Proofs that hold, and every way in which one may not.

use super::*;
use crate::{
	header::BitcoinHash,
	inclusion::{branch, Branch, InclusionError, InclusionProof, TransactionBytes},
};
use alloc::{vec, vec::Vec};
use bitcoin::{
	absolute::LockTime,
	hashes::sha256d,
	merkle_tree,
	transaction::{OutPoint, Sequence, TxIn, TxOut, Version as TxVersion},
	Amount, ScriptBuf, Transaction, Txid, Witness,
};
use proptest::prelude::*;

fn transaction(number: u32, previous: OutPoint) -> Transaction {
	Transaction {
		version: TxVersion::TWO,
		lock_time: LockTime::from_consensus(number),
		input: vec![TxIn {
			previous_output: previous,
			script_sig: ScriptBuf::from_bytes(vec![1; 2]),
			sequence: Sequence::MAX,
			witness: Witness::new(),
		}],
		output: vec![TxOut {
			value: Amount::from_sat(number.into()),
			script_pubkey: ScriptBuf::from_bytes(vec![0x51; 22]),
		}],
	}
}

/// A block of that many transactions.
fn block(count: u32) -> Vec<Transaction> {
	let spend = |n: u32| OutPoint { txid: Txid::from_byte_array([7; 32]), vout: n };
	(0..count).map(|n| transaction(n, if n == 0 { OutPoint::null() } else { spend(n) })).collect()
}

fn ids(block: &[Transaction]) -> Vec<BitcoinHash> {
	block.iter().map(|tx| H256(tx.compute_txid().to_byte_array())).collect()
}

/// As the bitcoin crate computes it.
fn root(block: &[Transaction]) -> BitcoinHash {
	let ids = block.iter().map(|tx| tx.compute_txid().to_raw_hash());
	H256(merkle_tree::calculate_root(ids).unwrap().to_byte_array())
}

fn bytes(tx: &Transaction) -> TransactionBytes {
	serialize(tx).try_into().unwrap()
}

fn proof(block: &[Transaction], index: usize) -> InclusionProof {
	InclusionProof {
		block: H256::zero(),
		transactions: block.len() as u32,
		index: index as u32,
		transaction: bytes(&block[index]),
		branch: branch(&ids(block), index).unwrap(),
		coinbase: bytes(&block[0]),
		coinbase_branch: branch(&ids(block), 0).unwrap(),
	}
}

#[test]
fn every_transaction_but_the_first_should_be_proven_in_blocks_of_any_size() {
	for count in 2..70 {
		let block = block(count);
		let root = root(&block);
		for index in 1..block.len() {
			let (id, transaction) = proof(&block, index).verify(root).unwrap();
			assert_eq!((id, &transaction), (ids(&block)[index], &block[index]));
		}
	}
}

#[test]
fn coinbase_should_not_be_proven() {
	let block = block(5);
	let of_coinbase = InclusionProof { index: 0, ..proof(&block, 1) };
	assert_eq!(of_coinbase.verify(root(&block)), Err(InclusionError::IndexOutOfRange));
	// Nor at another place of a block that repeats it.
	let mut repeated = block.clone();
	repeated[3] = block[0].clone();
	assert_eq!(proof(&repeated, 3).verify(root(&repeated)), Err(InclusionError::IsCoinbase));
	// A block of a coinbase alone proves nothing.
	assert_eq!(proof(&block[..1], 0).verify(root(&block[..1])), Err(InclusionError::IndexOutOfRange));
}

#[test]
fn proof_should_be_refused_when_the_number_of_transactions_is_another() {
	let block = block(5);
	let root = root(&block);
	for (transactions, error) in [
		(0, InclusionError::IndexOutOfRange),
		(3, InclusionError::IndexOutOfRange),
		(4, InclusionError::WrongDepth),
		(9, InclusionError::WrongDepth),
		(u32::MAX, InclusionError::WrongDepth),
		// As deep, and with another shape at its end.
		(6, InclusionError::SiblingRepeated),
		(8, InclusionError::SiblingRepeated),
	] {
		let forged = InclusionProof { transactions, ..proof(&block, if transactions == 4 { 3 } else { 4 }) };
		assert_eq!(forged.verify(root), Err(error), "{transactions}");
	}
}

#[test]
fn proof_should_be_refused_when_a_repeated_sibling_hides_repeated_transactions() {
	// CVE-2012-2459: five transactions and six, the last repeated, have the same root.
	let five = block(5);
	let mut six = five.clone();
	six.push(five[4].clone());
	assert_eq!(root(&five), root(&six));
	assert!(proof(&five, 4).verify(root(&five)).is_ok());
	assert_eq!(proof(&six, 5).verify(root(&six)), Err(InclusionError::SiblingRepeated));
	assert_eq!(proof(&six, 4).verify(root(&six)), Err(InclusionError::SiblingRepeated));
	// Nor may a place that has no sibling be given another one.
	let mut forged = proof(&five, 4);
	forged.branch[0] = H256::repeat_byte(9);
	assert_eq!(forged.verify(root(&five)), Err(InclusionError::SiblingRepeated));
}

#[test]
fn proof_should_be_refused_when_a_leaf_of_64_bytes_may_be_a_node() {
	// CVE-2017-12842: an inner node, which is two hashes, shown as a transaction; or a transaction as a node.
	let block = block(8);
	let ids = ids(&block);
	let node = [ids[2].0, ids[3].0].concat();
	let forged = InclusionProof {
		transactions: 4,
		index: 1,
		transaction: node.clone().try_into().unwrap(),
		branch: Branch::truncate_from(proof(&block, 2).branch[1..].to_vec()),
		coinbase_branch: Branch::truncate_from(proof(&block, 2).coinbase_branch[1..].to_vec()),
		..proof(&block, 2)
	};
	assert_eq!(forged.verify(root(&block)), Err(InclusionError::TransactionTooShort));
	// A transaction of 64 bytes whose second half is a forged id: one level below the real leaves.
	let parsed = bitcoin::consensus::deserialize::<Transaction>(&node);
	assert!(parsed.is_err(), "two hashes at random are no transaction");
	let mut short = transaction(1, OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 1 });
	short.input[0].script_sig = ScriptBuf::new();
	short.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51; 4]);
	assert_eq!(serialize(&short).len(), 64);
	let mut with_short = block.clone();
	with_short[3] = short;
	assert_eq!(proof(&with_short, 3).verify(root(&with_short)), Err(InclusionError::TransactionTooShort));
}

#[test]
fn proof_should_be_refused_when_it_is_deeper_than_the_coinbase_shows() {
	// A leaf shown as a node, for a transaction that is under it by its author's making.
	let block = block(4);
	let mut forged = proof(&block, 3);
	forged.branch.try_push(H256::repeat_byte(3)).unwrap();
	forged.transactions = 8;
	assert_eq!(forged.verify(root(&block)), Err(InclusionError::WrongDepth));
	forged.coinbase_branch.try_push(H256::repeat_byte(4)).unwrap();
	assert_eq!(forged.verify(root(&block)), Err(InclusionError::RootMismatch));
}

#[test]
fn proof_should_be_refused_when_the_first_transaction_is_no_coinbase() {
	let mut block = block(4);
	block[0] = transaction(0, OutPoint { txid: Txid::from_byte_array([8; 32]), vout: 0 });
	assert_eq!(proof(&block, 1).verify(root(&block)), Err(InclusionError::NotCoinbase));
}

#[test]
fn proof_should_be_refused_when_the_bytes_are_not_one_bare_transaction() {
	let block = block(4);
	let root = root(&block);
	let good = proof(&block, 2);
	let with = |bytes: Vec<u8>| {
		InclusionProof { transaction: bytes.try_into().unwrap(), ..good.clone() }.verify(root)
	};
	let bare = serialize(&block[2]);
	assert!(with(bare.clone()).is_ok());
	assert_eq!(with([&bare[..], &[0]].concat()), Err(InclusionError::TransactionMalformed));
	assert_eq!(with(bare[1..].to_vec()), Err(InclusionError::TransactionMalformed));
	assert_eq!(with(vec![]), Err(InclusionError::TransactionMalformed));
	let mut witnessed = block[2].clone();
	witnessed.input[0].witness.push([1, 2, 3]);
	assert_eq!(with(serialize(&witnessed)), Err(InclusionError::TransactionMalformed));
	let mut other = block[2].clone();
	other.output[0].value = Amount::from_sat(2_100_000);
	assert_eq!(with(serialize(&other)), Err(InclusionError::RootMismatch));
}

proptest! {
	#[test]
	fn proof_should_be_refused_when_any_part_of_it_is_another(
		count in 2u32..40,
		place in any::<proptest::sample::Index>(),
		byte in any::<proptest::sample::Index>(),
		bit in 0u8..8,
		part in 0u8..5,
	) {
		let block = block(count);
		let index = 1 + place.index(count as usize - 1);
		let mut forged = proof(&block, index);
		let flip = |hashes: &mut Branch| {
			let at = byte.index(hashes.len() * 32);
			hashes[at / 32].0[at % 32] ^= 1 << bit;
		};
		match part {
			0 => flip(&mut forged.branch),
			1 => flip(&mut forged.coinbase_branch),
			2 => { let at = byte.index(forged.transaction.len()); forged.transaction[at] ^= 1 << bit },
			3 => { let at = byte.index(forged.coinbase.len()); forged.coinbase[at] ^= 1 << bit },
			_ => forged.index ^= 1 << (bit % 6),
		}
		prop_assert!(forged.verify(root(&block)).is_err());
	}

	#[test]
	fn verify_should_refuse_garbage_without_panicking(bytes in proptest::collection::vec(any::<u8>(), 0..300), index: u32, transactions: u32) {
		let garbage = InclusionProof {
			block: H256::zero(),
			transactions,
			index,
			transaction: bytes.clone().try_into().unwrap(),
			branch: Branch::truncate_from(vec![H256::zero(); 3]),
			coinbase: bytes.clone().try_into().unwrap(),
			coinbase_branch: Branch::truncate_from(vec![H256::zero(); 3]),
		};
		prop_assert!(garbage.verify(H256::from(sha256d::Hash::hash(&bytes).to_byte_array())).is_err());
	}
}
