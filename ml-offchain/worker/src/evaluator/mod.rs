//! `evaluate`: measures candidates whenever drawn for a committee.
//!
//! [`step`] decides, [`measure`] computes, and [`run`] carries out: it follows the finalized blocks,
//! reads the rounds that concern this worker, and feeds what happens to the core. Besides it is a
//! [`Referee`] when it is drawn for a dispute, and a [`Watcher`] of what others report of the rounds
//! that it measured.

pub mod losses;
pub mod measure;
pub mod step;

use crate::{
	claims::{claim, log_payment, Claims, Owing},
	files::FileError,
	journal::{Journal, JournalError},
	once::{send_once, Over},
	referee::{self, Referee},
	repeats::Repeats,
	rounds::{newest, OpenRounds},
	watch::{self, step::Options, WatchError, Watcher},
	worker::{random_hash, Worker},
};
use blyan_chain_client::{Call as ChainCall, Chain, ChainError, Signer};
use blyan_primitives::{dag::ModelId, learning::AllLosses};
use losses::LossFiles;
use measure::{MeasureError, Measurement, Measurer};
use std::{sync::Arc, time::Duration};
use step::{step, Accusation, Action, Attempt, Call, Entry, Input, Note, RoundView, State};
use tokio::{
	sync::{mpsc, Mutex},
	task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "evaluator";
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;
/// What says that a call is too late, or was done before.
const OVER: [Over<'static>; 2] = [
	(
		"ProofOfLearning",
		&[
			"AlreadyCommitted",
			"AlreadyRevealed",
			"NotInCommitPhase",
			"NotInRevealPhase",
			"RoundNotFound",
			"NotOnCommittee",
		],
	),
	("Disputes", &["DisputeNotFound", "NotAwaitingOpening", "NothingToContest"]),
];

/// Why an evaluator ended.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
	/// The journal cannot be used: nothing must be committed to that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// Losses cannot be kept: nothing must be committed to that could not be opened.
	#[error(transparent)]
	File(#[from] FileError),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
}

impl From<WatchError> for EvaluateError {
	fn from(error: WatchError) -> Self {
		match error {
			WatchError::Journal(error) => Self::Journal(error),
			WatchError::Chain(error) => Self::Chain(error),
		}
	}
}

/// Changes what was measured of a round before anybody is told of it: for networks that show what becomes of liars.
pub type Alteration = Arc<dyn Fn(&RoundView, Measurement) -> Measurement + Send + Sync>;

/// What came back from a task.
enum Event {
	Input(Input),
	MeasureFailed { attempt: Attempt, error: MeasureError },
	Claimed { epoch: u32, is_final: bool },
}

/// Evaluates until `shutdown`, then finishes the calls under way.
///
/// # Errors
/// See [`EvaluateError`]; what passes is waited out.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> Result<(), EvaluateError> {
	run_altered(worker, Arc::new(|_, measured| measured), shutdown).await
}

/// [`run`], with every measurement changed so.
///
/// # Errors
/// As there.
pub async fn run_altered(
	worker: Worker,
	alteration: Alteration,
	shutdown: CancellationToken,
) -> Result<(), EvaluateError> {
	let result = Evaluator::open(&worker, alteration)?.run(&worker, shutdown).await;
	worker.stop().await;
	result
}

struct Evaluator {
	chain: Arc<dyn Chain>,
	signer: Signer,
	state: State,
	journal: Journal<Entry>,
	losses: LossFiles,
	measurer: Arc<Mutex<Measurer>>,
	alteration: Alteration,
	referee: Referee,
	watcher: Watcher,
	claims: Claims,
	/// Measurements that failed.
	failures: Repeats<Attempt>,
	rounds: OpenRounds,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Event>,
	received: mpsc::Receiver<Event>,
}

