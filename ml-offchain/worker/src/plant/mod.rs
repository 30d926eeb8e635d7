//! `plant`: as a validator whose key is drawn, sends a canary as any trainer would, and shows it when every finding
//! is revealed.
//!
//! [`step`] decides, [`mirror`] makes worse, and [`run`] carries out. What it earns accrues to the validator.

pub mod mirror;
pub mod step;

use crate::{
	components::Selection,
	config::{Config, ConfigError, SubmitAs},
	files::FileError,
	journal::{Journal, JournalError},
	progress::{Happening, Reporter},
	rounds::newest,
	trainer::{
		job::{JobError, Trained, Workshop},
		step::SubmissionView,
		submission::{Refusal, Sent, Submission},
	},
	work::{Progress, Subject},
	worker::{random_hash, Worker},
};
use blyan_chain_client::{Call, Chain, ChainError, KeyError, KeyFile, Signer, SubmitError, Wait};
use blyan_primitives::{
	api::{CanaryKeyInfo, LotteryPeriod},
	canary::{self, LotProof, PeriodNumber},
	dag::Component,
	AccountId, BlockNumber,
};
use polkadot_sdk::sp_core::{sr25519::Pair, Pair as _};
use secrecy::ExposeSecret;
use std::{path::Path, sync::Arc};
use step::{step, Action, Entry, Input, Made, Note, OtherKey, State};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "planter";
/// Results that may wait to be taken in.
const CHANNEL: usize = 16;
/// Blocks that a submission may take to be included, before the period is over in which it must be.
const MARGIN_BLOCKS: BlockNumber = 5;
/// Most periods that are looked through for that of a submission.
const MAX_PERIODS: PeriodNumber = 256;
/// The one job that is done.
const JOB: u32 = 0;

