//! Random histories against a model that scans.

use crate::{mock::*, pallet::*};
use blyan_primitives::{
	draw::Lots,
	traits::WorkerRegistry,
	worker::{reputation_after_honest_work, Associates, Fault, Role, INITIAL_REPUTATION, MAX_PASSED_OVER},
	Balance, Hash,
};
use polkadot_sdk::sp_runtime::Perbill;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
	Register { who: AccountId, machine: u64, roles: Vec<Role>, bond: Balance },
	BondExtra { who: AccountId, amount: Balance },
	Unregister { who: AccountId },
	Withdraw { who: AccountId },
	Wait { blocks: u64 },
	Draw { role: Role, count: u32, seed: [u8; 32], excluded: Vec<AccountId> },
	Release { which: usize },
	HonestWork { who: AccountId },
	Fault { who: AccountId, fault: Fault },
	Declare { who: AccountId, associates: Vec<AccountId> },
}

fn step() -> impl Strategy<Value = Step> {
	let who = || 1u64..12;
	let role = || proptest::sample::select(Role::ALL.to_vec());
	prop_oneof![
		4 => (who(), 1u64..15, proptest::collection::vec(role(), 0..4), 500u128..20_000)
			.prop_map(|(who, machine, roles, bond)| Step::Register { who, machine, roles, bond }),
		2 => (who(), 0u128..3_000).prop_map(|(who, amount)| Step::BondExtra { who, amount }),
		2 => who().prop_map(|who| Step::Unregister { who }),
		2 => who().prop_map(|who| Step::Withdraw { who }),
		2 => (1u64..8).prop_map(|blocks| Step::Wait { blocks }),
		4 => (role(), 0u32..6, any::<[u8; 32]>(), proptest::collection::vec(who(), 0..3))
			.prop_map(|(role, count, seed, excluded)| Step::Draw { role, count, seed, excluded }),
		3 => any::<usize>().prop_map(|which| Step::Release { which }),
		2 => who().prop_map(|who| Step::HonestWork { who }),
		3 => (who(), proptest::collection::vec(who(), 0..3))
			.prop_map(|(who, associates)| Step::Declare { who, associates }),
		2 => (who(), proptest::sample::select(vec![Fault::OutsideTolerance, Fault::NoReveal, Fault::NoCommit]))
			.prop_map(|(who, fault)| Step::Fault { who, fault }),
	]
}

#[derive(Clone, Debug)]
struct ModelWorker {
	roles: Vec<Role>,
	machine: u64,
	bond: Balance,
	reputation: Perbill,
	engagements: u32,
	leaving_until: Option<u64>,
}

/// The same rules, with lists that are scanned.
#[derive(Default)]
struct Model {
	workers: BTreeMap<AccountId, ModelWorker>,
	/// Who sits where, from seat 1 on.
	seats: BTreeMap<Role, Vec<AccountId>>,
	/// Who was drawn and not released.
	engaged: Vec<AccountId>,
	/// Whom each has declared.
	associates: BTreeMap<AccountId, Vec<AccountId>>,
	burned: Balance,
	now: u64,
}

impl Model {
	fn weight(&self, who: AccountId) -> Balance {
		let worker = &self.workers[&who];
		if worker.bond < MIN_BOND {
			return 0;
		}
		worker.reputation.mul_floor(worker.bond)
	}

	fn has_declared(&self, who: AccountId, other: AccountId) -> bool {
		self.associates.get(&who).is_some_and(|declared| declared.contains(&other))
	}

	fn are_associates(&self, one: AccountId, other: AccountId) -> bool {
		self.has_declared(one, other) || self.has_declared(other, one)
	}

	/// Whether that list may be declared.
	fn may_declare(&self, who: AccountId, associates: &[AccountId]) -> bool {
		let distinct = associates.iter().enumerate().all(|(at, other)| !associates[..at].contains(other));
		let weigh = |role, others: &mut dyn Iterator<Item = AccountId>| {
			let seats = self.seats.get(&role).cloned().unwrap_or_default();
			others.filter(|other| seats.contains(other)).map(|other| self.weight(other)).sum::<Balance>()
		};
		let is_light = |role| {
			let all = self.seats.get(&role).cloned().unwrap_or_default();
			let one_sided = associates.iter().copied().filter(|other| !self.has_declared(*other, who));
			weigh(role, &mut one_sided.into_iter()) <= weigh(role, &mut all.into_iter()) / 10
		};
		self.workers.contains_key(&who)
			&& distinct
			&& !associates.contains(&who)
			&& is_light(Role::Evaluator)
			&& is_light(Role::Auditor)
	}

