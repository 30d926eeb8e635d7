//! The column space that holds most of a matrix, by subspace iteration from a seeded random start.
//!
//! Source: Halko, Martinsson, Tropp, "Finding structure with randomness" (2011), algorithm 4.4. Sums are
//! in f64 and in a fixed order, whatever the number of threads.

use crate::arithmetic::rows_per_task;
use rand_chacha::{
	rand_core::{RngCore, SeedableRng},
	ChaCha8Rng,
};
use rayon::prelude::*;

/// Rounds of refinement; each squares the ratio of what is found to what is not.
const ITERATIONS: usize = 2;
/// A column of which no more than that part is new adds nothing but noise.
const NEGLIGIBLE: f64 = 1e-9;

/// A matrix of few columns, row by row.
struct Thin {
	columns: usize,
	values: Vec<f64>,
}

impl Thin {
	fn random(rows: usize, columns: usize, seed: u64) -> Self {
		let mut random = ChaCha8Rng::seed_from_u64(seed);
		// Uniform, and exact: no logarithm or cosine that differs between machines.
		let values = (0..rows * columns).map(|_| f64::from(random.next_u32().cast_signed())).collect();
		Self { columns, values }
	}

	/// Its columns made orthonormal, from left to right; those that hold nothing new are left out.
	fn orthonormal(self) -> Self {
		let rows = self.values.len() / self.columns.max(1);
		let mut basis: Vec<Vec<f64>> = Vec::with_capacity(self.columns);
		for column in 0..self.columns {
			let mut vector: Vec<f64> =
				self.values.iter().skip(column).step_by(self.columns).copied().collect();
			let whole = norm(&vector);
			// Twice, for what rounding left over the first time.
			for _ in 0..2 {
				for known in &basis {
					let along = dot(&vector, known);
					vector.iter_mut().zip(known).for_each(|(value, known)| *value -= along * known);
				}
			}
			let rest = norm(&vector);
			if rest > whole * NEGLIGIBLE {
				vector.iter_mut().for_each(|value| *value /= rest);
				basis.push(vector);
			}
		}
		let values = (0..rows).flat_map(|row| basis.iter().map(move |vector| vector[row])).collect();
		Self { columns: basis.len(), values }
	}
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
	a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

fn norm(vector: &[f64]) -> f64 {
	dot(vector, vector).sqrt()
}

/// `matrix` x `thin`; the matrix has as many columns as `thin` has rows.
fn times(matrix: &[f32], columns: usize, thin: &Thin) -> Thin {
	let width = thin.columns;
	let mut values = vec![0f64; matrix.len() / columns * width];
	let rows = rows_per_task(columns);
	values.par_chunks_mut(rows * width).zip(matrix.par_chunks(rows * columns)).for_each(|(out, matrix)| {
		for (out, row) in out.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
			for (element, thin) in row.iter().zip(thin.values.chunks_exact(width)) {
				let element = f64::from(*element);
				out.iter_mut().zip(thin).for_each(|(out, thin)| *out += element * thin);
			}
		}
	});
	Thin { columns: width, values }
}

/// The transpose of `matrix` x `thin`; the matrix has as many rows as `thin` has.
fn transpose_times(matrix: &[f32], columns: usize, thin: &Thin) -> Thin {
	let width = thin.columns;
	let mut values = vec![0f64; columns * width];
	// Each task takes some columns of the matrix, and goes through all rows.
	let per_task = columns.div_ceil(rayon::current_num_threads()).max(1);
	values.par_chunks_mut(per_task * width).enumerate().for_each(|(task, out)| {
		for (row, thin) in matrix.chunks_exact(columns).zip(thin.values.chunks_exact(width)) {
			for (element, out) in row[task * per_task..].iter().zip(out.chunks_exact_mut(width)) {
				let element = f64::from(*element);
				out.iter_mut().zip(thin).for_each(|(out, thin)| *out += element * thin);
			}
		}
	});
	Thin { columns: width, values }
}

