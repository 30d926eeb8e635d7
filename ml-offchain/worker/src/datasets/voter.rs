//! Votes on datasets and settles votes, beside an auditor: carries out what [`vote`](super::vote) decides.

use super::vote::{step, Action, Call, Entry, Input, State};
use crate::{
	auditor::AuditorError,
	config::VotePolicy,
	journal::Journal,
	once::{send_once, Over},
	rounds::newest,
	worker::Worker,
};
use blyan_chain_client::{Call as ChainCall, Chain, Signer};
use blyan_primitives::{api::DatasetStageKind, datasets::DatasetStage, AccountId, BlockNumber};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "voter";
/// Blocks between looks at what is voted on: votes last for hours, and every kept dataset is looked at.
const LOOK_BLOCKS: BlockNumber = 5;
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;
/// What says that a call is too late, was done before, or is not this worker's to make.
const OVER: [Over<'static>; 1] = [(
	"Datasets",
	&["AlreadyVoted", "NotInVotePhase", "NotEligible", "VoterPartial", "DatasetNotFound", "VoteNotFound"],
)];

/// A voter at work.
pub struct Voter {
	chain: Arc<dyn Chain>,
	signer: Signer,
	state: State,
	journal: Journal<Entry>,
	stop_timeout: Duration,
	tasks: JoinSet<()>,
	returned: mpsc::Sender<Input>,
	received: mpsc::Receiver<Input>,
}

impl Voter {
	/// Opens the journal; `None` if there is nothing to do: the policy is off, and no vote is to be settled.
	///
	/// # Errors
	/// See [`AuditorError`].
	pub async fn open(worker: &Worker) -> Result<Option<Self>, AuditorError> {
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let (journal, entries) = Journal::open(worker.config.journal(JOURNAL))?;
		let limits = chain.audit_terms().await?.limits;
		let state = State::new(signer.account().clone(), worker.config.vote, limits, entries);
		if worker.config.vote.policy == VotePolicy::Off && state.unsettled().next().is_none() {
			return Ok(None);
		}
		let (returned, received) = mpsc::channel(CHANNEL);
		let stop_timeout = worker.config.shutdown_timeout();
		let tasks = JoinSet::new();
		Ok(Some(Self { chain, signer, state, journal, stop_timeout, tasks, returned, received }))
	}

	/// Votes and settles until `shutdown`, then finishes the calls under way.
	///
	/// # Errors
	/// See [`AuditorError`]; what passes is waited out.
	pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), AuditorError> {
		let mut blocks = self.chain.finalized_blocks(None);
		let mut next = 0;
		let result = loop {
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(input) = self.received.recv() => if let Err(error) = self.take(input) { break Err(error) },
				block = newest(&mut blocks) => match block {
					Ok(Some(block)) if block.number < next => {},
					Ok(Some(block)) => match self.look().await {
						Ok(()) => next = block.number.saturating_add(LOOK_BLOCKS),
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
		let finished = tokio::time::timeout(self.stop_timeout, async {
			while self.state.has_calls() {
				let Some(input) = self.received.recv().await else { break };
				step(&mut self.state, input);
			}
		});
		if finished.await.is_err() {
			tracing::info!(
				"votes were still under way when the time to stop was over; the next start looks after them"
			);
		}
		self.tasks.shutdown().await;
		result
	}

	async fn look(&mut self) -> Result<(), AuditorError> {
		let (chain, me) = (self.chain.clone(), self.signer.account().clone());
		let mut open = Vec::new();
		for record in chain.kept_datasets(Some(DatasetStageKind::Vote)).await? {
			let cast = chain.dataset_vote(record.offer.content, &me).await?;
			open.push((record, cast));
		}
		let mut over = Vec::new();
		for dataset in self.state.unsettled().collect::<Vec<_>>() {
			let is_open = chain
				.dataset(dataset)
				.await?
				.is_some_and(|record| matches!(record.stage, DatasetStage::Vote { .. }));
			if !is_open {
				over.push((dataset, chain.dataset_vote(dataset, &me).await?.is_some()));
			}
		}
		self.take(Input::Seen { open, over })
	}

	fn take(&mut self, input: Input) -> Result<(), AuditorError> {
		for action in step(&mut self.state, input) {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Send(call) => self.send(call),
			}
		}
		Ok(())
	}

	fn send(&mut self, call: Call) {
		let (chain, signer, returned) = (self.chain.clone(), self.signer.clone(), self.returned.clone());
		self.tasks.spawn(async move {
			// Repeating is harmless: the chain takes the first and refuses the second.
			let is_final =
				send_once(&*chain, &signer, chain_call(call, signer.account()), &call, &OVER).await;
			// Nobody listens any more when the worker stops.
			let _ = returned.send(Input::Returned { call, is_final }).await;
		});
	}
}

fn chain_call(call: Call, me: &AccountId) -> ChainCall {
	match call {
		Call::Vote { dataset, aye } => ChainCall::VoteOnDataset { dataset, aye },
		Call::Settle { dataset } => ChainCall::SettleDatasetVote { dataset, voter: me.clone() },
	}
}
