//! A score for profanity, insult and threat, from a list of words. It is a weak judge: it sees words, not
//! meaning. The README says how weak, by measurement.

use crate::{
	hash::{hash_bytes, hash_sequence},
	text::{Folded, Words},
};
use std::{collections::HashMap, sync::OnceLock};

/// A score from which on a sample counts as toxic, in parts per million.
pub const TOXIC_FROM: u32 = 500_000;
const ONE: u64 = 1_000_000;
/// No word alone makes it certain.
const MOST: u64 = 950_000;
/// Words of the longest phrase.
const PHRASE_WORDS: usize = 4;
/// So many words before or after, `you` makes an insult of a word.
const REACH: usize = 3;

/// The list, ready for look-up.
pub struct Toxicity {
	/// Weight of a word or phrase, by the hash of its words.
	weights: HashMap<u64, u64>,
	/// Hashes of the words that a phrase of several begins with.
	starters: Vec<u64>,
	/// Words that are looked for behind asterisks.
	strong: Vec<&'static str>,
	/// Who is spoken to.
	you: Vec<u64>,
	/// A bit for each value of a hash's low bits: nearly every word ends here.
	hints: Box<[u64; 1_024]>,
}

impl Toxicity {
	/// The built-in list; it is read once.
	pub fn shared() -> &'static Self {
		static SHARED: OnceLock<Toxicity> = OnceLock::new();
		SHARED.get_or_init(|| Self::parse(include_str!("toxic-words.txt")))
	}

	fn parse(list: &'static str) -> Self {
		let mut this = Self {
			weights: HashMap::new(),
			starters: Vec::new(),
			strong: Vec::new(),
			you: [
				"you", "your", "youre", "yourself", "u", "ur", "du", "dich", "tu", "toi", "tú", "te", "vous",
				"sei", "eres", "você",
			]
			.map(|word| hash_bytes(word.as_bytes()))
			.to_vec(),
			hints: Box::new([0; 1_024]),
		};
		for line in list.lines().filter(|line| !line.starts_with('#')) {
			let Some((weight, rest)) = line.split_once(' ') else { continue };
			let weight = weight.parse::<u64>().unwrap_or(0) * ONE / 100;
			let is_phrases = rest.contains('/');
			let entries: Vec<&'static str> =
				if is_phrases { rest.split('/').collect() } else { rest.split(' ').collect() };
			for entry in entries {
				let folded = Folded::new(entry.trim());
				let words = Words::new(folded.text());
				let Some(first) = words.hashes.first() else { continue };
				this.hints[(*first >> 6) as usize % 1_024] |= 1 << (*first % 64);
				if words.len() > 1 {
					this.starters.push(*first);
				} else if weight >= ONE * 40 / 100 {
					this.strong.push(entry);
				}
				this.weights.insert(hash_sequence(&words.hashes), weight);
			}
		}
		this
	}

	/// The score of a folded text with these words, in parts per million: `1 - product of (1 - weight)` over
	/// what was found.
	pub fn score(&self, text: &str, words: &Words) -> u32 {
		let mut innocent = ONE;
		for (at, word) in words.hashes.iter().enumerate() {
			if self.hints[(*word >> 6) as usize % 1_024] & (1 << (*word % 64)) == 0 {
				continue;
			}
			let longest = if self.starters.contains(word) { PHRASE_WORDS } else { 1 };
			let weight = (1..=longest)
				.filter_map(|length| self.weights.get(&hash_sequence(words.hashes.get(at..at + length)?)))
				.max();
			if let Some(weight) = weight {
				innocent = innocent * (ONE - self.directed(*weight, at, words)) / ONE;
			}
		}
		for weight in self.disguised(text) {
			innocent = innocent * (ONE - weight) / ONE;
		}
		(ONE - innocent) as u32
	}

	/// Twice the weight if somebody is spoken to nearby.
	fn directed(&self, weight: u64, at: usize, words: &Words) -> u64 {
		let near = &words.hashes[at.saturating_sub(REACH)..(at + REACH).min(words.len())];
		let factor = if near.iter().any(|word| self.you.contains(word)) { 2 } else { 1 };
		(weight * factor).min(MOST)
	}

	/// Weights of strong words that are written with asterisks, or with signs and digits for letters.
	fn disguised<'a>(&'a self, text: &'a str) -> impl Iterator<Item = u64> + 'a {
		let any = memchr::memchr3(b'*', b'$', b'@', text.as_bytes()).is_some()
			|| memchr::memchr3(b'1', b'3', b'0', text.as_bytes()).is_some();
		let chunks = if any { text } else { "" };
		chunks.split(' ').filter_map(|chunk| self.undisguise(chunk))
	}

	fn undisguise(&self, chunk: &str) -> Option<u64> {
		let chunk = chunk.trim_matches(|c: char| !c.is_alphanumeric() && !"*$@".contains(c));
		let letters = chunk.bytes().filter(u8::is_ascii_lowercase).count();
		let signs = chunk.bytes().filter(|byte| b"*$@013".contains(byte)).count();
		if signs == 0 || letters < 2 || letters + signs != chunk.len() || chunk.len() > 16 {
			return None;
		}
		let reads = |word: &str| {
			word.len() == chunk.len()
				&& word.bytes().zip(chunk.bytes()).all(|(letter, shown)| match shown {
					b'*' => true,
					b'$' => letter == b's',
					b'@' => letter == b'a',
					b'0' => letter == b'o',
					b'1' => matches!(letter, b'i' | b'l'),
					b'3' => letter == b'e',
					_ => letter == shown,
				})
		};
		let word = self.strong.iter().find(|word| reads(word))?;
		self.weights.get(&hash_sequence(&[hash_bytes(word.as_bytes())])).copied()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn score(text: &str) -> u32 {
		let folded = Folded::new(text);
		Toxicity::shared().score(folded.text(), &Words::new(folded.text()))
	}

	#[test]
	fn score_should_rise_with_what_is_found_and_with_whom_it_meets() {
		assert_eq!(score("A fine day, and nothing to complain of."), 0);
		assert_eq!(score("That idiot"), 320_000);
		assert_eq!(score("You idiot"), 640_000);
		assert_eq!(score("idiots and morons"), 537_600);
		assert_eq!(score("What the hell, it is bloody cold"), 225_600);
		assert_eq!(score("go kill yourself"), 950_000);
	}

	#[test]
	fn words_should_be_found_whole_and_behind_signs() {
		assert_eq!(score("Scunthorpe, Essex, a cocktail and a class of assassins"), 0);
		assert_eq!(score("f*ck this"), 400_000);
		assert_eq!(score("what a b1tch, sh1t"), 640_000);
		assert_eq!(score("2 * 3 * 4 = 24 @ 10:30"), 0);
		assert_eq!(score("SCHEIẞE"), 400_000);
	}
}
