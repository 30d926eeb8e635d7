//! Breaks each invariant of the crate's documentation on purpose, by number.

use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::economy::{BLY, SUPPLY_CAP};
use polkadot_sdk::sp_runtime::DispatchError;

/// Two claims on a closed epoch, one of them settled, one carried and one on the running epoch; then
/// `corrupt`: the check must say `message`.
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	ExtBuilder::default().build().execute_with(|| {
		accrue_claim(1, 2 * BLY);
		accrue_claim(2, BLY);
		accrue_claim(3, BLY / 2);
		run_to_epoch(1);
		accrue_claim(2, BLY);
		claim(1, 0).expect("it has a claim");
		claim(3, 0).expect("it has a claim");
		Rewards::do_try_state().expect("all is well before");
		corrupt();
		assert_eq!(Rewards::do_try_state(), Err(DispatchError::Other(message)));
	});
}

fn change_pot(change: impl FnOnce(&mut Pot)) {
	Epochs::<Test>::mutate(0, |record| change(&mut record.as_mut().unwrap().pots.learning));
}

fn change_totals(change: impl FnOnce(&mut Totals)) {
	AllTime::<Test>::mutate(change);
}

#[test]
fn try_state_1_should_fail_when_a_pot_does_not_add_up() {
	broken(|| change_pot(|pot| pot.paid += 1), "rewards: paid and left are not the budget");
	broken(|| change_pot(|pot| pot.left -= 1), "rewards: paid and left are not the budget");
	broken(|| change_pot(|pot| pot.open = pot.claimed + 1), "rewards: more is open than was claimed");
	broken(
		|| {
			change_pot(|pot| {
				pot.paid += 1;
				pot.left -= 1;
			})
		},
		"rewards: more is paid than was claimed",
	);
}

#[test]
fn try_state_2_should_fail_when_a_pot_does_not_count_its_claims() {
	broken(|| change_pot(|pot| pot.open -= 1), "rewards: a pot does not count its claims");
	broken(|| change_pot(|pot| pot.claimants += 1), "rewards: a pot does not count its claims");
	broken(|| Claims::<Test>::remove(0, 2), "rewards: a pot does not count its claims");
}

#[test]
fn try_state_3_should_fail_when_lists_and_claims_differ() {
	broken(
		|| OpenClaims::<Test>::insert(9, polkadot_sdk::frame_support::BoundedVec::default()),
		"rewards: an empty list of claims is in storage",
	);
	broken(
		|| OpenClaims::<Test>::mutate(2, |epochs| epochs.as_mut().reverse()),
		"rewards: a list of claims is not in rising order",
	);
	broken(
		|| OpenClaims::<Test>::mutate(1, |epochs| epochs.try_push(0).unwrap()),
		"rewards: a listed claim does not exist",
	);
	broken(|| OpenClaims::<Test>::remove(2), "rewards: a claim is not listed");
}

#[test]
fn try_state_4_should_fail_when_the_sums_are_wrong() {
	broken(|| change_totals(|sums| sums.paid += 1), "rewards: the epochs did not pay what was paid");
	broken(|| change_totals(|sums| sums.archived += 1), "rewards: the epochs did not pay what was paid");
	broken(
		|| change_totals(|sums| sums.reserved += 1),
		"rewards: the epochs do not reserve what is reserved",
	);
	broken(|| change_totals(|sums| sums.carried += 1), "rewards: the accounts do not carry what is carried");
	broken(|| Carried::<Test>::remove(3), "rewards: the accounts do not carry what is carried");
	broken(|| change_totals(|sums| sums.minted += 1), "rewards: what was paid is neither minted nor carried");
	broken(
		|| change_totals(|sums| sums.budgeted = sums.paid),
		"rewards: more may be minted than was budgeted",
	);
}

#[test]
fn try_state_5_should_fail_when_the_supply_may_pass_the_cap() {
	let corrupt = || polkadot_sdk::pallet_balances::TotalIssuance::<Test>::put(SUPPLY_CAP);
	broken(corrupt, "rewards: the supply may pass the cap");
}

#[test]
fn try_state_6_should_fail_when_epochs_do_not_follow_each_other() {
	broken(
		|| OldestEpoch::<Test>::put(1),
		"rewards: there is an epoch before the oldest or after the running one",
	);
	broken(
		|| {
			CurrentEpoch::<Test>::mutate(|running| running.as_mut().unwrap().number = 2);
			// What the running epoch reserved differs from what it reserves as a closed one.
			let reserved = [0, 1].map(|epoch| Epochs::<Test>::get(epoch).unwrap().reserved(true));
			change_totals(|sums| sums.reserved = reserved.iter().sum());
		},
		"rewards: an epoch between the oldest and the running one is missing",
	);
	broken(
		|| {
			CurrentEpoch::<Test>::kill();
			let reserved = [0, 1].map(|epoch| Epochs::<Test>::get(epoch).unwrap().reserved(true));
			change_totals(|sums| sums.reserved = reserved.iter().sum());
		},
		"rewards: there are epochs, and none runs",
	);
}

#[test]
fn try_state_7_should_fail_when_audits_may_be_paid_too_much() {
	broken(
		|| {
			// Three BLY were claimed: a fifth of them is the most.
			Epochs::<Test>::mutate(0, |record| {
				let audits = &mut record.as_mut().unwrap().pots.audits;
				(audits.budget, audits.left) = (audits.budget + 1, audits.left + 1);
			});
		},
		"rewards: audits may be paid more than their share",
	);
}

fn wait() {
	accrue(blyan_primitives::traits::AcceptedWork {
		submission: 9,
		..work(blyan_primitives::learning::BIT_PER_BYTE, 1, &[])
	});
	Rewards::do_try_state().expect("all is well so far");
}

#[test]
fn try_state_8_should_fail_when_waiting_shares_and_their_lists_differ() {
	broken(
		|| {
			wait();
			WaitingSharesOf::<Test>::remove(1, 9);
		},
		"rewards: a data share is not listed in its epoch",
	);
	broken(
		|| {
			wait();
			OldestWaitingShare::<Test>::put(2);
		},
		"rewards: a data share waits from an epoch that is not looked at",
	);
	broken(
		|| {
			wait();
			WaitingShares::<Test>::remove(9);
		},
		"rewards: an epoch lists a data share that there is not",
	);
}

#[test]
fn try_state_9_should_fail_when_credits_come_from_nowhere() {
	broken(|| Credits::<Test>::insert(1, 5), "rewards: the credits are not what was earned and not spent");
	broken(|| Credits::<Test>::insert(1, 0), "rewards: an entry without credits is in storage");
	broken(
		|| AllTimeCredits::<Test>::mutate(|totals| totals.spent += 1),
		"rewards: the credits are not what was earned and not spent",
	);
}
