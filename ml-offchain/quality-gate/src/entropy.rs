//! Samples with little to learn from.

/// Binary logarithm in units of 2^-16, rounded down; that of 0 is 0.
pub(crate) fn log2(number: u32) -> u32 {
	const ONE: u64 = 1 << 32;
	if number < 2 {
		return 0;
	}
	let whole = number.ilog2();
	// 1 <= x < 2 in units of 2^-32; a squaring gives a bit (Knuth, TAOCP 1, 1.2.2, exercise 25).
	let mut x = (u64::from(number) << 32) >> whole;
	let mut bits = 0;
	for _ in 0..16 {
		x = ((u128::from(x) * u128::from(x)) >> 32) as u64;
		bits <<= 1;
		if x >= 2 * ONE {
			x >>= 1;
			bits |= 1;
		}
	}
	(whole << 16) | bits
}

/// Longest sample in bytes: 2,048 characters of four.
const LONGEST_BYTES: usize = 4 * crate::MAX_CHARACTERS;

/// Measures of how even the bytes of a text are.
#[derive(Clone, Debug)]
pub struct Entropy {
	logarithms: Vec<u32>,
}

impl Default for Entropy {
	fn default() -> Self {
		Self { logarithms: (0..=LONGEST_BYTES as u32).map(log2).collect() }
	}
}

impl Entropy {
	/// Shannon entropy of the bytes, in thousandths of a bit a byte. Zero for nothing, and of more than
	/// 8,192 bytes the first are looked at.
	pub fn millibits(&self, bytes: &[u8]) -> u32 {
		let bytes = &bytes[..bytes.len().min(LONGEST_BYTES)];
		if bytes.is_empty() {
			return 0;
		}
		let mut counts = [0u32; 256];
		bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
		let of = |count: u32| u64::from(count) * u64::from(self.logarithms[count as usize]);
		let whole = of(bytes.len() as u32);
		let parts: u64 = counts.into_iter().map(of).sum();
		((whole.saturating_sub(parts) * 1_000 / bytes.len() as u64) >> 16) as u32
	}
}

/// Below it, in thousandths of a bit a byte, a text repeats a few characters. English has some 4,200.
const REPETITIVE_BELOW: u32 = 2_500;
/// Above it, a text in ASCII is no language: Base64 has some 5,900, source code 5,200 at most.
const RANDOM_ABOVE: u32 = 5_600;
/// Hexadecimal digits: 4,000 at most, so that the absence of words tells.
const WORDLESS_BYTES_PER_WORD: usize = 24;

/// Whether a sample says little: few different characters, few different sequences of words, or no words.
pub fn is_low_information(text: &str, entropy_millibits: u32, words: usize, triples: &[u64]) -> bool {
	let bytes = text.len();
	if entropy_millibits < REPETITIVE_BELOW {
		return true;
	}
	if words == 0 || bytes / words > WORDLESS_BYTES_PER_WORD {
		return true;
	}
	if entropy_millibits > RANDOM_ABOVE && text.is_ascii() {
		return true;
	}
	if triples.len() < 8 {
		return false;
	}
	let mut distinct = triples.to_vec();
	distinct.sort_unstable();
	distinct.dedup();
	distinct.len() * 2 < triples.len()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn logarithms_should_be_those_of_mathematics() {
		for number in [1u32, 2, 3, 5, 100, 1_000, 8_192] {
			let exact = f64::from(number).log2() * 65_536.0;
			assert!((f64::from(log2(number)) - exact).abs() < 2.0, "{number}");
		}
	}

	#[test]
	fn entropy_should_be_that_of_known_distributions() {
		let entropy = Entropy::default();
		assert_eq!(entropy.millibits(b""), 0);
		assert_eq!(entropy.millibits(&[7; 500]), 0);
		assert_eq!(entropy.millibits(&b"ab".repeat(100)), 1_000);
		let every: Vec<u8> = (0..=255).collect();
		assert_eq!(entropy.millibits(&every.repeat(4)), 8_000);
		assert_eq!(entropy.millibits(&every.repeat(100)), 8_000);
	}
}
