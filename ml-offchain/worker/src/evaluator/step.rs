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

use crate::once::Calls;
use blyan_primitives::{
	api::{DisputeInfo, DisputeStage, RoundInfo, RoundPhase},
	dag::{BlockId, Generation, ModelId, SubmissionId},
	learning::{self, DisputeId, Finding, ShardLosses},
	merkle, AccountId, BlockNumber, Hash,
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
	/// A measurement was finished. The losses behind it are in a file of their own, see [`KeptLosses`].
	Found {
		/// Of what.
		attempt: Attempt,
		/// The candidate blocks, which the commitment is bound to.
		blocks: Vec<BlockId>,
		/// What came out.
		finding: Finding,
		/// Blinds the commitment until the reveal.
		salt: Hash,
		/// The losses behind the finding, in entries of former versions.
		#[serde(default, skip_serializing_if = "Vec::is_empty")]
		losses: Vec<ShardLoss>,
	},
}

/// The losses behind a finding, kept until the round is settled: whoever contests it may have them opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptLosses {
	/// The newest finalized block when they were measured. The round was open in it.
	pub found_at: BlockNumber,
	/// In the order drawn.
	pub losses: Vec<ShardLoss>,
}

/// A dispute in which this worker has to open its losses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Accusation {
	/// Which.
	pub dispute: DisputeId,
	/// The round whose finding is contested.
	pub round: SubmissionId,
	/// The last block in which the opening is taken.
	pub until: BlockNumber,
}

impl Accusation {
	/// What a dispute asks of `me`, or `None` if there is nothing to open.
	pub fn of(dispute: &DisputeInfo<AccountId>, me: &AccountId) -> Option<Self> {
		match dispute.stage {
			DisputeStage::AwaitingOpening { until } if dispute.accused == *me => {
				Some(Self { dispute: dispute.id, round: dispute.round, until })
			}
			_ => None,
		}
	}
}

