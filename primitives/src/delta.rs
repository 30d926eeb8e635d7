//! Chains of deltas: how long they may become, and when one is due to be compacted.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A chain is due when it is longer.
pub const MAX_LENGTH_BEFORE_COMPACTION: u32 = 10;
/// A chain is due when its deltas take more than this share of the whole weights they start from.
pub const MAX_BYTES_SHARE: (u64, u64) = (1, 2);

/// What must be replayed to have a block's weights: one file of whole weights, then deltas.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeltaChain {
	/// Deltas after the whole weights.
	pub length: u32,
	/// Content of all these deltas together, in bytes.
	pub bytes: u64,
	/// The whole weights that the chain starts from, in bytes.
	pub whole_bytes: u64,
}

impl DeltaChain {
	/// Whole weights of that length in bytes.
	pub const fn whole(whole_bytes: u64) -> Self {
		Self { length: 0, bytes: 0, whole_bytes }
	}

	/// The chain with one delta more.
	pub const fn extended(self, bytes: u64) -> Self {
		let Self { length, bytes: so_far, whole_bytes } = self;
		Self { length: length.saturating_add(1), bytes: so_far.saturating_add(bytes), whole_bytes }
	}

	/// Whether it is time for a snapshot: longer than 10 deltas, or more bytes than half the whole weights.
	pub fn is_due(&self) -> bool {
		let (share, of) = MAX_BYTES_SHARE;
		self.length > MAX_LENGTH_BEFORE_COMPACTION
			|| u128::from(self.bytes).saturating_mul(of.into())
				> u128::from(self.whole_bytes).saturating_mul(share.into())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn is_due_should_stand_on_both_edges() {
		let chain = |length, bytes| DeltaChain { length, bytes, whole_bytes: 1_001 };
		assert!(!DeltaChain::whole(0).is_due());
		assert!(!chain(10, 500).is_due());
		assert!(chain(11, 0).is_due());
		assert!(chain(1, 501).is_due(), "more than half of 1001");
		assert!(DeltaChain { length: 1, bytes: u64::MAX, whole_bytes: u64::MAX }.is_due());
	}

	#[test]
	fn extended_should_add_one_delta() {
		let chain = DeltaChain::whole(100).extended(7).extended(5);
		assert_eq!(chain, DeltaChain { length: 2, bytes: 12, whole_bytes: 100 });
	}
}
