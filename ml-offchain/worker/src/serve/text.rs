//! Text from bytes that come one at a time.

/// Puts bytes together to whole characters.
///
/// A model of bytes may emit what is no UTF-8. Everything that is none becomes U+FFFD, exactly as
/// [`String::from_utf8_lossy`] does it: one for each longest beginning of a character.
#[derive(Debug, Default)]
pub struct Utf8 {
	/// At most three bytes between calls: the beginning of a character.
	pending: Vec<u8>,
}

impl Utf8 {
	/// Takes a byte; returns the text that is whole by now, often none.
	pub fn push(&mut self, byte: u8) -> String {
		self.pending.push(byte);
		let mut text = String::new();
		loop {
			match std::str::from_utf8(&self.pending) {
				Ok(whole) => {
					text.push_str(whole);
					self.pending.clear();
					return text;
				}
				Err(error) => {
					let (valid, rest) = self.pending.split_at(error.valid_up_to());
					text.push_str(&String::from_utf8_lossy(valid));
					let Some(invalid) = error.error_len() else {
						// The beginning of a character.
						self.pending = rest.to_vec();
						return text;
					};
					text.push(char::REPLACEMENT_CHARACTER);
					self.pending = rest[invalid..].to_vec();
				}
			}
		}
	}

	/// What is left when no more bytes come.
	pub fn finish(&mut self) -> String {
		let rest = std::mem::take(&mut self.pending);
		String::from_utf8_lossy(&rest).into_owned()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn read(bytes: &[u8]) -> (Vec<String>, String) {
		let mut utf8 = Utf8::default();
		let pieces = bytes.iter().map(|byte| utf8.push(*byte)).collect();
		(pieces, utf8.finish())
	}

	proptest! {
		#[test]
		fn utf8_should_agree_with_reading_all_at_once(bytes in proptest::collection::vec(
			// Beginnings and continuations of characters are what goes wrong.
			prop_oneof![any::<u8>(), 0x80u8..0xC0, 0xC0u8..=0xFF], 0..40)
		) {
			let (pieces, rest) = read(&bytes);
			prop_assert_eq!(pieces.concat() + &rest, String::from_utf8_lossy(&bytes));
		}

		#[test]
		fn utf8_should_give_each_character_with_its_last_byte(text in "\\PC{0,12}") {
			let (pieces, rest) = read(text.as_bytes());
			let whole: Vec<String> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
			prop_assert_eq!(whole, text.chars().map(String::from).collect::<Vec<_>>());
			prop_assert_eq!(rest, "");
		}
	}

	#[test]
	fn utf8_should_replace_what_breaks_off() {
		let (pieces, rest) = read(&[b'a', 0xE2, 0x82]);
		assert_eq!((pieces, rest.as_str()), (vec!["a".into(), String::new(), String::new()], "\u{FFFD}"));
		assert_eq!(read(&[0xE2, b'a']).0, ["", "\u{FFFD}a"]);
	}
}
