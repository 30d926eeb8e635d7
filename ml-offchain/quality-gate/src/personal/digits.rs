//! Runs of digits in groups, as numbers are written.

use std::ops::Range;

/// Groups of a run that are looked at; the next begin a new run.
const MOST_GROUPS: usize = 12;

/// Groups of digits with at most three characters of punctuation between two.
pub struct DigitRun<'a> {
	text: &'a str,
	/// Where each group stands.
	groups: Vec<Range<usize>>,
}

/// Some groups of a run, as one number.
pub struct Number<'a> {
	/// The whole text.
	pub text: &'a str,
	/// The digits' values.
	pub digits: Vec<u8>,
	/// How many digits each group has.
	pub groups: Vec<usize>,
	/// What stands between two groups.
	pub separators: Vec<&'a str>,
	/// Where the number stands, with what belongs before it: `+`, `(`.
	pub bytes: Range<usize>,
	/// It begins with a plus.
	pub plus: bool,
	/// No other group stands before it.
	pub is_first: bool,
	/// Nor after it.
	pub is_last: bool,
}

impl<'a> DigitRun<'a> {
	/// Reads on from a digit.
	pub fn read(text: &'a str, digit: usize) -> Self {
		let bytes = text.as_bytes();
		let mut groups = Vec::new();
		let mut start = digit;
		while groups.len() < MOST_GROUPS {
			let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
			let end = start + length;
			groups.push(start..end);
			let between = bytes[end..].iter().take(4).take_while(|byte| b" -./()".contains(byte)).count();
			let next = end + between;
			if between == 0 || between > 3 || !bytes.get(next).is_some_and(u8::is_ascii_digit) {
				break;
			}
			start = next;
		}
		Self { text, groups }
	}

	/// How many groups.
	pub fn groups(&self) -> usize {
		self.groups.len()
	}

	/// Where the last group ends.
	pub fn end(&self) -> usize {
		self.groups.last().map_or(0, |group| group.end)
	}

	/// The groups from one to another, both included, as one number.
	pub fn number(&self, first: usize, last: usize) -> Number<'a> {
		let groups = &self.groups[first..=last];
		let (from, to) = (groups[0].start, groups[groups.len() - 1].end);
		let bytes = self.text.as_bytes();
		let mut start = from;
		if bytes[..start].ends_with(b"(") {
			start -= 1;
		}
		let plus = bytes[..start].ends_with(b"+")
			&& !bytes[..start - 1]
				.last()
				.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+)".contains(byte));
		if plus {
			start -= 1;
		}
		Number {
			text: self.text,
			digits: groups.iter().flat_map(|group| &bytes[group.clone()]).map(|byte| byte - b'0').collect(),
			groups: groups.iter().map(ExactSizeIterator::len).collect(),
			separators: groups.windows(2).map(|two| &self.text[two[0].end..two[1].start]).collect(),
			bytes: start..to,
			plus,
			is_first: first == 0,
			is_last: last + 1 == self.groups.len(),
		}
	}
}

impl Number<'_> {
	/// Whether all separators are that one.
	pub fn separated_by(&self, separator: &str) -> bool {
		!self.separators.is_empty() && self.separators.iter().all(|one| *one == separator)
	}

	/// Whether it is one group, or several with the same single character between them.
	pub fn is_even(&self) -> bool {
		self.separators.first().is_none_or(|first| first.len() == 1 && self.separated_by(first))
	}

	/// The number that some digits form.
	pub fn value(&self, digits: Range<usize>) -> u64 {
		self.digits[digits].iter().fold(0, |value, digit| value * 10 + u64::from(*digit))
	}

	/// Whether it stands alone: not a part of a word, a decimal fraction, a path or an identifier.
	pub fn stands_alone(&self) -> bool {
		let before = &self.text.as_bytes()[..self.bytes.start];
		let after = &self.text.as_bytes()[self.bytes.end..];
		let joins =
			|byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_".contains(byte));
		let continues = |near: Option<&u8>, far: Option<&u8>| {
			near.is_some_and(|byte| b".,:-/#$".contains(byte)) && far.is_some_and(u8::is_ascii_alphanumeric)
		};
		let before_last = before.len().checked_sub(2).and_then(|at| before.get(at));
		!joins(before.last())
			&& !joins(after.first())
			&& !continues(before.last(), before_last)
			&& !continues(after.first(), after.get(1))
			&& !before.last().is_some_and(|byte| b"$#/".contains(byte))
	}
}

/// Luhn's check (ISO/IEC 7812-1, annex B) over digits with the check digit last.
pub fn luhn(digits: &[u8]) -> bool {
	let sum: u32 = digits
		.iter()
		.rev()
		.enumerate()
		.map(|(at, digit)| {
			let digit = u32::from(*digit);
			match (at % 2, digit) {
				(0, digit) => digit,
				(_, digit) if digit > 4 => digit * 2 - 9,
				(_, digit) => digit * 2,
			}
		})
		.sum();
	sum.is_multiple_of(10)
}
