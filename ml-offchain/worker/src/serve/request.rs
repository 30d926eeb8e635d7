//! Reading requests in OpenAI's shape.
//!
//! Fields that are not known are ignored, and `null` is as good as leaving a field out. Fields that are
//! known, would change the answer and are not offered here are refused, rather than answered as if they
//! had not been there.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/create> and `/completions/create`.

use super::error::ApiError;
use blyan_model::{ModelError, Sampling, Weights, MAX_TOP_LOGPROBS};
use rand::{rngs::OsRng, RngCore};
use serde_json::{Map, Value};

/// What `max_tokens` is when a completion does not say, as at OpenAI.
const DEFAULT_COMPLETION_TOKENS: usize = 16;
/// What `max_tokens` is when a chat does not say: a base model seldom ends by itself.
const DEFAULT_CHAT_TOKENS: usize = 256;
/// Most stop sequences of a request, as at OpenAI.
const MAX_STOPS: usize = 4;
/// Longest stop sequence.
const MAX_STOP_BYTES: usize = 256;
/// Fields that are known and not offered, and the values that ask for nothing.
const NOT_OFFERED: [(&str, &[&str]); 14] = [
	("n", &["1"]),
	("best_of", &["1"]),
	("echo", &["false"]),
	("suffix", &["\"\""]),
	("frequency_penalty", &["0", "0.0"]),
	("presence_penalty", &["0", "0.0"]),
	("logit_bias", &["{}"]),
	("tools", &["[]"]),
	("functions", &["[]"]),
	("tool_choice", &["\"none\"", "\"auto\""]),
	("function_call", &["\"none\"", "\"auto\""]),
	("response_format", &["{\"type\":\"text\"}"]),
	("modalities", &["[\"text\"]"]),
	("audio", &[]),
];

/// Which of the two shapes a request and its answer have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
	/// `/v1/completions`.
	Completions,
	/// `/v1/chat/completions`.
	Chat,
}

impl Endpoint {
	/// For metrics.
	pub const fn name(self) -> &'static str {
		match self {
			Self::Completions => "completions",
			Self::Chat => "chat_completions",
		}
	}
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
	/// The shape.
	pub endpoint: Endpoint,
	/// The model's name, as the client gave it.
	pub model: String,
	/// What is to be continued; not empty.
	pub prompt: Prompt,
	/// Texts that end the answer.
	pub stop: Vec<String>,
	/// How to draw, but for stop sequences. Without a seed in the request, one drawn at random.
	pub sampling: Sampling,
	/// Whether to tell of logprobs.
	pub logprobs: bool,
	/// Whether to answer by SSE.
	pub stream: bool,
	/// Whether usage comes in an event of its own, and is `null` in all others.
	pub include_usage: bool,
}

/// What is to be continued.
#[derive(Clone, Debug, PartialEq)]
pub enum Prompt {
	/// A text.
	Text(String),
	/// Tokens of the model.
	Tokens(Vec<u32>),
}

impl Asked {
	/// The prompt as tokens of a model.
	///
	/// # Errors
	/// A token that the model does not know; a text for which it has none.
	pub fn tokens(&self, weights: &Weights) -> Result<Vec<u32>, ApiError> {
		let refuse = |error: ModelError| ApiError::field("prompt", format!("cannot be read: {error}"));
		let tokens = match &self.prompt {
			Prompt::Text(text) => weights.encode(text).map_err(refuse)?,
			Prompt::Tokens(tokens) => tokens.clone(),
		};
		let vocabulary = weights.architecture().vocabulary;
		match tokens.iter().find(|token| **token >= vocabulary) {
			Some(token) => {
				let why =
					format!("holds {token}, which is no token: the model knows 0 to {}", vocabulary - 1);
				Err(ApiError::field("prompt", why))
			}
			None if tokens.is_empty() => Err(ApiError::field("prompt", "stands for no token")),
			None => Ok(tokens),
		}
	}

