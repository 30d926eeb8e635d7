use super::*;
use blyan_primitives::learning::{Purpose, RejectReason, Report, Verdict};
use proptest::prelude::*;

const ME: AccountId = AccountId::new([7; 32]);

fn attempt(round: SubmissionId) -> Attempt {
	Attempt { round, attempt: 0 }
}

fn view(round: SubmissionId, phase: RoundPhase) -> RoundView {
	RoundView {
		attempt: attempt(round),
		model: 0,
		blocks: vec![Hash::repeat_byte(round as u8)],
		baseline: 0,
		current: 0,
		seed: Hash::repeat_byte(9),
		phase,
		is_committed: false,
		is_revealed: false,
	}
}

fn finding(gain: i64) -> Finding {
	Finding::Measured(Report {
		baseline: 5,
		gain,
		standard_error: 1,
		domain_gains: vec![gain].try_into().unwrap(),
		losses_root: Hash::zero(),
	})
}

fn measured(round: SubmissionId, salt: u8) -> Input {
	let view = view(round, RoundPhase::AwaitingDraw);
	Input::Measured {
		attempt: view.attempt,
		blocks: view.blocks,
		finding: finding(3),
		salt: Hash::repeat_byte(salt),
		losses: vec![],
	}
}

fn finalized(height: BlockNumber, rounds: Vec<RoundView>) -> Input {
	Input::Finalized { height, rounds }
}

fn committing(until: BlockNumber) -> RoundPhase {
	RoundPhase::Commit { until }
}

fn new() -> State {
	State::new(ME, [])
}

#[test]
fn step_should_measure_the_round_with_the_nearest_deadline_when_several_wait() {
	let mut state = new();
	let rounds = vec![view(1, committing(30)), view(2, committing(20))];
	let actions = step(&mut state, finalized(1, rounds.clone()));
	assert_eq!(actions, [Action::Measure(rounds[1].clone())]);
	assert_eq!(step(&mut state, finalized(2, rounds.clone())), [], "one at a time");
	let actions = step(&mut state, measured(2, 1));
	assert!(
		matches!(&actions[..], [Action::Journal(_), Action::Send(_), Action::Measure(next)] if next == &rounds[0])
	);
}

#[test]
fn step_should_journal_before_it_commits() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let actions = step(&mut state, measured(1, 1));
	let [Action::Journal(entry), Action::Send(Call::Commit { commitment, .. })] = &actions[..] else {
		panic!("{actions:?}")
	};
	let expected = learning::commitment(&ME, 1, 0, &[Hash::repeat_byte(1)], &finding(3), &[1; 32]);
	assert_eq!(*commitment, expected);
	// Started again from that entry it commits to the same hash, without measuring.
	let mut state = State::new(ME, [entry.clone()]);
	let again = step(&mut state, finalized(2, vec![view(1, committing(20))]));
	assert_eq!(again, [Action::Send(Call::Commit { attempt: attempt(1), commitment: expected })]);
}

#[test]
fn step_should_reveal_only_what_was_committed_and_only_while_reveals_are_taken() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	step(&mut state, measured(1, 1));
	let reveal = |is_committed| RoundView { is_committed, ..view(1, RoundPhase::Reveal { until: 30 }) };
	assert_eq!(step(&mut state, finalized(21, vec![reveal(false)])), []);
	let actions = step(&mut state, finalized(22, vec![reveal(true)]));
	let call = Call::Reveal { attempt: attempt(1), finding: finding(3), salt: Hash::repeat_byte(1) };
	assert_eq!(actions, [Action::Send(call)]);
	let done = RoundView { is_revealed: true, ..reveal(true) };
	step(&mut state, Input::Returned { call: CallKey::Reveal(attempt(1)), is_final: false });
	assert_eq!(step(&mut state, finalized(23, vec![done])), []);
}

#[test]
fn step_should_not_send_twice_while_a_call_is_under_way_or_is_of_no_use() {
	let mut state = new();
	let rounds = || vec![view(1, committing(20))];
	step(&mut state, finalized(1, rounds()));
	step(&mut state, measured(1, 1));
	assert_eq!(step(&mut state, finalized(2, rounds())), [], "under way");
	let commit = CallKey::Commit(attempt(1));
	step(&mut state, Input::Returned { call: commit, is_final: false });
	assert!(matches!(&step(&mut state, finalized(3, rounds()))[..], [Action::Send(_)]), "tried again");
	step(&mut state, Input::Returned { call: commit, is_final: true });
	assert_eq!(step(&mut state, finalized(4, rounds())), [], "of no use");
}

