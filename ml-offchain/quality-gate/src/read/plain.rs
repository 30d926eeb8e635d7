//! Plain text: paragraphs.

use super::{Malformation, RawRecord, Sink, StreamError};
use crate::MAX_CHARACTERS;
use std::io::BufRead;

/// So much of a line is read at once: what fits a sample, whatever its characters.
const PIECE_BYTES: usize = 4 * MAX_CHARACTERS;

/// Reads paragraphs; one of more than 2,048 characters is cut between words where it can be.
pub(crate) fn read(stream: &mut impl BufRead, sink: &mut Sink) -> Result<(), StreamError> {
	let mut paragraph = Vec::new();
	let mut piece = Vec::new();
	loop {
		let (any, ended) = next_piece(stream, &mut piece)?;
		let blank = ended && piece.iter().all(u8::is_ascii_whitespace);
		if !blank {
			paragraph.extend_from_slice(&piece);
			if ended {
				paragraph.push(b'\n');
			}
		}
		while paragraph.len() > MAX_CHARACTERS {
			match cut(&paragraph) {
				Cut::Nowhere => break,
				Cut::Broken => {
					paragraph.clear();
					sink(RawRecord::Malformed(Malformation::NotUtf8))?;
				}
				Cut::At(end) => {
					let rest = paragraph.split_off(end);
					emit(std::mem::replace(&mut paragraph, rest), sink)?;
				}
			}
		}
		if blank || !any {
			emit(std::mem::take(&mut paragraph), sink)?;
		}
		if !any {
			return Ok(());
		}
	}
}

/// A line, or the next part of a long one; whether there was any, and whether the line ended.
fn next_piece(stream: &mut impl BufRead, piece: &mut Vec<u8>) -> Result<(bool, bool), StreamError> {
	piece.clear();
	let mut any = false;
	while piece.len() < PIECE_BYTES {
		let available = stream.fill_buf()?;
		if available.is_empty() {
			break;
		}
		any = true;
		let room = &available[..available.len().min(PIECE_BYTES - piece.len())];
		let end = memchr::memchr(b'\n', room);
		let part = &room[..end.unwrap_or(room.len())];
		piece.extend_from_slice(part);
		let read = part.len() + usize::from(end.is_some());
		stream.consume(read);
		if end.is_some() {
			if piece.last() == Some(&b'\r') {
				piece.pop();
			}
			return Ok((true, true));
		}
	}
	Ok((any, false))
}

enum Cut {
	Nowhere,
	Broken,
	At(usize),
}

/// Where a paragraph is to be cut, if it has more than 2,048 characters.
fn cut(paragraph: &[u8]) -> Cut {
	let text = match std::str::from_utf8(paragraph) {
		Ok(text) => text,
		// A character may still be under way at the end.
		Err(error) if error.error_len().is_none() => {
			std::str::from_utf8(&paragraph[..error.valid_up_to()]).unwrap_or_default()
		}
		Err(_) => return Cut::Broken,
	};
	let Some((end, _)) = text.char_indices().nth(MAX_CHARACTERS) else { return Cut::Nowhere };
	Cut::At(text[..end].rfind(char::is_whitespace).filter(|at| *at > end / 2).unwrap_or(end))
}

fn emit(paragraph: Vec<u8>, sink: &mut Sink) -> Result<(), StreamError> {
	let trimmed = paragraph.trim_ascii();
	if !trimmed.is_empty() {
		sink(RawRecord::Text(trimmed.to_vec(), None))?;
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	fn paragraphs(text: &[u8]) -> Vec<RawRecord> {
		let mut found = Vec::new();
		read(&mut &text[..], &mut |record| {
			found.push(record);
			Ok(())
		})
		.unwrap();
		found
	}

	fn text(text: &str) -> RawRecord {
		RawRecord::Text(text.into(), None)
	}

	#[test]
	fn paragraphs_should_be_parted_by_empty_lines() {
		let found = paragraphs(b"\n\nOne\nline.\r\n \r\nTwo.\n\n\n\nThree");
		assert_eq!(found, [text("One\nline."), text("Two."), text("Three")]);
		assert_eq!(paragraphs(b""), []);
	}

	#[test]
	fn long_paragraphs_should_be_cut_between_words_and_lose_none() {
		for word in ["word ", "слово ", "語"] {
			let long = word.repeat(5_000);
			let found = paragraphs(long.as_bytes());
			let mut joined = String::new();
			for record in &found {
				let RawRecord::Text(bytes, _) = record else { panic!("{record:?}") };
				let part = std::str::from_utf8(bytes).unwrap();
				assert!(part.chars().count() <= MAX_CHARACTERS);
				joined.push_str(part);
				if word.ends_with(' ') {
					joined.push(' ');
				}
			}
			assert_eq!(joined, long);
		}
	}

	#[test]
	fn broken_text_should_be_malformed_and_not_stop_the_rest() {
		let mut broken = b"\xff".repeat(3_000);
		broken.extend_from_slice(b"\n\nWhole.");
		assert_eq!(paragraphs(&broken), [RawRecord::Malformed(Malformation::NotUtf8), text("Whole.")]);
	}
}
