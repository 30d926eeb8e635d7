//! From a candidate to a head, or not.

use crate::{mock::*, types::*, BlockCount, Blocks, Error, Event, Models, Versions};
use blyan_primitives::{
	dag::{
		BlockIds, BlockKind, Component, ModelId, NewBlock, NewBlocks, SemVer, SubmissionId, MAX_BLOCKS,
		MAX_PARENTS,
	},
	learning::Purpose,
	traits::ModelGraph,
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{ArithmeticError, DispatchError, DispatchResult},
};

fn insert(
	model: ModelId,
	submission: SubmissionId,
	blocks: impl IntoIterator<Item = NewBlock>,
) -> Result<BlockIds, DispatchError> {
	let blocks = list(blocks);
	let purpose = Purpose::of(&blocks, None);
	<Dag as ModelGraph<_>>::insert(model, submission, &TRAINER, blocks, &purpose)
}

fn accept(model: ModelId, submission: SubmissionId, blocks: &[Hash]) -> DispatchResult {
	<Dag as ModelGraph<AccountId>>::accept(model, submission, blocks, None)
}

fn reject(blocks: &[Hash]) -> DispatchResult {
	<Dag as ModelGraph<AccountId>>::reject(blocks)
}

fn withdraw(blocks: &[Hash]) -> DispatchResult {
	<Dag as ModelGraph<AccountId>>::withdraw(blocks)
}

fn status(id: Hash) -> BlockStatus {
	Blocks::<Test>::get(id).unwrap().status
}

const BACKBONE: Component = Component::Backbone;

#[test]
fn insert_should_add_candidates_and_leave_the_heads() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let before = Models::<Test>::get(model);
		let first = head(model, BACKBONE);
		take_events();
		let new = [update(BACKBONE, &[first], 1), update(expert(1, 1), &[head(model, expert(1, 1))], 1)];
		let expected = new.iter().map(|new| id_of(model, TRAINER, new)).collect::<Vec<_>>();
		let ids = insert(model, 7, new).unwrap();
		assert_eq!(ids.to_vec(), expected);
		for id in &ids {
			let record = Blocks::<Test>::get(id).unwrap();
			assert_eq!(record.status, BlockStatus::Candidate);
			assert_eq!((record.submission, record.block.trainer, record.children), (Some(7), TRAINER, 0));
		}
		assert_eq!(Blocks::<Test>::get(first).unwrap().children, 1);
		assert_eq!(BlockCount::<Test>::get(), 9);
		assert_eq!(head(model, BACKBONE), first);
		assert_eq!(Models::<Test>::get(model), before);
		assert_eq!(take_events(), [Event::BlocksInserted { model, submission: 7, blocks: ids }]);
	});
}

#[test]
fn insert_should_take_as_many_parents_and_blocks_as_there_may_be() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let mut parents = vec![head(model, BACKBONE)];
		for submission in 1..u64::from(MAX_PARENTS) {
			parents.push(advance(model, submission, &[BACKBONE])[0]);
		}
		assert_eq!(parents.len() as u32, MAX_PARENTS);
		assert_ok!(insert(model, 100, [update(BACKBONE, &parents, 100)]));
		for parent in &parents[..7] {
			assert_eq!(Blocks::<Test>::get(parent).unwrap().children, 2);
		}
	});
}

#[test]
fn insert_should_change_nothing_when_any_block_is_wrong() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let other = released();
		let good = || update(BACKBONE, &[head(model, BACKBONE)], 1);
		let target = expert(0, 0);
		let own = head(model, target);
		let with = |change: &dyn Fn(&mut NewBlock)| {
			let mut wrong = update(target, &[own], 1);
			change(&mut wrong);
			insert(model, 1, [good(), wrong])
		};

		assert_noop!(insert(model, 1, []), Error::<Test>::BlocksMissing);
		assert_noop!(insert(2, 1, [good()]), Error::<Test>::ModelNotFound);
		for kind in [BlockKind::Genesis, BlockKind::Migration] {
			assert_noop!(with(&|new| new.kind = kind), Error::<Test>::UnsupportedKind);
		}
		assert_noop!(with(&|new| new.kind = BlockKind::Snapshot), Error::<Test>::MixedKinds);
		assert_noop!(with(&|new| new.bytes = 0), Error::<Test>::ContentEmpty);
		assert_noop!(with(&|new| new.bytes = u64::MAX), Error::<Test>::ContentTooLarge);
		assert_noop!(with(&|new| new.component = expert(0, 2)), Error::<Test>::ComponentNotDeclared);
		assert_noop!(with(&|new| new.component = BACKBONE), Error::<Test>::DuplicateComponent);
		assert_noop!(with(&|new| new.parents.clear()), Error::<Test>::ParentsMissing);
		assert_noop!(with(&|new| new.parents.try_push(own).unwrap()), Error::<Test>::DuplicateParent);
		let push = |id: Hash| move |new: &mut NewBlock| new.parents.try_push(id).unwrap();
		assert_noop!(with(&push(Hash::repeat_byte(9))), Error::<Test>::ParentNotFound);
		assert_noop!(with(&push(head(other, target))), Error::<Test>::ParentOfOtherModel);
		assert_noop!(with(&push(head(model, expert(0, 1)))), Error::<Test>::ParentOfOtherComponent);
	});
}

