//! What an auditor does next: a pure function of its journal, the chain, and what just happened. The same for
//! whatever auditors are drawn for: a [`Matter`].
//!
//! As with the evaluator's, the chain is the authority on what took effect, and the journal on what was found: however
//! often this worker is killed and started, it commits to the same hash and reveals what it committed to.

use crate::once::Calls;
use blyan_primitives::{AccountId, BlockNumber, Hash};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use std::{
	collections::{BTreeMap, BTreeSet, VecDeque},
	fmt::{Debug, Display},
};

/// Findings held in memory. The journal has them all.
const MAX_KEPT: usize = 4_096;

/// How far an audit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
	/// There is nothing to do for auditors.
	Idle,
	/// They commit, before that block.
	Commit {
		/// The end of it.
		until: BlockNumber,
	},
	/// They reveal, before that block.
	Reveal {
		/// The end of it.
		until: BlockNumber,
	},
}

/// Something that auditors are drawn for, as the chain shows it.
pub trait Matter: Clone + PartialEq + Debug + Send + Sync + 'static {
	/// Names it, and which draw of auditors it is. Later draws have another name.
	type Attempt: Copy + Ord + Debug + Display + Serialize + DeserializeOwned + Send + Sync + 'static;
	/// What auditors find of it.
	type Finding: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

	/// Its name.
	fn attempt(&self) -> Self::Attempt;
	/// How far it is.
	fn phase(&self) -> Phase;
	/// Whether the chain has a commitment of that auditor.
	fn has_committed(&self, auditor: &AccountId) -> bool;
	/// Whether that auditor revealed.
	fn has_revealed(&self, auditor: &AccountId) -> bool;
	/// What the chain compares a reveal with.
	fn commitment(auditor: &AccountId, attempt: Self::Attempt, finding: &Self::Finding, salt: &Hash) -> Hash;
}

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry<Attempt, Finding> {
	/// It was looked at.
	Found {
		/// What, and which attempt.
		attempt: Attempt,
		/// What was found.
		finding: Finding,
		/// Blinds the commitment until the reveal.
		salt: Hash,
	},
}

/// What just happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input<M: Matter> {
	/// A block was finalized, and this is how things stand in it.
	Finalized {
		/// Its height.
		height: BlockNumber,
		/// Every open audit that this worker is drawn for.
		audits: Vec<M>,
	},
	/// Something was looked at.
	Found {
		/// What.
		attempt: M::Attempt,
		/// What was found.
		finding: M::Finding,
		/// Fresh randomness.
		salt: Hash,
	},
	/// It could not be, through no fault of whose it is. Tried again with the next block.
	Failed {
		/// What.
		attempt: M::Attempt,
	},
	/// A call returned.
	Returned {
		/// Which.
		call: CallKey<M::Attempt>,
		/// Whether sending the same again is of any use.
		is_final: bool,
	},
}

/// Names a call that the chain takes at most once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CallKey<Attempt> {
	/// The commitment to a finding.
	Commit(Attempt),
	/// Its reveal.
	Reveal(Attempt),
}

/// A call to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call<Attempt, Finding> {
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

impl<Attempt: Copy, Finding> Call<Attempt, Finding> {
	/// Its name.
	pub fn key(&self) -> CallKey<Attempt> {
		match self {
			Self::Commit { attempt, .. } => CallKey::Commit(*attempt),
			Self::Reveal { attempt, .. } => CallKey::Reveal(*attempt),
		}
	}
}

/// Something a person may want to know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Note<Attempt> {
	/// The time to commit ran out.
	MissedCommit(Attempt),
	/// The time to reveal ran out.
	MissedReveal(Attempt),
	/// The chain has a commitment whose finding the journal does not know: it cannot be revealed.
	FindingLost(Attempt),
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Debug)]
pub enum Action<M: Matter> {
	/// Write it down, durably.
	Journal(Entry<M::Attempt, M::Finding>),
	/// Fetch and look, on a thread of its own; answer with `Found` or `Failed`.
	Audit(Box<M>),
	/// Send, without waiting; answer with `Returned`.
	Send(Call<M::Attempt, M::Finding>),
	/// Tell.
	Note(Note<M::Attempt>),
}

