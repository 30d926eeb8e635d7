//! The real binary: its help, and what it says to bad input.

use blyan_store::Store;
use std::{
	fs,
	io::Write,
	os::unix::fs::PermissionsExt,
	path::{Path, PathBuf},
	process::{Command, Output, Stdio},
	time::Duration,
};

const BINARY: &str = env!("CARGO_BIN_EXE_blyan-worker");

fn run(arguments: &[&str]) -> Output {
	Command::new(BINARY).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

/// What a failing command wrote to standard error: one line, and nothing on standard output.
fn refused(arguments: &[&str]) -> String {
	let output = run(arguments);
	let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
	assert_eq!(output.status.code(), Some(1), "{arguments:?}: {out}{error}");
	assert_eq!(out, "", "{arguments:?}");
	assert!(error.starts_with("error: "), "{error}");
	error.into_owned()
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
	folder.path().join(name).display().to_string()
}

fn write(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
	let path = path(folder, name);
	fs::write(&path, content).unwrap();
	path
}

/// Compares with `tests/snapshots`; `BLYAN_UPDATE_SNAPSHOTS=1` writes them anew.
fn assert_snapshot(name: &str, found: &str) {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
	if std::env::var_os("BLYAN_UPDATE_SNAPSHOTS").is_some() {
		fs::write(&path, found).unwrap();
	}
	let expected = fs::read_to_string(&path).unwrap_or_default();
	assert_eq!(found, expected, "{} differs; BLYAN_UPDATE_SNAPSHOTS=1 accepts the change", path.display());
}

#[test]
fn help_should_be_as_in_the_snapshots() {
	for command in [
		"",
		"train",
		"plant",
		"set-canary-key",
		"evaluate",
		"watch",
		"audit-manifests",
		"audit-datasets",
		"auditor",
		"offer",
		"vote",
		"settle-votes",
		"appeal",
		"dataset",
		"datasets",
		"lineage",
		"manifest",
		"set-data-terms",
		"serve",
		"import-text",
		"model",
		"model-import",
		"model-export",
		"register-model",
		"propose-migration",
		"roll-back",
		"contest",
		"dispute",
		"disputes",
		"set-sealed-terms",
		"seal",
		"open-lots",
		"reclaim-lots",
		"retired-text",
		"status",
		"graph",
		"store",
		"audit",
		"usage",
		"check-config",
	] {
		// A command within another is one word of the snapshot's name.
		let words = match command.strip_prefix("model-") {
			Some(inner) => vec!["model", inner, "--help"],
			None => vec![command, "--help"],
		};
		let arguments: Vec<&str> = words.into_iter().filter(|part| !part.is_empty()).collect();
		let output = run(&arguments);
		assert!(output.status.success());
		let name = format!("help{}{command}.txt", if command.is_empty() { "" } else { "-" });
		assert_snapshot(&name, &String::from_utf8(output.stdout).unwrap());
	}
}

#[test]
fn audit_should_print_what_it_found_for_people_and_for_programs() {
	let folder = tempfile::tempdir().unwrap();
	let line = |text: &str| format!("{{\"text\": \"{text}\", \"license\": \"CC0-1.0\"}}\n");
	let data = write(
		&folder,
		"data.jsonl",
		line("It is a truth universally acknowledged.")
			+ &line("Write to jane.roe@example.com, if you like."),
	);
	let shard =
		write(&folder, "shard", "It was a truth, universally acknowledged, that none acknowledged here.");
	let arguments = ["audit", &data, "--licence", "CC0-1.0", "--validation", &shard, "--index-mib", "1"];
	let output = run(&arguments);
	assert!(output.status.success(), "{output:?}");
	let printed = String::from_utf8(output.stdout).unwrap();
	assert!(printed.contains("rejected: PersonalData") && !printed.contains("jane"), "{printed}");
	let output = run(&[&arguments[..], &["--json"]].concat());
	let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
	assert_eq!(document["report"]["samples"], 2);
	assert_eq!(document["report"]["personal_data"], 500_000);
	assert_eq!(document["report"]["licence"], "verified");
	assert_eq!(document["outcome"]["rejected"], "personal_data");
	let zip = write(&folder, "data.zip", "PK");
	assert!(refused(&["audit", &zip]).contains("data.zip"));
}

#[test]
fn command_should_be_refused_with_usage_when_it_is_unknown() {
	let output = run(&["trian"]);
	assert_eq!(output.status.code(), Some(2));
	assert!(String::from_utf8_lossy(&output.stderr).contains("'train'"));
}

#[test]
fn check_config_should_print_every_default_and_whole_paths() {
	let folder = tempfile::tempdir().unwrap();
	let config = write(
		&folder,
		"worker.toml",
		"key_file = \"key\"\n[train]\ntext = \"text.txt\"\n[[train.jobs]]\nsteps = 7\n",
	);
	let output = run(&["check-config", "--config", &config]);
	assert!(output.status.success(), "{output:?}");
	let printed = String::from_utf8(output.stdout).unwrap();
	let table: toml::Table = printed.parse().unwrap();
	assert_eq!(table["bond_bly"].as_integer(), Some(1_000));
	assert_eq!(table["key_file"].as_str(), Some(path(&folder, "key").as_str()));
	assert_eq!(table["train"]["text"].as_str(), Some(path(&folder, "text.txt").as_str()));
	assert_eq!(table["train"]["jobs"][0]["steps"].as_integer(), Some(7));
	assert_eq!(table["train"]["jobs"][0]["components"].as_str(), Some("all"));
	// What it prints is a configuration.
	let again = write(&folder, "again.toml", &printed);
	assert_eq!(run(&["check-config", "--config", &again]).stdout, printed.into_bytes());
}

#[test]
fn check_config_should_say_what_is_wrong_and_where() {
	let folder = tempfile::tempdir().unwrap();
	let check = |text: &str| refused(&["check-config", "--config", &write(&folder, "worker.toml", text)]);
	assert!(check("key_env = \"K\"\nlisten_on = 5").contains("listen_on"));
	assert!(check("key_env = \"K\"\nlisten = \"127.0.0.1\"").contains("listen"));
	assert!(check("").contains("key_file or key_env"));
	assert!(check("key_env = \"K\"\nbond_bly = 0").contains("bond_bly is 0"));
	let absent = path(&folder, "absent.toml");
	assert!(refused(&["check-config", "--config", &absent]).contains(&absent));
}

#[test]
fn worker_should_refuse_a_key_file_that_others_can_read() {
	let folder = tempfile::tempdir().unwrap();
	let key = write(&folder, "key", "//Secret");
	fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
	let config = write(&folder, "worker.toml", "key_file = \"key\"");
	for command in ["train", "evaluate", "status"] {
		let error = refused(&[command, "--config", &config]);
		assert!(error.contains("chmod 600") && !error.contains("//Secret"), "{error}");
		assert_eq!(error.lines().count(), 1, "{error}");
	}
}

#[test]
fn status_should_say_so_soon_when_there_is_no_node() {
	let folder = tempfile::tempdir().unwrap();
	let key = write(&folder, "key", "//Dave");
	fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
	let config = write(&folder, "worker.toml", "key_file = \"key\"\nnode_url = \"ws://127.0.0.1:1\"");
	let begun = std::time::Instant::now();
	let output = run(&["status", "--config", &config]);
	assert_eq!(output.status.code(), Some(1));
	let error = String::from_utf8_lossy(&output.stderr);
	assert!(error.contains("error: no connection to the node at ws://127.0.0.1:1"), "{error}");
	assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn graph_should_be_refused_when_its_node_or_component_is_none() {
	let error = refused(&["graph", "--node", "http://127.0.0.1:9944"]);
	assert!(error.contains("it must begin with ws:// or wss://"), "{error}");
	for (option, value, word) in [
		("--component", "expert", "names no component"),
		("--depth", "0", "--depth"),
		("--max-blocks", "0", "--max"),
	] {
		let output = run(&["graph", option, value]);
		let error = String::from_utf8_lossy(&output.stderr);
		assert!(output.status.code() == Some(2) && error.contains(word), "{error}");
	}
}

fn import<'a>(text: &'a str, store: &'a str, more: &[&'a str]) -> Vec<&'a str> {
	[&["import-text", text, "--store", store], more].concat()
}

