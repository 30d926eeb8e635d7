//! Answers in OpenAI's shape: whole, or as the chunks of a stream.
//!
//! Where a token is a byte and is written as text, a byte of ASCII is its character, and any other is
//! `bytes:\xNN`; `bytes` of a chat's logprobs has the number itself.

use super::{
	answer::{Piece, Spelling, Token},
	current::{Receipt, Served},
	request::{Asked, Endpoint},
};
use blyan_model::{Finish, Generation};
use rand::{rngs::OsRng, RngCore};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// What is the same in every chunk of an answer.
#[derive(Clone, Debug)]
pub struct Head {
	endpoint: Endpoint,
	id: String,
	created: u64,
	fingerprint: String,
	logprobs: bool,
	include_usage: bool,
	served: Arc<Served>,
}

/// An answer, or a chunk of one.
#[derive(Debug, Serialize)]
pub struct Reply<'a> {
	id: &'a str,
	object: &'static str,
	created: u64,
	model: &'a str,
	/// Answers of the same fingerprint and seed are the same.
	system_fingerprint: &'a str,
	choices: Vec<Choice>,
	/// Left out of chunks; `null` in them when usage was asked for.
	#[serde(skip_serializing_if = "Option::is_none")]
	usage: Option<Option<Usage>>,
	/// In whole answers and in the last chunk.
	#[serde(skip_serializing_if = "Option::is_none")]
	blyan: Option<&'a Receipt>,
}

#[derive(Debug, Serialize)]
struct Choice {
	index: u32,
	#[serde(flatten)]
	content: Content,
	logprobs: Option<Logprobs>,
	finish_reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Content {
	Text(String),
	Message { role: &'static str, content: String, refusal: Option<()> },
	Delta(Delta),
}

#[derive(Debug, Default, Serialize)]
struct Delta {
	#[serde(skip_serializing_if = "Option::is_none")]
	role: Option<&'static str>,
	#[serde(skip_serializing_if = "Option::is_none")]
	content: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Usage {
	prompt_tokens: usize,
	completion_tokens: usize,
	total_tokens: usize,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Logprobs {
	Completion {
		tokens: Vec<String>,
		token_logprobs: Vec<f32>,
		/// `null` when no alternatives were asked for.
		top_logprobs: Option<Vec<BTreeMap<String, f32>>>,
		/// In characters, from the beginning of the answer.
		text_offset: Vec<usize>,
	},
	Chat {
		content: Vec<ChatLogprob>,
		refusal: Option<()>,
	},
}

#[derive(Debug, Serialize)]
struct ChatLogprob {
	#[serde(flatten)]
	token: TokenLogprob,
	top_logprobs: Vec<TokenLogprob>,
}

#[derive(Debug, Serialize)]
struct TokenLogprob {
	token: String,
	logprob: f32,
	bytes: Vec<u8>,
}

impl TokenLogprob {
	fn new(spelling: &Spelling, logprob: f32) -> Self {
		Self { token: spelling.text.clone(), logprob, bytes: spelling.bytes.clone() }
	}
}

fn finish_reason(finish: Finish) -> &'static str {
	match finish {
		Finish::Stop => "stop",
		// Nobody is told of an answer that was cancelled.
		Finish::Length | Finish::Cancelled => "length",
	}
}

impl Head {
	/// Names a new answer.
	pub fn new(asked: &Asked, served: Arc<Served>) -> Self {
		let prefix = match asked.endpoint {
			Endpoint::Completions => "cmpl",
			Endpoint::Chat => "chatcmpl",
		};
		let mut random = [0; 12];
		OsRng.fill_bytes(&mut random);
		let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
		Self {
			endpoint: asked.endpoint,
			id: format!("{prefix}-{}", hex(&random)),
			created: super::unix_seconds(),
			fingerprint: format!("fp_{}", hex(&served.fingerprint().as_bytes()[..5])),
			logprobs: asked.logprobs,
			include_usage: asked.include_usage,
			served,
		}
	}

	/// The version that the answer is computed from.
	pub fn served(&self) -> &Served {
		&self.served
	}

	/// A whole answer.
	pub fn whole(&self, piece: Piece, generation: &Generation) -> Reply<'_> {
		let logprobs = self.logprobs_of(&piece.tokens);
		let content = match self.endpoint {
			Endpoint::Completions => Content::Text(piece.text),
			Endpoint::Chat => Content::Message { role: "assistant", content: piece.text, refusal: None },
		};
		let object = match self.endpoint {
			Endpoint::Completions => "text_completion",
			Endpoint::Chat => "chat.completion",
		};
		let finish_reason = Some(finish_reason(generation.finish));
		let choice = Choice { index: 0, content, logprobs, finish_reason };
		Reply {
			object,
			usage: Some(Some(usage(generation))),
			blyan: Some(&self.served.receipt),
			..self.chunk_of(vec![choice])
		}
	}

	/// The chunk that begins a stream, where there is one.
	pub fn opening(&self) -> Option<Reply<'_>> {
		match self.endpoint {
			Endpoint::Completions => None,
			Endpoint::Chat => {
				let delta = Delta { role: Some("assistant"), content: Some(String::new()) };
				let content = Content::Delta(delta);
				Some(self.chunk_of(vec![Choice { index: 0, content, logprobs: None, finish_reason: None }]))
			}
		}
	}

	/// A chunk with text.
	pub fn chunk(&self, piece: Piece) -> Reply<'_> {
		let logprobs = self.logprobs_of(&piece.tokens);
		let content = self.chunk_content(Some(piece.text));
		self.chunk_of(vec![Choice { index: 0, content, logprobs, finish_reason: None }])
	}

