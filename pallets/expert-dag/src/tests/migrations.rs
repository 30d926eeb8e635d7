//! From what the owner wants to a changed architecture.

use crate::{mock::*, types::*, Error, Event, Heads, HoldReason, Models, PendingMigrations, RetiredHeads};
use blyan_primitives::{
	api::{BlockStanding, Difference},
	architecture::Architecture,
	dag::{BlockId, BlockIds, BlockKind, Component, ModelId, NewBlock, SemVer, SubmissionId},
	learning::Purpose,
	merkle::version_root_of_heads,
	migration::Migration,
	traits::ModelGraph,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold},
	sp_runtime::{DispatchError, DispatchResult, TokenError},
};

const BACKBONE: Component = Component::Backbone;
const ADD: Migration = Migration::AddExperts { count: 1 };
const REMOVE_FIRST: Migration = Migration::RemoveExpert { index: 0 };
const WIDEN: Migration = Migration::WidenFfn { d_ff: 64 };

fn router(layer: u16) -> Component {
	Component::Router { layer }
}

fn propose(model: ModelId, migration: Migration) -> DispatchResult {
	ExpertDag::propose_migration(RuntimeOrigin::signed(OWNER), model, migration)
}

fn current(model: ModelId) -> ModelOf<Test> {
	Models::<Test>::get(model).unwrap()
}

fn held() -> u128 {
	Balances::balance_on_hold(&HoldReason::ModelDeposit.into(), &OWNER)
}

/// New weights for a component; a component that is new descends from the layer's first expert.
fn migrated(model: ModelId, component: Component, content: u8) -> NewBlock {
	let index = current(model).architecture.component_index(component);
	let own = index.and_then(|index| Heads::<Test>::get(model, index));
	let parent = own.unwrap_or_else(|| head(model, expert(0, 0)));
	new_block(component, BlockKind::Migration, &[parent], content)
}

fn blocks_for(model: ModelId, migration: Migration, content: u8) -> Vec<NewBlock> {
	let components = migration.components(&current(model).architecture);
	components.into_iter().map(|component| migrated(model, component, content)).collect()
}

fn insert(
	model: ModelId,
	submission: SubmissionId,
	migration: Migration,
	blocks: Vec<NewBlock>,
) -> Result<BlockIds, DispatchError> {
	<Dag as ModelGraph<_>>::insert(model, submission, &TRAINER, list(blocks), &Purpose::Migration(migration))
}

fn fits(model: ModelId, blocks: &[BlockId], migration: Option<Migration>) -> bool {
	<Dag as ModelGraph<AccountId>>::fits(model, blocks, migration)
}

/// Proposes, inserts and accepts a migration.
fn migrate(model: ModelId, submission: SubmissionId, migration: Migration) -> BlockIds {
	propose(model, migration).unwrap();
	let blocks = blocks_for(model, migration, submission as u8);
	let ids = insert(model, submission, migration, blocks).unwrap();
	assert!(fits(model, &ids, Some(migration)));
	<Dag as ModelGraph<AccountId>>::accept(model, submission, &ids, Some(migration)).unwrap();
	ids
}

#[test]
fn migration_should_change_architecture_heads_version_and_deposit() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let (before, deposit) = (current(model), held());
		take_events();
		let ids = migrate(model, 1, ADD);
		let after = current(model);
		assert_eq!(after.architecture, ADD.apply(&before.architecture).unwrap());
		assert_eq!((after.generation, after.version), (1, SemVer { major: 0, minor: 2, patch: 0 }));
		assert_eq!((after.heads_set, ids.len()), (9, 4));
		// Two components came with it, at 10 each.
		assert_eq!((held(), after.deposit), (deposit + 20, before.deposit + 20));
		assert!(!PendingMigrations::<Test>::contains_key(model));
		let root = version_root_of_heads(&after.architecture, Heads::<Test>::iter_prefix(model));
		assert_eq!(after.root, root);
		let told = take_events();
		assert_eq!(told[0], Event::MigrationProposed { model, migration: ADD, deposit: 20 });
		assert_eq!(told[2], Event::ModelMigrated { model, migration: ADD });
		// Heads that were not rewritten are what they were.
		let genesis_backbone = head(model, BACKBONE);
		assert_eq!(Dag::block_info(genesis_backbone).unwrap().standing, BlockStanding::Head { since: 0 });
		// The new expert trains on like any other.
		advance(model, 2, &[expert(1, 2)]);
		assert_eq!(current(model).version, SemVer { major: 0, minor: 2, patch: 1 });
	});
}

