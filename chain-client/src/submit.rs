//! Calls, from the signature to the block.

use crate::{
	backend::TransactionStatus,
	backoff::retry,
	call::{Call, SignedCall},
	chain::{BlockRef, Journal, Receipt, Wait},
	client::{about_block, Client},
	error::{pool, ChainError, SubmitError},
	follow::Finalized,
	key::Signer,
	runtime::{events_key, DispatchFailure, Outcome},
};
use blyan_primitives::{AccountId, Hash, Nonce};
use futures::{stream::BoxStream, StreamExt};
use std::time::Duration;

/// How often a call is signed anew because the node says that its nonce is taken.
const NONCE_ATTEMPTS: u32 = 8;
/// A transaction of which the node says nothing for this long is looked for in the blocks.
const WATCH_SILENCE: Duration = Duration::from_secs(60);
/// While a transaction is looked for, it is offered to the node's pool again every so many blocks: a
/// node that restarted has forgotten it.
const OFFER_EVERY_BLOCKS: u32 = 4;

/// What a refusal by the node's pool means.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
	/// It has this very transaction.
	Known,
	/// Another transaction has the nonce, in the pool or in a block; perhaps it is this very one.
	NonceTaken,
	/// It may take it later.
	Later,
	/// The block that the signature names is too old: the transaction expired.
	Expired,
	/// It will not take it.
	Final,
}

fn refusal(code: i32, data: Option<&str>) -> Refusal {
	let says = |text: &str| data.is_some_and(|data| data.contains(text));
	match code {
		pool::ALREADY_IMPORTED => Refusal::Known,
		pool::TOO_LOW_PRIORITY => Refusal::NonceTaken,
		pool::INVALID if says(pool::STALE) => Refusal::NonceTaken,
		pool::INVALID if pool::UNANCHORED.iter().any(|text| says(text)) => Refusal::Expired,
		pool::UNKNOWN_VALIDITY | pool::TEMPORARILY_BANNED | pool::IMMEDIATELY_DROPPED => Refusal::Later,
		_ => Refusal::Final,
	}
}

fn refused(call: &str, code: i32, message: String, data: Option<String>) -> SubmitError {
	let reason = data.map_or(message.clone(), |data| format!("{message}: {data}"));
	SubmitError::Refused { call: call.into(), reason, code }
}

impl Client {
	/// Signs, journals, sends, and waits.
	pub(crate) async fn send(
		&self,
		signer: &Signer,
		call: Call,
		wait: Wait,
		journal: Journal<'_>,
	) -> Result<Receipt, SubmitError> {
		let name = call.full_name();
		let not_sent = |error| SubmitError::NotSent { call: name.clone(), source: Box::new(error) };
		let account = signer.account();
		let mut attempt = 0;
		loop {
			attempt += 1;
			let mut slot = self.inner.nonces.lock(account).await;
			let nonce =
				slot.take(self.patiently(|| self.backend().next_nonce(account))).await.map_err(not_sent)?;
			let (anchor, view) = self
				.patiently(|| async {
					let anchor = self.head().await?;
					Ok((anchor, self.view(anchor.hash).await?))
				})
				.await
				.map_err(not_sent)?;
			let signed = view.sign(signer, &call, nonce, (anchor.number, anchor.hash)).map_err(not_sent)?;
			journal(&signed).map_err(|source| SubmitError::Journal { call: name.clone(), source })?;

			match self.backend().broadcast_and_watch(&signed.bytes).await {
				Ok(statuses) => {
					slot.accepted(nonce);
					tracing::debug!(call = %name, nonce, transaction = ?signed.transaction, "sent");
					return self.watch(&signed, statuses, wait).await;
				}
				Err(ChainError::Rpc { code, message, data, .. }) => match refusal(code, data.as_deref()) {
					Refusal::Known => {
						slot.accepted(nonce);
						return self.settle(&signed).await;
					}
					Refusal::NonceTaken if attempt < NONCE_ATTEMPTS => {
						tracing::debug!(call = %name, nonce, %message, "the nonce is taken, signing with the next");
						slot.taken(nonce);
					}
					_ => return Err(refused(&name, code, message, data)),
				},
				// The node may have it or not.
				Err(error) if error.is_disconnect() => {
					drop(slot);
					return self.settle(&signed).await;
				}
				Err(error) => return Err(not_sent(error)),
			}
		}
	}

	/// Waits for what the node says of a transaction that it took.
	async fn watch(
		&self,
		signed: &SignedCall,
		mut statuses: BoxStream<'static, Result<TransactionStatus, ChainError>>,
		wait: Wait,
	) -> Result<Receipt, SubmitError> {
		let lost = loop {
			let status = match tokio::time::timeout(WATCH_SILENCE, statuses.next()).await {
				Ok(Some(Ok(status))) => status,
				Ok(Some(Err(error))) => break error.to_string(),
				Ok(None) => break "the subscription ended".into(),
				Err(_) => break "the node says nothing of it".into(),
			};
			let block = match (status, wait) {
				(TransactionStatus::Finalized(hash), _)
				| (TransactionStatus::InBlock(hash), Wait::InBlock) => hash,
				(TransactionStatus::Pending | TransactionStatus::InBlock(_), _) => continue,
				(TransactionStatus::Lost(reason), _) => break reason.into(),
			};
			match self.patiently(|| self.outcome_in(signed, block)).await {
				Ok(Some((block, outcome))) => return receipt(signed, block, outcome),
				Ok(None) => break "it is not in the block that the node named".into(),
				Err(error) => break error.to_string(),
			}
		};
		tracing::warn!(call = %signed.call, transaction = ?signed.transaction, %lost, "looking for a transaction in the blocks");
		self.settle(signed).await
	}

