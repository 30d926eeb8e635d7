//! Calls, through every way in which they can go wrong between the signature and the block.

use super::{
	connect,
	node::{refusal, Ending, Node},
	signer, soon,
};
use crate::{
	backend::TransactionStatus, Call, Chain, ChainEvent, Client, Receipt, SignedCall, SubmitError, Wait,
	MORTALITY_BLOCKS,
};
use blyan_primitives::Hash;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

fn call(round: u64) -> Call {
	Call::Commit { round, commitment: Hash::repeat_byte(1) }
}

fn committed() -> ChainEvent {
	ChainEvent::FindingCommitted {
		round: 1,
		evaluator: signer().account().clone(),
		commitment: Hash::repeat_byte(1),
	}
}

fn success() -> Ending {
	Ending::Success(vec![committed()])
}

fn submit(client: &Client, wait: Wait) -> JoinHandle<Result<Receipt, SubmitError>> {
	let client = client.clone();
	tokio::spawn(async move { client.submit(&signer(), call(1), wait).await })
}

async fn ended(task: JoinHandle<Result<Receipt, SubmitError>>) -> Result<Receipt, SubmitError> {
	soon(task).await.expect("no panic")
}

/// A signed call that was never sent.
async fn journalled(client: &Client) -> SignedCall {
	let mut kept = None;
	let error = client
		.submit_journalled(&signer(), call(1), Wait::Finalized, &mut |signed| {
			kept = Some(signed.clone());
			Err(crate::Cause::new("the program ends here"))
		})
		.await
		.unwrap_err();
	assert!(matches!(error, SubmitError::Journal { .. }));
	kept.expect("the journal was written")
}

#[tokio::test]
async fn receipt_should_come_with_the_events_when_the_call_is_finalized() {
	let node = Node::new();
	let client = connect(&node).await;
	let task = submit(&client, Wait::Finalized);
	soon(node.offers(1)).await;
	node.author_pool(success());
	assert!(!task.is_finished(), "in a block is not final");
	node.finalize();
	let receipt = ended(task).await.unwrap();
	assert_eq!((receipt.block.number, receipt.nonce, receipt.events), (1, 0, vec![committed()]));
}

#[tokio::test]
async fn receipt_should_come_before_finality_when_a_block_is_enough() {
	let node = Node::new();
	let client = connect(&node).await;
	let task = submit(&client, Wait::InBlock);
	soon(node.offers(1)).await;
	node.author_pool(success());
	assert_eq!(ended(task).await.unwrap().block.number, 1);
	assert_eq!(client.finalized_head().await.unwrap().number, 0);
}

#[tokio::test]
async fn calls_should_have_nonces_in_a_row_when_many_are_in_flight() {
	let node = Node::new();
	node.edit(|state| state.nonce = 40);
	let client = connect(&node).await;
	let tasks: Vec<_> = (0..30).map(|_| submit(&client, Wait::Finalized)).collect();
	soon(node.offers(30)).await;
	node.author_pool(success());
	node.finalize();
	let mut nonces = Vec::new();
	for task in tasks {
		nonces.push(ended(task).await.unwrap().nonce);
	}
	nonces.sort_unstable();
	assert_eq!(nonces, (40..70).collect::<Vec<_>>());
}

#[tokio::test]
async fn error_should_name_pallet_and_error_when_the_call_fails_in_its_block() {
	let node = Node::new();
	let client = connect(&node).await;
	for (ending, expected) in [
		(
			Ending::PalletError,
			"ProofOfLearning.commit failed in block 1: Workers.NotRegistered: Register first.",
		),
		(Ending::TooPoor, "ProofOfLearning.commit failed in block 2: Funds are unavailable"),
	] {
		let offered = node.edit(|state| state.offered.len());
		let task = submit(&client, Wait::InBlock);
		soon(node.offers(offered + 1)).await;
		node.author_pool(ending);
		let error = ended(task).await.unwrap_err();
		assert_eq!(error.to_string(), expected);
		assert!(!error.is_retryable());
	}
}

#[tokio::test]
async fn call_should_be_signed_anew_when_its_nonce_is_taken() {
	let node = Node::new();
	node.edit(|state| {
		state.refusals.push_back(refusal(1014, "too low priority"));
		state.refusals.push_back(refusal(1010, "Transaction is outdated"));
	});
	let client = connect(&node).await;
	let journal = Arc::new(Mutex::new(Vec::new()));
	let task = tokio::spawn({
		let (client, journal) = (client.clone(), journal.clone());
		async move {
			let mut note = |signed: &SignedCall| {
				journal.lock().unwrap().push(signed.clone());
				Ok(())
			};
			client.submit_journalled(&signer(), call(1), Wait::InBlock, &mut note).await
		}
	});
	soon(node.offers(3)).await;
	node.author_pool(success());
	assert_eq!(ended(task).await.unwrap().nonce, 2);
	let nonces: Vec<_> = journal.lock().unwrap().iter().map(|signed| signed.nonce).collect();
	assert_eq!(nonces, [0, 1, 2], "each was journalled before it was sent");
}

