//! What a trainer does next: a pure function of its journal, the chain, and what just happened.
//!
//! A job goes `train -> journal -> submit -> verdict -> journal`. A block's id is the hash of what is
//! submitted, so before anything is sent the chain is asked whether it has the block already: a
//! submission that was on its way when this worker was killed is found there, and one that was not is
//! sent again. The chain takes a block once at most.

use crate::scale::ScaleHex;
use blyan_primitives::{
	api::{BlockStanding, RoundPhase},
	dag::{Block, BlockId, ModelId, NewBlocks, SubmissionId},
	learning::{Medians, RejectReason, Verdict},
	manifest::TrainingManifest,
	AccountId, BlockNumber, Hash,
};
use serde::{Deserialize, Serialize};

/// Blocks to wait before a submission that the chain had no room for is sent again.
const RETRY_BLOCKS: BlockNumber = 5;

/// A job's place in the configuration, from 0.
pub type JobNumber = u32;

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A job was started.
	Began {
		/// Which.
		job: JobNumber,
		/// Of everything that decides its result.
		digest: Hash,
	},
	/// Training is done, and the content is in the store.
	Trained {
		/// Which.
		job: JobNumber,
		/// What is submitted, to the byte.
		blocks: ScaleHex<NewBlocks>,
		/// What it says that was learned from.
		#[serde(default, skip_serializing_if = "Option::is_none")]
		manifest: Option<ScaleHex<TrainingManifest>>,
	},
	/// A submission was closed.
	Closed {
		/// Which job's.
		job: JobNumber,
		/// Its round.
		round: SubmissionId,
		/// How it ended.
		outcome: Outcome,
	},
}

/// How a submission ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
	/// The blocks became heads.
	Accepted,
	/// They did not; the reason, if the chain still kept the round when this was noticed.
	Rejected(Option<RejectReason>),
	/// No verdict.
	Inconclusive,
}

impl From<Verdict> for Outcome {
	fn from(verdict: Verdict) -> Self {
		match verdict {
			Verdict::Accepted => Self::Accepted,
			Verdict::Rejected(reason) => Self::Rejected(Some(reason)),
			Verdict::Inconclusive => Self::Inconclusive,
		}
	}
}

/// A submission as the chain has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubmissionView {
	/// Its round.
	pub round: SubmissionId,
	/// Where its first block stands; the others stand likewise.
	pub standing: BlockStanding,
	/// Where the round stands, while the chain keeps it.
	pub phase: Option<RoundPhase>,
	/// What was measured.
	pub medians: Option<Medians>,
}

impl SubmissionView {
	/// How it ended, if it did.
	pub(crate) fn outcome(&self) -> Option<Outcome> {
		match (self.phase, self.standing) {
			(Some(RoundPhase::Closed(verdict)), _) => Some(verdict.into()),
			(Some(_), _) | (None, BlockStanding::Candidate) => None,
			(
				None,
				BlockStanding::Head { .. }
				| BlockStanding::Superseded { .. }
				| BlockStanding::RolledBack { .. }
				| BlockStanding::Retired,
			) => Some(Outcome::Accepted),
			(None, BlockStanding::Rejected) => Some(Outcome::Rejected(None)),
			(None, BlockStanding::Withdrawn) => Some(Outcome::Inconclusive),
		}
	}
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// A block was finalized.
	Finalized {
		/// Its height.
		height: BlockNumber,
		/// What the chain has of the block that [`State::watched`] names.
		submission: Option<SubmissionView>,
	},
	/// Training is done, and the content is in the store.
	Trained {
		/// Which job.
		job: JobNumber,
		/// What to submit.
		blocks: NewBlocks,
		/// What was learned from, if anything was.
		manifest: Option<TrainingManifest>,
	},
	/// Training failed in a way that may pass.
	TrainFailed {
		/// Which job.
		job: JobNumber,
	},
	/// The call to submit returned.
	Returned {
		/// Which job.
		job: JobNumber,
		/// Whether the chain had no room for it.
		is_refused: bool,
	},
}

