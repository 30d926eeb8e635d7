//! Claiming what was earned: once for each closed epoch on which there is a claim.

use crate::register::bly;
use blyan_chain_client::{Call, Chain, ChainError, ChainEvent, Signer, SubmitError, Wait};
use blyan_primitives::{AccountId, Balance};
use serde::Serialize;
use std::collections::BTreeSet;

/// What an account has coming.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Owing {
	/// What claiming now would pay, in the smallest unit of BLY.
	pub claimable: Balance,
	/// What is earned in the running epoch, in the smallest unit of BLY.
	pub accruing: Balance,
	/// Closed epochs with an open claim.
	pub epochs: Vec<u32>,
}

impl Owing {
	/// Reads it from the chain.
	///
	/// # Errors
	/// The chain cannot be read.
	pub async fn read(chain: &dyn Chain, account: &AccountId) -> Result<Self, ChainError> {
		let owed = chain.owed(account).await?;
		let epochs = chain.claimable_epochs(account).await?;
		Ok(Self { claimable: owed.claimable, accruing: owed.accruing, epochs })
	}

	/// Whether nothing will come of waiting: what is left, if anything, is too little to be minted.
	pub fn is_settled(&self) -> bool {
		self.accruing == 0 && self.epochs.is_empty()
	}

	/// Why there is nothing to claim yet, for people.
	pub fn explanation(&self) -> &'static str {
		match (self.epochs.is_empty(), self.claimable, self.accruing) {
			(false, ..) => "claims on closed epochs are open; the worker claims them with the next block",
			(true, 0, 0) => "nothing was earned that is not paid",
			(true, _, 0) => "below the least payment: carried until more is earned",
			(true, ..) => "earned in the running epoch: claimed when it ends",
		}
	}
}

/// Which claims are under way or of no use. Pure.
#[derive(Clone, Debug, Default)]
pub struct Claims {
	sent: BTreeSet<u32>,
	over: BTreeSet<u32>,
}

impl Claims {
	/// The epochs to claim now, of those that the chain says are open.
	pub fn due(&mut self, open: &[u32]) -> Vec<u32> {
		self.over.retain(|epoch| open.contains(epoch));
		open.iter().copied().filter(|epoch| !self.over.contains(epoch) && self.sent.insert(*epoch)).collect()
	}

	/// A claim returned. One that the chain refused for good is not sent again.
	pub fn returned(&mut self, epoch: u32, is_final: bool) {
		self.sent.remove(&epoch);
		if is_final {
			self.over.insert(epoch);
		}
	}

	/// Whether nothing is under way.
	pub fn is_idle(&self) -> bool {
		self.sent.is_empty()
	}
}

/// Claims one epoch, and has `paid` told of what that paid; whether it is of no use to claim it again.
pub async fn claim(chain: &dyn Chain, signer: &Signer, epoch: u32, paid: impl Fn(u32, Balance)) -> bool {
	// Harmless when repeated: the chain pays a claim once.
	match chain.submit(signer, Call::ClaimRewards { epoch }, Wait::Finalized).await {
		Ok(receipt) => {
			for event in receipt.events {
				if let ChainEvent::RewardPaid { epoch, amount, .. } = event {
					paid(epoch, amount);
				}
			}
			false
		}
		Err(error) => {
			tracing::warn!(epoch, %error, "could not claim");
			matches!(error, SubmitError::Dispatch { .. })
		}
	}
}

/// Writes what a claim paid to the log.
pub fn log_payment(epoch: u32, amount: Balance) {
	tracing::info!(epoch, bly = bly(amount), "paid");
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn claims_should_send_each_epoch_once_until_it_returns() {
		let mut claims = Claims::default();
		assert_eq!(claims.due(&[1, 2]), [1, 2]);
		assert_eq!(claims.due(&[1, 2, 3]), [3]);
		claims.returned(1, false);
		assert_eq!(claims.due(&[1, 2, 3]), [1], "tried again");
		claims.returned(2, true);
		assert_eq!(claims.due(&[1, 2, 3]), Vec::<u32>::new(), "of no use");
		claims.returned(1, false);
		claims.returned(3, false);
		assert!(claims.is_idle());
		assert_eq!(claims.due(&[]), Vec::<u32>::new());
		assert_eq!(claims.due(&[2]), [2], "what went away and came back is new");
	}

	#[test]
	fn owing_should_be_settled_only_when_waiting_brings_nothing() {
		assert!(Owing::default().is_settled());
		assert!(Owing { claimable: 5, ..Owing::default() }.is_settled(), "dust is carried");
		assert!(!Owing { accruing: 5, ..Owing::default() }.is_settled());
		assert!(!Owing { epochs: vec![1], ..Owing::default() }.is_settled());
	}
}
