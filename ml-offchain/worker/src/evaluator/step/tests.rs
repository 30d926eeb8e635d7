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
		trainer: AccountId::new([8; 32]),
		blocks: vec![Hash::repeat_byte(round as u8)],
		baseline: 0,
		current: 0,
		seed: Hash::repeat_byte(9),
		phase,
		is_committed: false,
		is_revealed: false,
	}
}

fn losses(salt: u8) -> Vec<ShardLoss> {
	let loss = |shard| ShardLoss { shard, baseline: 9, candidate: salt.into() };
	vec![loss(4), loss(11)]
}

fn finding(salt: u8) -> Finding {
	let leaf =
		|(place, loss): (u32, ShardLoss)| merkle::leaf(place, &(loss.shard, loss.baseline, loss.candidate));
	let leaves: Vec<Hash> = (0..).zip(losses(salt)).map(leaf).collect();
	Finding::Measured(Report {
		baseline: 9,
		gain: 3,
		standard_error: 1,
		domain_gains: vec![3].try_into().unwrap(),
		losses_root: merkle::root(&leaves),
	})
}

fn measured(round: SubmissionId, salt: u8) -> Input {
	let view = view(round, RoundPhase::AwaitingDraw);
	Input::Measured {
		attempt: view.attempt,
		blocks: view.blocks,
		finding: finding(salt),
		salt: Hash::repeat_byte(salt),
		losses: losses(salt),
	}
}

fn finalized(height: BlockNumber, rounds: Vec<RoundView>) -> Input {
	Input::Finalized { height, rounds, accusations: vec![] }
}

fn committing(until: BlockNumber) -> RoundPhase {
	RoundPhase::Commit { until }
}

fn new() -> State {
	State::new(ME, [], [])
}

#[test]
fn step_should_measure_the_round_with_the_nearest_deadline_when_several_wait() {
	let mut state = new();
	let rounds = vec![view(1, committing(30)), view(2, committing(20))];
	let actions = step(&mut state, finalized(1, rounds.clone()));
	assert_eq!(actions, [Action::Measure(rounds[1].clone())]);
	assert_eq!(step(&mut state, finalized(2, rounds.clone())), [], "one at a time");
	let actions = step(&mut state, measured(2, 1));
	assert!(matches!(
		&actions[..],
		[Action::KeepLosses(..), Action::Journal(_), Action::Send(_), Action::Measure(next)] if next == &rounds[0]
	));
}

#[test]
fn step_should_journal_before_it_commits() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let actions = step(&mut state, measured(1, 1));
	let [Action::KeepLosses(of, kept), Action::Journal(entry), Action::Send(Call::Commit { commitment, .. })] =
		&actions[..]
	else {
		panic!("{actions:?}")
	};
	assert_eq!((*of, kept), (attempt(1), &KeptLosses { found_at: 1, losses: losses(1) }));
	let expected = learning::commitment(&ME, 1, 0, &[Hash::repeat_byte(1)], &finding(1), &[1; 32]);
	assert_eq!(*commitment, expected);
	// Started again from that entry it commits to the same hash, without measuring.
	let mut state = State::new(ME, [entry.clone()], []);
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
	let call = Call::Reveal { attempt: attempt(1), finding: finding(1), salt: Hash::repeat_byte(1) };
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
	let actions = step(&mut state, finalized(22, vec![restarted.clone()]));
	assert_eq!(actions, [Action::DropLosses(attempt(1)), Action::Measure(restarted)]);
}

fn accused(height: BlockNumber, until: BlockNumber) -> Input {
	let rounds = vec![RoundView {
		is_committed: true,
		is_revealed: true,
		..view(1, RoundPhase::Contest { until: 90 })
	}];
	Input::Finalized { height, rounds, accusations: vec![accusation(until)] }
}

fn accusation(until: BlockNumber) -> Accusation {
	Accusation { dispute: 5, round: 1, until }
}

fn opening(salt: u8) -> Action {
	let of = |loss: ShardLoss| ShardLosses { baseline: loss.baseline, candidate: loss.candidate };
	Action::Send(Call::Open { dispute: 5, losses: losses(salt).into_iter().map(of).collect() })
}

