//! `seal`: lots are made of a text, stored, and announced.

use super::{
	lot,
	overlap::Known,
	retired::{text_of, RetiredError},
	Key, KeyFolder, Sealed,
};
use crate::{
	config::Config,
	content::{Content, ContentError},
	files::FileError,
	worker::Connection,
};
use blyan_chain_client::{Call, ChainError, ChainEvent, SubmitError, Wait};
use blyan_exchange::{Identity, Network, NetworkConfig, NetworkError};
use blyan_primitives::{
	dag::ModelId,
	learning::{DomainName, ValidationPool},
	sealed::{LotId, MAX_LOT_BYTES, MAX_LOT_SHARDS},
};
use blyan_store::{PinReason, Store, StoreError};
use rand::{rngs::OsRng, seq::SliceRandom};
use std::{
	fs, io,
	path::{Path, PathBuf},
	time::Duration,
};

/// Lots that are announced in one call; the runtime takes no more.
const MAX_BATCH: usize = 16;
/// How long the pool, or a retired lot, may take to fetch.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest text that is read into memory.
const MAX_TEXT_BYTES: u64 = 4 << 30;
/// How long connections may take to close.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What is to be sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealing {
	/// The text, a file.
	pub text: PathBuf,
	/// The model that it is to judge.
	pub model: ModelId,
	/// How many lots.
	pub lots: u32,
	/// Shards of each; what the model's owner asks for if left out.
	pub shards: Option<u32>,
	/// What kind of text it is.
	pub domain: DomainName,
}

/// Why nothing, or not all, was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The chain refused the lots. Their keys are kept, and of no use.
	#[error("the lots were not taken: {0}")]
	Submit(#[from] SubmitError),
	/// There is no such model, or its training is not open.
	#[error("model {0} has no validation pool yet: its owner has to open training first")]
	NoPool(ModelId),
	/// It is not known how many shards a lot should have.
	#[error("model {0} asks for no sealed shards yet; give --shards, which its owner will have to ask for")]
	ShardsUnknown(ModelId),
	/// A number is out of range.
	#[error("{option} is {value}, and must be 1 to {most}")]
	OutOfRange {
		/// The option's name.
		option: &'static str,
		/// What was given.
		value: u32,
		/// Most allowed.
		most: u64,
	},
	/// A file cannot be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// Not text.
	#[error("{} is not UTF-8; convert it first (iconv -t UTF-8)", .0.display())]
	NotUtf8(PathBuf),
	/// Not enough that nobody has seen.
	#[error(
		"{} has {found} shards of {shard_bytes} bytes that are neither in the model's pool nor in retired lots nor in \
		one another, and {wanted} are needed; take a longer text, or another, or fewer lots", path.display()
	)]
	TooLittle {
		/// The text.
		path: PathBuf,
		/// Usable shards.
		found: usize,
		/// Shards asked for.
		wanted: usize,
		/// Bytes of a shard.
		shard_bytes: u32,
	},
	/// The pool cannot be had, so that nobody knows what is in it.
	#[error("the model's pool cannot be compared with: {0}")]
	Pool(ContentError),
	/// The store does not take them.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The exchange does not start.
	#[error(transparent)]
	Network(#[from] NetworkError),
}

