//! A model that was imported from a checkpoint: registered, and served with one expert in memory at a time.

mod common;

use blyan_hf::{import as import_checkpoint, Imported, Options};
use blyan_model::TextTokenizer;
use blyan_primitives::architecture::Tokenizer;
use blyan_store::Store;
use blyan_worker::{
	config::Config,
	exchange,
	register_model::{register_model, FirstWeights, RegisterModelError, Registration},
	serve::{ServeConfig, Server},
};
use common::{config, import, register_bare, registration, TestChain};
use reqwest::Client;
use serde_json::{json, Value};
use std::{fs, path::Path, time::Duration};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn imported_model_should_be_registered_and_answer_as_the_reference_does() {
	let folder = tempfile::tempdir().unwrap();
	let chain = TestChain::new();
	let _ticker = chain.run();
	let owner = chain.connection("Trainer");
	let owner_config = config(folder.path(), "owner");
	let store = Store::open(owner_config.store_dir()).unwrap();
	let exchange = exchange::start_gateway(store.clone(), ([127, 0, 0, 1], 0).into()).await.unwrap();
	register_bare(&chain, owner.account(), &format!("http://{}", exchange.address()));

	let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hf/tests");
	let checkpoint = tests.join("checkpoints/qwen2_moe");
	let Imported { record, .. } =
		import_checkpoint(&checkpoint, &store, Options::default(), |_, _| ()).unwrap();
	let wanted = Registration {
		architecture: record.architecture,
		weights: FirstWeights::Imported(Box::new(record.clone())),
		..registration(&import(&owner_config))
	};
	let lost = record.components[5];
	let bytes = store.read_verified(&lost.content, lost.bytes).unwrap();
	store.remove(&lost.content).unwrap();
	let error = register_model(&owner_config, &owner, &wanted).await.unwrap_err();
	assert!(
		matches!(error, RegisterModelError::NotImported { component, .. } if component == lost.component)
	);
	store.put_bytes(&bytes).unwrap();
	let registered = register_model(&owner_config, &owner, &wanted).await.unwrap();
	assert_eq!(registered.parameters, record.parameters);

	let a = record.architecture;
	let limit = 3 * u64::from(a.d_model) * u64::from(a.d_ff) * 4;
	let serve = ServeConfig {
		api_listen: ([127, 0, 0, 1], 0).into(),
		expert_cache_bytes: Some(limit),
		..ServeConfig::default()
	};
	let server = Server::bind(Config { serve, ..config(folder.path(), "server") }).await.unwrap();
	let base = format!("http://{}", server.address());
	let (connection, shutdown) = (chain.connection("Server"), CancellationToken::new());
	let server = tokio::spawn(server.run(async { Ok(connection) }, shutdown.clone()));
	let http = Client::builder().no_proxy().build().unwrap();
	let ready = async {
		while !http.get(format!("{base}/health")).send().await.unwrap().status().is_success() {
			tokio::time::sleep(Duration::from_millis(10)).await;
		}
	};
	tokio::time::timeout(Duration::from_secs(60), ready).await.unwrap();
	let ask = async |fields: Value| {
		let mut body = json!({ "model": "tiny", "temperature": 0, "max_tokens": 16 });
		body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
		let request = http.post(format!("{base}/v1/completions")).body(body.to_string());
		request.send().await.unwrap().json::<Value>().await.unwrap()
	};

	let reference: Value =
		serde_json::from_slice(&fs::read(tests.join("reference/qwen2_moe.json")).unwrap()).unwrap();
	let tokens = |field: &str| -> Vec<u32> { serde_json::from_value(reference[field].clone()).unwrap() };
	let Tokenizer::Content { content, bytes } = a.tokenizer else { panic!("no tokenizer") };
	let tokenizer = TextTokenizer::from_bytes(&store.read_verified(&content, bytes).unwrap()).unwrap();
	let expected = tokenizer.decode(&tokens("greedy")).unwrap();
	let by_tokens = ask(json!({ "prompt": tokens("prompt"), "logprobs": 2 })).await;
	assert_eq!(by_tokens["choices"][0]["text"], expected);
	assert_eq!(by_tokens["usage"]["completion_tokens"], 16);
	let logprobs = &by_tokens["choices"][0]["logprobs"];
	assert_eq!(logprobs["tokens"].as_array().unwrap().len(), 16, "{logprobs}");
	let by_text = ask(json!({ "prompt": tokenizer.decode(&tokens("prompt")).unwrap() })).await;
	assert_eq!(
		by_text["choices"],
		json!([{
			"index": 0, "text": expected, "logprobs": null, "finish_reason": "length"
		}])
	);
	let stop: String = expected.chars().skip(5).take(3).collect();
	let stopped = ask(json!({ "prompt": tokens("prompt"), "stop": stop })).await;
	assert_eq!(stopped["choices"][0]["text"], expected[..expected.find(&stop).unwrap()]);
	assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
	let unknown = ask(json!({ "prompt": [a.vocabulary] })).await;
	assert_eq!(unknown["error"]["param"], "prompt", "{unknown}");

	let page = http.get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
	let metric = |name: &str| -> u64 {
		let line = page.lines().find_map(|line| line.strip_prefix(&format!("blyan_serve_{name} ")));
		line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
	};
	assert!(metric("expert_resident_bytes") <= limit && metric("expert_limit_bytes") == limit);
	assert!(metric("expert_evictions_total") > 0);
	shutdown.cancel();
	server.await.unwrap().unwrap();
	drop(exchange);
}
