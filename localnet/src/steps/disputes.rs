//! Two disputes: a liar is contested by the evaluators that measured beside it, and an honest evaluator by the adversary.

use super::{dishonest::Adversary, Scene};
use crate::{
	layout::{ACCOMPLICE, EVALUATOR},
	localnet::{within, Localnet},
	record,
	steps::training::{account_of, VERDICT},
};
use anyhow::{Context, Result};
use blyan_chain_client::{Call, ChainEvent, Wait};
use blyan_primitives::{
	dag::BlockId,
	learning::{Finding, NanoBits, BIT_PER_BYTE},
	merkle,
	worker::Role,
	AccountId, Hash,
};
use blyan_worker::{
	config::Config,
	evaluator::{self, measure::Measurement, step::RoundView},
	worker::{Connection, Worker},
};
use std::sync::{Arc, OnceLock};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// By how much the accomplice says that a candidate is better than it is, on every shard.
const PRAISE: NanoBits = BIT_PER_BYTE / 20;

/// An evaluator like any other, but for one round.
pub struct Accomplice {
	praised: Arc<OnceLock<BlockId>>,
	task: JoinHandle<()>,
}

impl Drop for Accomplice {
	fn drop(&mut self) {
		self.task.abort();
	}
}

impl Accomplice {
	/// Starts it. It registers by itself.
	///
	/// # Errors
	/// Its configuration cannot be read.
	pub fn start(local: &Localnet) -> Result<Self> {
		let config = Config::load(&local.layout.worker_config(ACCOMPLICE))?;
		let praised = Arc::new(OnceLock::new());
		let of = praised.clone();
		let lie = Arc::new(move |round: &RoundView, measured| match of.get() {
			Some(block) if round.blocks == [*block] => praise(measured, PRAISE),
			_ => measured,
		});
		let task = tokio::spawn(async move {
			let evaluating = async {
				let connection = Connection::open(&config).await?;
				let worker = Worker::start(config, connection, Role::Evaluator).await?;
				evaluator::run_altered(worker, lie, CancellationToken::new()).await?;
				anyhow::Ok(())
			};
			// Without it there is no dispute, which the summary says.
			if let Err(error) = evaluating.await {
				tracing::error!("the accomplice ended: {error:#}");
			}
		});
		Ok(Self { praised, task })
	}

	/// Has it report of that block that it is better than it is.
	pub fn praise(&self, block: BlockId) {
		// Told twice, it is of the same block: forgeries are always the same.
		let _ = self.praised.set(block);
	}
}

/// What was measured, with every loss of the candidate lowered by as much. The losses and the report belong together:
/// only referees can tell.
fn praise(mut measured: Measurement, by: NanoBits) -> Measurement {
	if let Finding::Measured(report) = &mut measured.finding {
		measured.losses.iter_mut().for_each(|loss| loss.candidate -= by);
		let leaf = |(place, loss): (u32, &evaluator::step::ShardLoss)| {
			merkle::leaf(place, &(loss.shard, loss.baseline, loss.candidate))
		};
		let leaves: Vec<Hash> = (0u32..).zip(&measured.losses).map(leaf).collect();
		report.losses_root = merkle::root(&leaves);
		report.gain += by;
		report.domain_gains.iter_mut().for_each(|gain| *gain += by);
	}
	measured
}

/// Contests, as the adversary, what an honest evaluator reported of a block, unless an earlier run did.
///
/// # Errors
/// It cannot be contested in time, or the chain refuses.
pub async fn contest_the_honest(scene: &Scene, adversary: &Adversary, block: BlockId) -> Result<()> {
	let honest = EVALUATOR
		.iter()
		.map(|member| account_of(&scene.names, member.name))
		.collect::<Result<Vec<AccountId>>>()?;
	let challenger = adversary.signer().account();
	let contestable = scene.chronicle.wait_for(|entries| {
		let round = record::latest_round(entries, &[block])?;
		let mut opened = None;
		for entry in entries {
			match &entry.event {
				ChainEvent::FindingContested { round: of, challenger: who, .. }
					if *of == round && who == challenger =>
				{
					return Some(None)
				}
				ChainEvent::ContestOpened { round: of, .. } if *of == round => opened = Some(()),
				_ => (),
			}
		}
		opened?;
		let revealed = entries.iter().find_map(|entry| match &entry.event {
			ChainEvent::FindingRevealed { round: of, evaluator, .. }
				if *of == round && honest.contains(evaluator) =>
			{
				Some(evaluator.clone())
			}
			_ => None,
		});
		Some(Some((round, revealed?)))
	});
	let contestable = within(VERDICT, "no report of an honest evaluator could be contested", contestable);
	let Some((round, evaluator)) = contestable.await? else { return Ok(()) };
	let call = Call::Contest { round, evaluator, position: 0 };
	let sent = scene.chain.submit(adversary.signer(), call, Wait::InBlock).await;
	sent.context("the adversary cannot contest what an honest evaluator reported")?;
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		cid::{Cid, CidCodec},
		learning::{Domain, DomainName, Gate, ValidationPool},
	};
	use blyan_worker::evaluator::{measure::report, step::ShardLoss};

	#[test]
	fn praise_should_leave_losses_and_report_that_belong_together() {
		let domain = Domain { name: DomainName::default(), shards: 2 };
		let content = Cid { codec: CidCodec::Raw, digest: [0; 32] };
		let pool = ValidationPool { content, shard_bytes: 4, domains: vec![domain; 2].try_into().unwrap() };
		let gate = Gate { z_milli: 0, delta: 0, rho: 0, tolerance: 1, shards_per_domain: 2 };
		let loss = |shard: u32| ShardLoss { shard, baseline: 3_000 + i64::from(shard * 7), candidate: 2_900 };
		let losses: Vec<ShardLoss> = (0..4).map(loss).collect();
		let finding = Finding::Measured(report(&pool, &gate, &losses));
		let lied = praise(Measurement { finding, losses: losses.clone() }, 50);
		assert_eq!(lied.finding, Finding::Measured(report(&pool, &gate, &lied.losses)));
		assert!(lied.losses.iter().zip(&losses).all(|(lie, truth)| lie.candidate == truth.candidate - 50));
		let nothing = Measurement { finding: Finding::Unfetchable, losses: vec![] };
		assert_eq!(praise(nothing.clone(), 50), nothing);
	}
}