	/// Finds a transaction in the finalized blocks that it can be in, offering it to the node until it is
	/// there or has expired.
	pub(crate) async fn settle(&self, signed: &SignedCall) -> Result<Receipt, SubmitError> {
		let unknown = |error| SubmitError::Unknown {
			call: signed.call.clone(),
			transaction: signed.transaction,
			source: Box::new(error),
		};
		let backoff = self.inner.timing.backoff;
		let mut follower = self.follower(Some(signed.valid_from.saturating_add(1)));
		let mut blocks_since_offer = OFFER_EVERY_BLOCKS;
		// A final refusal counts once all blocks were looked at that were final when it was spoken: the
		// transaction may be in one of them.
		let mut final_refusal = None;
		loop {
			if blocks_since_offer >= OFFER_EVERY_BLOCKS && final_refusal.is_none() {
				blocks_since_offer = 0;
				final_refusal = self.offer(signed).await.map_err(unknown)?;
			}
			let block = follower.next().await.map_err(unknown)?;
			let found =
				retry(backoff, None, || self.outcome_in_finalized(signed, block)).await.map_err(unknown)?;
			if let Some(outcome) = found {
				return receipt(signed, BlockRef { number: block.number, hash: block.hash }, outcome);
			}
			let (call, transaction) = (signed.call.clone(), signed.transaction);
			let SignedCall { valid_until, nonce, ref account, .. } = *signed;
			let verdict = if block.number >= valid_until {
				SubmitError::Expired { call, transaction, valid_until }
			} else if !follower.is_at_head() {
				continue;
			} else if let Some(refusal) = final_refusal.take() {
				refusal
			} else if retry(backoff, None, || self.nonce_at(account, block.hash)).await.map_err(unknown)?
				> nonce
			{
				SubmitError::Superseded { call, transaction, nonce }
			} else {
				blocks_since_offer += 1;
				continue;
			};
			// Whatever had been counted on with this nonce: the node is asked anew.
			self.inner.nonces.forget(account).await;
			return Err(verdict);
		}
	}

	/// Offers a transaction to the node's pool; a refusal that will not change is returned.
	async fn offer(&self, signed: &SignedCall) -> Result<Option<SubmitError>, ChainError> {
		let answer = retry(self.inner.timing.backoff, None, || self.backend().broadcast(&signed.bytes)).await;
		match answer {
			Ok(()) => Ok(None),
			Err(ChainError::Rpc { code, message, data, .. }) => match refusal(code, data.as_deref()) {
				Refusal::Known | Refusal::NonceTaken | Refusal::Later | Refusal::Expired => Ok(None),
				Refusal::Final => Ok(Some(refused(&signed.call, code, message, data))),
			},
			Err(error) => Err(error),
		}
	}

	/// The nonce that an account uses next, in the state of that block.
	async fn nonce_at(&self, account: &AccountId, at: Hash) -> Result<Nonce, ChainError> {
		Ok(self.account_at(account, at).await?.nonce)
	}

	/// What the transaction came to in that block; `None` if it is not in it.
	async fn outcome_in(
		&self,
		signed: &SignedCall,
		hash: Hash,
	) -> Result<Option<(BlockRef, Outcome)>, ChainError> {
		let Some(header) = self.backend().header(hash).await? else { return Ok(None) };
		let block = Finalized { number: header.number, hash, parent_hash: header.parent_hash };
		let outcome = self.outcome_in_finalized(signed, block).await?;
		Ok(outcome.map(|outcome| (BlockRef { number: block.number, hash }, outcome)))
	}

	async fn outcome_in_finalized(
		&self,
		signed: &SignedCall,
		block: Finalized,
	) -> Result<Option<Outcome>, ChainError> {
		let Finalized { number, hash, parent_hash } = block;
		let body = self.backend().body(hash).await?.ok_or_else(|| ChainError::BlockUnavailable {
			block: number.to_string(),
			what: "the transactions".into(),
			reason: "it sent none".into(),
		})?;
		let Some(index) = body.iter().position(|transaction| *transaction == signed.bytes) else {
			return Ok(None);
		};
		let (view, events) =
			futures::try_join!(self.view(parent_hash), self.backend().storage(events_key(), hash))
				.map_err(|error| about_block(error, number))?;
		view.outcome(events.unwrap_or_default(), index as u32).map(Some)
	}
}

/// The receipt of a call that succeeded, or the error of one that did not.
fn receipt(signed: &SignedCall, block: BlockRef, outcome: Outcome) -> Result<Receipt, SubmitError> {
	let (call, block_number) = (signed.call.clone(), block.number);
	match outcome.result {
		Ok(()) => Ok(Receipt {
			transaction: signed.transaction,
			nonce: signed.nonce,
			block,
			events: outcome.events,
		}),
		Err(DispatchFailure::Pallet { pallet, error, docs }) => {
			Err(SubmitError::Dispatch { call, pallet, error, docs, block_number })
		}
		Err(DispatchFailure::Other(reason)) => Err(SubmitError::DispatchOther { call, reason, block_number }),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn refusal_should_tell_a_taken_nonce_from_a_lasting_reason() {
		assert_eq!(refusal(1013, None), Refusal::Known);
		assert_eq!(refusal(1014, None), Refusal::NonceTaken);
		assert_eq!(refusal(1010, Some("Transaction is outdated")), Refusal::NonceTaken);
		assert_eq!(refusal(1010, Some("Transaction has an ancient birth block")), Refusal::Expired);
		assert_eq!(refusal(1016, None), Refusal::Later);
		assert_eq!(
			refusal(1010, Some("Inability to pay some fees (e.g. account balance too low)")),
			Refusal::Final
		);
		assert_eq!(refusal(1002, None), Refusal::Final);
	}
}
