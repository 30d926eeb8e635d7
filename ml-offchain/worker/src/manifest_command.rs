//! `manifest`: a submission's training manifest, and what auditors found of it, in words. `set-data-terms`: what a
//! model's owner asks of data.

use crate::{
	cli::{LeastTier, SetDataTermsArgs},
	config::Config,
	worker::Connection,
};
use anyhow::Result;
use blyan_chain_client::{Call, Wait};
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	datasets::Tier,
	manifest::{AuditOutcome, DataTerms, ManifestFinding},
	AccountId,
};
use std::fmt::{self, Display, Formatter};

/// Says what data a model may learn from, as its owner.
///
/// # Errors
/// The configuration, the connection, or the call.
pub async fn set_data_terms(args: SetDataTermsArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let SetDataTermsArgs { model, least_tier, require_manifests: manifest_required, .. } = args;
	let (least_tier, tiers) = match least_tier {
		LeastTier::Experimental => (Tier::Experimental, "approved datasets"),
		LeastTier::Silver => (Tier::Silver, "datasets that are silver or gold"),
		LeastTier::Gold => (Tier::Gold, "datasets that are gold"),
	};
	let call = Call::SetDataTerms { model, terms: DataTerms { manifest_required, least_tier } };
	connection.chain.submit(&connection.signer, call, Wait::Finalized).await?;
	println!("model {model} may learn from {tiers}");
	if manifest_required {
		println!("its improvements must come with a training manifest");
	}
	Ok(())
}

/// A manifest for people.
pub struct ManifestText<'a>(pub &'a ManifestInfo<AccountId>);

impl Display for ManifestText<'_> {
	fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
		let ManifestInfo { round, model, trainer, manifest, .. } = self.0;
		writeln!(f, "submission      {round}, for model {model}, by {trainer}")?;
		writeln!(
			f,
			"learned from    {} sequences of {} tokens, in {} batches, seed {}",
			manifest.samples(),
			manifest.sequence,
			manifest.steps,
			manifest.seed
		)?;
		for (used, bytes) in manifest.datasets.iter().zip(&self.0.dataset_bytes) {
			writeln!(f, "dataset         {} ({bytes} bytes): {:?}", used.dataset, used.weight)?;
		}
		for (who, part) in &self.0.contributors {
			writeln!(f, "data of         {who}: {part:?}")?;
		}
		writeln!(f, "document        {} ({} bytes)", manifest.document, manifest.document_bytes)?;
		writeln!(f, "batches root    {:?}", manifest.batches_root)?;
		if !self.0.sample.is_empty() {
			let sample: Vec<_> = self.0.sample.iter().map(u32::to_string).collect();
			writeln!(f, "derived again   batches {}", sample.join(", "))?;
		}
		for auditor in &self.0.auditors {
			let revealed = self.0.revealed.iter().find(|(who, _)| who == auditor);
			let did = match revealed {
				Some((_, finding)) => finding_in_words(*finding),
				None if self.0.committed.contains(auditor) => "has committed".into(),
				None => "has not committed".into(),
			};
			writeln!(f, "auditor         {auditor}: {did}")?;
		}
		write!(f, "audit           {}", stage_in_words(self.0.stage))
	}
}

fn finding_in_words(finding: ManifestFinding) -> String {
	match finding {
		ManifestFinding::Match => "it matches".into(),
		ManifestFinding::Mismatch { batch: Some(batch) } => format!("batch {batch} is another"),
		ManifestFinding::Mismatch { batch: None } => {
			"the document is not what the chain has a record of".into()
		}
		ManifestFinding::Unfetchable => "could not be fetched".into(),
	}
}

fn stage_in_words(stage: AuditStage) -> String {
	match stage {
		AuditStage::AwaitingDraw => "waits for auditors".into(),
		AuditStage::Commit { until } => format!("auditors derive and commit, until block {until}"),
		AuditStage::Reveal { until } => format!("auditors reveal, until block {until}"),
		AuditStage::Closed(outcome) => match outcome {
			AuditOutcome::Pending => "goes on".into(),
			AuditOutcome::Verified => "verified: its data may be paid".into(),
			AuditOutcome::Mismatch { batch: Some(batch) } => {
				format!("forged: batch {batch} is another; the trainer was slashed and banned")
			}
			AuditOutcome::Mismatch { batch: None } => {
				"forged: the document is not what was said; the trainer was slashed and banned".into()
			}
			AuditOutcome::Unfetchable => "unfetchable: its data is not paid".into(),
			AuditOutcome::Undecided => "undecided, for want of a quorum: its data is not paid".into(),
		},
	}
}
