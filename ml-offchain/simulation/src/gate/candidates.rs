//! Candidates, and how those are made that nothing was learned for.

use anyhow::Result;
use blyan_model::{component_tensors, Weights};
use blyan_primitives::{dag::Component, learning::NanoBits};
use half::{bf16, f16};
use rand::{seq::SliceRandom, Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// A gain in thousandths of a per cent of the baseline's loss.
pub type MilliPercent = u32;

/// What a candidate is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
	/// The baseline itself.
	Null,
	/// With noise added.
	Noise,
	/// The same function within rounding, as other bytes.
	ReEncoded,
	/// Better on a few known shards alone.
	Overfitted,
	/// Between the baseline or an improved one and an overfitted one, where the pool neither gains nor loses.
	BreakEven,
	/// Truly better, by exactly the gate's least gain.
	AtDelta,
	/// Truly better by so much, much the same everywhere.
	Improved(MilliPercent),
	/// Truly better by so much on the whole: learned more, and forgot some.
	Uneven(MilliPercent),
}

impl Kind {
	/// Those that must not be accepted.
	pub const WORTHLESS: [Self; 5] =
		[Self::Null, Self::Noise, Self::ReEncoded, Self::Overfitted, Self::BreakEven];
}

impl fmt::Display for Kind {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Null => f.write_str("null"),
			Self::Noise => f.write_str("noise"),
			Self::ReEncoded => f.write_str("re-encoded"),
			Self::Overfitted => f.write_str("overfitted"),
			Self::BreakEven => f.write_str("break-even"),
			Self::AtDelta => f.write_str("at delta"),
			Self::Improved(gain) => write!(f, "improved {} %", f64::from(*gain) / 1_000.0),
			Self::Uneven(gain) => write!(f, "uneven {} %", f64::from(*gain) / 1_000.0),
		}
	}
}

/// A measured candidate.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
	/// What it is.
	pub kind: Kind,
	/// Among all candidates.
	pub number: u32,
	/// How it was made.
	pub name: String,
	/// Its loss on each of the pool's shards.
	pub losses: Vec<NanoBits>,
}

/// Which components a candidate changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
	/// All of them.
	Everything,
	/// The experts of every layer.
	Experts,
	/// The experts of one layer.
	Layer(u16),
	/// One expert.
	Expert { layer: u16, index: u16 },
}

impl Part {
	/// Its components.
	pub fn components(self, weights: &Weights) -> Vec<Component> {
		let is_of = |component: &Component| match (self, component) {
			(Self::Everything, _) => true,
			(Self::Experts, Component::Expert { .. }) => true,
			(Self::Layer(wanted), Component::Expert { layer, .. }) => *layer == wanted,
			(Self::Expert { layer: l, index: i }, Component::Expert { layer, index }) => {
				(*layer, *index) == (l, i)
			}
			_ => false,
		};
		weights.architecture().components().filter(is_of).collect()
	}
}

impl fmt::Display for Part {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Everything => f.write_str("everything"),
			Self::Experts => f.write_str("all experts"),
			Self::Layer(layer) => write!(f, "experts of layer {layer}"),
			Self::Expert { layer, index } => write!(f, "expert {layer}.{index}"),
		}
	}
}

/// The weights as whoever fetches their blocks has them.
pub(super) fn fetched(weights: &Weights) -> Result<Weights> {
	let mut copy = Weights::init(weights.architecture(), 0)?;
	for component in weights.architecture().components() {
		copy.set_component(component, &weights.component_bytes(component)?)?;
	}
	Ok(copy)
}

/// Adds uniform noise to a part: of `strength` times the root mean square of each component.
pub(super) fn noisy(weights: &Weights, part: Part, strength: f32, seed: u64) -> Result<Weights> {
	let mut noisy = weights.clone();
	let mut random = ChaCha8Rng::seed_from_u64(seed);
	for component in part.components(weights) {
		let numbers = noisy.component_mut(component)?;
		let squares: f64 = numbers.iter().map(|number| f64::from(*number).powi(2)).sum();
		let root_mean_square = (squares / numbers.len() as f64).sqrt() as f32;
		// Uniform between these has a deviation of one.
		let bound = strength * root_mean_square * 3f32.sqrt();
		numbers.iter_mut().for_each(|number| *number += bound * random.gen_range(-1.0..1.0));
	}
	Ok(noisy)
}