#[test]
fn insert_should_fail_when_the_model_lacks_a_head() {
	ExtBuilder.build_and_execute(|| {
		let model = registered();
		let first = genesis(BACKBONE);
		let id = id_of(model, OWNER, &first);
		assert_ok!(ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, list([first])));
		assert_noop!(insert(model, 1, [update(BACKBONE, &[id], 1)]), Error::<Test>::ModelNotReleased);
	});
}

#[test]
fn insert_should_refuse_parents_that_were_not_accepted() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let candidate = submit(model, 1, &[BACKBONE])[0];
		let on = |parent| insert(model, 2, [update(BACKBONE, &[parent], 2)]);
		assert_noop!(on(candidate), Error::<Test>::ParentNotAccepted);
		assert_ok!(withdraw(&[candidate]));
		assert_noop!(on(candidate), Error::<Test>::ParentNotAccepted);
		assert_eq!(submit(model, 1, &[BACKBONE]).to_vec(), [candidate]);
		assert_ok!(reject(&[candidate]));
		assert_noop!(on(candidate), Error::<Test>::ParentNotAccepted);
	});
}

#[test]
fn insert_should_refuse_the_same_block_unless_it_was_withdrawn() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let first = head(model, BACKBONE);
		let again = |submission| insert(model, submission, [update(BACKBONE, &[first], 1)]);
		let id = again(1).unwrap()[0];
		assert_noop!(again(2), Error::<Test>::BlockExists);

		take_events();
		assert_ok!(withdraw(&[id]));
		let blocks = BlockIds::try_from(vec![id]).unwrap();
		assert_eq!(take_events(), [Event::BlocksWithdrawn { blocks }]);
		assert_eq!(status(id), BlockStatus::Withdrawn);
		assert_eq!(again(3).unwrap().to_vec(), [id]);
		assert_eq!(Blocks::<Test>::get(id).unwrap().submission, Some(3));
		assert_eq!(Blocks::<Test>::get(first).unwrap().children, 1, "the child is counted once");
		assert_eq!(BlockCount::<Test>::get(), 8);
		assert_noop!(accept(model, 1, &[id]), Error::<Test>::BlockOfOtherSubmission);

		assert_ok!(reject(&[id]));
		assert_noop!(again(4), Error::<Test>::BlockExists);
	});
}

#[test]
fn accept_should_move_all_heads_of_a_submission_in_one_generation() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let components = architecture().components().collect::<Vec<_>>();
		let previous = components.iter().map(|c| head(model, *c)).collect::<Vec<_>>();
		let old_root = Models::<Test>::get(model).unwrap().root.unwrap();
		let ids = submit(model, 5, &components);
		take_events();
		System::set_block_number(11);
		assert_ok!(accept(model, 5, &ids));

		let state = Models::<Test>::get(model).unwrap();
		let root = state.root.unwrap();
		let version = SemVer { major: 0, minor: 1, patch: 1 };
		assert_ne!(root, old_root);
		assert_eq!((state.generation, state.version), (1, version));
		let released = Event::VersionReleased { model, generation: 1, version, root, submission: Some(5) };
		assert_eq!(take_events(), [released]);
		let architecture = architecture();
		let record = VersionRecord { version, root, architecture, submission: Some(5), released_at: 11 };
		assert_eq!(Versions::<Test>::get(model, 1), Some(record));
		for ((component, id), previous) in components.iter().zip(&ids).zip(previous) {
			assert_eq!(head(model, *component), *id);
			let skip = Some(Skip { block: previous, span: 1 });
			let acceptance = Acceptance { since: 1, previous: Some(previous), skip };
			assert_eq!(status(*id), BlockStatus::Accepted(acceptance));
		}
	});
}

#[test]
fn accept_should_let_a_rival_stay_and_win_later() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let one = submit(model, 1, &[BACKBONE]);
		let two = submit(model, 2, &[BACKBONE]);
		let untouched = head(model, expert(0, 0));
		assert_ok!(accept(model, 1, &one));
		assert_eq!(head(model, BACKBONE), one[0]);
		assert_eq!(status(two[0]), BlockStatus::Candidate);
		assert_ok!(accept(model, 2, &two));
		assert_eq!(head(model, BACKBONE), two[0]);
		let acceptance = Blocks::<Test>::get(two[0]).unwrap().acceptance().unwrap();
		assert_eq!(acceptance.previous, Some(one[0]), "history is the order of heads, not of parents");
		assert_eq!(head(model, expert(0, 0)), untouched);
		assert_eq!(Models::<Test>::get(model).unwrap().generation, 2);
	});
}

