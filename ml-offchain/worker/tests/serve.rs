//! The server, in one process with a chain in memory: real weights, a real exchange, real HTTP.

mod common;

use blyan_chain_client::Call;
use blyan_exchange::{Identity, Network, NetworkConfig, Provider};
use blyan_model::{byte_tokens, Generator, Sampling, Weights};
use blyan_primitives::{
	api::ModelInfo,
	dag::{Component, ManifestEntry},
	merkle,
	worker::Role,
	AccountId, Hash,
};
use blyan_store::{FetchOptions, Store};
use blyan_worker::{
	config::Config,
	exchange::{self, Gateway},
	heads::load_verified,
	register_model::register_model,
	serve::{ServeConfig, ServeError, Server},
	worker::Connection,
};
use common::{config, content, import, register_bare, registration, signer, TestChain, Ticker};
use reqwest::{Client, Response, StatusCode};
use serde_json::{json, Value};
use std::{ops::ControlFlow, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const EXPERT: Component = Component::Expert { layer: 0, index: 1 };
/// Takes the tiny model seconds.
const ENDLESS: usize = 1 << 20;

/// A chain with the owner of a model on it, and a server.
struct Stage {
	folder: tempfile::TempDir,
	chain: TestChain,
	owner: Connection,
	owner_config: Config,
	/// Serves the owner's store.
	exchange: Option<Gateway>,
	base: String,
	http: Client,
	shutdown: CancellationToken,
	server: JoinHandle<Result<(), ServeError>>,
	_ticker: Ticker,
}

impl Stage {
	/// Without a model.
	async fn empty(serve: ServeConfig, shutdown_seconds: u64) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = TestChain::new();
		let ticker = chain.run();
		let owner = chain.connection("Trainer");
		let owner_config = config(folder.path(), "owner");
		let store = Store::open(owner_config.store_dir()).unwrap();
		let exchange = exchange::start_gateway(store, ([127, 0, 0, 1], 0).into()).await.unwrap();
		register_bare(&chain, owner.account(), &format!("http://{}", exchange.address()));

		let serve = ServeConfig { api_listen: ([127, 0, 0, 1], 0).into(), ..serve };
		let config = Config { serve, shutdown_seconds, ..config(folder.path(), "server") };
		let server = Server::bind(config).await.unwrap();
		let base = format!("http://{}", server.address());
		let (connection, shutdown) = (chain.connection("Server"), CancellationToken::new());
		let server = tokio::spawn(server.run(async { Ok(connection) }, shutdown.clone()));
		let http = Client::builder().no_proxy().build().unwrap();
		Self {
			folder,
			chain,
			owner,
			owner_config,
			exchange: Some(exchange),
			base,
			http,
			shutdown,
			server,
			_ticker: ticker,
		}
	}

	/// Answering from the genesis weights.
	async fn new(serve: ServeConfig) -> Self {
		let stage = Self::empty(serve, 10).await;
		stage.register_model().await;
		stage.until_generation(0).await;
		stage
	}

	async fn register_model(&self) {
		let imported = import(&self.owner_config);
		register_model(&self.owner_config, &self.owner, &registration(&imported)).await.unwrap();
	}

	fn store(&self) -> Store {
		Store::open(self.owner_config.store_dir()).unwrap()
	}

	fn model(&self) -> ModelInfo<AccountId> {
		self.chain.fake.edit(|state| state.models[&0].clone())
	}

	fn manifest(&self, generation: u32) -> Vec<ManifestEntry> {
		self.chain.fake.edit(|state| state.manifests[&(0, generation)].clone())
	}

	/// The weights of the version that the chain has.
	async fn weights(&self) -> Weights {
		let content = content(self.store(), &self.owner).await;
		let patience = Duration::from_secs(5);
		load_verified(&*self.owner.chain, &content, 0, None, None, patience).await.unwrap().weights
	}

	/// Releases a version with another expert; returns its root.
	async fn release(&self) -> Hash {
		let mut weights = self.weights().await;
		weights.component_mut(EXPERT).unwrap().iter_mut().for_each(|x| *x = *x * -3.0 + 0.1);
		let stored = self.store().put_bytes(&weights.component_bytes(EXPERT).unwrap()).unwrap();
		self.chain.fake.edit(|state| {
			let info = state.models.get_mut(&0).unwrap();
			let mut manifest = state.manifests[&(0, info.generation)].clone();
			let entry = manifest.iter_mut().find(|entry| entry.component == EXPERT).unwrap();
			let block = Hash::repeat_byte(info.generation as u8 + 1);
			*entry = ManifestEntry {
				component: EXPERT,
				block,
				content: stored.cid,
				bytes: stored.bytes,
				deltas: 0,
				probation_until: None,
			};
			info.generation += 1;
			let a = info.architecture;
			let heads =
				manifest.iter().map(|entry| (a.component_index(entry.component).unwrap(), entry.block));
			info.root = merkle::version_root_of_heads(&a, heads);
			state.manifests.insert((0, info.generation), manifest);
			info.root.unwrap()
		})
	}

	async fn get(&self, path: &str) -> Response {
		self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
	}

	async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
		self.http.post(format!("{}{path}", self.base)).body(body).send().await.unwrap()
	}

	async fn complete(&self, fields: Value) -> Response {
		self.post("/v1/completions", completion(fields).to_string()).await
	}

	async fn chat(&self, fields: Value) -> Response {
		let mut body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hello" }], "max_tokens": 32 });
		body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
		self.post("/v1/chat/completions", body.to_string()).await
	}

	/// The value of a metric.
	async fn metric(&self, name: &str) -> f64 {
		let page = self.get("/metrics").await.text().await.unwrap();
		let line = page.lines().find_map(|line| line.strip_prefix(&format!("blyan_serve_{name} ")));
		line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
	}

	async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
		let look = async {
			while !holds(self).await {
				tokio::time::sleep(Duration::from_millis(5)).await;
			}
		};
		tokio::time::timeout(Duration::from_secs(60), look).await.unwrap_or_else(|_| panic!("never {what}"));
	}

	async fn until_generation(&self, generation: u32) {
		self.until("at that generation", async |stage| {
			let health: Value = read(stage.get("/health").await).await;
			health["blyan"]["generation"] == generation
		})
		.await;
	}

	async fn stop(self) {
		self.shutdown.cancel();
		self.server.await.unwrap().unwrap();
	}
}

