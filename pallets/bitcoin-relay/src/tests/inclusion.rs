//! Transactions in blocks of the best chain.

use super::*;
use bitcoin::{
	absolute::LockTime,
	consensus::serialize,
	hashes::Hash as _,
	transaction::{OutPoint, Sequence, TxIn, TxOut, Version},
	Amount, ScriptBuf, Transaction, Txid, Witness,
};
use blyan_bitcoin::{
	inclusion::{branch, InclusionProof},
	BitcoinHash, RawHeader,
};
use polkadot_sdk::{frame_support::assert_ok, sp_core::H256};

fn transaction(number: u32, previous: OutPoint) -> Transaction {
	Transaction {
		version: Version::TWO,
		lock_time: LockTime::from_consensus(number),
		input: vec![TxIn {
			previous_output: previous,
			script_sig: ScriptBuf::from_bytes(vec![1; 2]),
			sequence: Sequence::MAX,
			witness: Witness::new(),
		}],
		output: vec![TxOut {
			value: Amount::from_sat(1_000),
			script_pubkey: ScriptBuf::from_bytes(vec![0x51; 22]),
		}],
	}
}

/// Mines a block of three transactions on that parent; the proof is of the last one.
fn block(parent: BitcoinHash, time: u32) -> (RawHeader, InclusionProof) {
	let previous = |vout| OutPoint { txid: Txid::from_byte_array([7; 32]), vout };
	let transactions =
		[transaction(time, OutPoint::null()), transaction(1, previous(1)), transaction(2, previous(2))];
	let ids = transactions.iter().map(|tx| H256(tx.compute_txid().to_byte_array())).collect::<Vec<_>>();
	let root = bitcoin::merkle_tree::calculate_root(transactions.iter().map(|tx| tx.compute_txid()));
	let template = mine_with(parent, 0, time);
	let header = (0u32..)
		.map(|nonce| {
			let mut raw = template;
			raw.0[36..68].copy_from_slice(root.unwrap().as_ref());
			raw.0[76..80].copy_from_slice(&nonce.to_le_bytes());
			raw
		})
		.find(|raw| raw.hash().0[31] < 0x7f)
		.unwrap();
	let bytes = |tx: &Transaction| serialize(tx).try_into().unwrap();
	let proof = InclusionProof {
		block: header.hash(),
		transactions: 3,
		index: 2,
		transaction: bytes(&transactions[2]),
		branch: branch(&ids, 2).unwrap(),
		coinbase: bytes(&transactions[0]),
		coinbase_branch: branch(&ids, 0).unwrap(),
	};
	(header, proof)
}

#[test]
fn transaction_should_be_proven_when_its_block_is_deep_enough_on_the_best_chain() {
	run(|| {
		let (header, proof) = block(tip().hash, NOW as u32);
		assert_eq!(Relay::verify(&proof, 1).unwrap_err(), Error::<Test>::BlockNotOnBestChain.into());
		assert_ok!(submit(&[header], 0));
		let confirmed = Relay::verify(&proof, 1).unwrap();
		assert_eq!((confirmed.height, confirmed.confirmations), (1, 1));
		assert_eq!(confirmed.transaction.lock_time, LockTime::from_consensus(2));
		assert_eq!(confirmed.id.0, confirmed.transaction.compute_txid().to_byte_array());
		assert_eq!(Relay::verify(&proof, 2).unwrap_err(), Error::<Test>::TooFewConfirmations.into());
		extend(tip().hash, 5, 1);
		assert_eq!(Relay::verify(&proof, 6).unwrap().confirmations, 6);
	});
}

#[test]
fn transaction_should_not_be_proven_when_its_block_was_left_by_the_best_chain() {
	run(|| {
		let genesis = tip().hash;
		let (header, proof) = block(genesis, NOW as u32);
		assert_ok!(submit(&[header], 0));
		extend(genesis, 2, 2);
		assert_eq!(Relay::verify(&proof, 1).unwrap_err(), Error::<Test>::BlockNotOnBestChain.into());
	});
}

#[test]
fn transaction_should_not_be_proven_when_the_proof_is_wrong() {
	run(|| {
		let (header, proof) = block(tip().hash, NOW as u32);
		assert_ok!(submit(&[header], 0));
		let fails = |proof: InclusionProof| Relay::verify(&proof, 1).unwrap_err();
		assert_eq!(
			fails(InclusionProof { index: 0, ..proof.clone() }),
			Error::<Test>::IndexOutOfRange.into()
		);
		assert_eq!(
			fails(InclusionProof { transactions: 9, ..proof.clone() }),
			Error::<Test>::WrongDepth.into()
		);
		assert_eq!(
			fails(InclusionProof { transactions: 4, ..proof.clone() }),
			Error::<Test>::SiblingRepeated.into()
		);
		assert_eq!(
			fails(InclusionProof { index: 1, ..proof.clone() }),
			Error::<Test>::SiblingRepeated.into()
		);
		let short = vec![0; 64].try_into().unwrap();
		assert_eq!(
			fails(InclusionProof { transaction: short, ..proof.clone() }),
			Error::<Test>::TransactionTooShort.into()
		);
		let garbage = vec![0; 65].try_into().unwrap();
		assert_eq!(
			fails(InclusionProof { transaction: garbage, ..proof.clone() }),
			Error::<Test>::TransactionMalformed.into()
		);
		let swapped = InclusionProof { coinbase: proof.transaction.clone(), ..proof.clone() };
		assert_eq!(fails(swapped), Error::<Test>::NotCoinbase.into());
		let swapped = InclusionProof { transaction: proof.coinbase.clone(), ..proof.clone() };
		assert_eq!(fails(swapped), Error::<Test>::IsCoinbase.into());
		let mut torn = proof.clone();
		torn.branch[1] = H256::zero();
		assert_eq!(fails(torn), Error::<Test>::RootMismatch.into());
	});
}
