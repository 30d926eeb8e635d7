//! A validator's votes on checkpoints: signs what is final, with GRANDPA's key, and hands it to the pool.

use crate::service::Block;
use blyan_primitives::{
	api::CheckpointsApi,
	checkpoint::{CheckpointVote, OpenCheckpointInfo},
};
use futures::StreamExt;
use polkadot_sdk::*;
use sc_client_api::{BlockchainEvents, HeaderBackend};
use sc_transaction_pool_api::{error::IntoPoolError, TransactionPool, TransactionSource};
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_consensus::SyncOracle;
use sp_core::{crypto::key_types::GRANDPA, H256};
use sp_keystore::{Keystore, KeystorePtr};
use std::sync::Arc;
use tracing::{debug, warn};

/// Votes on each checkpoint as soon as its block is final, and again with each block that becomes final until the vote
/// is in a block. Ends when the node does.
pub async fn run<Client, Pool, Oracle>(
	client: Arc<Client>,
	pool: Arc<Pool>,
	keystore: KeystorePtr,
	oracle: Oracle,
) where
	Client: BlockchainEvents<Block> + HeaderBackend<Block> + ProvideRuntimeApi<Block>,
	Client::Api: CheckpointsApi<Block>,
	Pool: TransactionPool<Block = Block>,
	Oracle: SyncOracle,
{
	let mut finalized = client.finality_notification_stream();
	while let Some(notification) = finalized.next().await {
		// What is open in the state of a node that catches up is long closed.
		if oracle.is_major_syncing() {
			continue;
		}
		let number = notification.header.number;
		if let Err(error) = vote(&*client, &*pool, &keystore, number).await {
			warn!(target: "checkpoints", "No vote at final block {number}: {error}");
		}
	}
}

/// Brings the votes that are missing of this node's keys on the open checkpoint, if its block is final.
async fn vote<Client, Pool>(
	client: &Client,
	pool: &Pool,
	keystore: &KeystorePtr,
	finalized: u32,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
	Client: HeaderBackend<Block> + ProvideRuntimeApi<Block>,
	Client::Api: CheckpointsApi<Block>,
	Pool: TransactionPool<Block = Block>,
{
	let keys = keystore.ed25519_public_keys(GRANDPA);
	let info = client.info();
	let at = info.best_hash;
	// A chain whose runtime has no checkpoints yet.
	if keys.is_empty() || !client.runtime_api().has_api::<dyn CheckpointsApi<Block>>(at)? {
		return Ok(());
	}
	let Some(open) = client.runtime_api().open_checkpoint(at, keys)? else { return Ok(()) };
	if open.block.number > finalized {
		return Ok(());
	}
	// At a final height there is one block; whatever the state says, nothing else is signed.
	if client.hash(open.block.number)? != Some(open.block.hash) {
		return Err(format!("the state's checkpoint {} is not this chain's", open.block.number).into());
	}
	for (vote, signature) in signed(keystore, &open, &info.genesis_hash)? {
		let transaction = client.runtime_api().checkpoint_vote(at, vote, signature)?;
		// It is not lost if the pool has it already, or had it a moment ago.
		match pool.submit_one(at, TransactionSource::Local, transaction).await {
			Ok(_) => debug!(target: "checkpoints", "Voted for block {}", open.block.number),
			Err(error) => match error.into_pool_error() {
				Ok(error) => debug!(target: "checkpoints", "The pool does not take the vote: {error}"),
				Err(error) => return Err(error.to_string().into()),
			},
		}
	}
	Ok(())
}

/// The votes of these seats, signed.
fn signed(
	keystore: &KeystorePtr,
	open: &OpenCheckpointInfo,
	genesis: &H256,
) -> Result<Vec<(CheckpointVote, sp_core::ed25519::Signature)>, sp_keystore::Error> {
	let payload = open.block.payload(genesis);
	let sign = |(seat, key): &(u32, sp_core::ed25519::Public)| {
		let signature = keystore.ed25519_sign(GRANDPA, key, &payload).transpose()?;
		Some(signature.map(|signature| (CheckpointVote { block: open.block, seat: *seat }, signature)))
	};
	open.seats.iter().filter_map(sign).collect()
}
