//! `blyan-simulation`: see the crate's documentation.

use anyhow::{Context, Result};
use blyan_simulation::{
	cli::{Cli, Command, CommitteesArgs},
	committees, gate,
};
use clap::Parser;
use serde::Serialize;
use std::{fs, path::Path};

// The worker runs with it; so does what is simulated.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
	match Cli::parse().command {
		Command::Gate(args) => {
			let outcome = gate::run(&args)?;
			println!("{}", gate::text(&outcome));
			write_json(args.json.as_deref(), &outcome)
		}
		Command::Committees(args) => simulate_committees(&args),
	}
}

fn simulate_committees(args: &CommitteesArgs) -> Result<()> {
	let captures = committees::simulate(args.rounds, args.seed);
	let text = committees::markdown(&captures, args.rounds, args.seed);
	match &args.markdown {
		Some(path) => {
			fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
			println!("written to {}", path.display());
		}
		None => print!("{text}"),
	}
	write_json(args.json.as_deref(), &captures)
}

fn write_json(path: Option<&Path>, value: &impl Serialize) -> Result<()> {
	let Some(path) = path else { return Ok(()) };
	let json = serde_json::to_string_pretty(value)? + "\n";
	fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
}
