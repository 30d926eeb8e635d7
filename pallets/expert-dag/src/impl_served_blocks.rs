//! What the pallet offers to the one that pays for the use of components.

use crate::{Blocks, Config, Pallet};
use blyan_primitives::{
	dag::{BlockId, BlockKind},
	traits::{ServedBlock, ServedBlocks},
};

impl<T: Config> ServedBlocks<T::AccountId> for Pallet<T> {
	/// Of what only compacted or went back, the trainer is whoever brought the weights. A gain was measured of
	/// updates and deltas alone, and is proven when the time to take them back is over.
	fn served(block: BlockId) -> Option<ServedBlock<T::AccountId>> {
		let record = Blocks::<T>::get(block)?;
		record.acceptance()?;
		let source = Self::source_of(record.clone())?;
		let is_measured = matches!(source.block.kind, BlockKind::Update | BlockKind::Delta);
		let is_proven = is_measured && Self::probation_of(&record).is_none();
		Some(ServedBlock { trainer: source.block.trainer, is_proven })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_served(count: u32) -> alloc::vec::Vec<BlockId> {
		let owner = polkadot_sdk::frame_benchmarking::account("served", 0, 0);
		let model = crate::benchmarking::worst_model::<T>(&owner);
		crate::Heads::<T>::iter_prefix_values(model).take(count as usize).collect()
	}
}
