//! `watch`: measures what others report, and contests what cannot be right.
//!
//! [`step`] decides, [`suspicion`] compares, and [`Watcher`] carries out. An evaluator watches the rounds that it
//! measured anyway; `blyan-worker watch` measures every round, and needs no registration.

pub mod commands;
pub mod step;
pub mod suspicion;

use crate::{
	evaluator::{
		measure::Measurer,
		step::{Attempt, RoundView, ShardLoss},
	},
	journal::{Journal, JournalError},
	register::bly,
	repeats::Repeats,
	rounds::{newest, OpenRounds},
	worker::Worker,
};
use blyan_chain_client::{Call, Chain, ChainError, ChainEvent, Signer, SubmitError, Wait};
use blyan_primitives::{
	api::{DisputeInfo, RoundInfo, RoundPhase},
	dag::{Generation, ModelId},
	AccountId, BlockNumber,
};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use step::{step, Action, Entry, Input, Note, Options, OwnDispute, Sent, State, Suspect, WatchedRound};
use tokio::{
	sync::{mpsc, Mutex},
	task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "watcher";
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;

/// Why a watcher ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
	/// The journal cannot be used: nothing must be bonded that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
}

/// Carries out what [`step`] decides.
pub struct Watcher {
	chain: Arc<dyn Chain>,
	signer: Signer,
	measurer: Arc<Mutex<Measurer>>,
	options: Options,
	state: State,
	journal: Journal<Entry>,
	failures: Repeats<Attempt>,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Input>,
	received: mpsc::Receiver<Input>,
}

impl Watcher {
	/// A watcher that remembers what its journal says.
	///
	/// # Errors
	/// The journal cannot be used.
	pub fn open(
		journal: &Path,
		chain: Arc<dyn Chain>,
		signer: Signer,
		measurer: Arc<Mutex<Measurer>>,
		options: Options,
	) -> Result<Self, JournalError> {
		let (journal, entries) = Journal::open(journal)?;
		let (events, received) = mpsc::channel(CHANNEL);
		let state = State::new(signer.account().clone(), options, entries);
		let (failures, tasks) = (Repeats::default(), JoinSet::new());
		Ok(Self { chain, signer, measurer, options, state, journal, failures, tasks, events, received })
	}

	/// Whether contests are under way.
	pub fn has_calls(&self) -> bool {
		self.state.has_calls()
	}

	/// What happened next.
	pub async fn next(&mut self) -> Option<Input> {
		self.received.recv().await
	}

	/// Reads what a finalized block has of the rounds that can be watched, and takes it in. `own` are the losses that
	/// this worker measured as an evaluator.
	///
	/// # Errors
	/// The chain cannot be read, or the journal not written.
	pub async fn observe(
		&mut self,
		height: BlockNumber,
		open: &[RoundInfo<AccountId>],
		disputes: &[DisputeInfo<AccountId>],
		generations: &BTreeMap<ModelId, Generation>,
		own: impl Fn(Attempt) -> Option<Vec<ShardLoss>>,
	) -> Result<(), WatchError> {
		let me = self.signer.account().clone();
		let mut rounds = Vec::new();
		for info in open {
			let current = generations.get(&info.model).copied().unwrap_or_default();
			let Some(round) = RoundView::drawn(info, current, &me) else { continue };
			let own = own(round.attempt);
			if own.is_some() || self.options.measures {
				rounds.extend(self.read(info, round, own).await?);
			}
		}
		let own_dispute = |dispute: &DisputeInfo<AccountId>| {
			let (round, accused, bond) = (dispute.round, dispute.accused.clone(), dispute.bond);
			(dispute.challenger == me).then_some(OwnDispute { round, accused, bond })
		};
		let disputes = disputes.iter().filter_map(own_dispute).collect();
		// Nothing is held where nothing is watched.
		let free = if rounds.is_empty() { 0 } else { self.chain.free_balance(&me).await? };
		Ok(self.take(Input::Finalized { height, rounds, disputes, free })?)
	}

	async fn read(
		&self,
		info: &RoundInfo<AccountId>,
		round: RoundView,
		own: Option<Vec<ShardLoss>>,
	) -> Result<Option<WatchedRound>, ChainError> {
		let (Some(pool), Some(gate)) = (info.pool.clone(), info.gate) else { return Ok(None) };
		// Where no module is named, nothing can be contested.
		if info.referee.unwrap_or_default().is_zero() {
			return Ok(None);
		}
		let (mut findings, mut bonds) = (Vec::new(), BTreeMap::new());
		if matches!(info.phase, RoundPhase::Reveal { .. } | RoundPhase::Contest { .. }) {
			findings = self.chain.findings(info.id).await?;
			findings.retain(|(evaluator, _)| evaluator != self.signer.account());
		}
		if matches!(info.phase, RoundPhase::Contest { .. }) {
			for (evaluator, _) in &findings {
				bonds.insert(evaluator.clone(), self.chain.contest_bond(evaluator).await?);
			}
		}
		Ok(Some(WatchedRound { round, pool, gate, findings, bonds, own }))
	}

