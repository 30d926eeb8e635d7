//! `blyan-worker`: see `blyan-worker --help`.

use anyhow::{Context, Result};
use blyan_chain_client::{Call, Chain, ChainEvent, Client, ClientConfig, Wait};
use blyan_hf::ModelRecord;
use blyan_primitives::{architecture::Architecture, dag::BlockIds, learning::ValidationPool, worker::Role};
use blyan_store::Store;
use blyan_worker::{
	audit,
	auditor::{self, Duties},
	cli::{
		Cli, Command, ConfigArgs, DisputeArgs, DisputesArgs, ImportTextArgs, ManifestArgs, ModelCommand,
		ModelExportArgs, ModelImportArgs, ProposeMigrationArgs, RegisterModelArgs, RollBackArgs,
		SetCanaryKeyArgs, StatusArgs, StoreCommand, TrainArgs,
	},
	config::Config,
	datasets::{commands, offer},
	evaluator, graph,
	import_text::{import_text, Division, ImportedText},
	manifest_command::{self, ManifestText},
	plant,
	progress::Reporter,
	register_model::{register_model, FirstWeights, Registration},
	seal_command, serve,
	status::status,
	store_command, trainer, usage_command,
	watch::{
		self,
		commands::{contest, describe},
	},
	work::{envelope, Progress, Subject},
	worker::{random_hash, Connection, Worker, INTERACTIVE_PATIENCE},
};
use clap::Parser;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::{
	fs,
	io::{self, IsTerminal},
	path::Path,
	process::ExitCode,
	sync::Arc,
	time::Duration,
};
use tokio::signal::unix::{signal, SignalKind};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Training and evaluation allocate and free the same large buffers at every step: an allocator that
/// keeps them is a third faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long threads that compute may take to notice that all is over.
const RUNTIME_STOP: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
	let cli = Cli::parse();
	start_logging(cli.verbose);
	let runtime = match tokio::runtime::Runtime::new() {
		Ok(runtime) => runtime,
		Err(error) => return fail(&anyhow::Error::new(error).context("cannot start the threads")),
	};
	let result = runtime.block_on(run(cli.command));
	runtime.shutdown_timeout(RUNTIME_STOP);
	match result {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => fail(&error),
	}
}

fn fail(error: &anyhow::Error) -> ExitCode {
	// The messages of this project carry their causes; what a person adds by `context` stands before.
	let mut line = String::from("error: ");
	for cause in error.chain() {
		let cause = cause.to_string();
		if !line.contains(&cause) {
			if line.len() > "error: ".len() {
				line.push_str(": ");
			}
			line.push_str(&cause);
		}
	}
	eprintln!("{line}");
	ExitCode::FAILURE
}

fn start_logging(verbose: u8) {
	let quiet = match verbose {
		// What litep2p warns of is what other peers do, and its own end.
		0 => "warn,litep2p=error",
		1 => "warn,litep2p=error,blyan_worker=info,blyan_store=info,blyan_exchange=info,blyan_chain_client=info",
		2 => "info,blyan_worker=debug,blyan_store=debug,blyan_exchange=debug,blyan_chain_client=debug",
		_ => "debug",
	};
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
	tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(io::stderr)
		.with_ansi(io::stderr().is_terminal())
		.init();
}

