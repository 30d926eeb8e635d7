//! The expected gain: by how much a small model's perplexity on given text falls when it learns from the samples too.
//!
//! The model predicts each byte from the five before it, by counts: Witten-Bell interpolation of orders 0 to 5 (Witten
//! and Bell, "The zero-frequency problem", 1991). Everything is in integers, so that the same texts give the same number
//! on every machine.

use crate::{
	audit::GainProbe,
	content::Fault,
	entropy::log2,
	given::each_text,
	hash::mix,
	ngrams::Same,
	read::{Fields, ReadError},
};
use std::{collections::HashMap, hash::BuildHasherDefault, path::PathBuf};

/// Bytes before one that the model looks at, at most.
const ORDER: usize = 5;
/// Bytes of samples that the model learns from, at most: the first in the order given.
pub const SAMPLE_BYTES: usize = 2 << 20;
/// Likewise of the reference.
pub const REFERENCE_BYTES: usize = 2 << 20;
/// Likewise of the text that it is measured on.
pub const HELD_OUT_BYTES: usize = 256 << 10;
/// One, as a probability.
const ONE: u64 = 1 << 32;
/// Of a byte of which nothing is known.
const EVEN: u64 = ONE / 256;

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum GainError {
	/// A text cannot be read.
	#[error(transparent)]
	Read(#[from] ReadError),
	/// There is nothing to measure on: on the samples themselves it would only say how repetitive they are.
	#[error("no text to measure the expected gain on; give some that is not of the dataset")]
	NoHeldOut,
}

/// A [`GainProbe`] by counts of bytes.
#[derive(Clone, Debug)]
pub struct NgramProbe {
	/// It has learned from the reference.
	model: Model,
	held_out: Vec<Vec<u8>>,
	/// What the held-out text costs it, in bits of 2^-16.
	before: u64,
}

impl NgramProbe {
	/// A model that knows `reference`, to be measured on `held_out`. Of either no more than [`REFERENCE_BYTES`] and
	/// [`HELD_OUT_BYTES`] is looked at.
	///
	/// Beside a model that knows nothing, any text would be of great use. So without a reference the first half of each
	/// held-out text is that, and the second half is measured on.
	///
	/// # Errors
	/// [`GainError::NoHeldOut`]
	pub fn new<'a>(
		reference: impl IntoIterator<Item = &'a str>,
		held_out: impl IntoIterator<Item = &'a str>,
	) -> Result<Self, GainError> {
		let mut held_out = first_bytes(held_out, HELD_OUT_BYTES);
		let mut reference = first_bytes(reference, REFERENCE_BYTES);
		if reference.is_empty() {
			let halves = held_out.iter().map(|text| text.split_at(text.len() / 2));
			(reference, held_out) = halves.map(|(first, second)| (first.to_vec(), second.to_vec())).unzip();
		}
		if held_out.is_empty() {
			return Err(GainError::NoHeldOut);
		}
		let mut model = Model::default();
		held_out.iter().for_each(|text| model.expect(text));
		reference.iter().for_each(|text| model.learn(text));
		let before = model.cost(&held_out);
		Ok(Self { model, held_out, before })
	}

	/// The same of files, which are read as what samples are held against is: datasets record by record, all else as one
	/// text.
	///
	/// # Errors
	/// [`GainError`]
	pub fn from_files(
		reference: &[PathBuf],
		held_out: &[PathBuf],
		fields: &Fields,
	) -> Result<Self, GainError> {
		let texts = |paths: &[PathBuf], most: usize| {
			let (mut texts, mut bytes) = (Vec::new(), 0);
			each_text(paths, fields, &mut |text| {
				bytes += text.len();
				texts.push(text.to_owned());
				bytes < most
			})?;
			Ok::<_, ReadError>(texts)
		};
		let (reference, held_out) = (texts(reference, REFERENCE_BYTES)?, texts(held_out, HELD_OUT_BYTES)?);
		Self::new(reference.iter().map(String::as_str), held_out.iter().map(String::as_str))
	}

	/// By how much the perplexity for each byte falls with those samples, in parts per million; negative if it rises.
	pub fn gain(&self, samples: &[String]) -> i32 {
		let mut model = self.model.clone();
		let samples = first_bytes(samples.iter().map(String::as_str), SAMPLE_BYTES);
		samples.iter().for_each(|text| model.learn(text));
		let bytes: usize = self.held_out.iter().map(Vec::len).sum();
		fall_of_perplexity(self.before, model.cost(&self.held_out), bytes as u64)
	}
}

