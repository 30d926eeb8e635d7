//! Deltas, and the snapshots that end their chains.

use crate::{mock::*, Blocks, Error};
use blyan_primitives::{
	dag::{BlockId, BlockIds, BlockKind, Component, ModelId, NewBlock, SubmissionId},
	delta::DeltaChain,
	learning::Purpose,
	migration::Migration,
	traits::ModelGraph,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::DispatchError,
};

const BACKBONE: Component = Component::Backbone;

fn insert(
	model: ModelId,
	submission: SubmissionId,
	blocks: impl IntoIterator<Item = NewBlock>,
) -> Result<BlockIds, DispatchError> {
	let blocks = list(blocks);
	let purpose = Purpose::of(&blocks, None);
	<Dag as ModelGraph<_>>::insert(model, submission, &TRAINER, blocks, &purpose)
}

fn accept(model: ModelId, submission: SubmissionId, ids: &[BlockId]) {
	<Dag as ModelGraph<AccountId>>::accept(model, submission, ids, None).unwrap();
}

fn delta(parent: BlockId, content: u8) -> NewBlock {
	NewBlock { bytes: 30, ..new_block(BACKBONE, BlockKind::Delta, &[parent], content) }
}

fn snapshot(parent: BlockId, content: u8) -> NewBlock {
	new_block(BACKBONE, BlockKind::Snapshot, &[parent], content)
}

fn chain(id: BlockId) -> DeltaChain {
	Blocks::<Test>::get(id).unwrap().deltas
}

/// Puts that many deltas on the head of the backbone.
fn grow(model: ModelId, deltas: u32) {
	for number in 0..deltas {
		let submission = 1_000 + u64::from(number);
		let ids = insert(model, submission, [delta(head(model, BACKBONE), number as u8)]).unwrap();
		accept(model, submission, &ids);
	}
}

#[test]
fn delta_should_lengthen_the_chain_of_its_first_parent() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let first = head(model, BACKBONE);
		grow(model, 2);
		let expected = DeltaChain { length: 2, bytes: 60, whole_bytes: 1_000 };
		assert_eq!(chain(head(model, BACKBONE)), expected);
		assert_eq!(Dag::block_info(head(model, BACKBONE)).unwrap().deltas, expected);
		// A rival on the whole weights has a chain of its own.
		let rival = insert(model, 1, [delta(first, 99)]).unwrap();
		assert_eq!(chain(rival[0]).length, 1);
		// Whole weights end a chain.
		let whole = insert(model, 2, [update(BACKBONE, &[head(model, BACKBONE)], 98)]).unwrap();
		assert_eq!(chain(whole[0]), DeltaChain::whole(1_000));
	});
}

#[test]
fn delta_should_fail_when_the_chain_is_as_long_as_it_may_be() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		grow(model, MaxDeltaChain::get());
		let end = head(model, BACKBONE);
		assert_noop!(insert(model, 1, [delta(end, 99)]), Error::<Test>::DeltaChainTooLong);
		assert_ok!(insert(model, 1, [update(BACKBONE, &[end], 99)]));
	});
}

#[test]
fn delta_should_fail_when_its_base_has_another_shape() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let old = head(model, BACKBONE);
		let migration = Migration::AddLayer;
		ExpertDag::propose_migration(RuntimeOrigin::signed(OWNER), model, migration).unwrap();
		let components = migration.components(&architecture());
		let blocks = components.iter().map(|c| new_block(*c, BlockKind::Migration, &[old], 1));
		let purpose = Purpose::Migration(migration);
		let ids = <Dag as ModelGraph<_>>::insert(model, 1, &TRAINER, list(blocks), &purpose).unwrap();
		<Dag as ModelGraph<AccountId>>::accept(model, 1, &ids, Some(migration)).unwrap();
		assert_noop!(insert(model, 2, [delta(old, 2)]), Error::<Test>::DeltaBaseOutdated);
		assert_ok!(insert(model, 2, [delta(head(model, BACKBONE), 2)]));
		let unchanged = new_block(expert(0, 0), BlockKind::Delta, &[head(model, expert(0, 0))], 3);
		assert_ok!(insert(model, 3, [unchanged]));
	});
}

#[test]
fn snapshot_should_end_the_chain_of_the_head() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let whole = head(model, BACKBONE);
		assert_noop!(insert(model, 1, [snapshot(whole, 1)]), Error::<Test>::NothingToCompact);
		grow(model, 3);
		let (end, before) = (head(model, BACKBONE), Blocks::<Test>::get(head(model, BACKBONE)).unwrap());
		let former = before.block.parents[0];
		assert_noop!(insert(model, 1, [snapshot(former, 1)]), Error::<Test>::SnapshotOfFormerHead);
		let mixed = [snapshot(end, 1), update(expert(0, 0), &[head(model, expert(0, 0))], 1)];
		assert_noop!(insert(model, 1, mixed), Error::<Test>::MixedKinds);
		let ids = insert(model, 1, [snapshot(end, 1)]).unwrap();
		accept(model, 1, &ids);
		assert_eq!(head(model, BACKBONE), ids[0]);
		assert_eq!(chain(ids[0]), DeltaChain::whole(1_000));
	});
}

#[test]
fn snapshot_should_not_fit_when_the_head_moved() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		grow(model, 1);
		let ids = insert(model, 1, [snapshot(head(model, BACKBONE), 1)]).unwrap();
		let fits = || <Dag as ModelGraph<AccountId>>::fits(model, &ids, None);
		assert!(fits());
		advance(model, 2, &[expert(0, 0)]);
		assert!(fits(), "another component's head moved");
		advance(model, 3, &[BACKBONE]);
		assert!(!fits(), "it would undo what was accepted since");
	});
}

#[test]
fn lineage_of_rewards_should_leave_out_who_only_compacted() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		grow(model, 1);
		let compact = list([snapshot(head(model, BACKBONE), 1)]);
		let ids = <Dag as ModelGraph<_>>::insert(model, 1, &STRANGER, compact, &Purpose::Compaction).unwrap();
		accept(model, 1, &ids);
		let next = insert(model, 2, [update(BACKBONE, &[head(model, BACKBONE)], 2)]).unwrap();
		assert_eq!(<Dag as ModelGraph<AccountId>>::lineage(next[0], 9), [TRAINER, OWNER]);
		assert_eq!(<Dag as ModelGraph<AccountId>>::lineage(next[0], 1), [TRAINER]);
		assert_eq!(Dag::lineage_info(next[0], 9)[0].block.trainer, STRANGER, "the graph shows all");
	});
}

#[test]
fn children_should_be_paged_in_the_order_they_came() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let parent = head(model, BACKBONE);
		let ids = (0..5)
			.map(|n| insert(model, n, [update(BACKBONE, &[parent], n as u8 + 1)]).unwrap()[0])
			.collect::<Vec<_>>();
		assert_eq!(Dag::children(parent, 0, u32::MAX), ids);
		assert_eq!(Dag::children(parent, 1, 2), ids[1..3]);
		assert_eq!(Dag::children(parent, 5, 9), []);
		assert_eq!(Dag::children(BlockId::zero(), 0, 9), []);
		// What is withdrawn and sent again is no second child.
		<Dag as ModelGraph<AccountId>>::withdraw(&ids[..1]).unwrap();
		insert(model, 9, [update(BACKBONE, &[parent], 1)]).unwrap();
		assert_eq!(Dag::children(parent, 0, u32::MAX), ids);
		assert_eq!(Dag::block_info(parent).unwrap().children, 5);
	});
}
