//! Use that is counted: what clients that say who they are were served, and the receipts that they sign for it.
//!
//! ```text
//! request with x-blyan-client ─> tally ─> GET usage ─> client signs ─> POST receipts ─> journal ─> chain
//! ```
//!
//! Clients that send no such header are not concerned. A receipt is taken if it claims no more than was counted
//! here, pays what is asked, and is covered by what the client has prepaid on the chain. It is in the journal
//! before the client is told so. To submit it twice is harmless: the chain pays it once. Tallies are in memory:
//! what a client has not signed for when the server stops is forgotten.

use super::{current::Served, error::ApiError};
use crate::{
	journal::{Journal, JournalError},
	worker::Connection,
};
use blyan_chain_client::{Call, ChainEvent, Wait};
use blyan_primitives::{
	dag::BlockId,
	usage::{BlockUse, SignedReceipt, SignedReceipts, UsageReceipt, MAX_RECEIPTS, MAX_USED_BLOCKS},
	AccountId, Balance, BlockNumber, Hash, Signature,
};
use codec::{DecodeAll, Encode};
use polkadot_sdk::{
	sp_core::{bytes, sr25519},
	sp_runtime::{traits::Verify, BoundedVec},
};
use serde::{Deserialize, Serialize};
use std::{
	collections::{BTreeMap, VecDeque},
	path::Path,
	sync::{Mutex, MutexGuard, OnceLock, PoisonError},
	time::Duration,
};
use tokio::sync::Notify;

/// Bears the account of a client that wants its use counted.
pub const CLIENT_HEADER: &str = "x-blyan-client";
/// Clients that are counted at once.
const MAX_CLIENTS: usize = 4_096;
/// Receipts that may wait to be submitted.
const MAX_PENDING: usize = 65_536;

type Signed = SignedReceipt<AccountId, Signature>;

/// What a client was served since its last receipt.
#[derive(Clone, Debug, Default)]
struct Tally {
	answers: u32,
	milliseconds: u64,
	blocks: BTreeMap<BlockId, u32>,
}

/// What the journal keeps.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Entry {
	/// A client signed it, and was told that it is taken.
	Accepted(Signed),
	/// The chain has decided about it.
	Settled { client: AccountId, until: BlockNumber },
}

#[derive(Debug, Default)]
struct Ledger {
	tallies: BTreeMap<AccountId, Tally>,
	pending: VecDeque<Signed>,
	journal: Option<Journal<Entry>>,
}

/// Counts use and takes receipts for it.
#[derive(Debug)]
pub struct Usage {
	/// What is asked for an answer, in the smallest unit of BLY.
	fee: Balance,
	ledger: Mutex<Ledger>,
	/// The chain, once it is reached.
	desk: OnceLock<Connection>,
	/// A batch is full.
	full: Notify,
}

/// What a client may sign. `receipt` is the SCALE encoding of a [`UsageReceipt`]; the signature is of `payload`,
/// which a client computes again. The other fields are the receipt's, to read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
	/// `0x` and hexadecimal digits.
	pub receipt: String,
	/// What is to be signed.
	pub payload: Hash,
	/// The server's account.
	pub server: AccountId,
	/// The height up to which it counts.
	pub until: BlockNumber,
	/// Answers that were made.
	pub answers: u32,
	/// Time that they took in all.
	pub milliseconds: u64,
	/// The blocks that were used most.
	pub blocks: Vec<BlockUse>,
	/// What is asked, in the smallest unit of BLY: text, for it may pass what JavaScript counts.
	pub fee: String,
}

/// What a client sends when it has signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
	/// That of the [`Proposal`].
	pub receipt: String,
	/// An sr25519 signature, `0x` and 128 hexadecimal digits.
	pub signature: String,
}

/// That a receipt was taken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
	/// The height up to which it counts.
	pub until: BlockNumber,
	/// What the client will pay.
	pub fee: String,
}

impl Proposal {
	/// The receipt, as it is signed.
	///
	/// # Errors
	/// What is wrong with its encoding.
	pub fn receipt(&self) -> Result<UsageReceipt<AccountId>, String> {
		decode(&self.receipt)
	}
}

