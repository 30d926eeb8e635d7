//! Where an auditor sits: carries out what [`step`] decides, for one kind of [`Matter`]s.

use super::{
	step::{step, Action, Call, Entry, Input, Matter, Note, State},
	AuditorError,
};
use crate::{
	claims::{claim, log_payment, Claims, Owing},
	journal::Journal,
	once::{send_once, Over},
	repeats::Repeats,
	rounds::newest,
	worker::{random_hash, Worker},
};
use blyan_chain_client::{Call as ChainCall, Chain, ChainError, Signer};
use blyan_primitives::AccountId;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Results that may wait to be taken in.
const CHANNEL: usize = 64;

/// A kind of matters: where they come from, how they are audited, and what is sent.
pub trait Docket: Clone + Send + Sync + 'static {
	/// What auditors are drawn for.
	type Matter: Matter;
	/// Why something could not be looked at, through no fault of whose it is.
	type Error: std::error::Error + Send + Sync + 'static;

	/// What it is, for people.
	const WHAT: &'static str;
	/// The journal's name in the data folder.
	const JOURNAL: &'static str;
	/// What says that a call is too late, or was done before.
	const OVER: [Over<'static>; 1];

	/// The open audits that this auditor is drawn for.
	///
	/// # Errors
	/// The chain cannot be read.
	fn read(
		&self,
		chain: &dyn Chain,
		me: &AccountId,
	) -> impl Future<Output = Result<Vec<Self::Matter>, ChainError>> + Send;

	/// What is to be found of a matter whose auditors are drawn.
	///
	/// # Errors
	/// What is not the fault of whose it is; tried again.
	fn audit(
		&self,
		chain: &dyn Chain,
		matter: &Self::Matter,
	) -> impl Future<Output = Result<<Self::Matter as Matter>::Finding, Self::Error>> + Send;

	/// The chain's call.
	fn call(call: CallOf<Self::Matter>) -> ChainCall;
}

type AttemptOf<M> = <M as Matter>::Attempt;
type CallOf<M> = Call<<M as Matter>::Attempt, <M as Matter>::Finding>;
type EntryOf<M> = Entry<<M as Matter>::Attempt, <M as Matter>::Finding>;

/// What came back from a task.
enum Event<D: Docket> {
	Input(Input<D::Matter>),
	Failed { attempt: AttemptOf<D::Matter>, error: D::Error },
	Claimed { epoch: u32, is_final: bool },
}

/// An auditor of one kind of matters.
pub struct Desk<D: Docket> {
	chain: Arc<dyn Chain>,
	signer: Signer,
	docket: D,
	state: State<D::Matter>,
	journal: Journal<EntryOf<D::Matter>>,
	/// `None` where another part of the process claims what the account earned.
	claims: Option<Claims>,
	/// Audits that failed.
	failures: Repeats<AttemptOf<D::Matter>>,
	stop_timeout: Duration,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Event<D>>,
	received: mpsc::Receiver<Event<D>>,
}

impl<D: Docket> Desk<D> {
	/// Opens the journal. With `does_claim`, what the account earned is claimed here.
	///
	/// # Errors
	/// [`AuditorError::Journal`].
	pub fn open(worker: &Worker, docket: D, does_claim: bool) -> Result<Self, AuditorError> {
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let (journal, entries) = Journal::open(worker.config.journal(D::JOURNAL))?;
		let (events, received) = mpsc::channel(CHANNEL);
		Ok(Self {
			state: State::new(signer.account().clone(), entries),
			chain,
			signer,
			docket,
			journal,
			claims: does_claim.then(Claims::default),
			failures: Repeats::default(),
			stop_timeout: worker.config.shutdown_timeout(),
			tasks: JoinSet::new(),
			events,
			received,
		})
	}

	/// Audits until `shutdown`, then finishes the calls under way.
	///
	/// # Errors
	/// See [`AuditorError`]; what passes is waited out.
	pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), AuditorError> {
		let mut blocks = self.chain.finalized_blocks(None);
		tracing::info!(account = %self.signer.account(), what = D::WHAT, "auditing");
		let result = loop {
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(event) = self.received.recv() => if let Err(error) = self.take(event) { break Err(error) },
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
		self.drain().await;
		result
	}

	async fn observe(&mut self, height: u32) -> Result<(), AuditorError> {
		let me = self.signer.account().clone();
		let audits = self.docket.read(&*self.chain, &me).await?;
		let actions = step(&mut self.state, Input::Finalized { height, audits });
		self.carry_out(actions)?;
		if let Some(claims) = &mut self.claims {
			let owing = Owing::read(&*self.chain, &me).await?;
			for epoch in claims.due(&owing.epochs) {
				self.claim(epoch);
			}
		}
		Ok(())
	}

	fn take(&mut self, event: Event<D>) -> Result<(), AuditorError> {
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
				self.claimed(epoch, is_final);
				Ok(())
			}
		}
	}

	fn claimed(&mut self, epoch: u32, is_final: bool) {
		if let Some(claims) = &mut self.claims {
			claims.returned(epoch, is_final);
		}
	}

	/// In order; what cannot be journalled stops everything after it.
	fn carry_out(&mut self, actions: Vec<Action<D::Matter>>) -> Result<(), AuditorError> {
		for action in actions {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Audit(matter) => self.audit(*matter),
				Action::Send(call) => self.send(call),
				Action::Note(note) => tell(&note),
			}
		}
		Ok(())
	}

	fn audit(&mut self, matter: D::Matter) {
		let (chain, docket, events) = (self.chain.clone(), self.docket.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let attempt = matter.attempt();
			tracing::info!(audit = %attempt, what = D::WHAT, "auditing");
			let event = match docket.audit(&*chain, &matter).await {
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

	fn send(&mut self, call: CallOf<D::Matter>) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let key = call.key();
			// Repeating is harmless: the chain takes the first and refuses the second.
			let is_final = send_once(&*chain, &signer, D::call(call), &key, &D::OVER).await;
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
	async fn drain(&mut self) {
		let finished = tokio::time::timeout(self.stop_timeout, async {
			while self.state.has_calls() || self.claims.as_ref().is_some_and(|claims| !claims.is_idle()) {
				match self.received.recv().await {
					Some(Event::Input(input @ Input::Returned { .. })) => {
						step(&mut self.state, input);
					}
					Some(Event::Claimed { epoch, is_final }) => self.claimed(epoch, is_final),
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

fn tell<Attempt: std::fmt::Display>(note: &Note<Attempt>) {
	match note {
		Note::MissedCommit(attempt) => {
			tracing::warn!("{attempt}: the time to commit was over before it was looked at")
		}
		Note::MissedReveal(attempt) => tracing::warn!("{attempt}: the time to reveal was over"),
		Note::FindingLost(attempt) => tracing::error!(
			"{attempt}: the chain has this worker's commitment, but the journal has not what it was to: \
			it cannot be revealed"
		),
	}
}
