//! The text: a pool to measure on, shards that earlier rounds opened, and what is trained on.

use anyhow::{ensure, Context, Result};
use blyan_primitives::learning::{Domain, ValidationPool};
use blyan_store::Store;
use blyan_worker::import_text::{import_text, Division};
use std::{fs, path::Path};

/// Shards of each domain that count as opened in earlier rounds, and retired from the pool.
pub(super) const OPENED_PER_DOMAIN: u32 = 16;

/// A text as a round sees it.
pub(super) struct Texts {
	/// What candidates are measured on.
	pub pool: ValidationPool,
	/// The pool's shards, in its order.
	pub shards: Vec<Vec<u8>>,
	/// Shards that are known to trainers, and in neither pool nor training text; domain by domain.
	pub opened: Vec<Vec<u8>>,
	/// The rest, in order.
	pub training: Vec<u8>,
}

impl Texts {
	/// Divides the text at `path` as a worker's `import-text` does, with `division.shards_per_domain` for
	/// the pool and [`OPENED_PER_DOMAIN`] more.
	///
	/// # Errors
	/// What `import-text` refuses, and files that cannot be written.
	pub fn divide(path: &Path, division: Division) -> Result<Self> {
		let folder = tempfile::tempdir().context("no folder for the divided text")?;
		let store = Store::open(folder.path().join("store"))?;
		let shards_per_domain = division.shards_per_domain.saturating_add(OPENED_PER_DOMAIN);
		let divided =
			import_text(path, &store, folder.path(), Division { shards_per_domain, ..division }, |_, _| ())
				.with_context(|| {
				format!(
					"each domain gives {OPENED_PER_DOMAIN} shards beside its {}",
					division.shards_per_domain
				)
			})?;
		let content = fs::read(store.open_verified(&divided.pool.content)?)?;
		let training = fs::read(store.open_verified(&divided.text.content)?)?;
		let mut pool = ValidationPool::try_from(&divided.pool)?;
		let domains: Vec<Domain> = pool
			.domains
			.iter()
			.map(|domain| Domain { name: domain.name.clone(), shards: division.shards_per_domain })
			.collect();
		pool.domains = domains.try_into().ok().context("as many domains as before")?;

		let (mut shards, mut opened) = (Vec::new(), Vec::new());
		for (number, shard) in content.chunks_exact(division.shard_bytes as usize).enumerate() {
			let place = number as u32 % shards_per_domain;
			let kept = if is_opened(place, shards_per_domain) { &mut opened } else { &mut shards };
			kept.push(shard.to_vec());
		}
		ensure!(shards.len() == pool.shard_count() as usize, "the pool has {} shards", shards.len());
		Ok(Self { pool, shards, opened, training })
	}
}

/// Whether the shard at `place` of a domain's is one of those opened, which are evenly spread.
fn is_opened(place: u32, shards: u32) -> bool {
	let before = |place: u32| u64::from(place) * u64::from(OPENED_PER_DOMAIN) / u64::from(shards);
	before(place + 1) > before(place)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn divide_should_put_every_byte_into_one_part() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("text");
		// Every eight bytes are a number of their own.
		let text: String = (0..12_000).map(|number| format!("{number:07} ")).collect();
		fs::write(&path, &text).unwrap();
		let division = Division { shard_bytes: 128, shards_per_domain: 40, domains: 4 };
		let texts = Texts::divide(&path, division).unwrap();
		assert_eq!((texts.shards.len(), texts.opened.len()), (160, 64));
		assert_eq!(texts.pool.shard_count(), 160);
		assert_eq!(texts.training.len() + (160 + 64) * 128, text.len());
		let mut seen: Vec<&[u8]> = texts.shards.iter().chain(&texts.opened).map(Vec::as_slice).collect();
		seen.sort_unstable();
		seen.dedup();
		assert_eq!(seen.len(), 160 + 64, "no shard is there twice");
		for shard in seen {
			assert!(!texts.training.windows(shard.len()).any(|window| window == shard));
		}
	}

	#[test]
	fn divide_should_say_what_to_change_when_the_text_is_short() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("text");
		fs::write(&path, "too short").unwrap();
		let division = Division { shard_bytes: 128, shards_per_domain: 40, domains: 4 };
		let error = format!("{:#}", Texts::divide(&path, division).err().unwrap());
		assert!(error.contains("take a longer text") && error.contains("16 shards beside its 40"), "{error}");
	}

	#[test]
	fn is_opened_should_name_as_many_as_said() {
		for shards in [OPENED_PER_DOMAIN + 2, 48, 272] {
			let opened = (0..shards).filter(|place| is_opened(*place, shards)).count();
			assert_eq!(opened as u32, OPENED_PER_DOMAIN, "of {shards}");
		}
	}
}
