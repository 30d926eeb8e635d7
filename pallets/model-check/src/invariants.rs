//! What holds in every state.

use crate::{
	history::{demand, History},
	mock::{AccountId, Balances, RuntimeHoldReason, System, Test},
	scenario::Scenario,
};
use blyan_primitives::Balance;
use polkadot_sdk::{frame_support::traits::fungible::hold::Inspect, frame_system, pallet_balances};
use std::collections::BTreeMap;

/// Checks all of it.
pub fn check(scenario: &Scenario, history: &History) -> Result<(), String> {
	check_pallets()?;
	check_books()?;
	check_history(history)?;
	check_line(scenario, history)?;
	check_holds()?;
	check_engagements()?;
	check_ages(scenario, history)?;
	if history.rounds.is_empty() {
		check_nothing_is_left()?;
	}
	Ok(())
}

/// `try_state` of every pallet.
fn check_pallets() -> Result<(), String> {
	#[cfg(feature = "try-runtime")]
	{
		use crate::mock::{Disputes, ExpertDag, ProofOfLearning, Rewards, Workers};
		use polkadot_sdk::frame_support::traits::Hooks;
		// One by one, for all of them together say only that something is wrong.
		let now = System::block_number();
		let told = [
			Balances::try_state(now),
			Workers::try_state(now),
			ExpertDag::try_state(now),
			ProofOfLearning::try_state(now),
			Rewards::try_state(now),
			Disputes::try_state(now),
		];
		let wrong = told.into_iter().find_map(Result::err);
		wrong.map_or(Ok(()), |error| Err(format!("try_state: {error:?}")))
	}
	#[cfg(not(feature = "try-runtime"))]
	Ok(())
}

/// What all have together is what was issued.
fn check_books() -> Result<(), String> {
	let sum = frame_system::Account::<Test>::iter_values()
		.fold(0, |sum: Balance, account| sum + account.data.free + account.data.reserved);
	let issued = pallet_balances::TotalIssuance::<Test>::get();
	demand!(sum == issued, "accounts have {sum}, and {issued} were issued");
	Ok(())
}

/// Open are the rounds and disputes that were begun and have not ended.
fn check_history(history: &History) -> Result<(), String> {
	let rounds = pallet_proof_of_learning::Rounds::<Test>::iter().filter(|(_, round)| round.is_open());
	let mut open = rounds.map(|(id, _)| id).collect::<Vec<_>>();
	open.sort_unstable();
	demand!(history.rounds.keys().copied().eq(open), "a round is over that has no verdict, or the reverse");
	let mut open = pallet_disputes::Disputes::<Test>::iter_keys().collect::<Vec<_>>();
	open.sort_unstable();
	demand!(history.disputes.keys().copied().eq(open), "a dispute is over that did not end, or the reverse");
	Ok(())
}

/// As many submissions are measured as there may be, and only then others wait.
fn check_line(scenario: &Scenario, history: &History) -> Result<(), String> {
	let (open, most) = (history.rounds.len() as u32, scenario.rounds.max_measured);
	let waiting = history.rounds.values().filter(|round| round.measured_since.is_none()).count() as u32;
	demand!(open <= scenario.places, "{open} rounds are open, and {} may be", scenario.places);
	demand!(open - waiting <= most, "{} rounds are measured at once, and {most} may be", open - waiting);
	demand!(
		waiting == 0 || open - waiting == most,
		"{waiting} submissions wait, and only {} of {most} places are taken",
		open - waiting
	);
	Ok(())
}

/// Held are the bonds of what is open, of each account.
fn check_holds() -> Result<(), String> {
	let mut bonds = BTreeMap::<(u8, AccountId), Balance>::new();
	for round in pallet_proof_of_learning::Rounds::<Test>::iter_values().filter(|round| round.is_open()) {
		*bonds.entry((0, round.trainer)).or_default() += round.bond;
	}
	for dispute in pallet_disputes::Disputes::<Test>::iter_values() {
		*bonds.entry((1, dispute.challenger)).or_default() += dispute.bond;
	}
	let reasons: [RuntimeHoldReason; 2] = [
		pallet_proof_of_learning::HoldReason::SubmissionBond.into(),
		pallet_disputes::HoldReason::DisputeBond.into(),
	];
	for who in frame_system::Account::<Test>::iter_keys() {
		for (kind, reason) in (0u8..).zip(&reasons) {
			let held = Balances::balance_on_hold(reason, &who);
			let due = bonds.get(&(kind, who)).copied().unwrap_or_default();
			demand!(held == due, "{held} are held of {who} for {reason:?}, and {due} should be");
		}
	}
	Ok(())
}

/// Engaged are exactly the members of running attempts and the referees, each as often as it was drawn, and all
/// of them are workers still.
fn check_engagements() -> Result<(), String> {
	let mut drawn = BTreeMap::<AccountId, u32>::new();
	for round in pallet_proof_of_learning::Rounds::<Test>::iter_values().filter(|round| round.is_engaged()) {
		for seat in &round.committee {
			*drawn.entry(seat.evaluator).or_default() += 1;
		}
	}
	for dispute in pallet_disputes::Disputes::<Test>::iter_values() {
		for seat in &dispute.referees {
			*drawn.entry(seat.referee).or_default() += 1;
		}
	}
	for (who, worker) in pallet_workers::Workers::<Test>::iter() {
		let (times, engaged) = (drawn.remove(&who).unwrap_or_default(), worker.engagements);
		demand!(engaged == times, "{who} was drawn for {times} things, and is engaged {engaged} times");
	}
	demand!(drawn.is_empty(), "who is drawn has taken its bond: {drawn:?}");
	Ok(())
}

/// Nothing is open for longer than everything in it can take.
fn check_ages(scenario: &Scenario, history: &History) -> Result<(), String> {
	let now = System::block_number();
	for (id, round) in &history.rounds {
		let (age, most) = match round.measured_since {
			Some(since) => (now - since, scenario.longest_round()),
			None => (now - round.since, scenario.longest_wait()),
		};
		demand!(age <= most, "round {id} is open after {age} blocks, and can be {most}");
	}
	for (id, dispute) in &history.disputes {
		let (age, most) = (now - dispute.since, scenario.longest_dispute());
		demand!(age <= most, "dispute {id} is open after {age} blocks, and can be {most}");
	}
	Ok(())
}

/// Once every round is over, nobody is engaged, nothing is held for one, and nothing is due.
fn check_nothing_is_left() -> Result<(), String> {
	use pallet_disputes::{Disputes, OpenDisputes};
	use pallet_proof_of_learning::{Agenda, OpenRoundCount, OpenRoundsOf};
	demand!(
		Disputes::<Test>::iter().next().is_none() && OpenDisputes::<Test>::get().is_empty(),
		"a dispute is open though every round is over"
	);
	demand!(Agenda::<Test>::iter().next().is_none(), "something is due though every round is over");
	demand!(
		OpenRoundCount::<Test>::get() == 0 && OpenRoundsOf::<Test>::iter().next().is_none(),
		"a round counts as open though every round is over"
	);
	Ok(())
}
