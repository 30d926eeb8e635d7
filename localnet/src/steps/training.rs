//! The honest work: two jobs of the trainer.

use super::Scene;
use crate::{
	config,
	layout::TRAINER,
	localnet::{within, Localnet},
	record::{self, Names},
	summary::Expected,
};
use anyhow::{Context, Result};
use blyan_primitives::{
	api::BlockInfo,
	dag::{BlockId, BlockKind, SubmissionId},
	AccountId,
};
use indicatif::HumanBytes;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long a job may take, on a machine much slower than the one it was sized for.
const JOB: Duration = Duration::from_secs(1_200);
/// How long a round may take, restarts included.
pub const VERDICT: Duration = Duration::from_secs(600);

/// A line of `blyan-worker train --progress json` that tells how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Progress {
	job: usize,
	step: u64,
	steps: u64,
	loss_bits_per_byte: f64,
}

/// A trainer at work.
pub struct Training {
	progress: watch::Receiver<Option<Progress>>,
}

/// Starts the trainer. It works through its jobs by itself, each from the heads that the one before left.
///
/// # Errors
/// It cannot be started.
pub fn start(local: &mut Localnet) -> Result<Training> {
	let lines = local.start_talking_worker(TRAINER, "train", &["--progress", "json"])?;
	Ok(Training { progress: follow_lines(lines) })
}

fn follow_lines(mut lines: mpsc::Receiver<String>) -> watch::Receiver<Option<Progress>> {
	let (sender, receiver) = watch::channel(None);
	tokio::spawn(async move {
		while let Some(line) = lines.recv().await {
			// Other lines tell what the chain tells too.
			if let Ok(progress) = serde_json::from_str::<Progress>(&line) {
				sender.send_replace(Some(progress));
			}
		}
	});
	receiver
}

impl Training {
	/// Shows a job until its verdict, and returns its round.
	///
	/// # Errors
	/// It is not submitted, or there is no verdict in time.
	pub async fn follow(
		&mut self,
		local: &mut Localnet,
		scene: &Scene,
		job: usize,
		label: &'static str,
	) -> Result<SubmissionId> {
		let trainer = account_of(&scene.names, TRAINER.name)?;
		let mut step = local.ui.step(format!("training {label}"));
		let total = config::steps_of_jobs().get(job).copied().unwrap_or_default();
		let mut last = None;
		let submitted = scene
			.chronicle
			.wait_for(|entries| record::submissions_of(entries, &trainer).into_iter().nth(job));
		let submitted = within(JOB, "the trainer did not submit", submitted);
		tokio::pin!(submitted);
		let mut is_talking = true;
		let blocks: Vec<BlockId> = loop {
			tokio::select! {
				blocks = &mut submitted => break blocks?,
				changed = self.progress.changed(), if is_talking => {
					is_talking = changed.is_ok();
					if let Some(now) = self.progress.borrow_and_update().filter(|now| now.job == job) {
						last = Some(now);
						step.progress(now.step, now.steps.max(1), format!("{:.3} bits per byte", now.loss_bits_per_byte));
					}
				}
			}
		};
		let mut infos = Vec::new();
		for block in &blocks {
			infos.extend(scene.chain.block(*block).await?);
		}
		let submitted = submitted_as(&infos);
		let outcome = match last {
			Some(last) => format!(
				"{} steps, {:.3} bits per byte at the end; {submitted}",
				last.steps, last.loss_bits_per_byte
			),
			None => format!("{total} steps done before; {submitted}"),
		};
		local.done(step, &format!("training: {label}"), &outcome);
		await_verdict(local, scene, &blocks, label, Expected::Accepted).await
	}
}

/// What was submitted, for people; of deltas, how long they are beside whole weights.
fn submitted_as(blocks: &[BlockInfo<AccountId>]) -> String {
	let deltas: Vec<_> = blocks.iter().filter(|info| info.block.kind == BlockKind::Delta).collect();
	if deltas.is_empty() {
		return format!("submitted as {} blocks of whole weights", blocks.len());
	}
	let bytes = deltas.iter().map(|info| info.block.bytes).sum();
	let whole = deltas.iter().map(|info| info.deltas.whole_bytes).sum();
	format!(
		"submitted as {} blocks, {} of them deltas: {} beside {} of whole weights",
		blocks.len(),
		deltas.len(),
		HumanBytes(bytes),
		HumanBytes(whole)
	)
}

