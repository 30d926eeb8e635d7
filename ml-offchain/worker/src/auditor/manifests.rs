//! Training manifests, as [what auditors are drawn for](super::step::Matter).

use super::{
	check::{audit, AuditError},
	desk::Docket,
	step::{Call, Matter, Phase},
};
use crate::{content::Content, once::Over};
use blyan_chain_client::{Call as ChainCall, Chain, ChainError};
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	manifest::{self, ManifestFinding},
	AccountId, Hash,
};
use std::{path::PathBuf, time::Duration};

pub use crate::evaluator::step::Attempt;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "auditor";

impl Matter for ManifestInfo<AccountId> {
	type Attempt = Attempt;
	type Finding = ManifestFinding;

	fn attempt(&self) -> Attempt {
		Attempt { round: self.round, attempt: self.attempt }
	}

	fn phase(&self) -> Phase {
		match self.stage {
			AuditStage::Commit { until } => Phase::Commit { until },
			AuditStage::Reveal { until } => Phase::Reveal { until },
			AuditStage::AwaitingDraw | AuditStage::Closed(_) => Phase::Idle,
		}
	}

	fn has_committed(&self, auditor: &AccountId) -> bool {
		self.committed.contains(auditor)
	}

	fn has_revealed(&self, auditor: &AccountId) -> bool {
		self.revealed.iter().any(|(who, _)| who == auditor)
	}

	fn commitment(auditor: &AccountId, attempt: Attempt, finding: &ManifestFinding, salt: &Hash) -> Hash {
		manifest::commitment(auditor, attempt.round, attempt.attempt, finding, &salt.0)
	}
}

/// How manifests are audited.
#[derive(Clone, Debug)]
pub struct Manifests {
	/// What is audited is fetched through it.
	pub content: Content,
	/// Where the texts of datasets are assembled.
	pub folder: PathBuf,
	/// How long each piece of content may take.
	pub patience: Duration,
}

impl Docket for Manifests {
	type Matter = ManifestInfo<AccountId>;
	type Error = AuditError;

	const WHAT: &'static str = "manifest";
	const JOURNAL: &'static str = JOURNAL;
	const OVER: [Over<'static>; 1] = [(
		"Manifests",
		&[
			"AlreadyCommitted",
			"AlreadyRevealed",
			"NotInCommitPhase",
			"NotInRevealPhase",
			"AuditNotFound",
			"NotAuditor",
		],
	)];

	async fn read(&self, chain: &dyn Chain, me: &AccountId) -> Result<Vec<Self::Matter>, ChainError> {
		chain.audits(Some(me)).await
	}

	async fn audit(&self, chain: &dyn Chain, info: &Self::Matter) -> Result<ManifestFinding, AuditError> {
		audit(chain, &self.content, &self.folder, info, self.patience).await
	}

	fn call(call: Call<Attempt, ManifestFinding>) -> ChainCall {
		match call {
			Call::Commit { attempt, commitment } => {
				ChainCall::CommitAsAuditor { round: attempt.round, commitment }
			}
			Call::Reveal { attempt, finding, salt } => {
				ChainCall::RevealAsAuditor { round: attempt.round, finding, salt: salt.0 }
			}
		}
	}
}
