//! What is answered: texts, streams, chats.

use crate::stage::{chunks, generated, good, read, text_of, Stage};
use blyan_model::{byte_tokens, Sampling};
use blyan_worker::serve::ServeConfig;
use serde_json::{json, Value};

#[tokio::test(flavor = "multi_thread")]
async fn completion_should_be_what_the_accepted_weights_generate_and_say_so() {
	let stage = Stage::new(ServeConfig::default()).await;
	let response = stage.complete(json!({ "temperature": 0.8, "top_p": 0.9 })).await;
	let root = format!("{:?}", stage.model().root.unwrap());
	assert_eq!(response.headers()["x-blyan-version-root"], root.as_str());
	let answer = good(response).await;
	let sampling = Sampling { temperature: 0.8, top_p: 0.9, seed: 7, max_tokens: 32, ..Sampling::default() };
	let bytes = generated(&stage.weights().await, "the lazy ", &sampling);
	assert_eq!(answer["choices"][0]["text"], String::from_utf8_lossy(&bytes).as_ref());
	assert_eq!(answer["choices"][0]["finish_reason"], "length");
	assert_eq!(answer["choices"][0]["logprobs"], Value::Null);
	assert_eq!(answer["object"], "text_completion");
	assert_eq!(answer["model"], "tiny");
	assert!(answer["id"].as_str().unwrap().starts_with("cmpl-"));
	assert!(answer["created"].as_u64().unwrap() > 1_600_000_000);
	assert_eq!(answer["usage"], json!({ "prompt_tokens": 9, "completion_tokens": 32, "total_tokens": 41 }));

	let receipt = &answer["blyan"];
	assert_eq!(receipt["version_root"], root.as_str());
	assert_eq!((&receipt["model_id"], &receipt["generation"]), (&json!(0), &json!(0)));
	assert_eq!(receipt["version"], stage.model().version.to_string());
	let blocks: Vec<String> = stage.manifest(0).iter().map(|entry| format!("{:?}", entry.block)).collect();
	assert_eq!(receipt["blocks"], json!(blocks));
	assert!(receipt["chain_height"].as_u64().unwrap() > 0);
	assert_eq!(receipt["chain_hash"].as_str().unwrap().len(), 66);

	// The height follows the chain, though the weights stay.
	let height = receipt["chain_height"].as_u64().unwrap();
	stage
		.until("seen in a newer block", async |stage| {
			read(stage.get("/health").await).await["blyan"]["chain_height"].as_u64().unwrap() > height
		})
		.await;
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_be_the_same_when_the_seed_is() {
	let stage = Stage::new(ServeConfig::default()).await;
	let once = good(stage.complete(json!({})).await).await;
	let again = good(stage.complete(json!({})).await).await;
	assert_eq!(once["choices"], again["choices"]);
	assert_eq!(once["system_fingerprint"], again["system_fingerprint"]);
	assert_ne!(once["id"], again["id"]);
	let other = good(stage.complete(json!({ "seed": 8 })).await).await;
	assert_ne!(once["choices"], other["choices"]);
	let streamed = stage.complete(json!({ "stream": true })).await.text().await.unwrap();
	assert_eq!(text_of(&chunks(&streamed)), once["choices"][0]["text"].as_str().unwrap());
	let (unseeded, anew) = (json!({ "seed": null }), json!({ "seed": null }));
	let (a, b) = (good(stage.complete(unseeded).await).await, good(stage.complete(anew).await).await);
	assert_ne!(a["choices"], b["choices"], "drawn at random without a seed");
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_end_before_a_stop_text() {
	let stage = Stage::new(ServeConfig::default()).await;
	let fields = |stop: Value, stream: bool| json!({ "max_tokens": 400, "stop": stop, "stream": stream });
	let free = good(stage.complete(fields(Value::Null, false)).await).await;
	let free = free["choices"][0]["text"].as_str().unwrap();
	let letters: Vec<(usize, char)> =
		free.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).collect();
	let (_, letter) = letters[letters.len() / 2];
	let at = free.find(letter).unwrap();
	for stop in [json!(letter.to_string()), json!(["never in there", letter.to_string()])] {
		let answer = good(stage.complete(fields(stop.clone(), false)).await).await;
		assert_eq!(answer["choices"][0]["text"], free[..at]);
		assert_eq!(answer["choices"][0]["finish_reason"], "stop");
		assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() < 400);
		let streamed = chunks(&stage.complete(fields(stop, true)).await.text().await.unwrap());
		assert_eq!(text_of(&streamed), free[..at]);
		assert_eq!(streamed.last().unwrap()["choices"][0]["finish_reason"], "stop");
	}
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_should_be_framed_as_openais() {
	let stage = Stage::new(ServeConfig::default()).await;
	let response = stage.complete(json!({ "stream": true })).await;
	assert_eq!(response.headers()["content-type"], "text/event-stream");
	let root = format!("{:?}", stage.model().root.unwrap());
	assert_eq!(response.headers()["x-blyan-version-root"], root.as_str());
	let plain = chunks(&response.text().await.unwrap());
	let usage = json!({ "prompt_tokens": 9, "completion_tokens": 32, "total_tokens": 41 });
	let (last, rest) = plain.split_last().unwrap();
	assert!(!rest.is_empty());
	for chunk in rest {
		assert_eq!((&chunk["id"], &chunk["object"]), (&last["id"], &json!("text_completion")));
		assert_eq!(chunk["choices"][0]["finish_reason"], Value::Null);
		assert!(chunk.get("usage").is_none() && chunk.get("blyan").is_none());
	}
	assert_eq!(last["choices"][0]["finish_reason"], "length");
	assert_eq!(last["usage"], usage);
	assert_eq!(last["blyan"]["version_root"], root.as_str());

	let fields = json!({ "stream": true, "stream_options": { "include_usage": true } });
	let asked = chunks(&stage.complete(fields).await.text().await.unwrap());
	let (last, rest) = asked.split_last().unwrap();
	assert!(rest.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
	assert_eq!(rest.last().unwrap()["choices"][0]["finish_reason"], "length");
	assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &usage));
	assert_eq!(last["blyan"]["version_root"], root.as_str());
	assert_eq!(text_of(&asked), text_of(&plain));
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_should_answer_as_the_assistant_whole_or_streamed() {
	let stage = Stage::new(ServeConfig::default()).await;
	let answer = good(stage.chat(json!({ "seed": 3 })).await).await;
	assert_eq!(answer["object"], "chat.completion");
	let message = &answer["choices"][0]["message"];
	assert_eq!(message["role"], "assistant");
	assert_eq!(answer["usage"]["prompt_tokens"], "User: hello\nAssistant:".len());
	let sampling =
		Sampling { seed: 3, max_tokens: 32, stop: vec![byte_tokens(b"\nUser:")], ..Sampling::default() };
	let bytes = generated(&stage.weights().await, "User: hello\nAssistant:", &sampling);
	assert_eq!(message["content"], String::from_utf8_lossy(&bytes).as_ref());

	let streamed = stage.chat(json!({ "seed": 3, "stream": true })).await.text().await.unwrap();
	let streamed = chunks(&streamed);
	assert!(streamed.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
	assert_eq!(streamed[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
	let text: String =
		streamed.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
	assert_eq!(text, message["content"].as_str().unwrap());
	let last = streamed.last().unwrap();
	assert_eq!(last["choices"][0]["delta"], json!({}));
	assert_eq!(last["usage"], answer["usage"]);
	assert_eq!(last["blyan"]["version_root"], answer["blyan"]["version_root"]);
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logprobs_should_tell_of_every_token_in_both_shapes() {
	let stage = Stage::new(ServeConfig::default()).await;
	let legacy = good(stage.complete(json!({ "temperature": 0, "logprobs": 2 })).await).await;
	let text = legacy["choices"][0]["text"].as_str().unwrap();
	let logprobs = &legacy["choices"][0]["logprobs"];
	let list = |name: &str| logprobs[name].as_array().unwrap().clone();
	assert_eq!(list("tokens").len(), 32);
	let offsets: Vec<u64> = list("text_offset").iter().map(|offset| offset.as_u64().unwrap()).collect();
	assert!(offsets.is_sorted() && offsets[0] == 0 && *offsets.last().unwrap() < text.chars().count() as u64);
	for ((token, logprob), top) in list("tokens").iter().zip(list("token_logprobs")).zip(list("top_logprobs"))
	{
		let top = top.as_object().unwrap();
		assert_eq!(top.len(), 2);
		assert_eq!(top[token.as_str().unwrap()], logprob, "greedy takes the likeliest");
		assert!(logprob.as_f64().unwrap() < 0.0);
	}
	let bare = good(stage.complete(json!({ "logprobs": 0 })).await).await;
	assert_eq!(bare["choices"][0]["logprobs"]["top_logprobs"], Value::Null);

	let fields = json!({ "temperature": 0, "logprobs": true, "top_logprobs": 3, "seed": 1 });
	let chat = good(stage.chat(fields.clone()).await).await;
	let content = chat["choices"][0]["logprobs"]["content"].as_array().unwrap();
	assert_eq!(content.len(), 32);
	let bytes: Vec<u8> = content.iter().map(|token| token["bytes"][0].as_u64().unwrap() as u8).collect();
	assert_eq!(chat["choices"][0]["message"]["content"], String::from_utf8_lossy(&bytes).as_ref());
	for token in content {
		assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 3);
		assert_eq!(token["top_logprobs"][0]["bytes"], token["bytes"]);
	}
	let mut fields = fields;
	fields["stream"] = json!(true);
	let streamed = chunks(&stage.chat(fields).await.text().await.unwrap());
	let told: Vec<Value> = streamed
		.iter()
		.filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array().cloned())
		.flatten()
		.collect();
	assert_eq!(told, *content);
	stage.stop().await;
}
