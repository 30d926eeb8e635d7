//! How the guest becomes a module: shared by the build script and the test that builds it again elsewhere.

use std::{
	env,
	path::{Path, PathBuf},
	process::Command,
};

/// Names the rustup toolchain to build Wasm with, where it is not the one in use: as for the runtime.
pub const TOOLCHAIN: &str = "WASM_BUILD_TOOLCHAIN";

/// What of the environment would change the module, or make cargo build something else.
const FORGOTTEN: [&str; 10] = [
	"CARGO_BUILD_",
	"CARGO_ENCODED_RUSTFLAGS",
	"CARGO_INCREMENTAL",
	"CARGO_PROFILE_",
	"CARGO_TARGET_",
	"CARGO_UNSTABLE_",
	"RUSTC",
	"RUSTDOC",
	"RUSTFLAGS",
	"__CARGO_",
];

/// Compiles the crate in `guest`, with what it builds in `target`; returns the module's path.
///
/// # Errors
/// Says what cargo said.
pub fn build(guest: &Path, target: &Path) -> Result<PathBuf, String> {
	let mut command = match env::var(TOOLCHAIN) {
		Ok(toolchain) if !toolchain.is_empty() => {
			let mut command = Command::new("rustup");
			command.args(["run", &toolchain, "cargo"]);
			command
		}
		_ => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
	};
	for (name, _) in env::vars_os() {
		if FORGOTTEN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
			command.env_remove(name);
		}
	}
	// No path of this machine stays in the module.
	let mut flags = vec![format!("--remap-path-prefix={}=guest", guest.display())];
	let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
	if let Some(home) = env::var_os("CARGO_HOME").map(PathBuf::from).or(home) {
		flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
	}
	command
		.current_dir(guest)
		.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
		.args(["rustc", "--locked", "--release", "--lib", "--crate-type=cdylib", "--target=wasm32v1-none"])
		.arg("--target-dir")
		.arg(target);
	let output = command.output().map_err(|error| format!("{command:?} could not be started: {error}"))?;
	if !output.status.success() {
		let said = String::from_utf8_lossy(&output.stderr);
		return Err(format!(
			"the reference module could not be built ({}). It needs the target wasm32v1-none: `rustup target add \
			 wasm32v1-none`, or {TOOLCHAIN} naming a toolchain that has it (scripts/lib/setup.sh makes one).\n{said}",
			output.status
		));
	}
	Ok(target.join("wasm32v1-none/release/blyan_reference_guest.wasm"))
}
