use super::*;
use crate::{auditor::manifests::Attempt, trainer::manifest::tests::manifest};
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	cid::{Cid, CidCodec},
	dag::SubmissionId,
	manifest::{self, ManifestFinding},
};
use proptest::prelude::*;

type Info = ManifestInfo<AccountId>;
type Call = super::Call<Attempt, ManifestFinding>;
type Entry = super::Entry<Attempt, ManifestFinding>;
type Input = super::Input<Info>;
type State = super::State<Info>;

const ME: AccountId = AccountId::new([7; 32]);
const MATCH: ManifestFinding = ManifestFinding::Match;

fn attempt(round: SubmissionId) -> Attempt {
	Attempt { round, attempt: 0 }
}

fn view(round: SubmissionId, stage: AuditStage) -> ManifestInfo<AccountId> {
	let document = Cid { codec: CidCodec::Raw, digest: [9; 32] };
	ManifestInfo {
		round,
		model: 0,
		trainer: AccountId::new([1; 32]),
		manifest: manifest().record(b"document", document).unwrap(),
		binding: Hash::zero(),
		dataset_bytes: vec![900],
		contributors: vec![],
		attempt: 0,
		sample: vec![1, 5],
		auditors: vec![ME],
		committed: vec![],
		revealed: vec![],
		stage,
	}
}

fn found(round: SubmissionId, salt: u8) -> Input {
	Input::Found { attempt: attempt(round), finding: MATCH, salt: Hash::repeat_byte(salt) }
}

fn finalized(height: BlockNumber, audits: Vec<ManifestInfo<AccountId>>) -> Input {
	Input::Finalized { height, audits }
}

fn committing(until: BlockNumber) -> AuditStage {
	AuditStage::Commit { until }
}

fn revealing(round: SubmissionId, until: BlockNumber) -> ManifestInfo<AccountId> {
	ManifestInfo { committed: vec![ME], ..view(round, AuditStage::Reveal { until }) }
}

fn new() -> State {
	State::new(ME, [])
}

#[test]
fn step_should_audit_what_is_due_first_and_one_at_a_time() {
	let mut state = new();
	let audits = vec![view(1, committing(30)), view(2, committing(20))];
	let first = Action::Audit(Box::new(audits[1].clone()));
	assert_eq!(step(&mut state, finalized(1, audits.clone())), [first]);
	assert_eq!(step(&mut state, finalized(2, audits.clone())), []);
	let actions = step(&mut state, found(2, 1));
	assert!(
		matches!(&actions[..], [Action::Journal(_), Action::Send(_), Action::Audit(next)] if next.round == 1)
	);
}

#[test]
fn step_should_audit_the_next_when_what_it_looks_at_is_over() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let next = Action::Audit(Box::new(view(2, committing(30))));
	assert_eq!(step(&mut state, finalized(21, vec![view(2, committing(30))])), [next]);
	// What comes of the first after all is kept, and is nothing to the second.
	assert!(matches!(&step(&mut state, found(1, 1))[..], [Action::Journal(_)]));
	assert_eq!(step(&mut state, finalized(22, vec![view(2, committing(30))])), []);
}

#[test]
fn step_should_journal_before_it_commits_and_commit_to_the_same_when_started_again() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	let actions = step(&mut state, found(1, 1));
	let [Action::Journal(entry), Action::Send(Call::Commit { commitment, .. })] = &actions[..] else {
		panic!("{actions:?}")
	};
	assert_eq!(*commitment, manifest::commitment(&ME, 1, 0, &MATCH, &[1; 32]));
	let mut state = State::new(ME, [entry.clone()]);
	let again = step(&mut state, finalized(2, vec![view(1, committing(20))]));
	assert_eq!(again, [Action::Send(Call::Commit { attempt: attempt(1), commitment: *commitment })]);
}

#[test]
fn step_should_reveal_what_it_committed_to_once() {
	let mut state = new();
	step(&mut state, finalized(1, vec![view(1, committing(20))]));
	step(&mut state, found(1, 1));
	let uncommitted = view(1, AuditStage::Reveal { until: 30 });
	assert_eq!(step(&mut state, finalized(21, vec![uncommitted])), []);
	let call = Call::Reveal { attempt: attempt(1), finding: MATCH, salt: Hash::repeat_byte(1) };
	assert_eq!(step(&mut state, finalized(22, vec![revealing(1, 30)])), [Action::Send(call)]);
	step(&mut state, Input::Returned { call: CallKey::Reveal(attempt(1)), is_final: false });
	let done = ManifestInfo { revealed: vec![(ME, MATCH)], ..revealing(1, 30) };
	assert_eq!(step(&mut state, finalized(23, vec![done])), []);
}

#[test]
fn step_should_not_send_again_what_is_under_way_or_of_no_use() {
	let mut state = new();
	let audits = || vec![view(1, committing(20))];
	step(&mut state, finalized(1, audits()));
	step(&mut state, found(1, 1));
	assert_eq!(step(&mut state, finalized(2, audits())), [], "under way");
	let commit = CallKey::Commit(attempt(1));
	step(&mut state, Input::Returned { call: commit, is_final: false });
	assert!(matches!(&step(&mut state, finalized(3, audits()))[..], [Action::Send(_)]), "tried again");
	step(&mut state, Input::Returned { call: commit, is_final: true });
	assert_eq!(step(&mut state, finalized(4, audits())), [], "of no use");
}

