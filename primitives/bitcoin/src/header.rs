//! What is asked of a header, and what has to be known of its ancestors for it.
//!
//! Source: `CheckBlockHeader` and `ContextualCheckBlockHeader` (validation.cpp), `GetNextWorkRequired` (pow.cpp)
//! of Bitcoin Core, in whose order the rules are checked.

use crate::{
	network::{Rules, EASY_AFTER_SECONDS},
	target::{expand, retarget, work, PERIOD},
};
use bitcoin::{
	block::Header,
	consensus::deserialize,
	hashes::{sha256d, Hash as _},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::{H256, U256};
use scale_info::TypeInfo;

/// The hash of a header or of a transaction, in the order in which SHA-256 gives its bytes. People see them
/// reversed.
pub type BitcoinHash = H256;

/// How far ahead of this chain's clock a header's time may be, in seconds.
pub const MAX_FUTURE_SECONDS: u32 = 2 * 60 * 60;
/// How much older than its parent the first block of a period may be under BIP 94, in seconds.
pub const MAX_TIMEWARP_SECONDS: u32 = 600;
/// Ancestors, the parent among them, whose median time a header must be after.
pub const MEDIAN_SPAN: usize = 11;

/// A header as it is sent: 80 bytes.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RawHeader(pub [u8; 80]);

impl RawHeader {
	/// The double SHA-256 of it.
	pub fn hash(&self) -> BitcoinHash {
		H256(sha256d::Hash::hash(&self.0).to_byte_array())
	}

	/// Its fields. Any 80 bytes have some.
	pub fn fields(&self) -> Option<Header> {
		deserialize(&self.0).ok()
	}
}

/// Why a header is refused.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum HeaderError {
	/// Not 80 bytes that make a header.
	Malformed,
	/// The header's `nBits` are negative, zero, too large, or easier than the network allows.
	TargetOutOfRange,
	/// The hash is above the target.
	NotEnoughWork,
	/// `nBits` are not what the header's ancestry asks for.
	WrongTarget {
		/// What it asks for.
		expected: u32,
	},
	/// The time is not after the median of the eleven blocks before it.
	TooOld,
	/// The first block of a period is too much older than its parent (BIP 94).
	Timewarp,
	/// The time is more than two hours ahead. It can be taken later.
	TooNew,
	/// The version is one that soft forks have retired.
	VersionRetired,
	/// More work than 256 bits count, or more blocks than 32.
	TooLong,
}

impl HeaderError {
	/// Whether the same header may be right at another time.
	pub fn is_for_now(&self) -> bool {
		matches!(self, Self::TooNew)
	}
}

/// What the descendants of a block must know of it and of its ancestors: all that the rules look at, so that
/// checking a header reads its parent alone.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Ancestry {
	/// Blocks before it.
	pub height: u32,
	/// The work of this block and of everything before it.
	pub work: U256,
	/// Its own `nBits`.
	pub bits: u32,
	/// The time of the first block of its period.
	pub period_start_time: u32,
	/// The `nBits` of the first block of its period.
	pub period_start_bits: u32,
	/// The `nBits` of the youngest block, this one or before it, that is not merely at the limit because it
	/// came late, or else of the first of its period.
	pub regular_bits: u32,
	/// The times of this block, which is the first, and of the ten before it.
	pub times: [u32; MEDIAN_SPAN],
	/// How many of these there are: fewer near a chain's first block alone.
	pub times_known: u8,
}

impl Ancestry {
	/// Of a first block: a genesis block, or a checkpoint, which must be the first of a period. `before` are the
	/// times of those before it, the youngest first, and `total_work` is what it and they took.
	pub fn of_first(height: u32, header: &Header, total_work: U256, before: &[u32]) -> Option<Self> {
		if !height.is_multiple_of(PERIOD) {
			return None;
		}
		let bits = header.bits.to_consensus();
		let mut times = [0; MEDIAN_SPAN];
		let known = core::iter::once(&header.time).chain(before);
		let times_known = times.iter_mut().zip(known).map(|(slot, time)| *slot = *time).count() as u8;
		Some(Self {
			height,
			work: total_work,
			bits,
			period_start_time: header.time,
			period_start_bits: bits,
			regular_bits: bits,
			times,
			times_known,
		})
	}

