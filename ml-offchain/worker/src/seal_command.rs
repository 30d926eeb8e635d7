//! `seal`, `open-lots`, `reclaim-lots`, `set-sealed-terms` and `retired-text`, for people.

use crate::{
	cli::{ConfigArgs, RetiredTextArgs, SealArgs, SetSealedTermsArgs},
	config::Config,
	content::Content,
	register::bly,
	seal::{self, text_of, Sealing},
	worker::Connection,
};
use anyhow::{bail, Context, Result};
use blyan_chain_client::{Call, Wait};
use blyan_exchange::{Identity, Network, NetworkConfig};
use blyan_primitives::{
	learning::DomainName,
	sealed::{LotState, SealedTerms},
};
use blyan_store::Store;
use std::{io::Write, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long a retired lot may take to fetch.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lots whose return may be refused before the rest is not asked for.
const MAX_REFUSALS: u32 = 3;
/// How long connections may take to close.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Says by how much sealed text a model's rounds are judged.
///
/// # Errors
/// For a person, with what to do about it.
pub async fn set_terms(args: SetSealedTermsArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let SetSealedTermsArgs { model, lots, shards_per_lot, .. } = args;
	let call = Call::SetSealedTerms { model, terms: SealedTerms { lots, shards_per_lot } };
	connection.chain.submit(&connection.signer, call, Wait::Finalized).await?;
	match lots {
		0 => println!("rounds of model {model} are judged by its public pool"),
		_ => println!(
			"rounds of model {model} are judged by {lots} lots of {shards_per_lot} sealed shards; they need a reserve of \
			such lots, sealed before the submission"
		),
	}
	Ok(())
}

/// Seals lots of a text.
///
/// # Errors
/// As [`set_terms`].
pub async fn seal(args: SealArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let domain = DomainName::try_from(args.domain.clone().into_bytes())
		.ok()
		.with_context(|| format!("the domain name `{}` is longer than 32 bytes", args.domain))?;
	let SealArgs { text, model, lots, shards, .. } = args;
	let ids = seal::seal(&config, &connection, &Sealing { text, model, lots, shards, domain }).await?;
	if args.json {
		println!("{}", serde_json::to_string(&ids)?);
		return Ok(());
	}
	let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
	println!("lots            {}", numbers.join(" "));
	println!(
		"keys            {} (mode 0600; keep a copy: a lot that is not opened loses its bond)",
		config.data_dir.join("sealed").display()
	);
	println!("Keep a worker or `blyan-worker open-lots` running with this configuration.");
	Ok(())
}

/// Serves and opens what was sealed.
///
/// # Errors
/// As [`set_terms`].
pub async fn open_lots(args: ConfigArgs, shutdown: CancellationToken) -> Result<()> {
	let config = Config::load(&args.config)?;
	let starting = Connection::open(&config);
	let connection = tokio::select! {
		connection = starting => connection?,
		() = shutdown.cancelled() => return Ok(()),
	};
	Ok(seal::open_lots(&config, connection, shutdown).await?)
}

/// Has what is held for one's own retired lots returned, as far as it is time.
///
/// # Errors
/// As [`set_terms`].
pub async fn reclaim(args: ConfigArgs) -> Result<()> {
	let config = Config::load(&args.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let mut kept = 0u32;
	for info in connection.chain.lots(None).await? {
		if info.sealer != *connection.account() || !matches!(info.state, LotState::Retired { .. }) {
			continue;
		}
		let call = Call::ReclaimLot { lot: info.id };
		match connection.chain.submit(&connection.signer, call, Wait::Finalized).await {
			Ok(_) => println!("lot {} of model {}: {} BLY returned", info.id, info.model, bly(info.held)),
			// Those after it were mostly opened later, and each question costs a fee.
			Err(error) if error.is_pallet_error("SealedShards", "RetentionNotOver") => {
				println!("lot {} of model {} is kept for a while yet; ask again later", info.id, info.model);
				kept += 1;
				if kept == MAX_REFUSALS {
					break;
				}
			}
			Err(error) => return Err(error.into()),
		}
	}
	Ok(())
}

/// Writes the text of retired lots to a file.
///
/// # Errors
/// As [`set_terms`].
pub async fn retired_text(args: RetiredTextArgs) -> Result<()> {
	let config = Config::load(&args.config.config)?;
	let connection = Connection::open_interactively(&config).await?;
	let store = Store::open(config.store_dir())?;
	let network = Network::start(store, Identity::ephemeral(), NetworkConfig::default()).await?;
	let content = Content::new(network.clone(), connection.chain.clone(), connection.account().clone());
	let mut text = Vec::new();
	let lots = connection.chain.retired_lots(args.model).await?;
	for info in &lots {
		match text_of(&content, info, PATIENCE).await {
			Ok(shards) => {
				for shard in shards {
					text.extend(shard);
					text.push(b'\n');
				}
			}
			Err(error) => tracing::warn!(%error, "left out"),
		}
	}
	network.shutdown(STOP_TIMEOUT).await;
	if text.is_empty() {
		bail!("model {} has no retired lots whose text is to be had", args.model);
	}
	let written = std::fs::File::create(&args.output).and_then(|mut file| file.write_all(&text));
	written.with_context(|| format!("cannot write {}", args.output.display()))?;
	println!("{} bytes of {} lots in {}", text.len(), lots.len(), args.output.display());
	Ok(())
}
