//! What the calls, and what the graph offers to the pallet that measures, cost at worst.

use crate::{types::*, Blocks, Call, Config, HoldReason, Models, NextModelId, Pallet, Versions};
use alloc::vec::Vec;
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents,
		SubmissionId, MAX_BLOCKS, MAX_PARENTS,
	},
	learning::Purpose,
	migration::Migration,
	Hash,
};
use core::iter;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{
			fungible::{Inspect, InspectHold, Mutate},
			Get,
		},
		BoundedVec,
	},
	frame_system::RawOrigin,
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

/// The deepest version tree there may be (2^20 leaves), and just more components than a submission carries.
fn worst_architecture() -> Architecture {
	let layers = (MAX_BLOCKS / 2) as u16;
	Architecture::byte_level(layers, ExpertCount { min: 1, current: 1, max: 32_766 }, 1, 128, 256, 4, 128)
}

fn new_block<T: Config>(component: Component, kind: BlockKind, parents: Parents, nonce: u64) -> NewBlock {
	let digest = BlakeTwo256::hash_of(&(component, nonce)).0;
	NewBlock {
		component,
		kind,
		parents,
		content: Cid { codec: CidCodec::DagPb, digest },
		bytes: T::MaxContentBytes::get(),
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::repeat_byte(0xff),
	}
}

fn bounded(blocks: impl Iterator<Item = NewBlock>) -> NewBlocks {
	NewBlocks::truncate_from(blocks.collect())
}

fn longest_name<T: Config>() -> NameOf<T> {
	BoundedVec::truncate_from(iter::repeat_n(b'm', T::MaxNameLength::get() as usize).collect())
}

fn genesis_blocks<T: Config>(components: impl Iterator<Item = Component>) -> NewBlocks {
	bounded(components.map(|component| new_block::<T>(component, BlockKind::Genesis, Parents::new(), 0)))
}

/// A model of `owner`'s with the first `count` genesis blocks.
fn model_with_genesis<T: Config>(owner: &T::AccountId, count: u32) -> ModelId {
	let deposit = Pallet::<T>::deposit_for(&worst_architecture());
	let funds = deposit.saturating_add(T::Currency::minimum_balance()).saturating_mul(2u32.into());
	T::Currency::mint_into(owner, funds).expect("an account can be given funds");
	let owner = ModelOwner::Account(owner.clone());
	let model = Pallet::<T>::do_register_model(owner.clone(), longest_name::<T>(), worst_architecture())
		.expect("the owner can pay the deposit");
	let components = worst_architecture().components().take(count as usize).collect::<Vec<_>>();
	for chunk in components.chunks(MAX_BLOCKS as usize) {
		let blocks = genesis_blocks::<T>(chunk.iter().copied());
		Pallet::<T>::do_add_genesis_blocks(owner.clone(), model, blocks).expect("the blocks are valid");
	}
	model
}

/// A model whose components each have as many accepted blocks as a new block may name parents.
pub(crate) fn worst_model<T: Config>(owner: &T::AccountId) -> ModelId {
	let model = model_with_genesis::<T>(owner, worst_architecture().component_count());
	let components = worst_architecture().components().collect::<Vec<_>>();
	for round in 1..MAX_PARENTS {
		for (number, chunk) in components.chunks(MAX_BLOCKS as usize).enumerate() {
			// Numbers from the far end, out of the way of those that rounds count up.
			let submission = SubmissionId::MAX - SubmissionId::from(round) * 16 - number as SubmissionId;
			let next =
				|component: &Component| successor::<T>(model, *component, BlockKind::Delta, submission);
			let blocks = bounded(chunk.iter().map(next));
			let ids = Pallet::<T>::do_insert(model, submission, owner, blocks, &Purpose::Improvement)
				.expect("the blocks are valid");
			Pallet::<T>::do_accept(model, submission, &ids, None).expect("the blocks are candidates");
		}
	}
	model
}

/// Blocks for that model with the most parents each can name.
pub(crate) fn worst_blocks<T: Config>(model: ModelId, count: u32, kind: BlockKind) -> NewBlocks {
	let architecture = worst_architecture();
	let components = architecture.components().take(count.min(MAX_BLOCKS) as usize);
	bounded(components.map(|component| successor::<T>(model, component, kind, 0)))
}

/// A block of a component that names its last heads as parents.
fn successor<T: Config>(model: ModelId, component: Component, kind: BlockKind, nonce: u64) -> NewBlock {
	let index = worst_architecture().component_index(component).expect("the component is declared");
	let head = crate::Heads::<T>::get(model, index);
	let before = |id: &BlockId| Blocks::<T>::get(id)?.acceptance()?.previous;
	let parents = iter::successors(head, before).take(MAX_PARENTS as usize).collect();
	new_block::<T>(component, kind, Parents::truncate_from(parents), nonce)
}