	/// The chunks that end a stream: the reason, and usage and receipt in the last. That is one chunk, or two
	/// if usage was asked for: then it comes without a choice, as at OpenAI.
	pub fn closing(&self, generation: &Generation) -> Vec<Reply<'_>> {
		let content = self.chunk_content(None);
		let finish_reason = Some(finish_reason(generation.finish));
		let mut replies =
			vec![self.chunk_of(vec![Choice { index: 0, content, logprobs: None, finish_reason }])];
		if self.include_usage {
			replies.push(self.chunk_of(Vec::new()));
		}
		if let Some(last) = replies.last_mut() {
			last.usage = Some(Some(usage(generation)));
			last.blyan = Some(&self.served.receipt);
		}
		replies
	}

	fn chunk_content(&self, text: Option<String>) -> Content {
		match self.endpoint {
			Endpoint::Completions => Content::Text(text.unwrap_or_default()),
			Endpoint::Chat => Content::Delta(Delta { role: None, content: text }),
		}
	}

	fn chunk_of(&self, choices: Vec<Choice>) -> Reply<'_> {
		Reply {
			id: &self.id,
			object: match self.endpoint {
				Endpoint::Completions => "text_completion",
				Endpoint::Chat => "chat.completion.chunk",
			},
			created: self.created,
			model: &self.served.name,
			system_fingerprint: &self.fingerprint,
			choices,
			usage: self.include_usage.then_some(None),
			blyan: None,
		}
	}

	fn logprobs_of(&self, tokens: &[Token]) -> Option<Logprobs> {
		if !self.logprobs {
			return None;
		}
		Some(match self.endpoint {
			Endpoint::Completions => Logprobs::Completion {
				tokens: tokens.iter().map(|token| token.spelling.text.clone()).collect(),
				token_logprobs: tokens.iter().map(|token| token.logprob).collect(),
				// As many at every token; none anywhere when none were asked for.
				top_logprobs: tokens.iter().any(|token| !token.top.is_empty()).then(|| {
					tokens
						.iter()
						.map(|token| {
							token.top.iter().map(|(top, logprob)| (top.text.clone(), *logprob)).collect()
						})
						.collect()
				}),
				text_offset: tokens.iter().map(|token| token.offset).collect(),
			},
			Endpoint::Chat => {
				let content = tokens
					.iter()
					.map(|token| ChatLogprob {
						token: TokenLogprob::new(&token.spelling, token.logprob),
						top_logprobs: token
							.top
							.iter()
							.map(|(top, logprob)| TokenLogprob::new(top, *logprob))
							.collect(),
					})
					.collect();
				Logprobs::Chat { content, refusal: None }
			}
		})
	}
}

fn usage(generation: &Generation) -> Usage {
	let Generation { prompt_tokens, generated_tokens: completion_tokens, .. } = *generation;
	Usage { prompt_tokens, completion_tokens, total_tokens: prompt_tokens.saturating_add(completion_tokens) }
}