#[test]
fn accept_should_change_nothing_when_any_block_is_wrong() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let other = released();
		let good = submit(model, 1, &[BACKBONE])[0];
		let expert_block = submit(model, 2, &[expert(0, 0)])[0];
		let foreign = submit(other, 1, &[BACKBONE])[0];
		let rejected = submit(model, 3, &[expert(0, 1)])[0];
		assert_ok!(reject(&[rejected]));

		assert_noop!(accept(9, 1, &[good]), Error::<Test>::ModelNotFound);
		assert_noop!(accept(model, 1, &[]), Error::<Test>::BlocksMissing);
		let many = vec![good; MAX_BLOCKS as usize + 1];
		assert_noop!(accept(model, 1, &many), Error::<Test>::TooManyBlocks);
		assert_noop!(accept(model, 1, &[good, Hash::zero()]), Error::<Test>::BlockNotFound);
		assert_noop!(accept(model, 1, &[good, rejected]), Error::<Test>::BlockNotCandidate);
		assert_noop!(accept(model, 1, &[good, foreign]), Error::<Test>::BlockOfOtherModel);
		assert_noop!(accept(model, 1, &[good, expert_block]), Error::<Test>::BlockOfOtherSubmission);
		assert_noop!(accept(model, 1, &[good, good]), Error::<Test>::DuplicateComponent);

		assert_ok!(accept(model, 1, &[good]));
		assert_noop!(accept(model, 1, &[good]), Error::<Test>::BlockNotCandidate);
	});
}

#[test]
fn accept_should_fail_when_generations_run_out() {
	ExtBuilder.build().execute_with(|| {
		let model = released();
		let ids = submit(model, 1, &[BACKBONE]);
		Models::<Test>::mutate(model, |model| model.as_mut().unwrap().generation = u32::MAX);
		assert_noop!(accept(model, 1, &ids), ArithmeticError::Overflow);
	});
}

#[test]
fn reject_and_withdraw_should_change_nothing_when_any_block_is_not_a_candidate() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let ids = submit(model, 1, &[BACKBONE, expert(0, 0)]);
		let accepted = advance(model, 2, &[expert(1, 0)])[0];
		let verbs: [fn(&[Hash]) -> DispatchResult; 2] = [reject, withdraw];
		for verb in verbs {
			assert_noop!(verb(&[]), Error::<Test>::BlocksMissing);
			assert_noop!(verb(&vec![ids[0]; MAX_BLOCKS as usize + 1]), Error::<Test>::TooManyBlocks);
			assert_noop!(verb(&[ids[0], Hash::zero()]), Error::<Test>::BlockNotFound);
			assert_noop!(verb(&[ids[0], accepted]), Error::<Test>::BlockNotCandidate);
		}
		take_events();
		assert_ok!(reject(&ids));
		assert_eq!(take_events(), [Event::BlocksRejected { blocks: ids.clone() }]);
		assert!(ids.iter().all(|id| status(*id) == BlockStatus::Rejected));
		assert_noop!(withdraw(&ids), Error::<Test>::BlockNotCandidate);
		assert_noop!(accept(model, 1, &ids), Error::<Test>::BlockNotCandidate);
	});
}

#[test]
fn insert_should_touch_no_block_but_the_parents_when_the_history_is_long() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		for submission in 1..40 {
			advance(model, submission, &[BACKBONE]);
		}
		let before = Blocks::<Test>::iter().collect::<std::collections::BTreeMap<_, _>>();
		let parent = head(model, BACKBONE);
		let id = submit(model, 99, &[BACKBONE])[0];
		let changed = Blocks::<Test>::iter()
			.filter(|(id, record)| before.get(id) != Some(record))
			.map(|(id, _)| id)
			.collect::<std::collections::BTreeSet<_>>();
		assert_eq!(changed, [id, parent].into());
	});
}

#[test]
fn new_blocks_should_not_decode_when_there_are_too_many() {
	use codec::{Decode, Encode};
	let new = update(BACKBONE, &[Hash::zero()], 0);
	let too_many = vec![new.clone(); MAX_BLOCKS as usize + 1].encode();
	assert!(NewBlocks::decode(&mut &too_many[..]).is_err());
	let crowded = vec![Hash::zero(); MAX_PARENTS as usize + 1].encode();
	assert!(blyan_primitives::dag::Parents::decode(&mut &crowded[..]).is_err());
	let exactly = vec![new; MAX_BLOCKS as usize].encode();
	assert!(NewBlocks::decode(&mut &exactly[..]).is_ok());
}
