//! Computing an answer, on a thread of its own.

use super::{
	admission::Permit,
	current::Served,
	metrics::{Metrics, Outcome},
	request::Asked,
	text::Utf8,
};
use blyan_model::{
	byte_tokens, Emitted, Finish, Generation, Generator, ModelError, TextDecoder, TextTokenizer,
};
use std::{
	ops::ControlFlow,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A token as it is told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
	/// As text. A token of part of a character is `bytes:\xNN` where tokens are bytes, else U+FFFD.
	pub text: String,
	/// As bytes.
	pub bytes: Vec<u8>,
}

/// A token of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
	/// The token.
	pub spelling: Spelling,
	/// Natural logarithm of its probability.
	pub logprob: f32,
	/// The likeliest tokens at this place, as many as were asked for.
	pub top: Vec<(Spelling, f32)>,
	/// Characters of the answer before those that it was told with.
	pub offset: usize,
}

/// Whole characters of an answer, and the tokens that made them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
	/// The text.
	pub text: String,
	/// Its tokens.
	pub tokens: Vec<Token>,
}

impl Piece {
	/// Puts `next` behind.
	pub fn append(&mut self, mut next: Self) {
		self.text.push_str(&next.text);
		self.tokens.append(&mut next.tokens);
	}
}

/// What the thread tells. The last one is `Done`, unless the thread died.
#[derive(Debug)]
pub enum Event {
	/// The answer goes on.
	Piece(Piece),
	/// It is over.
	Done(Result<Generation, ModelError>),
}

/// Begins an answer to `prompt` from those weights. It ends early when the receiver is dropped, or `stop` is
/// cancelled; the permit is given back when it ends. `count` is told of a whole answer, and how long it took.
pub fn begin(
	served: Arc<Served>,
	(asked, prompt): (&Asked, Vec<u32>),
	permit: Permit,
	metrics: Arc<Metrics>,
	stop: CancellationToken,
	count: impl FnOnce(&Served, Duration) + Send + 'static,
) -> mpsc::Receiver<Event> {
	let (stops, mut sampling) = (asked.stop.clone(), asked.sampling.clone());
	// A piece has at least one token, so the thread never waits for a slow client: what it has not read
	// is kept, and bounded by `max_tokens_limit`. A piece and an end may come after the last token.
	let (events, received) = mpsc::channel(sampling.max_tokens.saturating_add(2));
	tokio::task::spawn_blocking(move || {
		let started = Instant::now();
		let (mut generated, mut failure) = (0, None);
		let result = served.weights().tokenizer().and_then(|tokenizer| {
			let mut assembly = match tokenizer {
				Some(tokenizer) => Assembly::of_tokens(tokenizer, stops),
				None => {
					// Every text has one spelling in bytes: the generator itself stops there.
					sampling.stop = stops.iter().map(|stop| byte_tokens(stop.as_bytes())).collect();
					Assembly::of_bytes()
				}
			};
			let mut generator = Generator::capped(served.weights(), &served.cap)?;
			let generation = generator.generate(&prompt, &sampling, |emitted| {
				generated += 1;
				if stop.is_cancelled() || events.is_closed() {
					return ControlFlow::Break(());
				}
				match assembly.push(emitted) {
					Ok(piece) => match send(&events, piece) {
						ControlFlow::Continue(()) if !assembly.is_stopped() => ControlFlow::Continue(()),
						_ => ControlFlow::Break(()),
					},
					Err(error) => {
						failure = Some(error);
						ControlFlow::Break(())
					}
				}
			});
			metrics.turned_away(generator.turned_away());
			let generation = generation?;
			match (generation.finish, assembly.is_stopped()) {
				(_, true) => Ok(Generation { finish: Finish::Stop, ..generation }),
				(Finish::Cancelled, false) => Ok(generation),
				(_, false) => {
					// Whoever left just now has no use for it.
					let _ = send(&events, assembly.finish()?);
					Ok(generation)
				}
			}
		});
		let result = match failure {
			Some(error) => Err(error),
			None => result,
		};
		let finished = match &result {
			Ok(Generation { finish: Finish::Cancelled, generated_tokens, .. }) => {
				(Outcome::Cancelled, *generated_tokens)
			}
			Ok(Generation { generated_tokens, .. }) => (Outcome::Whole, *generated_tokens),
			Err(error) => {
				tracing::error!(%error, version_root = ?served.receipt.version_root, "the model failed");
				(Outcome::Failed, generated)
			}
		};
		// The permit first: who sees the end of an answer may rely on its place being free.
		metrics.answer(finished.0, prompt.len(), finished.1, started.elapsed());
		if finished.0 == Outcome::Whole {
			count(&served, started.elapsed());
		}
		drop(permit);
		let _ = events.try_send(Event::Done(result));
	});
	received
}

