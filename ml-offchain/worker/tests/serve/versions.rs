//! Which weights are answered from.

use crate::{
	common::{config, signer},
	stage::{chunks, generated, good, read, text_of, Stage},
};
use blyan_chain_client::Call;
use blyan_exchange::{Identity, Network, NetworkConfig, Provider};
use blyan_model::Sampling;
use blyan_primitives::{worker::Role, Hash};
use blyan_store::{FetchOptions, Store};
use blyan_worker::{
	config::Config,
	serve::{ServeConfig, Server},
};
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn server_should_say_when_to_try_again_until_there_are_weights() {
	let stage = Stage::empty(ServeConfig::default(), 10).await;
	let server = signer("Server");
	stage
		.until("registered", async |stage| {
			stage.chain.fake.edit(|s| s.workers.contains_key(server.account()))
		})
		.await;
	stage
		.until("looking for the model", async |stage| {
			let health = read(stage.get("/health").await).await;
			health["trouble"].as_str().unwrap().contains("no model 0")
		})
		.await;
	for response in
		[stage.complete(json!({})).await, stage.chat(json!({})).await, stage.get("/v1/models").await]
	{
		assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
		assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
		let error = read(response).await;
		assert_eq!(error["error"]["code"], "model_not_ready");
	}
	let health = stage.get("/health").await;
	assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
	assert_eq!(stage.metric("ready").await, 0.0);

	stage.register_model().await;
	stage.until_generation(0).await;
	good(stage.complete(json!({})).await).await;
	assert_eq!(stage.metric("ready").await, 1.0);
	let worker = stage.chain.fake.edit(|state| state.workers[server.account()].clone());
	assert!(worker.roles.contains(Role::Server));
	assert_eq!(stage.chain.calls(server.account(), |call| matches!(call, Call::RegisterWorker { .. })), 1);
	// What it fetched it has for others.
	let head = stage.manifest(0)[0].clone();
	let provider: Provider = String::from_utf8(worker.endpoint).unwrap().parse().unwrap();
	let other = Store::open(stage.folder.path().join("other")).unwrap();
	let network = Network::start(other, Identity::ephemeral(), NetworkConfig::default()).await.unwrap();
	let options = FetchOptions::default();
	network.fetch(head.content, head.bytes, &[provider], &options).await.unwrap();
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_should_end_with_the_version_it_began_with_when_another_is_released() {
	const TOKENS: usize = 200_000;
	let stage = Stage::new(ServeConfig { max_tokens_limit: TOKENS, ..ServeConfig::default() }).await;
	let (old, old_root) = (stage.weights().await, stage.model().root.unwrap());
	let mut running = stage.complete(json!({ "max_tokens": TOKENS, "stream": true })).await;
	let mut body = running.chunk().await.unwrap().unwrap().to_vec();

	let new_root = stage.release().await;
	stage.until_generation(1).await;
	assert_eq!(stage.metric("answers_running").await, 1.0, "the old answer is still under way");
	let answer = good(stage.complete(json!({})).await).await;
	assert_eq!(answer["blyan"]["version_root"], format!("{new_root:?}"));
	assert_eq!(answer["blyan"]["generation"], 1);
	let short = Sampling { seed: 7, max_tokens: 32, ..Sampling::default() };
	let expected = generated(&stage.weights().await, "the lazy ", &short);
	assert_eq!(answer["choices"][0]["text"], String::from_utf8_lossy(&expected).as_ref());
	assert_ne!(expected, generated(&old, "the lazy ", &short), "the versions differ");

	while let Some(more) = running.chunk().await.unwrap() {
		body.extend_from_slice(&more);
	}
	let chunks = chunks(std::str::from_utf8(&body).unwrap());
	let last = chunks.last().unwrap();
	assert_eq!(last["blyan"]["version_root"], format!("{old_root:?}"));
	assert_eq!(last["usage"]["completion_tokens"], TOKENS);
	let expected = generated(&old, "the lazy ", &Sampling { max_tokens: TOKENS, ..short });
	assert!(text_of(&chunks) == String::from_utf8_lossy(&expected), "the old weights to the last token");
	assert_eq!(stage.metric("model_generation").await, 1.0);
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_should_go_on_with_the_old_version_when_the_new_one_is_not_as_the_root_says() {
	let stage = Stage::new(ServeConfig::default()).await;
	let root = stage.model().root.unwrap();
	stage.release().await;
	stage.until_generation(1).await;
	// A node that names heads the root does not: refused, whatever the content.
	stage.chain.fake.edit(|state| {
		let info = state.models.get_mut(&0).unwrap();
		info.generation = 2;
		info.root = Some(Hash::repeat_byte(9));
		let manifest = state.manifests[&(0, 1)].clone();
		state.manifests.insert((0, 2), manifest);
	});
	stage
		.until("refused", async |stage| {
			let health = read(stage.get("/health").await).await;
			health["trouble"].as_str().is_some_and(|trouble| trouble.contains("REFUSED"))
		})
		.await;
	let answer = good(stage.complete(json!({})).await).await;
	assert_eq!(answer["blyan"]["generation"], 1);
	assert_ne!(answer["blyan"]["version_root"], format!("{root:?}"));
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_should_start_again_from_its_own_store() {
	let mut stage = Stage::new(ServeConfig::default()).await;
	stage.shutdown.cancel();
	(&mut stage.server).await.unwrap().unwrap();
	stage.exchange.take().unwrap().stop(Duration::from_secs(5)).await;
	let config = Config {
		serve: ServeConfig { api_listen: ([127, 0, 0, 1], 0).into(), ..ServeConfig::default() },
		..config(stage.folder.path(), "server")
	};
	let server = Server::bind(config).await.unwrap();
	stage.base = format!("http://{}", server.address());
	stage.shutdown = CancellationToken::new();
	let connection = stage.chain.connection("Server");
	stage.server = tokio::spawn(server.run(async { Ok(connection) }, stage.shutdown.clone()));
	stage.until_generation(0).await;
	good(stage.complete(json!({})).await).await;
	stage.stop().await;
}