#[test]
fn migration_should_take_experts_out_and_bring_them_back() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		migrate(model, 1, ADD);
		advance(model, 2, &[expert(0, 2)]);
		let (last, deposit) = (head(model, expert(0, 2)), held());
		migrate(model, 3, REMOVE_FIRST);
		let now = current(model);
		assert_eq!((now.architecture.experts.current, now.heads_set), (2, 7));
		assert_eq!((now.version, held()), (SemVer { major: 1, minor: 0, patch: 0 }, deposit - 20));
		let index = now.architecture.reserved_index(expert(0, 2)).unwrap();
		assert_eq!(Heads::<Test>::get(model, index), None);
		assert_eq!(RetiredHeads::<Test>::get(model, index), Some(last));
		assert_eq!(Dag::block_info(last).unwrap().standing, BlockStanding::Retired);
		// Old generations are still told as they were.
		assert_eq!(Dag::manifest(model, Some(2), 0, 99).len(), 9);
		assert!(Dag::manifest(model, Some(2), 0, 99).iter().any(|entry| entry.block == last));
		assert_eq!(Dag::manifest(model, Some(3), 0, 99).len(), 7);

		migrate(model, 4, ADD);
		let again = head(model, expert(0, 2));
		assert_eq!(RetiredHeads::<Test>::get(model, index), None);
		assert_eq!(Dag::block_info(last).unwrap().standing, BlockStanding::Superseded { since: 4 });
		assert_eq!(crate::Blocks::<Test>::get(again).unwrap().acceptance().unwrap().previous, Some(last));
		assert!(Dag::manifest(model, Some(2), 0, 99).iter().any(|entry| entry.block == last));
		assert_eq!(Dag::manifest(model, Some(3), 0, 99).len(), 7);
	});
}

#[test]
fn migration_should_keep_the_root_right_when_the_tree_becomes_deeper() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let depth = |architecture: Architecture| architecture.tree_depth();
		let mut depths = vec![depth(current(model).architecture)];
		for submission in 1..=8 {
			migrate(model, submission, Migration::AddLayer);
			depths.push(depth(current(model).architecture));
			// The layer that just came, and the oldest one.
			advance(model, 100 + submission, &[expert(submission as u16 + 1, 1), expert(0, 0)]);
			Dag::do_try_state().unwrap();
		}
		depths.dedup();
		assert_eq!(depths, [4, 5, 6], "9, 17 and 33 places and more");
	});
}

#[test]
fn migrations_of_every_sort_should_follow_one_another() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let steps = [
			(ADD, (0, 2)),
			(WIDEN, (1, 0)),
			(Migration::ReplaceRouter { top_k: 2 }, (1, 1)),
			(Migration::AddLayer, (1, 2)),
			(Migration::RemoveExpert { index: 2 }, (2, 0)),
		];
		for (submission, (migration, (major, minor))) in (1..).zip(steps) {
			migrate(model, submission, migration);
			assert_eq!(current(model).version, SemVer { major, minor, patch: 0 }, "{migration:?}");
			Dag::do_try_state().unwrap();
		}
		for generation in 0..=5 {
			let version = Dag::version_info(model, Some(generation)).unwrap();
			let manifest = Dag::manifest(model, Some(generation), 0, 99);
			let place = |component| version.architecture.component_index(component).unwrap();
			let heads = manifest.iter().map(|entry| (place(entry.component), entry.block));
			assert_eq!(version_root_of_heads(&version.architecture, heads), Some(version.root));
		}
	});
}

