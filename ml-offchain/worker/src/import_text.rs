//! `import-text`: a text becomes a validation pool and a training text.
//!
//! The text is split into contiguous parts, the *domains*. From each, shards are held out, evenly spread:
//! part `d` of `n` bytes is cut into as many equal segments as it gives shards, and the shard is the
//! middle of its segment. The rest, in order, is the training text. At most half of the text is held
//! out. A shard begins and ends at a byte, not at a letter: the model reads bytes.
//!
//! Memory does not grow with the text, which is read once.

use crate::files::FileError;
use blyan_primitives::{
	cid::Cid,
	learning::{Domain, DomainName, ValidationPool, MAX_DOMAINS},
};
use blyan_store::{PinReason, Pins, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File},
	io::{self, BufReader, BufWriter, Read, Write},
	path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Longest shard: a model's context is far below.
pub const MAX_SHARD_BYTES: u32 = 1 << 20;
/// Of each segment at most this share is held out.
const SEGMENT_SHARDS: u64 = 2;

/// How a text is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Division {
	/// Bytes of a shard.
	pub shard_bytes: u32,
	/// Shards held out of each domain.
	pub shards_per_domain: u32,
	/// Parts of the text.
	pub domains: u32,
}

/// What `import-text` prints, and `register-model --pool` reads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportedText {
	/// What candidates are measured on.
	pub pool: PoolRecord,
	/// What is trained on.
	pub text: TextRecord,
}

/// A [`ValidationPool`] as people write it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRecord {
	/// Where the shards are.
	pub content: Cid,
	/// Bytes of a shard.
	pub shard_bytes: u32,
	/// In the order of their shards.
	pub domains: Vec<DomainRecord>,
}

/// A [`Domain`] as people write it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainRecord {
	/// For people; at most 32 bytes.
	pub name: String,
	/// How many shards it has.
	pub shards: u32,
}

/// Content and its length.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TextRecord {
	/// Where it is.
	pub content: Cid,
	/// Bytes.
	pub bytes: u64,
}

/// Why a text cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
	/// A file could not be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// A folder, a device, or a pipe, whose length is not known beforehand.
	#[error("{} is not a regular file", path.display())]
	NotAFile {
		/// What was given.
		path: PathBuf,
	},
	/// Bytes that are no text.
	#[error(
		"{} is not UTF-8: the byte at offset {offset} does not continue a text; convert it first (iconv -t UTF-8)",
		path.display()
	)]
	NotUtf8 {
		/// The text.
		path: PathBuf,
		/// The first byte that does not fit, from 0.
		offset: u64,
	},
	/// Not enough to hold out what was asked for.
	#[error(
		"{} has {bytes} bytes, and {needed} are needed to hold out {domains} x {shards} shards of {shard_bytes} \
		bytes and train on as much; take a longer text, or lower --domains, --shards-per-domain or --shard-bytes",
		path.display()
	)]
	TooShort {
		/// The text.
		path: PathBuf,
		/// Its length.
		bytes: u64,
		/// The length it should have.
		needed: u64,
		/// Domains asked for.
		domains: u32,
		/// Shards of each.
		shards: u32,
		/// Bytes of a shard.
		shard_bytes: u32,
	},
	/// A number is out of range.
	#[error("{option} is {value}, and must be between {least} and {most}")]
	OutOfRange {
		/// The option's name.
		option: &'static str,
		/// What was given.
		value: u64,
		/// Least allowed.
		least: u64,
		/// Most allowed.
		most: u64,
	},
	/// The file changed while it was read.
	#[error("{} changed while it was read: it had {before} bytes, and then {after}", path.display())]
	Changed {
		/// The text.
		path: PathBuf,
		/// Its length at first.
		before: u64,
		/// What was read.
		after: u64,
	},
	/// The store does not take it.
	#[error(transparent)]
	Store(#[from] StoreError),
}

/// A pool record that is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
	/// Too many domains, or none.
	#[error("a pool has 1 to {MAX_DOMAINS} domains, not {0}")]
	Domains(usize),
	/// A name that is too long.
	#[error("the domain name `{0}` is longer than 32 bytes")]
	Name(String),
}

impl TryFrom<&PoolRecord> for ValidationPool {
	type Error = PoolError;

