use super::*;
use crate::evaluator::measure;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	learning::{Domain, DomainName, BIT_PER_BYTE},
	Hash,
};
use proptest::prelude::*;

const ME: AccountId = AccountId::new([7; 32]);
const LIAR: AccountId = AccountId::new([8; 32]);
const HONEST: AccountId = AccountId::new([9; 32]);
const BOND: Balance = 100;

fn attempt(round: SubmissionId) -> Attempt {
	Attempt { round, attempt: 0 }
}

fn suspect(round: SubmissionId) -> Suspect {
	Suspect { attempt: attempt(round), evaluator: LIAR }
}

fn pool() -> ValidationPool {
	let domain = Domain { name: DomainName::default(), shards: 64 };
	ValidationPool {
		content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
		shard_bytes: 4,
		domains: vec![domain; 2].try_into().unwrap(),
	}
}

fn gate() -> Gate {
	Gate { z_milli: 0, delta: 0, rho: 0, tolerance: BIT_PER_BYTE / 1_000, shards_per_domain: 4 }
}

fn losses(lie: NanoBits) -> Vec<ShardLoss> {
	let loss = |shard: u32| {
		let baseline = 2 * BIT_PER_BYTE + NanoBits::from(shard) * 7_000_000;
		ShardLoss { shard, baseline, candidate: baseline - NanoBits::from(shard % 3) * 50_000_000 - lie }
	};
	(0..8).map(loss).collect()
}

fn report(lie: NanoBits) -> Finding {
	Finding::Measured(measure::report(&pool(), &gate(), &losses(lie)))
}

fn contest() -> RoundPhase {
	RoundPhase::Contest { until: 20 }
}

fn watched(round: SubmissionId, phase: RoundPhase) -> WatchedRound {
	let view = RoundView {
		attempt: attempt(round),
		model: 0,
		trainer: AccountId::new([8; 32]),
		blocks: vec![],
		baseline: 0,
		current: 0,
		seed: Hash::zero(),
		phase,
		is_committed: false,
		is_revealed: false,
	};
	let findings = vec![(HONEST, report(0)), (LIAR, report(BIT_PER_BYTE / 50)), (ME, report(BIT_PER_BYTE))];
	let bonds = [LIAR, HONEST].map(|who| (who, BOND)).into();
	WatchedRound { round: view, pool: pool(), gate: gate(), findings, bonds, own: Some(losses(0)) }
}

fn finalized(height: BlockNumber, rounds: Vec<WatchedRound>) -> Input {
	Input::Finalized { height, rounds, disputes: vec![], free: 10_000 }
}

fn exact(position: u32, error: NanoBits) -> RefereeFinding {
	let ShardLoss { baseline, candidate, .. } = losses(0)[position as usize];
	RefereeFinding::Exact(ShardLosses { baseline: baseline + error, candidate })
}

fn checked(round: SubmissionId, error: NanoBits) -> Input {
	Input::Checked { attempt: attempt(round), position: 0, exact: exact(0, error) }
}

fn new(ceiling: Balance) -> State {
	State::new(ME, Options { ceiling, measures: false }, [])
}

fn contesting(round: SubmissionId) -> [Action; 2] {
	[
		Action::Journal(Entry::Contesting { suspect: suspect(round), position: 0 }),
		Action::Contest { suspect: suspect(round), position: 0 },
	]
}

#[test]
fn step_should_contest_a_liar_once_its_own_losses_are_confirmed() {
	let mut state = new(BOND);
	let actions = step(&mut state, finalized(5, vec![watched(1, contest())]));
	assert_eq!(actions, [Action::Check { attempt: attempt(1), position: 0 }], "the honest one is left alone");
	assert_eq!(step(&mut state, finalized(6, vec![watched(1, contest())])), [], "one check");
	let actions = step(&mut state, checked(1, 10));
	assert_eq!(actions[0], Action::Note(Note::Suspicious(suspect(1), 0)));
	assert_eq!(actions[1..], contesting(1));
	assert_eq!(step(&mut state, finalized(7, vec![watched(1, contest())])), [], "under way");
	step(&mut state, Input::Returned { suspect: suspect(1), outcome: Sent::Done });
	assert_eq!(step(&mut state, finalized(8, vec![watched(1, contest())])), [], "once is enough");
}