#[test]
fn step_should_say_once_what_was_missed_or_lost() {
	let mut state = new();
	let late = || finalized(20, vec![view(1, committing(20))]);
	assert_eq!(step(&mut state, late()), [Action::Note(Note::MissedCommit(attempt(1)))]);
	assert_eq!(step(&mut state, late()), []);
	let lost = step(&mut new(), finalized(1, vec![revealing(2, 9)]));
	assert_eq!(lost, [Action::Note(Note::FindingLost(attempt(2)))]);
	let missed = step(&mut new(), finalized(9, vec![revealing(2, 9)]));
	assert_eq!(missed, [Action::Note(Note::MissedReveal(attempt(2)))]);
}

#[test]
fn step_should_look_again_when_it_failed_or_others_are_drawn() {
	let mut state = new();
	let audits = || finalized(1, vec![view(1, committing(20))]);
	step(&mut state, audits());
	assert_eq!(step(&mut state, Input::Failed { attempt: attempt(1) }), [], "not at once");
	assert!(matches!(&step(&mut state, audits())[..], [Action::Audit(_)]));
	step(&mut state, found(1, 1));
	let restarted = ManifestInfo { attempt: 1, ..view(1, committing(40)) };
	let actions = step(&mut state, finalized(22, vec![restarted]));
	assert!(matches!(&actions[..], [Action::Audit(info)] if info.attempt == 1), "{actions:?}");
}

/// A chain that takes each call at most once, and late, as a pool does; and what is not lost by a crash.
struct Simulation {
	audits: BTreeMap<SubmissionId, ManifestInfo<AccountId>>,
	commitments: BTreeMap<SubmissionId, Hash>,
	pool: Vec<Call>,
	journal: Vec<Entry>,
	state: State,
	inputs: Vec<Input>,
	salt: u8,
	sent: BTreeMap<SubmissionId, BTreeSet<Hash>>,
}

impl Simulation {
	fn new(rounds: SubmissionId) -> Self {
		let audits = (1..=rounds).map(|round| (round, view(round, committing(1_000)))).collect();
		Self {
			audits,
			commitments: BTreeMap::new(),
			pool: vec![],
			journal: vec![],
			state: new(),
			inputs: vec![],
			salt: 0,
			sent: BTreeMap::new(),
		}
	}

	/// Takes one call out of the pool.
	fn include(&mut self, at: usize) {
		if self.pool.is_empty() {
			return;
		}
		match self.pool.remove(at % self.pool.len()) {
			Call::Commit { attempt, commitment } => {
				let info = self.audits.get_mut(&attempt.round).unwrap();
				if matches!(info.stage, AuditStage::Commit { .. }) && info.committed.is_empty() {
					info.committed.push(ME);
					self.commitments.insert(attempt.round, commitment);
				}
			}
			Call::Reveal { attempt, finding, salt } => {
				let info = self.audits.get_mut(&attempt.round).unwrap();
				let is_open = matches!(info.stage, AuditStage::Reveal { .. });
				if is_open && !info.committed.is_empty() && info.revealed.is_empty() {
					let hash = manifest::commitment(&ME, attempt.round, 0, &finding, &salt.0);
					assert_eq!(Some(&hash), self.commitments.get(&attempt.round), "revealed something else");
					info.revealed.push((ME, finding));
				}
			}
		}
	}

	/// Carries out actions until the process is killed, after `survives` of them.
	fn run(&mut self, input: Input, survives: Option<usize>) {
		let actions = step(&mut self.state, input);
		let limit = survives.unwrap_or(actions.len());
		let is_killed = limit < actions.len();
		for action in actions.into_iter().take(limit) {
			match action {
				Action::Journal(entry) => self.journal.push(entry),
				Action::Audit(info) => {
					self.salt = self.salt.wrapping_add(1);
					self.inputs.push(found(info.round, self.salt));
				}
				Action::Send(call) => {
					if let Call::Commit { attempt, commitment } = &call {
						self.sent.entry(attempt.round).or_default().insert(*commitment);
					}
					self.inputs.push(Input::Returned { call: call.key(), is_final: false });
					self.pool.push(call);
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
		let audits = self.audits.values().cloned().collect();
		self.run(finalized(1, audits), survives);
	}

	fn deliver(&mut self, survives: Option<usize>) {
		if !self.inputs.is_empty() {
			let input = self.inputs.remove(0);
			self.run(input, survives);
		}
	}

	fn open_reveals(&mut self) {
		for info in self.audits.values_mut().filter(|info| !info.committed.is_empty()) {
			info.stage = AuditStage::Reveal { until: 1_000 };
		}
	}
}

proptest! {
	#[test]
	fn killing_anywhere_should_leave_one_commitment_and_one_reveal(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.4, 0usize..3), any::<usize>()), 0..60),
		rounds in 1u64..4,
	) {
		let mut simulation = Simulation::new(rounds);
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
		prop_assert!(simulation.audits.values().all(|info| info.revealed == [(ME, MATCH)]));
		prop_assert!(simulation.sent.values().all(|commitments| commitments.len() == 1));
		prop_assert_eq!(simulation.journal.len() as u64, rounds, "each is looked at into the journal once");
	}
}
