//! What the pallet offers to the one that measures submissions.

use crate::{types::MAX_LINEAGE_DEPTH, Config, Models, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::{BlockId, BlockIds, BlockKind, ModelId, NewBlocks, SubmissionId},
	learning::Purpose,
	migration::Migration,
	traits::{ModelGraph, ModelState},
};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> ModelGraph<T::AccountId> for Pallet<T> {
	fn model(model: ModelId) -> Option<ModelState> {
		let model = Models::<T>::get(model)?;
		Some(ModelState { architecture: model.architecture, generation: model.generation, root: model.root? })
	}

	fn is_owner(model: ModelId, who: &T::AccountId) -> bool {
		Models::<T>::get(model).is_some_and(|model| &Self::account_of(&model.owner) == who)
	}

	fn insert(
		model: ModelId,
		submission: SubmissionId,
		trainer: &T::AccountId,
		blocks: NewBlocks,
		purpose: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		Self::do_insert(model, submission, trainer, blocks, purpose)
	}

	fn rollback(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
	) -> Result<NewBlocks, DispatchError> {
		Ok(Self::rollback_blocks(model, submission, blocks)?)
	}

	fn fits(model: ModelId, blocks: &[BlockId], migration: Option<Migration>) -> bool {
		Self::do_fits(model, blocks, migration)
	}

	fn accept(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
		migration: Option<Migration>,
	) -> DispatchResult {
		Self::do_accept(model, submission, blocks, migration)
	}

	fn reject(blocks: &[BlockId]) -> DispatchResult {
		Self::do_reject(blocks)
	}

	fn withdraw(blocks: &[BlockId]) -> DispatchResult {
		Self::do_withdraw(blocks)
	}

	fn lineage(block: BlockId, depth: u32) -> Vec<T::AccountId> {
		Self::ancestors(block, MAX_LINEAGE_DEPTH)
			.filter(|(_, record)| !matches!(record.block.kind, BlockKind::Snapshot | BlockKind::Rollback))
			.take(depth as usize)
			.map(|(_, record)| record.block.trainer)
			.collect()
	}

	fn taken_back(blocks: &[BlockId]) -> Vec<T::AccountId> {
		Self::trainers_taken_back(blocks)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model(owner: &T::AccountId) -> ModelId {
		crate::benchmarking::worst_model::<T>(owner)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(model: ModelId, count: u32) -> NewBlocks {
		crate::benchmarking::worst_blocks::<T>(model, count, BlockKind::Delta)
	}
}
