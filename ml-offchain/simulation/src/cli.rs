//! What a person types.

use blyan_worker::{cli::GateArg, import_text::Division};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Simulations of what the chain decides by measurement and by lot.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
	/// Which.
	#[command(subcommand)]
	pub command: Command,
}

/// The simulations.
#[derive(Debug, Subcommand)]
pub enum Command {
	/// How often the gate accepts candidates that are no better, and those that are.
	Gate(GateArgs),
	/// How likely a coalition holds a committee.
	Committees(CommitteesArgs),
}

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
	/// What to train and measure on: any UTF-8 text.
	#[arg(long, value_name = "FILE")]
	pub text: PathBuf,
	/// Rounds of each kind of candidate. Training takes the time; rounds take hardly any.
	#[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
	pub rounds: u32,
	/// Candidates of each kind, and of each gain; of the null kind one, and of break-even ones half as many.
	#[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
	pub candidates: u32,
	/// Decides weights, batches, noise and draws.
	#[arg(long, value_name = "N", default_value_t = 1)]
	pub seed: u64,
	/// What is asked of candidates, as KEY=VALUE,...; what is left out is as `register-model` has it.
	#[arg(long, value_name = "GATE", default_value = "")]
	pub gate: GateArg,
	/// Bytes of a shard.
	#[arg(long, value_name = "BYTES", default_value_t = 512)]
	pub shard_bytes: u32,
	/// Shards that the pool has of each domain; a round draws fewer, see --gate shards_per_domain.
	#[arg(long, value_name = "N", default_value_t = 80)]
	pub shards_per_domain: u32,
	/// Parts of the text.
	#[arg(long, value_name = "N", default_value_t = 4)]
	pub domains: u32,
	/// Threads that compute [default: as many as there are cores].
	#[arg(long, value_name = "N")]
	pub threads: Option<usize>,
	/// Write the figures there.
	#[arg(long, value_name = "FILE")]
	pub json: Option<PathBuf>,
}

impl GateArgs {
	/// How the text is divided.
	pub fn division(&self) -> Division {
		let Self { shard_bytes, shards_per_domain, domains, .. } = *self;
		Division { shard_bytes, shards_per_domain, domains }
	}
}

/// Arguments of `committees`.
#[derive(Debug, Args)]
pub struct CommitteesArgs {
	/// Committees drawn for each cell of the tables.
	#[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
	pub rounds: u32,
	/// Decides the draws.
	#[arg(long, value_name = "N", default_value_t = 1)]
	pub seed: u64,
	/// Write the tables there instead of to standard output.
	#[arg(long, value_name = "FILE")]
	pub markdown: Option<PathBuf>,
	/// Write the figures there.
	#[arg(long, value_name = "FILE")]
	pub json: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::CommandFactory;

	#[test]
	fn cli_should_be_consistent() {
		Cli::command().debug_assert();
	}

	#[test]
	fn gate_should_take_the_gate_of_register_model() {
		let cli = Cli::try_parse_from(["x", "gate", "--text", "t", "--gate", "shards_per_domain=8"]).unwrap();
		let Command::Gate(args) = cli.command else { panic!("the gate was asked for") };
		assert_eq!(args.gate.0.shards_per_domain, 8);
		assert_eq!(args.gate.0.delta, GateArg::default().0.delta);
		assert!(Cli::try_parse_from(["x", "gate", "--text", "t", "--rounds", "0"]).is_err());
	}
}