#[test]
fn propose_migration_should_fail_when_it_may_not_be() {
	ExtBuilder.build_and_execute(|| {
		let unreleased = registered();
		assert_noop!(propose(9, ADD), Error::<Test>::ModelNotFound);
		assert_noop!(propose(unreleased, ADD), Error::<Test>::ModelNotReleased);
		let model = released();
		let by_stranger = ExpertDag::propose_migration(RuntimeOrigin::signed(STRANGER), model, ADD);
		assert_noop!(by_stranger, Error::<Test>::NotOwner);
		let refused = [
			(Migration::AddExperts { count: 0 }, Error::<Test>::MigrationChangesNothing),
			(Migration::RemoveExpert { index: 2 }, Error::MigrationExpertNotThere),
			(Migration::WidenFfn { d_ff: 31 }, Error::MigrationNarrows),
			(Migration::AddExperts { count: 2 }, Error::ArchitectureExpertsOutOfOrder),
			(Migration::RemoveExpert { index: 0 }, Error::ArchitectureExpertsOutOfOrder),
		];
		for (migration, error) in refused {
			assert_noop!(propose(model, migration), error);
		}
		assert_ok!(propose(model, ADD));
		assert_noop!(propose(model, WIDEN), Error::<Test>::MigrationPending);
	});
}

#[test]
fn propose_migration_should_fail_when_the_model_is_too_large() {
	ExtBuilder.build_and_execute(|| {
		let wide = Architecture { layers: 65, ..architecture() };
		ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("wide"), wide).unwrap();
		for chunk in wide.components().collect::<Vec<_>>().chunks(64) {
			let blocks = list(chunk.iter().copied().map(genesis));
			ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), 0, blocks).unwrap();
		}
		let migration = Migration::ReplaceRouter { top_k: 2 };
		assert_noop!(propose(0, migration), Error::<Test>::MigrationTooLarge);
	});
}

#[test]
fn propose_migration_should_fail_when_the_deposit_is_not_there() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let all = Balances::free_balance(OWNER);
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(OWNER), STRANGER, all - 10));
		assert_noop!(propose(model, ADD), TokenError::FundsUnavailable);
		assert_ok!(propose(model, Migration::ReplaceRouter { top_k: 2 }));
	});
}

#[test]
fn withdraw_migration_should_return_the_deposit_and_leave_candidates_without_a_place() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let deposit = held();
		let withdraw = |who| ExpertDag::withdraw_migration(RuntimeOrigin::signed(who), model);
		assert_noop!(withdraw(OWNER), Error::<Test>::NoMigrationPending);
		propose(model, ADD).unwrap();
		let ids = insert(model, 1, ADD, blocks_for(model, ADD, 1)).unwrap();
		assert_eq!(held(), deposit + 20);
		assert_noop!(withdraw(STRANGER), Error::<Test>::NotOwner);
		assert_noop!(
			ExpertDag::withdraw_migration(RuntimeOrigin::signed(OWNER), 9),
			Error::<Test>::ModelNotFound
		);
		take_events();
		assert_ok!(withdraw(OWNER));
		assert_eq!(take_events(), [Event::MigrationWithdrawn { model, migration: ADD }]);
		assert_eq!(held(), deposit);
		assert!(!fits(model, &ids, Some(ADD)));
		assert_noop!(
			<Dag as ModelGraph<AccountId>>::accept(model, 1, &ids, Some(ADD)),
			Error::<Test>::MigrationNotWanted
		);
		assert_ok!(<Dag as ModelGraph<AccountId>>::withdraw(&ids));
	});
}

