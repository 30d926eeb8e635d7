//! What a server makes of heads on probation, and of a limit on experts in memory: real weights, real HTTP, and a
//! chain in memory that stands still when a test wants it to.

mod common;

use blyan_model::{byte_tokens, Generator, RoutingCap, Sampling, Weights};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	dag::Component,
	merkle, BlockNumber, Hash,
};
use blyan_store::Store;
use blyan_worker::{
	config::Config,
	exchange::{self, Gateway},
	heads::load_verified,
	register_model::{register_model, Registration},
	serve::{ServeConfig, ServeError, Server},
	worker::Connection,
};
use common::{config, content, import, register_bare, registration, TestChain, Ticker, BLOCK_TIME};
use futures::future::join_all;
use polkadot_sdk::sp_runtime::Perbill;
use reqwest::Client;
use serde_json::{json, Value};
use std::{
	ops::ControlFlow,
	sync::{
		atomic::{AtomicBool, Ordering::Relaxed},
		Arc,
	},
	time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Bytes of an expert of [`architecture`], as f32.
const EXPERT_BYTES: u64 = 3 * 16 * 16 * 4;
const TOKENS: usize = 64;
const SHARE: Perbill = Perbill::from_percent(5);

/// Two layers of four experts, of which a token visits two.
fn architecture() -> Architecture {
	Architecture::byte_level(2, ExpertCount { min: 2, current: 4, max: 4 }, 2, 16, 16, 2, 16)
}

/// A chain with a model on it, and a server that answers from it.
struct Stage {
	_folder: tempfile::TempDir,
	chain: TestChain,
	owner: Connection,
	owner_config: Config,
	_exchange: Gateway,
	base: String,
	http: Client,
	shutdown: CancellationToken,
	server: JoinHandle<Result<(), ServeError>>,
	ticker: Option<Ticker>,
}

impl Stage {
	async fn new(serve: ServeConfig) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let chain = TestChain::new();
		let ticker = Some(chain.run());
		let owner = chain.connection("Trainer");
		let owner_config = config(folder.path(), "owner");
		let store = Store::open(owner_config.store_dir()).unwrap();
		let exchange = exchange::start_gateway(store, ([127, 0, 0, 1], 0).into()).await.unwrap();
		register_bare(&chain, owner.account(), &format!("http://{}", exchange.address()));
		let imported = import(&owner_config);
		let registration = Registration { architecture: architecture(), ..registration(&imported) };
		register_model(&owner_config, &owner, &registration).await.unwrap();

		let serve = ServeConfig { api_listen: ([127, 0, 0, 1], 0).into(), ..serve };
		let server = Server::bind(Config { serve, ..config(folder.path(), "server") }).await.unwrap();
		let base = format!("http://{}", server.address());
		let (connection, shutdown) = (chain.connection("Server"), CancellationToken::new());
		let server = tokio::spawn(server.run(async { Ok(connection) }, shutdown.clone()));
		let http = Client::builder().no_proxy().build().unwrap();
		let stage = Self {
			_folder: folder,
			chain,
			owner,
			owner_config,
			_exchange: exchange,
			base,
			http,
			shutdown,
			server,
			ticker,
		};
		stage.until(|health| health["blyan"]["generation"] == 0).await;
		stage
	}

	/// From now on a block is finalized when the test says so.
	async fn stop_the_clock(&mut self) {
		self.ticker = None;
		tokio::time::sleep(4 * BLOCK_TIME).await;
	}

	/// Finalizes a block, and waits for the server to have seen it.
	async fn finalize(&self) -> BlockNumber {
		let number = self.chain.fake.finalize(vec![]).number;
		self.until(|health| health["blyan"]["chain_height"] == number).await;
		number
	}

	/// The weights that the chain names, all held.
	async fn weights(&self) -> Weights {
		let store = Store::open(self.owner_config.store_dir()).unwrap();
		let content = content(store, &self.owner).await;
		let patience = Duration::from_secs(5);
		load_verified(&*self.owner.chain, &content, 0, None, None, patience).await.unwrap().weights
	}

	/// Releases a version whose heads of these components are new blocks, with the content of those before, and
	/// on probation; returns the blocks, in the order of the manifest.
	fn put_on_probation(&self, components: &[Component], until: BlockNumber) -> Vec<Hash> {
		self.chain.fake.edit(|state| {
			let info = state.models.get_mut(&0).unwrap();
			let mut manifest = state.manifests[&(0, info.generation)].clone();
			info.generation += 1;
			let a = info.architecture;
			let mut blocks = Vec::new();
			for entry in manifest.iter_mut().filter(|entry| components.contains(&entry.component)) {
				entry.block = merkle::leaf(a.component_index(entry.component).unwrap(), &info.generation);
				entry.probation_until = Some(until);
				blocks.push(entry.block);
			}
			let heads =
				manifest.iter().map(|entry| (a.component_index(entry.component).unwrap(), entry.block));
			info.root = merkle::version_root_of_heads(&a, heads);
			info.probation_routing_share = SHARE;
			state.manifests.insert((0, info.generation), manifest);
			blocks
		})
	}

	fn set_share(&self, share: Perbill) {
		self.chain.fake.edit(|state| state.models.get_mut(&0).unwrap().probation_routing_share = share);
	}

	async fn get(&self, path: &str) -> String {
		self.http.get(format!("{}{path}", self.base)).send().await.unwrap().text().await.unwrap()
	}

	async fn complete(&self, seed: u64) -> Value {
		let body = json!({ "model": "tiny", "prompt": "the lazy ", "max_tokens": TOKENS, "seed": seed });
		let url = format!("{}/v1/completions", self.base);
		let response = self.http.post(url).body(body.to_string()).send().await.unwrap();
		let (status, text) = (response.status(), response.text().await.unwrap());
		assert!(status.is_success(), "{text}");
		serde_json::from_str(&text).unwrap()
	}

	/// The value of a metric.
	async fn metric(&self, name: &str) -> f64 {
		let page = self.get("/metrics").await;
		let line = page.lines().find_map(|line| line.strip_prefix(&format!("blyan_serve_{name} ")));
		line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
	}

	/// Waits for the server's health to be so.
	async fn until(&self, holds: impl Fn(&Value) -> bool) {
		let look = async {
			while !holds(&serde_json::from_str(&self.get("/health").await).unwrap()) {
				tokio::time::sleep(Duration::from_millis(5)).await;
			}
		};
		if tokio::time::timeout(Duration::from_secs(60), look).await.is_err() {
			panic!("never so: {}", self.get("/health").await);
		}
	}

	async fn stop(self) {
		self.shutdown.cancel();
		self.server.await.unwrap().unwrap();
	}
}

