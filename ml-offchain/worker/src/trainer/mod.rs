//! `train`: trains components, submits them, waits for the verdict, goes on to the next job; then stays,
//! because others need the content.
//!
//! [`step`] decides, [`job`] computes, and [`run`] carries out.

pub mod job;
pub mod manifest;
pub mod source;
pub mod step;
pub(crate) mod submission;

use crate::{
	claims::{claim, Claims, Owing},
	files::FileError,
	heads::Heads,
	journal::{Journal, JournalError},
	progress::{Happening, Reporter},
	repeats::Repeats,
	rounds::newest,
	work::{Progress, Subject},
	worker::{random_hash, Worker},
};
use blyan_chain_client::{Chain, ChainError, Signer, SubmitError};
use blyan_primitives::{
	dag::{Block, ModelId, NewBlocks},
	manifest::TrainingManifest,
};
use job::{JobError, Trained, Workshop};
use std::{sync::Arc, time::Duration};
use step::{step, Action, Entry, Input, JobNumber, JournalMismatch, Note, State, SubmissionView};
use submission::{Refusal, Sent, Submission};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "trainer";
/// Most bits that are worked for beyond what the chain asks for: 256 times as long.
const MAX_EXTRA_BITS: u32 = 8;
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;

/// Why a trainer ended.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
	/// The journal cannot be used: nothing must be submitted that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The journal is of other jobs.
	#[error(transparent)]
	Mismatch(#[from] JournalMismatch),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// A job cannot be done.
	#[error(transparent)]
	Job(#[from] JobError),
	/// A file of a finished run cannot be removed.
	#[error(transparent)]
	File(#[from] FileError),
	/// The chain refuses the submission.
	#[error(
		"the submission of train.jobs[{job}] was refused: {source}; what was trained is kept, and submitted at \
		the next start"
	)]
	Refused {
		/// The job.
		job: JobNumber,
		/// Why.
		source: SubmitError,
	},
}

/// What came back from a task.
enum Event {
	Trained {
		job: JobNumber,
		trained: Box<Trained>,
	},
	TrainFailed {
		job: JobNumber,
		error: JobError,
	},
	Submitted {
		job: JobNumber,
		result: Result<(), SubmitError>,
	},
	/// The chain could not be read for it.
	NotSent {
		job: JobNumber,
	},
	Claimed {
		epoch: u32,
		is_final: bool,
	},
}

/// Trains until every job is settled, and stays until `shutdown`; with `once`, leaves when everything
/// earned is paid.
///
/// # Errors
/// See [`TrainError`]; what passes is waited out.
pub async fn run(
	worker: Worker,
	once: bool,
	reporter: Arc<Reporter>,
	shutdown: CancellationToken,
) -> Result<(), TrainError> {
	let result = TrainerWorker::open(&worker, once, reporter, shutdown)?.run(&worker).await;
	worker.stop().await;
	result
}

struct TrainerWorker {
	chain: Arc<dyn Chain>,
	signer: Signer,
	model: ModelId,
	once: bool,
	state: State,
	journal: Journal<Entry>,
	workshop: Workshop,
	/// Loaded for the job before; the next one loads what changed.
	heads: Option<Heads>,
	claims: Claims,
	/// How often the line was full: so many bits more are worked for the next time.
	refusals: u32,
	/// Jobs that could not be done.
	failures: Repeats<JobNumber>,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Event>,
	received: mpsc::Receiver<Event>,
}

impl TrainerWorker {
	fn open(
		worker: &Worker,
		once: bool,
		reporter: Arc<Reporter>,
		shutdown: CancellationToken,
	) -> Result<Self, TrainError> {
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let train = &worker.config.train;
		let digests: Vec<_> =
			train.jobs.iter().map(|job| job.digest(train.model, &train.sources_name())).collect();
		let (journal, entries) = Journal::open(worker.config.journal(JOURNAL))?;
		let account = signer.account().clone();
		let state = State::new(account.clone(), train.model, train.max_resubmissions, &digests, entries)?;
		let workshop = Workshop {
			config: worker.config.clone(),
			chain: chain.clone(),
			account,
			content: worker.content.clone(),
			reporter,
			shutdown,
		};
		let (events, received) = mpsc::channel(CHANNEL);
		Ok(Self {
			chain,
			signer,
			model: train.model,
			once,
			state,
			journal,
			workshop,
			heads: None,
			claims: Claims::default(),
			refusals: 0,
			failures: Repeats::default(),
			tasks: JoinSet::new(),
			events,
			received,
		})
	}

