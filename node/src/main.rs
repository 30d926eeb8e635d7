//! The Blyan node: block production, finality, peers and RPC. Native work (training, serving, Bitcoin)
//! is done by the workers, which are other processes.

// The SDK's own error types are large, and its closures return them unboxed.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod checkpoints;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> polkadot_sdk::sc_cli::Result<()> {
	command::run()
}
