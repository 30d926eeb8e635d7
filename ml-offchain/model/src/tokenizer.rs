//! Text as tokens, and back, for models that have a tokenizer file.

use crate::{evaluate::TokenShard, ModelError};
use std::{collections::BTreeSet, ops::Range, sync::Arc};
use tokenizers::Tokenizer;

/// Longest tokenizer file that is read, in bytes: four times the largest in common use.
pub const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Longest piece of a text that is tokenized at once, in bytes: bounds memory, and is part of the rule by
/// which a text becomes tokens.
pub const PIECE_BYTES: usize = 1 << 16;

/// A `tokenizer.json`, as the `tokenizers` library reads it.
///
/// Text is tokenized without special tokens at its ends. Texts longer than [`PIECE_BYTES`] are cut into
/// pieces first, each ending with the last line feed within that many bytes, or if there is none with the
/// last whole character; what is no UTF-8 becomes U+FFFD. So the same bytes give the same tokens on every
/// machine, whoever derives them.
#[derive(Clone)]
pub struct TextTokenizer {
	inner: Arc<Tokenizer>,
	/// One more than the highest token.
	vocabulary: u32,
	/// Tokens that stand for no text.
	special: Arc<BTreeSet<u32>>,
}

impl std::fmt::Debug for TextTokenizer {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("TextTokenizer").field("vocabulary", &self.vocabulary).finish_non_exhaustive()
	}
}

fn refuse(why: impl Into<String>) -> ModelError {
	ModelError::Tokenizer(why.into())
}

impl TextTokenizer {
	/// Reads a `tokenizer.json`.
	///
	/// # Errors
	/// [`ModelError::Tokenizer`]: too long, not of that format, or without a vocabulary.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
		if bytes.len() as u64 > MAX_TOKENIZER_BYTES {
			return Err(refuse(format!("has {} bytes; at most {MAX_TOKENIZER_BYTES} are read", bytes.len())));
		}
		let mut inner = Tokenizer::from_bytes(bytes).map_err(|error| refuse(error.to_string()))?;
		// What a file says of cutting and filling up is for batches of sentences.
		inner.with_truncation(None).map_err(|error| refuse(error.to_string()))?;
		inner.with_padding(None);
		let highest = inner.get_vocab(true).into_values().max().ok_or_else(|| refuse("has no tokens"))?;
		let vocabulary = highest.checked_add(1).ok_or_else(|| refuse("has tokens beyond what is counted"))?;
		let added = inner.get_added_tokens_decoder().into_iter();
		let special = added.filter(|(_, added)| added.special).map(|(token, _)| token).collect();
		Ok(Self { inner: Arc::new(inner), vocabulary, special: Arc::new(special) })
	}

	/// One more than the highest token: a model that reads it must have as large a vocabulary.
	pub fn vocabulary(&self) -> u32 {
		self.vocabulary
	}

	/// Whether a token stands for no text: the end of an answer, where a model emits it.
	pub fn is_special(&self, token: u32) -> bool {
		self.special.contains(&token)
	}

	/// The text as tokens.
	///
	/// # Errors
	/// [`ModelError::Tokenizer`]: the tokenizer has no token for some of it.
	pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
		let mut tokens = Vec::with_capacity(text.len() / 3);
		for range in pieces(text) {
			self.encode_piece(&text[range], &mut tokens)?;
		}
		Ok(tokens)
	}

	/// [`TextTokenizer::encode`] of bytes, which need not all be UTF-8.
	///
	/// # Errors
	/// As there.
	pub fn encode_bytes(&self, bytes: &[u8]) -> Result<Vec<u32>, ModelError> {
		self.encode(&String::from_utf8_lossy(bytes))
	}

	fn encode_piece(&self, piece: &str, tokens: &mut Vec<u32>) -> Result<(), ModelError> {
		let encoding = self.inner.encode_fast(piece, false).map_err(|error| refuse(error.to_string()))?;
		tokens.extend_from_slice(encoding.get_ids());
		Ok(())
	}

	/// A shard of a text, to measure on. Of the text, what is no UTF-8 having become U+FFFD, the bytes that
	/// its first token stands for are not counted as predicted.
	///
	/// # Errors
	/// As [`TextTokenizer::encode`].
	pub fn shard(&self, bytes: &[u8]) -> Result<TokenShard, ModelError> {
		let text = String::from_utf8_lossy(bytes);
		let tokens = self.encode(&text)?;
		// Offsets of the first piece count from the beginning of the text.
		let first = pieces(&text).next().unwrap_or_default();
		let encoding = self.inner.encode(&text[first], false).map_err(|error| refuse(error.to_string()))?;
		let given = encoding.get_offsets().first().map_or(0, |(_, end)| *end);
		Ok(TokenShard { tokens, predicted_bytes: text.len().saturating_sub(given) as u64 })
	}

	/// The text that tokens stand for; special tokens stand for none.
	///
	/// # Errors
	/// [`ModelError::Tokenizer`].
	pub fn decode(&self, tokens: &[u32]) -> Result<String, ModelError> {
		self.inner.decode(tokens, true).map_err(|error| refuse(error.to_string()))
	}

	/// Text from tokens that come one at a time.
	pub fn decoder(&self) -> TextDecoder {
		TextDecoder { tokenizer: self.clone(), tokens: Vec::new(), told: String::new() }
	}
}

