//! What was seen before, in fixed memory.

/// 64-bit words of a block: a cache line, so that a look-up costs one access to memory.
const BLOCK_WORDS: usize = 8;
/// Bits that a key sets, all in one block.
const BITS_PER_KEY: u32 = 6;

/// A blocked Bloom filter (Putze, Sanders, Singler 2007): it never forgets a key, and takes some that it never
/// saw for known, the more the fuller it is.
#[derive(Clone, Debug)]
pub struct Bloom {
	words: Vec<u64>,
	blocks: u64,
}

impl Bloom {
	/// A filter of about so many bytes, at least one block.
	pub fn new(bytes: usize) -> Self {
		let blocks = (bytes / (BLOCK_WORDS * 8)).max(1);
		Self { words: vec![0; blocks * BLOCK_WORDS], blocks: blocks as u64 }
	}

	/// The key's block, and a mask for each of its words. The key must be a hash.
	fn place(&self, key: u64) -> (usize, [u64; BLOCK_WORDS]) {
		// The high half of the product picks the block, evenly (Lemire 2016); the low bits pick the bits.
		let block = ((u128::from(key) * u128::from(self.blocks)) >> 64) as usize;
		let mut masks = [0; BLOCK_WORDS];
		let mut bits = crate::hash::mix(key);
		for _ in 0..BITS_PER_KEY {
			masks[(bits & 7) as usize] |= 1 << ((bits >> 3) & 63);
			bits >>= 9;
		}
		(block * BLOCK_WORDS, masks)
	}

	/// Whether the key was inserted, or seems so.
	pub fn contains(&self, key: u64) -> bool {
		let (start, masks) = self.place(key);
		self.words[start..start + BLOCK_WORDS].iter().zip(masks).all(|(word, mask)| word & mask == mask)
	}

	/// Inserts a key; whether it was there before, or seemed so.
	pub fn insert(&mut self, key: u64) -> bool {
		let (start, masks) = self.place(key);
		let mut known = true;
		for (word, mask) in self.words[start..start + BLOCK_WORDS].iter_mut().zip(masks) {
			known &= *word & mask == mask;
			*word |= mask;
		}
		known
	}

	/// Of keys never inserted, how many it takes for known, in parts per million, rounded up.
	pub fn false_positives(&self) -> u32 {
		const BLOCK_BITS: u128 = BLOCK_WORDS as u128 * 64;
		let chance = |ones: u128| ones.pow(BITS_PER_KEY) * 1_000_000;
		let sum: u128 = self
			.words
			.chunks_exact(BLOCK_WORDS)
			.map(|block| chance(block.iter().map(|word| u128::from(word.count_ones())).sum()))
			.sum();
		u32::try_from(sum.div_ceil(BLOCK_BITS.pow(BITS_PER_KEY) * u128::from(self.blocks)))
			.unwrap_or(u32::MAX)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::hash::mix;

	#[test]
	fn filter_should_never_forget() {
		let mut filter = Bloom::new(1 << 16);
		for key in 0..20_000 {
			filter.insert(mix(key));
		}
		assert!((0..20_000).all(|key| filter.contains(mix(key)) && filter.insert(mix(key))));
	}

	#[test]
	fn filter_should_err_as_often_as_it_says() {
		// 12.5 bits a key.
		let mut filter = Bloom::new(1 << 16);
		for key in 0..42_000 {
			filter.insert(mix(key));
		}
		let stated = u64::from(filter.false_positives());
		let wrong = (1_000_000..2_000_000).filter(|key| filter.contains(mix(*key))).count() as u64;
		assert!(
			wrong > 1_000 && wrong.abs_diff(stated) < stated / 5,
			"stated {stated}, found {wrong} of a million"
		);
		assert_eq!(Bloom::new(0).false_positives(), 0);
	}
}
