//! The invariants of the README, one check each.

use crate::{AtHeight, BestTip, Config, Headers, OldestHeight, Pallet};
use alloc::collections::BTreeSet;
use blyan_bitcoin::target::{expand, work};
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_lists()?;
		Self::check_best_chain()?;
		Self::check_links()
	}

	/// 1. Every header is listed at its height, and nothing else is; no height is older than what is kept.
	fn check_lists() -> Result<(), TryRuntimeError> {
		let mut listed = BTreeSet::new();
		for (height, hashes) in AtHeight::<T>::iter() {
			ensure!(height >= OldestHeight::<T>::get(), "a height is kept that was to be forgotten");
			ensure!(!hashes.is_empty(), "a height has an empty list");
			for hash in hashes {
				let header = Headers::<T>::get(hash).ok_or("a header is listed that is not here")?;
				ensure!(header.ancestry.height == height, "a header is listed at another height");
				ensure!(listed.insert(hash), "a header is listed twice");
			}
		}
		ensure!(Headers::<T>::iter_keys().all(|hash| listed.contains(&hash)), "a header is not listed");
		Ok(())
	}

	/// 2. The tip is here, and the first of each height, from it down to the oldest, is the parent of the one above.
	fn check_best_chain() -> Result<(), TryRuntimeError> {
		let tip = BestTip::<T>::get().ok_or("there is no tip")?;
		let mut hash = tip.hash;
		for height in (OldestHeight::<T>::get()..=tip.height).rev() {
			ensure!(
				AtHeight::<T>::get(height).first() == Some(&hash),
				"the best chain is not in the first places"
			);
			let header = Headers::<T>::get(hash).ok_or("the best chain has a gap")?;
			hash = header.parent;
		}
		let below = tip.height.saturating_sub(OldestHeight::<T>::get());
		ensure!(below < T::HeadersKept::get(), "more heights are kept than are to be");
		Ok(())
	}

	/// 3. A header has one more than its parent in height, and its own work more; none has more work than the tip.
	fn check_links() -> Result<(), TryRuntimeError> {
		let tip = BestTip::<T>::get().ok_or("there is no tip")?;
		for header in Headers::<T>::iter_values() {
			ensure!(header.ancestry.work <= tip.work, "a header has more work than the tip");
			let Some(parent) = Headers::<T>::get(header.parent) else {
				ensure!(
					header.ancestry.height == OldestHeight::<T>::get(),
					"a header has no parent here and is not of the oldest"
				);
				continue;
			};
			ensure!(
				parent.ancestry.height.checked_add(1) == Some(header.ancestry.height),
				"a header is not one above its parent"
			);
			let own = expand(header.ancestry.bits).map(work).unwrap_or_default();
			ensure!(
				parent.ancestry.work.checked_add(own) == Some(header.ancestry.work),
				"the work of a header is not its parent's and its own"
			);
		}
		Ok(())
	}
}
