//! `usage`: a client's prepaid account, and paying a server for what it counted.

use crate::{
	cli::{UsageArgs, UsageCommand},
	config::Config,
	register::bly,
	serve::usage::{Proposal, Submission, Taken},
	worker::{Connection, StartError},
};
use blyan_chain_client::{Call, ChainError, SubmitError, Wait};
use blyan_primitives::{economy::BLY, worker::Role, AccountId, Balance};
use reqwest::{Client, Response, Url};
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
	/// The configuration or the chain cannot be used.
	#[error(transparent)]
	Start(Box<StartError>),
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain did not take the call.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// The server cannot be reached.
	#[error("cannot reach the server at {url}: {source}; check --server")]
	Http {
		/// Where.
		url: Url,
		/// What went wrong.
		source: reqwest::Error,
	},
	/// The server refuses.
	#[error("the server at {url} says: {message}")]
	Refused {
		/// Which.
		url: Url,
		/// Its words.
		message: String,
	},
	/// What the server wants signed is not to be signed.
	#[error("not signed: {0}")]
	Unsound(String),
}

impl From<StartError> for UsageError {
	fn from(error: StartError) -> Self {
		Self::Start(Box::new(error))
	}
}

/// Does it, and says what was done.
///
/// # Errors
/// See [`UsageError`].
pub async fn run(args: UsageArgs) -> Result<String, UsageError> {
	let config = Config::load(&args.config.config).map_err(StartError::from)?;
	let connection = Connection::open_interactively(&config).await?;
	let Connection { chain, signer } = &connection;
	let send = async |call| chain.submit(signer, call, Wait::Finalized).await;
	Ok(match args.command {
		UsageCommand::Show => show(&connection).await?,
		UsageCommand::Deposit { bly } => {
			send(Call::DepositForUse { amount: BLY.saturating_mul(bly.into()) }).await?;
			show(&connection).await?
		}
		UsageCommand::RequestWithdrawal { bly } => {
			send(Call::RequestUsageWithdrawal { amount: BLY.saturating_mul(bly.into()) }).await?;
			show(&connection).await?
		}
		UsageCommand::Withdraw => {
			send(Call::WithdrawUsageDeposit {}).await?;
			show(&connection).await?
		}
		UsageCommand::Pay { server, most_bly } => {
			let most = BLY.saturating_mul(most_bly.into());
			let taken = pay(&connection, &server, most).await?;
			let fee = taken.fee.parse::<Balance>().map(bly).unwrap_or(taken.fee);
			format!("signed for what was served up to block {}: {fee} BLY", taken.until)
		}
	})
}

async fn show(connection: &Connection) -> Result<String, UsageError> {
	let Some(account) = connection.chain.usage_account(connection.account()).await? else {
		return Ok("nothing is prepaid".into());
	};
	let mut text = format!("{} BLY prepaid", bly(account.deposit));
	if let Some((amount, from)) = account.withdrawal {
		text += &format!(", of which {} BLY can be withdrawn from block {from} on", bly(amount));
	}
	for (server, until) in account.servers {
		text += &format!("\npaid {server} for use up to block {until}");
	}
	Ok(text)
}

/// Asks a server what is owed, checks it, signs it if it is `most` at most, and sends it back.
///
/// # Errors
/// The server cannot be reached or refuses, or asks for what is not to be signed.
pub async fn pay(connection: &Connection, server: &Url, most: Balance) -> Result<Taken, UsageError> {
	let Connection { chain, signer } = connection;
	let http = Client::builder().timeout(PATIENCE).build();
	let failed = |source| UsageError::Http { url: server.clone(), source };
	let http = http.map_err(failed)?;
	let at = |path: &str| {
		server.join(path).map_err(|error| UsageError::Unsound(format!("{server} is no base: {error}")))
	};
	let asked = http.get(at(&format!("/v1/blyan/usage/{}", signer.account()))?).send().await;
	let proposal: Proposal = read(server, asked).await?;
	let receipt = proposal.receipt().map_err(UsageError::Unsound)?;
	let unsound = |why: String| Err(UsageError::Unsound(why));
	let head = chain.finalized_head().await?.number;
	if receipt.client != *signer.account() {
		return unsound(format!("the receipt is of another client, {}", receipt.client));
	}
	if receipt.fee > most {
		return unsound(format!("the server asks for {} BLY; --most-bly allows more", bly(receipt.fee)));
	}
	if receipt.until > head {
		return unsound(format!("the receipt ends at height {}, and the chain is at {head}", receipt.until));
	}
	if !is_server(connection, &receipt.server).await? {
		return unsound(format!("{} is no server on the chain", receipt.server));
	}
	// Of what was read here, never of what the server says its hash is.
	let signature = signer.sign(receipt.payload(chain.genesis_hash()).as_bytes());
	let submission = serde_json::to_vec(&Submission::new(&receipt, &signature))
		.map_err(|error| UsageError::Unsound(error.to_string()))?;
	let sent = http.post(at("/v1/blyan/receipts")?).body(submission).send().await;
	read(server, sent).await
}

async fn is_server(connection: &Connection, who: &AccountId) -> Result<bool, UsageError> {
	let worker = connection.chain.worker(who).await?;
	Ok(worker.is_some_and(|worker| worker.roles.contains(Role::Server)))
}

async fn read<T: serde::de::DeserializeOwned>(
	url: &Url,
	response: Result<Response, reqwest::Error>,
) -> Result<T, UsageError> {
	let failed = |source| UsageError::Http { url: url.clone(), source };
	let response = response.map_err(failed)?;
	let is_good = response.status().is_success();
	let text = response.text().await.map_err(failed)?;
	let refused = |message: String| UsageError::Refused { url: url.clone(), message };
	if is_good {
		return serde_json::from_str(&text).map_err(|error| refused(format!("what cannot be read: {error}")));
	}
	let said = serde_json::from_str::<serde_json::Value>(&text).ok();
	let message = said.as_ref().and_then(|body| body["error"]["message"].as_str());
	Err(refused(message.unwrap_or("nothing that can be read").into()))
}
