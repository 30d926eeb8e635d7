//! Sizes that the page headers of a Parquet column state, read before the pages are: the reader behind
//! allocates what a header says.
//!
//! Headers are Thrift structures in the compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

use std::{fs::File, io, os::unix::fs::FileExt};

/// Largest page, packed or not; writers make some of 1 MiB.
const MAX_PAGE_BYTES: i64 = 64 << 20;
/// Longest header.
const MAX_HEADER_BYTES: usize = 1 << 18;
/// Structures within structures.
const MAX_DEPTH: u32 = 8;

/// Checks all pages of a column chunk that lies at those bytes of the file. The error says what is wrong.
pub fn check(file: &File, start: u64, length: u64) -> io::Result<Result<(), String>> {
	let (mut at, end) = (start, start.saturating_add(length));
	let mut window = Vec::new();
	while at < end {
		let Some(header) = read_header(file, at, end, &mut window)? else {
			return Ok(Err(format!("no page header at byte {at}")));
		};
		let sizes = [header.unpacked, header.packed];
		if sizes.into_iter().any(|size| !(0..=MAX_PAGE_BYTES).contains(&size)) {
			return Ok(Err(format!(
				"the page at byte {at} states {sizes:?} bytes; {MAX_PAGE_BYTES} is the most"
			)));
		}
		at = at.saturating_add(header.length).saturating_add(header.packed.unsigned_abs());
	}
	Ok(Ok(()))
}

/// Most headers are short: only for one that is not, more is read.
fn read_header(file: &File, at: u64, end: u64, window: &mut Vec<u8>) -> io::Result<Option<PageHeader>> {
	for most in [512, MAX_HEADER_BYTES] {
		window.resize(most.min(usize::try_from(end - at).unwrap_or(most)), 0);
		file.read_exact_at(window, at)?;
		if let Some(header) = PageHeader::parse(window) {
			return Ok(Some(header));
		}
	}
	Ok(None)
}

#[derive(Default, Debug, PartialEq, Eq)]
struct PageHeader {
	length: u64,
	unpacked: i64,
	packed: i64,
}

impl PageHeader {
	fn parse(bytes: &[u8]) -> Option<Self> {
		let mut reader = Compact { rest: bytes };
		let mut header = Self { unpacked: -1, packed: -1, ..Self::default() };
		let mut field = 0;
		while let Some(kind) = reader.field(&mut field)? {
			match (field, kind) {
				(2, 5) => header.unpacked = reader.zigzag()?,
				(3, 5) => header.packed = reader.zigzag()?,
				_ => reader.skip(kind, MAX_DEPTH)?,
			}
		}
		header.length = (bytes.len() - reader.rest.len()) as u64;
		Some(header)
	}
}

/// A reader of the compact protocol. Every method is `None` where the bytes end or make no sense.
struct Compact<'a> {
	rest: &'a [u8],
}

impl Compact<'_> {
	fn byte(&mut self) -> Option<u8> {
		let (first, rest) = self.rest.split_first()?;
		self.rest = rest;
		Some(*first)
	}

	fn bytes(&mut self, length: u64) -> Option<()> {
		self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
		Some(())
	}

	fn varint(&mut self) -> Option<u64> {
		let mut value = 0;
		for shift in (0..64).step_by(7) {
			let byte = self.byte()?;
			value |= u64::from(byte & 0x7f) << shift;
			if byte < 0x80 {
				return Some(value);
			}
		}
		None
	}

	fn zigzag(&mut self) -> Option<i64> {
		let value = self.varint()?;
		Some((value >> 1) as i64 ^ -((value & 1) as i64))
	}

	/// The kind of the next field, and its number; `Some(None)` at the end of the structure.
	fn field(&mut self, number: &mut i64) -> Option<Option<u8>> {
		let byte = self.byte()?;
		if byte == 0 {
			return Some(None);
		}
		*number = match byte >> 4 {
			0 => self.zigzag()?,
			delta => number.checked_add(i64::from(delta))?,
		};
		Some(Some(byte & 0xf))
	}

	fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
		let depth = depth.checked_sub(1)?;
		match kind {
			1 | 2 => Some(()),
			3 => self.bytes(1),
			4..=6 => self.varint().map(drop),
			7 => self.bytes(8),
			8 => {
				let length = self.varint()?;
				self.bytes(length)
			}
			9 | 10 => {
				let head = self.byte()?;
				let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
				// In a list, truth takes a byte.
				let kind = if matches!(head & 0xf, 1 | 2) { 3 } else { head & 0xf };
				(0..length).try_for_each(|_| self.skip(kind, depth))
			}
			12 => {
				let mut field = 0;
				while let Some(kind) = self.field(&mut field)? {
					self.skip(kind, depth)?;
				}
				Some(())
			}
			_ => None,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// Type 0, 4,096 bytes from 100, a structure with a binary and a list, and the end.
	const HEADER: &[u8] = &[
		0x15, 0x00, 0x15, 0x80, 0x40, 0x15, 0xc8, 0x01, 0x2c, 0x15, 0x02, 0x18, 0x02, 0xff, 0xff, 0x19, 0x25,
		2, 4, 0, 0,
	];

	#[test]
	fn header_should_be_read_and_its_end_be_found() {
		let found = PageHeader::parse(&[HEADER, b"data"].concat()).unwrap();
		assert_eq!(found, PageHeader { length: HEADER.len() as u64, unpacked: 4_096, packed: 100 });
		assert_eq!(PageHeader::parse(&HEADER[..HEADER.len() - 1]), None);
	}

	proptest! {
		#[test]
		fn parsing_should_take_any_bytes(bytes: Vec<u8>) {
			if let Some(header) = PageHeader::parse(&bytes) {
				prop_assert!(header.length <= bytes.len() as u64);
			}
		}
	}
}
