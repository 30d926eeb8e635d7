//! What an auditor finds of a dataset, commits to and reveals.

use super::{QualityReport, RejectionReason, Tier};
use crate::{api::DatasetStageKind, manifest::DatasetId, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use scale_info::TypeInfo;

/// What an auditor finds of a dataset.
// A report is most of the variants' size and is what is nearly always stored.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DatasetFinding {
	/// What the quality gate says of the sample.
	Report(QualityReport),
	/// The document is none, is of another offer, or what it names is not as it says: lengths, hashes, UTF-8.
	NotAsDeclared,
	/// The document, or a part in which a window is, could not be had.
	Unfetchable,
}

/// What an auditor commits to. Binding it to account, dataset, audit and attempt makes a copied commitment worthless.
/// `audit` counts the audits of the dataset, from 0: the first, and those of each re-scan.
pub fn dataset_commitment(
	auditor: &impl Encode,
	dataset: &DatasetId,
	audit: u32,
	attempt: u32,
	finding: &DatasetFinding,
	salt: &[u8; 32],
) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/dataset-finding", auditor, dataset, audit, attempt, finding, salt))
}

/// Why a dataset is not, or no longer, approved.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Refusal {
	/// The medians of the auditors' reports are past a limit.
	Quality(RejectionReason),
	/// A quorum of auditors found that it is not what its contributor says.
	NotAsDeclared,
	/// A quorum of auditors could not fetch it.
	Unfetchable,
	/// Auditors came to no quorum, in any attempt. Nobody is to blame.
	NoAudit,
	/// Fewer voted than must, even after the extension. Nobody is to blame.
	NoQuorum,
	/// Too few of the votes were in favour.
	Votes,
	/// It was quarantined in an emergency.
	Emergency,
}

impl Refusal {
	/// Whether it counts against the contributor.
	pub const fn is_rejection(self) -> bool {
		!matches!(self, Refusal::NoAudit | Refusal::NoQuorum)
	}
}

/// Where a dataset is in its life. `BlockNumber`s named `until` are the last block in which something may be done.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DatasetStage<BlockNumber> {
	/// In line for an audit.
	Pending,
	/// Auditors are being drawn, or at work.
	Audit,
	/// Registered workers vote.
	Vote {
		/// The end of the vote.
		until: BlockNumber,
		/// Whether it was extended.
		is_extended: bool,
	},
	/// Models may learn from it.
	Approved {
		/// How good it is.
		tier: Tier,
		/// Since when.
		since: BlockNumber,
	},
	/// Models may not learn from it.
	Rejected {
		/// Why.
		reason: Refusal,
		/// The end of the time in which its contributor may appeal.
		until: BlockNumber,
	},
	/// It was approved, and models may not learn from it now.
	Quarantined {
		/// Why.
		reason: Refusal,
		/// What it was approved as.
		tier: Tier,
		/// The end of the time in which its contributor may appeal; then it is rejected.
		until: BlockNumber,
	},
	/// Governance decides on an appeal.
	Appealed {
		/// What is appealed against.
		reason: Refusal,
		/// When it counts as denied.
		until: BlockNumber,
	},
}

impl<BlockNumber> DatasetStage<BlockNumber> {
	/// Which stage it is.
	pub const fn kind(&self) -> DatasetStageKind {
		match self {
			DatasetStage::Pending => DatasetStageKind::Pending,
			DatasetStage::Audit => DatasetStageKind::Audit,
			DatasetStage::Vote { .. } => DatasetStageKind::Vote,
			DatasetStage::Approved { .. } => DatasetStageKind::Approved,
			DatasetStage::Rejected { .. } => DatasetStageKind::Rejected,
			DatasetStage::Quarantined { .. } => DatasetStageKind::Quarantined,
			DatasetStage::Appealed { .. } => DatasetStageKind::Appealed,
		}
	}
}
