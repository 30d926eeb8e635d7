//! E-mail addresses and telephone numbers.

use super::{cue_before, digits::Number, Found, Kind};
use memchr::{memchr_iter, memmem};
use std::ops::Range;

/// Endings that file names have, and no domain.
const FILE_ENDINGS: &[&str] =
	&["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "html", "json"];

/// Finds e-mail addresses.
pub fn emails(text: &str, found: &mut Vec<Found>) {
	let mut push = |bytes: Option<Range<usize>>| {
		if let Some(bytes) = bytes {
			found.push(Found { kind: Kind::Email, bytes });
		}
	};
	for at in memchr_iter(b'@', text.as_bytes()) {
		push(email(text, at, at + 1));
	}
	for hidden in ["(at)", "[at]"] {
		for at in memmem::find_iter(text.as_bytes(), hidden.as_bytes()) {
			push(email(text, at, at + hidden.len()));
		}
	}
}

/// The address around an `@`, or around what stands for one.
fn email(text: &str, before: usize, after: usize) -> Option<Range<usize>> {
	let spelled = after - before > 1;
	let (mut left, mut right) = (&text[..before], &text[after..]);
	if spelled {
		left = left.trim_end_matches(' ');
		right = right.trim_start_matches(' ');
	}
	let right_start = text.len() - right.len();
	let is_local = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
	let local = left.trim_end_matches(is_local).len();
	let name = &left[local..];
	let name = name.trim_start_matches(['.', '\'', '-']);
	if name.is_empty() || name.ends_with('.') || name.len() > 64 || name == "git" {
		return None;
	}
	let (mut end, mut labels, mut last) = (right_start, 0, "");
	loop {
		let rest = &text[end..];
		let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(rest.len());
		let label = &rest[..length];
		if label.is_empty() || label.starts_with('-') || label.len() > 63 {
			break;
		}
		(last, labels) = (label, labels + 1);
		end += length;
		let dot = if text[end..].starts_with('.') {
			1
		} else if spelled {
			spelled_dot(&text[end..])
		} else {
			0
		};
		let follows = text[end + dot..].starts_with(char::is_alphanumeric);
		if dot == 0 || !follows || labels == 10 {
			break;
		}
		end += dot;
	}
	let is_domain = labels >= 2
		&& last.chars().count() >= 2
		&& last.chars().all(char::is_alphabetic)
		&& !FILE_ENDINGS.contains(&last);
	is_domain.then_some(left.len() - name.len()..end)
}

/// How long a `(dot)` or `[dot]` is that stands first, with spaces; zero if there is none.
fn spelled_dot(text: &str) -> usize {
	let rest = text.trim_start_matches(' ');
	if !rest.starts_with("(dot)") && !rest.starts_with("[dot]") {
		return 0;
	}
	text.len() - rest[5..].trim_start_matches(' ').len()
}

/// Words before a telephone number.
const PHONE_CUES: &[&str] = &[
	"tel",
	"phone",
	"telephone",
	"mobile",
	"cell",
	"fax",
	"whatsapp",
	"call",
	"text",
	"sms",
	"dial",
	"ring",
	"telefon",
	"telefonnummer",
	"handy",
	"mobil",
	"tél",
	"tel.",
	"téléphone",
	"portable",
	"teléfono",
	"móvil",
	"telefone",
	"celular",
	"telefono",
	"cellulare",
	"telefoon",
	"puhelin",
	"тел",
	"телефон",
	"电话",
	"電話",
	"手机",
	"携帯",
	"전화",
	"هاتف",
	"फोन",
];

/// A telephone number: with a plus, in a layout that is used for nothing else, or after a word that says so.
pub fn is_phone(number: &Number) -> bool {
	let length = number.digits.len();
	let groups = &number.groups[..];
	if !(7..=17).contains(&length) || groups.len() > 6 || number.separators.iter().any(|one| one.len() > 2) {
		return false;
	}
	if number.plus {
		return (9..=15).contains(&length) && is_calling_code(number, 0);
	}
	if !number.stands_alone() {
		return false;
	}
	let digit = |at: usize| number.digits.get(at).copied().unwrap_or(0);
	// 00 as the international prefix.
	if digit(0) == 0 && digit(1) == 0 {
		return number.is_first
			&& groups.len() > 1
			&& (11..=17).contains(&length)
			&& is_calling_code(number, 2);
	}
	// North America: area and exchange begin with 2 to 9.
	let area = match groups {
		[3, 3, 4] => Some(0),
		[1, 3, 3, 4] if digit(0) == 1 => Some(1),
		_ => None,
	};
	if let Some(area) = area {
		let begins = digit(area) >= 2 && digit(area + 3) >= 2;
		let dashed = number.separators.last().is_some_and(|last| matches!(*last, "-" | "."));
		if begins && dashed {
			return true;
		}
	}
	// A trunk prefix 0: 01 99 00 12 34, 020 7946 0958, 07700 900123, 03-1234-5678.
	let trunk = number.is_first && digit(0) == 0 && digit(1) != 0 && groups[0] >= 2;
	let spaced = number.is_even() && !number.separated_by(".");
	if trunk
		&& (groups == [2, 2, 2, 2, 2]
			|| (spaced && matches!(groups.len(), 2 | 3) && matches!(length, 10 | 11)))
	{
		return true;
	}
	length <= 15 && cue_before(number.text, number.bytes.start, PHONE_CUES)
}

/// Whether a country's calling code may stand there (ITU-T E.164: 28, 83 and 89 are not given).
fn is_calling_code(number: &Number, at: usize) -> bool {
	let two = number.digits.get(at..at + 2).map_or(0, |two| two[0] * 10 + two[1]);
	two >= 10 && !matches!(two, 28 | 83 | 89)
}
