//! What a watcher does next: a pure function of its journal, the chain, and what just happened.
//!
//! ```text
//! report outside the tolerance of own losses ─> check: own losses of that shard against the reference evaluator
//!                                                    │ they are right
//!                                                    v
//!                                       journal ─> contest, within the ceiling of bonds
//! ```
//!
//! A contest holds a bond, and a second one of the same finding would hold another. So a contest that is in the journal
//! is sent again only where it is known not to have been sent: after a crash in between, a person is told.

use crate::{
	evaluator::step::{Attempt, RoundView, ShardLoss},
	watch::suspicion::{suspicion, Suspicion},
};
use blyan_primitives::{
	api::RoundPhase,
	dag::SubmissionId,
	learning::{Finding, Gate, NanoBits, RefereeFinding, ShardLosses, ValidationPool},
	AccountId, Balance, BlockNumber,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks before the end of the contest phase in which nothing is contested any more: it would come too late.
pub const LAST_BLOCKS: BlockNumber = 1;

/// A finding: whose, of which attempt at a round.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Suspect {
	/// Of what.
	pub attempt: Attempt,
	/// Whose.
	pub evaluator: AccountId,
}

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A finding will be contested.
	Contesting {
		/// Which.
		suspect: Suspect,
		/// At which of the shards drawn for the round.
		position: u32,
	},
}

/// A round that can be watched: drawn, and not settled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchedRound {
	/// The round.
	pub round: RoundView,
	/// What it is measured on.
	pub pool: ValidationPool,
	/// By what.
	pub gate: Gate,
	/// What was revealed of it so far, but for this worker's own.
	pub findings: Vec<(AccountId, Finding)>,
	/// What it takes to contest one of them, by whose it is; of those that are not there yet, nothing is contested.
	pub bonds: BTreeMap<AccountId, Balance>,
	/// The losses that this worker measured as an evaluator.
	pub own: Option<Vec<ShardLoss>>,
}

/// An open dispute that this account began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnDispute {
	/// On which round.
	pub round: SubmissionId,
	/// Whose finding.
	pub accused: AccountId,
	/// What is held.
	pub bond: Balance,
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// A block was finalized, and this is how things stand in it.
	Finalized {
		/// Its height.
		height: BlockNumber,
		/// Every round that can be watched.
		rounds: Vec<WatchedRound>,
		/// The open disputes that this account began.
		disputes: Vec<OwnDispute>,
		/// What this account can hold.
		free: Balance,
	},
	/// A measurement is done: the losses in the order drawn, none if there is nothing to measure.
	Measured {
		/// Of what.
		attempt: Attempt,
		/// What came out.
		losses: Vec<ShardLoss>,
	},
	/// A measurement failed.
	MeasureFailed {
		/// Of what.
		attempt: Attempt,
		/// Whether it may work another time.
		is_retryable: bool,
	},
	/// A shard was run on the reference evaluator.
	Checked {
		/// Of what.
		attempt: Attempt,
		/// Which of the shards drawn.
		position: u32,
		/// What came out.
		exact: RefereeFinding,
	},
	/// Running it failed, and may work another time.
	CheckFailed {
		/// Of what.
		attempt: Attempt,
		/// Which of the shards drawn.
		position: u32,
	},
	/// A contest returned.
	Returned {
		/// Whose finding is contested.
		suspect: Suspect,
		/// What became of the call.
		outcome: Sent,
	},
}

/// What became of a contest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
	/// It is in a block, or the chain refused it for good.
	Done,
	/// Nothing was sent: it may be tried again.
	NotSent,
	/// It may have been sent: the chain will show.
	Unknown,
}

