//! Everything that the rules say of one sample by itself.

use crate::{
	entropy::{is_low_information, Entropy},
	hash::hash_sequence,
	near::{band_keys, shingles, BANDS},
	ngrams::NgramIndex,
	personal::{self, Kind},
	text::{Folded, Words},
	toxicity::Toxicity,
};
use std::ops::Range;

/// What was found in a sample.
#[derive(Clone, Debug)]
pub struct Findings {
	/// Hash of its words in order: equal samples are equal here.
	pub hash: u64,
	/// Keys of its bands: near duplicates share one.
	pub bands: [u64; BANDS],
	/// Hashes of its runs of three words.
	pub triples: Vec<u64>,
	/// Kinds of personal data, and which characters of the sample hold them.
	pub personal: Vec<(Kind, Range<u32>)>,
	/// Toxicity score in parts per million.
	pub toxicity: u32,
	/// Little to learn from.
	pub low_information: bool,
	/// A large part is from a known work.
	pub known_work: bool,
	/// A large part is from a validation shard.
	pub contaminated: bool,
}

/// What samples are held against.
#[derive(Clone, Default)]
pub struct References {
	/// The validation shards' text.
	pub validation: NgramIndex,
	/// Works that must not be trained on.
	pub known_works: NgramIndex,
}

/// Looks at samples, one by one.
pub struct Inspector<'a> {
	entropy: Entropy,
	references: &'a References,
}

impl<'a> Inspector<'a> {
	/// Looks at samples with these references at hand.
	pub fn new(references: &'a References) -> Self {
		Self { entropy: Entropy::default(), references }
	}

	/// Looks at a sample.
	pub fn inspect(&self, text: &str) -> Findings {
		let folded = Folded::new(text);
		let words = Words::new(folded.text());
		// A text without a word is told apart by its characters.
		let hash = match words.is_empty() {
			true => crate::hash::hash_bytes(folded.text().as_bytes()),
			false => hash_sequence(&words.hashes),
		};
		let triples = if words.is_empty() { vec![hash] } else { shingles(&words.hashes) };
		let personal = personal::scan(folded.text())
			.into_iter()
			.map(|found| (found.kind, folded.original_characters(found.bytes)))
			.collect();
		let entropy = self.entropy.millibits(text.as_bytes());
		Findings {
			hash,
			bands: band_keys(&triples),
			personal,
			toxicity: Toxicity::shared().score(folded.text(), &words),
			low_information: is_low_information(text, entropy, words.len(), &triples),
			known_work: self.references.known_works.overlaps(&words.hashes),
			contaminated: self.references.validation.overlaps(&words.hashes),
			triples,
		}
	}
}
