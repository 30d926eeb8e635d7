//! What others ask of the relay.

use crate::{AtHeight, Config, Error, Headers, Pallet, Tip};
use bitcoin::Transaction;
use blyan_bitcoin::{BitcoinHash, InclusionProof};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchError};

/// A transaction that the best chain has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confirmed {
	/// Its id.
	pub id: BitcoinHash,
	/// The transaction, without its witness.
	pub transaction: Transaction,
	/// Blocks before the one that has it.
	pub height: u32,
	/// Blocks from that one to the tip, both counted.
	pub confirmations: u32,
}

impl<T: Config> Pallet<T> {
	/// The end of the best chain.
	pub fn best_tip() -> Option<Tip> {
		Self::tip().ok()
	}

	/// Blocks from that one to the tip, both counted; `None` if it is not on the best chain, or too old to be kept.
	pub fn confirmations(block: &BitcoinHash) -> Option<u32> {
		let height = Headers::<T>::get(block)?.ancestry.height;
		let tip = Self::tip().ok()?;
		let is_on_best_chain = AtHeight::<T>::get(height).first() == Some(block);
		// Above the tip, first places are left over from chains that were longer and had less work.
		let above = tip.height.checked_sub(height)?;
		is_on_best_chain.then(|| above.saturating_add(1))
	}

	/// The transaction, if a block of the best chain has it that is at least so many blocks deep.
	///
	/// # Errors
	/// [`Error::BlockNotOnBestChain`], [`Error::TooFewConfirmations`], and what is wrong with the proof.
	pub fn verify(proof: &InclusionProof, least_confirmations: u32) -> Result<Confirmed, DispatchError> {
		let confirmations = Self::confirmations(&proof.block).ok_or(Error::<T>::BlockNotOnBestChain)?;
		ensure!(confirmations >= least_confirmations, Error::<T>::TooFewConfirmations);
		let header = Headers::<T>::get(proof.block).ok_or(Error::<T>::BlockNotOnBestChain)?;
		let (id, transaction) = proof.verify(header.merkle_root).map_err(Error::<T>::from)?;
		Ok(Confirmed { id, transaction, height: header.ancestry.height, confirmations })
	}
}