	/// Its time.
	pub fn time(&self) -> u32 {
		let [time, ..] = self.times;
		time
	}

	/// The median of the times of this block and of the ten before it.
	pub fn median_time(&self) -> u32 {
		let mut times = self.times;
		let known = usize::from(self.times_known).clamp(1, MEDIAN_SPAN);
		let (known, _) = times.split_at_mut(known);
		known.sort_unstable();
		known.get(known.len() / 2).copied().unwrap_or_default()
	}

	/// The `nBits` that a child of that time must have.
	pub fn expected_bits(&self, rules: &Rules, child_time: u32) -> u32 {
		let is_first_of_period = self.height.saturating_add(1).is_multiple_of(PERIOD);
		if is_first_of_period {
			if !rules.retargets {
				return self.bits;
			}
			let base = if rules.enforces_bip94 { self.period_start_bits } else { self.bits };
			let seconds = i64::from(self.time()).saturating_sub(self.period_start_time.into());
			return retarget(expand(base).unwrap_or_default(), seconds, rules.limit());
		}
		if !rules.has_easy_blocks {
			return self.bits;
		}
		if child_time > self.time().saturating_add(EASY_AFTER_SECONDS) {
			return rules.limit_bits;
		}
		self.regular_bits
	}

	/// Checks a child against every rule, and says what its descendants must know of it.
	///
	/// `now` is this chain's time, in seconds since 1970. The parent's hash is for the caller to compare: it is
	/// what it found this ancestry by.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn extend(&self, rules: &Rules, raw: &RawHeader, now: u64) -> Result<Self, HeaderError> {
		let header = raw.fields().ok_or(HeaderError::Malformed)?;
		let bits = header.bits.to_consensus();
		let target = expand(bits)
			.filter(|target| !target.is_zero() && *target <= rules.limit())
			.ok_or(HeaderError::TargetOutOfRange)?;
		if U256::from_little_endian(raw.hash().as_bytes()) > target {
			return Err(HeaderError::NotEnoughWork);
		}
		let expected = self.expected_bits(rules, header.time);
		if bits != expected {
			return Err(HeaderError::WrongTarget { expected });
		}
		if header.time <= self.median_time() {
			return Err(HeaderError::TooOld);
		}
		let child = self.descend(rules, header.time, bits, work(target)).ok_or(HeaderError::TooLong)?;
		let oldest = self.time().saturating_sub(MAX_TIMEWARP_SECONDS);
		if rules.enforces_bip94 && child.height.is_multiple_of(PERIOD) && header.time < oldest {
			return Err(HeaderError::Timewarp);
		}
		if u64::from(header.time) > now.saturating_add(MAX_FUTURE_SECONDS.into()) {
			return Err(HeaderError::TooNew);
		}
		let version = header.version.to_consensus();
		if rules.version_heights.iter().any(|(least, from)| version < *least && child.height >= *from) {
			return Err(HeaderError::VersionRetired);
		}
		Ok(child)
	}

	/// What the descendants of a child must know of it. `None` if numbers overflow.
	pub(crate) fn descend(&self, rules: &Rules, time: u32, bits: u32, work: U256) -> Option<Self> {
		let height = self.height.checked_add(1)?;
		let is_first_of_period = height.is_multiple_of(PERIOD);
		let mut times = self.times;
		times.rotate_right(1);
		if let Some(youngest) = times.first_mut() {
			*youngest = time;
		}
		let (period_start_time, period_start_bits) =
			if is_first_of_period { (time, bits) } else { (self.period_start_time, self.period_start_bits) };
		let is_easy = rules.has_easy_blocks && bits == rules.limit_bits && !is_first_of_period;
		Some(Self {
			height,
			work: self.work.checked_add(work)?,
			bits,
			period_start_time,
			period_start_bits,
			regular_bits: if is_easy { self.regular_bits } else { bits },
			times,
			times_known: self.times_known.saturating_add(1).min(MEDIAN_SPAN as u8),
		})
	}
}
