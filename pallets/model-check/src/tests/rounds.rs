//! The pallets as they are. Each test visits every state that its scenario has.

use crate::{
	actions::{Action, Service},
	explorer::{explore, Model, Outcome},
	scenario::*,
	world::World,
};

/// No scenario is meant to have more: it would be one to make smaller.
const MOST_STATES: usize = 20_000_000;

/// Explores, says how far that went, and fails unless every state was visited and is as it should be.
fn exhaust(name: &str, scenario: Scenario) {
	let outcome = explore(&World::new(scenario), MOST_STATES);
	println!("{name}: {outcome}");
	assert!(matches!(outcome, Outcome::Exhausted(_)), "{name}: {outcome}");
}

const ALL_TRUTHS: [Truth; 4] = [Truth::Better, Truth::NoBetter, Truth::Unfetchable, Truth::Malformed];
const MEASURABLE: [Truth; 2] = [Truth::Better, Truth::NoBetter];

fn first(truths: &[Truth]) -> Vec<[Truth; 2]> {
	truths.iter().map(|truth| [*truth, Truth::Better]).collect()
}

/// One round, and everything that may be true and be said of it, by a committee of that size.
fn findings(committee: u32) -> Scenario {
	Scenario {
		truths: first(&ALL_TRUTHS),
		claims: vec![Claim::Better, Claim::NoBetter, Claim::Unfetchable, Claim::Malformed],
		intrusive: true,
		..Scenario::new(committee)
	}
}

/// One round, and disputes about it.
fn disputes(committee: u32, referees: u32, contests: u8) -> Scenario {
	let mut scenario = Scenario {
		evaluators: (committee + referees).into(),
		contestable: true,
		truths: first(&MEASURABLE),
		claims: vec![Claim::Better, Claim::NoBetter, Claim::Invented],
		challengers: vec![CHALLENGER, FIRST_EVALUATOR],
		..Scenario::new(committee)
	};
	scenario.disputes.referees = referees;
	scenario.contested_shards = contests.into();
	scenario.allowance.contests = contests;
	scenario
}

/// Two rounds of the same component: who is accepted first sends the other one back to the draw.
fn race(committee: u32) -> Scenario {
	let mut scenario = Scenario {
		truths: vec![[Truth::Better; 2], [Truth::Better, Truth::NoBetter]],
		..Scenario::new(committee)
	};
	scenario.rounds.max_attempts = 2;
	scenario.allowance.submissions = [1, 1];
	scenario
}

/// One round that comes to nothing several times: no randomness, too few evaluators, no quorum, no agreement;
/// while an evaluator leaves and the owner changes the terms.
fn restarts(committee: u32, attempts: u32) -> Scenario {
	let mut scenario = Scenario {
		evaluators: u64::from(committee) + 1,
		truths: first(&MEASURABLE),
		..Scenario::new(committee)
	};
	scenario.rounds.max_attempts = attempts;
	scenario.allowance.dark_blocks = 1;
	scenario.allowance.departures = 1;
	scenario
}

/// One round whose absent are replaced, while randomness fails: by one who is to be had, by one who is absent
/// too, or by nobody.
fn replaced(committee: u32, spare: u64) -> Scenario {
	let mut scenario =
		Scenario { evaluators: u64::from(committee) + spare, intrusive: true, ..Scenario::new(committee) };
	scenario.rounds.replacements = 1;
	scenario.allowance.dark_blocks = 1;
	scenario
}

/// That, and then begun anew, while an evaluator leaves.
fn replaced_and_restarted(attempts: u32) -> Scenario {
	let mut scenario = Scenario { claims: vec![Claim::Better], ..replaced(2, 1) };
	scenario.rounds.max_attempts = attempts;
	scenario.allowance.departures = 1;
	scenario
}

/// That, of two rounds of which one moves the head under the other.
fn replaced_in_race() -> Scenario {
	let mut scenario = Scenario { evaluators: 3, claims: vec![Claim::Better], ..race(2) };
	scenario.truths = first(&[Truth::Better]);
	scenario.rounds.replacements = 1;
	scenario.rounds.max_attempts = 1;
	scenario
}

/// Two submissions, of which one is measured at a time.
fn one_by_one() -> Scenario {
	let mut scenario = Scenario { places: 2, ..race(1) };
	(scenario.rounds.max_measured, scenario.rounds.max_attempts) = (1, 1);
	scenario
}

/// One trainer submits twice and the other once, and one submission is measured at a time: who waits goes by
/// what it stands for. With two places, a newcomer takes another's.
fn in_line(places: u32) -> Scenario {
	let mut scenario = Scenario { places, truths: first(&[Truth::Better]), ..Scenario::new(1) };
	scenario.rounds.max_measured = 1;
	scenario.allowance.submissions = [2, 1];
	scenario
}

/// One round that may turn out to be of a canary, or be called one, before it is settled.
fn canary(committee: u32, contests: u8) -> Scenario {
	let mut scenario = Scenario {
		truths: first(&[Truth::Better, Truth::Worse]),
		claims: vec![Claim::Better, Claim::Worse],
		rulings: vec![Ruling::Better, Ruling::Worse],
		challengers: vec![CHALLENGER],
		..disputes(committee, 1, contests)
	};
	scenario.contested_shards = 1;
	scenario.allowance.canaries = 1;
	scenario
}

