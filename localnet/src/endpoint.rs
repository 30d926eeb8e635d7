//! Asks the OpenAI-compatible endpoint, as any client would.

use crate::summary::Answers;
use anyhow::{bail, ensure, Context, Result};
use serde_json::{json, Value};
use std::time::Duration;

/// What the model is asked to continue.
pub const PROMPT: &str = "hacker: n. ";
/// How much of an answer is asked for.
const MAX_TOKENS: u32 = 48;
/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// The endpoint of the local server.
pub struct Endpoint {
	base: String,
	client: reqwest::Client,
}

impl Endpoint {
	/// The endpoint at that address, such as `http://127.0.0.1:8080`.
	///
	/// # Errors
	/// The HTTP client cannot be set up.
	pub fn new(base: String) -> Result<Self> {
		// On this machine: a proxy that the environment names must not stand between.
		let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build()?;
		Ok(Self { base, client })
	}

	/// The model's name and the version root that answers come from, once there is one.
	///
	/// # Errors
	/// The endpoint does not answer yet, or not as it should.
	pub async fn version_root(&self) -> Result<String> {
		let answer = self.post("/v1/completions", self.completion(false).await?).await?;
		receipt(&serde_json::from_str(&answer)?)
	}

	/// Asks for a completion, for a chat, and for a completion by SSE.
	///
	/// # Errors
	/// One of them is not answered in OpenAI's shape, or the three name different versions.
	pub async fn ask_everything(&self) -> Result<Answers> {
		let body = self.post("/v1/completions", self.completion(false).await?).await?;
		let (completion, version_root) = read_completion(&body).context("/v1/completions")?;
		let chat = json!({
			"model": self.model().await?,
			"messages": [{ "role": "user", "content": PROMPT }],
			"max_tokens": MAX_TOKENS, "temperature": 0.8, "seed": 1,
		});
		let body = self.post("/v1/chat/completions", chat).await?;
		let (chat, chat_root) = read_chat(&body).context("/v1/chat/completions")?;
		let body = self.post("/v1/completions", self.completion(true).await?).await?;
		let (streamed, streamed_root) = read_stream(&body).context("/v1/completions by SSE")?;
		ensure!(
			version_root == chat_root && chat_root == streamed_root,
			"answers name different versions: {version_root}, {chat_root}, {streamed_root}"
		);
		Ok(Answers { completion, chat, streamed, version_root })
	}

	/// A request that draws the same tokens every time.
	async fn completion(&self, stream: bool) -> Result<Value> {
		Ok(json!({
			"model": self.model().await?, "prompt": PROMPT,
			"max_tokens": MAX_TOKENS, "temperature": 0.8, "seed": 1, "stream": stream,
		}))
	}

	/// The name of the first model.
	///
	/// # Errors
	/// The endpoint does not answer, or serves none.
	pub async fn model(&self) -> Result<String> {
		let url = format!("{}/v1/models", self.base);
		let response =
			self.client.get(&url).send().await.with_context(|| format!("{url} cannot be reached"))?;
		let models: Value = serde_json::from_str(&read(response).await?)?;
		models["data"][0]["id"].as_str().map(String::from).with_context(|| format!("{url} names no model"))
	}

	async fn post(&self, path: &str, body: Value) -> Result<String> {
		let url = format!("{}{path}", self.base);
		let response = self
			.client
			.post(&url)
			.header("content-type", "application/json")
			.body(body.to_string())
			.send()
			.await
			.with_context(|| format!("{url} cannot be reached"))?;
		read(response).await.with_context(|| format!("{url} refused"))
	}
}

async fn read(response: reqwest::Response) -> Result<String> {
	let status = response.status();
	let body = response.text().await?;
	ensure!(status.is_success(), "{status}: {body}");
	Ok(body)
}

/// The version root that an answer's receipt names.
fn receipt(answer: &Value) -> Result<String> {
	answer["blyan"]["version_root"]
		.as_str()
		.map(String::from)
		.context("there is no receipt (blyan.version_root)")
}

/// Text and version root of a completion.
fn read_completion(body: &str) -> Result<(String, String)> {
	let answer: Value = serde_json::from_str(body)?;
	let text = answer["choices"][0]["text"].as_str().context("there is no choices[0].text")?;
	check_usage(&answer)?;
	Ok((text.into(), receipt(&answer)?))
}