	/// Takes in what happened. In order; what cannot be journalled stops everything after it.
	///
	/// # Errors
	/// The journal cannot be written.
	pub fn take(&mut self, input: Input) -> Result<(), JournalError> {
		while self.tasks.try_join_next().is_some() {}
		for action in step(&mut self.state, input) {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Measure(round) => self.measure(round),
				Action::Check { attempt, position } => self.check(attempt, position),
				Action::Contest { suspect, position } => self.contest(suspect, position),
				Action::Note(note) => tell(&note),
			}
		}
		Ok(())
	}

	/// Takes in that a contest returned, while the worker stops.
	pub fn take_last(&mut self, input: Input) {
		if matches!(input, Input::Returned { .. }) {
			step(&mut self.state, input);
		}
	}

	/// Ends what is under way.
	pub async fn stop(&mut self) {
		self.tasks.shutdown().await;
	}

	fn measure(&mut self, round: RoundView) {
		let (measurer, events, attempt) = (self.measurer.clone(), self.events.clone(), round.attempt);
		let is_news = self.failures.is_news(attempt);
		self.tasks.spawn(async move {
			tracing::info!(round = %attempt, model = round.model, "measuring, to compare");
			let result = measurer.lock().await.measure(&round).await;
			let input = match result {
				Ok(measurement) => Input::Measured { attempt, losses: measurement.losses },
				Err(error) => {
					let is_retryable = error.is_retryable();
					if is_news {
						tracing::warn!(round = %attempt, %error, is_retryable, "could not measure");
					}
					Input::MeasureFailed { attempt, is_retryable }
				}
			};
			// Nobody listens any more when the worker stops.
			let _ = events.send(input).await;
		});
	}

	fn check(&mut self, attempt: Attempt, position: u32) {
		let (measurer, events) = (self.measurer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let result = measurer.lock().await.exact(attempt.round, position).await;
			let input = match result {
				Ok(exact) => Input::Checked { attempt, position, exact },
				Err(error) => {
					tracing::warn!(round = %attempt, %error, "could not run the suspicious shard exactly");
					Input::CheckFailed { attempt, position }
				}
			};
			let _ = events.send(input).await;
		});
	}

	fn contest(&mut self, suspect: Suspect, position: u32) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let Suspect { attempt, evaluator } = suspect.clone();
			let call = Call::Contest { round: attempt.round, evaluator: evaluator.clone(), position };
			let outcome = match chain.submit(&signer, call, Wait::Finalized).await {
				Ok(receipt) => {
					for event in receipt.events {
						if let ChainEvent::FindingContested { dispute, bond, .. } = event {
							tracing::info!(
								dispute,
								bly = bly(bond),
								"{attempt}: contested what {evaluator} reported"
							);
						}
					}
					Sent::Done
				}
				Err(error) => outcome(&suspect, &error),
			};
			let _ = events.send(Input::Returned { suspect, outcome }).await;
		});
	}
}

fn outcome(Suspect { attempt, evaluator }: &Suspect, error: &SubmitError) -> Sent {
	if error.is_pallet_error("Disputes", "AlreadyContested") {
		tracing::info!("{attempt}: somebody else contests the same shard of {evaluator}");
		return Sent::Done;
	}
	match error {
		SubmitError::Dispatch { .. } | SubmitError::DispatchOther { .. } => {
			tracing::warn!(%error, "{attempt}: the chain refuses that {evaluator} is contested");
			Sent::Done
		}
		error if error.is_retryable() => {
			tracing::warn!(%error, "{attempt}: {evaluator} is not contested yet; tried again with the next block");
			Sent::NotSent
		}
		error => {
			tracing::error!(%error, "{attempt}: it is not known whether {evaluator} is contested");
			Sent::Unknown
		}
	}
}

