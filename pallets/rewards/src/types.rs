//! Records, parameters, and the shares of accepted work.

use blyan_primitives::{
	economy::{settle, Budget, BLY, SUPPLY_CAP},
	traits::CreditReason,
	Balance, SLOT_MILLISECONDS,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{frame_system::pallet_prelude::BlockNumberFor, sp_runtime::Perbill};
use scale_info::TypeInfo;

/// Numbers an epoch, from 0.
pub type EpochNumber = u32;
/// An epoch of the runtime `T`.
pub type EpochRecordOf<T> = EpochRecord<BlockNumberFor<T>>;
/// What an account claims from each budget of an epoch.
pub type Claim = PerBudget<Balance>;

/// The trainer's share of what accepted work claims.
pub const TRAINER_SHARE: Perbill = Perbill::from_percent(55);
/// The ancestors' share.
pub const LINEAGE_SHARE: Perbill = Perbill::from_percent(10);
/// The evaluators' share.
pub const EVALUATORS_SHARE: Perbill = Perbill::from_percent(15);
/// The share of the contributors of the data, from the data's budget.
pub const DATA_SHARE: Perbill = Perbill::from_percent(20);
/// What audits and votes may be paid in an epoch, as a share of what learning and serving earn in it.
pub const AUDITS_SHARE: Perbill = Perbill::from_percent(20);
/// The longest that an unverified data share can be set to wait, in epochs.
pub const MAX_DATA_PATIENCE_EPOCHS: u32 = 8_766;
/// How the ancestors' share is divided: halving with each generation, nearest first.
pub const LINEAGE_WEIGHTS: [Balance; 4] = [8, 4, 2, 1];
/// The sum of [`LINEAGE_WEIGHTS`].
pub const LINEAGE_WEIGHT_SUM: Balance = 15;

/// The longest epoch: a year of slots.
pub const MAX_EPOCH_BLOCKS: u32 = (blyan_primitives::economy::YEAR_MILLISECONDS / SLOT_MILLISECONDS) as u32;
/// The highest rate: all BLY that may ever exist for one bit per byte.
pub const MAX_LEARNING_RATE: Balance = SUPPLY_CAP;

/// What governance sets by `force_set_parameters`.
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
pub struct RewardParameters {
	/// Blocks in an epoch, from the next epoch on.
	pub epoch_blocks: u32,
	/// Least amount that is minted; less is carried. In the smallest unit of BLY.
	pub min_payout: Balance,
	/// What accepted work claims for a gain of one bit per byte, before it is divided. In the smallest
	/// unit of BLY.
	pub learning_rate: Balance,
	/// For how many epochs after its own a claim can be made.
	pub claim_expiry_epochs: u32,
	/// For how many epochs after that of the verdict the data's share waits to be verified.
	pub data_patience_epochs: u32,
	/// What earns how many learning credits.
	pub credits: CreditRates,
}

impl Default for RewardParameters {
	/// An hour of 2-second blocks, 10 BLY, 10,000 BLY a bit, 30 days, and a day.
	fn default() -> Self {
		Self {
			epoch_blocks: 1_800,
			min_payout: BLY.saturating_mul(10),
			learning_rate: BLY.saturating_mul(10_000),
			claim_expiry_epochs: 720,
			data_patience_epochs: 24,
			credits: CreditRates::default(),
		}
	}
}

/// What earns how many learning credits. Source of the numbers: spec "Proof of learning", rewards.
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
pub struct CreditRates {
	/// For [`CreditReason::AcceptedBlock`].
	pub accepted_block: u32,
	/// For [`CreditReason::GoldDataset`].
	pub gold_dataset: u32,
	/// For [`CreditReason::ExecutedMigration`].
	pub executed_migration: u32,
	/// For [`CreditReason::HonestEvaluation`].
	pub honest_evaluation: u32,
	/// For [`CreditReason::ProvenFault`].
	pub proven_fault: u32,
}

impl Default for CreditRates {
	fn default() -> Self {
		Self {
			accepted_block: 100,
			gold_dataset: 50,
			executed_migration: 200,
			honest_evaluation: 25,
			proven_fault: 75,
		}
	}
}

impl CreditRates {
	/// What `reason` earns.
	pub const fn of(&self, reason: CreditReason) -> u32 {
		match reason {
			CreditReason::AcceptedBlock => self.accepted_block,
			CreditReason::GoldDataset => self.gold_dataset,
			CreditReason::ExecutedMigration => self.executed_migration,
			CreditReason::HonestEvaluation => self.honest_evaluation,
			CreditReason::ProvenFault => self.proven_fault,
		}
	}
}

/// Sums over all learning credits that ever were.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct CreditTotals {
	/// What was earned.
	pub granted: u64,
	/// What was spent.
	pub spent: u64,
}

/// Accepted work whose data is not verified yet.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WaitingShare {
	/// The epoch that ran at the verdict.
	pub epoch: EpochNumber,
	/// What the work claims in all, of which the data's share is [`DATA_SHARE`]. In the smallest unit of BLY.
	pub worth: Balance,
}