#[test]
fn step_should_look_while_others_reveal_and_contest_when_it_may() {
	let mut state = new(BOND);
	let revealing = || watched(1, RoundPhase::Reveal { until: 9 });
	assert_eq!(step(&mut state, finalized(5, vec![revealing()])).len(), 1);
	assert_eq!(step(&mut state, checked(1, 0)), [Action::Note(Note::Suspicious(suspect(1), 0))]);
	assert_eq!(step(&mut state, finalized(9, vec![watched(1, contest())])), contesting(1));
	let mut late = new(BOND);
	step(&mut late, finalized(20, vec![watched(1, contest())]));
	assert_eq!(step(&mut late, checked(1, 0)).len(), 1, "too late: only told");
}

#[test]
fn step_should_bond_nothing_when_the_reference_does_not_confirm_what_it_measured() {
	let mut state = new(BOND);
	step(&mut state, finalized(5, vec![watched(1, contest())]));
	let wrong = Action::Note(Note::OwnLossesWrong(attempt(1), 0));
	assert_eq!(step(&mut state, checked(1, BIT_PER_BYTE / 1_000)), [wrong]);
	assert_eq!(step(&mut state, finalized(6, vec![watched(1, contest())])), []);
	let mut state = new(BOND);
	step(&mut state, finalized(5, vec![watched(1, contest())]));
	let unable = Input::Checked { attempt: attempt(1), position: 0, exact: RefereeFinding::Unable };
	assert_eq!(step(&mut state, unable), [Action::Note(Note::Uncheckable(attempt(1)))]);
}

#[test]
fn step_should_check_again_when_the_check_failed() {
	let mut state = new(BOND);
	let at = |height| finalized(height, vec![watched(1, contest())]);
	step(&mut state, at(5));
	step(&mut state, Input::CheckFailed { attempt: attempt(1), position: 0 });
	assert_eq!(step(&mut state, at(6)), [Action::Check { attempt: attempt(1), position: 0 }]);
}

#[test]
fn step_should_stay_below_the_ceiling_and_within_what_is_free() {
	let mut state = new(BOND - 1);
	step(&mut state, finalized(5, vec![watched(1, contest())]));
	let above = |held| Note::AboveCeiling { suspect: suspect(1), position: 0, bond: BOND, held };
	assert_eq!(step(&mut state, checked(1, 0))[1..], [Action::Note(above(0))]);
	assert_eq!(step(&mut state, finalized(6, vec![watched(1, contest())])), [], "told once");

	// What is held for another dispute counts.
	let mut state = new(2 * BOND - 1);
	let other = OwnDispute { round: 9, accused: LIAR, bond: BOND };
	let input = |disputes| Input::Finalized {
		height: 5,
		rounds: vec![watched(1, contest())],
		disputes,
		free: 10_000,
	};
	step(&mut state, input(vec![other]));
	assert_eq!(step(&mut state, checked(1, 0))[1..], [Action::Note(above(BOND))]);
	assert_eq!(step(&mut state, input(vec![])), contesting(1), "there is room again");

	let mut state = new(BOND);
	let poor =
		Input::Finalized { height: 5, rounds: vec![watched(1, contest())], disputes: vec![], free: BOND - 1 };
	step(&mut state, poor);
	let note = Note::TooPoor { suspect: suspect(1), bond: BOND, free: BOND - 1 };
	assert_eq!(step(&mut state, checked(1, 0))[1..], [Action::Note(note)]);
}

#[test]
fn step_should_try_again_only_what_was_not_sent() {
	let at = |height| finalized(height, vec![watched(1, contest())]);
	for (outcome, expected) in [(Sent::NotSent, 2), (Sent::Unknown, 0), (Sent::Done, 0)] {
		let mut state = new(BOND);
		step(&mut state, at(5));
		step(&mut state, checked(1, 0));
		step(&mut state, Input::Returned { suspect: suspect(1), outcome });
		assert_eq!(step(&mut state, at(6)).len(), expected, "{outcome:?}");
	}
}

#[test]
fn step_should_not_bond_twice_after_a_crash() {
	let options = Options { ceiling: 10 * BOND, measures: false };
	let journal = || [Entry::Contesting { suspect: suspect(1), position: 0 }];
	let mut state = State::new(ME, options, journal());
	let told = Action::Note(Note::MayBeContested(suspect(1)));
	assert_eq!(step(&mut state, finalized(5, vec![watched(1, contest())])), [told]);
	// With the dispute there, there is nothing to say.
	let mut state = State::new(ME, options, journal());
	let disputes = vec![OwnDispute { round: 1, accused: LIAR, bond: BOND }];
	let rounds = vec![watched(1, contest())];
	assert_eq!(step(&mut state, Input::Finalized { height: 5, rounds, disputes, free: 0 }), []);
	// Another attempt at the round is another finding.
	let mut again = watched(1, contest());
	again.round.attempt.attempt = 1;
	assert_eq!(step(&mut state, finalized(6, vec![again])).len(), 1);
}

