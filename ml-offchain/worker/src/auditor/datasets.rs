//! Datasets, as [what auditors are drawn for](super::step::Matter).

use super::{
	desk::Docket,
	step::{Call, Matter, Phase},
};
use crate::{
	config::AuditConfig,
	content::{Content, ContentError},
	datasets::{
		gain,
		text::{self, TextError},
	},
	files::FileError,
	once::Over,
};
use blyan_chain_client::{Call as ChainCall, Chain, ChainError};
use blyan_primitives::{
	api::{DatasetAuditInfo, DatasetAuditPhase, DatasetRecord, DatasetStageKind},
	cid::Cid,
	datasets::{dataset_commitment, DatasetFinding, DatasetStage},
	manifest::DatasetId,
	AccountId, Hash, SLOT_MILLISECONDS,
};
use blyan_quality_gate::{
	content::{audit_offered, DatasetDocument, Fault},
	gain::GainError,
	AuditOptions, GainProbe, RULES,
};
use serde::{Deserialize, Serialize};
use std::{
	fmt::{self, Display, Formatter},
	fs,
	path::PathBuf,
	time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// The journal's name in the data folder.
pub const JOURNAL: &str = "dataset-auditor";

/// A draw of auditors for an audit of a dataset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Attempt {
	/// Which dataset.
	pub dataset: DatasetId,
	/// Which audit of it, from 0; later ones are re-scans.
	pub audit: u32,
	/// Which draw, from 0.
	pub attempt: u32,
}

impl Display for Attempt {
	fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
		write!(f, "dataset {}, audit {} (attempt {})", self.dataset, self.audit, self.attempt)
	}
}

/// A dataset whose audit runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
	/// The dataset.
	pub record: DatasetRecord<AccountId>,
	/// Its audit.
	pub audit: DatasetAuditInfo<AccountId>,
}

impl Case {
	/// The running audit of a dataset; `None` if none runs.
	pub fn of(record: DatasetRecord<AccountId>) -> Option<Self> {
		let audit = record.audit.clone()?;
		Some(Self { record, audit })
	}
}

impl Matter for Case {
	type Attempt = Attempt;
	type Finding = DatasetFinding;

	fn attempt(&self) -> Attempt {
		let DatasetAuditInfo { audit, attempt, .. } = self.audit;
		Attempt { dataset: self.record.offer.content, audit, attempt }
	}

	fn phase(&self) -> Phase {
		match self.audit.phase {
			DatasetAuditPhase::AwaitingDraw => Phase::Idle,
			DatasetAuditPhase::Commit { until } => Phase::Commit { until },
			DatasetAuditPhase::Reveal { until } => Phase::Reveal { until },
		}
	}

	fn has_committed(&self, auditor: &AccountId) -> bool {
		self.audit.committed.contains(auditor)
	}

	fn has_revealed(&self, auditor: &AccountId) -> bool {
		self.audit.revealed.iter().any(|(who, _)| who == auditor)
	}

	fn commitment(auditor: &AccountId, attempt: Attempt, finding: &DatasetFinding, salt: &Hash) -> Hash {
		let Attempt { dataset, audit, attempt } = attempt;
		dataset_commitment(auditor, &dataset, audit, attempt, finding, &salt.0)
	}
}

