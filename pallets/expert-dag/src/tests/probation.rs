//! Trial periods, and the way back.

use crate::{mock::*, Error, Models, Versions};
use blyan_primitives::{
	api::BlockStanding,
	dag::{BlockId, BlockIds, BlockKind, Component, ModelId, NewBlock, SemVer, SubmissionId},
	learning::Purpose,
	migration::Migration,
	traits::ModelGraph,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::DispatchError,
};

const BACKBONE: Component = Component::Backbone;
const EXPERT: Component = Component::Expert { layer: 0, index: 0 };

fn roll_back(
	model: ModelId,
	submission: SubmissionId,
	blocks: &[BlockId],
) -> Result<BlockIds, DispatchError> {
	let blocks = <Dag as ModelGraph<AccountId>>::rollback(model, submission, blocks)?;
	<Dag as ModelGraph<_>>::insert(model, submission, &STRANGER, blocks, &Purpose::Rollback)
}

/// Inserts and accepts blocks of one sort.
fn take(model: ModelId, submission: SubmissionId, blocks: impl IntoIterator<Item = NewBlock>) -> BlockIds {
	let blocks = list(blocks);
	let purpose = Purpose::of(&blocks, None);
	let ids = <Dag as ModelGraph<_>>::insert(model, submission, &TRAINER, blocks, &purpose).unwrap();
	accept(model, submission, &ids);
	ids
}

fn accept(model: ModelId, submission: SubmissionId, ids: &[BlockId]) {
	<Dag as ModelGraph<AccountId>>::accept(model, submission, ids, None).unwrap();
}

fn probation(id: BlockId) -> Option<u32> {
	Dag::block_info(id).unwrap().probation_until
}

fn standing(id: BlockId) -> BlockStanding {
	Dag::block_info(id).unwrap().standing
}

fn delta(parent: BlockId, content: u8) -> NewBlock {
	NewBlock { bytes: 30, ..new_block(BACKBONE, BlockKind::Delta, &[parent], content) }
}

#[test]
fn probation_should_last_for_so_many_blocks_after_the_acceptance() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		assert_eq!(probation(head(model, BACKBONE)), None, "first weights are on no trial");
		let candidate = submit(model, 1, &[BACKBONE])[0];
		System::set_block_number(5);
		assert_eq!(probation(candidate), None, "a candidate is not, either");
		accept(model, 1, &[candidate]);
		let entry = || Dag::manifest(model, None, 0, 1).remove(0).probation_until;
		System::set_block_number(14);
		assert_eq!((probation(candidate), entry()), (Some(15), Some(15)));
		System::set_block_number(15);
		assert_eq!((probation(candidate), entry()), (None, None));
		assert_noop!(roll_back(model, 2, &[candidate]), Error::<Test>::NotOnProbation);
	});
}