fn send(events: &mpsc::Sender<Event>, piece: Option<Piece>) -> ControlFlow<()> {
	match piece.map(|piece| events.try_send(Event::Piece(piece))) {
		Some(Err(_)) => ControlFlow::Break(()),
		Some(Ok(())) | None => ControlFlow::Continue(()),
	}
}

/// How tokens become text.
enum Spelt {
	Bytes(Utf8),
	Tokens(TextDecoder, TextTokenizer),
}

impl Spelt {
	fn spelling(&self, token: u32) -> Result<Spelling, ModelError> {
		match self {
			Self::Bytes(_) => {
				let byte = byte(token);
				let text = match byte {
					0..=0x7F => char::from(byte).into(),
					_ => format!("bytes:\\x{byte:02x}"),
				};
				Ok(Spelling { text, bytes: vec![byte] })
			}
			Self::Tokens(_, tokenizer) => {
				let text = tokenizer.decode(&[token])?;
				Ok(Spelling { bytes: text.clone().into_bytes(), text })
			}
		}
	}

	fn push(&mut self, token: u32) -> Result<String, ModelError> {
		match self {
			Self::Bytes(utf8) => Ok(utf8.push(byte(token))),
			Self::Tokens(decoder, _) => decoder.push(token),
		}
	}

	fn finish(&mut self) -> Result<String, ModelError> {
		match self {
			Self::Bytes(utf8) => Ok(utf8.finish()),
			Self::Tokens(decoder, _) => decoder.finish(),
		}
	}
}

/// Puts tokens together to pieces of whole characters, and ends before a text that ends the answer.
struct Assembly {
	spelt: Spelt,
	stops: Vec<String>,
	/// Text that may be the beginning of a stop.
	held: String,
	tokens: Vec<Token>,
	/// Characters told of.
	characters: usize,
	is_stopped: bool,
}

impl Assembly {
	fn new(spelt: Spelt, stops: Vec<String>) -> Self {
		Self { spelt, stops, held: String::new(), tokens: Vec::new(), characters: 0, is_stopped: false }
	}

	fn of_bytes() -> Self {
		Self::new(Spelt::Bytes(Utf8::default()), Vec::new())
	}

	fn of_tokens(tokenizer: &TextTokenizer, stops: Vec<String>) -> Self {
		Self::new(Spelt::Tokens(tokenizer.decoder(), tokenizer.clone()), stops)
	}

	/// Whether a stop appeared. What was told ends before it.
	fn is_stopped(&self) -> bool {
		self.is_stopped
	}

