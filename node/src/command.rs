//! Runs what was typed.

use crate::{
	chain_spec,
	cli::{Cli, Subcommand},
	service,
};
use polkadot_sdk::*;
use sc_cli::{Database, SubstrateCli};
use sc_network::config::NetworkBackendType;
use sc_service::{DatabaseSource, PartialComponents};

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Blyan Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		"A chain on which open Mixture-of-Experts models are trained, checked, owned and served in public.\n\n\
		 Try:  blyan-node --dev --tmp            one validator, state thrown away\n\
		       blyan-node --chain local --alice   one of two validators on this machine"
			.into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		env!("CARGO_PKG_REPOSITORY").into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(match id {
			"dev" => Box::new(chain_spec::development()?),
			"" | "local" => Box::new(chain_spec::local()?),
			path => {
				Box::new(chain_spec::ChainSpec::from_json_file(std::path::PathBuf::from(path)).map_err(
					|error| {
						format!("`{path}` is neither `dev`, `local` nor a chain spec file that can be read: {error}")
					},
				)?)
			}
		})
	}
}

/// Runs the command line to its end.
pub fn run() -> sc_cli::Result<()> {
	let mut cli = Cli::from_args();
	// ParityDB alone is built in.
	cli.run.import_params.database_params.database.get_or_insert(Database::ParityDb);

	match &cli.subcommand {
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::ExportChainSpec(cmd)) => {
			let spec = cli.load_spec(&cmd.chain)?;
			cmd.run(spec)
		}
		#[allow(deprecated)]
		Some(Subcommand::BuildSpec(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.chain_spec, config.network))
		}
		Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::PurgeChain(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database))
		}
		Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, backend, .. } = service::new_partial(&config)?;
			let revert_aux = Box::new(|client: std::sync::Arc<_>, backend, blocks| {
				sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok((cmd.run(client, backend, Some(revert_aux)), task_manager))
		}),
		Some(Subcommand::ChainInfo(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run::<service::Block>(&config))
		}
		None => cli.create_runner(&cli.run)?.run_node_until_exit(|config| async move {
			if !matches!(config.database, DatabaseSource::ParityDb { .. }) {
				return Err(sc_cli::Error::Input(
					"only `--database paritydb` is built into this node".into(),
				));
			}
			match config.network.network_backend {
				NetworkBackendType::Libp2p => service::new_full::<sc_network::NetworkWorker<_, _>>(config)
					.map_err(sc_cli::Error::Service),
				NetworkBackendType::Litep2p => service::new_full::<sc_network::Litep2pNetworkBackend>(config)
					.map_err(sc_cli::Error::Service),
			}
		}),
	}
}
