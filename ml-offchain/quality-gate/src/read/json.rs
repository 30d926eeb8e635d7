//! A record of JSON Lines.

use super::{Fields, Malformation};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt};

/// The text of a record, and its licence. Anything but what is asked for is skipped without being built up,
/// however deep it is nested; of a key that is there twice the first counts.
pub fn parse(line: &[u8], fields: &Fields) -> Result<(String, Option<String>), Malformation> {
	let text = std::str::from_utf8(line).map_err(|_| Malformation::NotUtf8)?;
	let mut deserializer = serde_json::Deserializer::from_str(text);
	let mut found = Record { fields, texts: vec![None; fields.text.len()], licence: None };
	let outcome = RecordSeed(&mut found).deserialize(&mut deserializer).and_then(|()| deserializer.end());
	if outcome.is_err() {
		return Err(Malformation::NotJson);
	}
	let texts: Option<Vec<String>> = found.texts.into_iter().collect();
	let texts = texts.filter(|texts| !texts.is_empty()).ok_or(Malformation::NoText)?;
	Ok((texts.join("\n"), found.licence))
}

struct Record<'a> {
	fields: &'a Fields,
	texts: Vec<Option<String>>,
	licence: Option<String>,
}

struct RecordSeed<'a, 'b>(&'a mut Record<'b>);

impl<'de> DeserializeSeed<'de> for RecordSeed<'_, '_> {
	type Value = ();

	fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
		deserializer.deserialize_any(self)
	}
}

impl<'de> Visitor<'de> for RecordSeed<'_, '_> {
	type Value = ();

	fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
		f.write_str("an object or a string")
	}

	fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
		if let [one] = &mut self.0.texts[..] {
			*one = Some(text.to_owned());
		}
		Ok(())
	}

	fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
		while let Some(Key(key)) = map.next_key::<Key>()? {
			if let Some(at) = self.0.fields.text.iter().position(|field| *field == key) {
				let MaybeText(text) = map.next_value()?;
				if self.0.texts[at].is_none() {
					self.0.texts[at] = text;
				}
			} else if key == self.0.fields.licence {
				let MaybeText(text) = map.next_value()?;
				self.0.licence = self.0.licence.take().or(text);
			} else {
				map.next_value::<IgnoredAny>()?;
			}
		}
		Ok(())
	}
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A string, or something else, which is skipped.
struct MaybeText(Option<String>);

impl<'de> serde::Deserialize<'de> for MaybeText {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		struct Text;
		impl<'de> Visitor<'de> for Text {
			type Value = Option<String>;

			fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
				f.write_str("a string")
			}
			fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
				Ok(Some(text.to_owned()))
			}
			fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
				Ok(None)
			}
			fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
				Ok(None)
			}
			fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
				Ok(None)
			}
			fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
				Ok(None)
			}
			fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
				Ok(None)
			}
			fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
				while seq.next_element::<IgnoredAny>()?.is_some() {}
				Ok(None)
			}
			fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
				while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
				Ok(None)
			}
		}
		deserializer.deserialize_any(Text).map(Self)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn parsed(line: &str) -> Result<String, Malformation> {
		parse(line.as_bytes(), &Fields::default()).map(|(text, _)| text)
	}

	#[test]
	fn text_should_be_found_among_other_things() {
		assert_eq!(
			parsed(r#"{"id": [1, {"text": "no"}], "text": "yes \u00e9", "text": "second"}"#).unwrap(),
			"yes é"
		);
		assert_eq!(parsed(r#""bare""#).unwrap(), "bare");
		let fields = Fields { text: vec!["question".into(), "answer".into()], licence: "license".into() };
		let line = br#"{"answer": "B", "question": "A", "license": "MIT"}"#;
		assert_eq!(parse(line, &fields), Ok(("A\nB".into(), Some("MIT".into()))));
	}

	#[test]
	fn record_should_be_malformed_when_it_has_no_text() {
		for (line, why) in [
			("{\"text\": ", Malformation::NotJson),
			("{} {}", Malformation::NotJson),
			("17", Malformation::NotJson),
			("{\"text\": 5}", Malformation::NoText),
			("{\"text\": [\"a\"]}", Malformation::NoText),
			("{\"other\": \"a\"}", Malformation::NoText),
		] {
			assert_eq!(parsed(line), Err(why), "{line}");
		}
		assert_eq!(parse(b"{\"text\": \"\xff\"}", &Fields::default()), Err(Malformation::NotUtf8));
	}

	#[test]
	fn nesting_should_not_exhaust_the_stack() {
		let deep =
			format!("{{\"other\": {}1{}, \"text\": \"here\"}}", "[".repeat(400_000), "]".repeat(400_000));
		assert!(matches!(parsed(&deep), Ok(_) | Err(Malformation::NotJson)));
		let deep = format!("{{\"text\": {}", "[".repeat(900_000));
		assert_eq!(parsed(&deep), Err(Malformation::NotJson));
	}
}
