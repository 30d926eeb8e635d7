//! Records, and what is asked of workers.

pub use blyan_primitives::seats::Seat;

use blyan_primitives::{
	worker::{Endpoint, MachineId, Roles},
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::traits::fungible,
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::Perbill,
};
use scale_info::TypeInfo;

/// A worker of the runtime `T`.
pub type WorkerOf<T> = Worker<BlockNumberFor<T>>;
/// A seat of the runtime `T`.
pub type SeatOfRuntime<T> = Seat<<T as frame_system::Config>::AccountId>;
/// What a slash takes out of circulation until somebody decides where it goes.
pub type CreditOf<T> =
	fungible::Credit<<T as frame_system::Config>::AccountId, <T as crate::Config>::Currency>;

/// What is asked of workers. Governance changes it by `force_set_parameters`.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerParameters {
	/// Least bond of those who register from now on, in the smallest unit of BLY.
	pub min_bond: Balance,
	/// Blocks between `unregister` and `withdraw`: time for faults to come to light.
	pub unbonding_blocks: u32,
}

impl Default for WorkerParameters {
	/// 1,000 BLY, and a day of 2-second blocks.
	fn default() -> Self {
		Self { min_bond: blyan_primitives::economy::BLY.saturating_mul(1_000), unbonding_blocks: 43_200 }
	}
}

/// Whether a worker takes part.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status<BlockNumber> {
	/// It has a seat in each of its roles.
	Active,
	/// It has none, and can withdraw its bond from this block on.
	Leaving {
		/// First block in which `withdraw` may succeed.
		until: BlockNumber,
	},
}

/// A registered worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Worker<BlockNumber> {
	/// What it does.
	pub roles: Roles,
	/// What it runs on.
	pub machine: MachineId,
	/// The public key that it signs its off-chain messages with.
	pub session_key: [u8; 32],
	/// Where it is reached: a URL or multiaddress, printable ASCII.
	pub endpoint: Endpoint,
	/// What it has on hold, in the smallest unit of BLY.
	pub bond: Balance,
	/// The bond below which it is not drawn: what was asked when it registered.
	pub required_bond: Balance,
	/// In [0, 1].
	pub reputation: Perbill,
	/// How often it was drawn and not yet released.
	pub engagements: u32,
	/// Whether it takes part.
	pub status: Status<BlockNumber>,
	/// The block from which draws consider it.
	pub joins_at: BlockNumber,
}

impl<BlockNumber> Worker<BlockNumber> {
	/// Whether it is not leaving.
	pub const fn is_active(&self) -> bool {
		matches!(self.status, Status::Active)
	}

	/// Whether draws consider it: not leaving, and with the bond that was asked of it.
	pub const fn is_drawable(&self) -> bool {
		self.is_active() && self.bond >= self.required_bond
	}

	/// Its weight in a draw: bond x reputation, rounded down; 0 if draws do not consider it. At most the
	/// bond, so the weights of all workers together never pass the supply.
	pub fn draw_weight(&self) -> Balance {
		if self.is_drawable() {
			self.reputation.mul_floor(self.bond)
		} else {
			0
		}
	}
}

/// A worker that exists at genesis.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisWorker<AccountId> {
	/// Whose bond it is.
	pub account: AccountId,
	/// What it does.
	pub roles: Roles,
	/// What it runs on.
	pub machine: MachineId,
	/// The public key that it signs its off-chain messages with.
	pub session_key: blyan_primitives::Hash,
	/// Where it is reached: a URL or multiaddress, printable ASCII.
	pub endpoint: alloc::string::String,
	/// What it puts on hold, out of its genesis balance.
	pub bond: Balance,
}