impl Evaluator {
	fn open(worker: &Worker, alteration: Alteration) -> Result<Self, EvaluateError> {
		let config = &worker.config;
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let (journal, entries) = Journal::open(config.journal(JOURNAL))?;
		let (losses, kept) = LossFiles::open(config.data_dir.join(losses::FOLDER))?;
		let measurer = Measurer::new(chain.clone(), worker.content.clone(), config.measure_options());
		let measurer = Arc::new(Mutex::new(measurer));
		let (to_referee, to_watcher) = (config.journal(referee::JOURNAL), config.journal(watch::JOURNAL));
		let options = Options { ceiling: config.watch.ceiling(), measures: false };
		let (events, received) = mpsc::channel(CHANNEL);
		Ok(Self {
			state: State::new(signer.account().clone(), entries, kept),
			referee: Referee::open(&to_referee, chain.clone(), signer.clone(), measurer.clone())?,
			watcher: Watcher::open(&to_watcher, chain.clone(), signer.clone(), measurer.clone(), options)?,
			chain,
			signer,
			journal,
			losses,
			measurer,
			alteration,
			claims: Claims::default(),
			failures: Repeats::default(),
			rounds: OpenRounds::default(),
			tasks: JoinSet::new(),
			events,
			received,
		})
	}

	async fn run(mut self, worker: &Worker, shutdown: CancellationToken) -> Result<(), EvaluateError> {
		self.warm_up(&worker.config.evaluate.models);
		let mut blocks = self.chain.finalized_blocks(None);
		tracing::info!(account = %self.signer.account(), "evaluating");
		let result = loop {
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(event) = self.received.recv() => self.take(event)?,
				Some(input) = self.referee.next() => self.referee.take(input)?,
				Some(input) = self.watcher.next() => self.watcher.take(input)?,
				block = newest(&mut blocks) => match block {
					Ok(Some(block)) => match self.observe(block.number).await {
						Ok(()) => {},
						Err(EvaluateError::Chain(error)) if error.is_retryable() =>
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
		self.drain(worker.config.shutdown_timeout()).await;
		result
	}

	/// Loads heads ahead of the first round. Failing costs nothing but time later.
	fn warm_up(&mut self, models: &[ModelId]) {
		let (measurer, models) = (self.measurer.clone(), models.to_vec());
		self.tasks.spawn(async move {
			for model in models {
				if let Err(error) = measurer.lock().await.warm_up(model).await {
					tracing::info!(model, %error, "the heads could not be loaded ahead");
				}
			}
		});
	}

	async fn observe(&mut self, height: u32) -> Result<(), EvaluateError> {
		let me = self.signer.account().clone();
		let open = self.rounds.read(&*self.chain).await?;
		let generations = watch::generations(&*self.chain, &open).await?;
		let rounds = open.iter().filter_map(|round| {
			RoundView::of(round, generations.get(&round.model).copied().unwrap_or_default(), &me)
		});
		// A dispute keeps its round open.
		let disputes = if open.is_empty() { Vec::new() } else { self.chain.disputes(None).await? };
		let accusations = disputes.iter().filter_map(|dispute| Accusation::of(dispute, &me)).collect();
		let input = Input::Finalized { height, rounds: rounds.collect(), accusations };
		let actions = step(&mut self.state, input);
		self.carry_out(actions)?;
		self.referee.observe(height, &disputes)?;
		let state = &self.state;
		let own = |attempt| state.losses_of(attempt).map(<[_]>::to_vec);
		self.watcher.observe(height, &open, &disputes, &generations, own).await?;
		let owing = Owing::read(&*self.chain, &me).await?;
		for epoch in self.claims.due(&owing.epochs) {
			self.claim(epoch);
		}
		Ok(())
	}

	fn take(&mut self, event: Event) -> Result<(), EvaluateError> {
		match event {
			Event::Input(input) => {
				let actions = step(&mut self.state, input);
				self.carry_out(actions)
			}
			Event::MeasureFailed { attempt, error } => {
				let is_retryable = error.is_retryable();
				if self.failures.is_news(attempt) {
					tracing::warn!(round = %attempt, %error, is_retryable, "could not measure");
				} else {
					tracing::debug!(round = %attempt, %error, is_retryable, "could not measure, again");
				}
				let actions = step(&mut self.state, Input::MeasureFailed { attempt, is_retryable });
				self.carry_out(actions)
			}
			Event::Claimed { epoch, is_final } => {
				self.claims.returned(epoch, is_final);
				Ok(())
			}
		}
	}

	/// In order; what cannot be journalled stops everything after it.
	fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), EvaluateError> {
		for action in actions {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::KeepLosses(attempt, losses) => self.losses.keep(attempt, &losses)?,
				Action::DropLosses(attempt) => self.losses.drop(attempt)?,
				Action::Measure(round) => self.measure(round),
				Action::Send(call) => self.send(call),
				Action::Note(note) => tell(&note),
			}
		}
		Ok(())
	}

	fn measure(&mut self, round: RoundView) {
		let (measurer, events) = (self.measurer.clone(), self.events.clone());
		let alteration = self.alteration.clone();
		self.tasks.spawn(async move {
			tracing::info!(round = %round.attempt, model = round.model, "measuring");
			let result = measurer.lock().await.measure(&round).await;
			let event = match result.map(|measured| alteration(&round, measured)) {
				Ok(measurement) => Event::Input(Input::Measured {
					attempt: round.attempt,
					blocks: round.blocks,
					finding: measurement.finding,
					salt: random_hash(),
					losses: measurement.losses,
				}),
				Err(error) => Event::MeasureFailed { attempt: round.attempt, error },
			};
			// Nobody listens any more when the worker stops.
			let _ = events.send(event).await;
		});
	}

	fn send(&mut self, call: Call) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let key = call.key();
			let call = match call {
				Call::Commit { attempt, commitment } => {
					ChainCall::Commit { round: attempt.round, commitment }
				}
				Call::Reveal { attempt, finding, salt } => {
					ChainCall::Reveal { round: attempt.round, finding, salt: salt.0 }
				}
				Call::Open { dispute, losses } => {
					// No more than that are drawn: what is more would be refused.
					ChainCall::OpenLosses { dispute, losses: AllLosses::truncate_from(losses) }
				}
			};
			// Repeating is harmless: the chain takes the first and refuses the second.
			let is_final = send_once(&*chain, &signer, call, &key, &OVER).await;
			let _ = events.send(Event::Input(Input::Returned { call: key, is_final })).await;
		});
	}

	fn claim(&mut self, epoch: u32) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let is_final = claim(&*chain, &signer, epoch, log_payment).await;
			let _ = events.send(Event::Claimed { epoch, is_final }).await;
		});
	}

	/// Lets calls under way finish, as long as it may take. A measurement is given up: nothing was
	/// committed to, and another start measures again.
	async fn drain(&mut self, timeout: Duration) {
		let finished = tokio::time::timeout(timeout, async {
			while self.state.has_calls()
				|| !self.claims.is_idle()
				|| self.referee.has_calls()
				|| self.watcher.has_calls()
			{
				tokio::select! {
					Some(event) = self.received.recv() => match event {
						Event::Input(Input::Returned { call, is_final }) => {
							step(&mut self.state, Input::Returned { call, is_final });
						}
						Event::Claimed { epoch, is_final } => self.claims.returned(epoch, is_final),
						Event::Input(_) | Event::MeasureFailed { .. } => {}
					},
					Some(input) = self.referee.next() => self.referee.take_last(input),
					Some(input) = self.watcher.next() => self.watcher.take_last(input),
					else => break,
				}
			}
		});
		if finished.await.is_err() {
			tracing::info!(
				"calls were still under way when the time to stop was over; the next start looks after them"
			);
		}
		self.tasks.shutdown().await;
		self.referee.stop().await;
		self.watcher.stop().await;
	}
}

fn tell(note: &Note) {
	match note {
		Note::MissedCommit(attempt) => {
			tracing::warn!("{attempt}: the time to commit was over before the measurement was done")
		}
		Note::MissedReveal(attempt) => tracing::warn!("{attempt}: the time to reveal was over"),
		Note::FindingLost(attempt) => tracing::error!(
			"{attempt}: the chain has this worker's commitment, but the journal has not what it was to: \
			it cannot be revealed"
		),
		Note::BaselineMoved(attempt) => {
			tracing::info!("{attempt}: the model has moved; the round will begin anew")
		}
		Note::Accused(Accusation { dispute, round, until }) => tracing::warn!(
			"dispute {dispute}: somebody contests what this worker found in round {round}; its losses are opened, which \
			it may do until block {until}"
		),
		Note::LossesLost(Accusation { dispute, round, .. }) => tracing::error!(
			"dispute {dispute}: the losses of round {round} are not on disk as they were reported: they cannot be opened, \
			and the dispute will be lost"
		),
		Note::MissedOpening(Accusation { dispute, .. }) => {
			tracing::warn!("dispute {dispute}: the time to open the losses was over")
		}
	}
}
