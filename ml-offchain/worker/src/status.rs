//! `status`: what a worker is, what it takes part in, and what it is owed and why not yet.

use crate::{
	claims::Owing,
	config::Config,
	progress::as_text,
	register::bly,
	rounds::OpenRounds,
	worker::{Connection, StartError},
};
use blyan_primitives::{
	api::{RoundPhase, WorkerInfo},
	dag::{ModelId, SubmissionId},
	AccountId, Balance, BlockNumber,
};
use blyan_store::Store;
use serde::Serialize;
use std::fmt;

/// What a worker is and has.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Status {
	/// Whose worker it is.
	pub account: AccountId,
	/// The newest finalized block.
	pub finalized: BlockNumber,
	/// What the account can spend, in the smallest unit of BLY.
	#[serde(serialize_with = "as_text")]
	pub free_balance: Balance,
	/// What it is registered as.
	pub worker: Option<Registered>,
	/// Open rounds that it takes part in.
	pub rounds: Vec<Part>,
	/// What it has coming.
	pub owed: Owed,
	/// Its learning credits.
	pub credits: u64,
	/// What its store holds; `None` if there is none.
	pub store: Option<StoreSize>,
}

/// A registration.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Registered {
	/// Its roles.
	pub roles: Vec<String>,
	/// Where others are told to find it.
	pub endpoint: String,
	/// Its bond, in the smallest unit of BLY.
	#[serde(serialize_with = "as_text")]
	pub bond: Balance,
	/// In parts of a billion.
	pub reputation_parts_per_billion: u32,
	/// Rounds that it was drawn for and that are not over.
	pub engagements: u32,
	/// Whether it is drawn.
	pub is_active: bool,
}

/// A round that the worker takes part in.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Part {
	/// The round.
	pub round: SubmissionId,
	/// The model.
	pub model: ModelId,
	/// As what.
	pub part: PartKind,
	/// Which attempt, from 0.
	pub attempt: u32,
	/// Where the round stands.
	pub phase: RoundPhase,
}

/// As what a worker takes part in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
	/// It made what is measured.
	Trainer,
	/// It measures, and has not committed yet.
	EvaluatorToCommit,
	/// It committed, and has not revealed yet.
	EvaluatorToReveal,
	/// It revealed.
	EvaluatorDone,
}

/// What a worker has coming. Amounts are in the smallest unit of BLY.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Owed {
	/// What claiming now would pay.
	#[serde(serialize_with = "as_text")]
	pub claimable: Balance,
	/// What is earned in the running epoch.
	#[serde(serialize_with = "as_text")]
	pub accruing: Balance,
	/// Closed epochs with an open claim.
	pub epochs: Vec<u32>,
	/// Why it is not paid yet.
	pub explanation: &'static str,
}

/// What a store holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct StoreSize {
	/// Files.
	pub files: u64,
	/// Their bytes.
	pub bytes: u64,
}

/// Reads it all.
///
/// # Errors
/// The chain or the store cannot be read.
pub async fn status(config: &Config, connection: &Connection) -> Result<Status, StartError> {
	let (chain, account) = (&*connection.chain, connection.account().clone());
	let open = OpenRounds::default().read(chain).await?;
	let rounds = open
		.into_iter()
		.filter_map(|round| {
			let part = if round.trainer == account {
				PartKind::Trainer
			} else if !round.committee.contains(&account) {
				return None;
			} else if round.revealed.contains(&account) {
				PartKind::EvaluatorDone
			} else if round.committed.contains(&account) {
				PartKind::EvaluatorToReveal
			} else {
				PartKind::EvaluatorToCommit
			};
			Some(Part {
				round: round.id,
				model: round.model,
				part,
				attempt: round.attempt,
				phase: round.phase,
			})
		})
		.collect();
	let owing = Owing::read(chain, &account).await?;
	let explanation = owing.explanation();
	let Owing { claimable, accruing, epochs } = owing;
	// Not made by looking at it.
	let store = if config.store_dir().is_dir() {
		let files = Store::open(config.store_dir())?.list()?;
		Some(StoreSize { files: files.len() as u64, bytes: files.iter().map(|file| file.bytes).sum() })
	} else {
		None
	};
	Ok(Status {
		finalized: chain.finalized_head().await?.number,
		free_balance: chain.free_balance(&account).await?,
		worker: chain.worker(&account).await?.map(registered),
		rounds,
		owed: Owed { claimable, accruing, epochs, explanation },
		credits: chain.credits(&account).await?,
		store,
		account,
	})
}

fn registered(worker: WorkerInfo<AccountId>) -> Registered {
	let roles = blyan_primitives::worker::Role::ALL;
	Registered {
		roles: roles
			.iter()
			.filter(|role| worker.roles.contains(**role))
			.map(|role| format!("{role:?}").to_lowercase())
			.collect(),
		endpoint: String::from_utf8_lossy(&worker.endpoint).into_owned(),
		bond: worker.bond,
		reputation_parts_per_billion: worker.reputation.deconstruct(),
		engagements: worker.engagements,
		is_active: worker.active,
	}
}

