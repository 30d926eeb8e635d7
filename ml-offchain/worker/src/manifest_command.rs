//! `manifest`: a submission's training manifest, and what auditors found of it, in words.

use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	manifest::{AuditOutcome, ManifestFinding},
	AccountId,
};
use std::fmt::{self, Display, Formatter};

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