	/// Reads a request body.
	///
	/// # Errors
	/// A body that is no JSON object, or the first field that breaks a rule, by name.
	pub fn read(endpoint: Endpoint, body: &[u8], max_tokens_limit: usize) -> Result<Self, ApiError> {
		let body: Map<String, Value> = serde_json::from_slice(body).map_err(ApiError::not_json)?;
		let fields = Fields(&body);
		let model = fields.string("model")?.ok_or_else(|| {
			ApiError::field("model", "is missing; /v1/models names the model that is served here")
		})?;
		fields.refuse_what_is_not_offered()?;

		let (prompt, mut stop) = match endpoint {
			Endpoint::Completions => (prompt(fields.get("prompt"))?, Vec::new()),
			Endpoint::Chat => (Prompt::Text(chat(fields.get("messages"))?), vec![CHAT_STOP.to_owned()]),
		};
		stop.extend(stops(fields.get("stop"))?);
		let (logprobs, top_logprobs) = fields.logprobs(endpoint)?;
		let sampling = Sampling {
			temperature: fields.number("temperature", 0.0, 2.0)?.unwrap_or(1.0) as f32,
			// None but the likeliest, when it is zero.
			top_p: (fields.number("top_p", 0.0, 1.0)?.unwrap_or(1.0) as f32).max(f32::MIN_POSITIVE),
			seed: fields.seed()?.unwrap_or_else(|| OsRng.next_u64()),
			max_tokens: fields.max_tokens(endpoint, max_tokens_limit)?,
			stop: Vec::new(),
			top_logprobs,
		};
		let stream = fields.boolean("stream")?.unwrap_or(false);
		let include_usage = fields.include_usage(stream)?;
		Ok(Self { endpoint, model: model.into(), prompt, stop, sampling, logprobs, stream, include_usage })
	}
}

/// The fields of a request, read by name.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
	fn get(&self, name: &str) -> Option<&'a Value> {
		self.0.get(name).filter(|value| !value.is_null())
	}

	fn string(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
		self.get(name)
			.map(|value| value.as_str().ok_or_else(|| wrong_type(name, "a string", value)))
			.transpose()
	}

	fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
		let read = |value: &Value| value.as_bool().ok_or_else(|| wrong_type(name, "true or false", value));
		self.get(name).map(read).transpose()
	}

	fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, ApiError> {
		let Some(value) = self.get(name) else { return Ok(None) };
		let number = value.as_f64().ok_or_else(|| wrong_type(name, "a number", value))?;
		if !(least..=most).contains(&number) {
			return Err(ApiError::field(name, format!("is {number}; it must be {least} to {most}")));
		}
		Ok(Some(number))
	}

	fn integer(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, ApiError> {
		let Some(value) = self.get(name) else { return Ok(None) };
		if !(value.is_i64() || value.is_u64()) {
			return Err(wrong_type(name, "an integer", value));
		}
		match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
			Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
			_ => Err(ApiError::field(name, format!("is {value}; it must be {least} to {most}"))),
		}
	}

	/// Any integer of 64 bits, with a sign or without.
	fn seed(&self) -> Result<Option<u64>, ApiError> {
		let Some(value) = self.get("seed") else { return Ok(None) };
		let seed = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
		seed.map(Some).ok_or_else(|| wrong_type("seed", "an integer of 64 bits", value))
	}

	fn max_tokens(&self, endpoint: Endpoint, limit: usize) -> Result<usize, ApiError> {
		let newer = match endpoint {
			Endpoint::Chat => self.integer("max_completion_tokens", 1, limit)?,
			Endpoint::Completions => None,
		};
		let default = match endpoint {
			Endpoint::Completions => DEFAULT_COMPLETION_TOKENS,
			Endpoint::Chat => DEFAULT_CHAT_TOKENS,
		};
		let older = self.integer("max_tokens", 1, limit)?;
		Ok(newer.or(older).unwrap_or(default.min(limit)))
	}

	/// Whether to tell of logprobs, and of how many alternatives.
	fn logprobs(&self, endpoint: Endpoint) -> Result<(bool, usize), ApiError> {
		match endpoint {
			Endpoint::Completions => {
				let count = self.integer("logprobs", 0, MAX_TOP_LOGPROBS)?;
				Ok((count.is_some(), count.unwrap_or_default()))
			}
			Endpoint::Chat => {
				let wanted = self.boolean("logprobs")?.unwrap_or(false);
				let count = self.integer("top_logprobs", 0, MAX_TOP_LOGPROBS)?;
				if count.is_some() && !wanted {
					return Err(ApiError::field("top_logprobs", "needs `logprobs` to be true"));
				}
				Ok((wanted, count.unwrap_or_default()))
			}
		}
	}

	fn include_usage(&self, stream: bool) -> Result<bool, ApiError> {
		let Some(options) = self.get("stream_options") else { return Ok(false) };
		let Some(options) = options.as_object() else {
			return Err(wrong_type("stream_options", "an object", options));
		};
		if !stream {
			return Err(ApiError::field("stream_options", "needs `stream` to be true"));
		}
		match options.get("include_usage") {
			None | Some(Value::Null) => Ok(false),
			Some(Value::Bool(wanted)) => Ok(*wanted),
			Some(other) => Err(wrong_type("stream_options.include_usage", "true or false", other)),
		}
	}

	fn refuse_what_is_not_offered(&self) -> Result<(), ApiError> {
		for (name, harmless) in NOT_OFFERED {
			let Some(value) = self.get(name) else { continue };
			let written = value.to_string();
			if !harmless.contains(&written.as_str()) {
				let only = match harmless.first() {
					Some(only) => format!("only {only} is offered here; set it so, or leave it out"),
					None => "is not offered here; leave it out".into(),
				};
				return Err(ApiError::field(name, format!("asks for what this server does not do: {only}")));
			}
		}
		Ok(())
	}
}

