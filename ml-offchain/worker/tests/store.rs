//! The store under real processes: killed at any moment, two at once, a full disk.

use blyan_delta::{replay, Delta, DeltaOptions};
use blyan_primitives::cid::Cid;
use blyan_store::{cid_of_bytes, Store, Stored, LEAF_BYTES};
use blyan_tensorblock::{encode, Container, Tensor};
use std::{
	fs,
	io::{BufRead, BufReader},
	path::{Path, PathBuf},
	process::{Child, Command, Output, Stdio},
	time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_blyan-worker");

fn worker(store: &Path, arguments: &[&str]) -> Command {
	let mut command = Command::new(BINARY);
	command.arg("store").args(arguments).arg("--store").arg(store).env_remove("RUST_LOG");
	command
}

fn run(store: &Path, arguments: &[&str]) -> Output {
	worker(store, arguments).output().unwrap()
}

#[track_caller]
fn good(output: &Output) -> String {
	let text = String::from_utf8(output.stdout.clone()).unwrap();
	assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
	text.trim_end().to_owned()
}

fn sample(length: usize) -> Vec<u8> {
	(0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// A process that serves a store.
struct Serving {
	child: Child,
	peer: String,
	gateway: String,
}

impl Serving {
	fn start(store: &Path) -> Self {
		let mut command = worker(store, &["serve", "--http-listen", "127.0.0.1:0"]);
		let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
		let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
		let mut next = || lines.next().expect("it says where it listens").unwrap();
		let (peer, gateway) = (next(), next());
		Self { child, peer, gateway }
	}
}

impl Drop for Serving {
	fn drop(&mut self) {
		let _ = self.child.kill();
		let _ = self.child.wait();
	}
}

/// Moments at which to kill, that differ from run to run as the machine does, and spread over a span.
fn moments(span: Duration, count: u32) -> impl Iterator<Item = Duration> {
	(0..count).map(move |step| span * step / count)
}

/// Everything under the name of content is whole, and nothing else is left but what an interrupted
/// download goes on from.
#[track_caller]
fn assert_whole(folder: &Path, expected: &Stored) {
	let store = Store::open(folder).unwrap();
	for stored in store.list().unwrap() {
		assert_eq!(store.verify(&stored.cid).unwrap(), *expected, "half-written, or something else");
	}
	for entry in fs::read_dir(folder).unwrap() {
		let name = entry.unwrap().file_name().into_string().unwrap();
		assert!(!name.starts_with(".tmp-") && name != "quarantine", "{name} is left");
	}
}

#[test]
fn store_should_be_whole_when_an_import_is_killed_at_any_moment() {
	let folder = tempfile::tempdir().unwrap();
	let (file, store) = (folder.path().join("file"), folder.path().join("store"));
	let bytes = sample(96 * LEAF_BYTES + 5);
	fs::write(&file, &bytes).unwrap();
	let expected = Stored { cid: cid_of_bytes(&bytes).unwrap(), bytes: bytes.len() as u64 };
	let file = file.display().to_string();
	let begun = Instant::now();
	good(&run(&folder.path().join("timing"), &["add", &file]));
	let mut killed = 0;
	for moment in moments(begun.elapsed() * 5 / 4, 20) {
		let mut child = worker(&store, &["add", &file]).stdout(Stdio::null()).spawn().unwrap();
		std::thread::sleep(moment);
		let _ = child.kill();
		killed += u32::from(!child.wait().unwrap().success());
		assert_whole(&store, &expected);
	}
	assert!(killed >= 5, "{killed} of 20 imports were killed");
	assert_eq!(good(&run(&store, &["add", &file])), expected.cid.to_string());
	assert_whole(&store, &expected);
	assert!(Store::open(&store).unwrap().contains(&expected.cid));
}

/// Where the process that compacts finds its folder.
const COMPACTION: &str = "BLYAN_TEST_COMPACTION";

/// Replays what is in a folder into its store, as a worker does that compacts a chain of deltas.
#[test]
#[ignore = "the part of the next test that is killed, in a process of its own"]
fn compact_in_this_process() {
	let folder = PathBuf::from(std::env::var_os(COMPACTION).unwrap());
	let base = Container::open(folder.join("base")).unwrap();
	let whole = replay(&base, &[Delta::open(folder.join("delta")).unwrap()]).unwrap();
	Store::open(folder.join("store")).unwrap().put_bytes(&whole).unwrap();
}

#[test]
fn store_should_be_whole_when_a_compaction_is_killed_at_any_moment() {
	let folder = tempfile::tempdir().unwrap();
	let weights = |scale: f32| (0..3_000_000).map(|i| (i % 4_099) as f32 * scale).collect::<Vec<_>>();
	let container = |weights: &[f32]| {
		Container::parse(encode(&[Tensor::from_f32("w", &[1_000, 3_000], weights).unwrap()]).unwrap())
			.unwrap()
	};
	let (base, trained) = (container(&weights(1e-3)), container(&weights(2e-3)));
	let delta = Delta::encode(&base, &trained, &DeltaOptions::default()).unwrap().bytes;
	fs::write(folder.path().join("base"), base.as_bytes()).unwrap();
	fs::write(folder.path().join("delta"), &delta).unwrap();
	let whole = replay(&base, &[Delta::parse(delta).unwrap()]).unwrap();
	let expected = Stored { cid: cid_of_bytes(&whole).unwrap(), bytes: whole.len() as u64 };
	let store = folder.path().join("store");
	let compact = || {
		let mut command = Command::new(std::env::current_exe().unwrap());
		command.args(["--exact", "compact_in_this_process", "--ignored"]).env(COMPACTION, folder.path());
		command.stdout(Stdio::null()).spawn().unwrap()
	};
	let begun = Instant::now();
	assert!(compact().wait().unwrap().success());
	let span = begun.elapsed() * 5 / 4;
	assert_whole(&store, &expected);
	let mut killed = 0;
	for moment in moments(span, 20) {
		fs::remove_dir_all(&store).unwrap_or_default();
		let mut child = compact();
		std::thread::sleep(moment);
		let _ = child.kill();
		killed += u32::from(!child.wait().unwrap().success());
		assert_whole(&store, &expected);
	}
	assert!(killed >= 5, "{killed} of 20 compactions were killed");
	assert!(compact().wait().unwrap().success());
	assert!(Store::open(&store).unwrap().contains(&expected.cid));
}

#[test]
fn fetch_should_go_on_when_it_is_killed_at_any_moment() {
	let folder = tempfile::tempdir().unwrap();
	let (source, target) = (folder.path().join("source"), folder.path().join("target"));
	let bytes = sample(384 * LEAF_BYTES + 5);
	let expected = Store::open(&source).unwrap().put_bytes(&bytes).unwrap();
	let cid = expected.cid.to_string();
	let serving = Serving::start(&source);
	let get = ["get", &cid, "--from", &serving.peer];
	let begun = Instant::now();
	good(&run(&folder.path().join("timing"), &get));
	let span = begun.elapsed();
	let mut killed = 0;
	for moment in moments(span, 20) {
		let mut child = worker(&target, &get).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
		std::thread::sleep(moment);
		let _ = child.kill();
		killed += u32::from(!child.wait().unwrap().success());
		assert_whole(&target, &expected);
		if Store::open(&target).unwrap().contains(&expected.cid) {
			break;
		}
	}
	assert!(killed >= 3, "{killed} downloads were killed");
	let path = PathBuf::from(good(&run(&target, &get)));
	assert!(fs::read(path).unwrap() == bytes);
	assert_whole(&target, &expected);
	assert!(!target.join(format!("{cid}.partial")).exists());
}

#[test]
fn get_should_take_from_peers_and_gateways_and_outlive_a_provider_that_is_killed() {
	let folder = tempfile::tempdir().unwrap();
	let (source, target) = (folder.path().join("source"), folder.path().join("target"));
	let bytes = sample(400 * LEAF_BYTES);
	let stored = Store::open(&source).unwrap().put_bytes(&bytes).unwrap();
	let second = folder.path().join("second");
	Store::open(&second).unwrap().put_bytes(&bytes).unwrap();
	let (mut first, second) = (Serving::start(&source), Serving::start(&second));
	let cid = stored.cid.to_string();
	let output = folder.path().join("copy").display().to_string();
	let get = ["get", &cid, "--from", &first.peer, "--from", &second.gateway, "--output", &output];
	let child = worker(&target, &get).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
	// Gone in the middle, or before, or after: the result is the same.
	std::thread::sleep(Duration::from_millis(150));
	first.child.kill().unwrap();
	first.child.wait().unwrap();
	let path = good(&child.wait_with_output().unwrap());
	assert!(fs::read(path).unwrap() == bytes);
	assert!(fs::read(output).unwrap() == bytes);
}

#[test]
fn two_processes_should_share_a_store_and_download_once() {
	let folder = tempfile::tempdir().unwrap();
	let (source, target) = (folder.path().join("source"), folder.path().join("target"));
	let bytes = sample(100 * LEAF_BYTES);
	let stored = Store::open(&source).unwrap().put_bytes(&bytes).unwrap();
	let serving = Serving::start(&source);
	let cid = stored.cid.to_string();
	let get = ["get", &cid, "--from", &serving.peer];
	let children: Vec<Child> =
		(0..3).map(|_| worker(&target, &get).stdout(Stdio::piped()).spawn().unwrap()).collect();
	for child in children {
		let path = good(&child.wait_with_output().unwrap());
		assert!(fs::read(path).unwrap() == bytes);
	}
	assert_whole(&target, &stored);
	// A second server of the same folder would be the same peer.
	let output = run(&source, &["serve"]);
	assert!(!output.status.success());
	assert!(String::from_utf8_lossy(&output.stderr).contains("in use by another process"), "{output:?}");
}

/// Runs a command whose files may have 1 MiB at most: what a full disk looks like, without filling one.
fn short_of_room(store: &Path, arguments: &[&str]) -> Output {
	let script = "trap '' XFSZ; ulimit -f 1024; exec \"$@\"";
	let mut command = Command::new("bash");
	command.args(["-c", script, "bash", BINARY, "store"]).args(arguments).arg("--store").arg(store);
	command.output().unwrap()
}

#[test]
fn full_disk_should_be_said_and_leave_nothing_half_written() {
	let folder = tempfile::tempdir().unwrap();
	let (source, target) = (folder.path().join("source"), folder.path().join("target"));
	let bytes = sample(20 * LEAF_BYTES);
	let small = sample(2 * LEAF_BYTES);
	let stored = Store::open(&source).unwrap().put_bytes(&bytes).unwrap();
	let kept = Store::open(&target).unwrap().put_bytes(&small).unwrap();
	let file = folder.path().join("file");
	fs::write(&file, &bytes).unwrap();
	let serving = Serving::start(&source);
	let (cid, file) = (stored.cid.to_string(), file.display().to_string());
	for arguments in [&["add", &file][..], &["get", &cid, "--from", &serving.peer]] {
		let output = short_of_room(&target, arguments);
		let error = String::from_utf8_lossy(&output.stderr);
		assert_eq!(output.status.code(), Some(1), "{error}");
		assert!(error.contains("no room to") && error.contains("free space"), "{error}");
		assert_whole(&target, &kept);
		assert!(!target.join(format!("{cid}.partial")).exists(), "what cannot be finished takes no room");
	}
	assert!(Store::open(&target).unwrap().contains(&kept.cid));
	good(&run(&target, &["get", &cid, "--from", &serving.peer]));
}

#[test]
fn full_file_system_should_be_said_and_leave_nothing_half_written() {
	let folder = tempfile::tempdir().unwrap();
	// In a mount namespace of its own, so that nothing outside sees it.
	let script = "mount -t tmpfs -o size=4m tmpfs \"$1\" && shift && \"$@\"; status=$?; ls -A \"$MOUNT/store\"; exit $status";
	let (mount, file) = (folder.path().join("mount"), folder.path().join("file"));
	fs::create_dir(&mount).unwrap();
	fs::write(&file, sample(20 * LEAF_BYTES)).unwrap();
	let store = mount.join("store");
	let mut command = Command::new("unshare");
	command.args(["--user", "--map-root-user", "--mount", "bash", "-c", script, "bash"]).arg(&mount);
	command.args([BINARY, "store", "add"]).arg(&file).arg("--store").arg(&store).env("MOUNT", &mount);
	let output = command.output().unwrap();
	let error = String::from_utf8_lossy(&output.stderr);
	if error.contains("Operation not permitted") || error.contains("ermission denied") {
		eprintln!("a small file system cannot be mounted here: {error}");
		return;
	}
	assert_eq!(output.status.code(), Some(1), "{error}");
	assert!(error.contains("no room to"), "{error}");
	let left = String::from_utf8_lossy(&output.stdout).into_owned();
	assert!(left.lines().all(|name| name.ends_with("lock")), "{left}");
}

#[test]
fn altered_and_torn_files_should_be_found_and_mended() {
	use std::{io::Write, os::unix::fs::PermissionsExt};
	let folder = tempfile::tempdir().unwrap();
	let (source, target) = (folder.path().join("source"), folder.path().join("target"));
	let files: Vec<Vec<u8>> = (1..4).map(|n| sample(n * 3 * LEAF_BYTES)).collect();
	let stored: Vec<Stored> = files
		.iter()
		.map(|bytes| {
			Store::open(&source).unwrap().put_bytes(bytes).unwrap();
			Store::open(&target).unwrap().put_bytes(bytes).unwrap()
		})
		.collect();
	let store = Store::open(&target).unwrap();
	let open = |cid: &Cid| {
		fs::set_permissions(store.path(cid), fs::Permissions::from_mode(0o644)).unwrap();
		fs::OpenOptions::new().write(true).open(store.path(cid)).unwrap()
	};
	open(&stored[0].cid).write_all(&[files[0][0] ^ 0x10]).unwrap();
	open(&stored[1].cid).set_len(LEAF_BYTES as u64 + 1).unwrap();
	let output = run(&target, &["verify"]);
	let text = String::from_utf8_lossy(&output.stdout);
	assert_eq!(output.status.code(), Some(1), "{text}");
	assert!(text.contains(&stored[0].cid.to_string()) && text.contains(&stored[1].cid.to_string()), "{text}");
	assert!(text.contains("1 files are sound"), "{text}");
	let serving = Serving::start(&source);
	for stored in &stored {
		good(&run(&target, &["get", &stored.cid.to_string(), "--from", &serving.gateway]));
	}
	assert!(good(&run(&target, &["verify"])).contains("3 files are sound"));
}

#[test]
fn commands_should_list_pin_and_refuse_to_collect_without_the_chain() {
	let folder = tempfile::tempdir().unwrap();
	let (store, file) = (folder.path().join("store"), folder.path().join("file"));
	fs::write(&file, b"hello\n").unwrap();
	let cid = good(&run(&store, &["add", &file.display().to_string()]));
	assert_eq!(cid, "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");
	assert!(good(&run(&store, &["pin", &cid])).ends_with("was pinned already"), "by being added");
	good(&run(&store, &["unpin", &cid]));
	assert!(good(&run(&store, &["pin", &cid])).ends_with("is pinned"));
	let listed: serde_json::Value = serde_json::from_str(&good(&run(&store, &["ls", "--json"]))).unwrap();
	assert_eq!(listed, serde_json::json!([{ "cid": cid, "bytes": 6, "pins": ["manual"] }]));
	let table = good(&run(&store, &["ls"]));
	assert!(table.starts_with(&cid) && table.contains("manual") && table.contains("1 files, 6 B"), "{table}");
	good(&run(&store, &["unpin", &cid]));
	for (arguments, expected) in [
		(&["unpin", &cid][..], "was not pinned by hand"),
		(&["gc"], "give --config FILE"),
		(&["get", &cid[..cid.len() - 1]], "a CID is written"),
		(&["get", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"], "whom to fetch from?"),
		(&["get", &cid, "--from", "https://x"], "neither a multiaddress"),
		(&["add", "/nonexistent"], "/nonexistent"),
	] {
		let output = run(&store, arguments);
		let error = String::from_utf8_lossy(&output.stderr);
		assert!(!output.status.success() && error.contains(expected), "{arguments:?}: {error}");
	}
	let neither = Command::new(BINARY).args(["store", "ls"]).output().unwrap();
	assert!(String::from_utf8_lossy(&neither.stderr).contains("--store DIR"), "{neither:?}");
	// What is here already needs nobody.
	let path = good(&run(&store, &["get", &cid]));
	assert_eq!(fs::read(path).unwrap(), b"hello\n");
}
