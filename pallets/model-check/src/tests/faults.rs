//! Pallets with something gone wrong: the checker has to find it, and to show a shortest way there.

use crate::{
	explorer::{explore, Outcome},
	sabotage::Sabotage::{self, *},
	scenario::*,
	world::World,
};

/// One round with one dispute, and a referee.
fn with_dispute() -> Scenario {
	let mut scenario = Scenario { evaluators: 3, contestable: true, ..Scenario::new(2) };
	scenario.allowance.contests = 1;
	scenario
}

/// One round in which one of three may lie.
fn with_liar() -> Scenario {
	Scenario::new(3)
}

/// One round whose absent are replaced.
fn with_replacement() -> Scenario {
	let mut scenario = Scenario { evaluators: 4, ..Scenario::new(2) };
	scenario.rounds.replacements = 1;
	scenario
}

/// One trainer submits twice and the other once, and one submission is measured at a time.
fn with_line() -> Scenario {
	let mut scenario = Scenario::new(1);
	scenario.rounds.max_measured = 1;
	scenario.allowance.submissions = [2, 1];
	scenario
}

/// A canary, and a dispute about it.
fn with_canary() -> Scenario {
	let mut scenario = Scenario {
		truths: vec![[Truth::Worse; 2]],
		claims: vec![Claim::Better, Claim::Worse],
		rulings: vec![Ruling::Worse],
		..with_dispute()
	};
	scenario.allowance.canaries = 1;
	scenario
}

/// Explores with that gone wrong, shows the shortest trace, and returns what was found.
fn found(sabotage: Sabotage, scenario: Scenario) -> String {
	let outcome = explore(&World::with_sabotage(scenario, Some(sabotage)), 1_000_000);
	println!("{sabotage:?}: {outcome}");
	match outcome {
		Outcome::Wrong { what, trace } if trace.len() > 1 => what,
		outcome => panic!("{sabotage:?} is not found: {outcome}"),
	}
}

macro_rules! faults {
	($($test:ident: $sabotage:ident, $scenario:expr, $what:literal;)*) => {$(
		#[test]
		#[cfg_attr(not(feature = "try-runtime"), ignore = "without the pallets' own invariants")]
		fn $test() {
			let what = found($sabotage, $scenario);
			assert!(what.contains($what), "{what}");
		}
	)*};
}

// What is done, where, and what is said of it.
faults! {
	checker_should_find_a_worker_that_is_not_released_when_its_round_is_over:
		ReleaseSkipped, with_liar(), "and is engaged 1 times";
	checker_should_find_a_worker_that_is_released_when_it_was_released:
		ReleaseDoubled, with_liar(), "released more often than it was drawn";
	checker_should_find_a_dispute_that_is_concluded_when_it_was_concluded:
		ConclusionDoubled, with_dispute(), "more outcomes than it waited for";
	checker_should_find_a_round_that_waits_for_ever_when_no_invariant_is_broken:
		ConclusionSkipped, with_dispute(), "is open after";
	checker_should_find_a_round_that_does_not_wait_when_it_is_contested:
		HoldSkipped, with_dispute(), "more or fewer disputes than it has";
	checker_should_find_heads_that_move_when_a_submission_is_rejected:
		RejectedAccepted, with_liar(), "heads moved 1 times, and 0 rounds were accepted";
	checker_should_find_a_referee_that_is_involved_when_nobody_is_left_out:
		ExclusionsForgotten, with_dispute(), "who had a part in a round is referee of it";
	checker_should_find_a_seat_that_is_drawn_twice_when_nobody_is_left_out:
		ExclusionsForgotten, with_replacement(), "who has or had a seat";
	checker_should_find_a_submission_that_is_measured_first_when_another_stands_better:
		StandingForgotten, with_line(), "stands first";
	checker_should_find_a_canary_that_is_accepted_when_it_costs_no_more_than_a_mistake:
		CanaryForgotten, with_canary(), "is blamed for CanaryAccepted and not slashed for it";
	checker_should_find_a_planter_that_is_not_paid_when_harm_is_shown:
		PlanterForgotten, with_canary(), "is paid 0, and ";
	checker_should_find_a_slash_when_nobody_says_what_for:
		FaultDoubled, with_liar(), "nobody says what for";
	checker_should_find_a_liar_that_is_paid_when_a_quorum_knows_better:
		EverybodyPaid, with_liar(), "though a quorum knew better";
	checker_should_find_a_bond_that_is_returned_when_it_was_returned:
		BondDoubled, with_liar(), "issuance changes by 1010, and events say 0";
	checker_should_find_deadlines_that_pass_when_they_are_not_served:
		DeadlinesSkipped, with_liar(), "left behind";
	checker_should_find_a_deadline_that_is_gone_when_its_round_is_open:
		AgendaForgotten, with_liar(), "the agenda is not the open rounds";
}