	async fn run(mut self, worker: &Worker) -> Result<(), TrainError> {
		let shutdown = self.workshop.shutdown.clone();
		let account = self.signer.account().to_string();
		self.workshop.reporter.tell(&Happening::Ready { account, endpoint: worker.endpoint() });
		let mut blocks = self.chain.finalized_blocks(None);
		let result = loop {
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(event) = self.received.recv() => if let Err(error) = self.take(event) { break Err(error) },
				block = newest(&mut blocks) => match block {
					Ok(Some(block)) => match self.observe(block.number).await {
						Ok(true) => break Ok(()),
						Ok(false) => {},
						Err(TrainError::Chain(error)) if error.is_retryable() =>
							tracing::warn!(%error, "the chain could not be read; tried again with the next block"),
						Err(error) => break Err(error),
					},
					Ok(None) => break Ok(()),
					Err(error) => break Err(error.into()),
				},
				Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
					if let Err(error) = done {
						tracing::error!(%error, "a task died");
					}
				},
			}
		};
		// Also when it ends by an error: the training thread then saves and stops.
		shutdown.cancel();
		self.drain(worker.config.shutdown_timeout()).await;
		result
	}

	/// Takes in a finalized block; whether everything is done and paid.
	async fn observe(&mut self, height: u32) -> Result<bool, TrainError> {
		let submission = self.watched_submission().await?;
		let actions = step(&mut self.state, Input::Finalized { height, submission });
		self.carry_out(actions)?;
		let owing = Owing::read(&*self.chain, self.signer.account()).await?;
		for epoch in self.claims.due(&owing.epochs) {
			self.claim(epoch);
		}
		let is_paid = owing.is_settled() && self.claims.is_idle();
		Ok(self.once && self.state.is_settled() && self.state.is_idle() && is_paid)
	}

	async fn watched_submission(&self) -> Result<Option<SubmissionView>, ChainError> {
		let Some(id) = self.state.watched() else { return Ok(None) };
		let Some(block) = self.chain.block(id).await? else { return Ok(None) };
		let Some(round) = block.submission else { return Ok(None) };
		let info = self.chain.round(round).await?;
		Ok(Some(SubmissionView {
			round,
			standing: block.standing,
			phase: info.as_ref().map(|info| info.phase),
			medians: info.and_then(|info| info.medians),
		}))
	}

	fn take(&mut self, event: Event) -> Result<(), TrainError> {
		let input = match event {
			Event::Trained { job, trained } => {
				let Trained { blocks, manifest, heads } = *trained;
				self.heads = Some(heads);
				let actions = step(&mut self.state, Input::Trained { job, blocks, manifest });
				self.carry_out(actions)?;
				// The journal has the result now.
				return Ok(self.workshop.forget_run(job)?);
			}
			Event::TrainFailed { job, error } => {
				if !error.is_retryable() {
					return Err(error.into());
				}
				if self.failures.is_news(job) {
					tracing::warn!(job, %error, "tried again with the next block");
				} else {
					tracing::debug!(job, %error, "tried again with the next block");
				}
				Input::TrainFailed { job }
			}
			Event::Submitted { job, result } => {
				let is_refused = self.judge(job, result)?;
				self.refusals = if is_refused { self.refusals.saturating_add(1) } else { 0 };
				Input::Returned { job, is_refused }
			}
			Event::NotSent { job } => Input::Returned { job, is_refused: false },
			Event::Claimed { epoch, is_final } => {
				self.claims.returned(epoch, is_final);
				return Ok(());
			}
		};
		let actions = step(&mut self.state, input);
		self.carry_out(actions)
	}

	/// Whether the chain had no room for the submission.
	fn judge(&self, job: JobNumber, result: Result<(), SubmitError>) -> Result<bool, TrainError> {
		let Err(error) = result else { return Ok(false) };
		if let Some(refusal) = Refusal::passing(&error) {
			tracing::info!(job, %error, "the chain is asked again");
			return Ok(refusal == Refusal::NoRoom);
		}
		Err(TrainError::Refused { job, source: error })
	}

	/// In order; what cannot be journalled stops everything after it.
	fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), TrainError> {
		for action in actions {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Train { job } => self.train(job),
				Action::Submit { job, blocks, manifest } => self.submit(job, blocks, manifest),
				Action::Note(note) => self.tell(note),
			}
		}
		Ok(())
	}

	fn tell(&self, note: Note) {
		self.workshop.reporter.tell(&match note {
			Note::Submitted { job, round } => Happening::Submitted { job, round },
			Note::Closed { job, round, outcome: verdict, medians } => {
				Happening::Verdict { job, round, verdict, medians }
			}
			Note::GaveUp { job } => Happening::GaveUp { job },
			Note::AllSettled => Happening::AllSettled,
		});
	}

	fn train(&mut self, job: JobNumber) {
		let (workshop, known, events) = (self.workshop.clone(), self.heads.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let event = match workshop.train(job, known).await {
				Ok(trained) => Event::Trained { job, trained: Box::new(trained) },
				Err(error) => Event::TrainFailed { job, error },
			};
			// Nobody listens any more when the worker stops.
			let _ = events.send(event).await;
		});
	}

	fn submit(&mut self, job: JobNumber, blocks: NewBlocks, manifest: Option<TrainingManifest>) {
		let (chain, signer, events, model) =
			(self.chain.clone(), self.signer.clone(), self.events.clone(), self.model);
		let migration = self.workshop.config.train.jobs.get(job as usize).and_then(|plan| plan.migration);
		let account = signer.account().clone();
		let ids =
			blocks.iter().map(|new| Block::from_new(model, account.clone(), new.clone()).id()).collect();
		let subject = Subject { account, model, blocks: ids, seal: random_hash() };
		let submission = Submission { subject, blocks, migration, manifest };
		let (reporter, stop) = (self.workshop.reporter.clone(), self.workshop.shutdown.clone());
		let extra_bits = self.refusals.min(MAX_EXTRA_BITS);
		self.tasks.spawn(async move {
			let tell = |Progress { bits, tries }| reporter.tell(&Happening::Working { job, bits, tries });
			let result = match submission.send(&*chain, &signer, extra_bits, &stop, tell).await {
				Sent::Stopped => return,
				Sent::Unreadable(error) => {
					tracing::warn!(job, %error, "not submitted; tried again with the next block");
					let _ = events.send(Event::NotSent { job }).await;
					return;
				}
				Sent::Returned(result) => result,
			};
			let _ = events.send(Event::Submitted { job, result }).await;
		});
	}

	fn claim(&mut self, epoch: u32) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		let reporter = self.workshop.reporter.clone();
		self.tasks.spawn(async move {
			let paid = |epoch, amount| reporter.tell(&Happening::Paid { epoch, amount });
			let is_final = claim(&*chain, &signer, epoch, paid).await;
			let _ = events.send(Event::Claimed { epoch, is_final }).await;
		});
	}

	/// Lets calls under way finish and the training thread save, as long as it may take.
	async fn drain(&mut self, timeout: Duration) {
		let finished = tokio::time::timeout(timeout, async {
			while !self.tasks.is_empty() {
				tokio::select! {
					biased;
					Some(event) = self.received.recv() => match event {
						// Journalled, so that it is not trained again; submitted at the next start.
						Event::Trained { job, trained } => {
							let Trained { blocks, manifest, .. } = *trained;
							let actions = step(&mut self.state, Input::Trained { job, blocks, manifest });
							let kept = self.carry_out(actions);
							if let Err(error) = kept.and_then(|()| Ok(self.workshop.forget_run(job)?)) {
								tracing::error!(%error, "while stopping");
							}
						},
						Event::TrainFailed { error: JobError::Stopped, .. } => {},
						Event::TrainFailed { job, error } => tracing::warn!(job, %error, "while stopping"),
						Event::Submitted { job, result: Err(error) } => tracing::warn!(job, %error, "while stopping"),
						Event::Submitted { .. } | Event::NotSent { .. } | Event::Claimed { .. } => {},
					},
					_ = self.tasks.join_next() => {},
				}
			}
		});
		if finished.await.is_err() {
			tracing::info!(
				"work was still under way when the time to stop was over; the next start looks after it"
			);
		}
		self.tasks.shutdown().await;
	}
}
