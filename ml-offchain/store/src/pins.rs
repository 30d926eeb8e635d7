//! What must not be collected as garbage, and why: a small file in the store's folder.
//!
//! A line is `CID REASON`, sorted; the last line is `sha256 DIGEST` of those before it. The file is
//! written beside and renamed, so it is whole or as it was; a file that does not fit its digest is an
//! error, never an empty list: what it protected must not be lost because a bit flipped.

use crate::{error::StoreError, files::Folder, hash::sha256};
use blyan_primitives::cid::Cid;
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt::{self, Write as _},
	fs,
	io::{ErrorKind, Write as _},
	str::FromStr,
};

/// Longest pin file that is read: about a hundred thousand pins.
const MAX_PINS_BYTES: u64 = 8 << 20;
const DIGEST_TAG: &str = "sha256";

/// Why content is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PinReason {
	/// It is a head of a model that is followed, or what a head may be rolled back to or is a delta of.
	Head,
	/// A round in progress measures it, or measures with it.
	Round,
	/// It is a dataset or text that training needs.
	Dataset,
	/// It is this worker's own work, and its submission is not closed.
	OwnWork,
	/// Somebody asked for it.
	Manual,
}

impl PinReason {
	/// Every reason.
	pub const ALL: [Self; 5] = [Self::Head, Self::Round, Self::Dataset, Self::OwnWork, Self::Manual];

	/// As it is written.
	pub const fn as_str(self) -> &'static str {
		match self {
			Self::Head => "head",
			Self::Round => "round",
			Self::Dataset => "dataset",
			Self::OwnWork => "own-work",
			Self::Manual => "manual",
		}
	}
}

impl fmt::Display for PinReason {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.pad(self.as_str())
	}
}

/// It is not one of [`PinReason::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a reason is one of head, round, dataset, own-work and manual")]
pub struct UnknownReason;

impl FromStr for PinReason {
	type Err = UnknownReason;

	fn from_str(text: &str) -> Result<Self, UnknownReason> {
		Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
	}
}

/// Content, and the reasons to keep it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Pins(BTreeMap<Cid, BTreeSet<PinReason>>);

impl Pins {
	/// Adds a reason; whether it was new.
	pub fn add(&mut self, cid: Cid, reason: PinReason) -> bool {
		self.0.entry(cid).or_default().insert(reason)
	}

	/// Takes a reason away; whether it was there.
	pub fn remove(&mut self, cid: &Cid, reason: PinReason) -> bool {
		let Some(reasons) = self.0.get_mut(cid) else { return false };
		let was_there = reasons.remove(&reason);
		if reasons.is_empty() {
			self.0.remove(cid);
		}
		was_there
	}

	/// Adds every pin of another list.
	pub fn extend(&mut self, other: &Self) {
		for (cid, reason) in other.iter() {
			self.add(cid, reason);
		}
	}

	/// Whether there is any reason to keep it.
	pub fn contains(&self, cid: &Cid) -> bool {
		self.0.contains_key(cid)
	}

	/// The reasons to keep it.
	pub fn reasons(&self, cid: &Cid) -> impl Iterator<Item = PinReason> + '_ {
		self.0.get(cid).into_iter().flatten().copied()
	}

	/// Every pin, sorted.
	pub fn iter(&self) -> impl Iterator<Item = (Cid, PinReason)> + '_ {
		self.0.iter().flat_map(|(cid, reasons)| reasons.iter().map(|reason| (*cid, *reason)))
	}

	/// What is kept, whatever the reason.
	pub fn cids(&self) -> BTreeSet<Cid> {
		self.0.keys().copied().collect()
	}

	fn to_file(&self) -> String {
		let mut text = String::new();
		for (cid, reason) in self.iter() {
			// Writing to a string does not fail.
			let _ = writeln!(text, "{cid} {reason}");
		}
		let digest = hex(&sha256(text.as_bytes()));
		text + DIGEST_TAG + " " + &digest + "\n"
	}

	/// `None` unless the file is whole and unaltered.
	fn from_file(text: &str) -> Option<Self> {
		let lines = text.strip_suffix('\n')?;
		let (body, last) = match lines.rfind('\n') {
			Some(at) => lines.split_at(at + 1),
			None => ("", lines),
		};
		let digest = last.strip_prefix(DIGEST_TAG)?.strip_prefix(' ')?;
		if digest != hex(&sha256(body.as_bytes())) {
			return None;
		}
		let mut pins = Self::default();
		for line in body.lines() {
			let (cid, reason) = line.split_once(' ')?;
			pins.add(cid.parse().ok()?, reason.parse().ok()?);
		}
		Some(pins)
	}
}