#[test]
fn rollback_should_bring_back_the_former_head_as_a_new_version() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let first = head(model, BACKBONE);
		let other = head(model, EXPERT);
		let bad = advance(model, 1, &[BACKBONE, EXPERT]);
		let worse = advance(model, 2, &[BACKBONE])[0];
		let before = Dag::manifest(model, Some(2), 0, 99);
		// One of the two blocks, after its component moved on.
		let ids = roll_back(model, 3, &bad[..1]).unwrap();
		assert_eq!(head(model, BACKBONE), worse, "nothing moves before it is measured");
		accept(model, 3, &ids);

		assert_eq!(head(model, BACKBONE), ids[0]);
		assert_eq!(head(model, EXPERT), bad[1]);
		let back = Dag::block_info(ids[0]).unwrap();
		assert_eq!((back.block.kind, back.block.trainer), (BlockKind::Rollback, STRANGER));
		assert_eq!(back.block.parents.to_vec(), [first, bad[0]]);
		let former = Dag::block_info(first).unwrap();
		assert_eq!((back.block.content, back.block.bytes), (former.block.content, former.block.bytes));
		assert_eq!(back.probation_until, None, "first weights are on no trial under another name");
		assert_eq!(standing(bad[0]), BlockStanding::Superseded { since: 2 });
		assert_eq!(standing(worse), BlockStanding::RolledBack { since: 3 });
		assert_eq!(Models::<Test>::get(model).unwrap().version, SemVer { major: 0, minor: 1, patch: 3 });
		assert_eq!(Versions::<Test>::get(model, 3).unwrap().submission, Some(3));
		assert_eq!(Dag::manifest(model, Some(2), 0, 99), before, "history stays");
		assert_ne!(Dag::manifest(model, Some(0), 0, 1), Dag::manifest(model, Some(3), 0, 1));
		// The other one, whose number tells it from an earlier try that was refused.
		let refused = roll_back(model, 4, &bad[1..]).unwrap();
		<Dag as ModelGraph<AccountId>>::reject(&refused).unwrap();
		let again = roll_back(model, 5, &bad[1..]).unwrap();
		accept(model, 5, &again);
		assert_eq!(Dag::block_info(again[0]).unwrap().block.parents[0], other);
	});
}

#[test]
fn rollback_should_keep_the_chain_of_deltas_that_its_weights_need() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let good = take(model, 1, [delta(head(model, BACKBONE), 1)])[0];
		let chain = Dag::block_info(good).unwrap().deltas;
		let bad = advance(model, 2, &[BACKBONE])[0];
		let back = roll_back(model, 3, &[bad]).unwrap();
		accept(model, 3, &back);
		assert_eq!((Dag::block_info(back[0]).unwrap().deltas, chain.length), (chain, 1));
		assert_eq!(Dag::manifest(model, None, 0, 1)[0].deltas, 1);
		// What comes after goes on from the same weights.
		let next = take(model, 4, [delta(back[0], 4)])[0];
		assert_eq!(Dag::block_info(next).unwrap().deltas.length, 2);
		// To what is a rollback itself: to the weights, so that no chain of names grows.
		let back = roll_back(model, 5, &[next]).unwrap();
		assert_eq!(Dag::block_info(back[0]).unwrap().block.parents[0], good);
	});
}

#[test]
fn probation_should_go_with_the_weights_under_their_other_names() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let trained = take(model, 1, [delta(head(model, BACKBONE), 1)])[0];
		System::set_block_number(5);
		let bad = advance(model, 2, &[BACKBONE])[0];
		let back = roll_back(model, 3, &[bad]).unwrap();
		accept(model, 3, &back);
		let whole = take(model, 4, [new_block(BACKBONE, BlockKind::Snapshot, &back, 4)])[0];
		let bad = advance(model, 5, &[BACKBONE])[0];
		let again = roll_back(model, 6, &[bad]).unwrap();
		accept(model, 6, &again);
		assert_eq!(Dag::block_info(again[0]).unwrap().block.parents[0], whole);
		for name in [trained, back[0], whole, again[0]] {
			assert_eq!(probation(name), Some(11), "that of the delta, whatever the block");
		}
		System::set_block_number(11);
		assert!([trained, back[0], whole, again[0]].iter().all(|name| probation(*name).is_none()));
	});
}