/// A round that this worker is drawn for, as the chain has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundView {
	/// Which, and which attempt.
	pub attempt: Attempt,
	/// The model.
	pub model: ModelId,
	/// Who submitted it.
	pub trainer: AccountId,
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
		round.committee.contains(me).then(|| Self::drawn(round, current, me))?
	}

	/// The same for any account, or `None` if there is nothing to measure: it is not drawn, or closed.
	pub fn drawn(round: &RoundInfo<AccountId>, current: Generation, me: &AccountId) -> Option<Self> {
		if matches!(round.phase, RoundPhase::Closed(_)) {
			return None;
		}
		Some(Self {
			attempt: Attempt { round: round.id, attempt: round.attempt },
			model: round.model,
			trainer: round.trainer.clone(),
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
		/// Every dispute in which it has to open its losses.
		accusations: Vec<Accusation>,
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
	/// The opening of the losses behind it.
	Open(DisputeId),
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
	/// Open the losses of every shard.
	Open {
		/// In which dispute.
		dispute: DisputeId,
		/// In the order drawn.
		losses: Vec<ShardLosses>,
	},
}

impl Call {
	/// Its name.
	pub fn key(&self) -> CallKey {
		match self {
			Self::Commit { attempt, .. } => CallKey::Commit(*attempt),
			Self::Reveal { attempt, .. } => CallKey::Reveal(*attempt),
			Self::Open { dispute, .. } => CallKey::Open(*dispute),
		}
	}
}

/// Something a person may want to know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note {
	/// The time to commit ran out before the measurement was done.
	MissedCommit(Attempt),
	/// The time to reveal ran out before the reveal was in a block.
	MissedReveal(Attempt),
	/// The chain has a commitment whose finding the journal does not know: it cannot be revealed.
	FindingLost(Attempt),
	/// The model has moved past the round's baseline: it will begin anew, and is not measured.
	BaselineMoved(Attempt),
	/// Somebody contests what this worker found.
	Accused(Accusation),
	/// The losses that have to be opened are not on disk, or not those that were reported.
	LossesLost(Accusation),
	/// The time to open ran out before the opening was in a block.
	MissedOpening(Accusation),
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Keep the losses in a file, durably; in place of what is kept of the same attempt.
	KeepLosses(Attempt, KeptLosses),
	/// Write it down, durably.
	Journal(Entry),
	/// Remove that file, if it is there.
	DropLosses(Attempt),
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

impl Kept {
	/// Whether these are the losses that were reported.
	fn is_of(&self, losses: &[ShardLoss]) -> bool {
		let leaf = |(place, loss): (u32, &ShardLoss)| {
			merkle::leaf(place, &(loss.shard, loss.baseline, loss.candidate))
		};
		let leaves: Vec<Hash> = (0u32..).zip(losses).map(leaf).collect();
		matches!(&self.finding, Finding::Measured(report) if report.losses_root == merkle::root(&leaves))
	}
}

/// What an evaluator knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	/// From the journal; the newest attempt of each round is enough.
	kept: BTreeMap<SubmissionId, (Attempt, Kept)>,
	/// From their files; of rounds that are not settled.
	losses: BTreeMap<Attempt, KeptLosses>,
	/// Disputes of the last finalized block in which this worker has to open its losses.
	accusations: BTreeMap<DisputeId, Accusation>,
	/// Rounds of the last finalized block.
	rounds: BTreeMap<SubmissionId, RoundView>,
	height: BlockNumber,
	/// One at a time: measuring uses every thread there is.
	measuring: Option<Attempt>,
	/// Attempts whose measurement will never work.
	given_up: BTreeSet<Attempt>,
	calls: Calls<CallKey>,
	/// What was told already.
	told: BTreeSet<Note>,
}

impl State {
	/// The state of `me` after what its journal and its files of losses say.
	pub fn new(
		me: AccountId,
		journal: impl IntoIterator<Item = Entry>,
		losses: impl IntoIterator<Item = (Attempt, KeptLosses)>,
	) -> Self {
		let mut state = Self {
			me,
			kept: BTreeMap::new(),
			losses: losses.into_iter().collect(),
			accusations: BTreeMap::new(),
			rounds: BTreeMap::new(),
			height: 0,
			measuring: None,
			given_up: BTreeSet::new(),
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

	/// The losses behind what this worker found in an attempt, while the round is not settled.
	pub fn losses_of(&self, attempt: Attempt) -> Option<&[ShardLoss]> {
		let kept = self.kept(attempt)?;
		let losses = self.losses.get(&attempt)?;
		kept.is_of(&losses.losses).then_some(&losses.losses)
	}

	/// The first finding of an attempt stands: it may have been committed to.
	fn keep(&mut self, entry: &Entry) {
		let Entry::Found { attempt, blocks, finding, salt, losses } = entry;
		if self.kept(*attempt).is_some() {
			return;
		}
		if !losses.is_empty() {
			let losses = KeptLosses { found_at: 0, losses: losses.clone() };
			self.losses.entry(*attempt).or_insert(losses);
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
		let accusations: Vec<Accusation> = self.accusations.values().copied().collect();
		for accusation in accusations {
			self.open(&mut actions, accusation);
		}
		actions
	}

	fn open(&mut self, actions: &mut Vec<Action>, accusation: Accusation) {
		let Accusation { dispute, round, until } = accusation;
		let attempt = self.kept.get(&round).map(|(attempt, _)| *attempt);
		let losses = attempt.and_then(|attempt| self.losses_of(attempt)).map(|losses| {
			let of = |loss: &ShardLoss| ShardLosses { baseline: loss.baseline, candidate: loss.candidate };
			losses.iter().map(of).collect::<Vec<_>>()
		});
		self.tell(actions, Note::Accused(accusation));
		match losses {
			_ if self.height >= until => self.tell(actions, Note::MissedOpening(accusation)),
			Some(losses) => self.send(actions, Call::Open { dispute, losses }),
			None => self.tell(actions, Note::LossesLost(accusation)),
		}
	}

	fn commit(&mut self, actions: &mut Vec<Action>, round: RoundView, until: BlockNumber) {
		let attempt = round.attempt;
		if self.height >= until {
			self.tell(actions, Note::MissedCommit(attempt));
		} else if let Some(kept) = self.kept(attempt) {
			let commitment = kept.commitment;
			self.send(actions, Call::Commit { attempt, commitment });
		} else if round.current != round.baseline {
			self.tell(actions, Note::BaselineMoved(attempt));
		} else if self.measuring.is_none() && !self.given_up.contains(&attempt) {
			self.measuring = Some(attempt);
			actions.push(Action::Measure(round));
		}
	}

	fn reveal(&mut self, actions: &mut Vec<Action>, round: &RoundView, until: BlockNumber) {
		let attempt = round.attempt;
		if self.height >= until {
			self.tell(actions, Note::MissedReveal(attempt));
		} else if let Some(Kept { finding, salt, .. }) = self.kept(attempt) {
			let call = Call::Reveal { attempt, finding: finding.clone(), salt: *salt };
			self.send(actions, call);
		} else {
			self.tell(actions, Note::FindingLost(attempt));
		}
	}

	/// Forgets what concerns attempts and disputes that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) -> Vec<Action> {
		let Self { rounds, accusations, given_up, calls, told, losses, height, .. } = self;
		let is_open = |attempt: &Attempt| rounds.get(&attempt.round).is_some_and(|r| r.attempt == *attempt);
		given_up.retain(|attempt| is_open(attempt));
		told.retain(|note| match note {
			Note::MissedCommit(attempt)
			| Note::MissedReveal(attempt)
			| Note::FindingLost(attempt)
			| Note::BaselineMoved(attempt) => is_open(attempt),
			Note::Accused(of) | Note::LossesLost(of) | Note::MissedOpening(of) => {
				accusations.contains_key(&of.dispute)
			}
		});
		calls.observed(|key| match key {
			CallKey::Commit(attempt) | CallKey::Reveal(attempt) => is_open(attempt),
			CallKey::Open(dispute) => accusations.contains_key(dispute),
		});
		// A node that lags behind does not know yet what was open when they were measured.
		let is_over = |attempt: &Attempt, kept: &KeptLosses| *height > kept.found_at && !is_open(attempt);
		let settled: Vec<Attempt> = losses
			.iter()
			.filter(|(attempt, kept)| is_over(attempt, kept))
			.map(|(attempt, _)| *attempt)
			.collect();
		losses.retain(|attempt, _| !settled.contains(attempt));
		settled.into_iter().map(Action::DropLosses).collect()
	}
}

fn deadline(phase: RoundPhase) -> BlockNumber {
	match phase {
		RoundPhase::Commit { until } | RoundPhase::Reveal { until } => until,
		RoundPhase::AwaitingDraw
		| RoundPhase::Opening { .. }
		| RoundPhase::Contest { .. }
		| RoundPhase::Closed(_)
		| RoundPhase::Waiting
		| RoundPhase::AwaitingReplacement => BlockNumber::MAX,
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Finalized { height, rounds, accusations } => {
			state.height = height;
			state.rounds = rounds.into_iter().map(|round| (round.attempt.round, round)).collect();
			state.accusations = accusations.into_iter().map(|of| (of.dispute, of)).collect();
			let mut actions = state.forget_closed();
			actions.extend(state.advance());
			actions
		}
		Input::Measured { attempt, blocks, finding, salt, losses } => {
			if state.measuring == Some(attempt) {
				state.measuring = None;
			}
			if state.kept(attempt).is_some() {
				return state.advance();
			}
			let entry = Entry::Found { attempt, blocks, finding, salt, losses: Vec::new() };
			state.keep(&entry);
			let mut actions = Vec::new();
			if !losses.is_empty() {
				// First: a finding that is written down stands, and its losses with it.
				let kept = KeptLosses { found_at: state.height, losses };
				state.losses.insert(attempt, kept.clone());
				actions.push(Action::KeepLosses(attempt, kept));
			}
			actions.push(Action::Journal(entry));
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
			state.calls.returned(call, is_final);
			Vec::new()
		}
	}
}

#[cfg(test)]
mod tests;