/// What an auditor knows.
#[derive(Clone, Debug)]
pub struct State<M: Matter> {
	me: AccountId,
	/// From the journal: what was found of each attempt, and what blinds it.
	kept: BTreeMap<M::Attempt, (M::Finding, Hash)>,
	/// Those, the oldest first.
	order: VecDeque<M::Attempt>,
	/// Audits of the last finalized block.
	audits: Vec<M>,
	height: BlockNumber,
	/// One at a time.
	auditing: Option<M::Attempt>,
	calls: Calls<CallKey<M::Attempt>>,
	/// What was told already.
	told: BTreeSet<Note<M::Attempt>>,
}

impl<M: Matter> State<M> {
	/// The state of `me` after what its journal says.
	pub fn new(me: AccountId, journal: impl IntoIterator<Item = Entry<M::Attempt, M::Finding>>) -> Self {
		let mut state = Self {
			me,
			kept: BTreeMap::new(),
			order: VecDeque::new(),
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
	fn keep(&mut self, Entry::Found { attempt, finding, salt }: Entry<M::Attempt, M::Finding>) {
		if self.kept.contains_key(&attempt) {
			return;
		}
		self.kept.insert(attempt, (finding, salt));
		self.order.push_back(attempt);
		// The oldest are over.
		while self.order.len() > MAX_KEPT {
			self.order.pop_front().map(|oldest| self.kept.remove(&oldest));
		}
	}

	fn tell(&mut self, actions: &mut Vec<Action<M>>, note: Note<M::Attempt>) {
		if self.told.insert(note) {
			actions.push(Action::Note(note));
		}
	}

	fn send(&mut self, actions: &mut Vec<Action<M>>, call: Call<M::Attempt, M::Finding>) {
		let key = call.key();
		if self.calls.start(key) {
			actions.push(Action::Send(call));
		}
	}

	fn advance(&mut self) -> Vec<Action<M>> {
		let mut actions = Vec::new();
		let mut audits = self.audits.clone();
		audits.sort_by_key(|matter| (deadline(matter.phase()), matter.attempt()));
		for matter in audits {
			match matter.phase() {
				Phase::Commit { until } if !matter.has_committed(&self.me) => {
					self.commit(&mut actions, matter, until)
				}
				Phase::Reveal { until }
					if matter.has_committed(&self.me) && !matter.has_revealed(&self.me) =>
				{
					self.reveal(&mut actions, matter.attempt(), until)
				}
				_ => {}
			}
		}
		actions
	}

	fn commit(&mut self, actions: &mut Vec<Action<M>>, matter: M, until: BlockNumber) {
		let attempt = matter.attempt();
		if self.height >= until {
			self.tell(actions, Note::MissedCommit(attempt));
		} else if let Some((finding, salt)) = self.kept.get(&attempt) {
			let commitment = M::commitment(&self.me, attempt, finding, salt);
			self.send(actions, Call::Commit { attempt, commitment });
		} else if self.auditing.is_none() {
			self.auditing = Some(attempt);
			actions.push(Action::Audit(Box::new(matter)));
		}
	}

	fn reveal(&mut self, actions: &mut Vec<Action<M>>, attempt: M::Attempt, until: BlockNumber) {
		if self.height >= until {
			self.tell(actions, Note::MissedReveal(attempt));
		} else if let Some((finding, salt)) = self.kept.get(&attempt).cloned() {
			self.send(actions, Call::Reveal { attempt, finding, salt });
		} else {
			self.tell(actions, Note::FindingLost(attempt));
		}
	}

	/// Forgets what concerns attempts that are over. What is under way is forgotten when it returns.
	fn forget_closed(&mut self) {
		let open: BTreeSet<M::Attempt> = self.audits.iter().map(M::attempt).collect();
		// What takes longer than there was time must not be in the way of what comes next.
		self.auditing = self.auditing.filter(|attempt| open.contains(attempt));
		self.calls.observed(|(CallKey::Commit(attempt) | CallKey::Reveal(attempt))| open.contains(attempt));
		self.told.retain(|note| {
			let (Note::MissedCommit(attempt) | Note::MissedReveal(attempt) | Note::FindingLost(attempt)) =
				note;
			open.contains(attempt)
		});
	}
}

fn deadline(phase: Phase) -> BlockNumber {
	match phase {
		Phase::Commit { until } | Phase::Reveal { until } => until,
		Phase::Idle => BlockNumber::MAX,
	}
}

/// What to do after `input`.
pub fn step<M: Matter>(state: &mut State<M>, input: Input<M>) -> Vec<Action<M>> {
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
			if !state.kept.contains_key(&attempt) {
				let entry = Entry::Found { attempt, finding, salt };
				state.keep(entry.clone());
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