fn wrong_type(param: &str, wanted: &str, found: &Value) -> ApiError {
	let found = match found {
		Value::Null => "null",
		Value::Bool(_) => "a boolean",
		Value::Number(_) => "a number",
		Value::String(_) => "a string",
		Value::Array(_) => "a list",
		Value::Object(_) => "an object",
	};
	ApiError::field(param, format!("must be {wanted}; it is {found}"))
}

/// A text, tokens, or a list with one of either.
fn prompt(prompt: Option<&Value>) -> Result<Prompt, ApiError> {
	let prompt = prompt.ok_or_else(|| ApiError::field("prompt", "is missing"))?;
	let one = match prompt {
		Value::Array(list) if list.iter().all(Value::is_number) => prompt,
		Value::Array(list) => match list.as_slice() {
			[one] => one,
			_ => return Err(ApiError::field("prompt", "holds several prompts; one is answered at a time")),
		},
		one => one,
	};
	let prompt = match one {
		Value::String(text) => Prompt::Text(text.clone()),
		Value::Array(list) => list
			.iter()
			.map(|token| token.as_u64().and_then(|token| u32::try_from(token).ok()))
			.collect::<Option<_>>()
			.map(Prompt::Tokens)
			.ok_or_else(|| ApiError::field("prompt", "holds what is no token: a whole number from 0"))?,
		other => return Err(wrong_type("prompt", "a string, or a list of tokens", other)),
	};
	let is_empty = match &prompt {
		Prompt::Text(text) => text.is_empty(),
		Prompt::Tokens(tokens) => tokens.is_empty(),
	};
	if is_empty {
		return Err(ApiError::field("prompt", "is empty; a model continues at least one token"));
	}
	Ok(prompt)
}

/// Ends the assistant's turn.
const CHAT_STOP: &str = "\nUser:";

