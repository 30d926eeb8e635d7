//! Numbers that states give their people. Each rule names its source of check digits in a word: `mod 11` and
//! so on; the layouts are those of the issuing offices.

use super::{
	cue_before,
	digits::{luhn, Number},
	is_word_byte, token_end, Found, Kind, NationalId,
};

fn digit(byte: u8) -> u32 {
	u32::from(byte.wrapping_sub(b'0'))
}

fn sum(digits: &[u8], weights: &[u32]) -> u32 {
	digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

fn is_date(month: u64, day: u64) -> bool {
	(1..=12).contains(&month) && (1..=31).contains(&day)
}

/// A number with letters in it that begins there.
pub fn with_letters(text: &str, start: usize) -> Option<Found> {
	let bytes = text.as_bytes();
	let end = token_end(bytes, start);
	let token = &bytes[start..end];
	let (kind, length) = if is_spanish(token) {
		(NationalId::Spain, token.len())
	} else if is_italian(token) {
		(NationalId::Italy, token.len())
	} else if is_chinese_with_letter(token) {
		(NationalId::China, token.len())
	} else if let Some(length) = finnish(&bytes[start..]) {
		(NationalId::Finland, length)
	} else {
		return british(text, start);
	};
	Some(Found { kind: Kind::NationalId(kind), bytes: start..start + length })
}

/// DNI: eight digits; NIE: x, y or z and seven; then a letter, mod 23.
fn is_spanish(token: &[u8]) -> bool {
	const LETTERS: &[u8; 23] = b"trwagmyfpdxbnjzsqvhlcke";
	let [first, middle @ .., letter] = token else { return false };
	if token.len() != 9 || !middle.iter().all(u8::is_ascii_digit) {
		return false;
	}
	let first = match first {
		b'x' => 0,
		b'y' => 1,
		b'z' => 2,
		b'0'..=b'9' => digit(*first),
		_ => return false,
	};
	let value = middle.iter().fold(first, |value, byte| value * 10 + digit(*byte));
	LETTERS[(value % 23) as usize] == *letter
}

/// Codice fiscale: six letters, year, month letter, day, place, and a check letter (decree of 23 December 1976).
fn is_italian(token: &[u8]) -> bool {
	const ODD: [u32; 26] =
		[1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
	if token.len() != 16 {
		return false;
	}
	let layout = b"aaaaaa99a99a999a";
	let fits = token.iter().zip(layout).all(|(byte, like)| match like {
		b'9' => byte.is_ascii_digit(),
		_ => byte.is_ascii_lowercase(),
	});
	if !fits || !b"abcdehlmprst".contains(&token[8]) {
		return false;
	}
	let total: u32 = token[..15]
		.iter()
		.enumerate()
		.map(|(at, byte)| {
			let value = if byte.is_ascii_digit() { digit(*byte) } else { u32::from(byte - b'a') };
			if at % 2 == 0 {
				ODD[value as usize]
			} else {
				value
			}
		})
		.sum();
	total % 26 == u32::from(token[15] - b'a')
}

/// GB 11643-1999, mod 11-2, with x for 10.
fn is_chinese_with_letter(token: &[u8]) -> bool {
	let [digits @ .., b'x'] = token else { return false };
	if token.len() != 18 || !digits.iter().all(u8::is_ascii_digit) {
		return false;
	}
	let digits: Vec<u8> = digits.iter().map(|byte| byte - b'0').collect();
	is_chinese(&digits, 10)
}

fn is_chinese(first_17: &[u8], check: u32) -> bool {
	const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
	let value = |from: usize, to: usize| first_17[from..to].iter().fold(0, |v, d| v * 10 + u64::from(*d));
	(1800..2100).contains(&value(6, 10))
		&& is_date(value(10, 12), value(12, 14))
		&& (12 - sum(first_17, &WEIGHTS) % 11) % 11 == check
}

/// HETU: ddmmyy, a sign for the century, three digits, mod 31.
fn finnish(bytes: &[u8]) -> Option<usize> {
	const CHECKS: &[u8; 31] = b"0123456789abcdefhjklmnprstuvwxy";
	let token = bytes.get(..11)?;
	if bytes.get(11).is_some_and(|next| is_word_byte(*next)) || !b"+-a".contains(&token[6]) {
		return None;
	}
	let (date, serial) = (&token[..6], &token[7..10]);
	if !date.iter().chain(serial).all(u8::is_ascii_digit) {
		return None;
	}
	let value = date.iter().chain(serial).fold(0, |value, byte| value * 10 + digit(*byte));
	let day = u64::from(value / 10_000_000);
	let month = u64::from(value / 100_000 % 100);
	(is_date(month, day) && CHECKS[(value % 31) as usize] == token[10]).then_some(11)
}

/// National Insurance number: two letters, six digits, a to d, in pairs or solid; it has no check digit.
fn british(text: &str, start: usize) -> Option<Found> {
	let bytes = text.as_bytes();
	// In pairs, the digits are not of the letters' token: look one token back.
	let start = match bytes[..start] {
		[.., a, b, b' ']
			if a.is_ascii_lowercase() && b.is_ascii_lowercase() && bytes[start].is_ascii_digit() =>
		{
			start - 3
		}
		_ => start,
	};
	if start > 0 && is_word_byte(bytes[start - 1]) {
		return None;
	}
	let spaced = bytes.get(start + 2) == Some(&b' ');
	let layout: &[u8] = if spaced { b"aa 99 99 99 a" } else { b"aa999999a" };
	let token = bytes.get(start..start + layout.len())?;
	let fits = token.iter().zip(layout).all(|(byte, like)| match like {
		b'9' => byte.is_ascii_digit(),
		b' ' => *byte == b' ',
		_ => byte.is_ascii_lowercase(),
	});
	let prefix = &token[..2];
	let given = !prefix.iter().any(|letter| b"dfiquv".contains(letter))
		&& prefix[1] != b'o'
		&& ![b"bg", b"gb", b"kn", b"nk", b"nt", b"tn", b"zz"].iter().any(|never| &never[..] == prefix);
	let end = start + layout.len();
	let ends = !bytes.get(end).is_some_and(|next| is_word_byte(*next));
	(fits && given && ends && b"abcd".contains(&token[layout.len() - 1]))
		.then_some(Found { kind: Kind::NationalId(NationalId::UnitedKingdom), bytes: start..end })
}

/// A number of digits alone. Where one number in ten or so would pass the check, a word must say what it is.
pub fn of_digits(number: &Number) -> Option<NationalId> {
	if number.plus || !number.stands_alone() {
		return None;
	}
	let cue = |cues: &[&str]| cue_before(number.text, number.bytes.start, cues);
	let (digits, groups) = (&number.digits[..], &number.groups[..]);
	let solid = groups.len() == 1;
	match digits.len() {
		9 if groups == [3, 2, 4] && number.separated_by("-") => {
			is_american(number).then_some(NationalId::UnitedStates)
		}
		9 => {
			if (solid || groups == [3, 3, 3]) && luhn(digits) && cue(&["sin", "social insurance", "nas"]) {
				return Some(NationalId::Canada);
			}
			let eleven =
				(sum(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 0]) + 10 * u32::from(digits[8])).is_multiple_of(11);
			(number.is_even() && eleven && cue(&["bsn", "burgerservicenummer", "sofinummer"]))
				.then_some(NationalId::Netherlands)
		}
		10 | 12 => {
			if digits.len() == 12
				&& ((groups == [4, 4, 4] && number.is_first && number.is_last)
					|| (solid && cue(&["aadhaar", "uidai", "आधार"])))
			{
				return (digits[0] >= 2 && number.is_even() && verhoeff(digits)).then_some(NationalId::India);
			}
			let date = digits.len() - 4;
			(groups == [date, 4]
				&& matches!(number.separators[..], ["-"])
				&& is_date(number.value(date - 4..date - 2), number.value(date - 2..date))
				&& luhn(&digits[digits.len() - 10..]))
			.then_some(NationalId::Sweden)
		}
		11 => eleven_digits(number, &cue),
		13 => {
			const WEIGHTS: [u32; 12] = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
			(groups == [6, 7]
				&& number.separated_by("-")
				&& is_date(number.value(2..4), number.value(4..6))
				&& (11 - sum(digits, &WEIGHTS) % 11) % 10 == u32::from(digits[12]))
			.then_some(NationalId::Korea)
		}
		15 => {
			let layout = solid || groups == [1, 2, 2, 2, 3, 3, 2] || groups == [13, 2];
			let month = number.value(3..5);
			(layout
				&& matches!(digits[0], 1 | 2)
				&& (month <= 12 || month >= 20)
				&& month > 0 && 97 - number.value(0..13) % 97 == number.value(13..15))
			.then_some(NationalId::France)
		}
		18 => (solid && is_chinese(&digits[..17], u32::from(digits[17]))).then_some(NationalId::China),
		_ => None,
	}
}

/// SSN: areas 000, 666 and 900 to 999 are not given, nor groups and serials of zeros.
fn is_american(number: &Number) -> bool {
	let area = number.value(0..3);
	area != 0 && area != 666 && area < 900 && number.value(3..5) != 0 && number.value(5..9) != 0
}

fn eleven_digits(number: &Number, cue: &dyn Fn(&[&str]) -> bool) -> Option<NationalId> {
	let (digits, groups) = (&number.digits[..], &number.groups[..]);
	let solid = groups.len() == 1;
	let last = u32::from(digits[10]);
	if digits.iter().all(|digit| *digit == digits[0]) {
		return None;
	}
	// CPF: two digits mod 11.
	let check = |length: usize| {
		let weights: Vec<u32> = (2..=length as u32 + 1).rev().collect();
		sum(&digits[..length], &weights) * 10 % 11 % 10 == u32::from(digits[length])
	};
	let written = groups == [3, 3, 3, 2] && number.separators == [".", ".", "-"];
	if (written || (solid && cue(&["cpf"]))) && check(9) && check(10) {
		return Some(NationalId::Brazil);
	}
	// Steuer-ID: ISO 7064 mod 11,10.
	if (solid || groups == [2, 3, 3, 3])
		&& cue(&["steuer", "idnr", "steuer-id", "steueridentifikationsnummer", "tin"])
	{
		let product = digits[..10].iter().fold(10, |product, digit| {
			let sum = (u32::from(*digit) + product) % 10;
			(if sum == 0 { 10 } else { sum }) * 2 % 11
		});
		if digits[0] != 0 && (11 - product) % 10 == last {
			return Some(NationalId::Germany);
		}
	}
	// PESEL: mod 10.
	if solid
		&& cue(&["pesel"])
		&& (10 - sum(&digits[..10], &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == last
	{
		return Some(NationalId::Poland);
	}
	// T.C. kimlik no: two digits mod 10.
	if solid && digits[0] != 0 && cue(&["kimlik", "tc", "tckn"]) {
		let odd: u32 = digits[..9].iter().step_by(2).map(|digit| u32::from(*digit)).sum();
		let even: u32 = digits[1..8].iter().step_by(2).map(|digit| u32::from(*digit)).sum();
		let first_ten: u32 = digits[..10].iter().map(|digit| u32::from(*digit)).sum();
		if (odd * 7 + 90 - even) % 10 == u32::from(digits[9]) && first_ten % 10 == last {
			return Some(NationalId::Turkiye);
		}
	}
	None
}

/// Verhoeff's check (1969), with the check digit last.
fn verhoeff(digits: &[u8]) -> bool {
	/// The product of the dihedral group of order ten.
	const fn product(a: u8, b: u8) -> u8 {
		match (a < 5, b < 5) {
			(true, true) => (a + b) % 5,
			(true, false) => (a + b - 5) % 5 + 5,
			(false, true) => (a - 5 + 5 - b) % 5 + 5,
			(false, false) => (a - 5 + 5 - (b - 5)) % 5,
		}
	}
	const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
	let check = digits.iter().rev().enumerate().fold(0, |check, (at, digit)| {
		let permuted = (0..at % 8).fold(*digit, |digit, _| PERMUTATION[usize::from(digit)]);
		product(check, permuted)
	});
	check == 0
}
