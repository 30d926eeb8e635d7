use super::*;
use blyan_primitives::learning::ShardLosses;
use proptest::prelude::*;

const ME: AccountId = AccountId::new([7; 32]);

fn duty(dispute: DisputeId) -> Duty {
	Duty { dispute, attempt: 0 }
}

fn view(dispute: DisputeId, stage: DisputeStage) -> DisputeView {
	let duty = duty(dispute);
	DisputeView { duty, round: 3, position: 2, stage, is_committed: false, is_revealed: false }
}

fn committing(until: BlockNumber) -> DisputeStage {
	DisputeStage::Commit { until }
}

fn exact(n: u8) -> RefereeFinding {
	RefereeFinding::Exact(ShardLosses { baseline: 9, candidate: n.into() })
}

fn computed(dispute: DisputeId, n: u8) -> Input {
	Input::Computed { duty: duty(dispute), finding: exact(n), salt: Hash::repeat_byte(n) }
}

fn finalized(height: BlockNumber, disputes: Vec<DisputeView>) -> Input {
	Input::Finalized { height, disputes }
}

fn new() -> State {
	State::new(ME, [])
}

#[test]
fn step_should_compute_the_dispute_with_the_nearest_deadline_one_at_a_time() {
	let mut state = new();
	let disputes = vec![view(1, committing(60)), view(2, committing(50))];
	assert_eq!(step(&mut state, finalized(1, disputes.clone())), [Action::Compute(disputes[1].clone())]);
	assert_eq!(step(&mut state, finalized(2, disputes.clone())), []);
	let actions = step(&mut state, computed(2, 1));
	assert!(
		matches!(&actions[..], [Action::Journal(_), Action::Send(_), Action::Compute(next)] if next == &disputes[0])
	);
}

#[test]
fn step_should_journal_before_it_commits_and_commit_to_the_same_after_a_restart() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(50))]));
	let actions = step(&mut state, computed(1, 4));
	let [Action::Journal(entry), Action::Send(Call::Commit { commitment, .. })] = &actions[..] else {
		panic!("{actions:?}")
	};
	assert_eq!(*commitment, learning::referee_commitment(&ME, 1, 0, &exact(4), &[4; 32]));
	let mut state = State::new(ME, [entry.clone()]);
	let again = step(&mut state, finalized(2, vec![view(1, committing(50))]));
	assert_eq!(again, [Action::Send(Call::Commit { duty: duty(1), commitment: *commitment })]);
	// Another result, of a computation that the crash cut off, changes nothing.
	assert_eq!(step(&mut state, computed(1, 5)), []);
}

#[test]
fn step_should_reveal_only_what_was_committed() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(50))]));
	step(&mut state, computed(1, 4));
	let reveal = |is_committed| DisputeView { is_committed, ..view(1, DisputeStage::Reveal { until: 60 }) };
	assert_eq!(step(&mut state, finalized(51, vec![reveal(false)])), []);
	let call = Call::Reveal { duty: duty(1), finding: exact(4), salt: Hash::repeat_byte(4) };
	assert_eq!(step(&mut state, finalized(52, vec![reveal(true)])), [Action::Send(call)]);
	step(&mut state, Input::Returned { call: CallKey::Reveal(duty(1)), is_final: false });
	let done = DisputeView { is_revealed: true, ..reveal(true) };
	assert_eq!(step(&mut state, finalized(53, vec![done])), []);
}

#[test]
fn step_should_be_unable_shortly_before_the_deadline_rather_than_absent() {
	let mut state = new();
	let at = |height| finalized(height, vec![view(1, committing(50))]);
	step(&mut state, at(1));
	step(&mut state, Input::ComputeFailed { duty: duty(1) });
	assert!(matches!(step(&mut state, at(2))[..], [Action::Compute(_)]), "tried again");
	step(&mut state, Input::ComputeFailed { duty: duty(1) });
	let actions = step(&mut state, at(50 - LAST_BLOCKS));
	assert_eq!(actions, [Action::Note(Note::Unable(duty(1))), Action::GiveUp(duty(1))]);
	let unable = Input::Computed { duty: duty(1), finding: RefereeFinding::Unable, salt: Hash::zero() };
	assert!(matches!(step(&mut state, unable)[..], [Action::Journal(_), Action::Send(Call::Commit { .. })]));
	assert_eq!(step(&mut state, computed(1, 4)), [], "what comes too late is none");
}

#[test]
fn step_should_give_up_what_waits_behind_another_and_try_once_what_is_drawn_late() {
	let mut state = new();
	let disputes = vec![view(1, committing(50)), view(2, committing(52))];
	step(&mut state, finalized(1, disputes.clone()));
	let actions = step(&mut state, finalized(52 - LAST_BLOCKS, disputes));
	assert!(actions.contains(&Action::GiveUp(duty(1))) && actions.contains(&Action::GiveUp(duty(2))));
	let late = step(&mut new(), finalized(49, vec![view(1, committing(50))]));
	assert!(matches!(late[..], [Action::Compute(_)]));
}

#[test]
fn step_should_say_once_what_was_missed_or_lost() {
	let mut state = new();
	let late = || finalized(50, vec![view(1, committing(50))]);
	assert_eq!(step(&mut state, late()), [Action::Note(Note::MissedCommit(duty(1)))]);
	assert_eq!(step(&mut state, late()), []);
	let reveal = |until| vec![DisputeView { is_committed: true, ..view(2, DisputeStage::Reveal { until }) }];
	assert_eq!(step(&mut new(), finalized(1, reveal(9))), [Action::Note(Note::FindingLost(duty(2)))]);
	assert_eq!(step(&mut new(), finalized(9, reveal(9))), [Action::Note(Note::MissedReveal(duty(2)))]);
}

