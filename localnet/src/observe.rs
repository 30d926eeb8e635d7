//! How fast blocks come, and how soon they are final.

use blyan_primitives::{BlockNumber, Moment};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, by this machine's clock.
pub fn now_ms() -> Moment {
	SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Moment)
}

/// What is known of a finalized block's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTime {
	/// Its height.
	pub number: BlockNumber,
	/// When its author made it, by the chain.
	pub timestamp_ms: Moment,
	/// When it was known here to be final, by the same machine's clock. `None` for a block that was final
	/// before we listened.
	pub final_at_ms: Option<Moment>,
}

/// Seconds between a block and the one before it, in the middle. Distances over gaps in the numbers, and
/// over times that no node ran, do not move a median.
pub fn block_seconds_median(times: &[BlockTime]) -> Option<f64> {
	median(
		times
			.windows(2)
			.filter(|pair| pair[0].number.checked_add(1) == Some(pair[1].number))
			.map(|pair| pair[1].timestamp_ms.saturating_sub(pair[0].timestamp_ms) as f64 / 1e3),
	)
}

/// Seconds from when a block was made until it was known here to be final, in the middle.
pub fn finality_lag_seconds_median(times: &[BlockTime]) -> Option<f64> {
	median(times.iter().filter_map(|time| {
		let final_at = time.final_at_ms?;
		Some(final_at.saturating_sub(time.timestamp_ms) as f64 / 1e3)
	}))
}

/// The middle value, or the mean of the two middle ones.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
	let mut values: Vec<f64> = values.collect();
	values.sort_by(f64::total_cmp);
	let middle = values.len() / 2;
	let upper = *values.get(middle)?;
	if values.len() % 2 == 1 {
		return Some(upper);
	}
	Some((values[middle - 1] + upper) / 2.0)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn time(number: BlockNumber, timestamp_ms: Moment, final_at_ms: Option<Moment>) -> BlockTime {
		BlockTime { number, timestamp_ms, final_at_ms }
	}

	#[test]
	fn block_seconds_should_not_follow_a_night_off_or_a_gap() {
		let times = [
			time(1, 2_000, None),
			time(2, 4_000, None),
			time(3, 6_000, None),
			time(4, 40_000_000, None),
			time(5, 40_002_000, None),
			time(9, 40_010_000, None),
		];
		assert_eq!(block_seconds_median(&times), Some(2.0));
		assert_eq!(block_seconds_median(&times[..1]), None);
	}

	#[test]
	fn finality_lag_should_count_only_blocks_that_became_final_under_our_eyes() {
		let times = [
			time(1, 2_000, None),
			time(2, 4_000, Some(8_500)),
			time(3, 6_000, Some(8_500)),
			time(4, 8_000, Some(11_000)),
		];
		assert_eq!(finality_lag_seconds_median(&times), Some(3.0));
		assert_eq!(finality_lag_seconds_median(&times[..1]), None);
		assert_eq!(finality_lag_seconds_median(&times[..3]), Some(3.5));
	}
}
