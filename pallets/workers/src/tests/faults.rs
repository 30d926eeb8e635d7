use crate::{mock::*, pallet::*};
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Fault, Role, INITIAL_REPUTATION},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_ok, assert_storage_noop},
	sp_runtime::Perbill,
};

#[test]
fn note_fault_should_burn_the_slash_and_lower_reputation_and_weight() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 10_000);
		let issuance = Balances::total_issuance();
		assert_eq!(WorkersPallet::note_fault(&1, Fault::OutsideTolerance), 500);

		assert_eq!(Balances::total_issuance(), issuance - 500, "nobody gains from it");
		assert_eq!((worker(1).bond, held(1)), (9_500, 9_500));
		assert_eq!(worker(1).reputation, Perbill::from_percent(25));
		assert_eq!(Seats::<Test>::get(Role::Evaluator, 1).unwrap().weight, 2_375);
		assert_eq!(
			last_event(),
			Event::FaultNoted {
				worker: 1,
				fault: Fault::OutsideTolerance,
				slashed: 500,
				bond: 9_500,
				reputation: Perbill::from_percent(25),
			}
		);
	});
}

#[test]
fn note_fault_should_cost_what_the_fault_says() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 10_000);
		register(2, &[Role::Evaluator], 10_000);
		assert_eq!(WorkersPallet::note_fault(&1, Fault::NoReveal), 10);
		assert_eq!(worker(1).reputation, Perbill::from_percent(45));
		assert_eq!(WorkersPallet::note_fault(&2, Fault::NoCommit), 0, "costs reputation alone");
		assert_eq!(worker(2).reputation, Perbill::from_parts(475_000_000));
		assert_eq!(held(2), 10_000);
	});
}

#[test]
fn note_fault_should_round_a_slash_up() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 10_001);
		assert_eq!(WorkersPallet::note_fault(&1, Fault::NoReveal), 11);
	});
}

#[test]
fn note_fault_should_suspend_draws_until_the_bond_is_made_up() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		WorkersPallet::note_fault(&1, Fault::NoReveal);
		assert_eq!(
			last_event(),
			Event::DrawsSuspended { worker: 1, bond: MIN_BOND - 1, required_bond: MIN_BOND }
		);
		assert!(WorkersPallet::has_role(&1, Role::Evaluator), "it keeps the role");
		assert!(WorkersPallet::draw(Role::Evaluator, 1, Hash::zero(), &[]).is_empty());
		assert!(!WorkersPallet::worker(&1).unwrap().active);

		assert_ok!(WorkersPallet::bond_extra(RuntimeOrigin::signed(1), 1));
		assert_eq!(WorkersPallet::draw(Role::Evaluator, 1, Hash::zero(), &[]), vec![1]);
		assert!(WorkersPallet::worker(&1).unwrap().active);
	});
}

#[test]
fn note_fault_should_take_the_bond_down_to_nothing_and_no_further() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], MIN_BOND);
		let slashed: u128 = (0..500).map(|_| WorkersPallet::note_fault(&1, Fault::OutsideTolerance)).sum();
		assert_eq!(slashed, MIN_BOND);
		assert_eq!((worker(1).bond, held(1)), (0, 0));
		assert_eq!(worker(1).reputation, Perbill::zero());
		assert_eq!(Balances::free_balance(1), FUNDS - MIN_BOND, "what is not bonded is out of reach");
	});
}

#[test]
fn note_fault_should_pay_shares_of_the_slash_and_burn_the_rest() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 10_001);
		let issuance = Balances::total_issuance();
		assert_eq!(WorkersPallet::cost_of(&1, Fault::DisputeLost), 501);
		// An account that does not exist cannot take five, for that is less than it must have.
		let shares =
			[(2, Perbill::from_percent(50)), (3, Perbill::from_percent(25)), (999, Perbill::from_percent(1))];
		assert_eq!(WorkersPallet::note_fault_paying(&1, Fault::DisputeLost, &shares), 501);
		assert_eq!((worker(1).bond, held(1)), (9_500, 9_500));
		let free = |who| Balances::free_balance(who);
		assert_eq!((free(2), free(3), free(999)), (FUNDS + 250, FUNDS + 125, 0));
		assert_eq!(Balances::total_issuance(), issuance - (501 - 250 - 125));
		let paid = Event::SlashShared { worker: 1, payee: 3, amount: 125 };
		assert!(System::events()
			.iter()
			.any(|record| record.event == RuntimeEvent::WorkersPallet(paid.clone())));
	});
}

#[test]
fn note_honest_work_should_raise_reputation_and_weight() {
	build_and_execute(|| {
		register(1, &[Role::Evaluator], 10_000);
		WorkersPallet::note_honest_work(&1);
		let reputation = Perbill::from_parts(525_000_000);
		assert!(reputation > INITIAL_REPUTATION);
		assert_eq!(worker(1).reputation, reputation);
		assert_eq!(Seats::<Test>::get(Role::Evaluator, 1).unwrap().weight, 5_250);
		assert_eq!(last_event(), Event::HonestWorkNoted { worker: 1, reputation });
	});
}

#[test]
fn notes_should_change_nothing_when_the_account_is_no_worker() {
	build_and_execute(|| {
		assert_storage_noop!(WorkersPallet::note_honest_work(&1));
		assert_storage_noop!(assert_eq!(WorkersPallet::note_fault(&1, Fault::OutsideTolerance), 0));
		assert_eq!(WorkersPallet::cost_of(&1, Fault::OutsideTolerance), 0);
		assert!(!WorkersPallet::has_role(&1, Role::Evaluator));
	});
}
