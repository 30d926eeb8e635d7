//! Receipts for the use of components: what a client says a server computed for it, and pays for it.
//!
//! Rules: spec "Proof of learning", rewards; decision 017. Integer arithmetic only.

use crate::{
	dag::BlockId,
	economy::{proportion, BLY, SUPPLY_CAP},
	Balance, BlockNumber, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		Perbill,
	},
};
use scale_info::TypeInfo;

/// Most blocks that a receipt may name.
pub const MAX_USED_BLOCKS: u32 = 64;
/// Most receipts that a server may submit in one call.
pub const MAX_RECEIPTS: u32 = 16;
/// The most of what is burned for a use that may be issued for it. Whoever is client, server and trainer in one
/// loses the rest.
pub const MAX_RETURN: Perbill = Perbill::from_percent(50);
/// What a receipt's signature is of, besides chain and receipt.
const DOMAIN: &str = "blyan/usage-receipt";
/// One, in the thousandths that factors are counted in.
const ONE: u128 = 1_000;

/// How often a block was used.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BlockUse {
	/// The block.
	pub block: BlockId,
	/// Answers that were computed with it.
	pub calls: u32,
}

/// What a server did for a client up to a block of the chain, and what the client pays for it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UsageReceipt<AccountId> {
	/// Who was served, and pays.
	pub client: AccountId,
	/// Who served.
	pub server: AccountId,
	/// The height of the chain up to which this counts what was done since the receipt before. Receipts of a
	/// client for a server are told apart by it: it must rise.
	pub until: BlockNumber,
	/// Answers that were made.
	pub answers: u32,
	/// Time that they took, in milliseconds in all.
	pub milliseconds: u64,
	/// The blocks that were used, by rising id.
	pub blocks: BoundedVec<BlockUse, ConstU32<MAX_USED_BLOCKS>>,
	/// What the client pays, in the smallest unit of BLY.
	pub fee: Balance,
}

impl<AccountId: Encode> UsageReceipt<AccountId> {
	/// What the client signs: bound to the chain of that genesis block, and to nothing else that is signed.
	pub fn payload(&self, genesis: Hash) -> Hash {
		BlakeTwo256::hash_of(&(DOMAIN, genesis, self))
	}
}

/// A receipt with its client's signature over [`UsageReceipt::payload`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignedReceipt<AccountId, Signature> {
	/// The receipt.
	pub receipt: UsageReceipt<AccountId>,
	/// The client's.
	pub signature: Signature,
}

/// The receipts of one call.
pub type SignedReceipts<AccountId, Signature> =
	BoundedVec<SignedReceipt<AccountId, Signature>, ConstU32<MAX_RECEIPTS>>;

/// What the use of components is worth, and who may say so. Governance changes it by `force_set_parameters`.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(
	feature = "serde",
	derive(serde::Serialize, serde::Deserialize),
	serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct UsageParameters {
	/// What a component claims at all factors 1, in the smallest unit of BLY.
	pub base: Balance,
	/// The share of a fee that is burned; the server gets the rest.
	pub burned: Perbill,
	/// The most that is issued for a receipt, as a share of what was burned for it; [`MAX_RETURN`] at most.
	pub returned: Perbill,
	/// Least fee of a receipt, in the smallest unit of BLY.
	pub min_fee: Balance,
	/// Least amount of a first deposit, in the smallest unit of BLY.
	pub min_deposit: Balance,
	/// Blocks after its end for which a receipt counts in full.
	pub fresh_blocks: BlockNumber,
	/// Blocks after its end for which a receipt is taken at all.
	pub max_age_blocks: BlockNumber,
	/// Blocks from asking for a deposit back to having it: time for servers to submit what they hold.
	pub withdrawal_blocks: BlockNumber,
}

impl Default for UsageParameters {
	/// 1 BLY; half of a fee is burned and half of that is issued; a hundredth of a BLY a receipt and 1 BLY a
	/// deposit; an hour, a day and a day of 2-second blocks.
	fn default() -> Self {
		Self {
			base: BLY,
			burned: Perbill::from_percent(50),
			returned: MAX_RETURN,
			min_fee: BLY / 100,
			min_deposit: BLY,
			fresh_blocks: 1_800,
			max_age_blocks: 43_200,
			withdrawal_blocks: 43_200,
		}
	}
}

/// The highest base: all BLY that may ever exist.
pub const MAX_BASE: Balance = SUPPLY_CAP;

