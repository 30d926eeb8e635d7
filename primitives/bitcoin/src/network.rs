//! The networks, and where their rules differ.
//!
//! Source: `kernel/chainparams.cpp` of Bitcoin Core; BIP 34, 65, 66, 94, 325.

use crate::target::expand;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::U256;
use scale_info::TypeInfo;

/// Seconds after which a network with [`Rules::has_easy_blocks`] takes a block at its limit.
pub const EASY_AFTER_SECONDS: u32 = 20 * 60;

/// A Bitcoin network. One chain follows one, and never another.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Network {
	/// The one with value.
	Mainnet,
	/// The test network of BIP 94.
	Testnet4,
	/// The test network of BIP 325. Its blocks are signed, which a header does not show: its work alone
	/// proves little.
	Signet,
	/// A network of one's own.
	Regtest,
}

/// What a network asks of its headers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
	/// The easiest target, in compact form.
	pub limit_bits: u32,
	/// Whether the target follows the hash rate. If not, it stays what it was.
	pub retargets: bool,
	/// Whether a block may be at the limit that comes [`EASY_AFTER_SECONDS`] after its parent.
	pub has_easy_blocks: bool,
	/// Whether BIP 94 holds: a period's target follows from that of its first block, which may not be much
	/// older than its parent.
	pub enforces_bip94: bool,
	/// From which height versions below 2 (BIP 34), 3 (BIP 66) and 4 (BIP 65) are refused.
	pub version_heights: [(i32, u32); 3],
}

impl Network {
	/// The rules of this network.
	pub const fn rules(self) -> Rules {
		let from_start = [(2, 1), (3, 1), (4, 1)];
		match self {
			Self::Mainnet => Rules {
				limit_bits: 0x1d00_ffff,
				retargets: true,
				has_easy_blocks: false,
				enforces_bip94: false,
				version_heights: [(2, 227_931), (3, 363_725), (4, 388_381)],
			},
			Self::Testnet4 => Rules {
				limit_bits: 0x1d00_ffff,
				retargets: true,
				has_easy_blocks: true,
				enforces_bip94: true,
				version_heights: from_start,
			},
			Self::Signet => Rules {
				limit_bits: 0x1e03_77ae,
				retargets: true,
				has_easy_blocks: false,
				enforces_bip94: false,
				version_heights: from_start,
			},
			Self::Regtest => Rules {
				limit_bits: 0x207f_ffff,
				retargets: false,
				has_easy_blocks: true,
				enforces_bip94: false,
				version_heights: from_start,
			},
		}
	}
}

impl Rules {
	/// The easiest target.
	pub fn limit(&self) -> U256 {
		expand(self.limit_bits).unwrap_or_default()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use bitcoin::consensus::Params;

	#[test]
	fn rules_should_be_those_of_the_bitcoin_crate() {
		for (network, params) in [
			(Network::Mainnet, Params::MAINNET),
			(Network::Testnet4, Params::TESTNET4),
			(Network::Signet, Params::SIGNET),
			(Network::Regtest, Params::REGTEST),
		] {
			let rules = network.rules();
			let limit = params.max_attainable_target;
			assert_eq!(rules.limit_bits, limit.to_compact_lossy().to_consensus(), "{network:?}");
			assert_eq!(rules.retargets, !params.no_pow_retargeting, "{network:?}");
			assert_eq!(rules.has_easy_blocks, params.allow_min_difficulty_blocks, "{network:?}");
		}
		// The crate has these of the main network only.
		let [(_, bip34), (_, bip66), (_, bip65)] = Network::Mainnet.rules().version_heights;
		let params = Params::MAINNET;
		assert_eq!((bip34, bip66, bip65), (params.bip34_height, params.bip66_height, params.bip65_height));
	}
}
