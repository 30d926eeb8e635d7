//! An evaluator as a referee: drawn for a dispute, it runs the contested shard on the reference evaluator.
//!
//! [`step`] decides, [`exact`] computes, and [`Referee`] carries out. It has no process of its own: referees are drawn
//! from evaluators, and whoever evaluates referees.

pub mod exact;
pub mod step;

use crate::{
	evaluator::measure::Measurer,
	journal::{Journal, JournalError},
	once::{send_once, Over},
	repeats::Repeats,
	worker::random_hash,
};
use blyan_chain_client::{Call as ChainCall, Chain, Signer};
use blyan_primitives::{api::DisputeInfo, learning::RefereeFinding, AccountId, BlockNumber};
use std::{path::Path, sync::Arc};
use step::{step, Action, Call, DisputeView, Duty, Entry, Input, Note, State};
use tokio::{
	sync::{mpsc, Mutex},
	task::JoinSet,
};

/// The journal's name in the data folder.
pub const JOURNAL: &str = "referee";
/// Results that may wait to be taken in.
const CHANNEL: usize = 64;
/// What says that a call is too late, or was done before.
const OVER: [Over<'static>; 1] = [(
	"Disputes",
	&[
		"AlreadyCommitted",
		"AlreadyRevealed",
		"NotInCommitPhase",
		"NotInRevealPhase",
		"DisputeNotFound",
		"NotReferee",
	],
)];

/// Carries out what [`step`] decides.
pub struct Referee {
	chain: Arc<dyn Chain>,
	signer: Signer,
	measurer: Arc<Mutex<Measurer>>,
	state: State,
	journal: Journal<Entry>,
	failures: Repeats<Duty>,
	tasks: JoinSet<()>,
	events: mpsc::Sender<Input>,
	received: mpsc::Receiver<Input>,
}

impl Referee {
	/// A referee that remembers what its journal says.
	///
	/// # Errors
	/// The journal cannot be used.
	pub fn open(
		journal: &Path,
		chain: Arc<dyn Chain>,
		signer: Signer,
		measurer: Arc<Mutex<Measurer>>,
	) -> Result<Self, JournalError> {
		let (journal, entries) = Journal::open(journal)?;
		let (events, received) = mpsc::channel(CHANNEL);
		let state = State::new(signer.account().clone(), entries);
		let (failures, tasks) = (Repeats::default(), JoinSet::new());
		Ok(Self { chain, signer, measurer, state, journal, failures, tasks, events, received })
	}

	/// Whether calls are under way.
	pub fn has_calls(&self) -> bool {
		self.state.has_calls()
	}

	/// What happened next.
	pub async fn next(&mut self) -> Option<Input> {
		self.received.recv().await
	}

	/// Takes in how disputes stand in a finalized block.
	///
	/// # Errors
	/// The journal cannot be written.
	pub fn observe(
		&mut self,
		height: BlockNumber,
		disputes: &[DisputeInfo<AccountId>],
	) -> Result<(), JournalError> {
		let me = self.signer.account();
		let disputes = disputes.iter().filter_map(|dispute| DisputeView::of(dispute, me)).collect();
		self.take(Input::Finalized { height, disputes })
	}

	/// Takes in what happened. In order; what cannot be journalled stops everything after it.
	///
	/// # Errors
	/// The journal cannot be written.
	pub fn take(&mut self, input: Input) -> Result<(), JournalError> {
		while self.tasks.try_join_next().is_some() {}
		if let Input::Computed { duty, finding, .. } = &input {
			tracing::info!("{duty}: found {finding:?}");
		}
		for action in step(&mut self.state, input) {
			match action {
				Action::Journal(entry) => self.journal.append(&entry)?,
				Action::Compute(dispute) => self.compute(dispute),
				Action::GiveUp(duty) => self.answer(Input::Computed {
					duty,
					finding: RefereeFinding::Unable,
					salt: random_hash(),
				}),
				Action::Send(call) => self.send(call),
				Action::Note(note) => tell(&note),
			}
		}
		Ok(())
	}

	/// Takes in that a call returned, while the worker stops.
	pub fn take_last(&mut self, input: Input) {
		if matches!(input, Input::Returned { .. }) {
			step(&mut self.state, input);
		}
	}

	/// Ends what is under way.
	pub async fn stop(&mut self) {
		self.tasks.shutdown().await;
	}

	fn answer(&mut self, input: Input) {
		let events = self.events.clone();
		self.tasks.spawn(async move {
			// Nobody listens any more when the worker stops.
			let _ = events.send(input).await;
		});
	}

	fn compute(&mut self, dispute: DisputeView) {
		let (measurer, events, duty) = (self.measurer.clone(), self.events.clone(), dispute.duty);
		let is_news = self.failures.is_news(duty);
		self.tasks.spawn(async move {
			tracing::info!("{duty}: running shard {} of round {} exactly", dispute.position, dispute.round);
			let result = measurer.lock().await.exact(dispute.round, dispute.position).await;
			let salt = random_hash();
			let input = match result {
				Ok(finding) => Input::Computed { duty, finding, salt },
				Err(error) if error.is_retryable() => {
					if is_news {
						tracing::warn!(dispute = %duty, %error, "could not run the shard; tried again with the next block");
					}
					Input::ComputeFailed { duty }
				}
				Err(error) => {
					tracing::error!(dispute = %duty, %error, "cannot run the shard");
					Input::Computed { duty, finding: RefereeFinding::Unable, salt }
				}
			};
			let _ = events.send(input).await;
		});
	}

	fn send(&mut self, call: Call) {
		let (chain, signer, events) = (self.chain.clone(), self.signer.clone(), self.events.clone());
		self.tasks.spawn(async move {
			let key = call.key();
			let call = match call {
				Call::Commit { duty, commitment } => {
					ChainCall::CommitAsReferee { dispute: duty.dispute, commitment }
				}
				Call::Reveal { duty, finding, salt } => {
					ChainCall::RevealAsReferee { dispute: duty.dispute, finding, salt: salt.0 }
				}
			};
			// Repeating is harmless: the chain takes the first and refuses the second.
			let is_final = send_once(&*chain, &signer, call, &key, &OVER).await;
			let _ = events.send(Input::Returned { call: key, is_final }).await;
		});
	}
}

fn tell(note: &Note) {
	match note {
		Note::MissedCommit(duty) => {
			tracing::warn!("{duty}: the time to commit was over before the shard was run")
		}
		Note::MissedReveal(duty) => tracing::warn!("{duty}: the time to reveal was over"),
		Note::FindingLost(duty) => tracing::error!(
			"{duty}: the chain has this referee's commitment, but the journal has not what it was to: it cannot be \
			revealed"
		),
		Note::Unable(duty) => {
			tracing::warn!("{duty}: the time to commit is nearly over, and the shard was not run: unable")
		}
	}
}