/// Why a dataset could not be looked at, through no fault of its contributor.
#[derive(Debug, thiserror::Error)]
pub enum DatasetAuditError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain says who audits, and not what.
	#[error("the chain names auditors and no seed of the sample")]
	NoSeed,
	/// The chain asks for other rules than this program has.
	#[error("auditors report by version {wanted} of the gate's rules, and this program has version {own}: update it")]
	OtherRules {
		/// What the chain asks for.
		wanted: u16,
		/// What this program has.
		own: u16,
	},
	/// This machine's own store or files failed.
	#[error(transparent)]
	Text(#[from] TextError),
	/// The gate could not come to a finding.
	#[error(transparent)]
	Gate(#[from] blyan_quality_gate::AuditError),
	/// The expected gain cannot be measured.
	#[error(transparent)]
	Gain(#[from] GainError),
	/// The thread that looked died.
	#[error("looking at a sample ended early: {0}")]
	Task(#[from] tokio::task::JoinError),
}

/// How datasets are audited.
#[derive(Clone, Debug)]
pub struct Datasets {
	/// What is audited is fetched through it.
	pub content: Content,
	/// What to hold samples against, and how long content may take.
	pub config: AuditConfig,
	/// Where the texts of approved datasets are assembled.
	pub folder: PathBuf,
	/// Threads that look at samples.
	pub threads: usize,
}

impl Docket for Datasets {
	type Matter = Case;
	type Error = DatasetAuditError;

	const WHAT: &'static str = "dataset";
	const JOURNAL: &'static str = JOURNAL;
	const OVER: [Over<'static>; 1] = [(
		"Datasets",
		&[
			"AlreadyCommitted",
			"AlreadyRevealed",
			"NotInCommitPhase",
			"NotInRevealPhase",
			"AuditNotFound",
			"DatasetNotFound",
			"NotAuditor",
		],
	)];

	async fn read(&self, chain: &dyn Chain, me: &AccountId) -> Result<Vec<Case>, ChainError> {
		Ok(chain.dataset_audits(Some(me)).await?.into_iter().filter_map(Case::of).collect())
	}

	async fn audit(&self, chain: &dyn Chain, case: &Case) -> Result<DatasetFinding, DatasetAuditError> {
		let wanted = chain.audit_terms().await?.rules;
		if wanted != RULES {
			return Err(DatasetAuditError::OtherRules { wanted, own: RULES });
		}
		let seed = case.audit.seed.ok_or(DatasetAuditError::NoSeed)?;
		let begun = Instant::now();
		let all = self.patience(chain, case).await?;
		let each = Duration::from_secs(self.config.fetch_timeout_seconds);
		let patience = each.min(all);
		let offer = &case.record.offer;
		let fetched = self.content.get(
			offer.content,
			offer.document_bytes.into(),
			Some(&case.record.contributor),
			patience,
		);
		let document = match fetched.await {
			Ok(path) => fs::read(&path).map_err(FileError::of("read", &path)).map_err(TextError::from)?,
			Err(error) => {
				tracing::info!(dataset = %offer.content, %error, "the document could not be had");
				return fault_of(offer.content, "the document", error);
			}
		};
		// Fetched first: all that follows is computed on a thread of its own.
		let named = DatasetDocument::parse_offered(&document, offer).ok();
		let _hold = self.content.hold(named.iter().flat_map(text::contents).chain([offer.content]));
		let own = begun.elapsed();
		// What others offered must not take the time of what is audited.
		let approved = self.approved(chain, &case.record, all / 2).await?;
		let begun = Instant::now();
		let options = AuditOptions {
			approved,
			validation: self.config.validation.clone(),
			known_works: self.config.known_works.clone(),
			threads: self.threads,
			..AuditOptions::default()
		};
		let (offer, contributor, content) =
			(offer.clone(), case.record.contributor.clone(), self.content.clone());
		let handle = Handle::current();
		let looking = tokio::task::spawn_blocking(move || {
			let mut fetch = |cid: Cid, bytes: u64| {
				let left = each.min(all.saturating_sub(own).saturating_sub(begun.elapsed()));
				match handle.block_on(content.get(cid, bytes, Some(&contributor), left)) {
					Ok(path) => Ok(Some(path)),
					Err(error) if error.is_providers_fault() => {
						tracing::info!(dataset = %offer.content, %cid, %error, "a part could not be had");
						Ok(None)
					}
					Err(error) => Err(Fault::from(error)),
				}
			};
			let mut probe = gain::probe(&options)?;
			let probe = probe.as_mut().map(|probe| probe as &mut dyn GainProbe);
			Ok::<_, DatasetAuditError>(audit_offered(
				&document,
				&offer,
				seed,
				&mut fetch,
				&options,
				probe,
				&mut |_| {},
			)?)
		});
		let found = looking.await??;
		tracing::info!(audit = %case.attempt(), "{found}");
		Ok(found.finding)
	}

	fn call(call: Call<Attempt, DatasetFinding>) -> ChainCall {
		match call {
			Call::Commit { attempt, commitment } => {
				ChainCall::CommitDatasetFinding { dataset: attempt.dataset, commitment }
			}
			Call::Reveal { attempt, finding, salt } => {
				ChainCall::RevealDatasetFinding { dataset: attempt.dataset, finding, salt: salt.0 }
			}
		}
	}
}

impl Datasets {
	/// How long all of the content may take to fetch: half of the time in which to commit, since what could not be had
	/// must be committed to as well.
	async fn patience(&self, chain: &dyn Chain, case: &Case) -> Result<Duration, ChainError> {
		let DatasetAuditPhase::Commit { until } = case.audit.phase else { return Ok(Duration::ZERO) };
		let blocks = until.saturating_sub(chain.finalized_head().await?.number);
		Ok(Duration::from_millis(u64::from(blocks).saturating_mul(SLOT_MILLISECONDS)) / 2)
	}

	/// The texts of what was approved and offered before, the oldest first, as much as the configuration says. What
	/// cannot be had within `patience`, which is for all of them, is left out.
	///
	/// The older of two that are alike is no duplicate of the younger, whenever it is looked at.
	async fn approved(
		&self,
		chain: &dyn Chain,
		record: &DatasetRecord<AccountId>,
		patience: Duration,
	) -> Result<Vec<PathBuf>, DatasetAuditError> {
		let mut approved = chain.kept_datasets(Some(DatasetStageKind::Approved)).await?;
		approved.retain(|other| is_older(other, record));
		approved.sort_by_key(|other| (other.offered_at, other.offer.content));
		let mut left = self.config.approved_mebibytes.saturating_mul(1 << 20);
		let begun = Instant::now();
		let mut paths = Vec::new();
		for other in approved {
			let Some(after) = left.checked_sub(other.offer.bytes) else { continue };
			let each = Duration::from_secs(self.config.fetch_timeout_seconds);
			let time = each.min(patience.saturating_sub(begun.elapsed()));
			match text::assemble(&self.content, &other, &self.folder, time).await {
				Ok((path, _)) => {
					left = after;
					paths.push(path);
				}
				Err(error) if error.is_datasets_fault() => tracing::warn!(
					%error,
					"an approved dataset cannot be had, and nothing is held against it"
				),
				Err(error) => return Err(DatasetAuditError::Text(error)),
			}
		}
		Ok(paths)
	}
}

/// Whether `other` is another dataset that may be learned from, and was offered before.
fn is_older(other: &DatasetRecord<AccountId>, record: &DatasetRecord<AccountId>) -> bool {
	let order = |record: &DatasetRecord<AccountId>| (record.offered_at, record.offer.content);
	matches!(other.stage, DatasetStage::Approved { .. }) && order(other) < order(record)
}

/// What is found of a dataset whose content is not to be had so.
fn fault_of(
	dataset: DatasetId,
	what: &str,
	error: ContentError,
) -> Result<DatasetFinding, DatasetAuditError> {
	match error {
		ContentError::Unfetchable { .. } => Ok(DatasetFinding::Unfetchable),
		// Whoever serves it: it is no file of the length that was offered.
		ContentError::NotAsSaid(_) => Ok(DatasetFinding::NotAsDeclared),
		source => Err(DatasetAuditError::Text(TextError::Content {
			dataset,
			what: what.into(),
			source: source.into(),
		})),
	}
}

#[cfg(test)]
mod tests;