impl Submission {
	/// A receipt with its client's signature.
	pub fn new(receipt: &UsageReceipt<AccountId>, signature: &sr25519::Signature) -> Self {
		Self { receipt: hex(&receipt.encode()), signature: hex(signature.as_ref()) }
	}
}

fn hex(bytes: &[u8]) -> String {
	bytes::to_hex(bytes, false)
}

fn decode(text: &str) -> Result<UsageReceipt<AccountId>, String> {
	let bytes = bytes::from_hex(text).map_err(|error| error.to_string())?;
	UsageReceipt::decode_all(&mut &bytes[..]).map_err(|error| error.to_string())
}

/// The account that a client says it is.
///
/// # Errors
/// It is none.
pub fn read_client(text: &str) -> Result<AccountId, ApiError> {
	let account = text.trim().parse::<AccountId>();
	account.map_err(|why| ApiError::field(CLIENT_HEADER, format!("is no account in SS58: {why}")))
}

impl Usage {
	/// Asks `fee` for an answer.
	pub fn new(fee: Balance) -> Self {
		Self { fee, ledger: Mutex::default(), desk: OnceLock::new(), full: Notify::new() }
	}

	/// Begins to take receipts, with those that are not settled yet.
	///
	/// # Errors
	/// The journal cannot be used.
	pub fn open(&self, connection: &Connection, journal: &Path) -> Result<(), JournalError> {
		let (journal, entries) = Journal::open(journal)?;
		let mut ledger = self.ledger();
		for entry in entries {
			match entry {
				Entry::Accepted(signed) => ledger.pending.push_back(signed),
				Entry::Settled { client, until } => ledger.forget(&client, until),
			}
		}
		ledger.journal = Some(journal);
		drop(ledger);
		let _ = self.desk.set(connection.clone());
		Ok(())
	}

	fn ledger(&self) -> MutexGuard<'_, Ledger> {
		self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn desk(&self) -> Result<&Connection, ApiError> {
		self.desk.get().ok_or_else(|| ApiError::not_ready("receipts are not taken before it has started", 2))
	}

	/// Counts an answer that took so long.
	pub fn count(&self, client: &AccountId, served: &Served, took: Duration) {
		let mut ledger = self.ledger();
		if ledger.tallies.len() >= MAX_CLIENTS && !ledger.tallies.contains_key(client) {
			// Whoever was served least has the least to lose.
			let least = ledger.tallies.iter().min_by_key(|(_, tally)| tally.answers);
			if let Some(least) = least.map(|(client, _)| client.clone()) {
				ledger.tallies.remove(&least);
			}
		}
		let tally = ledger.tallies.entry(client.clone()).or_default();
		tally.answers = tally.answers.saturating_add(1);
		tally.milliseconds = tally.milliseconds.saturating_add(took.as_millis() as u64);
		for block in &served.receipt.blocks {
			let calls = tally.blocks.entry(*block).or_default();
			*calls = calls.saturating_add(1);
		}
	}

	/// What the client may sign for what it was served so far.
	///
	/// # Errors
	/// Nothing was counted, or the chain cannot be asked.
	pub async fn propose(&self, client: &AccountId) -> Result<Proposal, ApiError> {
		let Connection { chain, signer } = self.desk()?;
		let parameters = chain.usage_parameters().await.map_err(unreachable)?;
		let until = chain.finalized_head().await.map_err(unreachable)?.number;
		let tally = self.ledger().tallies.get(client).cloned();
		let tally = tally.ok_or_else(|| {
			ApiError::field("client", format!("has nothing to pay: send it as {CLIENT_HEADER} with requests"))
		})?;
		let receipt = UsageReceipt {
			client: client.clone(),
			server: signer.account().clone(),
			until,
			answers: tally.answers,
			milliseconds: tally.milliseconds,
			blocks: BoundedVec::truncate_from(most_used(&tally.blocks)),
			fee: self.price(tally.answers).max(parameters.min_fee),
		};
		Ok(Proposal {
			receipt: hex(&receipt.encode()),
			payload: receipt.payload(chain.genesis_hash()),
			server: receipt.server,
			until,
			answers: receipt.answers,
			milliseconds: receipt.milliseconds,
			blocks: receipt.blocks.into_inner(),
			fee: receipt.fee.to_string(),
		})
	}

	fn price(&self, answers: u32) -> Balance {
		self.fee.saturating_mul(answers.into())
	}

