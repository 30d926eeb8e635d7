//! Whom content can be had from, as text.

use blyan_store::Url;
use litep2p::{
	types::multiaddr::{Multiaddr, Protocol},
	PeerId,
};
use std::{fmt, str::FromStr};

/// Longest address that is read: longer than the chain takes.
pub const MAX_ADDRESS_BYTES: usize = 256;

/// Why a text is no address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
	/// Longer than an address can be.
	#[error("it has {0} bytes, and an address has {MAX_ADDRESS_BYTES} at most")]
	TooLong(usize),
	/// It starts like a multiaddress, but is none.
	#[error("it is not a multiaddress: {0}")]
	Multiaddr(String),
	/// The multiaddress is not one that can be dialled.
	#[error("it must be /ip4, /ip6 or /dns, then /tcp/PORT, then /p2p/PEER")]
	Shape,
	/// Neither a multiaddress nor an `http` URL with a host.
	#[error("it is neither a multiaddress that ends in /p2p/PEER nor an http:// address")]
	Unknown,
}

/// A peer, and where it is reached.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PeerAddress {
	peer: PeerId,
	/// Without the peer.
	address: Multiaddr,
}

impl PeerAddress {
	/// That address of that peer, whether it names the peer or not.
	///
	/// # Errors
	/// [`AddressError::Shape`], also if it is another peer's: nobody speaks for others.
	pub fn of(peer: PeerId, address: Multiaddr) -> Result<Self, AddressError> {
		let whole = match address.iter().last() {
			Some(Protocol::P2p(_)) => address,
			_ => address.with(Protocol::P2p(peer.into())),
		};
		Self::try_from(whole).and_then(|found| match found.peer == peer {
			true => Ok(found),
			false => Err(AddressError::Shape),
		})
	}

	/// The peer.
	pub fn peer(&self) -> PeerId {
		self.peer
	}

	/// Where it is reached, `/p2p/PEER` at the end.
	pub fn multiaddr(&self) -> Multiaddr {
		self.address.clone().with(Protocol::P2p(self.peer.into()))
	}
}

impl TryFrom<Multiaddr> for PeerAddress {
	type Error = AddressError;

	fn try_from(mut address: Multiaddr) -> Result<Self, AddressError> {
		let Some(Protocol::P2p(peer)) = address.pop() else { return Err(AddressError::Shape) };
		let peer = PeerId::from_multihash(peer).map_err(|_| AddressError::Shape)?;
		let mut parts = address.iter();
		let is_dialled = matches!(
			(parts.next(), parts.next(), parts.next()),
			(
				Some(
					Protocol::Ip4(_)
						| Protocol::Ip6(_) | Protocol::Dns(_)
						| Protocol::Dns4(_)
						| Protocol::Dns6(_)
				),
				Some(Protocol::Tcp(1..)),
				None
			)
		);
		if is_dialled {
			Ok(Self { peer, address })
		} else {
			Err(AddressError::Shape)
		}
	}
}

impl FromStr for PeerAddress {
	type Err = AddressError;

	fn from_str(text: &str) -> Result<Self, AddressError> {
		if text.len() > MAX_ADDRESS_BYTES {
			return Err(AddressError::TooLong(text.len()));
		}
		let address: Multiaddr = text
			.parse()
			.map_err(|error: litep2p::types::multiaddr::Error| AddressError::Multiaddr(error.to_string()))?;
		address.try_into()
	}
}

impl fmt::Display for PeerAddress {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.multiaddr().fmt(f)
	}
}

/// Whom content can be had from, by whichever transport.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Provider {
	/// By Bitswap.
	Peer(PeerAddress),
	/// From an IPFS trustless gateway.
	Gateway(Url),
}

impl FromStr for Provider {
	type Err = AddressError;

	fn from_str(text: &str) -> Result<Self, AddressError> {
		if text.len() > MAX_ADDRESS_BYTES {
			return Err(AddressError::TooLong(text.len()));
		}
		if text.starts_with('/') {
			return text.parse().map(Self::Peer);
		}
		match Url::parse(text) {
			Ok(url) if url.scheme() == "http" && url.has_host() => Ok(Self::Gateway(url)),
			_ => Err(AddressError::Unknown),
		}
	}
}

impl fmt::Display for Provider {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Peer(address) => address.fmt(f),
			Self::Gateway(url) => url.fmt(f),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const PEER: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

	#[test]
	fn provider_should_round_trip_as_text() {
		for text in [
			format!("/ip4/127.0.0.1/tcp/4001/p2p/{PEER}"),
			format!("/ip6/::1/tcp/4001/p2p/{PEER}"),
			format!("/dns/worker.example/tcp/1/p2p/{PEER}"),
		] {
			let provider: Provider = text.parse().unwrap();
			assert!(matches!(&provider, Provider::Peer(address) if address.peer().to_base58() == PEER));
			assert_eq!(provider.to_string(), text);
		}
		assert_eq!("http://a:1".parse::<Provider>().unwrap().to_string(), "http://a:1/");
	}

	#[test]
	fn provider_should_refuse_what_cannot_be_asked() {
		for text in [
			"".to_owned(),
			"/".into(),
			"/ip4/1.2.3.4/tcp/1".into(),
			format!("/p2p/{PEER}"),
			format!("/ip4/1.2.3.4/udp/1/quic-v1/p2p/{PEER}"),
			format!("/ip4/1.2.3.4/tcp/0/p2p/{PEER}"),
			format!("/ip4/1.2.3.4/tcp/1/ws/p2p/{PEER}"),
			format!("/ip4/1.2.3.4/tcp/1/p2p/{PEER}/p2p-circuit/p2p/{PEER}"),
			format!("/ip4/1.2.3.4/tcp/1/p2p/{PEER}/p2p/{PEER}"),
			"/ip4/1.2.3.4/tcp/1/p2p/12D3".into(),
			"ftp://a".into(),
			"https://a".into(),
			"http://".into(),
			format!("http://{}", "a".repeat(MAX_ADDRESS_BYTES)),
		] {
			assert!(text.parse::<Provider>().is_err(), "{text}");
		}
	}
}
