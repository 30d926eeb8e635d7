//! What a planter does next: a pure function of its journal, the chain, and what just happened.
//!
//! One canary for each trainer's account, for it is known for a planter's afterwards. What opens the seal is in the
//! journal before anything is sent, so that a worker that is killed at any point shows what it planted.

use crate::{
	scale::ScaleHex,
	trainer::step::{Outcome, SubmissionView},
};
use blyan_primitives::{
	api::RoundPhase,
	canary::{CanaryKey, PeriodNumber},
	dag::{Block, BlockId, ModelId, NewBlocks, SubmissionId},
	learning::Medians,
	manifest::TrainingManifest,
	AccountId,
};
use serde::{Deserialize, Serialize};

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A canary is in the store.
	Made {
		/// The key that it is sealed with.
		key: ScaleHex<CanaryKey>,
		/// What opens the seal.
		salt: ScaleHex<[u8; 32]>,
		/// What is submitted, to the byte.
		blocks: ScaleHex<NewBlocks>,
		/// What it says that was learned from.
		manifest: Option<Box<ScaleHex<TrainingManifest>>>,
	},
	/// Its round was closed.
	Closed {
		/// The round.
		round: SubmissionId,
		/// How it ended.
		outcome: Outcome,
	},
}

/// A canary that is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
	/// The key that it is sealed with.
	pub key: CanaryKey,
	/// What opens the seal.
	pub salt: [u8; 32],
	/// What is submitted.
	pub blocks: NewBlocks,
	/// What it says that was learned from.
	pub manifest: Option<TrainingManifest>,
	/// The ids of its blocks.
	pub ids: Vec<BlockId>,
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// A block was finalized.
	Finalized {
		/// Periods that the key won, good for a submission now.
		wins: Vec<PeriodNumber>,
		/// What the chain has of the canary.
		submission: Option<SubmissionView>,
		/// Periods that the key won, good for that submission.
		good: Vec<PeriodNumber>,
	},
	/// The canary is in the store.
	Made {
		/// What opens its seal.
		salt: [u8; 32],
		/// What to submit.
		blocks: NewBlocks,
		/// What it says that was learned from.
		manifest: Option<TrainingManifest>,
	},
	/// It could not be made, in a way that may pass.
	MakeFailed,
	/// The call to submit returned.
	Submitted,
	/// The call to reveal returned; whether the chain knows now.
	Revealed(bool),
}

/// Something a person may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
	/// The key was drawn.
	Drawn(PeriodNumber),
	/// The chain has the canary.
	Planted(SubmissionId),
	/// The round was closed.
	Closed {
		/// Which.
		round: SubmissionId,
		/// How it ended.
		outcome: Outcome,
		/// What was measured.
		medians: Option<Medians>,
	},
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Make the canary; answer with `Made` or `MakeFailed`.
	Make,
	/// Send it; answer with `Submitted`.
	Submit(Made),
	/// Show it; answer with `Revealed`.
	Reveal {
		/// Its round.
		round: SubmissionId,
		/// The period whose lot won.
		period: PeriodNumber,
		/// What opens the seal.
		made: Made,
	},
	/// Tell.
	Note(Note),
}

/// A journal that does not belong to this configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
	"the canary in the journal is sealed with another key than plant.canary_key_file has; put that back, or give this \
	worker a fresh `data_dir` and trainer's key"
)]
pub struct OtherKey;

/// What a planter knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	model: ModelId,
	key: CanaryKey,
	made: Option<Made>,
	closed: Option<Outcome>,
	is_making: bool,
	is_submitting: bool,
	is_revealing: bool,
	is_planted: bool,
	is_revealed: bool,
}

impl State {
	/// The state of `me` after what its journal says.
	///
	/// # Errors
	/// A journal of another key.
	pub fn new(
		me: AccountId,
		model: ModelId,
		key: CanaryKey,
		journal: impl IntoIterator<Item = Entry>,
	) -> Result<Self, OtherKey> {
		let mut state = Self {
			me,
			model,
			key,
			made: None,
			closed: None,
			is_making: false,
			is_submitting: false,
			is_revealing: false,
			is_planted: false,
			is_revealed: false,
		};
		for entry in journal {
			if matches!(&entry, Entry::Made { key: ScaleHex(other), .. } if *other != key) {
				return Err(OtherKey);
			}
			state.apply(&entry);
		}
		Ok(state)
	}

