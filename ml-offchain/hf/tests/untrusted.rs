//! Checkpoints and records that are not as they should be.

use blyan_hf::{export, import, HfError, ModelRecord, Options};
use blyan_store::Store;
use serde_json::{json, Value};
use std::{
	fs,
	path::{Path, PathBuf},
};

fn copy_of(name: &str, folder: &Path) -> PathBuf {
	let to = folder.join("checkpoint");
	fs::create_dir_all(&to).unwrap();
	let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoints").join(name);
	for entry in fs::read_dir(from).unwrap() {
		let entry = entry.unwrap();
		fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
	}
	to
}

/// The error of importing a copy of a checkpoint that was changed.
fn refused(name: &str, change: impl FnOnce(&Path)) -> HfError {
	let folder = tempfile::tempdir().unwrap();
	let checkpoint = copy_of(name, folder.path());
	change(&checkpoint);
	let store = Store::open(folder.path().join("store")).unwrap();
	import(&checkpoint, &store, Options::default(), |_, _| ()).unwrap_err()
}

fn change_config(folder: &Path, field: &str, value: Value) {
	let path = folder.join("config.json");
	let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
	config[field] = value;
	fs::write(path, config.to_string()).unwrap();
}

/// Changes the header of a shard, whose length stays what it says.
fn change_header(path: &Path, change: impl FnOnce(&mut Value)) {
	let bytes = fs::read(path).unwrap();
	let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
	let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
	change(&mut header);
	let header = header.to_string().into_bytes();
	let mut changed = (header.len() as u64).to_le_bytes().to_vec();
	changed.extend_from_slice(&header);
	changed.extend_from_slice(&bytes[8 + length..]);
	fs::write(path, changed).unwrap();
}

const LAST: &str = "model-00002-of-00002.safetensors";

#[test]
fn import_should_name_what_is_missing_or_extra_or_of_another_shape() {
	let fewer = refused("olmoe", |folder| change_config(folder, "num_local_experts", json!(3)));
	assert!(matches!(&fewer, HfError::Tensor { .. } | HfError::TensorExtra { .. }), "{fewer}");
	assert!(fewer.to_string().contains("experts.3"), "{fewer}");
	let more = refused("olmoe", |folder| change_config(folder, "num_local_experts", json!(5)));
	assert!(
		matches!(&more, HfError::TensorMissing { name, missing: 6 } if name.contains("experts.4")),
		"{more}"
	);
	let other = refused("olmoe", |folder| change_config(folder, "vocab_size", json!(400)));
	assert!(other.to_string().contains("[384, 32]") && other.to_string().contains("[400, 32]"), "{other}");
	let small = refused("olmoe", |folder| change_config(folder, "vocab_size", json!(300)));
	assert!(small.to_string().contains("384 tokens"), "{small}");
	let untied = refused("qwen3_moe", |folder| change_config(folder, "tie_word_embeddings", json!(false)));
	assert!(matches!(&untied, HfError::TensorMissing { name, .. } if name == "lm_head.weight"), "{untied}");
	let absent = refused("olmoe", |folder| fs::remove_file(folder.join(LAST)).unwrap());
	assert!(absent.to_string().contains(LAST), "{absent}");
	let file = refused("olmoe", |folder| fs::remove_file(folder.join("tokenizer.json")).unwrap());
	assert!(file.is_retryable() && file.to_string().contains("tokenizer.json"), "{file}");
}

