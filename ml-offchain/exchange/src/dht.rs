//! Who has what: provider records in a Kademlia DHT of the chain's own.

use crate::address::PeerAddress;
use blyan_primitives::cid::Cid;
use futures::StreamExt;
use litep2p::{
	protocol::libp2p::kademlia::{
		self, IncomingRecordValidationMode, KademliaEvent, KademliaHandle, QueryId, Quorum, RecordKey,
		RoutingTableUpdateMode,
	},
	types::{multiaddr::Multiaddr, protocol::ProtocolName},
	PeerId,
};
use std::collections::{BTreeSet, HashMap};
use tokio::sync::oneshot;

/// Most content that is announced each time.
const MAX_ANNOUNCED_AT_ONCE: usize = 256;
/// Provider records that are kept for others: with the two bounds below, some 50 MB at most.
const MAX_PROVIDER_KEYS: usize = 8_192;
/// Addresses that are kept, and taken, of a provider.
pub(crate) const MAX_PROVIDER_ADDRESSES: usize = 4;
/// Peers that are remembered, to tell when there is a new one.
const MAX_KNOWN_PEERS: usize = 4_096;
/// Most providers that a search returns.
const MAX_PROVIDERS: usize = 32;

/// The name of the DHT of a chain: nodes of other chains are not part of it.
pub fn dht_protocol(genesis: &[u8; 32]) -> String {
	let name = genesis.iter().take(16).fold(String::new(), |name, byte| name + &format!("{byte:02x}"));
	format!("/blyan/{name}/kad/1.0.0")
}

/// The DHT as the driver uses it.
pub(crate) struct Dht {
	pub(crate) name: ProtocolName,
	handle: KademliaHandle,
	searches: HashMap<QueryId, oneshot::Sender<Vec<PeerAddress>>>,
	/// What this node says that it has, to whoever asks.
	announced: BTreeSet<Cid>,
	/// What of it others were told since somebody last joined.
	told: BTreeSet<Cid>,
	/// What is announced whether it is in the store or not.
	asked: BTreeSet<Cid>,
	/// Peers that were made known.
	known: BTreeSet<PeerId>,
}

impl Dht {
	/// A part of the DHT of that name, and what litep2p is told of it.
	pub(crate) fn new(name: &str) -> (kademlia::Config, Self) {
		let name = ProtocolName::from(name.to_owned());
		let (config, handle) = kademlia::ConfigBuilder::new()
			.with_protocol_names(vec![name.clone()])
			.with_routing_table_update_mode(RoutingTableUpdateMode::Automatic)
			// Of records, only who provides what is of use.
			.with_incoming_records_validation_mode(IncomingRecordValidationMode::Manual)
			.with_max_provider_keys(MAX_PROVIDER_KEYS)
			.with_max_provider_addresses(MAX_PROVIDER_ADDRESSES)
			.build();
		let this = Self {
			name,
			handle,
			searches: HashMap::new(),
			announced: BTreeSet::new(),
			told: BTreeSet::new(),
			asked: BTreeSet::new(),
			known: BTreeSet::new(),
		};
		(config, this)
	}

	/// Makes a peer known.
	pub(crate) async fn add_peer(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
		if self.known.len() >= MAX_KNOWN_PEERS {
			self.known.clear();
		}
		if self.known.insert(peer) {
			self.told.clear();
		}
		self.handle.add_known_peer(peer, addresses).await;
	}

	/// A peer connected that is part of the DHT. It may have been started anew, and have forgotten all.
	pub(crate) async fn joined(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
		self.known.remove(&peer);
		self.add_peer(peer, addresses).await;
	}

	/// Announces content, whether it is in the store or not.
	pub(crate) async fn start_providing(&mut self, cid: Cid) {
		self.asked.insert(cid);
		self.provide(cid).await;
	}

	/// Announces content no longer.
	pub(crate) async fn stop_providing(&mut self, cid: &Cid) {
		self.asked.remove(cid);
		self.unprovide(cid).await;
	}

	/// Searches for who has content.
	pub(crate) async fn search(&mut self, cid: &Cid, reply: oneshot::Sender<Vec<PeerAddress>>) {
		self.searches.retain(|_, search| !search.is_closed());
		let query = self.handle.get_providers(key(cid)).await;
		self.searches.insert(query, reply);
	}

	async fn provide(&mut self, cid: Cid) {
		self.announced.insert(cid);
		self.told.insert(cid);
		self.handle.start_providing(key(&cid), Quorum::One).await;
	}

	async fn unprovide(&mut self, cid: &Cid) {
		self.announced.remove(cid);
		self.told.remove(cid);
		self.handle.stop_providing(key(cid)).await;
	}

	/// Announces what is new in the store, and everything again after somebody joined: some at a time, so
	/// that neither this node nor the others are flooded.
	pub(crate) async fn announce(&mut self, stored: BTreeSet<Cid>) {
		let wanted: BTreeSet<Cid> = stored.union(&self.asked).copied().collect();
		let gone: Vec<Cid> = self.announced.difference(&wanted).copied().collect();
		for cid in gone {
			self.unprovide(&cid).await;
		}
		let untold: Vec<Cid> = wanted.difference(&self.told).take(MAX_ANNOUNCED_AT_ONCE).copied().collect();
		for cid in untold {
			self.provide(cid).await;
		}
	}

	pub(crate) fn on_event(&mut self, event: KademliaEvent) {
		match event {
			KademliaEvent::GetProvidersSuccess { query_id, providers, .. } => {
				let Some(search) = self.searches.remove(&query_id) else { return };
				let addresses = providers.into_iter().take(MAX_PROVIDERS).flat_map(|provider| {
					provider
						.addresses
						.into_iter()
						.take(MAX_PROVIDER_ADDRESSES)
						.filter_map(move |address| PeerAddress::of(provider.peer, address).ok())
				});
				let _ = search.send(addresses.collect());
			}
			KademliaEvent::QueryFailed { query_id } => {
				// Whoever searched finds nobody.
				self.searches.remove(&query_id);
			}
			_ => {}
		}
	}
}

/// As IPFS names content in its DHT: by the multihash.
fn key(cid: &Cid) -> RecordKey {
	RecordKey::from([&[0x12, 0x20][..], &cid.digest].concat())
}

/// What happens in the DHT; nothing ever where there is none.
pub(crate) async fn next_event(dht: &mut Option<Dht>) -> Option<KademliaEvent> {
	match dht {
		Some(dht) => dht.handle.next().await,
		None => std::future::pending().await,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dht_protocol_should_differ_from_chain_to_chain() {
		assert_eq!(dht_protocol(&[0xab; 32]), format!("/blyan/{}/kad/1.0.0", "ab".repeat(16)));
		assert_ne!(dht_protocol(&[1; 32]), dht_protocol(&[2; 32]));
	}
}
