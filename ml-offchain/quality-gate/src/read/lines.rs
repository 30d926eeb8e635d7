//! Lines of bounded length.

use super::{Malformation, RawRecord, Sink, StreamError, MAX_RECORD_BYTES};
use memchr::memchr;
use std::io::{self, BufRead};

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
	/// There is none left.
	End,
	/// It is in the buffer, without its end.
	Whole,
	/// It is longer than the bound; the buffer has the beginning, and the rest is skipped.
	TooLong,
}

/// Reads a line into the buffer, `most` bytes of it at most.
pub(crate) fn next(stream: &mut impl BufRead, most: usize, buffer: &mut Vec<u8>) -> io::Result<Line> {
	buffer.clear();
	let (mut any, mut too_long) = (false, false);
	loop {
		let available = match stream.fill_buf() {
			Ok(available) => available,
			Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
			Err(error) => return Err(error),
		};
		let end = memchr(b'\n', available);
		let part = &available[..end.unwrap_or(available.len())];
		let room = most - buffer.len();
		too_long |= part.len() > room;
		buffer.extend_from_slice(&part[..part.len().min(room)]);
		let (read, is_last) =
			(part.len() + usize::from(end.is_some()), end.is_some() || available.is_empty());
		any |= read > 0;
		stream.consume(read);
		if is_last {
			break;
		}
	}
	if buffer.last() == Some(&b'\r') {
		buffer.pop();
	}
	Ok(match (any, too_long) {
		(false, _) => Line::End,
		(true, false) => Line::Whole,
		(true, true) => Line::TooLong,
	})
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
