//! Content identifiers, exactly the subset that `ipfs add --cid-version=1` makes: CIDv1, SHA2-256,
//! codec `raw` for a file of a single leaf and `dag-pb` for a larger one.
//!
//! Source: <https://github.com/multiformats/cid> and the multicodec table.

use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, str::FromStr};
use data_encoding::{Encoding, BASE32_NOPAD};
use scale_info::TypeInfo;

/// How the bytes under a [`Cid`] are to be read.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum CidCodec {
	/// The bytes themselves: one leaf of at most 256 KiB (multicodec 0x55).
	Raw,
	/// A UnixFS node linking to leaves (multicodec 0x70).
	DagPb,
}

impl CidCodec {
	/// The multicodec code; both are below 0x80, so their varint is the byte itself.
	pub const fn code(self) -> u8 {
		match self {
			CidCodec::Raw => 0x55,
			CidCodec::DagPb => 0x70,
		}
	}
}

/// A content identifier. Typed, so that a malformed one cannot reach storage.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Cid {
	/// How to read the bytes.
	pub codec: CidCodec,
	/// SHA2-256 of the bytes of the root block.
	pub digest: [u8; 32],
}

/// CIDv1, then the codec, then the multihash prefix of SHA2-256 (0x12) of 32 bytes (0x20).
const VERSION: u8 = 0x01;
const SHA2_256: u8 = 0x12;
const DIGEST_BYTES: u8 = 0x20;
/// The multibase prefix of lower-case base32.
const MULTIBASE_BASE32: char = 'b';
const BASE32: Encoding = BASE32_NOPAD;

impl Cid {
	/// The 36 bytes of the binary form.
	pub fn to_bytes(&self) -> [u8; 36] {
		let mut bytes = [0u8; 36];
		let (prefix, digest) = bytes.split_at_mut(4);
		prefix.copy_from_slice(&[VERSION, self.codec.code(), SHA2_256, DIGEST_BYTES]);
		digest.copy_from_slice(&self.digest);
		bytes
	}

	/// Reads the binary form.
	///
	/// # Errors
	/// [`CidError`] names what is not as `ipfs add --cid-version=1` makes it.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
		let (prefix, digest) = bytes.split_at_checked(4).ok_or(CidError::Length)?;
		let digest = <[u8; 32]>::try_from(digest).map_err(|_| CidError::Length)?;
		let codec = match prefix {
			[VERSION, 0x55, SHA2_256, DIGEST_BYTES] => CidCodec::Raw,
			[VERSION, 0x70, SHA2_256, DIGEST_BYTES] => CidCodec::DagPb,
			[VERSION, _, SHA2_256, DIGEST_BYTES] => return Err(CidError::Codec),
			[VERSION, ..] => return Err(CidError::Multihash),
			_ => return Err(CidError::Version),
		};
		Ok(Self { codec, digest })
	}
}

impl fmt::Display for Cid {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{MULTIBASE_BASE32}{}", BASE32.encode(&self.to_bytes()).to_ascii_lowercase())
	}
}

impl fmt::Debug for Cid {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Display::fmt(self, f)
	}
}

/// Why a text or bytes are not a CID that this chain holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CidError {
	/// Not lower-case base32 with the multibase prefix `b`.
	Multibase,
	/// Not 36 bytes.
	Length,
	/// Not CIDv1.
	Version,
	/// Neither `raw` nor `dag-pb`.
	Codec,
	/// Not SHA2-256 of 32 bytes.
	Multihash,
}

impl fmt::Display for CidError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			CidError::Multibase => "a CID is written in lower-case base32 with the prefix `b`",
			CidError::Length => "a CIDv1 with SHA2-256 has 36 bytes",
			CidError::Version => "only CIDv1 is accepted (`ipfs add --cid-version=1`)",
			CidError::Codec => "the CID's codec must be raw or dag-pb",
			CidError::Multihash => "the CID's hash must be SHA2-256",
		})
	}
}

impl core::error::Error for CidError {}

impl FromStr for Cid {
	type Err = CidError;

	fn from_str(text: &str) -> Result<Self, CidError> {
		let body = text.strip_prefix(MULTIBASE_BASE32).ok_or(CidError::Multibase)?;
		if body.bytes().any(|byte| byte.is_ascii_uppercase()) {
			return Err(CidError::Multibase);
		}
		let upper: String = body.to_ascii_uppercase();
		let bytes: Vec<u8> = BASE32.decode(upper.as_bytes()).map_err(|_| CidError::Multibase)?;
		Self::from_bytes(&bytes)
	}
}

#[cfg(feature = "serde")]
impl serde::Serialize for Cid {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Cid {
	fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let text = <String as serde::Deserialize>::deserialize(deserializer)?;
		text.parse().map_err(serde::de::Error::custom)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::string::ToString;

	// The CID of `hello\n` under `ipfs add --cid-version=1`, from the IPFS documentation's own example.
	const EXAMPLE: &str = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am";

	#[test]
	fn cid_should_round_trip_through_text_and_bytes() {
		let cid: Cid = EXAMPLE.parse().unwrap();
		assert_eq!(cid.codec, CidCodec::Raw);
		assert_eq!(cid.to_string(), EXAMPLE);
		assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
	}

	#[test]
	fn cid_should_name_what_is_wrong() {
		assert_eq!("Qmabc".parse::<Cid>(), Err(CidError::Multibase));
		assert_eq!(EXAMPLE.to_uppercase().parse::<Cid>(), Err(CidError::Multibase));
		assert_eq!("bafkrei".parse::<Cid>(), Err(CidError::Multibase));
		assert_eq!("bafkq".parse::<Cid>().err(), "bafkq".parse::<Cid>().err());
		let mut bytes = EXAMPLE.parse::<Cid>().unwrap().to_bytes();
		bytes[1] = 0x71;
		assert_eq!(Cid::from_bytes(&bytes), Err(CidError::Codec));
		bytes[2] = 0x13;
		assert_eq!(Cid::from_bytes(&bytes), Err(CidError::Multihash));
		bytes[0] = 0;
		assert_eq!(Cid::from_bytes(&bytes), Err(CidError::Version));
		assert_eq!(Cid::from_bytes(&bytes[..35]), Err(CidError::Length));
	}
}
