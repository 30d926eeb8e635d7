//! What a referee does next: a pure function of its journal, the chain, and what just happened.
//!
//! As [`crate::evaluator::step`], whose rules hold here too: the chain is the authority on what took effect, and the
//! journal on what was found. A commitment is made of the journalled finding and salt alone.

use crate::once::Calls;
use blyan_primitives::{
	api::{DisputeInfo, DisputeStage},
	dag::SubmissionId,
	learning::{self, DisputeId, RefereeFinding},
	AccountId, BlockNumber, Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Findings held in memory. The journal has them all.
const MAX_KEPT: usize = 4_096;
/// Blocks before the deadline in which a referee that has nothing yet says that it is unable to: not to commit is a
/// fault, and a commitment takes some blocks.
pub const LAST_BLOCKS: BlockNumber = 6;

/// An attempt at a dispute: what referees are drawn for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Duty {
	/// The dispute.
	pub dispute: DisputeId,
	/// How often referees were drawn in vain.
	pub attempt: u32,
}

impl std::fmt::Display for Duty {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "dispute {} (attempt {})", self.dispute, self.attempt)
	}
}

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// The contested shard was run, or cannot be.
	Found {
		/// Of what.
		duty: Duty,
		/// What came out.
		finding: RefereeFinding,
		/// Blinds the commitment until the reveal.
		salt: Hash,
	},
}

/// A dispute that this worker is a referee of, as the chain has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputeView {
	/// Which, and which attempt.
	pub duty: Duty,
	/// The round whose finding is contested.
	pub round: SubmissionId,
	/// Which of the shards drawn for the round, counted from 0.
	pub position: u32,
	/// Where it stands.
	pub stage: DisputeStage,
	/// Whether the chain has this worker's commitment.
	pub is_committed: bool,
	/// Whether the chain has this worker's reveal.
	pub is_revealed: bool,
}

impl DisputeView {
	/// The dispute from the point of view of `me`, or `None` if it is no referee of it.
	pub fn of(dispute: &DisputeInfo<AccountId>, me: &AccountId) -> Option<Self> {
		dispute.referees.contains(me).then(|| Self {
			duty: Duty { dispute: dispute.id, attempt: dispute.attempt },
			round: dispute.round,
			position: dispute.position,
			stage: dispute.stage,
			is_committed: dispute.committed.contains(me),
			is_revealed: dispute.revealed.contains(me),
		})
	}
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// A block was finalized, and this is how things stand in it.
	Finalized {
		/// Its height.
		height: BlockNumber,
		/// Every open dispute that this worker is a referee of.
		disputes: Vec<DisputeView>,
	},
	/// The shard was run, or never can be.
	Computed {
		/// Of what.
		duty: Duty,
		/// What came out.
		finding: RefereeFinding,
		/// Fresh randomness.
		salt: Hash,
	},
	/// Running it failed, and may work another time.
	ComputeFailed {
		/// Of what.
		duty: Duty,
	},
	/// A call returned.
	Returned {
		/// Which.
		call: CallKey,
		/// Whether sending the same again is of any use.
		is_final: bool,
	},
}

/// Names a call that the chain takes at most once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CallKey {
	/// The commitment to an attempt's finding.
	Commit(Duty),
	/// Its reveal.
	Reveal(Duty),
}

impl CallKey {
	fn duty(&self) -> &Duty {
		match self {
			Self::Commit(duty) | Self::Reveal(duty) => duty,
		}
	}
}

/// A call to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
	/// Commit to a finding.
	Commit {
		/// Of what.
		duty: Duty,
		/// The hash.
		commitment: Hash,
	},
	/// Reveal it.
	Reveal {
		/// Of what.
		duty: Duty,
		/// What was found.
		finding: RefereeFinding,
		/// What blinded the commitment.
		salt: Hash,
	},
}

impl Call {
	/// Its name.
	pub fn key(&self) -> CallKey {
		match self {
			Self::Commit { duty, .. } => CallKey::Commit(*duty),
			Self::Reveal { duty, .. } => CallKey::Reveal(*duty),
		}
	}
}

/// Something a person may want to know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note {
	/// The time to commit ran out.
	MissedCommit(Duty),
	/// The time to reveal ran out before the reveal was in a block.
	MissedReveal(Duty),
	/// The chain has a commitment whose finding the journal does not know: it cannot be revealed.
	FindingLost(Duty),
	/// The time to commit is nearly over, and there is nothing to commit to but that.
	Unable(Duty),
}

impl Note {
	fn duty(&self) -> &Duty {
		match self {
			Self::MissedCommit(duty)
			| Self::MissedReveal(duty)
			| Self::FindingLost(duty)
			| Self::Unable(duty) => duty,
		}
	}
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Fetch and run the shard on the reference evaluator; answer with `Computed` or `ComputeFailed`.
	Compute(DisputeView),
	/// Answer with `Computed`, unable.
	GiveUp(Duty),
	/// Send, without waiting; answer with `Returned`.
	Send(Call),
	/// Tell.
	Note(Note),
}

#[derive(Clone, Debug)]
struct Kept {
	duty: Duty,
	finding: RefereeFinding,
	salt: Hash,
	commitment: Hash,
}

/// What a referee knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	/// From the journal; the newest attempt of each dispute is enough.
	kept: BTreeMap<DisputeId, Kept>,
	/// Disputes of the last finalized block.
	disputes: BTreeMap<DisputeId, DisputeView>,
	height: BlockNumber,
	/// One at a time.
	computing: Option<Duty>,
	/// What was tried once.
	tried: BTreeSet<Duty>,
	calls: Calls<CallKey>,
	/// What was told already.
	told: BTreeSet<Note>,
}