#[test]
fn import_text_should_hold_out_shards_and_keep_the_rest() {
	let folder = tempfile::tempdir().unwrap();
	let text: String = (0..20_000).map(|i| format!("line {i} ☃\n")).collect();
	let (file, store) = (write(&folder, "text", &text), path(&folder, "store"));
	let more = ["--shard-bytes", "64", "--shards-per-domain", "8", "--domains", "2", "--json"];
	let output = run(&import(&file, &store, &more));
	assert!(output.status.success(), "{output:?}");
	let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
	assert_eq!(record["pool"]["shard_bytes"], 64);
	assert_eq!(record["pool"]["domains"][1], serde_json::json!({"name": "part 2", "shards": 8}));
	let store = Store::open(&store).unwrap();
	let content = |value: &serde_json::Value| {
		let cid = value["content"].as_str().unwrap().parse().unwrap();
		fs::read(store.open_verified(&cid).unwrap()).unwrap()
	};
	let (pool, rest) = (content(&record["pool"]), content(&record["text"]));
	assert_eq!(pool.len(), 64 * 8 * 2);
	assert_eq!(rest.len(), text.len() - pool.len());
	assert_eq!(record["text"]["bytes"], rest.len());
	for shard in pool.chunks(64) {
		assert!(text.as_bytes().windows(64).any(|window| window == shard), "a shard is a piece of the text");
		assert!(!rest.windows(64).any(|window| window == shard), "and not learned from");
	}
	// The same text gives the same content.
	let again = run(&import(&file, &path(&folder, "again"), &more));
	assert_eq!(again.stdout, output.stdout);
}