impl GainProbe for NgramProbe {
	fn expected_gain(&mut self, samples: &[String]) -> Result<i32, Fault> {
		Ok(self.gain(samples))
	}
}

/// The first bytes of some texts, those that are not empty.
fn first_bytes<'a>(texts: impl IntoIterator<Item = &'a str>, mut most: usize) -> Vec<Vec<u8>> {
	let mut first = Vec::new();
	for text in texts {
		let part = &text.as_bytes()[..text.len().min(most)];
		most -= part.len();
		if !part.is_empty() {
			first.push(part.to_vec());
		}
	}
	first
}

/// What followed a context.
#[derive(Clone, Copy, Default, Debug)]
struct Context {
	/// How many bytes did.
	total: u32,
	/// How many different ones.
	distinct: u32,
}

type Table<V> = HashMap<u64, V, BuildHasherDefault<Same>>;

/// Counts, of the contexts of the held-out text alone: no others are asked for. So memory is bounded by that text.
#[derive(Clone, Default, Debug)]
struct Model {
	contexts: Table<Context>,
	followers: Table<u32>,
}

/// The contexts of a place in a text, from order 0 on, as keys; and the byte that follows. Distinct ones have distinct
/// keys: there is room for the order and five bytes, and [`mix`] is a bijection.
fn contexts(text: &[u8], at: usize) -> impl Iterator<Item = (u64, u64)> + '_ {
	let next = text.get(at).copied().unwrap_or(0);
	(0..=ORDER.min(at)).scan(0u64, move |context, order| {
		if let Some(byte) = (order > 0).then(|| text.get(at - order)).flatten() {
			*context = (*context << 8) | u64::from(*byte);
		}
		let key = ((order as u64) << 40) | *context;
		Some((mix(key), mix((key << 8) | u64::from(next) | (1 << 63))))
	})
}

impl Model {
	/// Makes room for the contexts of a text that will be measured on.
	fn expect(&mut self, text: &[u8]) {
		for at in 0..text.len() {
			contexts(text, at).for_each(|(context, _)| {
				self.contexts.entry(context).or_default();
			});
		}
	}

	fn learn(&mut self, text: &[u8]) {
		for at in 0..text.len() {
			for (context, follower) in contexts(text, at) {
				// Of a context that nobody will ask for, nobody asks for a longer one.
				let Some(context) = self.contexts.get_mut(&context) else { break };
				let count = self.followers.entry(follower).or_default();
				context.distinct += u32::from(*count == 0);
				context.total += 1;
				*count += 1;
			}
		}
	}

	/// What texts cost, in bits of 2^-16.
	fn cost(&self, texts: &[Vec<u8>]) -> u64 {
		texts.iter().flat_map(|text| (0..text.len()).map(|at| self.cost_of_byte(text, at))).sum()
	}

	fn cost_of_byte(&self, text: &[u8], at: usize) -> u64 {
		let mut probability = EVEN;
		for (context, follower) in contexts(text, at) {
			let Some(Context { total, distinct }) =
				self.contexts.get(&context).filter(|context| context.total > 0)
			else {
				break;
			};
			let count = u64::from(self.followers.get(&follower).copied().unwrap_or(0));
			let (total, distinct) = (u64::from(*total), u64::from(*distinct));
			// At most 2^23 bytes are counted, and 256 are distinct: below 2^56.
			probability = (count * ONE + distinct * probability) / (total + distinct);
		}
		let probability = u32::try_from(probability.clamp(1, ONE - 1)).unwrap_or(u32::MAX);
		(32 << 16) - u64::from(log2(probability))
	}
}

