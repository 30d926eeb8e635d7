//! Which pieces of which texts a training step sees. Trainer and auditor derive them by this code, any batch without
//! those before it, so that hashes can be compared. Integers alone: the same on every machine.

use crate::{ModelError, TextTokenizer};
use blyan_primitives::{merkle, Hash};
use std::sync::Arc;

/// A text to train on: bytes in memory, or a mapped file.
pub type Text = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// What all weights of a [`Mixture`] add up to.
pub const WHOLE: u32 = 1_000_000_000;

/// Texts to train on, mixed by weight.
#[derive(Clone)]
pub struct Mixture {
	/// Each with the probability with which a sequence is of it, in parts of [`WHOLE`].
	sources: Vec<(Text, u32)>,
	/// What the batches are bound to besides the seed, as the chain has it.
	binding: Hash,
}

impl Mixture {
	/// A mixture of texts, with their weights in parts of [`WHOLE`].
	///
	/// # Errors
	/// [`ModelError::Config`]: no text, one without weight, or weights that do not add up.
	pub fn new(sources: Vec<(Text, u32)>, binding: Hash) -> Result<Self, ModelError> {
		let refuse = |why: String| Err(ModelError::Config { field: "datasets", why });
		if sources.is_empty() || sources.iter().any(|(_, weight)| *weight == 0) {
			return refuse("must be one at least, each with a weight".into());
		}
		let sum: u64 = sources.iter().map(|(_, weight)| u64::from(*weight)).sum();
		if sum != u64::from(WHOLE) {
			return refuse(format!("have weights of {sum} parts; they must add up to {WHOLE}"));
		}
		Ok(Self { sources, binding })
	}

	/// Names texts, weights and binding.
	pub(crate) fn fingerprint(&self) -> Hash {
		let texts: Vec<_> =
			self.sources.iter().map(|(text, weight)| (text_hash((**text).as_ref()), *weight)).collect();
		merkle::leaf(2, &(texts, self.binding))
	}
}

/// One text, bound to nothing.
impl From<Text> for Mixture {
	fn from(text: Text) -> Self {
		Self { sources: vec![(text, WHOLE)], binding: Hash::zero() }
	}
}

/// Where a sequence is cut from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
	/// Which of the mixture's texts.
	pub source: usize,
	/// Tokens from its beginning.
	pub offset: u64,
}

/// A text as what sequences are cut from.
enum Corpus {
	/// A byte a token.
	Bytes(Text),
	Tokens {
		tokens: Vec<u32>,
		/// Bytes of a token, on average over the text.
		mean_bytes: f64,
	},
}

impl Corpus {
	fn new(text: Text, tokenizer: Option<&TextTokenizer>) -> Result<Self, ModelError> {
		let Some(tokenizer) = tokenizer else { return Ok(Self::Bytes(text)) };
		let bytes = (*text).as_ref();
		let tokens = tokenizer.encode_bytes(bytes)?;
		let mean_bytes = bytes.len() as f64 / tokens.len().max(1) as f64;
		Ok(Self::Tokens { tokens, mean_bytes })
	}

	/// Tokens of the text.
	fn len(&self) -> u64 {
		match self {
			Self::Bytes(text) => (**text).as_ref().len() as u64,
			Self::Tokens { tokens, .. } => tokens.len() as u64,
		}
	}

	fn mean_bytes(&self) -> f64 {
		match self {
			Self::Bytes(_) => 1.0,
			Self::Tokens { mean_bytes, .. } => *mean_bytes,
		}
	}

	/// A sequence and the token after it.
	fn sequence(&self, offset: u64, sequence: u32) -> Result<Vec<u32>, ModelError> {
		Ok(match self {
			Self::Bytes(text) => {
				sequence_at((**text).as_ref(), offset, sequence)?.iter().copied().map(u32::from).collect()
			}
			Self::Tokens { tokens, .. } => sequence_at(tokens, offset, sequence)?.to_vec(),
		})
	}

