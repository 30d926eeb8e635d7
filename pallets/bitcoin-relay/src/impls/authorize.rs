//! Which headers are taken for free, from nobody in particular.

use crate::{Config, Error, Pallet};
use blyan_bitcoin::RawHeader;
use polkadot_sdk::{
	frame_support::pallet_prelude::{
		InvalidTransaction, TransactionSource, TransactionValidityError, TransactionValidityWithRefund,
		ValidTransaction, Weight,
	},
	sp_runtime::transaction_validity::TransactionPriority,
};

/// Blocks for which a free header waits to be included: longer than between two blocks of Bitcoin.
const LONGEVITY: u64 = 600;
/// Above what a transaction without a tip has: there is one header in ten minutes.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

impl<T: Config> Pallet<T> {
	/// Authorizes a header that extends the best chain and keeps every rule: dispatching it cannot fail.
	pub(crate) fn authorize_header(
		_source: TransactionSource,
		header: &RawHeader,
	) -> TransactionValidityWithRefund {
		let hash = header.hash();
		let checked = Self::check(header, hash).map_err(|error| match error {
			Error::HeaderKnown => InvalidTransaction::Stale,
			// Right perhaps, and not yet.
			Error::ParentUnknown | Error::TimeTooNew => InvalidTransaction::Future,
			_ => InvalidTransaction::BadProof,
		})?;
		let tip = Self::tip().map_err(|_| InvalidTransaction::Call)?;
		if checked.parent != tip.hash {
			return Err(InvalidTransaction::Stale.into());
		}
		if Self::free_headers_left() == 0 {
			return Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources));
		}
		let valid = ValidTransaction::with_tag_prefix("BitcoinHeader")
			.and_provides(hash)
			.priority(PRIORITY)
			.longevity(LONGEVITY)
			.propagate(true)
			.build()?;
		Ok((valid, Weight::zero()))
	}
}