fn tell(note: &Note) {
	match note {
		Note::Suspicious(Suspect { attempt, evaluator }, position) => {
			tracing::warn!("{attempt}: what {evaluator} reported cannot be right; shard {position} shows it")
		}
		Note::Unexplained(Suspect { attempt, evaluator }) => tracing::warn!(
			"{attempt}: what {evaluator} reported cannot be right, but it cannot be told which shard shows it: not \
			contested. Who takes the risk: `blyan-worker contest`"
		),
		Note::AboveCeiling { suspect: Suspect { attempt, evaluator }, position, bond, held } => tracing::warn!(
			"{attempt}: contesting {evaluator} at shard {position} takes a bond of {} BLY, with {} BLY held already: \
			beyond `watch.max_bonded_bly`",
			bly(*bond),
			bly(*held)
		),
		Note::TooPoor { suspect: Suspect { attempt, evaluator }, bond, free } => tracing::warn!(
			"{attempt}: contesting {evaluator} takes a bond of {} BLY, and {} BLY are free",
			bly(*bond),
			bly(*free)
		),
		Note::OwnLossesWrong(attempt, position) => tracing::error!(
			"{attempt}: the reference evaluator does not confirm what THIS worker measured of shard {position}: look at \
			its device and its version"
		),
		Note::Uncheckable(attempt) => {
			tracing::warn!("{attempt}: the reference evaluator cannot be run here, so nothing is contested")
		}
		Note::MayBeContested(Suspect { attempt, evaluator }) => tracing::warn!(
			"{attempt}: {evaluator} was about to be contested when this worker stopped, and no such dispute is open. If \
			none was decided either: `blyan-worker contest`"
		),
	}
}

/// Watches every round until `shutdown`, then finishes the contests under way.
///
/// # Errors
/// See [`WatchError`]; what passes is waited out.
pub async fn run(worker: Worker, shutdown: CancellationToken) -> Result<(), WatchError> {
	let result = follow(&worker, shutdown).await;
	worker.stop().await;
	result
}

async fn follow(worker: &Worker, shutdown: CancellationToken) -> Result<(), WatchError> {
	let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
	let measurer = Measurer::new(chain.clone(), worker.content.clone(), worker.config.measure_options());
	let measurer = Arc::new(Mutex::new(measurer));
	let options = Options { ceiling: worker.config.watch.ceiling(), measures: true };
	let journal = worker.config.journal(JOURNAL);
	let mut watcher = Watcher::open(&journal, chain.clone(), signer.clone(), measurer, options)?;
	let mut rounds = OpenRounds::default();
	let mut blocks = chain.finalized_blocks(None);
	tracing::info!(account = %signer.account(), ceiling = bly(options.ceiling), "watching");
	let result = loop {
		tokio::select! {
			biased;
			() = shutdown.cancelled() => break Ok(()),
			Some(input) = watcher.next() => watcher.take(input)?,
			block = newest(&mut blocks) => match block {
				Ok(Some(block)) => match observe(&*chain, &mut watcher, &mut rounds, block.number).await {
					Ok(()) => {},
					Err(WatchError::Chain(error)) if error.is_retryable() =>
						tracing::warn!(%error, "the chain could not be read; tried again with the next block"),
					Err(error) => break Err(error),
				},
				Ok(None) => break Ok(()),
				Err(error) => break Err(error.into()),
			},
		}
	};
	let finished = tokio::time::timeout(worker.config.shutdown_timeout(), async {
		while watcher.has_calls() {
			match watcher.next().await {
				Some(input) => watcher.take_last(input),
				None => break,
			}
		}
	});
	if finished.await.is_err() {
		tracing::info!("contests were still under way when the time to stop was over");
	}
	watcher.stop().await;
	result
}

async fn observe(
	chain: &dyn Chain,
	watcher: &mut Watcher,
	rounds: &mut OpenRounds,
	height: BlockNumber,
) -> Result<(), WatchError> {
	let open = rounds.read(chain).await?;
	let generations = generations(chain, &open).await?;
	let disputes = if open.is_empty() { Vec::new() } else { chain.disputes(None).await? };
	watcher.observe(height, &open, &disputes, &generations, |_| None).await
}

/// The generation that each of the rounds' models is at.
///
/// # Errors
/// The chain cannot be read.
pub async fn generations(
	chain: &dyn Chain,
	rounds: &[RoundInfo<AccountId>],
) -> Result<BTreeMap<ModelId, Generation>, ChainError> {
	let mut generations = BTreeMap::new();
	for round in rounds {
		if let std::collections::btree_map::Entry::Vacant(vacant) = generations.entry(round.model) {
			vacant.insert(chain.model(round.model).await?.map_or(0, |model| model.generation));
		}
	}
	Ok(generations)
}
