//! What may be typed.

use clap::Parser;
use polkadot_sdk::*;
use sc_cli::RunCmd;

/// The command line.
#[derive(Debug, Parser)]
pub struct Cli {
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	#[command(flatten)]
	pub run: RunCmd,
}

#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
	/// Make, inspect and insert keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Print a chain spec: `build-spec --chain local [--raw]`.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Print a chain spec (the older name of `export-chain-spec`).
	#[allow(deprecated)]
	BuildSpec(sc_cli::BuildSpecCmd),

	/// Execute a stored block again and compare.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Write blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Write the state of a block to a chain spec.
	ExportState(sc_cli::ExportStateCmd),

	/// Read blocks from a file.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Remove the whole chain from this machine.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Take the chain back to an earlier block.
	Revert(sc_cli::RevertCmd),

	/// Print what the database holds.
	ChainInfo(sc_cli::ChainInfoCmd),
}
