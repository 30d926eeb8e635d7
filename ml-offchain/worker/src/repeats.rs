//! What happens again and again, told less and less often.

use std::collections::BTreeMap;

/// Most things that are counted. Beyond it counting starts anew: something is told once too often.
const MAX_COUNTED: usize = 4_096;

/// Counts what happens, by what names it.
#[derive(Debug)]
pub struct Repeats<K>(BTreeMap<K, u64>);

impl<K> Default for Repeats<K> {
	fn default() -> Self {
		Self(BTreeMap::new())
	}
}

impl<K: Ord> Repeats<K> {
	/// Counts it; whether a person should hear of it: the first time, the tenth, the hundredth, and so on.
	pub fn is_news(&mut self, key: K) -> bool {
		if self.0.len() >= MAX_COUNTED && !self.0.contains_key(&key) {
			self.0.clear();
		}
		let count = self.0.entry(key).or_default();
		*count = count.saturating_add(1);
		10u64.checked_pow(count.ilog10()) == Some(*count)
	}

	/// Forgets what is over: should it begin again, it is news.
	pub fn forget(&mut self, is_over: impl Fn(&K) -> bool) {
		self.0.retain(|key, _| !is_over(key));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn repeats_should_be_news_at_growing_distance_and_anew_once_forgotten() {
		let mut repeats = Repeats::default();
		let told: Vec<u32> = (1..=1_500).filter(|_| repeats.is_news("a")).collect();
		assert_eq!(told, [1, 10, 100, 1_000]);
		assert!(repeats.is_news("b"), "of something else");
		repeats.forget(|key| *key == "a");
		assert!(repeats.is_news("a"));
		assert!(!repeats.is_news("b"));
	}

	#[test]
	fn repeats_should_not_grow_without_bound() {
		let mut repeats = Repeats::default();
		assert!((0..3 * MAX_COUNTED).all(|key| repeats.is_news(key)));
		assert!(repeats.0.len() <= MAX_COUNTED);
	}
}
