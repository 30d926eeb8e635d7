//! Overlap with given texts: validation shards, known works.

use crate::hash::hash_sequence;
use std::{
	collections::HashSet,
	hash::{BuildHasherDefault, Hasher},
};

/// Words of an n-gram: eight in a row are rarely the same by chance (PaLM, arXiv 2204.02311, used eight too).
pub const NGRAM_WORDS: usize = 8;
/// A sample overlaps if so many of its n-grams are known, which is fifty words in a row, ...
const NGRAMS_OF_FIFTY_WORDS: usize = 50 - NGRAM_WORDS + 1;
/// N-grams an index holds at most: half a gigabyte.
pub const MAX_NGRAMS: usize = 1 << 25;

/// Hashes are keys already.
#[derive(Default, Clone)]
pub(crate) struct Same(u64);
impl Hasher for Same {
	fn finish(&self) -> u64 {
		self.0
	}
	fn write(&mut self, bytes: &[u8]) {
		self.0 = crate::hash::hash_bytes(bytes);
	}
	fn write_u64(&mut self, number: u64) {
		self.0 = number;
	}
}

/// The sequences of eight words of some texts.
#[derive(Clone, Default)]
pub struct NgramIndex {
	known: HashSet<u64, BuildHasherDefault<Same>>,
	/// A bit for each value of a hash's low bits: most look-ups end here.
	hints: Vec<u64>,
}

const HINT_BITS: u64 = 1 << 20;

impl NgramIndex {
	/// Adds a text's words. False, and nothing more is added, if the index is full.
	#[must_use]
	pub fn add(&mut self, words: &[u64]) -> bool {
		if self.hints.is_empty() {
			self.hints = vec![0; (HINT_BITS / 64) as usize];
		}
		for ngram in words.windows(NGRAM_WORDS).map(hash_sequence) {
			if self.known.len() >= MAX_NGRAMS && !self.known.contains(&ngram) {
				return false;
			}
			self.known.insert(ngram);
			let hint = ngram % HINT_BITS;
			self.hints[(hint / 64) as usize] |= 1 << (hint % 64);
		}
		true
	}

	/// How many sequences it knows.
	pub fn len(&self) -> usize {
		self.known.len()
	}

	/// Whether it knows none.
	pub fn is_empty(&self) -> bool {
		self.known.is_empty()
	}

	/// Whether a large part of a sample is known: at least half of its sequences of eight words, or as many as
	/// fifty words in a row have. A sample of fewer than eight words is never found.
	pub fn overlaps(&self, words: &[u64]) -> bool {
		if self.is_empty() || words.len() < NGRAM_WORDS {
			return false;
		}
		let all = words.len() - NGRAM_WORDS + 1;
		let enough = all.div_ceil(2).min(NGRAMS_OF_FIFTY_WORDS);
		words
			.windows(NGRAM_WORDS)
			.map(hash_sequence)
			.filter(|ngram| self.contains(*ngram))
			.nth(enough - 1)
			.is_some()
	}

	fn contains(&self, ngram: u64) -> bool {
		let hint = ngram % HINT_BITS;
		self.hints[(hint / 64) as usize] & (1 << (hint % 64)) != 0 && self.known.contains(&ngram)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::hash::mix;

	fn words(from: u64, to: u64) -> Vec<u64> {
		(from..to).map(mix).collect()
	}

	#[test]
	fn sample_should_overlap_when_half_of_it_or_fifty_words_are_known() {
		let mut index = NgramIndex::default();
		assert!(!index.overlaps(&words(0, 40)));
		assert!(index.add(&words(0, 1_000)));
		assert_eq!(index.len(), 993);
		let sample = |known: u64, own: u64| [words(100, 100 + known), words(10_000, 10_000 + own)].concat();
		// 40 known words are 33 n-grams, of 66 in 73 words.
		assert!(index.overlaps(&sample(40, 33)));
		assert!(!index.overlaps(&sample(40, 34)));
		assert!(index.overlaps(&sample(50, 300)));
		assert!(!index.overlaps(&sample(49, 300)));
		assert!(index.overlaps(&words(100, 108)));
		assert!(!index.overlaps(&words(100, 107)));
	}
}