#[test]
fn import_text_should_refuse_what_is_no_text_and_store_nothing() {
	let folder = tempfile::tempdir().unwrap();
	let store = path(&folder, "store");
	let refused = |text: &str| {
		let error = refused(&import(text, &store, &[]));
		assert_eq!(Store::open(&store).unwrap().list().unwrap(), [], "{error}");
		let leftovers = fs::read_dir(&store)
			.unwrap()
			.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".tmp"));
		assert_eq!(leftovers.count(), 0);
		error
	};
	let empty = write(&folder, "empty", "");
	let error = refused(&empty);
	assert!(error.contains("has 0 bytes") && error.contains("262144 are needed"), "{error}");
	assert!(refused(&write(&folder, "short", "a".repeat(262_143))).contains("has 262143 bytes"));
	let mut latin = "a".repeat(300_000).into_bytes();
	latin[123_456] = 0xe9;
	let error = refused(&write(&folder, "latin", &latin));
	assert!(error.contains("offset 123456"), "{error}");
	// Cut within its last character.
	let mut cut = "a".repeat(300_000).into_bytes();
	cut.push(0xe2);
	assert!(refused(&write(&folder, "cut", &cut)).contains("offset 300000"));
	assert!(refused(&folder.path().display().to_string()).contains("not a regular file"));
	assert!(refused(&path(&folder, "absent")).contains("absent"));
	let text = write(&folder, "text", "a".repeat(300_000));
	let error = self::refused(&import(&text, &store, &["--domains", "17"]));
	assert!(error.contains("--domains is 17") && error.contains("between 1 and 16"), "{error}");
}

#[test]
fn import_text_should_say_so_and_store_nothing_when_the_disk_is_full() {
	let folder = tempfile::tempdir().unwrap();
	let (text, store) = (write(&folder, "text", "a".repeat(4 << 20)), path(&folder, "store"));
	// Files may have 1 MiB at most: what a full disk looks like, without filling one.
	let script = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
	let output = Command::new("bash")
		.args(["-c", script, "bash", BINARY])
		.args(import(&text, &store, &[]))
		.output()
		.unwrap();
	let error = String::from_utf8_lossy(&output.stderr);
	assert_eq!(output.status.code(), Some(1), "{error}");
	assert!(error.contains("free some space") && error.contains("store"), "{error}");
	assert_eq!(Store::open(&store).unwrap().list().unwrap(), []);
}

#[test]
fn import_text_should_need_little_memory_when_the_text_is_long() {
	const TEXT_BYTES: u64 = 256 << 20;
	const MOST_KIB: u64 = 96 << 10;
	let folder = tempfile::tempdir().unwrap();
	let (text, store) = (path(&folder, "text"), path(&folder, "store"));
	let mut file = fs::File::create(&text).unwrap();
	// Zeros are UTF-8 too, and a hole takes no room.
	file.set_len(TEXT_BYTES - 4).unwrap();
	std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
	file.write_all("end\n".as_bytes()).unwrap();
	let mut child =
		Command::new(BINARY).args(import(&text, &store, &[])).stdout(Stdio::null()).spawn().unwrap();
	let status = PathBuf::from(format!("/proc/{}/status", child.id()));
	let mut peak_kib = 0;
	let exit = loop {
		let now = fs::read_to_string(&status).unwrap_or_default();
		let peak = now.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
		peak_kib = peak.and_then(|kib| kib.trim().parse().ok()).unwrap_or(0).max(peak_kib);
		if let Some(exit) = child.try_wait().unwrap() {
			break exit;
		}
		std::thread::sleep(Duration::from_millis(2));
	};
	assert!(exit.success());
	assert!(peak_kib > 0 && peak_kib < MOST_KIB, "{peak_kib} KiB");
}

#[test]
fn register_model_should_name_the_file_that_is_wrong() {
	let folder = tempfile::tempdir().unwrap();
	let config = write(&folder, "worker.toml", "key_env = \"BLYAN_TEST_NO_KEY\"");
	let architecture = write(&folder, "architecture.toml", "layers = 2");
	let pool = write(&folder, "pool.json", "{}");
	let register = |architecture: &str, pool: &str| {
		refused(&[
			"register-model",
			"--config",
			&config,
			"--name",
			"m",
			"--architecture",
			architecture,
			"--pool",
			pool,
		])
	};
	assert!(register(&architecture, &pool).contains("architecture.toml is not an architecture"));
	let whole = "layers = 1\ntop_k = 1\nd_model = 8\nd_ff = 8\nheads = 2\nvocabulary = 256\ncontext = 8\n\
		tokenizer = \"bytes\"\n[experts]\nmin = 1\ncurrent = 1\nmax = 1\n";
	let whole = write(&folder, "whole.toml", whole);
	assert!(register(&whole, &pool).contains("pool.json is not what import-text --json prints"));
	let output = run(&[
		"register-model",
		"--config",
		&config,
		"--name",
		"m",
		"--architecture",
		&whole,
		"--pool",
		&pool,
		"--gate",
		"zmilli=3",
	]);
	assert!(String::from_utf8_lossy(&output.stderr).contains("`zmilli` is none of"), "{output:?}");
}
