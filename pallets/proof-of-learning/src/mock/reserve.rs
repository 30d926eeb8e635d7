//! A reserve of sealed lots of which only the numbers are known.

use super::{AccountId, BlockNumber, ProofOfLearning};
use blyan_primitives::{
	draw::Lots,
	sealed::LotId,
	traits::{DrawnLots, SealedReserve, SealedRounds, WantedLots},
};
use polkadot_sdk::frame_support::{storage_alias, Twox64Concat};

#[storage_alias]
type Wanted = StorageValue<Reserve, u32>;
/// Sealer, and the block of the sealing.
#[storage_alias]
type Sealed = StorageMap<Reserve, Twox64Concat, LotId, (AccountId, BlockNumber)>;
#[storage_alias]
type Voided = StorageValue<Reserve, Vec<LotId>>;

pub struct Reserve;

pub const SHARDS_PER_LOT: u32 = 3;
pub const OPENING_BLOCKS: u32 = 6;

impl Reserve {
	/// Every model asks for that many lots from now on.
	pub fn want(lots: u32) {
		Wanted::put(lots);
	}

	pub fn seal(lot: LotId, sealer: AccountId, at: BlockNumber) {
		Sealed::insert(lot, (sealer, at));
	}

	pub fn left() -> usize {
		Sealed::iter().count()
	}

	pub fn voided() -> Vec<LotId> {
		Voided::get().unwrap_or_default()
	}

	/// As the sealer's call does.
	pub fn open(round: u64, lot: LotId) -> bool {
		let is_taken = ProofOfLearning::takes_opening(round, lot);
		if is_taken {
			ProofOfLearning::note_opened(round, lot);
		}
		is_taken
	}
}

impl SealedReserve<AccountId, BlockNumber> for Reserve {
	fn draw(wanted: &WantedLots<AccountId, BlockNumber>) -> DrawnLots {
		let count = Wanted::get().unwrap_or_default() as usize;
		if count == 0 {
			return DrawnLots::NoneWanted;
		}
		let mut left: Vec<LotId> = Sealed::iter()
			.filter(|(_, (sealer, at))| *at < wanted.before && !wanted.excluded.contains(sealer))
			.map(|(lot, _)| lot)
			.collect();
		if left.len() < count {
			return DrawnLots::TooFew;
		}
		left.sort_unstable();
		let mut lots = Lots::new(wanted.seed, b"reserve");
		let drawn =
			(0..count).map(|_| left.remove(lots.below(left.len() as u128) as usize)).collect::<Vec<_>>();
		drawn.iter().for_each(Sealed::remove);
		DrawnLots::Lots { lots: drawn, shards_per_lot: SHARDS_PER_LOT }
	}

	fn opening_blocks() -> u32 {
		OPENING_BLOCKS
	}

	fn void(lot: LotId) {
		Voided::append(lot);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_reserve(
		_: u32,
		_: &blyan_primitives::learning::ValidationPool,
		_: &blyan_primitives::learning::Gate,
	) {
		let lots = blyan_primitives::sealed::MAX_LOTS;
		Self::want(lots);
		(0..lots.into()).for_each(|lot| Self::seal(lot, 1_000_000 + lot, 0));
	}
}
