#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(
	not(test),
	deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)
)]

extern crate alloc;

pub use impls::queries::Confirmed;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod types;
pub mod weights;

mod impls {
	mod authorize;
	mod import;
	pub(crate) mod queries;
}

#[cfg(any(feature = "try-runtime", test))]
mod try_state;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

use polkadot_sdk::{frame_support, frame_system};

/// What benchmarks need of the runtime.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
	/// Has [`Config::Clock`] show that time, in seconds since 1970.
	fn set_clock(seconds: u32);
}

#[frame_support::pallet]
pub mod pallet {
	use super::{frame_support, frame_system};
	use crate::{types::*, weights::WeightInfo};
	use blyan_bitcoin::{BitcoinHash, HeaderError, InclusionError, Network, RawHeader};
	use frame_support::{pallet_prelude::*, traits::UnixTime};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// This chain's clock, by which headers from the future are told.
		type Clock: UnixTime;

		/// Heights below the best for which headers are kept. What is older cannot be proven any more, and a
		/// reorganisation that reaches further back is not followed.
		#[pallet::constant]
		type HeadersKept: Get<u32>;

		/// Most headers of the same height: the best chain's, and its rivals.
		#[pallet::constant]
		type MaxForks: Get<u32>;

		/// Most headers in one call.
		#[pallet::constant]
		type MaxBatch: Get<u32>;

		/// Most headers in a block of this chain for which nobody pays.
		#[pallet::constant]
		type MaxFreeHeaders: Get<u32>;

		/// Weights.
		type WeightInfo: WeightInfo;

