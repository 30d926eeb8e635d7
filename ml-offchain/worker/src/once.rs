//! Calls that the chain takes once: repeating them is harmless, and of no use when they are too late.

use blyan_chain_client::{Call, Chain, Signer, SubmitError, Wait};
use std::fmt::Debug;

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