/// Something a person may want to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
	/// The chain has the submission.
	Submitted {
		/// Which job.
		job: JobNumber,
		/// Its round.
		round: SubmissionId,
	},
	/// The submission was closed.
	Closed {
		/// Which job.
		job: JobNumber,
		/// Its round.
		round: SubmissionId,
		/// How it ended.
		outcome: Outcome,
		/// What was measured.
		medians: Option<Medians>,
	},
	/// A submission came to no verdict as often as is allowed.
	GaveUp {
		/// Which job.
		job: JobNumber,
	},
	/// Every job is settled.
	AllSettled,
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Train, on a thread of its own, from the checkpoint if there is one; answer with `Trained` or
	/// `TrainFailed`.
	Train {
		/// Which job.
		job: JobNumber,
	},
	/// Send, without waiting; answer with `Returned`.
	Submit {
		/// Which job.
		job: JobNumber,
		/// What.
		blocks: NewBlocks,
		/// What was learned from, if anything was.
		manifest: Option<TrainingManifest>,
	},
	/// Tell.
	Note(Note),
}

/// A journal that does not belong to this configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalMismatch {
	/// The job was another one when it was started.
	#[error(
		"train.jobs[{0}], its model or its text was changed after it was started; put it back, add new jobs at \
		the end, or give this worker a fresh `data_dir`"
	)]
	JobChanged(JobNumber),
	/// The journal speaks of a job that is not there.
	#[error(
		"the journal has a train.jobs[{0}], which the configuration has not; put it back, or take a fresh \
		`data_dir`"
	)]
	JobGone(JobNumber),
}

/// What a job came to.
#[derive(Clone, Debug)]
struct Work {
	blocks: NewBlocks,
	manifest: Option<TrainingManifest>,
	/// Of the first block.
	id: BlockId,
}

#[derive(Clone, Debug, Default)]
struct Job {
	digest: Hash,
	is_begun: bool,
	work: Option<Work>,
	/// Closed without a verdict.
	inconclusive: Vec<SubmissionId>,
	settled: Option<Outcome>,
}

/// What a trainer knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	model: ModelId,
	max_resubmissions: u32,
	jobs: Vec<Job>,
	height: BlockNumber,
	is_training: bool,
	is_submitting: bool,
	/// No submission before this height.
	not_before: BlockNumber,
	/// The last submission that was told of.
	told: Option<SubmissionId>,
	has_finished: bool,
}

impl State {
	/// The state of `me` after what its journal says, with the digests of the jobs configured.
	///
	/// # Errors
	/// A journal of other jobs.
	pub fn new(
		me: AccountId,
		model: ModelId,
		max_resubmissions: u32,
		digests: &[Hash],
		journal: impl IntoIterator<Item = Entry>,
	) -> Result<Self, JournalMismatch> {
		let jobs = digests.iter().map(|digest| Job { digest: *digest, ..Job::default() }).collect();
		let mut state = Self {
			me,
			model,
			max_resubmissions,
			jobs,
			height: 0,
			is_training: false,
			is_submitting: false,
			not_before: 0,
			told: None,
			has_finished: false,
		};
		for entry in journal {
			state.apply(&entry)?;
		}
		Ok(state)
	}

	fn apply(&mut self, entry: &Entry) -> Result<(), JournalMismatch> {
		let (me, model, most) = (self.me.clone(), self.model, self.max_resubmissions);
		let (Entry::Began { job: number, .. }
		| Entry::Trained { job: number, .. }
		| Entry::Closed { job: number, .. }) = entry;
		let job = self.jobs.get_mut(*number as usize).ok_or(JournalMismatch::JobGone(*number))?;
		match entry {
			Entry::Began { digest, .. } if *digest != job.digest => {
				return Err(JournalMismatch::JobChanged(*number))
			}
			Entry::Began { .. } => job.is_begun = true,
			Entry::Trained { blocks: ScaleHex(blocks), manifest, .. } => {
				// The first result stands: it may have been submitted.
				if let (None, Some(first)) = (&job.work, blocks.first()) {
					let id = Block::from_new(model, me, first.clone()).id();
					let manifest = manifest.as_ref().map(|ScaleHex(manifest)| manifest.clone());
					job.work = Some(Work { blocks: blocks.clone(), manifest, id });
				}
			}
			Entry::Closed { round, outcome: Outcome::Inconclusive, .. } => {
				if !job.inconclusive.contains(round) {
					job.inconclusive.push(*round);
				}
				// The first submission is not a resubmission.
				if job.inconclusive.len() as u64 > u64::from(most) {
					job.settled = Some(Outcome::Inconclusive);
				}
			}
			Entry::Closed { outcome, .. } => job.settled = Some(*outcome),
		}
		Ok(())
	}

