use super::*;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{BlockKind, Component, ContentFormat, NewBlock},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ME: AccountId = AccountId::new([7; 32]);
const MODEL: ModelId = 3;

fn blocks(tag: u8) -> NewBlocks {
	let block = NewBlock {
		component: Component::Backbone,
		kind: BlockKind::Update,
		parents: Default::default(),
		content: Cid { codec: CidCodec::Raw, digest: [tag; 32] },
		bytes: 1,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::repeat_byte(tag),
	};
	vec![block].try_into().unwrap()
}

fn id(tag: u8) -> BlockId {
	Block::from_new(MODEL, ME, blocks(tag)[0].clone()).id()
}

fn digests(jobs: usize) -> Vec<Hash> {
	(0..jobs).map(|job| Hash::repeat_byte(job as u8)).collect()
}

fn new(jobs: usize, journal: Vec<Entry>) -> State {
	State::new(ME, MODEL, 2, &digests(jobs), journal).unwrap()
}

fn finalized(height: BlockNumber, submission: Option<SubmissionView>) -> Input {
	Input::Finalized { height, submission }
}

fn view(round: SubmissionId, phase: Option<RoundPhase>, standing: BlockStanding) -> Option<SubmissionView> {
	Some(SubmissionView { round, standing, phase, medians: None })
}

fn closed(round: SubmissionId, verdict: Verdict) -> Option<SubmissionView> {
	view(round, Some(RoundPhase::Closed(verdict)), BlockStanding::Withdrawn)
}

fn trained(state: &mut State, job: JobNumber) -> Vec<Action> {
	step(state, Input::Trained { job, blocks: blocks(job as u8), manifest: Some(manifest(job as u8)) })
}

fn manifest(tag: u8) -> TrainingManifest {
	TrainingManifest {
		document: Cid { codec: CidCodec::Raw, digest: [tag; 32] },
		document_bytes: 1,
		document_hash: Hash::repeat_byte(tag),
		datasets: Default::default(),
		sequence: 1,
		batch: 1,
		steps: 1,
		seed: 0,
		batches_root: Hash::zero(),
	}
}

#[test]
fn step_should_journal_train_submit_and_go_on_when_accepted() {
	let mut state = new(2, vec![]);
	let began = Entry::Began { job: 0, digest: Hash::zero() };
	assert_eq!(step(&mut state, finalized(1, None)), [Action::Journal(began), Action::Train { job: 0 }]);
	assert_eq!(step(&mut state, finalized(2, None)), [], "training goes on");
	let entry = Entry::Trained { job: 0, blocks: ScaleHex(blocks(0)), manifest: Some(ScaleHex(manifest(0))) };
	assert_eq!(trained(&mut state, 0), [Action::Journal(entry)]);
	assert_eq!(state.watched(), Some(id(0)));
	assert_eq!(
		step(&mut state, finalized(3, None)),
		[Action::Submit { job: 0, blocks: blocks(0), manifest: Some(manifest(0)) }]
	);
	assert_eq!(step(&mut state, finalized(4, None)), [], "on its way");
	step(&mut state, Input::Returned { job: 0, is_refused: false });
	let open = view(9, Some(RoundPhase::AwaitingDraw), BlockStanding::Candidate);
	let submitted = Action::Note(Note::Submitted { job: 0, round: 9 });
	assert_eq!(step(&mut state, finalized(5, open.clone())), [submitted]);
	assert_eq!(step(&mut state, finalized(6, open)), []);
	let actions = step(&mut state, finalized(7, closed(9, Verdict::Accepted)));
	let outcome = Outcome::Accepted;
	assert_eq!(
		actions,
		[
			Action::Journal(Entry::Closed { job: 0, round: 9, outcome }),
			Action::Note(Note::Closed { job: 0, round: 9, outcome, medians: None }),
			Action::Journal(Entry::Began { job: 1, digest: Hash::repeat_byte(1) }),
			Action::Train { job: 1 },
		]
	);
}

#[test]
fn step_should_not_submit_what_the_chain_already_has_when_started_again() {
	let journal = vec![
		Entry::Began { job: 0, digest: Hash::zero() },
		Entry::Trained { job: 0, blocks: ScaleHex(blocks(0)), manifest: Some(ScaleHex(manifest(0))) },
	];
	let mut state = new(1, journal);
	let open = view(9, Some(RoundPhase::Commit { until: 5 }), BlockStanding::Candidate);
	assert_eq!(step(&mut state, finalized(1, open)), [Action::Note(Note::Submitted { job: 0, round: 9 })]);
}

