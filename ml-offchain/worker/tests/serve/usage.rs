//! Use that is counted, from the request to the receipt on the chain.

use crate::{
	common::signer,
	stage::{good, read, Stage},
};
use blyan_chain_client::{Call, Signer};
use blyan_primitives::{
	economy::BLY,
	usage::{SignedReceipt, UsageAccountInfo, UsageReceipt},
};
use blyan_worker::{
	serve::{
		usage::{Proposal, Submission, CLIENT_HEADER},
		ServeConfig,
	},
	usage_command::{pay, UsageError},
	worker::Connection,
};
use reqwest::{StatusCode, Url};
use serde_json::{json, Value};
use std::sync::Arc;

fn prompt_and_quick() -> ServeConfig {
	ServeConfig { receipts_seconds: 1, usage_fee: (BLY / 100) as u64, ..ServeConfig::default() }
}

fn client(stage: &Stage) -> Connection {
	Connection { chain: Arc::new(stage.chain.fake.clone()), signer: signer("Client") }
}

fn prepay(stage: &Stage, who: &Signer, deposit: u128) {
	let account = UsageAccountInfo { deposit, withdrawal: None, since: 0, servers: Vec::new() };
	stage.chain.fake.edit(|state| state.usage_accounts.insert(who.account().clone(), account));
}

async fn ask(stage: &Stage, client: &str) -> reqwest::Response {
	let body = json!({ "model": "tiny", "prompt": "hello", "max_tokens": 4 }).to_string();
	let url = format!("{}/v1/completions", stage.base);
	stage.http.post(url).header(CLIENT_HEADER, client).body(body).send().await.unwrap()
}

async fn proposal(stage: &Stage, who: &Signer) -> Proposal {
	let response = stage.get(&format!("/v1/blyan/usage/{}", who.account())).await;
	serde_json::from_value(read(response).await).unwrap()
}

async fn refusal(stage: &Stage, submission: &Submission) -> String {
	let response = stage.post("/v1/blyan/receipts", serde_json::to_string(submission).unwrap()).await;
	assert_eq!(response.status(), StatusCode::BAD_REQUEST);
	let body: Value = read(response).await;
	body["error"]["message"].as_str().unwrap().into()
}

fn receipts(stage: &Stage) -> Vec<UsageReceipt<blyan_primitives::AccountId>> {
	let sent = stage.chain.fake.submissions().into_iter();
	sent.filter_map(|submission| match submission.call {
		Call::SubmitReceipts { receipts } => Some(receipts),
		_ => None,
	})
	.flatten()
	.map(|SignedReceipt { receipt, .. }| receipt)
	.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn use_should_be_counted_signed_and_submitted() {
	let stage = Stage::new(prompt_and_quick()).await;
	let client = client(&stage);
	prepay(&stage, &client.signer, BLY);
	for _ in 0..3 {
		good(ask(&stage, &client.account().to_string()).await).await;
	}
	stage
		.until("counted", async |stage| {
			let path = format!("/v1/blyan/usage/{}", client.account());
			let body: Value = read(stage.get(&path).await).await;
			body["answers"] == 3
		})
		.await;
	let base = Url::parse(&stage.base).unwrap();
	let poor = pay(&client, &base, BLY / 100).await.unwrap_err();
	assert!(matches!(poor, UsageError::Unsound(_)), "three answers cost more: {poor}");
	let taken = pay(&client, &base, BLY).await.unwrap();
	assert_eq!(taken.fee, (3 * BLY / 100).to_string());
	stage.until("submitted", async |stage| !receipts(stage).is_empty()).await;

	let receipt = receipts(&stage).remove(0);
	assert_eq!((&receipt.client, receipt.answers, receipt.until), (client.account(), 3, taken.until));
	assert_eq!(receipt.server, *signer("Server").account());
	let heads = stage.manifest(0).len();
	assert_eq!(receipt.blocks.len(), heads);
	assert!(receipt.blocks.iter().all(|used| used.calls == 3));
	let again = pay(&client, &base, BLY).await.unwrap_err();
	assert!(again.to_string().contains("nothing to pay"), "{again}");
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_should_be_refused_when_it_is_not_signed_not_covered_or_made_up() {
	let stage = Stage::new(prompt_and_quick()).await;
	let client = client(&stage);
	let account = client.account().to_string();
	good(ask(&stage, &account).await).await;
	stage
		.until("counted", async |stage| {
			stage.get(&format!("/v1/blyan/usage/{account}")).await.status() == StatusCode::OK
		})
		.await;
	let receipt = proposal(&stage, &client.signer).await.receipt().unwrap();
	let genesis = client.chain.genesis_hash();
	let signed = |receipt: &UsageReceipt<_>, who: &Signer| {
		Submission::new(receipt, &who.sign(receipt.payload(genesis).as_bytes()))
	};

	let unpaid = refusal(&stage, &signed(&receipt, &client.signer)).await;
	assert!(unpaid.contains("prepaid nothing"), "{unpaid}");
	prepay(&stage, &client.signer, receipt.fee - 1);
	let short = refusal(&stage, &signed(&receipt, &client.signer)).await;
	assert!(short.contains("is prepaid"), "{short}");
	prepay(&stage, &client.signer, BLY);
	let forged = refusal(&stage, &signed(&receipt, &signer("Server"))).await;
	assert!(forged.contains("`signature`"), "{forged}");
	let cheap = UsageReceipt { fee: 1, ..receipt.clone() };
	let cheap = refusal(&stage, &signed(&cheap, &client.signer)).await;
	assert!(cheap.contains("is asked"), "{cheap}");
	let more = UsageReceipt { answers: 2, fee: BLY, ..receipt.clone() };
	let more = refusal(&stage, &signed(&more, &client.signer)).await;
	assert!(more.contains("more than was counted"), "{more}");
	let other = UsageReceipt { server: client.account().clone(), ..receipt.clone() };
	let other = refusal(&stage, &signed(&other, &client.signer)).await;
	assert!(other.contains("another server"), "{other}");
	let early = UsageReceipt { until: u32::MAX, ..receipt.clone() };
	let early = refusal(&stage, &signed(&early, &client.signer)).await;
	assert!(early.contains("the chain is at"), "{early}");
	let broken = Submission { receipt: "0x00".into(), ..signed(&receipt, &client.signer) };
	assert!(refusal(&stage, &broken).await.contains("encoded receipt"));

	let good = serde_json::to_string(&signed(&receipt, &client.signer)).unwrap();
	assert_eq!(stage.post("/v1/blyan/receipts", good).await.status(), StatusCode::OK);
	let replayed = refusal(&stage, &signed(&receipt, &client.signer)).await;
	assert!(replayed.contains("signed for") || replayed.contains("counted"), "{replayed}");
	stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_should_be_refused_when_its_client_is_no_account() {
	let stage = Stage::new(ServeConfig::default()).await;
	let response = ask(&stage, "nobody").await;
	assert_eq!(response.status(), StatusCode::BAD_REQUEST);
	let body: Value = read(response).await;
	assert_eq!(body["error"]["param"], CLIENT_HEADER);
	stage.stop().await;
}
