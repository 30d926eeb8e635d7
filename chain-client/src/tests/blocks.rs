//! The finalized chain, without gaps.

use super::{connect, node::Node, soon};
use crate::{Chain, ChainError, ChainEvent, FinalizedBlocks};
use blyan_primitives::dag::ModelId;
use futures::StreamExt;
use std::time::Duration;

fn marked(node: &Node, model: ModelId) -> u32 {
	node.author(Vec::new(), vec![ChainEvent::TrainingOpened { model }])
}

async fn next_numbers(blocks: &mut FinalizedBlocks, count: usize) -> Vec<u32> {
	let mut numbers = Vec::new();
	for _ in 0..count {
		let block = soon(blocks.next()).await.expect("the stream goes on").expect("a block");
		assert_eq!(block.timestamp_ms, u64::from(block.number) * 2_000);
		numbers.push(block.number);
	}
	numbers
}

#[tokio::test]
async fn stream_should_give_every_block_when_notifications_skip_some() {
	let node = Node::new();
	let mut blocks = connect(&node).await.finalized_blocks(Some(0));
	assert_eq!(next_numbers(&mut blocks, 1).await, [0]);
	for _ in 0..5 {
		marked(&node, 1);
	}
	node.finalize();
	assert_eq!(next_numbers(&mut blocks, 5).await, [1, 2, 3, 4, 5]);
	marked(&node, 9);
	node.finalize();
	let block = soon(blocks.next()).await.unwrap().unwrap();
	assert_eq!((block.number, block.events), (6, vec![ChainEvent::TrainingOpened { model: 9 }]));
}

#[tokio::test]
async fn stream_should_start_at_the_newest_finalized_block_when_none_is_named() {
	let node = Node::new();
	marked(&node, 1);
	node.finalize();
	marked(&node, 2);
	let mut blocks = connect(&node).await.finalized_blocks(None);
	assert_eq!(next_numbers(&mut blocks, 1).await, [1]);
	tokio::time::timeout(Duration::from_millis(120), blocks.next()).await.expect_err("block 2 is not final");
	node.finalize();
	assert_eq!(next_numbers(&mut blocks, 1).await, [2]);
}

#[tokio::test]
async fn stream_should_leave_out_no_block_when_the_node_is_killed_in_between() {
	let node = Node::new();
	let mut blocks = connect(&node).await.finalized_blocks(Some(0));
	assert_eq!(next_numbers(&mut blocks, 1).await, [0]);
	for round in 0..3 {
		node.kill();
		for _ in 0..4 {
			marked(&node, 1);
		}
		node.finalize();
		let waiting = tokio::time::timeout(Duration::from_millis(20), blocks.next()).await;
		assert!(waiting.is_err(), "it waits while the node is away");
		node.restart();
		// Some requests after the restart fail as well, in the middle of a block.
		node.edit(|state| state.failing_requests = round);
		let first = 1 + round * 4;
		assert_eq!(next_numbers(&mut blocks, 4).await, (first..first + 4).collect::<Vec<_>>());
	}
}

#[tokio::test]
async fn stream_should_end_with_an_error_when_finalized_history_changes() {
	let node = Node::new();
	for _ in 0..3 {
		marked(&node, 1);
	}
	node.finalize();
	let mut blocks = connect(&node).await.finalized_blocks(Some(1));
	assert_eq!(next_numbers(&mut blocks, 2).await, [1, 2]);
	node.rewrite_history(2);
	let error = soon(blocks.next()).await.unwrap().unwrap_err();
	assert!(matches!(error, ChainError::HistoryChanged { number: 3, .. }), "{error}");
	assert!(soon(blocks.next()).await.is_none());
}

#[tokio::test]
async fn block_should_be_read_by_the_runtime_that_executed_it_when_the_runtime_is_upgraded() {
	let node = Node::new();
	let client = connect(&node).await;
	let mut blocks = client.finalized_blocks(Some(0));
	// The new runtime has its events elsewhere.
	let mut newer = super::metadata::Spec::default();
	newer.events.insert(
		0,
		crate::layout::ItemLayout { pallet: "ProofOfLearning", name: "Novelty", fields: Vec::new() },
	);
	node.edit(|state| {
		state.specs.insert(101, newer);
		state.spec_version = 101;
	});
	// Brings the upgrade, and is executed by the old runtime; the next one by the new.
	marked(&node, 1);
	marked(&node, 2);
	node.finalize();
	for (number, events) in [(0, None), (1, Some(1)), (2, Some(2))] {
		let block = soon(blocks.next()).await.unwrap().unwrap();
		let events: Vec<_> = events.into_iter().map(|model| ChainEvent::TrainingOpened { model }).collect();
		assert_eq!((block.number, block.events), (number, events));
	}
}

#[tokio::test]
async fn stream_should_end_with_the_difference_when_an_upgrade_does_not_fit() {
	let node = Node::new();
	let mut blocks = connect(&node).await.finalized_blocks(Some(0));
	let mut newer = super::metadata::Spec::default();
	newer.calls.retain(|call| call.name != "commit");
	node.edit(|state| {
		state.specs.insert(101, newer);
		state.spec_version = 101;
	});
	node.author(Vec::new(), Vec::new());
	node.author(Vec::new(), Vec::new());
	node.finalize();
	assert_eq!(next_numbers(&mut blocks, 2).await, [0, 1]);
	let error = soon(blocks.next()).await.unwrap().unwrap_err();
	assert!(matches!(&error, ChainError::Incompatible { what } if what.contains("commit")), "{error}");
	assert!(soon(blocks.next()).await.is_none());
}
