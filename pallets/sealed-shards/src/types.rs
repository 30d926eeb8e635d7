//! Records of the pallet, and the aliases that spare the rest of it their parameters.

use crate::{Config, Error};
use blyan_primitives::{
	dag::ModelId,
	economy::BLY,
	learning::{quorum, Gate, ValidationPool, MAX_DOMAINS, MAX_SHARDS},
	sealed::{LotId, LotState, NewLot, SealedTerms, MAX_LOTS},
	Balance,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{ensure, BoundedVec},
	frame_system::pallet_prelude::BlockNumberFor,
};
use scale_info::TypeInfo;

/// A lot, with the runtime's types filled in.
pub type LotOf<T> = Lot<<T as polkadot_sdk::frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// What may be drawn for a model, with the runtime's types filled in.
pub type ReserveOf<T> = BoundedVec<
	Reserved<<T as polkadot_sdk::frame_system::Config>::AccountId, BlockNumberFor<T>>,
	<T as Config>::MaxReserve,
>;
/// Lots that are sealed at once.
pub type NewLotsOf<T> = BoundedVec<NewLot, <T as Config>::MaxBatch>;
/// Their numbers.
pub type LotIdsOf<T> = BoundedVec<LotId, <T as Config>::MaxBatch>;

/// Longest opening phase or retention that may be set, in blocks: 30 days of 2-second slots.
pub const MAX_PHASE_BLOCKS: u32 = 1_296_000;

/// How lots are kept. Governance changes it by `force_set_parameters`.
///
/// A change is felt by what happens after it: a lot keeps the bond that it was sealed under, and a round the deadline
/// that it was drawn with.
#[derive(
	Clone,
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
#[serde(default, deny_unknown_fields)]
pub struct SealedParameters {
	/// Blocks that sealers have to open what a round has drawn. They must cover a worker that is started again.
	pub opening_blocks: u32,
	/// Blocks from its opening until a lot's deposit and bond are returned, and the chain forgets it.
	pub retention_blocks: u32,
	/// What a sealer loses with a lot that is not opened in time, or is no good, in units of BLY.
	pub bond: Balance,
}

impl Default for SealedParameters {
	fn default() -> Self {
		Self { opening_blocks: 150, retention_blocks: 302_400, bond: DEFAULT_BOND }
	}
}

const DEFAULT_BOND: Balance = 50 * BLY;

impl SealedParameters {
	/// Checks that lots can be kept by these numbers.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		let phases = [self.opening_blocks, self.retention_blocks];
		ensure!(phases.iter().all(|n| (1..=MAX_PHASE_BLOCKS).contains(n)), Error::<T>::PhaseLengthOutOfRange);
		ensure!(self.bond > 0, Error::<T>::NoBond);
		Ok(())
	}
}

/// A lot that is kept.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Lot<AccountId, BlockNumber> {
	/// The model that it is to judge.
	pub model: ModelId,
	/// Who sealed it.
	pub sealer: AccountId,
	/// What was sealed.
	pub lot: NewLot,
	/// What is held for the storage.
	pub deposit: Balance,
	/// What is held for the opening.
	pub bond: Balance,
	/// The block in which it was sealed.
	pub added_at: BlockNumber,
	/// Where it stands.
	pub state: LotState<BlockNumber>,
}

/// A lot that may be drawn, as the draw sees it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Reserved<AccountId, BlockNumber> {
	/// Which.
	pub id: LotId,
	/// Who sealed it.
	pub sealer: AccountId,
	/// How many shards it has.
	pub shards: u32,
	/// Bytes of each.
	pub shard_bytes: u32,
	/// The block in which it was sealed.
	pub added_at: BlockNumber,
}

/// Whether rounds that measure on that pool can be judged by so much sealed text.
///
/// Two shards at least are left for a standard error when a third of the lots is not opened. There are at most as many
/// as are drawn of the pool and of one domain more, so that the error of a public domain is not larger than a rollback
/// takes it to be (see [`blyan_primitives::learning::regressed`]), and a dispute can open all losses at once.
pub fn fits(terms: &SealedTerms, pool: &ValidationPool, gate: &Gate) -> bool {
	let sealed = u64::from(terms.lots).saturating_mul(terms.shards_per_lot.into());
	let least = u64::from(quorum(terms.lots)).saturating_mul(terms.shards_per_lot.into());
	let public = u64::from(gate.drawn_shards(pool));
	(1..=MAX_LOTS).contains(&terms.lots)
		&& least >= 2
		&& sealed <= public.saturating_add(gate.shards_per_domain.into())
		&& sealed.saturating_add(public) <= u64::from(MAX_SHARDS)
		// The report has one domain more.
		&& (pool.domains.len() as u32) < MAX_DOMAINS
}
