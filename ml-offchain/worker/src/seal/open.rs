//! Opening what rounds have drawn.

use super::{KeyFolder, Sealed};
use crate::{
	config::Config,
	content::Content,
	exchange,
	rounds::{newest, OpenRounds},
	worker::{lock_data_dir, Connection, StartError},
};
use blyan_chain_client::{Call, Chain, ChainError, Signer, SubmitError, Wait};
use blyan_primitives::{
	api::{LotInfo, RoundPhase},
	sealed::{LotId, LotKey, LotState},
	AccountId, Hash,
};
use blyan_store::Store;
use futures::future::join_all;
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Opens lots until it is dropped.
#[derive(Debug)]
pub struct Opener(JoinHandle<()>);

impl Drop for Opener {
	fn drop(&mut self) {
		self.0.abort();
	}
}

impl Opener {
	/// Opens what was sealed with this configuration, whenever a round has drawn it.
	pub fn start(config: &Config, connection: Connection) -> Self {
		let keys = KeyFolder::of(&config.data_dir);
		Self(tokio::spawn(async move {
			if let Err(error) = follow(&keys, connection.chain, &connection.signer).await {
				tracing::error!(%error, "sealed lots are not opened any more; start again");
			}
		}))
	}
}

/// Serves the ciphertext and opens what rounds draw, without registering as a worker, until `shutdown`.
///
/// # Errors
/// See [`StartError`].
pub async fn open_lots(
	config: &Config,
	connection: Connection,
	shutdown: CancellationToken,
) -> Result<(), StartError> {
	let _lock = lock_data_dir(&config.data_dir)?;
	let store = Store::open(config.store_dir())?;
	let exchange = exchange::start(store, config, connection.chain.genesis_hash()).await?;
	let network = exchange.network().clone();
	let content = Content::new(network, connection.chain.clone(), connection.account().clone());
	// Through the other workers the DHT is joined, where evaluators look for what no worker has.
	content.providers(None).await?;
	tracing::info!(account = %connection.account(), endpoint = exchange.endpoint(), "opening what is drawn");
	let opener = Opener::start(config, connection);
	shutdown.cancelled().await;
	drop(opener);
	exchange.stop(config.shutdown_timeout()).await;
	Ok(())
}

async fn follow(keys: &KeyFolder, chain: Arc<dyn Chain>, signer: &Signer) -> Result<(), ChainError> {
	let mut blocks = chain.finalized_blocks(None);
	let mut rounds = OpenRounds::default();
	while newest(&mut blocks).await?.is_some() {
		// Read anew, for lots are sealed meanwhile.
		let sealed = match keys.read() {
			Ok(sealed) if sealed.is_empty() => continue,
			Ok(sealed) => sealed,
			Err(error) => {
				tracing::error!(%error, "the keys cannot be read; tried again with the next block");
				continue;
			}
		};
		match drawn(&*chain, &mut rounds, &sealed).await {
			Ok(due) => {
				join_all(due.into_iter().map(|(lot, key)| open(&*chain, signer, lot, key))).await;
			}
			Err(error) if error.is_retryable() => {
				tracing::warn!(%error, "the chain could not be read; tried again with the next block")
			}
			Err(error) => return Err(error),
		}
	}
	Ok(())
}

/// What waits for a key that is here. Of finalized draws alone: a key that was sent is no secret any more, even if the draw
/// is undone.
async fn drawn(
	chain: &dyn Chain,
	rounds: &mut OpenRounds,
	sealed: &BTreeMap<Hash, Sealed>,
) -> Result<Vec<(LotId, LotKey)>, ChainError> {
	let mut all = Vec::new();
	for round in rounds.read(chain).await? {
		if matches!(round.phase, RoundPhase::Opening { .. }) {
			all.extend(due(&chain.lots_of_round(round.id).await?, sealed));
		}
	}
	Ok(all)
}

fn due(lots: &[LotInfo<AccountId>], sealed: &BTreeMap<Hash, Sealed>) -> Vec<(LotId, LotKey)> {
	let waiting = lots.iter().filter(|info| matches!(info.state, LotState::Drawn { .. }));
	let key = |info: &LotInfo<AccountId>| Some((info.id, *sealed.get(&info.lot.key_hash)?.key.expose()));
	waiting.filter_map(key).collect()
}

async fn open(chain: &dyn Chain, signer: &Signer, lot: LotId, key: LotKey) {
	// Repeating is harmless: the chain takes the first and refuses the second.
	match chain.submit(signer, Call::OpenLot { lot, key }, Wait::InBlock).await {
		Ok(receipt) => tracing::info!(lot, block = receipt.block.number, "opened"),
		Err(error) if is_over(&error) => tracing::info!(lot, %error, "opened before, or too late"),
		Err(error) => tracing::warn!(lot, %error, "could not be opened; tried again with the next block"),
	}
}

fn is_over(error: &SubmitError) -> bool {
	["NotAwaitingOpening", "LotNotFound"].iter().any(|name| error.is_pallet_error("SealedShards", name))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::seal::{lot, Key};
	use blyan_primitives::{
		cid::{Cid, CidCodec},
		learning::DomainName,
	};

	#[test]
	fn due_should_be_what_is_drawn_and_has_its_key_here() {
		let key = Key::random();
		let content = Cid { codec: CidCodec::Raw, digest: [0; 32] };
		let new_lot = |key: &Key| lot::describe(&[vec![1; 4]], key, content, DomainName::default());
		let info = |id, key: &Key, state| LotInfo {
			id,
			model: 0,
			sealer: AccountId::new([1; 32]),
			lot: new_lot(key),
			held: 0,
			added_at: 0,
			state,
		};
		let drawn = LotState::Drawn { round: 0 };
		let lots = [
			info(0, &key, drawn),
			info(1, &Key::random(), drawn),
			info(2, &key, LotState::Reserved),
			info(3, &key, LotState::Retired { round: 0, key: *key.expose(), at: 0 }),
		];
		let sealed = Sealed { model: 0, lot: new_lot(&key), key: key.clone() };
		let known = BTreeMap::from([(key.hash(), sealed)]);
		assert_eq!(due(&lots, &known), [(0, *key.expose())]);
		assert_eq!(due(&lots, &BTreeMap::new()), []);
	}
}