	/// Seats in the order in which lots fall: what lies left below, what lies right below, the seat.
	fn order(seats: usize, seat: usize, order: &mut Vec<usize>) {
		if seat <= seats {
			Self::order(seats, 2 * seat, order);
			Self::order(seats, 2 * seat + 1, order);
			order.push(seat - 1);
		}
	}

	fn draw(&self, role: Role, count: u32, seed: Hash, excluded: &[AccountId]) -> Vec<AccountId> {
		let seats = self.seats.get(&role).cloned().unwrap_or_default();
		let mut order = Vec::new();
		Self::order(seats.len(), 1, &mut order);
		let mut left: Vec<(AccountId, Balance)> = order
			.into_iter()
			.map(|index| seats[index])
			.filter(|who| !excluded.contains(who))
			.map(|who| (who, self.weight(who)))
			.collect();
		let mut lots = Lots::new(seed, (b"workers", role));
		let mut drawn: Vec<AccountId> = Vec::new();
		let mut passed_over = 0;
		while drawn.len() < count as usize && passed_over <= MAX_PASSED_OVER {
			let total: Balance = left.iter().map(|(_, weight)| weight).sum();
			if total == 0 {
				break;
			}
			let mut lot = lots.below(total);
			let index = left
				.iter()
				.position(|(_, weight)| {
					let hit = lot < *weight;
					lot = lot.saturating_sub(*weight);
					hit
				})
				.unwrap();
			let (who, _) = left.remove(index);
			if excluded.iter().chain(&drawn).any(|other| self.are_associates(who, *other)) {
				passed_over += 1;
			} else {
				drawn.push(who);
			}
		}
		drawn
	}

	/// Applies a step; whether it is one that must succeed.
	fn apply(&mut self, step: &Step) -> bool {
		match step {
			Step::Register { who, machine, roles, bond } => {
				let free = !self.workers.contains_key(who)
					&& self.workers.values().all(|worker| worker.machine != *machine);
				if !free || roles.is_empty() || *bond < MIN_BOND {
					return false;
				}
				for role in Role::ALL.into_iter().filter(|role| roles.contains(role)) {
					self.seats.entry(role).or_default().push(*who);
				}
				let worker = ModelWorker {
					roles: roles.clone(),
					machine: *machine,
					bond: *bond,
					reputation: INITIAL_REPUTATION,
					engagements: 0,
					leaving_until: None,
				};
				self.workers.insert(*who, worker);
				true
			}
			Step::BondExtra { who, amount } => match self.workers.get_mut(who) {
				Some(worker) if worker.leaving_until.is_none() && *amount > 0 => {
					worker.bond += amount;
					true
				}
				_ => false,
			},
			Step::Unregister { who } => match self.workers.get_mut(who) {
				Some(worker) if worker.leaving_until.is_none() => {
					worker.leaving_until = Some(self.now + u64::from(UNBONDING_BLOCKS));
					for seats in self.seats.values_mut() {
						if let Some(index) = seats.iter().position(|seated| seated == who) {
							seats.swap_remove(index);
						}
					}
					true
				}
				_ => false,
			},
			Step::Withdraw { who } => match self.workers.get(who) {
				Some(worker)
					if worker.engagements == 0
						&& worker.leaving_until.is_some_and(|until| until <= self.now) =>
				{
					self.workers.remove(who);
					self.associates.remove(who);
					true
				}
				_ => false,
			},
			Step::Declare { who, associates } => {
				let may = self.may_declare(*who, associates);
				if may {
					self.associates.insert(*who, associates.clone());
				}
				may
			}
			Step::Wait { blocks } => {
				self.now += blocks;
				true
			}
			Step::Draw { role, count, seed, excluded } => {
				for who in self.draw(*role, *count, seed.into(), excluded) {
					self.workers.get_mut(&who).unwrap().engagements += 1;
					self.engaged.push(who);
				}
				true
			}
			Step::Release { which } => {
				if !self.engaged.is_empty() {
					let who = self.engaged.remove(which % self.engaged.len());
					self.workers.get_mut(&who).unwrap().engagements -= 1;
				}
				true
			}
			Step::HonestWork { who } => {
				if let Some(worker) = self.workers.get_mut(who) {
					worker.reputation = reputation_after_honest_work(worker.reputation);
				}
				true
			}
			Step::Fault { who, fault } => {
				if let Some(worker) = self.workers.get_mut(who) {
					let slash = fault.slash().mul_ceil(worker.bond);
					worker.bond -= slash;
					self.burned += slash;
					let parts = fault.reputation_factor().mul_floor(worker.reputation.deconstruct());
					worker.reputation = Perbill::from_parts(parts);
				}
				true
			}
		}
	}
}

