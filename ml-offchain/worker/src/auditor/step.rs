//! What an auditor does next: a pure function of its journal, the chain, and what just happened.
//!
//! As with the evaluator's, the chain is the authority on what took effect, and the journal on what was found: however
//! often this worker is killed and started, it commits to the same hash and reveals what it committed to.

use crate::once::Calls;
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	dag::SubmissionId,
	manifest::{self, ManifestFinding},
	AccountId, BlockNumber, Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use crate::evaluator::step::Attempt;

/// Findings held in memory. The journal has them all.
const MAX_KEPT: usize = 4_096;

/// What is written down before anybody is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A manifest was looked at.
	Found {
		/// Which, and which attempt.
		attempt: Attempt,
		/// What was found.
		finding: ManifestFinding,
		/// Blinds the commitment until the reveal.
		salt: Hash,
	},
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// A block was finalized, and this is how things stand in it.
	Finalized {
		/// Its height.
		height: BlockNumber,
		/// Every open audit that this worker is drawn for.
		audits: Vec<ManifestInfo<AccountId>>,
	},
	/// A manifest was looked at.
	Found {
		/// Which.
		attempt: Attempt,
		/// What was found.
		finding: ManifestFinding,
		/// Fresh randomness.
		salt: Hash,
	},
	/// It could not be, through no fault of the manifest. Tried again with the next block.
	Failed {
		/// Which.
		attempt: Attempt,
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
	/// The commitment to a finding.
	Commit(Attempt),
	/// Its reveal.
	Reveal(Attempt),
}

/// A call to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
		finding: ManifestFinding,
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note {
	/// The time to commit ran out.
	MissedCommit(Attempt),
	/// The time to reveal ran out.
	MissedReveal(Attempt),
	/// The chain has a commitment whose finding the journal does not know: it cannot be revealed.
	FindingLost(Attempt),
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Fetch and derive, on a thread of its own; answer with `Found` or `Failed`.
	Audit(Box<ManifestInfo<AccountId>>),
	/// Send, without waiting; answer with `Returned`.
	Send(Call),
	/// Tell.
	Note(Note),
}

#[derive(Clone, Copy, Debug)]
struct Kept {
	attempt: Attempt,
	finding: ManifestFinding,
	salt: Hash,
}

/// What an auditor knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	/// From the journal; the newest attempt of each submission is enough.
	kept: BTreeMap<SubmissionId, Kept>,
	/// Audits of the last finalized block.
	audits: Vec<ManifestInfo<AccountId>>,
	height: BlockNumber,
	/// One at a time.
	auditing: Option<Attempt>,
	calls: Calls<CallKey>,
	/// What was told already.
	told: BTreeSet<Note>,
}

/// Which audit it is.
pub fn attempt_of(info: &ManifestInfo<AccountId>) -> Attempt {
	Attempt { round: info.round, attempt: info.attempt }
}

impl State {
	/// The state of `me` after what its journal says.
	pub fn new(me: AccountId, journal: impl IntoIterator<Item = Entry>) -> Self {
		let mut state = Self {
			me,
			kept: BTreeMap::new(),
			audits: Vec::new(),
			height: 0,
			auditing: None,
			calls: Calls::default(),
			told: BTreeSet::new(),
		};
		journal.into_iter().for_each(|entry| state.keep(entry));
		state
	}

	/// Whether calls are under way.
	pub fn has_calls(&self) -> bool {
		self.calls.is_under_way()
	}

	/// The first finding of an attempt stands: it may have been committed to.
	fn keep(&mut self, entry: Entry) {
		let Entry::Found { attempt, finding, salt } = entry;
		if self.kept(attempt).is_none() {
			self.kept.insert(attempt.round, Kept { attempt, finding, salt });
		}
		// Submissions are numbered as they come, so the oldest are over.
		while self.kept.len() > MAX_KEPT {
			self.kept.pop_first();
		}
	}

	fn kept(&self, attempt: Attempt) -> Option<Kept> {
		self.kept.get(&attempt.round).filter(|kept| kept.attempt == attempt).copied()
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
		let mut audits = self.audits.clone();
		audits.sort_by_key(|info| (deadline(info.stage), attempt_of(info)));
		for info in audits {
			let did = |who: &[AccountId]| who.contains(&self.me);
			let is_revealed = info.revealed.iter().any(|(who, _)| *who == self.me);
			match info.stage {
				AuditStage::Commit { until } if !did(&info.committed) => {
					self.commit(&mut actions, info, until)
				}
				AuditStage::Reveal { until } if did(&info.committed) && !is_revealed => {
					self.reveal(&mut actions, attempt_of(&info), until)
				}
				_ => {}
			}
		}
		actions
	}

	fn commit(&mut self, actions: &mut Vec<Action>, info: ManifestInfo<AccountId>, until: BlockNumber) {
		let attempt = attempt_of(&info);
		if self.height >= until {
			self.tell(actions, Note::MissedCommit(attempt));
		} else if let Some(Kept { finding, salt, .. }) = self.kept(attempt) {
			let Attempt { round, attempt: number } = attempt;
			let commitment = manifest::commitment(&self.me, round, number, &finding, &salt.0);
			self.send(actions, Call::Commit { attempt, commitment });
		} else if self.auditing.is_none() {
			self.auditing = Some(attempt);
			actions.push(Action::Audit(Box::new(info)));
		}
	}

	fn reveal(&mut self, actions: &mut Vec<Action>, attempt: Attempt, until: BlockNumber) {
		if self.height >= until {
			self.tell(actions, Note::MissedReveal(attempt));
		} else if let Some(Kept { finding, salt, .. }) = self.kept(attempt) {
			self.send(actions, Call::Reveal { attempt, finding, salt });
		} else {
			self.tell(actions, Note::FindingLost(attempt));
		}
	}

	/// Forgets what concerns attempts that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) {
		let open: BTreeSet<Attempt> = self.audits.iter().map(attempt_of).collect();
		self.calls.observed(|(CallKey::Commit(attempt) | CallKey::Reveal(attempt))| open.contains(attempt));
		self.told.retain(|note| {
			let (Note::MissedCommit(attempt) | Note::MissedReveal(attempt) | Note::FindingLost(attempt)) =
				note;
			open.contains(attempt)
		});
	}
}

fn deadline(stage: AuditStage) -> BlockNumber {
	match stage {
		AuditStage::Commit { until } | AuditStage::Reveal { until } => until,
		AuditStage::AwaitingDraw | AuditStage::Closed(_) => BlockNumber::MAX,
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Finalized { height, audits } => {
			state.height = height;
			state.audits = audits;
			state.forget_closed();
			state.advance()
		}
		Input::Found { attempt, finding, salt } => {
			state.auditing = state.auditing.filter(|auditing| *auditing != attempt);
			let mut actions = Vec::new();
			if state.kept(attempt).is_none() {
				let entry = Entry::Found { attempt, finding, salt };
				state.keep(entry);
				actions.push(Action::Journal(entry));
			}
			actions.extend(state.advance());
			actions
		}
		Input::Failed { attempt } => {
			state.auditing = state.auditing.filter(|auditing| *auditing != attempt);
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