/// `1 - 2^((after - before) / bytes)` in parts per million, rounded down; the costs are in bits of 2^-16.
fn fall_of_perplexity(before: u64, after: u64, bytes: u64) -> i32 {
	const MILLION: i128 = 1_000_000;
	// Of 2^-32, for each byte.
	let bits = (u128::from(before.abs_diff(after)) << 16) / u128::from(bytes.max(1));
	let ratio = i128::from(two_to_minus(u64::try_from(bits).unwrap_or(u64::MAX)).max(1));
	let one = i128::from(ONE);
	let ratio = if after <= before { ratio } else { one * one / ratio };
	i32::try_from(MILLION - (ratio * MILLION + one - 1) / one).unwrap_or(i32::MIN)
}

/// `2^-x` in units of 2^-32, of an `x` in units of 2^-32.
fn two_to_minus(x: u64) -> u64 {
	let mut power = match u32::try_from(x >> 32) {
		Ok(whole @ 0..=32) => ONE >> whole,
		_ => return 0,
	};
	// 2^-1/2, 2^-1/4, ... for each bit of the fraction.
	let mut root = ONE / 2;
	for bit in (0..32).rev() {
		root = (u128::from(root) << 32).isqrt() as u64;
		if x >> bit & 1 == 1 {
			power = ((u128::from(power) * u128::from(root)) >> 32) as u64;
		}
	}
	power
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn powers_should_be_those_of_mathematics() {
		for x in [0.0, 0.25, 0.5, 1.0, 1.75, 5.321, 20.0] {
			let found = two_to_minus((x * ONE as f64) as u64) as f64 / ONE as f64;
			assert!((found - (-x).exp2()).abs() < 1e-7, "{x}: {found}");
		}
		assert_eq!(two_to_minus(u64::MAX), 0);
	}

	#[test]
	fn fall_should_be_of_perplexity_and_have_its_sign() {
		const BIT: u64 = 1 << 16;
		assert_eq!(fall_of_perplexity(3 * BIT, 3 * BIT, 1), 0);
		assert_eq!(fall_of_perplexity(4 * BIT, 3 * BIT, 1), 500_000);
		assert_eq!(fall_of_perplexity(400 * BIT, 300 * BIT, 100), 500_000);
		assert_eq!(fall_of_perplexity(3 * BIT, 4 * BIT, 1), -1_000_000);
		assert_eq!(fall_of_perplexity(0, u64::MAX, 1), i32::MIN);
		assert_eq!(fall_of_perplexity(0, 0, 0), 0);
	}

	#[test]
	fn model_should_know_what_it_has_seen() {
		let text = b"abracadabra abracadabra abracadabra".to_vec();
		let mut model = Model::default();
		model.expect(&text);
		assert_eq!(model.cost(std::slice::from_ref(&text)), 8 * text.len() as u64 * (1 << 16));
		model.learn(&text);
		let bits = model.cost(std::slice::from_ref(&text)) >> 16;
		assert!(bits < 2 * text.len() as u64, "{bits} bits for {} bytes", text.len());
	}

	#[test]
	fn probabilities_should_add_up_to_one_at_most() {
		let texts = ["the cat sat on the mat", "the dog", "\u{0}\u{0}", "a"];
		let mut model = Model::default();
		// All that may follow the same beginning.
		let all: Vec<Vec<u8>> = (0..=255).map(|last| [&b"the c"[..], &[last]].concat()).collect();
		all.iter().for_each(|text| model.expect(text));
		texts.iter().for_each(|text| model.learn(text.as_bytes()));
		let sum: f64 = all.iter().map(|text| (-(model.cost_of_byte(text, 5) as f64) / 65_536.0).exp2()).sum();
		assert!((0.999..=1.001).contains(&sum), "{sum}");
	}
}
