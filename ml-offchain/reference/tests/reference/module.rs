use crate::common::reference;
use blyan_reference::MODULE;
use std::path::Path;

#[path = "../../build/module.rs"]
mod build;

fn copy(from: &Path, to: &Path) {
	std::fs::create_dir_all(to).unwrap();
	for entry in std::fs::read_dir(from).unwrap() {
		let entry = entry.unwrap();
		let to = to.join(entry.file_name());
		if entry.file_type().unwrap().is_dir() {
			copy(&entry.path(), &to);
		} else {
			std::fs::copy(entry.path(), to).unwrap();
		}
	}
}

#[test]
fn module_should_be_the_same_bytes_when_it_is_built_in_another_folder() {
	let folder = tempfile::tempdir().unwrap();
	let guest = folder.path().join("elsewhere/and deeper");
	copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference-guest"), &guest);
	let built = build::build(&guest, &folder.path().join("built")).unwrap();
	let built = std::fs::read(built).unwrap();
	assert_eq!(built.len(), MODULE.len());
	assert!(built == MODULE, "of the same length, and not the same");
}

#[test]
fn module_should_hold_no_path_of_this_machine() {
	let text = String::from_utf8_lossy(MODULE);
	for path in [env!("CARGO_MANIFEST_DIR"), "/.cargo/", "/home/", "/root/"] {
		assert!(!text.contains(path), "{path}");
	}
}

#[test]
fn module_hash_should_be_that_of_the_bytes() {
	use blyan_primitives::Hash;
	use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
	let expected: Hash = BlakeTwo256::hash(MODULE);
	assert_eq!(reference().module_hash(), expected);
	println!("{} bytes, {:?}", MODULE.len(), reference().module_hash());
}