/// One round and one dispute whose draws are tried as soon as that can be set: before the parent block's
/// randomness is younger than the attempt.
fn hasty() -> Scenario {
	let mut scenario = Scenario { truths: first(&[Truth::Better]), ..disputes(1, 1, 1) };
	(scenario.rounds.draw_delay, scenario.rounds.max_draw_tries) = (1, 3);
	(scenario.disputes.draw_delay, scenario.disputes.max_draw_tries) = (1, 3);
	scenario.allowance.dark_blocks = 1;
	scenario
}

/// A scenario, with blocks that have no time for deadlines.
fn starved(scenario: Scenario, busy_blocks: u8) -> Scenario {
	let allowance = Allowance { busy_blocks, ..scenario.allowance };
	Scenario { allowance, ..scenario }
}

/// A finding, and two disputes about it at different shards.
fn contested_twice() -> Scenario {
	Scenario { truths: first(&[Truth::Better]), ..disputes(2, 1, 2) }
}

#[test]
fn block_should_serve_one_deadline_when_it_has_time_for_one() {
	use Service::{All, None, One};
	// Both trainers submit, and both draws are due when a block has time for one of them.
	let world = World::new(starved(race(1), 5));
	let next = |service| Action::NextBlock { service, randomness: true };
	let submissions = TRAINERS.map(|trainer| Action::Submit { trainer, number: 0 });
	let mut states = world.initial();
	let steps = submissions.into_iter().chain([All, None, None, One, One].map(next));
	let mut drawn = Vec::new();
	for step in steps {
		let state = states.pop().and_then(|state| world.next(&state, &step).ok().flatten());
		let state = state.unwrap_or_else(|| panic!("{step} is not possible"));
		let mut rounds = world
			.actions(&state)
			.into_iter()
			.flatten()
			.filter_map(|action| match action {
				Action::Commit { round, .. } => Some(round),
				_ => Option::None,
			})
			.collect::<Vec<_>>();
		rounds.dedup();
		drawn.push(rounds.len());
		states = vec![state];
	}
	assert_eq!(drawn, [0, 0, 0, 0, 0, 1, 2]);
}

macro_rules! scenarios {
	($($(#[$attribute:meta])* $test:ident: $scenario:expr;)*) => {$(
		#[test]
		$(#[cfg_attr(feature = "try-runtime", $attribute)])*
		#[cfg_attr(not(feature = "try-runtime"), ignore = "without the pallets' own invariants")]
		fn $test() {
			exhaust(stringify!($test), $scenario);
		}
	)*};
}

// Those of every run: a minute together, on two cores.
scenarios! {
	round_should_end_as_it_must_when_anything_is_found: findings(3);
	round_should_end_as_it_must_when_it_is_contested: disputes(2, 1, 1);
	rounds_should_end_as_they_must_when_they_race: Scenario { claims: vec![Claim::Better], ..race(1) };
	round_should_end_as_it_must_when_it_is_restarted: restarts(1, 2);
	round_should_end_as_it_must_when_deadlines_are_late: starved(findings(2), 2);
	round_should_end_as_it_must_when_draws_are_tried_too_soon: hasty();
	round_should_end_as_it_must_when_the_absent_are_replaced: replaced(2, 1);
	round_should_end_as_it_must_when_nobody_is_left_to_replace_the_absent: replaced(2, 0);
	rounds_should_end_as_they_must_when_one_is_measured_at_a_time: one_by_one();
	rounds_should_end_as_they_must_when_they_wait_in_line: Scenario { hurried: true, ..in_line(3) };
	rounds_should_end_as_they_must_when_one_makes_room: Scenario { hurried: true, ..in_line(2) };
	round_should_end_as_it_must_when_it_is_of_a_canary: canary(3, 0);
	round_should_end_as_it_must_when_it_is_of_a_canary_and_contested: canary(2, 1);
	rewards_should_be_paid_once_when_they_are_claimed: Scenario { paydays: true, ..Scenario::new(2) };
}

// Those of a full run.
scenarios! {
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_three_referees_judge: disputes(2, 3, 1);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_one_of_three_is_contested: disputes(3, 1, 1);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_it_is_contested_twice: contested_twice();
	#[ignore = "takes minutes: scripts/test --full"]
	rounds_should_end_as_they_must_when_they_race_and_evaluators_lie: race(1);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_it_is_restarted_twice: restarts(1, 3);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_a_committee_is_restarted: restarts(2, 2);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_deadlines_of_disputes_are_late: starved(disputes(2, 1, 1), 2);
	#[ignore = "takes minutes: scripts/test --full"]
	rounds_should_end_as_they_must_when_they_race_and_deadlines_are_late: starved(race(1), 1);
	#[ignore = "takes minutes: scripts/test --full"]
	rounds_should_end_as_they_must_when_they_wait_in_line_from_any_block_on: in_line(3);
	#[ignore = "takes minutes: scripts/test --full"]
	rounds_should_end_as_they_must_when_one_makes_room_in_any_block: in_line(2);
	#[ignore = "takes minutes: scripts/test --full"]
	rounds_should_end_as_they_must_when_they_race_and_the_absent_are_replaced: replaced_in_race();
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_one_of_three_is_replaced: replaced(3, 2);
	#[ignore = "takes minutes: scripts/test --full"]
	round_should_end_as_it_must_when_a_committee_is_restarted_after_a_replacement: replaced_and_restarted(2);
}
