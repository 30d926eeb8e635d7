//! From registration to the first version.

use crate::{
	mock::*, types::*, BlockCount, Blocks, Error, Event, Heads, HoldReason, Models, NextModelId, Versions,
};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	dag::{BlockIds, BlockKind, Component, NewBlocks, SemVer, MAX_BLOCKS},
	merkle::version_root_of_heads,
	traits::{ModelGraph, ModelState},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, BoundedVec},
	frame_system::RawOrigin,
	sp_runtime::{traits::BadOrigin, ArithmeticError, TokenError},
};

fn held(who: AccountId) -> u128 {
	Balances::balance_on_hold(&HoldReason::ModelDeposit.into(), &who)
}

#[test]
fn register_model_should_hold_a_deposit_and_wait_for_genesis_blocks() {
	ExtBuilder.build_and_execute(|| {
		assert_ok!(ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("tiny"), architecture()));
		assert_eq!(held(OWNER), 100 + 7 * 10);
		assert_eq!(NextModelId::<Test>::get(), 1);
		let owner = ModelOwner::Account(OWNER);
		assert_eq!(take_events(), [Event::ModelRegistered { model: 0, owner, components: 7, deposit: 170 }]);
		assert_eq!(<Dag as ModelGraph<_>>::model(0), None, "there is nothing to train yet");
		assert!(<Dag as ModelGraph<_>>::is_owner(0, &OWNER));
		assert!(!<Dag as ModelGraph<_>>::is_owner(0, &STRANGER));
		assert!(!<Dag as ModelGraph<_>>::is_owner(1, &OWNER));

		assert_ok!(ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("tiny"), architecture()));
		assert_eq!(held(OWNER), 340, "a name is not a claim: two models may bear the same");
	});
}

#[test]
fn register_model_should_cost_governance_nothing() {
	ExtBuilder.build_and_execute(|| {
		assert_ok!(ExpertDag::register_model(RuntimeOrigin::root(), name("commons"), architecture()));
		assert_eq!(held(TREASURY), 0);
		let model = Models::<Test>::get(0).unwrap();
		assert_eq!((model.owner, model.deposit), (ModelOwner::Governance, 0));
		assert!(<Dag as ModelGraph<_>>::is_owner(0, &TREASURY));
		assert!(!<Dag as ModelGraph<_>>::is_owner(0, &OWNER));

		let blocks = list(architecture().components().map(genesis));
		assert_noop!(
			ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(TREASURY), 0, blocks.clone()),
			Error::<Test>::NotOwner
		);
		assert_ok!(ExpertDag::add_genesis_blocks(RuntimeOrigin::root(), 0, blocks));
		let first = Blocks::<Test>::get(head(0, Component::Backbone)).unwrap();
		assert_eq!(first.block.trainer, TREASURY, "what governance's model earns goes to its account");
	});
}

#[test]
fn register_model_should_fail_when_name_origin_or_funds_are_wrong() {
	ExtBuilder.build_and_execute(|| {
		let register = |origin, name| ExpertDag::register_model(origin, name, architecture());
		let signed = || RuntimeOrigin::signed(OWNER);
		assert_noop!(register(signed(), name("")), Error::<Test>::NameEmpty);
		let not_text = BoundedVec::try_from(vec![0xc3, 0x28]).unwrap();
		assert_noop!(register(signed(), not_text), Error::<Test>::NameNotText);
		assert_noop!(register(signed(), name("\u{1b}[2J")), Error::<Test>::NameNotText);
		assert_noop!(register(RawOrigin::None.into(), name("tiny")), BadOrigin);
		let pauper = RuntimeOrigin::signed(PAUPER);
		assert_noop!(register(pauper, name("tiny")), TokenError::FundsUnavailable);
	});
}

#[test]
fn register_model_should_name_the_rule_that_an_architecture_breaks() {
	ExtBuilder.build_and_execute(|| {
		let cases: [(Architecture, Error<Test>); 7] = [
			(Architecture { layers: 0, ..architecture() }, Error::ArchitectureSizeZero),
			(Architecture { top_k: 3, ..architecture() }, Error::ArchitectureExpertsOutOfOrder),
			(Architecture { head_width: 3, ..architecture() }, Error::ArchitectureHeadWidthUneven),
			(Architecture { kv_heads: 3, ..architecture() }, Error::ArchitectureKvHeadsUneven),
			(Architecture { rope_theta: 0, ..architecture() }, Error::ArchitectureConstantOutOfRange),
			(
				Architecture {
					layers: u16::MAX,
					experts: ExpertCount { min: 1, current: 1, max: u16::MAX },
					..architecture()
				},
				Error::ArchitectureComponentsTooMany,
			),
			(Architecture { vocabulary: 255, ..architecture() }, Error::ArchitectureVocabularyMismatch),
		];
		for (architecture, error) in cases {
			let call = ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("tiny"), architecture);
			assert_noop!(call, error);
		}
	});
}