/// Formats of sixteen bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rounding {
	Bf16,
	F16,
}

/// Rounds a part's numbers to sixteen bits.
pub(super) fn rounded(weights: &Weights, part: Part, rounding: Rounding) -> Result<Weights> {
	let mut rounded = weights.clone();
	for component in part.components(weights) {
		for number in rounded.component_mut(component)? {
			*number = match rounding {
				Rounding::Bf16 => bf16::from_f32(*number).to_f32(),
				Rounding::F16 => f16::from_f32(*number).to_f32(),
			};
		}
	}
	Ok(rounded)
}

/// Permutes the hidden units of a part's experts: other bytes, and the same sums in another order.
pub(super) fn permuted(weights: &Weights, part: Part, seed: u64) -> Result<Weights> {
	let mut permuted = weights.clone();
	let mut random = ChaCha8Rng::seed_from_u64(seed);
	let hidden = weights.architecture().d_ff as usize;
	for component in part.components(weights) {
		if !matches!(component, Component::Expert { .. }) {
			continue;
		}
		let mut order: Vec<usize> = (0..hidden).collect();
		order.shuffle(&mut random);
		let mut rest = permuted.component_mut(component)?;
		for spec in component_tensors(weights.architecture(), component)? {
			let (tensor, after) = rest.split_at_mut(spec.len());
			rest = after;
			let [rows, columns] = spec.shape;
			let old = tensor.to_vec();
			// `w2` has a row a unit; `w1` and `w3`, a column.
			for row in 0..rows {
				for column in 0..columns {
					let from = match spec.name.as_str() {
						"w2" => order[row] * columns + column,
						_ => row * columns + order[column],
					};
					tensor[row * columns + column] = old[from];
				}
			}
		}
	}
	Ok(permuted)
}

/// The first weights, changed by `share` of what leads from the second to the third.
pub(super) fn shifted(weights: &Weights, from: &Weights, to: &Weights, share: f64) -> Result<Weights> {
	let mut shifted = weights.clone();
	for component in from.architecture().components() {
		let (from, to) = (from.component(component)?, to.component(component)?);
		if from != to {
			for (number, (from, to)) in shifted.component_mut(component)?.iter_mut().zip(from.iter().zip(to))
			{
				*number += (share * (f64::from(*to) - f64::from(*from))) as f32;
			}
		}
	}
	Ok(shifted)
}

/// The weights that lie at `share` of the way from one to the other.
pub(super) fn between(from: &Weights, to: &Weights, share: f64) -> Result<Weights> {
	shifted(from, from, to, share)
}

#[cfg(test)]
pub(super) mod tests {
	use super::*;
	use blyan_model::evaluate;
	use blyan_primitives::{
		architecture::{Architecture, ExpertCount},
		cid::{Cid, CidCodec},
		learning::{Domain, DomainName, ValidationPool},
	};

	pub fn tiny() -> Architecture {
		Architecture::byte_level(2, ExpertCount { min: 2, current: 2, max: 2 }, 1, 16, 24, 2, 16)
	}

	pub fn pool() -> ValidationPool {
		let domain = Domain { name: DomainName::default(), shards: 40 };
		ValidationPool {
			content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 40,
			domains: vec![domain; 2].try_into().unwrap(),
		}
	}

	pub fn shards() -> Vec<Vec<u8>> {
		(0..80u32).map(|i| (0..40).map(|j| (j * j * 7 + i * 31 + i * j) as u8).collect()).collect()
	}

	/// The greatest difference of a shard's loss, in bits per byte.
	fn difference(a: &Weights, b: &Weights) -> f64 {
		let (a, b) = (evaluate(a, &shards(), 2).unwrap(), evaluate(b, &shards(), 2).unwrap());
		a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
	}