	fn apply(&mut self, entry: &Entry) {
		match entry {
			Entry::Made { key: ScaleHex(key), salt: ScaleHex(salt), blocks: ScaleHex(blocks), manifest } => {
				let id = |block: &_| Block::from_new(self.model, self.me.clone(), Clone::clone(block)).id();
				let ids = blocks.iter().map(id).collect();
				let manifest = manifest.as_ref().map(|manifest| manifest.0.clone());
				let made = Made { key: *key, salt: *salt, blocks: blocks.clone(), manifest, ids };
				// The first one stands: it may have been sent.
				self.made.get_or_insert(made);
			}
			Entry::Closed { outcome, .. } => self.closed = Some(*outcome),
		}
	}

	fn record(&mut self, actions: &mut Vec<Action>, entry: Entry) {
		self.apply(&entry);
		actions.push(Action::Journal(entry));
	}

	/// The first block of what was made: what the chain is to be asked about.
	pub fn watched(&self) -> Option<BlockId> {
		self.made.as_ref().and_then(|made| made.ids.first().copied())
	}

	/// How it ended, if it did.
	pub fn outcome(&self) -> Option<Outcome> {
		self.closed
	}

	fn watch(
		&mut self,
		actions: &mut Vec<Action>,
		wins: &[PeriodNumber],
		submission: Option<SubmissionView>,
		good: &[PeriodNumber],
	) {
		if self.closed.is_some() {
			return;
		}
		let Some(made) = self.made.clone() else {
			if let (Some(period), false) = (wins.first(), self.is_making) {
				self.is_making = true;
				actions.extend([Action::Note(Note::Drawn(*period)), Action::Make]);
			}
			return;
		};
		let Some(view) = submission else {
			// Made for a win that may be over by now: sent with the next one.
			if !wins.is_empty() && !self.is_submitting {
				self.is_submitting = true;
				actions.push(Action::Submit(made));
			}
			return;
		};
		let round = view.round;
		if !self.is_planted {
			self.is_planted = true;
			actions.push(Action::Note(Note::Planted(round)));
		}
		if let Some(outcome) = view.outcome() {
			self.record(actions, Entry::Closed { round, outcome });
			actions.push(Action::Note(Note::Closed { round, outcome, medians: view.medians }));
		} else if let (Some(RoundPhase::Contest { .. }), Some(period)) = (view.phase, good.first()) {
			if !self.is_revealing && !self.is_revealed {
				self.is_revealing = true;
				actions.push(Action::Reveal { round, period: *period, made });
			}
		}
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	let mut actions = Vec::new();
	match input {
		Input::Finalized { wins, submission, good } => state.watch(&mut actions, &wins, submission, &good),
		Input::Made { salt, blocks, manifest } => {
			state.is_making = false;
			let (key, salt, blocks) = (ScaleHex(state.key), ScaleHex(salt), ScaleHex(blocks));
			let entry = Entry::Made {
				key,
				salt,
				blocks,
				manifest: manifest.map(|manifest| Box::new(ScaleHex(manifest))),
			};
			// Sent with the next block, once the chain was asked.
			state.record(&mut actions, entry);
		}
		// Tried again with the next block, not at once.
		Input::MakeFailed => state.is_making = false,
		Input::Submitted => state.is_submitting = false,
		Input::Revealed(is_known) => {
			state.is_revealing = false;
			state.is_revealed |= is_known;
		}
	}
	actions
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		api::BlockStanding,
		cid::{Cid, CidCodec},
		dag::{BlockKind, Component, ContentFormat, NewBlock},
		learning::{RejectReason, Verdict},
		Hash,
	};

	const KEY: CanaryKey = [5; 32];
	const SALT: [u8; 32] = [6; 32];

