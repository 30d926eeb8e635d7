//! Personal data that can be told by its form: addresses, and numbers with check digits or a known layout.
//!
//! Works on folded text ([`crate::text::Folded`]). What is found is named by kind and place, never by value.

mod contact;
mod digits;
mod finance;
mod national;

use digits::DigitRun;
use serde::Serialize;
use std::ops::Range;

/// What kind of personal data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
	/// An e-mail address.
	Email,
	/// A telephone number.
	Phone,
	/// A payment card number: issuer's prefix, layout and Luhn's check digit.
	Card,
	/// An account number: country, its length, and ISO 7064 mod 97-10.
	Iban,
	/// A number that a state gives its people.
	NationalId(NationalId),
}

impl Kind {
	/// The kind in a word.
	pub fn name(self) -> &'static str {
		match self {
			Self::Email => "email",
			Self::Phone => "phone",
			Self::Card => "card",
			Self::Iban => "iban",
			Self::NationalId(_) => "national_id",
		}
	}
}

/// The national numbers that are known; all but those of the United States and the United Kingdom have check
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NationalId {
	/// Brazil, CPF.
	Brazil,
	/// Canada, SIN.
	Canada,
	/// China, resident identity number.
	China,
	/// Finland, HETU.
	Finland,
	/// France, NIR.
	France,
	/// Germany, Steuer-Identifikationsnummer.
	Germany,
	/// India, Aadhaar.
	India,
	/// Italy, codice fiscale.
	Italy,
	/// Korea (Republic of), RRN.
	Korea,
	/// The Netherlands, BSN.
	Netherlands,
	/// Poland, PESEL.
	Poland,
	/// Spain, DNI and NIE.
	Spain,
	/// Sweden, personnummer.
	Sweden,
	/// Türkiye, T.C. kimlik no.
	Turkiye,
	/// United Kingdom, National Insurance number.
	UnitedKingdom,
	/// United States, SSN.
	UnitedStates,
}

/// Personal data in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
	/// What it is.
	pub kind: Kind,
	/// Where it stands, in bytes of the folded text.
	pub bytes: Range<usize>,
}

/// All personal data in a folded text, in order of place.
pub fn scan(text: &str) -> Vec<Found> {
	let mut found = Vec::new();
	contact::emails(text, &mut found);
	let bytes = text.as_bytes();
	let mut at = 0;
	while let Some(next) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
		let digit = at + next;
		let start = token_start(bytes, digit);
		let token = finance::iban(text, start)
			.map(|bytes| Found { kind: Kind::Iban, bytes })
			.or_else(|| national::with_letters(text, start));
		if let Some(one) = token {
			at = one.bytes.end.max(digit + 1);
			found.push(one);
			continue;
		}
		if start < digit {
			// Digits within a word are no number of their own.
			at = token_end(bytes, digit);
			continue;
		}
		let run = DigitRun::read(text, digit);
		at = run.end().max(digit + 1);
		numbers(&run, &mut found);
	}
	found.sort_by_key(|one| one.bytes.start);
	found
}

/// What numbers the groups of a run form, from left to right, the longest first.
fn numbers(run: &DigitRun, found: &mut Vec<Found>) {
	let mut first = 0;
	'next: while first < run.groups() {
		for last in (first..run.groups()).rev() {
			let number = run.number(first, last);
			if number.digits.len() < 7 {
				break;
			}
			let kind = national::of_digits(&number)
				.map(Kind::NationalId)
				.or_else(|| finance::is_card(&number).then_some(Kind::Card))
				.or_else(|| contact::is_phone(&number).then_some(Kind::Phone));
			if let Some(kind) = kind {
				found.push(Found { kind, bytes: number.bytes });
				first = last + 1;
				continue 'next;
			}
		}
		first += 1;
	}
}

/// Where the run of letters and digits that a byte belongs to begins.
fn token_start(bytes: &[u8], at: usize) -> usize {
	bytes[..at].iter().rposition(|byte| !is_word_byte(*byte)).map_or(0, |before| before + 1)
}

/// Where it ends.
fn token_end(bytes: &[u8], at: usize) -> usize {
	bytes[at..].iter().position(|byte| !is_word_byte(*byte)).map_or(bytes.len(), |length| at + length)
}

