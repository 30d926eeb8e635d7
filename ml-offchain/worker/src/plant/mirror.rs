//! Making a candidate worse so that it looks as it would have if it were better.
//!
//! A training run takes a step from the heads; a canary takes the same step backwards. Its norm, its spectrum, its
//! sparsity and its format are those of the run, and so is whatever is told by the size of a change alone. Two things
//! about a step have a sign and are no matter of better or worse: how far it lies along the weights themselves (decay
//! shortens them, training lengthens some), and rows that nothing but decay has touched. These are kept as they are,
//! and only the rest is turned round.
//!
//! That does for experts. Of an output head, a router or a norm, training changes the same numbers the same way in
//! every run, and whoever knows that way tells a step backwards from one forwards; so canaries are of experts alone.
//! It is computed in doubles: in singles, twice the head less the trained has a lowest bit that gives it away.

use blyan_model::{component_tensors, ModelError, Weights};
use blyan_primitives::dag::Component;

/// What rounding leaves of the square of a row's step that is only scaled, and that is none.
const ROUNDING: f64 = 1e-4;

/// The heads, with those components a step of `strength` times the run's away from what was trained.
///
/// At 1 the step is as long as the run's. Numbers that training did not touch stay as they are.
///
/// # Errors
/// A component that the architecture does not have, or that is left to the cache.
pub fn mirrored(
	heads: &Weights,
	trained: &Weights,
	components: &[Component],
	strength: f64,
) -> Result<Weights, ModelError> {
	let mut canary = heads.clone();
	for component in components {
		let (from, to) = (heads.component(*component)?, trained.component(*component)?);
		let mut numbers = Vec::with_capacity(from.len());
		let mut at = 0;
		for tensor in component_tensors(heads.architecture(), *component)? {
			let end = at + tensor.len();
			mirror_tensor(&from[at..end], &to[at..end], tensor.shape[1].max(1), strength, &mut numbers);
			at = end;
		}
		canary.component_mut(*component)?.copy_from_slice(&numbers);
	}
	Ok(canary)
}

/// A row's step against its numbers: their product, the square of the numbers, the square of the step.
fn products(from: &[f32], to: &[f32]) -> (f64, f64, f64) {
	from.iter().zip(to).filter(|(a, b)| a != b).fold((0.0, 0.0, 0.0), |(along, square, length), (a, b)| {
		let (a, step) = (f64::from(*a), f64::from(*b) - f64::from(*a));
		(along + step * a, square + a * a, length + step * step)
	})
}

/// Whether a row did nothing but grow or shrink, up to rounding.
fn is_scaled(from: &[f32], to: &[f32]) -> bool {
	let (along, square, length) = products(from, to);
	let of_length = if square > 0.0 { along * along / square } else { 0.0 };
	length - of_length <= ROUNDING * length
}

fn mirror_tensor(from: &[f32], to: &[f32], width: usize, strength: f64, out: &mut Vec<f32>) {
	let rows = || from.chunks(width).zip(to.chunks(width));
	let is_kept: Vec<bool> = rows().map(|(from, to)| is_scaled(from, to)).collect();
	let turned = rows().zip(&is_kept).filter(|(_, is_kept)| !**is_kept);
	let (along, square) = turned.fold((0.0, 0.0), |(along, square), ((from, to), _)| {
		let (a, s, _) = products(from, to);
		(along + a, square + s)
	});
	let share = if square > 0.0 { along / square } else { 0.0 };
	for ((from, to), is_kept) in rows().zip(is_kept) {
		out.extend(from.iter().zip(to).map(|(from, to)| {
			if is_kept || from == to {
				return *to;
			}
			let (a, step) = (f64::from(*from), f64::from(*to) - f64::from(*from));
			let kept = share * a;
			(a + kept - strength * (step - kept)) as f32
		}));
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn mirror(from: &[f32], to: &[f32], strength: f64) -> Vec<f32> {
		let mut out = Vec::new();
		mirror_tensor(from, to, 2, strength, &mut out);
		out
	}

	#[test]
	fn step_should_keep_what_lies_along_the_weights_and_turn_the_rest_round() {
		// Along them a tenth is lost; across them the step is (-0.2, 0.1), turned round.
		let out = mirror(&[1.0, 2.0], &[0.7, 1.9], 1.0);
		assert!((out[0] - 1.1).abs() < 1e-6 && (out[1] - 1.7).abs() < 1e-6, "{out:?}");
		let norm = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>();
		assert!((norm(&out) - norm(&[0.7, 1.9])).abs() < 1e-5);
		let twice = mirror(&[1.0, 2.0], &[0.7, 1.9], 2.0);
		assert!((twice[0] - 1.3).abs() < 1e-6 && (twice[1] - 1.6).abs() < 1e-6, "{twice:?}");
	}

	#[test]
	fn row_should_stay_as_trained_where_it_only_decayed_or_was_not_touched() {
		let (from, to) = ([1.0, 2.0, 3.0, 1.0, 1.0, 1.0], [0.5, 1.0, 3.0, 1.0, 1.5, 0.5]);
		let out = mirror(&from, &to, 1.0);
		assert_eq!(out[..4], to[..4]);
		assert_eq!(out[4..], [0.5, 1.5], "nothing of this row lies along it");
		assert_eq!(mirror(&[0.0, 0.0], &[0.25, -0.5], 1.0), [-0.25, 0.5], "nothing to lie along");
	}
}