	fn blocks() -> NewBlocks {
		let block = NewBlock {
			component: Component::Backbone,
			kind: BlockKind::Update,
			parents: Default::default(),
			content: Cid { codec: CidCodec::Raw, digest: [1; 32] },
			bytes: 1,
			format: ContentFormat::TensorBlock,
			manifest_hash: Hash::zero(),
		};
		vec![block].try_into().unwrap()
	}

	fn state(journal: Vec<Entry>) -> State {
		State::new(AccountId::new([1; 32]), 0, KEY, journal).unwrap()
	}

	fn view(phase: RoundPhase) -> Option<SubmissionView> {
		let standing = BlockStanding::Candidate;
		Some(SubmissionView { round: 9, standing, phase: Some(phase), medians: None })
	}

	fn finalized(wins: &[u32], submission: Option<SubmissionView>, good: &[u32]) -> Input {
		Input::Finalized { wins: wins.to_vec(), submission, good: good.to_vec() }
	}

	/// The journal of one that is made.
	fn made() -> Vec<Entry> {
		let mut state = state(vec![]);
		match &step(&mut state, Input::Made { salt: SALT, blocks: blocks(), manifest: None })[..] {
			[Action::Journal(entry)] => vec![entry.clone()],
			other => panic!("{other:?}"),
		}
	}

	#[test]
	fn canary_should_be_made_when_drawn_and_journalled_before_it_is_sent() {
		let mut state = state(vec![]);
		assert!(step(&mut state, finalized(&[], None, &[])).is_empty());
		let actions = step(&mut state, finalized(&[3], None, &[]));
		assert_eq!(actions, [Action::Note(Note::Drawn(3)), Action::Make]);
		assert!(step(&mut state, finalized(&[3], None, &[])).is_empty(), "once");
		step(&mut state, Input::MakeFailed);
		assert_eq!(step(&mut state, finalized(&[3], None, &[])).len(), 2, "tried again");
		let actions = step(&mut state, Input::Made { salt: SALT, blocks: blocks(), manifest: None });
		assert!(matches!(&actions[..], [Action::Journal(Entry::Made { .. })]));
		assert!(step(&mut state, finalized(&[], None, &[])).is_empty(), "the win is over");
		let actions = step(&mut state, finalized(&[8], None, &[]));
		assert!(matches!(&actions[..], [Action::Submit(made)] if made.salt == SALT && made.key == KEY));
	}

	#[test]
	fn canary_should_be_shown_while_it_can_be_contested_also_after_a_crash() {
		for journal in [made(), made()] {
			let mut state = state(journal);
			let reveals = |actions: &[Action]| {
				actions
					.iter()
					.any(|a| matches!(a, Action::Reveal { round: 9, period: 3, made } if made.salt == SALT))
			};
			let until = 7;
			assert!(!reveals(&step(&mut state, finalized(&[], view(RoundPhase::Reveal { until }), &[3]))));
			let contest = || view(RoundPhase::Contest { until });
			assert!(reveals(&step(&mut state, finalized(&[], contest(), &[3]))));
			assert!(!reveals(&step(&mut state, finalized(&[], contest(), &[3]))), "one at a time");
			step(&mut state, Input::Revealed(false));
			assert!(reveals(&step(&mut state, finalized(&[], contest(), &[3]))), "until it is known");
			step(&mut state, Input::Revealed(true));
			assert!(!reveals(&step(&mut state, finalized(&[], contest(), &[3]))));
		}
	}

	#[test]
	fn canary_should_be_done_with_when_its_round_is_closed() {
		let mut state = state(made());
		let verdict = Verdict::Rejected(RejectReason::Canary);
		let actions = step(&mut state, finalized(&[], view(RoundPhase::Closed(verdict)), &[3]));
		let outcome = Outcome::Rejected(Some(RejectReason::Canary));
		assert!(actions.contains(&Action::Journal(Entry::Closed { round: 9, outcome })));
		assert_eq!(state.outcome(), Some(outcome));
		assert!(step(&mut state, finalized(&[4], None, &[])).is_empty(), "one for each account");
	}

	#[test]
	fn journal_of_another_key_should_be_refused() {
		let other = State::new(AccountId::new([1; 32]), 0, [9; 32], made());
		assert_eq!(other.unwrap_err(), OtherKey);
	}
}
