//! Matrix products: a checked face over `gemm-f32`, on the calling thread.

use gemm_common::Parallelism;

/// A matrix to read: strides in elements.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
	data: &'a [f32],
	rows: usize,
	columns: usize,
	row_stride: usize,
	column_stride: usize,
}

impl<'a> Mat<'a> {
	/// Row-major without gaps. Panics unless `data` is exactly that long: a fault of the caller.
	pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
		assert_eq!(data.len(), rows * columns);
		Self { data, rows, columns, row_stride: columns, column_stride: 1 }
	}

	/// Rows of `columns` numbers, `row_stride` apart.
	pub fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
		Self { data, rows, columns, row_stride, column_stride: 1 }
	}

	/// The same numbers, transposed.
	pub fn t(self) -> Self {
		Self {
			rows: self.columns,
			columns: self.rows,
			row_stride: self.column_stride,
			column_stride: self.row_stride,
			..self
		}
	}
}

/// A matrix to write, row-major.
pub(crate) struct MatMut<'a> {
	data: &'a mut [f32],
	rows: usize,
	columns: usize,
	row_stride: usize,
}

impl<'a> MatMut<'a> {
	/// Row-major without gaps. Panics unless `data` is exactly that long: a fault of the caller.
	pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
		assert_eq!(data.len(), rows * columns);
		Self { data, rows, columns, row_stride: columns }
	}

	/// Rows of `columns` numbers, `row_stride` apart.
	pub fn strided(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
		Self { data, rows, columns, row_stride }
	}
}

/// The index of the last element, or `None` of an empty matrix.
fn last_index(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Option<usize> {
	let (row, column) = (rows.checked_sub(1)?, columns.checked_sub(1)?);
	row.checked_mul(row_stride)?.checked_add(column.checked_mul(column_stride)?)
}

fn assert_within(len: usize, rows: usize, columns: usize, row_stride: usize, column_stride: usize) {
	if rows > 0 && columns > 0 {
		let last = last_index(rows, columns, row_stride, column_stride);
		assert!(
			last.is_some_and(|last| last < len),
			"a {rows} x {columns} matrix is outside its {len} numbers"
		);
	}
}

/// `out = scale * a * b`, or `out += scale * a * b` when `accumulate`.
///
/// Panics when the shapes do not fit: a fault of the caller, never of what is read from a file.
#[allow(unsafe_code)]
pub(crate) fn matmul(out: MatMut<'_>, a: Mat<'_>, b: Mat<'_>, scale: f32, accumulate: bool) {
	assert_eq!((out.rows, out.columns, a.columns), (a.rows, b.columns, b.rows), "shapes of a product");
	assert_within(out.data.len(), out.rows, out.columns, out.row_stride, 1);
	assert!(out.rows <= 1 || out.row_stride >= out.columns, "rows that are written must not overlap");
	assert_within(a.data.len(), a.rows, a.columns, a.row_stride, a.column_stride);
	assert_within(b.data.len(), b.rows, b.columns, b.row_stride, b.column_stride);
	// The kernels prefer a column-major result: compute the transpose, `out^T = b^T a^T`.
	// SAFETY: every element that the product reads or writes lies inside its slice, as asserted
	// above (strides fit `isize` as they are below the length of a slice); `out` is borrowed
	// mutably, so nothing that is read overlaps what is written.
	unsafe {
		gemm_f32::gemm::f32::get_gemm_fn()(
			out.columns,
			out.rows,
			a.columns,
			out.data.as_mut_ptr(),
			out.row_stride as isize,
			1,
			accumulate,
			b.data.as_ptr(),
			b.row_stride as isize,
			b.column_stride as isize,
			a.data.as_ptr(),
			a.row_stride as isize,
			a.column_stride as isize,
			1.0,
			scale,
			false,
			false,
			false,
			Parallelism::None,
		);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn naive(a: &Mat<'_>, b: &Mat<'_>, row: usize, column: usize) -> f32 {
		(0..a.columns)
			.map(|i| {
				a.data[row * a.row_stride + i * a.column_stride]
					* b.data[i * b.row_stride + column * b.column_stride]
			})
			.sum()
	}

	proptest! {
		#[test]
		fn matmul_should_agree_with_the_definition_when_strided_or_transposed(
			(m, n, k) in (1usize..20, 1usize..40, 1usize..20),
			(gap_a, gap_b, gap_out) in (0usize..3, 0usize..3, 0usize..3),
			flip_a in any::<bool>(), flip_b in any::<bool>(), accumulate in any::<bool>(),
		) {
			let fill = |len: usize, by: usize| (0..len).map(|i| ((i * by) % 17) as f32 - 8.0).collect::<Vec<_>>();
			let (a_rows, a_columns) = if flip_a { (k, m) } else { (m, k) };
			let (b_rows, b_columns) = if flip_b { (n, k) } else { (k, n) };
			let (a, b) = (fill(a_rows * (a_columns + gap_a), 5), fill(b_rows * (b_columns + gap_b), 7));
			let a = Mat::strided(&a, a_rows, a_columns, a_columns + gap_a);
			let b = Mat::strided(&b, b_rows, b_columns, b_columns + gap_b);
			let (a, b) = (if flip_a { a.t() } else { a }, if flip_b { b.t() } else { b });
			let stride = n + gap_out;
			let before = fill(m * stride, 3);
			let mut out = before.clone();
			matmul(MatMut::strided(&mut out, m, n, stride), a, b, 0.5, accumulate);
			for i in 0..m {
				for j in 0..stride {
					let old = before[i * stride + j];
					// Whole numbers and halves: exact in f32.
					let expected = if j >= n { old } else {
						0.5 * naive(&a, &b, i, j) + if accumulate { old } else { 0.0 }
					};
					prop_assert_eq!(out[i * stride + j], expected);
				}
			}
		}
	}

	#[test]
	#[should_panic(expected = "outside its")]
	fn matmul_should_panic_when_a_matrix_is_outside_its_numbers() {
		let mut out = [0.0; 4];
		matmul(
			MatMut::new(&mut out, 2, 2),
			Mat::strided(&[0.0; 4], 2, 2, 3),
			Mat::new(&[0.0; 4], 2, 2),
			1.0,
			false,
		);
	}
}