#[tokio::test]
async fn call_should_be_refused_when_the_pool_will_not_take_it() {
	let node = Node::new();
	let client = connect(&node).await;
	node.edit(|state| state.refusals.push_back(refusal(1010, "Inability to pay some fees")));
	let error = soon(client.submit(&signer(), call(1), Wait::InBlock)).await.unwrap_err();
	assert!(
		matches!(&error, SubmitError::Refused { code: 1010, reason, .. } if reason.contains("Inability")),
		"{error}"
	);
	// Its nonce is used by the next call: a gap would keep that one waiting for ever.
	let task = submit(&client, Wait::InBlock);
	soon(node.offers(2)).await;
	node.author_pool(success());
	assert_eq!(ended(task).await.unwrap().nonce, 0);
}

#[tokio::test]
async fn nothing_should_be_sent_when_the_journal_fails() {
	let node = Node::new();
	let client = connect(&node).await;
	journalled(&client).await;
	assert_eq!(node.edit(|state| state.offered.len()), 0);
}

#[tokio::test]
async fn call_should_be_found_and_not_doubled_when_the_connection_breaks_while_it_is_sent() {
	let node = Node::new();
	let client = connect(&node).await;
	node.edit(|state| state.breaks_after_offer = 1);
	let task = submit(&client, Wait::Finalized);
	soon(node.offers(1)).await;
	node.author_pool(success());
	node.finalize();
	assert_eq!(ended(task).await.unwrap().block.number, 1);
	let offered = node.edit(|state| state.offered.clone());
	assert!(offered.iter().all(|transaction| *transaction == offered[0]), "always the same bytes");
}

#[tokio::test]
async fn call_should_be_sent_again_when_the_node_is_killed_and_forgets_it() {
	let node = Node::new();
	let client = connect(&node).await;
	let task = submit(&client, Wait::InBlock);
	soon(node.offers(1)).await;
	node.kill();
	node.restart();
	soon(node.offers(2)).await;
	node.author_pool(success());
	node.finalize();
	assert_eq!(ended(task).await.unwrap().block.number, 1);
	let offered = node.edit(|state| state.offered.clone());
	assert!(offered.iter().all(|transaction| *transaction == offered[0]), "always the same bytes");
}

#[tokio::test]
async fn call_should_be_found_in_its_block_when_the_pool_loses_sight_of_it() {
	let node = Node::new();
	let client = connect(&node).await;
	let task = submit(&client, Wait::Finalized);
	soon(node.offers(1)).await;
	node.author_pool(success());
	node.tell_watchers(TransactionStatus::Lost("it became invalid"));
	node.finalize();
	assert_eq!(ended(task).await.unwrap().events, [committed()]);
}

#[tokio::test]
async fn resumed_call_should_be_done_once_whether_it_was_sent_or_not() {
	let node = Node::new();
	let client = connect(&node).await;
	let signed = journalled(&client).await;
	let resume = |signed: SignedCall| {
		let client = client.clone();
		tokio::spawn(async move { client.resume(&signed).await })
	};
	let never_sent = resume(signed.clone());
	soon(node.offers(1)).await;
	node.author_pool(success());
	node.finalize();
	let receipt = ended(never_sent).await.unwrap();
	for _ in 0..3 {
		node.author(Vec::new(), Vec::new());
	}
	node.finalize();
	assert_eq!(ended(resume(signed.clone())).await.unwrap(), receipt);
	assert_eq!(node.edit(|state| state.pool.len()), 0, "it is not taken again");
}

#[tokio::test]
async fn call_should_expire_when_no_block_takes_it_in_time() {
	let node = Node::new();
	let client = connect(&node).await;
	let signed = journalled(&client).await;
	node.edit(|state| state.refusals.extend((0..200).map(|_| refusal(1012, "banned"))));
	for _ in 0..MORTALITY_BLOCKS {
		node.author(Vec::new(), Vec::new());
	}
	node.finalize();
	let error = soon(client.resume(&signed)).await.unwrap_err();
	assert!(matches!(error, SubmitError::Expired { .. }) && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn call_should_be_superseded_when_another_transaction_took_its_nonce() {
	let node = Node::new();
	let client = connect(&node).await;
	let signed = journalled(&client).await;
	node.edit(|state| {
		state.nonce += 1;
		state.refusals.push_back(refusal(1010, "Transaction is outdated"));
	});
	node.author(Vec::new(), Vec::new());
	node.finalize();
	let error = soon(client.resume(&signed)).await.unwrap_err();
	assert!(matches!(error, SubmitError::Superseded { nonce: 0, .. }), "{error}");
}

#[tokio::test]
async fn resumed_call_should_be_refused_only_after_the_blocks_were_searched() {
	let node = Node::new();
	let client = connect(&node).await;
	let signed = journalled(&client).await;
	// It is in a block that is final, yet the pool gives another reason than the nonce.
	node.author(vec![(signed.bytes.clone(), success())], Vec::new());
	node.finalize();
	node.edit(|state| state.refusals.push_back(refusal(1010, "Inability to pay some fees")));
	assert_eq!(soon(client.resume(&signed)).await.unwrap().block.number, 1);

	let other = journalled(&client).await;
	node.edit(|state| state.refusals.push_back(refusal(1010, "Inability to pay some fees")));
	let task = tokio::spawn({
		let client = client.clone();
		async move { client.resume(&other).await }
	});
	soon(node.offers(2)).await;
	node.author(Vec::new(), Vec::new());
	node.finalize();
	assert!(matches!(ended(task).await, Err(SubmitError::Refused { .. })));
}