		/// Sets the clock.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: crate::BenchmarkHelper;
	}

	/// The network that is followed, from the first block on.
	#[pallet::storage]
	pub type FollowedNetwork<T: Config> = StorageValue<_, Network>;

	/// The headers, of heights from [`OldestHeight`] on. Hasher: whoever wants to choose a hash has to mine for it.
	#[pallet::storage]
	pub type Headers<T: Config> = StorageMap<_, Twox64Concat, BitcoinHash, StoredHeader>;

	/// The headers of a height. Up to the tip's, the first of them is on the best chain. Hasher: heights follow one
	/// another.
	#[pallet::storage]
	pub type AtHeight<T: Config> =
		StorageMap<_, Twox64Concat, u32, BoundedVec<BitcoinHash, T::MaxForks>, ValueQuery>;

	/// The end of the best chain.
	#[pallet::storage]
	pub type BestTip<T: Config> = StorageValue<_, Tip>;

	/// The least height that is kept.
	#[pallet::storage]
	pub type OldestHeight<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// In which block headers were taken for free last, and how many.
	#[pallet::storage]
	pub type FreeHeaders<T: Config> = StorageValue<_, (BlockNumberFor<T>, u32), ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Where the relay starts.
		pub checkpoint: Checkpoint,
		#[serde(skip)]
		#[allow(missing_docs)]
		pub _marker: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let (hash, header) = match self.checkpoint.check() {
				Ok(checked) => checked,
				// A chain spec is read by a person: stop before there is a chain.
				#[allow(clippy::panic)]
				Err(error) => panic!("bitcoinRelay.checkpoint of the chain spec is not valid: {error:?}"),
			};
			let (height, work) = (header.ancestry.height, header.ancestry.work);
			FollowedNetwork::<T>::put(self.checkpoint.network);
			AtHeight::<T>::insert(height, BoundedVec::truncate_from(alloc::vec![hash]));
			Headers::<T>::insert(hash, header);
			BestTip::<T>::put(Tip { hash, height, work });
			OldestHeight::<T>::put(height);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A header was taken that is not on the best chain.
		ForkHeaderTaken {
			/// Its hash.
			hash: BitcoinHash,
			/// Blocks before it.
			height: u32,
		},
		/// The best chain is longer by one.
		TipMoved {
			/// Its new end.
			hash: BitcoinHash,
			/// Blocks before that.
			height: u32,
		},
		/// Another chain has more work now.
		Reorganised {
			/// The end of the chain that was the best.
			from: BitcoinHash,
			/// The end of the one that is.
			to: BitcoinHash,
			/// Blocks before that.
			height: u32,
			/// The first height at which they differ.
			since: u32,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The header is here already.
		HeaderKnown,
		/// The header names a parent that is not here: it comes too early, or its fork is older than what is
		/// kept. Send its ancestors first.
		ParentUnknown,
		/// 80 bytes that are no header.
		HeaderMalformed,
		/// The header's target is negative, zero, too large, or easier than the network allows.
		TargetOutOfRange,
		/// The header's hash is above its target.
		NotEnoughWork,
		/// The header's target is not the one that its ancestry asks for.
		WrongTarget,
		/// The header's time is not after the median of the eleven blocks before it.
		TimeTooOld,
		/// The header is the first of its period, and more than ten minutes older than its parent (BIP 94).
		Timewarp,
		/// The header's time is more than two hours ahead. Send it again later.
		TimeTooNew,
		/// Soft forks have retired the header's version.
		VersionRetired,
		/// Heights or work would overflow.
		ChainTooLong,
		/// As many headers of this height are here as may be. It is taken if its chain has more work than the
		/// best.
		TooManyForks,
		/// More blocks would change places than the caller pays for. Send it with a larger `max_depth`.
		ReorganisationTooDeep,
		/// The fork leaves the best chain before the oldest header that is kept.
		ForkTooOld,
		/// The block is not here, or not on the best chain.
		BlockNotOnBestChain,
		/// The block has fewer confirmations than are asked for. Try again later.
		TooFewConfirmations,
		/// The index is not of one of the block's transactions, or of its coinbase.
		IndexOutOfRange,
		/// A branch is longer or shorter than the tree of so many transactions is deep.
		WrongDepth,
		/// The transaction has 64 bytes, as two hashes have.
		TransactionTooShort,
		/// The bytes are not one transaction without its witness.
		TransactionMalformed,
		/// What is said to be the block's first transaction mints no coins.
		NotCoinbase,
		/// What is said to be an ordinary transaction mints coins.
		IsCoinbase,
		/// A sibling equals its node where the tree has another one, or differs where it has none.
		SiblingRepeated,
		/// The branch does not lead to the block's root.
		RootMismatch,
	}

	impl<T> From<HeaderError> for Error<T> {
		fn from(error: HeaderError) -> Self {
			match error {
				HeaderError::Malformed => Self::HeaderMalformed,
				HeaderError::TargetOutOfRange => Self::TargetOutOfRange,
				HeaderError::NotEnoughWork => Self::NotEnoughWork,
				HeaderError::WrongTarget { .. } => Self::WrongTarget,
				HeaderError::TooOld => Self::TimeTooOld,
				HeaderError::Timewarp => Self::Timewarp,
				HeaderError::TooNew => Self::TimeTooNew,
				HeaderError::VersionRetired => Self::VersionRetired,
				HeaderError::TooLong => Self::ChainTooLong,
			}
		}
	}

	impl<T> From<InclusionError> for Error<T> {
		fn from(error: InclusionError) -> Self {
			match error {
				InclusionError::IndexOutOfRange => Self::IndexOutOfRange,
				InclusionError::WrongDepth => Self::WrongDepth,
				InclusionError::TransactionTooShort => Self::TransactionTooShort,
				InclusionError::TransactionMalformed => Self::TransactionMalformed,
				InclusionError::NotCoinbase => Self::NotCoinbase,
				InclusionError::IsCoinbase => Self::IsCoinbase,
				InclusionError::SiblingRepeated => Self::SiblingRepeated,
				InclusionError::RootMismatch => Self::RootMismatch,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::MaxForks::get() > 1, "MaxForks must allow for a rival");
			assert!(T::MaxBatch::get() > 0, "MaxBatch must allow for a header");
			assert!(T::HeadersKept::get() > 0, "HeadersKept must keep the tip's parent");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_now: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Takes the header that comes next on the best chain. Costs nothing, and needs no account: the work is
		/// in the header.
		///
		/// Origin: authorized, if the header extends the best chain, keeps every rule, and fewer than
		/// `MaxFreeHeaders` were taken so in this block.
		///
		/// Errors: none, for what would fail is not authorized. Event: [`Event::TipMoved`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit_header())]
		#[pallet::authorize(Self::authorize_header)]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_submit_header())]
		pub fn submit_header(origin: OriginFor<T>, header: RawHeader) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::note_free_header();
			Self::import(&header, 0).map(|_| ())
		}

		/// Takes headers, parents before children, on any chain whose fork is within what is kept. `max_depth`
		/// bounds how many blocks may change places if another chain becomes the best: the caller pays for so
		/// many, and gets back what was not used. Who moves the tip pays nothing, within `MaxFreeHeaders` a block.
		///
		/// Origin: signed.
		///
		/// Errors: those of headers, of which none is then taken; [`Error::ReorganisationTooDeep`],
		/// [`Error::ForkTooOld`], [`Error::TooManyForks`]. Events: [`Event::TipMoved`],
		/// [`Event::Reorganised`], [`Event::ForkHeaderTaken`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::submit_headers(headers.len() as u32, *max_depth))]
		pub fn submit_headers(
			origin: OriginFor<T>,
			headers: BoundedVec<RawHeader, T::MaxBatch>,
			max_depth: u32,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_submit_headers(&headers, max_depth)
		}
	}
}
