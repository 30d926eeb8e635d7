//! Which votes are taken, from nobody in particular.

use crate::{Config, Error, Pallet, Parameters};
use blyan_primitives::checkpoint::CheckpointVote;
use polkadot_sdk::{
	frame_support::pallet_prelude::{
		InvalidTransaction, TransactionSource, TransactionValidityWithRefund, ValidTransaction, Weight,
	},
	sp_core::ed25519::Signature,
	sp_runtime::{traits::Verify, transaction_validity::TransactionPriority},
};

/// Above what a transaction without a tip has: there are few, and late they are worth less.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

impl<T: Config> Pallet<T> {
	/// Authorizes a vote that is to be counted: dispatching it in the same state cannot fail. The signature comes last, for
	/// it costs most.
	pub(crate) fn authorize_vote(
		_source: TransactionSource,
		vote: &CheckpointVote,
		signature: &Signature,
	) -> TransactionValidityWithRefund {
		let (_, voter) = Self::check_vote(vote).map_err(|error| match error {
			Error::NoCheckpointOpen | Error::CheckpointNotOpen => InvalidTransaction::Future,
			Error::CheckpointClosed | Error::VotedAlready => InvalidTransaction::Stale,
			_ => InvalidTransaction::BadProof,
		})?;
		if !signature.verify(vote.block.payload(&Self::genesis_hash()).as_slice(), &voter.key) {
			return Err(InvalidTransaction::BadProof.into());
		}
		let valid = ValidTransaction::with_tag_prefix("CheckpointVote")
			.and_provides((vote.block.set_id, vote.block.number, vote.seat))
			.priority(PRIORITY)
			// The next checkpoint closes this one.
			.longevity(Parameters::<T>::get().checkpoint_blocks.into())
			.propagate(true)
			.build()?;
		Ok((valid, Weight::zero()))
	}
}
