//! Records of the pallet.

use crate::Config;
use blyan_primitives::{Balance, BlockNumber};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		traits::Get, BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
	},
	frame_system,
};
use scale_info::TypeInfo;

/// A client's account, with the runtime's types filled in.
pub type UsageAccountOf<T> = UsageAccount<<T as frame_system::Config>::AccountId, <T as Config>::MaxServers>;

/// A client's prepaid account. What is in it is what the currency holds.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxServers))]
pub struct UsageAccount<AccountId: Clone + PartialEq + Eq + core::fmt::Debug, MaxServers: Get<u32>> {
	/// For a server that is not among `servers`, receipts up to this block are not taken: the one in which the
	/// account was opened, or the end of a receipt that is not remembered any more.
	pub since: BlockNumber,
	/// What was asked back, and from which block on it can be had.
	pub withdrawal: Option<(Balance, BlockNumber)>,
	/// The servers that were paid lately, with the end of the last receipt of each.
	pub servers: BoundedVec<(AccountId, BlockNumber), MaxServers>,
}

impl<AccountId: Clone + PartialEq + Eq + core::fmt::Debug, MaxServers: Get<u32>>
	UsageAccount<AccountId, MaxServers>
{
	/// The block that a receipt for that server must end after.
	pub fn paid_until(&self, server: &AccountId) -> BlockNumber {
		self.servers.iter().find(|(known, _)| known == server).map_or(self.since, |(_, until)| *until)
	}

	/// Notes the end of a receipt for that server, and forgets servers whose last receipt ended before
	/// `too_old`: no receipt from then is taken any more, whatever governance makes of `max_age_blocks`. Whether
	/// there was room.
	#[must_use]
	pub fn note_paid(&mut self, server: &AccountId, until: BlockNumber, too_old: BlockNumber) -> bool {
		let mut forgotten = self.since;
		self.servers.retain(|(known, last)| {
			let is_kept = *last >= too_old;
			if !is_kept {
				forgotten = forgotten.max(*last);
			}
			is_kept && known != server
		});
		self.since = forgotten;
		self.servers.try_push((server.clone(), until)).is_ok()
	}
}

/// Sums over all receipts that were ever paid, in the smallest unit of BLY.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Totals {
	/// What clients paid.
	pub paid: Balance,
	/// The part of it that was burned.
	pub burned: Balance,
	/// The part of it that servers got.
	pub served: Balance,
	/// What trainers claim of the serving budget.
	pub accrued: Balance,
}
