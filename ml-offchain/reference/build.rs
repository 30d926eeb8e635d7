//! Compiles the guest to the Wasm module that this crate carries.

#[path = "build/module.rs"]
mod module;

use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
	for path in ["build.rs", "build"] {
		println!("cargo:rerun-if-changed={path}");
	}
	let guest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../reference-guest").canonicalize()?;
	for path in ["Cargo.toml", "Cargo.lock", "src"] {
		println!("cargo:rerun-if-changed={}", guest.join(path).display());
	}
	println!("cargo:rerun-if-env-changed={}", module::TOOLCHAIN);
	let out = PathBuf::from(env::var("OUT_DIR")?);
	let built = module::build(&guest, &out.join("guest"))?;
	std::fs::copy(built, out.join("reference.wasm"))?;
	Ok(())
}
