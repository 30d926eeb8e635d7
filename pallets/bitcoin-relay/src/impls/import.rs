//! Taking headers, following the chain with the most work, forgetting what is old.

use crate::{
	types::*, weights::WeightInfo, AtHeight, BestTip, Config, Error, Event, FollowedNetwork, FreeHeaders,
	Headers, OldestHeight, Pallet,
};
use bitcoin::hashes::Hash as _;
use blyan_bitcoin::{BitcoinHash, Network, RawHeader};
use polkadot_sdk::{
	frame_support::{
		dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
		ensure,
		traits::{Defensive, Get, UnixTime},
	},
	frame_system,
	sp_core::H256,
	sp_runtime::DispatchError,
};

/// Heights that one header lets be forgotten: two, so that what a reorganisation to a shorter chain left over
/// is caught up with.
const FORGOTTEN_PER_HEADER: u32 = 2;

/// What became of a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
	/// It is not on the best chain.
	OnFork,
	/// It is its new end, and so many blocks changed places besides itself.
	AsTip {
		/// How many.
		depth: u32,
	},
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_submit_headers(headers: &[RawHeader], max_depth: u32) -> DispatchResultWithPostInfo {
		let mut depth_left = max_depth;
		let mut has_moved = false;
		for header in headers {
			if let Taken::AsTip { depth } = Self::import(header, depth_left)? {
				depth_left = depth_left.saturating_sub(depth);
				has_moved = true;
			}
		}
		let count = headers.len() as u32;
		let is_free = has_moved && count <= Self::free_headers_left();
		if is_free {
			(0..count).for_each(|_| Self::note_free_header());
		}
		let depth = max_depth.saturating_sub(depth_left);
		Ok(PostDispatchInfo {
			actual_weight: Some(T::WeightInfo::submit_headers(count, depth)),
			pays_fee: if is_free { Pays::No } else { Pays::Yes },
		})
	}

	/// Takes one header, and follows its chain if that has the most work.
	pub(crate) fn import(raw: &RawHeader, max_depth: u32) -> Result<Taken, DispatchError> {
		let hash = raw.hash();
		let header = Self::check(raw, hash)?;
		let (height, work) = (header.ancestry.height, header.ancestry.work);
		let tip = Self::tip()?;
		let is_best = work > tip.work;
		Self::list(hash, height, is_best)?;
		let extends_tip = header.parent == tip.hash;
		Headers::<T>::insert(hash, header);
		if !is_best {
			Self::deposit_event(Event::ForkHeaderTaken { hash, height });
			return Ok(Taken::OnFork);
		}
		let since = Self::lead_to(hash, height, &tip, max_depth)?;
		BestTip::<T>::put(Tip { hash, height, work });
		Self::forget_old(height);
		Self::deposit_event(match extends_tip {
			true => Event::TipMoved { hash, height },
			false => Event::Reorganised { from: tip.hash, to: hash, height, since },
		});
		Ok(Taken::AsTip { depth: height.saturating_sub(since) })
	}

	/// Checks a header by every rule; writes nothing.
	pub(crate) fn check(raw: &RawHeader, hash: BitcoinHash) -> Result<StoredHeader, Error<T>> {
		ensure!(!Headers::<T>::contains_key(hash), Error::<T>::HeaderKnown);
		let fields = raw.fields().ok_or(Error::<T>::HeaderMalformed)?;
		let parent = Headers::<T>::get(H256(fields.prev_blockhash.to_byte_array()))
			.ok_or(Error::<T>::ParentUnknown)?;
		// There is a network since the first block; without one, the strictest rules hold.
		let rules = FollowedNetwork::<T>::get().unwrap_or(Network::Mainnet).rules();
		let ancestry = parent.ancestry.extend(&rules, raw, T::Clock::now().as_secs())?;
		Ok(StoredHeader::new(&fields, ancestry))
	}

	/// Adds a header to those of its height. One whose chain is the best always finds room, unless each of its
	/// rivals has descendants.
	fn list(hash: BitcoinHash, height: u32, is_best: bool) -> Result<(), Error<T>> {
		AtHeight::<T>::try_mutate(height, |hashes| {
			if hashes.is_full() && is_best {
				let descendants = AtHeight::<T>::get(height.saturating_add(1));
				let parents = descendants.iter().filter_map(Headers::<T>::get).map(|header| header.parent);
				let parents = parents.collect::<alloc::collections::BTreeSet<_>>();
				// Up to the tip's height the first is on the best chain.
				let first = usize::from(height <= Self::tip().map_or(0, |tip| tip.height));
				if let Some(at) = (first..hashes.len())
					.find(|at| !hashes.get(*at).is_some_and(|hash| parents.contains(hash)))
				{
					Headers::<T>::remove(hashes.remove(at));
				}
			}
			hashes.try_push(hash).map_err(|_| Error::<T>::TooManyForks)
		})
	}

	/// Puts the chain that ends with that header in the first places of its heights, down to where it leaves
	/// the chain of the present tip. Returns the first height that is new.
	fn lead_to(hash: BitcoinHash, height: u32, tip: &Tip, max_depth: u32) -> Result<u32, Error<T>> {
		let (mut hash, mut at) = (hash, height);
		loop {
			let is_common = AtHeight::<T>::try_mutate(at, |hashes| {
				let place = hashes.iter().position(|other| *other == hash).ok_or(Error::<T>::ForkTooOld)?;
				if place == 0 && at <= tip.height {
					return Ok::<_, Error<T>>(true);
				}
				hashes.as_mut().swap(0, place);
				Ok(false)
			})?;
			if is_common {
				return Ok(at.saturating_add(1));
			}
			ensure!(height.saturating_sub(at) <= max_depth, Error::<T>::ReorganisationTooDeep);
			hash = Headers::<T>::get(hash).ok_or(Error::<T>::ForkTooOld)?.parent;
			at = at.checked_sub(1).ok_or(Error::<T>::ForkTooOld)?;
		}
	}

	/// Forgets heights that are too far below the tip.
	fn forget_old(best: u32) {
		for _ in 0..FORGOTTEN_PER_HEADER {
			let oldest = OldestHeight::<T>::get();
			if oldest.saturating_add(T::HeadersKept::get()) > best {
				return;
			}
			AtHeight::<T>::take(oldest).iter().for_each(Headers::<T>::remove);
			OldestHeight::<T>::put(oldest.saturating_add(1));
		}
	}

	/// The end of the best chain. There is one since the first block.
	pub(crate) fn tip() -> Result<Tip, Error<T>> {
		BestTip::<T>::get().defensive().ok_or(Error::<T>::ParentUnknown)
	}

	/// How many headers nobody has to pay for any more in this block.
	pub(crate) fn free_headers_left() -> u32 {
		let (block, count) = FreeHeaders::<T>::get();
		let taken = if block == frame_system::Pallet::<T>::block_number() { count } else { 0 };
		T::MaxFreeHeaders::get().saturating_sub(taken)
	}

	pub(crate) fn note_free_header() {
		let left = Self::free_headers_left();
		let taken = T::MaxFreeHeaders::get().saturating_sub(left).saturating_add(1);
		FreeHeaders::<T>::put((frame_system::Pallet::<T>::block_number(), taken));
	}
}
