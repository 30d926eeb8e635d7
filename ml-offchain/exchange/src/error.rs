//! Why a network cannot start.

use litep2p::types::multiaddr::Multiaddr;
use std::{io, net::SocketAddr};

/// Why a network cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
	/// Another program has the port.
	#[error("{listen} is in use by another program")]
	PortTaken {
		/// What was asked for.
		listen: SocketAddr,
	},
	/// The address cannot be listened on.
	#[error("cannot listen on {listen}: {source}")]
	Listen {
		/// What was asked for.
		listen: SocketAddr,
		/// What the system says.
		source: io::Error,
	},
	/// An address that others should be told names another peer.
	#[error("{address} is not an address of this peer")]
	External {
		/// The address.
		address: Multiaddr,
	},
	/// libp2p refused.
	#[error("the peer-to-peer network cannot start: {source}")]
	Libp2p {
		/// Why.
		source: Box<litep2p::Error>,
	},
}

impl From<litep2p::Error> for NetworkError {
	fn from(source: litep2p::Error) -> Self {
		Self::Libp2p { source: Box::new(source) }
	}
}
