use crate::{mock::*, pallet::*};
use blyan_primitives::{traits::WorkerRegistry, worker::Role, Hash};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use std::collections::BTreeSet;

const ROLE: Role = Role::Evaluator;

fn seed(number: u32) -> Hash {
	BlakeTwo256::hash_of(&number)
}

/// Draws and releases at once.
fn draw_once(count: u32, number: u32, excluded: &[AccountId]) -> Vec<AccountId> {
	let drawn = WorkersPallet::draw(ROLE, count, seed(number), excluded);
	drawn.iter().for_each(WorkersPallet::release);
	drawn
}

#[test]
fn draw_should_give_distinct_workers_of_the_role_and_engage_each() {
	build_and_execute(|| {
		(1..=10).for_each(|who| register(who, &[ROLE], MIN_BOND * u128::from(who)));
		register(11, &[Role::Trainer], 100 * MIN_BOND);
		let drawn = WorkersPallet::draw(ROLE, 5, seed(0), &[]);
		assert_eq!(drawn.len(), 5);
		assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 5);
		for who in 1..=11 {
			assert_eq!(worker(who).engagements, u32::from(drawn.contains(&who)));
		}
		drawn.iter().for_each(WorkersPallet::release);
		assert!((1..=11).all(|who| worker(who).engagements == 0));
	});
}

#[test]
fn draw_should_never_give_those_excluded() {
	build_and_execute(|| {
		(1..=6).for_each(|who| register(who, &[ROLE], MIN_BOND));
		// One twice, and one who has no seat.
		let excluded = [2, 5, 2, 99];
		for number in 0..200 {
			let drawn = draw_once(6, number, &excluded);
			assert_eq!(drawn.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 3, 4, 6]));
		}
	});
}

#[test]
fn draw_should_give_fewer_when_there_are_fewer() {
	build_and_execute(|| {
		assert!(WorkersPallet::draw(ROLE, 5, seed(0), &[]).is_empty());
		register(1, &[ROLE], MIN_BOND);
		register(2, &[ROLE], MIN_BOND);
		assert_eq!(draw_once(u32::MAX, 0, &[]).len(), 2);
		assert_eq!(draw_once(5, 0, &[1]), vec![2]);
		assert!(draw_once(0, 0, &[]).is_empty());
		assert!(draw_once(5, 0, &[1, 2]).is_empty());
	});
}

#[test]
fn draw_should_depend_on_seed_and_nothing_else() {
	build_and_execute(|| {
		(1..=20).for_each(|who| register(who, &[ROLE, Role::Auditor], MIN_BOND));
		assert_eq!(draw_once(5, 7, &[]), draw_once(5, 7, &[]));
		assert_ne!(draw_once(5, 7, &[]), draw_once(5, 8, &[]));
		assert_ne!(
			draw_once(5, 7, &[]),
			WorkersPallet::draw(Role::Auditor, 5, seed(7), &[]),
			"the lots of two roles are unrelated"
		);
	});
}

/// Pearson's statistic against the expected counts.
fn chi_square(counts: &[f64], expected: &[f64]) -> f64 {
	counts.iter().zip(expected).map(|(count, expected)| (count - expected).powi(2) / expected).sum()
}

#[test]
fn draw_should_follow_the_weights_when_one_is_drawn() {
	build_and_execute(|| {
		let bonds = [1u32, 2, 3, 4, 10];
		for (who, bond) in (1..).zip(bonds) {
			register(who, &[ROLE], MIN_BOND * u128::from(bond));
		}
		let draws = 4_000;
		let mut counts = [0f64; 5];
		for number in 0..draws {
			counts[draw_once(1, number, &[])[0] as usize - 1] += 1.0;
		}
		let expected = bonds.map(|bond| f64::from(draws) * f64::from(bond) / 20.0);
		// Four degrees of freedom: 18.47 is passed by chance once in a thousand times; the seeds are
		// fixed, so this never is.
		let statistic = chi_square(&counts, &expected);
		assert!(statistic < 18.47, "{statistic}: {counts:?}, expected {expected:?}");
	});
}

#[test]
fn draw_should_follow_the_weights_left_when_two_are_drawn() {
	build_and_execute(|| {
		let bonds = [1f64, 2.0, 3.0, 6.0];
		for (who, bond) in (1..).zip(bonds) {
			register(who, &[ROLE], MIN_BOND * bond as u128);
		}
		let total: f64 = bonds.iter().sum();
		let draws = 6_000;
		let mut counts = [0f64; 16];
		for number in 0..draws {
			let drawn = draw_once(2, number, &[]);
			counts[(drawn[0] as usize - 1) * 4 + drawn[1] as usize - 1] += 1.0;
		}
		// First with w_i / W, then with w_j / (W - w_i): each ordered pair is a cell.
		let (mut seen, mut expected) = (Vec::new(), Vec::new());
		for first in 0..4 {
			assert_eq!(counts[first * 4 + first], 0.0, "nobody is drawn twice");
			for second in (0..4).filter(|second| *second != first) {
				let chance = bonds[first] / total * bonds[second] / (total - bonds[first]);
				seen.push(counts[first * 4 + second]);
				expected.push(f64::from(draws) * chance);
			}
		}
		// Eleven degrees of freedom: one in a thousand passes 31.26.
		let statistic = chi_square(&seen, &expected);
		assert!(statistic < 31.26, "{statistic}: {seen:?}, expected {expected:?}");
	});
}

#[test]
fn draw_should_weigh_reputation_as_it_weighs_the_bond() {
	build_and_execute(|| {
		register(1, &[ROLE], 3 * MIN_BOND);
		register(2, &[ROLE], MIN_BOND);
		Workers::<Test>::mutate(1, |worker| {
			let worker = worker.as_mut().unwrap();
			worker.reputation = polkadot_sdk::sp_runtime::Perbill::from_rational(1u32, 6);
		});
		WorkersPallet::store_worker(&1, &worker(1));
		// 3 x 1/6 against 1 x 1/2.
		let draws = 4_000u32;
		let first = (0..draws).filter(|number| draw_once(1, *number, &[]) == [1]).count() as f64;
		// Half of them, with a standard deviation of 32.
		assert!((first - 2_000.0).abs() < 105.0, "{first}");
	});
}

#[test]
#[should_panic(expected = "released more often than it was drawn")]
#[cfg(debug_assertions)]
fn release_should_be_defensive_when_nobody_was_drawn() {
	build_and_execute(|| {
		register(1, &[ROLE], MIN_BOND);
		WorkersPallet::release(&1);
	});
}