	/// The job that is worked on.
	pub fn current(&self) -> Option<JobNumber> {
		self.jobs.iter().position(|job| job.settled.is_none()).map(|job| job as JobNumber)
	}

	/// The first block of the submission that is waited for: what the chain is to be asked about.
	pub fn watched(&self) -> Option<BlockId> {
		let job = self.jobs.iter().find(|job| job.settled.is_none())?;
		job.work.as_ref().map(|work| work.id)
	}

	/// Whether every job is settled.
	pub fn is_settled(&self) -> bool {
		self.current().is_none()
	}

	/// Whether nothing is under way.
	pub fn is_idle(&self) -> bool {
		!self.is_training && !self.is_submitting
	}

	fn record(&mut self, actions: &mut Vec<Action>, entry: Entry) {
		// An entry made here is of a job that is there, with its own digest.
		if self.apply(&entry).is_ok() {
			actions.push(Action::Journal(entry));
		}
	}

	/// Starts the current job, if it is not trained yet.
	fn begin(&mut self, actions: &mut Vec<Action>) {
		let Some(number) = self.current() else {
			if !self.has_finished {
				self.has_finished = true;
				actions.push(Action::Note(Note::AllSettled));
			}
			return;
		};
		let Some(job) = self.jobs.get(number as usize) else { return };
		if job.work.is_some() || self.is_training {
			return;
		}
		if !job.is_begun {
			let digest = job.digest;
			self.record(actions, Entry::Began { job: number, digest });
		}
		self.is_training = true;
		actions.push(Action::Train { job: number });
	}

	fn watch(&mut self, actions: &mut Vec<Action>, submission: Option<SubmissionView>) {
		let Some(number) = self.current() else { return };
		let Some(job) = self.jobs.get(number as usize) else { return };
		if job.work.is_none() {
			return;
		}
		// One that ended without a verdict is the past: what matters is what is submitted after it.
		let Some(view) = submission.filter(|view| !job.inconclusive.contains(&view.round)) else {
			return self.submit(actions, number);
		};
		let round = view.round;
		if self.told != Some(round) {
			self.told = Some(round);
			actions.push(Action::Note(Note::Submitted { job: number, round }));
		}
		let Some(outcome) = view.outcome() else { return };
		self.record(actions, Entry::Closed { job: number, round, outcome });
		actions.push(Action::Note(Note::Closed { job: number, round, outcome, medians: view.medians }));
		match self.jobs.get(number as usize).and_then(|job| job.settled) {
			Some(Outcome::Inconclusive) => actions.push(Action::Note(Note::GaveUp { job: number })),
			Some(_) => {}
			None => self.submit(actions, number),
		}
	}

	fn submit(&mut self, actions: &mut Vec<Action>, number: JobNumber) {
		if self.is_submitting || self.height < self.not_before {
			return;
		}
		let work = self.jobs.get(number as usize).and_then(|job| job.work.clone());
		if let Some(Work { blocks, manifest, .. }) = work {
			self.is_submitting = true;
			actions.push(Action::Submit { job: number, blocks, manifest });
		}
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	let mut actions = Vec::new();
	match input {
		Input::Finalized { height, submission } => {
			state.height = height;
			state.watch(&mut actions, submission);
			state.begin(&mut actions);
		}
		Input::Trained { job, blocks, manifest } => {
			state.is_training = false;
			let (blocks, manifest) = (ScaleHex(blocks), manifest.map(ScaleHex));
			state.record(&mut actions, Entry::Trained { job, blocks, manifest });
			// Submitted with the next block, once the chain was asked whether it has it.
		}
		// Tried again with the next block, not at once.
		Input::TrainFailed { .. } => state.is_training = false,
		Input::Returned { is_refused, .. } => {
			state.is_submitting = false;
			if is_refused {
				state.not_before = state.height.saturating_add(RETRY_BLOCKS);
			}
		}
	}
	actions
}

#[cfg(test)]
mod tests;
