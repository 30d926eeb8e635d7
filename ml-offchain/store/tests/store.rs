//! The folder: what is kept, what is noticed, what survives.

use blyan_primitives::cid::Cid;
use blyan_store::{cid_of_bytes, cid_of_file, PinReason, Store, StoreError, LEAF_BYTES};
use std::{
	collections::BTreeSet,
	fs,
	io::{Seek, SeekFrom, Write},
	os::unix::fs::PermissionsExt,
	path::Path,
	process::{Command, Output},
	time::Duration,
};

fn sample(length: usize) -> Vec<u8> {
	(0..length as u64).map(|i| ((i * 31 + 7) % 251) as u8).collect()
}

fn store() -> (tempfile::TempDir, Store) {
	let folder = tempfile::tempdir().unwrap();
	let store = Store::open(folder.path().join("store")).unwrap();
	(folder, store)
}

/// Everything in the folder that is not a lock.
fn names(store: &Store) -> Vec<String> {
	let folder = store.path(&cid_of_bytes(b"").unwrap());
	let entries = fs::read_dir(folder.parent().unwrap()).unwrap();
	let mut names: Vec<String> =
		entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
	names.retain(|name| !name.ends_with("lock"));
	names.sort();
	names
}

/// Changes a stored file behind the store's back.
fn tamper(path: &Path, change: impl FnOnce(&mut fs::File)) {
	fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
	change(&mut fs::OpenOptions::new().write(true).open(path).unwrap());
}

