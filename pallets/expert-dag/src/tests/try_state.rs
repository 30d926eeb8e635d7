//! Every invariant, broken once in each way it is checked.

use crate::{
	mock::*, types::*, BlockCount, Blocks, Children, Heads, HoldReason, Models, NextModelId,
	PendingMigrations, RetiredHeads, VersionTree, Versions,
};
use blyan_primitives::{
	dag::{BlockKind, Component, SemVer},
	merkle::position,
	migration::Migration,
	Hash,
};
use polkadot_sdk::frame_support::{
	assert_err, assert_ok,
	traits::{fungible::MutateHold, tokens::Precision},
	BoundedVec,
};

const BACKBONE: Component = Component::Backbone;

/// Breaks a sound state with two models and a history, and tells which check finds it.
fn broken(message: &'static str, corrupt: impl FnOnce()) {
	ExtBuilder.build().execute_with(|| {
		released();
		registered();
		for submission in 1..=3 {
			advance(0, submission, &[BACKBONE, expert(0, 0)]);
		}
		submit(0, 4, &[BACKBONE]);
		assert_ok!(Dag::do_try_state());
		corrupt();
		assert_err!(Dag::do_try_state(), message);
	});
}

fn change_model(id: u32, change: impl FnOnce(&mut ModelOf<Test>)) {
	Models::<Test>::mutate_extant(id, change);
}

fn change_head(change: impl FnOnce(&mut BlockRecordOf<Test>)) {
	Blocks::<Test>::mutate_extant(head(0, BACKBONE), change);
}

fn change_acceptance(id: Hash, change: impl FnOnce(&mut Acceptance)) {
	Blocks::<Test>::mutate_extant(id, |record| match &mut record.status {
		BlockStatus::Accepted(acceptance) => change(acceptance),
		status => panic!("{status:?} is not accepted"),
	});
}

/// Stores a block that nothing else knows of, as if it had been inserted.
fn plant(change: impl FnOnce(&mut BlockRecordOf<Test>)) {
	let candidate = Blocks::<Test>::iter_values().find(|record| record.status == BlockStatus::Candidate);
	let mut record = candidate.unwrap();
	(record.block.trainer, record.made_in) = (STRANGER, 0);
	change(&mut record);
	for parent in &record.block.parents {
		Blocks::<Test>::mutate_extant(parent, |known| {
			Children::<Test>::insert(parent, known.children, record.block.id());
			known.children += 1;
		});
	}
	BlockCount::<Test>::mutate(|count| *count += 1);
	Blocks::<Test>::insert(record.block.id(), record);
}

#[test]
fn check_models_should_fail_when_numbering_architecture_or_name_is_broken() {
	broken("1: NextModelId is not the number of models", || NextModelId::<Test>::put(3));
	broken("1: a model below NextModelId is missing", || {
		let model = Models::<Test>::take(1).unwrap();
		Models::<Test>::insert(7, model);
	});
	broken("1: a model's architecture is not valid", || change_model(1, |m| m.architecture.heads = 3));
	broken("1: a model's name is not valid", || change_model(1, |m| m.name = BoundedVec::new()));
}

#[test]
fn check_heads_should_fail_when_a_head_is_not_what_it_should_be() {
	broken("2: a head's model does not exist", || Heads::<Test>::insert(9, 0, Hash::zero()));
	broken("2: a head does not exist", || Heads::<Test>::insert(0, 0, Hash::zero()));
	broken("2: a head is of another model", || Heads::<Test>::insert(1, 0, head(0, BACKBONE)));
	broken("2: a head is of another component", || Heads::<Test>::insert(0, 1, head(0, BACKBONE)));
	broken("2: a head was not accepted", || change_head(|record| record.status = BlockStatus::Rejected));
	let retire = |model, index, id| RetiredHeads::<Test>::insert(model, index, id);
	broken("2: a retired head's model does not exist", || retire(9, 0, Hash::zero()));
	broken("2: a retired head does not exist", || retire(0, 0, Hash::zero()));
	broken("2: a retired head is of elsewhere", || retire(0, 1, head(0, BACKBONE)));
	broken("2: a retired head was not accepted", || {
		let candidate = Blocks::<Test>::iter().find(|(_, record)| record.status == BlockStatus::Candidate);
		retire(0, 0, candidate.unwrap().0)
	});
	broken("2: a component has a head and a retired one", || retire(0, 0, head(0, BACKBONE)));
	broken("2: heads_set is not the number of heads", || change_model(0, |model| model.heads_set = 6));
}

#[test]
fn check_roots_should_fail_when_root_or_tree_is_not_what_the_heads_give() {
	broken("3: a root without all heads, or the reverse", || change_model(0, |model| model.root = None));
	broken("3: a root without all heads, or the reverse", || {
		change_model(1, |model| model.root = Some(Hash::zero()))
	});
	broken("3: the tree is not what the heads give", || VersionTree::<Test>::remove(0, position(4, 0)));
	broken("3: the root is not that of the tree", || {
		change_model(0, |model| model.root = Some(Hash::repeat_byte(1)))
	});
}

#[test]
fn check_blocks_should_fail_when_a_block_or_their_number_is_broken() {
	broken("4: a block is not stored under its hash", || change_head(|record| record.block.bytes = 1));
	broken("4: a block's model does not exist", || plant(|record| record.block.model = 9));
	broken("4: a block's component has no place", || plant(|record| record.block.component = expert(9, 0)));
	broken("4: a block is of a generation to come", || change_head(|record| record.made_in = 4));
	broken("4: parents do not suit the kind", || plant(|record| record.block.kind = BlockKind::Genesis));
	broken("4: parents do not suit the kind", || plant(|record| record.block.parents.clear()));
	broken("4: a submission does not suit the kind", || plant(|record| record.submission = None));
	broken("4: BlockCount is not the number of blocks", || BlockCount::<Test>::put(0));
}