#[test]
fn step_should_say_once_what_was_missed_or_lost() {
	let mut state = new();
	let late = || finalized(20, vec![view(1, committing(20))]);
	assert_eq!(step(&mut state, late()), [Action::Note(Note::MissedCommit(attempt(1)))]);
	assert_eq!(step(&mut state, late()), []);
	let reveal = |until| vec![RoundView { is_committed: true, ..view(2, RoundPhase::Reveal { until }) }];
	assert_eq!(step(&mut new(), finalized(1, reveal(9))), [Action::Note(Note::FindingLost(attempt(2)))]);
	assert_eq!(step(&mut new(), finalized(9, reveal(9))), [Action::Note(Note::MissedReveal(attempt(2)))]);
}

#[test]
fn step_should_not_measure_when_the_baseline_has_moved() {
	let moved = RoundView { current: 1, ..view(1, committing(20)) };
	assert_eq!(step(&mut new(), finalized(1, vec![moved])), [Action::Note(Note::BaselineMoved(attempt(1)))]);
}

#[test]
fn step_should_measure_again_only_when_the_failure_may_pass() {
	let mut state = new();
	let rounds = || finalized(1, vec![view(1, committing(20))]);
	step(&mut state, rounds());
	step(&mut state, Input::MeasureFailed { attempt: attempt(1), is_retryable: true });
	assert!(matches!(&step(&mut state, rounds())[..], [Action::Measure(_)]));
	step(&mut state, Input::MeasureFailed { attempt: attempt(1), is_retryable: false });
	assert_eq!(step(&mut state, rounds()), []);
}

#[test]
fn step_should_measure_anew_when_a_round_is_restarted() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	step(&mut state, measured(1, 1));
	let second = Attempt { round: 1, attempt: 1 };
	let restarted = RoundView { attempt: second, ..view(1, committing(40)) };
	assert_eq!(step(&mut state, finalized(22, vec![restarted.clone()])), [Action::Measure(restarted)]);
}

#[test]
fn step_should_neither_measure_nor_commit_again_when_others_are_replaced() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	step(&mut state, measured(1, 1));
	step(&mut state, Input::Returned { call: CallKey::Commit(attempt(1)), is_final: false });
	let committed = |phase| RoundView { is_committed: true, ..view(1, phase) };
	let awaiting = RoundPhase::AwaitingReplacement;
	assert_eq!(step(&mut state, finalized(21, vec![committed(awaiting)])), []);
	// The others have the time to commit once more, in the same attempt.
	assert_eq!(step(&mut state, finalized(23, vec![committed(committing(43))])), []);
	let actions = step(&mut state, finalized(44, vec![committed(RoundPhase::Reveal { until: 50 })]));
	let call = Call::Reveal { attempt: attempt(1), finding: finding(3), salt: Hash::repeat_byte(1) };
	assert_eq!(actions, [Action::Send(call)], "what was committed to before is revealed");
}

#[test]
fn step_should_measure_when_drawn_in_place_of_another() {
	let mut state = new();
	// Not a member before: nothing is seen of the round.
	assert_eq!(step(&mut state, finalized(21, vec![])), []);
	let rounds = vec![view(1, committing(43))];
	assert_eq!(step(&mut state, finalized(23, rounds.clone())), [Action::Measure(rounds[0].clone())]);
}

#[test]
fn step_should_drop_what_it_measured_when_it_was_replaced_meanwhile() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	step(&mut state, finalized(21, vec![]));
	let actions = step(&mut state, measured(1, 1));
	assert!(matches!(&actions[..], [Action::Journal(_)]), "nothing is sent: {actions:?}");
}

#[test]
fn round_view_should_be_of_members_of_an_open_rounds_committee_alone() {
	let info = RoundInfo {
		id: 3,
		model: 0,
		trainer: AccountId::new([1; 32]),
		purpose: Purpose::Improvement,
		blocks: vec![Hash::zero()],
		components: vec![],
		bond: 0,
		submitted_at: 0,
		attempt: 2,
		baseline: Some(4),
		seed: Some(Hash::zero()),
		pool: None,
		gate: None,
		referee: None,
		committee: vec![ME],
		committed: vec![ME],
		revealed: vec![],
		struck: vec![],
		open_disputes: 0,
		phase: RoundPhase::Reveal { until: 9 },
		medians: None,
	};
	let view = RoundView::of(&info, 4, &ME).unwrap();
	assert_eq!(
		(view.attempt, view.is_committed, view.is_revealed),
		(Attempt { round: 3, attempt: 2 }, true, false)
	);
	assert_eq!(RoundView::of(&info, 4, &AccountId::new([1; 32])), None);
	let closed = RoundPhase::Closed(Verdict::Rejected(RejectReason::NoGain));
	assert_eq!(RoundView::of(&RoundInfo { phase: closed, ..info }, 4, &ME), None);
}

/// A chain that takes each call at most once, and late, as a pool does.
#[derive(Default)]
struct TestChain {
	rounds: BTreeMap<SubmissionId, RoundView>,
	commitments: BTreeMap<SubmissionId, Hash>,
	pool: Vec<Call>,
	effective: Vec<CallKey>,
}

