//! The elements of largest magnitude.

/// The indices of the `count` elements of largest magnitude, rising. Of two of the same magnitude the one
/// of lower index comes first; zeros are never chosen. At most 2^32 values.
pub(crate) fn largest(values: &[f32], count: usize) -> Vec<u32> {
	// Magnitudes of finite floats are ordered as their bits are; the index fills the lower half.
	let mut keys: Vec<u64> = values
		.iter()
		.zip(0u32..=u32::MAX)
		.filter(|(value, _)| **value != 0.0)
		.map(|(value, index)| u64::from(value.abs().to_bits()) << 32 | u64::from(!index))
		.collect();
	if count < keys.len() {
		keys.select_nth_unstable_by(count, |a, b| b.cmp(a));
		keys.truncate(count);
	}
	let mut indices: Vec<u32> = keys.into_iter().map(|key| !(key as u32)).collect();
	indices.sort_unstable();
	indices
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn largest_should_take_the_lower_index_when_magnitudes_are_equal() {
		assert_eq!(largest(&[1.0, -3.0, 3.0, 0.0, 3.0], 2), [1, 2]);
		assert_eq!(largest(&[0.0, -0.0, 1e-45], 3), [2]);
		assert_eq!(largest(&[1.0], 0), [0u32; 0]);
	}

	proptest! {
		#[test]
		fn largest_should_agree_with_a_stable_sort(
			values in proptest::collection::vec((-4i8..=4).prop_map(f32::from), 0..80),
			count in 0usize..90,
		) {
			let mut sorted: Vec<u32> = (0..values.len() as u32).filter(|i| values[*i as usize] != 0.0).collect();
			sorted.sort_by(|a, b| values[*b as usize].abs().total_cmp(&values[*a as usize].abs()));
			sorted.truncate(count);
			sorted.sort();
			prop_assert_eq!(largest(&values, count), sorted);
		}
	}
}