/// `base x min(calls/100, 2) x max(0.5, 2 - seconds) x (1 + quality) x recency`: what a component claims that
/// took part in `calls` answers of that mean length. Quality is 1 for a proven block and 0 for another; recency
/// is 1 when fresh, else 0.8. Each factor is in thousandths, rounded down.
pub fn worth(base: Balance, calls: u32, mean_milliseconds: u64, is_proven: bool, is_fresh: bool) -> Balance {
	let calls = Balance::from(calls).saturating_mul(ONE / 100).min(2 * ONE);
	let speed = (2 * ONE).saturating_sub(mean_milliseconds.into()).max(ONE / 2);
	let quality = if is_proven { 2 * ONE } else { ONE };
	let recency = if is_fresh { ONE } else { 800 };
	let factors =
		[speed, quality, recency].iter().fold(calls, |product, factor| product.saturating_mul(*factor));
	proportion(base.min(MAX_BASE), factors, ONE.pow(4))
}

/// Scales claims down in proportion until they come to `most` at most; rounds down.
pub fn scale_down(claims: &[Balance], most: Balance) -> Vec<Balance> {
	let sum = claims.iter().fold(0u128, |sum, claim| sum.saturating_add(*claim));
	claims.iter().map(|claim| if sum <= most { *claim } else { proportion(most, *claim, sum) }).collect()
}

/// A client's prepaid account, for people and workers.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UsageAccountInfo<AccountId> {
	/// What is held for fees, in the smallest unit of BLY.
	pub deposit: Balance,
	/// What of it was asked back, and from which block on it can be had.
	pub withdrawal: Option<(Balance, BlockNumber)>,
	/// Receipts up to this block are not taken, for servers that are not named below.
	pub since: BlockNumber,
	/// The servers that were paid lately, with the end of the last receipt of each.
	pub servers: Vec<(AccountId, BlockNumber)>,
}

impl<AccountId: PartialEq> UsageAccountInfo<AccountId> {
	/// The block that a receipt for that server must end after.
	pub fn paid_until(&self, server: &AccountId) -> BlockNumber {
		self.servers.iter().find(|(known, _)| known == server).map_or(self.since, |(_, until)| *until)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn worth_should_be_the_base_when_every_factor_is_one() {
		assert_eq!(worth(BLY, 100, 1_000, false, true), BLY);
	}

	#[test]
	fn worth_should_follow_each_factor() {
		assert_eq!(worth(BLY, 50, 1_000, false, true), BLY / 2, "half the calls");
		assert_eq!(worth(BLY, 1_000, 1_000, false, true), 2 * BLY, "calls count twice at most");
		assert_eq!(worth(BLY, 100, 0, false, true), 2 * BLY, "at once");
		assert_eq!(worth(BLY, 100, 1_500, false, true), BLY / 2);
		assert_eq!(worth(BLY, 100, u64::MAX, false, true), BLY / 2, "slow counts half");
		assert_eq!(worth(BLY, 100, 1_000, true, true), 2 * BLY, "proven counts twice");
		assert_eq!(worth(BLY, 100, 1_000, false, false), BLY * 8 / 10, "late");
		assert_eq!(worth(BLY, 0, 0, true, true), 0);
		assert_eq!(worth(u128::MAX, u32::MAX, 0, true, true), 8 * MAX_BASE, "nothing overflows");
	}

	#[test]
	fn payload_should_bind_to_chain_and_content() {
		let receipt = UsageReceipt {
			client: 1u64,
			server: 2,
			until: 3,
			answers: 4,
			milliseconds: 5,
			blocks: BoundedVec::default(),
			fee: 6,
		};
		let payload = receipt.payload(Hash::zero());
		assert_ne!(payload, receipt.payload(Hash::repeat_byte(1)));
		assert_ne!(payload, UsageReceipt { fee: 7, ..receipt }.payload(Hash::zero()));
	}

	proptest! {
		#[test]
		fn scale_down_should_keep_within_the_most(
			claims in proptest::collection::vec(0u128..1_000 * BLY, 0..64),
			most in 0u128..1_000 * BLY,
		) {
			let scaled = scale_down(&claims, most);
			prop_assert_eq!(scaled.len(), claims.len());
			prop_assert!(scaled.iter().sum::<Balance>() <= most);
			prop_assert!(scaled.iter().zip(&claims).all(|(scaled, claim)| scaled <= claim));
		}
	}
}