async fn run(command: Command) -> Result<()> {
	match command {
		Command::Train(args) => train(args).await,
		Command::Plant(args) => {
			let config = Config::load(&args.config.config)?;
			let shutdown = shutdown_on_signals()?;
			let Some(worker) = start(config, Role::Trainer, &shutdown).await? else { return Ok(()) };
			Ok(plant::run(worker, args.once, Arc::new(Reporter::new(args.progress)), shutdown).await?)
		}
		Command::SetCanaryKey(args) => set_canary_key(args).await,
		Command::Evaluate(args) => {
			let config = Config::load(&args.config)?;
			let shutdown = shutdown_on_signals()?;
			let Some(worker) = start(config, Role::Evaluator, &shutdown).await? else { return Ok(()) };
			Ok(evaluator::run(worker, shutdown).await?)
		}
		Command::Watch(args) => {
			let config = Config::load(&args.config)?;
			let shutdown = shutdown_on_signals()?;
			let starting = async {
				let connection = Connection::open(&config).await?;
				Worker::start_unregistered(config, connection).await
			};
			tokio::select! {
				worker = starting => Ok(watch::run(worker?, shutdown.clone()).await?),
				() = shutdown.cancelled() => Ok(()),
			}
		}
		Command::AuditManifests(args) => {
			audit_as_drawn(args, Duties { manifests: true, datasets: false }).await
		}
		Command::AuditDatasets(args) => {
			audit_as_drawn(args, Duties { manifests: false, datasets: true }).await
		}
		Command::Auditor(args) => audit_as_drawn(args, Duties { manifests: true, datasets: true }).await,
		Command::Offer(args) => offer::run(*args, shutdown_on_signals()?).await,
		Command::Vote(args) => commands::vote(args).await,
		Command::SettleVotes(args) => commands::settle_votes(args).await,
		Command::Appeal(args) => commands::appeal(args).await,
		Command::Dataset(args) => commands::dataset(args).await,
		Command::Datasets(args) => commands::datasets(args).await,
		Command::Lineage(args) => commands::lineage(args).await,
		Command::Manifest(args) => show_manifest(args).await,
		Command::SetDataTerms(args) => manifest_command::set_data_terms(args).await,
		Command::Serve(args) => {
			let config = Config::load(&args.config)?;
			Ok(serve::run(config, shutdown_on_signals()?).await?)
		}
		Command::ImportText(args) => tokio::task::spawn_blocking(move || import(&args)).await?,
		Command::Model(ModelCommand::Import(args)) => {
			tokio::task::spawn_blocking(move || import_model(&args)).await?
		}
		Command::Model(ModelCommand::Export(args)) => {
			tokio::task::spawn_blocking(move || export_model(&args)).await?
		}
		Command::RegisterModel(args) => register(args).await,
		Command::ProposeMigration(args) => propose_migration(args).await,
		Command::RollBack(args) => roll_back(args).await,
		Command::SetSealedTerms(args) => seal_command::set_terms(args).await,
		Command::Seal(args) => seal_command::seal(args).await,
		Command::OpenLots(args) => {
			let shutdown = shutdown_on_signals()?;
			seal_command::open_lots(args, shutdown).await
		}
		Command::ReclaimLots(args) => seal_command::reclaim(args).await,
		Command::RetiredText(args) => seal_command::retired_text(args).await,
		Command::Contest(args) => {
			let config = Config::load(&args.config.config)?;
			let Connection { chain, signer } = Connection::open_interactively(&config).await?;
			println!("{}", contest(&*chain, &signer, args.round, args.evaluator, args.position).await?);
			Ok(())
		}
		Command::Dispute(args) => show_dispute(args).await,
		Command::Disputes(args) => show_disputes(args).await,
		Command::Status(args) => show_status(args).await,
		Command::Usage(args) => {
			println!("{}", usage_command::run(args).await?);
			Ok(())
		}
		Command::Graph(args) => graph::run(args).await,
		Command::Store(args) => {
			let stop = match &args.command {
				StoreCommand::Serve { .. } => shutdown_on_signals()?,
				_ => CancellationToken::new(),
			};
			store_command::run(args, stop).await
		}
		Command::Audit(args) => tokio::task::spawn_blocking(move || audit::run(args)).await?,
		Command::CheckConfig(args) => {
			print!("{}", toml::to_string(&Config::load(&args.config)?)?);
			Ok(())
		}
	}
}

async fn audit_as_drawn(args: ConfigArgs, duties: Duties) -> Result<()> {
	let config = Config::load(&args.config)?;
	let shutdown = shutdown_on_signals()?;
	let Some(worker) = start(config, Role::Auditor, &shutdown).await? else { return Ok(()) };
	Ok(auditor::run(worker, duties, shutdown).await?)
}

/// Starts a worker, unless it is told to stop before it has started.
async fn start(config: Config, role: Role, shutdown: &CancellationToken) -> Result<Option<Worker>> {
	let starting = async {
		let connection = Connection::open(&config).await?;
		Worker::start(config, connection, role).await
	};
	tokio::select! {
		worker = starting => Ok(Some(worker?)),
		() = shutdown.cancelled() => Ok(None),
	}
}

async fn train(args: TrainArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let shutdown = shutdown_on_signals()?;
	let Some(worker) = start(config, Role::Trainer, &shutdown).await? else { return Ok(()) };
	Ok(trainer::run(worker, args.once, Arc::new(Reporter::new(args.progress)), shutdown).await?)
}