/// Applies a step to the pallet; whether it succeeded. `drawn` is what the model says of a draw, and
/// `released` whom it would release.
fn execute(step: &Step, drawn: Option<Vec<AccountId>>, released: Option<AccountId>) -> bool {
	match step.clone() {
		Step::Register { who, machine: number, roles: with, bond } => WorkersPallet::register(
			RuntimeOrigin::signed(who),
			roles(&with),
			machine(number),
			[0; 32],
			endpoint("x"),
			bond,
		)
		.is_ok(),
		Step::BondExtra { who, amount } => {
			WorkersPallet::bond_extra(RuntimeOrigin::signed(who), amount).is_ok()
		}
		Step::Unregister { who } => WorkersPallet::unregister(RuntimeOrigin::signed(who)).is_ok(),
		Step::Withdraw { who } => WorkersPallet::withdraw(RuntimeOrigin::signed(who)).is_ok(),
		Step::Declare { who, associates } => {
			let list = Associates::truncate_from(associates);
			WorkersPallet::declare_associates(RuntimeOrigin::signed(who), list).is_ok()
		}
		Step::Wait { blocks } => {
			System::set_block_number(System::block_number() + blocks);
			true
		}
		Step::Draw { role, count, seed, excluded } => {
			assert_eq!(Some(WorkersPallet::draw(role, count, seed.into(), &excluded)), drawn);
			true
		}
		Step::Release { .. } => {
			if let Some(who) = released {
				WorkersPallet::release(&who);
			}
			true
		}
		Step::HonestWork { who } => {
			WorkersPallet::note_honest_work(&who);
			true
		}
		Step::Fault { who, fault } => {
			WorkersPallet::note_fault(&who, fault);
			true
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn register_should_agree_with_a_model_that_scans(steps in proptest::collection::vec(step(), 1..60)) {
		new_ext().execute_with(|| {
			let mut model = Model { now: 1, ..Default::default() };
			let issuance = Balances::total_issuance();
			for step in &steps {
				let drawn = match step {
					Step::Draw { role, count, seed, excluded } =>
						Some(model.draw(*role, *count, seed.into(), excluded)),
					_ => None,
				};
				let released = match step {
					Step::Release { which } if !model.engaged.is_empty() =>
						Some(model.engaged[which % model.engaged.len()]),
					_ => None,
				};
				let expected = model.apply(step);
				assert_eq!(execute(step, drawn, released), expected, "{step:?}");
				WorkersPallet::do_try_state().expect("every invariant holds after every step");
			}
			assert_eq!(Workers::<Test>::count() as usize, model.workers.len());
			for (who, expected) in &model.workers {
				let actual = worker(*who);
				assert_eq!(actual.bond, expected.bond);
				assert_eq!(actual.reputation, expected.reputation);
				assert_eq!(actual.engagements, expected.engagements);
				assert_eq!(actual.is_active(), expected.leaving_until.is_none());
				for role in Role::ALL {
					let has = actual.is_active() && expected.roles.contains(&role);
					assert_eq!(WorkersPallet::has_role(who, role), has);
				}
			}
			assert_eq!(Balances::total_issuance(), issuance - model.burned, "nothing but slashes is burned");
		});
	}
}
