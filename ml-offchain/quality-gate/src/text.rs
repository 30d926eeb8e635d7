//! A sample as the rules see it: folded, and cut into words.

use crate::hash::hash_bytes;
use std::ops::Range;
use unicode_normalization::{
	char::{compose, is_combining_mark},
	is_nfkc_quick, IsNormalized, UnicodeNormalization,
};

/// A text without what hides that two are the same: in lower case, compatibility forms as plain ones (NFKC),
/// decimal digits of other scripts as ASCII, without characters that show nothing.
///
/// Letters of other scripts that look alike are left as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Folded {
	text: String,
	/// For each byte of the text, which character of the original it is from; empty if it is the same number.
	origins: Vec<u32>,
}

impl Folded {
	/// Folds a text of at most 2^32 characters.
	pub fn new(original: &str) -> Self {
		if original.is_ascii() {
			return Self { text: original.to_ascii_lowercase(), origins: Vec::new() };
		}
		let mut folded =
			Self { text: String::with_capacity(original.len()), origins: Vec::with_capacity(original.len()) };
		for (at, character) in (0u32..).zip(original.chars()) {
			if character.is_ascii() {
				folded.push(character.to_ascii_lowercase(), at);
			} else if is_invisible(character) || is_combining_mark(character) && folded.compose(character) {
				// Nothing of its own is left of it.
			} else if is_nfkc_quick(std::iter::once(character)) == IsNormalized::Yes {
				character.to_lowercase().for_each(|lower| folded.push(lower, at));
			} else {
				for plain in std::iter::once(character).nfkc().flat_map(char::to_lowercase) {
					folded.push(plain, at);
				}
			}
		}
		folded
	}

	fn push(&mut self, character: char, origin: u32) {
		let before = self.text.len();
		self.text.push(ascii_digit(character).unwrap_or(character));
		self.origins.resize(self.origins.len() + self.text.len() - before, origin);
	}

	/// Joins a combining mark with the last character, if Unicode has the two as one.
	fn compose(&mut self, mark: char) -> bool {
		let Some(last) = self.text.pop() else { return false };
		let joined = compose(last, mark);
		let origin = self.origins.get(self.text.len()).copied().unwrap_or(0);
		self.origins.truncate(self.text.len());
		self.push(joined.unwrap_or(last), origin);
		joined.is_some()
	}

	/// The folded text.
	pub fn text(&self) -> &str {
		&self.text
	}

	/// The characters of the original that a range of bytes of the folded text comes from.
	pub fn original_characters(&self, bytes: Range<usize>) -> Range<u32> {
		if bytes.is_empty() {
			return 0..0;
		}
		let of = |byte: usize| self.origins.get(byte).copied().unwrap_or(byte as u32);
		of(bytes.start)..of(bytes.end - 1) + 1
	}
}

/// Characters that show nothing by themselves: zero-width ones, soft hyphens, marks of direction, variation
/// selectors.
fn is_invisible(character: char) -> bool {
	matches!(character,
		'\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
		| '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Arabic, Persian, Devanagari and Bengali digits as ASCII.
fn ascii_digit(character: char) -> Option<char> {
	const ZEROS: [char; 4] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}'];
	let code = u32::from(character);
	if code < 0x660 {
		return None;
	}
	let zero = ZEROS.into_iter().map(u32::from).find(|zero| (*zero..*zero + 10).contains(&code))?;
	char::from_digit(code - zero, 10)
}

/// Scripts that are written without spaces: each character counts as a word.
fn is_word_alone(character: char) -> bool {
	matches!(character,
		'\u{0e00}'..='\u{0eff}' // Thai, Lao
		| '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' // Burmese, Khmer
		| '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Kana
		| '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
		| '\u{20000}'..='\u{3ffff}') // Han
}

/// The words of a text, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words {
	/// Hash of each.
	pub hashes: Vec<u64>,
	/// Where each stands in the folded text, in bytes.
	pub ranges: Vec<Range<u32>>,
}