	fn try_from(record: &PoolRecord) -> Result<Self, PoolError> {
		let domains = record
			.domains
			.iter()
			.map(|domain| {
				let name = DomainName::try_from(domain.name.as_bytes().to_vec())
					.map_err(|_| PoolError::Name(domain.name.clone()))?;
				Ok(Domain { name, shards: domain.shards })
			})
			.collect::<Result<Vec<_>, PoolError>>()?;
		if domains.is_empty() {
			return Err(PoolError::Domains(0));
		}
		let domains = domains.try_into().map_err(|_| PoolError::Domains(record.domains.len()))?;
		Ok(Self { content: record.content, shard_bytes: record.shard_bytes, domains })
	}
}

impl Division {
	fn check(&self) -> Result<(), ImportError> {
		let check = |option, value: u32, most: u32| {
			let (value, most) = (u64::from(value), u64::from(most));
			if (1..=most).contains(&value) {
				Ok(())
			} else {
				Err(ImportError::OutOfRange { option, value, least: 1, most })
			}
		};
		check("--shard-bytes", self.shard_bytes, MAX_SHARD_BYTES)?;
		check("--shards-per-domain", self.shards_per_domain, 1 << 20)?;
		check("--domains", self.domains, MAX_DOMAINS)?;
		// The model predicts every byte from those before it.
		if self.shard_bytes < 2 {
			let most = MAX_SHARD_BYTES.into();
			return Err(ImportError::OutOfRange { option: "--shard-bytes", value: 1, least: 2, most });
		}
		// A standard error needs two shards.
		if u64::from(self.domains) * u64::from(self.shards_per_domain) < 2 {
			let most = 1 << 20;
			return Err(ImportError::OutOfRange { option: "--shards-per-domain", value: 1, least: 2, most });
		}
		Ok(())
	}

	/// Bytes that a text needs.
	pub fn needed(&self) -> u64 {
		// 20 bits each, and four for the domains: no overflow.
		u64::from(self.domains)
			* u64::from(self.shards_per_domain)
			* u64::from(self.shard_bytes)
			* SEGMENT_SHARDS
	}

	/// Where the held-out shard begins, by its number over the whole pool, in a text of `bytes` bytes.
	fn shard_start(&self, shard: u64, bytes: u64) -> u64 {
		let (domains, shards) = (u64::from(self.domains), u64::from(self.shards_per_domain));
		let part = |domain: u64| scaled(bytes, domain, domains);
		let domain = shard / shards;
		let (start, length) = (part(domain), part(domain + 1) - part(domain));
		let segment = |place: u64| start + scaled(length, place, shards);
		let (begin, end) = (segment(shard % shards), segment(shard % shards + 1));
		begin + (end - begin - u64::from(self.shard_bytes)) / 2
	}
}

/// `value * part / whole` without overflow.
fn scaled(value: u64, part: u64, whole: u64) -> u64 {
	(u128::from(value) * u128::from(part) / u128::from(whole)) as u64
}

/// Divides the text at `path`, puts pool and training text into the store, which is in `folder`, and pins them.
/// `progress` is told the bytes read so far and the bytes there are.
///
/// Nothing is in the store unless all of the text was good.
///
/// # Errors
/// See [`ImportError`].
pub fn import_text(
	path: &Path,
	store: &Store,
	folder: &Path,
	division: Division,
	mut progress: impl FnMut(u64, u64),
) -> Result<ImportedText, ImportError> {
	division.check()?;
	let metadata = fs::metadata(path).map_err(FileError::of("read", path))?;
	if !metadata.is_file() {
		return Err(ImportError::NotAFile { path: path.into() });
	}
	let bytes = metadata.len();
	if bytes < division.needed() {
		return Err(ImportError::TooShort {
			path: path.into(),
			bytes,
			needed: division.needed(),
			domains: division.domains,
			shards: division.shards_per_domain,
			shard_bytes: division.shard_bytes,
		});
	}

	let (pool_file, text_file) = (scratch_file(folder)?, scratch_file(folder)?);
	let mut splitter = Splitter {
		division,
		bytes,
		position: 0,
		shard: 0,
		pool: BufWriter::new(pool_file.as_file()),
		text: BufWriter::new(text_file.as_file()),
	};
	let mut reader =
		BufReader::with_capacity(CHUNK_BYTES, File::open(path).map_err(FileError::of("open", path))?);
	let mut utf8 = Utf8Check::default();
	let mut chunk = vec![0; CHUNK_BYTES];
	loop {
		let read = reader.read(&mut chunk).map_err(FileError::of("read", path))?;
		if read == 0 {
			break;
		}
		let piece = chunk.get(..read).unwrap_or_default();
		utf8.feed(piece).map_err(|offset| ImportError::NotUtf8 { path: path.into(), offset })?;
		if splitter.position + read as u64 > bytes {
			let after = splitter.position + read as u64;
			return Err(ImportError::Changed { path: path.into(), before: bytes, after });
		}
		splitter.feed(piece).map_err(FileError::of("write to", folder))?;
		progress(splitter.position, bytes);
	}
	if splitter.position != bytes {
		return Err(ImportError::Changed { path: path.into(), before: bytes, after: splitter.position });
	}
	utf8.end().map_err(|offset| ImportError::NotUtf8 { path: path.into(), offset })?;
	splitter.pool.flush().and_then(|()| splitter.text.flush()).map_err(FileError::of("write to", folder))?;
	drop(splitter);

	let domains = (1..=division.domains)
		.map(|number| DomainRecord { name: format!("part {number}"), shards: division.shards_per_domain })
		.collect();
	// The text first: a pool in the store means that the text is there.
	let text = store.put_file(text_file.path())?;
	let pool = store.put_file(pool_file.path())?;
	// Whoever imported them says when they may go.
	let mut pins = Pins::default();
	for cid in [text.cid, pool.cid] {
		pins.add(cid, PinReason::Manual);
	}
	store.pin_all(&pins)?;
	Ok(ImportedText {
		pool: PoolRecord { content: pool.cid, shard_bytes: division.shard_bytes, domains },
		text: TextRecord { content: text.cid, bytes: text.bytes },
	})
}