/// Something a person may want to know.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note {
	/// A report cannot be right, and will be contested at that shard.
	Suspicious(Suspect, u32),
	/// A report cannot be right, and it cannot be told which shard would show it.
	Unexplained(Suspect),
	/// It would be contested, but that needs a bond beyond the ceiling that was set.
	AboveCeiling {
		/// Which finding.
		suspect: Suspect,
		/// At which shard.
		position: u32,
		/// What is to be held.
		bond: Balance,
		/// What is held already.
		held: Balance,
	},
	/// It would be contested, but the account has not the bond.
	TooPoor {
		/// Which finding.
		suspect: Suspect,
		/// What is to be held.
		bond: Balance,
		/// What there is.
		free: Balance,
	},
	/// The reference evaluator does not confirm what this worker measured: nothing is contested by it.
	OwnLossesWrong(Attempt, u32),
	/// The reference evaluator cannot be run for this round, so that nothing is contested in it.
	Uncheckable(Attempt),
	/// The journal says that a finding was about to be contested, and the chain shows no dispute on it: it may be over.
	MayBeContested(Suspect),
}

impl Note {
	fn attempt(&self) -> &Attempt {
		match self {
			Self::Suspicious(suspect, _)
			| Self::Unexplained(suspect)
			| Self::AboveCeiling { suspect, .. }
			| Self::TooPoor { suspect, .. }
			| Self::MayBeContested(suspect) => &suspect.attempt,
			Self::OwnLossesWrong(attempt, _) | Self::Uncheckable(attempt) => attempt,
		}
	}
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Measure it on the fast path; answer with `Measured` or `MeasureFailed`.
	Measure(RoundView),
	/// Run that shard on the reference evaluator; answer with `Checked` or `CheckFailed`.
	Check {
		/// Of what.
		attempt: Attempt,
		/// Which of the shards drawn.
		position: u32,
	},
	/// Write it down, durably.
	Journal(Entry),
	/// Contest, without waiting; answer with `Returned`.
	Contest {
		/// Which finding.
		suspect: Suspect,
		/// At which of the shards drawn.
		position: u32,
	},
	/// Tell.
	Note(Note),
}

/// How a watcher watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
	/// Most that may be held as bonds at once, in the smallest unit of BLY.
	pub ceiling: Balance,
	/// Whether rounds are measured that this worker did not measure as an evaluator.
	pub measures: bool,
}

/// What a watcher knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	options: Options,
	height: BlockNumber,
	/// Rounds of the last finalized block.
	rounds: BTreeMap<SubmissionId, WatchedRound>,
	/// Open disputes of the last finalized block that this account began.
	disputes: Vec<OwnDispute>,
	free: Balance,
	/// Losses that were measured for watching alone; none where there is nothing to measure.
	measured: BTreeMap<Attempt, Vec<ShardLoss>>,
	/// One at a time.
	measuring: Option<Attempt>,
	given_up: BTreeSet<Attempt>,
	/// What the reference evaluator said.
	checked: BTreeMap<(Attempt, u32), RefereeFinding>,
	checking: BTreeSet<(Attempt, u32)>,
	/// Findings that are in the journal as contested.
	contested: BTreeSet<Suspect>,
	/// Those that may be contested again, though they are in the journal: nothing was sent.
	not_sent: BTreeSet<Suspect>,
	/// Contests under way, with their bonds.
	sent: BTreeMap<Suspect, Balance>,
	/// Bonds of contests that returned after the last finalized block was looked at.
	landed: Vec<Balance>,
	/// Contests that this process has sent, or has the answer to.
	known: BTreeSet<Suspect>,
	/// What was told already.
	told: BTreeSet<Note>,
}

impl State {
	/// The state of `me` after what its journal says.
	pub fn new(me: AccountId, options: Options, journal: impl IntoIterator<Item = Entry>) -> Self {
		let suspect = |Entry::Contesting { suspect, .. }| suspect;
		Self {
			me,
			options,
			height: 0,
			rounds: BTreeMap::new(),
			disputes: Vec::new(),
			free: 0,
			measured: BTreeMap::new(),
			measuring: None,
			given_up: BTreeSet::new(),
			checked: BTreeMap::new(),
			checking: BTreeSet::new(),
			contested: journal.into_iter().map(suspect).collect(),
			not_sent: BTreeSet::new(),
			sent: BTreeMap::new(),
			landed: Vec::new(),
			known: BTreeSet::new(),
			told: BTreeSet::new(),
		}
	}