fn insert_worst<T: Config>(count: u32) -> (ModelId, BlockIds) {
	let owner: T::AccountId = account("owner", 0, 0);
	let model = worst_model::<T>(&owner);
	let blocks = worst_blocks::<T>(model, count, BlockKind::Delta);
	assert!(blocks.iter().all(|new| new.parents.len() as u32 == MAX_PARENTS));
	let ids = Pallet::<T>::do_insert(model, 1, &owner, blocks, &Purpose::Improvement);
	let ids = ids.expect("the blocks are valid");
	(model, ids)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register_model() {
		let owner: T::AccountId = whitelisted_caller();
		let deposit = Pallet::<T>::deposit_for(&worst_architecture());
		let funds = deposit.saturating_add(T::Currency::minimum_balance()).saturating_mul(2u32.into());
		T::Currency::mint_into(&owner, funds).expect("an account can be given funds");
		let id = NextModelId::<T>::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), longest_name::<T>(), worst_architecture());

		assert_eq!(NextModelId::<T>::get(), id + 1);
		assert!(Models::<T>::contains_key(id));
		assert_eq!(T::Currency::balance_on_hold(&HoldReason::ModelDeposit.into(), &owner), deposit);
	}

	/// The last blocks of a model, so that it is released.
	#[benchmark]
	fn add_genesis_blocks(n: Linear<1, { MAX_BLOCKS }>) {
		let owner: T::AccountId = whitelisted_caller();
		let before = worst_architecture().component_count() - n;
		let model = model_with_genesis::<T>(&owner, before);
		let blocks = genesis_blocks::<T>(worst_architecture().components().skip(before as usize));
		assert_eq!(blocks.len() as u32, n);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, blocks);

		assert!(Versions::<T>::contains_key(model, 0));
	}

	/// Snapshots: their component's head is read as well.
	#[benchmark]
	fn insert(n: Linear<1, { MAX_BLOCKS }>) {
		let owner: T::AccountId = account("owner", 0, 0);
		let model = worst_model::<T>(&owner);
		let blocks = worst_blocks::<T>(model, n, BlockKind::Snapshot);
		assert!(blocks.iter().all(|new| new.parents.len() as u32 == MAX_PARENTS));
		let ids;

		#[block]
		{
			ids = Pallet::<T>::do_insert(model, 1, &owner, blocks, &Purpose::Compaction);
		}

		let ids = ids.expect("the blocks are valid");
		assert_eq!(ids.len() as u32, n);
		assert!(ids
			.iter()
			.all(|id| Blocks::<T>::get(id).is_some_and(|record| record.status == BlockStatus::Candidate)));
	}

	#[benchmark]
	fn accept(n: Linear<1, { MAX_BLOCKS }>) {
		let (model, ids) = insert_worst::<T>(n);
		let generation = Models::<T>::get(model).map(|model| model.generation);

		#[block]
		{
			Pallet::<T>::do_accept(model, 1, &ids, None).expect("the blocks are candidates");
		}

		let now = Models::<T>::get(model).map(|model| model.generation);
		assert_eq!(now, generation.map(|generation| generation + 1));
		assert!(ids
			.iter()
			.all(|id| Blocks::<T>::get(id).is_some_and(|record| record.acceptance().is_some())));
	}

	/// Withdrawing does the same work.
	#[benchmark]
	fn reject(n: Linear<1, { MAX_BLOCKS }>) {
		let (_, ids) = insert_worst::<T>(n);

		#[block]
		{
			Pallet::<T>::do_reject(&ids).expect("the blocks are candidates");
		}

		assert!(ids
			.iter()
			.all(|id| Blocks::<T>::get(id).is_some_and(|record| record.status == BlockStatus::Rejected)));
	}

	#[benchmark]
	fn propose_migration() {
		let owner: T::AccountId = whitelisted_caller();
		let model = model_with_genesis::<T>(&owner, worst_architecture().component_count());
		let migration = Migration::AddExperts { count: 1 };

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, migration);

		assert!(Pallet::<T>::is_pending(model, &migration));
	}

	#[benchmark]
	fn withdraw_migration() {
		let owner: T::AccountId = whitelisted_caller();
		let model = model_with_genesis::<T>(&owner, worst_architecture().component_count());
		let migration = Migration::AddExperts { count: 1 };
		let as_owner = ModelOwner::Account(owner.clone());
		Pallet::<T>::do_propose_migration(as_owner, model, migration).expect("the migration applies");

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model);

		assert!(!Pallet::<T>::is_pending(model, &migration));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder.build(), crate::mock::Test);
}
