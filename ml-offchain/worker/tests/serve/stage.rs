//! A chain with the owner of a model on it, and a server; how it is asked, and its answers read.

use crate::common::{config, content, import, register_bare, registration, TestChain, Ticker};
use blyan_model::{byte_tokens, Generator, Sampling, Weights};
use blyan_primitives::{
	api::ModelInfo,
	dag::{Component, ManifestEntry},
	merkle, AccountId, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	config::Config,
	exchange::{self, Gateway},
	heads::load_verified,
	register_model::register_model,
	serve::{ServeConfig, ServeError, Server},
	worker::Connection,
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{json, Value};
use std::{ops::ControlFlow, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const EXPERT: Component = Component::Expert { layer: 0, index: 1 };
/// Takes the tiny model seconds.
pub const ENDLESS: usize = 1 << 20;

/// A chain with the owner of a model on it, and a server.
pub struct Stage {
	pub folder: tempfile::TempDir,
	pub chain: TestChain,
	pub owner: Connection,
	pub owner_config: Config,
	/// Serves the owner's store.
	pub exchange: Option<Gateway>,
	pub base: String,
	pub http: Client,
	pub shutdown: CancellationToken,
	pub server: JoinHandle<Result<(), ServeError>>,
	_ticker: Ticker,
}

impl Stage {
	/// Without a model.
	pub async fn empty(serve: ServeConfig, shutdown_seconds: u64) -> Self {
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
	pub async fn new(serve: ServeConfig) -> Self {
		let stage = Self::empty(serve, 10).await;
		stage.register_model().await;
		stage.until_generation(0).await;
		stage
	}

	pub async fn register_model(&self) {
		let imported = import(&self.owner_config);
		register_model(&self.owner_config, &self.owner, &registration(&imported)).await.unwrap();
	}

	pub fn store(&self) -> Store {
		Store::open(self.owner_config.store_dir()).unwrap()
	}

	pub fn model(&self) -> ModelInfo<AccountId> {
		self.chain.fake.edit(|state| state.models[&0].clone())
	}

	pub fn manifest(&self, generation: u32) -> Vec<ManifestEntry> {
		self.chain.fake.edit(|state| state.manifests[&(0, generation)].clone())
	}

	/// The weights of the version that the chain has.
	pub async fn weights(&self) -> Weights {
		let content = content(self.store(), &self.owner).await;
		let patience = Duration::from_secs(5);
		load_verified(&*self.owner.chain, &content, 0, None, None, patience).await.unwrap().weights
	}

	/// Releases a version with another expert; returns its root.
	pub async fn release(&self) -> Hash {
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

	pub async fn get(&self, path: &str) -> Response {
		self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
	}

	pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
		self.http.post(format!("{}{path}", self.base)).body(body).send().await.unwrap()
	}

	pub async fn complete(&self, fields: Value) -> Response {
		self.post("/v1/completions", completion(fields).to_string()).await
	}

	pub async fn chat(&self, fields: Value) -> Response {
		let mut body = json!({ "model": "tiny", "messages": [{ "role": "user", "content": "hello" }], "max_tokens": 32 });
		body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
		self.post("/v1/chat/completions", body.to_string()).await
	}

	/// The value of a metric.
	pub async fn metric(&self, name: &str) -> f64 {
		let page = self.get("/metrics").await.text().await.unwrap();
		let line = page.lines().find_map(|line| line.strip_prefix(&format!("blyan_serve_{name} ")));
		line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
	}

	pub async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
		let look = async {
			while !holds(self).await {
				tokio::time::sleep(Duration::from_millis(5)).await;
			}
		};
		tokio::time::timeout(Duration::from_secs(60), look).await.unwrap_or_else(|_| panic!("never {what}"));
	}

	pub async fn until_generation(&self, generation: u32) {
		self.until("at that generation", async |stage| {
			let health: Value = read(stage.get("/health").await).await;
			health["blyan"]["generation"] == generation
		})
		.await;
	}

	pub async fn stop(self) {
		self.shutdown.cancel();
		self.server.await.unwrap().unwrap();
	}
}

/// A request that asks the tiny model for the same thing each time.
pub fn completion(fields: Value) -> Value {
	let mut body = json!({ "model": "tiny", "prompt": "the lazy ", "max_tokens": 32, "seed": 7 });
	body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
	body
}

pub async fn read(response: Response) -> Value {
	serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

pub async fn good(response: Response) -> Value {
	let status = response.status();
	let text = response.text().await.unwrap();
	assert_eq!(status, StatusCode::OK, "{text}");
	serde_json::from_str(&text).unwrap()
}

/// What the model's own generator makes of [`completion`]'s prompt.
pub fn generated(weights: &Weights, prompt: &str, sampling: &Sampling) -> Vec<u8> {
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
pub fn events(body: &str) -> Vec<String> {
	assert!(body.ends_with("\n\n"), "{body:?}");
	let blocks = body.split_terminator("\n\n").filter(|block| !block.starts_with(':'));
	blocks
		.map(|block| block.strip_prefix("data: ").unwrap_or_else(|| panic!("{block:?}")).to_owned())
		.collect()
}

/// The chunks of a whole stream.
pub fn chunks(body: &str) -> Vec<Value> {
	let mut events = events(body);
	assert_eq!(events.pop().as_deref(), Some("[DONE]"));
	events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

pub fn text_of(chunks: &[Value]) -> String {
	chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect()
}
