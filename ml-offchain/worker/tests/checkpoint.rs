//! `model import` and `model export`, as processes.

use blyan_store::Store;
use std::{
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
	process::{Command, Output, Stdio},
	time::Duration,
};

const BINARY: &str = env!("CARGO_BIN_EXE_blyan-worker");

fn checkpoint(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join("../hf/tests/checkpoints").join(name)
}

fn run(arguments: &[&str]) -> Output {
	Command::new(BINARY).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

fn good(arguments: &[&str]) -> String {
	let output = run(arguments);
	assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
	String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
	fs::read_dir(folder)
		.unwrap()
		.map(|entry| entry.unwrap())
		.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
		.collect()
}

#[test]
fn checkpoint_should_come_back_byte_for_byte_and_say_what_was_done() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name).display().to_string();
	let (store, out, record) = (path("store"), path("out"), path("record.json"));
	let from = checkpoint("qwen3_moe").display().to_string();
	let said = good(&["model", "import", &from, "--store", &store]);
	assert!(
		said.contains("2 layers of 5 experts, 2 at a time") && said.contains("0 of them there already"),
		"{said}"
	);
	let again = good(&["model", "import", &from, "--store", &store]);
	assert!(again.contains("13 of them there already"), "{again}");
	fs::write(&record, good(&["model", "import", &from, "--store", &store, "--json"])).unwrap();
	good(&["model", "export", &record, "--store", &store, "--out", &out]);
	assert_eq!(files(Path::new(&out)), files(&checkpoint("qwen3_moe")));

	let error = run(&["model", "export", &record, "--store", &store, "--out", &out]);
	assert!(String::from_utf8_lossy(&error.stderr).contains("is not empty"), "{error:?}");
	let error = run(&["model", "import", &store, "--store", &store]);
	assert!(String::from_utf8_lossy(&error.stderr).contains("config.json"), "{error:?}");
	let error = run(&["model", "export", &path("out/config.json"), "--store", &store, "--out", &path("new")]);
	assert!(
		String::from_utf8_lossy(&error.stderr).contains("not what model import --json prints"),
		"{error:?}"
	);
}

/// Kills an import at different moments; whatever it left, the next one ends as if there had been none.
#[test]
fn import_should_finish_when_it_was_killed_at_any_moment() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name).display().to_string();
	let from = checkpoint("qwen2_moe").display().to_string();
	let whole = good(&["model", "import", &from, "--store", &path("whole"), "--json"]);
	let mut was_interrupted = false;
	for attempt in 0..12u64 {
		let store = path(&format!("store-{attempt}"));
		let arguments = ["model", "import", &from, "--store", &store];
		let mut child = Command::new(BINARY).args(arguments).stdout(Stdio::null()).spawn().unwrap();
		std::thread::sleep(Duration::from_millis(3 * attempt));
		// SIGKILL: it has no chance to tidy up.
		let _ = child.kill();
		was_interrupted |= !child.wait().unwrap().success();
		assert_eq!(good(&["model", "import", &from, "--store", &store, "--json"]), whole);
		let opened = Store::open(&store).unwrap();
		let stored = opened.list().unwrap();
		assert_eq!(stored, Store::open(path("whole")).unwrap().list().unwrap());
		for file in stored {
			opened.verify(&file.cid).unwrap();
		}
	}
	assert!(was_interrupted, "at least one was killed before it had finished");
}