#[test]
fn step_should_submit_again_after_no_verdict_as_often_as_allowed() {
	let mut state = new(1, vec![]);
	step(&mut state, finalized(1, None));
	trained(&mut state, 0);
	for round in 1..=3 {
		let submit = step(&mut state, finalized(2, None));
		assert!(matches!(submit.last(), Some(Action::Submit { .. })) || round > 1, "{submit:?}");
		step(&mut state, Input::Returned { job: 0, is_refused: false });
		let actions = step(&mut state, finalized(3, closed(round, Verdict::Inconclusive)));
		let is_last = round == 3;
		assert_eq!(
			actions.contains(&Action::Submit { job: 0, blocks: blocks(0), manifest: Some(manifest(0)) }),
			!is_last,
			"{actions:?}"
		);
		assert_eq!(actions.contains(&Action::Note(Note::GaveUp { job: 0 })), is_last);
		// The old round is not taken for the new submission.
		let again = step(&mut state, finalized(4, closed(round, Verdict::Inconclusive)));
		assert!(!again.iter().any(|action| matches!(action, Action::Note(Note::Closed { .. }))), "{again:?}");
		step(&mut state, Input::Returned { job: 0, is_refused: false });
	}
	assert!(state.is_settled());
}

#[test]
fn step_should_wait_before_it_submits_again_when_there_was_no_room() {
	let mut state = new(1, vec![]);
	step(&mut state, finalized(1, None));
	trained(&mut state, 0);
	step(&mut state, finalized(2, None));
	step(&mut state, Input::Returned { job: 0, is_refused: true });
	assert_eq!(step(&mut state, finalized(3, None)), []);
	assert!(matches!(&step(&mut state, finalized(2 + RETRY_BLOCKS, None))[..], [Action::Submit { .. }]));
}

#[test]
fn step_should_read_the_outcome_from_the_block_when_the_round_is_forgotten() {
	for (standing, outcome) in [
		(BlockStanding::Head { since: 1 }, Some(Outcome::Accepted)),
		(BlockStanding::Superseded { since: 1 }, Some(Outcome::Accepted)),
		(BlockStanding::Rejected, Some(Outcome::Rejected(None))),
		(BlockStanding::Withdrawn, Some(Outcome::Inconclusive)),
		(BlockStanding::Candidate, None),
	] {
		assert_eq!(view(1, None, standing).unwrap().outcome(), outcome);
	}
}

#[test]
fn state_should_refuse_a_journal_of_other_jobs() {
	let began = |job, byte| vec![Entry::Began { job, digest: Hash::repeat_byte(byte) }];
	let of = |journal| State::new(ME, MODEL, 2, &digests(1), journal).map(|_| ());
	assert_eq!(of(began(0, 9)), Err(JournalMismatch::JobChanged(0)));
	assert_eq!(of(began(1, 1)), Err(JournalMismatch::JobGone(1)));
	assert_eq!(of(began(0, 0)), Ok(()));
}

#[test]
fn step_should_say_once_that_all_is_settled() {
	let mut state = new(0, vec![]);
	assert_eq!(step(&mut state, finalized(1, None)), [Action::Note(Note::AllSettled)]);
	assert_eq!(step(&mut state, finalized(2, None)), []);
}

/// A chain that takes a block once, unless it was withdrawn, and takes calls late.
#[derive(Default)]
struct TestChain {
	blocks: BTreeMap<BlockId, SubmissionView>,
	pool: Vec<NewBlocks>,
	next: SubmissionId,
	taken: Vec<BlockId>,
}

impl TestChain {
	fn include(&mut self, at: usize) {
		if self.pool.is_empty() {
			return;
		}
		let submitted = self.pool.remove(at % self.pool.len());
		let block = Block::from_new(MODEL, ME, submitted[0].clone()).id();
		let is_free = self.blocks.get(&block).is_none_or(|view| view.standing == BlockStanding::Withdrawn);
		if is_free {
			self.next += 1;
			let phase = Some(RoundPhase::AwaitingDraw);
			let open = view(self.next, phase, BlockStanding::Candidate).unwrap();
			self.blocks.insert(block, open);
			self.taken.push(block);
		}
	}

	fn close(&mut self, verdict: Verdict) {
		for view in self.blocks.values_mut().filter(|view| view.standing == BlockStanding::Candidate) {
			view.phase = Some(RoundPhase::Closed(verdict));
			view.standing = match verdict {
				Verdict::Accepted => BlockStanding::Head { since: 1 },
				Verdict::Rejected(_) => BlockStanding::Rejected,
				Verdict::Inconclusive => BlockStanding::Withdrawn,
			};
		}
	}
}

struct Simulation {
	chain: TestChain,
	journal: Vec<Entry>,
	state: State,
	inputs: Vec<Input>,
	jobs: usize,
	/// Distinguishes results of the same job: each training ends with another manifest.
	tag: u8,
	verdicts: BTreeMap<JobNumber, Outcome>,
}

