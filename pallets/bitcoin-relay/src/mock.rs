//! A runtime with this pallet and a clock, and a network that is easy to mine on.

use crate as pallet_bitcoin_relay;
use crate::*;
use bitcoin::{
	block::{Header, Version},
	consensus::serialize,
	hashes::Hash as _,
	BlockHash, CompactTarget, TxMerkleNode,
};
use blyan_bitcoin::{target::expand, BitcoinHash, RawHeader};
use polkadot_sdk::{
	frame_support::{self, derive_impl},
	frame_system, pallet_timestamp,
	sp_core::{ConstU32, H256, U256},
	sp_io::TestExternalities,
	sp_runtime::BuildStorage,
};

type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Timestamp: pallet_timestamp,
		Relay: pallet_bitcoin_relay,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

pub const HEADERS_KEPT: u32 = 20;
pub const MAX_FORKS: u32 = 3;
pub const MAX_BATCH: u32 = 32;
pub const MAX_FREE: u32 = 2;
/// Seconds since 1970: long after regtest's first block.
pub const NOW: u64 = 1_700_000_000;
pub const RELAYER: u64 = 1;

impl Config for Test {
	type Clock = Timestamp;
	type HeadersKept = ConstU32<HEADERS_KEPT>;
	type MaxForks = ConstU32<MAX_FORKS>;
	type MaxBatch = ConstU32<MAX_BATCH>;
	type MaxFreeHeaders = ConstU32<MAX_FREE>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Test;
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Test {
	fn set_clock(seconds: u32) {
		pallet_timestamp::Now::<Test>::put(u64::from(seconds) * 1_000);
	}
}

/// A relay of regtest from its first block. What a test leaves behind must keep every invariant.
pub fn run<R>(test: impl FnOnce() -> R) -> R {
	run_from(Checkpoint::default(), test)
}

/// A relay from that checkpoint.
pub fn run_from<R>(checkpoint: Checkpoint, test: impl FnOnce() -> R) -> R {
	externalities_from(checkpoint).execute_with(|| {
		let result = test();
		Relay::do_try_state().unwrap();
		result
	})
}

/// The state at regtest's first block.
#[cfg(feature = "runtime-benchmarks")]
pub fn externalities() -> TestExternalities {
	externalities_from(Checkpoint::default())
}

fn externalities_from(checkpoint: Checkpoint) -> TestExternalities {
	let genesis = RuntimeGenesisConfig {
		relay: GenesisConfig { checkpoint, ..Default::default() },
		..Default::default()
	};
	let mut externalities = TestExternalities::from(genesis.build_storage().unwrap());
	externalities.execute_with(|| {
		System::set_block_number(1);
		pallet_timestamp::Now::<Test>::put(NOW * 1_000);
	});
	externalities
}

/// A header of regtest on that parent. `mark` tells siblings apart.
pub fn mine(parent: BitcoinHash, mark: u8) -> RawHeader {
	let time = Headers::<Test>::get(parent).map_or(NOW as u32, |parent| parent.ancestry.time() + 600);
	mine_with(parent, mark, time)
}

/// A header of regtest of that time.
pub fn mine_with(parent: BitcoinHash, mark: u8, time: u32) -> RawHeader {
	let bits = Network::Regtest.rules().limit_bits;
	(0..u32::MAX)
		.map(|nonce| Header {
			version: Version::from_consensus(4),
			prev_blockhash: BlockHash::from_byte_array(parent.0),
			merkle_root: TxMerkleNode::from_byte_array([mark; 32]),
			time,
			bits: CompactTarget::from_consensus(bits),
			nonce,
		})
		.map(|header| RawHeader(serialize(&header).try_into().unwrap()))
		.find(|raw| U256::from_little_endian(raw.hash().as_bytes()) <= expand(bits).unwrap())
		.unwrap()
}

pub use blyan_bitcoin::Network;

/// Mines and imports a chain of that length on that block; returns its headers' hashes.
pub fn extend(parent: BitcoinHash, count: u32, mark: u8) -> Vec<BitcoinHash> {
	let mut hashes = Vec::new();
	let mut parent = parent;
	for _ in 0..count {
		let header = mine(parent, mark);
		parent = header.hash();
		submit(&[header], HEADERS_KEPT).unwrap();
		hashes.push(parent);
	}
	hashes
}

pub fn submit(headers: &[RawHeader], max_depth: u32) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let headers = headers.to_vec().try_into().unwrap();
	Relay::submit_headers(RuntimeOrigin::signed(RELAYER), headers, max_depth)
}

pub fn tip() -> Tip {
	Relay::best_tip().unwrap()
}

/// The hashes of the best chain that are kept, the oldest first.
pub fn best_chain() -> Vec<H256> {
	(OldestHeight::<Test>::get()..=tip().height).map(|height| AtHeight::<Test>::get(height)[0]).collect()
}