/// Letters and digits of ASCII. Where a script has no spaces a number follows letters at once.
fn is_word_byte(byte: u8) -> bool {
	byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether one of the words stands shortly before a place, as a word of its own.
fn cue_before(text: &str, at: usize, cues: &[&str]) -> bool {
	const REACH_BYTES: usize = 28;
	let mut start = at.saturating_sub(REACH_BYTES);
	while !text.is_char_boundary(start) {
		start -= 1;
	}
	let before = &text[start..at];
	cues.iter().any(|cue| {
		before.match_indices(cue).any(|(place, _)| {
			// Within scripts without spaces there is no border to ask for.
			!cue.is_ascii()
				|| (!before[..place].ends_with(|c: char| c.is_alphanumeric())
					&& !before[place + cue.len()..].starts_with(|c: char| c.is_alphanumeric()))
		})
	})
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::text::Folded;
	use proptest::prelude::*;

	/// Kinds in order; what is found must be where it is expected to begin.
	fn kinds(text: &str) -> Vec<Kind> {
		scan(Folded::new(text).text()).into_iter().map(|found| found.kind).collect()
	}

	#[test]
	fn scan_should_find_each_kind() {
		use Kind::*;
		for (text, kind) in [
			("write to jane.roe@example.com today", Email),
			("jane (at) example (dot) org", Email),
			("call (212) 555-0142 now", Phone),
			("+44 20 7946 0958", Phone),
			("tél. 01 99 00 12 34", Phone),
			("4111 1111 1111 1111", Card),
			("378282246310005", Card),
			("４１１１ １１１１ １１１１ １１１１", Card),
			("DE89 3704 0044 0532 0130 00", Iban),
			("GB82WEST12345698765432", Iban),
			("219-09-9999", NationalId(super::NationalId::UnitedStates)),
			("529.982.247-25", NationalId(super::NationalId::Brazil)),
			("12345678Z", NationalId(super::NationalId::Spain)),
			("X1234567L", NationalId(super::NationalId::Spain)),
			("RSSMRA85T10A562S", NationalId(super::NationalId::Italy)),
			("2 55 08 14 168 025 38", NationalId(super::NationalId::France)),
			("Steuer-ID 86 095 742 719", NationalId(super::NationalId::Germany)),
			("BSN: 111222333", NationalId(super::NationalId::Netherlands)),
			("PESEL 44051401359", NationalId(super::NationalId::Poland)),
			("811228-9874", NationalId(super::NationalId::Sweden)),
			("131052-308T", NationalId(super::NationalId::Finland)),
			("11010519491231002X", NationalId(super::NationalId::China)),
			("2341 2341 2346", NationalId(super::NationalId::India)),
			("SIN 046-454-286", NationalId(super::NationalId::Canada)),
			("QQ 12 34 56 C is not, AB 12 34 56 C is", NationalId(super::NationalId::UnitedKingdom)),
			("TC kimlik no 10000000146", NationalId(super::NationalId::Turkiye)),
		] {
			assert_eq!(kinds(text), [kind], "{text}");
		}
	}

	#[test]
	fn scan_should_refuse_a_wrong_check_digit() {
		for text in [
			"4111 1111 1111 1112",
			"DE88 3704 0044 0532 0130 00",
			"529.982.247-24",
			"12345678A",
			"RSSMRA85T10A562T",
			"2 55 08 14 168 025 39",
			"BSN: 111222334",
			"PESEL 44051401358",
			"131052-308U",
			"110105194912310021",
			"2341 2341 2347",
			"SIN 046-454-287",
			"TC kimlik no 10000000147",
			"Steuer-ID 86 095 742 718",
		] {
			assert_eq!(kinds(text), [], "{text}");
		}
	}

	#[test]
	fn scan_should_say_where_each_is() {
		let text = Folded::new("Ask jane@example.com or 4111-1111-1111-1111, or +1 212 555 0142.");
		let found: Vec<&str> = scan(text.text()).into_iter().map(|one| &text.text()[one.bytes]).collect();
		assert_eq!(found, ["jane@example.com", "4111-1111-1111-1111", "+1 212 555 0142"]);
	}

	proptest! {
		#[test]
		fn scan_should_take_any_text(text in "([0-9]{1,9}[-. /()+@a-zé]{0,3}){0,12}", other: String) {
			for text in [text, other] {
				let folded = Folded::new(&text);
				for one in scan(folded.text()) {
					prop_assert!(folded.text().get(one.bytes).is_some_and(|found| !found.is_empty()));
				}
			}
		}
	}
}
