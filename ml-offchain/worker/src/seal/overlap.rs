//! Whether text is known already: in the public pool, in retired lots, or in a lot that was just made.

use std::collections::HashSet;

/// Text in common that is always found is this long, less one, at least; half of it may be.
const WINDOW_BYTES: usize = 64;
/// Any odd number will do.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// Fingerprints of known text, one for each half window of it.
#[derive(Clone, Debug)]
pub struct Known {
	width: usize,
	fingerprints: HashSet<u64>,
}

impl Known {
	/// Nothing is known yet; shards that are asked for have that length.
	pub fn new(shard_bytes: u32) -> Self {
		Self {
			width: (WINDOW_BYTES / 2).min((shard_bytes as usize / 2).max(1)),
			fingerprints: HashSet::new(),
		}
	}

	/// Makes text known.
	pub fn add(&mut self, text: &[u8]) {
		self.fingerprints.extend(text.chunks_exact(self.width).map(fingerprint));
	}

	/// Whether any [`WINDOW_BYTES`] of the shard, less one, are in known text: whatever their place in either, such a
	/// run covers a whole half window of the known one.
	pub fn overlaps(&self, shard: &[u8]) -> bool {
		let width = self.width;
		let Some(first) = shard.get(..width) else { return false };
		// What the byte that leaves the window weighs.
		let weight = (1..width).fold(1u64, |power, _| power.wrapping_mul(BASE));
		let mut rolling = fingerprint(first);
		if self.fingerprints.contains(&rolling) {
			return true;
		}
		shard.iter().zip(shard.iter().skip(width)).any(|(leaves, enters)| {
			let without = rolling.wrapping_sub((u64::from(*leaves) + 1).wrapping_mul(weight));
			rolling = without.wrapping_mul(BASE).wrapping_add(u64::from(*enters) + 1);
			self.fingerprints.contains(&rolling)
		})
	}
}

fn fingerprint(window: &[u8]) -> u64 {
	window.iter().fold(0, |hash: u64, byte| hash.wrapping_mul(BASE).wrapping_add(u64::from(*byte) + 1))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn overlaps_should_find_known_text_at_any_place() {
		let text: Vec<u8> = (0..2_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
		let mut known = Known::new(512);
		known.add(&text[..1_024]);
		let fresh = vec![b'x'; 512];
		assert!(!known.overlaps(&fresh) && !known.overlaps(&text[1_024..1_536]));
		for from in [0, 1, 17, 31, 900] {
			let mut shard = fresh.clone();
			shard[100..163].copy_from_slice(&text[from..from + 63]);
			assert!(known.overlaps(&shard), "63 bytes from {from}");
		}
		let mut shard = fresh;
		shard[100..131].copy_from_slice(&text[..31]);
		assert!(!known.overlaps(&shard), "31 bytes are no copy");
	}

	proptest! {
		#[test]
		fn overlaps_should_say_of_each_shard_what_a_search_would(
			text in prop::collection::vec(0u8..3, 40..200),
			shard in prop::collection::vec(0u8..3, 12..40),
		) {
			let mut known = Known::new(12);
			known.add(&text);
			let found = text.chunks_exact(6).any(|chunk| shard.windows(6).any(|window| window == chunk));
			prop_assert_eq!(known.overlaps(&shard), found);
		}
	}
}
