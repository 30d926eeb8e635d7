//! Two disputes: a liar is contested by the evaluators that measured beside it, and an honest evaluator by the adversary.

use super::{dishonest::Adversary, Scene};
use crate::{
	config::{key_file, SHARD_BYTES},
	layout::{ACCOMPLICE, EVALUATOR, PLANTER},
	localnet::{within, Localnet},
	record,
	steps::training::{account_of, VERDICT},
};
use anyhow::{Context, Result};
use blyan_chain_client::{Call, ChainEvent, KeyFile, Wait};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::BlockId,
	learning::{Domain, DomainName, Finding, Gate, NanoBits, Report, ValidationPool, BIT_PER_BYTE},
	worker::Role,
	AccountId,
};
use blyan_worker::{
	config::Config,
	evaluator::{
		self,
		measure::{self, Measurement},
		step::{RoundView, ShardLoss},
	},
	worker::{Connection, Worker},
};
use std::sync::{Arc, OnceLock};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// By how much the accomplice says that a candidate is better than it is.
const PRAISE: NanoBits = BIT_PER_BYTE / 20;

/// An evaluator like any other, but for two rounds. Of the one it says that the candidate is better on every shard by as
/// much, so that whoever measured beside it sees from its report which shard to contest. Of the other, on every other
/// shard alone: its report cannot be right, but shows no shard that could be contested without risk of the bond. That
/// one is a canary.
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
		let planter = KeyFile::new(key_file(&local.layout, PLANTER)).load()?.account().clone();
		let praised = Arc::new(OnceLock::new());
		let of = praised.clone();
		let lie = Arc::new(move |round: &RoundView, measured| match of.get() {
			Some(block) if round.blocks == [*block] => praise(measured, PRAISE),
			_ if round.trainer == planter => let_pass(measured),
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

/// What was measured, with every loss of the candidate lowered by as much.
fn praise(measured: Measurement, by: NanoBits) -> Measurement {
	with_losses_lowered(measured, |_| by)
}

/// What was measured, with every other loss of the candidate lowered so far that the gate takes it for better: on the
/// whole by twice what it is worse, and some more for the larger error that comes with it.
fn let_pass(measured: Measurement) -> Measurement {
	let Finding::Measured(report) = &measured.finding else { return measured };
	let by = report.gain.min(0).saturating_neg().saturating_mul(2).saturating_add(PRAISE);
	with_losses_lowered(measured, |place| if place % 2 == 0 { by.saturating_mul(2) } else { 0 })
}

/// The losses of the candidate lowered, and the report that belongs to them: only referees can tell.
fn with_losses_lowered(mut measured: Measurement, by: impl Fn(usize) -> NanoBits) -> Measurement {
	let Finding::Measured(report) = &measured.finding else { return measured };
	let domains = report.domain_gains.len();
	measured.losses.iter_mut().enumerate().for_each(|(place, loss)| loss.candidate -= by(place));
	measured.finding = Finding::Measured(report_of(&measured.losses, domains));
	measured
}

/// The report over losses of so many domains with as many shards of each, which is all of a model's terms that it
/// depends on.
fn report_of(losses: &[ShardLoss], domains: usize) -> Report {
	let shards = losses.len().checked_div(domains).unwrap_or_default() as u32;
	let domain = Domain { name: DomainName::default(), shards };
	let content = Cid { codec: CidCodec::Raw, digest: [0; 32] };
	let domains = vec![domain; domains].try_into().unwrap_or_default();
	let pool = ValidationPool { content, shard_bytes: SHARD_BYTES, domains };
	let gate = Gate { z_milli: 0, delta: 0, rho: 0, tolerance: 0, shards_per_domain: shards };
	measure::report(&pool, &gate, losses)
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
	use blyan_primitives::learning::{medians, passes};
	use blyan_worker::watch::suspicion::{suspicion, Suspicion};

	const TOLERANCE: NanoBits = BIT_PER_BYTE / 1_000;

	fn terms() -> (ValidationPool, Gate) {
		let domain = Domain { name: DomainName::default(), shards: 64 };
		let content = Cid { codec: CidCodec::Raw, digest: [0; 32] };
		let domains = vec![domain; 4].try_into().unwrap();
		let (delta, rho) = (2 * TOLERANCE, 20 * TOLERANCE);
		let gate = Gate { z_milli: 2_326, delta, rho, tolerance: TOLERANCE, shards_per_domain: 16 };
		(ValidationPool { content, shard_bytes: SHARD_BYTES, domains }, gate)
	}

	/// A candidate that is worse by that much, more on one shard and less on another.
	fn measured(worse: NanoBits) -> Measurement {
		let loss = |shard: u32| {
			let baseline = 27 * BIT_PER_BYTE / 10 + NanoBits::from(shard * 7_919 % 64) * TOLERANCE;
			let noise = (NanoBits::from(shard * 104_729 % 41) - 20) * TOLERANCE / 4;
			ShardLoss { shard, baseline, candidate: baseline + worse + noise }
		};
		let losses: Vec<ShardLoss> = (0..64).map(loss).collect();
		let (pool, gate) = terms();
		Measurement { finding: Finding::Measured(measure::report(&pool, &gate, &losses)), losses }
	}

	fn report(measured: &Measurement) -> &Report {
		match &measured.finding {
			Finding::Measured(report) => report,
			other => panic!("{other:?}"),
		}
	}

	#[test]
	fn lies_should_leave_losses_and_report_that_belong_together() {
		let (pool, gate) = terms();
		let truth = measured(10 * TOLERANCE);
		for lied in [praise(truth.clone(), PRAISE), let_pass(truth.clone())] {
			assert_eq!(*report(&lied), measure::report(&pool, &gate, &lied.losses));
			assert!(passes(&gate, &medians(&[report(&lied)])).is_ok());
		}
		let even = praise(truth.clone(), 50);
		assert!(even
			.losses
			.iter()
			.zip(&truth.losses)
			.all(|(lie, truth)| lie.candidate == truth.candidate - 50));
		let nothing = Measurement { finding: Finding::Unfetchable, losses: vec![] };
		assert_eq!(praise(nothing.clone(), 50), nothing);
		assert_eq!(let_pass(nothing.clone()), nothing);
	}

	#[test]
	fn let_pass_should_make_what_is_worse_pass_without_a_shard_to_contest() {
		let (pool, gate) = terms();
		for worse in [5, 10, 30, 100] {
			let truth = measured(worse * TOLERANCE);
			assert!(passes(&gate, &medians(&[report(&truth)])).is_err());
			let lied = let_pass(truth.clone());
			assert!(passes(&gate, &medians(&[report(&lied)])).is_ok(), "{worse} tolerances worse");
			let seen = |lied: &Measurement| suspicion(&pool, &gate, &truth.losses, report(lied));
			assert_eq!(seen(&lied), Suspicion::Unexplained);
			// The other lie is one that is contested.
			assert!(matches!(seen(&praise(truth.clone(), PRAISE)), Suspicion::Contestable { .. }));
		}
	}
}
