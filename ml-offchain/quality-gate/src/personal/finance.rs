//! Card and account numbers.

use super::{digits::luhn, digits::Number, is_word_byte};
use std::ops::Range;

/// Layouts in which cards are printed.
const CARD_LAYOUTS: &[&[usize]] = &[&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 5]];

/// A number that a card may have: issuer, length, layout, check digit.
pub fn is_card(number: &Number) -> bool {
	let length = number.digits.len();
	if !(13..=19).contains(&length) || number.plus {
		return false;
	}
	let layout = number.groups.len() == 1
		|| (CARD_LAYOUTS.contains(&&number.groups[..])
			&& (number.separated_by(" ") || number.separated_by("-")));
	let first = number.digits[0];
	layout
		&& number.stands_alone()
		&& issuer_has(number.value(0..4), length)
		&& number.digits.iter().any(|digit| *digit != first)
		&& luhn(&number.digits)
}

/// Whether an issuer gives numbers of that beginning and length.
fn issuer_has(first_four: u64, length: usize) -> bool {
	match first_four {
		// Visa
		4000..=4999 => matches!(length, 13 | 16 | 19),
		// Mastercard
		5100..=5599 | 2221..=2720 => length == 16,
		// American Express
		3400..=3499 | 3700..=3799 => length == 15,
		// Diners Club
		3000..=3059 | 3600..=3699 | 3800..=3999 => matches!(length, 14 | 16),
		// JCB
		3528..=3589 => (16..=19).contains(&length),
		// Discover, UnionPay
		6011 | 6440..=6599 | 6200..=6299 | 8100..=8171 => (16..=19).contains(&length),
		// Maestro
		5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (13..=19).contains(&length),
		_ => false,
	}
}

/// Countries and the lengths of their numbers, from the IBAN registry of SWIFT.
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
	(b"ad", 24),
	(b"ae", 23),
	(b"al", 28),
	(b"at", 20),
	(b"az", 28),
	(b"ba", 20),
	(b"be", 16),
	(b"bg", 22),
	(b"bh", 22),
	(b"br", 29),
	(b"by", 28),
	(b"ch", 21),
	(b"cr", 22),
	(b"cy", 28),
	(b"cz", 24),
	(b"de", 22),
	(b"dk", 18),
	(b"do", 28),
	(b"ee", 20),
	(b"eg", 29),
	(b"es", 24),
	(b"fi", 18),
	(b"fo", 18),
	(b"fr", 27),
	(b"gb", 22),
	(b"ge", 22),
	(b"gi", 23),
	(b"gl", 18),
	(b"gr", 27),
	(b"gt", 28),
	(b"hr", 21),
	(b"hu", 28),
	(b"ie", 22),
	(b"il", 23),
	(b"iq", 23),
	(b"is", 26),
	(b"it", 27),
	(b"jo", 30),
	(b"kw", 30),
	(b"kz", 20),
	(b"lb", 28),
	(b"lc", 32),
	(b"li", 21),
	(b"lt", 20),
	(b"lu", 20),
	(b"lv", 21),
	(b"ly", 25),
	(b"mc", 27),
	(b"md", 24),
	(b"me", 22),
	(b"mk", 19),
	(b"mr", 27),
	(b"mt", 31),
	(b"mu", 30),
	(b"nl", 18),
	(b"no", 15),
	(b"pk", 24),
	(b"pl", 28),
	(b"ps", 29),
	(b"pt", 25),
	(b"qa", 29),
	(b"ro", 24),
	(b"rs", 22),
	(b"sa", 24),
	(b"sc", 31),
	(b"sd", 18),
	(b"se", 24),
	(b"si", 19),
	(b"sk", 24),
	(b"sm", 27),
	(b"st", 25),
	(b"sv", 28),
	(b"tl", 23),
	(b"tn", 24),
	(b"tr", 26),
	(b"ua", 29),
	(b"va", 22),
	(b"vg", 24),
	(b"xk", 20),
];

/// An IBAN that begins there: solid, or in groups of four.
pub fn iban(text: &str, start: usize) -> Option<Range<usize>> {
	let bytes = text.as_bytes();
	let country: [u8; 2] = bytes.get(start..start + 2)?.try_into().ok()?;
	if !bytes.get(start + 2..start + 4)?.iter().all(u8::is_ascii_digit) {
		return None;
	}
	let (_, length) = IBAN_LENGTHS.iter().find(|(code, _)| **code == country)?;
	let mut number = Vec::with_capacity(*length);
	let mut at = start;
	while number.len() < *length {
		match bytes.get(at)? {
			byte if byte.is_ascii_alphanumeric() => number.push(*byte),
			b' ' | b'-' if number.len().is_multiple_of(4) && bytes.get(at + 1)?.is_ascii_alphanumeric() => {}
			_ => return None,
		}
		at += 1;
	}
	if bytes.get(at).is_some_and(|next| is_word_byte(*next)) {
		return None;
	}
	number.rotate_left(4);
	let remainder = number.iter().fold(0u32, |remainder, byte| match byte {
		b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
		_ => (remainder * 100 + u32::from(byte - b'a') + 10) % 97,
	});
	(remainder == 1).then_some(start..at)
}