/// A file in the store's folder, so that it is on the same disk. Should this process be killed, the store
/// sweeps it at its next opening, as it does with every unlocked file of that prefix.
fn scratch_file(folder: &Path) -> Result<NamedTempFile, ImportError> {
	let made = tempfile::Builder::new().prefix(".tmp-import-").tempfile_in(folder);
	let file = made.map_err(FileError::of("write to", folder))?;
	file.as_file().lock().map_err(FileError::of("lock", file.path()))?;
	Ok(file)
}

/// Sends each byte to the pool or to the training text.
struct Splitter<W: Write> {
	division: Division,
	bytes: u64,
	position: u64,
	/// The shard that comes next, or that `position` is in.
	shard: u64,
	pool: W,
	text: W,
}

impl<W: Write> Splitter<W> {
	fn feed(&mut self, mut piece: &[u8]) -> io::Result<()> {
		let shards = u64::from(self.division.domains) * u64::from(self.division.shards_per_domain);
		while !piece.is_empty() {
			let start = match self.shard < shards {
				true => self.division.shard_start(self.shard, self.bytes),
				false => self.bytes,
			};
			let is_held_out = self.position >= start;
			let until = if is_held_out { start + u64::from(self.division.shard_bytes) } else { start };
			let take =
				piece.len().min(usize::try_from(until.saturating_sub(self.position)).unwrap_or(usize::MAX));
			let (now, later) = piece.split_at(take);
			if is_held_out {
				self.pool.write_all(now)?;
			} else {
				self.text.write_all(now)?;
			}
			self.position += now.len() as u64;
			if is_held_out && self.position == until {
				self.shard += 1;
			}
			piece = later;
		}
		Ok(())
	}
}

/// Checks UTF-8 piece by piece.
#[derive(Default)]
struct Utf8Check {
	/// The beginning of a character whose end is in the next piece: three bytes at most.
	carried: Vec<u8>,
	/// Bytes that were good, not counting `carried`.
	good: u64,
}

impl Utf8Check {
	/// # Errors
	/// The offset of the first bad byte, from the start of the text.
	fn feed(&mut self, mut piece: &[u8]) -> Result<(), u64> {
		while let Some((first, rest)) = piece.split_first().filter(|_| !self.carried.is_empty()) {
			self.carried.push(*first);
			match std::str::from_utf8(&self.carried) {
				Ok(_) => {
					self.good += self.carried.len() as u64;
					self.carried.clear();
				}
				Err(error) if error.error_len().is_some() => return Err(self.good),
				Err(_) => {}
			}
			piece = rest;
		}
		match std::str::from_utf8(piece) {
			Ok(_) => self.good += piece.len() as u64,
			Err(error) => {
				self.good += error.valid_up_to() as u64;
				if error.error_len().is_some() {
					return Err(self.good);
				}
				self.carried.extend_from_slice(piece.get(error.valid_up_to()..).unwrap_or_default());
			}
		}
		Ok(())
	}

