#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod address;
mod asks;
mod dht;
mod error;
mod identity;
mod message;
mod metrics;
mod network;
mod peer;
mod protocol;
mod served;
mod source;
mod wire;
mod writer;

pub use address::{AddressError, PeerAddress, Provider, MAX_ADDRESS_BYTES};
pub use dht::dht_protocol;
pub use error::NetworkError;
pub use identity::{Identity, IdentityError, IDENTITY_FILE};
pub use litep2p::{types::multiaddr::Multiaddr, PeerId};
pub use metrics::{Metrics, PeerLedger};
pub use network::{Network, NetworkConfig};
