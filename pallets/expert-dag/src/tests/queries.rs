//! What runtime APIs answer.

use crate::{mock::*, types::*, Heads};
use blyan_primitives::{
	api::{BlockStanding, MAX_PAGE},
	dag::{BlockId, Component, SemVer},
	learning::Purpose,
	traits::ModelGraph,
};

const BACKBONE: Component = Component::Backbone;

fn standing(id: BlockId) -> BlockStanding {
	Dag::block_info(id).unwrap().standing
}

#[test]
fn models_should_be_paged_by_id() {
	ExtBuilder.build_and_execute(|| {
		for _ in 0..MAX_PAGE + 3 {
			registered();
		}
		let ids =
			|start, count| Dag::models(start, count).into_iter().map(|model| model.id).collect::<Vec<_>>();
		assert_eq!(ids(1, 2), [1, 2]);
		assert_eq!(ids(0, u32::MAX).len() as u32, MAX_PAGE);
		assert_eq!(ids(MAX_PAGE, u32::MAX).len(), 3);
		assert_eq!(ids(u32::MAX, u32::MAX), [] as [u32; 0]);
	});
}

#[test]
fn model_info_should_tell_what_is_stored() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		assert_eq!(Dag::model_info(model).unwrap().root, None);
		let model = released();
		advance(model, 1, &[BACKBONE]);
		let info = Dag::model_info(model).unwrap();
		let state = <Dag as ModelGraph<AccountId>>::model(model).unwrap();
		assert_eq!((info.id, info.name.as_slice(), info.owner), (model, b"tiny".as_slice(), Some(OWNER)));
		assert_eq!(info.version, SemVer { major: 0, minor: 1, patch: 1 });
		assert_eq!((info.generation, info.root, info.architecture), (1, Some(state.root), architecture()));
		assert_eq!((info.pool, info.gate), (None, None));
		assert_eq!(Dag::model_info(model + 1), None);

		ExpertDag::register_model(RuntimeOrigin::root(), name("commons"), architecture()).unwrap();
		assert_eq!(Dag::model_info(model + 1).unwrap().owner, None);
	});
}

#[test]
fn block_info_should_follow_a_block_through_its_life() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let genesis_block = head(model, BACKBONE);
		assert_eq!(standing(genesis_block), BlockStanding::Head { since: 0 });
		assert_eq!(Dag::block_info(genesis_block).unwrap().submission, None);

		let id = submit(model, 1, &[BACKBONE])[0];
		assert_eq!(standing(id), BlockStanding::Candidate);
		<Dag as ModelGraph<AccountId>>::withdraw(&[id]).unwrap();
		assert_eq!(standing(id), BlockStanding::Withdrawn);
		submit(model, 1, &[BACKBONE]);
		advance(model, 2, &[expert(0, 0)]);
		<Dag as ModelGraph<AccountId>>::accept(model, 1, &[id], None).unwrap();
		assert_eq!(standing(id), BlockStanding::Head { since: 2 });
		assert_eq!(standing(genesis_block), BlockStanding::Superseded { since: 2 });
		advance(model, 3, &[BACKBONE]);
		assert_eq!(standing(id), BlockStanding::Superseded { since: 3 });
		assert_eq!(standing(genesis_block), BlockStanding::Superseded { since: 2 });

		let rejected = submit(model, 4, &[BACKBONE])[0];
		<Dag as ModelGraph<AccountId>>::reject(&[rejected]).unwrap();
		assert_eq!(standing(rejected), BlockStanding::Rejected);
		assert_eq!(Dag::block_info(BlockId::zero()), None);
	});
}

