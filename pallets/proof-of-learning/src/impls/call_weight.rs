//! What submissions take: the worst case, and what it came to.

use crate::{weights::WeightInfo, Config};
use blyan_primitives::{dag::MAX_BLOCKS, manifest::MAX_DATASETS};
use polkadot_sdk::frame_support::{
	dispatch::{DispatchResultWithPostInfo, PostDispatchInfo},
	traits::Get,
	weights::Weight,
};

/// Besides what is measured: the account's reputation, its record, and the hash of the block that its work was made
/// for.
const READS_OF_ADMISSION: u64 = 3;

/// That of `count` blocks: with a read of a head for each block that may be a snapshot, or of what the owner
/// wants; and with who is last in line making room.
pub(crate) fn submit_weight<T: Config>(count: usize) -> Weight {
	taken::<T>(count, Some(MAX_BLOCKS))
}

/// A submission's, with the reads that find each block's trial and what was before it: four records of the
/// same weights, their version, and two records of the former head.
pub(crate) fn roll_back_weight<T: Config>(count: usize) -> Weight {
	submit_weight::<T>(count).saturating_add(search_weight::<T>(count))
}

/// What a submission of `count` blocks took, that made another one of so many make room.
pub(crate) fn of_submit<T: Config>(count: usize, displaced: Option<u32>) -> DispatchResultWithPostInfo {
	Ok(PostDispatchInfo { actual_weight: Some(taken::<T>(count, displaced)), ..Default::default() })
}

/// The same of a rollback.
pub(crate) fn of_roll_back<T: Config>(count: usize, displaced: Option<u32>) -> DispatchResultWithPostInfo {
	let actual = taken::<T>(count, displaced).saturating_add(search_weight::<T>(count));
	Ok(PostDispatchInfo { actual_weight: Some(actual), ..Default::default() })
}

fn taken<T: Config>(count: usize, displaced: Option<u32>) -> Weight {
	let reads = (count as u64).saturating_add(1).saturating_add(READS_OF_ADMISSION);
	let room = displaced.map_or(Weight::zero(), T::WeightInfo::conclude_without_verdict);
	// Of a manifest: its datasets, what is asked of the model and of the trainer, and its own record.
	let of_manifest = T::DbWeight::get().reads_writes(u64::from(MAX_DATASETS).saturating_add(8), 4);
	T::WeightInfo::submit(count as u32)
		.saturating_add(T::WeightInfo::admit())
		.saturating_add(T::DbWeight::get().reads_writes(reads, 1))
		.saturating_add(room)
		.saturating_add(of_manifest)
}

fn search_weight<T: Config>(count: usize) -> Weight {
	T::DbWeight::get().reads((count as u64).saturating_mul(7))
}
