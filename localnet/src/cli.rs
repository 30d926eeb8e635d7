//! What may be typed, and what is refused before anything is started.

use anyhow::{bail, Context, Result};
use clap::Parser;
use std::path::{Path, PathBuf};

/// Starts a local network of real processes, shows on it that the chain learns and cannot be fooled,
/// and then keeps it up.
///
/// Two validators, a trainer, five evaluators, two auditors, a curator, a planter and a server are
/// started from the binaries beside this one. A real text is offered as a dataset, audited and voted
/// on; a small Mixture-of-Experts model is trained on it, measured, accepted and paid for, three bad
/// datasets and three dishonest submissions are turned away, two reports are contested, one of them a
/// lie, and a canary is caught. Started again with the same --base-path, the network goes on from where it
/// stood.
#[derive(Clone, Debug, Parser)]
#[command(name = "blyan-localnet", version)]
pub struct Cli {
	/// The text to learn from: any UTF-8 file. Needed the first time; later the network has it.
	#[arg(long, value_name = "FILE")]
	pub text: Option<PathBuf>,

	/// The licence under which the text is offered as a dataset, an SPDX expression.
	#[arg(long, value_name = "EXPRESSION", default_value = "CC0-1.0")]
	pub text_licence: String,

	/// The text of that licence, by which auditors confirm it. Without it the text is experimental at best.
	#[arg(long, value_name = "FILE")]
	pub text_licence_file: Option<PathBuf>,

	/// Where the network keeps its state and its logs.
	#[arg(long, value_name = "DIR", default_value = ".local/network")]
	pub base_path: PathBuf,

	/// Forget the state of earlier runs under --base-path.
	#[arg(long)]
	pub fresh: bool,

	/// Check the endpoint too, then stop; the exit status says whether all came out as told.
	#[arg(long)]
	pub once: bool,

	/// Write the summary as JSON.
	#[arg(long, value_name = "FILE")]
	pub summary: Option<PathBuf>,

	/// Where blyan-node and blyan-worker are [default: the folder of this program].
	#[arg(long, value_name = "DIR")]
	pub bin_dir: Option<PathBuf>,

	/// WebSocket and HTTP RPC of the first validator [default: 9944, with --once any free port].
	#[arg(long, value_name = "PORT")]
	pub rpc_port: Option<u16>,

	/// The OpenAI-compatible endpoint [default: 8080, with --once any free port].
	#[arg(long, value_name = "PORT")]
	pub api_port: Option<u16>,
}

/// The two programs that the network is made of.
#[derive(Clone, Debug)]
pub struct Binaries {
	/// A validator.
	pub node: PathBuf,
	/// Every other worker.
	pub worker: PathBuf,
}

impl Cli {
	/// Refuses at once what would otherwise fail after minutes of work.
	///
	/// # Errors
	/// A text that cannot be read, or a summary that could not be written; names the option.
	pub fn validate(&self) -> Result<()> {
		for (option, path) in [("--text", &self.text), ("--text-licence-file", &self.text_licence_file)] {
			let Some(path) = path else { continue };
			let file = std::fs::File::open(path)
				.with_context(|| format!("{option} {} cannot be read", path.display()))?;
			if file.metadata().is_ok_and(|metadata| !metadata.is_file()) {
				bail!("{option} {} is not a file", path.display());
			}
		}
		if let Some(summary) = &self.summary {
			let folder =
				summary.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
			if !folder.is_dir() {
				bail!(
					"--summary {}: there is no folder {}; make it first",
					summary.display(),
					folder.display()
				);
			}
			if summary.is_dir() {
				bail!("--summary {} is a folder; name a file", summary.display());
			}
		}
		Ok(())
	}

	/// Finds the programs.
	///
	/// # Errors
	/// One of them is not there; says how to build it.
	pub fn binaries(&self) -> Result<Binaries> {
		let folder = match &self.bin_dir {
			Some(folder) => folder.clone(),
			None => {
				let own = std::env::current_exe()
					.context("where this program lies cannot be found out; give --bin-dir DIR")?;
				own.parent().map(Path::to_path_buf).unwrap_or_default()
			}
		};
		let find = |name: &str| {
			let path = folder.join(name);
			if !path.is_file() {
				bail!(
					"{} is missing: build it with `cargo build -p {name}`, or say with --bin-dir DIR where it is",
					path.display()
				);
			}
			std::path::absolute(&path).with_context(|| format!("{} has no absolute path", path.display()))
		};
		Ok(Binaries { node: find("blyan-node")?, worker: find("blyan-worker")? })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	fn parse(arguments: &[&str]) -> Cli {
		Cli::try_parse_from(std::iter::once("blyan-localnet").chain(arguments.iter().copied())).unwrap()
	}

	#[test]
	fn command_line_should_be_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn validate_should_name_the_option_when_a_file_cannot_be_used() {
		let folder = tempfile::tempdir().unwrap();
		let path = |name: &str| folder.path().join(name).display().to_string();
		let refusal = |arguments: &[&str]| format!("{:#}", parse(arguments).validate().unwrap_err());
		assert!(refusal(&["--text", &path("absent")]).contains("--text"));
		assert!(refusal(&["--text", &path("")]).contains("not a file"));
		assert!(refusal(&["--text-licence-file", &path("absent")]).contains("--text-licence-file"));
		assert!(refusal(&["--summary", &path("absent/summary.json")]).contains("no folder"));
		assert!(refusal(&["--summary", &path("")]).contains("is a folder"));
		assert!(parse(&["--summary", &path("summary.json")]).validate().is_ok());
		assert!(parse(&["--summary", "summary.json"]).validate().is_ok());
	}

	#[test]
	fn binaries_should_say_how_to_build_what_is_missing() {
		let folder = tempfile::tempdir().unwrap();
		let cli = parse(&["--bin-dir", &folder.path().display().to_string()]);
		assert!(cli.binaries().unwrap_err().to_string().contains("cargo build -p blyan-node"));
		std::fs::write(folder.path().join("blyan-node"), "").unwrap();
		assert!(cli.binaries().unwrap_err().to_string().contains("cargo build -p blyan-worker"));
		std::fs::write(folder.path().join("blyan-worker"), "").unwrap();
		assert!(cli.binaries().unwrap().worker.is_absolute());
	}
}
