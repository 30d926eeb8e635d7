//! Near duplicates: MinHash signatures of word triples, cut into bands for locality-sensitive hashing.
//!
//! Broder, "On the resemblance and containment of documents" (1997); the bands are looked up in Bloom filters
//! instead of tables, as in LSHBloom (arXiv 2411.04257), so that memory is fixed.

use crate::hash::{hash_sequence, mix};

/// Bands of a signature. Two samples whose sets of triples have the Jaccard similarity `s` share a band with
/// the probability `1 - (1 - s^ROWS)^BANDS`: 13 % at 0.5, 40 % at 0.6, 78 % at 0.7, 98.6 % at 0.8.
pub const BANDS: usize = 18;
/// Rows of a band.
pub const ROWS: usize = 7;
/// Words of a shingle.
pub const SHINGLE_WORDS: usize = 3;
const HASHES: usize = BANDS * ROWS;

/// A hash for each run of three words; one of the whole if there are fewer.
pub fn shingles(words: &[u64]) -> Vec<u64> {
	if words.len() < SHINGLE_WORDS {
		return vec![hash_sequence(words)];
	}
	words.windows(SHINGLE_WORDS).map(hash_sequence).collect()
}

/// The keys of a sample's bands, each of which an equal band of another sample shares.
pub fn band_keys(shingles: &[u64]) -> [u64; BANDS] {
	let mut least = [u32::MAX; HASHES];
	for shingle in shingles {
		let (low, high) = (*shingle as u32, (*shingle >> 32) as u32);
		for (least, (mask, factor)) in least.iter_mut().zip(&COEFFICIENTS) {
			// The high bits of the product depend on all of the low half; the high half is added so that all
			// 64 bits of the shingle count.
			let hash = (low ^ mask).wrapping_mul(*factor).wrapping_add(high);
			*least = (*least).min(hash);
		}
	}
	let mut keys = [0; BANDS];
	for (band, (key, rows)) in (0u64..).zip(keys.iter_mut().zip(least.chunks_exact(ROWS))) {
		*key = rows.iter().fold(mix(band + 1), |key, row| mix(key.rotate_left(7) ^ u64::from(*row)));
	}
	keys
}

/// A mask and an odd factor for each hash, from SplitMix64.
const COEFFICIENTS: [(u32, u32); HASHES] = {
	let mut all = [(0, 0); HASHES];
	let mut state = 0x626c_7961_6e00_0001u64;
	let mut at = 0;
	while at < HASHES {
		state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut number = state;
		number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		number ^= number >> 31;
		all[at] = (number as u32, (number >> 32) as u32 | 1);
		at += 1;
	}
	all
};

#[cfg(test)]
mod tests {
	use super::*;

	/// Pairs of sets of 100 shingles of which `shared` are in both, and how many pairs share a band.
	fn found(shared: u64, pairs: u64) -> u64 {
		let set = |from: u64| (from..from + 100).map(mix).collect::<Vec<_>>();
		(0..pairs)
			.filter(|pair| {
				let (one, other) = (set(pair * 1_000), set(pair * 1_000 + 100 - shared));
				band_keys(&one).iter().zip(band_keys(&other)).any(|(one, other)| *one == other)
			})
			.count() as u64
	}

	#[test]
	fn bands_should_collide_as_often_as_their_formula_says() {
		// Of 100 each, 67 shared: Jaccard 67/133 = 0.504 -> 13.9 %; 82: 82/118 = 0.695 -> 76.6 %.
		let (half, most) = (found(67, 1_000), found(82, 1_000));
		assert!((90..=190).contains(&half), "{half} of 1000 at 0.50");
		assert!((710..=820).contains(&most), "{most} of 1000 at 0.70");
		assert_eq!(found(100, 50), 50);
		assert_eq!(found(0, 1_000), 0);
	}

	#[test]
	fn shingles_should_be_one_when_words_are_few() {
		assert_eq!(shingles(&[1, 2]).len(), 1);
		assert_ne!(shingles(&[1, 2]), shingles(&[2, 1]));
		assert_eq!(shingles(&[]).len(), 1);
		assert_eq!(shingles(&[1, 2, 3, 4]).len(), 2);
	}
}
