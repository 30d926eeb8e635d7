//! `contest`, `dispute` and `disputes`: what a person does about disputes, and sees of them.

use crate::register::bly;
use anyhow::{bail, Context, Result};
use blyan_chain_client::{Call, Chain, ChainEvent, Signer, Wait};
use blyan_primitives::{
	api::{DisputeInfo, DisputeStage, RoundPhase},
	dag::SubmissionId,
	learning::{Finding, NanoBits, BIT_PER_BYTE},
	AccountId, BlockNumber,
};
use std::fmt::Write;

/// Contests a finding. Returns what happened, in words.
///
/// # Errors
/// There is nothing to contest, or the chain refuses.
pub async fn contest(
	chain: &dyn Chain,
	signer: &Signer,
	round: SubmissionId,
	evaluator: AccountId,
	position: u32,
) -> Result<String> {
	let info =
		chain.round(round).await?.with_context(|| format!("the chain has no round {round} any more"))?;
	let RoundPhase::Contest { until } = info.phase else {
		bail!("round {round} is not in its contest phase: it is {:?}", info.phase);
	};
	let findings = chain.findings(round).await?;
	if !findings.iter().any(|(who, finding)| *who == evaluator && matches!(finding, Finding::Measured(_))) {
		bail!("{evaluator} measured nothing in round {round}, or it is struck already");
	}
	let (bond, free) = (chain.contest_bond(&evaluator).await?, chain.free_balance(signer.account()).await?);
	if free < bond {
		bail!("contesting it takes a bond of {} BLY, and {} BLY are free", bly(bond), bly(free));
	}
	let call = Call::Contest { round, evaluator, position };
	let receipt = chain.submit(signer, call, Wait::Finalized).await?;
	let dispute = receipt.events.iter().find_map(|event| match event {
		ChainEvent::FindingContested { dispute, bond, open_until, .. } => {
			Some((*dispute, *bond, *open_until))
		}
		_ => None,
	});
	let (dispute, bond, open_until) = dispute.context("the chain did not say which dispute it is")?;
	Ok(format!(
		"dispute {dispute}: {} BLY are held. The accused has until block {open_until} to open its losses; round {round} \
		(contestable until block {until}) is settled when the dispute is over.\nFollow it with `blyan-worker dispute \
		{dispute}`",
		bly(bond)
	))
}

/// A dispute, in words.
pub fn describe(dispute: &DisputeInfo<AccountId>, height: BlockNumber) -> String {
	let DisputeInfo { id, round, accused, challenger, position, attempt, referees, .. } = dispute;
	let left = |until: BlockNumber| match until.checked_sub(height) {
		Some(0) | None => "the time is over".to_owned(),
		Some(blocks) => format!("{blocks} blocks left, until block {until}"),
	};
	let of_all = |who: &[AccountId]| format!("{} of {}", who.len(), referees.len());
	let stage = match dispute.stage {
		DisputeStage::AwaitingOpening { until } => {
			format!("the accused has to open its losses ({})", left(until))
		}
		DisputeStage::AwaitingReferees => "opened; referees will be drawn".into(),
		DisputeStage::Commit { until } => {
			format!("referees run the shard, {} have committed ({})", of_all(&dispute.committed), left(until))
		}
		DisputeStage::Reveal { until } => {
			format!("referees reveal, {} have ({})", of_all(&dispute.revealed), left(until))
		}
	};
	let mut text = format!(
		"dispute {id}  {stage}\n  accused     {accused}, for what it reported in round {round}\n  challenger  {challenger}, \
		who holds {} BLY\n",
		bly(dispute.bond)
	);
	// Writing to a string cannot fail.
	let _ = match (dispute.shard, dispute.opened) {
		(Some(shard), Some(opened)) => writeln!(
			text,
			"  shard       {shard} of the pool (drawn at place {position}): the accused says {:.6} bits/byte before, {:.6} \
			after",
			bits(opened.baseline),
			bits(opened.candidate)
		),
		_ => writeln!(text, "  shard       the one drawn at place {position}; nothing is opened yet"),
	};
	if *attempt > 0 {
		let _ = writeln!(text, "  attempts    {attempt} came to no majority");
	}
	for referee in referees {
		let did = match (dispute.committed.contains(referee), dispute.revealed.contains(referee)) {
			(_, true) => "revealed",
			(true, false) => "committed",
			(false, false) => "has not committed",
		};
		let _ = writeln!(text, "  referee     {referee}: {did}");
	}
	text
}

fn bits(nanobits: NanoBits) -> f64 {
	nanobits as f64 / BIT_PER_BYTE as f64
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::{economy::BLY, learning::ShardLosses};

	#[test]
	fn describe_should_say_whose_turn_it_is_and_how_long() {
		let account = |n: u8| AccountId::new([n; 32]);
		let mut dispute = DisputeInfo {
			id: 4,
			round: 9,
			accused: account(1),
			challenger: account(2),
			bond: 100 * BLY,
			position: 5,
			shard: None,
			opened: None,
			attempt: 0,
			referees: vec![],
			committed: vec![],
			revealed: vec![],
			stage: DisputeStage::AwaitingOpening { until: 30 },
		};
		let text = describe(&dispute, 20);
		assert!(text.contains("open its losses (10 blocks left, until block 30)"), "{text}");
		assert!(text.contains("holds 100 BLY") && text.contains("place 5; nothing is opened"), "{text}");
		assert!(describe(&dispute, 30).contains("the time is over"));
		dispute.stage = DisputeStage::Commit { until: 60 };
		dispute.shard = Some(77);
		dispute.opened = Some(ShardLosses { baseline: BIT_PER_BYTE, candidate: BIT_PER_BYTE / 2 });
		dispute.referees = vec![account(3), account(4), account(5)];
		dispute.committed = vec![account(4)];
		dispute.attempt = 1;
		let text = describe(&dispute, 20);
		assert!(text.contains("1 of 3 have committed"), "{text}");
		assert!(text.contains("77 of the pool") && text.contains("0.500000 after"), "{text}");
		assert!(text.contains("1 came to no majority"), "{text}");
		assert_eq!(text.matches("has not committed").count(), 2, "{text}");
	}

	#[tokio::test]
	async fn contest_should_say_why_when_there_is_nothing_to_contest() {
		let chain = FakeChain::new();
		let signer = Signer::from_suri(&"//Alice".to_owned().into()).unwrap();
		let error = contest(&chain, &signer, 3, AccountId::new([1; 32]), 0).await.unwrap_err();
		assert!(error.to_string().contains("no round 3"), "{error}");
		assert_eq!(chain.submissions(), []);
	}
}
