//! The text that is learned from, and the model that learns.

use crate::{
	config::{DOMAINS, GATE, MODEL, MODEL_NAME, SHARDS_PER_DOMAIN, SHARD_BYTES},
	corpus::{Corpus, Files},
	layout::{write_atomically, Layout, Member, TRAINER},
	localnet::Localnet,
};
use anyhow::{bail, ensure, Context, Result};
use blyan_primitives::{cid::Cid, dag::ModelId};
use blyan_store::Store;
use serde::Deserialize;
use std::{ffi::OsString, path::Path};

/// What `blyan-worker import-text --json` prints, as far as it is needed here.
#[derive(Deserialize)]
struct Imported {
	pool: Pool,
	text: Text,
}

#[derive(Deserialize)]
struct Pool {
	content: String,
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

/// Holds shards out of the text and makes datasets of the rest, unless an earlier run did. Returns where they lie.
///
/// # Errors
/// There is no text, or it is not fit to learn from.
pub async fn import(local: &mut Localnet) -> Result<Files> {
	let (record, files) = (local.layout.import(), Files::under(&local.layout.datasets()));
	if record.is_file() {
		return Ok(files);
	}
	let Some(text) = local.cli.text.clone() else {
		bail!("--text FILE is needed the first time: any UTF-8 text to learn from");
	};
	let step = local.ui.step("text");
	let json = import_for(local, TRAINER, &text).await.context("the text cannot be imported")?;
	let imported: Imported =
		serde_json::from_str(&json).context("import-text printed something unexpected")?;
	let megabytes = imported.text.bytes as f64 / 1e6;
	let (layout, to) = (local.layout.clone(), files.clone());
	let corpus = tokio::task::spawn_blocking(move || make_datasets(&layout, &imported, &to)).await??;
	// Last: that it is there says that the rest is.
	write_atomically(&record, json.as_bytes())?;
	let outcome = format!(
		"{}: {megabytes:.1} MB, {} shards of {SHARD_BYTES} bytes held out; {} paragraphs to offer, {} left out that \
		repeat what is held out, {} with personal data, {} too short",
		text.display(),
		DOMAINS * SHARDS_PER_DOMAIN,
		corpus.good.len(),
		corpus.left_out.held_out,
		corpus.left_out.personal,
		corpus.left_out.fragments,
	);
	local.done(step, "text", &outcome);
	Ok(files)
}

/// Writes down what is held out, for the auditors, and what is offered.
fn make_datasets(layout: &Layout, imported: &Imported, files: &Files) -> Result<Corpus> {
	let store = Store::open(layout.store(TRAINER))?;
	let content = |text: &str| -> Result<_> {
		let cid: Cid =
			text.parse().map_err(|_| anyhow::anyhow!("import-text printed `{text}`, which is no CID"))?;
		Ok(store.open_verified(&cid)?)
	};
	let shards = std::fs::read(content(&imported.pool.content)?).context("the shards cannot be read")?;
	write_atomically(&layout.held_out(), &shards)?;
	let folder = layout.datasets();
	std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
	let corpus = Corpus::read(&content(&imported.text.content)?, &layout.held_out())?;
	corpus.write(files)?;
	Ok(corpus)
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
