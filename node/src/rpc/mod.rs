//! RPC: what Polkadot.js expects beyond the service's own set, and `blyan_*`.

mod blyan;

use crate::service::{Block, FullBackend, FullClient, FullSelectChain};
use blyan::{Blyan, BlyanApiServer};
use jsonrpsee::RpcModule;
use polkadot_sdk::*;
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sc_transaction_pool::TransactionPoolHandle;
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// What GRANDPA's RPC needs.
pub struct GrandpaDependencies {
	pub voter_state: SharedVoterState,
	pub authority_set: SharedAuthoritySet<blyan_runtime::Hash, blyan_runtime::BlockNumber>,
	pub justifications: GrandpaJustificationStream<Block>,
	pub subscriptions: SubscriptionTaskExecutor,
	pub finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// What the RPC needs of the node.
pub struct Dependencies {
	pub client: Arc<FullClient>,
	pub pool: Arc<TransactionPoolHandle<Block, FullClient>>,
	pub select_chain: FullSelectChain,
	pub keystore: KeystorePtr,
	pub babe_worker: BabeWorkerHandle<Block>,
	pub grandpa: GrandpaDependencies,
}

/// Every call that the service does not register by itself.
pub fn create(dependencies: Dependencies) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_babe_rpc::{Babe, BabeApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let Dependencies { client, pool, select_chain, keystore, babe_worker, grandpa } = dependencies;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(Babe::new(client.clone(), babe_worker, keystore, select_chain).into_rpc())?;
	module.merge(
		Grandpa::new(
			grandpa.subscriptions,
			grandpa.authority_set,
			grandpa.voter_state,
			grandpa.justifications,
			grandpa.finality_proofs,
		)
		.into_rpc(),
	)?;
	module.merge(Blyan::new(client).into_rpc())?;
	Ok(module)
}
