//! What clients see besides answers: models, errors, addresses.

use crate::{
	common::config,
	stage::{good, read, Stage},
};
use blyan_worker::{
	config::Config,
	serve::{ServeConfig, ServeError, Server},
};
use reqwest::{Response, StatusCode};
use serde_json::{json, Value};

#[tokio::test(flavor = "multi_thread")]
async fn model_should_be_listed_and_found_by_name_or_number() {
	let stage = Stage::new(ServeConfig::default()).await;
	// A receipt names the newest finalized block, and blocks go on between two requests.
	let listed = async |path: &str| {
		let mut answer = good(stage.get(path).await).await;
		let model = if answer["object"] == "list" { &mut answer["data"][0] } else { &mut answer };
		let receipt = model["blyan"].as_object_mut().unwrap();
		assert!(receipt.remove("chain_height").is_some() && receipt.remove("chain_hash").is_some());
		answer
	};
	let models = listed("/v1/models").await;
	assert_eq!(models["object"], "list");
	assert_eq!(models["data"][0]["id"], "tiny");
	assert_eq!(models["data"][0]["owned_by"], stage.owner.account().to_string());
	assert_eq!(listed("/v1/models/tiny").await, models["data"][0]);
	assert_eq!(listed("/v1/models/model-0").await, models["data"][0]);
	assert_eq!(stage.get("/v1/models/a/b").await.status(), StatusCode::NOT_FOUND);
	good(stage.complete(json!({ "model": "model-0" })).await).await;
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_should_name_what_is_wrong_in_openais_shape() {
	let stage = Stage::new(ServeConfig { request_body_bytes: 2_000, ..ServeConfig::default() }).await;
	let expect = async |response: Response, status: StatusCode, param: Value, code: &str| {
		assert_eq!(response.status(), status);
		let body = read(response).await;
		let error = body["error"].as_object().unwrap();
		let mut fields: Vec<_> = error.keys().map(String::as_str).collect();
		fields.sort_unstable();
		assert_eq!(fields, ["code", "message", "param", "type"]);
		assert!(!error["message"].as_str().unwrap().is_empty());
		assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &param));
		assert_eq!(error["code"], code);
	};
	let bad = StatusCode::BAD_REQUEST;
	for path in ["/v1/completions", "/v1/chat/completions"] {
		expect(stage.post(path, "{ torn").await, bad, Value::Null, "invalid_json").await;
		expect(stage.post(path, vec![0xFF, 0xFE]).await, bad, Value::Null, "invalid_json").await;
		expect(stage.post(path, "").await, bad, Value::Null, "invalid_json").await;
		let large = StatusCode::PAYLOAD_TOO_LARGE;
		expect(stage.post(path, "x".repeat(2_001)).await, large, Value::Null, "request_too_large").await;
		let wrong = StatusCode::METHOD_NOT_ALLOWED;
		expect(stage.get(path).await, wrong, Value::Null, "method_not_supported").await;
	}
	for (fields, param) in [
		(json!({ "temperature": 9 }), "temperature"),
		(json!({ "top_p": -1 }), "top_p"),
		(json!({ "max_tokens": 1_000_000 }), "max_tokens"),
		(json!({ "n": 2 }), "n"),
		(json!({ "stop": 4 }), "stop"),
	] {
		expect(stage.complete(fields.clone()).await, bad, json!(param), "invalid_value").await;
		expect(stage.chat(fields).await, bad, json!(param), "invalid_value").await;
	}
	let missing = StatusCode::NOT_FOUND;
	expect(stage.complete(json!({ "model": "gpt" })).await, missing, json!("model"), "model_not_found").await;
	expect(stage.get("/v1/models/gpt").await, missing, json!("model"), "model_not_found").await;
	expect(stage.get("/v2").await, missing, Value::Null, "unknown_url").await;
	let page = stage.get("/metrics").await.text().await.unwrap();
	assert!(page.contains("requests_total{endpoint=\"completions\",status=\"413\"} 1\n"), "{page}");
	assert!(page.contains("requests_total{endpoint=\"other\",status=\"404\"} 1\n"), "{page}");
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node, and `npm ci --prefix tests/js`"]
async fn official_client_should_work_unchanged() {
	let stage = Stage::new(ServeConfig::default()).await;
	let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/js/openai.mjs");
	let output = tokio::process::Command::new("node").args([script, &stage.base]).output().await.unwrap();
	let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
	assert!(output.status.success(), "{out}{error}");
	println!("{out}");
	stage.stop().await;
}

#[tokio::test]
async fn bind_should_name_the_option_when_the_port_is_taken() {
	let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
	let serve = ServeConfig { api_listen: taken.local_addr().unwrap(), ..ServeConfig::default() };
	let folder = tempfile::tempdir().unwrap();
	let error = Server::bind(Config { serve, ..config(folder.path(), "server") }).await.unwrap_err();
	assert!(matches!(error, ServeError::PortTaken { .. }));
	assert!(error.to_string().contains("`serve.api_listen`"), "{error}");
	assert!(!folder.path().join("server").exists(), "nothing was begun");
}
