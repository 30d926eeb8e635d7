//! `store`: looking after the content store by hand.

use crate::{
	cli::{GetArgs, StoreArgs, StoreCommand},
	collect::{self, Collection},
	config::Config,
	content::Content,
	exchange::start_gateway,
	worker::Connection,
};
use anyhow::{bail, Context, Result};
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::cid::Cid;
use blyan_store::{content_bytes, FetchOptions, PinReason, Store, StoreError, Stored};
use indicatif::HumanBytes;
use serde::Serialize;
use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long answers may take to finish when serving stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Blocks asked for at once.
const PARALLEL_BLOCKS: usize = 32;

/// Does what was asked for; `stop` ends what goes on until then.
///
/// # Errors
/// For a person, with what to do about it.
pub async fn run(args: StoreArgs, stop: CancellationToken) -> Result<()> {
	let config = args.config.as_deref().map(Config::load).transpose()?;
	let folder = match (&args.store, &config) {
		(Some(folder), _) => folder.clone(),
		(None, Some(config)) => config.store_dir(),
		(None, None) => bail!("which store? Give --store DIR, or --config FILE of the worker that has it"),
	};
	let store = blocking({
		let folder = folder.clone();
		move || Ok(Store::open(folder)?)
	})
	.await?;
	match args.command {
		StoreCommand::Ls { json } => blocking(move || list(&store, json)).await,
		StoreCommand::Verify { cids } => blocking(move || verify(&store, cids)).await,
		StoreCommand::Gc { grace_hours } => collect(store, config, grace_hours).await,
		StoreCommand::Pin { cid } => {
			let is_new = blocking(move || Ok(store.pin(cid, PinReason::Manual)?)).await?;
			println!("{cid} {}", if is_new { "is pinned" } else { "was pinned already" });
			Ok(())
		}
		StoreCommand::Unpin { cid } => {
			let was_there = blocking(move || Ok(store.unpin(&cid, PinReason::Manual)?)).await?;
			if !was_there {
				bail!("{cid} was not pinned by hand");
			}
			println!("{cid} is no longer pinned");
			Ok(())
		}
		StoreCommand::Get(get) => fetch(store, config, get).await,
		StoreCommand::Add { file } => {
			let stored = blocking(move || {
				let stored = store.put_file(file)?;
				store.pin(stored.cid, PinReason::Manual)?;
				Ok(stored)
			});
			println!("{}", stored.await?.cid);
			Ok(())
		}
		StoreCommand::Serve { listen, http_listen } => serve(store, folder, listen, http_listen, stop).await,
	}
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
	tokio::task::spawn_blocking(work).await?
}

#[derive(Serialize)]
struct Line {
	cid: String,
	bytes: u64,
	pins: Vec<&'static str>,
}

fn list(store: &Store, json: bool) -> Result<()> {
	let pins = store.pins()?;
	let files = store.list()?;
	let line = |file: &Stored| Line {
		cid: file.cid.to_string(),
		bytes: file.bytes,
		pins: pins.reasons(&file.cid).map(PinReason::as_str).collect(),
	};
	let lines: Vec<Line> = files.iter().map(line).collect();
	if json {
		println!("{}", serde_json::to_string_pretty(&lines)?);
		return Ok(());
	}
	for line in &lines {
		println!("{}  {:>14}  {}", line.cid, line.bytes, line.pins.join(", "));
	}
	let absent = pins.cids().into_iter().filter(|cid| !store.contains(cid)).count();
	let bytes = files.iter().map(|file| file.bytes).sum();
	println!("{} files, {}; {absent} pinned and not stored", files.len(), HumanBytes(bytes));
	Ok(())
}

