//! SCALE-encoded values inside JSON: types of the chain that have no JSON form of their own, kept to the
//! byte because ids are hashes of their encoding.

use codec::{Decode, DecodeAll, Encode};
use serde::{de, Deserialize, Deserializer, Serialize, Serializer};

/// A value that is written as the hexadecimal digits of its SCALE encoding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScaleHex<T>(pub T);

impl<T: Encode> Serialize for ScaleHex<T> {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(&hex(&self.0.encode()))
	}
}

impl<'de, T: Decode> Deserialize<'de> for ScaleHex<T> {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let text = String::deserialize(deserializer)?;
		let bytes = unhex(&text).ok_or_else(|| de::Error::custom("not hexadecimal"))?;
		T::decode_all(&mut bytes.as_slice()).map(Self).map_err(de::Error::custom)
	}
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
	bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
	// `from_str_radix` alone would take a sign.
	if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
		return None;
	}
	(0..text.len() / 2).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn scale_hex_should_round_trip_through_json(numbers: Vec<u32>, text: String) {
			let value = ScaleHex((numbers, text));
			let json = serde_json::to_string(&value).unwrap();
			prop_assert_eq!(serde_json::from_str::<ScaleHex<(Vec<u32>, String)>>(&json).unwrap(), value);
		}
	}

	#[test]
	fn scale_hex_should_refuse_what_is_no_encoding() {
		for text in ["\"0\"", "\"zz\"", "\"01\"", "\"0100000000\"", "\"é\"", "\"+1+1+1+1\""] {
			assert!(serde_json::from_str::<ScaleHex<u32>>(text).is_err(), "{text}");
		}
	}
}