	/// Whether contests are under way.
	pub fn has_calls(&self) -> bool {
		!self.sent.is_empty()
	}

	fn tell(&mut self, actions: &mut Vec<Action>, note: Note) {
		if self.told.insert(note.clone()) {
			actions.push(Action::Note(note));
		}
	}

	fn advance(&mut self) -> Vec<Action> {
		let mut actions = Vec::new();
		let mut by_deadline: Vec<WatchedRound> = self.rounds.values().cloned().collect();
		by_deadline.sort_by_key(|watched| (urgency(watched.round.phase), watched.round.attempt));
		for watched in by_deadline {
			self.watch(&mut actions, &watched);
		}
		actions
	}

	fn watch(&mut self, actions: &mut Vec<Action>, watched: &WatchedRound) {
		let attempt = watched.round.attempt;
		let measured = self.measured.get(&attempt).cloned();
		let Some(own) = watched.own.clone().or(measured) else {
			let is_free = self.options.measures && self.measuring.is_none();
			if is_free && !self.given_up.contains(&attempt) && watched.round.current == watched.round.baseline
			{
				self.measuring = Some(attempt);
				actions.push(Action::Measure(watched.round.clone()));
			}
			return;
		};
		if own.is_empty() {
			return;
		}
		for (evaluator, finding) in &watched.findings {
			let Finding::Measured(report) = finding else { continue };
			let suspect = Suspect { attempt, evaluator: evaluator.clone() };
			if *evaluator == self.me || self.is_begun(actions, &suspect) {
				continue;
			}
			match suspicion(&watched.pool, &watched.gate, &own, report) {
				Suspicion::Agrees => {}
				Suspicion::Unexplained => self.tell(actions, Note::Unexplained(suspect)),
				Suspicion::Contestable { position } => {
					if self.is_confirmed(actions, watched, &own, position) {
						self.contest(actions, watched, suspect, position);
					}
				}
			}
		}
	}

	/// Whether nothing more is to be done about a finding: it is contested, or may be.
	fn is_begun(&mut self, actions: &mut Vec<Action>, suspect: &Suspect) -> bool {
		let is_open = self
			.disputes
			.iter()
			.any(|dispute| dispute.round == suspect.attempt.round && dispute.accused == suspect.evaluator);
		if is_open || self.sent.contains_key(suspect) {
			return true;
		}
		if !self.contested.contains(suspect) || self.not_sent.contains(suspect) {
			return false;
		}
		if !self.known.contains(suspect) {
			self.tell(actions, Note::MayBeContested(suspect.clone()));
		}
		true
	}

	/// Whether the reference evaluator says of that shard what this worker measured. Has it run first.
	fn is_confirmed(
		&mut self,
		actions: &mut Vec<Action>,
		watched: &WatchedRound,
		own: &[ShardLoss],
		position: u32,
	) -> bool {
		let attempt = watched.round.attempt;
		match self.checked.get(&(attempt, position)).copied() {
			None => {
				if self.checking.insert((attempt, position)) {
					actions.push(Action::Check { attempt, position });
				}
				false
			}
			Some(RefereeFinding::Unable) => {
				self.tell(actions, Note::Uncheckable(attempt));
				false
			}
			Some(RefereeFinding::Exact(exact)) => {
				let is_right = own.get(position as usize).is_some_and(|loss| {
					let own = ShardLosses { baseline: loss.baseline, candidate: loss.candidate };
					own.is_within(own_tolerance(&watched.gate), &exact)
				});
				if !is_right {
					self.tell(actions, Note::OwnLossesWrong(attempt, position));
				}
				is_right
			}
		}
	}

