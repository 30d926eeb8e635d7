//! The text that is learned from, and the model that learns.

use crate::{
	config::{DOMAINS, GATE, MODEL, MODEL_NAME, SHARDS_PER_DOMAIN, SHARD_BYTES},
	layout::{write_atomically, Member, PLANTER, TRAINER},
	localnet::Localnet,
};
use anyhow::{bail, ensure, Context, Result};
use blyan_primitives::dag::ModelId;
use serde::Deserialize;
use std::{ffi::OsString, path::Path};

/// What `blyan-worker import-text --json` prints, as far as it is needed here.
#[derive(Deserialize)]
struct Imported {
	text: Text,
}

#[derive(Deserialize)]
struct Text {
	content: String,
	bytes: u64,
}

/// What `blyan-worker register-model --json` prints, as far as it is needed here.
#[derive(Deserialize)]
struct Registered {
	model: ModelId,
}

/// Imports the text unless an earlier run did. Returns the content address of the training text.
///
/// # Errors
/// There is no text, or it is not fit to learn from.
pub async fn import(local: &mut Localnet) -> Result<String> {
	let record = local.layout.import();
	if record.is_file() {
		let json = std::fs::read(&record).with_context(|| format!("{} cannot be read", record.display()))?;
		let imported: Imported = serde_json::from_slice(&json)
			.with_context(|| format!("{} is damaged; start anew with --fresh", record.display()))?;
		return Ok(imported.text.content);
	}
	let Some(text) = local.cli.text.clone() else {
		bail!("--text FILE is needed the first time: any UTF-8 text to learn from");
	};
	let step = local.ui.step("text");
	// Who trains has the text; both get the same pool and the same address from it.
	let (json, _) = tokio::try_join!(import_for(local, TRAINER, &text), import_for(local, PLANTER, &text))
		.context("the text cannot be imported")?;
	let imported: Imported =
		serde_json::from_str(&json).context("import-text printed something unexpected")?;
	write_atomically(&record, json.as_bytes())?;
	let outcome = format!(
		"{}: {:.1} MB to learn from, {} shards of {SHARD_BYTES} bytes held out",
		text.display(),
		imported.text.bytes as f64 / 1e6,
		DOMAINS * SHARDS_PER_DOMAIN,
	);
	local.done(step, "text", &outcome);
	Ok(imported.text.content)
}

/// Puts the text and its held-out shards into a worker's store. Returns what is printed of them.
async fn import_for(local: &Localnet, member: Member, text: &Path) -> Result<String> {
	let store = local.layout.store(member);
	std::fs::create_dir_all(&store).with_context(|| format!("{} cannot be made", store.display()))?;
	let mut arguments: Vec<OsString> =
		vec!["import-text".into(), text.into(), "--json".into(), "--store".into(), store.into()];
	for (option, value) in
		[("--shard-bytes", SHARD_BYTES), ("--shards-per-domain", SHARDS_PER_DOMAIN), ("--domains", DOMAINS)]
	{
		arguments.extend([option.into(), value.to_string().into()]);
	}
	local.run_worker(member, arguments).await
}

/// Registers the model with untrained weights, or finishes what an earlier run began.
///
/// # Errors
/// The chain refuses, or has another model already.
pub async fn register(local: &mut Localnet) -> Result<()> {
	let step = local.ui.step("model");
	step.note("registering untrained weights");
	let mut arguments = local.with_config(TRAINER, "register-model");
	arguments.extend(
		["--name", MODEL_NAME, "--gate", GATE, "--seed", "0", "--json", "--architecture"].map(OsString::from),
	);
	arguments.extend([local.layout.architecture().into(), "--pool".into(), local.layout.import().into()]);
	let json = local.run_worker(TRAINER, arguments).await.context("the model cannot be registered")?;
	let registered: Registered =
		serde_json::from_str(&json).context("register-model printed something unexpected")?;
	ensure!(registered.model == MODEL, "the chain has other models already; start anew with --fresh");
	local.done(step, "model registered", &format!("{MODEL_NAME} is model {MODEL}, training is open"));
	Ok(())
}
