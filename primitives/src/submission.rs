//! What comes with the blocks of a submission.
//!
//! Rules: spec "Proof of learning", a round, step 1.

use crate::{manifest::TrainingManifest, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What a trainer sends with its blocks.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Envelope {
	/// Hides whether the submission is a canary: the hash of one, or what nobody can tell from it.
	pub seal: Hash,
	/// The proof of work against spam: a number that makes the hash of the submission small enough.
	pub work: u64,
	/// What was learned from. A submission that trained nothing has none.
	pub manifest: Option<TrainingManifest>,
}