fn verify(store: &Store, cids: Vec<Cid>) -> Result<()> {
	let cids = match cids.is_empty() {
		true => store.list()?.into_iter().map(|file| file.cid).collect(),
		false => cids,
	};
	let (mut sound, mut bytes, mut faults) = (0u64, 0u64, 0u64);
	for cid in cids {
		match store.verify(&cid) {
			Ok(stored) => {
				sound += 1;
				bytes += stored.bytes;
			}
			Err(error @ (StoreError::Altered { .. } | StoreError::Missing { .. })) => {
				faults += 1;
				println!("{error}");
			}
			Err(error) => return Err(error.into()),
		}
	}
	println!("{sound} files are sound ({})", HumanBytes(bytes));
	if faults > 0 {
		bail!("{faults} files are missing or were altered");
	}
	Ok(())
}

async fn collect(store: Store, config: Option<Config>, grace_hours: u64) -> Result<()> {
	let config = config.context(
		"what must be kept is on the chain: give --config FILE of the worker, so that the node is asked",
	)?;
	let connection = Connection::open_interactively(&config).await?;
	let grace = collect::hours(grace_hours);
	let Collection { collected, kept, .. } =
		collect::collect(&*connection.chain, &config, store, None, grace).await?;
	for cid in &collected.removed {
		println!("{cid}");
	}
	println!(
		"{} files removed, {} freed; {kept} CIDs are kept by the chain and this worker's own work",
		collected.removed.len(),
		HumanBytes(collected.bytes),
	);
	Ok(())
}

async fn fetch(store: Store, config: Option<Config>, get: GetArgs) -> Result<()> {
	let GetArgs { cid, from: mut providers, timeout_seconds, max_mebibytes, output } = get;
	let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await?;
	let timeout = Duration::from_secs(timeout_seconds);
	if let Some(config) = config {
		let connection = Connection::open_interactively(&config).await?;
		let account = connection.account().clone();
		let content = Content::new(network.clone(), connection.chain.clone(), account);
		providers.extend(content.providers(None).await?);
	}
	let options = FetchOptions {
		timeout_total: timeout,
		max_bytes: max_mebibytes.saturating_mul(1 << 20),
		parallel: PARALLEL_BLOCKS,
		..FetchOptions::default()
	};
	let stored = {
		let store = network.store().clone();
		blocking(move || match store.verify(&cid) {
			Ok(stored) => Ok(Some(stored)),
			Err(StoreError::Missing { .. } | StoreError::Altered { .. }) => Ok(None),
			Err(error) => Err(error.into()),
		})
		.await?
	};
	let bytes = match stored {
		Some(stored) => stored.bytes,
		None if providers.is_empty() => bail!("whom to fetch from? Give --from ADDRESS, or --config FILE"),
		None => {
			let sources = providers.iter().map(|provider| network.source(provider)).collect();
			content_bytes(&cid, sources, &options).await?
		}
	};
	let path = network.fetch(cid, bytes, &providers, &options).await?;
	network.shutdown(STOP_TIMEOUT).await;
	if let Some(output) = output {
		tokio::fs::copy(&path, &output)
			.await
			.with_context(|| format!("cannot copy {} to {}", path.display(), output.display()))?;
	}
	println!("{}", path.display());
	Ok(())
}

async fn serve(
	store: Store,
	folder: PathBuf,
	listen: SocketAddr,
	http_listen: Option<SocketAddr>,
	stop: CancellationToken,
) -> Result<()> {
	let identity = blocking(move || Ok(Identity::open(folder)?)).await?;
	let gateway = match http_listen {
		Some(listen) => Some(start_gateway(store.clone(), listen).await?),
		None => None,
	};
	let network = Network::start(store, identity, NetworkConfig { listen, ..Default::default() }).await?;
	for address in network.addresses() {
		println!("{address}");
	}
	if let Some(gateway) = &gateway {
		println!("http://{}", gateway.address());
	}
	std::io::stdout().flush()?;
	stop.cancelled().await;
	if let Some(gateway) = gateway {
		gateway.stop(STOP_TIMEOUT).await;
	}
	network.shutdown(STOP_TIMEOUT).await;
	Ok(())
}