	/// # Errors
	/// The offset of a character that the text's end cuts off.
	fn end(&self) -> Result<(), u64> {
		if self.carried.is_empty() {
			Ok(())
		} else {
			Err(self.good)
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn split(text: &[u8], division: Division, piece: usize) -> (Vec<u8>, Vec<u8>) {
		let mut splitter = Splitter {
			division,
			bytes: text.len() as u64,
			position: 0,
			shard: 0,
			pool: Vec::new(),
			text: Vec::new(),
		};
		for piece in text.chunks(piece) {
			splitter.feed(piece).unwrap();
		}
		(splitter.pool, splitter.text)
	}

	proptest! {
		#[test]
		fn splitter_should_hold_out_every_shard_from_its_own_part(
			shard_bytes in 2u32..9, shards in 1u32..6, domains in 2u32..5, extra in 0usize..100, piece in 1usize..50,
		) {
			let division = Division { shard_bytes, shards_per_domain: shards, domains };
			let length = division.needed() as usize + extra;
			// Each pair of bytes names its place.
			let text: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
			let (pool, rest) = split(&text, division, piece);
			prop_assert_eq!(pool.len() as u32, shard_bytes * shards * domains);
			prop_assert_eq!(pool.len() + rest.len(), text.len());
			let mut last = 0;
			for (number, shard) in pool.chunks(shard_bytes as usize).enumerate() {
				let start = division.shard_start(number as u64, length as u64) as usize;
				prop_assert_eq!(shard, &text[start..start + shard_bytes as usize]);
				prop_assert!(start >= last);
				last = start + shard_bytes as usize;
				let domain = number as u64 / u64::from(shards);
				let from = scaled(length as u64, domain, domains.into());
				let to = scaled(length as u64, domain + 1, domains.into());
				prop_assert!(start as u64 >= from && last as u64 <= to);
			}
			prop_assert_eq!(split(&text, division, length), (pool, rest));
		}

		#[test]
		fn utf8_check_should_agree_with_std_however_the_text_is_cut(
			bytes in proptest::collection::vec(
				prop_oneof![any::<u8>(), Just(0xe2), Just(0x82), Just(0xac), Just(0xf0), Just(0x9f)],
				0..40,
			),
			piece in 1usize..6,
		) {
			let mut check = Utf8Check::default();
			let found = bytes.chunks(piece).try_for_each(|piece| check.feed(piece)).and_then(|()| check.end());
			let expected = std::str::from_utf8(&bytes).map(|_| ()).map_err(|error| error.valid_up_to() as u64);
			prop_assert_eq!(found, expected);
		}

		#[test]
		fn utf8_check_should_pass_every_text(text: String, piece in 1usize..6) {
			let mut check = Utf8Check::default();
			prop_assert!(text.as_bytes().chunks(piece).try_for_each(|piece| check.feed(piece)).is_ok());
			prop_assert!(check.end().is_ok());
		}
	}

	#[test]
	fn division_should_name_the_option_when_out_of_range() {
		let good = Division { shard_bytes: 512, shards_per_domain: 64, domains: 4 };
		good.check().unwrap();
		assert_eq!(good.needed(), 262_144);
		for (division, option) in [
			(Division { shard_bytes: 0, ..good }, "--shard-bytes"),
			(Division { shard_bytes: 1, ..good }, "--shard-bytes"),
			(Division { shards_per_domain: 0, ..good }, "--shards-per-domain"),
			(Division { shards_per_domain: 1, domains: 1, ..good }, "--shards-per-domain"),
			(Division { domains: MAX_DOMAINS + 1, ..good }, "--domains"),
		] {
			assert!(division.check().unwrap_err().to_string().contains(option));
		}
	}

	#[test]
	fn pool_record_should_become_a_pool_or_say_why_not() {
		let cid = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am".parse().unwrap();
		let domain = |name: &str| DomainRecord { name: name.into(), shards: 3 };
		let record = |domains| PoolRecord { content: cid, shard_bytes: 16, domains };
		let pool = ValidationPool::try_from(&record(vec![domain("a"), domain("b")])).unwrap();
		assert_eq!((pool.shard_count(), pool.shard_bytes), (6, 16));
		assert!(matches!(ValidationPool::try_from(&record(vec![])), Err(PoolError::Domains(0))));
		assert!(matches!(
			ValidationPool::try_from(&record(vec![domain("a"); 17])),
			Err(PoolError::Domains(17))
		));
		assert!(matches!(
			ValidationPool::try_from(&record(vec![domain(&"x".repeat(33))])),
			Err(PoolError::Name(_))
		));
	}
}