impl Words {
	/// Cuts a folded text: a word is a run of letters, digits and marks; where a script has no spaces, a
	/// character.
	pub fn new(folded: &str) -> Self {
		let mut words = Self::default();
		words.hashes.reserve(folded.len() / 5);
		words.ranges.reserve(folded.len() / 5);
		let bytes = folded.as_bytes();
		let mut push = |start: usize, end: usize| {
			if start < end {
				words.hashes.push(hash_bytes(&bytes[start..end]));
				words.ranges.push(start as u32..end as u32);
			}
		};
		let (mut start, mut at) = (0, 0);
		while let Some(&byte) = bytes.get(at) {
			if byte.is_ascii() {
				if !byte.is_ascii_alphanumeric() {
					push(start, at);
					start = at + 1;
				}
				at += 1;
				continue;
			}
			// The reader took UTF-8, and `at` is where a character begins.
			let Some(character) = folded.get(at..).and_then(|rest| rest.chars().next()) else { break };
			let next = at + character.len_utf8();
			if is_word_alone(character) {
				push(start, at);
				push(at, next);
				start = next;
			} else if !character.is_alphanumeric() && !is_combining_mark(character) {
				push(start, at);
				start = next;
			}
			at = next;
		}
		push(start, bytes.len());
		words
	}

	/// How many.
	pub fn len(&self) -> usize {
		self.hashes.len()
	}

	/// Whether there is none.
	pub fn is_empty(&self) -> bool {
		self.hashes.is_empty()
	}

	/// The bytes of the folded text from one word to another, both included.
	pub fn bytes(&self, first: usize, last: usize) -> Option<Range<usize>> {
		Some(self.ranges.get(first)?.start as usize..self.ranges.get(last)?.end as usize)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn words(text: &str) -> Vec<String> {
		let folded = Folded::new(text);
		let found = Words::new(folded.text());
		(0..found.len()).map(|at| folded.text()[found.bytes(at, at).unwrap()].to_owned()).collect()
	}

	#[test]
	fn fold_should_make_one_of_what_reads_the_same() {
		for (written, plain) in [
			("The CAT", "the cat"),
			("ｆｕｌｌ ｗｉｄｔｈ ４１１１", "full width 4111"),
			("zero\u{200b}width\u{ad}", "zerowidth"),
			("ﬁnal", "final"),
			("cafe\u{301}", "café"),
			("٠١٢ ०१२", "012 012"),
		] {
			assert_eq!(Folded::new(written).text(), plain);
		}
	}

	#[test]
	fn words_should_be_runs_of_letters_or_single_han_characters() {
		assert_eq!(words("It's 5.5 -- done"), ["it", "s", "5", "5", "done"]);
		assert_eq!(words("我们abc はい"), ["我", "们", "abc", "は", "い"]);
		assert_eq!(words("हिन्दी में"), ["हिन्दी", "में"]);
		assert!(words(" ,;").is_empty());
	}

	#[test]
	fn characters_should_be_those_of_the_original() {
		let original = "é\u{200b}ﬁx 12";
		let folded = Folded::new(original);
		let at = folded.text().find("fix").unwrap();
		assert_eq!(folded.original_characters(at..at + 3), 2..4);
		let at = folded.text().find("12").unwrap();
		assert_eq!(folded.original_characters(at..at + 2), 5..7);
		assert_eq!(folded.original_characters(3..3), 0..0);
	}

	proptest! {
		#[test]
		fn folding_should_take_any_text(text: String) {
			let folded = Folded::new(&text);
			prop_assert!(folded.origins.is_empty() || folded.origins.len() == folded.text.len());
			let words = Words::new(folded.text());
			let characters = text.chars().count() as u32;
			for at in 0..words.len() {
				let bytes = words.bytes(at, at).unwrap();
				prop_assert!(folded.text().get(bytes.clone()).is_some_and(|word| !word.is_empty()));
				let range = folded.original_characters(bytes);
				prop_assert!(range.start < range.end && range.end <= characters);
			}
		}
	}
}