#[test]
fn register_model_should_fail_when_ids_run_out() {
	ExtBuilder.build().execute_with(|| {
		NextModelId::<Test>::put(u32::MAX);
		let call = ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("last"), architecture());
		assert_noop!(call, ArithmeticError::Overflow);
	});
}

#[test]
fn add_genesis_blocks_should_release_the_model_when_the_last_component_has_a_head() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		take_events();
		let mut blocks = architecture().components().map(genesis).collect::<Vec<_>>();
		let ids = blocks.iter().map(|new| id_of(model, OWNER, new)).collect::<Vec<_>>();
		let last = blocks.pop().unwrap();

		assert_ok!(ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, list(blocks)));
		let first_six = BlockIds::try_from(ids[..6].to_vec()).unwrap();
		let added = Event::GenesisBlocksAdded { model, blocks: first_six, missing: 1 };
		assert_eq!(take_events(), [added]);
		assert_eq!(<Dag as ModelGraph<_>>::model(model), None);
		Dag::do_try_state().unwrap();

		assert_ok!(ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, list([last])));
		let heads = architecture()
			.components()
			.map(|c| architecture().component_index(c).unwrap())
			.zip(ids.iter().copied())
			.collect::<Vec<_>>();
		let root = version_root_of_heads(&architecture(), heads.clone()).unwrap();
		let released =
			Event::VersionReleased { model, generation: 0, version: SemVer::GENESIS, root, submission: None };
		let added = Event::GenesisBlocksAdded {
			model,
			blocks: BlockIds::try_from(vec![ids[6]]).unwrap(),
			missing: 0,
		};
		assert_eq!(take_events(), [added, released]);
		let state = ModelState { architecture: architecture(), generation: 0, root };
		assert_eq!(<Dag as ModelGraph<_>>::model(model), Some(state));
		for (index, id) in heads {
			assert_eq!(Heads::<Test>::get(model, index), Some(id));
		}
		assert_eq!(BlockCount::<Test>::get(), 7);
		let (version, architecture) = (SemVer::GENESIS, architecture());
		let record = VersionRecord { version, root, architecture, submission: None, released_at: 1 };
		assert_eq!(Versions::<Test>::get(model, 0), Some(record));
	});
}

#[test]
fn add_genesis_blocks_should_change_nothing_when_any_block_is_wrong() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		let good = genesis(Component::Backbone);
		let router = || genesis(Component::Router { layer: 0 });
		let add =
			|blocks: NewBlocks| ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, blocks);

		assert_noop!(add(list([])), Error::<Test>::BlocksMissing);
		for kind in [BlockKind::Update, BlockKind::Delta, BlockKind::Snapshot, BlockKind::Migration] {
			let mut wrong = router();
			wrong.kind = kind;
			assert_noop!(add(list([good.clone(), wrong])), Error::<Test>::UnsupportedKind);
		}
		let absent = genesis(expert(0, 2));
		assert_noop!(add(list([good.clone(), absent])), Error::<Test>::ComponentNotDeclared);
		assert_noop!(add(list([good.clone(), good.clone()])), Error::<Test>::DuplicateComponent);
		let mut empty = router();
		empty.bytes = 0;
		assert_noop!(add(list([good.clone(), empty])), Error::<Test>::ContentEmpty);
		let mut large = router();
		large.bytes = (1 << 20) + 1;
		assert_noop!(add(list([good.clone(), large])), Error::<Test>::ContentTooLarge);
		let mut child = router();
		child.parents.try_push(id_of(model, OWNER, &good)).unwrap();
		assert_noop!(add(list([good.clone(), child])), Error::<Test>::GenesisWithParents);

		assert_ok!(add(list([good.clone()])));
		assert_noop!(add(list([router(), good])), Error::<Test>::HeadExists);
	});
}

#[test]
fn add_genesis_blocks_should_fail_when_model_or_owner_is_wrong() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		let blocks = || list([genesis(Component::Backbone)]);
		let add = |origin, model| ExpertDag::add_genesis_blocks(origin, model, blocks());
		assert_noop!(add(RuntimeOrigin::signed(OWNER), model + 1), Error::<Test>::ModelNotFound);
		assert_noop!(add(RuntimeOrigin::signed(STRANGER), model), Error::<Test>::NotOwner);
		assert_noop!(add(RuntimeOrigin::root(), model), Error::<Test>::NotOwner);
		assert_noop!(add(RawOrigin::None.into(), model), BadOrigin);
	});
}

#[test]
fn add_genesis_blocks_should_fit_a_model_of_more_components_than_a_call_takes() {
	ExtBuilder.build_and_execute(|| {
		let large = Architecture { layers: 30, ..architecture() };
		assert!(large.component_count() > MAX_BLOCKS);
		assert_ok!(ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("deep"), large));
		let blocks = large.components().map(genesis).collect::<Vec<_>>();
		for chunk in blocks.chunks(MAX_BLOCKS as usize) {
			assert_eq!(<Dag as ModelGraph<_>>::model(0), None);
			assert_ok!(ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), 0, list(chunk.to_vec())));
		}
		assert!(<Dag as ModelGraph<_>>::model(0).is_some());
	});
}