/// Something for each budget.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PerBudget<V> {
	/// For [`Budget::Validators`].
	pub validators: V,
	/// For [`Budget::Learning`].
	pub learning: V,
	/// For [`Budget::Data`].
	pub data: V,
	/// For [`Budget::Serving`].
	pub serving: V,
	/// For [`Budget::Audits`].
	pub audits: V,
}

impl<V> PerBudget<V> {
	/// What `make` makes for each budget.
	pub fn from_fn(mut make: impl FnMut(Budget) -> V) -> Self {
		Self {
			validators: make(Budget::Validators),
			learning: make(Budget::Learning),
			data: make(Budget::Data),
			serving: make(Budget::Serving),
			audits: make(Budget::Audits),
		}
	}

	/// What is for that budget.
	pub const fn get(&self, budget: Budget) -> &V {
		match budget {
			Budget::Validators => &self.validators,
			Budget::Learning => &self.learning,
			Budget::Data => &self.data,
			Budget::Serving => &self.serving,
			Budget::Audits => &self.audits,
		}
	}

	/// What is for that budget, to change.
	pub fn get_mut(&mut self, budget: Budget) -> &mut V {
		match budget {
			Budget::Validators => &mut self.validators,
			Budget::Learning => &mut self.learning,
			Budget::Data => &mut self.data,
			Budget::Serving => &mut self.serving,
			Budget::Audits => &mut self.audits,
		}
	}

	/// Every budget with what is for it.
	pub fn iter(&self) -> impl Iterator<Item = (Budget, &V)> {
		Budget::ALL.into_iter().map(|budget| (budget, self.get(budget)))
	}

	/// The sum of what `read` reads for each budget.
	pub fn sum(&self, read: impl Fn(&V) -> Balance) -> Balance {
		self.iter().fold(0, |sum, (_, value)| sum.saturating_add(read(value)))
	}
}

/// A budget of one epoch, with its bookkeeping. Amounts are in the smallest unit of BLY.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pot {
	/// What may be paid.
	pub budget: Balance,
	/// What was claimed in all.
	pub claimed: Balance,
	/// Claims that are neither settled nor expired.
	pub open: Balance,
	/// What was settled: minted, or carried.
	pub paid: Balance,
	/// What is left of the budget.
	pub left: Balance,
	/// Accounts with open claims.
	pub claimants: u32,
}

impl Pot {
	/// A pot that nobody has claimed from.
	pub const fn new(budget: Balance) -> Self {
		Self { budget, claimed: 0, open: 0, paid: 0, left: budget, claimants: 0 }
	}

	/// What a claim is worth, once the epoch is closed.
	pub fn settlement(&self, claim: Balance) -> Balance {
		settle(claim, self.claimed, self.budget)
	}

	/// What all claims on it come to, once the epoch is closed.
	pub fn earned(&self) -> Balance {
		self.claimed.min(self.budget)
	}

	/// The most that it may still pay. For a closed epoch that is the settlement of all open claims as
	/// if they were one; rounded down one by one, they come to no more.
	pub fn reserved(&self, closed: bool) -> Balance {
		if closed {
			self.settlement(self.open)
		} else {
			self.left
		}
	}
}

/// The epoch that takes claims.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RunningEpoch<BlockNumber> {
	/// Its number.
	pub number: EpochNumber,
	/// The first block after it.
	pub ends_at: BlockNumber,
}

/// An epoch, running or closed.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct EpochRecord<BlockNumber> {
	/// Its first block.
	pub started_at: BlockNumber,
	/// What it may issue; the budgets are its parts, rounded down.
	pub issuance: Balance,
	/// Its budgets.
	pub pots: PerBudget<Pot>,
}

impl<BlockNumber> EpochRecord<BlockNumber> {
	/// The most that its pots may still pay.
	pub fn reserved(&self, closed: bool) -> Balance {
		self.pots.sum(|pot| pot.reserved(closed))
	}

	/// The most that audits may be paid, by what learning and serving have earned so far.
	pub fn audits_limit(&self) -> Balance {
		AUDITS_SHARE.mul_floor(self.pots.learning.earned().saturating_add(self.pots.serving.earned()))
	}

	/// Lowers the audits' budget to [`Self::audits_limit`], as it must be when the epoch is closed; returns by
	/// how much. Nothing has been paid of it before.
	pub fn limit_audits(&mut self) -> Balance {
		let limit = self.audits_limit();
		let audits = &mut self.pots.audits;
		let cut = audits.budget.saturating_sub(limit).min(audits.left);
		audits.budget = audits.budget.saturating_sub(cut);
		audits.left = audits.left.saturating_sub(cut);
		cut
	}
}

/// Sums over everything that ever was, in the smallest unit of BLY.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Totals {
	/// What epochs might pay; of closed ones, without what audits could not earn.
	pub budgeted: Balance,
	/// What was settled.
	pub paid: Balance,
	/// What was minted.
	pub minted: Balance,
	/// What is settled and not yet minted, for it was too little.
	pub carried: Balance,
	/// What may still be settled.
	pub reserved: Balance,
	/// The part of `paid` that epochs settled which are forgotten.
	pub archived: Balance,
}
