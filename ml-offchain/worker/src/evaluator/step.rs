//! What an evaluator does next: a pure function of its journal, the chain, and what just happened.
//!
//! ```text
//! finalized block ─┐
//! measurement ─────┼─> step(state, input) -> actions, to be carried out in their order
//! call returned ───┘
//! ```
//!
//! The chain is the authority on what took effect; the journal is the authority on what was found. A
//! commitment is made of the journalled finding and salt alone, so however often this worker is killed
//! and started, it commits to the same hash and reveals what it committed to. A call that may have been
//! sent before the crash is sent again: the chain takes the first and refuses the second.

use blyan_primitives::{
	api::{RoundInfo, RoundPhase},
	dag::{BlockId, Generation, ModelId, SubmissionId},
	learning::{self, Finding},
	AccountId, BlockNumber, Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Findings held in memory. The journal has them all.
const MAX_KEPT: usize = 4_096;

/// An attempt at a round: what a committee is drawn for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Attempt {
	/// The round.
	pub round: SubmissionId,
	/// How often it was restarted.
	pub attempt: u32,
}

impl std::fmt::Display for Attempt {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "round {} (attempt {})", self.round, self.attempt)
	}
}

/// A shard's losses, in the order drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardLoss {
	/// Its number in the pool.
	pub shard: u32,
	/// The baseline's loss, in nanobits.
	pub baseline: learning::NanoBits,
	/// The candidate's loss, in nanobits.
	pub candidate: learning::NanoBits,
}

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A measurement was finished.
	Found {
		/// Of what.
		attempt: Attempt,
		/// The candidate blocks, which the commitment is bound to.
		blocks: Vec<BlockId>,
		/// What came out.
		finding: Finding,
		/// Blinds the commitment until the reveal.
		salt: Hash,
		/// The losses behind the finding, for who contests it.
		losses: Vec<ShardLoss>,
	},
}

/// A round that this worker is drawn for, as the chain has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundView {
	/// Which, and which attempt.
	pub attempt: Attempt,
	/// The model.
	pub model: ModelId,
	/// The candidate blocks.
	pub blocks: Vec<BlockId>,
	/// The generation to measure against.
	pub baseline: Generation,
	/// The model's generation now. Where it has moved past the baseline, the round begins anew.
	pub current: Generation,
	/// What the shards are drawn from.
	pub seed: Hash,
	/// Where it stands.
	pub phase: RoundPhase,
	/// Whether the chain has this worker's commitment.
	pub is_committed: bool,
	/// Whether the chain has this worker's reveal.
	pub is_revealed: bool,
}

