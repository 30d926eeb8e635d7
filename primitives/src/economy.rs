//! BLY: units, issuance and exact proportional settlement.
//!
//! Rules: spec "BLY". Integer arithmetic only; what is paid plus what is left is what was budgeted.

use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{helpers_128bit::multiply_by_rational_with_rounding, Perbill, Rounding};
use scale_info::TypeInfo;

/// One BLY: 12 decimals.
pub const BLY: Balance = 1_000_000_000_000;
/// Least balance an account may hold: 1e-4 BLY.
pub const EXISTENTIAL_DEPOSIT: Balance = BLY / 10_000;
/// What exists at genesis.
pub const GENESIS_SUPPLY: Balance = 250_000_000 * BLY;
/// What may ever exist.
pub const SUPPLY_CAP: Balance = 1_000_000_000 * BLY;
/// Most that is issued in a year, as a share of the supply.
pub const YEARLY_ISSUANCE: Perbill = Perbill::from_percent(10);
/// A Julian year.
pub const YEAR_MILLISECONDS: u64 = 31_557_600_000;

/// What an epoch's issuance is divided among.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Budget {
	/// Block production and finality.
	Validators,
	/// Accepted blocks.
	Learning,
	/// Data that accepted blocks learned from.
	Data,
	/// Use of components.
	Serving,
	/// Audits and community votes.
	Audits,
}

impl Budget {
	/// Every budget.
	pub const ALL: [Budget; 5] =
		[Budget::Validators, Budget::Learning, Budget::Data, Budget::Serving, Budget::Audits];

	/// Its share of an epoch's issuance; together they are the whole.
	pub const fn share(self) -> Perbill {
		Perbill::from_percent(match self {
			Budget::Validators => 35,
			Budget::Learning => 30,
			Budget::Data => 15,
			Budget::Serving => 15,
			Budget::Audits => 5,
		})
	}
}

/// What may be issued in an epoch of that length, given the supply at its start.
pub fn epoch_issuance(supply: Balance, epoch_milliseconds: u64) -> Balance {
	let yearly = YEARLY_ISSUANCE.mul_floor(supply);
	let issuance = proportion(yearly, epoch_milliseconds.into(), YEAR_MILLISECONDS.into());
	issuance.min(SUPPLY_CAP.saturating_sub(supply))
}

/// `value * part / whole`, rounded down, without overflow in between; zero if `whole` is zero.
pub fn proportion(value: Balance, part: Balance, whole: Balance) -> Balance {
	multiply_by_rational_with_rounding(value, part, whole, Rounding::Down).unwrap_or_default()
}

/// What a claim is paid when `total` is claimed of `budget`: the claim, or its share of the budget if
/// there are more claims than budget. The sum over all claims never passes the budget.
pub fn settle(claim: Balance, total: Balance, budget: Balance) -> Balance {
	if total <= budget {
		claim
	} else {
		proportion(budget, claim, total)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec::Vec;
	use proptest::prelude::*;

	#[test]
	fn shares_should_add_up_to_the_whole() {
		let sum = Budget::ALL.iter().fold(0u32, |sum, budget| sum + budget.share().deconstruct());
		assert_eq!(sum, Perbill::one().deconstruct());
	}

	#[test]
	fn issuance_should_stay_below_ten_per_cent_a_year() {
		let hour = epoch_issuance(GENESIS_SUPPLY, 3_600_000);
		assert_eq!(hour / BLY, 2_851, "an hour's share of 25,000,000 BLY a year");
		let hours = u128::from(YEAR_MILLISECONDS / 3_600_000);
		assert!(hour * hours <= YEARLY_ISSUANCE.mul_floor(GENESIS_SUPPLY));
	}

	#[test]
	fn issuance_should_end_at_the_cap() {
		assert_eq!(epoch_issuance(SUPPLY_CAP - 5, 3_600_000), 5);
		assert_eq!(epoch_issuance(SUPPLY_CAP, 3_600_000), 0);
	}

	proptest! {
		#[test]
		fn settle_should_never_pay_more_than_the_budget(
			claims in proptest::collection::vec(0u128..1_000_000 * BLY, 1..50),
			budget in 0u128..1_000_000 * BLY,
		) {
			let total: Balance = claims.iter().sum();
			let paid: Vec<Balance> = claims.iter().map(|claim| settle(*claim, total, budget)).collect();
			let sum: Balance = paid.iter().sum();
			prop_assert!(sum <= budget);
			prop_assert!(paid.iter().zip(&claims).all(|(paid, claim)| paid <= claim));
			// Nothing but rounding is left: less than one unit a claim.
			if total >= budget {
				prop_assert!(budget - sum < claims.len() as u128 + 1);
			} else {
				prop_assert_eq!(sum, total);
			}
		}
	}
}