/// An orthonormal basis, row by row, of at most `rank` columns that holds most of a matrix, and its width.
///
/// The matrix is row by row, finite, and not empty. The width is less than `rank` if the matrix's rank is,
/// and 0 only if the matrix is zero.
pub(crate) fn basis(matrix: &[f32], columns: usize, rank: usize, seed: u64) -> (Vec<f32>, usize) {
	let rank = rank.min(columns).min(matrix.len() / columns);
	let mut found = Thin::random(columns, rank, seed);
	for round in 0..=ITERATIONS {
		if round > 0 {
			found = transpose_times(matrix, columns, &found).orthonormal();
		}
		if found.columns > 0 {
			found = times(matrix, columns, &found).orthonormal();
		}
		if found.columns == 0 {
			break;
		}
	}
	(found.values.iter().map(|value| *value as f32).collect(), found.columns)
}

/// The right factor that goes with a left one: its transpose x the matrix, rank x columns, row by row.
pub(crate) fn right_factor(matrix: &[f32], columns: usize, left: &[f32], rank: usize) -> Vec<f32> {
	let left = Thin { columns: rank, values: left.iter().copied().map(f64::from).collect() };
	let right = transpose_times(matrix, columns, &left);
	(0..rank).flat_map(|row| right.values.iter().skip(row).step_by(rank).map(|value| *value as f32)).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::arithmetic::product_row;

	/// A matrix with known singular values, from two cosine bases.
	fn matrix(rows: usize, columns: usize, singular: &[f64]) -> Vec<f32> {
		let wave = |n: usize, i: usize, k: usize| {
			let angle = std::f64::consts::PI * (i as f64 + 0.5) * (k as f64 + 1.0) / n as f64;
			angle.cos() * (2.0 / n as f64).sqrt()
		};
		(0..rows * columns)
			.map(|at| {
				let (i, j) = (at / columns, at % columns);
				singular
					.iter()
					.enumerate()
					.map(|(k, s)| s * wave(rows, i, k) * wave(columns, j, k))
					.sum::<f64>() as f32
			})
			.collect()
	}

	/// The norm of what a low-rank stage of that rank leaves.
	fn left_over(matrix: &[f32], columns: usize, rank: usize) -> f64 {
		let (left, width) = basis(matrix, columns, rank, 1);
		assert!(width <= rank);
		let right = right_factor(matrix, columns, &left, width);
		let mut row = vec![0f32; columns];
		let mut sum = 0.0;
		for (index, values) in matrix.chunks(columns).enumerate() {
			product_row(&left[index * width..][..width], &right, &mut row);
			sum += values.iter().zip(&row).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
		}
		sum.sqrt()
	}

	#[test]
	fn basis_should_leave_little_more_than_the_best_of_that_rank() {
		for (rows, columns) in [(60, 90), (90, 60)] {
			let singular: Vec<f64> = (1..=30).map(|k| 1.0 / f64::from(k)).collect();
			let matrix = matrix(rows, columns, &singular);
			for rank in [1, 4, 8] {
				// The best has left what the further singular values hold (Eckart and Young).
				let best = singular[rank..].iter().map(|s| s * s).sum::<f64>().sqrt();
				let found = left_over(&matrix, columns, rank);
				assert!(found < best * 1.05, "rank {rank}: {found}, at best {best}");
				assert!(found > best * 0.999, "rank {rank}: {found} is better than can be");
			}
		}
	}

	#[test]
	fn basis_should_be_as_wide_as_the_matrix_needs() {
		let one = matrix(20, 30, &[3.0]);
		assert_eq!(basis(&one, 30, 1, 1).1, 1);
		assert!(left_over(&one, 30, 4) < 1e-5);
		assert_eq!(basis(&[0.0; 600], 30, 4, 1).1, 0);
		let (left, width) = basis(&[2.0], 1, 8, 1);
		assert_eq!((left[0].abs(), left.len(), width), (1.0, 1, 1));
	}

	#[test]
	fn basis_should_be_the_same_bits_for_any_number_of_threads() {
		let matrix = matrix(300, 200, &[2.0, 1.0, 0.5, 0.4, 0.3]);
		let on = |threads| {
			let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
			pool.install(|| {
				let (left, width) = basis(&matrix, 200, 4, 9);
				let right = right_factor(&matrix, 200, &left, width);
				left.into_iter().chain(right).map(f32::to_bits).collect::<Vec<_>>()
			})
		};
		assert_eq!(on(1), on(3));
	}
}
