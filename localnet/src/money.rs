//! Amounts of BLY as people read them: exact, in decimals.

use blyan_primitives::{economy::BLY, Balance};
use serde::{de, Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, iter::Sum, str::FromStr};

/// Decimals of BLY.
const DECIMALS: usize = 12;

/// An amount. Written as decimal text, in JSON too: a JSON number would lose units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Balance);

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (whole, units) = (self.0 / BLY, self.0 % BLY);
		if units == 0 {
			return f.pad(&whole.to_string());
		}
		f.pad(format!("{whole}.{units:0DECIMALS$}").trim_end_matches('0'))
	}
}

impl FromStr for Amount {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let refuse = || format!("`{text}` is no amount of BLY");
		let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
		let is_decimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
		if whole.is_empty() || !is_decimal(whole) || !is_decimal(decimals) || decimals.len() > DECIMALS {
			return Err(refuse());
		}
		let units: Balance = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| refuse())?;
		let whole: Balance = whole.parse().map_err(|_| refuse())?;
		whole.checked_mul(BLY).and_then(|whole| whole.checked_add(units)).map(Self).ok_or_else(refuse)
	}
}

impl Serialize for Amount {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
	}
}

impl Sum for Amount {
	fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
		Self(amounts.fold(0, |sum: Balance, amount| sum.saturating_add(amount.0)))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amount_should_be_exact_in_both_directions() {
		for (units, text) in [
			(0, "0"),
			(1, "0.000000000001"),
			(BLY / 2, "0.5"),
			(101 * BLY, "101"),
			(3_333_333_333_333, "3.333333333333"),
			(Balance::MAX, "340282366920938463463374607.431768211455"),
		] {
			assert_eq!(Amount(units).to_string(), text);
			assert_eq!(text.parse(), Ok(Amount(units)));
			let json = serde_json::to_string(&Amount(units)).unwrap();
			assert_eq!(json, format!("\"{text}\""));
			assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), Amount(units));
		}
	}

	#[test]
	fn amount_should_refuse_what_it_cannot_hold() {
		for text in
			["", ".5", "-1", "1.2.3", "1e3", "0.0000000000001", "340282366920938463463374607.431768211456"]
		{
			assert!(text.parse::<Amount>().is_err(), "{text}");
		}
	}
}
