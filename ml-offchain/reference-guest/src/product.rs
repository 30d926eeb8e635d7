//! Products of matrices.

/// Rows and columns of the result that are computed together, in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 4;

/// A matrix of weights.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
	numbers: &'a [f32],
	rows: usize,
	columns: usize,
	/// Whether `numbers` has its columns one after another, rather than its rows.
	by_columns: bool,
}

impl<'a> Matrix<'a> {
	/// Row-major `numbers [rows, columns]`.
	pub fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
		Self { numbers, rows, columns, by_columns: false }
	}

	/// The transpose of row-major `numbers [columns, rows]`.
	pub fn transposed(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
		Self { numbers, rows, columns, by_columns: true }
	}

	/// Copies columns from `first` on to `panel [rows, COLUMNS]`; what is beyond the last one is zero.
	fn pack(&self, first: usize, panel: &mut [f32]) {
		let width = COLUMNS.min(self.columns - first);
		for (row, panel) in panel.chunks_exact_mut(COLUMNS).enumerate() {
			for (column, number) in panel.iter_mut().enumerate() {
				let column_at = first + column;
				*number = match (column < width, self.by_columns) {
					(false, _) => 0.0,
					(true, false) => self.numbers[row * self.columns + column_at],
					(true, true) => self.numbers[column_at * self.rows + row],
				};
			}
		}
	}
}

/// Numbers that `panel` must have for [`product`] with a matrix of so many rows.
pub(crate) const fn panel_len(rows: u64) -> u64 {
	rows.saturating_mul(COLUMNS as u64)
}

/// `y = x * matrix` for `x [_, matrix.rows]`; each sum in rising order of the matrix's rows, from zero.
pub(crate) fn product(x: &[f32], matrix: Matrix<'_>, y: &mut [f32], panel: &mut [f32]) {
	let (inner, columns) = (matrix.rows, matrix.columns);
	let panel = &mut panel[..inner * COLUMNS];
	let mut first = 0;
	while first < columns {
		matrix.pack(first, panel);
		let width = COLUMNS.min(columns - first);
		let x_groups = x.chunks(ROWS * inner);
		for (x, y) in x_groups.zip(y.chunks_mut(ROWS * columns)) {
			let mut rows = x.chunks_exact(inner);
			let sums = match (rows.next(), rows.next(), rows.next(), rows.next()) {
				(Some(a), Some(b), Some(c), Some(d)) => tile([a, b, c, d], panel),
				_ => {
					let mut sums = [[0.0; COLUMNS]; ROWS];
					for (sums, x) in sums.iter_mut().zip(x.chunks_exact(inner)) {
						[*sums] = tile([x], panel);
					}
					sums
				}
			};
			for (sums, y) in sums.iter().zip(y.chunks_exact_mut(columns)) {
				y[first..first + width].copy_from_slice(&sums[..width]);
			}
		}
		first += COLUMNS;
	}
}

/// The products of some rows with the columns of a panel.
#[inline(always)]
fn tile<const N: usize>(x: [&[f32]; N], panel: &[f32]) -> [[f32; COLUMNS]; N] {
	let mut sums = [[0.0; COLUMNS]; N];
	for (i, w) in panel.chunks_exact(COLUMNS).enumerate() {
		for (sums, x) in sums.iter_mut().zip(x) {
			let x = x[i];
			for (sum, w) in sums.iter_mut().zip(w) {
				*sum += x * w;
			}
		}
	}
	sums
}