/// What a generator makes of what [`Stage::complete`] asks for, and how often it turned a token away.
fn generated(mut generator: Generator, seed: u64) -> (String, u64) {
	let mut bytes = Vec::new();
	let sampling = Sampling { seed, max_tokens: TOKENS, ..Sampling::default() };
	generator
		.generate(&byte_tokens(b"the lazy "), &sampling, |emitted| {
			bytes.push(emitted.token as u8);
			ControlFlow::Continue(())
		})
		.unwrap();
	(String::from_utf8_lossy(&bytes).into_owned(), generator.turned_away())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_should_keep_to_the_share_and_name_the_blocks_until_probation_ends() {
	let mut stage = Stage::new(ServeConfig::default()).await;
	let weights = stage.weights().await;
	let experts = [(0, 0), (0, 1), (1, 3)];
	let cap = RoutingCap { share_parts_per_billion: SHARE.deconstruct(), experts: experts.into() };
	let (capped, turned_away) = generated(Generator::capped(&weights, &cap).unwrap(), 7);
	let (free, _) = generated(Generator::new(&weights), 7);
	assert!(capped != free && turned_away > 0, "the cap decides something");
	let text = |answer: &Value| answer["choices"][0]["text"].as_str().unwrap().to_owned();

	let before = stage.complete(7).await;
	assert_eq!((text(&before), &before["blyan"]["probation"]), (free.clone(), &json!([])));
	assert_eq!(stage.metric("experts_on_probation").await, 0.0);

	stage.stop_the_clock().await;
	let until = stage.finalize().await + 4;
	// A router is on probation as well: it is named, and nothing is routed to it.
	let mut components = vec![Component::Router { layer: 1 }];
	components.extend(experts.map(|(layer, index)| Component::Expert { layer, index }));
	let blocks = stage.put_on_probation(&components, until);
	stage.finalize().await;
	stage.until(|health| health["blyan"]["generation"] == 1).await;
	// Whatever follows is made of what is in memory: nothing could be loaded again.
	stage.chain.fake.edit(|state| state.manifests.clear());
	let named = json!(blocks.iter().map(|block| format!("{block:?}")).collect::<Vec<_>>());
	let on_probation = stage.complete(7).await;
	assert_eq!(text(&on_probation), capped);
	assert_eq!(on_probation["blyan"]["probation"], named);
	assert_ne!(on_probation["system_fingerprint"], before["system_fingerprint"]);
	assert_eq!(stage.metric("experts_on_probation").await, 3.0);
	assert_eq!(stage.metric("probation_turned_away_total").await, turned_away as f64);

	// The chain lifts the share, and takes that back.
	stage.set_share(Perbill::one());
	stage.finalize().await;
	let lifted = stage.complete(7).await;
	assert_eq!((text(&lifted), &lifted["blyan"]["probation"]), (free.clone(), &named));
	stage.set_share(SHARE);
	assert_eq!(stage.finalize().await, until - 1);
	let last = stage.complete(7).await;
	assert_eq!((text(&last), &last["blyan"]["probation"]), (capped, &named));
	assert_eq!(last["system_fingerprint"], on_probation["system_fingerprint"]);
	assert_eq!(stage.metric("probation_turned_away_total").await, 2.0 * turned_away as f64);

	assert_eq!(stage.finalize().await, until);
	let after = stage.complete(7).await;
	assert_eq!((text(&after), &after["blyan"]["probation"]), (free, &json!([])));
	assert_eq!(after["blyan"]["version_root"], last["blyan"]["version_root"]);
	assert_ne!(after["system_fingerprint"], last["system_fingerprint"]);
	assert_eq!(stage.metric("experts_on_probation").await, 0.0);
	assert_eq!(stage.metric("probation_turned_away_total").await, 2.0 * turned_away as f64);
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_on_experts_should_hold_and_answers_be_the_same_under_load() {
	/// Of the model's eight.
	const FIT: u64 = 3;
	const ANSWERS: u64 = 24;
	let limit = FIT * EXPERT_BYTES + 100;
	let serve = ServeConfig { max_concurrent: 6, expert_cache_bytes: Some(limit), ..ServeConfig::default() };
	let stage = Arc::new(Stage::new(serve).await);
	let is_over = Arc::new(AtomicBool::new(false));
	let watching = tokio::spawn({
		let (stage, is_over) = (stage.clone(), is_over.clone());
		async move {
			let mut seen = 0.0f64;
			while !is_over.load(Relaxed) {
				seen = seen.max(stage.metric("expert_resident_bytes").await);
				assert!(seen <= limit as f64, "{seen} bytes");
			}
			seen
		}
	});
	let mut answers = join_all((0..ANSWERS / 2).map(|seed| stage.complete(seed))).await;
	// Another version, which shares the limit with the one before.
	stage.put_on_probation(&[Component::Expert { layer: 0, index: 1 }], 0);
	answers.extend(join_all((ANSWERS / 2..ANSWERS).map(|seed| stage.complete(seed))).await);
	is_over.store(true, Relaxed);
	assert!(watching.await.unwrap() > 0.0);

	let weights = stage.weights().await;
	for (seed, answer) in (0..).zip(&answers) {
		assert_eq!(answer["choices"][0]["text"], generated(Generator::new(&weights), seed).0, "seed {seed}");
	}
	stage.until(|health| health["blyan"]["generation"] == 1).await;
	assert_eq!(stage.metric("expert_limit_bytes").await, limit as f64);
	let most = stage.metric("expert_highest_resident_bytes").await;
	assert_eq!(most, (FIT * EXPERT_BYTES) as f64, "all the room was used, and no more");
	assert!(stage.metric("expert_evictions_total").await > 0.0);
	let needed = stage.metric("expert_hits_total").await + stage.metric("expert_misses_total").await;
	assert!(needed >= (ANSWERS * TOKENS as u64 * 2 * 2) as f64, "{needed}: two of two layers, each token");
	Arc::into_inner(stage).unwrap().stop().await;
}