	fn push(&mut self, emitted: &Emitted) -> Result<Option<Piece>, ModelError> {
		let top = emitted
			.top
			.iter()
			.map(|(token, logprob)| Ok((self.spelt.spelling(*token)?, *logprob)))
			.collect::<Result<_, ModelError>>()?;
		let offset = self.characters + self.held.chars().count();
		let spelling = self.spelt.spelling(emitted.token)?;
		self.tokens.push(Token { spelling, logprob: emitted.logprob, top, offset });
		let text = self.spelt.push(emitted.token)?;
		self.held.push_str(&text);
		if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
			self.held.truncate(at);
			let end = self.characters + self.held.chars().count();
			self.tokens.retain(|token| token.offset < end);
			self.is_stopped = true;
			return Ok(self.take(at));
		}
		let may_begin_a_stop = |from: &usize| {
			self.stops.iter().any(|stop| stop.as_bytes().starts_with(&self.held.as_bytes()[*from..]))
		};
		let sure = (0..self.held.len()).find(may_begin_a_stop).unwrap_or(self.held.len());
		Ok(self.take(sure))
	}

	fn finish(&mut self) -> Result<Option<Piece>, ModelError> {
		let text = self.spelt.finish()?;
		self.held.push_str(&text);
		Ok(self.take(self.held.len()))
	}

	/// The first `bytes` of what is held, and the tokens so far.
	fn take(&mut self, bytes: usize) -> Option<Piece> {
		if bytes == 0 {
			return None;
		}
		let rest = self.held.split_off(bytes);
		let text = std::mem::replace(&mut self.held, rest);
		self.characters += text.chars().count();
		Some(Piece { text, tokens: std::mem::take(&mut self.tokens) })
	}
}

/// The vocabulary of a model of bytes is 256.
fn byte(token: u32) -> u8 {
	debug_assert!(token < 256, "a model of bytes has no token {token}");
	token as u8
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn assembly_should_hold_tokens_until_their_character_is_whole() {
		let mut assembly = Assembly::of_bytes();
		let mut push = |byte: u8| {
			let emitted = Emitted { token: byte.into(), logprob: -1.0, top: vec![(7, -0.5)] };
			assembly.push(&emitted).unwrap()
		};
		assert_eq!(push(b'a').unwrap().text, "a");
		assert_eq!(push(0xC3), None);
		let piece = push(0xBC).unwrap();
		assert_eq!(piece.text, "ü");
		let offsets: Vec<_> =
			piece.tokens.iter().map(|token| (token.spelling.bytes.clone(), token.offset)).collect();
		assert_eq!(offsets, [(vec![0xC3], 1), (vec![0xBC], 1)]);
		assert_eq!(piece.tokens[0].spelling.text, "bytes:\\xc3");
		let seven = Spelling { text: "\u{7}".into(), bytes: vec![7] };
		assert_eq!(piece.tokens[0].top, [(seven, -0.5)]);
		assert_eq!(push(0xE2), None);
		let rest = assembly.finish().unwrap().unwrap();
		assert_eq!((rest.text.as_str(), rest.tokens.len(), rest.tokens[0].offset), ("\u{FFFD}", 1, 2));
		assert_eq!(assembly.finish().unwrap(), None);
	}

	/// Everything that is told of a text, token by token.
	fn told(text: &str, stops: &[&str]) -> (String, bool) {
		let tokenizer =
			TextTokenizer::from_bytes(include_bytes!("../../../model/tests/tokenizer.json")).unwrap();
		let mut assembly = Assembly::of_tokens(&tokenizer, stops.iter().map(ToString::to_string).collect());
		let mut told = String::new();
		for token in tokenizer.encode(text).unwrap() {
			let emitted = Emitted { token, logprob: -1.0, top: Vec::new() };
			told.extend(assembly.push(&emitted).unwrap().map(|piece| piece.text));
			if assembly.is_stopped() {
				return (told, true);
			}
		}
		told.extend(assembly.finish().unwrap().map(|piece| piece.text));
		(told, false)
	}

	#[test]
	fn assembly_should_end_before_a_stop_however_it_is_cut_into_tokens() {
		let text = "it was the worst of times — es war das Übelste\nUser: and";
		assert_eq!(told(text, &[]), (text.into(), false));
		assert_eq!(told(text, &["\nUser:"]), ("it was the worst of times — es war das Übelste".into(), true));
		assert_eq!(told(text, &["rst of", "the wo"]), ("it was ".into(), true));
		assert_eq!(told(text, &["Übel"]), ("it was the worst of times — es war das ".into(), true));
		assert_eq!(told(text, &["and then"]), (text.into(), false), "what only began as a stop is told");
	}
}
