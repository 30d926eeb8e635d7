//! BLY, and the fees that transactions pay.

use crate::*;
use blyan_primitives::economy::EXISTENTIAL_DEPOSIT;
use frame_support::{
	parameter_types,
	traits::{
		fungible::{Balanced, Credit},
		ConstU128, ConstU32, ConstU8, Imbalance, OnUnbalanced, VariantCountOf,
	},
	weights::ConstantMultiplier,
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perbill, Perquintill};

/// The share of fees that is burned; the author gets the rest, and the tips with it.
pub const FEES_BURNED: Perbill = Perbill::from_percent(1);

parameter_types! {
	/// Blocks are meant to be a quarter full in the long run.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
	/// At most 23 per cent a day up or down, see `TargetedFeeAdjustment`.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
	pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10);
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_balances::Config for Runtime {
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type ReserveIdentifier = [u8; 8];
	type Balance = Balance;
	type RuntimeEvent = RuntimeEvent;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type DoneSlashHandler = ();
}

/// Burns a share of the fee and gives the author the rest.
pub struct DealWithFees;

impl OnUnbalanced<Credit<AccountId, Balances>> for DealWithFees {
	fn on_nonzero_unbalanced(fees: Credit<AccountId, Balances>) {
		let share = FEES_BURNED * fees.peek();
		let (burned, earned) = fees.split(share);
		// Dropping a credit takes it out of the supply.
		drop(burned);
		if let Some(author) = Authorship::author() {
			// What the author's account cannot take (below the existential deposit) is burned too.
			let _ = Balances::resolve(&author, earned);
		}
	}
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, DealWithFees>;
	type OperationalFeeMultiplier = ConstU8<5>;
	// A picosecond of execution costs 10 units: a plain transfer about a thousandth of a BLY.
	type WeightToFee = ConstantMultiplier<Balance, ConstU128<10>>;
	// A kilobyte costs a thousandth of a BLY.
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<1_000_000>>;
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Self,
		TargetBlockFullness,
		AdjustmentVariable,
		MinimumMultiplier,
		MaximumMultiplier,
	>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
