//! `blyan-localnet`: a local network of real processes that shows that the chain learns.

#![warn(missing_docs)]

mod adversary;
mod chronicle;
mod cli;
mod config;
mod corpus;
mod endpoint;
mod layout;
mod leftovers;
mod localnet;
mod money;
mod network;
mod observe;
mod plot;
mod record;
mod steps;
mod summary;
mod ui;

use crate::{
	cli::Cli,
	layout::{Layout, Ports, Wish, DEFAULT_API_PORT, DEFAULT_RPC_PORT},
	leftovers::Roster,
	localnet::Localnet,
	network::Network,
	ui::Ui,
};
use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::EnvFilter;

/// What a shell says of a program that was stopped by Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;

/// How it ended.
enum End {
	/// Everything was done; whether it came out as told.
	Done(bool),
	/// Somebody asked us to stop.
	Interrupted,
}

fn main() -> ExitCode {
	let cli = Cli::parse();
	// Steps are shown on standard output; this is for what goes wrong underneath.
	// The accomplice is told by its own watcher that it measured wrongly, which is what it is here for.
	let quiet = || EnvFilter::new("error,blyan_worker::watch=off");
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| quiet());
	tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
	let ended = tokio::runtime::Builder::new_multi_thread()
		.enable_all()
		.build()
		.map_err(anyhow::Error::from)
		.and_then(|runtime| runtime.block_on(run(cli)));
	match ended {
		Ok(End::Done(true)) => ExitCode::SUCCESS,
		Ok(End::Done(false)) => ExitCode::FAILURE,
		Ok(End::Interrupted) => ExitCode::from(EXIT_INTERRUPTED),
		Err(error) => {
			eprintln!("error: {error:#}");
			ExitCode::FAILURE
		}
	}
}

/// Sets the network up, runs the steps, and stops everything again, however it ends.
async fn run(cli: Cli) -> Result<End> {
	cli.validate()?;
	let binaries = cli.binaries()?;
	let layout = Layout::open(&cli.base_path)?;
	let lock = layout.lock()?;
	let ui = Ui::new();
	let left = Roster::new(layout.base()).stop_leftovers()?;
	if left > 0 {
		ui.print(&format!("stopped {left} processes that an earlier run had left behind"));
	}
	if cli.fresh {
		layout.clear(&lock)?;
	}
	let ports = choose_ports(&cli, &layout)?;
	let mut local = Localnet {
		cli,
		binaries,
		layout,
		ports,
		ui,
		network: Network::default(),
		steps: Vec::new(),
		verdict: None,
	};
	let failure = local.network.failure();
	let ended = tokio::select! {
		ended = steps::run(&mut local) => ended.map(End::Done),
		failure = failure => Err(failure.into()),
		interrupted = interruption() => interrupted.map(|()| End::Interrupted),
	};
	// A network that stays up is meant to be ended so: what counts is what it has shown.
	let ended = match (ended, local.verdict) {
		(Ok(End::Interrupted), Some(passed)) => Ok(End::Done(passed)),
		(ended, _) => ended,
	};
	local.ui.print("stopping the network (Ctrl-C again kills it)");
	tokio::select! {
		killed = local.network.stop() => {
			if !killed.is_empty() {
				local.ui.print(&format!("these did not stop by themselves and were killed: {}", killed.join(", ")));
			}
		},
		_ = interruption() => local.network.kill().await,
	}
	ended
}

fn choose_ports(cli: &Cli, layout: &Layout) -> Result<Ports> {
	let wish = |asked: Option<u16>, default: u16, option| match asked {
		None if cli.once => Wish::Any,
		asked => Wish::Exactly { port: asked.unwrap_or(default), option },
	};
	let ports = Ports::choose(
		layout.saved_ports()?,
		wish(cli.rpc_port, DEFAULT_RPC_PORT, "--rpc-port"),
		wish(cli.api_port, DEFAULT_API_PORT, "--api-port"),
	)?;
	layout.save_ports(&ports)?;
	Ok(ports)
}

/// Resolves when somebody wants us to stop.
async fn interruption() -> Result<()> {
	let mut interrupt = signal(SignalKind::interrupt())?;
	let mut terminate = signal(SignalKind::terminate())?;
	let mut hang_up = signal(SignalKind::hangup())?;
	tokio::select! {
		_ = interrupt.recv() => (),
		_ = terminate.recv() => (),
		_ = hang_up.recv() => (),
	}
	Ok(())
}