#[test]
fn step_should_measure_what_it_did_not_measure_as_an_evaluator_if_it_is_told_to() {
	let foreign = |phase| WatchedRound { own: None, ..watched(1, phase) };
	let rounds = || vec![WatchedRound { findings: vec![], ..foreign(RoundPhase::Commit { until: 9 }) }];
	assert_eq!(step(&mut new(BOND), finalized(5, rounds())), []);
	let mut state = State::new(ME, Options { ceiling: BOND, measures: true }, []);
	assert_eq!(step(&mut state, finalized(5, rounds())), [Action::Measure(rounds()[0].round.clone())]);
	assert_eq!(step(&mut state, finalized(6, rounds())), [], "one at a time");
	step(&mut state, Input::MeasureFailed { attempt: attempt(1), is_retryable: true });
	assert_eq!(step(&mut state, finalized(7, rounds())).len(), 1, "tried again");
	step(&mut state, Input::Measured { attempt: attempt(1), losses: losses(0) });
	assert_eq!(
		step(&mut state, finalized(8, vec![foreign(contest())])),
		[Action::Check { attempt: attempt(1), position: 0 }]
	);
	let mut state = State::new(ME, Options { ceiling: BOND, measures: true }, []);
	step(&mut state, finalized(5, rounds()));
	step(&mut state, Input::MeasureFailed { attempt: attempt(1), is_retryable: false });
	assert_eq!(step(&mut state, finalized(6, rounds())), [], "given up");
}

#[test]
fn step_should_leave_alone_what_is_not_measured() {
	let mut round = watched(1, contest());
	round.findings = vec![(LIAR, Finding::Unfetchable), (HONEST, Finding::Malformed)];
	assert_eq!(step(&mut new(BOND), finalized(5, vec![round])), []);
	let nothing = WatchedRound { own: Some(vec![]), ..watched(1, contest()) };
	assert_eq!(step(&mut new(BOND), finalized(5, vec![nothing])), []);
}

proptest! {
	/// Killed anywhere, it sends one contest of a finding at most, none that is not in the journal, and never holds
	/// more than the ceiling.
	#[test]
	fn killing_anywhere_should_never_bond_twice_or_beyond_the_ceiling(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.3, 0usize..4)), 1..60),
		rounds in 1u64..4,
		ceiling in 0u128..4,
	) {
		let ceiling = ceiling * BOND;
		let options = Options { ceiling, measures: false };
		let (mut journal, mut state) = (vec![], State::new(ME, options, []));
		let (mut inputs, mut disputes) = (vec![], vec![]);
		let mut contests = BTreeMap::<SubmissionId, u32>::new();
		for (event, survives) in events {
			let input = match event {
				0 | 1 => Input::Finalized {
					height: 5,
					rounds: (1..=rounds).map(|round| watched(round, contest())).collect(),
					disputes: disputes.clone(),
					free: 10_000,
				},
				2..=4 if !inputs.is_empty() => inputs.remove(0),
				5 => {
					inputs.clear();
					state = State::new(ME, options, journal.clone());
					continue;
				}
				_ => continue,
			};
			let actions = step(&mut state, input);
			let limit = survives.unwrap_or(actions.len());
			let is_killed = limit < actions.len();
			for action in actions.into_iter().take(limit) {
				match action {
					Action::Journal(entry) => journal.push(entry),
					Action::Check { attempt, .. } => inputs.push(checked(attempt.round, 0)),
					Action::Contest { suspect, position } => {
						let entry = Entry::Contesting { suspect: suspect.clone(), position };
						prop_assert!(journal.contains(&entry));
						let round = suspect.attempt.round;
						*contests.entry(round).or_default() += 1;
						disputes.push(OwnDispute { round, accused: LIAR, bond: BOND });
						inputs.push(Input::Returned { suspect, outcome: Sent::Done });
					}
					Action::Measure(_) => prop_assert!(false, "measured"),
					Action::Note(_) => {}
				}
			}
			if is_killed {
				inputs.clear();
				state = State::new(ME, options, journal.clone());
			}
			prop_assert!(disputes.iter().map(|dispute| dispute.bond).sum::<Balance>() <= ceiling);
			prop_assert!(contests.values().all(|count| *count == 1), "{:?}", contests);
		}
	}
}