impl RoundView {
	/// The round from the point of view of `me`, or `None` if it is none of its business.
	pub fn of(round: &RoundInfo<AccountId>, current: Generation, me: &AccountId) -> Option<Self> {
		if !round.committee.contains(me) || matches!(round.phase, RoundPhase::Closed(_)) {
			return None;
		}
		Some(Self {
			attempt: Attempt { round: round.id, attempt: round.attempt },
			model: round.model,
			blocks: round.blocks.clone(),
			baseline: round.baseline?,
			current,
			seed: round.seed?,
			phase: round.phase,
			is_committed: round.committed.contains(me),
			is_revealed: round.revealed.contains(me),
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
		/// Every open round that this worker is drawn for.
		rounds: Vec<RoundView>,
	},
	/// A measurement is done.
	Measured {
		/// Of what.
		attempt: Attempt,
		/// The candidate blocks.
		blocks: Vec<BlockId>,
		/// What came out.
		finding: Finding,
		/// Fresh randomness.
		salt: Hash,
		/// The losses behind it.
		losses: Vec<ShardLoss>,
	},
	/// A measurement failed through no fault of the candidate.
	MeasureFailed {
		/// Of what.
		attempt: Attempt,
		/// Whether it may work another time.
		is_retryable: bool,
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
	Commit(Attempt),
	/// Its reveal.
	Reveal(Attempt),
}

/// A call to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
	/// Commit to a finding.
	Commit {
		/// Of what.
		attempt: Attempt,
		/// The hash.
		commitment: Hash,
	},
	/// Reveal it.
	Reveal {
		/// Of what.
		attempt: Attempt,
		/// What was found.
		finding: Finding,
		/// What blinded the commitment.
		salt: Hash,
	},
}

impl Call {
	/// Its name.
	pub fn key(&self) -> CallKey {
		match self {
			Self::Commit { attempt, .. } => CallKey::Commit(*attempt),
			Self::Reveal { attempt, .. } => CallKey::Reveal(*attempt),
		}
	}
}

/// Something a person may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
	/// The time to commit ran out before the measurement was done.
	MissedCommit(Attempt),
	/// The time to reveal ran out before the reveal was in a block.
	MissedReveal(Attempt),
	/// The chain has a commitment whose finding the journal does not know: it cannot be revealed.
	FindingLost(Attempt),
	/// The model has moved past the round's baseline: it will begin anew, and is not measured.
	BaselineMoved(Attempt),
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Fetch and measure, on a thread of its own; answer with `Measured` or `MeasureFailed`.
	Measure(RoundView),
	/// Send, without waiting; answer with `Returned`.
	Send(Call),
	/// Tell.
	Note(Note),
}

#[derive(Clone, Debug)]
struct Kept {
	finding: Finding,
	salt: Hash,
	commitment: Hash,
}

/// What an evaluator knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	/// From the journal; the newest attempt of each round is enough.
	kept: BTreeMap<SubmissionId, (Attempt, Kept)>,
	/// Rounds of the last finalized block.
	rounds: BTreeMap<SubmissionId, RoundView>,
	height: BlockNumber,
	/// One at a time: measuring uses every thread there is.
	measuring: Option<Attempt>,
	/// Attempts whose measurement will never work.
	given_up: BTreeSet<Attempt>,
	/// Calls under way.
	sent: BTreeSet<CallKey>,
	/// Calls that are of no use any more.
	over: BTreeSet<CallKey>,
	/// What was told already.
	told: BTreeSet<(u8, Attempt)>,
}

impl State {
	/// The state of `me` after what its journal says.
	pub fn new(me: AccountId, journal: impl IntoIterator<Item = Entry>) -> Self {
		let mut state = Self {
			me,
			kept: BTreeMap::new(),
			rounds: BTreeMap::new(),
			height: 0,
			measuring: None,
			given_up: BTreeSet::new(),
			sent: BTreeSet::new(),
			over: BTreeSet::new(),
			told: BTreeSet::new(),
		};
		for entry in journal {
			state.keep(&entry);
		}
		state
	}

	/// Whether calls are under way.
	pub fn has_calls(&self) -> bool {
		!self.sent.is_empty()
	}

	/// The first finding of an attempt stands: it may have been committed to.
	fn keep(&mut self, entry: &Entry) {
		let Entry::Found { attempt, blocks, finding, salt, .. } = entry;
		if self.kept(*attempt).is_some() {
			return;
		}
		let commitment =
			learning::commitment(&self.me, attempt.round, attempt.attempt, blocks, finding, &salt.0);
		let kept = Kept { finding: finding.clone(), salt: *salt, commitment };
		self.kept.insert(attempt.round, (*attempt, kept));
		// Rounds are numbered in the order of their submissions, so the oldest are over.
		while self.kept.len() > MAX_KEPT {
			self.kept.pop_first();
		}
	}

	fn kept(&self, attempt: Attempt) -> Option<&Kept> {
		self.kept.get(&attempt.round).filter(|(of, _)| *of == attempt).map(|(_, kept)| kept)
	}

	fn tell(&mut self, actions: &mut Vec<Action>, kind: u8, attempt: Attempt, note: Note) {
		if self.told.insert((kind, attempt)) {
			actions.push(Action::Note(note));
		}
	}