#[test]
fn rollback_should_fail_when_there_is_nothing_to_take_back() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let other = released();
		let bad = advance(model, 1, &[BACKBONE])[0];
		let candidate = submit(model, 2, &[BACKBONE])[0];
		assert_noop!(roll_back(model, 3, &[]), Error::<Test>::BlocksMissing);
		assert_noop!(roll_back(model, 3, &[BlockId::zero()]), Error::<Test>::BlockNotFound);
		assert_noop!(roll_back(other, 3, &[bad]), Error::<Test>::BlockOfOtherModel);
		assert_noop!(roll_back(model, 3, &[candidate]), Error::<Test>::NotOnProbation);
		assert_noop!(roll_back(model, 3, &[head(model, EXPERT)]), Error::<Test>::NotOnProbation);
		assert_noop!(roll_back(model, 3, &[bad; 65]), Error::<Test>::TooManyBlocks);
		assert_noop!(roll_back(model, 3, &[bad, bad]), Error::<Test>::DuplicateComponent);
		// Nobody sends such a block by himself.
		let sent = new_block(BACKBONE, BlockKind::Rollback, &[bad], 1);
		for purpose in [Purpose::Improvement, Purpose::Compaction] {
			let sent = <Dag as ModelGraph<_>>::insert(model, 3, &TRAINER, list([sent.clone()]), &purpose);
			assert_eq!(sent, Err(Error::<Test>::UnsupportedKind.into()));
		}
	});
}

#[test]
fn rollback_should_fail_when_a_migration_came_between() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let bad = advance(model, 1, &[EXPERT, BACKBONE]);
		let pending = roll_back(model, 2, &bad[..1]).unwrap();
		let wide = Migration::WidenFfn { d_ff: 64 };
		ExpertDag::propose_migration(RuntimeOrigin::signed(OWNER), model, wide).unwrap();
		let blocks = wide.components(&architecture()).into_iter();
		let blocks = list(blocks.map(|c| new_block(c, BlockKind::Migration, &[head(model, c)], 9)));
		let ids =
			<Dag as ModelGraph<_>>::insert(model, 3, &TRAINER, blocks, &Purpose::Migration(wide)).unwrap();
		<Dag as ModelGraph<AccountId>>::accept(model, 3, &ids, Some(wide)).unwrap();

		assert!(!<Dag as ModelGraph<AccountId>>::fits(model, &pending, None));
		assert_noop!(roll_back(model, 4, &bad[..1]), Error::<Test>::RollbackOutdated);
		assert_noop!(roll_back(model, 4, &[head(model, EXPERT)]), Error::<Test>::NotOnProbation);
		assert_ok!(roll_back(model, 4, &bad[1..]));
	});
}

#[test]
fn lineage_of_rewards_should_leave_out_who_only_rolled_back() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let bad = advance(model, 1, &[BACKBONE])[0];
		let back = roll_back(model, 2, &[bad]).unwrap();
		accept(model, 2, &back);
		let next = submit(model, 3, &[BACKBONE]);
		let lineage = <Dag as ModelGraph<AccountId>>::lineage(next[0], 9);
		assert_eq!(lineage, [OWNER], "neither who rolled back nor who was");
	});
}

#[test]
fn taken_back_should_name_who_made_the_block_and_what_followed_it() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let bad = submit_as(OWNER, model, 1, BACKBONE);
		accept(model, 1, &[bad]);
		let after = submit_as(TRAINER, model, 2, BACKBONE);
		accept(model, 2, &[after]);
		let other = submit_as(TRAINER, model, 3, EXPERT);
		accept(model, 3, &[other]);
		let taken_back = |ids: &[BlockId]| <Dag as ModelGraph<AccountId>>::taken_back(ids);
		let ids = roll_back(model, 4, &[bad]).unwrap();
		assert_eq!(taken_back(&ids), [OWNER, TRAINER], "the block named, and what became head after it");
		let newest = roll_back(model, 5, &[after]).unwrap();
		assert_eq!(taken_back(&newest), [TRAINER], "what was before it stays");
		assert!(taken_back(&[bad]).is_empty(), "a block that takes nothing back");
	});
}

/// A candidate of somebody's.
fn submit_as(trainer: AccountId, model: ModelId, submission: SubmissionId, component: Component) -> BlockId {
	let parent = head(model, component);
	let blocks = list([new_block(component, BlockKind::Update, &[parent], 100 + submission as u8)]);
	<Dag as ModelGraph<_>>::insert(model, submission, &trainer, blocks, &Purpose::Improvement).unwrap()[0]
}