#[test]
fn import_should_refuse_shards_that_are_torn_or_lie() {
	let shard = |folder: &Path| folder.join(LAST);
	let cut = refused("olmoe", |folder| {
		let bytes = fs::read(shard(folder)).unwrap();
		fs::write(shard(folder), &bytes[..bytes.len() - 1]).unwrap();
	});
	assert!(cut.to_string().contains("download it again"), "{cut}");
	for length in [0, 3, 8, 100] {
		let error = refused("olmoe", |folder| {
			let bytes = fs::read(shard(folder)).unwrap();
			fs::write(shard(folder), &bytes[..length]).unwrap();
		});
		assert!(error.to_string().contains(LAST), "{error}");
	}
	let huge = refused("olmoe", |folder| {
		let mut bytes = fs::read(shard(folder)).unwrap();
		bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
		fs::write(shard(folder), bytes).unwrap();
	});
	assert!(huge.to_string().contains("claims a header"), "{huge}");
	let name = "model.norm.weight";
	for offsets in [json!([0, 64]), json!([u64::MAX - 1, u64::MAX]), json!([5, 1]), json!([-1, 3])] {
		let error = refused("olmoe", |folder| {
			change_header(&shard(folder), |header| header[name]["data_offsets"] = offsets);
		});
		assert!(error.to_string().contains("none of safetensors"), "{error}");
	}
	let wide = refused("olmoe", |folder| {
		change_header(&shard(folder), |header| header[name]["shape"] = json!([usize::MAX, 2, 2]));
	});
	assert!(wide.to_string().contains("none of safetensors"), "{wide}");
	let integers = refused("olmoe", |folder| {
		change_header(&shard(folder), |header| header[name]["dtype"] = json!("I16"));
	});
	assert!(integers.to_string().contains("convert the checkpoint"), "{integers}");
	let moved = refused("olmoe", |folder| {
		let path = folder.join("model.safetensors.index.json");
		let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
		index["weight_map"][name] = json!("model-00001-of-00002.safetensors");
		fs::write(path, index.to_string()).unwrap();
	});
	assert!(moved.to_string().contains("does not say so"), "{moved}");
	let nan = refused("olmoe", |folder| {
		let mut bytes = fs::read(shard(folder)).unwrap();
		let end = bytes.len();
		bytes[end - 2..].copy_from_slice(&[0xff, 0x7f]);
		fs::write(shard(folder), bytes).unwrap();
	});
	assert!(nan.to_string().contains("not finite") && nan.to_string().contains(name), "{nan}");
}

#[test]
fn export_should_refuse_records_that_lead_astray() {
	let folder = tempfile::tempdir().unwrap();
	let checkpoint = copy_of("mixtral", folder.path());
	let store = Store::open(folder.path().join("store")).unwrap();
	let record = import(&checkpoint, &store, Options::default(), |_, _| ()).unwrap().record;
	let layout = store.read_verified(&record.checkpoint.content, 1 << 20).unwrap();
	let layout: Value = serde_json::from_slice(&layout).unwrap();
	let out = folder.path().join("out");
	let try_layout = |change: &dyn Fn(&mut Value)| {
		let mut layout = layout.clone();
		change(&mut layout);
		let stored = store.put_bytes(layout.to_string().as_bytes()).unwrap();
		let mut record = record.clone();
		(record.checkpoint.content, record.checkpoint.bytes) = (stored.cid, stored.bytes);
		export(&record, &store, &out, |_, _| ()).unwrap_err()
	};
	for name in ["../escaped", "/tmp/escaped", "", ".hidden", "a\0b"] {
		let error = try_layout(&|layout| layout["files"][0]["shard"]["name"] = json!(name));
		assert!(error.to_string().contains("no plain name"), "{name}: {error}");
	}
	let twice = layout["files"][1].clone();
	let error = try_layout(&|layout| layout["files"][0] = twice.clone());
	assert!(error.to_string().contains("twice"), "{error}");
	let error = try_layout(&|layout| layout["files"][0]["shard"]["bytes"] = json!(1));
	assert!(error.to_string().contains("the record says 1"), "{error}");
	let header = layout["files"][0]["shard"]["header"].clone();
	let error = try_layout(&|layout| {
		layout["files"][1]["shard"]["header"] = header.clone();
	});
	assert!(error.to_string().contains("by its header"), "{error}");
	assert!(!folder.path().join("escaped").exists());

	let mut fewer = record.clone();
	fewer.components.pop();
	assert!(matches!(fewer.validate(), Err(HfError::Record(_))));
	let mut swapped = record.clone();
	let last = swapped.components.len() - 1;
	(swapped.components[0].content, swapped.components[last].content) =
		(record.components[last].content, record.components[0].content);
	let error = export(&swapped, &store, &folder.path().join("swapped"), |_, _| ()).unwrap_err();
	assert!(error.to_string().contains("not in the content"), "{error}");
	for bytes in [&b""[..], b"{}", b"[]"] {
		assert!(matches!(ModelRecord::from_json(bytes), Err(HfError::Record(_))));
	}
}