/// Text and version root of a chat.
fn read_chat(body: &str) -> Result<(String, String)> {
	let answer: Value = serde_json::from_str(body)?;
	let message = &answer["choices"][0]["message"];
	ensure!(message["role"] == "assistant", "choices[0].message is not the assistant's");
	let text = message["content"].as_str().context("there is no choices[0].message.content")?;
	check_usage(&answer)?;
	Ok((text.into(), receipt(&answer)?))
}

/// Text and version root of a streamed completion: `data:` lines, the last of them `[DONE]`, usage and
/// receipt in the last one before it.
fn read_stream(body: &str) -> Result<(String, String)> {
	let mut events: Vec<&str> =
		body.lines().filter_map(|line| line.strip_prefix("data:").map(str::trim)).collect();
	if events.pop() != Some("[DONE]") {
		bail!("the stream does not end with [DONE]");
	}
	let mut text = String::new();
	let mut last = Value::Null;
	for event in events {
		last = serde_json::from_str(event).with_context(|| format!("an event is not JSON: {event}"))?;
		if let Some(error) = last.get("error") {
			bail!("the answer broke off: {error}");
		}
		text.push_str(last["choices"][0]["text"].as_str().unwrap_or_default());
	}
	check_usage(&last).context("the last event")?;
	Ok((text, receipt(&last)?))
}

fn check_usage(answer: &Value) -> Result<()> {
	let tokens =
		answer["usage"]["completion_tokens"].as_u64().context("there is no usage.completion_tokens")?;
	ensure!(
		(1..=u64::from(MAX_TOKENS)).contains(&tokens),
		"{tokens} completion tokens, though {MAX_TOKENS} were asked for"
	);
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn read_stream_should_put_the_pieces_together() {
		let body = concat!(
			"data: {\"choices\":[{\"text\":\"a \"}]}\n\n",
			": a comment\n\n",
			"data: {\"choices\":[{\"text\":\"wizard\"}]}\n\n",
			"data: {\"choices\":[],\"usage\":{\"completion_tokens\":8},\"blyan\":{\"version_root\":\"0x1\"}}\n\n",
			"data: [DONE]\n\n",
		);
		assert_eq!(read_stream(body).unwrap(), ("a wizard".into(), "0x1".into()));
	}

	#[test]
	fn read_stream_should_name_what_is_missing() {
		let refusal = |body: &str| format!("{:#}", read_stream(body).unwrap_err());
		assert!(refusal("").contains("[DONE]"));
		assert!(refusal("data: {\"choices\":[]}\n").contains("[DONE]"));
		assert!(refusal("data: {\"choices\":[]}\ndata: [DONE]\n").contains("usage"));
		assert!(refusal("data: {\"usage\":{\"completion_tokens\":1}}\ndata: [DONE]\n").contains("receipt"));
		assert!(refusal("data: {\"error\":{\"message\":\"gone\"}}\ndata: [DONE]\n").contains("gone"));
		assert!(refusal("data: {torn\ndata: [DONE]\n").contains("not JSON"));
	}

	#[test]
	fn read_completion_and_chat_should_want_text_usage_and_receipt() {
		let tail = r#""usage":{"completion_tokens":3},"blyan":{"version_root":"0x1"}"#;
		assert_eq!(
			read_completion(&format!(r#"{{"choices":[{{"text":"x"}}],{tail}}}"#)).unwrap(),
			("x".into(), "0x1".into())
		);
		assert!(read_completion(&format!(r#"{{"choices":[],{tail}}}"#)).is_err());
		assert!(read_completion(r#"{"choices":[{"text":"x"}],"blyan":{"version_root":"0x1"}}"#).is_err());
		let too_many =
			r#"{"choices":[{"text":"x"}],"usage":{"completion_tokens":49},"blyan":{"version_root":"0x1"}}"#;
		assert!(read_completion(too_many).is_err());
		let chat = format!(r#"{{"choices":[{{"message":{{"role":"assistant","content":"y"}}}}],{tail}}}"#);
		assert_eq!(read_chat(&chat).unwrap(), ("y".into(), "0x1".into()));
		assert!(read_chat(&chat.replace("assistant", "user")).is_err());
	}

	#[tokio::test]
	async fn version_root_should_name_the_address_when_nobody_answers() {
		let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
		let endpoint = Endpoint::new(format!("http://127.0.0.1:{port}")).unwrap();
		let message = format!("{:#}", endpoint.version_root().await.unwrap_err());
		assert!(message.contains(&port.to_string()), "{message}");
	}
}