	/// Takes a receipt that a client signed.
	///
	/// # Errors
	/// What is wrong with it, or why it is not covered.
	pub async fn take(&self, submission: &Submission) -> Result<Taken, ApiError> {
		let Connection { chain, signer } = self.desk()?;
		let receipt =
			decode(&submission.receipt).map_err(|why| wrong(format!("is no encoded receipt: {why}")))?;
		let signature = bytes::from_hex(&submission.signature)
			.ok()
			.and_then(|bytes| sr25519::Signature::try_from(&bytes[..]).ok())
			.ok_or_else(|| ApiError::field("signature", "is not 0x and 128 hexadecimal digits"))?;
		let signature = Signature::from(signature);
		if receipt.server != *signer.account() {
			return Err(wrong(format!("is for another server than this one, {}", signer.account())));
		}
		let payload = receipt.payload(chain.genesis_hash());
		if !signature.verify(payload.as_bytes(), &receipt.client) {
			return Err(ApiError::field("signature", "is not the client's over this receipt on this chain"));
		}
		let finalized = chain.finalized_head().await.map_err(unreachable)?.number;
		if receipt.until > finalized {
			return Err(wrong(format!("ends at height {}, and the chain is at {finalized}", receipt.until)));
		}
		let least = chain.usage_parameters().await.map_err(unreachable)?.min_fee;
		let least = self.price(receipt.answers).max(least);
		if receipt.fee < least {
			return Err(wrong(format!("pays {}, and {least} is asked", receipt.fee)));
		}
		let account = chain.usage_account(&receipt.client).await.map_err(unreachable)?;
		let account = account.ok_or_else(|| wrong("is of a client that has prepaid nothing on the chain"))?;
		// What was asked back may be gone before this is submitted.
		let leaving = account.withdrawal.map_or(0, |(amount, _)| amount);
		let free = account.deposit.saturating_sub(leaving);

		let mut ledger = self.ledger();
		let of_client = || ledger.pending.iter().filter(|other| other.receipt.client == receipt.client);
		let paid_until = of_client().map(|other| other.receipt.until).max();
		let paid_until = paid_until.unwrap_or_default().max(account.paid_until(signer.account()));
		if receipt.until <= paid_until {
			return Err(wrong(format!("ends at height {}, and {paid_until} was signed for", receipt.until)));
		}
		let owed = of_client().fold(receipt.fee, |sum, other| sum.saturating_add(other.receipt.fee));
		if owed > free {
			return Err(wrong(format!("needs {owed} with those before it, and {free} is prepaid")));
		}
		if ledger.pending.len() >= MAX_PENDING {
			return Err(ApiError::not_ready("too many receipts wait to be submitted", 60));
		}
		if !ledger.tallies.get(&receipt.client).is_some_and(|tally| tally.covers(&receipt)) {
			return Err(wrong("claims more than was counted here since the last one"));
		}
		let signed = SignedReceipt { receipt, signature };
		let journal = ledger.journal.as_mut().ok_or_else(ApiError::internal)?;
		journal.append(&Entry::Accepted(signed.clone())).map_err(|error| {
			tracing::error!(%error, "a receipt cannot be kept, and is not taken");
			ApiError::internal()
		})?;
		ledger.tallies.remove(&signed.receipt.client);
		let taken = Taken { until: signed.receipt.until, fee: signed.receipt.fee.to_string() };
		ledger.pending.push_back(signed);
		if ledger.pending.len() >= MAX_RECEIPTS as usize {
			self.full.notify_one();
		}
		Ok(taken)
	}

	/// Submits what was taken, every `period` and whenever there is a batch, until dropped.
	///
	/// # Errors
	/// The journal cannot be written.
	pub async fn submit(&self, period: Duration) -> Result<(), JournalError> {
		loop {
			tokio::select! {
				() = tokio::time::sleep(period) => {},
				() = self.full.notified() => {},
			}
			self.submit_once().await?;
		}
	}