	/// How a token is hashed: one byte where tokens are bytes, four bytes, little-endian, where they are not.
	fn hashed(&self, tokens: &[u32], bytes: &mut Vec<u8>) {
		match self {
			Self::Bytes(_) => bytes.extend(tokens.iter().map(|token| *token as u8)),
			Self::Tokens { .. } => bytes.extend(tokens.iter().flat_map(|token| token.to_le_bytes())),
		}
	}
}

/// The batches of a run.
///
/// The stream of a run is `leaf(0, ("blyan/batches", binding, seed))`, [`merkle::leaf`] being BLAKE2-256 over SCALE
/// `(0u8, index as u32, content)`. Sequence `i` of step `s` takes two numbers from `leaf(i, ("blyan/batch", stream, s))`,
/// each of eight bytes, little-endian. The first, `a`, picks the text: the first one for which the weights up to and
/// with it are above `floor(a * 10^9 / 2^64)`. The second, `b`, says where the sequence begins: at
/// `floor(b * places / 2^64)`, where `places = tokens of the text - sequence`, for a sequence is read with the token that
/// follows it.
pub struct Batches {
	/// Each with the weights up to and with it.
	corpora: Vec<(Corpus, u64)>,
	stream: Hash,
	batch: u32,
	sequence: u32,
	mean_bytes: f64,
}

impl Batches {
	/// The batches of `batch` sequences of `sequence` tokens each.
	///
	/// # Errors
	/// A text not longer than one sequence; a tokenizer that has no tokens for one.
	pub fn new(
		mixture: Mixture,
		tokenizer: Option<&TextTokenizer>,
		seed: u64,
		batch: u32,
		sequence: u32,
	) -> Result<Self, ModelError> {
		let Mixture { sources, binding } = mixture;
		let (mut corpora, mut upper, mut mean_bytes) = (Vec::new(), 0, 0.0);
		for (text, weight) in sources {
			let corpus = Corpus::new(text, tokenizer)?;
			places(&corpus, sequence)?;
			upper += u64::from(weight);
			mean_bytes += corpus.mean_bytes() * f64::from(weight) / f64::from(WHOLE);
			corpora.push((corpus, upper));
		}
		let stream = merkle::leaf(0, &(b"blyan/batches", binding, seed));
		Ok(Self { corpora, stream, batch, sequence, mean_bytes })
	}

	/// Bytes of a token, on average over the mixture.
	pub fn mean_bytes(&self) -> f64 {
		self.mean_bytes
	}

	/// Where the sequences of a step are cut from.
	///
	/// # Errors
	/// None that [`Batches::new`] did not refuse.
	pub fn places(&self, step: u32) -> Result<Vec<Place>, ModelError> {
		(0..self.batch)
			.map(|i| {
				let hash = merkle::leaf(i, &(b"blyan/batch", self.stream, step));
				let number = |at: usize| {
					let mut bytes = [0; 8];
					bytes.copy_from_slice(&hash.as_bytes()[at..at + 8]);
					u128::from(u64::from_le_bytes(bytes))
				};
				let pick = ((number(0) * u128::from(WHOLE)) >> 64) as u64;
				let source = self.corpora.partition_point(|(_, upper)| *upper <= pick);
				let places = places(&self.corpora[source].0, self.sequence)?;
				Ok(Place { source, offset: ((number(8) * u128::from(places)) >> 64) as u64 })
			})
			.collect()
	}

	/// The sequences of a step, each with the token that follows it, and the hash of the batch: a leaf of the training
	/// manifest's tree, over the tokens of all of them.
	///
	/// # Errors
	/// As [`Batches::places`].
	pub fn batch(&self, step: u32) -> Result<(Vec<Vec<u32>>, Hash), ModelError> {
		let mut bytes = Vec::new();
		let sequences = self
			.places(step)?
			.into_iter()
			.map(|Place { source, offset }| {
				let (corpus, _) = &self.corpora[source];
				let tokens = corpus.sequence(offset, self.sequence)?;
				corpus.hashed(&tokens, &mut bytes);
				Ok(tokens)
			})
			.collect::<Result<Vec<_>, ModelError>>()?;
		Ok((sequences, merkle::leaf(step, &bytes)))
	}

	/// The hash of a step's batch.
	///
	/// # Errors
	/// As [`Batches::places`].
	pub fn leaf(&self, step: u32) -> Result<Hash, ModelError> {
		Ok(self.batch(step)?.1)
	}
}