#[test]
fn check_parents_should_fail_when_parents_or_children_are_broken() {
	broken("5: a parent is named twice", || {
		plant(|record| record.block.parents.try_push(record.block.parents[0]).unwrap())
	});
	broken("5: a parent does not exist", || {
		plant(|record| record.block.parents.try_push(Hash::zero()).unwrap())
	});
	broken("5: a parent was not accepted", || {
		let candidate = Blocks::<Test>::iter().find(|(_, record)| record.status == BlockStatus::Candidate);
		plant(|record| record.block.parents.try_push(candidate.unwrap().0).unwrap())
	});
	broken("5: a parent is of another component", || {
		plant(|record| record.block.parents.try_push(head(0, expert(1, 1))).unwrap())
	});
	broken("5: a parent is of another model", || plant(|record| record.block.model = 1));
	broken("5: children is not the number of children", || change_head(|record| record.children = 7));
	let newest = || head(0, BACKBONE);
	broken("5: the list of children is not that of the children", || {
		Children::<Test>::insert(newest(), 0, Hash::zero())
	});
	broken("5: the list of children is too long", || Children::<Test>::insert(newest(), 1, newest()));
}

#[test]
fn check_histories_should_fail_when_the_way_back_is_broken() {
	let newest = || head(0, BACKBONE);
	let before = |id: Hash| Blocks::<Test>::get(id).unwrap().acceptance().unwrap().previous.unwrap();
	broken("6: a history leads to a block that does not exist", || {
		change_acceptance(newest(), |acceptance| acceptance.previous = Some(Hash::zero()))
	});
	broken("6: a history leads to a block never accepted", || {
		let candidate = Blocks::<Test>::iter().find(|(_, record)| record.status == BlockStatus::Candidate);
		change_acceptance(newest(), |acceptance| acceptance.previous = candidate.map(|(id, _)| id))
	});
	broken("6: generations do not fall along a history", || {
		change_acceptance(newest(), |acceptance| acceptance.since = 2)
	});
	broken("6: a history does not end where its component began", || {
		change_acceptance(newest(), |acceptance| acceptance.previous = None)
	});
	broken("6: a skip does not land where it says", || {
		change_acceptance(newest(), |acceptance| acceptance.skip = Some(Skip { block: newest(), span: 0 }))
	});
	broken("6: a skip does not land where it says", || {
		let block = before(newest());
		change_acceptance(newest(), |acceptance| acceptance.skip = Some(Skip { block, span: 2 }))
	});
	broken("6: a skip is missing, or leads nowhere", || {
		change_acceptance(before(newest()), |acceptance| acceptance.skip = None)
	});
	broken("6: a history lacks an accepted block", || {
		let block = before(before(newest()));
		change_acceptance(newest(), |acceptance| {
			acceptance.previous = Some(block);
			acceptance.skip = Some(Skip { block, span: 1 });
		})
	});
	broken("6: a component with accepted blocks has no head", || {
		plant(|record| {
			record.block.model = 1;
			record.block.kind = BlockKind::Genesis;
			record.block.parents.clear();
			record.submission = None;
			record.status = BlockStatus::Accepted(Acceptance { since: 0, previous: None, skip: None });
		})
	});
}

#[test]
fn check_versions_should_fail_when_a_version_is_missing_wrong_or_too_many() {
	broken("7: a generation has no version", || Versions::<Test>::remove(0, 1));
	broken("7: the newest version is not the model's", || {
		change_model(0, |model| model.version = SemVer::GENESIS)
	});
	broken("7: there is a version without a generation", || {
		let version = Versions::<Test>::get(0, 0).unwrap();
		Versions::<Test>::insert(1, 0, version);
	});
}

#[test]
fn check_deposits_should_fail_when_holds_and_records_differ() {
	broken("8: what is held is not what the deposits add up to", || {
		let reason = HoldReason::ModelDeposit.into();
		assert_ok!(Balances::release(&reason, &OWNER, 1, Precision::Exact));
	});
	broken("8: what is held is not what the deposits add up to", || {
		change_model(0, |model| model.deposit = 0)
	});
	broken("8: a deposit of governance's is recorded", || {
		change_model(0, |model| model.owner = ModelOwner::Governance)
	});
}

#[test]
fn check_migrations_should_fail_when_one_cannot_come_about() {
	let want = |model, migration| {
		PendingMigrations::<Test>::insert(model, PendingMigration { migration, deposit: 0 });
	};
	broken("9: a migration's model does not exist", || want(9, Migration::AddLayer));
	broken("9: a migration's model is not released", || want(1, Migration::AddLayer));
	broken("9: a migration does not apply to its model", || want(0, Migration::WidenFfn { d_ff: 1 }));
}

#[test]
fn check_deltas_should_fail_when_a_chain_is_wrong() {
	broken("10: a chain of deltas is not what its blocks give", || {
		change_head(|record| record.deltas.length = 1)
	});
	broken("10: a rollback is not to what its first parent is", || {
		plant(|record| {
			record.block.kind = BlockKind::Rollback;
			record.block.bytes += 1;
		})
	});
}