fn import(args: &ImportTextArgs) -> Result<()> {
	let ImportTextArgs { text, store, shard_bytes, shards_per_domain, domains, json } = args;
	let opened = Store::open(store)?;
	let division =
		Division { shard_bytes: *shard_bytes, shards_per_domain: *shards_per_domain, domains: *domains };
	let bar = progress_bar()?;
	let imported = import_text(text, &opened, store, division, |done, all| {
		bar.set_length(all);
		bar.set_position(done);
	})?;
	bar.finish_and_clear();
	if *json {
		println!("{}", serde_json::to_string_pretty(&imported)?);
	} else {
		let shards: u32 = imported.pool.domains.iter().map(|domain| domain.shards).sum();
		println!("training text   {} ({})", imported.text.content, HumanBytes(imported.text.bytes));
		println!(
			"validation pool {} ({shards} shards of {} bytes in {} domains)",
			imported.pool.content,
			imported.pool.shard_bytes,
			imported.pool.domains.len()
		);
	}
	Ok(())
}

/// A bar on standard error, where somebody sees it.
fn progress_bar() -> Result<ProgressBar> {
	let bar = ProgressBar::new(0).with_style(
		ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}").context("the progress bar")?,
	);
	if !io::stderr().is_terminal() {
		bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
	}
	Ok(bar)
}

fn import_model(args: &ModelImportArgs) -> Result<()> {
	let ModelImportArgs { checkpoint, store, context, max_experts, json } = args;
	let store = Store::open(store)?;
	let bar = progress_bar()?;
	let options = blyan_hf::Options { context: *context, max_experts: *max_experts };
	let imported = blyan_hf::import(checkpoint, &store, options, |done, all| {
		bar.set_length(all);
		bar.set_position(done);
	})?;
	bar.finish_and_clear();
	let record = &imported.record;
	if *json {
		println!("{}", serde_json::to_string_pretty(record)?);
		return Ok(());
	}
	let Architecture { layers, experts, top_k, context, vocabulary, .. } = record.architecture;
	let bytes: u64 = record.components.iter().map(|component| component.bytes).sum();
	println!("model           {:?}, {} parameters", record.family, record.parameters);
	println!("architecture    {layers} layers of {} experts, {top_k} at a time", experts.current);
	println!("tokens          {vocabulary} known, {context} at a time");
	println!(
		"components      {} ({}), {} of them there already",
		record.components.len(),
		HumanBytes(bytes),
		imported.already_there
	);
	println!("checkpoint      {}", record.checkpoint.content);
	for name in &imported.left_out {
		println!("left out        {name}");
	}
	println!("Run it again with --json for the record that register-model and model export read.");
	Ok(())
}

fn export_model(args: &ModelExportArgs) -> Result<()> {
	let ModelExportArgs { record, store, out } = args;
	let record = read_record(record)?;
	let bar = progress_bar()?;
	let exported = blyan_hf::export(&record, &Store::open(store)?, out, |done, all| {
		bar.set_length(all);
		bar.set_position(done);
	})?;
	bar.finish_and_clear();
	println!("{} files ({}) in {}", exported.files, HumanBytes(exported.bytes), out.display());
	Ok(())
}

fn read_record(path: &Path) -> Result<ModelRecord> {
	ModelRecord::from_json(read(path)?.as_bytes())
		.with_context(|| format!("{} is not what model import --json prints", path.display()))
}

async fn register(args: RegisterModelArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let (architecture, weights) = match (&args.imported, &args.architecture) {
		(Some(path), _) => {
			let record = read_record(path)?;
			(record.architecture, FirstWeights::Imported(Box::new(record)))
		}
		(None, Some(path)) => {
			let architecture: Architecture = toml::from_str(&read(path)?)
				.with_context(|| format!("{} is not an architecture", path.display()))?;
			(architecture, FirstWeights::Seed(args.seed))
		}
		(None, None) => anyhow::bail!("name an --architecture, or what was --imported"),
	};
	let imported: ImportedText = serde_json::from_str(&read(&args.pool)?)
		.with_context(|| format!("{} is not what import-text --json prints", args.pool.display()))?;
	let pool = ValidationPool::try_from(&imported.pool)?;
	let RegisterModelArgs { name, gate, referee, .. } = args;
	let referee = referee.unwrap_or_default().0;
	let registration = Registration { name, architecture, pool, gate: gate.0, referee, weights };
	let connection = Connection::open(&config).await?;
	let registered = register_model(&config, &connection, &registration).await?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&registered)?);
	} else {
		println!("model           {} ({} parameters)", registered.model, registered.parameters);
		println!("version root    {:?} (generation {})", registered.version_root, registered.generation);
	}
	Ok(())
}

