//! Calls that the chain takes once: repeating them is harmless, and of no use when they are too late.

use blyan_chain_client::{Call, Chain, Signer, SubmitError, Wait};
use std::{collections::BTreeSet, fmt::Debug};

/// Errors of a pallet that say that a call is too late, or was done before.
pub type Over<'a> = (&'a str, &'a [&'a str]);

/// Sends the call that `key` names; whether it is of no use to send it again.
pub async fn send_once(
	chain: &dyn Chain,
	signer: &Signer,
	call: Call,
	key: &impl Debug,
	over: &[Over<'_>],
) -> bool {
	match chain.submit(signer, call, Wait::Finalized).await {
		Ok(receipt) => {
			tracing::info!(call = ?key, block = receipt.block.number, "done");
			false
		}
		Err(error) => is_final(key, &error, over),
	}
}

fn is_final(key: &impl Debug, error: &SubmitError, over: &[Over<'_>]) -> bool {
	if over.iter().any(|(pallet, names)| names.iter().any(|name| error.is_pallet_error(pallet, name))) {
		tracing::info!(call = ?key, %error, "too late, or done before");
		return true;
	}
	if matches!(error, SubmitError::Dispatch { .. }) {
		tracing::error!(call = ?key, %error, "the chain refused");
		return true;
	}
	tracing::warn!(call = ?key, %error, "tried again with the next block");
	false
}

/// The calls that must not be sent now: each is sent once, and again only if a block shows that it had no effect.
#[derive(Clone, Debug)]
pub struct Calls<Key> {
	/// Under way.
	sent: BTreeSet<Key>,
	/// Returned since the last block that was read, which need not show what came of them.
	returned: BTreeSet<Key>,
	/// Of no use any more.
	over: BTreeSet<Key>,
}

impl<Key> Default for Calls<Key> {
	fn default() -> Self {
		Self { sent: BTreeSet::new(), returned: BTreeSet::new(), over: BTreeSet::new() }
	}
}

impl<Key: Ord> Calls<Key> {
	/// Whether calls are under way.
	pub fn is_under_way(&self) -> bool {
		!self.sent.is_empty()
	}

	/// Whether the call is to be sent now; it is under way then.
	pub fn start(&mut self, call: Key) -> bool {
		!self.over.contains(&call) && !self.returned.contains(&call) && self.sent.insert(call)
	}

	/// A call returned; `is_final` if it is of no use to send it again.
	pub fn returned(&mut self, call: Key, is_final: bool) {
		self.sent.remove(&call);
		if is_final {
			self.over.insert(call);
		} else {
			self.returned.insert(call);
		}
	}

	/// What is known now was read after all that returned before, and `is_open` says of which calls it may still be of
	/// use to know that they are of no use.
	pub fn observed(&mut self, is_open: impl Fn(&Key) -> bool) {
		self.returned.clear();
		self.over.retain(is_open);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn call_should_be_sent_again_only_after_a_block_was_read_since_it_returned() {
		let mut calls = Calls::default();
		assert!(calls.start(7));
		assert!(!calls.start(7), "it is under way");
		calls.observed(|_| true);
		assert!(!calls.start(7), "it is under way, whatever was read");
		calls.returned(7, false);
		assert!(!calls.start(7), "what was read last need not show it");
		calls.observed(|_| true);
		assert!(calls.start(7));
	}

	#[test]
	fn call_should_never_be_sent_again_when_it_is_of_no_use() {
		let mut calls = Calls::default();
		assert!(calls.start(7) && calls.is_under_way());
		calls.returned(7, true);
		assert!(!calls.is_under_way());
		calls.observed(|_| true);
		assert!(!calls.start(7));
		calls.observed(|_| false);
		assert!(calls.start(7), "what it is about is over, and the name is free");
	}
}