#[test]
fn manifest_should_be_paged_by_component() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let all = Dag::manifest(model, None, 0, u32::MAX);
		assert_eq!(
			all.iter().map(|entry| entry.component).collect::<Vec<_>>(),
			architecture().components().collect::<Vec<_>>()
		);
		assert!(all.iter().all(|entry| entry.block == head(model, entry.component) && entry.bytes == 1_000));
		assert_eq!(Dag::manifest(model, None, 2, 3), all[2..5]);
		assert_eq!(Dag::manifest(model, None, 7, 1), []);
		assert_eq!(Dag::manifest(model, Some(0), 5, u32::MAX), all[5..]);
		assert_eq!(Dag::manifest(model, Some(1), 0, 9), [], "there is no such generation");
		assert_eq!(Dag::manifest(model + 1, None, 0, 9), []);
	});
}

#[test]
fn manifest_should_list_the_heads_so_far_when_a_model_is_not_complete() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		let blocks = list([genesis(expert(0, 1))]);
		ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, blocks).unwrap();
		let manifest = Dag::manifest(model, None, 0, 9);
		assert_eq!(manifest.iter().map(|entry| entry.component).collect::<Vec<_>>(), [expert(0, 1)]);
		assert_eq!(Dag::manifest(model, Some(0), 0, 9), []);
	});
}

#[test]
fn manifest_should_find_every_old_generation_in_few_steps() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let mut heads = vec![head(model, BACKBONE)];
		for submission in 1..=200u64 {
			// Every third generation leaves the backbone alone.
			let component = if submission % 3 == 0 { expert(0, 0) } else { BACKBONE };
			advance(model, submission, &[component]);
			heads.push(head(model, BACKBONE));
		}
		for (generation, expected) in heads.iter().enumerate() {
			let manifest = Dag::manifest(model, Some(generation as u32), 0, 1);
			assert_eq!(manifest[0].block, *expected, "generation {generation}");
		}
		// The way from the newest head to the genesis block along skips: 134 steps if each were single.
		let mut at = Heads::<Test>::get(model, 0).unwrap();
		let mut steps = 0;
		while let Some(skip) = crate::Blocks::<Test>::get(at).unwrap().acceptance().unwrap().skip {
			at = skip.block;
			steps += 1;
		}
		assert_eq!(at, heads[0]);
		assert!(steps <= 2 * 134u32.ilog2(), "{steps} steps");
	});
}

#[test]
fn lineage_should_follow_first_parents_to_the_depth_asked() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let genesis_block = head(model, BACKBONE);
		let one = advance(model, 1, &[BACKBONE])[0];
		let two = advance(model, 2, &[BACKBONE])[0];
		// A merge: its first parent is the older one.
		let merge = update(BACKBONE, &[one, two], 3);
		let ids = <Dag as ModelGraph<_>>::insert(model, 3, &STRANGER, list([merge]), &Purpose::Improvement)
			.unwrap();
		let lineage = |id, depth| {
			let infos = Dag::lineage_info(id, depth);
			let trainers = <Dag as ModelGraph<AccountId>>::lineage(id, depth);
			assert_eq!(infos.iter().map(|info| info.block.trainer).collect::<Vec<_>>(), trainers);
			infos.into_iter().map(|info| info.id).collect::<Vec<_>>()
		};
		assert_eq!(lineage(ids[0], 9), [one, genesis_block]);
		assert_eq!(lineage(two, 9), [one, genesis_block]);
		assert_eq!(lineage(two, 1), [one]);
		assert_eq!(lineage(two, 0), []);
		assert_eq!(lineage(genesis_block, 9), []);
		assert_eq!(lineage(BlockId::zero(), 9), []);
		assert_eq!(<Dag as ModelGraph<AccountId>>::lineage(two, 9), [TRAINER, OWNER]);
	});
}

#[test]
fn lineage_should_end_at_its_bound() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		for submission in 1..=u64::from(MAX_LINEAGE_DEPTH) + 5 {
			advance(model, submission, &[BACKBONE]);
		}
		assert_eq!(Dag::lineage_info(head(model, BACKBONE), u32::MAX).len() as u32, MAX_LINEAGE_DEPTH);
	});
}
