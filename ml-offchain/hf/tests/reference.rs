//! Checkpoints of each layout beside what the Hugging Face implementation computes from them.

use blyan_hf::{export, import, HfError, Imported, ModelRecord, Options};
use blyan_model::{
	evaluate, Emitted, Generator, Sampling, Text, TextTokenizer, TrainConfig, Trainer, Weights,
};
use blyan_primitives::{architecture::Tokenizer, dag::Component};
use blyan_store::Store;
use safetensors::SafeTensors;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
	collections::BTreeMap,
	fs,
	ops::ControlFlow,
	path::{Path, PathBuf},
	sync::Arc,
};

const NAMES: [&str; 4] = ["mixtral", "qwen2_moe", "qwen3_moe", "olmoe"];
/// How far a logit may be from the reference's, as a share of the largest: both round in f32, in another
/// order.
const LOGIT_TOLERANCE: f32 = 2e-5;
/// The same of a loss, in bits per byte.
const LOSS_TOLERANCE: f64 = 2e-5;

#[derive(Deserialize)]
struct Expected {
	prompt: Vec<u32>,
	greedy: Vec<u32>,
	shards: Vec<ExpectedLoss>,
}

#[derive(Deserialize)]
struct ExpectedLoss {
	text: String,
	bits_per_byte: f64,
}

fn tests() -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn checkpoint(name: &str) -> PathBuf {
	tests().join("checkpoints").join(name)
}

