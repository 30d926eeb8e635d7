//! More requests than can be answered, clients that leave, and the end.

use crate::stage::{chunks, completion, events, good, read, Stage, ENDLESS};
use blyan_worker::serve::ServeConfig;
use reqwest::StatusCode;
use serde_json::{json, Value};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn request_should_be_told_to_come_back_when_the_queue_is_full() {
	let serve =
		ServeConfig { max_concurrent: 1, queue: 1, max_tokens_limit: ENDLESS, ..ServeConfig::default() };
	let stage = Stage::new(serve).await;
	let running = stage.complete(json!({ "max_tokens": ENDLESS, "stream": true })).await;
	assert_eq!(running.status(), StatusCode::OK);
	let waiting = {
		let (http, url) = (stage.http.clone(), format!("{}/v1/completions", stage.base));
		let body = completion(json!({})).to_string();
		tokio::spawn(async move { http.post(url).body(body).send().await.unwrap() })
	};
	stage.until("waiting", async |stage| stage.metric("requests_waiting").await == 1.0).await;
	let refused = stage.complete(json!({})).await;
	assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
	assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
	let error = read(refused).await;
	assert_eq!(error["error"]["code"], "rate_limit_exceeded");
	assert_eq!(stage.metric("answers_running").await, 1.0);
	drop(running);
	good(waiting.await.unwrap()).await;
	good(stage.complete(json!({})).await).await;
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_end_when_its_client_leaves() {
	let stage = Stage::new(ServeConfig { max_tokens_limit: ENDLESS, ..ServeConfig::default() }).await;
	let fields = json!({ "max_tokens": ENDLESS, "stream": true });
	let mut streamed = stage.complete(fields).await;
	assert!(streamed.chunk().await.unwrap().is_some());
	drop(streamed);
	stage.until("ended", async |stage| stage.metric("answers_cancelled_total").await == 1.0).await;

	let patience = Duration::from_millis(100);
	let whole = stage.complete(json!({ "max_tokens": ENDLESS }));
	tokio::time::timeout(patience, whole).await.expect_err("it takes much longer");
	stage.until("ended", async |stage| stage.metric("answers_cancelled_total").await == 2.0).await;
	assert_eq!(stage.metric("answers_running").await, 0.0);
	assert!(stage.metric("completion_tokens_total").await < 2.0 * ENDLESS as f64);
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_should_let_answers_finish_and_break_off_the_endless() {
	let serve = ServeConfig { max_tokens_limit: ENDLESS, ..ServeConfig::default() };
	let stage = Stage::empty(serve, 1).await;
	stage.register_model().await;
	stage.until_generation(0).await;
	let mut short = stage.complete(json!({ "max_tokens": 2_000, "stream": true })).await;
	let endless = stage.complete(json!({ "max_tokens": ENDLESS, "stream": true })).await;
	stage.shutdown.cancel();
	let mut body = Vec::new();
	while let Some(more) = short.chunk().await.unwrap() {
		body.extend_from_slice(&more);
	}
	assert_eq!(
		chunks(std::str::from_utf8(&body).unwrap()).last().unwrap()["usage"]["completion_tokens"],
		2_000
	);
	let broken = endless.text().await.unwrap();
	let last: Value = serde_json::from_str(events(&broken).last().unwrap()).unwrap();
	assert_eq!(last["error"]["code"], "server_stopping", "and no [DONE]");
	stage.server.await.unwrap().unwrap();
	assert!(stage.http.get(format!("{}/health", stage.base)).send().await.is_err());
}
