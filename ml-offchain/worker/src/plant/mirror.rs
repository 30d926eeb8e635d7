//! Making a candidate worse so that it looks as it would have if it were better.
//!
//! A training run takes a step from the heads; a canary takes the same step backwards. Its norm, its spectrum, its
//! sparsity and its format are those of the run, and so is whatever is told by the size of a change alone. What a step
//! does to the length of a row of weights is no matter of better or worse and has a sign (weight decay shortens
//! every row, training lengthens some), so the part of each row's step that lies along the row is kept as it is,
//! and only the rest is turned round.

use blyan_model::{component_tensors, ModelError, Weights};
use blyan_primitives::dag::Component;

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
			let width = tensor.shape[1].max(1);
			for (from, to) in from[at..end].chunks(width).zip(to[at..end].chunks(width)) {
				mirror_row(from, to, strength, &mut numbers);
			}
			at = end;
		}
		canary.component_mut(*component)?.copy_from_slice(&numbers);
	}
	Ok(canary)
}

fn mirror_row(from: &[f32], to: &[f32], strength: f64, out: &mut Vec<f32>) {
	let (mut along, mut square) = (0.0, 0.0);
	for (a, b) in from.iter().zip(to).filter(|(a, b)| a != b) {
		let (a, step) = (f64::from(*a), f64::from(*b) - f64::from(*a));
		along += step * a;
		square += a * a;
	}
	let share = if square > 0.0 { along / square } else { 0.0 };
	out.extend(from.iter().zip(to).map(|(from, to)| {
		if from == to {
			return *from;
		}
		let (a, step) = (f64::from(*from), f64::from(*to) - f64::from(*from));
		let kept = share * a;
		(a + kept - strength * (step - kept)) as f32
	}));
}

#[cfg(test)]
mod tests {
	use super::*;

	fn row(from: &[f32], to: &[f32], strength: f64) -> Vec<f32> {
		let mut out = Vec::new();
		mirror_row(from, to, strength, &mut out);
		out
	}

	#[test]
	fn row_should_keep_its_length_and_turn_the_rest_round() {
		// Along the row a tenth is lost; across it the step is (-0.2, 0.1), turned round.
		let out = row(&[1.0, 2.0], &[0.7, 1.9], 1.0);
		assert!((out[0] - 1.1).abs() < 1e-6 && (out[1] - 1.7).abs() < 1e-6, "{out:?}");
		let norm = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>();
		assert!((norm(&out) - norm(&[0.7, 1.9])).abs() < 1e-5);
		let twice = row(&[1.0, 2.0], &[0.7, 1.9], 2.0);
		assert!((twice[0] - 1.3).abs() < 1e-6 && (twice[1] - 1.6).abs() < 1e-6, "{twice:?}");
	}

	#[test]
	fn row_should_stay_where_training_only_let_it_decay_or_did_not_touch_it() {
		assert_eq!(row(&[1.0, 2.0], &[0.5, 1.0], 1.0), [0.5, 1.0]);
		assert_eq!(row(&[1.0, 2.0], &[1.0, 2.0], 3.0), [1.0, 2.0]);
		assert_eq!(row(&[0.0, 0.0], &[0.25, -0.5], 1.0), [-0.25, 0.5], "nothing to lie along");
		let partly = row(&[1.0, 2.0, 3.0], &[1.0, 2.5, 2.0], 1.0);
		assert_eq!(partly[0], 1.0);
	}
}