/// In how many places a sequence can begin.
fn places(corpus: &Corpus, sequence: u32) -> Result<u64, ModelError> {
	let (got, sequence) = (corpus.len(), u64::from(sequence));
	let places = got.checked_sub(sequence).filter(|places| *places > 0);
	places.ok_or(ModelError::TextTooShort { got, needed: sequence + 1 })
}

/// The root over the leaves of all steps, as a training manifest states it.
pub fn batch_root(leaves: &[Hash]) -> Hash {
	merkle::root(leaves)
}

/// A sequence and what follows it.
fn sequence_at<T>(text: &[T], offset: u64, sequence: u32) -> Result<&[T], ModelError> {
	let needed = offset.saturating_add(u64::from(sequence)).saturating_add(1);
	let short = || ModelError::TextTooShort { got: text.len() as u64, needed };
	let end = usize::try_from(needed).map_err(|_| short())?;
	text.get(offset as usize..end).ok_or_else(short)
}

/// A byte a token.
pub fn byte_tokens(bytes: &[u8]) -> Vec<u32> {
	bytes.iter().copied().map(u32::from).collect()
}

/// Names a text by its content: the Merkle root over its pieces of 1 MiB.
fn text_hash(text: &[u8]) -> Hash {
	let leaves: Vec<Hash> = text.chunks(1 << 20).zip(0..).map(|(piece, i)| merkle::leaf(i, &piece)).collect();
	merkle::leaf(leaves.len() as u32, &(text.len() as u64, merkle::root(&leaves)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tokenizer::tests::small;
	use proptest::prelude::*;

	fn text(bytes: Vec<u8>) -> Text {
		Arc::new(bytes)
	}

	/// Every byte says where it is, modulo 251.
	fn counting(length: usize) -> Text {
		text((0..length).map(|i| (i % 251) as u8).collect())
	}

	fn batches(sources: &[(usize, u32)], binding: u8, seed: u64, batch: u32, sequence: u32) -> Batches {
		let sources = sources.iter().map(|(length, weight)| (counting(*length), *weight)).collect();
		let mixture = Mixture::new(sources, Hash::repeat_byte(binding)).unwrap();
		Batches::new(mixture, None, seed, batch, sequence).unwrap()
	}

	fn pairs(batches: &Batches, step: u32) -> Vec<(usize, u64)> {
		batches.places(step).unwrap().into_iter().map(|place| (place.source, place.offset)).collect()
	}

	proptest! {
		#[test]
		fn places_should_stay_within_their_text(
			seed: u64, step: u32, binding: u8, sequence in 1u32..300, extra in 1usize..10_000, weight in 1..WHOLE,
		) {
			let lengths = [sequence as usize + extra, sequence as usize + 1];
			let sources = [(lengths[0], weight), (lengths[1], WHOLE - weight)];
			let batches = batches(&sources, binding, seed, 16, sequence);
			let places = batches.places(step).unwrap();
			prop_assert_eq!(places.len(), 16);
			for place in places {
				prop_assert!(place.offset + u64::from(sequence) < lengths[place.source] as u64);
			}
		}

		/// Any batch can be derived without those before it, and however often.
		#[test]
		fn batch_should_not_depend_on_what_was_derived_before(seed: u64, steps in proptest::collection::vec(0u32..1_000, 1..10)) {
			let one = batches(&[(5_000, 400_000_000), (3_000, 600_000_000)], 1, seed, 4, 32);
			for step in steps {
				let other = batches(&[(5_000, 400_000_000), (3_000, 600_000_000)], 1, seed, 4, 32);
				prop_assert_eq!(one.batch(step).unwrap(), other.batch(step).unwrap());
			}
		}
	}

	/// Computed apart from this code, with Python's hashlib. Changing the rule would make every published manifest
	/// unverifiable.
	#[test]
	fn batches_should_be_those_that_auditors_derive() {
		let of =
			|binding, seed| batches(&[(100_000, 300_000_000), (7_000, 700_000_000)], binding, seed, 6, 128);
		assert_eq!(pairs(&of(5, 7), 3), PLACES);
		assert_eq!(format!("{:?}", of(5, 7).leaf(3).unwrap()), LEAF);
		for other in [pairs(&of(6, 7), 3), pairs(&of(5, 8), 3), pairs(&of(5, 7), 4)] {
			assert_ne!(other, PLACES);
		}
	}
	const PLACES: [(usize, u64); 6] = [(0, 53782), (1, 5413), (1, 4140), (0, 23570), (1, 6186), (1, 3295)];
	const LEAF: &str = "0xab0ef8077eadbe7d5f41a025b385d0fd812359c82b0ca9f81452c076fde5d6ee";

	#[test]
	fn texts_should_be_mixed_by_their_weights() {
		let batches =
			batches(&[(1_000, 100_000_000), (1_000, 650_000_000), (1_000, 250_000_000)], 0, 1, 10, 8);
		let mut counts = [0u32; 3];
		for step in 0..2_000 {
			pairs(&batches, step).iter().for_each(|(source, _)| counts[*source] += 1);
		}
		// Of 20,000, with standard deviations of 42, 67 and 61.
		for (count, expected) in counts.into_iter().zip([2_000, 13_000, 5_000]) {
			assert!(count.abs_diff(expected) < 300, "{counts:?}");
		}
	}

	#[test]
	fn leaf_should_change_with_every_byte_it_covers_and_no_other() {
		let of = |bytes: Vec<u8>| Batches::new(text(bytes).into(), None, 3, 2, 8).unwrap();
		let original: Vec<u8> = (0..100).collect();
		let leaf = of(original.clone()).leaf(1).unwrap();
		let places = of(original.clone()).places(1).unwrap();
		for i in 0..original.len() {
			let mut changed = original.clone();
			changed[i] ^= 1;
			let covered = places.iter().any(|place| (place.offset..=place.offset + 8).contains(&(i as u64)));
			assert_eq!(of(changed).leaf(1).unwrap() != leaf, covered, "byte {i}");
		}
		assert_ne!(of(original.clone()).leaf(2).unwrap(), leaf);
	}

	#[test]
	fn sequences_should_be_what_the_places_say() {
		let batches = batches(&[(5_000, WHOLE)], 2, 9, 3, 16);
		let (sequences, _) = batches.batch(5).unwrap();
		for (sequence, (_, offset)) in sequences.iter().zip(pairs(&batches, 5)) {
			let expected: Vec<u32> = (offset..=offset + 16).map(|i| (i % 251) as u32).collect();
			assert_eq!(*sequence, expected);
		}
	}

	#[test]
	fn leaf_should_cover_tokens_where_tokens_are_no_bytes() {
		let prose = b"it was the best of times, it was the worst of times".to_vec();
		let tokenizer = small();
		let tokens = tokenizer.encode_bytes(&prose).unwrap();
		let batches = Batches::new(text(prose).into(), Some(&tokenizer), 1, 1, 4).unwrap();
		let (sequences, leaf) = batches.batch(0).unwrap();
		let offset = batches.places(0).unwrap()[0].offset as usize;
		assert_eq!(sequences, [tokens[offset..offset + 5].to_vec()]);
		let bytes: Vec<u8> = sequences[0].iter().flat_map(|token| token.to_le_bytes()).collect();
		assert_eq!(leaf, merkle::leaf(0, &bytes));
	}

	#[test]
	fn mixture_should_refuse_weights_that_do_not_add_up_and_texts_that_are_too_short() {
		let refused = |weights: &[u32]| {
			let sources = weights.iter().map(|weight| (counting(100), *weight)).collect();
			Mixture::new(sources, Hash::zero()).is_err()
		};
		assert!(refused(&[]) && refused(&[WHOLE, 0]) && refused(&[WHOLE - 1]) && refused(&[WHOLE, 1]));
		assert!(!refused(&[WHOLE - 1, 1]));
		let short = Mixture::new(vec![(counting(100), 1), (counting(8), WHOLE - 1)], Hash::zero()).unwrap();
		let error = Batches::new(short, None, 0, 1, 8).err().unwrap();
		assert!(matches!(error, ModelError::TextTooShort { got: 8, needed: 9 }), "{error}");
	}
}