/// Cuts a text as [`TextTokenizer`] says.
fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
	let mut start = 0;
	std::iter::from_fn(move || {
		let rest = &text[start..];
		if rest.is_empty() {
			return None;
		}
		let mut length = rest.len().min(PIECE_BYTES);
		if length < rest.len() {
			while !rest.is_char_boundary(length) {
				length -= 1;
			}
			if let Some(feed) = rest[..length].rfind('\n') {
				length = feed + 1;
			}
		}
		let range = start..start + length;
		start = range.end;
		Some(range)
	})
}

/// Puts tokens together to text, whole characters at a time.
#[derive(Debug)]
pub struct TextDecoder {
	tokenizer: TextTokenizer,
	/// Tokens since the last place where the text was whole; the text before does not change any more.
	tokens: Vec<u32>,
	/// The text of the first of `tokens`, which was told already.
	told: String,
}

/// Tokens whose characters are not whole yet, at most: what goes on longer is no text, and is told as it is.
const MAX_PENDING_TOKENS: usize = 32;

impl TextDecoder {
	/// Takes a token; returns the text that is whole by now, often none.
	///
	/// # Errors
	/// [`ModelError::Tokenizer`].
	pub fn push(&mut self, token: u32) -> Result<String, ModelError> {
		self.tokens.push(token);
		let text = self.tokenizer.decode(&self.tokens)?;
		let is_broken = text.ends_with(char::REPLACEMENT_CHARACTER);
		if is_broken && self.tokens.len() < MAX_PENDING_TOKENS {
			return Ok(String::new());
		}
		let new = text.get(self.told.len()..).unwrap_or_default().to_owned();
		// The last token stays: how the next is spelt may depend on there being one before it.
		self.tokens.drain(..self.tokens.len() - 1);
		self.told = self.tokenizer.decode(&self.tokens)?;
		Ok(new)
	}

	/// What is left when no more tokens come.
	///
	/// # Errors
	/// [`ModelError::Tokenizer`].
	pub fn finish(&mut self) -> Result<String, ModelError> {
		let text = self.tokenizer.decode(&self.tokens)?;
		let new = text.get(self.told.len()..).unwrap_or_default().to_owned();
		self.tokens.clear();
		self.told.clear();
		Ok(new)
	}
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use crate::layout::tests::tiny;
	use blyan_primitives::{
		architecture::Architecture,
		cid::{Cid, CidCodec},
	};
	use proptest::prelude::*;

	/// Byte-level BPE with a token for each byte and a few for more: `tests/tokenizer.json`, made by the
	/// reference script of the crate for checkpoints.
	pub(crate) fn small() -> TextTokenizer {
		TextTokenizer::from_bytes(include_bytes!("../tests/tokenizer.json")).unwrap()
	}

	/// A model that reads them.
	pub(crate) fn with_tokenizer() -> Architecture {
		let content = Cid { codec: CidCodec::Raw, digest: [0; 32] };
		let tokenizer = blyan_primitives::architecture::Tokenizer::Content { content, bytes: 1 };
		Architecture { tokenizer, vocabulary: 384, ..tiny() }
	}

	proptest! {
		#[test]
		fn pieces_should_cover_a_text_in_order(text in "[a-zü€\\n]{0,300}", repeat in 1usize..2000) {
			let text = text.repeat(repeat);
			let mut at = 0;
			for piece in pieces(&text) {
				prop_assert_eq!(piece.start, at);
				prop_assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
				prop_assert!(text.is_char_boundary(piece.end));
				at = piece.end;
			}
			prop_assert_eq!(at, text.len());
		}

		#[test]
		fn decoder_should_tell_the_text_that_was_encoded(text in "(\\PC|\\n){0,60}") {
			let tokenizer = small();
			let tokens = tokenizer.encode(&text).unwrap();
			let mut decoder = tokenizer.decoder();
			let mut told = String::new();
			for token in &tokens {
				told += &decoder.push(*token).unwrap();
			}
			told += &decoder.finish().unwrap();
			prop_assert_eq!(&told, &tokenizer.decode(&tokens).unwrap());
			prop_assert_eq!(told, text);
		}
	}

	#[test]
	fn encode_should_join_letters_and_bound_its_tokens_by_the_vocabulary() {
		let tokenizer = small();
		let text = "the best of times and the worst of times";
		let tokens = tokenizer.encode(text).unwrap();
		assert!(tokens.len() < text.len() && tokens.iter().all(|token| *token < tokenizer.vocabulary()));
	}

	#[test]
	fn shard_should_count_the_bytes_behind_its_first_token() {
		let tokenizer = small();
		let text = "the best of times";
		let shard = tokenizer.shard(text.as_bytes()).unwrap();
		let first = tokenizer.decode(&shard.tokens[..1]).unwrap();
		assert_eq!(shard.predicted_bytes as usize, text.len() - first.len());
		// Cut within a character at both ends: the halves become U+FFFD, of three bytes.
		let cut = tokenizer.shard(&"äbcä".as_bytes()[1..5]).unwrap();
		assert_eq!(cut.tokens, tokenizer.encode("\u{FFFD}bc\u{FFFD}").unwrap());
	}

	#[test]
	fn from_bytes_should_refuse_what_is_no_tokenizer() {
		for bytes in [&b""[..], b"{}", b"[1, 2", &[0xFF; 64]] {
			let error = TextTokenizer::from_bytes(bytes).unwrap_err();
			assert!(matches!(error, ModelError::Tokenizer(_)), "{error}");
		}
	}
}
