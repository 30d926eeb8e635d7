//! Lines of bounded length.

use super::{Malformation, RawRecord, Sink, StreamError, MAX_RECORD_BYTES};
use std::io::{self, BufRead, Read};

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
	/// There is none left.
	End,
	/// It is in the buffer, without its end.
	Whole,
	/// It is longer than the bound; it is skipped.
	TooLong,
}

/// Reads a line into the buffer, `most` bytes of it at most.
pub(crate) fn next(stream: &mut impl BufRead, most: usize, buffer: &mut Vec<u8>) -> io::Result<Line> {
	buffer.clear();
	// One byte more tells a line that is too long from one that just fits.
	if stream.by_ref().take(most as u64 + 1).read_until(b'\n', buffer)? == 0 {
		return Ok(Line::End);
	}
	if buffer.last() == Some(&b'\n') {
		buffer.pop();
	} else if buffer.len() > most {
		buffer.clear();
		stream.skip_until(b'\n')?;
		return Ok(Line::TooLong);
	}
	if buffer.last() == Some(&b'\r') {
		buffer.pop();
	}
	Ok(Line::Whole)
}

/// Reads JSON Lines; empty lines are no records.
pub(crate) fn read(stream: &mut impl BufRead, sink: &mut Sink) -> Result<(), StreamError> {
	let mut buffer = Vec::new();
	loop {
		match next(stream, MAX_RECORD_BYTES, &mut buffer)? {
			Line::End => return Ok(()),
			Line::Whole if buffer.iter().all(u8::is_ascii_whitespace) => {}
			Line::Whole => sink(RawRecord::Json(buffer.clone()))?,
			Line::TooLong => sink(RawRecord::Malformed(Malformation::RecordTooLong))?,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::io::BufReader;

	#[test]
	fn line_of_ten_gigabytes_should_be_skipped_without_being_held() {
		let endless = io::repeat(b'a').take(10 << 30).chain(&b"\nnext\r\n\nlast"[..]);
		let mut stream = BufReader::with_capacity(1 << 18, endless);
		let mut buffer = Vec::new();
		assert_eq!(next(&mut stream, MAX_RECORD_BYTES, &mut buffer).unwrap(), Line::TooLong);
		assert!(buffer.capacity() <= 4 * MAX_RECORD_BYTES);
		let mut rest = Vec::new();
		read(&mut stream, &mut |record| {
			rest.push(record);
			Ok(())
		})
		.unwrap();
		assert_eq!(rest, [RawRecord::Json(b"next".to_vec()), RawRecord::Json(b"last".to_vec())]);
	}

	#[test]
	fn line_should_be_whole_up_to_the_bound() {
		let mut buffer = Vec::new();
		for (text, expected) in
			[("abc\n", Line::Whole), ("abc", Line::Whole), ("abcd\n", Line::TooLong), ("abcd", Line::TooLong)]
		{
			assert_eq!(next(&mut text.as_bytes(), 3, &mut buffer).unwrap(), expected, "{text:?}");
		}
		assert_eq!(next(&mut &b""[..], 3, &mut buffer).unwrap(), Line::End);
	}
}