/// Shows a round until its verdict, and returns it.
///
/// # Errors
/// There is no verdict in time.
pub async fn await_verdict(
	local: &mut Localnet,
	scene: &Scene,
	blocks: &[BlockId],
	label: &str,
	expected: Expected,
) -> Result<SubmissionId> {
	let step = local.ui.step(format!("measuring {label}"));
	let decided = scene.chronicle.wait_for(|entries| {
		if let Some(round) = record::latest_round(entries, blocks) {
			step.note(format!("round {round}: {}", record::phase(entries, round, &scene.names)));
		}
		record::decided_round(entries, blocks)
	});
	let round = within(VERDICT, &format!("there was no verdict on {label}"), decided).await?;
	let submission = scene.submission(round, label, expected).await?;
	local.done(step, &format!("verdict: {label}"), &submission.verdict_line());
	Ok(round)
}

/// The account behind a member's name.
pub fn account_of(names: &Names, wanted: &str) -> Result<AccountId> {
	let member = names.0.iter().find(|(_, name)| *name == wanted);
	member.map(|(account, _)| account.clone()).with_context(|| format!("{wanted} takes no part"))
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		api::BlockStanding,
		dag::{Block, Component, ContentFormat},
		delta::DeltaChain,
		Hash,
	};
	use blyan_store::cid_of_bytes;

	#[tokio::test]
	async fn follow_lines_should_keep_the_newest_progress_and_pass_over_the_rest() {
		let (sender, lines) = mpsc::channel(8);
		let mut progress = follow_lines(lines);
		for line in [
			r#"{"job":0,"step":10,"steps":300,"loss_bits_per_byte":3.1}"#,
			r#"{"event":"submitted","round":0}"#,
			"not JSON",
			r#"{"job":1,"step":20,"steps":160,"loss_bits_per_byte":2.5,"tokens_per_second":9000}"#,
		] {
			sender.send(line.into()).await.unwrap();
		}
		drop(sender);
		while progress.changed().await.is_ok() {}
		let last = Progress { job: 1, step: 20, steps: 160, loss_bits_per_byte: 2.5 };
		assert_eq!(*progress.borrow(), Some(last));
	}

	#[test]
	fn submitted_as_should_say_what_deltas_save() {
		let info = |kind, bytes, deltas| {
			let block = Block {
				model: 0,
				component: Component::Backbone,
				kind,
				parents: Default::default(),
				content: cid_of_bytes(b"").unwrap(),
				bytes,
				format: ContentFormat::TensorBlock,
				trainer: AccountId::new([1; 32]),
				manifest_hash: Hash::zero(),
			};
			let standing = BlockStanding::Candidate;
			let (id, probation_until) = (block.id(), None);
			BlockInfo { id, block, submission: None, standing, deltas, children: 0, probation_until }
		};
		let whole = info(BlockKind::Update, 4_096, DeltaChain::whole(4_096));
		let delta = info(BlockKind::Delta, 512, DeltaChain::whole(8_192).extended(256).extended(512));
		assert_eq!(submitted_as(&[whole.clone(), whole.clone()]), "submitted as 2 blocks of whole weights");
		assert_eq!(
			submitted_as(&[whole, delta]),
			"submitted as 2 blocks, 1 of them deltas: 512 B beside 8.00 KiB of whole weights"
		);
	}

	#[test]
	fn account_of_should_name_who_is_missing() {
		let names = Names(vec![(AccountId::new([1; 32]), "trainer")]);
		assert_eq!(account_of(&names, "trainer").unwrap(), AccountId::new([1; 32]));
		assert!(account_of(&names, "server").unwrap_err().to_string().contains("server"));
	}
}