// See src/dag.rs for how these were made, independently of this crate.
const EXPECTED: [(usize, &str); 5] = [
	(0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
	(LEAF_BYTES, "bafkreieiuj5mzeuqor24l4lmo2yumm6665yv4gq7ozzp2nrfmqrjyboosy"),
	(LEAF_BYTES + 1, "bafybeich6cqd6yabw3cku6edwmz4rvwe275nx2l6ootvc2bpbt5bdvarua"),
	(174 * LEAF_BYTES + 1, "bafybeibo5yjphmmdq6aigqtgrijost25l5lmv5l37von7hrjv7sagnx4sy"),
	(91_488_333, "bafybeibxsmqzghajhlqhr7gmifpex5apjo25kjqhy4zthz2wrrwfk7zn6y"),
];

#[test]
fn put_should_name_files_as_ipfs_does() {
	let (folder, store) = store();
	for (length, expected) in EXPECTED {
		let bytes = sample(length);
		let stored = store.put_bytes(&bytes).unwrap();
		assert_eq!((stored.cid.to_string().as_str(), stored.bytes), (expected, length as u64));
		assert_eq!(cid_of_bytes(&bytes).unwrap(), stored.cid);
		let source = folder.path().join("source");
		fs::write(&source, &bytes).unwrap();
		assert_eq!(cid_of_file(&source).unwrap(), (stored.cid, length as u64));
		assert_eq!(store.put_file(&source).unwrap(), stored);
		let path = store.open_verified(&stored.cid).unwrap();
		assert!(fs::read(&path).unwrap() == bytes);
		assert!(fs::metadata(&path).unwrap().permissions().readonly());
		assert!(store.read_verified(&stored.cid, u64::MAX).unwrap() == bytes);
	}
	assert_eq!(store.list().unwrap().len(), EXPECTED.len());
	assert!(names(&store).iter().all(|name| !name.starts_with(".tmp")));
}

#[test]
fn block_should_give_every_leaf_and_node_when_asked_by_its_cid() {
	let (_folder, store) = store();
	let bytes = sample(175 * LEAF_BYTES - 5);
	let stored = store.put_bytes(&bytes).unwrap();
	// A store opened anew knows only what is on disk.
	for store in [store.clone(), Store::open(store.path(&stored.cid).parent().unwrap()).unwrap()] {
		for leaf in bytes.chunks(LEAF_BYTES) {
			let cid = cid_of_bytes(leaf).unwrap();
			assert!(store.block(&cid).unwrap().as_deref() == Some(leaf));
		}
		let root = store.block(&stored.cid).unwrap().unwrap();
		// The root links to two nodes; their digests are in it and name blocks, too.
		let links: Vec<usize> = (0..root.len())
			.filter(|at| root[*at..].starts_with(&[0x0a, 0x24, 0x01, 0x70, 0x12, 0x20]))
			.collect();
		assert_eq!(links.len(), 2);
		for at in links {
			let cid = blyan_primitives::cid::Cid::from_bytes(&root[at + 2..at + 38]).unwrap();
			assert!(store.block(&cid).unwrap().is_some());
		}
		assert_eq!(store.block(&cid_of_bytes(b"elsewhere").unwrap()).unwrap(), None);
	}
}

#[test]
fn block_should_be_found_when_another_process_stored_it_or_one_of_two_files_went() {
	let (_folder, ours) = store();
	assert_eq!(ours.block(&cid_of_bytes(b"new").unwrap()).unwrap(), None);
	let theirs = Store::open(ours.path(&cid_of_bytes(b"").unwrap()).parent().unwrap()).unwrap();
	let leaf = sample(LEAF_BYTES);
	let first = theirs.put_bytes(&[&leaf[..], b"tail one"].concat()).unwrap();
	let second = theirs.put_bytes(&[&leaf[..], b"tail two"].concat()).unwrap();
	let shared = cid_of_bytes(&leaf).unwrap();
	assert!(ours.block(&shared).unwrap().is_some());
	for gone in [first, second] {
		assert!(ours.block(&shared).unwrap().is_some(), "while one file has it, it is served");
		assert!(theirs.remove(&gone.cid).unwrap());
	}
	assert_eq!(ours.block(&shared).unwrap(), None);
	assert!(!theirs.remove(&first.cid).unwrap());
	assert!(names(&ours).is_empty());
}

#[test]
fn verify_should_quarantine_when_a_file_was_altered_or_torn() {
	let (_folder, store) = store();
	let bytes = sample(3 * LEAF_BYTES + 100);
	let changes: [fn(&mut fs::File); 3] = [
		|file| {
			file.seek(SeekFrom::Start(LEAF_BYTES as u64 + 9)).unwrap();
			file.write_all(b"?").unwrap();
		},
		|file| file.set_len(2 * LEAF_BYTES as u64 + 1).unwrap(),
		|file| file.set_len(4 * LEAF_BYTES as u64).unwrap(),
	];
	for change in changes {
		let stored = store.put_bytes(&bytes).unwrap();
		tamper(&store.path(&stored.cid), change);
		let error = store.open_verified(&stored.cid).unwrap_err();
		let StoreError::Altered { cid, path } = &error else { panic!("{error}") };
		assert_eq!(*cid, stored.cid);
		assert!(path.exists() && error.is_retryable());
		assert!(!store.contains(&stored.cid));
		let error = store.verify(&stored.cid).unwrap_err();
		assert!(matches!(error, StoreError::Missing { .. }) && error.is_retryable(), "{error}");
	}
	let stored = store.put_bytes(&bytes).unwrap();
	assert_eq!(store.verify(&stored.cid).unwrap(), stored, "stored anew, it is sound");
	tamper(&store.path(&stored.cid), changes[0]);
	let error = store.read_verified(&stored.cid, u64::MAX).unwrap_err();
	assert!(matches!(error, StoreError::Altered { .. }), "{error}");
}

#[test]
fn block_should_not_serve_an_altered_leaf() {
	let (_folder, store) = store();
	for length in [100, 2 * LEAF_BYTES] {
		let bytes = sample(length);
		let stored = store.put_bytes(&bytes).unwrap();
		let leaf = cid_of_bytes(&bytes[..length.min(LEAF_BYTES)]).unwrap();
		tamper(&store.path(&stored.cid), |file| file.write_all(b"lie").unwrap());
		let error = store.block(&leaf).unwrap_err();
		assert!(matches!(error, StoreError::Altered { .. }), "{error}");
		assert_eq!(store.block(&leaf).unwrap(), None);
	}
}

#[test]
fn sidecar_should_be_made_anew_when_it_is_lost_or_broken() {
	let (_folder, store) = store();
	let bytes = sample(2 * LEAF_BYTES);
	let stored = store.put_bytes(&bytes).unwrap();
	let leaf = cid_of_bytes(&bytes[..LEAF_BYTES]).unwrap();
	let path = store.path(&stored.cid);
	let sidecar = path.with_file_name(format!("{}.dag", stored.cid));
	let good = fs::read(&sidecar).unwrap();
	for _ in 0..2 {
		fs::remove_file(&sidecar).unwrap();
		// A sidecar that names other leaves is not believed.
		fs::write(&sidecar, [&good[..40], &good[16..40], &good[64..]].concat()).unwrap();
		let fresh = Store::open(path.parent().unwrap()).unwrap();
		assert!(fresh.block(&leaf).unwrap().is_some());
		assert_eq!(fs::read(&sidecar).unwrap(), good);
		fs::remove_file(&sidecar).unwrap();
		assert_eq!(store.verify(&stored.cid).unwrap(), stored);
		assert_eq!(fs::read(&sidecar).unwrap(), good);
	}
}

#[test]
fn put_file_should_refuse_when_it_is_given_no_file() {
	let (folder, store) = store();
	let error = store.put_file(folder.path()).unwrap_err();
	assert!(matches!(error, StoreError::NotAFile { .. }), "{error}");
	let error = store.put_file(folder.path().join("absent")).unwrap_err();
	assert!(error.to_string().contains("absent") && !error.is_retryable(), "{error}");
	// Longer than any file of the store, and a hole: refused by its length, before it is read.
	let huge = fs::File::create(folder.path().join("huge")).unwrap();
	huge.set_len(blyan_store::MAX_FILE_BYTES + 1).unwrap();
	let error = store.put_file(folder.path().join("huge")).unwrap_err();
	assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
	let stored = store.put_bytes(b"12345").unwrap();
	let error = store.read_verified(&stored.cid, 4).unwrap_err();
	assert!(matches!(error, StoreError::TooLarge { bytes: 5, limit: 4, .. }), "{error}");
	assert_eq!(names(&store), [stored.cid.to_string()]);
}

#[test]
fn collect_garbage_should_keep_what_is_named_and_what_is_recent() {
	let (_folder, store) = store();
	let kept = store.put_bytes(&sample(LEAF_BYTES + 1)).unwrap();
	let dropped = store.put_bytes(&sample(LEAF_BYTES + 2)).unwrap();
	let altered = store.put_bytes(b"altered").unwrap();
	tamper(&store.path(&altered.cid), |file| file.write_all(b"?").unwrap());
	store.verify(&altered.cid).unwrap_err();
	let keep = BTreeSet::from([kept.cid]);

	let collected = store.collect_garbage(&keep, Duration::from_secs(3600)).unwrap();
	assert_eq!((collected.removed, collected.bytes), (vec![], 7), "only the quarantine is emptied");
	let partial = store.path(&dropped.cid).with_file_name(format!("{}.partial", altered.cid));
	fs::write(&partial, b"interrupted").unwrap();
	let collected = store.collect_garbage(&keep, Duration::ZERO).unwrap();
	assert_eq!(collected.removed, [dropped.cid]);
	assert_eq!(collected.bytes, dropped.bytes + 16 + 64 + 11, "the file, its sidecar, the partial file");
	assert_eq!(store.list().unwrap(), [kept]);
	assert_eq!(names(&store), [kept.cid.to_string(), format!("{}.dag", kept.cid), "quarantine".into()]);
	assert_eq!(store.verify(&kept.cid).unwrap(), kept);
	assert!(store.block(&kept.cid).unwrap().is_some());
}

#[test]
fn pins_should_hold_content_across_openings_until_they_are_taken_away() {
	let (folder, store) = store();
	let pinned = store.put_bytes(&sample(LEAF_BYTES + 1)).unwrap();
	let other = store.put_bytes(b"other").unwrap();
	let awaited = cid_of_bytes(b"not here yet").unwrap();
	assert!(store.pin(pinned.cid, PinReason::Manual).unwrap());
	assert!(store.pin(pinned.cid, PinReason::OwnWork).unwrap());
	assert!(!store.pin(pinned.cid, PinReason::Manual).unwrap(), "it is pinned already");
	assert!(store.pin(awaited, PinReason::Manual).unwrap());
	// What is being fetched is kept too.
	let partial = store.path(&awaited).with_file_name(format!("{awaited}.partial"));
	fs::write(&partial, b"interrupted").unwrap();

	let store = Store::open(folder.path().join("store")).unwrap();
	assert_eq!(store.collect_garbage(&BTreeSet::new(), Duration::ZERO).unwrap().removed, [other.cid]);
	assert!(partial.exists());
	assert!(store.unpin(&pinned.cid, PinReason::Manual).unwrap());
	assert!(!store.unpin(&pinned.cid, PinReason::Head).unwrap(), "it never was");
	assert_eq!(store.collect_garbage(&BTreeSet::new(), Duration::ZERO).unwrap().removed, []);
	assert_eq!(store.verify(&pinned.cid).unwrap(), pinned, "there is a reason left");
	assert_eq!(store.pins().unwrap().reasons(&pinned.cid).collect::<Vec<_>>(), [PinReason::OwnWork]);
	assert!(store.unpin(&pinned.cid, PinReason::OwnWork).unwrap());
	assert_eq!(store.collect_garbage(&BTreeSet::new(), Duration::ZERO).unwrap().removed, [pinned.cid]);
}

#[test]
fn collect_garbage_should_take_nothing_when_the_pins_were_altered() {
	let (folder, store) = store();
	let pinned = store.put_bytes(b"pinned").unwrap();
	store.pin(pinned.cid, PinReason::Manual).unwrap();
	let path = folder.path().join("store/pins");
	let text = fs::read(&path).unwrap();
	for altered in [&text[1..], &text[..text.len() - 1], b"", &[0xff]] {
		tamper(&path, |file| {
			file.set_len(0).unwrap();
			file.write_all(altered).unwrap();
		});
		let error = store.collect_garbage(&BTreeSet::new(), Duration::ZERO).unwrap_err();
		assert!(matches!(error, StoreError::PinsAltered { .. }), "{error}");
		assert!(store.pin(pinned.cid, PinReason::Head).is_err(), "nothing is written over them");
		assert!(store.contains(&pinned.cid));
	}
}

#[test]
fn pins_should_all_be_there_when_many_pin_at_once() {
	let folder = tempfile::tempdir().unwrap();
	let cids: Vec<Cid> = (0..24u8).map(|number| cid_of_bytes(&[number]).unwrap()).collect();
	std::thread::scope(|scope| {
		for part in cids.chunks(4) {
			let folder = folder.path();
			scope.spawn(move || {
				for cid in part {
					assert!(Store::open(folder).unwrap().pin(*cid, PinReason::Manual).unwrap());
				}
			});
		}
	});
	let pins = Store::open(folder.path()).unwrap().pins().unwrap();
	assert_eq!(pins.cids(), cids.into_iter().collect());
}

#[test]
fn has_block_should_know_what_is_here() {
	let (_folder, store) = store();
	let stored = store.put_bytes(&sample(LEAF_BYTES + 1)).unwrap();
	let leaf = cid_of_bytes(&sample(LEAF_BYTES + 1)[..LEAF_BYTES]).unwrap();
	assert!(store.has_block(&stored.cid).unwrap() && store.has_block(&leaf).unwrap());
	assert!(!store.has_block(&cid_of_bytes(b"absent").unwrap()).unwrap());
	// Another process may remove it.
	fs::remove_file(store.path(&stored.cid)).unwrap();
	assert!(!store.has_block(&leaf).unwrap());
}

#[test]
fn store_should_stay_whole_when_many_open_and_fill_it_at_once() {
	let folder = tempfile::tempdir().unwrap();
	let stored: Vec<_> = std::thread::scope(|scope| {
		let threads: Vec<_> = (0..6usize)
			.map(|thread| {
				let folder = folder.path();
				scope.spawn(move || {
					// Each opens the folder as another process would: locks are on files, not on threads.
					(0..8)
						.map(|round| {
							let store = Store::open(folder).unwrap();
							store.put_bytes(&sample(LEAF_BYTES * 2 + (thread + round) % 5)).unwrap()
						})
						.collect::<Vec<_>>()
				})
			})
			.collect();
		threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
	});
	let store = Store::open(folder.path()).unwrap();
	for stored in &stored {
		assert_eq!(store.verify(&stored.cid).unwrap(), *stored);
	}
	assert_eq!(store.list().unwrap().len(), 5);
	assert_eq!(names(&store).len(), 10, "five files and their sidecars");
}

/// Tells the child of the test below which store to fill.
const FILL: &str = "BLYAN_TEST_STORE_TO_FILL";

#[test]
fn put_should_leave_nothing_behind_when_there_is_no_room() {
	if let Some(folder) = std::env::var_os(FILL) {
		return fill(Path::new(&folder));
	}
	let folder = tempfile::tempdir().unwrap();
	let program = std::env::current_exe().unwrap();
	let run = |script: &str, folder: &Path, launcher: &[&str]| {
		let shell = ["sh", "-c", script];
		let mut words = launcher.iter().chain(&shell);
		let mut command = Command::new(words.next().unwrap());
		command
			.args(words)
			.arg(&program)
			.args(["--exact", "put_should_leave_nothing_behind_when_there_is_no_room"]);
		command.env(FILL, folder).output().unwrap()
	};
	// Everywhere: a limit on the length of files (in blocks of 512 bytes), its signal ignored so that the
	// write fails instead. The program is $0 of the script.
	let output = run("trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\"", folder.path(), &[]);
	assert_one_passed(&output);
	// Where namespaces can be had: a file system that is really full.
	let is_allowed = Command::new("unshare")
		.args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
		.output()
		.is_ok_and(|output| output.status.success());
	if is_allowed {
		let script = format!("mount -t tmpfs -o size=3m none \"${FILL}\" && exec \"$0\" \"$@\"");
		let output = run(&script, folder.path(), &["unshare", "-rm"]);
		assert_one_passed(&output);
	}
}

/// The child ran its part of the test, and it held.
#[track_caller]
fn assert_one_passed(output: &Output) {
	let text = String::from_utf8_lossy(&output.stdout);
	let errors = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

fn fill(folder: &Path) {
	let store = Store::open(folder).unwrap();
	let bytes = sample(8 << 20);
	let small = store.put_bytes(&bytes[..LEAF_BYTES * 2]).unwrap();
	let before = names(&store);
	let error = store.put_bytes(&bytes).unwrap_err();
	let text = error.to_string();
	assert!(matches!(error, StoreError::Full { needed_bytes, .. } if needed_bytes == 8 << 20), "{text}");
	assert!(text.contains("8388608") && text.contains(folder.to_str().unwrap()), "{text}");
	assert!(!error.is_retryable());
	assert_eq!(names(&store), before, "nothing of it is left");
	assert_eq!(store.verify(&small.cid).unwrap(), small, "what was there is sound");
	store.put_bytes(b"and there is room for this").unwrap();
}

#[test]
fn put_with_should_store_what_put_bytes_would_and_nothing_when_writing_fails() {
	let folder = tempfile::tempdir().unwrap();
	let (store, other) =
		(Store::open(folder.path().join("a")).unwrap(), Store::open(folder.path().join("b")).unwrap());
	for length in [0, 1, LEAF_BYTES, 16 * LEAF_BYTES, 33 * LEAF_BYTES + 5] {
		let bytes: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
		let fill =
			|out: &mut dyn std::io::Write| bytes.chunks(70_001).try_for_each(|chunk| out.write_all(chunk));
		let expected = other.put_bytes(&bytes).unwrap();
		assert_eq!(blyan_store::cid_with(fill).unwrap(), (expected.cid, expected.bytes));
		assert_eq!(store.put_with(length as u64, fill).unwrap(), expected);
		assert_eq!(store.verify(&expected.cid).unwrap(), expected);
	}
	let before = store.list().unwrap();
	let failing = |out: &mut dyn std::io::Write| {
		out.write_all(&[1; 100_000])?;
		Err(std::io::Error::other("the source broke off"))
	};
	let error = store.put_with(100_000, failing).unwrap_err();
	assert!(error.to_string().contains("the source broke off"), "{error}");
	assert_eq!(store.list().unwrap(), before);
	assert!(std::fs::read_dir(folder.path().join("a"))
		.unwrap()
		.all(|entry| { !entry.unwrap().file_name().to_string_lossy().starts_with(".tmp-") }));
}