impl State {
	/// The state of `me` after what its journal says.
	pub fn new(me: AccountId, journal: impl IntoIterator<Item = Entry>) -> Self {
		let mut state = Self {
			me,
			kept: BTreeMap::new(),
			disputes: BTreeMap::new(),
			height: 0,
			computing: None,
			tried: BTreeSet::new(),
			calls: Calls::default(),
			told: BTreeSet::new(),
		};
		for entry in journal {
			state.keep(&entry);
		}
		state
	}

	/// Whether calls are under way.
	pub fn has_calls(&self) -> bool {
		self.calls.is_under_way()
	}

	/// The first finding of an attempt stands: it may have been committed to.
	fn keep(&mut self, entry: &Entry) {
		let Entry::Found { duty, finding, salt } = entry;
		if self.kept(*duty).is_some() {
			return;
		}
		let commitment = learning::referee_commitment(&self.me, duty.dispute, duty.attempt, finding, &salt.0);
		let kept = Kept { duty: *duty, finding: *finding, salt: *salt, commitment };
		self.kept.insert(duty.dispute, kept);
		// Disputes are numbered in sequence, so the oldest are over.
		while self.kept.len() > MAX_KEPT {
			self.kept.pop_first();
		}
	}

	fn kept(&self, duty: Duty) -> Option<&Kept> {
		self.kept.get(&duty.dispute).filter(|kept| kept.duty == duty)
	}

	fn tell(&mut self, actions: &mut Vec<Action>, note: Note) {
		if self.told.insert(note) {
			actions.push(Action::Note(note));
		}
	}

	fn send(&mut self, actions: &mut Vec<Action>, call: Call) {
		let key = call.key();
		if self.calls.start(key) {
			actions.push(Action::Send(call));
		}
	}

	fn advance(&mut self) -> Vec<Action> {
		let mut actions = Vec::new();
		let mut by_deadline: Vec<DisputeView> = self.disputes.values().cloned().collect();
		by_deadline.sort_by_key(|dispute| (deadline(dispute.stage), dispute.duty));
		for dispute in by_deadline {
			match dispute.stage {
				DisputeStage::Commit { until } if !dispute.is_committed => {
					self.commit(&mut actions, dispute, until)
				}
				DisputeStage::Reveal { until } if dispute.is_committed && !dispute.is_revealed => {
					self.reveal(&mut actions, dispute.duty, until)
				}
				_ => {}
			}
		}
		actions
	}

	fn commit(&mut self, actions: &mut Vec<Action>, dispute: DisputeView, until: BlockNumber) {
		let duty = dispute.duty;
		if self.height >= until {
			self.tell(actions, Note::MissedCommit(duty));
		} else if let Some(kept) = self.kept(duty) {
			let commitment = kept.commitment;
			self.send(actions, Call::Commit { duty, commitment });
		} else if self.height.saturating_add(LAST_BLOCKS) >= until
			&& (self.tried.contains(&duty) || self.computing.is_some())
		{
			self.tell(actions, Note::Unable(duty));
			actions.push(Action::GiveUp(duty));
		} else if self.computing.is_none() {
			self.computing = Some(duty);
			self.tried.insert(duty);
			actions.push(Action::Compute(dispute));
		}
	}

	fn reveal(&mut self, actions: &mut Vec<Action>, duty: Duty, until: BlockNumber) {
		if self.height >= until {
			self.tell(actions, Note::MissedReveal(duty));
		} else if let Some(Kept { finding, salt, .. }) = self.kept(duty) {
			let call = Call::Reveal { duty, finding: *finding, salt: *salt };
			self.send(actions, call);
		} else {
			self.tell(actions, Note::FindingLost(duty));
		}
	}

	/// Forgets what concerns attempts that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) {
		let Self { disputes, tried, calls, told, .. } = self;
		let is_open = |duty: &Duty| disputes.get(&duty.dispute).is_some_and(|d| d.duty == *duty);
		tried.retain(is_open);
		told.retain(|note| is_open(note.duty()));
		calls.observed(|call| is_open(call.duty()));
	}
}

fn deadline(stage: DisputeStage) -> BlockNumber {
	match stage {
		DisputeStage::Commit { until } | DisputeStage::Reveal { until } => until,
		DisputeStage::AwaitingOpening { .. } | DisputeStage::AwaitingReferees => BlockNumber::MAX,
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Finalized { height, disputes } => {
			state.height = height;
			state.disputes = disputes.into_iter().map(|dispute| (dispute.duty.dispute, dispute)).collect();
			state.forget_closed();
			state.advance()
		}
		Input::Computed { duty, finding, salt } => {
			if state.computing == Some(duty) {
				state.computing = None;
			}
			if state.kept(duty).is_some() {
				return state.advance();
			}
			let entry = Entry::Found { duty, finding, salt };
			state.keep(&entry);
			let mut actions = vec![Action::Journal(entry)];
			actions.extend(state.advance());
			actions
		}
		Input::ComputeFailed { duty } => {
			if state.computing == Some(duty) {
				state.computing = None;
			}
			// Tried again with the next block, not at once.
			Vec::new()
		}
		Input::Returned { call, is_final } => {
			state.calls.returned(call, is_final);
			Vec::new()
		}
	}
}

#[cfg(test)]
mod tests;