async fn propose_migration(args: ProposeMigrationArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let (model, migration) = (args.model, args.change.migration());
	let call = match migration {
		Some(migration) => Call::ProposeMigration { model, migration },
		None => Call::WithdrawMigration { model },
	};
	connection.chain.submit(&connection.signer, call, Wait::Finalized).await?;
	match migration {
		Some(migration) => println!(
			"model {model} may be migrated: {migration:?}\nA trainer brings it about with a job that has the same \
			`migration`; a round then measures that the model is no worse."
		),
		None => println!("model {model} is not to be migrated"),
	}
	Ok(())
}

async fn set_canary_key(args: SetCanaryKeyArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let pair = plant::load_key(&args.canary_key_file)?;
	let connection = Connection::open_interactively(&config).await?;
	let call = plant::set_key_call(&pair, &connection.signer);
	connection.chain.submit(&connection.signer, call, Wait::Finalized).await?;
	println!(
		"the key takes part in the lottery from the period after the next on\nRun `blyan-worker plant` with it, as a \
		trainer whom nobody knows to be yours."
	);
	Ok(())
}

async fn roll_back(args: RollBackArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let (model, blocks) = (args.model, BlockIds::truncate_from(args.blocks));
	let stop = shutdown_on_signals()?;
	let (account, seal) = (connection.signer.account().clone(), random_hash());
	let subject = Subject { account, model, blocks: blocks.to_vec(), seal };
	let tell = |Progress { bits, tries }| eprintln!("proof of work: {tries} of about 2^{bits} hashes");
	let envelope = envelope(&*connection.chain, &subject, 0, &stop, tell).await?;
	let envelope = envelope.context("stopped before the proof of work was found; nothing was sent")?;
	let call = Call::RollBack { model, blocks, envelope };
	let receipt = connection.chain.submit(&connection.signer, call, Wait::Finalized).await?;
	let round = receipt.events.iter().find_map(|event| match event {
		ChainEvent::SubmissionReceived { round, .. } => Some(*round),
		_ => None,
	});
	let round = round.context("the chain did not say which round measures it")?;
	println!(
		"round {round} measures whether model {model} was better before\nIf it was, its heads go back; the bond \
		returns in either case, less the measurement's fee."
	);
	Ok(())
}

async fn connect(node: &str) -> Result<Client> {
	Ok(Client::connect(ClientConfig::new(node).with_read_patience(INTERACTIVE_PATIENCE)).await?)
}

async fn show_dispute(args: DisputeArgs) -> Result<()> {
	let chain = connect(&args.node).await?;
	let found = chain.dispute(args.dispute).await?;
	let found = found.with_context(|| {
		format!("no dispute {} is open: it is over, or was never begun; its events say which", args.dispute)
	})?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&found)?);
	} else {
		print!("{}", describe(&found, chain.finalized_head().await?.number));
	}
	Ok(())
}

async fn show_disputes(args: DisputesArgs) -> Result<()> {
	let chain = connect(&args.node).await?;
	let found = chain.disputes(args.round).await?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&found)?);
		return Ok(());
	}
	let height = chain.finalized_head().await?.number;
	for dispute in &found {
		print!("{}", describe(dispute, height));
	}
	if found.is_empty() {
		println!("no dispute is open");
	}
	Ok(())
}

async fn show_manifest(args: ManifestArgs) -> Result<()> {
	let chain = Client::connect(ClientConfig::new(&args.node)).await?;
	let info = chain.training_manifest(args.round).await?;
	let info = info.with_context(|| {
		format!("submission {} has no training manifest, or it is kept no more", args.round)
	})?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&info)?);
	} else {
		println!("{}", ManifestText(&info));
	}
	Ok(())
}

async fn show_status(args: StatusArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let status = status(&config, &connection).await?;
	if args.json {
		println!("{}", serde_json::to_string_pretty(&status)?);
	} else {
		println!("{status}");
	}
	Ok(())
}

fn read(path: &Path) -> Result<String> {
	fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Cancelled by the first SIGTERM or Ctrl-C; a second one ends the process at once.
fn shutdown_on_signals() -> Result<CancellationToken> {
	let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
	let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
	let shutdown = CancellationToken::new();
	let cancelled = shutdown.clone();
	tokio::spawn(async move {
		for is_second in [false, true] {
			tokio::select! {
				_ = terminate.recv() => {},
				_ = interrupt.recv() => {},
			}
			if is_second {
				std::process::exit(130);
			}
			tracing::info!("stopping; once more to stop at once");
			cancelled.cancel();
		}
	});
	Ok(shutdown)
}