#[test]
fn governance_should_migrate_its_models_without_a_deposit() {
	ExtBuilder.build_and_execute(|| {
		ExpertDag::register_model(RuntimeOrigin::root(), name("commons"), architecture()).unwrap();
		let blocks = list(architecture().components().map(genesis));
		ExpertDag::add_genesis_blocks(RuntimeOrigin::root(), 0, blocks).unwrap();
		assert_noop!(propose(0, ADD), Error::<Test>::NotOwner);
		assert_ok!(ExpertDag::propose_migration(RuntimeOrigin::root(), 0, ADD));
		assert_ok!(ExpertDag::withdraw_migration(RuntimeOrigin::root(), 0));
		assert_ok!(ExpertDag::propose_migration(RuntimeOrigin::root(), 0, ADD));
		let ids = insert(0, 1, ADD, blocks_for(0, ADD, 1)).unwrap();
		assert_ok!(<Dag as ModelGraph<AccountId>>::accept(0, 1, &ids, Some(ADD)));
		assert_eq!((current(0).deposit, current(0).heads_set), (0, 9));
	});
}

#[test]
fn insert_should_take_the_wanted_migration_and_all_of_it() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let good = || blocks_for(model, ADD, 1);
		assert_noop!(insert(model, 1, ADD, good()), Error::<Test>::MigrationNotWanted);
		propose(model, ADD).unwrap();
		assert_noop!(insert(model, 1, WIDEN, good()), Error::<Test>::MigrationNotWanted);
		let missing = good().into_iter().skip(1).collect();
		assert_noop!(insert(model, 1, ADD, missing), Error::<Test>::MigrationIncomplete);
		let more = [good(), vec![migrated(model, BACKBONE, 1)]].concat();
		assert_noop!(insert(model, 1, ADD, more), Error::<Test>::MigrationRewritesMore);
		let mut update = good();
		update[0].kind = BlockKind::Update;
		assert_noop!(insert(model, 1, ADD, update), Error::<Test>::UnsupportedKind);
		assert_ok!(insert(model, 1, ADD, good()));
	});
}

#[test]
fn candidates_should_not_fit_when_their_shape_is_gone() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let of_expert = submit(model, 1, &[expert(0, 0)]);
		let of_router = submit(model, 2, &[router(0)]);
		let of_backbone = submit(model, 3, &[BACKBONE]);
		let candidates = [&of_expert, &of_router, &of_backbone];
		let fitting = || candidates.map(|ids| fits(model, ids, None));
		assert_eq!(fitting(), [true; 3]);
		migrate(model, 4, ADD);
		assert_eq!(fitting(), [true, false, true], "routers score one expert more");
		migrate(model, 5, WIDEN);
		assert_eq!(fitting(), [false, false, true]);
		migrate(model, 6, Migration::AddLayer);
		assert_eq!(fitting(), [false; 3]);
		let anew = submit(model, 7, &[BACKBONE, expert(0, 0), router(0)]);
		assert!(fits(model, &anew, None));
		assert!(!fits(9, &anew, None) && !fits(model, &[BlockId::zero()], None));
	});
}

#[test]
fn difference_should_name_components_whose_heads_differ() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let first = head(model, BACKBONE);
		advance(model, 1, &[BACKBONE]);
		let second = head(model, BACKBONE);
		let change = |component, from, to| Difference { component, from, to };
		assert_eq!(Dag::difference(model, 0, 1, 0, 99), [change(BACKBONE, Some(first), Some(second))]);
		assert_eq!(Dag::difference(model, 1, 1, 0, 99), []);
		assert_eq!(Dag::difference(model, 0, 1, 1, 99), [], "paged by component");
		assert_eq!(Dag::difference(model, 0, 2, 0, 99), [], "there is no such generation");
		migrate(model, 2, ADD);
		let new = Some(head(model, expert(1, 2)));
		assert!(Dag::difference(model, 1, 2, 0, 99).contains(&change(expert(1, 2), None, new)));
		assert!(Dag::difference(model, 2, 1, 0, 99).contains(&change(expert(1, 2), new, None)));
		assert_eq!(Dag::difference(model, 1, 2, 0, 99).len(), 4);
	});
}
