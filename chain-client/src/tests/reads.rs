//! Reads: paging, patience, and answers that are not what they should be.

use super::{connect, node::Node, signer, soon};
use crate::{Chain, ChainError, Owed};
use blyan_primitives::{
	api::{WorkerInfo, MAX_PAGE},
	worker::{Role, Roles},
	AccountId,
};
use codec::{Decode, Encode};
use polkadot_sdk::sp_runtime::Perbill;

fn worker(n: u32) -> WorkerInfo<AccountId> {
	let mut account = [0; 32];
	account[..4].copy_from_slice(&n.to_le_bytes());
	WorkerInfo {
		account: account.into(),
		roles: Roles::default().with(Role::Evaluator),
		endpoint: b"http://127.0.0.1".to_vec(),
		bond: 5,
		reputation: Perbill::one(),
		engagements: 0,
		active: true,
	}
}

#[tokio::test]
async fn list_should_be_read_whole_when_it_has_several_pages() {
	// The last page is full in the second case: one more has to be asked for.
	for count in [2 * MAX_PAGE + 5, 2 * MAX_PAGE] {
		let node = Node::new();
		node.edit(|state| {
			let answer = move |arguments: &[u8]| {
				let (role, start, page) = <(Role, u32, u32)>::decode(&mut &arguments[..]).unwrap();
				assert_eq!((role, page), (Role::Evaluator, MAX_PAGE));
				(start..count.min(start + page)).map(worker).collect::<Vec<_>>().encode()
			};
			state.answers.insert("WorkersApi_workers", Box::new(answer));
		});
		let workers = soon(connect(&node).await.workers(Role::Evaluator)).await.unwrap();
		assert_eq!(workers, (0..count).map(worker).collect::<Vec<_>>());
	}
}

#[tokio::test]
async fn read_should_be_repeated_when_the_connection_breaks() {
	let node = Node::new();
	node.edit(|state| {
		state.answers.insert("RewardsApi_owed", Box::new(|_| (7u128, 9u128).encode()));
	});
	let client = connect(&node).await;
	node.edit(|state| state.failing_requests = 3);
	let owed = soon(client.owed(signer().account())).await.unwrap();
	assert_eq!(owed, Owed { claimable: 7, accruing: 9 });
}

#[tokio::test]
async fn read_should_fail_as_a_disconnect_when_patience_is_over() {
	let node = Node::new();
	let timing =
		crate::config::Timing { read_patience: std::time::Duration::from_millis(30), ..super::TIMING };
	let client = crate::Client::over(std::sync::Arc::new(node.clone()), timing).await.unwrap();
	node.kill();
	assert!(soon(client.finalized_head()).await.unwrap_err().is_disconnect());
	node.restart();
	assert_eq!(soon(client.finalized_head()).await.unwrap().number, 0);
}

#[tokio::test]
async fn answer_should_be_refused_when_bytes_are_missing_or_left_over() {
	let node = Node::new();
	let client = connect(&node).await;
	for answer in [vec![0u8, 1], vec![]] {
		node.edit(|state| state.answers.insert("ExpertDagApi_model", Box::new(move |_| answer.clone())));
		let error = soon(client.model(1)).await.unwrap_err();
		assert!(
			matches!(&error, ChainError::Decode { what, .. } if what.contains("ExpertDagApi_model")),
			"{error}"
		);
	}
	node.edit(|state| state.answers.insert("ExpertDagApi_model", Box::new(|_| vec![0])));
	assert_eq!(soon(client.model(1)).await.unwrap(), None);
}

#[tokio::test]
async fn account_should_have_nothing_when_the_chain_does_not_know_it() {
	let client = connect(&Node::new()).await;
	assert_eq!(soon(client.free_balance(&AccountId::new([1; 32]))).await.unwrap(), 0);
}

#[tokio::test]
async fn constant_should_be_read_from_the_metadata() {
	let client = connect(&Node::new()).await;
	assert_eq!(soon(client.constant("System", "BlockHashCount")).await.unwrap(), 4_096u32.encode());
	let error = soon(client.constant("System", "NoSuch")).await.unwrap_err();
	assert!(error.to_string().contains("System.NoSuch"), "{error}");
}