impl fmt::Display for Status {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "account     {}, {} BLY free", self.account, bly(self.free_balance))?;
		writeln!(f, "chain       finalized up to block {}", self.finalized)?;
		match &self.worker {
			None => writeln!(f, "worker      not registered")?,
			Some(worker) => {
				let drawn =
					if worker.is_active { "drawn" } else { "not drawn: leaving, or its bond is too low" };
				writeln!(f, "worker      {} at {}, {drawn}", worker.roles.join(" and "), worker.endpoint)?;
				let reputation = f64::from(worker.reputation_parts_per_billion) / 1e9;
				writeln!(f, "bond        {} BLY, reputation {reputation:.3}", bly(worker.bond))?;
			}
		}
		for part in &self.rounds {
			let Part { round, model, part, attempt, phase } = part;
			writeln!(f, "round       {round} of model {model}, attempt {attempt}: {part:?}, {phase:?}")?;
		}
		if self.rounds.is_empty() {
			writeln!(f, "rounds      none open")?;
		}
		let Owed { claimable, accruing, epochs: _, explanation } = &self.owed;
		writeln!(
			f,
			"owed        {} BLY now, {} BLY accruing: {explanation}",
			bly(*claimable),
			bly(*accruing)
		)?;
		writeln!(f, "credits     {} learning credits", self.credits)?;
		match self.store {
			Some(StoreSize { files, bytes }) => write!(f, "store       {files} files, {bytes} bytes"),
			None => write!(f, "store       none yet"),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::{fake::FakeChain, Owed as ChainOwed, Signer};
	use blyan_primitives::{api::RoundInfo, economy::BLY, learning::Purpose, worker::Roles};
	use std::sync::Arc;

	#[tokio::test]
	async fn status_should_show_rounds_and_why_something_is_not_paid() {
		let chain = FakeChain::new();
		let signer = Signer::from_suri(&"//Evaluator".to_owned().into()).unwrap();
		let me = signer.account().clone();
		let folder = tempfile::tempdir().unwrap();
		let config = Config { data_dir: folder.path().into(), ..Config::default() };
		let connection = Connection { chain: Arc::new(chain.clone()), signer };
		let empty = status(&config, &connection).await.unwrap();
		assert_eq!((empty.worker.clone(), empty.rounds.len(), empty.store), (None, 0, None));
		assert!(empty.to_string().contains("not registered"));
		assert!(!config.store_dir().exists(), "looking makes nothing");

		let round = |id, trainer: &AccountId, revealed| RoundInfo {
			id,
			model: 0,
			trainer: trainer.clone(),
			purpose: Purpose::Improvement,
			blocks: vec![],
			components: vec![],
			bond: 0,
			submitted_at: 0,
			attempt: 0,
			baseline: None,
			seed: None,
			pool: None,
			gate: None,
			referee: None,
			committee: vec![me.clone()],
			committed: vec![me.clone()],
			revealed,
			struck: vec![],
			open_disputes: 0,
			phase: RoundPhase::Reveal { until: 9 },
			medians: None,
		};
		let other = AccountId::new([9; 32]);
		chain.edit(|state| {
			state.rounds.insert(0, round(0, &other, vec![]));
			state.rounds.insert(1, round(1, &other, vec![me.clone()]));
			state.rounds.insert(2, round(2, &me, vec![]));
			state.rounds.insert(3, RoundInfo { committee: vec![], ..round(3, &other, vec![]) });
			state.owed.insert(me.clone(), ChainOwed { claimable: 0, accruing: BLY });
			state.credits.insert(me.clone(), 125);
			state.workers.insert(
				me.clone(),
				WorkerInfo {
					account: me.clone(),
					roles: Roles { evaluator: true, ..Roles::default() },
					endpoint: b"http://a".to_vec(),
					bond: 1_000 * BLY,
					reputation: blyan_primitives::worker::INITIAL_REPUTATION,
					engagements: 1,
					active: true,
				},
			);
		});
		Store::open(config.store_dir()).unwrap().put_bytes(b"content").unwrap();
		let status = status(&config, &connection).await.unwrap();
		let parts: Vec<PartKind> = status.rounds.iter().map(|part| part.part).collect();
		assert_eq!(parts, [PartKind::EvaluatorToReveal, PartKind::EvaluatorDone, PartKind::Trainer]);
		assert_eq!(status.store, Some(StoreSize { files: 1, bytes: 7 }));
		assert!(status.to_string().contains("claimed when it ends"), "{status}");
		assert!(status.to_string().contains("125 learning credits"), "{status}");
		let json = serde_json::to_value(&status).unwrap();
		assert_eq!(json["credits"], 125);
		assert_eq!(json["owed"]["accruing"], BLY.to_string());
		assert_eq!(json["worker"]["roles"], serde_json::json!(["evaluator"]));
	}
}