/// The messages as one text that a base model can continue:
///
/// ```text
/// System: Be brief.
/// User: Hello!
/// Assistant: Hi.
/// User: Who are you?
/// Assistant:
/// ```
///
/// Developer counts as system. The answer ends before [`CHAT_STOP`].
fn chat(messages: Option<&Value>) -> Result<String, ApiError> {
	let messages = messages.ok_or_else(|| ApiError::field("messages", "is missing"))?;
	let Some(messages) = messages.as_array() else { return Err(wrong_type("messages", "a list", messages)) };
	if messages.is_empty() {
		return Err(ApiError::field("messages", "is empty; give at least one"));
	}
	let mut text = String::new();
	for (number, message) in messages.iter().enumerate() {
		let at = format!("messages[{number}]");
		let Some(message) = message.as_object() else { return Err(wrong_type(&at, "an object", message)) };
		let speaker = match message.get("role").and_then(Value::as_str) {
			Some("system" | "developer") => "System",
			Some("user") => "User",
			Some("assistant") => "Assistant",
			_ => {
				let why = "must be \"system\", \"developer\", \"user\" or \"assistant\"";
				return Err(ApiError::field(format!("{at}.role"), why));
			}
		};
		text.push_str(speaker);
		text.push_str(": ");
		push_content(&mut text, message.get("content"), &format!("{at}.content"))?;
		text.push('\n');
	}
	text.push_str("Assistant:");
	Ok(text)
}

/// A text, or a list of parts of text.
fn push_content(text: &mut String, content: Option<&Value>, at: &str) -> Result<(), ApiError> {
	match content {
		Some(Value::String(content)) => text.push_str(content),
		Some(Value::Array(parts)) => {
			for (number, part) in parts.iter().enumerate() {
				let is_text = part.get("type").and_then(Value::as_str) == Some("text");
				let content =
					part.get("text").and_then(Value::as_str).filter(|_| is_text).ok_or_else(|| {
						let why =
							"must be {\"type\": \"text\", \"text\": ...}: this model reads nothing but text";
						ApiError::field(format!("{at}[{number}]"), why)
					})?;
				text.push_str(content);
			}
		}
		other => return Err(wrong_type(at, "a string, or a list of parts", other.unwrap_or(&Value::Null))),
	}
	Ok(())
}

