//! Which language a sample is in, by `whatlang`: 70 languages, by script and by trigrams.

use blyan_primitives::datasets::LanguageCode;

/// What is said where a text has no letters of a known script.
pub const UNDETERMINED: LanguageCode = *b"und";

/// The language of a text, as ISO 639-3. It always names the nearest it knows: of a language that it does not
/// know, or of a few words, the answer is a guess.
pub fn language(text: &str) -> LanguageCode {
	whatlang::detect_lang(text)
		.and_then(|language| LanguageCode::try_from(language.code().as_bytes()).ok())
		.unwrap_or(UNDETERMINED)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn language_should_be_undetermined_when_there_are_no_letters() {
		assert_eq!(language("12345 67890 -- 12345"), UNDETERMINED);
		assert_eq!(language(""), UNDETERMINED);
		assert_eq!(&language("It is a truth universally acknowledged, that a single man"), b"eng");
	}
}