impl TestChain {
	/// Takes one call out of the pool.
	fn include(&mut self, at: usize) {
		if self.pool.is_empty() {
			return;
		}
		let call = self.pool.remove(at % self.pool.len());
		let key = call.key();
		match call {
			Call::Commit { attempt, commitment } => {
				let round = self.rounds.get_mut(&attempt.round).unwrap();
				if matches!(round.phase, RoundPhase::Commit { .. }) && !round.is_committed {
					round.is_committed = true;
					self.commitments.insert(attempt.round, commitment);
					self.effective.push(key);
				}
			}
			Call::Reveal { attempt, finding, salt } => {
				let round = self.rounds.get_mut(&attempt.round).unwrap();
				if matches!(round.phase, RoundPhase::Reveal { .. })
					&& round.is_committed
					&& !round.is_revealed
				{
					let hash = learning::commitment(&ME, attempt.round, 0, &round.blocks, &finding, &salt.0);
					assert_eq!(Some(&hash), self.commitments.get(&attempt.round), "revealed something else");
					round.is_revealed = true;
					self.effective.push(key);
				}
			}
		}
	}
}

/// What is not lost when the process is killed.
struct Simulation {
	chain: TestChain,
	journal: Vec<Entry>,
	state: State,
	inputs: Vec<Input>,
	salt: u8,
	sent: BTreeMap<SubmissionId, BTreeSet<Hash>>,
}

impl Simulation {
	fn new(rounds: SubmissionId) -> Self {
		let mut chain = TestChain::default();
		for round in 1..=rounds {
			chain.rounds.insert(round, view(round, committing(1_000)));
		}
		let (journal, inputs, sent) = (vec![], vec![], BTreeMap::new());
		Self { chain, journal, state: new(), inputs, salt: 0, sent }
	}

	/// Carries out actions until the process is killed, after `survives` of them.
	fn run(&mut self, actions: Vec<Action>, survives: Option<usize>) {
		let limit = survives.unwrap_or(actions.len());
		let is_killed = limit < actions.len();
		for action in actions.into_iter().take(limit) {
			match action {
				Action::Journal(entry) => self.journal.push(entry),
				Action::Measure(round) => {
					self.salt = self.salt.wrapping_add(1);
					self.inputs.push(measured(round.attempt.round, self.salt));
				}
				Action::Send(call) => {
					if let Call::Commit { attempt, commitment } = &call {
						self.sent.entry(attempt.round).or_default().insert(*commitment);
					}
					self.inputs.push(Input::Returned { call: call.key(), is_final: false });
					self.chain.pool.push(call);
				}
				Action::Note(note) => panic!("{note:?}"),
			}
		}
		if is_killed {
			self.restart();
		}
	}

	fn restart(&mut self) {
		self.inputs.clear();
		self.state = State::new(ME, self.journal.clone());
	}

	fn block(&mut self, survives: Option<usize>) {
		let rounds = self.chain.rounds.values().cloned().collect();
		let actions = step(&mut self.state, finalized(1, rounds));
		self.run(actions, survives);
	}

	fn deliver(&mut self, survives: Option<usize>) {
		if !self.inputs.is_empty() {
			let input = self.inputs.remove(0);
			let actions = step(&mut self.state, input);
			self.run(actions, survives);
		}
	}

	fn open_reveals(&mut self) {
		for round in self.chain.rounds.values_mut().filter(|round| round.is_committed) {
			round.phase = RoundPhase::Reveal { until: 1_000 };
		}
	}
}

proptest! {
	#[test]
	fn killing_anywhere_should_leave_each_call_effective_once_with_one_commitment(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.4, 0usize..3), any::<usize>()), 0..60),
		rounds in 1u64..4,
	) {
		let mut simulation = Simulation::new(rounds);
		for (event, survives, at) in events {
			match event {
				0 => simulation.block(survives),
				1 | 2 => simulation.deliver(survives),
				3 => simulation.chain.include(at),
				4 => simulation.open_reveals(),
				_ => simulation.restart(),
			}
		}
		// Left alone for a while, everything is done.
		for _ in 0..40 {
			simulation.block(None);
			while !simulation.inputs.is_empty() {
				simulation.deliver(None);
			}
			// Calls sent again wait beside the first ones: a block takes all of them.
			while !simulation.chain.pool.is_empty() {
				simulation.chain.include(0);
			}
			simulation.open_reveals();
		}
		let mut effective = simulation.chain.effective.clone();
		effective.sort();
		let mut expected: Vec<CallKey> = (1..=rounds).map(|r| CallKey::Commit(attempt(r))).collect();
		expected.extend((1..=rounds).map(|r| CallKey::Reveal(attempt(r))));
		prop_assert_eq!(effective, expected);
		for (round, commitments) in &simulation.sent {
			prop_assert_eq!(commitments.len(), 1, "round {} was committed to differently", round);
		}
		prop_assert_eq!(simulation.journal.len() as u64, rounds, "each round is measured into the journal once");
	}
}