fn hex(bytes: &[u8]) -> String {
	bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
		let _ = write!(text, "{byte:02x}");
		text
	})
}

impl Folder {
	/// The pins on disk; none if there is no file.
	pub(crate) fn read_pins(&self) -> Result<Pins, StoreError> {
		let path = self.pins();
		let io = |source| StoreError::io("read", &path, 0, source);
		let bytes = match fs::metadata(&path) {
			Ok(metadata) => metadata.len(),
			Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Pins::default()),
			Err(error) => return Err(io(error)),
		};
		if bytes > MAX_PINS_BYTES {
			return Err(StoreError::TooLarge { path, bytes, limit: MAX_PINS_BYTES });
		}
		let text = fs::read(&path).map_err(io)?;
		std::str::from_utf8(&text)
			.ok()
			.and_then(Pins::from_file)
			.ok_or_else(|| StoreError::PinsAltered { path: path.clone() })
	}

	/// Changes the pins on disk, one process after another; writes them only if `change` says that it
	/// changed something, and returns that.
	pub(crate) fn change_pins(&self, change: impl FnOnce(&mut Pins) -> bool) -> Result<bool, StoreError> {
		let _held = self.lock_pins()?;
		let mut pins = self.read_pins()?;
		if !change(&mut pins) {
			return Ok(false);
		}
		let text = pins.to_file();
		let needed = text.len() as u64;
		let mut temporary = self.temporary(needed)?;
		temporary
			.file
			.write_all(text.as_bytes())
			.map_err(|source| StoreError::io("write", temporary.path(), needed, source))?;
		temporary.publish(self, &self.pins())?;
		Ok(true)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::CidCodec;
	use proptest::prelude::*;

	fn cid(byte: u8) -> Cid {
		Cid { codec: CidCodec::Raw, digest: [byte; 32] }
	}

	proptest! {
		#[test]
		fn file_should_round_trip_and_notice_any_changed_byte(
			pins in proptest::collection::vec((any::<u8>(), 0usize..5), 0..20),
			place in any::<prop::sample::Index>(),
			bit in 0u8..8,
		) {
			let mut list = Pins::default();
			for (byte, reason) in pins {
				list.add(cid(byte), PinReason::ALL[reason]);
			}
			let text = list.to_file();
			prop_assert_eq!(Pins::from_file(&text), Some(list));
			let mut altered = text.into_bytes();
			let at = place.index(altered.len());
			altered[at] ^= 1 << bit;
			let read = std::str::from_utf8(&altered).ok().and_then(Pins::from_file);
			prop_assert_eq!(read, None);
			altered[at] ^= 1 << bit;
			altered.truncate(at);
			let read = std::str::from_utf8(&altered).ok().and_then(Pins::from_file);
			prop_assert_eq!(read, None);
		}
	}

	#[test]
	fn remove_should_forget_content_when_its_last_reason_goes() {
		let mut pins = Pins::default();
		assert!(pins.add(cid(1), PinReason::Head) && pins.add(cid(1), PinReason::Manual));
		assert!(!pins.add(cid(1), PinReason::Head), "it was there");
		assert!(pins.remove(&cid(1), PinReason::Head) && pins.contains(&cid(1)));
		assert!(!pins.remove(&cid(1), PinReason::Head) && !pins.remove(&cid(2), PinReason::Head));
		assert!(pins.remove(&cid(1), PinReason::Manual) && !pins.contains(&cid(1)));
		assert_eq!(pins, Pins::default());
	}
}