#[test]
fn step_should_open_what_it_measured_when_it_is_contested_also_after_a_restart() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let actions = step(&mut state, measured(1, 1));
	let [Action::KeepLosses(of, kept), Action::Journal(entry), ..] = &actions[..] else {
		panic!("{actions:?}")
	};
	let told = Action::Note(Note::Accused(accusation(60)));
	assert_eq!(step(&mut state, accused(50, 60)), [told.clone(), opening(1)]);
	assert_eq!(step(&mut state, accused(51, 60)), [], "under way");
	step(&mut state, Input::Returned { call: CallKey::Open(5), is_final: false });
	assert_eq!(step(&mut state, accused(52, 60)), [opening(1)], "tried again");
	let mut again = State::new(ME, [entry.clone()], [(*of, kept.clone())]);
	assert_eq!(step(&mut again, accused(53, 60)), [told, opening(1)]);
	let late = Action::Note(Note::MissedOpening(accusation(60)));
	assert_eq!(step(&mut again, accused(60, 60)), [late]);
}

#[test]
fn step_should_say_so_once_when_losses_are_gone_or_not_those_that_were_reported() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let actions = step(&mut state, measured(1, 1));
	let [_, Action::Journal(entry), ..] = &actions[..] else { panic!("{actions:?}") };
	let lost = Action::Note(Note::LossesLost(accusation(60)));
	let other = KeptLosses { found_at: 1, losses: losses(2) };
	for files in [vec![], vec![(attempt(1), other)]] {
		let mut again = State::new(ME, [entry.clone()], files);
		let actions = step(&mut again, accused(50, 60));
		assert_eq!(actions, [Action::Note(Note::Accused(accusation(60))), lost.clone()]);
		assert_eq!(step(&mut again, accused(51, 60)), []);
		assert_eq!(again.losses_of(attempt(1)), None);
	}
}

#[test]
fn step_should_open_losses_of_a_journal_of_a_former_version() {
	let entry = Entry::Found {
		attempt: attempt(1),
		blocks: vec![],
		finding: finding(1),
		salt: Hash::zero(),
		losses: losses(1),
	};
	let json = serde_json::to_string(&entry).unwrap();
	assert!(json.contains("\"losses\":[{"));
	let mut state = State::new(ME, [serde_json::from_str(&json).unwrap()], []);
	assert_eq!(step(&mut state, accused(50, 60))[1], opening(1));
}

#[test]
fn step_should_drop_losses_when_the_round_is_settled_or_begins_anew_and_not_before_it_is_known() {
	let kept = || (attempt(1), KeptLosses { found_at: 30, losses: losses(1) });
	let dropped = [Action::DropLosses(attempt(1))];
	let mut state = State::new(ME, [], [kept()]);
	assert_eq!(step(&mut state, finalized(30, vec![])), [], "a node that lags behind");
	assert_eq!(step(&mut state, finalized(31, vec![view(1, RoundPhase::Contest { until: 50 })])), []);
	assert_eq!(step(&mut state, finalized(32, vec![])), dropped);
	assert_eq!(step(&mut state, finalized(33, vec![])), []);
	let restarted =
		RoundView { attempt: Attempt { round: 1, attempt: 1 }, ..view(1, RoundPhase::AwaitingDraw) };
	assert_eq!(step(&mut State::new(ME, [], [kept()]), finalized(31, vec![restarted])), dropped);
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
	let call = Call::Reveal { attempt: attempt(1), finding: finding(1), salt: Hash::repeat_byte(1) };
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
	assert!(
		matches!(&actions[..], [Action::KeepLosses(..), Action::Journal(_)]),
		"nothing is sent: {actions:?}"
	);
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
	accusations: BTreeMap<DisputeId, Accusation>,
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
			Call::Open { dispute, losses } => {
				let accusation = self.accusations.remove(&dispute);
				let Some(Accusation { round, .. }) = accusation else { return };
				// The salt of a test names what was measured.
				let salt = losses[0].candidate as u8;
				let blocks = &self.rounds[&round].blocks;
				let hash = learning::commitment(&ME, round, 0, blocks, &finding(salt), &[salt; 32]);
				assert_eq!(Some(&hash), self.commitments.get(&round), "opened something else");
				self.effective.push(key);
			}
		}
	}
}