/// Seals lots of a text: ciphertext into the worker's store, keys into its data folder, and then the rest onto the chain.
/// Returns their numbers.
///
/// # Errors
/// See [`SealError`].
pub async fn seal(
	config: &Config,
	connection: &Connection,
	wanted: &Sealing,
) -> Result<Vec<LotId>, SealError> {
	let chain = &*connection.chain;
	let pool = chain.model(wanted.model).await?.and_then(|model| model.pool);
	let pool = pool.ok_or(SealError::NoPool(wanted.model))?;
	let terms = chain.sealed_terms(wanted.model).await?;
	let shards = wanted.shards.or(terms.map(|terms| terms.shards_per_lot));
	let shards = shards.ok_or(SealError::ShardsUnknown(wanted.model))?;
	let most = u64::from(MAX_LOT_SHARDS).min(MAX_LOT_BYTES / u64::from(pool.shard_bytes.max(1)));
	check("--shards", shards, most)?;
	check("--lots", wanted.lots, u64::from(u16::MAX))?;
	let text = read_text(&wanted.text)?;

	let store = Store::open(config.store_dir())?;
	let network = Network::start(store.clone(), Identity::ephemeral(), NetworkConfig::default()).await?;
	let content = Content::new(network.clone(), connection.chain.clone(), connection.account().clone());
	let known = known_text(&content, wanted.model, &pool).await;
	network.shutdown(STOP_TIMEOUT).await;
	let chosen = choose(&text, pool.shard_bytes, shards as usize * wanted.lots as usize, known?);
	let chosen = chosen.map_err(|found| SealError::TooLittle {
		path: wanted.text.clone(),
		found,
		wanted: shards as usize * wanted.lots as usize,
		shard_bytes: pool.shard_bytes,
	})?;

	let keys = KeyFolder::of(&config.data_dir);
	let mut lots = Vec::new();
	for shards in chosen.chunks(shards as usize) {
		let key = Key::random();
		let stored = store.put_bytes(&lot::seal(shards, &key))?;
		// Whoever sealed it says when it may go.
		store.pin(stored.cid, PinReason::Manual)?;
		let lot = lot::describe(shards, &key, stored.cid, wanted.domain.clone());
		keys.keep(&Sealed { model: wanted.model, lot: lot.clone(), key })?;
		lots.push(lot);
	}
	let mut ids = Vec::new();
	for batch in lots.chunks(MAX_BATCH) {
		let call = Call::AddLots { model: wanted.model, lots: batch.to_vec() };
		let receipt = chain.submit(&connection.signer, call, Wait::Finalized).await?;
		ids.extend(receipt.events.into_iter().flat_map(|event| match event {
			ChainEvent::LotsSealed { lots, .. } => lots,
			_ => Vec::new(),
		}));
	}
	Ok(ids)
}

fn check(option: &'static str, value: u32, most: u64) -> Result<(), SealError> {
	match (1..=most).contains(&u64::from(value)) {
		true => Ok(()),
		false => Err(SealError::OutOfRange { option, value, most }),
	}
}

fn read_text(path: &Path) -> Result<Vec<u8>, SealError> {
	let bytes = fs::metadata(path).map_err(FileError::of("read", path))?.len();
	if bytes > MAX_TEXT_BYTES {
		let error = io::Error::other(format!("{bytes} bytes; at most {MAX_TEXT_BYTES} are read"));
		return Err(FileError::of("read", path)(error).into());
	}
	let text = fs::read(path).map_err(FileError::of("read", path))?;
	match std::str::from_utf8(&text) {
		Ok(_) => Ok(text),
		Err(_) => Err(SealError::NotUtf8(path.into())),
	}
}

/// What anybody can train on. Retired lots that are not to be had any more are told of, and left out.
async fn known_text(content: &Content, model: ModelId, pool: &ValidationPool) -> Result<Known, SealError> {
	let mut known = Known::new(pool.shard_bytes);
	let bytes = u64::from(pool.shard_count()) * u64::from(pool.shard_bytes);
	let path = content.get(pool.content, bytes, None, PATIENCE).await.map_err(SealError::Pool)?;
	known.add(&fs::read(&path).map_err(FileError::of("read", &path))?);
	for info in content.chain().retired_lots(model).await? {
		match text_of(content, &info, PATIENCE).await {
			Ok(shards) => shards.iter().for_each(|shard| known.add(shard)),
			Err(RetiredError::Content { source: ContentError::Chain(error), .. }) => return Err(error.into()),
			Err(error) => tracing::warn!(%error, "a retired lot cannot be compared with"),
		}
	}
	Ok(known)
}

/// That many shards of the text, in random order, none of which is in known text or in another; or how many there are.
fn choose(text: &[u8], shard_bytes: u32, wanted: usize, mut known: Known) -> Result<Vec<Vec<u8>>, usize> {
	let mut pieces: Vec<&[u8]> = text.chunks_exact(shard_bytes as usize).collect();
	pieces.shuffle(&mut OsRng);
	let mut chosen = Vec::new();
	for piece in pieces {
		if chosen.len() == wanted {
			break;
		}
		if !known.overlaps(piece) {
			known.add(piece);
			chosen.push(piece.to_vec());
		}
	}
	match chosen.len() == wanted {
		true => Ok(chosen),
		false => Err(chosen.len()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn choose_should_take_no_shard_that_is_known_or_taken_already() {
		let text: Vec<u8> = (0..40u8).flat_map(|n| [n / 2; 16]).collect();
		let mut known = Known::new(16);
		known.add(&[3; 16]);
		// Forty shards, twenty different ones, of which one is known.
		let chosen = choose(&text, 16, 19, known.clone()).unwrap();
		assert_eq!(chosen.len(), 19);
		assert!(!chosen.contains(&vec![3; 16]));
		assert_eq!(choose(&text, 16, 20, known), Err(19));
	}
}
