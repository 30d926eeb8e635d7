//! Which parts of a text auditors look at.

use crate::{draw::Lots, Hash};
use alloc::{collections::BTreeSet, vec::Vec};
use core::ops::Range;

/// Bytes of a window of a sample.
pub const WINDOW_BYTES: u64 = 64 << 10;
/// Windows of a sample at most: 4 MiB of text.
pub const SAMPLE_WINDOWS: u32 = 64;

/// The bytes of a text of that length that are looked at, in rising order and none twice: all of them if they are not
/// more than a sample; otherwise [`SAMPLE_WINDOWS`] of the windows of [`WINDOW_BYTES`] into which the text falls, the
/// last of which may be shorter.
///
/// What counts is each sample that *begins* in a window (and, of the first window of the text, what precedes the first
/// blank line); it may end outside.
///
/// Floyd's sampling without replacement (R. Floyd, CACM 30(9), 1987): one lot a window.
pub fn windows(seed: Hash, bytes: u64) -> Vec<Range<u64>> {
	let count = bytes.div_ceil(WINDOW_BYTES);
	let wanted = count.min(SAMPLE_WINDOWS.into());
	let mut lots = Lots::new(seed, b"dataset-windows");
	let mut chosen = BTreeSet::new();
	for upper in count.saturating_sub(wanted)..count {
		let lot = lots.below(u128::from(upper).saturating_add(1)) as u64;
		if !chosen.insert(lot) {
			chosen.insert(upper);
		}
	}
	let window = |number: u64| {
		let start = number.saturating_mul(WINDOW_BYTES);
		start..start.saturating_add(WINDOW_BYTES).min(bytes)
	};
	chosen.into_iter().map(window).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn windows_should_be_the_whole_text_when_it_is_no_longer_than_a_sample() {
		let whole = WINDOW_BYTES * u64::from(SAMPLE_WINDOWS);
		for bytes in [0, 1, WINDOW_BYTES, WINDOW_BYTES + 1, whole] {
			let windows = windows(Hash::repeat_byte(1), bytes);
			assert_eq!(windows.iter().map(|window| window.end - window.start).sum::<u64>(), bytes);
			assert!(windows.windows(2).all(|pair| pair[0].end == pair[1].start));
		}
	}

	#[test]
	fn windows_should_depend_on_the_seed_alone() {
		let bytes = 1 << 40;
		assert_eq!(windows(Hash::repeat_byte(1), bytes), windows(Hash::repeat_byte(1), bytes));
		assert_ne!(windows(Hash::repeat_byte(1), bytes), windows(Hash::repeat_byte(2), bytes));
	}

	#[test]
	fn windows_should_take_each_about_equally_often() {
		let mut counts = [0u32; 128];
		for number in 0..1_000u64 {
			for window in windows(Hash::from_low_u64_be(number), 128 * WINDOW_BYTES) {
				counts[(window.start / WINDOW_BYTES) as usize] += 1;
			}
		}
		// 500 each, with a standard deviation of 16.
		assert!(counts.iter().all(|count| (420..=580).contains(count)), "{counts:?}");
	}

	proptest! {
		#[test]
		fn windows_should_be_within_the_text_and_apart(seed: [u8; 32], bytes in 0u64..(1 << 44)) {
			let windows = windows(Hash::from(seed), bytes);
			prop_assert!(windows.len() <= SAMPLE_WINDOWS as usize);
			prop_assert!(windows.iter().all(|window| window.start < window.end && window.end <= bytes));
			prop_assert!(windows.windows(2).all(|pair| pair[0].end <= pair[1].start));
		}
	}
}