fn expected(name: &str) -> Expected {
	let path = tests().join("reference").join(format!("{name}.json"));
	serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// `[tokens, vocabulary]`.
fn expected_logits(name: &str) -> Vec<f32> {
	let bytes = fs::read(tests().join("reference").join(format!("{name}.safetensors"))).unwrap();
	let tensors = SafeTensors::deserialize(&bytes).unwrap();
	let view = tensors.tensor("logits").unwrap();
	view.data().as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect()
}

fn imported(name: &str, folder: &Path) -> (Store, Imported) {
	let store = Store::open(folder).unwrap();
	let imported = import(&checkpoint(name), &store, Options::default(), |_, _| ()).unwrap();
	(store, imported)
}

fn with_tokenizer(mut weights: Weights, store: &Store) -> Weights {
	let Tokenizer::Content { content, bytes } = weights.architecture().tokenizer else {
		panic!("no tokenizer")
	};
	let tokenizer = store.read_verified(&content, bytes).unwrap();
	weights.set_tokenizer(TextTokenizer::from_bytes(&tokenizer).unwrap()).unwrap();
	weights
}

fn path_of(store: &Store, record: &ModelRecord) -> impl Fn(Component) -> PathBuf {
	let paths: BTreeMap<Component, PathBuf> =
		record.components.iter().map(|c| (c.component, store.path(&c.content))).collect();
	move |component| paths[&component].clone()
}

fn load(store: &Store, record: &ModelRecord) -> Weights {
	with_tokenizer(Weights::load(&record.architecture, path_of(store, record)).unwrap(), store)
}

fn greedy(weights: &Weights, prompt: &[u32], max_tokens: usize) -> Vec<Emitted> {
	let mut emitted = Vec::new();
	let sampling = Sampling { temperature: 0.0, max_tokens, top_logprobs: 20, ..Sampling::default() };
	Generator::new(weights)
		.generate(prompt, &sampling, |e| {
			emitted.push(e.clone());
			ControlFlow::Continue(())
		})
		.unwrap();
	emitted
}

#[test]
fn logits_should_be_the_reference_s_at_every_position() {
	for name in NAMES {
		let folder = tempfile::tempdir().unwrap();
		let (store, imported) = imported(name, folder.path());
		let weights = load(&store, &imported.record);
		let (prompt, reference) = (expected(name).prompt, expected_logits(name));
		let got = blyan_model::logits(&weights, &prompt).unwrap();
		assert_eq!(got.len(), reference.len());
		let scale = reference.iter().fold(0f32, |most, x| most.max(x.abs()));
		let apart = got.iter().zip(&reference).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
		println!("{name}: {apart:e} apart at most, of {scale}");
		assert!(scale > 1.0 && apart <= LOGIT_TOLERANCE * scale, "{name}: {apart} of {scale}");
	}
}

#[test]
fn greedy_continuation_should_be_the_reference_s_also_when_one_expert_fits_in_memory() {
	for name in NAMES {
		let folder = tempfile::tempdir().unwrap();
		let (store, Imported { record, .. }) = imported(name, folder.path());
		let Expected { prompt, greedy: continuation, .. } = expected(name);
		let whole = greedy(&load(&store, &record), &prompt, continuation.len());
		let tokens: Vec<u32> = whole.iter().map(|emitted| emitted.token).collect();
		assert_eq!(tokens, continuation, "{name}");
		let a = record.architecture;
		let limit = 3 * u64::from(a.d_model) * u64::from(a.d_ff) * 4;
		let partial = Weights::load_partial(&a, path_of(&store, &record), limit).unwrap();
		let partial = with_tokenizer(partial, &store);
		assert_eq!(greedy(&partial, &prompt, continuation.len()), whole, "{name}: to the bit");
		assert!(partial.cache_metrics().unwrap().highest_resident_bytes <= limit);
	}
}

#[test]
fn losses_should_be_the_reference_s_in_bits_per_byte() {
	for name in NAMES {
		let folder = tempfile::tempdir().unwrap();
		let (store, imported) = imported(name, folder.path());
		let weights = load(&store, &imported.record);
		for ExpectedLoss { text, bits_per_byte } in expected(name).shards {
			let loss = evaluate(&weights, &[&text], 2).unwrap()[0];
			println!("{name}: {loss} beside {bits_per_byte}");
			assert!((loss - bits_per_byte).abs() <= LOSS_TOLERANCE * bits_per_byte, "{name}: {loss}");
		}
	}
}

fn hashes(folder: &Path) -> BTreeMap<String, String> {
	fs::read_dir(folder)
		.unwrap()
		.map(|entry| {
			let entry = entry.unwrap();
			let hash = Sha256::digest(fs::read(entry.path()).unwrap());
			(entry.file_name().into_string().unwrap(), format!("{hash:x}"))
		})
		.collect()
}

#[test]
fn export_should_write_every_file_back_to_the_same_hash() {
	for name in NAMES {
		let folder = tempfile::tempdir().unwrap();
		let (store, imported) = imported(name, &folder.path().join("store"));
		assert!(imported.left_out.is_empty(), "{:?}", imported.left_out);
		let json = serde_json::to_vec(&imported.record).unwrap();
		let record = ModelRecord::from_json(&json).unwrap();
		assert_eq!(record, imported.record);
		let out = folder.path().join("out");
		let mut told = (0, 0);
		let exported = export(&record, &store, &out, |done, all| told = (done, all)).unwrap();
		assert_eq!(hashes(&out), hashes(&checkpoint(name)), "{name}");
		assert_eq!((exported.bytes, exported.bytes), told);
		let error = export(&record, &store, &out, |_, _| ()).unwrap_err();
		assert!(matches!(error, HfError::NotEmpty(_)), "{error}");
	}
}

#[test]
fn import_should_write_nothing_again_that_is_there() {
	let folder = tempfile::tempdir().unwrap();
	let (store, first) = imported("qwen2_moe", folder.path());
	assert_eq!(first.already_there, 0);
	assert!(first.written_bytes > 0);
	// As an import that was interrupted leaves it.
	let lost = first.record.components[3];
	store.remove(&lost.content).unwrap();
	let again = import(&checkpoint("qwen2_moe"), &store, Options::default(), |_, _| ()).unwrap();
	assert_eq!(again.record, first.record);
	assert_eq!((again.already_there, again.written_bytes), (first.record.components.len() - 1, lost.bytes));
}

#[test]
fn training_one_expert_should_improve_it_leave_the_others_and_export_in_the_same_format() {
	for name in NAMES {
		let folder = tempfile::tempdir().unwrap();
		let (store, Imported { mut record, .. }) = imported(name, &folder.path().join("store"));
		let weights = load(&store, &record);
		let shards = expected(name).shards;
		let text: Text = Arc::new(shards[1].text.clone().into_bytes());
		let trained = Component::Expert { layer: 1, index: 0 };
		let config = TrainConfig {
			components: vec![trained],
			steps: 30,
			batch: 8,
			sequence: 32,
			warmup: 3,
			learning_rate: 1e-2,
			threads: 2,
			..TrainConfig::default()
		};
		let loss = |weights: &Weights| evaluate(weights, &[&shards[1].text], 2).unwrap()[0];
		let before = loss(&weights);
		let mut trainer = Trainer::new(weights.clone(), config, text).unwrap();
		while !trainer.is_done() {
			trainer.step().unwrap();
		}
		// Measured as it is stored.
		let mut after = weights.clone();
		let content = trainer.weights().component_bytes(trained).unwrap();
		after.set_component(trained, &content).unwrap();
		println!("{name}: {before} to {}", loss(&after));
		assert!(loss(&after) < before - 0.01, "{name}: {} from {before}", loss(&after));
		for recorded in &mut record.components {
			let bytes = trainer.weights().component_bytes(recorded.component).unwrap();
			let stored = store.put_bytes(&bytes).unwrap();
			assert_eq!(stored.bytes, recorded.bytes, "{name}: {}", recorded.component);
			assert_eq!(
				stored.cid == recorded.content,
				recorded.component != trained,
				"{}",
				recorded.component
			);
			recorded.content = stored.cid;
		}
		let out = folder.path().join("out");
		export(&record, &store, &out, |_, _| ()).unwrap();
		let (second, store) =
			(folder.path().join("second"), Store::open(folder.path().join("other")).unwrap());
		fs::rename(&out, &second).unwrap();
		let again = import(&second, &store, Options::default(), |_, _| ()).unwrap();
		assert_eq!(again.record.components, record.components, "{name}: what was trained comes back");
	}
}