/// A text, or a list of up to [`MAX_STOPS`].
fn stops(stop: Option<&Value>) -> Result<Vec<String>, ApiError> {
	let list = match stop {
		None => return Ok(Vec::new()),
		Some(Value::Array(list)) => list.as_slice(),
		Some(one) => std::slice::from_ref(one),
	};
	if list.len() > MAX_STOPS {
		return Err(ApiError::field("stop", format!("holds {} texts; at most {MAX_STOPS}", list.len())));
	}
	list.iter()
		.map(|stop| {
			let text =
				stop.as_str().ok_or_else(|| wrong_type("stop", "a string, or a list of them", stop))?;
			if !(1..=MAX_STOP_BYTES).contains(&text.len()) {
				let why = format!("holds a text of {} bytes; it must be 1 to {MAX_STOP_BYTES}", text.len());
				return Err(ApiError::field("stop", why));
			}
			Ok(text.to_owned())
		})
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::architecture::{Architecture, ExpertCount};
	use serde_json::json;

	const LIMIT: usize = 1_000;

	fn read(endpoint: Endpoint, body: Value) -> Result<Asked, ApiError> {
		Asked::read(endpoint, body.to_string().as_bytes(), LIMIT)
	}

	/// A request that is good but for these fields.
	fn with(endpoint: Endpoint, fields: Value) -> Result<Asked, ApiError> {
		let mut body = match endpoint {
			Endpoint::Completions => json!({ "model": "m", "prompt": "p" }),
			Endpoint::Chat => json!({ "model": "m", "messages": [{ "role": "user", "content": "c" }] }),
		};
		body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
		read(endpoint, body)
	}

	fn refused(endpoint: Endpoint, fields: Value) -> String {
		let error = with(endpoint, fields).unwrap_err();
		assert!(error.to_string().starts_with(&format!("`{}`", error.param().unwrap())));
		error.param().unwrap().into()
	}

	/// A model of bytes.
	fn weights() -> Weights {
		let experts = ExpertCount { min: 1, current: 1, max: 1 };
		Weights::init(&Architecture::byte_level(1, experts, 1, 8, 8, 1, 8), 0).unwrap()
	}

	fn text(asked: &Asked) -> String {
		let tokens = asked.tokens(&weights()).unwrap();
		String::from_utf8(tokens.iter().map(|token| *token as u8).collect()).unwrap()
	}

	#[test]
	fn completion_should_have_openais_defaults() {
		let asked =
			with(Endpoint::Completions, json!({ "no_such_field": [1], "temperature": null })).unwrap();
		assert_eq!((asked.model.as_str(), text(&asked).as_str()), ("m", "p"));
		assert!(!asked.stream && !asked.logprobs && !asked.include_usage);
		let Sampling { temperature, top_p, max_tokens, top_logprobs, .. } = asked.sampling;
		assert_eq!((temperature, top_p, max_tokens, asked.stop.len(), top_logprobs), (1.0, 1.0, 16, 0, 0));
		let again = with(Endpoint::Completions, json!({})).unwrap();
		assert_ne!(asked.sampling.seed, again.sampling.seed, "drawn at random");
	}

	#[test]
	fn fields_should_be_read_as_they_are_written() {
		let fields = json!({ "temperature": 0, "top_p": 0.5, "seed": -1, "max_tokens": 1_000, "stop": "\n", "logprobs": 3,
			"stream": true, "stream_options": { "include_usage": true }, "n": 1, "frequency_penalty": 0 });
		let asked = with(Endpoint::Completions, fields).unwrap();
		let expected = Sampling {
			temperature: 0.0,
			top_p: 0.5,
			seed: u64::MAX,
			max_tokens: 1_000,
			stop: vec![],
			top_logprobs: 3,
		};
		assert_eq!((&asked.sampling, &asked.stop), (&expected, &vec!["\n".to_owned()]));
		assert!(asked.stream && asked.logprobs && asked.include_usage);
		let chat = json!({ "max_tokens": 3, "max_completion_tokens": 7, "logprobs": true, "top_logprobs": 2, "top_p": 0,
			"stop": ["a", "bc"], "seed": u64::MAX });
		let asked = with(Endpoint::Chat, chat).unwrap();
		assert_eq!((asked.sampling.max_tokens, asked.sampling.top_logprobs), (7, 2));
		assert_eq!(asked.stop.len(), 3, "and the end of the assistant's turn");
		asked.sampling.validate().unwrap();
	}

	#[test]
	fn prompt_should_be_a_text_or_tokens_and_one() {
		for (prompt, expected) in [
			(json!("ab"), "ab"),
			(json!(["ab"]), "ab"),
			(json!([97, 98]), "ab"),
			(json!([[97, 98]]), "ab"),
			(json!("ü"), "ü"),
		] {
			assert_eq!(text(&with(Endpoint::Completions, json!({ "prompt": prompt })).unwrap()), expected);
		}
		let unknown = with(Endpoint::Completions, json!({ "prompt": [97, 256] })).unwrap();
		let error = unknown.tokens(&weights()).unwrap_err();
		assert!(error.param() == Some("prompt") && error.to_string().contains("0 to 255"), "{error}");
		for prompt in [
			json!(null),
			json!(""),
			json!([]),
			json!([[]]),
			json!(["a", "b"]),
			json!([1u64 << 32]),
			json!([-1]),
			json!([1.5]),
			json!(["a", 1]),
			json!({}),
			json!(3),
		] {
			assert_eq!(refused(Endpoint::Completions, json!({ "prompt": prompt })), "prompt");
		}
	}

	#[test]
	fn chat_should_be_written_as_the_template_says() {
		let messages = json!([
			{ "role": "developer", "content": "Be brief." },
			{ "role": "user", "content": [{ "type": "text", "text": "Hel" }, { "type": "text", "text": "lo!" }] },
			{ "role": "assistant", "content": "Hi.", "refusal": null },
			{ "role": "user", "content": "Who?" },
		]);
		let asked = with(Endpoint::Chat, json!({ "messages": messages })).unwrap();
		assert_eq!(text(&asked), "System: Be brief.\nUser: Hello!\nAssistant: Hi.\nUser: Who?\nAssistant:");
		assert_eq!(asked.stop, ["\nUser:"]);
		assert_eq!(asked.sampling.max_tokens, 256);
	}

	#[test]
	fn messages_should_be_refused_with_their_place() {
		let good = json!({ "role": "user", "content": "x" });
		for (messages, param) in [
			(json!(null), "messages"),
			(json!([]), "messages"),
			(json!("hello"), "messages"),
			(json!([good, "x"]), "messages[1]"),
			(json!([{ "role": "wizard", "content": "x" }]), "messages[0].role"),
			(json!([{ "content": "x" }]), "messages[0].role"),
			(json!([{ "role": "user" }]), "messages[0].content"),
			(json!([good, { "role": "user", "content": 3 }]), "messages[1].content"),
			(json!([{ "role": "user", "content": [{ "type": "image_url" }] }]), "messages[0].content[0]"),
		] {
			assert_eq!(refused(Endpoint::Chat, json!({ "messages": messages })), param);
		}
	}

	#[test]
	fn fields_should_be_refused_by_name_when_out_of_range_or_not_offered() {
		for (fields, param) in [
			(json!({ "model": null }), "model"),
			(json!({ "model": 3 }), "model"),
			(json!({ "temperature": 2.1 }), "temperature"),
			(json!({ "temperature": -0.1 }), "temperature"),
			(json!({ "temperature": "1" }), "temperature"),
			(json!({ "top_p": 1.01 }), "top_p"),
			(json!({ "seed": 1.5 }), "seed"),
			(json!({ "seed": "1" }), "seed"),
			(json!({ "max_tokens": 0 }), "max_tokens"),
			(json!({ "max_tokens": -1 }), "max_tokens"),
			(json!({ "max_tokens": LIMIT + 1 }), "max_tokens"),
			(json!({ "max_tokens": 1.5 }), "max_tokens"),
			(json!({ "stop": "" }), "stop"),
			(json!({ "stop": ["a", "b", "c", "d", "e"] }), "stop"),
			(json!({ "stop": [1] }), "stop"),
			(json!({ "stop": "x".repeat(257) }), "stop"),
			(json!({ "stream": "yes" }), "stream"),
			(json!({ "stream_options": { "include_usage": true } }), "stream_options"),
			(json!({ "stream": true, "stream_options": 1 }), "stream_options"),
			(
				json!({ "stream": true, "stream_options": { "include_usage": 1 } }),
				"stream_options.include_usage",
			),
			(json!({ "n": 2 }), "n"),
			(json!({ "presence_penalty": 0.5 }), "presence_penalty"),
			(json!({ "response_format": { "type": "json_object" } }), "response_format"),
			(json!({ "tools": [{}] }), "tools"),
		] {
			assert_eq!(refused(Endpoint::Completions, fields.clone()), param, "{fields}");
			assert_eq!(refused(Endpoint::Chat, fields), param);
		}
		assert_eq!(refused(Endpoint::Completions, json!({ "logprobs": 21 })), "logprobs");
		assert_eq!(refused(Endpoint::Completions, json!({ "logprobs": true })), "logprobs");
		assert_eq!(refused(Endpoint::Completions, json!({ "echo": true })), "echo");
		assert_eq!(refused(Endpoint::Chat, json!({ "logprobs": 1 })), "logprobs");
		assert_eq!(refused(Endpoint::Chat, json!({ "top_logprobs": 1 })), "top_logprobs");
		assert_eq!(refused(Endpoint::Chat, json!({ "logprobs": true, "top_logprobs": 21 })), "top_logprobs");
		assert_eq!(
			refused(Endpoint::Chat, json!({ "max_completion_tokens": 1_001 })),
			"max_completion_tokens"
		);
	}

	#[test]
	fn body_should_be_a_json_object() {
		for body in ["", "{", "[]", "3", "\"x\""] {
			let error = Asked::read(Endpoint::Chat, body.as_bytes(), LIMIT).unwrap_err();
			assert!(error.to_string().contains("JSON object"), "{body}: {error}");
		}
		assert!(Asked::read(Endpoint::Chat, b"\xFF{}", LIMIT).is_err());
	}

	proptest::proptest! {
		#[test]
		fn read_should_never_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
			let _ = Asked::read(Endpoint::Completions, &body, LIMIT);
		}
	}
}