#[test]
fn step_should_compute_anew_when_it_is_drawn_in_another_attempt() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(50))]));
	step(&mut state, computed(1, 1));
	let second = DisputeView { duty: Duty { dispute: 1, attempt: 1 }, ..view(1, committing(90)) };
	assert_eq!(step(&mut state, finalized(60, vec![second.clone()])), [Action::Compute(second)]);
}

#[test]
fn dispute_view_should_be_of_referees_alone() {
	let info = DisputeInfo {
		id: 8,
		round: 3,
		accused: AccountId::new([1; 32]),
		challenger: AccountId::new([2; 32]),
		bond: 0,
		position: 2,
		shard: Some(9),
		opened: None,
		attempt: 1,
		referees: vec![ME],
		committed: vec![ME],
		revealed: vec![],
		stage: DisputeStage::Reveal { until: 9 },
	};
	let view = DisputeView::of(&info, &ME).unwrap();
	assert_eq!(view.duty, Duty { dispute: 8, attempt: 1 });
	assert_eq!((view.position, view.is_committed, view.is_revealed), (2, true, false));
	assert_eq!(DisputeView::of(&info, &AccountId::new([1; 32])), None);
}

/// A chain that takes each call at most once, and late, as a pool does; with what outlives a crash.
struct Simulation {
	disputes: BTreeMap<DisputeId, DisputeView>,
	commitments: BTreeMap<DisputeId, Hash>,
	pool: Vec<Call>,
	effective: Vec<CallKey>,
	journal: Vec<Entry>,
	state: State,
	inputs: Vec<Input>,
	salt: u8,
	sent: BTreeMap<DisputeId, BTreeSet<Hash>>,
}

impl Simulation {
	fn new(disputes: DisputeId) -> Self {
		Self {
			disputes: (1..=disputes).map(|id| (id, view(id, committing(1_000)))).collect(),
			commitments: BTreeMap::new(),
			pool: vec![],
			effective: vec![],
			journal: vec![],
			state: new(),
			inputs: vec![],
			salt: 0,
			sent: BTreeMap::new(),
		}
	}

	fn include(&mut self, at: usize) {
		if self.pool.is_empty() {
			return;
		}
		let call = self.pool.remove(at % self.pool.len());
		let key = call.key();
		let dispute = self.disputes.get_mut(&key.duty().dispute).unwrap();
		match call {
			Call::Commit { duty, commitment } => {
				if matches!(dispute.stage, DisputeStage::Commit { .. }) && !dispute.is_committed {
					dispute.is_committed = true;
					self.commitments.insert(duty.dispute, commitment);
					self.effective.push(key);
				}
			}
			Call::Reveal { duty, finding, salt } => {
				if matches!(dispute.stage, DisputeStage::Reveal { .. })
					&& dispute.is_committed
					&& !dispute.is_revealed
				{
					let hash = learning::referee_commitment(&ME, duty.dispute, 0, &finding, &salt.0);
					assert_eq!(Some(&hash), self.commitments.get(&duty.dispute), "revealed something else");
					dispute.is_revealed = true;
					self.effective.push(key);
				}
			}
		}
	}

	/// Carries out actions until the process is killed, after `survives` of them.
	fn run(&mut self, actions: Vec<Action>, survives: Option<usize>) {
		let limit = survives.unwrap_or(actions.len());
		let is_killed = limit < actions.len();
		for action in actions.into_iter().take(limit) {
			match action {
				Action::Journal(entry) => self.journal.push(entry),
				Action::Compute(dispute) => {
					self.salt = self.salt.wrapping_add(1);
					self.inputs.push(computed(dispute.duty.dispute, self.salt));
				}
				Action::Send(call) => {
					if let Call::Commit { duty, commitment } = &call {
						self.sent.entry(duty.dispute).or_default().insert(*commitment);
					}
					self.inputs.push(Input::Returned { call: call.key(), is_final: false });
					self.pool.push(call);
				}
				Action::GiveUp(_) | Action::Note(_) => panic!("{action:?}"),
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
		let actions = step(&mut self.state, finalized(1, self.disputes.values().cloned().collect()));
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
		for dispute in self.disputes.values_mut().filter(|dispute| dispute.is_committed) {
			dispute.stage = DisputeStage::Reveal { until: 1_000 };
		}
	}
}

proptest! {
	#[test]
	fn killing_anywhere_should_leave_each_call_effective_once_with_one_commitment(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.4, 0usize..3), any::<usize>()), 0..60),
		disputes in 1u64..4,
	) {
		let mut simulation = Simulation::new(disputes);
		for (event, survives, at) in events {
			match event {
				0 => simulation.block(survives),
				1 | 2 => simulation.deliver(survives),
				3 => simulation.include(at),
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
			while !simulation.pool.is_empty() {
				simulation.include(0);
			}
			simulation.open_reveals();
		}
		let mut effective = simulation.effective.clone();
		effective.sort();
		let mut expected: Vec<CallKey> = (1..=disputes).map(|id| CallKey::Commit(duty(id))).collect();
		expected.extend((1..=disputes).map(|id| CallKey::Reveal(duty(id))));
		prop_assert_eq!(effective, expected);
		for (dispute, commitments) in &simulation.sent {
			prop_assert_eq!(commitments.len(), 1, "dispute {} was committed to differently", dispute);
		}
	}
}