	/// Weights whose experts matter: those of a fresh model hardly do.
	fn weights() -> Weights {
		noisy(&Weights::init(&tiny(), 1).unwrap(), Part::Everything, 1.0, 1).unwrap()
	}

	const ONE: Part = Part::Expert { layer: 1, index: 0 };

	#[test]
	fn part_should_name_the_components_that_it_says() {
		let weights = weights();
		let count = |part: Part| part.components(&weights).len();
		assert_eq!([Part::Everything, Part::Experts, Part::Layer(1), ONE].map(count), [7, 4, 2, 1]);
		assert_eq!(ONE.components(&weights), [Component::Expert { layer: 1, index: 0 }]);
	}

	#[test]
	fn fetched_should_be_the_same_to_the_bit() {
		assert_eq!(difference(&weights(), &fetched(&weights()).unwrap()), 0.0);
	}

	#[test]
	fn permuted_should_be_other_numbers_and_the_same_function_within_rounding() {
		let weights = weights();
		let other = permuted(&weights, Part::Experts, 3).unwrap();
		for component in Part::Experts.components(&weights) {
			assert_ne!(weights.component(component).unwrap(), other.component(component).unwrap());
		}
		assert!(difference(&weights, &other) < 1e-5, "{}", difference(&weights, &other));
		// Permuting one tensor alone is another function.
		let mut broken = weights.clone();
		broken.component_mut(ONE.components(&weights)[0]).unwrap()[..16 * 24].reverse();
		assert!(difference(&weights, &broken) > 1e-3);
	}

	#[test]
	fn rounded_should_keep_as_many_digits_as_the_format_has() {
		let weights = weights();
		for (rounding, digits) in [(Rounding::Bf16, 8), (Rounding::F16, 11)] {
			let other = rounded(&weights, Part::Experts, rounding).unwrap();
			for component in Part::Experts.components(&weights) {
				let pairs =
					weights.component(component).unwrap().iter().zip(other.component(component).unwrap());
				assert!(pairs.clone().any(|(number, rounded)| number != rounded));
				for (number, rounded) in pairs {
					// Below the smallest normal f16 digits are lost.
					let most = number.abs() * 0.5f32.powi(digits) + 0.5f32.powi(25);
					assert!((number - rounded).abs() <= most, "{rounding:?}: {number} {rounded}");
				}
			}
			assert!(difference(&weights, &other) > 0.0);
		}
	}

	#[test]
	fn noisy_should_differ_by_its_strength() {
		let weights = weights();
		let noise = |strength| difference(&weights, &noisy(&weights, Part::Experts, strength, 5).unwrap());
		assert!(noise(0.001) < noise(0.1) && noise(0.1) < noise(3.0));
	}

	#[test]
	fn between_should_reach_both_ends() {
		let (from, to) = (weights(), noisy(&weights(), ONE, 1.0, 9).unwrap());
		assert_eq!(difference(&from, &between(&from, &to, 0.0).unwrap()), 0.0);
		assert!(difference(&to, &between(&from, &to, 1.0).unwrap()) < 1e-5);
		let half = between(&from, &to, 0.5).unwrap();
		assert!(difference(&half, &from) > 0.0 && difference(&half, &to) > 0.0);
	}

	#[test]
	fn shifted_should_add_what_leads_from_one_to_the_other() {
		let (first, from) = (weights(), noisy(&weights(), ONE, 1.0, 9).unwrap());
		let to = noisy(&from, Part::Expert { layer: 0, index: 1 }, 1.0, 9).unwrap();
		let there = shifted(&first, &from, &to, 1.0).unwrap();
		let changed = |part: Part| {
			let component = part.components(&first)[0];
			there.component(component).unwrap() != first.component(component).unwrap()
		};
		assert!(changed(Part::Expert { layer: 0, index: 1 }) && !changed(ONE));
		assert!(difference(&first, &shifted(&there, &to, &from, 1.0).unwrap()) < 1e-5, "and back");
	}

	#[test]
	fn kind_should_be_told_in_per_cent() {
		assert_eq!(Kind::Improved(500).to_string(), "improved 0.5 %");
		assert_eq!(Kind::Improved(2_000).to_string(), "improved 2 %");
	}
}