	async fn submit_once(&self) -> Result<(), JournalError> {
		let Some(Connection { chain, signer }) = self.desk.get() else { return Ok(()) };
		loop {
			let batch: Vec<Signed> =
				self.ledger().pending.iter().take(MAX_RECEIPTS as usize).cloned().collect();
			if batch.is_empty() {
				return Ok(());
			}
			let call = Call::SubmitReceipts { receipts: SignedReceipts::truncate_from(batch.clone()) };
			match chain.submit(signer, call, Wait::Finalized).await {
				Ok(done) => self.settle(&batch, &done.events)?,
				Err(error) => {
					tracing::warn!(%error, receipts = batch.len(), "receipts are not paid yet; tried again");
					return Ok(());
				}
			}
		}
	}

	/// Closes the books on receipts that the chain has decided about.
	fn settle(&self, batch: &[Signed], events: &[ChainEvent]) -> Result<(), JournalError> {
		let mut ledger = self.ledger();
		for SignedReceipt { receipt, .. } in batch {
			let is_paid = events.iter().any(|event| {
				matches!(event, ChainEvent::ReceiptPaid { client, until, .. }
					if *client == receipt.client && *until == receipt.until)
			});
			if !is_paid {
				tracing::warn!(client = %receipt.client, until = receipt.until, "the chain did not take a receipt");
			}
			let (client, until) = (receipt.client.clone(), receipt.until);
			ledger.forget(&client, until);
			if let Some(journal) = &mut ledger.journal {
				journal.append(&Entry::Settled { client, until })?;
			}
		}
		Ok(())
	}
}

impl Ledger {
	fn forget(&mut self, client: &AccountId, until: BlockNumber) {
		self.pending.retain(|signed| signed.receipt.client != *client || signed.receipt.until != until);
	}
}

impl Tally {
	/// Whether all that the receipt claims was counted.
	fn covers(&self, receipt: &UsageReceipt<AccountId>) -> bool {
		receipt.answers <= self.answers
			&& receipt
				.blocks
				.iter()
				.all(|used| self.blocks.get(&used.block).is_some_and(|calls| used.calls <= *calls))
	}
}

/// As many as a receipt may name, by rising id.
fn most_used(blocks: &BTreeMap<BlockId, u32>) -> Vec<BlockUse> {
	let mut uses: Vec<_> =
		blocks.iter().map(|(block, calls)| BlockUse { block: *block, calls: *calls }).collect();
	uses.sort_by_key(|used| std::cmp::Reverse(used.calls));
	uses.truncate(MAX_USED_BLOCKS as usize);
	uses.sort_by_key(|used| used.block);
	uses
}

fn wrong(why: impl AsRef<str>) -> ApiError {
	ApiError::field("receipt", why)
}

fn unreachable(error: blyan_chain_client::ChainError) -> ApiError {
	tracing::warn!(%error, "the chain cannot be asked about a receipt");
	ApiError::not_ready("the chain cannot be asked about receipts", 2)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn most_used_should_name_as_many_as_a_receipt_holds_in_order() {
		let blocks = (0..100u64).map(|n| (BlockId::from_low_u64_be(n), n as u32 + 1)).collect();
		let uses = most_used(&blocks);
		assert_eq!(uses.len(), MAX_USED_BLOCKS as usize);
		assert!(uses.iter().zip(&uses[1..]).all(|(one, next)| one.block < next.block));
		assert_eq!(uses[0].calls, 37, "the least used are left out");
	}

	#[test]
	fn tally_should_cover_no_more_than_was_counted() {
		let block = BlockId::repeat_byte(1);
		let tally = Tally { answers: 3, milliseconds: 9, blocks: [(block, 2)].into() };
		let receipt = |answers, block, calls| UsageReceipt {
			client: AccountId::new([1; 32]),
			server: AccountId::new([2; 32]),
			until: 5,
			answers,
			milliseconds: 0,
			blocks: BoundedVec::truncate_from(vec![BlockUse { block, calls }]),
			fee: 0,
		};
		assert!(tally.covers(&receipt(3, block, 2)));
		assert!(!tally.covers(&receipt(4, block, 2)));
		assert!(!tally.covers(&receipt(3, block, 3)));
		assert!(!tally.covers(&receipt(3, BlockId::zero(), 1)));
	}

	#[test]
	fn client_should_be_read_from_ss58_alone() {
		let account = AccountId::new([7; 32]);
		assert_eq!(read_client(&account.to_string()).unwrap(), account);
		assert!(read_client("nobody").unwrap_err().to_string().contains(CLIENT_HEADER));
	}
}
