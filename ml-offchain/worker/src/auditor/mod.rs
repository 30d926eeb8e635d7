//! `audit-manifests`: looks at training manifests whenever drawn for one.
//!
//! [`step`] decides, [`check`] computes, and [`run`] carries out: it follows the finalized blocks, reads the audits that
//! concern this worker, and feeds what happens to the core.

pub mod check;
pub mod step;

use crate::{
	claims::{claim, log_payment, Claims, Owing},
	content::Content,
	journal::{Journal, JournalError},
	once::{send_once, Over},
	repeats::Repeats,
	rounds::newest,
	worker::{random_hash, Worker},
};
use blyan_chain_client::{Call as ChainCall, Chain, ChainError, Signer};
use blyan_primitives::{api::ManifestInfo, AccountId};
use check::{audit, AuditError};
use std::{sync::Arc, time::Duration};
use step::{attempt_of, step, Action, Attempt, Call, Entry, Input, Note, State};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "auditor";
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;
/// What says that a call is too late, or was done before.
const OVER: [Over<'static>; 1] = [(
	"Manifests",
	&[
		"AlreadyCommitted",
		"AlreadyRevealed",
		"NotInCommitPhase",
		"NotInRevealPhase",
		"AuditNotFound",
		"NotAuditor",
	],
)];

/// Why an auditor ended.
#[derive(Debug, thiserror::Error)]
pub enum AuditorError {
	/// The journal cannot be used: nothing must be committed to that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
}

/// What came back from a task.
enum Event {
	Input(Input),
	Failed { attempt: Attempt, error: AuditError },
	Claimed { epoch: u32, is_final: bool },
}

/// Audits until `shutdown`, then finishes the calls under way.
///
/// # Errors
/// See [`AuditorError`]; what passes is waited out.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> Result<(), AuditorError> {
	let result = Auditor::open(&worker)?.run(&worker, shutdown).await;
	worker.stop().await;
	result
}

struct Auditor {
	chain: Arc<dyn Chain>,
	signer: Signer,
	content: Content,
	patience: Duration,
	state: State,
	journal: Journal<Entry>,
	claims: Claims,
	/// Audits that failed.
	failures: Repeats<Attempt>,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Event>,
	received: mpsc::Receiver<Event>,
}

impl Auditor {
	fn open(worker: &Worker) -> Result<Self, AuditorError> {
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let (journal, entries) = Journal::open(worker.config.journal(JOURNAL))?;
		let (events, received) = mpsc::channel(CHANNEL);
		Ok(Self {
			state: State::new(signer.account().clone(), entries),
			chain,
			signer,
			content: worker.content.clone(),
			patience: Duration::from_secs(worker.config.audit.fetch_timeout_seconds),
			journal,
			claims: Claims::default(),
			failures: Repeats::default(),
			tasks: JoinSet::new(),
			events,
			received,
		})
	}

	async fn run(mut self, worker: &Worker, shutdown: CancellationToken) -> Result<(), AuditorError> {
		let mut blocks = self.chain.finalized_blocks(None);
		tracing::info!(account = %self.signer.account(), "auditing");
		let result = loop {
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(event) = self.received.recv() => self.take(event)?,
				block = newest(&mut blocks) => match block {
					Ok(Some(block)) => match self.observe(block.number).await {
						Ok(()) => {},
						Err(AuditorError::Chain(error)) if error.is_retryable() =>
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

	async fn observe(&mut self, height: u32) -> Result<(), AuditorError> {
		let me = self.signer.account().clone();
		let audits = self.chain.audits(Some(&me)).await?;
		let actions = step(&mut self.state, Input::Finalized { height, audits });
		self.carry_out(actions)?;
		let owing = Owing::read(&*self.chain, &me).await?;
		for epoch in self.claims.due(&owing.epochs) {
			self.claim(epoch);
		}
		Ok(())
	}

	fn take(&mut self, event: Event) -> Result<(), AuditorError> {
		match event {
			Event::Input(input) => {
				let actions = step(&mut self.state, input);
				self.carry_out(actions)
			}
			Event::Failed { attempt, error } => {
				if self.failures.is_news(attempt) {
					tracing::warn!(audit = %attempt, %error, "could not audit; tried again with the next block");
				} else {
					tracing::debug!(audit = %attempt, %error, "could not audit, again");
				}
				let actions = step(&mut self.state, Input::Failed { attempt });
				self.carry_out(actions)
			}
			Event::Claimed { epoch, is_final } => {
				self.claims.returned(epoch, is_final);
				Ok(())
			}
		}
	}

	/// In order; what cannot be journalled stops everything after it.
	fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), AuditorError> {
		for action in actions {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Audit(info) => self.audit(*info),
				Action::Send(call) => self.send(call),
				Action::Note(note) => tell(&note),
			}
		}
		Ok(())
	}

	fn audit(&mut self, info: ManifestInfo<AccountId>) {
		let (chain, content, events) = (self.chain.clone(), self.content.clone(), self.events.clone());
		let patience = self.patience;
		self.tasks.spawn(async move {
			let attempt = attempt_of(&info);
			tracing::info!(audit = %attempt, batches = info.sample.len(), "auditing a manifest");
			let event = match audit(&*chain, &content, &info, patience).await {
				Ok(finding) => {
					tracing::info!(audit = %attempt, ?finding, "audited");
					Event::Input(Input::Found { attempt, finding, salt: random_hash() })
				}
				Err(error) => Event::Failed { attempt, error },
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
					ChainCall::CommitAsAuditor { round: attempt.round, commitment }
				}
				Call::Reveal { attempt, finding, salt } => {
					ChainCall::RevealAsAuditor { round: attempt.round, finding, salt: salt.0 }
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

	/// Lets calls under way finish, as long as it may take. What is being looked at is given up: nothing was committed
	/// to, and another start looks again.
	async fn drain(&mut self, timeout: Duration) {
		let finished = tokio::time::timeout(timeout, async {
			while self.state.has_calls() || !self.claims.is_idle() {
				match self.received.recv().await {
					Some(Event::Input(input @ Input::Returned { .. })) => {
						step(&mut self.state, input);
					}
					Some(Event::Claimed { epoch, is_final }) => self.claims.returned(epoch, is_final),
					Some(Event::Input(_) | Event::Failed { .. }) => {}
					None => break,
				}
			}
		});
		if finished.await.is_err() {
			tracing::info!(
				"calls were still under way when the time to stop was over; the next start looks after them"
			);
		}
		self.tasks.shutdown().await;
	}
}

fn tell(note: &Note) {
	match note {
		Note::MissedCommit(attempt) => {
			tracing::warn!("{attempt}: the time to commit was over before the manifest was looked at")
		}
		Note::MissedReveal(attempt) => tracing::warn!("{attempt}: the time to reveal was over"),
		Note::FindingLost(attempt) => tracing::error!(
			"{attempt}: the chain has this worker's commitment, but the journal has not what it was to: \
			it cannot be revealed"
		),
	}
}