/// A request that asks the tiny model for the same thing each time.
fn completion(fields: Value) -> Value {
	let mut body = json!({ "model": "tiny", "prompt": "the lazy ", "max_tokens": 32, "seed": 7 });
	body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
	body
}

async fn read(response: Response) -> Value {
	serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

async fn good(response: Response) -> Value {
	let status = response.status();
	let text = response.text().await.unwrap();
	assert_eq!(status, StatusCode::OK, "{text}");
	serde_json::from_str(&text).unwrap()
}

/// What the model's own generator makes of [`completion`]'s prompt.
fn generated(weights: &Weights, prompt: &str, sampling: &Sampling) -> Vec<u8> {
	let mut bytes = Vec::new();
	Generator::new(weights)
		.generate(&byte_tokens(prompt.as_bytes()), sampling, |emitted| {
			bytes.push(emitted.token as u8);
			ControlFlow::Continue(())
		})
		.unwrap();
	bytes
}

/// The data of the events of a stream, whose framing is checked.
fn events(body: &str) -> Vec<String> {
	assert!(body.ends_with("\n\n"), "{body:?}");
	let blocks = body.split_terminator("\n\n").filter(|block| !block.starts_with(':'));
	blocks
		.map(|block| block.strip_prefix("data: ").unwrap_or_else(|| panic!("{block:?}")).to_owned())
		.collect()
}

/// The chunks of a whole stream.
fn chunks(body: &str) -> Vec<Value> {
	let mut events = events(body);
	assert_eq!(events.pop().as_deref(), Some("[DONE]"));
	events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn text_of(chunks: &[Value]) -> String {
	chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect()
}

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