	fn send(&mut self, actions: &mut Vec<Action>, call: Call) {
		let key = call.key();
		if !self.over.contains(&key) && self.sent.insert(key) {
			actions.push(Action::Send(call));
		}
	}

	fn advance(&mut self) -> Vec<Action> {
		let mut actions = Vec::new();
		let mut by_deadline: Vec<RoundView> = self.rounds.values().cloned().collect();
		by_deadline.sort_by_key(|round| (deadline(round.phase), round.attempt));
		for round in by_deadline {
			match round.phase {
				RoundPhase::Commit { until } if !round.is_committed => {
					self.commit(&mut actions, round, until)
				}
				RoundPhase::Reveal { until } if round.is_committed && !round.is_revealed => {
					self.reveal(&mut actions, &round, until)
				}
				_ => {}
			}
		}
		actions
	}

	fn commit(&mut self, actions: &mut Vec<Action>, round: RoundView, until: BlockNumber) {
		let attempt = round.attempt;
		if self.height >= until {
			self.tell(actions, 0, attempt, Note::MissedCommit(attempt));
		} else if let Some(kept) = self.kept(attempt) {
			let commitment = kept.commitment;
			self.send(actions, Call::Commit { attempt, commitment });
		} else if round.current != round.baseline {
			self.tell(actions, 1, attempt, Note::BaselineMoved(attempt));
		} else if self.measuring.is_none() && !self.given_up.contains(&attempt) {
			self.measuring = Some(attempt);
			actions.push(Action::Measure(round));
		}
	}

	fn reveal(&mut self, actions: &mut Vec<Action>, round: &RoundView, until: BlockNumber) {
		let attempt = round.attempt;
		if self.height >= until {
			self.tell(actions, 2, attempt, Note::MissedReveal(attempt));
		} else if let Some(Kept { finding, salt, .. }) = self.kept(attempt) {
			let call = Call::Reveal { attempt, finding: finding.clone(), salt: *salt };
			self.send(actions, call);
		} else {
			self.tell(actions, 3, attempt, Note::FindingLost(attempt));
		}
	}

	/// Forgets what concerns attempts that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) {
		let Self { rounds, given_up, over, told, .. } = self;
		let is_open = |attempt: &Attempt| rounds.get(&attempt.round).is_some_and(|r| r.attempt == *attempt);
		given_up.retain(|attempt| is_open(attempt));
		told.retain(|(_, attempt)| is_open(attempt));
		over.retain(|(CallKey::Commit(attempt) | CallKey::Reveal(attempt))| is_open(attempt));
	}
}

fn deadline(phase: RoundPhase) -> BlockNumber {
	match phase {
		RoundPhase::Commit { until } | RoundPhase::Reveal { until } => until,
		RoundPhase::AwaitingDraw
		| RoundPhase::Contest { .. }
		| RoundPhase::Closed(_)
		| RoundPhase::Waiting
		| RoundPhase::AwaitingReplacement => BlockNumber::MAX,
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Finalized { height, rounds } => {
			state.height = height;
			state.rounds = rounds.into_iter().map(|round| (round.attempt.round, round)).collect();
			state.forget_closed();
			state.advance()
		}
		Input::Measured { attempt, blocks, finding, salt, losses } => {
			if state.measuring == Some(attempt) {
				state.measuring = None;
			}
			if state.kept(attempt).is_some() {
				return state.advance();
			}
			let entry = Entry::Found { attempt, blocks, finding, salt, losses };
			state.keep(&entry);
			let mut actions = vec![Action::Journal(entry)];
			actions.extend(state.advance());
			actions
		}
		Input::MeasureFailed { attempt, is_retryable } => {
			if state.measuring == Some(attempt) {
				state.measuring = None;
			}
			if !is_retryable {
				state.given_up.insert(attempt);
			}
			// Tried again with the next block, not at once.
			Vec::new()
		}
		Input::Returned { call, is_final } => {
			state.sent.remove(&call);
			if is_final {
				state.over.insert(call);
			}
			Vec::new()
		}
	}
}

#[cfg(test)]
mod tests;