/// Why a planter ended.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
	/// The configuration is not one of a planter.
	#[error(transparent)]
	Config(#[from] ConfigError),
	/// The journal cannot be used: nothing must be sent that is not in it.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The journal is of another key.
	#[error(transparent)]
	OtherKey(#[from] OtherKey),
	/// The chain cannot be followed.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The canary cannot be made.
	#[error(transparent)]
	Job(#[from] JobError),
	/// A file of the finished run cannot be removed.
	#[error(transparent)]
	File(#[from] FileError),
	/// The chain refuses the submission.
	#[error("the canary was refused: {0}")]
	Refused(SubmitError),
}

/// Reads a canary key.
///
/// # Errors
/// Why it cannot be used; never the secret.
pub fn load_key(path: &Path) -> Result<Pair, ConfigError> {
	let secret = KeyFile::new(path).read()?;
	Pair::from_string(secret.expose_secret().trim(), None).map_err(|_| {
		ConfigError::Key(KeyError::In {
			origin: path.display().to_string(),
			source: Box::new(KeyError::Malformed),
		})
	})
}

/// What has a key of the signer's take part in the lottery.
pub fn set_key_call(pair: &Pair, signer: &Signer) -> Call {
	let ownership = canary::prove_ownership(pair, signer.account());
	Call::SetCanaryKey { key: pair.public().0, ownership }
}

fn check(config: &Config) -> Result<Pair, ConfigError> {
	let missing = || ConfigError::field("plant.canary_key_file", "is missing: the key that is drawn");
	let pair = load_key(config.plant.canary_key_file.as_deref().ok_or_else(missing)?)?;
	let job = config.train.jobs.first();
	let job = job.ok_or_else(|| ConfigError::field("train.jobs", "is empty: what the canary looks like"))?;
	if job.migration.is_some() || job.submit_as == SubmitAs::Snapshots {
		return Err(ConfigError::field("train.jobs[0]", "must train: only an improvement can be a canary"));
	}
	let is_expert = |component: &Component| matches!(component, Component::Expert { .. });
	if !matches!(&job.components, Selection::Some(some) if some.iter().all(is_expert)) {
		let why =
			"must name experts, and nothing else: a canary of another component is told from a training";
		return Err(ConfigError::field("train.jobs[0].components", why));
	}
	Ok(pair)
}

/// Why a canary could not be shown.
#[derive(Debug, thiserror::Error)]
enum RevealError {
	#[error(transparent)]
	Chain(#[from] ChainError),
	#[error("the chain does not keep lottery period {0} any more")]
	PeriodGone(PeriodNumber),
	#[error(transparent)]
	Submit(#[from] SubmitError),
}

/// What came back from a task.
enum Event {
	Made(Box<Trained>),
	MakeFailed(JobError),
	Unreadable(ChainError),
	Submitted(Result<(), SubmitError>),
	Revealed(Result<(), RevealError>),
}

/// Plants one canary and shows it; then stays, because others may still fetch its content, until `shutdown`. With
/// `once`, leaves when its round is closed.
///
/// # Errors
/// See [`PlantError`]; what passes is waited out.
pub async fn run(
	worker: Worker,
	once: bool,
	reporter: Arc<Reporter>,
	shutdown: CancellationToken,
) -> Result<(), PlantError> {
	let result = match Planter::open(&worker, reporter, shutdown) {
		Ok(planter) => planter.run(&worker, once).await,
		Err(error) => Err(error),
	};
	worker.stop().await;
	result
}

struct Planter {
	pair: Pair,
	chain: Arc<dyn Chain>,
	signer: Signer,
	state: State,
	journal: Journal<Entry>,
	workshop: Workshop,
	/// Why nothing is drawn, as it was told last.
	told: Option<&'static str>,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Event>,
	received: mpsc::Receiver<Event>,
}

impl Planter {
	fn open(
		worker: &Worker,
		reporter: Arc<Reporter>,
		shutdown: CancellationToken,
	) -> Result<Self, PlantError> {
		let pair = check(&worker.config)?;
		let (chain, signer) = (worker.connection.chain.clone(), worker.connection.signer.clone());
		let (journal, entries) = Journal::open(worker.config.journal(JOURNAL))?;
		let account = signer.account().clone();
		let state = State::new(account.clone(), worker.config.train.model, pair.public().0, entries)?;
		let workshop = Workshop {
			config: worker.config.clone(),
			chain: chain.clone(),
			account,
			content: worker.content.clone(),
			reporter,
			shutdown,
		};
		let (events, received) = mpsc::channel(CHANNEL);
		let tasks = JoinSet::new();
		Ok(Self { pair, chain, signer, state, journal, workshop, told: None, tasks, events, received })
	}

	async fn run(mut self, worker: &Worker, once: bool) -> Result<(), PlantError> {
		let shutdown = self.workshop.shutdown.clone();
		let account = self.signer.account().to_string();
		self.workshop.reporter.tell(&Happening::Ready { account, endpoint: worker.endpoint() });
		let mut blocks = self.chain.finalized_blocks(None);
		let result = loop {
			if once && self.state.outcome().is_some() {
				break Ok(());
			}
			tokio::select! {
				biased;
				() = shutdown.cancelled() => break Ok(()),
				Some(event) = self.received.recv() => if let Err(error) = self.take(event) { break Err(error) },
				block = newest(&mut blocks) => match block {
					Ok(Some(block)) => match self.observe(block.number).await {
						Ok(()) => {},
						Err(PlantError::Chain(error)) if error.is_retryable() =>
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
		// The training thread then saves and stops; what was sent is found on the chain at the next start.
		shutdown.cancel();
		let stopped = tokio::time::timeout(worker.config.shutdown_timeout(), async {
			while self.tasks.join_next().await.is_some() {}
		});
		let _ = stopped.await;
		self.tasks.shutdown().await;
		result
	}

	/// Takes in a finalized block.
	async fn observe(&mut self, height: BlockNumber) -> Result<(), PlantError> {
		if self.state.outcome().is_some() {
			return Ok(());
		}
		let (mut wins, mut good) = (Vec::new(), Vec::new());
		let submission = self.submission().await?;
		let info = self.chain.canary_key(self.pair.public().0).await?;
		let running = self.chain.lottery(None).await?;
		match (info, running) {
			(Some(info), Some(running)) if info.is_validator => match &submission {
				None => wins = self.wins_now(&info, &running, height).await?,
				Some((_, submitted_at)) => good = self.wins_at(&info, &running, *submitted_at).await?,
			},
			(Some(info), Some(_)) => {
				tracing::debug!(validator = %info.validator, "not in the set of authorities");
				self.explain("the canary key's account is no validator now: it is not drawn");
			}
			(None, _) => self.explain("the canary key is not registered: see `blyan-worker set-canary-key`"),
			(_, None) => {}
		}
		let submission = submission.map(|(view, _)| view);
		let actions = step(&mut self.state, Input::Finalized { wins, submission, good });
		self.carry_out(actions)
	}

	/// Warns, once in a row.
	fn explain(&mut self, why: &'static str) {
		if self.told.replace(why) != Some(why) {
			tracing::warn!("{why}");
		}
	}

	/// The canary on the chain, and since when it is there.
	async fn submission(&self) -> Result<Option<(SubmissionView, BlockNumber)>, ChainError> {
		let Some(id) = self.state.watched() else { return Ok(None) };
		let Some(block) = self.chain.block(id).await? else { return Ok(None) };
		let Some(round) = block.submission else { return Ok(None) };
		let info = self.chain.round(round).await?;
		let submitted_at = info.as_ref().map(|info| info.submitted_at).unwrap_or_default();
		let (phase, medians) = (info.as_ref().map(|info| info.phase), info.and_then(|info| info.medians));
		Ok(Some((SubmissionView { round, standing: block.standing, phase, medians }, submitted_at)))
	}

	fn lot(&self, period: &LotteryPeriod) -> (bool, LotProof) {
		let (lot, proof) = canary::draw(&self.pair, period.number, &period.randomness);
		(canary::is_drawn(lot, period.chance), proof)
	}

	fn won(&self, info: &CanaryKeyInfo<AccountId>, period: &LotteryPeriod) -> bool {
		info.since <= period.number
			&& info.until.is_none_or(|until| period.number < until)
			&& !info.planted.contains(&period.number)
			&& self.lot(period).0
	}

	/// Of a period and the one before it, those that were won: what is good for a submission in the period.
	async fn won_of(
		&self,
		info: &CanaryKeyInfo<AccountId>,
		period: &LotteryPeriod,
	) -> Result<Vec<PeriodNumber>, ChainError> {
		let mut won = Vec::from_iter(self.won(info, period).then_some(period.number));
		if let Some(number) = period.number.checked_sub(1) {
			let before = self.chain.lottery(Some(number)).await?;
			won.extend(before.filter(|before| self.won(info, before)).map(|before| before.number));
		}
		Ok(won)
	}

	async fn wins_now(
		&self,
		info: &CanaryKeyInfo<AccountId>,
		running: &LotteryPeriod,
		height: BlockNumber,
	) -> Result<Vec<PeriodNumber>, ChainError> {
		let mut won = self.won_of(info, running).await?;
		// The win of the period before is over with this one.
		let ends_at = running.started_at.saturating_add(running.blocks);
		won.retain(|number| *number == running.number || height.saturating_add(MARGIN_BLOCKS) < ends_at);
		Ok(won)
	}

	async fn wins_at(
		&self,
		info: &CanaryKeyInfo<AccountId>,
		running: &LotteryPeriod,
		submitted_at: BlockNumber,
	) -> Result<Vec<PeriodNumber>, ChainError> {
		let mut period = running.clone();
		for _ in 0..MAX_PERIODS {
			if period.started_at <= submitted_at {
				return self.won_of(info, &period).await;
			}
			let Some(number) = period.number.checked_sub(1) else { break };
			let Some(before) = self.chain.lottery(Some(number)).await? else { break };
			period = before;
		}
		Ok(Vec::new())
	}

	fn take(&mut self, event: Event) -> Result<(), PlantError> {
		let input = match event {
			Event::Made(made) => {
				let Trained { blocks, manifest, .. } = *made;
				let made = Input::Made { salt: random_hash().0, blocks, manifest };
				let actions = step(&mut self.state, made);
				self.carry_out(actions)?;
				// The journal has the result now.
				return Ok(self.workshop.forget_run(JOB)?);
			}
			Event::MakeFailed(error) if !error.is_retryable() => return Err(error.into()),
			Event::MakeFailed(error) => {
				tracing::warn!(%error, "tried again with the next block");
				Input::MakeFailed
			}
			Event::Unreadable(error) => {
				tracing::warn!(%error, "the submission is tried again with the next block");
				Input::Submitted
			}
			Event::Submitted(Err(error)) if Refusal::passing(&error).is_none() => {
				return Err(PlantError::Refused(error))
			}
			Event::Submitted(result) => {
				if let Err(error) = result {
					tracing::info!(%error, "the chain is asked again");
				}
				Input::Submitted
			}
			Event::Revealed(Ok(())) => Input::Revealed(true),
			Event::Revealed(Err(error)) => {
				let is_known = matches!(&error, RevealError::Submit(error) if
					error.is_pallet_error("Canaries", "AlreadyRevealed"));
				if !is_known {
					tracing::warn!(%error, "the canary could not be shown; tried again with the next block");
				}
				Input::Revealed(is_known)
			}
		};
		let actions = step(&mut self.state, input);
		self.carry_out(actions)
	}

	/// In order; what cannot be journalled stops everything after it.
	fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), PlantError> {
		for action in actions {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Make => self.make(),
				Action::Submit(made) => self.submit(made),
				Action::Reveal { round, period, made } => self.reveal(round, period, made),
				Action::Note(note) => self.workshop.reporter.tell(&match note {
					Note::Drawn(period) => Happening::Drawn { period },
					Note::Planted(round) => Happening::Planted { round },
					Note::Closed { round, outcome: verdict, medians } => {
						Happening::CanaryClosed { round, verdict, medians }
					}
				}),
			}
		}
		Ok(())
	}

	fn make(&mut self) {
		let (workshop, events) = (self.workshop.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let made = workshop.train_canary(JOB).await;
			// Nobody listens any more when the worker stops.
			let _ =
				events.send(made.map_or_else(Event::MakeFailed, |made| Event::Made(Box::new(made)))).await;
		});
	}

	fn submit(&mut self, made: Made) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		let model = self.workshop.config.train.model;
		let seal = canary::seal(&made.key, signer.account(), &made.ids, &made.salt);
		let account = signer.account().clone();
		let subject = Subject { account, model, blocks: made.ids, seal };
		let submission =
			Submission { subject, blocks: made.blocks, migration: None, manifest: made.manifest };
		let (reporter, stop) = (self.workshop.reporter.clone(), self.workshop.shutdown.clone());
		self.tasks.spawn(async move {
			let tell =
				|Progress { bits, tries }| reporter.tell(&Happening::Working { job: JOB, bits, tries });
			let sent = match submission.send(&*chain, &signer, 0, &stop, tell).await {
				Sent::Stopped => return,
				Sent::Unreadable(error) => Event::Unreadable(error),
				Sent::Returned(result) => Event::Submitted(result),
			};
			let _ = events.send(sent).await;
		});
	}

	fn reveal(&mut self, round: u64, number: PeriodNumber, made: Made) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		let (pair, reporter) = (self.pair.clone(), self.workshop.reporter.clone());
		self.tasks.spawn(async move {
			let result = match chain.lottery(Some(number)).await {
				Ok(Some(period)) => {
					let (_, lot) = canary::draw(&pair, number, &period.randomness);
					let (key, salt) = (made.key, made.salt);
					let call = Call::RevealCanary { round, period: number, key, lot, salt };
					chain.submit(&signer, call, Wait::Finalized).await.map(|_| ()).map_err(RevealError::from)
				}
				Ok(None) => Err(RevealError::PeriodGone(number)),
				Err(error) => Err(error.into()),
			};
			if result.is_ok() {
				reporter.tell(&Happening::Revealed { round });
			}
			let _ = events.send(Event::Revealed(result)).await;
		});
	}
}
