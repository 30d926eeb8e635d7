//! Targets in the compact form of a header's `nBits`, and the work that they stand for.
//!
//! Source: `arith_uint256::SetCompact` and `GetCompact`, `GetBlockProof`, `CalculateNextWorkRequired` of
//! Bitcoin Core.

use polkadot_sdk::sp_core::{U256, U512};

/// Blocks between two changes of the target.
pub const PERIOD: u32 = 2_016;
/// Seconds that a period should take: two weeks.
pub const PERIOD_SECONDS: u32 = 1_209_600;

const SIGN: u32 = 0x0080_0000;
const MANTISSA: u32 = 0x007f_ffff;

/// The target that a compact form spells; `None` if it is negative, or does not fit into 256 bits.
pub fn expand(bits: u32) -> Option<U256> {
	let size = bits >> 24;
	let mantissa = bits & MANTISSA;
	let (mantissa, shift) = match size.checked_sub(3) {
		Some(bytes) => (mantissa, bytes.saturating_mul(8)),
		None => (mantissa >> 3u32.saturating_sub(size).saturating_mul(8), 0),
	};
	if mantissa == 0 {
		return Some(U256::zero());
	}
	let mantissa_bits = u32::BITS.saturating_sub(mantissa.leading_zeros());
	if bits & SIGN != 0 || mantissa_bits.saturating_add(shift) > 256 {
		return None;
	}
	Some(shifted_up(U256::from(mantissa), shift))
}

/// The compact form of a target, which keeps its first 23 bits or a few less.
pub fn compact(target: U256) -> u32 {
	let size = (target.bits() as u32).div_ceil(8);
	let mantissa = match size.checked_sub(3) {
		Some(bytes) => shifted_down(target, bytes.saturating_mul(8)).low_u32(),
		None => target.low_u32() << 3u32.saturating_sub(size).saturating_mul(8),
	};
	if mantissa & SIGN == 0 {
		mantissa | size << 24
	} else {
		// The highest bit is the sign: one byte less of the number, and one more of its length.
		mantissa >> 8 | size.saturating_add(1) << 24
	}
}

/// The compact form of the next period's target, after one that had that target and took `seconds`.
pub fn retarget(target: U256, seconds: i64, limit: U256) -> u32 {
	let wanted = i64::from(PERIOD_SECONDS);
	let seconds = seconds.clamp(wanted / 4, wanted.saturating_mul(4));
	// Core's 256 bits are enough for the networks that retarget; the product of a larger limit would not fit.
	let scaled = target.full_mul(U256::from(seconds)).checked_div(U512::from(PERIOD_SECONDS));
	let scaled = scaled.and_then(|scaled| U256::try_from(scaled).ok()).unwrap_or(limit);
	compact(scaled.min(limit))
}

/// How many hashes it takes on average to be at most that target: `2^256 / (target + 1)`.
pub fn work(target: U256) -> U256 {
	// 2^256 does not fit; `(2^256 - 1 - target) / (target + 1) + 1` is the same.
	let quotient = target.checked_add(U256::one()).and_then(|divisor| (!target).checked_div(divisor));
	quotient.unwrap_or_default().saturating_add(U256::one())
}

/// Without what goes out at the top. No shift of such a number panics.
#[allow(clippy::arithmetic_side_effects)]
fn shifted_up(number: U256, bits: u32) -> U256 {
	number << bits
}

/// Without what goes out at the bottom; likewise.
#[allow(clippy::arithmetic_side_effects)]
fn shifted_down(number: U256, bits: u32) -> U256 {
	number >> bits
}

#[cfg(test)]
mod tests {
	use super::*;
	use bitcoin::{consensus::Params, CompactTarget, Target};
	use proptest::prelude::*;

	/// <https://github.com/bitcoin/bitcoin/blob/master/src/test/arith_uint256_tests.cpp>, `bignum_SetCompact`.
	#[test]
	fn expand_should_be_what_core_makes_of_the_same_bits() {
		for bits in [0x0492_3456, 0x01fe_dcba, 0x04ff_ffff] {
			assert_eq!(expand(bits), None, "{bits:#x} is negative");
		}
		assert_eq!(expand(0xff12_3456), None, "too large");
		let zero = [
			0,
			0x0012_3456,
			0x0100_3456,
			0x0200_0056,
			0x0300_0000,
			0x0400_0000,
			0x0092_3456,
			0x0180_3456,
			0x0280_0056,
			0x0380_0000,
			0x0480_0000,
		];
		for bits in zero {
			assert_eq!(expand(bits), Some(U256::zero()), "{bits:#x}");
		}
		let some: &[(u32, u64)] = &[
			(0x0112_3456, 0x12),
			(0x0200_8000, 0x80),
			(0x0212_3456, 0x1234),
			(0x0312_3456, 0x0012_3456),
			(0x0412_3456, 0x1234_5600),
			(0x0500_9234, 0x9234_0000),
		];
		for (bits, value) in some {
			assert_eq!(expand(*bits), Some(U256::from(*value)), "{bits:#x}");
		}
		assert_eq!(expand(0x2012_3456), Some(U256::from(0x12_3456) << 232));
	}