	fn contest(
		&mut self,
		actions: &mut Vec<Action>,
		watched: &WatchedRound,
		suspect: Suspect,
		position: u32,
	) {
		self.tell(actions, Note::Suspicious(suspect.clone(), position));
		let is_open = matches!(
			watched.round.phase,
			RoundPhase::Contest { until } if self.height.saturating_add(LAST_BLOCKS) <= until
		);
		let (true, Some(bond)) = (is_open, watched.bonds.get(&suspect.evaluator).copied()) else { return };
		let bonds = self.disputes.iter().map(|dispute| dispute.bond);
		let bonds = bonds.chain(self.sent.values().copied()).chain(self.landed.iter().copied());
		let held = bonds.fold(0, Balance::saturating_add);
		if held.saturating_add(bond) > self.options.ceiling {
			self.tell(actions, Note::AboveCeiling { suspect, position, bond, held });
		} else if self.free < bond {
			let free = self.free;
			self.tell(actions, Note::TooPoor { suspect, bond, free });
		} else {
			self.contested.insert(suspect.clone());
			self.not_sent.remove(&suspect);
			self.known.insert(suspect.clone());
			self.sent.insert(suspect.clone(), bond);
			actions.push(Action::Journal(Entry::Contesting { suspect: suspect.clone(), position }));
			actions.push(Action::Contest { suspect, position });
		}
	}

	/// Forgets what concerns attempts that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) {
		let Self { rounds, measured, given_up, checked, not_sent, known, told, .. } = self;
		let is_open =
			|attempt: &Attempt| rounds.get(&attempt.round).is_some_and(|r| r.round.attempt == *attempt);
		measured.retain(|attempt, _| is_open(attempt));
		given_up.retain(is_open);
		checked.retain(|(attempt, _), _| is_open(attempt));
		not_sent.retain(|suspect| is_open(&suspect.attempt));
		known.retain(|suspect| is_open(&suspect.attempt));
		told.retain(|note| is_open(note.attempt()));
	}
}

/// How far a loss of one's own may be from the exact one: a tenth of what the other's may.
fn own_tolerance(gate: &Gate) -> NanoBits {
	gate.tolerance / 10
}

/// What is nearest to its end first.
fn urgency(phase: RoundPhase) -> (u8, BlockNumber) {
	match phase {
		RoundPhase::Contest { until } => (0, until),
		RoundPhase::Reveal { until } => (1, until),
		RoundPhase::Commit { until } => (2, until),
		RoundPhase::Waiting
		| RoundPhase::AwaitingDraw
		| RoundPhase::Opening { .. }
		| RoundPhase::AwaitingReplacement
		| RoundPhase::Closed(_) => (3, 0),
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Finalized { height, rounds, disputes, free } => {
			state.height = height;
			state.rounds = rounds.into_iter().map(|round| (round.round.attempt.round, round)).collect();
			state.disputes = disputes;
			state.free = free;
			state.landed.clear();
			state.forget_closed();
			state.advance()
		}
		Input::Measured { attempt, losses } => {
			if state.measuring == Some(attempt) {
				state.measuring = None;
			}
			state.measured.insert(attempt, losses);
			state.advance()
		}
		Input::MeasureFailed { attempt, is_retryable } => {
			if state.measuring == Some(attempt) {
				state.measuring = None;
			}
			if !is_retryable {
				state.given_up.insert(attempt);
			}
			Vec::new()
		}
		Input::Checked { attempt, position, exact } => {
			state.checking.remove(&(attempt, position));
			state.checked.insert((attempt, position), exact);
			state.advance()
		}
		Input::CheckFailed { attempt, position } => {
			// Tried again with the next block.
			state.checking.remove(&(attempt, position));
			Vec::new()
		}
		Input::Returned { suspect, outcome } => {
			let bond = state.sent.remove(&suspect);
			match outcome {
				Sent::NotSent => {
					state.not_sent.insert(suspect);
				}
				Sent::Done | Sent::Unknown => state.landed.extend(bond),
			}
			Vec::new()
		}
	}
}

#[cfg(test)]
mod tests;