/// What is not lost when the process is killed.
struct Simulation {
	chain: TestChain,
	journal: Vec<Entry>,
	files: BTreeMap<Attempt, KeptLosses>,
	state: State,
	inputs: Vec<Input>,
	salt: u8,
	sent: BTreeMap<SubmissionId, BTreeSet<Hash>>,
	height: BlockNumber,
}

impl Simulation {
	fn new(rounds: SubmissionId) -> Self {
		let mut chain = TestChain::default();
		for round in 1..=rounds {
			chain.rounds.insert(round, view(round, committing(1_000)));
		}
		let (journal, inputs, sent) = (vec![], vec![], BTreeMap::new());
		Self { chain, journal, files: BTreeMap::new(), state: new(), inputs, salt: 0, sent, height: 0 }
	}

	/// Carries out actions until the process is killed, after `survives` of them.
	fn run(&mut self, actions: Vec<Action>, survives: Option<usize>) {
		let limit = survives.unwrap_or(actions.len());
		let is_killed = limit < actions.len();
		for action in actions.into_iter().take(limit) {
			match action {
				Action::Journal(entry) => self.journal.push(entry),
				Action::KeepLosses(attempt, losses) => {
					self.files.insert(attempt, losses);
				}
				Action::DropLosses(attempt) => {
					self.files.remove(&attempt);
				}
				Action::Note(Note::Accused(_)) => {}
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
		self.state = State::new(ME, self.journal.clone(), self.files.clone());
	}

	fn block(&mut self, survives: Option<usize>) {
		let rounds = self.chain.rounds.values().cloned().collect();
		let accusations = self.chain.accusations.values().copied().collect();
		self.height += 1;
		let input = Input::Finalized { height: self.height, rounds, accusations };
		let actions = step(&mut self.state, input);
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
		let committing = |round: &&mut RoundView| matches!(round.phase, RoundPhase::Commit { .. });
		for round in self.chain.rounds.values_mut().filter(committing).filter(|round| round.is_committed) {
			round.phase = RoundPhase::Reveal { until: 1_000 };
		}
	}

	/// Somebody contests what was revealed, once a round.
	fn contest(&mut self) {
		for (id, round) in self.chain.rounds.iter_mut().filter(|(_, round)| round.is_revealed) {
			if !matches!(round.phase, RoundPhase::Contest { .. }) {
				round.phase = RoundPhase::Contest { until: 1_000 };
				let accusation = Accusation { dispute: 100 + id, round: *id, until: 1_000 };
				self.chain.accusations.insert(100 + id, accusation);
			}
		}
	}
}

proptest! {
	#[test]
	fn killing_anywhere_should_leave_each_call_effective_once_with_one_commitment(
		events in proptest::collection::vec((0u8..7, proptest::option::weighted(0.4, 0usize..4), any::<usize>()), 0..60),
		rounds in 1u64..4,
	) {
		let mut simulation = Simulation::new(rounds);
		for (event, survives, at) in events {
			match event {
				0 => simulation.block(survives),
				1 | 2 => simulation.deliver(survives),
				3 => simulation.chain.include(at),
				4 => simulation.open_reveals(),
				5 => simulation.contest(),
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
			simulation.contest();
		}
		let mut effective = simulation.chain.effective.clone();
		effective.sort();
		let mut expected: Vec<CallKey> = (1..=rounds).map(|r| CallKey::Commit(attempt(r))).collect();
		expected.extend((1..=rounds).map(|r| CallKey::Reveal(attempt(r))));
		expected.extend((1..=rounds).map(|r| CallKey::Open(100 + r)));
		prop_assert_eq!(effective, expected);
		for (round, commitments) in &simulation.sent {
			prop_assert_eq!(commitments.len(), 1, "round {} was committed to differently", round);
		}
		prop_assert_eq!(simulation.journal.len() as u64, rounds, "each round is measured into the journal once");
		// Once the rounds are settled, nothing of the losses is left on disk.
		simulation.chain.rounds.clear();
		simulation.block(None);
		prop_assert!(simulation.files.is_empty());
	}
}
