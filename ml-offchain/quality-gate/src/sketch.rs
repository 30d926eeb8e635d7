//! What is kept of a set too large to keep: the members of least hash (Bar-Yossef and others, "Counting
//! distinct elements in a data stream", 2002). It depends on the set alone, not on order or on threads.

use std::collections::BTreeMap;

/// The members of least hash.
#[derive(Clone, Debug)]
pub struct Least<T> {
	kept: BTreeMap<u64, T>,
	most: usize,
}

impl<T> Least<T> {
	/// Keeps so many members at most.
	pub fn new(most: usize) -> Self {
		Self { kept: BTreeMap::new(), most: most.max(2) }
	}

	/// The hash from which on a member is not kept: it only falls.
	pub fn limit(&self) -> u64 {
		if self.kept.len() < self.most {
			return u64::MAX;
		}
		self.kept.last_key_value().map_or(u64::MAX, |(hash, _)| *hash)
	}

	/// Offers a member.
	pub fn offer(&mut self, hash: u64, member: T) {
		if hash >= self.limit() {
			return;
		}
		self.kept.entry(hash).or_insert(member);
		if self.kept.len() > self.most {
			self.kept.pop_last();
		}
	}

	/// About how many distinct members were offered: exact as long as all are kept, else with a standard error
	/// of one over the root of how many are kept.
	pub fn distinct(&self) -> u64 {
		let kept = self.kept.len() as u128;
		match self.kept.last_key_value() {
			Some((hash, _)) if self.kept.len() == self.most => {
				let estimate = ((kept - 1) << 64) / (u128::from(*hash) + 1);
				u64::try_from(estimate.max(kept)).unwrap_or(u64::MAX)
			}
			_ => kept as u64,
		}
	}

	/// What is kept, by hash.
	pub fn into_members(self) -> impl Iterator<Item = T> {
		self.kept.into_values()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::hash::mix;

	#[test]
	fn distinct_should_be_exact_when_all_are_kept_and_near_when_not() {
		let mut sketch = Least::new(4_096);
		for key in 0..1_000 {
			sketch.offer(mix(key), ());
			sketch.offer(mix(key), ());
		}
		assert_eq!(sketch.distinct(), 1_000);
		for key in 0..100_000 {
			sketch.offer(mix(key), ());
		}
		// Three standard errors of 1/64.
		assert!(sketch.distinct().abs_diff(100_000) < 4_700, "{}", sketch.distinct());
	}

	#[test]
	fn kept_should_not_depend_on_the_order() {
		let of = |keys: &mut dyn Iterator<Item = u64>| {
			let mut sketch = Least::new(10);
			keys.for_each(|key| sketch.offer(mix(key), key));
			sketch.into_members().collect::<Vec<_>>()
		};
		assert_eq!(of(&mut (0..500)), of(&mut (0..500).rev()));
	}
}
