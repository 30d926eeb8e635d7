//! Associates: who may be declared, and that they are never drawn together.

use crate::{mock::*, pallet::*};
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Associates as AssociateList, Role},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::traits::{BlakeTwo256, Hash as _},
};
use std::collections::BTreeSet;

const ROLE: Role = Role::Evaluator;

fn seed(number: u32) -> Hash {
	BlakeTwo256::hash_of(&number)
}

fn declare(who: AccountId, associates: &[AccountId]) {
	assert_ok!(WorkersPallet::declare_associates(RuntimeOrigin::signed(who), list(associates)));
}

fn list(associates: &[AccountId]) -> AssociateList<AccountId> {
	AssociateList::truncate_from(associates.to_vec())
}

/// Everybody who is drawn in many draws of `count`.
fn drawn(count: u32, excluded: &[AccountId]) -> Vec<BTreeSet<AccountId>> {
	(0..200)
		.map(|number| {
			let drawn = WorkersPallet::draw(ROLE, count, seed(number), excluded);
			drawn.iter().for_each(WorkersPallet::release);
			drawn.into_iter().collect()
		})
		.collect()
}

#[test]
fn associates_should_be_declared_replaced_and_taken_back() {
	build_and_execute(|| {
		register(1, &[Role::Trainer], MIN_BOND);
		declare(1, &[7, 8]);
		assert_eq!(last_event(), Event::AssociatesDeclared { worker: 1, associates: list(&[7, 8]) });
		declare(1, &[9]);
		assert_eq!(Associates::<Test>::get(1), Some(list(&[9])));
		declare(1, &[]);
		assert!(!Associates::<Test>::contains_key(1));
	});
}

#[test]
fn associates_should_be_refused_when_the_list_is_invalid() {
	build_and_execute(|| {
		let declare = |who, associates: &[AccountId]| {
			WorkersPallet::declare_associates(RuntimeOrigin::signed(who), list(associates))
		};
		assert_noop!(declare(1, &[2]), Error::<Test>::WorkerNotFound);
		register(1, &[ROLE], MIN_BOND);
		assert_noop!(declare(1, &[1]), Error::<Test>::AssociatesInvalid);
		assert_noop!(declare(1, &[2, 3, 2]), Error::<Test>::AssociatesInvalid);
	});
}

#[test]
fn associates_should_be_refused_when_they_take_out_more_than_a_tenth_by_one_word() {
	build_and_execute(|| {
		(1..=20).for_each(|who| register(who, &[ROLE], MIN_BOND));
		register(50, &[Role::Trainer], MIN_BOND);
		declare(50, &[1, 2]);
		let refused = |associates: &[AccountId]| {
			let call = WorkersPallet::declare_associates(RuntimeOrigin::signed(50), list(associates));
			assert_noop!(call, Error::<Test>::AssociatesTooHeavy);
		};
		refused(&[1, 2, 3]);
		// What the others say themselves excludes them whatever the trainer says.
		declare(3, &[50]);
		declare(4, &[50]);
		declare(50, &[1, 2, 3, 4]);
		// An auditor counts among auditors.
		register(60, &[Role::Auditor], MIN_BOND);
		refused(&[60]);
	});
}

#[test]
fn draw_should_never_give_an_associate_when_either_side_has_declared_it() {
	build_and_execute(|| {
		(1..=20).for_each(|who| register(who, &[ROLE], MIN_BOND));
		register(50, &[Role::Trainer], MIN_BOND);
		declare(50, &[1, 2]);
		declare(3, &[50]);
		let all = drawn(5, &[50]);
		assert!(all.iter().all(|committee| committee.len() == 5));
		let seen = all.into_iter().flatten().collect::<BTreeSet<_>>();
		assert_eq!(seen, (4..=20).collect());
		// Of somebody else's work they may be judges.
		let seen = drawn(5, &[51]).into_iter().flatten().collect::<BTreeSet<_>>();
		assert_eq!(seen, (1..=20).collect());
	});
}

#[test]
fn draw_should_never_give_two_associates_together() {
	build_and_execute(|| {
		(1..=20).for_each(|who| register(who, &[ROLE], MIN_BOND));
		// One declares both of the others, which say nothing of each other.
		declare(1, &[2, 3]);
		let mut pairs = BTreeSet::new();
		for committee in drawn(8, &[]) {
			assert_eq!(committee.len(), 8);
			assert!(!(committee.contains(&1) && (committee.contains(&2) || committee.contains(&3))));
			pairs.insert((committee.contains(&1), committee.contains(&2), committee.contains(&3)));
		}
		assert!(pairs.contains(&(true, false, false)) && pairs.contains(&(false, true, true)), "{pairs:?}");
		// Who sits there already counts like who is drawn.
		assert!(drawn(8, &[2]).iter().flatten().all(|who| *who != 1));
	});
}

#[test]
fn draw_should_give_fewer_when_too_many_are_passed_over() {
	build_and_execute(|| {
		(1..=60).for_each(|who| register(who, &[ROLE], MIN_BOND));
		(1..=60).for_each(|who| declare(who, &[99]));
		assert!(WorkersPallet::draw(ROLE, 5, seed(0), &[99]).is_empty());
		assert!((1..=60).all(|who| worker(who).engagements == 0), "who is passed over is not engaged");
		assert_eq!(WorkersPallet::draw(ROLE, 5, seed(0), &[]).len(), 5);
	});
}

#[test]
fn associates_should_be_forgotten_with_the_worker() {
	build_and_execute(|| {
		register(1, &[ROLE], MIN_BOND);
		declare(1, &[7]);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(1)));
		System::set_block_number(1 + u64::from(UNBONDING_BLOCKS));
		assert_ok!(WorkersPallet::withdraw(RuntimeOrigin::signed(1)));
		assert!(!Associates::<Test>::contains_key(1));
	});
}

#[test]
fn acceptance_should_raise_the_reputation_that_the_registry_names() {
	build_and_execute(|| {
		register(1, &[Role::Trainer], MIN_BOND);
		let before = WorkersPallet::reputation(&1).unwrap();
		WorkersPallet::note_accepted(&1);
		assert!(WorkersPallet::reputation(&1).unwrap() > before);
		assert_eq!(WorkersPallet::reputation(&2), None);
		WorkersPallet::note_accepted(&2);
	});
}
