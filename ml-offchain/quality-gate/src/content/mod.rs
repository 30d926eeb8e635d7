//! A dataset as content: a document that names parts of plain text, how it is made, and how a sample of it is
//! audited. Rules: `docs/decisions/020-the-dataset-chain.md`.
//!
//! The **text** is the parts, one after another. It is UTF-8; each sample is followed by one blank line (`"\n\n"`),
//! and begins a part or follows on another's blank line. So parts are cut between samples, and a reader of a part
//! needs none of the others.

mod document;
mod pack;
mod windows;

pub use document::{
	DatasetDocument, DocumentError, DocumentFormat, LicenceText, Part, Source, LICENCE_TEXT_BYTES,
	MAX_DESCRIPTION_BYTES, MIN_PART_BYTES, PART_BYTES,
};
pub use pack::{pack, About, PackError, Packed};
pub use windows::{audit_offered, audit_windows, SampleAudit};

/// What a callback of the caller's says when it fails.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What parts two samples.
const BLANK: &str = "\n\n";

/// A sample as it stands in a text: no blank lines, no white space around it, lines that end in `\n`.
fn canonical(text: &str) -> String {
	let mut lines = String::with_capacity(text.len());
	for line in text.split('\n').map(|line| line.trim_end_matches('\r')) {
		if !line.bytes().all(|byte| byte.is_ascii_whitespace()) {
			lines.push_str(line);
			lines.push('\n');
		}
	}
	lines.trim_ascii().to_owned()
}

/// Why a part is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum Torn {
	#[error("it does not end with a blank line")]
	End,
	#[error("it begins with the end of a line")]
	Beginning,
	#[error("there are two blank lines in a row")]
	Gap,
}

/// What stands between the blank lines of a part, and the byte at which each piece begins.
fn pieces(part: &str) -> Result<impl Iterator<Item = (usize, &str)>, Torn> {
	let bytes = part.as_bytes();
	bytes.ends_with(BLANK.as_bytes()).then_some(()).ok_or(Torn::End)?;
	(!bytes.starts_with(b"\n")).then_some(()).ok_or(Torn::Beginning)?;
	memchr::memmem::find(bytes, b"\n\n\n").is_none().then_some(()).ok_or(Torn::Gap)?;
	let mut start = 0;
	Ok(memchr::memmem::find_iter(bytes, BLANK).map(move |end| {
		let piece = (start, part.get(start..end).unwrap_or_default());
		start = end + BLANK.len();
		piece
	}))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn sample_should_lose_blank_lines_and_the_space_around_it() {
		assert_eq!(canonical(" \n\r\n a\r\n\n \t\nb  \n\tc\r\r\n\n"), "a\nb  \n\tc");
		assert_eq!(canonical("\r\n \n"), "");
	}

	#[test]
	fn pieces_should_be_what_stands_between_blank_lines() {
		let of = |part| pieces(part).map(Iterator::collect::<Vec<_>>);
		assert_eq!(of("a\n\nb\nc\n\n"), Ok(vec![(0, "a"), (3, "b\nc")]));
		assert_eq!(of("é\n\n"), Ok(vec![(0, "é")]));
		assert_eq!(of("a\n\nb\n"), Err(Torn::End));
		assert_eq!(of(""), Err(Torn::End));
		assert_eq!(of("\n\n"), Err(Torn::Beginning));
		assert_eq!(of("a\n\n\nb\n\n"), Err(Torn::Gap));
		assert_eq!(of("a\n\n\n\n"), Err(Torn::Gap));
	}

	proptest! {
		#[test]
		fn samples_should_be_found_again_in_the_text_that_they_make(texts: Vec<String>, lines in "[a\r\n \t]{0,30}") {
			let samples: Vec<String> = texts
				.iter()
				.chain([&lines])
				.map(|text| canonical(text))
				.filter(|text| !text.is_empty())
				.collect();
			prop_assert!(samples.iter().all(|text| canonical(text) == *text));
			let part: String = samples.iter().map(|text| format!("{text}\n\n")).collect();
			prop_assume!(!part.is_empty());
			let found: Vec<&str> = pieces(&part).unwrap().map(|(_, piece)| piece).collect();
			prop_assert_eq!(found, samples);
		}
	}
}