impl Simulation {
	fn new(jobs: usize) -> Self {
		Self {
			chain: TestChain::default(),
			journal: vec![],
			state: new(jobs, vec![]),
			inputs: vec![],
			jobs,
			tag: 0,
			verdicts: BTreeMap::new(),
		}
	}

	fn run(&mut self, actions: Vec<Action>, survives: Option<usize>) {
		let limit = survives.unwrap_or(actions.len());
		let is_killed = limit < actions.len();
		for action in actions.into_iter().take(limit) {
			match action {
				Action::Journal(entry) => {
					if let Entry::Closed { job, outcome, .. } = &entry {
						if *outcome != Outcome::Inconclusive {
							assert_eq!(self.verdicts.insert(*job, *outcome), None, "one verdict a job");
						}
					}
					self.journal.push(entry);
				}
				Action::Train { job } => {
					self.tag += 1;
					self.inputs.push(Input::Trained {
						job,
						blocks: blocks(self.tag),
						manifest: Some(manifest(self.tag)),
					});
				}
				Action::Submit { job, blocks, manifest } => {
					assert!(manifest.is_some(), "a manifest goes with its blocks");
					self.chain.pool.push(blocks);
					self.inputs.push(Input::Returned { job, is_refused: false });
				}
				Action::Note(_) => {}
			}
		}
		if is_killed {
			self.restart();
		}
	}

	fn restart(&mut self) {
		self.inputs.clear();
		self.state = new(self.jobs, self.journal.clone());
	}

	fn block(&mut self, survives: Option<usize>) {
		let submission = self.state.watched().and_then(|id| self.chain.blocks.get(&id).cloned());
		let actions = step(&mut self.state, finalized(1, submission));
		self.run(actions, survives);
	}

	fn deliver(&mut self, survives: Option<usize>) {
		if !self.inputs.is_empty() {
			let input = self.inputs.remove(0);
			let actions = step(&mut self.state, input);
			self.run(actions, survives);
		}
	}
}

proptest! {
	#[test]
	fn killing_anywhere_should_train_and_submit_each_job_once(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.4, 0usize..4), any::<usize>()), 0..60),
		jobs in 1usize..4,
	) {
		let mut simulation = Simulation::new(jobs);
		for (event, survives, at) in events {
			match event {
				0 => simulation.block(survives),
				1 | 2 => simulation.deliver(survives),
				3 => simulation.chain.include(at),
				4 => simulation.chain.close(Verdict::Accepted),
				_ => simulation.restart(),
			}
		}
		for _ in 0..60 {
			simulation.block(None);
			while !simulation.inputs.is_empty() {
				simulation.deliver(None);
			}
			while !simulation.chain.pool.is_empty() {
				simulation.chain.include(0);
			}
			simulation.chain.close(Verdict::Accepted);
		}
		prop_assert!(simulation.state.is_settled());
		prop_assert_eq!(simulation.verdicts.len(), jobs);
		let count = |wanted: fn(&Entry) -> bool| simulation.journal.iter().filter(|entry| wanted(entry)).count();
		prop_assert_eq!(count(|entry| matches!(entry, Entry::Trained { .. })), jobs, "trained once each");
		// What the chain took is what the journal says, each once.
		prop_assert_eq!(simulation.chain.taken.len(), jobs);
		let distinct: BTreeSet<BlockId> = simulation.chain.taken.iter().copied().collect();
		prop_assert_eq!(distinct.len(), jobs);
	}

	#[test]
	fn killing_anywhere_should_bound_resubmissions_when_there_never_is_a_verdict(
		events in proptest::collection::vec((0u8..6, proptest::option::weighted(0.3, 0usize..4), any::<usize>()), 0..80),
	) {
		let mut simulation = Simulation::new(1);
		let work = |simulation: &mut Simulation, event, survives, at| match event {
			0 => simulation.block(survives),
			1 | 2 => simulation.deliver(survives),
			3 => simulation.chain.include(at),
			4 => simulation.chain.close(Verdict::Inconclusive),
			_ => simulation.restart(),
		};
		for (event, survives, at) in events {
			work(&mut simulation, event, survives, at);
		}
		for _ in 0..60 {
			for event in [0, 1, 1, 1, 3, 4] {
				work(&mut simulation, event, None, 0);
			}
		}
		prop_assert!(simulation.state.is_settled());
		let closed = simulation.journal.iter().filter(|entry| matches!(entry, Entry::Closed { .. })).count();
		prop_assert_eq!(closed, 3, "the first submission and two more");
	}
}