	#[test]
	fn expand_should_refuse_what_does_not_fit() {
		// 34 bytes hold a mantissa of one, 33 of two, 32 of three.
		for (bits, fits) in [
			(0x2200_00ff, true),
			(0x2200_0100, false),
			(0x2100_ffff, true),
			(0x2101_0000, false),
			(0x207f_ffff, true),
			(0x2300_0001, false),
		] {
			assert_eq!(expand(bits).is_some(), fits, "{bits:#x}");
		}
	}

	#[test]
	fn retarget_should_be_what_core_tests() {
		// <https://github.com/bitcoin/bitcoin/blob/master/src/test/pow_tests.cpp>, `get_next_work*`.
		let limit = expand(0x1d00_ffff).unwrap();
		let next = |bits, first: i64, last: i64| retarget(expand(bits).unwrap(), last - first, limit);
		assert_eq!(next(0x1d00_ffff, 1_261_130_161, 1_262_152_739), 0x1d00_d86a);
		assert_eq!(next(0x1d00_ffff, 1_231_006_505, 1_233_061_996), 0x1d00_ffff, "no easier than the limit");
		assert_eq!(
			next(0x1c05_a3f4, 1_279_008_237, 1_279_297_671),
			0x1c01_68fd,
			"no more than four times harder"
		);
		assert_eq!(next(0x1c38_7f6f, 1_263_163_443, 1_269_211_443), 0x1d00_e1fd, "nor easier");
	}

	#[test]
	fn work_of_the_easiest_and_of_the_hardest_target_should_be_exact() {
		assert_eq!(work(U256::MAX), U256::one());
		assert_eq!(work(U256::zero()), U256::MAX, "2^256 does not fit");
		assert_eq!(work(expand(0x1d00_ffff).unwrap()), U256::from(0x1_0001_0001_u64));
		assert_eq!(work(expand(0x207f_ffff).unwrap()), U256::from(2));
	}

	fn of_crate(target: Target) -> U256 {
		U256::from_big_endian(&target.to_be_bytes())
	}

	proptest! {
		#[test]
		fn compact_should_be_what_the_bitcoin_crate_makes(bytes in any::<[u8; 32]>(), zeros in 0usize..32) {
			let mut bytes = bytes;
			bytes[..zeros].fill(0);
			let bits = compact(U256::from_big_endian(&bytes));
			prop_assert_eq!(bits, Target::from_be_bytes(bytes).to_compact_lossy().to_consensus());
			prop_assert_eq!(compact(expand(bits).unwrap()), bits);
		}

		#[test]
		fn expand_should_be_what_the_bitcoin_crate_makes_of_what_fits(bits in any::<u32>()) {
			if let Some(target) = expand(bits) {
				prop_assert_eq!(target, of_crate(Target::from_compact(CompactTarget::from_consensus(bits))));
			}
		}

		#[test]
		fn work_should_be_what_the_bitcoin_crate_makes(bytes in any::<[u8; 32]>(), zeros in 0usize..32) {
			let mut bytes = bytes;
			bytes[..zeros].fill(0);
			let target = U256::from_big_endian(&bytes);
			prop_assume!(!target.is_zero());
			let expected = Target::from_be_bytes(bytes).to_work().to_be_bytes();
			prop_assert_eq!(work(target), U256::from_big_endian(&expected));
		}

		#[test]
		fn retarget_should_be_what_the_bitcoin_crate_makes(
			mantissa in 0x8000u32..0x7f_ffff,
			size in 4u32..=0x1c,
			seconds in 0u32..20_000_000,
		) {
			let bits = size << 24 | mantissa;
			let limit = expand(0x1d00_ffff).unwrap();
			let last = CompactTarget::from_consensus(bits);
			let next = CompactTarget::from_next_work_required(last, seconds.into(), Params::MAINNET);
			prop_assert_eq!(retarget(expand(bits).unwrap(), seconds.into(), limit), next.to_consensus());
		}
	}
}
